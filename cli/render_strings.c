/* SPDX-License-Identifier: Apache-2.0 */
#include "render.h"

#include "units.h"

#define NOTE                                                                                                      \
        "texts of 8 characters and more by what they have in common, most bytes first; distinct: about; in use, " \
        "free: share that lies in such blocks; where: owner of most, cluster, or kind of memory"

static const char *share(struct cs_screen *screen, uint64_t part, uint64_t all)
{
        return part ? cs_screen_text(screen, "%s", cs_units_percent(cs_units_share(part, all)).text) : "-";
}

/* "libfoo.so (c2)", as far as it is known. */
static const char *where(struct cs_screen *screen, const struct cs_report_string *s)
{
        const char *whose = s->library ? s->library : s->region ? s->region : "several";
        whose = cs_screen_safe(screen, whose);
        return s->cluster ? cs_screen_text(screen, "%s (%s)", whose, cs_screen_safe(screen, s->cluster))
                          : whose;
}

static void add_row(struct cs_table *table, struct cs_screen *screen, const struct cs_report_string *s)
{
        const char *least = s->missing_count ? cs_screen_pick(screen, "≥", ">=") : "";
        const char *cells[] = {
                cs_screen_text(screen, "%s%s", least, cs_units_bytes(s->bytes).text),
                cs_screen_text(screen, "%s%s", least, cs_units_count(s->count).text),
                cs_screen_text(screen, "%s", cs_units_count(s->distinct).text),
                cs_screen_safe(screen, s->encoding),
                share(screen, s->in_use, s->count),
                share(screen, s->free, s->count),
                where(screen, s),
        };
        cs_table_add(table, screen, cells);
        const char *text = cs_screen_safe_bytes(screen, s->template.bytes, s->template.len);
        if (s->cut)
                text = cs_screen_text(screen, "%s%s", text, cs_screen_pick(screen, "…", "..."));
        cs_table_add_under(table, screen, text, CS_STYLE_BOLD, true);
}

/* What stands below the table: what of all texts is not in it. */
static void render_rest(struct cs_screen *screen, const struct cs_report_strings *all,
                        const struct cs_left_out *left, const struct cs_options *options)
{
        bool filtered = options->library || options->min_bytes || options->cluster || options->region ||
                        options->encoding;
        if (left->count) {
                cs_screen_printf(screen, "  %s and ", cs_screen_pick(screen, "…", "..."));
                cs_screen_printf(screen, "%s more template%s, ", cs_units_count(left->count).text,
                                 left->count == 1 ? "" : "s");
                cs_screen_printf(screen, "%s (%s)\n", cs_units_bytes(left->bytes).text,
                                 filtered ? "not asked for, or beyond --top" : "--top 0 shows all");
        }
        cs_screen_printf(screen, "  %s texts", cs_units_count(all->all.count).text);
        cs_screen_printf(screen, ", %s", cs_units_bytes(all->all.bytes).text);
        cs_screen_printf(screen, ", in %s of memory\n", cs_units_bytes(all->searched).text);
        if (all->near)
                cs_screen_paragraph(
                        screen, "  ", CS_STYLE_PLAIN,
                        "The heap is large: owners come from what lies around examples, and clusters are not told; with "
                        "--clusters beside --strings they are.");
        if (all->twice)
                cs_screen_printf(screen, "  %s are mapped a second time and were counted once\n",
                                 cs_units_bytes(all->twice).text);
        if (all->lost.count) {
                const char *count = cs_screen_text(screen, "%s", cs_units_count(all->lost.count).text);
                const char *bytes = cs_screen_text(screen, "%s", cs_units_bytes(all->lost.bytes).text);
                const char *text = cs_screen_text(
                        screen,
                        "%s of the texts, %s, are in no template: these were too many; none had more than %s. %s marks what may have more.",
                        count, bytes, cs_units_bytes(all->error).text, cs_screen_pick(screen, "≥", ">="));
                cs_screen_paragraph(screen, "  ", CS_STYLE_PLAIN, text);
        }
}

void cs_render_strings(struct cs_screen *screen, const struct cs_report *report,
                       const struct cs_options *options)
{
        static const struct cs_column columns[] = {
                { "bytes", true, 0, CS_STYLE_PLAIN },    { "count", true, 0, CS_STYLE_PLAIN },
                { "distinct", true, 0, CS_STYLE_PLAIN }, { "encoding", false, 0, CS_STYLE_PLAIN },
                { "in use", true, 0, CS_STYLE_PLAIN },   { "free", true, 0, CS_STYLE_PLAIN },
                { "where", false, 0, CS_STYLE_PLAIN },
        };
        struct cs_picked picked;
        if (!report->strings)
                return;
        if (cs_pick_strings(report, options, cs_options_top(options, CS_TOP_CLUSTERS), &picked, NULL) !=
            CS_OK) {
                screen->failed = true;
                return;
        }
        struct cs_table table;
        cs_table_init(&table, columns, sizeof(columns) / sizeof(columns[0]), "  ");
        table.last = CS_TABLE_FOLD;
        cs_screen_heading(screen, "Strings", picked.at.n ? NOTE : NULL);
        for (size_t i = 0; i < picked.at.n; i++)
                add_row(&table, screen, &report->strings->at[picked.at.at[i]]);
        if (picked.at.n)
                cs_table_print(&table, screen);
        else
                cs_screen_printf(screen, "  none\n");
        render_rest(screen, report->strings, &picked.left, options);
        cs_table_deinit(&table);
        cs_picked_deinit(&picked);
}
