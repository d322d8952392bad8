/* SPDX-License-Identifier: Apache-2.0 */
#include "slices.h"

enum { SLICE_BLOCKS = 1 << 14, SLICE_BYTES = 8 << 20 };

enum cs_status cs_slices_plan(const struct cs_blocks *blocks, cs_slice_vec *out, struct cs_error *err)
{
        struct cs_block_cursor cursor = cs_blocks_all(blocks);
        struct cs_block b;
        struct cs_slice slice = { 0, 0 };
        uint64_t bytes = 0;
        uint32_t i;
        while (cs_blocks_next_any(&cursor, &b, &i)) {
                slice.end = i + 1;
                bytes += cs_block_size(&b);
                if (slice.end - slice.first < SLICE_BLOCKS && bytes < SLICE_BYTES &&
                    slice.end < cs_blocks_indices(blocks))
                        continue;
                enum cs_status st = cs_vec_push(out, slice, err);
                if (st != CS_OK)
                        return st;
                slice.first = slice.end;
                bytes = 0;
        }
        return CS_OK;
}

void cs_slice_release(const struct cs_blocks *blocks, const struct cs_slice *slice, struct cs_source *src)
{
        struct cs_block_cursor cursor = cs_blocks_from(blocks, slice->first, slice->end);
        struct cs_range span;
        while (cs_blocks_next_span(&cursor, &span))
                cs_source_release(src, span.start, (size_t)cs_range_size(span));
}
