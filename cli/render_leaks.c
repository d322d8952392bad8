/* SPDX-License-Identifier: Apache-2.0 */
/* What is lost: how much, in which clusters, what hangs on it, and what to make of it. */
#include "render.h"

#include "units.h"

static void add_sum(struct cs_table *table, struct cs_screen *screen, const char *name,
                    struct cs_count_bytes sum, const char *meaning)
{
        const char *cells[] = {
                name,
                cs_screen_text(screen, "%s", cs_units_count(sum.count).text),
                cs_screen_text(screen, "%s", cs_units_bytes(sum.bytes).text),
                meaning,
        };
        cs_table_add(table, screen, cells);
}

static void render_sums(struct cs_screen *screen, const struct cs_report *report)
{
        static const struct cs_column columns[] = {
                { "", false, 0, CS_STYLE_PLAIN },
                { "blocks", true, 0, CS_STYLE_PLAIN },
                { "bytes", true, 0, CS_STYLE_PLAIN },
                { "", false, 1, CS_STYLE_DIM },
        };
        struct cs_table table;
        cs_table_init(&table, columns, sizeof(columns) / sizeof(columns[0]), "  ");
        table.last = CS_TABLE_FOLD;
        add_sum(&table, screen, "direct", report->leak_direct, "nothing leads there; of a ring: one block");
        add_sum(&table, screen, "indirect", report->leak_indirect, "only lost blocks lead there");
        if (report->leak_stale.count)
                add_sum(&table, screen, "  of both", report->leak_stale,
                        "freed or abandoned memory still has the address");
        add_sum(&table, screen, "possible", report->leak_possible,
                "held in a form that is no pointer, if at all; not counted as lost");
        cs_table_print(&table, screen);
        cs_table_deinit(&table);
}

static void render_clusters(struct cs_screen *screen, const struct cs_report *report,
                            const struct cs_picked *picked)
{
        static const struct cs_column columns[] = {
                { "id", false, 0, CS_STYLE_CYAN },     { "keeps", true, 0, CS_STYLE_PLAIN },
                { "direct", true, 0, CS_STYLE_PLAIN }, { "indir.", true, 0, CS_STYLE_PLAIN },
                { "poss.", true, 0, CS_STYLE_PLAIN },  { "of", true, 0, CS_STYLE_PLAIN },
                { "sure", true, 0, CS_STYLE_PLAIN },   { "library", false, 0, CS_STYLE_PLAIN },
        };
        struct cs_table table;
        cs_table_init(&table, columns, sizeof(columns) / sizeof(columns[0]), "  ");
        table.last = CS_TABLE_FOLD;
        for (size_t i = 0; i < picked->at.n; i++) {
                const struct cs_report_cluster *c = &report->clusters[picked->at.at[i]];
                const char *cells[] = {
                        cs_screen_safe(screen, c->id),
                        cs_screen_text(screen, "%s", cs_units_bytes(c->leak_retained_resident).text),
                        cs_screen_text(screen, "%s", cs_units_count(c->leak_direct).text),
                        cs_screen_text(screen, "%s", cs_units_count(c->leak_indirect).text),
                        cs_screen_text(screen, "%s", cs_units_count(c->leak_possible).text),
                        cs_screen_text(screen, "%s", cs_units_count(c->count).text),
                        c->leak_library
                                ? cs_screen_text(screen, "%s", cs_units_percent(c->leak_confidence).text)
                                : "-",
                        c->leak_library ? cs_screen_safe(screen, c->leak_library) : "(no owner found)",
                };
                cs_table_add(&table, screen, cells);
                cs_table_add_under(&table, screen, cs_screen_safe(screen, c->what), CS_STYLE_BOLD,
                                   cs_render_is_text(c));
                for (size_t k = 0; k < c->n_evidence; k++) {
                        const char *hint = cs_render_hint(screen, &c->evidence[k]);
                        if (hint)
                                cs_table_add_under(&table, screen, cs_screen_text(screen, "hint: %s", hint),
                                                   CS_STYLE_DIM, true);
                }
        }
        if (picked->at.n)
                cs_table_print(&table, screen);
        cs_table_deinit(&table);
}

void cs_render_leaks(struct cs_screen *screen, const struct cs_report *report,
                     const struct cs_options *options)
{
        struct cs_picked picked;
        if (cs_pick_leaks(report, options, cs_options_top(options, CS_TOP_CLUSTERS), &picked, NULL) !=
            CS_OK) {
                screen->failed = true;
                return;
        }
        cs_screen_heading(
                screen, "Leaks",
                "blocks in use that no root leads to; keeps: resident bytes of the direct ones, and of all that hangs on them");
        render_sums(screen, report);
        if (picked.at.n)
                cs_screen_printf(screen, "\n");
        render_clusters(screen, report, &picked);
        cs_render_left_out(screen, &picked.left, options, "cluster");
        const char *bullet = cs_screen_pick(screen, "  · ", "  - ");
        if (report->n_leak_notes)
                cs_screen_printf(screen, "\n");
        for (size_t i = 0; i < report->n_leak_notes; i++)
                cs_screen_paragraph(screen, bullet, CS_STYLE_PLAIN,
                                    cs_screen_safe(screen, report->leak_notes[i]));
        cs_picked_deinit(&picked);
}
