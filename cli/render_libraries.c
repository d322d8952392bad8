/* SPDX-License-Identifier: Apache-2.0 */
#include "render.h"

#include "units.h"

const char *cs_render_owner(struct cs_screen *screen, const char *library, double confidence)
{
        if (!library)
                return "-";
        return cs_screen_text(screen, "%s (%s)", cs_screen_safe(screen, library),
                              cs_units_percent(confidence).text);
}

void cs_render_left_out(struct cs_screen *screen, const struct cs_left_out *left,
                        const struct cs_options *options, const char *what)
{
        if (left->count == 0)
                return;
        /* Both words that come here take their plural in this way: cluster(s), librar(y/ies). */
        bool library = what[0] == 'l';
        const char *ending = left->count == 1 ? (library ? "y" : "") : (library ? "ies" : "s");
        cs_screen_printf(screen, "  %s and ", cs_screen_pick(screen, "…", "..."));
        cs_screen_printf(screen, "%s more %s%s, ", cs_units_count(left->count).text, what, ending);
        /* What a filter hides is counted with the rest: then more lines are not to be had from --top alone. */
        bool filtered = options->library || options->min_bytes || options->cluster;
        cs_screen_printf(screen, "%s resident (%s)\n", cs_units_bytes(left->resident).text,
                         filtered ? "not asked for, or beyond --top" : "--top 0 shows all");
}

void cs_render_library_table(struct cs_screen *screen, const struct cs_report *report,
                             const struct cs_picked *picked)
{
        static const struct cs_column columns[] = {
                { "resident", true, 0, CS_STYLE_PLAIN }, { "bytes", true, 0, CS_STYLE_PLAIN },
                { "blocks", true, 0, CS_STYLE_PLAIN },   { "sure", true, 0, CS_STYLE_PLAIN },
                { "library", false, 0, CS_STYLE_BOLD },
        };
        struct cs_table table;
        cs_table_init(&table, columns, sizeof(columns) / sizeof(columns[0]), "  ");
        table.last = CS_TABLE_FOLD;
        for (size_t i = 0; i < picked->at.n; i++) {
                const struct cs_report_library *l = &report->libraries[picked->at.at[i]];
                const char *cells[] = {
                        cs_screen_text(screen, "%s", cs_units_bytes(l->resident).text),
                        cs_screen_text(screen, "%s", cs_units_bytes(l->bytes).text),
                        cs_screen_text(screen, "%s", cs_units_count(l->count).text),
                        l->library ? cs_screen_text(screen, "%s", cs_units_percent(l->confidence).text) : "-",
                        l->library ? cs_screen_safe(screen, l->library) : "(no owner found)",
                };
                cs_table_add(&table, screen, cells);
        }
        if (picked->at.n)
                cs_table_print(&table, screen);
        else
                cs_screen_printf(screen, "  none\n");
        cs_table_deinit(&table);
}

void cs_render_libraries(struct cs_screen *screen, const struct cs_report *report,
                         const struct cs_options *options)
{
        struct cs_picked picked;
        if (cs_pick_libraries(report, options, cs_options_top(options, CS_TOP_CLUSTERS), &picked, NULL) !=
            CS_OK) {
                screen->failed = true;
                return;
        }
        cs_screen_heading(screen, "Libraries", picked.at.n ? CS_RENDER_LIBRARIES_NOTE : NULL);
        cs_render_library_table(screen, report, &picked);
        cs_render_left_out(screen, &picked.left, options, "librar");
        cs_picked_deinit(&picked);
}
