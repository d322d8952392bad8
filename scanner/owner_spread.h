/* SPDX-License-Identifier: Apache-2.0 */
/* From the blocks whose owner is known by what they say themselves to all others: over the references between blocks, always
 * from the surest on. A decided block votes for those beside it, which are never surer than it; so no block's answer comes back
 * to it as somebody else's. */
#ifndef CS_OWNER_SPREAD_H
#define CS_OWNER_SPREAD_H

#include "graph.h"
#include "labels.h"

struct cs_spread_input {
        const struct cs_blocks *blocks;
        const struct cs_graph *graph;
        size_t modules;
};

/* labels: what the blocks say themselves; completed and corrected. Sure ones (from CS_SPREAD_SURE on) are taken at their
 * word. By one thread. */
enum { CS_SPREAD_SURE = 170 };
CS_CHECK enum cs_status cs_owner_spread(const struct cs_spread_input *in, struct cs_labels *labels,
                                        struct cs_error *err);

#endif
