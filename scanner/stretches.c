/* SPDX-License-Identifier: Apache-2.0 */
#include "stretches.h"

enum { WORD = 8 };

enum cs_status cs_stretches(struct cs_view *view, struct cs_range range, cs_stretch_fn fn, void *context,
                            struct cs_error *err)
{
        for (uint64_t at = (range.start + WORD - 1) & ~(uint64_t)(WORD - 1); at < range.end;) {
                size_t got;
                uint64_t left = range.end - at;
                uint64_t zeros = left >= CS_PAGE ? cs_source_zeros(view->src, at) : 0;
                if (zeros >= CS_PAGE) {
                        at += zeros & ~(uint64_t)(WORD - 1);
                        continue;
                }
                const uint8_t *bytes =
                        cs_view_whole(view, at, left < CS_VIEW_BYTES ? (size_t)left : CS_VIEW_BYTES, &got);
                if (!bytes || got < WORD) {
                        uint64_t next = cs_view_next(view, cs_page_down(at + WORD) + (bytes ? 0 : CS_PAGE));
                        at = next > at + WORD ? next : at + WORD;
                        continue;
                }
                enum cs_status st = fn(context, at, bytes, got, err);
                if (st != CS_OK)
                        return st;
                at += got & ~(size_t)(WORD - 1);
        }
        return CS_OK;
}
