/* SPDX-License-Identifier: Apache-2.0 */
#include "join_private.h"

#include <stdio.h>
#include <string.h>

enum { NOTES_MOST = 32, UPGRADES_TOLD = 4 };

const char *cs_growth_state_name(enum cs_growth_state state)
{
        static const char *const names[] = { "same", "grew", "shrank", "new", "gone" };
        return names[state];
}

enum cs_status cs_growth_note(struct cs_growth *g, struct cs_error *err, const char *format, ...)
{
        char text[CS_ERROR_TEXT];
        va_list args;
        va_start(args, format);
        (void)vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        const char *copy = cs_pool_copy(&g->pool, text, strlen(text));
        if (!copy)
                return cs_fail(err, CS_ENOMEM, "comparison");
        if (g->n_notes < NOTES_MOST)
                g->notes[g->n_notes++] = copy;
        return CS_OK;
}

const char *cs_growth_name(struct cs_growth *g, size_t snapshot)
{
        const struct cs_snapshot *s = g->snapshots[snapshot];
        const char *name = s->path ? cs_pool_printf(&g->pool, "%.120s", s->path)
                                   : cs_pool_printf(&g->pool, "process %" PRId64, s->pid);
        return name ? name : "";
}

static bool differ(const char *a, const char *b)
{
        return a && b && strcmp(a, b) != 0;
}

bool cs_growth_same_process(const struct cs_snapshot *a, const struct cs_snapshot *b)
{
        return a->pid == b->pid && !differ(a->process, b->process);
}

/* Programs are the same by the name of their file, whatever its folder (containers) and version; where it is not known, by
 * the first word of the command. */
static const char *program(struct cs_growth *g, const struct cs_snapshot *s)
{
        if (!s->exe && !s->command)
                return NULL;
        const char *path = s->exe;
        if (!path)
                path = cs_pool_copy(&g->pool, s->command, strcspn(s->command, " "));
        return path ? cs_names_stem(&g->pool, cs_names_last(path)) : NULL;
}

static enum cs_status compare_programs(struct cs_growth *g, struct cs_error *err)
{
        g->same_program = true;
        for (size_t s = 1; s < g->n_snapshots; s++) {
                const char *a = program(g, g->snapshots[0]), *b = program(g, g->snapshots[s]);
                if (!differ(a, b))
                        continue;
                g->same_program = false;
                return cs_growth_note(
                        g, err,
                        "these are different programs (%.60s is of %.60s, %.60s of %.60s): only kinds of memory are compared",
                        cs_growth_name(g, 0), a, cs_growth_name(g, s), b);
        }
        return CS_OK;
}

/* A heap that could not be walked at one time is not gone: nothing is known of its blocks. */
static enum cs_status find_unwalked(struct cs_growth *g, struct cs_error *err)
{
        bool any = false;
        enum cs_status st = CS_OK;
        for (size_t s = 0; s < g->n_snapshots; s++)
                any |= cs_snapshot_has_blocks(g->snapshots[s]);
        for (size_t s = 0; st == CS_OK && any && s < g->n_snapshots; s++) {
                struct cs_snapshot *here = g->snapshots[s];
                if (!here->has_memory || cs_snapshot_has_blocks(here))
                        continue;
                here->has_clusters = here->has_libraries = false;
                st = cs_growth_note(
                        g, err,
                        "no heap could be walked in %.100s, other than in others: its blocks are not known",
                        cs_growth_name(g, s));
        }
        return st;
}

static enum cs_status compare_processes(struct cs_growth *g, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        g->same_process = true;
        for (size_t s = 1; st == CS_OK && g->same_program && s < g->n_snapshots; s++) {
                const struct cs_snapshot *a = g->snapshots[s - 1], *b = g->snapshots[s];
                if (cs_growth_same_process(a, b))
                        continue;
                g->same_process = false;
                st = cs_growth_note(g, err,
                                    "the process was started anew between %.100s (pid %" PRId64
                                    ") and %.100s (pid %" PRId64
                                    "): what differs is not growth of one process, and has no rate",
                                    cs_growth_name(g, s - 1), a->pid, cs_growth_name(g, s), b->pid);
                if (st == CS_OK && differ(a->command, b->command))
                        st = cs_growth_note(g, err, "the command lines differ: %.150s; then %.150s",
                                            a->command, b->command);
        }
        return st;
}

static enum cs_status compare_times(struct cs_growth *g, struct cs_error *err)
{
        g->timed = true;
        for (size_t s = 0; s < g->n_snapshots; s++) {
                const struct cs_snapshot *b = g->snapshots[s];
                if (!b->time_ms) {
                        g->timed = false;
                        return cs_growth_note(g, err, "it is not known when %.100s was taken: no rates",
                                              cs_growth_name(g, s));
                }
                if (s && b->time_ms < g->snapshots[s - 1]->time_ms) {
                        g->timed = false;
                        return cs_growth_note(
                                g, err,
                                "%.100s is older than %.100s, by the times of the files: in the wrong order? They are compared "
                                "as they were given, without rates",
                                cs_growth_name(g, s), cs_growth_name(g, s - 1));
                }
        }
        g->seconds = (double)(g->snapshots[g->n_snapshots - 1]->time_ms - g->snapshots[0]->time_ms) / 1000;
        g->timed = g->seconds > 0;
        return CS_OK;
}

static enum cs_status note_lists(struct cs_growth *g, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (size_t s = 0; st == CS_OK && s < g->n_snapshots; s++) {
                const struct cs_snapshot *here = g->snapshots[s];
                size_t signatures = 0;
                for (size_t i = 0; i < here->n_clusters; i++)
                        signatures += here->clusters[i].signature != NULL;
                if (!here->complete)
                        st = cs_growth_note(g, err, "%.100s is partial: what it lacks is not gone",
                                            cs_growth_name(g, s));
                if (st == CS_OK && here->saved && here->schema < 1)
                        st = cs_growth_note(
                                g, err,
                                "%.100s is a report of an older schema: what it does not say is not compared",
                                cs_growth_name(g, s));
                if (st != CS_OK || !g->same_program)
                        continue;
                if (!here->has_clusters)
                        st = cs_growth_note(g, err, "%.100s has no clusters: they are not compared with it",
                                            cs_growth_name(g, s));
                else if (here->clusters_left.count)
                        st = cs_growth_note(
                                g, err,
                                "%.100s lists %zu of %" PRIu64
                                " clusters: what is not among them is compared by what it can have had at most (--top 0 lists all)",
                                cs_growth_name(g, s), here->n_clusters,
                                here->n_clusters + here->clusters_left.count);
                if (st == CS_OK && here->n_clusters && !signatures)
                        st = cs_growth_note(
                                g, err, "%.100s has no signatures: its clusters are joined by their names",
                                cs_growth_name(g, s));
        }
        return st;
}

static enum cs_status note_upgrades(struct cs_growth *g, struct cs_error *err)
{
        size_t n = 0;
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < g->libraries.n; i++) {
                const struct cs_growth_row *row = &g->libraries.at[i];
                if (!row->upgraded || n++ >= UPGRADES_TOLD)
                        continue;
                if (row->was)
                        st = cs_growth_note(
                                g, err,
                                "%.100s took the place of %.100s: what is theirs is joined by name, not by build-id",
                                row->library, row->was);
                else
                        st = cs_growth_note(
                                g, err,
                                "%.100s is another build than before: what is its is joined by name, not by build-id",
                                row->library);
        }
        if (st == CS_OK && n > UPGRADES_TOLD)
                st = cs_growth_note(g, err, "%zu more libraries were upgraded", n - UPGRADES_TOLD);
        return st;
}

static bool all_same(const struct cs_growth_rows *rows, size_t a, size_t b)
{
        for (size_t i = 0; i < rows->n; i++) {
                const struct cs_growth_value *p = &rows->at[i].at[a], *q = &rows->at[i].at[b];
                if (p->there != q->there || p->count != q->count || p->bytes != q->bytes ||
                    p->resident != q->resident)
                        return false;
        }
        return true;
}

static enum cs_status note_twice(struct cs_growth *g, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (size_t s = 1; st == CS_OK && s < g->n_snapshots; s++) {
                const struct cs_snapshot *a = g->snapshots[s - 1], *b = g->snapshots[s];
                bool sum = a->sha256 && b->sha256 && strcmp(a->sha256, b->sha256) == 0;
                bool path = a->path && b->path && strcmp(a->path, b->path) == 0;
                bool same = cs_growth_same_process(a, b) && a->time_ms == b->time_ms &&
                            all_same(&g->kinds, s - 1, s) && all_same(&g->clusters, s - 1, s);
                if (sum || path || same)
                        st = cs_growth_note(g, err,
                                            "%.100s and %.100s are the same snapshot: nothing can have grown",
                                            cs_growth_name(g, s - 1), cs_growth_name(g, s));
        }
        return st;
}

/* All memory, and what no file backs. */
static enum cs_status make_totals(struct cs_growth *g, struct cs_error *err)
{
        g->total.at = cs_pool_alloc(&g->pool, g->n_snapshots, sizeof(*g->total.at));
        g->anonymous.at = cs_pool_alloc(&g->pool, g->n_snapshots, sizeof(*g->anonymous.at));
        if (!g->total.at || !g->anonymous.at)
                return cs_fail(err, CS_ENOMEM, "comparison");
        for (size_t s = 0; s < g->n_snapshots; s++) {
                const struct cs_report_memory *m = &g->snapshots[s]->memory;
                bool has = g->snapshots[s]->has_memory;
                g->total.at[s] = (struct cs_growth_value){
                        .bytes = m->mapped, .resident = m->resident, .there = has, .unlisted = !has
                };
                g->anonymous.at[s] = (struct cs_growth_value){
                        .bytes = m->anonymous, .resident = m->anonymous, .there = has, .unlisted = !has
                };
        }
        enum cs_status st = cs_join_measure(g, &g->total, err);
        return st == CS_OK ? cs_join_measure(g, &g->anonymous, err) : st;
}

static enum cs_status take_series(struct cs_growth *g, const struct cs_growth_series *series,
                                  struct cs_error *err)
{
        if (!series)
                return CS_OK;
        if (series->note && *series->note) {
                enum cs_status noted = cs_growth_note(g, err, "%s", series->note);
                if (noted != CS_OK)
                        return noted;
        }
        enum cs_status st = cs_trend_find(series->at, series->n, &g->anonymous.shape, err);
        if (g->anonymous.shape.told)
                g->anonymous.per_second = g->anonymous.shape.per_second;
        return st;
}

static enum cs_status build(struct cs_growth *g, const struct cs_growth_series *series, struct cs_error *err)
{
        enum cs_status st;
        g->notes = cs_pool_alloc(&g->pool, NOTES_MOST, sizeof(*g->notes));
        if (!g->notes)
                return cs_fail(err, CS_ENOMEM, "comparison");
        if ((st = compare_programs(g, err)) != CS_OK || (st = compare_processes(g, err)) != CS_OK ||
            (g->same_program && (st = find_unwalked(g, err)) != CS_OK) ||
            (st = compare_times(g, err)) != CS_OK || (st = make_totals(g, err)) != CS_OK ||
            (st = take_series(g, series, err)) != CS_OK || (st = cs_join_kinds(g, err)) != CS_OK)
                return st;
        if (g->same_program &&
            ((st = cs_join_libraries(g, err)) != CS_OK || (st = note_upgrades(g, err)) != CS_OK ||
             (st = cs_join_clusters(g, err)) != CS_OK))
                return st;
        if ((st = note_lists(g, err)) != CS_OK || (st = note_twice(g, err)) != CS_OK)
                return st;
        return cs_growth_judge(g, err);
}

enum cs_status cs_growth_build_watched(struct cs_snapshot **snapshots, size_t n,
                                       const struct cs_growth_series *series, struct cs_growth **out,
                                       struct cs_error *err)
{
        cs_cleanup(cs_growth_destroyp) struct cs_growth *g = calloc(1, sizeof(*g));
        if (g)
                g->snapshots = calloc(n, sizeof(struct cs_snapshot *));
        if (!g || !g->snapshots) {
                for (size_t i = 0; i < n; i++)
                        cs_snapshot_destroy(snapshots[i]);
                return cs_fail(err, CS_ENOMEM, "comparison");
        }
        memcpy(g->snapshots, snapshots, n * sizeof(struct cs_snapshot *));
        g->n_snapshots = n;
        enum cs_status st = build(g, series, err);
        if (st == CS_OK)
                *out = cs_take(g);
        return st;
}

enum cs_status cs_growth_build(struct cs_snapshot **snapshots, size_t n, struct cs_growth **out,
                               struct cs_error *err)
{
        return cs_growth_build_watched(snapshots, n, NULL, out, err);
}

void cs_growth_release(struct cs_growth *growth)
{
        growth->n_snapshots = 0;
}

void cs_growth_destroy(struct cs_growth *growth)
{
        if (!growth)
                return;
        for (size_t i = 0; growth->snapshots && i < growth->n_snapshots; i++)
                cs_snapshot_destroy(growth->snapshots[i]);
        free(growth->snapshots);
        cs_pool_deinit(&growth->pool);
        free(growth);
}
