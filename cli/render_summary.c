/* SPDX-License-Identifier: Apache-2.0 */
/* The first screen: what is wrong, how big it is, whose it is, and what to ask next. */
#include "render.h"

#include "units.h"

#include <inttypes.h>
#include <string.h>

enum { MEMORY_ROWS = 8, MEMORY_PARTS = 1000, BAR_CELLS = 12, REASONS = 6, CORRUPT_ROWS = 3 };

/* Columns from which a kind of memory is explained beside its bar. */
enum { MEANING_FROM = 80 };

struct verdict_look {
        const char *kind;
        const char *label;
        enum cs_style style;
};

static const struct verdict_look looks[] = {
        { "leak", "LEAK", CS_STYLE_RED },
        { "growth", "GROWTH", CS_STYLE_RED },
        { "fragmentation", "FRAGMENTATION", CS_STYLE_YELLOW },
        { "retention", "RETENTION", CS_STYLE_YELLOW },
        { "managed-heap", "MANAGED HEAP", CS_STYLE_YELLOW },
        { "cache-or-live-data", "CACHE OR LIVE DATA", CS_STYLE_YELLOW },
        { "healthy", "HEALTHY", CS_STYLE_GREEN },
        { "unknown", "UNKNOWN", CS_STYLE_BOLD },
};

static struct verdict_look look_of(struct cs_screen *screen, const char *kind)
{
        for (size_t i = 0; kind && i < sizeof(looks) / sizeof(looks[0]); i++)
                if (strcmp(kind, looks[i].kind) == 0)
                        return looks[i];
        return (struct verdict_look){ kind, kind ? cs_screen_safe(screen, kind) : "NO VERDICT",
                                      CS_STYLE_BOLD };
}

void cs_render_verdict(struct cs_screen *screen, const struct cs_report_verdict *verdict)
{
        struct verdict_look look = look_of(screen, verdict->kind);
        cs_screen_styled(screen, look.style, look.label);
        if (verdict->confidence > 0)
                cs_screen_printf(screen, " (%s sure)", cs_units_percent(verdict->confidence).text);
        cs_screen_printf(screen, "\n");
        if (verdict->summary)
                cs_screen_paragraph(screen, "  ", CS_STYLE_BOLD, cs_screen_safe(screen, verdict->summary));
        const char *bullet = cs_screen_pick(screen, "  · ", "  - ");
        for (size_t i = 0; i < verdict->n_reasons && i < REASONS; i++)
                cs_screen_paragraph(screen, bullet, CS_STYLE_PLAIN,
                                    cs_screen_safe(screen, verdict->reasons[i]));
}

static void render_target(struct cs_screen *screen, const struct cs_report_target *target)
{
        const char *command = target->command ? target->command : target->exe;
        const char *safe = command ? cs_screen_safe(screen, command) : "unknown program";
        struct cs_units threads = cs_units_count(target->threads);
        cs_screen_printf(screen, "\n");
        cs_screen_heading(screen, "Target", NULL);
        cs_screen_printf(screen, "  %s\n",
                         cs_screen_cut_end(screen, safe, screen->width > 22 ? screen->width - 2 : 20));
        const char *where = target->live
                                    ? "live"
                                    : cs_screen_text(screen, "core %s", cs_screen_safe(screen, target->path));
        cs_screen_paragraph(screen, "  ", CS_STYLE_PLAIN,
                            cs_screen_text(screen, "pid %" PRId64 ", %s thread%s, %s, %s", target->pid,
                                           threads.text, target->threads == 1 ? "" : "s",
                                           cs_screen_safe(screen, target->arch), where));
        if (!target->complete)
                cs_screen_paragraph(screen, "  ", CS_STYLE_YELLOW, "the answer is partial: see the warnings");
        if (target->changed > 0)
                cs_screen_paragraph(
                        screen, "  ", CS_STYLE_PLAIN,
                        cs_screen_text(
                                screen,
                                "memory moved while it was read (%s of %zu pages read again had changed): counts are "
                                "approximate",
                                cs_units_percent(target->changed).text, target->sampled));
        else if (!target->consistent)
                cs_screen_printf(screen,
                                 "  memory may have moved while it was read: counts are approximate\n");
}

/* share of BAR_CELLS cells, in eighths of a cell where the charset has them. */
static const char *bar(struct cs_screen *screen, double share)
{
        static const char *const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
        bool fine = screen->charset == CS_CHARSET_UTF8;
        if (!(share > 0))
                return "";
        unsigned steps = (unsigned)((share < 1 ? share : 1) * BAR_CELLS * (fine ? 8 : 1) + 0.5);
        unsigned whole = fine ? steps / 8 : steps;
        char text[BAR_CELLS * 3 + 4];
        size_t end = 0;
        for (unsigned i = 0; i < whole; i++)
                end += (size_t)snprintf(text + end, sizeof(text) - end, "%s", fine ? "█" : "#");
        (void)snprintf(text + end, sizeof(text) - end, "%s", fine ? eighths[steps % 8] : "");
        return cs_screen_text(screen, "%s", text);
}

static const struct {
        const char *kind;
        const char *meaning;
} meanings[] = {
        { "malloc-used", "blocks in use" },
        { "malloc-free", "freed blocks, kept" },
        { "malloc-overhead", "malloc's own records" },
        { "java-heap", "objects of Java" },
        { "java-metaspace", "classes of Java" },
        { "java-code-cache", "compiled Java" },
        { "ruby-heap", "objects of Ruby" },
        { "python-heap", "objects of Python" },
        { "beam-carrier", "Erlang's data" },
        { "v8-heap", "JavaScript's objects" },
        { "go-heap", "objects of Go" },
        { "stack", "stacks of the threads" },
        { "module-code", "program and libraries" },
        { "module-data", "static variables" },
        { "file", "mapped files" },
        { "shared", "shared with others" },
        { "vdso", "the kernel's own pages" },
        { "reserved", "set aside, no access" },
        { "anonymous", "unknown, of no file" },
};

static const char *meaning_of(const char *kind)
{
        for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
                if (kind && strcmp(kind, meanings[i].kind) == 0)
                        return meanings[i].meaning;
        return "";
}

static void add_memory_row(struct cs_table *table, struct cs_screen *screen, const char *kind,
                           uint64_t resident, uint64_t mapped, const char *drawing, const char *meaning)
{
        const char *cells[] = {
                kind,
                cs_screen_text(screen, "%s", cs_units_bytes(resident).text),
                cs_screen_text(screen, "%s", cs_units_bytes(mapped).text),
                screen->width >= MEANING_FROM ? meaning : drawing,
                screen->width >= MEANING_FROM ? drawing : "",
        };
        cs_table_add(table, screen, cells);
}

/* Kinds that are worth a line: the largest, and not those below a thousandth. */
static size_t memory_rows(const struct cs_report_memory *memory)
{
        size_t n = 0;
        while (n < memory->n_kinds && n < MEMORY_ROWS &&
               memory->kinds[n].resident >= memory->resident / MEMORY_PARTS && memory->kinds[n].resident)
                n++;
        /* A line that says "1 other kind" is better spent on that kind. */
        return n + 1 == memory->n_kinds ? memory->n_kinds : n;
}

static void render_memory(struct cs_screen *screen, const struct cs_report *report)
{
        static const struct cs_column columns[] = {
                { "kind", false, 12, CS_STYLE_PLAIN }, { "resident", true, 0, CS_STYLE_PLAIN },
                { "mapped", true, 0, CS_STYLE_PLAIN }, { "", false, 1, CS_STYLE_DIM },
                { "", false, 1, CS_STYLE_CYAN },
        };
        const struct cs_report_memory *memory = &report->memory;
        struct cs_table table;
        cs_table_init(&table, columns, sizeof(columns) / sizeof(columns[0]), "  ");
        struct cs_report_kind rest = { 0 };
        size_t shown = memory_rows(memory);
        for (size_t i = 0; i < memory->n_kinds; i++) {
                const struct cs_report_kind *kind = &memory->kinds[i];
                if (i < shown) {
                        add_memory_row(&table, screen, cs_screen_safe(screen, kind->kind), kind->resident,
                                       kind->bytes,
                                       bar(screen, cs_units_share(kind->resident, memory->resident)),
                                       meaning_of(kind->kind));
                } else {
                        rest.resident += kind->resident;
                        rest.bytes += kind->bytes;
                }
        }
        if (shown < memory->n_kinds)
                add_memory_row(&table, screen,
                               cs_screen_text(screen, "%zu other kinds", memory->n_kinds - shown),
                               rest.resident, rest.bytes, "", "");
        add_memory_row(&table, screen, "total", memory->resident, memory->mapped, "", "");
        cs_screen_printf(screen, "\n");
        cs_screen_heading(screen, "Memory",
                          report->target.live ? "resident: held in RAM; mapped: all that has an address"
                                              : "resident: pages with anything but zeros; mapped: all "
                                                "that has an address");
        cs_table_print(&table, screen);
        cs_table_deinit(&table);
        struct cs_units unexplained = cs_units_bytes(memory->unexplained);
        cs_screen_paragraph(
                screen, "  ", CS_STYLE_PLAIN,
                cs_screen_text(screen, "not explained: %s of the %s resident that have no file behind them",
                               unexplained.text, cs_units_bytes(memory->anonymous).text));
        cs_render_not_held(screen, report);
}

void cs_render_not_held(struct cs_screen *screen, const struct cs_report *report)
{
        if (!report->target.live)
                return;
        struct cs_units absent = cs_units_bytes(report->memory.absent);
        cs_screen_paragraph(
                screen, "  ", CS_STYLE_PLAIN,
                cs_screen_text(screen,
                               "not in memory: %s swapped out, which is not read; %s never touched, "
                               "given back, or only in files",
                               cs_units_bytes(report->memory.swapped).text, absent.text));
}

static const char *heap_name(struct cs_screen *screen, const struct cs_report_heap *heap)
{
        const char *allocator = cs_screen_safe(screen, heap->allocator);
        return heap->version
                       ? cs_screen_text(screen, "%s %s", allocator, cs_screen_safe(screen, heap->version))
                       : allocator;
}

/* "496 MiB in 114,427 blocks" */
static const char *in_blocks(struct cs_screen *screen, struct cs_report_sum sum, const char *kind)
{
        struct cs_units bytes = cs_units_bytes(sum.bytes);
        return cs_screen_text(screen, "%s in %s %sblock%s", bytes.text, cs_units_count(sum.count).text, kind,
                              sum.count == 1 ? "" : "s");
}

/* Sentences, not columns: malloc's words mean little to those who do not know them, and there are few heaps. */
static void render_walked(struct cs_screen *screen, const struct cs_report_heap *heap)
{
        struct cs_report_sum used = { 0 };
        uint64_t unused = 0;
        uint64_t cached = 0;
        uint64_t top = 0;
        for (size_t i = 0; i < heap->n_arenas; i++) {
                const struct cs_report_arena *arena = &heap->arenas[i];
                used.count += arena->used.count;
                used.bytes += arena->used.bytes;
                unused += arena->free.bytes;
                cached += arena->cached.bytes;
                top += arena->top;
        }
        const char *apart = heap->mmapped.count ? cs_screen_text(screen, " and %s mapped apart",
                                                                 in_blocks(screen, heap->mmapped, "large "))
                                                : "";
        const char *arenas =
                heap->n_arenas > 1
                        ? cs_screen_text(screen, "; in %s arenas, malloc's separate heaps for threads",
                                         cs_units_count(heap->n_arenas).text)
                        : "";
        struct cs_units free_text = cs_units_bytes(unused);
        struct cs_units cached_text = cs_units_bytes(cached);
        cs_screen_paragraph(
                screen, "  ", CS_STYLE_PLAIN,
                cs_screen_text(screen,
                               "%s%s%s: %s in use%s; %s freed and kept for reuse, %s more in its caches, %s "
                               "not handed out yet%s",
                               heap_name(screen, heap), heap->library ? " in " : "",
                               cs_screen_safe(screen, heap->library), in_blocks(screen, used, ""), apart,
                               free_text.text, cached_text.text, cs_units_bytes(top).text, arenas));
}

/* Counted by the allocator's own records. */
static void render_measured(struct cs_screen *screen, const struct cs_report_heap *heap)
{
        const struct cs_report_arena *sums = &heap->arenas[0];
        struct cs_units unused = cs_units_bytes(sums->free.bytes);
        cs_screen_paragraph(screen, "  ", CS_STYLE_PLAIN,
                            cs_screen_text(screen, "%s%s%s: %s in use; %s freed and kept for reuse",
                                           heap_name(screen, heap), heap->library ? " in " : "",
                                           cs_screen_safe(screen, heap->library),
                                           in_blocks(screen, sums->used, ""), unused.text));
}

static void render_corrupt(struct cs_screen *screen, const struct cs_report_heap *heap)
{
        if (heap->n_corrupt == 0)
                return;
        cs_screen_paragraph(screen, "  ", CS_STYLE_YELLOW,
                            cs_screen_text(screen, "%s is corrupt in %s place%s", heap_name(screen, heap),
                                           cs_units_count(heap->n_corrupt).text,
                                           heap->n_corrupt == 1 ? "" : "s"));
        for (size_t i = 0; i < heap->n_corrupt && i < CORRUPT_ROWS; i++)
                cs_screen_paragraph(screen, "    ", CS_STYLE_PLAIN,
                                    cs_screen_text(screen, "0x%" PRIx64 ": %s", heap->corrupt[i].address,
                                                   cs_screen_safe(screen, heap->corrupt[i].what)));
}

static void render_heaps(struct cs_screen *screen, const struct cs_report *report)
{
        cs_screen_printf(screen, "\n");
        cs_screen_heading(screen, "Heaps", report->n_heaps ? "what malloc holds" : NULL);
        for (size_t i = 0; i < report->n_heaps; i++) {
                const struct cs_report_heap *heap = &report->heaps[i];
                if (heap->walked)
                        render_walked(screen, heap);
                else if (heap->measured)
                        render_measured(screen, heap);
                else
                        cs_screen_paragraph(
                                screen, "  ", CS_STYLE_PLAIN,
                                cs_screen_text(screen,
                                               "%s%s%s: recognised, its blocks are not read by this version",
                                               heap_name(screen, heap), heap->library ? " in " : "",
                                               cs_screen_safe(screen, heap->library)));
                render_corrupt(screen, heap);
        }
        if (report->n_heaps == 0)
                cs_screen_printf(screen, "  no allocator was recognised\n");
}

static void render_tops(struct cs_screen *screen, const struct cs_report *report,
                        const struct cs_options *options)
{
        size_t top = cs_options_top(options, CS_TOP_SUMMARY);
        struct cs_picked picked;
        if (cs_pick_clusters(report, options, top, &picked, NULL) != CS_OK) {
                screen->failed = true;
                return;
        }
        cs_screen_printf(screen, "\n");
        cs_screen_heading(screen, "Clusters", picked.at.n ? CS_RENDER_CLUSTERS_NOTE : NULL);
        cs_render_cluster_table(screen, report, &picked);
        cs_render_left_out(screen, &picked.left, options, "cluster");
        cs_picked_deinit(&picked);
        if (cs_pick_libraries(report, options, top, &picked, NULL) != CS_OK) {
                screen->failed = true;
                return;
        }
        cs_screen_printf(screen, "\n");
        cs_screen_heading(screen, "Libraries", picked.at.n ? CS_RENDER_LIBRARIES_NOTE : NULL);
        cs_render_library_table(screen, report, &picked);
        cs_render_left_out(screen, &picked.left, options, "librar");
        cs_picked_deinit(&picked);
}

/* What to type next: the verdict's cluster, or the largest. */
static void render_hint(struct cs_screen *screen, const struct cs_report *report,
                        const struct cs_options *options)
{
        if (report->n_clusters == 0)
                return;
        const struct cs_report_cluster *cluster = cs_pick_cluster(report, report->verdict.cluster);
        if (!cluster)
                cluster = &report->clusters[0];
        const char *target = options->core ? cs_screen_shell_word(screen, options->core) : "CORE";
        if (options->live)
                target = cs_screen_text(screen, "--live %d", options->live);
        const char *dashes = target && target[0] == '-' && !options->live ? "-- " : "";
        cs_screen_printf(screen, "\n");
        cs_screen_styled(screen, CS_STYLE_DIM, "next: ");
        cs_screen_printf(screen, "corescan --cluster %s %s%s\n", cs_screen_safe(screen, cluster->id), dashes,
                         target ? target : "CORE");
}

void cs_render_summary(struct cs_screen *screen, const struct cs_report *report,
                       const struct cs_options *options)
{
        cs_render_verdict(screen, &report->verdict);
        render_target(screen, &report->target);
        render_memory(screen, report);
        render_heaps(screen, report);
        if (!report->unrelated)
                render_tops(screen, report, options);
        render_hint(screen, report, options);
}
