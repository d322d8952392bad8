/* SPDX-License-Identifier: Apache-2.0 */
/* --heap: what each allocator holds, arena by arena, what it keeps, and what of that it could give back. */
#include "render.h"

#include "units.h"

#include <inttypes.h>
#include <stdlib.h>

enum { ARENA_ROWS = 12, RUN_ROWS = 5, PIN_ROWS = 3, CORRUPT_ROWS = 8, THREADS_NAMED = 3 };

static const char *bytes(struct cs_screen *screen, uint64_t value)
{
        return cs_screen_text(screen, "%s", cs_units_bytes(value).text);
}

static uint64_t arena_bytes(const struct cs_report_arena *a)
{
        return a->used.bytes + a->free.bytes + a->cached.bytes + a->overhead.bytes + a->top;
}

static void add(struct cs_report_sum *to, struct cs_report_sum from)
{
        to->count += from.count;
        to->bytes += from.bytes;
        to->resident += from.resident;
}

static void add_arena(struct cs_report_arena *to, const struct cs_report_arena *from)
{
        add(&to->used, from->used);
        add(&to->free, from->free);
        add(&to->cached, from->cached);
        add(&to->overhead, from->overhead);
        to->top += from->top;
        to->top_resident += from->top_resident;
        to->trimmable += from->trimmable;
        to->trimmable_resident += from->trimmable_resident;
}

static int largest_first(const void *a, const void *b)
{
        const struct cs_report_arena *const *x = a, *const *y = b;
        uint64_t p = arena_bytes(*x), q = arena_bytes(*y);
        if (p != q)
                return p > q ? -1 : 1;
        return (*x)->address < (*y)->address ? -1 : (*x)->address > (*y)->address;
}

/* "main", "0x7f…", and the threads that allocate there. */
static const char *arena_name(struct cs_screen *screen, const struct cs_report_arena *arena)
{
        const char *name =
                cs_screen_text(screen, "0x%" PRIx64 "%s", arena->address, arena->main ? " main" : "");
        size_t n = arena->n_threads;
        for (size_t i = 0; i < n && i < THREADS_NAMED; i++)
                name = cs_screen_text(screen, "%s%s%" PRId32, name,
                                      i       ? ", "
                                      : n > 1 ? " threads "
                                              : " thread ",
                                      arena->threads[i]);
        return n > THREADS_NAMED ? cs_screen_text(screen, "%s and %zu more", name, n - THREADS_NAMED) : name;
}

static void add_row(struct cs_table *table, struct cs_screen *screen, const char *name,
                    const struct cs_report_arena *a)
{
        const char *cells[] = {
                bytes(screen, a->used.bytes),
                bytes(screen, a->free.bytes),
                bytes(screen, a->cached.bytes),
                bytes(screen, a->overhead.bytes),
                bytes(screen, a->top),
                bytes(screen, a->trimmable_resident),
                name,
        };
        cs_table_add(table, screen, cells);
}

static void render_arenas(struct cs_screen *screen, const struct cs_report_heap *heap,
                          const struct cs_report_arena *total, const struct cs_options *options)
{
        static const struct cs_column columns[] = {
                { "in use", true, 0, CS_STYLE_PLAIN },  { "in bins", true, 0, CS_STYLE_PLAIN },
                { "cached", true, 0, CS_STYLE_PLAIN },  { "overhead", true, 0, CS_STYLE_PLAIN },
                { "top", true, 0, CS_STYLE_PLAIN },     { "trim", true, 0, CS_STYLE_PLAIN },
                { "arena", false, 19, CS_STYLE_PLAIN },
        };
        const struct cs_report_arena **order = calloc(heap->n_arenas + 1, sizeof(*order));
        if (!order) {
                screen->failed = true;
                return;
        }
        for (size_t i = 0; i < heap->n_arenas; i++)
                order[i] = &heap->arenas[i];
        qsort(order, heap->n_arenas, sizeof(*order), largest_first);
        struct cs_table table;
        cs_table_init(&table, columns, sizeof(columns) / sizeof(columns[0]), "  ");
        size_t shown = cs_options_top(options, ARENA_ROWS);
        /* A line that says "1 more" is better spent on that one. */
        if (heap->n_arenas && shown >= heap->n_arenas - 1)
                shown = heap->n_arenas;
        struct cs_report_arena rest = { 0 };
        for (size_t i = 0; i < heap->n_arenas; i++)
                if (i < shown)
                        add_row(&table, screen, arena_name(screen, order[i]), order[i]);
                else
                        add_arena(&rest, order[i]);
        if (shown < heap->n_arenas)
                add_row(&table, screen,
                        cs_screen_text(screen, "%s %zu more", cs_screen_pick(screen, "…", "..."),
                                       heap->n_arenas - shown),
                        &rest);
        if (heap->n_arenas > 1)
                add_row(&table, screen, "total", total);
        cs_table_print(&table, screen);
        cs_table_deinit(&table);
        free(order);
}

static void sentence(struct cs_screen *screen, enum cs_style style, const char *text)
{
        cs_screen_paragraph(screen, "  ", style, text);
}

/* How the free memory is cut up. */
static void render_runs(struct cs_screen *screen, const struct cs_report_heap *heap)
{
        static const char *const names[CS_RUN_CLASSES] = { "below 4 KiB", "of 4 to 128 KiB",
                                                           "of 128 KiB and more" };
        uint64_t all = 0;
        for (size_t i = 0; i < CS_RUN_CLASSES; i++)
                all += heap->runs[i].bytes;
        if (!all)
                return;
        cs_screen_printf(screen, "  free memory, neighbours taken together: %s\n", cs_units_bytes(all).text);
        for (size_t i = CS_RUN_CLASSES; i-- > 0;) {
                const struct cs_report_sum *run = &heap->runs[i];
                struct cs_units resident = cs_units_bytes(run->resident), count = cs_units_count(run->count);
                struct cs_units share = cs_units_percent(cs_units_share(run->bytes, all));
                if (run->count)
                        cs_screen_paragraph(screen, "    ", CS_STYLE_PLAIN,
                                            cs_screen_text(screen, "%s: %s (%s) in %s run%s, %s resident",
                                                           names[i], cs_units_bytes(run->bytes).text,
                                                           share.text, count.text, run->count == 1 ? "" : "s",
                                                           resident.text));
        }
        if (heap->n_largest_free)
                cs_screen_printf(screen, "  largest free runs\n");
        for (size_t i = 0; i < heap->n_largest_free && i < RUN_ROWS; i++)
                cs_screen_printf(screen, "    0x%" PRIx64 "  %s, %s resident\n",
                                 heap->largest_free[i].address,
                                 cs_units_bytes(heap->largest_free[i].bytes).text,
                                 cs_units_bytes(heap->largest_free[i].resident).text);
        for (size_t i = 0; i < heap->n_pins && i < PIN_ROWS; i++)
                sentence(screen, CS_STYLE_PLAIN,
                         cs_screen_text(screen,
                                        "the block in use at 0x%" PRIx64
                                        ", the last of its heap, keeps top from "
                                        "growing down over %s that are free below it",
                                        heap->pins[i].address, cs_units_bytes(heap->pins[i].bytes).text));
}

static void render_corrupt(struct cs_screen *screen, const struct cs_report_heap *heap)
{
        if (!heap->n_corrupt)
                return;
        uint64_t n = heap->n_corrupt + heap->corrupt_more;
        sentence(screen, CS_STYLE_YELLOW,
                 cs_screen_text(screen, "damaged, or being changed, in %s place%s", cs_units_count(n).text,
                                n == 1 ? "" : "s"));
        for (size_t i = 0; i < heap->n_corrupt && i < CORRUPT_ROWS; i++)
                cs_screen_paragraph(screen, "    ", CS_STYLE_PLAIN,
                                    cs_screen_text(screen, "0x%" PRIx64 ": %s", heap->corrupt[i].address,
                                                   cs_screen_safe(screen, heap->corrupt[i].what)));
        if (n > CORRUPT_ROWS)
                cs_screen_printf(screen, "    %s and %s more\n", cs_screen_pick(screen, "…", "..."),
                                 cs_units_count(n - CORRUPT_ROWS).text);
}

static void render_walked(struct cs_screen *screen, const struct cs_report_heap *heap,
                          const struct cs_options *options)
{
        struct cs_report_arena total = { 0 };
        for (size_t i = 0; i < heap->n_arenas; i++)
                add_arena(&total, &heap->arenas[i]);
        render_arenas(screen, heap, &total, options);
        struct cs_units resident = cs_units_bytes(heap->mmapped.resident);
        if (heap->mmapped.count)
                sentence(screen, CS_STYLE_PLAIN,
                         cs_screen_text(screen, "mapped apart: %s in %s block%s, %s resident",
                                        cs_units_bytes(heap->mmapped.bytes).text,
                                        cs_units_count(heap->mmapped.count).text,
                                        heap->mmapped.count == 1 ? "" : "s", resident.text));
        struct cs_units would = cs_units_bytes(total.trimmable_resident);
        sentence(screen, CS_STYLE_BOLD,
                 cs_screen_text(screen, "malloc_trim(0) would give back %s that are resident, of %s free",
                                would.text,
                                cs_units_bytes(total.free.bytes + total.cached.bytes + total.top).text));
        render_runs(screen, heap);
}

/* By the allocator's own records, as a whole. */
static void render_measured(struct cs_screen *screen, const struct cs_report_heap *heap)
{
        const struct cs_report_arena *a = &heap->arenas[0];
        struct cs_units used = cs_units_bytes(a->used.bytes), count = cs_units_count(a->used.count);
        struct cs_units unused = cs_units_bytes(a->free.bytes), own = cs_units_bytes(a->overhead.bytes);
        sentence(screen, CS_STYLE_PLAIN,
                 cs_screen_text(
                         screen,
                         "%s in use in %s block%s (what threads keep in their caches included), %s free "
                         "and kept, %s for its own records",
                         used.text, count.text, a->used.count == 1 ? "" : "s", unused.text, own.text));
}

void cs_render_heap(struct cs_screen *screen, const struct cs_report *report,
                    const struct cs_options *options)
{
        cs_screen_heading(
                screen, "Heaps",
                "in bins: freed and kept; cached: freed, in thread caches and fastbins; top: not handed "
                "out yet; trim: what malloc_trim(0) would give back of what is resident");
        if (!report->n_heaps)
                cs_screen_printf(screen, "  no allocator was recognised\n");
        for (size_t i = 0; i < report->n_heaps; i++) {
                const struct cs_report_heap *heap = &report->heaps[i];
                cs_screen_printf(screen, "%s%s%s%s%s\n", cs_screen_safe(screen, heap->allocator),
                                 heap->version ? " " : "", cs_screen_safe(screen, heap->version),
                                 heap->library ? " in " : "", cs_screen_safe(screen, heap->library));
                if (heap->walked)
                        render_walked(screen, heap, options);
                else if (heap->measured)
                        render_measured(screen, heap);
                else
                        sentence(screen, CS_STYLE_PLAIN,
                                 "recognised, its blocks are not read by this version");
                render_corrupt(screen, heap);
        }
}
