/* SPDX-License-Identifier: Apache-2.0 */
/* All blocks of all allocators, by address, and the way from any address to its block. Built by the heap walkers in address
 * order, then sealed and shared. */
#ifndef CS_BLOCKS_H
#define CS_BLOCKS_H

#include "space.h"

enum cs_block_state {
        CS_BLOCK_IN_USE,
        CS_BLOCK_FREE,     /* in a bin */
        CS_BLOCK_CACHED,   /* in a thread cache or fastbin: looks in use, is free */
        CS_BLOCK_TOP,      /* the wilderness at the end of a heap */
        CS_BLOCK_INTERNAL, /* the allocator's own: thread cache structures, fenceposts */
        CS_BLOCK_STATE_MASK = 7,
        CS_BLOCK_MMAPPED = 8, /* flag: a mapping of its own */
};

enum { CS_NO_CLUSTER = UINT32_MAX, CS_NO_BLOCK = UINT32_MAX, CS_BLOCK_UNIT = 16 };

/* 16 bytes: a heap of 100 million blocks is described in 1.6 GB. */
struct cs_block {
        uint64_t
                tagged; /* bits 4 to 47: start address, a multiple of 16; below: state and flags; above: high bits of units */
        uint32_t units;   /* low bits of the size in units of 16 bytes, header included */
        uint32_t cluster; /* set once clusters are known */
};

enum { CS_BLOCK_ADDRESS_BITS = 48 };

static inline uint64_t cs_block_start(const struct cs_block *b)
{
        return b->tagged & ((UINT64_C(1) << CS_BLOCK_ADDRESS_BITS) - CS_BLOCK_UNIT);
}

static inline uint64_t cs_block_units(const struct cs_block *b)
{
        return b->tagged >> CS_BLOCK_ADDRESS_BITS << 32 | b->units;
}

static inline uint64_t cs_block_size(const struct cs_block *b)
{
        return cs_block_units(b) * CS_BLOCK_UNIT;
}

static inline enum cs_block_state cs_block_state(const struct cs_block *b)
{
        return (enum cs_block_state)(b->tagged & CS_BLOCK_STATE_MASK);
}

static inline bool cs_block_mmapped(const struct cs_block *b)
{
        return b->tagged & CS_BLOCK_MMAPPED;
}

/* What malloc returned, and how many bytes of it the program may use. glibc: two words of header, of which the second
 * half of the next block's first word counts as ours, but not for mmapped chunks (malloc_usable_size). */
static inline uint64_t cs_block_user(const struct cs_block *b)
{
        return cs_block_start(b) + 16;
}

static inline uint64_t cs_block_usable(const struct cs_block *b)
{
        return cs_block_size(b) - (cs_block_mmapped(b) ? 16 : 8);
}

static inline struct cs_range cs_block_payload(const struct cs_block *b)
{
        return (struct cs_range){ cs_block_user(b), cs_block_user(b) + cs_block_usable(b) };
}

static inline struct cs_range cs_block_range(const struct cs_block *b)
{
        return (struct cs_range){ cs_block_start(b), cs_block_start(b) + cs_block_size(b) };
}

/* One stretch of memory that is blocks from end to end (the walkers' gaps apart). */
struct cs_heap_range {
        struct cs_range range;
        uint32_t first; /* index of its first block */
        uint32_t count;
        uint32_t arena;   /* index of the arena it belongs to (mmapped chunks: of none, UINT32_MAX) */
        uint64_t *starts; /* one bit per 16 bytes; NULL while count is 1 */
        uint32_t *rank;   /* bits set before starts[i] */
};

struct cs_blocks {
        CS_VEC(struct cs_block) blocks;      /* by address within a heap range */
        CS_VEC(struct cs_heap_range) ranges; /* in the order of the walkers */
};

void cs_blocks_deinit(struct cs_blocks *blocks);

/* Begins a heap range; its blocks follow through cs_blocks_add in ascending order. */
CS_CHECK enum cs_status cs_blocks_begin(struct cs_blocks *blocks, uint32_t arena, struct cs_error *err);

/* CS_ELIMIT past 2^32 - 2 blocks, or where the block does not lie in the 48 bits of user addresses. */
CS_CHECK enum cs_status cs_blocks_add(struct cs_blocks *blocks, uint64_t start, uint64_t size, unsigned state,
                                      struct cs_error *err);

/* Ends the range that was begun last (dropped if it has no blocks). */
void cs_blocks_end(struct cs_blocks *blocks, struct cs_range range);

/* Sorts ranges and blocks by address, builds the index and enters the ranges into space. */
CS_CHECK enum cs_status cs_blocks_seal(struct cs_blocks *blocks, struct cs_space *space,
                                       struct cs_error *err);

/* The block of heap range `range` that holds addr (interior addresses included), or CS_NO_BLOCK. */
static inline uint32_t cs_blocks_find(const struct cs_blocks *blocks, uint32_t range, uint64_t addr)
{
        const struct cs_heap_range *r = &blocks->ranges.at[range];
        uint32_t index = r->first;
        uint64_t at = addr - r->range.start;
        if (at >= r->range.end - r->range.start)
                return CS_NO_BLOCK;
        if (r->starts) {
                uint64_t unit = at / CS_BLOCK_UNIT;
                uint64_t mask = UINT64_MAX >> (63 - unit % 64);
                uint32_t upto =
                        r->rank[unit / 64] + (uint32_t)__builtin_popcountll(r->starts[unit / 64] & mask);
                if (!upto)
                        return CS_NO_BLOCK;
                index += upto - 1;
        }
        const struct cs_block *b = &blocks->blocks.at[index];
        return addr - cs_block_start(b) < cs_block_size(b) ? index : CS_NO_BLOCK;
}

/* The block that holds addr, or CS_NO_BLOCK. */
static inline uint32_t cs_blocks_at(const struct cs_blocks *blocks, const struct cs_space *space,
                                    uint64_t addr)
{
        struct cs_space_entry e = cs_space_at(space, addr);
        return e.kind == CS_SPACE_HEAP ? cs_blocks_find(blocks, e.index, addr) : (uint32_t)CS_NO_BLOCK;
}

#endif
