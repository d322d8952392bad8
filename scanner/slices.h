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

/* For those who read blocks one after the other and leave many out, so that the processor cannot guess which come next: asks for the
 * beginning of some behind block `index`. `ahead` begins as their cursor does. */
static inline void cs_slice_ask(struct cs_block_cursor *ahead, uint32_t index, const struct cs_view *view)
{
        enum { BLOCKS = 12 };
        struct cs_block b;
        uint32_t i;
        while (ahead->index < ahead->end && ahead->index - index <= BLOCKS &&
               cs_blocks_next_any(ahead, &b, &i))
                cs_view_ask(view, cs_block_user(&b));
}

#endif
