/* SPDX-License-Identifier: Apache-2.0 */
/* The blocks of each cluster, and samples of them. They are quickly built and take four bytes a block: whoever needs more than that for
 * something else drops them meanwhile. */
#ifndef CS_MEMBERS_H
#define CS_MEMBERS_H

#include "clusters.h"

struct cs_members {
        uint32_t *first; /* per cluster, and one more */
        uint32_t *block; /* block indices, ascending within a cluster */
};

CS_CHECK enum cs_status cs_members_build(const struct cs_blocks *blocks, const struct cs_clusters *clusters,
                                         struct cs_members *out, struct cs_error *err);
/* Leaves them empty. */
void cs_members_deinit(struct cs_members *members);

/* Up to `most` blocks of a cluster, evenly spread over its addresses: out[0 … n). */
size_t cs_members_sample(const struct cs_members *members, uint32_t cluster, size_t most, uint32_t *out);

#endif
