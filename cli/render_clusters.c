/* SPDX-License-Identifier: Apache-2.0 */
#include "render.h"

#include "units.h"

#include <string.h>

/* Details shown below the table; from how many columns on a cluster may take one line; what texts need there. */
enum { DETAILS = 3, WIDE = 120, TEXT_LEAST = 40 };

/* "24.3 KiB", or "≤1.02 KiB" where they differ: the table has no room for both ends. */
static const char *size_text(struct cs_screen *screen, const struct cs_report_cluster *c)
{
        const char *most = c->block_min == c->block_max ? "" : cs_screen_pick(screen, "≤", "<=");
        return cs_screen_text(screen, "%s%s", most, cs_units_bytes(c->block_max).text);
}

bool cs_render_is_text(const struct cs_report_cluster *cluster)
{
        return cluster->kind && strcmp(cluster->kind, "text") == 0;
}

static void add_row(struct cs_table *table, struct cs_screen *screen, const struct cs_report_cluster *c,
                    const char *what)
{
        const char *cells[] = {
                cs_screen_safe(screen, c->id),
                cs_screen_text(screen, "%s", cs_units_bytes(c->resident).text),
                cs_screen_text(screen, "%s", cs_units_count(c->count).text),
                size_text(screen, c),
                c->loose ? "-"
                         : cs_screen_text(screen, "%s",
                                          cs_units_percent(cs_units_share(c->unreferenced, c->count)).text),
                c->library ? cs_screen_text(screen, "%s", cs_units_percent(c->confidence).text) : "-",
                c->library ? cs_screen_safe(screen, c->library) : "(no owner found)",
                what,
        };
        cs_table_add(table, screen, cells);
}

#define COLUMNS                                                                            \
        { "id", false, 0, CS_STYLE_CYAN }, { "resident", true, 0, CS_STYLE_PLAIN },        \
                { "count", true, 0, CS_STYLE_PLAIN }, { "size", true, 0, CS_STYLE_PLAIN }, \
                { "unref.", true, 0, CS_STYLE_PLAIN },                                     \
        {                                                                                  \
                "sure", true, 0, CS_STYLE_PLAIN                                            \
        }

/* All of it on one line: names whole, only texts cut. False, and nothing printed, where there is no room. */
static bool print_wide(struct cs_screen *screen, const struct cs_report *report,
                       const struct cs_picked *picked)
{
        static const struct cs_column columns[] = {
                COLUMNS,
                { "library", false, 0, CS_STYLE_PLAIN },
                { "what", false, 1, CS_STYLE_BOLD },
        };
        struct cs_table table;
        size_t longest = 0; /* name that must not be cut */
        cs_table_init(&table, columns, sizeof(columns) / sizeof(columns[0]), "  ");
        table.last = CS_TABLE_CUT_END;
        for (size_t i = 0; i < picked->at.n; i++) {
                const struct cs_report_cluster *c = &report->clusters[picked->at.at[i]];
                const char *what = cs_screen_safe(screen, c->what);
                size_t takes = cs_render_is_text(c) ? 0 : cs_escape_columns(what);
                longest = takes > longest ? takes : longest;
                add_row(&table, screen, c, what);
        }
        size_t room = cs_table_room(&table, screen);
        bool fits = screen->width >= WIDE && room >= TEXT_LEAST && room >= longest;
        if (fits)
                cs_table_print(&table, screen);
        cs_table_deinit(&table);
        return fits;
}

/* The numbers and the library on one line, what it is on the next, with the width of the screen for itself. */
static void print_narrow(struct cs_screen *screen, const struct cs_report *report,
                         const struct cs_picked *picked)
{
        static const struct cs_column columns[] = {
                COLUMNS,
                { "library", false, 0, CS_STYLE_PLAIN },
        };
        struct cs_table table;
        cs_table_init(&table, columns, sizeof(columns) / sizeof(columns[0]), "  ");
        table.last = CS_TABLE_FOLD;
        for (size_t i = 0; i < picked->at.n; i++) {
                const struct cs_report_cluster *c = &report->clusters[picked->at.at[i]];
                add_row(&table, screen, c, NULL);
                cs_table_add_under(&table, screen, cs_screen_safe(screen, c->what), CS_STYLE_BOLD,
                                   cs_render_is_text(c));
        }
        cs_table_print(&table, screen);
        cs_table_deinit(&table);
}

void cs_render_cluster_table(struct cs_screen *screen, const struct cs_report *report,
                             const struct cs_picked *picked)
{
        if (!picked->at.n)
                cs_screen_printf(screen, "  none\n");
        else if (!print_wide(screen, report, picked))
                print_narrow(screen, report, picked);
}

void cs_render_clusters(struct cs_screen *screen, const struct cs_report *report,
                        const struct cs_options *options)
{
        struct cs_picked picked;
        if (cs_pick_clusters(report, options, cs_options_top(options, CS_TOP_CLUSTERS), &picked, NULL) !=
            CS_OK) {
                screen->failed = true;
                return;
        }
        if (!options->cluster) {
                cs_screen_heading(screen, "Clusters", picked.at.n ? CS_RENDER_CLUSTERS_NOTE : NULL);
                cs_render_cluster_table(screen, report, &picked);
                cs_render_left_out(screen, &picked.left, options, "cluster");
        }
        for (size_t i = 0; i < picked.at.n && (options->cluster || i < DETAILS); i++) {
                if (i > 0 || !options->cluster)
                        cs_screen_printf(screen, "\n");
                cs_render_cluster_detail(screen, &report->clusters[picked.at.at[i]],
                                         options->cluster != NULL);
        }
        cs_picked_deinit(&picked);
}

void cs_render_text(struct cs_screen *screen, const struct cs_report *report,
                    const struct cs_options *options)
{
        static const struct {
                enum cs_show show;
                const char *name;
                void (*render)(struct cs_screen *, const struct cs_report *, const struct cs_options *);
        } views[] = {
                { CS_SHOW_SUMMARY, "summary", cs_render_summary },
                { CS_SHOW_REGIONS, "regions", cs_render_regions },
                { CS_SHOW_HEAP, "heaps", cs_render_heap },
                { CS_SHOW_CLUSTERS, "clusters", cs_render_clusters },
                { CS_SHOW_LIBRARIES, "libraries", cs_render_libraries },
                { CS_SHOW_LEAKS, "leaks", cs_render_leaks },
                { CS_SHOW_AT, "the address", cs_render_at },
                { CS_SHOW_REFS, "references", cs_render_refs },
                { CS_SHOW_STRINGS, "texts", cs_render_strings },
                { CS_SHOW_HITS, "hits", cs_render_hits },
        };
        static const unsigned related =
                CS_SHOW_CLUSTERS | CS_SHOW_LIBRARIES | CS_SHOW_LEAKS | CS_SHOW_AT | CS_SHOW_REFS;
        bool first = true;
        for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
                if (!(options->show & views[i].show))
                        continue;
                if (!first)
                        cs_screen_printf(screen, "\n");
                first = false;
                const char *why = views[i].show & related            ? report->unrelated
                                  : views[i].show == CS_SHOW_STRINGS ? report->textless
                                                                     : NULL;
                if (why)
                        cs_screen_printf(screen, "%s: not known: %s\n", views[i].name, why);
                else
                        views[i].render(screen, report, options);
        }
}
