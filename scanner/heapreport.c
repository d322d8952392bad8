/* SPDX-License-Identifier: Apache-2.0 */
#include "heapreport.h"

#include "glibc.h"

#include <string.h>

/* Bounds of the classes of runs. Below a page a run can never go back to the kernel; 128 KiB is malloc's own first threshold
 * for mapping and for trimming (malloc/malloc.c 2.36, DEFAULT_MMAP_THRESHOLD_MIN, DEFAULT_TRIM_THRESHOLD): memory in such
 * runs is what malloc itself would rather not keep. */
static const uint64_t class_end[CS_RUN_CLASSES] = { 4 << 10, 128 << 10, UINT64_MAX };

/* One heap range on its way: blocks come by address. */
struct tally {
        struct cs_residency_walk *residency;
        struct cs_report_heap *heap;
        struct cs_report_arena *arena;
        struct cs_range run; /* free blocks side by side, as yet */
        uint64_t run_resident;
        uint64_t used;              /* of this range */
        struct cs_report_run below; /* what is free, top left out */
        uint64_t not_used;          /* resident bytes of this range that are not in use */
        uint32_t last;              /* index of the last block in use */
        bool top;                   /* the range ends in a top */
};

/* Enters a run or a pin into its short list, which is sorted: the largest first. */
static void keep_largest(struct cs_report_run *list, size_t *n, struct cs_report_run run)
{
        size_t at = *n;
        while (at && list[at - 1].bytes < run.bytes)
                at--;
        if (at == CS_RUNS_KEPT)
                return;
        if (*n < CS_RUNS_KEPT)
                (*n)++;
        memmove(list + at + 1, list + at, (*n - at - 1) * sizeof(*list));
        list[at] = run;
}

static void end_run(struct tally *t)
{
        uint64_t bytes = cs_range_size(t->run);
        if (!bytes)
                return;
        uint64_t resident = t->run_resident;
        unsigned class = 0;
        while (bytes >= class_end[class])
                class ++;
        t->heap->runs[class].count++;
        t->heap->runs[class].bytes += bytes;
        t->heap->runs[class].resident += resident;
        keep_largest(t->heap->largest_free, &t->heap->n_largest_free,
                     (struct cs_report_run){ t->run.start, bytes, resident });
        t->run = (struct cs_range){ 0, 0 };
        t->run_resident = 0;
}

static uint64_t enter(struct tally *t, struct cs_report_sum *sum, struct cs_range range, uint32_t count)
{
        uint64_t resident = cs_residency_walk_bytes(t->residency, range);
        sum->count += count;
        sum->bytes += cs_range_size(range);
        sum->resident += resident;
        t->not_used += resident;
        return resident;
}

/* Chunks in bins, and top: what is side by side makes one run. */
static void enter_free(struct tally *t, const struct cs_block *block)
{
        struct cs_range range = cs_block_range(block);
        uint64_t trimmable = cs_glibc_trimmable(block, t->arena->main);
        bool top = cs_block_state(block) == CS_BLOCK_TOP;
        /* A bin's chunk gives back whole pages behind its header; a top from its end. */
        uint64_t end = cs_page_down(range.end);
        if (trimmable <= cs_range_size(range) && end - range.start >= trimmable) {
                t->arena->trimmable += trimmable;
                t->arena->trimmable_resident +=
                        cs_residency_walk_bytes(t->residency, (struct cs_range){ end - trimmable, end });
        }
        if (t->run.end != range.start)
                end_run(t);
        if (!cs_range_size(t->run))
                t->run.start = range.start;
        t->run.end = range.end;
        struct cs_report_sum sum = { 0 };
        uint64_t resident = enter(t, top ? &sum : &t->arena->free, range, 1);
        t->run_resident += resident;
        if (top) {
                t->arena->top_resident += resident;
                t->top = true;
        } else {
                t->below.resident += resident;
                t->below.bytes += cs_range_size(range);
        }
}

static void enter_free_ones(const struct cs_blocks *blocks, struct tally *t,
                            const struct cs_block_group *group)
{
        struct cs_block block = { group->range.start, cs_range_size(group->range), CS_NO_CLUSTER,
                                  group->state, false };
        if (group->count == 1) { /* as nearly always: free neighbours would have been merged */
                enter_free(t, &block);
                return;
        }
        struct cs_block_cursor cursor = cs_blocks_from(blocks, group->first, group->first + group->count);
        uint32_t index;
        while (cs_blocks_next(&cursor, &block, &index))
                enter_free(t, &block);
}

static void enter_group(const struct cs_blocks *blocks, struct tally *t, const struct cs_block_group *group)
{
        if (group->state == CS_BLOCK_FREE || group->state == CS_BLOCK_TOP) {
                enter_free_ones(blocks, t, group);
                return;
        }
        end_run(t);
        if (group->state == CS_BLOCK_IN_USE) {
                t->arena->used.count += group->count;
                t->arena->used.bytes += cs_range_size(group->range);
                t->used += cs_range_size(group->range);
                t->last = group->first + group->count - 1;
        } else {
                bool cached = group->state == CS_BLOCK_CACHED;
                (void)enter(t, cached ? &t->arena->cached : &t->arena->overhead, group->range, group->count);
        }
}

static void enter_range(const struct cs_blocks *blocks, const struct cs_heap_range *range, struct tally *t)
{
        struct cs_block_cursor cursor = cs_blocks_of(blocks, range);
        struct cs_block_group group;
        uint64_t gaps = 0, end = range->range.start;
        while (cs_blocks_next_group(&cursor, &group)) {
                if (group.range.start != end)
                        gaps += cs_residency_walk_bytes(t->residency,
                                                        (struct cs_range){ end, group.range.start });
                end = group.range.end;
                enter_group(blocks, t, &group);
        }
        end_run(t);
        uint64_t resident = cs_residency_walk_bytes(t->residency, range->range);
        uint64_t other = t->not_used + gaps;
        t->arena->used.resident += resident > other ? resident - other : 0;
        if (!t->top || !t->used || t->below.bytes <= t->used)
                return;
        /* What is freed below the last block in use waits for that one. Worth telling where it is most of the heap. */
        struct cs_block last = cs_blocks_get(blocks, t->last);
        t->below.address = cs_block_start(&last);
        keep_largest(t->heap->pins, &t->heap->n_pins, t->below);
}

static void enter_ranges(const struct cs_heaps *heaps, const struct cs_residency *residency,
                         struct cs_report_heap *heap)
{
        struct cs_residency_walk walk = { .residency = residency };
        for (size_t i = 0; i < heaps->blocks.ranges.n; i++) {
                const struct cs_heap_range *range = &heaps->blocks.ranges.at[i];
                if (range->arena < heap->n_arenas) {
                        struct tally t = { .residency = &walk,
                                           .heap = heap,
                                           .arena = &heap->arenas[range->arena] };
                        enter_range(&heaps->blocks, range, &t);
                } else {
                        heap->mmapped.count++;
                        heap->mmapped.bytes += cs_range_size(range->range);
                        heap->mmapped.resident += cs_residency_bytes(residency, range->range);
                }
        }
}

static const char *keep(struct cs_report *r, const char *text)
{
        return text ? cs_pool_copy(&r->pool, text, strlen(text)) : NULL;
}

/* Arenas and corruptions of the heap that was walked. */
static enum cs_status copy_walked(const struct cs_heaps *h, struct cs_report *r, struct cs_report_heap *out,
                                  struct cs_error *err)
{
        out->arenas = cs_pool_alloc(&r->pool, h->arenas.n + 1, sizeof(*out->arenas));
        out->corrupt = cs_pool_alloc(&r->pool, h->corrupt.n + 1, sizeof(*out->corrupt));
        out->largest_free = cs_pool_alloc(&r->pool, CS_RUNS_KEPT, sizeof(*out->largest_free));
        out->pins = cs_pool_alloc(&r->pool, CS_RUNS_KEPT, sizeof(*out->pins));
        if (!out->arenas || !out->corrupt || !out->largest_free || !out->pins)
                return cs_fail(err, CS_ENOMEM, "heaps");
        for (size_t i = 0; i < h->arenas.n; i++) {
                const struct cs_arena *from = &h->arenas.at[i];
                struct cs_report_arena *to = &out->arenas[out->n_arenas++];
                *to = (struct cs_report_arena){ .address = from->address,
                                                .main = from->main,
                                                .top = from->top };
                if (!from->threads.n)
                        continue;
                to->threads = cs_pool_alloc(&r->pool, from->threads.n, sizeof(*to->threads));
                if (!to->threads)
                        return cs_fail(err, CS_ENOMEM, "threads of an arena");
                memcpy(to->threads, from->threads.at, from->threads.n * sizeof(*to->threads));
                to->n_threads = (uint32_t)from->threads.n;
        }
        for (size_t i = 0; i < h->corrupt.n; i++)
                out->corrupt[out->n_corrupt++] =
                        (struct cs_report_corrupt){ h->corrupt.at[i].address, h->corrupt.at[i].what };
        out->corrupt_more = h->corrupt_more;
        return CS_OK;
}

static struct cs_report_sum sum_of(struct cs_measured_sum from)
{
        return (struct cs_report_sum){ .count = from.count, .bytes = from.bytes };
}

/* An allocator that was measured as a whole. */
static enum cs_status copy_measured(const struct cs_measured *from, struct cs_report *r,
                                    struct cs_report_heap *out, struct cs_error *err)
{
        out->arenas = cs_pool_alloc(&r->pool, 1, sizeof(*out->arenas));
        if (!out->arenas)
                return cs_fail(err, CS_ENOMEM, "heaps");
        out->measured = true;
        out->n_arenas = 1;
        out->arenas[0] = (struct cs_report_arena){ .address = from->address,
                                                   .main = true,
                                                   .used = sum_of(from->used),
                                                   .free = sum_of(from->free),
                                                   .cached = sum_of(from->cached) };
        out->arenas[0].overhead.bytes = from->overhead;
        return CS_OK;
}

/* One allocator is walked at most; the arenas are its. */
enum cs_status cs_heapreport_build(const struct cs_image *image, const struct cs_heaps *heaps,
                                   const struct cs_residency *residency, struct cs_report *report,
                                   struct cs_error *err)
{
        report->heaps = cs_pool_alloc(&report->pool, heaps->found.n + 1, sizeof(*report->heaps));
        if (!report->heaps)
                return cs_fail(err, CS_ENOMEM, "heaps");
        for (size_t i = 0; i < heaps->found.n; i++) {
                const struct cs_heap *found = &heaps->found.at[i];
                struct cs_report_heap *out = &report->heaps[report->n_heaps++];
                out->allocator = found->allocator;
                out->version = keep(report, found->version);
                out->walked = found->walked;
                if (found->module != CS_NO_MODULE)
                        out->library = keep(report, image->modules.at[found->module].name);
                enum cs_status st = CS_OK;
                if (out->walked)
                        st = copy_walked(heaps, report, out, err);
                else if (found->measured.known)
                        st = copy_measured(&found->measured, report, out, err);
                if (st != CS_OK)
                        return st;
                if (out->walked)
                        enter_ranges(heaps, residency, out);
        }
        return CS_OK;
}
