/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the halves of the period finder: period_votes.c (which strides to try) and period.c (judging them). */
#ifndef CS_PERIOD_PRIVATE_H
#define CS_PERIOD_PRIVATE_H

#include "period.h"

enum {
        CS_PERIOD_CANDIDATES = 12,
        CS_PERIOD_SLOTS =
                1
                << 15, /* words that are remembered: by then a slot was seldom overwritten within a long stride */
        CS_PERIOD_UNIT =
                4, /* of far positions: a word that recurs at an odd stride does so at a multiple of it as well */
};

/* The two last places of a word, or of one that has the same slot; 0: none, else 1 more than the position. */
struct cs_period_slot {
        uint32_t last, before;
};

struct cs_period_finder {
        struct cs_period_slot slots[CS_PERIOD_SLOTS];
        uint32_t votes[CS_PERIOD_LONG / CS_PERIOD_UNIT + 1]; /* by distance; far: in units */
        uint32_t common[8][256]; /* bytes by position modulo 8: how likely a value is at such a place */
        uint32_t n_common;       /* positions for each of the 8 */
        /* One candidate. */
        uint8_t value[CS_PERIOD_LONG]; /* the most frequent of each column */
        uint8_t agree[CS_PERIOD_LONG]; /* in so many rows */
        uint8_t lead[CS_PERIOD_LONG];
        float bits[CS_PERIOD_LONG]; /* how unlikely the value is, where the column is constant; else 0 */
};

/* Strides worth trying, ascending, without repeats; returns how many. */
size_t cs_period_vote_near(struct cs_period_finder *f, const uint8_t *bytes, size_t len,
                           uint32_t out[CS_PERIOD_CANDIDATES]);
size_t cs_period_vote_far(struct cs_period_finder *f, const uint8_t *bytes, size_t len,
                          uint32_t out[CS_PERIOD_CANDIDATES]);

#endif
