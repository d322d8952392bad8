/* SPDX-License-Identifier: Apache-2.0 */
/* Many needles, by five bytes of each: at which places which buckets of needles may stand (alarms.h) is found for many places at once, and only there
 * the needles are compared. Those that are a run of one set would stand at every byte of a long one: they are found as runs (runs.h). */
#include "ahead.h"
#include "alarms.h"
#include "finder_private.h"
#include "runs.h"

#include <stdlib.h>
#include <string.h>

enum {
        RUN_LEAST = 8, /* sets of a needle that is a run */
        RUNS_MOST = 6, /* each is looked for apart */
        AT_ONCE = 4,   /* places that are listed without asking whether there are so many */
};

/* What comes of more false alarms takes longer than Vectorscan. */
static const double alarms_most = 1.0 / 16;

struct member {
        struct cs_needle needle; /* its sets are ours */
        uint32_t id;
        uint32_t first; /* of the bytes that are looked at */
        /* What can be told by the first four of them: a byte of `keep` is zero where that is nothing. */
        uint32_t fold, keep, value;
};

struct run_needle {
        struct cs_runs runs;
        uint32_t id;
        uint32_t len;
};

struct tables {
        struct cs_pool pool;
        struct run_needle runs[RUNS_MOST];
        size_t n_runs;
        cs_alarms_fn alarms; /* NULL: all are runs */
        struct cs_buckets buckets;
        struct member *members; /* by bucket */
        uint32_t from[CS_BUCKETS_MOST + 1];
};

static void destroy(void *tables)
{
        struct tables *t = tables;
        if (t)
                cs_pool_deinit(&t->pool);
        free(t);
}

static bool is_run(const struct cs_needle *needle)
{
        for (uint32_t i = 1; i < needle->len; i++)
                if (memcmp(&needle->at[i], &needle->at[0], sizeof(*needle->at)) != 0)
                        return false;
        return needle->len >= RUN_LEAST;
}

static bool make_member(struct tables *t, struct member *m, const struct cs_needle *needle, uint32_t first)
{
        if (!cs_needle_keep(needle, &t->pool, &m->needle))
                return false;
        m->first = first;
        for (uint32_t k = 0; k < 4 && first + k < needle->len; k++) {
                uint8_t value, fold;
                if (!cs_byteset_exact(&needle->at[first + k], &value, &fold))
                        continue;
                m->fold |= (uint32_t)fold << 8 * k;
                m->keep |= UINT32_C(0xff) << 8 * k;
                m->value |= (uint32_t)value << 8 * k;
        }
        return true;
}

/* Needles that are no runs: needles[i] has the number ids[i]. */
static enum cs_status put_in_buckets(struct tables *t, const struct cs_needle *const *needles,
                                     const uint32_t *ids, size_t n, struct cs_error *err)
{
        const struct cs_buckets *b = &t->buckets;
        enum cs_status st = cs_buckets_fill(needles, n, &t->pool, &t->buckets, err);
        if (st != CS_OK)
                return st;
        if (b->share > alarms_most)
                return cs_fail(err, CS_ENOTSUP, "needles that would be found too often");
        t->alarms = cs_alarms_best();
        if (!(t->members = cs_pool_alloc(&t->pool, n, sizeof(*t->members))))
                return cs_fail(err, CS_ENOMEM, "tables of needles");
        uint32_t put = 0;
        for (uint32_t bucket = 0; bucket < CS_BUCKETS_MOST; bucket++) {
                t->from[bucket] = put;
                for (size_t i = 0; i < n; i++) {
                        if (b->bucket[i] != bucket)
                                continue;
                        t->members[put].id = ids[i];
                        if (!make_member(t, &t->members[put++], needles[i], b->first[i]))
                                return cs_fail(err, CS_ENOMEM, "tables of needles");
                }
        }
        t->from[CS_BUCKETS_MOST] = put;
        return CS_OK;
}

static enum cs_status create(const struct cs_needle *const *needles, size_t n, void **out,
                             struct cs_error *err)
{
        const struct cs_needle *others[CS_BUCKETS_NEEDLES];
        uint32_t ids[CS_BUCKETS_NEEDLES];
        size_t n_others = 0;
        if (n > CS_BUCKETS_NEEDLES || !cs_alarms_best() || !cs_runs_can())
                return cs_fail(err, CS_ENOTSUP, "not for so many needles, or this processor");
        struct tables *t = calloc(1, sizeof(*t));
        if (!t)
                return cs_fail(err, CS_ENOMEM, "tables of needles");
        for (size_t i = 0; i < n; i++) {
                if (t->n_runs < RUNS_MOST && is_run(needles[i])) {
                        struct run_needle *r = &t->runs[t->n_runs++];
                        cs_runs_init(&r->runs, needles[i]->at, needles[i]->len);
                        r->id = (uint32_t)i;
                        r->len = needles[i]->len;
                } else {
                        ids[n_others] = (uint32_t)i;
                        others[n_others++] = needles[i];
                }
        }
        enum cs_status st = n_others ? put_in_buckets(t, others, ids, n_others, err) : CS_OK;
        if (st != CS_OK)
                destroy(t);
        else
                *out = t;
        return st;
}

/* ---- in a text --------------------------------------------------------------------------------------------------- */

struct text {
        const struct tables *t;
        const uint8_t *bytes;
        size_t len;
        cs_finder_fn fn;
        void *context;
        uint32_t run; /* which one is looked for */
};

static bool on_run(void *context, size_t from, size_t end)
{
        const struct text *text = context;
        const struct run_needle *r = &text->t->runs[text->run];
        return text->fn(text->context, r->id, from + r->len, end);
}

/* The bucket's needles, of which the bytes at `at` are those that were looked at. `near` is the same with four bytes at least. */
static bool compare(const struct text *text, uint32_t bucket, size_t at, const uint8_t *near)
{
        const struct tables *t = text->t;
        uint32_t here = cs_half(near);
        for (uint32_t i = t->from[bucket]; i < t->from[bucket + 1]; i++) {
                const struct member *m = &t->members[i];
                if (((here | m->fold) & m->keep) != m->value || m->first > at)
                        continue;
                size_t start = at - m->first, end = start + m->needle.len;
                if (m->needle.len > text->len - start || !cs_needle_is(&m->needle, text->bytes + start))
                        continue;
                if (!text->fn(text->context, m->id, end, end))
                        return false;
        }
        return true;
}

/* So that what comes next need not guess where the last one is, as often as there are blocks. */
static size_t list_places(const struct cs_alarms *alarms, uint16_t places[CS_ALARMS_STEP + AT_ONCE])
{
        size_t n = 0;
        for (size_t b = 0; b < CS_ALARMS_STEP / 64; b++) {
                uint64_t bits = alarms->any[b];
                size_t next = n + cs_popcount(bits);
                while (n < next) {
                        for (size_t i = 0; i < AT_ONCE; i++) {
                                places[n + i] =
                                        (uint16_t)(64 * b + (bits ? (size_t)__builtin_ctzll(bits) : 0));
                                bits &= bits - 1;
                        }
                        n += AT_ONCE;
                }
                n = next;
        }
        return n;
}

/* `bytes`: what stands from `at` on, or a copy; places from `end` on are none. */
static bool look(const struct text *text, size_t at, size_t end, const uint8_t *bytes)
{
        struct cs_alarms alarms;
        uint16_t places[CS_ALARMS_STEP + AT_ONCE];
        const struct tables *t = text->t;
        t->alarms(&t->buckets, bytes, &alarms);
        size_t n = list_places(&alarms, places);
        for (size_t i = 0; i < n && places[i] < end - at; i++) {
                size_t place = places[i];
                uint32_t bits = alarms.buckets[0][place];
                if (t->buckets.groups == 2)
                        bits |= (uint32_t)alarms.buckets[1][place] << CS_BUCKETS_GROUP;
                for (; bits; bits &= bits - 1)
                        if (!compare(text, (uint32_t)__builtin_ctz(bits), at + place, bytes + place))
                                return false;
        }
        return true;
}

static bool run(const void *tables, void *scan, const uint8_t *bytes, size_t len, cs_finder_fn fn,
                void *context)
{
        const struct tables *t = tables;
        struct text text = { t, bytes, len, fn, context, 0 };
        struct cs_run_state states[RUNS_MOST] = { { 0 } };
        struct cs_ahead ahead = cs_ahead_over(bytes, len);
        uint8_t rest[2 * CS_ALARMS_STEP + CS_ALARMS_BEHIND] = { 0 };
        size_t at = 0;
        (void)scan;
        for (; len - at >= CS_AHEAD_STEP + CS_ALARMS_BEHIND; at += CS_AHEAD_STEP) {
                cs_ahead_ask(&ahead, at);
                if (t->alarms && !look(&text, at, len, bytes + at))
                        return false;
                for (text.run = 0; text.run < t->n_runs; text.run++)
                        if (!cs_runs_look(&t->runs[text.run].runs, &states[text.run], bytes, at,
                                          at + CS_AHEAD_STEP, on_run, &text))
                                return false;
        }
        memcpy(rest, bytes + at, len - at);
        for (size_t i = 0; t->alarms && i < len - at; i += CS_ALARMS_STEP)
                if (!look(&text, at + i, len, rest + i))
                        return false;
        for (text.run = 0; text.run < t->n_runs; text.run++)
                if (!cs_runs_end(&t->runs[text.run].runs, &states[text.run], bytes, at, len, on_run, &text))
                        return false;
        return true;
}

const struct cs_finder_engine cs_finder_sets = { .create = create, .destroy = destroy, .run = run };
