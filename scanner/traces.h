/* SPDX-License-Identifier: Apache-2.0 */
/* What else names blocks that no pointer leads to. Live memory may keep an address in a form that is no pointer: tagged in its
 * upper bits (NaN boxes, counted pointers), doubled and made odd (Ruby's Fixnum), as the distance from the block that holds
 * it (fontconfig), unaligned, or as the end of an array without elements. Memory that nobody uses any more, freed chunks and
 * stacks below their pointer, may still have plain pointers: these keep nothing alive, but tell of what was lost. */
#ifndef CS_TRACES_H
#define CS_TRACES_H

#include "graph.h"
#include "work.h"

struct cs_trace {
        uint32_t from; /* block, or CS_NO_BLOCK: memory that is no block */
        uint32_t to;
};

struct cs_traces {
        CS_VEC(struct cs_trace) at; /* by from */
        bool limited;
};

/* Looks through all memory for traces of blocks in use without CS_MARK_REACHED; those that stale memory points to get
 * CS_MARK_STALE. busy: what the last of the workers is busy with until it can help, or NULL. */
CS_CHECK enum cs_status cs_traces_find(const struct cs_graph_input *in, struct cs_graph *graph,
                                       struct cs_beside *busy, struct cs_traces *out, struct cs_error *err);
void cs_traces_deinit(struct cs_traces *traces);

/* The first trace from that block; at.n where there is none. */
size_t cs_traces_from(const struct cs_traces *traces, uint32_t block);

#endif
