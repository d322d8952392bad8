/* SPDX-License-Identifier: Apache-2.0 */
/* For what looks at many bytes at once where the processor can: which processor that is, and which of 64 bytes are so, as bits. Each such way
 * stands beside a plain one that says the same, and tests hold them together. */
#ifndef CS_SIMD_H
#define CS_SIMD_H

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)

#include <immintrin.h>

#define CS_AVX2 __attribute__((target("avx2")))
#define CS_AVX512 __attribute__((target("avx2,avx512f,avx512bw")))

/* Bytes from low to high, as all ones. */
CS_AVX2 static inline __m256i cs_simd_within(__m256i v, uint8_t low, uint8_t high)
{
        __m256i from = _mm256_sub_epi8(v, _mm256_set1_epi8((char)low));
        __m256i span = _mm256_set1_epi8((char)(high - low));
        return _mm256_cmpeq_epi8(_mm256_min_epu8(from, span), from);
}

CS_AVX2 static inline uint32_t cs_simd_bits(__m256i v)
{
        return (uint32_t)_mm256_movemask_epi8(v);
}

CS_AVX2 static inline uint64_t cs_simd_pair(__m256i a, __m256i b)
{
        return cs_simd_bits(a) | (uint64_t)cs_simd_bits(b) << 32;
}

CS_AVX2 static inline __m256i cs_simd_load(const uint8_t *at)
{
        return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

/* Bytes from low to high, of both. */
CS_AVX2 static inline uint64_t cs_simd_pair_within(__m256i a, __m256i b, uint8_t low, uint8_t high)
{
        return cs_simd_pair(cs_simd_within(a, low, high), cs_simd_within(b, low, high));
}

/* Bytes from low to high. */
CS_AVX512 static inline uint64_t cs_simd_among(__m512i v, uint8_t low, uint8_t high)
{
        __m512i from = _mm512_sub_epi8(v, _mm512_set1_epi8((char)low));
        return _mm512_cmple_epu8_mask(from, _mm512_set1_epi8((char)(high - low)));
}

CS_AVX512 static inline uint64_t cs_simd_equal(__m512i v, uint8_t byte)
{
        return _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)byte));
}

static inline int cs_simd_has_avx2(void)
{
        return __builtin_cpu_supports("avx2");
}

static inline int cs_simd_has_avx512(void)
{
        return cs_simd_has_avx2() && __builtin_cpu_supports("avx512bw");
}

#endif
#endif
