/* SPDX-License-Identifier: Apache-2.0 */
/* Lost blocks that point at each other in rings: which of them to name. */
#ifndef CS_RINGS_H
#define CS_RINGS_H

#include "blocks.h"
#include "graph.h"

/* Blocks in use without CS_MARK_REACHED form the subgraph. Its strongly connected components that no other component points
 * into are the heads of all the rest; of each, the block that most of its fellows point at (the document rather than one of
 * its nodes; of several the one at the lowest address) goes to out. */
CS_CHECK enum cs_status cs_rings_heads(const struct cs_graph *graph, const struct cs_blocks *blocks,
                                       cs_block_vec *out, struct cs_error *err);

/* The first block from i on, before `end`, that is in use, and that nothing leads to so far; or end. */
static inline uint32_t cs_lost_next(const struct cs_graph *graph, const struct cs_blocks *blocks, uint32_t i,
                                    uint32_t end)
{
        do
                i = cs_graph_next(graph, CS_MARK_REACHED, CS_MARK_REACHED, i, end);
        while (i < end && cs_blocks_state(blocks, i) != CS_BLOCK_IN_USE && ++i);
        return i;
}

#endif
