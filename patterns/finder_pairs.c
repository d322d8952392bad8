/* SPDX-License-Identifier: Apache-2.0 */
/* Few needles: each by two of its bytes, the rarest ones that it has, compared for 128 places at once. Takes no tables, and asks for memory ahead, so
 * that it goes as fast as that comes. */
#include "finder_private.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)

#include "ahead.h"
#include "simd.h"

enum {
        FEW = 2,
        BLOCK = 128,
        RARE_ENOUGH = 8, /* sum of the two bytes' ranks: each less is half as rare, about */
};

struct pair {
        struct cs_needle needle; /* its sets are ours */
        size_t at[2];            /* where in the needle */
        uint8_t value[2];
        uint8_t fold[2]; /* set in a byte before it is compared */
};

struct tables {
        struct cs_pool pool;
        struct pair pairs[FEW];
        size_t n;
        size_t farthest; /* of all `at` */
};

static void destroy(void *tables)
{
        struct tables *t = tables;
        if (t)
                cs_pool_deinit(&t->pool);
        free(t);
}

/* How rare such a byte is in what programs have in memory: there are 2^rank others for each, about. */
static unsigned rank_of(uint8_t byte)
{
        if (byte == 0)
                return 1;
        if (byte == 0xff || byte == ' ' || (byte >= 'a' && byte <= 'z'))
                return 4;
        return (byte >= '0' && byte <= '9') || byte < 0x10 ? 5 : 6;
}

static bool choose(struct pair *p, const struct cs_needle *needle)
{
        unsigned best[2] = { 0, 0 };
        for (size_t i = 0; i < needle->len; i++) {
                uint8_t value, fold;
                if (!cs_byteset_exact(&needle->at[i], &value, &fold))
                        continue;
                unsigned rank = rank_of(value) - (fold != 0);
                if (rank <= best[1])
                        continue;
                size_t k = rank > best[0] ? 0 : 1;
                if (k == 0) {
                        best[1] = best[0];
                        p->at[1] = p->at[0];
                        p->value[1] = p->value[0];
                        p->fold[1] = p->fold[0];
                }
                best[k] = rank;
                p->at[k] = i;
                p->value[k] = value;
                p->fold[k] = fold;
        }
        return best[1] && best[0] + best[1] >= RARE_ENOUGH;
}

static enum cs_status create(const struct cs_needle *const *needles, size_t n, void **out,
                             struct cs_error *err)
{
        if (n > FEW || !cs_simd_has_avx2())
                return cs_fail(err, CS_ENOTSUP, "not for these needles, or this processor");
        struct tables *t = calloc(1, sizeof(*t));
        if (!t)
                return cs_fail(err, CS_ENOMEM, "tables of needles");
        for (; t->n < n; t->n++) {
                struct pair *p = &t->pairs[t->n];
                bool chosen = choose(p, needles[t->n]);
                if (!chosen || !cs_needle_keep(needles[t->n], &t->pool, &p->needle)) {
                        destroy(t);
                        return chosen ? cs_fail(err, CS_ENOMEM, "tables of needles")
                                      : cs_fail(err, CS_ENOTSUP, "a needle without two rare bytes");
                }
                for (size_t k = 0; k < 2; k++)
                        t->farthest = p->at[k] > t->farthest ? p->at[k] : t->farthest;
        }
        *out = t;
        return CS_OK;
}

struct text {
        const uint8_t *bytes;
        size_t len;
        cs_finder_fn fn;
        void *context;
};

static bool tell(const struct tables *t, uint32_t needle, const struct text *text, size_t at)
{
        const struct cs_needle *n = &t->pairs[needle].needle;
        if (n->len > text->len - at || !cs_needle_is(n, text->bytes + at))
                return true;
        return text->fn(text->context, needle, at + n->len, at + n->len);
}

/* What stands at the end, where comparing would reach beyond it. */
static bool tell_last(const struct tables *t, uint32_t needle, const struct text *text, size_t at)
{
        const struct pair *p = &t->pairs[needle];
        bool maybe = true;
        for (size_t k = 0; k < 2; k++)
                maybe = maybe && text->len - at > p->at[k] &&
                        (text->bytes[at + p->at[k]] | p->fold[k]) == p->value[k];
        return !maybe || tell(t, needle, text, at);
}

/* A pair as it is compared. */
struct compared {
        __m256i value[2], fold[2];
        const uint8_t *from[2];
};

/* 32 places: all bits of those where both bytes stand. */
CS_AVX2 static inline __m256i both(const struct compared *c, size_t at)
{
        __m256i first = _mm256_loadu_si256((const __m256i *)(const void *)(c->from[0] + at));
        __m256i second = _mm256_loadu_si256((const __m256i *)(const void *)(c->from[1] + at));
        first = _mm256_cmpeq_epi8(_mm256_or_si256(first, c->fold[0]), c->value[0]);
        second = _mm256_cmpeq_epi8(_mm256_or_si256(second, c->fold[1]), c->value[1]);
        return _mm256_and_si256(first, second);
}

CS_AVX2 static inline bool tell_all(const struct tables *t, uint32_t needle, const struct text *text,
                                    size_t at, __m256i found)
{
        for (uint32_t bits = (uint32_t)_mm256_movemask_epi8(found); bits; bits &= bits - 1)
                if (!tell(t, needle, text, at + (size_t)__builtin_ctz(bits)))
                        return false;
        return true;
}

/* One needle in the places from `at` on, a multiple of BLOCK. */
CS_AVX2 static bool search(const struct tables *t, uint32_t needle, const struct text *text, size_t at,
                           size_t places)
{
        const struct pair *p = &t->pairs[needle];
        struct compared c;
        for (size_t k = 0; k < 2; k++) {
                c.value[k] = _mm256_set1_epi8((char)p->value[k]);
                c.fold[k] = _mm256_set1_epi8((char)p->fold[k]);
                c.from[k] = text->bytes + p->at[k];
        }
        for (size_t end = at + places; at < end; at += BLOCK) {
                __m256i a = both(&c, at), b = both(&c, at + 32), d = both(&c, at + 64), e = both(&c, at + 96);
                __m256i any = _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(d, e));
                if (_mm256_testz_si256(any, any))
                        continue;
                if (!tell_all(t, needle, text, at, a) || !tell_all(t, needle, text, at + 32, b) ||
                    !tell_all(t, needle, text, at + 64, d) || !tell_all(t, needle, text, at + 96, e))
                        return false;
        }
        return true;
}

CS_AVX2 static bool run(const void *tables, void *scan, const uint8_t *bytes, size_t len, cs_finder_fn fn,
                        void *context)
{
        const struct tables *t = tables;
        const struct text text = { bytes, len, fn, context };
        struct cs_ahead ahead = cs_ahead_over(bytes, len);
        size_t at = 0;
        (void)scan;
        for (; len - at >= CS_AHEAD_STEP + t->farthest; at += CS_AHEAD_STEP) {
                cs_ahead_ask(&ahead, at);
                for (uint32_t i = 0; i < t->n; i++)
                        if (!search(t, i, &text, at, CS_AHEAD_STEP))
                                return false;
        }
        size_t rest = len - at < t->farthest ? 0 : (len - at - t->farthest) / BLOCK * BLOCK;
        for (uint32_t i = 0; i < t->n; i++)
                if (!search(t, i, &text, at, rest))
                        return false;
        at += rest;
        for (; at < len; at++)
                for (uint32_t i = 0; i < t->n; i++)
                        if (!tell_last(t, i, &text, at))
                                return false;
        return true;
}

static const struct cs_finder_engine engine = { .create = create, .destroy = destroy, .run = run };
const struct cs_finder_engine *const cs_finder_pairs = &engine;

#else

const struct cs_finder_engine *const cs_finder_pairs = NULL;

#endif
