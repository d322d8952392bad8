/* SPDX-License-Identifier: Apache-2.0 */
#include "classes.h"

#include "mask.h"
#include "simd.h"

#include <string.h>

static struct cs_classes some(const uint8_t *at, size_t n)
{
        static const uint8_t classes[] = { [CS_SET_RUN] = CS_CLASS_RUN,     [CS_SET_WORD] = CS_CLASS_WORD,
                                           [CS_SET_DIGIT] = CS_CLASS_DIGIT, [CS_SET_UPPER] = CS_CLASS_UPPER,
                                           [CS_SET_LOWER] = CS_CLASS_LOWER, [CS_SET_HIGH] = CS_CLASS_HIGH,
                                           [CS_SET_HEX] = CS_CLASS_HEX };
        struct cs_classes m = { { 0 } };
        for (size_t i = 0; i < n; i++) {
                for (unsigned set = 0; set < sizeof(classes); set++)
                        m.set[set] |= (uint64_t)((cs_class[at[i]] & classes[set]) != 0) << i;
                m.set[CS_SET_SIGN] |= (uint64_t)(at[i] == '@') << i;
        }
        return m;
}

void cs_classes_scalar(const uint8_t *at, size_t n, struct cs_classes *out)
{
        for (; n >= CS_CLASSES_BYTES; n -= CS_CLASSES_BYTES, at += CS_CLASSES_BYTES)
                *out++ = some(at, CS_CLASSES_BYTES);
        *out = some(at, n);
}

#if defined(__x86_64__)

CS_AVX2 static inline __m256i equal(__m256i v, char byte)
{
        return _mm256_cmpeq_epi8(v, _mm256_set1_epi8(byte));
}

CS_AVX2 static inline __m256i joiners(__m256i v)
{
        return _mm256_or_si256(_mm256_or_si256(equal(v, '_'), equal(v, '-')),
                               _mm256_or_si256(equal(v, '+'), equal(v, '/')));
}

CS_AVX2 static inline struct cs_classes classes_32s(__m256i a, __m256i b)
{
        __m256i small = _mm256_set1_epi8(0x20);
        __m256i low_a = _mm256_or_si256(a, small), low_b = _mm256_or_si256(b, small);
        uint64_t digit = cs_simd_pair_within(a, b, '0', '9');
        uint64_t letter = cs_simd_pair_within(low_a, low_b, 'a', 'z');
        uint64_t upper = cs_simd_pair_within(a, b, 'A', 'Z');
        uint64_t high = cs_simd_pair(a, b), word = digit | letter | high;
        return (struct cs_classes){ {
                [CS_SET_RUN] = word | cs_simd_pair(joiners(a), joiners(b)),
                [CS_SET_WORD] = word,
                [CS_SET_DIGIT] = digit,
                [CS_SET_UPPER] = upper,
                [CS_SET_LOWER] = letter & ~upper,
                [CS_SET_HIGH] = high,
                [CS_SET_HEX] = digit | cs_simd_pair_within(low_a, low_b, 'a', 'f'),
                [CS_SET_SIGN] = cs_simd_pair(equal(a, '@'), equal(b, '@')),
        } };
}

CS_AVX2 static inline struct cs_classes load_32s(const uint8_t *at)
{
        return classes_32s(cs_simd_load(at), cs_simd_load(at + 32));
}

CS_AVX2 static void classes_avx2(const uint8_t *at, size_t n, struct cs_classes *out)
{
        uint8_t last[CS_CLASSES_BYTES] = { 0 };
        for (; n >= CS_CLASSES_BYTES; n -= CS_CLASSES_BYTES, at += CS_CLASSES_BYTES)
                *out++ = load_32s(at);
        memcpy(last, at, n);
        *out = load_32s(last);
}

CS_AVX512 static inline struct cs_classes classes_64(__m512i v)
{
        __m512i low = _mm512_or_si512(v, _mm512_set1_epi8(0x20));
        uint64_t digit = cs_simd_among(v, '0', '9'), letter = cs_simd_among(low, 'a', 'z');
        uint64_t upper = cs_simd_among(v, 'A', 'Z'), high = _mm512_movepi8_mask(v),
                 word = digit | letter | high;
        uint64_t joiner =
                cs_simd_equal(v, '_') | cs_simd_equal(v, '-') | cs_simd_equal(v, '+') | cs_simd_equal(v, '/');
        return (struct cs_classes){ {
                [CS_SET_RUN] = word | joiner,
                [CS_SET_WORD] = word,
                [CS_SET_DIGIT] = digit,
                [CS_SET_UPPER] = upper,
                [CS_SET_LOWER] = letter & ~upper,
                [CS_SET_HIGH] = high,
                [CS_SET_HEX] = digit | cs_simd_among(low, 'a', 'f'),
                [CS_SET_SIGN] = cs_simd_equal(v, '@'),
        } };
}

/* Bytes that are masked out are not read. */
CS_AVX512 static void classes_avx512(const uint8_t *at, size_t n, struct cs_classes *out)
{
        for (; n >= CS_CLASSES_BYTES; n -= CS_CLASSES_BYTES, at += CS_CLASSES_BYTES)
                *out++ = classes_64(_mm512_loadu_si512(at));
        *out = classes_64(_mm512_maskz_loadu_epi8((UINT64_C(1) << n) - 1, at));
}

cs_classes_fn cs_classes_avx2(void)
{
        return cs_simd_has_avx2() ? classes_avx2 : NULL;
}

cs_classes_fn cs_classes_avx512(void)
{
        return cs_simd_has_avx512() ? classes_avx512 : NULL;
}

#else

cs_classes_fn cs_classes_avx2(void)
{
        return NULL;
}

cs_classes_fn cs_classes_avx512(void)
{
        return NULL;
}

#endif

cs_classes_fn cs_classes_best(void)
{
        cs_classes_fn avx512 = cs_classes_avx512(), avx2 = cs_classes_avx2();
        return avx512 ? avx512 : avx2 ? avx2 : cs_classes_scalar;
}
