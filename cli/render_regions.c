/* SPDX-License-Identifier: Apache-2.0 */
#include "render.h"

#include "units.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Regions that are alike: 200 thread stacks are one line. */
struct group {
        const struct cs_report_region *first;
        const char *label; /* what they have in common; not escaped yet */
        uint64_t count, bytes, resident;
};

static bool fits(const struct cs_report_region *r, const struct cs_options *options)
{
        return (!options->region || strcmp(options->region, r->kind) == 0) &&
               r->end - r->start >= options->min_bytes;
}

/* "arena 0x7f…, heap 2 of 3: 1 MiB in use" → "arena *, heap * of *": names of one kind of thing are alike. Names of files and
 * functions, in parentheses, stay. */
static char *common_label(struct cs_pool *pool, const char *detail)
{
        char *label = cs_pool_copy(pool, detail, strlen(detail)), *to = label;
        for (const char *at = label; label && *at;) {
                if (*at == '(') {
                        size_t len = strlen(at);
                        memmove(to, at, len);
                        to += len;
                        break;
                }
                if (*at == ':')
                        break;
                if (isdigit((unsigned char)*at)) {
                        while (isalnum((unsigned char)*at))
                                at++;
                        *to++ = '*';
                        continue;
                }
                *to++ = *at++;
        }
        if (to)
                *to = '\0';
        return label;
}

static int compare_text(const char *a, const char *b)
{
        return strcmp(a ? a : "", b ? b : "");
}

static int compare_alike(const struct group *x, const struct group *y)
{
        int by = strcmp(x->first->kind, y->first->kind);
        by = by ? by : compare_text(x->first->owner, y->first->owner);
        by = by ? by : compare_text(x->first->path, y->first->path);
        return by ? by : compare_text(x->label, y->label);
}

static int by_likeness(const void *a, const void *b)
{
        const struct group *x = a, *y = b;
        int by = compare_alike(x, y);
        return by ? by : x->first < y->first ? -1 : x->first > y->first;
}

static int by_resident(const void *a, const void *b)
{
        const struct group *x = a, *y = b;
        if (x->resident != y->resident)
                return x->resident > y->resident ? -1 : 1;
        if (x->bytes != y->bytes)
                return x->bytes > y->bytes ? -1 : 1;
        return x->first < y->first ? -1 : x->first > y->first;
}

static size_t fold(struct group *groups, size_t n)
{
        size_t kept = 0;
        qsort(groups, n, sizeof(*groups), by_likeness);
        for (size_t i = 0; i < n; i++) {
                if (kept && compare_alike(&groups[kept - 1], &groups[i]) == 0) {
                        groups[kept - 1].count++;
                        groups[kept - 1].bytes += groups[i].bytes;
                        groups[kept - 1].resident += groups[i].resident;
                } else {
                        groups[kept++] = groups[i];
                }
        }
        return kept;
}

static const char *nameless(const struct cs_report_region *r)
{
        return strcmp(r->kind, "anonymous") == 0  ? "(nobody claims it)"
               : strcmp(r->kind, "reserved") == 0 ? "(address space without memory)"
                                                  : "(no name)";
}

static const char *what(struct cs_screen *screen, const struct group *g)
{
        const struct cs_report_region *r = g->first;
        const char *text = g->count > 1 ? g->label : r->detail;
        if (!text)
                text = r->path ? r->path : r->owner ? r->owner : nameless(r);
        text = cs_screen_safe(screen, text);
        if (g->count == 1)
                return text;
        return cs_screen_text(screen, "%s %s %s", cs_units_count(g->count).text,
                              cs_screen_pick(screen, "×", "x"), text);
}

static void print_groups(struct cs_screen *screen, const struct group *groups, size_t n)
{
        static const struct cs_column columns[] = {
                { "resident", true, 0, CS_STYLE_PLAIN },    { "size", true, 0, CS_STYLE_PLAIN },
                { "kind", false, 0, CS_STYLE_BOLD },        { "begins at", true, 0, CS_STYLE_PLAIN },
                { "what it is", false, 0, CS_STYLE_PLAIN },
        };
        struct cs_table table;
        cs_table_init(&table, columns, sizeof(columns) / sizeof(columns[0]), "  ");
        table.last = CS_TABLE_FOLD;
        for (size_t i = 0; i < n; i++) {
                const struct group *g = &groups[i];
                const char *cells[] = {
                        cs_screen_text(screen, "%s", cs_units_bytes(g->resident).text),
                        cs_screen_text(screen, "%s", cs_units_bytes(g->bytes).text),
                        g->first->kind,
                        cs_screen_text(screen, "0x%lx", (unsigned long)g->first->start),
                        what(screen, g),
                };
                cs_table_add(&table, screen, cells);
        }
        if (n)
                cs_table_print(&table, screen);
        else
                cs_screen_printf(screen, "  none\n");
        cs_table_deinit(&table);
}

static void print_sums(struct cs_screen *screen, const struct cs_report_memory *memory)
{
        static const struct cs_column columns[] = {
                { "resident", true, 0, CS_STYLE_PLAIN },
                { "size", true, 0, CS_STYLE_PLAIN },
                { "kind", false, 0, CS_STYLE_BOLD },
        };
        struct cs_table table;
        cs_screen_printf(screen, "\n");
        cs_screen_heading(screen, "All memory", "heaps are split into blocks in use, free ones and overhead");
        cs_table_init(&table, columns, sizeof(columns) / sizeof(columns[0]), "  ");
        for (size_t i = 0; i < memory->n_kinds; i++) {
                const struct cs_report_kind *k = &memory->kinds[i];
                const char *cells[] = { cs_screen_text(screen, "%s", cs_units_bytes(k->resident).text),
                                        cs_screen_text(screen, "%s", cs_units_bytes(k->bytes).text),
                                        strcmp(k->kind, "anonymous") == 0 ? "anonymous (unexplained)"
                                                                          : k->kind };
                cs_table_add(&table, screen, cells);
        }
        const char *total[] = { cs_screen_text(screen, "%s", cs_units_bytes(memory->resident).text),
                                cs_screen_text(screen, "%s", cs_units_bytes(memory->mapped).text), "total" };
        cs_table_add(&table, screen, total);
        cs_table_print(&table, screen);
        cs_table_deinit(&table);
}

void cs_render_regions(struct cs_screen *screen, const struct cs_report *report,
                       const struct cs_options *options)
{
        struct group *groups = calloc(report->n_regions + 1, sizeof(*groups));
        size_t n = 0, top = cs_options_top(options, CS_TOP_REGIONS);
        bool all = options->top_given && options->top == CS_TOP_GIVEN_ALL;
        struct cs_left_out left = { 0 };
        if (!groups) {
                screen->failed = true;
                return;
        }
        for (size_t i = 0; i < report->n_regions; i++) {
                const struct cs_report_region *r = &report->regions[i];
                if (!fits(r, options))
                        continue;
                const char *label = r->detail ? common_label(&screen->pool, r->detail) : NULL;
                screen->failed |= r->detail && !label;
                groups[n++] = (struct group){ r, label, 1, r->end - r->start, r->resident };
        }
        if (!all)
                n = fold(groups, n);
        qsort(groups, n, sizeof(*groups), by_resident);
        for (size_t i = top; i < n; i++) {
                left.count += groups[i].count;
                left.resident += groups[i].resident;
        }
        cs_screen_heading(screen, "Regions",
                          all ? "largest resident first"
                              : "those that are alike as one, largest resident first");
        print_groups(screen, groups, n < top ? n : top);
        if (left.count)
                cs_screen_printf(screen, "  %s and %s more, %s resident (--top 0 shows all)\n",
                                 cs_screen_pick(screen, "…", "..."), cs_units_count(left.count).text,
                                 cs_units_bytes(left.resident).text);
        print_sums(screen, &report->memory);
        cs_render_not_held(screen, report);
        free(groups);
}
