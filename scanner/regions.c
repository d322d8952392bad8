/* SPDX-License-Identifier: Apache-2.0 */
#include "regions.h"

#include "regions_marks.h"

#include <stdio.h>
#include <string.h>

void cs_regions_deinit(struct cs_regions *regions)
{
        cs_vec_deinit(&regions->at);
        cs_vec_deinit(&regions->stacks);
        cs_pool_deinit(&regions->pool);
        *regions = (struct cs_regions){ 0 };
}

static bool named(const struct cs_mapping *m, const char *start)
{
        return m->path && strncmp(m->path, start, strlen(start)) == 0;
}

/* What a mapping is by its nature; CS_KIND_ANONYMOUS: that is for others to say. */
static enum cs_kind nature(const struct cs_image *image, const struct cs_mapping *m)
{
        if (named(m, "[v") || (image->at_vdso && cs_range_has(m->range, image->at_vdso)))
                return CS_KIND_VDSO;
        if (m->module != CS_NO_MODULE)
                return m->perms & CS_PERM_EXEC ? CS_KIND_MODULE_CODE : CS_KIND_MODULE_DATA;
        if (m->perms & CS_PERM_SHARED || named(m, "/SYSV") || named(m, "/memfd:") || named(m, "/dev/shm/") ||
            named(m, "/dev/zero"))
                return CS_KIND_SHARED;
        return m->file_backed ? CS_KIND_FILE : CS_KIND_ANONYMOUS;
}

/* The mark that holds addr, or NULL; *end is lowered to where the answer changes. *at only moves forward. */
static const struct cs_mark *mark_at(const cs_mark_vec *marks, size_t *at, uint64_t addr, uint64_t *end)
{
        while (*at < marks->n && marks->at[*at].range.end <= addr)
                ++*at;
        if (*at == marks->n)
                return NULL;
        const struct cs_mark *m = &marks->at[*at];
        bool inside = m->range.start <= addr;
        uint64_t change = inside ? m->range.end : m->range.start;
        if (change < *end)
                *end = change;
        return inside ? m : NULL;
}

struct painter {
        const struct cs_regions_input *in;
        cs_mark_vec heaps, stacks;
        size_t heap_at, stack_at;
};

static void paint(const struct cs_mapping *m, const struct cs_mark *mark, struct cs_region *r)
{
        r->kind = mark->kind;
        r->module = mark->module;
        r->detail = mark->detail;
        r->heap = mark->heap;
        /* What an arena gave back without taking the right to write from it (glibc, heap_trim). */
        if (mark->reserve && (m->perms & CS_PERM_WRITE || r->resident || r->swapped))
                r->kind = CS_KIND_MALLOC_FREE;
}

/* Does a runtime own a part of the mapping? */
static bool claimed(const struct painter *p, const struct cs_mapping *m)
{
        uint64_t next;
        return cs_claims_find(p->in->claims, m->range.start, &next) || next < m->range.end;
}

static void measure(const struct painter *p, struct cs_region *r)
{
        r->resident = cs_residency_bytes(p->in->residency, r->range);
        r->swapped = cs_residency_swapped(p->in->residency, r->range);
}

/* The region of a mapping that begins at addr; kind: what the mapping is where nobody says more. */
static struct cs_region part_at(struct painter *p, uint32_t mapping, enum cs_kind kind, uint64_t addr)
{
        const struct cs_mapping *m = &p->in->image->mappings.at[mapping];
        struct cs_region r = { .range = { addr, m->range.end }, .mapping = mapping, .module = CS_NO_MODULE };
        uint64_t next;
        const struct cs_mark *mark = NULL;
        const struct cs_claim *claim = cs_claims_within(p->in->claims, addr, &next);
        r.lent = claim;
        if (claim)
                next = claim->range.end;
        if (next < r.range.end)
                r.range.end = next;
        if (!claim)
                mark = mark_at(&p->heaps, &p->heap_at, addr, &r.range.end);
        if (!mark && !claim) {
                claim = cs_claims_find(p->in->claims, addr, &next);
                if (claim)
                        next = claim->range.end;
                if (next < r.range.end)
                        r.range.end = next;
        }
        if (!mark && !claim)
                mark = mark_at(&p->stacks, &p->stack_at, addr, &r.range.end);
        bool reserve = mark ? mark->reserve : !claim && kind == CS_KIND_ANONYMOUS;
        if (!p->in->kinds_only || (reserve && !(m->perms & CS_PERM_WRITE)))
                measure(p, &r);
        if (mark) {
                paint(m, mark, &r);
        } else if (claim) {
                r.kind = claim->kind;
                r.module = claim->module;
                r.detail = claim->detail;
        } else {
                /* gcore writes PROT_NONE mappings as read-only zeros. */
                bool empty = !(m->perms & CS_PERM_WRITE) && r.resident == 0 && r.swapped == 0;
                r.kind = empty && kind == CS_KIND_ANONYMOUS ? CS_KIND_RESERVED : kind;
        }
        return r;
}

static enum cs_status paint_all(struct painter *p, struct cs_regions *out, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < p->in->image->mappings.n; i++) {
                const struct cs_mapping *m = &p->in->image->mappings.at[i];
                enum cs_kind kind = nature(p->in->image, m);
                struct cs_region whole = {
                        .range = m->range, .kind = kind, .module = m->module, .mapping = (uint32_t)i
                };
                if (kind != CS_KIND_ANONYMOUS && !(kind == CS_KIND_SHARED && claimed(p, m))) {
                        if (!p->in->kinds_only)
                                measure(p, &whole);
                        st = cs_vec_push(&out->at, whole, err);
                        continue;
                }
                for (uint64_t addr = m->range.start; st == CS_OK && addr < m->range.end;) {
                        struct cs_region r = part_at(p, (uint32_t)i, kind, addr);
                        addr = r.range.end;
                        st = cs_vec_push(&out->at, r, err);
                }
        }
        return st;
}

/* ---- blocks ------------------------------------------------------------------------------------------------------ */

struct adder {
        struct cs_regions *regions;
        struct cs_residency_walk residency;
        size_t at;     /* no region before it ends behind what was added */
        uint64_t done; /* up to here all is added: blocks that lie over others count once */
};

static void add_run(struct adder *a, struct cs_range run, bool used)
{
        if (run.start < a->done)
                run.start = a->done;
        if (run.start >= run.end)
                return;
        a->done = run.end;
        while (a->at < a->regions->at.n && a->regions->at.at[a->at].range.end <= run.start)
                a->at++;
        for (size_t i = a->at; i < a->regions->at.n && a->regions->at.at[i].range.start < run.end; i++) {
                struct cs_region *r = &a->regions->at.at[i];
                struct cs_range part = cs_range_cut(run, r->range);
                if (!r->heap || part.start >= part.end)
                        continue;
                uint64_t resident = r->resident == 0 ? 0
                                    : r->resident == cs_range_size(r->range)
                                            ? cs_range_size(part)
                                            : cs_residency_walk_bytes(&a->residency, part);
                *(used ? &r->used : &r->freed) += cs_range_size(part);
                *(used ? &r->used_resident : &r->freed_resident) += resident;
        }
}

enum use { USE_NONE, USE_USED, USE_FREE };

static enum use use_of(enum cs_block_state state)
{
        switch (state) {
        case CS_BLOCK_IN_USE:
                return USE_USED;
        case CS_BLOCK_FREE:
        case CS_BLOCK_CACHED:
        case CS_BLOCK_TOP:
                return USE_FREE;
        default:
                return USE_NONE;
        }
}

/* Runs of blocks that are used alike are added as one. */
static void add_blocks(struct cs_regions *out, const struct cs_regions_input *in)
{
        const struct cs_blocks *blocks = &in->heaps->blocks;
        struct adder a = { .regions = out, .residency = { .residency = in->residency } };
        for (size_t r = 0; r < blocks->ranges.n; r++) {
                const struct cs_heap_range *range = &blocks->ranges.at[r];
                struct cs_range run = { 0, 0 };
                enum use use = USE_NONE;
                struct cs_block_cursor cursor = cs_blocks_of(blocks, range);
                struct cs_block_group group;
                while (cs_blocks_next_group(&cursor, &group)) {
                        enum use next = use_of(group.state);
                        if (next != use || group.range.start != run.end) {
                                if (use != USE_NONE)
                                        add_run(&a, run, use == USE_USED);
                                run.start = group.range.start;
                                use = next;
                        }
                        run.end = group.range.end;
                }
                if (use != USE_NONE)
                        add_run(&a, run, use == USE_USED);
        }
}

/* Does any block of the heap range that lies in the region count as used, and if not, as free? */
static void see_blocks(const struct cs_blocks *blocks, uint32_t range, struct cs_region *r)
{
        const struct cs_heap_range *h = &blocks->ranges.at[range];
        struct cs_range part = cs_range_cut(h->range, r->range);
        struct cs_block b;
        uint32_t index;
        if (!r->heap || part.start >= part.end)
                return;
        struct cs_block_cursor cursor =
                cs_blocks_from(blocks, cs_blocks_index(blocks, range, part.start), h->first + h->count);
        while (!r->used && cs_blocks_next(&cursor, &b, &index) && b.start < part.end) {
                enum use use = use_of(b.state);
                if (use != USE_NONE)
                        *(use == USE_USED ? &r->used : &r->freed) = b.size;
        }
}

/* What add_blocks() adds up, as far as it tells kinds: a few blocks are looked at, not all. */
static void see_all_blocks(struct cs_regions *out, const struct cs_blocks *blocks)
{
        size_t first = 0;
        for (uint32_t range = 0; range < blocks->ranges.n; range++) {
                const struct cs_range in = blocks->ranges.at[range].range;
                while (first < out->at.n && out->at.at[first].range.end <= in.start)
                        first++;
                for (size_t i = first; i < out->at.n && out->at.at[i].range.start < in.end; i++)
                        see_blocks(blocks, range, &out->at.at[i]);
        }
}

static const char *bytes_text(char *text, size_t len, uint64_t bytes)
{
        static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
        double value = (double)bytes;
        size_t i = 0;
        for (; value >= 1000 && i + 1 < sizeof(units) / sizeof(units[0]); i++)
                value /= 1024;
        (void)snprintf(text, len, i ? "%.1f %s" : "%.0f %s", value, units[i]);
        return text;
}

/* sums: with how many bytes are used and free. */
static enum cs_status tell_use(struct cs_regions *out, bool sums, struct cs_error *err)
{
        for (size_t i = 0; i < out->at.n; i++) {
                struct cs_region *r = &out->at.at[i];
                char used[32], freed[32];
                if (!r->heap || r->kind != CS_KIND_MALLOC_USED)
                        continue;
                if (!r->used)
                        r->kind = r->freed ? CS_KIND_MALLOC_FREE : CS_KIND_MALLOC_OVERHEAD;
                if (!sums || strncmp(r->detail, "mmapped", 7) == 0)
                        continue;
                r->detail = cs_pool_printf(&out->pool, "%s: %s in use, %s free", r->detail,
                                           bytes_text(used, sizeof(used), r->used),
                                           bytes_text(freed, sizeof(freed), r->freed));
                if (!r->detail)
                        return cs_fail(err, CS_ENOMEM, "regions");
        }
        return CS_OK;
}

enum cs_status cs_regions_build(const struct cs_regions_input *input, struct cs_regions *out,
                                struct cs_error *err)
{
        struct painter p = { .in = input };
        enum cs_status st = cs_marks_of_heaps(input->heaps, &out->pool, &p.heaps, err);
        if (st == CS_OK)
                st = cs_stacks_find(input->image, input->symbols, &out->pool, &out->stacks, err);
        if (st == CS_OK)
                st = cs_marks_of_stacks(input, &out->stacks, &p.stacks, err);
        if (st == CS_OK)
                st = paint_all(&p, out, err);
        if (st == CS_OK) {
                if (input->kinds_only)
                        see_all_blocks(out, &input->heaps->blocks);
                else
                        add_blocks(out, input);
                st = tell_use(out, !input->kinds_only, err);
        }
        cs_vec_deinit(&p.heaps);
        cs_vec_deinit(&p.stacks);
        return st;
}

/* ---- the report -------------------------------------------------------------------------------------------------- */

const struct cs_region *cs_regions_at(const struct cs_regions *regions, uint64_t addr)
{
        size_t i = cs_first_behind(regions->at.at, regions->at.n, range.end, addr);
        return i < regions->at.n && cs_range_has(regions->at.at[i].range, addr) ? &regions->at.at[i] : NULL;
}

enum cs_status cs_regions_report(const struct cs_regions *regions, const struct cs_image *image,
                                 struct cs_report *report, struct cs_error *err)
{
        report->regions = cs_pool_alloc(&report->pool, regions->at.n + 1, sizeof(*report->regions));
        if (!report->regions)
                return cs_fail(err, CS_ENOMEM, "regions");
        for (size_t i = 0; i < regions->at.n; i++) {
                const struct cs_region *r = &regions->at.at[i];
                const struct cs_mapping *m = &image->mappings.at[r->mapping];
                const char *owner = r->module == CS_NO_MODULE ? NULL : image->modules.at[r->module].name;
                struct cs_report_region *o = &report->regions[report->n_regions++];
                *o = (struct cs_report_region){ .start = r->range.start,
                                                .end = r->range.end,
                                                .kind = cs_kind_name(r->kind),
                                                .resident = r->resident,
                                                .swapped = r->swapped };
                o->perms[0] = m->perms & CS_PERM_READ ? 'r' : '-';
                o->perms[1] = m->perms & CS_PERM_WRITE ? 'w' : '-';
                o->perms[2] = m->perms & CS_PERM_EXEC ? 'x' : '-';
                o->perms[3] = m->perms & CS_PERM_SHARED ? 's' : 'p';
                o->owner = owner ? cs_pool_copy(&report->pool, owner, strlen(owner)) : NULL;
                o->path = m->path ? cs_pool_copy(&report->pool, m->path, strlen(m->path)) : NULL;
                o->detail = r->detail ? cs_pool_copy(&report->pool, r->detail, strlen(r->detail)) : NULL;
                if ((owner && !o->owner) || (m->path && !o->path) || (r->detail && !o->detail))
                        return cs_fail(err, CS_ENOMEM, "regions");
        }
        return CS_OK;
}
