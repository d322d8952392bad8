/* SPDX-License-Identifier: Apache-2.0 */
#include "slices.h"

enum { SLICE_BLOCKS = 1 << 14, SLICE_BYTES = 8 << 20 };

/* The end of the slice that begins where the cursor is: after so many blocks, or bytes. */
static uint32_t end_of(struct cs_block_cursor cursor)
{
        struct cs_block_cursor few = cursor;
        struct cs_block b;
        struct cs_range span;
        uint64_t bytes = 0;
        uint32_t i = cursor.index;
        if (few.end - few.index > SLICE_BLOCKS)
                few.end = few.index + SLICE_BLOCKS;
        cursor.end = few.end;
        while (cs_blocks_next_span(&few, &span))
                bytes += cs_range_size(span);
        if (bytes < SLICE_BYTES)
                return cursor.end;
        for (bytes = 0; bytes < SLICE_BYTES && cs_blocks_next_any(&cursor, &b, &i);)
                bytes += cs_block_size(&b);
        return i + 1;
}

enum cs_status cs_slices_plan(const struct cs_blocks *blocks, cs_slice_vec *out, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (uint32_t at = 0; st == CS_OK && at < cs_blocks_indices(blocks);) {
                struct cs_slice slice = { at, end_of(cs_blocks_from(blocks, at, cs_blocks_indices(blocks))) };
                st = cs_vec_push(out, slice, err);
                at = slice.end;
        }
        return st;
}

void cs_slice_release(const struct cs_blocks *blocks, const struct cs_slice *slice, struct cs_source *src)
{
        struct cs_block_cursor cursor = cs_blocks_from(blocks, slice->first, slice->end);
        struct cs_range span;
        while (cs_blocks_next_span(&cursor, &span))
                cs_source_release(src, span.start, (size_t)cs_range_size(span));
}
