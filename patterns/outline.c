/* SPDX-License-Identifier: Apache-2.0 */
/* Sixty-four bytes at a time, each by themselves: a hex string that reaches from some to the next is two. What decides on a shape is in
 * shape.c, which tells where it looked at the value of a digit (looked), at whether a byte is a digit or a letter (classed), and what it
 * wrote as hex whatever it was (hexed). */
#include "outline.h"

#include "simd.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <string.h>

enum { BYTES = CS_PLACES_WORD };

/* Which of sixty-four bytes are so. */
struct sets {
        uint64_t digits;
        uint64_t hex; /* digits and letters from a to f */
        uint64_t dots;
        uint64_t same; /* as the byte behind them */
        uint64_t high; /* three bytes begin there that are more than "255" */
};

/* ---- sets ---- */

/* Eight of a character in a row may be half of what becomes a <rep>, which no digit that is made alike can tell. */
static inline bool repeats(const struct sets *s)
{
        uint64_t rows = s->same & s->hex;
        rows &= rows >> 1;
        rows &= rows >> 2;
        return rows & rows >> 3;
}

static inline uint64_t runs_of_four(uint64_t set)
{
        uint64_t first = set & set >> 1;
        first &= first >> 2;
        first |= first << 1;
        return first | first << 2;
}

/* Of each run, what is not before the first place that is in `from`. */
static inline uint64_t onwards(uint64_t runs, uint64_t from)
{
        return (runs & ~(runs + from)) | from;
}

/* The last places of runs that have digits and letters. */
static inline uint64_t mixed_ends(uint64_t runs, uint64_t digits)
{
        return runs & ~(runs >> 1) & onwards(runs, runs & digits) & onwards(runs, runs & ~digits);
}

/* Numbers of three digits beside a dot that are none of an address (too_much() of shape.c): their first digits. */
static inline uint64_t high_numbers(const struct sets *s)
{
        uint64_t d = s->digits, threes = d & d >> 1 & d >> 2 & ~(d << 1) & ~(d >> 3);
        return threes & (s->dots << 1 | s->dots >> 3) & s->high;
}

/* Those runs whose last places these are. */
static inline uint64_t whole_runs(uint64_t runs, uint64_t ends)
{
        uint64_t whole = 0;
        for (uint64_t left = ends ? runs : 0; left;) {
                uint64_t run = left & ~(left + (left & -left));
                whole |= run & ends ? run : 0;
                left &= ~run;
        }
        return whole;
}

static inline uint64_t high_threes(uint64_t from_3, uint64_t two, uint64_t from_6, uint64_t five)
{
        return from_3 | (two & (from_6 >> 1 | (five >> 1 & from_6 >> 2)));
}

static inline bool done(struct cs_outline *out, size_t word, const struct sets *s, uint64_t hex)
{
        out->hidden.at[word] = s->digits | hex;
        out->hex.at[word] = hex;
        return !repeats(s);
}

/* ---- ways ---- */

static bool some_scalar(const uint8_t *text, size_t n, struct cs_outline *out, size_t word)
{
        struct sets s = { 0 };
        uint8_t *to = out->bytes + word * BYTES;
        for (size_t i = 0; i < n; i++) {
                bool digit = text[i] >= '0' && text[i] <= '9', letter = text[i] >= 'a' && text[i] <= 'f';
                s.digits |= (uint64_t)digit << i;
                s.hex |= (uint64_t)(digit || letter) << i;
                s.dots |= (uint64_t)(text[i] == '.') << i;
                s.same |= (uint64_t)(i + 1 < n && text[i] == text[i + 1]) << i;
                s.high |= (uint64_t)(i + 3 <= n && memcmp(text + i, "255", 3) > 0) << i;
        }
        uint64_t runs = runs_of_four(s.hex), hex = whole_runs(runs, mixed_ends(runs, s.digits)),
                 high = high_numbers(&s);
        for (size_t i = 0; i < BYTES; i++)
                to[i] = hex >> i & 1        ? CS_MARK_HEX
                        : high >> i & 1     ? CS_MARK_HIGH_DIGIT
                        : s.digits >> i & 1 ? CS_MARK_DIGIT
                        : i < n             ? text[i]
                                            : 0;
        return done(out, word, &s, hex);
}

/* The words of a text, each by `some`; behind its last one, nothing is hidden. */
#define WORDS(some, text, len, out)                              \
        size_t at = 0;                                           \
        bool good = true;                                        \
        out->hidden = out->hex = (struct cs_places){ { 0 } };    \
        for (; len - at > BYTES; at += BYTES)                    \
                good &= some(text + at, BYTES, out, at / BYTES); \
        return good & some(text + at, len - at, out, at / BYTES)

bool cs_outline_scalar(const uint8_t *text, size_t len, struct cs_outline *out)
{
        WORDS(some_scalar, text, len, out);
}

#if defined(__x86_64__)

/* All ones where a bit is set. */
CS_AVX2 static inline __m256i spread(uint32_t bits)
{
        const __m256i from = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202,
                                                0x0303030303030303),
                      which = _mm256_set1_epi64x((long long)0x8040201008040201);
        __m256i bytes = _mm256_shuffle_epi8(_mm256_set1_epi32((int)bits), from);
        return _mm256_cmpeq_epi8(_mm256_and_si256(bytes, which), which);
}

CS_AVX2 static inline __m256i marked(__m256i v, uint8_t mark, uint32_t where)
{
        return _mm256_blendv_epi8(v, _mm256_set1_epi8((char)mark), spread(where));
}

CS_AVX2 static bool some_avx2(const uint8_t *text, size_t n, struct cs_outline *out, size_t word)
{
        uint8_t bytes[BYTES + 1] = { 0 };
        memcpy(bytes, text, n);
        __m256i a = cs_simd_load(bytes), b = cs_simd_load(bytes + 32);
        uint64_t digits = cs_simd_pair_within(a, b, '0', '9');
        struct sets s = {
                .digits = digits,
                .hex = digits | cs_simd_pair_within(a, b, 'a', 'f'),
                .dots = cs_simd_pair_within(a, b, '.', '.'),
                .same = cs_simd_pair(_mm256_cmpeq_epi8(a, cs_simd_load(bytes + 1)),
                                     _mm256_cmpeq_epi8(b, cs_simd_load(bytes + 33))),
                .high = high_threes(cs_simd_pair_within(a, b, '3', '9'), cs_simd_pair_within(a, b, '2', '2'),
                                    cs_simd_pair_within(a, b, '6', '9'), cs_simd_pair_within(a, b, '5', '5')),
        };
        uint64_t runs = runs_of_four(s.hex), hex = whole_runs(runs, mixed_ends(runs, digits)),
                 high = high_numbers(&s);
        __m256i *to = (__m256i *)(void *)(out->bytes + word * BYTES);
        a = marked(a, CS_MARK_DIGIT, (uint32_t)digits);
        b = marked(b, CS_MARK_DIGIT, (uint32_t)(digits >> 32));
        a = marked(a, CS_MARK_HIGH_DIGIT, (uint32_t)high);
        b = marked(b, CS_MARK_HIGH_DIGIT, (uint32_t)(high >> 32));
        _mm256_storeu_si256(to, marked(a, CS_MARK_HEX, (uint32_t)hex));
        _mm256_storeu_si256(to + 1, marked(b, CS_MARK_HEX, (uint32_t)(hex >> 32)));
        return done(out, word, &s, hex);
}

CS_AVX2 static bool outline_avx2(const uint8_t *text, size_t len, struct cs_outline *out)
{
        WORDS(some_avx2, text, len, out);
}

#define OUTLINE_AVX512 __attribute__((target("avx2,avx512f,avx512bw,bmi,bmi2")))

/* The runs begin and end in turn: what is known of their last places is brought to their first ones. */
OUTLINE_AVX512 static inline uint64_t whole_runs_bmi2(uint64_t runs, uint64_t ends)
{
        uint64_t firsts = runs & ~(runs << 1), lasts = runs & ~(runs >> 1);
        return (ends << 1) - _pdep_u64(_pext_u64(ends, lasts), firsts);
}

OUTLINE_AVX512 static inline __m512i load_some(const uint8_t *at, size_t n)
{
        return _mm512_maskz_loadu_epi8(_bzhi_u64(UINT64_MAX, (unsigned)n), at);
}

/* Bytes that are masked out are not read. */
OUTLINE_AVX512 static inline bool some_avx512(const uint8_t *text, size_t n, struct cs_outline *out,
                                              size_t word)
{
        __m512i v = load_some(text, n), next = load_some(text + 1, n ? n - 1 : 0);
        uint64_t digits = cs_simd_among(v, '0', '9');
        struct sets s = {
                .digits = digits,
                .hex = digits | cs_simd_among(v, 'a', 'f'),
                .dots = cs_simd_equal(v, '.'),
                .same = _mm512_cmpeq_epi8_mask(v, next),
                .high = high_threes(cs_simd_among(v, '3', '9'), cs_simd_equal(v, '2'),
                                    cs_simd_among(v, '6', '9'), cs_simd_equal(v, '5')),
        };
        uint64_t runs = runs_of_four(s.hex), hex = whole_runs_bmi2(runs, mixed_ends(runs, digits));
        v = _mm512_mask_mov_epi8(v, digits, _mm512_set1_epi8((char)CS_MARK_DIGIT));
        v = _mm512_mask_mov_epi8(v, high_numbers(&s), _mm512_set1_epi8((char)CS_MARK_HIGH_DIGIT));
        v = _mm512_mask_mov_epi8(v, hex, _mm512_set1_epi8((char)CS_MARK_HEX));
        _mm512_storeu_si512(out->bytes + word * BYTES, v);
        return done(out, word, &s, hex);
}

OUTLINE_AVX512 static bool outline_avx512(const uint8_t *text, size_t len, struct cs_outline *out)
{
        WORDS(some_avx512, text, len, out);
}

cs_outline_fn cs_outline_avx2(void)
{
        return cs_simd_has_avx2() ? outline_avx2 : NULL;
}

cs_outline_fn cs_outline_avx512(void)
{
        return cs_simd_has_avx512() && __builtin_cpu_supports("bmi2") ? outline_avx512 : NULL;
}

#else

cs_outline_fn cs_outline_avx2(void)
{
        return NULL;
}

cs_outline_fn cs_outline_avx512(void)
{
        return NULL;
}

#endif

cs_outline_fn cs_outline_best(void)
{
        cs_outline_fn avx512 = cs_outline_avx512(), avx2 = cs_outline_avx2();
        return avx512 ? avx512 : avx2 ? avx2 : cs_outline_scalar;
}

/* ---- keys ---- */

struct cs_places cs_outline_shown(const struct cs_outline *o, const struct cs_shape *s)
{
        struct cs_places shown;
        for (size_t i = 0; i < CS_PLACES_WORDS; i++)
                shown.at[i] = (s->looked.at[i] & o->hidden.at[i]) | (s->classed.at[i] & o->hex.at[i]) |
                              (o->hex.at[i] & ~s->hexed.at[i]);
        return shown;
}

uint64_t cs_outline_key(const struct cs_outline *o, size_t len, bool wide)
{
        return XXH3_64bits_withSeed(o->bytes, len, wide);
}

/* Two outlines may have one key: places behind the text are another one's. */
uint64_t cs_outline_key_with(uint64_t key, const uint8_t *text, size_t len, const struct cs_places *shown)
{
        for (size_t word = 0; word < CS_PLACES_WORDS; word++)
                for (uint64_t left = shown->at[word]; left; left &= left - 1) {
                        size_t at = word * CS_PLACES_WORD + (size_t)__builtin_ctzll(left);
                        if (at >= len)
                                return key;
                        key = (key ^ (at << 8 | text[at])) * UINT64_C(0x9e3779b97f4a7c15);
                        key ^= key >> 32;
                }
        return key;
}
