/* SPDX-License-Identifier: Apache-2.0 */
#include "period_private.h"

#include "bytes.h"

enum {
        NEAR_SLOTS = 1 << 12, /* of those there are: they stay in the first-level cache */
        LEAST_VOTES = 4,
        TOP = 4, /* strides with the most votes; the others are made from them */
};

/* One word at `at` votes for the distances to its two last places. `same` compares whole words: slots are shared. */
static inline void vote(struct cs_period_finder *f, struct cs_period_slot *slot, size_t at, bool same_last,
                        bool same_before, size_t unit, size_t most)
{
        if (same_last) {
                size_t d = (at + 1 - slot->last) / unit;
                if (d <= most)
                        f->votes[d]++;
                if (same_before && (d = (at + 1 - slot->before) / unit) <= most)
                        f->votes[d]++;
        }
        slot->before = slot->last;
        slot->last = (uint32_t)at + 1;
}

static void add(uint32_t out[CS_PERIOD_CANDIDATES], size_t *n, uint32_t stride, uint32_t most)
{
        if (stride < 2 || stride > most || *n == CS_PERIOD_CANDIDATES)
                return;
        for (size_t i = 0; i < *n; i++)
                if (out[i] == stride)
                        return;
        out[(*n)++] = stride;
}

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
        while (b) {
                uint32_t rest = a % b;
                a = b;
                b = rest;
        }
        return a;
}

/* Words that stand anywhere give every multiple of eight bytes its votes, and short ones most: how much a distance stands
 * out from those 8 bytes from it. */
static uint32_t contrast(const struct cs_period_finder *f, uint32_t d, size_t most, uint32_t unit)
{
        uint32_t step = 8 / unit;
        uint32_t below = d > step ? f->votes[d - step] : 0, above = d + step <= most ? f->votes[d + step] : 0;
        uint32_t other = below > above ? below : above;
        return f->votes[d] > other ? f->votes[d] - other : 0;
}

/* Keeps the TOP distances by weight, heaviest first; the shorter of two that weigh the same. */
static void rank(uint32_t top[TOP], uint32_t weights[TOP], uint32_t d, uint32_t weight)
{
        if (weight < LEAST_VOTES || weight <= weights[TOP - 1])
                return;
        size_t i = TOP - 1;
        for (; i > 0 && weight > weights[i - 1]; i--) {
                top[i] = top[i - 1];
                weights[i] = weights[i - 1];
        }
        top[i] = d;
        weights[i] = weight;
}

/* The strides with the most votes, and those that stand out most; what two of these have in common, for records of several types
 * follow one another by multiples; parts, for far positions see every second or fourth place only. */
static size_t elect(const struct cs_period_finder *f, size_t len, size_t most, uint32_t unit,
                    uint32_t shortest, uint32_t out[CS_PERIOD_CANDIDATES])
{
        uint32_t top[TOP] = { 0 }, clear[TOP] = { 0 }, weights[TOP] = { 0 }, clarity[TOP] = { 0 };
        size_t n = 0;
        for (uint32_t d = (shortest + unit - 1) / unit; d <= most; d++) {
                /* One constant word gives as many votes as there are records in half of the bytes. */
                if (f->votes[d] < LEAST_VOTES || (uint64_t)f->votes[d] * d * unit * 2 < len)
                        continue;
                if (unit == 1)
                        rank(top, weights, d, f->votes[d]);
                rank(clear, clarity, d, contrast(f, d, most, unit));
        }
        for (size_t i = 0; i < TOP; i++) {
                add(out, &n, clear[i] * unit, CS_PERIOD_LONG);
                add(out, &n, top[i] * unit, CS_PERIOD_LONG);
        }
        if (unit > 1) {
                add(out, &n, clear[0] * unit / 2, CS_PERIOD_LONG);
                add(out, &n, clear[0] * unit / 4, CS_PERIOD_LONG);
        }
        for (size_t i = 1; i < TOP && clear[i]; i++) {
                uint32_t both = common_divisor(clear[0], clear[i]) * unit;
                if (both >= shortest && both > 8)
                        add(out, &n, both, CS_PERIOD_LONG);
        }
        for (size_t i = 1; i < n; i++)
                for (size_t k = i; k > 0 && out[k] < out[k - 1]; k--) {
                        uint32_t other = out[k];
                        out[k] = out[k - 1];
                        out[k - 1] = other;
                }
        return n;
}

size_t cs_period_vote_near(struct cs_period_finder *f, const uint8_t *bytes, size_t len,
                           uint32_t out[CS_PERIOD_CANDIDATES])
{
        size_t most = len / 4 < CS_PERIOD_SHORT ? len / 4 : CS_PERIOD_SHORT;
        struct cs_period_slot *slots = f->slots;
        memset(slots, 0, NEAR_SLOTS * sizeof(*slots));
        memset(f->votes, 0, (most + 1) * sizeof(*f->votes));
        for (size_t i = 0; i + 4 <= len; i++) {
                uint32_t word = cs_half(bytes + i);
                /* One byte value throughout is a filling; zeros most of all. */
                if (word == (word & 0xff) * 0x01010101)
                        continue;
                struct cs_period_slot *slot = &slots[(word * 0x9e3779b1u) >> 20];
                bool last = slot->last && cs_half(bytes + slot->last - 1) == word;
                vote(f, slot, i, last, last && slot->before && cs_half(bytes + slot->before - 1) == word, 1,
                     most);
        }
        return elect(f, len, most, 1, 2, out);
}

size_t cs_period_vote_far(struct cs_period_finder *f, const uint8_t *bytes, size_t len,
                          uint32_t out[CS_PERIOD_CANDIDATES])
{
        size_t most = len / 4 < CS_PERIOD_LONG ? len / 4 : CS_PERIOD_LONG;
        most /= CS_PERIOD_UNIT;
        memset(f->slots, 0, sizeof(f->slots));
        memset(f->votes, 0, (most + 1) * sizeof(*f->votes));
        for (size_t i = 0; i + 8 <= len; i += CS_PERIOD_UNIT) {
                uint64_t word = cs_word(bytes + i);
                if (word == (word & 0xff) * UINT64_C(0x0101010101010101))
                        continue;
                struct cs_period_slot *slot = &f->slots[word * UINT64_C(0x9e3779b97f4a7c15) >> 49];
                bool last = slot->last && cs_word(bytes + slot->last - 1) == word;
                vote(f, slot, i, last, last && slot->before && cs_word(bytes + slot->before - 1) == word,
                     CS_PERIOD_UNIT, most);
        }
        return elect(f, len, most, CS_PERIOD_UNIT, CS_PERIOD_SHORT / 4, out);
}
