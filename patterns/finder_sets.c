/* SPDX-License-Identifier: Apache-2.0 */
/* Many needles, 32 places at once: which buckets of needles (buckets.h) may stand there is found by looking up both halves of a few bytes, and only
 * there the needles are compared. Those that are a run of one set would stand at every byte of a long one: they are found as runs (runs.h). */
#include "finder_private.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)

#include "ahead.h"
#include "buckets.h"
#include "runs.h"
#include "simd.h"

enum {
        BLOCK = 64,
        RUN_LEAST = 8,                               /* sets of a needle that is a run */
        RUNS_MOST = 6,                               /* each is looked for apart */
        REST = CS_AHEAD_STEP + 2 * CS_BUCKET_PLACES, /* what is left at the end is less than that */
};

/* What comes of more false alarms takes longer than Vectorscan. */
static const double alarms_most = 1.0 / 64;

struct member {
        struct cs_needle needle; /* its sets are ours */
        uint32_t id;
        uint32_t first; /* of the bytes that are looked at */
        /* What can be told by four bytes there. */
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
        uint32_t groups; /* of buckets: 0 … 2 */
        struct cs_halves halves[2][CS_BUCKET_PLACES];
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

/* By which bit pattern is a byte one of the set? keep is 0 where it cannot be said. */
static void as_bits(const struct cs_byteset *set, uint8_t *fold, uint8_t *keep, uint8_t *value)
{
        unsigned n = cs_byteset_count(set), one = 0;
        while (one < 256 && !cs_byteset_has(set, (uint8_t)one))
                one++;
        if (n == 1) {
                *keep = 0xff;
                *value = (uint8_t)one;
        } else if (n == 2 && !(one & 0x20) && cs_byteset_has(set, (uint8_t)(one | 0x20))) {
                *fold = 0x20;
                *keep = 0xff;
                *value = (uint8_t)(one | 0x20);
        }
}

static bool make_member(struct tables *t, struct member *m, const struct cs_needle *needle, uint32_t first)
{
        struct cs_byteset *sets = cs_pool_alloc(&t->pool, needle->len, sizeof(*sets));
        if (!sets)
                return false;
        memcpy(sets, needle->at, needle->len * sizeof(*sets));
        m->needle = *needle;
        m->needle.at = sets;
        m->first = first;
        for (uint32_t k = 0; k < 4 && first + k < needle->len; k++) {
                uint8_t fold = 0, keep = 0, value = 0;
                as_bits(&sets[first + k], &fold, &keep, &value);
                m->fold |= (uint32_t)fold << 8 * k;
                m->keep |= (uint32_t)keep << 8 * k;
                m->value |= (uint32_t)value << 8 * k;
        }
        return true;
}

/* Needles that are no runs: needles[i] has the number ids[i]. */
static enum cs_status put_in_buckets(struct tables *t, const struct cs_needle *const *needles,
                                     const uint32_t *ids, size_t n, struct cs_error *err)
{
        cs_cleanup(cs_pool_deinit) struct cs_pool scratch = { 0 };
        struct cs_buckets b;
        enum cs_status st = cs_buckets_fill(needles, n, &scratch, &b, err);
        if (st != CS_OK)
                return st;
        if (b.share > alarms_most)
                return cs_fail(err, CS_ENOTSUP, "needles that would be found too often");
        t->groups = b.groups;
        memcpy(t->halves, b.halves, sizeof(t->halves));
        if (!(t->members = cs_pool_alloc(&t->pool, n, sizeof(*t->members))))
                return cs_fail(err, CS_ENOMEM, "tables of needles");
        uint32_t put = 0;
        for (uint32_t bucket = 0; bucket < CS_BUCKETS_MOST; bucket++) {
                t->from[bucket] = put;
                for (size_t i = 0; i < n; i++) {
                        if (b.bucket[i] != bucket)
                                continue;
                        t->members[put].id = ids[i];
                        if (!make_member(t, &t->members[put++], needles[i], b.first[i]))
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
        if (n > CS_BUCKETS_NEEDLES || !cs_simd_has_avx2())
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

/* Bits of the buckets that need be looked into at each of 32 places. */
CS_AVX2 static inline __m256i alarms(const struct tables *t, uint32_t group, const uint8_t *bytes)
{
        const __m256i half = _mm256_set1_epi8(15);
        __m256i all = _mm256_set1_epi8(-1);
        for (uint32_t k = 0; k < CS_BUCKET_PLACES; k++) {
                const struct cs_halves *h = &t->halves[group][k];
                __m256i lows =
                        _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)h->low));
                __m256i highs =
                        _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)h->high));
                __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(bytes + k));
                __m256i low = _mm256_shuffle_epi8(lows, _mm256_and_si256(v, half));
                __m256i high = _mm256_shuffle_epi8(highs, _mm256_and_si256(_mm256_srli_epi16(v, 4), half));
                all = _mm256_and_si256(all, _mm256_and_si256(low, high));
        }
        return all;
}

/* bytes: at `at` of the text, or a copy, of which no place from `end` on is one. */
CS_AVX2 static bool look_closer(const struct text *text, size_t at, size_t end, const uint8_t *bytes,
                                const __m256i found[2][2])
{
        uint8_t buckets[2][BLOCK];
        uint64_t any = 0;
        for (uint32_t g = 0; g < text->t->groups; g++) {
                for (uint32_t i = 0; i < 2; i++)
                        _mm256_storeu_si256((__m256i *)(void *)&buckets[g][32 * i], found[g][i]);
                any |= ~cs_simd_pair(_mm256_cmpeq_epi8(found[g][0], _mm256_setzero_si256()),
                                     _mm256_cmpeq_epi8(found[g][1], _mm256_setzero_si256()));
        }
        for (; any; any &= any - 1) {
                size_t i = (size_t)__builtin_ctzll(any);
                if (at + i >= end)
                        break;
                for (uint32_t g = 0; g < text->t->groups; g++)
                        for (unsigned bits = buckets[g][i]; bits; bits &= bits - 1)
                                if (!compare(text, g * CS_BUCKETS_GROUP + (uint32_t)__builtin_ctz(bits),
                                             at + i, bytes + i))
                                        return false;
        }
        return true;
}

/* Places from `at` to `end`; behind a whole number of blocks there are some bytes more. */
CS_AVX2 static inline bool look_by(uint32_t groups, const struct text *text, size_t at, size_t end,
                                   const uint8_t *bytes)
{
        for (; at < end; at += BLOCK, bytes += BLOCK) {
                __m256i found[2][2];
                found[0][0] = alarms(text->t, 0, bytes);
                found[0][1] = alarms(text->t, 0, bytes + 32);
                __m256i any = _mm256_or_si256(found[0][0], found[0][1]);
                if (groups == 2) {
                        found[1][0] = alarms(text->t, 1, bytes);
                        found[1][1] = alarms(text->t, 1, bytes + 32);
                        any = _mm256_or_si256(any, _mm256_or_si256(found[1][0], found[1][1]));
                }
                if (!_mm256_testz_si256(any, any) && !look_closer(text, at, end, bytes, found))
                        return false;
        }
        return true;
}

CS_AVX2 static bool look(const struct text *text, size_t at, size_t end, const uint8_t *bytes)
{
        return text->t->groups == 0   ? true
               : text->t->groups == 1 ? look_by(1, text, at, end, bytes)
                                      : look_by(2, text, at, end, bytes);
}

static bool run(const void *tables, void *scan, const uint8_t *bytes, size_t len, cs_finder_fn fn,
                void *context)
{
        const struct tables *t = tables;
        struct text text = { t, bytes, len, fn, context, 0 };
        struct cs_run_state states[RUNS_MOST] = { { 0 } };
        struct cs_ahead ahead = { .at = bytes, .len = len };
        uint8_t rest[REST + BLOCK] = { 0 };
        size_t at = 0;
        (void)scan;
        for (; len - at >= CS_AHEAD_STEP + CS_BUCKET_PLACES; at += CS_AHEAD_STEP) {
                cs_ahead_ask(&ahead, at);
                if (!look(&text, at, at + CS_AHEAD_STEP, bytes + at))
                        return false;
                for (text.run = 0; text.run < t->n_runs; text.run++)
                        if (!cs_runs_look(&t->runs[text.run].runs, &states[text.run], bytes, at,
                                          at + CS_AHEAD_STEP, on_run, &text))
                                return false;
        }
        memcpy(rest, bytes + at, len - at);
        if (!look(&text, at, len, rest))
                return false;
        for (text.run = 0; text.run < t->n_runs; text.run++)
                if (!cs_runs_end(&t->runs[text.run].runs, &states[text.run], bytes, at, len, on_run, &text))
                        return false;
        return true;
}

static const struct cs_finder_engine engine = { .create = create, .destroy = destroy, .run = run };
const struct cs_finder_engine *const cs_finder_sets = &engine;

#else

const struct cs_finder_engine *const cs_finder_sets = NULL;

#endif
