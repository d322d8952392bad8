/* SPDX-License-Identifier: Apache-2.0 */
/* Which blocks in use nothing leads to: conservative reachability over the graph. What is lost hangs on heads: blocks that
 * nothing points to, or, where lost blocks only point at each other, one block of the ring. */
#ifndef CS_LEAKS_H
#define CS_LEAKS_H

#include "graph.h"
#include "report.h"
#include "residency.h"

struct cs_cluster_leak {
        uint64_t direct;       /* blocks: heads of what is lost */
        uint64_t indirect;     /* blocks that only lost blocks lead to */
        uint64_t bytes;        /* of both */
        uint64_t unreferenced; /* blocks that nothing at all points to */
        /* Of this cluster's heads and of all that hangs on them, whatever its cluster: */
        uint64_t retained;
        uint64_t retained_resident;
};

struct cs_leaks {
        uint8_t *state; /* per block: enum cs_leak */
        struct cs_cluster_leak *clusters;
        struct cs_count_bytes direct;
        struct cs_count_bytes indirect;
        uint64_t resident; /* of both */
};

struct cs_leaks_input {
        const struct cs_blocks *blocks;
        const struct cs_clusters *clusters;
        const struct cs_graph *graph;
        const struct cs_residency *residency;
};

CS_CHECK enum cs_status cs_leaks_find(const struct cs_leaks_input *in, struct cs_leaks *out,
                                      struct cs_error *err);
void cs_leaks_deinit(struct cs_leaks *leaks);

#endif
