/* SPDX-License-Identifier: Apache-2.0 */
#include "render.h"

#include "units.h"

enum { DETAILS = 3 };

/* "24.3 KiB", or "≤1.02 KiB" where they differ: the table has no room for both ends. */
static const char *size_text(struct cs_screen *screen, const struct cs_report_cluster *c)
{
        const char *most = c->block_min == c->block_max ? "" : cs_screen_pick(screen, "≤", "<=");
        return cs_screen_text(screen, "%s%s", most, cs_units_bytes(c->block_max).text);
}

void cs_render_cluster_table(struct cs_screen *screen, const struct cs_report *report,
                             const struct cs_picked *picked)
{
        /* Who owns it is what people came for: the name of the library gives way last. */
        static const struct cs_column columns[] = {
                { "id", false, 0, CS_STYLE_CYAN },     { "resident", true, 0, CS_STYLE_PLAIN },
                { "count", true, 0, CS_STYLE_PLAIN },  { "size", true, 0, CS_STYLE_PLAIN },
                { "unref.", true, 0, CS_STYLE_PLAIN }, { "what", false, 16, CS_STYLE_BOLD },
                { "sure", true, 0, CS_STYLE_PLAIN },   { "library", false, 20, CS_STYLE_PLAIN },
        };
        struct cs_table table;
        cs_table_init(&table, columns, sizeof(columns) / sizeof(columns[0]), "  ");
        for (size_t i = 0; i < picked->at.n; i++) {
                const struct cs_report_cluster *c = &report->clusters[picked->at.at[i]];
                const char *cells[] = {
                        cs_screen_safe(screen, c->id),
                        cs_screen_text(screen, "%s", cs_units_bytes(c->resident).text),
                        cs_screen_text(screen, "%s", cs_units_count(c->count).text),
                        size_text(screen, c),
                        cs_screen_text(screen, "%s",
                                       cs_units_percent(cs_units_share(c->unreferenced, c->count)).text),
                        cs_screen_safe(screen, c->what),
                        c->library ? cs_screen_text(screen, "%s", cs_units_percent(c->confidence).text) : "-",
                        c->library ? cs_screen_safe(screen, c->library) : "(no owner found)",
                };
                cs_table_add(&table, screen, cells);
        }
        if (picked->at.n)
                cs_table_print(&table, screen);
        else
                cs_screen_printf(screen, "  none\n");
        cs_table_deinit(&table);
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
                cs_screen_heading(screen, "Clusters", CS_RENDER_CLUSTERS_NOTE);
                cs_render_cluster_table(screen, report, &picked);
                cs_render_left_out(screen, &picked.left, "cluster");
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
                void (*render)(struct cs_screen *, const struct cs_report *, const struct cs_options *);
        } views[] = {
                { CS_SHOW_SUMMARY, cs_render_summary },
                { CS_SHOW_CLUSTERS, cs_render_clusters },
                { CS_SHOW_LIBRARIES, cs_render_libraries },
        };
        bool first = true;
        for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++) {
                if (!(options->show & views[i].show))
                        continue;
                if (!first)
                        cs_screen_printf(screen, "\n");
                first = false;
                views[i].render(screen, report, options);
        }
}
