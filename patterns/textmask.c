/* SPDX-License-Identifier: Apache-2.0 */
#include "textmask.h"

#include "simd.h"

enum { PLAIN = 1, FOLLOW = 2, LEAD2 = 4, LEAD3 = 8, LEAD4 = 16 };

static const uint8_t classes[256] = {
        ['\t'] = PLAIN,          [' ' ... '~'] = PLAIN,   [0x80 ... 0xbf] = FOLLOW,
        [0xc2 ... 0xdf] = LEAD2, [0xe0 ... 0xef] = LEAD3, [0xf0 ... 0xf4] = LEAD4,
};

/* Where four in a row begin, of those that begin at the bits that are set. */
static uint64_t four(uint64_t units)
{
        units &= units >> 2;
        return units & units >> 4;
}

static void mask_scalar(const uint8_t *at, struct cs_textmask *out)
{
        struct cs_textmask m = { 0 };
        for (unsigned i = 0; i < CS_TEXTMASK_BYTES; i++) {
                unsigned c = classes[at[i]];
                m.plain |= (uint64_t)(c & PLAIN) << i;
                m.follow |= (uint64_t)(c / FOLLOW & 1) << i;
                m.lead2 |= (uint64_t)(c / LEAD2 & 1) << i;
                m.lead3 |= (uint64_t)(c / LEAD3 & 1) << i;
                m.lead4 |= (uint64_t)(c / LEAD4 & 1) << i;
                m.beyond |= c >= LEAD2 && classes[at[i + 1]] == FOLLOW;
                m.wide |= (uint64_t)cs_textmask_wide(at[i], at[i + 1]) << i;
        }
        m.wide = four(m.wide);
        *out = m;
}

void cs_textmask_scalar(const uint8_t *at, size_t blocks, struct cs_textmask *out)
{
        for (size_t i = 0; i < blocks; i++)
                mask_scalar(at + i * CS_TEXTMASK_BYTES, &out[i]);
}

#if defined(__x86_64__)

CS_AVX2 static inline __m256i plain_bytes(__m256i v)
{
        return _mm256_or_si256(cs_simd_within(v, ' ', '~'), _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\t')));
}

/* cs_textmask_wide() of 32 units. The high byte of a unit of letters chooses where its low bytes begin, and how many there
 * are. */
CS_AVX2 static inline uint32_t wide_units(__m256i low, __m256i plain, __m256i high)
{
        const __m256i first =
                _mm256_setr_epi8(0, 0, 0, (char)0x86, 0, (char)0xd0, 0x0c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                 (char)0x86, 0, (char)0xd0, 0x0c, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const __m256i span =
                _mm256_setr_epi8(0, 0x7f, 0, 0x79, (char)0x91, 0x1a, 0x3e, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f,
                                 0, 0x79, (char)0x91, 0x1a, 0x3e, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        __m256i latin = _mm256_and_si256(_mm256_cmpeq_epi8(high, _mm256_setzero_si256()),
                                         _mm256_or_si256(plain, cs_simd_within(low, 0xa0, 0xff)));
        __m256i marks = _mm256_and_si256(_mm256_cmpeq_epi8(high, _mm256_set1_epi8(0x20)),
                                         cs_simd_within(low, 0x10, 0x26));
        __m256i script =
                _mm256_andnot_si256(_mm256_cmpeq_epi8(high, _mm256_set1_epi8(2)), cs_simd_within(high, 1, 6));
        __m256i from = _mm256_sub_epi8(low, _mm256_shuffle_epi8(first, high));
        __m256i most = _mm256_shuffle_epi8(span, high);
        __m256i letters = _mm256_and_si256(script, _mm256_cmpeq_epi8(_mm256_min_epu8(from, most), from));
        return cs_simd_bits(_mm256_or_si256(latin, _mm256_or_si256(marks, letters)));
}

/* Most bytes are no units, and that is told with less: no unit has another second byte, or zeros alone. */
CS_AVX2 static inline __m256i maybe_units(__m256i v, __m256i next)
{
        __m256i zeros = _mm256_cmpeq_epi8(_mm256_or_si256(v, next), _mm256_setzero_si256());
        __m256i blanks = _mm256_cmpeq_epi8(next, _mm256_set1_epi8(0x20));
        return _mm256_andnot_si256(zeros, _mm256_or_si256(cs_simd_within(next, 0, 6), blanks));
}

/* Leading bytes, with one behind them that follows one. */
CS_AVX2 static inline __m256i begun(__m256i v, __m256i next)
{
        return _mm256_and_si256(cs_simd_within(v, 0xc2, 0xf4), cs_simd_within(next, 0x80, 0xbf));
}

CS_AVX2 static uint64_t wide_fours(const uint8_t *at)
{
        __m256i a = cs_simd_load(at), next_a = cs_simd_load(at + 1);
        __m256i b = cs_simd_load(at + 32), next_b = cs_simd_load(at + 33);
        return four(wide_units(a, plain_bytes(a), next_a) | (uint64_t)wide_units(b, plain_bytes(b), next_b)
                                                                    << 32);
}

CS_AVX2 static inline void mask_avx2(const uint8_t *at, struct cs_textmask *out)
{
        __m256i a = cs_simd_load(at), next_a = cs_simd_load(at + 1);
        __m256i b = cs_simd_load(at + 32), next_b = cs_simd_load(at + 33);
        out->plain = cs_simd_pair(plain_bytes(a), plain_bytes(b));
        out->beyond = cs_simd_bits(_mm256_or_si256(a, b)) && /* most text has no byte beyond ASCII */
                      cs_simd_bits(_mm256_or_si256(begun(a, next_a), begun(b, next_b)));
        if (out->beyond) {
                out->follow = cs_simd_pair_within(a, b, 0x80, 0xbf);
                out->lead2 = cs_simd_pair_within(a, b, 0xc2, 0xdf);
                out->lead3 = cs_simd_pair_within(a, b, 0xe0, 0xef);
                out->lead4 = cs_simd_pair_within(a, b, 0xf0, 0xf4);
        }
        out->wide = four(cs_simd_pair(maybe_units(a, next_a), maybe_units(b, next_b))) ? wide_fours(at) : 0;
}

CS_AVX2 static void masks_avx2(const uint8_t *at, size_t blocks, struct cs_textmask *out)
{
        for (size_t i = 0; i < blocks; i++)
                mask_avx2(at + i * CS_TEXTMASK_BYTES, &out[i]);
}

/* As mask_avx2(), step by step. */
CS_AVX512 static inline void mask_avx512(const uint8_t *at, struct cs_textmask *out)
{
        __m512i v = _mm512_loadu_si512(at), next = _mm512_loadu_si512(at + 1);
        out->plain = cs_simd_among(v, ' ', '~') | cs_simd_equal(v, '\t');
        out->beyond = cs_simd_among(v, 0xc2, 0xf4) & cs_simd_among(next, 0x80, 0xbf);
        if (out->beyond) {
                out->follow = cs_simd_among(v, 0x80, 0xbf);
                out->lead2 = cs_simd_among(v, 0xc2, 0xdf);
                out->lead3 = cs_simd_among(v, 0xe0, 0xef);
                out->lead4 = cs_simd_among(v, 0xf0, 0xf4);
        }
        uint64_t units = (cs_simd_among(next, 0, 6) | cs_simd_equal(next, 0x20)) &
                         ~cs_simd_equal(_mm512_or_si512(v, next), 0);
        out->wide = four(units) ? wide_fours(at) : 0;
}

CS_AVX512 static void masks_avx512(const uint8_t *at, size_t blocks, struct cs_textmask *out)
{
        for (size_t i = 0; i < blocks; i++)
                mask_avx512(at + i * CS_TEXTMASK_BYTES, &out[i]);
}

cs_textmask_fn cs_textmask_avx512(void)
{
        return cs_simd_has_avx512() ? masks_avx512 : NULL;
}

cs_textmask_fn cs_textmask_avx2(void)
{
        return cs_simd_has_avx2() ? masks_avx2 : NULL;
}

#else

cs_textmask_fn cs_textmask_avx2(void)
{
        return NULL;
}

cs_textmask_fn cs_textmask_avx512(void)
{
        return NULL;
}

#endif

cs_textmask_fn cs_textmask_best(void)
{
        cs_textmask_fn avx512 = cs_textmask_avx512(), avx2 = cs_textmask_avx2();
        return avx512 ? avx512 : avx2 ? avx2 : cs_textmask_scalar;
}
