/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the two halves of the graph: graph.c (workers) and graph_merge.c. */
#ifndef CS_GRAPH_PRIVATE_H
#define CS_GRAPH_PRIVATE_H

#include "graph.h"

/* What one unit of work found. Units are merged in their order. */
struct cs_graph_unit {
        CS_VEC(uint32_t) to;
        CS_VEC(uint64_t) aims;   /* of `to` */
        CS_VEC(uint32_t) degree; /* per block of the slice */
        uint32_t first;          /* block of the slice */
        CS_VEC(uint32_t) roots;
        CS_VEC(struct cs_root_vote) votes;
        CS_VEC(struct cs_graph_table) tables;
};

void cs_graph_unit_deinit(struct cs_graph_unit *unit);

/* Sorts and drops repeats; how many are left. */
size_t cs_graph_unique(uint32_t *at, size_t n);

/* Puts together what the units found, of which the first are those of slices, in the order of the blocks. The units are emptied of
 * what is large; out->marks is there already. */
CS_CHECK enum cs_status cs_graph_merge(struct cs_graph_unit *units, size_t slices, size_t n_units,
                                       const struct cs_blocks *blocks, struct cs_graph *out,
                                       struct cs_error *err);

#endif
