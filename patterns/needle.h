/* SPDX-License-Identifier: Apache-2.0 */
/* Needles of a regex: short runs of byte sets of which at least one stands in every match, and where the match can have begun then. Who
 * finds all needles in a text (finder.h) need run the regex only there. */
#ifndef CS_NEEDLE_H
#define CS_NEEDLE_H

#include "syntax.h"

enum { CS_NEEDLE_MOST = 64, CS_NEEDLES_MOST = 64 };

/* The match begins between back_least and back_most bytes before the needle's end (negative: behind it), and all bytes between that beginning
 * and the needle's are of the set `before`. */
struct cs_needle {
        const struct cs_byteset *at;
        uint32_t len; /* 1 … CS_NEEDLE_MOST */
        int32_t back_least;
        int32_t back_most; /* at most CS_LIMIT_MATCH_BYTES and the needle: longer matches there are none */
        struct cs_byteset before;
};

struct cs_needles {
        struct cs_needle *at; /* in the pool, as what it points at */
        size_t n;             /* 0: none that would be rare enough */
        double bits;          /* one of them is found by accident once in 2^bits bytes, roughly */
        double worth;         /* of several that would do, the one of most worth is taken */
};

/* Where `literal` is set, only needles that have an exact part (cs_needle_key) are taken. CS_ENOMEM. */
CS_CHECK enum cs_status cs_needles_find(const struct cs_syntax *syntax, bool literal, struct cs_pool *pool,
                                        struct cs_needles *out, struct cs_error *err);

/* The keywords of a rule as needles: one of them stands, in any case, in the match or the `reach` bytes before or behind it. None where one of them is
 * empty or longer than that. */
CS_CHECK enum cs_status cs_needles_of_keywords(const char *const *keywords, size_t n, uint32_t reach,
                                               uint32_t most, struct cs_pool *pool, struct cs_needles *out,
                                               struct cs_error *err);

/* The longest run in the needle (at most 4 bytes) where it is one byte, but for its case: *first is where it begins. 0: there is none. */
uint32_t cs_needle_key(const struct cs_needle *needle, uint32_t *first);

/* How often such a byte is found in memory, roughly: 0 … 1. */
double cs_byteset_share(const struct cs_byteset *set);

/* *out becomes a needle whose sets are in the pool. False: our memory ran out. */
CS_CHECK bool cs_needle_keep(const struct cs_needle *needle, struct cs_pool *pool, struct cs_needle *out);

/* Does the needle stand at these bytes (needle->len of them)? */
bool cs_needle_is(const struct cs_needle *needle, const uint8_t *bytes);

#endif
