/* SPDX-License-Identifier: Apache-2.0 */
/* Counts by key, of which only so many are kept: where there are too many, keys of the last ranks are left out, and those that stay are counted
 * in full. Which these are depends on what was counted in all, and neither on who counted what nor in which order, so that the report is the same
 * whatever -j. One per worker, then merged; not thread-safe. */
#ifndef CS_THIN_H
#define CS_THIN_H

#include "tally.h"

enum { CS_THIN_RANKS = 512 };

/* The rank of a key, below CS_THIN_RANKS: what matters most comes first, and likes are told apart by chance. */
typedef uint32_t cs_thin_rank(uint64_t key);

/* Zero is empty. */
struct cs_thin {
        struct cs_tally counts;
        uint32_t left_out; /* so many of the last ranks are not counted (any more) */
};

void cs_thin_deinit(struct cs_thin *thin);

/* By chance alone, which is always the same. */
uint32_t cs_thin_chance(uint64_t key);

static inline bool cs_thin_leaves_out(uint32_t left_out, uint32_t rank)
{
        return rank >= CS_THIN_RANKS - left_out;
}

/* How many ranks are left out, at least left_out, where those before hold so many and there is a table for `most`: it keeps what three quarters
 * of it have room for. */
uint32_t cs_thin_fit(const size_t of_rank[CS_THIN_RANKS], uint32_t left_out, size_t most);

/* n more of that key; the table has no more than `most` keys. */
CS_CHECK enum cs_status cs_thin_count(struct cs_thin *thin, uint64_t key, uint64_t n, cs_thin_rank *rank,
                                      size_t most, struct cs_error *err);

/* Adds what another one counted, with the same rank and the same most; and the last step, after which there are no more than that. */
CS_CHECK enum cs_status cs_thin_add(struct cs_thin *into, const struct cs_thin *from, struct cs_error *err);
CS_CHECK enum cs_status cs_thin_settle(struct cs_thin *thin, cs_thin_rank *rank, size_t most,
                                       struct cs_error *err);

#endif
