/* SPDX-License-Identifier: Apache-2.0 */
/* Needles put into few buckets, so that one look at a few bytes says of all buckets at once whether one of its needles may stand there: of each
 * needle the most telling bytes that follow each other are looked at, and of each byte its lower and its upper half. */
#ifndef CS_BUCKETS_H
#define CS_BUCKETS_H

#include "needle.h"

enum {
        CS_BUCKET_PLACES = 5,
        CS_BUCKETS_GROUP = 8, /* buckets that are looked at together: a bit each */
        CS_BUCKETS_MOST = 2 * CS_BUCKETS_GROUP,
        CS_BUCKETS_NEEDLES = 192,
};

/* Of one byte in a place: the halves that it may have in each bucket of a group. */
struct cs_halves {
        uint8_t low[16], high[16];
};

struct cs_buckets {
        uint32_t groups;  /* 1 or 2 */
        double share;     /* of all places in memory at which a bucket must be looked into, roughly */
        uint32_t *first;  /* by needle: the first of its bytes that are looked at */
        uint32_t *bucket; /* by needle */
        struct cs_halves halves[CS_BUCKETS_MOST / CS_BUCKETS_GROUP][CS_BUCKET_PLACES];
        /* The same by the lower seven bits of the byte: of text that is exact. */
        uint8_t sevens[CS_BUCKETS_MOST / CS_BUCKETS_GROUP][CS_BUCKET_PLACES][128];
};

/* What it points at is in the pool. n: from 1 to CS_BUCKETS_NEEDLES. CS_ENOMEM. */
CS_CHECK enum cs_status cs_buckets_fill(const struct cs_needle *const *needles, size_t n,
                                        struct cs_pool *pool, struct cs_buckets *out, struct cs_error *err);

#endif
