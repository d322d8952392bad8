/* SPDX-License-Identifier: Apache-2.0 */
/* Sixty-four bytes at once, for the ways of textmask.c and classes.c that need a newer processor: which bytes are so, as bits. */
#ifndef CS_VECTORS_H
#define CS_VECTORS_H

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))
#define AVX512 __attribute__((target("avx2,avx512f,avx512bw")))

/* Bytes from low to high, as all ones. */
AVX2 static inline __m256i vec_within(__m256i v, uint8_t low, uint8_t high)
{
        __m256i from = _mm256_sub_epi8(v, _mm256_set1_epi8((char)low));
        __m256i span = _mm256_set1_epi8((char)(high - low));
        return _mm256_cmpeq_epi8(_mm256_min_epu8(from, span), from);
}

AVX2 static inline uint32_t vec_bits(__m256i v)
{
        return (uint32_t)_mm256_movemask_epi8(v);
}

AVX2 static inline uint64_t vec_pair(__m256i a, __m256i b)
{
        return vec_bits(a) | (uint64_t)vec_bits(b) << 32;
}

/* Bytes from low to high. */
AVX512 static inline uint64_t vec_among(__m512i v, uint8_t low, uint8_t high)
{
        __m512i from = _mm512_sub_epi8(v, _mm512_set1_epi8((char)low));
        return _mm512_cmple_epu8_mask(from, _mm512_set1_epi8((char)(high - low)));
}

AVX512 static inline uint64_t vec_equal(__m512i v, uint8_t byte)
{
        return _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)byte));
}

static inline int vec_has_avx2(void)
{
        return __builtin_cpu_supports("avx2");
}

static inline int vec_has_avx512(void)
{
        return vec_has_avx2() && __builtin_cpu_supports("avx512bw");
}

#endif
#endif
