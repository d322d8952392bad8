/* SPDX-License-Identifier: Apache-2.0 */
/* All blocks of all allocators, by address, and the way from any address to its block. Built by the heap walkers in address
 * order, then sealed and shared.
 *
 * A heap may have 50 million blocks, so a block is not a structure: it is one bit where it starts (a bitmap per heap range,
 * one bit for 16 bytes) and a tag of four bytes, or two (state and cluster). It ends where the next one starts, or its range ends;
 * what lies between blocks has a bit and a tag of its own (CS_BLOCK_GAP). A block's index is the number of starts before
 * it, so that blocks are numbered by address. `struct cs_block` is what one looks like to those who ask. */
#ifndef CS_BLOCKS_H
#define CS_BLOCKS_H

#include "bytes.h"
#include "space.h"

enum cs_block_state {
        CS_BLOCK_IN_USE,
        CS_BLOCK_FREE,     /* in a bin */
        CS_BLOCK_CACHED,   /* in a thread cache or fastbin: looks in use, is free */
        CS_BLOCK_TOP,      /* the wilderness at the end of a heap */
        CS_BLOCK_INTERNAL, /* the allocator's own: thread cache structures, fenceposts */
        CS_BLOCK_GAP,      /* no block: a hole between two of them. Takes an index, but nobody is shown one */
        CS_BLOCK_STATE_BITS = 4,
        CS_BLOCK_STATE_MASK = (1 << CS_BLOCK_STATE_BITS) - 1,
        CS_BLOCK_MMAPPED = 1 << CS_BLOCK_STATE_BITS, /* flag for cs_blocks_add: a mapping of its own */
};

enum { CS_NO_CLUSTER = UINT32_MAX, CS_NO_BLOCK = UINT32_MAX, CS_BLOCK_UNIT = 16 };

typedef CS_VEC(uint32_t) cs_block_vec; /* indices */

struct cs_block {
        uint64_t start; /* a multiple of 16 */
        uint64_t size;  /* header included; a multiple of 16 */
        uint32_t cluster;
        enum cs_block_state state;
        bool mmapped;
};

static inline uint64_t cs_block_start(const struct cs_block *b)
{
        return b->start;
}

static inline uint64_t cs_block_size(const struct cs_block *b)
{
        return b->size;
}

static inline uint64_t cs_block_units(const struct cs_block *b)
{
        return b->size / CS_BLOCK_UNIT;
}

static inline enum cs_block_state cs_block_state(const struct cs_block *b)
{
        return b->state;
}

static inline bool cs_block_mmapped(const struct cs_block *b)
{
        return b->mmapped;
}

/* What malloc returned, and how many bytes of it the program may use. glibc: two words of header, of which the second
 * half of the next block's first word counts as ours, but not for mmapped chunks that reach up to the end of their mapping
 * (malloc_usable_size; from 2.43 on they end before it). */
static inline uint64_t cs_block_user(const struct cs_block *b)
{
        return b->start + 16;
}

static inline uint64_t cs_block_usable(const struct cs_block *b)
{
        bool to_the_end = b->mmapped && (b->start + b->size) % CS_PAGE == 0;
        return b->size - (to_the_end ? 16 : 8);
}

static inline struct cs_range cs_block_payload(const struct cs_block *b)
{
        return (struct cs_range){ cs_block_user(b), cs_block_user(b) + cs_block_usable(b) };
}

static inline struct cs_range cs_block_range(const struct cs_block *b)
{
        return (struct cs_range){ b->start, b->start + b->size };
}

enum {
        CS_RANK_WORDS = 2,      /* words of the bitmap for each entry of `rank` */
        CS_SELECT_BLOCKS = 512, /* blocks for each entry of `select` */
};

/* One stretch of memory that is blocks from end to end (the walkers' gaps apart). */
struct cs_heap_range {
        struct cs_range range;
        uint32_t first; /* index of its first block, once sealed */
        uint32_t count; /* of indices, gaps included */
        uint32_t arena; /* index of the arena it belongs to (mmapped chunks: of none, UINT32_MAX) */
        bool mmapped;   /* one mmapped chunk */
        uint64_t *
                starts; /* one bit per 16 bytes; NULL where count is 1: a mapping may be larger than any heap */
        uint64_t *frees;  /* the same, of free blocks, until the blocks are sealed */
        size_t first_odd; /* its part of blocks->odd */
        size_t end_odd;
        uint32_t found; /* how many were begun before it */
        uint32_t *rank; /* bits set before every CS_RANK_WORDS-th word of starts; one more at the end */
        uint32_t *
                select; /* the entry of rank in which every CS_SELECT_BLOCKS-th block starts; one more at the end */
};

/* A block that is neither in use nor free in a bin: few are. */
struct cs_block_odd {
        uint64_t start;
        enum cs_block_state state;
};

struct cs_blocks {
        CS_VEC(uint32_t) tags; /* once sealed, by index: state and cluster; use the functions below */
        uint16_t *narrow;      /* or NULL: the same in two bytes each, instead of tags.at */
        CS_VEC(struct cs_block_odd) odd;     /* while ranges are built */
        uint64_t count;                      /* of indices, while ranges are built */
        CS_VEC(struct cs_heap_range) ranges; /* in the order of the walkers; once sealed, by address */
        uint64_t reached;                    /* while a range is built: end of its last block */
        uint64_t
                clustered_most; /* of more blocks nobody sets clusters: their tags are narrow from the start; 0: somebody may. The caller's */
};

void cs_blocks_deinit(struct cs_blocks *blocks);

/* Begins a heap range; its blocks follow through cs_blocks_add in ascending order, within `bounds` (whose start is a
 * multiple of 16). */
CS_CHECK enum cs_status cs_blocks_begin(struct cs_blocks *blocks, uint32_t arena, struct cs_range bounds,
                                        struct cs_error *err);

/* A block of at least 16 bytes. CS_ELIMIT past 2^32 - 2 blocks, or where it lies upon the one before it or beyond the
 * bounds. */
CS_CHECK enum cs_status cs_blocks_add(struct cs_blocks *blocks, uint64_t start, uint64_t size, unsigned state,
                                      struct cs_error *err);

/* For walkers of many small blocks: `most` more at most, one behind the other from blocks->reached on without gaps, all
 * within the bounds, in use or free; none is checked again. */
struct cs_block_run {
        uint64_t *starts;
        uint64_t *frees;
        uint64_t base;  /* what the first bit of starts stands for */
        uint64_t idle;  /* a word of frees that is this run's alone: what is in use frees nothing there */
        uint32_t count; /* of blocks added */
};
CS_CHECK enum cs_status cs_blocks_open_run(struct cs_blocks *blocks, size_t most, struct cs_block_run *run,
                                           struct cs_error *err);

/* Nothing in it has to be guessed by the processor; and no page of frees but that of the idle word is touched where nothing is free. */
static inline void cs_block_run_add(struct cs_block_run *run, uint64_t start, bool in_use)
{
        const uint64_t unit = (start - run->base) / CS_BLOCK_UNIT, word = unit / 64, freed = !in_use;
        run->starts[word] |= UINT64_C(1) << (unit % 64);
        run->frees[run->idle ^ ((run->idle ^ word) & -freed)] |= freed << (unit % 64);
        run->count++;
}

/* The last block that was added to the run ends at `reached`. */
void cs_blocks_close_run(struct cs_blocks *blocks, const struct cs_block_run *run, uint64_t reached);

/* Takes back the blocks of a run that was not closed, all of those that begin in the words of the bitmaps from that of `first` up to that of
 * `last`. */
void cs_block_run_drop(const struct cs_block_run *run, uint64_t first, uint64_t last);

/* Ends the range that was begun last, where its last block ends (dropped if it has no blocks). */
void cs_blocks_end(struct cs_blocks *blocks);

/* Sorts ranges and blocks by address, builds the index and enters the ranges into space. Ranges that lie upon the one
 * before them are dropped. */
CS_CHECK enum cs_status cs_blocks_seal(struct cs_blocks *blocks, struct cs_space *space,
                                       struct cs_error *err);

/* Takes the ranges out of space again: the blocks go, sealed or not, and the memory is nobody's. */
void cs_blocks_withdraw(const struct cs_blocks *blocks, struct cs_space *space);

/* All that follows wants sealed blocks. Thread-safe; the setters where no two write the same index. */

/* Indices are below this. Some may be gaps: to count blocks, go through them. */
static inline uint32_t cs_blocks_indices(const struct cs_blocks *blocks)
{
        return (uint32_t)blocks->tags.n;
}

static inline uint32_t cs_blocks_tag(const struct cs_blocks *blocks, uint32_t index)
{
        return blocks->narrow ? blocks->narrow[index] : blocks->tags.at[index];
}

/* Asks for the memory that it is in. */
static inline void cs_blocks_fetch_tag(const struct cs_blocks *blocks, uint32_t index)
{
        __builtin_prefetch(blocks->narrow ? (const void *)&blocks->narrow[index]
                                          : (const void *)&blocks->tags.at[index]);
}

static inline enum cs_block_state cs_blocks_state(const struct cs_blocks *blocks, uint32_t index)
{
        return (enum cs_block_state)(cs_blocks_tag(blocks, index) & CS_BLOCK_STATE_MASK);
}

static inline void cs_blocks_set_state(struct cs_blocks *blocks, uint32_t index, enum cs_block_state state)
{
        uint32_t tag = (cs_blocks_tag(blocks, index) & ~(uint32_t)CS_BLOCK_STATE_MASK) | state;
        if (blocks->narrow)
                blocks->narrow[index] = (uint16_t)tag;
        else
                blocks->tags.at[index] = tag;
}

enum { CS_CLUSTERS_MAX = (int)(UINT32_MAX >> CS_BLOCK_STATE_BITS) };

/* A tag has the cluster's number and one: that of a block in use that is in none is 0, so that memory for tags that nobody sets
 * is never touched. */
static inline uint32_t cs_block_tag_cluster(uint32_t tag)
{
        return (tag >> CS_BLOCK_STATE_BITS) - 1;
}

static inline uint32_t cs_blocks_cluster(const struct cs_blocks *blocks, uint32_t index)
{
        return cs_block_tag_cluster(cs_blocks_tag(blocks, index));
}

/* cluster < CS_CLUSTERS_MAX. Not once the tags are narrow. */
static inline void cs_blocks_set_cluster(struct cs_blocks *blocks, uint32_t index, uint32_t cluster)
{
        uint32_t *tag = &blocks->tags.at[index];
        *tag = (*tag & CS_BLOCK_STATE_MASK) | (cluster + 1) << CS_BLOCK_STATE_BITS;
}

/* There are so many clusters, and all blocks have theirs: where two bytes have room for that, tags take no more from now on. */
void cs_blocks_narrow(struct cs_blocks *blocks, size_t clusters);

/* One block by its index, which must not be a gap's. Some cache misses: loops use a cursor. */
struct cs_block cs_blocks_get(const struct cs_blocks *blocks, uint32_t index);

/* Goes through blocks in the order of their addresses. */
struct cs_block_cursor {
        const struct cs_blocks *blocks;
        const struct cs_heap_range *range;
        uint64_t start; /* of block `index` */
        uint32_t index; /* the next one */
        uint32_t end;
};

/* For the blocks with indices from first to end - 1. */
struct cs_block_cursor cs_blocks_from(const struct cs_blocks *blocks, uint32_t first, uint32_t end);

static inline struct cs_block_cursor cs_blocks_all(const struct cs_blocks *blocks)
{
        return cs_blocks_from(blocks, 0, cs_blocks_indices(blocks));
}

static inline struct cs_block_cursor cs_blocks_of(const struct cs_blocks *blocks,
                                                  const struct cs_heap_range *range)
{
        return cs_blocks_from(blocks, range->first, range->first + range->count);
}

/* The same, gaps included (state CS_BLOCK_GAP). */
static inline bool cs_blocks_next_any(struct cs_block_cursor *c, struct cs_block *out, uint32_t *index)
{
        if (c->index >= c->end)
                return false;
        const struct cs_heap_range *r = c->range;
        uint32_t tag = cs_blocks_tag(c->blocks, c->index);
        uint64_t next = r->range.end;
        *index = c->index++;
        if (c->index - r->first < r->count) {
                uint64_t unit = (c->start - r->range.start) / CS_BLOCK_UNIT + 1;
                uint64_t word = r->starts[unit / 64] >> (unit % 64);
                if (word) {
                        unit += (uint64_t)__builtin_ctzll(word);
                } else {
                        size_t w = (size_t)(unit / 64) + 1; /* there is a bit: count says so */
                        while (!r->starts[w])
                                w++;
                        unit = (uint64_t)w * 64 + (uint64_t)__builtin_ctzll(r->starts[w]);
                }
                next = r->range.start + unit * CS_BLOCK_UNIT;
        }
        *out = (struct cs_block){ c->start, next - c->start, cs_block_tag_cluster(tag),
                                  (enum cs_block_state)(tag & CS_BLOCK_STATE_MASK), r->mmapped };
        c->start = next;
        if (c->index - r->first == r->count && c->index < c->end) {
                c->range++;
                c->start = c->range->range.start;
        }
        return true;
}

/* The next block, or false at the end. */
static inline bool cs_blocks_next(struct cs_block_cursor *c, struct cs_block *out, uint32_t *index)
{
        while (cs_blocks_next_any(c, out, index))
                if (out->state != CS_BLOCK_GAP)
                        return true;
        return false;
}

/* Goes on to block `index`, which lies before the cursor's end; nothing where it is there or behind it already. Costs no more
 * than a look at the bitmap between them: for those who look for blocks by their tags or marks. */
void cs_blocks_skip(struct cs_block_cursor *cursor, uint32_t index);

/* The bytes of the blocks that are left up to the end of their heap range, gaps included, or false at the end. */
bool cs_blocks_next_span(struct cs_block_cursor *cursor, struct cs_range *out);

/* Blocks side by side that are in one state: to go through these is several times as fast. */
struct cs_block_group {
        struct cs_range range;
        uint32_t first; /* index */
        uint32_t count;
        enum cs_block_state state;
};

/* The next group, which never is one of gaps and never goes on from one heap range to the next, or false at the end. */
bool cs_blocks_next_group(struct cs_block_cursor *cursor, struct cs_block_group *out);

/* cs_space_at() for one reader of many words, most of which point into the heap range that the one before pointed into. Zeroed, it
 * knows none. */
struct cs_heap_memo {
        struct cs_range pages; /* those that the range has for itself */
        uint32_t range;
};

static inline struct cs_space_entry cs_heap_memo_at(struct cs_heap_memo *memo, const struct cs_blocks *blocks,
                                                    const struct cs_space *space, uint64_t addr)
{
        if (addr - memo->pages.start < memo->pages.end - memo->pages.start)
                return (struct cs_space_entry){ CS_SPACE_HEAP, memo->range };
        struct cs_space_entry e = cs_space_at(space, addr);
        if (e.kind == CS_SPACE_HEAP) {
                struct cs_range r = blocks->ranges.at[e.index].range;
                struct cs_range pages = { cs_page_up(r.start), cs_page_down(r.end) };
                if (pages.start < pages.end)
                        *memo = (struct cs_heap_memo){ pages, e.index };
        }
        return e;
}

/* The index of what holds addr in heap range `range` (interior addresses included), be it a block or a gap; CS_NO_BLOCK where
 * addr is not in the range. */
static inline uint32_t cs_blocks_index(const struct cs_blocks *blocks, uint32_t range, uint64_t addr)
{
        const struct cs_heap_range *r = &blocks->ranges.at[range];
        uint32_t index = r->first;
        uint64_t at = addr - r->range.start;
        if (at >= r->range.end - r->range.start)
                return CS_NO_BLOCK;
        if (r->starts) {
                uint64_t unit = at / CS_BLOCK_UNIT;
                size_t word = (size_t)(unit / 64), from = word / CS_RANK_WORDS * CS_RANK_WORDS;
                uint64_t mask = UINT64_MAX >> (63 - unit % 64);
                index += r->rank[word / CS_RANK_WORDS] - 1; /* a range starts with a block or a gap */
                for (; from < word; from++)
                        index += cs_popcount(r->starts[from]);
                index += cs_popcount(r->starts[word] & mask);
        }
        return index;
}

/* The block of heap range `range` that holds addr, or CS_NO_BLOCK. */
static inline uint32_t cs_blocks_find(const struct cs_blocks *blocks, uint32_t range, uint64_t addr)
{
        uint32_t index = cs_blocks_index(blocks, range, addr);
        return index == CS_NO_BLOCK || cs_blocks_state(blocks, index) == CS_BLOCK_GAP ? (uint32_t)CS_NO_BLOCK
                                                                                      : index;
}

/* Does addr, which lies in heap range `range`, lie in the first 16 bytes of a block (or gap): its header? */
static inline bool cs_blocks_is_header(const struct cs_blocks *blocks, uint32_t range, uint64_t addr)
{
        const struct cs_heap_range *r = &blocks->ranges.at[range];
        uint64_t unit = (addr - r->range.start) / CS_BLOCK_UNIT;
        return r->starts ? r->starts[unit / 64] >> (unit % 64) & 1 : unit == 0;
}

/* The block that holds addr, or CS_NO_BLOCK. */
static inline uint32_t cs_blocks_at(const struct cs_blocks *blocks, const struct cs_space *space,
                                    uint64_t addr)
{
        struct cs_space_entry e = cs_space_at(space, addr);
        return e.kind == CS_SPACE_HEAP ? cs_blocks_find(blocks, e.index, addr) : (uint32_t)CS_NO_BLOCK;
}

/* The block whose bytes these are, its header included, or CS_NO_BLOCK; *out, unless that is NULL, is the block itself. The last word that a
 * block in use may use is the first of the next one's header (see cs_block_usable()). */
uint32_t cs_blocks_holding(const struct cs_blocks *blocks, const struct cs_space *space, uint64_t addr,
                           struct cs_block *out);

#endif
