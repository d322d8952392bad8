/* SPDX-License-Identifier: Apache-2.0 */
/* What changed between snapshots: whether it grows, what grew, whose it is, and what went. */
#include "render.h"

#include "growthpick.h"
#include "units.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

enum { SHRANK_ROWS = 3, KIND_ROWS = 8 };

static uint64_t size_of(int64_t change)
{
        return change < 0 ? -(uint64_t)change : (uint64_t)change;
}

static const char *sign_of(int64_t change)
{
        return change > 0 ? "+" : change < 0 ? "-" : "";
}

/* "+145 MiB", "-12 MiB", "0 B" */
static const char *change(struct cs_screen *screen, int64_t bytes)
{
        return cs_screen_text(screen, "%s%s", sign_of(bytes), cs_units_bytes(size_of(bytes)).text);
}

static const char *count_change(struct cs_screen *screen, int64_t count)
{
        return cs_screen_text(screen, "%s%s", sign_of(count), cs_units_count(size_of(count)).text);
}

/* "2.31 MiB/min"; of less than a byte a minute, in bytes a day. */
static const char *rate(struct cs_screen *screen, double per_second)
{
        double minute = per_second * 60;
        if (!(minute > 0) || minute > 1e18)
                return "";
        return minute >= 1 ? cs_screen_text(screen, "%s/min", cs_units_bytes((uint64_t)minute).text)
                           : cs_screen_text(screen, "%s/day", cs_units_bytes((uint64_t)(minute * 1440)).text);
}

static const char *now(struct cs_screen *screen, const struct cs_growth *g, const struct cs_growth_row *row)
{
        const struct cs_growth_value *v = &row->at[g->n_snapshots - 1];
        return v->unlisted ? "?" : cs_screen_text(screen, "%s", cs_units_bytes(v->resident).text);
}

static const char *state(struct cs_screen *screen, const struct cs_growth_row *row)
{
        const char *name = row->state == CS_GROWTH_NEW || row->state == CS_GROWTH_GONE
                                   ? cs_growth_state_name(row->state)
                                   : "";
        const char *shape = row->shape.told ? cs_trend_words(row->shape.shape) : "";
        return *name && *shape ? cs_screen_text(screen, "%s, %s", name, shape) : *name ? name : shape;
}

/* ---- snapshots --------------------------------------------------------------------------------------------------- */

static const char *when(struct cs_screen *screen, const struct cs_growth *g, size_t i)
{
        int64_t at = g->snapshots[i]->time_ms, before = i ? g->snapshots[i - 1]->time_ms : 0;
        if (!at)
                return "?";
        if (before)
                return cs_screen_text(
                        screen, "%s%s", at < before ? "-" : "+",
                        cs_units_seconds((double)(at < before ? before - at : at - before) / 1000).text);
        char text[32] = "?";
        struct tm parts;
        time_t value = (time_t)(at / 1000);
        if (gmtime_r(&value, &parts))
                (void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%SZ", &parts);
        return cs_screen_text(screen, "%s", text);
}

static void render_snapshots(struct cs_screen *screen, const struct cs_growth *g)
{
        static const struct cs_column columns[] = {
                { "", true, 0, CS_STYLE_DIM },          { "taken", true, 0, CS_STYLE_PLAIN },
                { "pid", true, 0, CS_STYLE_PLAIN },     { "resident", true, 0, CS_STYLE_PLAIN },
                { "no file", true, 0, CS_STYLE_PLAIN }, { "what", false, 0, CS_STYLE_PLAIN },
        };
        struct cs_table table;
        cs_table_init(&table, columns, sizeof(columns) / sizeof(columns[0]), "  ");
        for (size_t i = 0; i < g->n_snapshots; i++) {
                const struct cs_snapshot *s = g->snapshots[i];
                const char *resident = cs_screen_text(screen, "%s", cs_units_bytes(s->memory.resident).text);
                const char *cells[] = {
                        cs_screen_text(screen, "%zu", i + 1),
                        when(screen, g, i),
                        cs_screen_text(screen, "%" PRId64, s->pid),
                        s->has_memory ? resident : "?",
                        s->has_memory ? cs_screen_text(screen, "%s", cs_units_bytes(s->memory.anonymous).text)
                                      : "?",
                        s->path ? cs_screen_safe(screen, s->path) : "live",
                };
                cs_table_add(&table, screen, cells);
        }
        cs_screen_printf(screen, "\n");
        cs_screen_heading(
                screen, "Snapshots",
                "resident: pages in memory that are not all zeros; no file: those that no file backs");
        const struct cs_snapshot *last = g->snapshots[g->n_snapshots - 1];
        const char *command = last->command ? last->command : last->exe;
        if (command && g->same_program)
                cs_screen_printf(screen, "  %s\n",
                                 cs_screen_cut_end(screen, cs_screen_safe(screen, command),
                                                   screen->width > 22 ? screen->width - 2 : 20));
        cs_table_print(&table, screen);
        cs_table_deinit(&table);
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static void render_left(struct cs_screen *screen, const struct cs_growth_picked *picked, const char *what)
{
        if (!picked->left)
                return;
        cs_screen_printf(screen, "  %s and %s more %s, %s (--top 0 shows all)\n",
                         cs_screen_pick(screen, "…", "..."), cs_units_count(picked->left).text, what,
                         change(screen, picked->left_resident));
}

static void add_kind(struct cs_table *table, struct cs_screen *screen, const struct cs_growth *g,
                     const char *name, const struct cs_growth_row *row)
{
        const char *cells[] = { name,
                                change(screen, row->resident),
                                now(screen, g, row),
                                change(screen, row->bytes),
                                rate(screen, row->per_second),
                                state(screen, row) };
        cs_table_add(table, screen, cells);
}

static void render_kinds(struct cs_screen *screen, const struct cs_growth *g)
{
        static const struct cs_column columns[] = {
                { "kind", false, 12, CS_STYLE_PLAIN }, { "resident", true, 0, CS_STYLE_BOLD },
                { "now", true, 0, CS_STYLE_PLAIN },    { "mapped", true, 0, CS_STYLE_PLAIN },
                { "rate", true, 0, CS_STYLE_PLAIN },   { "", false, 1, CS_STYLE_PLAIN },
        };
        struct cs_table table;
        size_t shown = 0;
        cs_table_init(&table, columns, sizeof(columns) / sizeof(columns[0]), "  ");
        for (size_t i = 0; i < g->kinds.n && shown < KIND_ROWS; i++) {
                const struct cs_growth_row *row = &g->kinds.at[i];
                if (row->state == CS_GROWTH_STAYED)
                        continue;
                add_kind(&table, screen, g, cs_screen_safe(screen, row->kind), row);
                shown++;
        }
        add_kind(&table, screen, g, "no file", &g->anonymous);
        add_kind(&table, screen, g, "all", &g->total);
        cs_screen_printf(screen, "\n");
        cs_screen_heading(screen, "Memory",
                          "change by kind, from the first to the last; what did not change is not shown");
        cs_table_print(&table, screen);
        cs_table_deinit(&table);
}

static void add_cluster(struct cs_table *table, struct cs_screen *screen, const struct cs_growth *g,
                        const struct cs_growth_row *row)
{
        const char *id = row->id && row->at[g->n_snapshots - 1].there ? cs_screen_safe(screen, row->id) : "-";
        const char *cells[] = {
                id,
                cs_screen_text(screen, "%s%s", row->least ? cs_screen_pick(screen, "≥", ">=") : "",
                               change(screen, row->resident)),
                now(screen, g, row),
                count_change(screen, row->count),
                rate(screen, row->per_second),
                state(screen, row),
                cs_render_owner(screen, row->library, row->confidence),
        };
        cs_table_add(table, screen, cells);
        const char *what = row->has_template
                                   ? cs_screen_safe_bytes(screen, row->template.bytes, row->template.len)
                                   : cs_screen_safe(screen, row->what);
        if (row->likes > 1)
                what = cs_screen_text(screen, "%" PRIu32 " alike: %s", row->likes, what);
        cs_table_add_under(table, screen, what, CS_STYLE_BOLD, row->has_template);
}

static void render_clusters(struct cs_screen *screen, const struct cs_growth *g,
                            const struct cs_growth_picked *picked)
{
        static const struct cs_column columns[] = {
                { "id", false, 0, CS_STYLE_DIM },        { "resident", true, 0, CS_STYLE_BOLD },
                { "now", true, 0, CS_STYLE_PLAIN },      { "blocks", true, 0, CS_STYLE_PLAIN },
                { "rate", true, 0, CS_STYLE_PLAIN },     { "", false, 0, CS_STYLE_PLAIN },
                { "library", false, 1, CS_STYLE_PLAIN },
        };
        struct cs_table table;
        cs_table_init(&table, columns, sizeof(columns) / sizeof(columns[0]), "  ");
        for (size_t i = 0; i < picked->at.n; i++)
                add_cluster(&table, screen, g, picked->at.at[i]);
        if (picked->at.n)
                cs_table_print(&table, screen);
        else
                cs_screen_printf(screen, "  none\n");
        cs_table_deinit(&table);
}

static void render_libraries(struct cs_screen *screen, const struct cs_growth *g,
                             const struct cs_growth_picked *picked)
{
        static const struct cs_column columns[] = {
                { "resident", true, 0, CS_STYLE_BOLD }, { "now", true, 0, CS_STYLE_PLAIN },
                { "blocks", true, 0, CS_STYLE_PLAIN },  { "rate", true, 0, CS_STYLE_PLAIN },
                { "", false, 0, CS_STYLE_PLAIN },       { "library", false, 1, CS_STYLE_PLAIN },
        };
        struct cs_table table;
        cs_table_init(&table, columns, sizeof(columns) / sizeof(columns[0]), "  ");
        for (size_t i = 0; i < picked->at.n; i++) {
                const struct cs_growth_row *row = picked->at.at[i];
                const char *cells[] = {
                        cs_screen_text(screen, "%s%s", row->least ? cs_screen_pick(screen, "≥", ">=") : "",
                                       change(screen, row->resident)),
                        now(screen, g, row),
                        count_change(screen, row->count),
                        rate(screen, row->per_second),
                        row->upgraded ? "upgraded" : state(screen, row),
                        row->library ? cs_screen_safe(screen, row->library) : "(no owner found)",
                };
                cs_table_add(&table, screen, cells);
        }
        if (picked->at.n)
                cs_table_print(&table, screen);
        else
                cs_screen_printf(screen, "  none\n");
        cs_table_deinit(&table);
}

typedef void (*print_fn)(struct cs_screen *, const struct cs_growth *, const struct cs_growth_picked *);

static void render_rows(struct cs_screen *screen, const struct cs_growth *g, const struct cs_options *options,
                        const struct cs_growth_rows *rows, const char *head, const char *note, print_fn print)
{
        bool views = options->show & (CS_SHOW_CLUSTERS | CS_SHOW_LIBRARIES);
        size_t top = cs_options_top(options, views ? CS_TOP_CLUSTERS : CS_TOP_SUMMARY);
        struct cs_growth_picked grew = { 0 }, shrank = { 0 };
        if (cs_growth_pick(rows, g->n_snapshots, CS_WISH_GREW, options, top, &grew, NULL) != CS_OK ||
            cs_growth_pick(rows, g->n_snapshots, CS_WISH_SHRANK, options,
                           options->top_given ? top : SHRANK_ROWS, &shrank, NULL) != CS_OK) {
                screen->failed = true;
        } else {
                cs_screen_printf(screen, "\n");
                cs_screen_heading(screen, cs_screen_text(screen, "%s that grew", head), note);
                print(screen, g, &grew);
                render_left(screen, &grew, "that grew");
                if (shrank.at.n) {
                        cs_screen_printf(screen, "\n");
                        cs_screen_heading(screen, cs_screen_text(screen, "%s that shrank, or went", head),
                                          NULL);
                        print(screen, g, &shrank);
                        render_left(screen, &shrank, "that shrank");
                }
        }
        cs_growth_picked_deinit(&grew);
        cs_growth_picked_deinit(&shrank);
}

void cs_render_growth(struct cs_screen *screen, const struct cs_growth *growth,
                      const struct cs_options *options)
{
        if (options->show & CS_SHOW_SUMMARY) {
                cs_render_verdict(screen, &growth->verdict);
                render_snapshots(screen, growth);
                render_kinds(screen, growth);
        }
        if (!growth->same_program)
                return;
        if (options->show & (CS_SHOW_SUMMARY | CS_SHOW_CLUSTERS))
                render_rows(screen, growth, options, &growth->clusters, "Clusters",
                            "by growth of resident bytes; id: in the last one", render_clusters);
        if (options->show & (CS_SHOW_SUMMARY | CS_SHOW_LIBRARIES))
                render_rows(screen, growth, options, &growth->libraries, "Libraries",
                            "whose code made the blocks", render_libraries);
}
