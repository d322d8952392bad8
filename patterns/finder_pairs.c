/* SPDX-License-Identifier: Apache-2.0 */
/* Few needles: each by two of its bytes, the rarest ones that it has, compared for 128 places at once, and by two more where both stand somewhere
 * there. Takes no tables, and asks for memory ahead, so that it goes as fast as that comes. */
#include "finder_private.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)

#include "ahead.h"
#include "simd.h"

enum {
        FEW = 2,
        BLOCK = 128,
        PAIR = 2,
        COMPARED = 4,    /* with those that are compared where the pair stands: text has many a pair */
        RARE_ENOUGH = 8, /* sum of the two bytes' ranks: each less is half as rare, about */
};

/* One byte of a needle that is compared. */
struct key {
        size_t at; /* where in the needle */
        uint8_t value;
        uint8_t fold; /* set in a byte before it is compared */
        uint8_t rank;
};

struct pair {
        struct cs_needle needle; /* its sets are ours */
        struct key keys[COMPARED];
        size_t n; /* of them, the rarest first */
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
        for (size_t i = 0; i < needle->len; i++) {
                struct key key = { .at = i };
                if (!cs_byteset_exact(&needle->at[i], &key.value, &key.fold))
                        continue;
                key.rank = (uint8_t)(rank_of(key.value) - (key.fold != 0));
                size_t k = p->n;
                while (k > 0 && p->keys[k - 1].rank < key.rank)
                        k--;
                if (k == COMPARED)
                        continue;
                size_t moved = (p->n < COMPARED ? p->n : COMPARED - 1) - k;
                memmove(&p->keys[k + 1], &p->keys[k], moved * sizeof(key));
                p->keys[k] = key;
                p->n += p->n < COMPARED;
        }
        return p->n >= PAIR && p->keys[0].rank + p->keys[1].rank >= RARE_ENOUGH;
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
                for (size_t k = 0; k < p->n; k++)
                        t->farthest = p->keys[k].at > t->farthest ? p->keys[k].at : t->farthest;
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
        for (size_t k = 0; k < p->n; k++)
                maybe = maybe && text->len - at > p->keys[k].at &&
                        (text->bytes[at + p->keys[k].at] | p->keys[k].fold) == p->keys[k].value;
        return !maybe || tell(t, needle, text, at);
}

/* A needle's bytes as they are compared. */
struct compared {
        __m256i value[COMPARED], fold[COMPARED];
        const uint8_t *from[COMPARED];
};

/* 32 places: all bits of those where the k-th byte stands. */
CS_AVX2 static inline __m256i one(const struct compared *c, size_t k, size_t at)
{
        __m256i bytes = cs_simd_load(c->from[k] + at);
        return _mm256_cmpeq_epi8(_mm256_or_si256(bytes, c->fold[k]), c->value[k]);
}

CS_AVX2 static inline __m256i both(const struct compared *c, size_t at)
{
        return _mm256_and_si256(one(c, 0, at), one(c, 1, at));
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
        for (size_t k = 0; k < p->n; k++) {
                c.value[k] = _mm256_set1_epi8((char)p->keys[k].value);
                c.fold[k] = _mm256_set1_epi8((char)p->keys[k].fold);
                c.from[k] = text->bytes + p->keys[k].at;
        }
        for (size_t end = at + places; at < end; at += BLOCK) {
                __m256i a = both(&c, at), b = both(&c, at + 32), d = both(&c, at + 64), e = both(&c, at + 96);
                __m256i any = _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(d, e));
                if (_mm256_testz_si256(any, any))
                        continue;
                for (size_t k = PAIR; k < p->n; k++) {
                        a = _mm256_and_si256(a, one(&c, k, at));
                        b = _mm256_and_si256(b, one(&c, k, at + 32));
                        d = _mm256_and_si256(d, one(&c, k, at + 64));
                        e = _mm256_and_si256(e, one(&c, k, at + 96));
                }
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
