/* SPDX-License-Identifier: Apache-2.0 */
#include "slices.h"

enum { SLICE_BLOCKS = 1 << 14, SLICE_BYTES = 8 << 20 };

enum cs_status cs_slices_plan(const struct cs_blocks *blocks, cs_slice_vec *out, struct cs_error *err)
{
        uint32_t n = (uint32_t)blocks->blocks.n;
        for (uint32_t i = 0; i < n;) {
                struct cs_slice slice = { i, i };
                uint64_t bytes = 0;
                while (slice.end < n && slice.end - slice.first < SLICE_BLOCKS && bytes < SLICE_BYTES)
                        bytes += cs_block_size(&blocks->blocks.at[slice.end++]);
                enum cs_status st = cs_vec_push(out, slice, err);
                if (st != CS_OK)
                        return st;
                i = slice.end;
        }
        return CS_OK;
}

void cs_slice_release(const struct cs_blocks *blocks, const struct cs_slice *slice, struct cs_source *src)
{
        const struct cs_block *b = blocks->blocks.at;
        if (slice->first == slice->end)
                return;
        uint64_t start = cs_block_start(&b[slice->first]), end = start;
        for (uint32_t i = slice->first; i < slice->end; i++) {
                if (cs_block_start(&b[i]) != end) {
                        cs_source_release(src, start, (size_t)(end - start));
                        start = cs_block_start(&b[i]);
                }
                end = cs_block_range(&b[i]).end;
        }
        cs_source_release(src, start, (size_t)(end - start));
}
