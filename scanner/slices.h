/* SPDX-License-Identifier: Apache-2.0 */
/* How the blocks are cut into units of work: runs of neighbours of a bounded number and size, the same ones whatever the
 * number of workers. */
#ifndef CS_SLICES_H
#define CS_SLICES_H

#include "blocks.h"

struct cs_slice {
        uint32_t first;
        uint32_t end;
};

typedef CS_VEC(struct cs_slice) cs_slice_vec;

CS_CHECK enum cs_status cs_slices_plan(const struct cs_blocks *blocks, cs_slice_vec *out,
                                       struct cs_error *err);

/* Lets go of a slice's pages of the source, once its blocks have been read: our resident set stays small. */
void cs_slice_release(const struct cs_blocks *blocks, const struct cs_slice *slice, struct cs_source *src);

#endif
