/* SPDX-License-Identifier: Apache-2.0 */
#include "textmask.h"

#include "mask.h"

#include <stddef.h>

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

/* Most bytes are no units, and that is told with less: false: no four are in a row. low: bytes that can be the first of a unit of Latin, whose
 * second is zero; other: those that can be the second of another one; behind: the byte that follows. */
static inline bool maybe_four(uint64_t low, uint64_t zero, uint64_t other, uint64_t behind)
{
        zero = zero >> 1 | (uint64_t)(behind == 0) << 63;
        other = other >> 1 | (uint64_t)(behind - 1 < 6 || behind == 0x20) << 63;
        return four((low & zero) | other);
}

/* A character begins with a leading byte and one that follows it. */
static bool begins(uint64_t leads, uint64_t follow, uint8_t behind)
{
        return leads & (follow >> 1 | (uint64_t)((behind & 0xc0) == 0x80) << 63);
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
                m.wide |= (uint64_t)cs_textmask_wide(at[i], at[i + 1]) << i;
        }
        m.beyond = begins(m.lead2 | m.lead3 | m.lead4, m.follow, at[CS_TEXTMASK_BYTES]);
        m.wide = four(m.wide);
        *out = m;
}

void cs_textmask_scalar(const uint8_t *at, size_t blocks, struct cs_textmask *out)
{
        for (size_t i = 0; i < blocks; i++)
                mask_scalar(at + i * CS_TEXTMASK_BYTES, &out[i]);
}

void cs_runmask_scalar(const uint8_t *at, struct cs_runmask *out)
{
        *out = (struct cs_runmask){ 0 };
        for (unsigned i = 0; i < CS_TEXTMASK_BYTES; i++) {
                out->run |= (uint64_t)((cs_class[at[i]] & CS_CLASS_RUN) != 0) << i;
                out->digit |= (uint64_t)((cs_class[at[i]] & CS_CLASS_DIGIT) != 0) << i;
                out->sign |= at[i] == '@';
        }
}

#if defined(__x86_64__)

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))

/* Bytes from low to high, as all ones. */
AVX2 static inline __m256i within(__m256i v, uint8_t low, uint8_t high)
{
        __m256i from = _mm256_sub_epi8(v, _mm256_set1_epi8((char)low));
        __m256i span = _mm256_set1_epi8((char)(high - low));
        return _mm256_cmpeq_epi8(_mm256_min_epu8(from, span), from);
}

AVX2 static inline uint32_t bits(__m256i v)
{
        return (uint32_t)_mm256_movemask_epi8(v);
}

AVX2 static inline uint64_t pair(__m256i a, __m256i b)
{
        return bits(a) | (uint64_t)bits(b) << 32;
}

AVX2 static inline __m256i plain_bytes(__m256i v)
{
        return _mm256_or_si256(within(v, ' ', '~'), _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\t')));
}

/* cs_textmask_wide() of 32 units. The high byte of a unit of letters chooses where its low bytes begin, and how many there
 * are. */
AVX2 static inline uint32_t wide_units(__m256i low, __m256i plain, __m256i high)
{
        const __m256i first =
                _mm256_setr_epi8(0, 0, 0, (char)0x86, 0, (char)0xd0, 0x0c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                 (char)0x86, 0, (char)0xd0, 0x0c, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        const __m256i span =
                _mm256_setr_epi8(0, 0x7f, 0, 0x79, (char)0x91, 0x1a, 0x3e, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f,
                                 0, 0x79, (char)0x91, 0x1a, 0x3e, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        __m256i latin = _mm256_and_si256(_mm256_cmpeq_epi8(high, _mm256_setzero_si256()),
                                         _mm256_or_si256(plain, within(low, 0xa0, 0xff)));
        __m256i marks =
                _mm256_and_si256(_mm256_cmpeq_epi8(high, _mm256_set1_epi8(0x20)), within(low, 0x10, 0x26));
        __m256i script =
                _mm256_andnot_si256(_mm256_cmpeq_epi8(high, _mm256_set1_epi8(2)), within(high, 1, 6));
        __m256i from = _mm256_sub_epi8(low, _mm256_shuffle_epi8(first, high));
        __m256i most = _mm256_shuffle_epi8(span, high);
        __m256i letters = _mm256_and_si256(script, _mm256_cmpeq_epi8(_mm256_min_epu8(from, most), from));
        return bits(_mm256_or_si256(latin, _mm256_or_si256(marks, letters)));
}

/* The second bytes of units that are not Latin. */
AVX2 static inline __m256i other_high(__m256i v)
{
        return _mm256_or_si256(within(v, 1, 6), _mm256_cmpeq_epi8(v, _mm256_set1_epi8(0x20)));
}

AVX2 static inline bool maybe_wide(const uint8_t *at, __m256i a, __m256i b, uint64_t plain)
{
        const __m256i none = _mm256_setzero_si256();
        uint64_t low = plain | pair(within(a, 0xa0, 0xff), within(b, 0xa0, 0xff));
        uint64_t zero = pair(_mm256_cmpeq_epi8(a, none), _mm256_cmpeq_epi8(b, none));
        return maybe_four(low, zero, pair(other_high(a), other_high(b)), at[CS_TEXTMASK_BYTES]);
}

AVX2 static uint64_t wide_fours(const uint8_t *at)
{
        __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)at);
        __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(at + 32));
        __m256i next_a = _mm256_loadu_si256((const __m256i *)(const void *)(at + 1));
        __m256i next_b = _mm256_loadu_si256((const __m256i *)(const void *)(at + 33));
        return four(wide_units(a, plain_bytes(a), next_a) | (uint64_t)wide_units(b, plain_bytes(b), next_b)
                                                                    << 32);
}

AVX2 static inline void mask_avx2(const uint8_t *at, struct cs_textmask *out)
{
        __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)at);
        __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(at + 32));
        out->plain = pair(plain_bytes(a), plain_bytes(b));
        out->beyond = false;
        if (bits(_mm256_or_si256(a, b))) { /* bytes beyond ASCII */
                uint64_t leads = pair(within(a, 0xc2, 0xf4), within(b, 0xc2, 0xf4));
                out->follow = pair(within(a, 0x80, 0xbf), within(b, 0x80, 0xbf));
                out->beyond = begins(leads, out->follow, at[CS_TEXTMASK_BYTES]);
        }
        if (out->beyond) {
                out->lead2 = pair(within(a, 0xc2, 0xdf), within(b, 0xc2, 0xdf));
                out->lead3 = pair(within(a, 0xe0, 0xef), within(b, 0xe0, 0xef));
                out->lead4 = pair(within(a, 0xf0, 0xf4), within(b, 0xf0, 0xf4));
        }
        out->wide = maybe_wide(at, a, b, out->plain) ? wide_fours(at) : 0;
}

AVX2 static void masks_avx2(const uint8_t *at, size_t blocks, struct cs_textmask *out)
{
        for (size_t i = 0; i < blocks; i++)
                mask_avx2(at + i * CS_TEXTMASK_BYTES, &out[i]);
}

#define AVX512 __attribute__((target("avx2,avx512f,avx512bw")))

/* Bytes from low to high. */
AVX512 static inline uint64_t among(__m512i v, uint8_t low, uint8_t high)
{
        __m512i from = _mm512_sub_epi8(v, _mm512_set1_epi8((char)low));
        return _mm512_cmple_epu8_mask(from, _mm512_set1_epi8((char)(high - low)));
}

AVX512 static inline uint64_t equal(__m512i v, uint8_t byte)
{
        return _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)byte));
}

/* As mask_avx2(), step by step. */
AVX512 static inline void mask_avx512(const uint8_t *at, struct cs_textmask *out)
{
        __m512i v = _mm512_loadu_si512(at);
        out->plain = among(v, ' ', '~') | equal(v, '\t');
        out->beyond = false;
        if (_mm512_movepi8_mask(v)) {
                out->follow = among(v, 0x80, 0xbf);
                out->beyond = begins(among(v, 0xc2, 0xf4), out->follow, at[CS_TEXTMASK_BYTES]);
        }
        if (out->beyond) {
                out->lead2 = among(v, 0xc2, 0xdf);
                out->lead3 = among(v, 0xe0, 0xef);
                out->lead4 = among(v, 0xf0, 0xf4);
        }
        uint64_t low = out->plain | among(v, 0xa0, 0xff), other = among(v, 1, 6) | equal(v, 0x20);
        bool wide = maybe_four(low, equal(v, 0), other, at[CS_TEXTMASK_BYTES]);
        out->wide = wide ? wide_fours(at) : 0;
}

AVX512 static void masks_avx512(const uint8_t *at, size_t blocks, struct cs_textmask *out)
{
        for (size_t i = 0; i < blocks; i++)
                mask_avx512(at + i * CS_TEXTMASK_BYTES, &out[i]);
}

cs_textmask_fn cs_textmask_avx512(void)
{
        return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx2") ? masks_avx512 : NULL;
}

/* ASCII of runs, told by the halves of a byte: each row of sixteen has a bit, and each column those of the rows in which it is of a run. */
AVX2 static inline __m256i not_of_runs(__m256i v)
{
        enum { MARKS = 1, DIGITS = 2, FIRST = 4, SECOND = 8, LAST = 16 };
        const char a = DIGITS | SECOND | LAST, b = a | FIRST, c = FIRST | SECOND | LAST, d = FIRST;
        const __m256i columns = _mm256_setr_epi8(a, b, b, b, b, b, b, b, b, b, c, d | MARKS, d, d | MARKS, d,
                                                 d | MARKS | SECOND, a, b, b, b, b, b, b, b, b, b, c,
                                                 d | MARKS, d, d | MARKS, d, d | MARKS | SECOND);
        const __m256i rows =
                _mm256_setr_epi8(0, 0, MARKS, DIGITS, FIRST, SECOND, FIRST, LAST, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                 0, MARKS, DIGITS, FIRST, SECOND, FIRST, LAST, 0, 0, 0, 0, 0, 0, 0, 0);
        __m256i high = _mm256_and_si256(_mm256_srli_epi16(v, 4), _mm256_set1_epi8(15));
        __m256i both = _mm256_and_si256(_mm256_shuffle_epi8(columns, v), _mm256_shuffle_epi8(rows, high));
        return _mm256_cmpeq_epi8(both, _mm256_setzero_si256());
}

AVX2 static void runs_avx2(const uint8_t *at, struct cs_runmask *out)
{
        __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)at);
        __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(at + 32));
        const __m256i sign = _mm256_set1_epi8('@');
        out->run = ~pair(not_of_runs(a), not_of_runs(b)) | pair(a, b); /* and all beyond ASCII */
        out->digit = pair(within(a, '0', '9'), within(b, '0', '9'));
        out->sign = bits(_mm256_or_si256(_mm256_cmpeq_epi8(a, sign), _mm256_cmpeq_epi8(b, sign))) != 0;
}

cs_runmask_fn cs_runmask_avx2(void)
{
        return __builtin_cpu_supports("avx2") ? runs_avx2 : NULL;
}

cs_textmask_fn cs_textmask_avx2(void)
{
        return __builtin_cpu_supports("avx2") ? masks_avx2 : NULL;
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

cs_runmask_fn cs_runmask_avx2(void)
{
        return NULL;
}

#endif

cs_textmask_fn cs_textmask_best(void)
{
        cs_textmask_fn avx512 = cs_textmask_avx512(), avx2 = cs_textmask_avx2();
        return avx512 ? avx512 : avx2 ? avx2 : cs_textmask_scalar;
}

cs_runmask_fn cs_runmask_best(void)
{
        cs_runmask_fn avx2 = cs_runmask_avx2();
        return avx2 ? avx2 : cs_runmask_scalar;
}
