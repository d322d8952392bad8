/* SPDX-License-Identifier: Apache-2.0 */
#include "roots.h"

enum {
        UNIT_BYTES = 4 << 20,
        RED_ZONE = 128, /* x86-64 psABI, 3.2.2: leaf functions use it below the stack pointer */
};

struct plan {
        const struct cs_roots_input *in;
        cs_root_vec *out;
        struct cs_error *err;
};

/* Units in which nothing can be read, or which are known to be zero, are left out: reserved memory may take terabytes of the
 * address space. */
static enum cs_status add_pieces(struct plan *p, struct cs_range range, uint32_t root)
{
        while (range.start < range.end) {
                uint64_t next = cs_source_next_data(p->in->image->source, range.start);
                if (next >= range.end)
                        break;
                range.start += (next - range.start) / UNIT_BYTES * UNIT_BYTES;
                struct cs_root_unit unit = { range, root, 0 };
                if (cs_range_size(range) > UNIT_BYTES)
                        unit.range.end = range.start + UNIT_BYTES;
                enum cs_status st = cs_vec_push(p->out, unit, p->err);
                if (st != CS_OK)
                        return st;
                range.start = unit.range.end;
        }
        return CS_OK;
}

/* The slots that lie in the range, as one unit; what is beside them counts as it is. */
static enum cs_status add_slots(struct plan *p, const struct cs_slot_run *slots, struct cs_range range,
                                uint32_t root)
{
        uint64_t size = slots->size, into = (range.start - slots->range.start) % size;
        uint64_t first = into ? range.start + (size - into) : range.start;
        if (first >= range.end || range.end - first < size)
                return add_pieces(p, range, root);
        struct cs_range before = { range.start, first };
        struct cs_root_unit unit = { { first, first + (range.end - first) / size * size },
                                     root,
                                     slots->size };
        struct cs_range behind = { unit.range.end, range.end };
        enum cs_status st = add_pieces(p, before, root);
        if (st == CS_OK)
                st = cs_vec_push(p->out, unit, p->err);
        return st == CS_OK ? add_pieces(p, behind, root) : st;
}

/* Managed heaps that tell which of their slots are free are units of their own. */
static enum cs_status add_units(struct plan *p, struct cs_range range, uint32_t root)
{
        enum cs_status st = CS_OK;
        while (st == CS_OK && p->in->claims && range.start < range.end) {
                uint64_t next;
                const struct cs_slot_run *slots = cs_claims_slots(p->in->claims, range.start, &next);
                struct cs_range part = range;
                if (slots && slots->range.end < next)
                        next = slots->range.end;
                if (next < part.end)
                        part.end = next;
                st = slots ? add_slots(p, slots, part, root) : add_pieces(p, part, root);
                range.start = part.end;
        }
        return st == CS_OK ? add_pieces(p, range, root) : st;
}

/* Leaves out what threads that ended left behind: locals and thread-local variables that nobody will read again. */
static enum cs_status add(struct plan *p, struct cs_range range, uint32_t root)
{
        enum cs_status st = CS_OK;
        size_t i = p->in->stacks
                           ? cs_first_behind(p->in->stacks->at, p->in->stacks->n, range.end, range.start)
                           : 0;
        for (; st == CS_OK && p->in->stacks && i < p->in->stacks->n &&
               p->in->stacks->at[i].range.start < range.end;
             i++) {
                const struct cs_stack *s = &p->in->stacks->at[i];
                if (!s->ended)
                        continue;
                struct cs_range before = { range.start, s->range.start }, kept = cs_range_cut(s->kept, range);
                if (before.start < before.end)
                        st = add_units(p, before, root);
                if (st == CS_OK && kept.start < kept.end)
                        st = add_units(p, kept, root);
                range.start = s->range.end < range.end ? s->range.end : range.end;
        }
        return st == CS_OK ? add_units(p, range, root) : st;
}

/* Stacks count from the lowest stack pointer in them; what lies below was left by functions that returned. */
static uint64_t stack_start(const struct cs_image *image, const struct cs_mapping *m)
{
        uint64_t lowest = UINT64_MAX;
        for (size_t i = 0; i < image->threads.n; i++) {
                uint64_t sp = image->threads.at[i].sp;
                if (cs_range_has(m->range, sp) && sp < lowest)
                        lowest = sp;
        }
        if (lowest == UINT64_MAX || lowest - m->range.start < RED_ZONE)
                return m->range.start;
        return lowest - RED_ZONE;
}

/* The start of the first heap range behind addr, its page's start; UINT64_MAX where there is none. */
static uint64_t next_heap(const struct cs_blocks *blocks, uint64_t addr)
{
        size_t lo = 0, hi = blocks->ranges.n;
        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;
                if (blocks->ranges.at[mid].range.start <= addr)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        return lo < blocks->ranges.n ? cs_page_down(blocks->ranges.at[lo].range.start) : UINT64_MAX;
}

/* The parts of a mapping whose pages belong to no heap range. */
static enum cs_status add_mapping(struct plan *p, const struct cs_mapping *m, uint32_t root, uint64_t at)
{
        const struct cs_blocks *blocks = &p->in->heaps->blocks;
        while (at < m->range.end) {
                struct cs_space_entry e = cs_space_at(p->in->space, at);
                if (e.kind == CS_SPACE_HEAP) {
                        uint64_t end = cs_page_up(blocks->ranges.at[e.index].range.end);
                        at = end > at ? end : cs_page_down(at) + CS_PAGE;
                        continue;
                }
                uint64_t end = next_heap(blocks, at);
                if (end > m->range.end)
                        end = m->range.end;
                if (end <= at)
                        break;
                enum cs_status st = add(p, (struct cs_range){ at, end }, root);
                if (st != CS_OK)
                        return st;
                at = end;
        }
        return CS_OK;
}

/* The allocator's own data are no references: bins name free chunks, and their heads would name the neighbours of these. */
static enum cs_status add_module(struct plan *p, const struct cs_mapping *m)
{
        uint32_t root = cs_root(CS_ROOT_MODULE, (size_t)m->module);
        uint64_t at = m->range.start;
        for (size_t i = 0; i < p->in->heaps->arenas.n; i++) {
                const struct cs_arena *arena = &p->in->heaps->arenas.at[i];
                if (!arena->main || arena->address < at || !cs_range_has(m->range, arena->address))
                        continue;
                enum cs_status st = add(p, (struct cs_range){ at, arena->address }, root);
                if (st != CS_OK)
                        return st;
                at = arena->address + p->in->heaps->arena_bytes;
        }
        return at < m->range.end ? add(p, (struct cs_range){ at, m->range.end }, root) : CS_OK;
}

/* What was written before it was made read-only: relocated data, and what constructors put beside them. */
static enum cs_status add_relro(struct plan *p, const struct cs_mapping *m)
{
        const struct cs_space_module *module = &p->in->space->modules[m->module];
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < module->n_sections; i++) {
                struct cs_range part = cs_range_cut(module->sections[i].range, m->range);
                if (module->sections[i].part == CS_PART_RELRO && part.start < part.end)
                        st = add(p, part, cs_root(CS_ROOT_MODULE, (size_t)m->module));
        }
        return st;
}

/* Memory inside a heap that is no block: what others put there by moving the break, and what damage hides. */
static enum cs_status add_heap_gaps(struct plan *p)
{
        const struct cs_blocks *blocks = &p->in->heaps->blocks;
        for (size_t r = 0; r < blocks->ranges.n; r++) {
                const struct cs_heap_range *range = &blocks->ranges.at[r];
                struct cs_block_cursor cursor = cs_blocks_of(blocks, range);
                struct cs_block b;
                for (uint32_t i = range->first + 1; i - range->first < range->count; i++) {
                        if (cs_blocks_state(blocks, i) != CS_BLOCK_GAP)
                                continue;
                        uint32_t gap;
                        cs_blocks_skip(&cursor, i);
                        if (!cs_blocks_next_any(&cursor, &b, &gap))
                                break;
                        enum cs_status st =
                                add(p, cs_block_range(&b), cs_root(CS_ROOT_OTHER, CS_ROOT_NOWHERE));
                        if (st != CS_OK)
                                return st;
                }
        }
        return CS_OK;
}

static enum cs_status add_by_kind(struct plan *p, size_t mapping)
{
        const struct cs_mapping *m = &p->in->image->mappings.at[mapping];
        bool writable = m->perms & CS_PERM_WRITE;
        if (!(m->perms & CS_PERM_READ) || !m->dumped)
                return CS_OK;
        if (m->module != CS_NO_MODULE)
                return writable ? add_module(p, m) : add_relro(p, m);
        /* A file's constants hold no pointers; memory of no file was written before it was made read-only. */
        if (!writable && (m->file_backed || m->perms & CS_PERM_SHARED))
                return CS_OK;
        if (cs_space_at(p->in->space, m->range.end - 1).kind == CS_SPACE_STACK)
                return add_mapping(p, m, cs_root(CS_ROOT_STACK, mapping), stack_start(p->in->image, m));
        return add_mapping(p, m, cs_root(CS_ROOT_OTHER, mapping), m->range.start);
}

enum cs_status cs_roots_plan(const struct cs_roots_input *in, cs_root_vec *out, struct cs_error *err)
{
        struct plan p = { in, out, err };
        enum cs_status st = add_heap_gaps(&p);
        for (size_t i = 0; st == CS_OK && i < in->image->mappings.n; i++)
                st = add_by_kind(&p, i);
        return st;
}

enum cs_status cs_roots_plan_stale(const struct cs_roots_input *in, cs_root_vec *out, struct cs_error *err)
{
        struct plan p = { in, out, err };
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < in->image->mappings.n; i++) {
                const struct cs_mapping *m = &in->image->mappings.at[i];
                if (!(m->perms & CS_PERM_WRITE) || !m->dumped || m->module != CS_NO_MODULE ||
                    cs_space_at(in->space, m->range.end - 1).kind != CS_SPACE_STACK)
                        continue;
                struct cs_range below = { m->range.start, stack_start(in->image, m) };
                st = add_units(&p, below, cs_root(CS_ROOT_STACK, i));
        }
        for (size_t i = 0; st == CS_OK && in->stacks && i < in->stacks->n; i++) {
                const struct cs_stack *s = &in->stacks->at[i];
                struct cs_range below = { s->range.start, s->kept.start },
                                behind = { s->kept.end, s->range.end };
                if (s->ended)
                        st = add_units(&p, below, cs_root(CS_ROOT_STACK, CS_ROOT_NOWHERE));
                if (s->ended && st == CS_OK)
                        st = add_units(&p, behind, cs_root(CS_ROOT_STACK, CS_ROOT_NOWHERE));
        }
        return st;
}
