/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the two halves of clustering: sweep.c (workers) and clusters.c (merging). */
#ifndef CS_CLUSTERS_PRIVATE_H
#define CS_CLUSTERS_PRIVATE_H

#include "clusters.h"
#include "masks.h"
#include "recall.h"
#include "signatures.h"
#include "work.h"

/* What one worker found. */
struct cs_sweep_worker {
        CS_WORK_APART struct cs_view view;
        struct cs_pool pool; /* template texts, periods */
        struct cs_masks masks;
        struct cs_arrays arrays;
        struct cs_signatures signatures; /* first sweep; of most blocks */
        struct cs_thin features;         /* first sweep: feature key -> blocks, of the others */
        struct cs_thin targets;          /* first sweep: address -> blocks, of the others */
        struct cs_tally text_numbers;    /* first sweep: template -> index in texts */
        CS_VEC(struct cs_cluster) texts; /* first sweep: what blocks are that are texts in any case */
        uint32_t first_signature;        /* of all workers'; the texts follow */
        uint32_t *of_signature;  /* second sweep: signature, or text -> index in local, or UINT32_MAX */
        struct cs_tally numbers; /* second sweep: key -> index in local */
        CS_VEC(struct cs_cluster) local;
        size_t n_texts;          /* of local, but those that are left out */
        uint32_t texts_left_out; /* ranks of templates that are not told apart (any more): thin.h */
        uint32_t *known; /* second sweep: a recalled kind's number in local, or CS_NO_CLUSTER; or NULL */
};

enum { CS_SWEEP_TEXT = 1 << 24 }; /* more than there are signatures */

/* What follows from a signature. */
struct cs_seed {
        struct cs_cluster cluster; /* without counts; of a text only the kind */
        bool perhaps_array;        /* if it is large */
        bool unread;               /* its text or shape is still to be read */
};

struct cs_sweep {
        const struct cs_cluster_input *in;
        struct cs_sweep_worker *workers;
        unsigned n_workers;
        uint64_t *quiet;                  /* first sweep: of the clusters */
        struct cs_thin features;          /* merged, for the second sweep */
        const struct cs_targets *targets; /* resolved, for the second sweep */
        struct cs_seed *seeds;            /* second sweep: of all workers' signatures and texts */
        size_t n_seeds;
        uint16_t *slice_counter;     /* first sweep: who did which slice */
        uint16_t *slice_worker;      /* second sweep */
        struct cs_recalled recalled; /* blocks that neither sweep reads */
};

CS_CHECK enum cs_status cs_sweep_init(struct cs_sweep *sweep, const struct cs_cluster_input *in,
                                      struct cs_error *err);
void cs_sweep_deinit(struct cs_sweep *sweep);

/* First sweep: fills and merges features, and adds the addresses worth resolving to `addresses`. block->cluster becomes the number
 * of the block's signature among those of the worker that did its slice, or CS_SWEEP_TEXT and that of its text, if it has either. */
CS_CHECK enum cs_status cs_sweep_count(struct cs_sweep *sweep, struct cs_thin *addresses,
                                       struct cs_error *err);

/* What text counts as once there are too many templates to tell all apart; and how many that are. */
extern const struct cs_cluster cs_sweep_other_text;
size_t cs_sweep_most_templates(void);

/* Second sweep: block->cluster becomes an index into the local clusters of the worker that did its slice. */
CS_CHECK enum cs_status cs_sweep_assign(struct cs_sweep *sweep, const struct cs_targets *targets,
                                        struct cs_error *err);

#endif
