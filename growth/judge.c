/* SPDX-License-Identifier: Apache-2.0 */
#include "join_private.h"

#include <stdio.h>
#include <string.h>

enum {
        /* Less than this comes and goes in any process: buffers of stdio, a thread cache. */
        GROWN_BYTES = 128 << 10,
        REASONS_MAX = 6,
        REASON_CLUSTERS = 2,
};

/* And less than this share of what there was, which is what an idle server breathes. */
static const double GROWN_SHARE = 0.005;

/* One thing that grew by this share of itself is told, where the whole did not grow. */
static const double GROWN_SELF = 0.1;

/* And is this share of all. */
static const double GROWN_PART = 0.01;

/* Growth of which at least this much is lost is a leak. */
static const double LEAK_SHARE = 0.5;

struct judge {
        struct cs_growth *g;
        struct cs_error *err;
        bool failed;
};

const char *cs_growth_size(struct cs_growth *g, uint64_t bytes)
{
        static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
        double value = (double)bytes;
        unsigned unit = 0;
        while (value >= 999.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
                value /= 1024;
                unit++;
        }
        int decimals = !unit || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
        const char *text = cs_pool_printf(&g->pool, "%.*f %s", decimals, value, units[unit]);
        return text ? text : "";
}

static const char *keep(struct judge *j, const char *text)
{
        if (!text)
                j->failed = true;
        return text;
}

static void reason(struct judge *j, const char *text)
{
        struct cs_report_verdict *v = &j->g->verdict;
        if (keep(j, text) && v->n_reasons < REASONS_MAX)
                v->reasons[v->n_reasons++] = text;
}

static const char *duration(struct cs_growth *g)
{
        unsigned long s = g->seconds < 1e9 ? (unsigned long)g->seconds : 1000000000UL;
        const char *text = s < 60 ? cs_pool_printf(&g->pool, " in %lu s", s)
                           : s < 3600
                                   ? cs_pool_printf(&g->pool, " in %lu min %02lu s", s / 60, s % 60)
                                   : cs_pool_printf(&g->pool, " in %lu h %02lu min", s / 3600, s / 60 % 60);
        return g->timed && text ? text : "";
}

/* What a row is called in a sentence. */
static const char *row_name(struct judge *j, const struct cs_growth_row *row)
{
        struct cs_growth *g = j->g;
        const char *what = row->what ? row->what : row->kind ? row->kind : "?";
        if (row->has_template)
                what = keep(j, cs_pool_printf(&g->pool, "texts like \"%.80s\"", what));
        if (!row->what || !row->library)
                return what;
        return keep(j, cs_pool_printf(&g->pool, "%.200s of %s%.100s", what ? what : "?",
                                      row->confidence < 0.5 ? "perhaps " : "", row->library));
}

static double share(int64_t part, int64_t whole)
{
        return whole > 0 && part > 0 ? (part < whole ? (double)part / (double)whole : 1) : 0;
}

/* Does the row grow more than processes do anyway? With enough looks, its shape says so. */
static bool grows(const struct cs_growth_row *row, double least_share)
{
        if (row->resident < GROWN_BYTES)
                return false;
        if (row->shape.told)
                return cs_trend_grows(row->shape.shape);
        return (double)row->resident >= least_share * (double)row->at[0].resident;
}

/* What grew most of all: a cluster, or where none did, a kind of memory. */
static const struct cs_growth_row *leader(const struct cs_growth *g)
{
        double least = GROWN_PART * (double)g->anonymous.at[0].resident;
        for (size_t i = 0; i < g->clusters.n && (double)g->clusters.at[i].resident > least; i++)
                if (grows(&g->clusters.at[i], GROWN_SELF))
                        return &g->clusters.at[i];
        for (size_t i = 0; i < g->kinds.n && g->kinds.at[i].resident > 0; i++)
                if (grows(&g->kinds.at[i], GROWN_SELF))
                        return &g->kinds.at[i];
        return NULL;
}

/* Does what grew most tell of growth where the whole did not grow? Not by two looks what many samples of the whole deny. */
static bool tells(const struct cs_growth_row *first, const struct cs_growth_row *all)
{
        return first->what && (first->shape.told || !all->shape.told);
}

static int64_t lost(const struct cs_growth *g)
{
        int64_t sum = 0;
        for (size_t i = 0; i < g->clusters.n; i++)
                if (__builtin_add_overflow(sum, g->clusters.at[i].leaked, &sum))
                        return INT64_MAX;
        return sum;
}

static void tell_rows(struct judge *j, const struct cs_growth_rows *rows)
{
        struct cs_growth *g = j->g;
        for (size_t i = 0; i < rows->n && i < REASON_CLUSTERS; i++) {
                const struct cs_growth_row *row = &rows->at[i];
                if (row->resident < GROWN_BYTES)
                        return;
                const char *rate = "";
                if (row->per_second > 0)
                        rate = keep(j, cs_pool_printf(&g->pool, ", %s a minute",
                                                      cs_growth_size(g, (uint64_t)(row->per_second * 60))));
                reason(j, cs_pool_printf(&g->pool, "%s%s +%s (%+" PRId64 "%s)%s%s%s", row_name(j, row),
                                         row->least ? ": at least" : ":",
                                         cs_growth_size(g, (uint64_t)row->resident), row->count,
                                         row->what ? " blocks" : " regions", rate ? rate : "",
                                         row->shape.told ? ", " : "",
                                         row->shape.told ? cs_trend_words(row->shape.shape) : ""));
        }
}

/* together: memory as a whole grew; else `first` did, by itself. */
static void judge_growth(struct judge *j, const struct cs_growth_row *first, bool together)
{
        struct cs_growth *g = j->g;
        struct cs_report_verdict *v = &g->verdict;
        const struct cs_growth_row *all = &g->anonymous;
        int64_t by = together ? all->resident : first->resident;
        int64_t leaked = together ? lost(g) : first->leaked;
        /* Of two looks one may have met what lies about until somebody collects it. */
        bool leak = share(leaked, by) >= LEAK_SHARE && (together || first->shape.told);
        v->kind = leak ? "leak" : "growth";
        v->confidence = all->shape.told      ? all->shape.confidence
                        : !g->same_process   ? 0.5
                        : g->n_snapshots > 2 ? 0.75
                                             : 0.65;
        if (leak)
                v->confidence += (1 - v->confidence) / 2;
        const char *size = cs_growth_size(g, (uint64_t)by);
        const char *led =
                first && first->resident > 0 && together
                        ? keep(j, cs_pool_printf(&g->pool, "; %.0f %% of it is %s",
                                                 100 * share(first->resident, by), row_name(j, first)))
                        : "";
        if (together)
                v->summary = keep(j, cs_pool_printf(&g->pool, "memory grew by %s%s%s", size, duration(g),
                                                    led ? led : ""));
        else
                v->summary = keep(j, cs_pool_printf(&g->pool,
                                                    "%s grew by %s%s, though all memory together did not",
                                                    row_name(j, first), size, duration(g)));
        v->cluster = first && first->what ? first->id : NULL;
        v->library = first ? first->library : NULL;
        if (leak)
                reason(j, cs_pool_printf(&g->pool, "nothing leads to %s of what came since: it is lost",
                                         cs_growth_size(g, (uint64_t)(leaked < by ? leaked : by))));
        if (all->shape.told)
                reason(j, cs_pool_printf(&g->pool, "its shape is %s, by %zu looks",
                                         cs_trend_words(all->shape.shape), all->shape.samples));
        tell_rows(j, g->clusters.n ? &g->clusters : &g->kinds);
}

/* Nothing grew: the last look's own verdict stays what it is, and is told as such. */
static void judge_rest(struct judge *j)
{
        struct cs_growth *g = j->g;
        const struct cs_report_verdict *last = &g->snapshots[g->n_snapshots - 1]->verdict;
        struct cs_report_verdict *v = &g->verdict;
        const char *change = cs_growth_size(g, (uint64_t)(g->anonymous.resident < 0 ? -g->anonymous.resident
                                                                                    : g->anonymous.resident));
        const char *text =
                keep(j, g->anonymous.resident
                                ? cs_pool_printf(&g->pool, "no lasting growth: memory of no file %s by %s%s",
                                                 g->anonymous.resident < 0 ? "shrank" : "grew", change,
                                                 duration(g))
                                : cs_pool_printf(&g->pool, "nothing grew%s", duration(g)));
        if (g->anonymous.shape.told)
                reason(j,
                       cs_pool_printf(&g->pool, "its shape is %s, by %zu looks",
                                      cs_trend_words(g->anonymous.shape.shape), g->anonymous.shape.samples));
        v->kind = last->kind && strcmp(last->kind, "growth") != 0 ? last->kind : "healthy";
        v->confidence = last->kind ? last->confidence : 0.5;
        v->summary = text;
        v->cluster = last->cluster;
        v->library = last->library;
        if (last->summary)
                reason(j, cs_pool_printf(&g->pool, "of the last one alone: %s", last->summary));
        tell_rows(j, &g->clusters);
}

enum cs_status cs_growth_judge(struct cs_growth *g, struct cs_error *err)
{
        struct judge j = { .g = g, .err = err };
        const struct cs_growth_row *first = leader(g);
        bool together = grows(&g->anonymous, GROWN_SHARE);
        g->verdict.reasons = cs_pool_alloc(&g->pool, REASONS_MAX, sizeof(*g->verdict.reasons));
        if (!g->verdict.reasons)
                return cs_fail(err, CS_ENOMEM, "verdict");
        if (g->n_snapshots == 1) {
                g->verdict.kind = "unknown";
                g->verdict.summary = "there is one snapshot, and nothing to compare it with";
        } else if (!g->same_program || !g->total.at[0].there || !g->total.at[g->n_snapshots - 1].there) {
                g->verdict.kind = "unknown";
                g->verdict.summary = g->same_program ? "not all reports say what memory there was"
                                                     : "different programs: nothing can be said of growth";
        } else if (together || (first && tells(first, &g->anonymous))) {
                judge_growth(&j, first, together);
        } else {
                judge_rest(&j);
        }
        return j.failed ? cs_fail(err, CS_ENOMEM, "verdict") : CS_OK;
}
