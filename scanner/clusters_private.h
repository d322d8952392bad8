/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the two halves of clustering: sweep.c (workers) and clusters.c (merging). */
#ifndef CS_CLUSTERS_PRIVATE_H
#define CS_CLUSTERS_PRIVATE_H

#include "clusters.h"
#include "masks.h"

/* What one worker found. */
struct cs_sweep_worker {
        struct cs_view view;
        struct cs_pool pool;   /* template texts, periods */
        struct cs_masks masks; /* second sweep */
        struct cs_arrays arrays;
        struct cs_tally features; /* first sweep: feature key -> blocks */
        struct cs_tally targets;  /* first sweep: address -> blocks */
        struct cs_tally numbers;  /* second sweep: key -> index in local */
        CS_VEC(struct cs_cluster) local;
        size_t n_texts; /* of local */
        bool limited;
};

struct cs_sweep {
        const struct cs_cluster_input *in;
        struct cs_sweep_worker *workers;
        unsigned n_workers;
        struct cs_tally features;         /* merged, for the second sweep */
        const struct cs_targets *targets; /* resolved, for the second sweep */
        uint16_t *slice_worker;           /* second sweep: who did which slice */
};

CS_CHECK enum cs_status cs_sweep_init(struct cs_sweep *sweep, const struct cs_cluster_input *in,
                                      struct cs_error *err);
void cs_sweep_deinit(struct cs_sweep *sweep);

/* First sweep: fills and merges features, and adds the addresses worth resolving to `addresses`. */
CS_CHECK enum cs_status cs_sweep_count(struct cs_sweep *sweep, struct cs_tally *addresses,
                                       struct cs_error *err);

/* Second sweep: block->cluster becomes an index into the local clusters of the worker that did its slice. */
CS_CHECK enum cs_status cs_sweep_assign(struct cs_sweep *sweep, const struct cs_targets *targets,
                                        struct cs_error *err);

#endif
