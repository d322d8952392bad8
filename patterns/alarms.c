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
        __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)bytes);
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

/* Of a byte in one place: all bytes of ASCII have their own entry. */
struct entries {
        __m512i low, high, beyond;
};

VBMI static INLINE struct entries load_entries(const struct cs_buckets *b, uint32_t group, uint32_t place)
{
        return (struct entries){ _mm512_loadu_si512(b->ascii[group][place]),
                                 _mm512_loadu_si512(b->ascii[group][place] + BLOCK),
                                 _mm512_set1_epi8((char)b->beyond_ascii[group][place]) };
}

VBMI static INLINE __m512i by_bytes(struct entries e, const uint8_t *bytes)
{
        __m512i v = _mm512_loadu_si512(bytes);
        __m512i found = _mm512_permutex2var_epi8(e.low, v, e.high);
        return _mm512_mask_mov_epi8(found, _mm512_movepi8_mask(v), e.beyond);
}

VBMI static INLINE void look_avx512(const struct cs_buckets *b, uint32_t group, const uint8_t *bytes,
                                    struct cs_alarms *out)
{
        const struct entries e0 = load_entries(b, group, 0), e1 = load_entries(b, group, 1);
        const struct entries e2 = load_entries(b, group, 2), e3 = load_entries(b, group, 3);
        const struct entries e4 = load_entries(b, group, 4);
        for (uint32_t i = 0; i < CS_ALARMS_STEP; i += BLOCK, bytes += BLOCK) {
                __m512i first = _mm512_and_si512(by_bytes(e0, bytes), by_bytes(e1, bytes + 1));
                __m512i last = _mm512_and_si512(by_bytes(e2, bytes + 2), by_bytes(e3, bytes + 3));
                __m512i found = _mm512_and_si512(_mm512_and_si512(first, last), by_bytes(e4, bytes + 4));
                _mm512_storeu_si512(&out->buckets[group][i], found);
                out->any[i / BLOCK] |= _mm512_test_epi8_mask(found, found);
        }
}

VBMI void cs_alarms_avx512(const struct cs_buckets *buckets, const uint8_t *bytes, struct cs_alarms *out)
{
        memset(out->any, 0, sizeof(out->any));
        look_avx512(buckets, 0, bytes, out);
        if (buckets->groups == 2)
                look_avx512(buckets, 1, bytes, out);
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
