/* SPDX-License-Identifier: Apache-2.0 */
#include "regions_marks.h"

#include "glibc_layout.h"

#include <stdlib.h>

enum {
        ARENA_NONE = -1,     /* an mmapped block */
        ARENA_UNKNOWN = -2,  /* claimed, no block says by which arena */
        GUARD_MAX = 1 << 20, /* larger ones were merged with other mappings of no access */
};

/* One heap of an arena, or one mmapped block. */
struct span {
        struct cs_range range, top;
        int64_t arena;
};

typedef CS_VEC(struct span) span_vec;

static int by_start(const void *a, const void *b)
{
        const struct span *x = a, *y = b;
        if (x->range.start != y->range.start)
                return x->range.start < y->range.start ? -1 : 1;
        return x->range.end > y->range.end ? -1 : x->range.end < y->range.end;
}

static struct span span_of(const struct cs_heaps *heaps, const struct cs_heap_range *r)
{
        struct span s = { r->range, { 0, 0 }, r->arena < heaps->arenas.n ? (int64_t)r->arena : ARENA_NONE };
        if (s.arena == ARENA_NONE || !r->count)
                return s;
        struct cs_block last = cs_blocks_get(&heaps->blocks, r->first + r->count - 1);
        if (cs_block_state(&last) == CS_BLOCK_TOP && cs_block_size(&last) >= CS_PAGE)
                s.top = cs_range_cut(cs_block_range(&last), r->range);
        return s;
}

/* Makes one span of those that overlap, if they can be of one heap; else the first keeps what both have. */
static void merge(span_vec *spans)
{
        size_t kept = 0;
        if (spans->n)
                qsort(spans->at, spans->n, sizeof(*spans->at), by_start);
        for (size_t i = 0; i < spans->n; i++) {
                struct span s = spans->at[i], *last = kept ? &spans->at[kept - 1] : NULL;
                if (last && s.range.start < last->range.end) {
                        if (s.arena != ARENA_NONE && last->arena != ARENA_NONE &&
                            (s.arena == last->arena || s.arena == ARENA_UNKNOWN ||
                             last->arena == ARENA_UNKNOWN)) {
                                last->range.end =
                                        s.range.end > last->range.end ? s.range.end : last->range.end;
                                last->arena = last->arena == ARENA_UNKNOWN ? s.arena : last->arena;
                                last->top = s.top.start < s.top.end ? s.top : last->top;
                                continue;
                        }
                        s.range.start = last->range.end;
                        if (s.range.start >= s.range.end)
                                continue;
                }
                spans->at[kept++] = s;
        }
        spans->n = kept;
        for (size_t i = 0; i < kept; i++)
                spans->at[i].top = cs_range_cut(spans->at[i].top, spans->at[i].range);
}

static enum cs_status push(cs_mark_vec *out, struct cs_mark mark, struct cs_error *err)
{
        return mark.range.start < mark.range.end ? cs_vec_push(out, mark, err) : CS_OK;
}

static const char *heap_name(const struct cs_heaps *heaps, const struct span *s, size_t number, size_t of,
                             struct cs_pool *pool)
{
        if (s->arena == ARENA_NONE)
                return cs_pool_printf(pool, "mmapped block, %lu bytes",
                                      (unsigned long)cs_range_size(s->range));
        if (s->arena == ARENA_UNKNOWN)
                return "heap of an arena";
        const struct cs_arena *a = &heaps->arenas.at[s->arena];
        if (a->main)
                return "main arena";
        return cs_pool_printf(pool, "arena 0x%lx, heap %zu of %zu", (unsigned long)a->address, number, of);
}

/* A heap is committed memory, in which the top chunk is an own region, and behind it address space up to HEAP_MAX_SIZE. */
static enum cs_status mark_span(const struct cs_heaps *heaps, const struct span *s, uint64_t next,
                                const char *name, int32_t module, struct cs_pool *pool, cs_mark_vec *out,
                                struct cs_error *err)
{
        struct cs_mark m = { s->range, CS_KIND_MALLOC_USED, module, name, true, false };
        const struct cs_arena *a = s->arena >= 0 ? &heaps->arenas.at[s->arena] : NULL;
        enum cs_status st;
        if (!name)
                return cs_fail(err, CS_ENOMEM, "regions");
        if (!a || s->top.start >= s->top.end) {
                if ((st = push(out, m, err)) != CS_OK)
                        return st;
        } else {
                struct cs_mark before = m, top = m, behind = m;
                before.range.end = top.range.start = s->top.start;
                top.range.end = behind.range.start = s->top.end;
                top.kind = CS_KIND_MALLOC_FREE;
                top.detail = cs_pool_printf(pool, "top of %s", name);
                if (!top.detail)
                        return cs_fail(err, CS_ENOMEM, "regions");
                if ((st = push(out, before, err)) != CS_OK || (st = push(out, top, err)) != CS_OK ||
                    (st = push(out, behind, err)) != CS_OK)
                        return st;
        }
        if (!a || a->main)
                return CS_OK;
        uint64_t base = s->range.start & ~(uint64_t)(GLIBC_HEAP_MAX - 1);
        struct cs_mark rest = {
                { s->range.end, base + GLIBC_HEAP_MAX }, CS_KIND_RESERVED, module, NULL, false, true
        };
        if (rest.range.end > next)
                rest.range.end = next;
        rest.detail = cs_pool_printf(pool, "reservation of arena 0x%lx", (unsigned long)a->address);
        return rest.detail ? push(out, rest, err) : cs_fail(err, CS_ENOMEM, "regions");
}

enum cs_status cs_marks_of_heaps(const struct cs_heaps *heaps, struct cs_pool *pool, cs_mark_vec *out,
                                 struct cs_error *err)
{
        span_vec spans = { 0 };
        enum cs_status st = CS_OK;
        int32_t module = CS_NO_MODULE;
        size_t *numbers = calloc(2 * heaps->arenas.n + 1, sizeof(*numbers));
        if (!numbers)
                return cs_fail(err, CS_ENOMEM, "regions");
        size_t *of = numbers + heaps->arenas.n;
        for (size_t i = 0; i < heaps->found.n && module == CS_NO_MODULE; i++)
                if (heaps->found.at[i].walked)
                        module = heaps->found.at[i].module;
        for (size_t i = 0; st == CS_OK && i < heaps->blocks.ranges.n; i++)
                st = cs_vec_push(&spans, span_of(heaps, &heaps->blocks.ranges.at[i]), err);
        for (size_t i = 0; st == CS_OK && i < heaps->claimed.n; i++) {
                struct span s = { heaps->claimed.at[i], { 0, 0 }, ARENA_UNKNOWN };
                st = cs_vec_push(&spans, s, err);
        }
        merge(&spans);
        for (size_t i = 0; i < spans.n; i++)
                if (spans.at[i].arena >= 0)
                        of[spans.at[i].arena]++;
        for (size_t i = 0; st == CS_OK && i < spans.n; i++) {
                const struct span *s = &spans.at[i];
                uint64_t next = i + 1 < spans.n ? spans.at[i + 1].range.start : UINT64_MAX;
                size_t number = s->arena >= 0 ? ++numbers[s->arena] : 0;
                const char *name = heap_name(heaps, s, number, s->arena >= 0 ? of[s->arena] : 0, pool);
                st = mark_span(heaps, s, next, name, module, pool, out, err);
        }
        cs_vec_deinit(&spans);
        free(numbers);
        return st;
}

/* The pages without access below a stack, or none. */
static struct cs_range guard_of(const struct cs_regions_input *in, struct cs_range stack)
{
        struct cs_range none = { stack.start, stack.start };
        const struct cs_mapping *m = stack.start ? cs_image_mapping_at(in->image, stack.start - 1) : NULL;
        if (!m || m->range.end != stack.start || m->module != CS_NO_MODULE || m->file_backed ||
            m->perms & CS_PERM_WRITE || cs_range_size(m->range) < CS_PAGE)
                return none;
        struct cs_range guard = m->range;
        if (cs_range_size(guard) > GUARD_MAX)
                guard.start = guard.end - CS_PAGE;
        return cs_residency_bytes(in->residency, guard) ? none : guard;
}

enum cs_status cs_marks_of_stacks(const struct cs_regions_input *in, const cs_stack_vec *stacks,
                                  cs_mark_vec *out, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        int32_t loader = CS_NO_MODULE;
        uint64_t end = 0;
        for (size_t i = 0; i < in->image->modules.n && loader == CS_NO_MODULE; i++)
                if (in->image->modules.at[i].name[0] == 'l' && in->image->modules.at[i].name[1] == 'd' &&
                    in->image->modules.at[i].name[2] == '-')
                        loader = (int32_t)i;
        for (size_t i = 0; st == CS_OK && i < stacks->n; i++) {
                const struct cs_stack *s = &stacks->at[i];
                if (s->guard) {
                        struct cs_mark g = {
                                guard_of(in, s->range), CS_KIND_RESERVED, s->module, s->guard, false, false
                        };
                        if (g.range.start >= end)
                                st = push(out, g, err);
                }
                struct cs_mark m = { s->range,
                                     s->storage ? CS_KIND_MODULE_DATA : CS_KIND_STACK,
                                     s->storage ? loader : s->module,
                                     s->detail,
                                     false,
                                     false };
                if (st == CS_OK)
                        st = push(out, m, err);
                end = s->range.end;
        }
        return st;
}
