/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks that are arrays of equal records: vectors, slabs and tables that somebody got from malloc as one. */
#ifndef CS_ARRAYS_H
#define CS_ARRAYS_H

#include "blocks.h"
#include "period.h"
#include "pool.h"
enum {
        CS_ARRAY_BYTES = 16 << 10, /* smaller blocks are objects, or not worth the time */
        CS_ARRAYS_KNOWN = 8,
};

/* One per worker. What was found in one slice of blocks is tried on its others first, and of each slice only so many blocks are
 * looked at closely: so the answer does not depend on which worker does which slice, and a heap of large blocks takes no longer
 * than one of small ones. */
struct cs_arrays {
        struct cs_period_finder *finder; /* NULL until one is needed */
        struct cs_period known[CS_ARRAYS_KNOWN];
        uint32_t n_known;
        uint32_t looked;                      /* blocks of this slice */
        uint64_t failed[CS_ARRAYS_KNOWN * 2]; /* sizes of those that were none; 0: no more */
};

void cs_arrays_deinit(struct cs_arrays *arrays);

/* Before each slice. */
void cs_arrays_begin(struct cs_arrays *arrays);

/* Is the block mostly records that follow one another? Those of fewer than CS_ARRAY_BYTES are none. */
CS_CHECK enum cs_status cs_arrays_look(struct cs_arrays *arrays, struct cs_view *view,
                                       const struct cs_block *block, bool *found, struct cs_period *out,
                                       struct cs_error *err);

/* How many records the block has. *first and *last (or NULL) are where the first and the last one of those begin that follow one
 * another from the first on. */
uint64_t cs_arrays_count(struct cs_view *view, const struct cs_block *block, const struct cs_period *period,
                         uint64_t *first, uint64_t *last);

/* A copy that lives in the pool, or NULL. */
const struct cs_period *cs_arrays_keep(struct cs_pool *pool, const struct cs_period *period);

/* One number for all arrays of the same records. */
uint64_t cs_arrays_key(const struct cs_period *period);

#endif
