/* SPDX-License-Identifier: Apache-2.0 */
/* The whole case of one address: what lies there, whose it is, what its words mean, who points there, and how it is held. What
 * the other rooms found out is put together here for one block; of the graph, which has no way back, each question costs one
 * pass over all references. */
#ifndef CS_CASE_H
#define CS_CASE_H

#include "labels.h"
#include "unloaded.h"
#include "leaks.h"
#include "members.h"
#include "regions.h"
#include "repeats.h"
enum { CS_CASE_DEPTH = 3, CS_CASE_DEPTH_MOST = 64 };

/* All borrowed; heaps sealed. */
struct cs_case {
        const struct cs_image *image;
        struct cs_symbols *symbols;
        const struct cs_space *space;
        const struct cs_heaps *heaps;
        const struct cs_regions *regions;
        const struct cs_clusters *clusters;
        const struct cs_members *members;
        const struct cs_graph *graph;          /* with the leaks' marks */
        const struct cs_claims *claims;        /* sealed */
        const struct cs_labels *labels;        /* whose each block is */
        const struct cs_unloaded *unloaded;    /* or NULL: modules that they may name as well */
        const struct cs_report_cluster *named; /* the clusters in words, by index */
        unsigned workers;
        struct cs_pool *pool;             /* the report's: all that is found lives there */
        const struct cs_repeats *repeats; /* or NULL: arrays in memory that is no block's, and */
        size_t n_patterns;                /* the clusters that they are, behind those of blocks in `named` */
        const cs_epolled_vec *epolled;    /* or NULL, as in graph.h */
};

/* Everything about the address; of its referrers the first level. Main thread. */
CS_CHECK enum cs_status cs_case_at(const struct cs_case *c, uint64_t address, struct cs_report_case **out,
                                   struct cs_error *err);

/* Who points at the block there, and who at those, up to `depth` levels (at most CS_CASE_DEPTH_MOST). Main thread. */
CS_CHECK enum cs_status cs_case_refs(const struct cs_case *c, uint64_t address, unsigned depth,
                                     struct cs_report_case **out, struct cs_error *err);

#endif
