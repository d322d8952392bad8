/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the two halves of the graph: graph.c (workers) and graph_merge.c. */
#ifndef CS_GRAPH_PRIVATE_H
#define CS_GRAPH_PRIVATE_H

#include "graph.h"

/* What one unit of work found. Units are merged in their order. */
struct cs_graph_unit {
        CS_VEC(uint32_t) roots;
        CS_VEC(struct cs_root_vote) votes;
        CS_VEC(struct cs_graph_table) tables;
};

void cs_graph_unit_deinit(struct cs_graph_unit *unit);

/* Sorts and drops repeats; how many are left. */
size_t cs_graph_unique(uint32_t *at, size_t n);

/* Puts together what the units found, in their order; out->marks is there already. */
CS_CHECK enum cs_status cs_graph_merge(const struct cs_graph_unit *units, size_t n, struct cs_graph *out,
                                       struct cs_error *err);

#endif
