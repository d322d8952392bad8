/* SPDX-License-Identifier: Apache-2.0 */
/* Which blocks in use nothing leads to: conservative reachability over the graph. What is lost hangs on heads: blocks that
 * nothing points to, or, where lost blocks only point at each other, one block of the ring. What no pointer leads to, but
 * what live memory names in another way (traces.h), is possibly lost, and counted apart. */
#ifndef CS_LEAKS_H
#define CS_LEAKS_H

#include "graph.h"
#include "report.h"
#include "residency.h"
#include "work.h"

struct cs_cluster_leak {
        uint64_t direct;   /* blocks: heads of what is lost */
        uint64_t indirect; /* blocks that only lost blocks lead to */
        uint64_t bytes;    /* of both */
        uint64_t possible; /* blocks that live memory names, though by no pointer, and what hangs on them */
        uint64_t
                stale; /* of the lost: those that freed or abandoned memory still points to, and what hangs on them */
        uint64_t unreferenced; /* blocks that nothing at all points to */
        /* Of this cluster's heads and of all that hangs on them, whatever its cluster: */
        uint64_t retained;
        uint64_t retained_resident;
};

struct cs_leaks {
        struct cs_cluster_leak *clusters;
        struct cs_count_bytes direct;
        struct cs_count_bytes indirect;
        struct cs_count_bytes possible;
        struct cs_count_bytes stale; /* of direct and indirect */
        uint64_t resident;           /* of direct and indirect */
        bool limited;                /* some of what names lost blocks was left out (CS_LIMIT_TRACES) */
};

struct cs_leaks_input {
        const struct cs_blocks *blocks;
        const struct cs_clusters *clusters;
        struct cs_graph *graph; /* its marks are filled in */
        const struct cs_residency *residency;
        /* What was given to make the graph: there is looked for traces. NULL: nowhere. */
        const struct cs_graph_input *memory;
        /* What one of its workers is busy with until it can help; or NULL. */
        struct cs_beside *busy;
};

/* Valid once cs_leaks_find() has filled the marks. */
static inline enum cs_leak cs_leak_of(const struct cs_graph *graph, uint32_t block)
{
        return (enum cs_leak)((graph->marks[block] & CS_MARK_LEAK) >> CS_MARK_LEAK_SHIFT);
}

/* Each block is looked at a few times, whatever the shape of the graph. Of the graph, the marks are read and written, `said` is
 * not looked at: cs_owners_find may run at the same time (relate.h). */
CS_CHECK enum cs_status cs_leaks_find(const struct cs_leaks_input *in, struct cs_leaks *out,
                                      struct cs_error *err);
void cs_leaks_deinit(struct cs_leaks *leaks);

#endif
