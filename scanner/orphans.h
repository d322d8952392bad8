/* SPDX-License-Identifier: Apache-2.0 */
/* Kinds of blocks for which nobody speaks but what lies beside them (a buffer of noise that nothing leads to): who has code
 * that asks for so many bytes is the likelier. */
#ifndef CS_ORPHANS_H
#define CS_ORPHANS_H

#include "clusters.h"
#include "labels.h"
#include "members.h"
#include "sites.h"

struct cs_orphans_input {
        const struct cs_image *image;
        const struct cs_space *space;
        const struct cs_clusters *clusters;
        const struct cs_members *members;
};

/* A cluster that got its owner so. */
struct cs_orphan {
        uint32_t cluster;
        uint32_t module;
        uint64_t site; /* address of the code */
        double share;  /* of what speaks for anybody */
};

typedef CS_VEC(struct cs_orphan) cs_orphan_vec;

/* labels: completed by all else; those of orphans are weighed again. *out is the caller's. Main thread. */
CS_CHECK enum cs_status cs_orphans_label(const struct cs_orphans_input *in, struct cs_labels *labels,
                                         cs_orphan_vec *out, struct cs_error *err);

#endif
