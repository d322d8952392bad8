/* SPDX-License-Identifier: Apache-2.0 */
#include "blocks.h"

#include <stdlib.h>
#include <string.h>

void cs_blocks_deinit(struct cs_blocks *blocks)
{
        for (size_t i = 0; i < blocks->ranges.n; i++) {
                free(blocks->ranges.at[i].starts);
                free(blocks->ranges.at[i].rank);
        }
        cs_vec_deinit(&blocks->ranges);
        cs_vec_deinit(&blocks->blocks);
}

enum cs_status cs_blocks_begin(struct cs_blocks *blocks, uint32_t arena, struct cs_error *err)
{
        struct cs_heap_range range = { .first = (uint32_t)blocks->blocks.n, .arena = arena };
        return cs_vec_push(&blocks->ranges, range, err);
}

enum cs_status cs_blocks_add(struct cs_blocks *blocks, uint64_t start, uint64_t size, unsigned state,
                             struct cs_error *err)
{
        uint64_t units = size / CS_BLOCK_UNIT;
        struct cs_block b = { .cluster = CS_NO_CLUSTER, .units = (uint32_t)units };
        if (blocks->blocks.n >= CS_NO_BLOCK - 1 || (start | size) >> CS_BLOCK_ADDRESS_BITS)
                return cs_fail(err, CS_ELIMIT, "more than %u blocks, or one beyond the addresses of programs",
                               CS_NO_BLOCK - 1);
        b.tagged = units >> 32 << CS_BLOCK_ADDRESS_BITS | (start & ~(uint64_t)15) | state;
        return cs_vec_push(&blocks->blocks, b, err);
}

void cs_blocks_end(struct cs_blocks *blocks, struct cs_range range)
{
        struct cs_heap_range *last = &blocks->ranges.at[blocks->ranges.n - 1];
        last->range = range;
        last->count = (uint32_t)blocks->blocks.n - last->first;
        if (!last->count)
                blocks->ranges.n--;
}

static int by_address(const void *a, const void *b)
{
        const struct cs_heap_range *x = a, *y = b;
        return x->range.start < y->range.start ? -1 : x->range.start > y->range.start;
}

/* Puts the blocks of each range into the order of the ranges; ranges that lie upon the one before them (two walkers, or a
 * torn structure) are dropped: the first holds. */
static enum cs_status sort(struct cs_blocks *blocks, struct cs_error *err)
{
        size_t kept = 0;
        uint32_t n = 0;
        if (blocks->ranges.n)
                qsort(blocks->ranges.at, blocks->ranges.n, sizeof(*blocks->ranges.at), by_address);
        struct cs_block *sorted = malloc((blocks->blocks.n + 1) * sizeof(*sorted));
        if (!sorted)
                return cs_fail(err, CS_ENOMEM, "%zu blocks", blocks->blocks.n);
        for (size_t i = 0; i < blocks->ranges.n; i++) {
                struct cs_heap_range r = blocks->ranges.at[i];
                if (kept && r.range.start < blocks->ranges.at[kept - 1].range.end)
                        continue;
                memcpy(sorted + n, blocks->blocks.at + r.first, r.count * sizeof(*sorted));
                r.first = n;
                n += r.count;
                blocks->ranges.at[kept++] = r;
        }
        free(blocks->blocks.at);
        blocks->blocks.at = sorted;
        blocks->blocks.cap = blocks->blocks.n + 1;
        blocks->blocks.n = n;
        blocks->ranges.n = kept;
        return CS_OK;
}

static enum cs_status index_range(struct cs_blocks *blocks, struct cs_heap_range *r, struct cs_error *err)
{
        size_t words = (size_t)(cs_range_size(r->range) / (64 * CS_BLOCK_UNIT) + 1);
        if (r->count == 1)
                return CS_OK;
        r->starts = calloc(words, sizeof(*r->starts));
        r->rank = calloc(words, sizeof(*r->rank));
        if (!r->starts || !r->rank)
                return cs_fail(err, CS_ENOMEM, "index of blocks");
        for (uint32_t i = 0; i < r->count; i++) {
                uint64_t unit =
                        (cs_block_start(&blocks->blocks.at[r->first + i]) - r->range.start) / CS_BLOCK_UNIT;
                r->starts[unit / 64] |= UINT64_C(1) << (unit % 64);
        }
        for (size_t i = 1; i < words; i++)
                r->rank[i] = r->rank[i - 1] + (uint32_t)__builtin_popcountll(r->starts[i - 1]);
        return CS_OK;
}

enum cs_status cs_blocks_seal(struct cs_blocks *blocks, struct cs_space *space, struct cs_error *err)
{
        enum cs_status st = sort(blocks, err);
        for (size_t i = 0; st == CS_OK && i < blocks->ranges.n; i++) {
                struct cs_heap_range *r = &blocks->ranges.at[i];
                st = index_range(blocks, r, err);
                if (st == CS_OK)
                        st = cs_space_set(space, r->range, CS_SPACE_HEAP, (uint32_t)i, err);
        }
        return st;
}
