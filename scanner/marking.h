/* SPDX-License-Identifier: Apache-2.0 */
/* Spreading marks along references. Memory is a stack of block numbers: no recursion, however long the chain. */
#ifndef CS_MARKING_H
#define CS_MARKING_H

#include "graph.h"

enum { CS_MARKING_RING = 16 }; /* cache misses under way at once */

/* What waits for its cache line, oldest first. */
struct cs_marking_ring {
        uint32_t at[CS_MARKING_RING];
        unsigned first, n;
};

struct cs_marking {
        struct cs_graph *graph;
        uint8_t mark; /* the one that is spread; blocks that have it are not gone into */
        CS_VEC(uint32_t) todo;
        struct cs_marking_ring soon; /* blocks that are marked; where their references begin is on its way */
        struct cs_marking_ring next; /* the same; their references are on their way */
        struct cs_marking_ring targets; /* blocks referred to; their marks are on their way */
};

void cs_marking_deinit(struct cs_marking *marking);

/* Called for each block that got the mark. */
typedef void (*cs_marking_fn)(void *context, uint32_t block);

/* Marks all that `start`, which has the mark, leads to. visit: may be NULL; not called for start. */
CS_CHECK enum cs_status cs_marking_spread(struct cs_marking *marking, uint32_t start, cs_marking_fn visit,
                                          void *context, struct cs_error *err);

/* The same from all blocks of `starts` together, marked or not; those that were not are marked and visited. */
CS_CHECK enum cs_status cs_marking_spread_all(struct cs_marking *marking, const uint32_t *starts, size_t n,
                                              cs_marking_fn visit, void *context, struct cs_error *err);

#endif
