/* SPDX-License-Identifier: Apache-2.0 */
/* The blocks that words point at. In a large heap each look-up is a chain of cache misses (the bitmap of starts and its index,
 * then the block's tag): whoever has many of them hands in one after the other, and gets the answers together. */
#ifndef CS_POINTEES_H
#define CS_POINTEES_H

#include "blocks.h"

/* A word that is looked up. */
struct cs_pointee {
        uint64_t value; /* an address in heap range `range` */
        uint64_t note;  /* the caller's, who gets it back */
        uint32_t range;
        uint32_t from; /* likewise */
        uint32_t to;   /* the answer */
};

enum { CS_POINTEES = 64 };

/* Those that wait. Caller storage, one per worker; zero is empty. */
struct cs_pointees {
        struct cs_pointee at[CS_POINTEES];
        uint32_t n;
};

/* The block in use that value, an address in heap range `range`, points into, or CS_NO_BLOCK. Pointers to the header's first
 * byte are not ours: allocators link free chunks by them, and stale links stand in many a block's first words. The rest of the
 * header's first word is the end of the block before it, which may use it. Thread-safe. */
uint32_t cs_pointee(const struct cs_blocks *blocks, uint32_t range, uint64_t value);

/* Adds one that waits, and asks for what its look-up needs. There is room: p->n < CS_POINTEES. */
static inline void cs_pointees_add(struct cs_pointees *p, const struct cs_blocks *blocks, uint64_t value,
                                   uint64_t note, uint32_t range, uint32_t from)
{
        const struct cs_heap_range *r = &blocks->ranges.at[range];
        uint64_t word = (value - r->range.start) / (CS_BLOCK_UNIT * 64);
        if (r->starts && cs_range_has(r->range, value)) {
                __builtin_prefetch(&r->starts[word]);
                __builtin_prefetch(&r->rank[word / CS_RANK_WORDS]);
        }
        /* Member by member: a structure of our own would be copied right after it was put together, in larger pieces, and the
         * processor waits for that. */
        struct cs_pointee *at = &p->at[p->n++];
        at->value = value;
        at->note = note;
        at->range = range;
        at->from = from;
}

/* Fills in `to` for all that wait. The caller takes them, and sets n to 0. */
void cs_pointees_answer(struct cs_pointees *p, const struct cs_blocks *blocks);

#endif
