/* SPDX-License-Identifier: Apache-2.0 */
/* Who goes from chunk to chunk through one of glibc's heaps: shared by the walk (glibc_walk.c) and the scout that goes ahead of it
 * (glibc_scout.c). */
#ifndef CS_GLIBC_WALKER_H
#define CS_GLIBC_WALKER_H

#include "glibc.h"

struct cs_glibc_walker {
        struct cs_glibc *glibc;
        uint64_t limit;
        uint64_t top;
        uint64_t arena;   /* whose heap it is */
        uint64_t pending; /* chunk whose state the next header will tell; 0: none */
        uint64_t pending_size;
        uint64_t released; /* pages of the core before this address are let go of */
        uint64_t cache_sizes;
        uint64_t others;         /* from here on chunks are another walker's, or UINT64_MAX */
        _Atomic uint64_t *tells; /* where it is, for whoever wants to know */
        bool ended;
};

/* The size word of the chunk at p; false at a gap. */
bool cs_glibc_size_word(struct cs_view *view, uint64_t p, uint64_t *word);

/* Do that many headers in a row fit from p on, or as many as there are up to the top or the limit, and at least one? */
bool cs_glibc_chain_fits(struct cs_glibc_walker *walker, uint64_t p, unsigned headers);

/* Walks on from *p while headers fit, as far as the view's span goes, and to the first chunk that is another's. What it comes by goes to
 * the run, the last chunk but one; that is pending. *p stays where it is where nothing fits. */
CS_CHECK enum cs_status cs_glibc_walk_span(struct cs_glibc_walker *walker, uint64_t *p,
                                           struct cs_block_run *run, struct cs_error *err);

#endif
