/* SPDX-License-Identifier: Apache-2.0 */
/* Like blocks, counted: every block in use belongs to exactly one cluster. Two sweeps over the blocks: the first counts which
 * features like blocks share, the second gives each block the key that most of its likes have, too. */
#ifndef CS_CLUSTERS_H
#define CS_CLUSTERS_H

#include "arrays.h"
#include "residency.h"
#include "slices.h"
#include "targets.h"

enum cs_cluster_kind {
        CS_CLUSTER_CLASS,  /* a vtable at offset 0: a C++ object, whatever its size */
        CS_CLUSTER_OBJECT, /* a pointer into a module that like blocks share */
        CS_CLUSTER_TEXT,
        CS_CLUSTER_ARRAY, /* a large block of equal records, one behind the other, whatever its size */
        CS_CLUSTER_SHAPE, /* none of these: size and classes of the first words */
};

enum { CS_CLUSTER_EXAMPLES = 8 };

struct cs_cluster {
        enum cs_cluster_kind kind;
        uint64_t key;
        uint64_t target;  /* class, object: what the anchor points at */
        uint32_t offset;  /* class, object: where the anchor is, from what malloc returned */
        uint64_t shape;   /* shape: cs_signature_shape() */
        const char *text; /* text: template; lives in the clusters */
        uint32_t text_len;
        bool cut;                       /* text: the template describes only the beginning */
        const struct cs_period *period; /* array: lives in the clusters */
        uint64_t records;               /* array: of all blocks */
        uint64_t count;
        uint64_t bytes;
        uint64_t resident;
        uint64_t min_units;
        uint64_t max_units;
        uint32_t n_examples;
        uint32_t examples[CS_CLUSTER_EXAMPLES]; /* lowest block indices */
};

struct cs_clusters {
        CS_VEC(struct cs_cluster) at; /* by resident bytes, largest first */
        struct cs_pool pool;
        struct cs_targets targets;
        uint64_t *quiet; /* one bit per block: its words point at nothing; NULL: not known of any */
        bool limited;    /* a declared limit was reached: some features or templates were not told apart */
};

/* Is it known that no word of the block points at anything? */
static inline bool cs_clusters_quiet(const struct cs_clusters *clusters, uint32_t block)
{
        return clusters->quiet && clusters->quiet[block / 64] >> (block % 64) & 1;
}

void cs_clusters_deinit(struct cs_clusters *clusters);

struct cs_recall;

struct cs_cluster_input {
        const struct cs_image *image;
        struct cs_symbols *symbols;
        const struct cs_space *space;
        struct cs_blocks *blocks; /* their cluster numbers are written */
        const cs_slice_vec *slices;
        const struct cs_residency *residency;
        unsigned workers;
        struct cs_recall *recall; /* what is found is kept there for the next look; or NULL */
        bool brief;               /* what is there already is used */
};

CS_CHECK enum cs_status cs_clusters_build(const struct cs_cluster_input *in, struct cs_clusters *out,
                                          struct cs_error *err);

#endif
