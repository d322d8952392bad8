/* SPDX-License-Identifier: Apache-2.0 */
#include "alarms.h"

#include "simd.h"

#include <string.h>

#if defined(__x86_64__)

#define VBMI __attribute__((target("avx2,avx512f,avx512bw,avx512vbmi")))

enum { BLOCK = 64 };

#define INLINE __attribute__((always_inline)) inline

/* Of a byte in one place, by its halves. */
struct halves {
        __m256i low, high;
};

CS_AVX2 static INLINE struct halves load_halves(const struct cs_halves *h)
{
        return (struct halves){
                _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)h->low)),
                _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)h->high))
        };
}

CS_AVX2 static INLINE __m256i by_halves(struct halves h, const uint8_t *bytes)
{
        const __m256i half = _mm256_set1_epi8(15);
        __m256i v = cs_simd_load(bytes);
        __m256i low = _mm256_shuffle_epi8(h.low, _mm256_and_si256(v, half));
        __m256i high = _mm256_shuffle_epi8(h.high, _mm256_and_si256(_mm256_srli_epi16(v, 4), half));
        return _mm256_and_si256(low, high);
}

/* One group: it is or-ed to what the one before it had. */
CS_AVX2 static INLINE void look_avx2(const struct cs_buckets *b, uint32_t group, const uint8_t *bytes,
                                     struct cs_alarms *out)
{
        const struct cs_halves *all = b->halves[group];
        const struct halves h0 = load_halves(&all[0]), h1 = load_halves(&all[1]);
        const struct halves h2 = load_halves(&all[2]), h3 = load_halves(&all[3]);
        const struct halves h4 = load_halves(&all[4]);
        for (uint32_t i = 0; i < CS_ALARMS_STEP; i += 32, bytes += 32) {
                __m256i first = _mm256_and_si256(by_halves(h0, bytes), by_halves(h1, bytes + 1));
                __m256i last = _mm256_and_si256(by_halves(h2, bytes + 2), by_halves(h3, bytes + 3));
                __m256i found = _mm256_and_si256(_mm256_and_si256(first, last), by_halves(h4, bytes + 4));
                uint32_t none = cs_simd_bits(_mm256_cmpeq_epi8(found, _mm256_setzero_si256()));
                _mm256_storeu_si256((__m256i *)(void *)&out->buckets[group][i], found);
                out->any[i / BLOCK] |= (uint64_t)~none << i % BLOCK;
        }
}

CS_AVX2 void cs_alarms_avx2(const struct cs_buckets *buckets, const uint8_t *bytes, struct cs_alarms *out)
{
        memset(out->any, 0, sizeof(out->any));
        look_avx2(buckets, 0, bytes, out);
        if (buckets->groups == 2)
                look_avx2(buckets, 1, bytes, out);
}

/* Of a byte in one place, by its lower seven bits. */
struct sevens {
        __m512i low, high;
};

VBMI static INLINE struct sevens load_sevens(const uint8_t at[128])
{
        return (struct sevens){ _mm512_loadu_si512(at), _mm512_loadu_si512(at + BLOCK) };
}

/* Of one group: names instead of an array, which would not stay in registers. */
struct places {
        struct sevens s0, s1, s2, s3, s4;
};

VBMI static INLINE struct places load_places(const struct cs_buckets *b, uint32_t group)
{
        return (struct places){ load_sevens(b->sevens[group][0]), load_sevens(b->sevens[group][1]),
                                load_sevens(b->sevens[group][2]), load_sevens(b->sevens[group][3]),
                                load_sevens(b->sevens[group][4]) };
}

VBMI static INLINE __m512i by_sevens(struct sevens s, __m512i v)
{
        return _mm512_permutex2var_epi8(s.low, v, s.high);
}

VBMI static INLINE __m512i and_three(__m512i a, __m512i b, __m512i c)
{
        return _mm512_ternarylogic_epi64(a, b, c, 0x80);
}

/* All groups at once, for the bytes are the same. */
VBMI static INLINE void look_avx512(const struct cs_buckets *b, bool both, const uint8_t *bytes,
                                    struct cs_alarms *out)
{
        const struct places first = load_places(b, 0), second = load_places(b, both);
        for (uint32_t i = 0; i < CS_ALARMS_STEP; i += BLOCK, bytes += BLOCK) {
                __m512i v0 = _mm512_loadu_si512(bytes), v1 = _mm512_loadu_si512(bytes + 1);
                __m512i v2 = _mm512_loadu_si512(bytes + 2), v3 = _mm512_loadu_si512(bytes + 3);
                __m512i v4 = _mm512_loadu_si512(bytes + 4);
                __m512i three =
                        and_three(by_sevens(first.s0, v0), by_sevens(first.s1, v1), by_sevens(first.s2, v2));
                __m512i any = and_three(three, by_sevens(first.s3, v3), by_sevens(first.s4, v4));
                _mm512_storeu_si512(&out->buckets[0][i], any);
                if (both) {
                        three = and_three(by_sevens(second.s0, v0), by_sevens(second.s1, v1),
                                          by_sevens(second.s2, v2));
                        three = and_three(three, by_sevens(second.s3, v3), by_sevens(second.s4, v4));
                        _mm512_storeu_si512(&out->buckets[1][i], three);
                        any = _mm512_or_si512(any, three);
                }
                out->any[i / BLOCK] = _mm512_test_epi8_mask(any, any);
        }
}

VBMI void cs_alarms_avx512(const struct cs_buckets *buckets, const uint8_t *bytes, struct cs_alarms *out)
{
        if (buckets->groups == 2)
                look_avx512(buckets, true, bytes, out);
        else
                look_avx512(buckets, false, bytes, out);
}

cs_alarms_fn cs_alarms_best(void)
{
        if (cs_simd_has_avx512() && __builtin_cpu_supports("avx512vbmi"))
                return cs_alarms_avx512;
        return cs_simd_has_avx2() ? cs_alarms_avx2 : NULL;
}

#else

cs_alarms_fn cs_alarms_best(void)
{
        return NULL;
}

#endif
