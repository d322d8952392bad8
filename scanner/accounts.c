/* SPDX-License-Identifier: Apache-2.0 */
#include "accounts.h"

#include <stdlib.h>
#include <string.h>

enum kind {
        KIND_USED,
        KIND_FREE,
        KIND_OVERHEAD,
        KIND_STACK,
        KIND_CODE,
        KIND_DATA,
        KIND_FILE,
        KIND_SHARED,
        KIND_VDSO,
        KIND_RESERVED,
        KIND_ANONYMOUS,
        KINDS,
};

static const char *const kind_names[KINDS] = {
        "malloc-used", "malloc-free", "malloc-overhead", "stack",     "module-code", "module-data", "file",
        "shared",      "vdso",        "reserved",        "anonymous",
};

struct account {
        uint64_t bytes, resident, regions;
};

struct books {
        const struct cs_image *image;
        const struct cs_space *space;
        const struct cs_heaps *heaps;
        const struct cs_residency *residency;
        struct account kinds[KINDS];
        uint64_t anonymous; /* resident, no file behind */
};

static void enter(struct books *b, enum kind kind, struct cs_range range)
{
        b->kinds[kind].bytes += cs_range_size(range);
        b->kinds[kind].resident += cs_residency_bytes(b->residency, range);
}

static bool named(const struct cs_mapping *m, const char *start)
{
        return m->path && strncmp(m->path, start, strlen(start)) == 0;
}

static bool is_shared(const struct cs_mapping *m)
{
        return m->perms & CS_PERM_SHARED || named(m, "/SYSV") || named(m, "/memfd:") ||
               named(m, "/dev/shm/") || named(m, "/dev/zero");
}

static enum kind mapping_kind(const struct books *b, const struct cs_mapping *m)
{
        if (named(m, "[v"))
                return KIND_VDSO;
        if (m->module != CS_NO_MODULE)
                return m->perms & CS_PERM_EXEC ? KIND_CODE : KIND_DATA;
        if (is_shared(m))
                return KIND_SHARED;
        if (m->file_backed)
                return KIND_FILE;
        if (cs_space_at(b->space, m->range.end - 1).kind == CS_SPACE_STACK)
                return KIND_STACK;
        /* gcore writes PROT_NONE mappings as read-only zeros. */
        if (!(m->perms & CS_PERM_WRITE) && cs_residency_bytes(b->residency, m->range) == 0)
                return KIND_RESERVED;
        return KIND_ANONYMOUS;
}

/* One block under its kind, one range at most of each in use and free. */
static void enter_block(struct books *b, const struct cs_block *block)
{
        switch (cs_block_state(block)) {
        case CS_BLOCK_IN_USE:
                enter(b, KIND_USED, cs_block_range(block));
                break;
        case CS_BLOCK_FREE:
        case CS_BLOCK_CACHED:
        case CS_BLOCK_TOP:
                enter(b, KIND_FREE, cs_block_range(block));
                break;
        default:
                enter(b, KIND_OVERHEAD, cs_block_range(block));
        }
}

static int by_start(const void *a, const void *b)
{
        const struct cs_range *x = a, *y = b;
        return x->start < y->start ? -1 : x->start > y->start;
}

/* Claims and heap ranges as one sorted list without overlaps. */
static enum cs_status heap_cover(const struct cs_heaps *heaps, struct cs_range **out, size_t *n,
                                 struct cs_error *err)
{
        size_t total = heaps->claimed.n + heaps->blocks.ranges.n, kept = 0;
        struct cs_range *all = malloc((total + 1) * sizeof(*all));
        if (!all)
                return cs_fail(err, CS_ENOMEM, "heap ranges");
        for (size_t i = 0; i < heaps->claimed.n; i++)
                all[i] = heaps->claimed.at[i];
        for (size_t i = 0; i < heaps->blocks.ranges.n; i++)
                all[heaps->claimed.n + i] = heaps->blocks.ranges.at[i].range;
        qsort(all, total, sizeof(*all), by_start);
        for (size_t i = 0; i < total; i++) {
                if (kept && all[i].start <= all[kept - 1].end) {
                        if (all[i].end > all[kept - 1].end)
                                all[kept - 1].end = all[i].end;
                } else {
                        all[kept++] = all[i];
                }
        }
        *out = all;
        *n = kept;
        return CS_OK;
}

/* A heap that a lying structure put upon something else stays what the mapping is: nothing is counted twice. */
static bool is_anonymous(const struct books *b, struct cs_range range)
{
        while (range.start < range.end) {
                const struct cs_mapping *m = cs_image_mapping_at(b->image, range.start);
                if (!m || mapping_kind(b, m) != KIND_ANONYMOUS)
                        return false;
                range.start = m->range.end;
        }
        return true;
}

/* Heaps lie in anonymous mappings: what they cover goes from "anonymous" to malloc's kinds, blocks first, the rest (arena
 * headers, gaps between blocks) as overhead. */
static enum cs_status enter_heaps(struct books *b, struct cs_error *err)
{
        struct cs_range *cover = NULL;
        size_t n = 0, at = 0;
        enum cs_status st = heap_cover(b->heaps, &cover, &n, err);
        if (st != CS_OK)
                return st;
        struct account covered = { 0 };
        for (size_t i = 0; i < b->image->mappings.n; i++) {
                const struct cs_mapping *m = &b->image->mappings.at[i];
                if (mapping_kind(b, m) != KIND_ANONYMOUS)
                        continue;
                while (at < n && cover[at].end <= m->range.start)
                        at++;
                for (size_t k = at; k < n && cover[k].start < m->range.end; k++) {
                        struct cs_range part = cs_range_cut(cover[k], m->range);
                        covered.bytes += cs_range_size(part);
                        covered.resident += cs_residency_bytes(b->residency, part);
                }
        }
        free(cover);
        for (size_t r = 0; r < b->heaps->blocks.ranges.n; r++) {
                const struct cs_heap_range *range = &b->heaps->blocks.ranges.at[r];
                bool counts = is_anonymous(b, range->range);
                struct cs_block_cursor cursor = cs_blocks_of(&b->heaps->blocks, range);
                struct cs_block block;
                uint32_t i;
                while (counts && cs_blocks_next(&cursor, &block, &i))
                        enter_block(b, &block);
        }
        struct account *used = &b->kinds[KIND_USED], *freed = &b->kinds[KIND_FREE];
        struct account *overhead = &b->kinds[KIND_OVERHEAD], *rest = &b->kinds[KIND_ANONYMOUS];
        overhead->bytes = covered.bytes - used->bytes - freed->bytes;
        overhead->resident = covered.resident - used->resident - freed->resident;
        rest->bytes -= covered.bytes;
        rest->resident -= covered.resident;
        used->regions = freed->regions = overhead->regions = b->heaps->blocks.ranges.n;
        return CS_OK;
}

static int by_resident(const void *a, const void *b)
{
        const struct cs_report_kind *x = a, *y = b;
        if (x->resident != y->resident)
                return x->resident > y->resident ? -1 : 1;
        return x->bytes != y->bytes ? (x->bytes > y->bytes ? -1 : 1) : strcmp(x->kind, y->kind);
}

enum cs_status cs_accounts_build(const struct cs_image *image, const struct cs_space *space,
                                 const struct cs_heaps *heaps, const struct cs_residency *residency,
                                 struct cs_pool *pool, struct cs_report_memory *memory, struct cs_error *err)
{
        struct books b = { image, space, heaps, residency, { { 0 } }, 0 };
        for (size_t i = 0; i < image->mappings.n; i++) {
                const struct cs_mapping *m = &image->mappings.at[i];
                enum kind kind = mapping_kind(&b, m);
                enter(&b, kind, m->range);
                b.kinds[kind].regions++;
                if (!m->file_backed && kind != KIND_VDSO)
                        b.anonymous += cs_residency_bytes(residency, m->range);
        }
        enum cs_status st = enter_heaps(&b, err);
        if (st != CS_OK)
                return st;
        memory->kinds = cs_pool_alloc(pool, KINDS, sizeof(*memory->kinds));
        if (!memory->kinds)
                return cs_fail(err, CS_ENOMEM, "accounts");
        for (enum kind k = 0; k < KINDS; k++) {
                const struct account *a = &b.kinds[k];
                memory->mapped += a->bytes;
                memory->resident += a->resident;
                if (a->bytes)
                        memory->kinds[memory->n_kinds++] =
                                (struct cs_report_kind){ kind_names[k], a->bytes, a->resident, a->regions };
        }
        memory->anonymous = b.anonymous;
        memory->unexplained = b.kinds[KIND_ANONYMOUS].resident;
        qsort(memory->kinds, memory->n_kinds, sizeof(*memory->kinds), by_resident);
        return CS_OK;
}
