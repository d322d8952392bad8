/* SPDX-License-Identifier: Apache-2.0 */
#include "words.h"

#include "bytes.h"
#include "simd.h"

uint64_t cs_words_scalar(const struct cs_words_filter *filter, const uint8_t *at, size_t n)
{
        uint64_t bits = 0;
        for (size_t i = 0; i < n; i++) {
                uint64_t value = cs_word(at + i * 8) & filter->mask;
                bool in = (value - filter->first[0] < filter->size[0]) |
                          (value - filter->first[1] < filter->size[1]);
                bits |= (uint64_t)in << i;
        }
        return bits;
}

#ifdef __x86_64__

enum { LANES = 4, AHEAD = 1 << 10 };

/* Numbers are compared with their signs only: both sides have the highest bit turned over, ours by what is added. */
struct ranges {
        __m256i mask, add[CS_WORD_RANGES], size[CS_WORD_RANGES];
};

CS_AVX2 static inline uint64_t in_ranges(const struct ranges *r, __m256i v)
{
        v = _mm256_and_si256(v, r->mask);
        __m256i a = _mm256_cmpgt_epi64(r->size[0], _mm256_add_epi64(v, r->add[0]));
        __m256i b = _mm256_cmpgt_epi64(r->size[1], _mm256_add_epi64(v, r->add[1]));
        return (uint64_t)(uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(_mm256_or_si256(a, b)));
}

CS_AVX2 static inline __m256i load(const uint8_t *at)
{
        return cs_simd_load(at);
}

/* The first n of four words, n < 4; nothing behind them is touched. */
CS_AVX2 static inline __m256i load_some(const uint8_t *at, size_t n)
{
        static const int64_t first[2 * LANES] = { -1, -1, -1, -1 };
        __m256i which = load((const uint8_t *)&first[LANES - n]);
        return _mm256_maskload_epi64((const long long *)(const void *)at, which);
}

CS_AVX2 static uint64_t words_avx2(const struct cs_words_filter *filter, const uint8_t *at, size_t n)
{
        const __m256i high = _mm256_set1_epi64x((long long)(UINT64_C(1) << 63));
        struct ranges r = { .mask = _mm256_set1_epi64x((long long)filter->mask) };
        uint64_t bits = 0;
        size_t i = 0;
        for (size_t k = 0; k < CS_WORD_RANGES; k++) {
                r.add[k] = _mm256_sub_epi64(high, _mm256_set1_epi64x((long long)filter->first[k]));
                r.size[k] = _mm256_xor_si256(high, _mm256_set1_epi64x((long long)filter->size[k]));
        }
        for (; i + 2 * LANES <= n; i += 2 * LANES) {
                __builtin_prefetch(at + i * 8 + AHEAD);
                uint64_t low = in_ranges(&r, load(at + i * 8));
                bits |= (low | in_ranges(&r, load(at + i * 8 + 8 * LANES)) << LANES) << i;
        }
        if (i + LANES <= n) {
                bits |= in_ranges(&r, load(at + i * 8)) << i;
                i += LANES;
        }
        if (i < n) /* what is not loaded counts as zero, which may be in a range */
                bits |= (in_ranges(&r, load_some(at + i * 8, n - i)) & ((1u << (n - i)) - 1)) << i;
        return bits;
}

cs_words_fn cs_words_avx2(void)
{
        return cs_simd_has_avx2() ? words_avx2 : NULL;
}

#else

cs_words_fn cs_words_avx2(void)
{
        return NULL;
}

#endif

struct cs_words_filter cs_words_filter_make(void)
{
        cs_words_fn avx2 = cs_words_avx2();
        return (struct cs_words_filter){ .mask = UINT64_MAX, .look = avx2 ? avx2 : cs_words_scalar };
}

void cs_words_filter_add(struct cs_words_filter *filter, struct cs_range range)
{
        const struct cs_range halves[] = { { 0, CS_WORDS_HIGH }, { CS_WORDS_HIGH, UINT64_MAX } };
        for (size_t k = 0; k < CS_WORD_RANGES; k++) {
                struct cs_range part = cs_range_cut(range, halves[k]);
                uint64_t first = filter->first[k], end = first + filter->size[k];
                if (part.start == part.end)
                        continue;
                if (!filter->size[k] || part.start < first)
                        first = part.start;
                if (!filter->size[k] || part.end > end)
                        end = part.end;
                filter->first[k] = first;
                filter->size[k] = end - first;
        }
}
