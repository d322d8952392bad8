/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by what keeps (recall.c) and what compares (recall_match.c). */
#ifndef CS_RECALL_PRIVATE_H
#define CS_RECALL_PRIVATE_H

#include "recall.h"

/* Two heap ranges that begin at one address, now and then, and the digests of their pages. */
struct cs_recall_pair {
        const struct cs_heap_range *now, *then; /* then NULL: there was none */
        const uint64_t *now_digests, *then_digests;
};

struct cs_recall_match {
        const struct cs_blocks *now, *then;
        uint32_t kinds; /* that there were */
        uint32_t *number;
};

static inline uint64_t cs_recall_pages(const struct cs_heap_range *r)
{
        return (cs_page_up(r->range.end) - cs_page_down(r->range.start)) / CS_PAGE;
}

/* number[i] of the present blocks first to end - 1, which are of that range, becomes the kind that each was, or CS_NO_CLUSTER. Thread-safe, where
 * no two write the same. */
void cs_recall_match_blocks(const struct cs_recall_match *match, const struct cs_recall_pair *pair,
                            uint32_t first, uint32_t end);

#endif
