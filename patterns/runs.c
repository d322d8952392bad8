/* SPDX-License-Identifier: Apache-2.0 */
#include "runs.h"

#include "simd.h"

enum { BLOCK = 64 };

void cs_runs_init(struct cs_runs *runs, const struct cs_byteset *set, size_t least)
{
        *runs = (struct cs_runs){ .set = *set, .least = least, .beyond_ascii = set->word[2] || set->word[3] };
        for (unsigned b = 0; b < 256; b++)
                if (cs_byteset_has(set, (uint8_t)b))
                        runs->halves[b >> 7][b & 15] |= (uint8_t)(1u << (b >> 4 & 7));
}

/* One block's bits, and what to do with a run of them that ended. */
struct look {
        const struct cs_runs *runs;
        struct cs_run_state *state;
        cs_run_fn fn;
        void *context;
};

static inline bool tell(const struct look *l, size_t from, size_t end)
{
        return end - from < l->runs->least || l->fn(l->context, from, end);
}

/* Is there a run of `least` bits? */
static inline bool long_enough(uint64_t bits, size_t least)
{
        for (size_t have = 1; have < least && bits;) {
                size_t more = have < least - have ? have : least - have;
                bits &= bits >> more;
                have += more;
        }
        return bits != 0;
}

/* The bytes at `at`: those that are of the set, as bits. */
static inline bool look_at(const struct look *l, uint64_t bits, size_t at)
{
        if (!~bits)
                return true;
        size_t low = (size_t)__builtin_ctzll(~bits), high = BLOCK - (size_t)__builtin_clzll(~bits);
        if (!tell(l, l->state->from, at + low))
                return false;
        if (high - low > l->runs->least && long_enough(bits, l->runs->least)) {
                uint64_t rest = low < high - 1 ? bits >> low << low : 0;
                if (high < BLOCK)
                        rest &= (UINT64_C(1) << high) - 1;
                while (rest) {
                        size_t from = (size_t)__builtin_ctzll(rest),
                               end = from + (size_t)__builtin_ctzll(~(rest >> from));
                        if (!tell(l, at + from, at + end))
                                return false;
                        rest = rest >> end << end;
                }
        }
        l->state->from = at + high;
        return true;
}

static uint64_t plain_bits(const struct cs_runs *runs, const uint8_t *bytes, size_t n)
{
        uint64_t bits = 0;
        for (size_t i = 0; i < n; i++)
                bits |= (uint64_t)cs_byteset_has(&runs->set, bytes[i]) << i;
        return bits;
}

bool cs_runs_end(const struct cs_runs *runs, struct cs_run_state *state, const uint8_t *bytes, size_t at,
                 size_t end, cs_run_fn fn, void *context)
{
        const struct look l = { runs, state, fn, context };
        for (; at < end; at += BLOCK) {
                size_t n = end - at < BLOCK ? end - at : BLOCK;
                if (!look_at(&l, plain_bits(runs, bytes + at, n), at))
                        return false;
                if (n < BLOCK)
                        return true;
        }
        return tell(&l, state->from, end);
}

#if defined(__x86_64__)

struct lookup {
        __m256i low, high, which, half;
};

CS_AVX2 static inline __m256i both_lanes(const uint8_t *bytes)
{
        return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)bytes));
}

/* 32 bytes: zeros where they are not of the set. */
CS_AVX2 static inline uint32_t not_of(const struct lookup *t, const uint8_t *bytes, bool beyond)
{
        __m256i v = cs_simd_load(bytes);
        __m256i upper = _mm256_shuffle_epi8(t->which, _mm256_and_si256(_mm256_srli_epi16(v, 4), t->half));
        __m256i row = _mm256_shuffle_epi8(t->low, v); /* zeros from 128 on */
        if (beyond)
                row = _mm256_or_si256(row, _mm256_shuffle_epi8(t->high,
                                                               _mm256_xor_si256(v, _mm256_set1_epi8(-128))));
        return cs_simd_bits(_mm256_cmpeq_epi8(_mm256_and_si256(row, upper), _mm256_setzero_si256()));
}

CS_AVX2 static inline bool look_from(const struct look *l, const uint8_t *bytes, size_t at, size_t end,
                                     bool beyond)
{
        static const uint8_t which[16] = { 1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128 };
        const struct lookup t = { both_lanes(l->runs->halves[0]), both_lanes(l->runs->halves[1]),
                                  both_lanes(which), _mm256_set1_epi8(15) };
        for (; at < end; at += BLOCK) {
                uint64_t none = not_of(&t, bytes + at, beyond) | (uint64_t)not_of(&t, bytes + at + 32, beyond)
                                                                         << 32;
                if (!look_at(l, ~none, at))
                        return false;
        }
        return true;
}

bool cs_runs_can(void)
{
        return cs_simd_has_avx2();
}

CS_AVX2 bool cs_runs_look(const struct cs_runs *runs, struct cs_run_state *state, const uint8_t *bytes,
                          size_t at, size_t end, cs_run_fn fn, void *context)
{
        const struct look l = { runs, state, fn, context };
        return runs->beyond_ascii ? look_from(&l, bytes, at, end, true)
                                  : look_from(&l, bytes, at, end, false);
}

#else

bool cs_runs_can(void)
{
        return false;
}

bool cs_runs_look(const struct cs_runs *runs, struct cs_run_state *state, const uint8_t *bytes, size_t at,
                  size_t end, cs_run_fn fn, void *context)
{
        const struct look l = { runs, state, fn, context };
        for (; at < end; at += BLOCK)
                if (!look_at(&l, plain_bits(runs, bytes + at, BLOCK), at))
                        return false;
        return true;
}

#endif
