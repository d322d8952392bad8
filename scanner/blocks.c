/* SPDX-License-Identifier: Apache-2.0 */
#include "blocks.h"

#include "huge.h"

#include <inttypes.h>
#include <stdlib.h>

static void drop_index(struct cs_heap_range *r)
{
        free(r->starts);
        free(r->frees);
        free(r->rank);
        free(r->select);
        r->starts = r->frees = NULL;
        r->rank = r->select = NULL;
}

void cs_blocks_deinit(struct cs_blocks *blocks)
{
        for (size_t i = 0; i < blocks->ranges.n; i++)
                drop_index(&blocks->ranges.at[i]);
        cs_vec_deinit(&blocks->ranges);
        cs_vec_deinit(&blocks->tags);
        free(blocks->narrow);
        blocks->narrow = NULL;
        cs_vec_deinit(&blocks->odd);
}

/* ---- building ---------------------------------------------------------------------------------------------------- */

static size_t words_of(const struct cs_heap_range *r)
{
        uint64_t bits = cs_range_size(r->range) / CS_BLOCK_UNIT + 1;
        return (size_t)(bits / (64 * CS_RANK_WORDS) + 1) * CS_RANK_WORDS;
}

enum cs_status cs_blocks_begin(struct cs_blocks *blocks, uint32_t arena, struct cs_range bounds,
                               struct cs_error *err)
{
        struct cs_heap_range range = {
                .range = bounds, .arena = arena, .first_odd = blocks->odd.n, .end_odd = blocks->odd.n
        };
        blocks->reached = bounds.start;
        return cs_vec_push(&blocks->ranges, range, err);
}

/* Pages of the bitmaps without a start in them are never touched, and cost nothing. */
static enum cs_status make_starts(struct cs_heap_range *r, struct cs_error *err)
{
        r->starts = cs_huge_calloc(words_of(r), sizeof(*r->starts));
        r->frees = cs_huge_calloc(words_of(r), sizeof(*r->frees));
        if (!r->starts || !r->frees)
                return cs_fail(err, CS_ENOMEM, "index of blocks");
        r->starts[0] = r->count > 0;
        return CS_OK;
}

static enum cs_status add(struct cs_blocks *blocks, uint64_t start, unsigned state, struct cs_error *err)
{
        struct cs_heap_range *r = &blocks->ranges.at[blocks->ranges.n - 1];
        struct cs_block_odd odd = { start, (enum cs_block_state)(state & CS_BLOCK_STATE_MASK) };
        enum cs_status st = r->count && !r->starts ? make_starts(r, err) : CS_OK;
        if (st == CS_OK && odd.state != CS_BLOCK_IN_USE &&
            (st = cs_vec_push(&blocks->odd, odd, err)) == CS_OK)
                r->end_odd++;
        if (st != CS_OK)
                return st;
        if (r->starts) {
                uint64_t unit = (start - r->range.start) / CS_BLOCK_UNIT;
                r->starts[unit / 64] |= UINT64_C(1) << (unit % 64);
        }
        r->count++;
        blocks->count++;
        return CS_OK;
}

enum cs_status cs_blocks_add(struct cs_blocks *blocks, uint64_t start, uint64_t size, unsigned state,
                             struct cs_error *err)
{
        struct cs_heap_range *r = &blocks->ranges.at[blocks->ranges.n - 1];
        start &= ~(uint64_t)(CS_BLOCK_UNIT - 1);
        size &= ~(uint64_t)(CS_BLOCK_UNIT - 1);
        if (blocks->count >= CS_NO_BLOCK - 2)
                return cs_fail(err, CS_ELIMIT, "more than %u blocks", CS_NO_BLOCK - 2);
        if (start < blocks->reached || start > r->range.end || !size || size > r->range.end - start)
                return cs_fail(err, CS_ELIMIT, "a block beyond its heap");
        enum cs_status st = CS_OK;
        if (start > blocks->reached)
                st = add(blocks, blocks->reached, CS_BLOCK_GAP, err);
        if (st == CS_OK)
                st = add(blocks, start, state, err);
        r->mmapped |= (state & CS_BLOCK_MMAPPED) != 0;
        blocks->reached = start + size;
        return st;
}

enum cs_status cs_blocks_open_run(struct cs_blocks *blocks, size_t most, struct cs_block_run *run,
                                  struct cs_error *err)
{
        struct cs_heap_range *r = &blocks->ranges.at[blocks->ranges.n - 1];
        enum cs_status st = r->starts ? CS_OK : make_starts(r, err);
        if (st == CS_OK && most > CS_NO_BLOCK - 2 - blocks->count)
                st = cs_fail(err, CS_ELIMIT, "more than %u blocks", CS_NO_BLOCK - 2);
        if (st == CS_OK)
                *run = (struct cs_block_run){ .starts = r->starts,
                                              .frees = r->frees,
                                              .base = r->range.start };
        return st;
}

void cs_blocks_close_run(struct cs_blocks *blocks, const struct cs_block_run *run, uint64_t reached)
{
        blocks->ranges.at[blocks->ranges.n - 1].count += run->count;
        blocks->count += run->count;
        blocks->reached = reached;
}

void cs_block_run_drop(const struct cs_block_run *run, uint64_t first, uint64_t last)
{
        size_t word = (size_t)((first - run->base) / CS_BLOCK_UNIT / 64);
        size_t end = (size_t)((last - run->base) / CS_BLOCK_UNIT / 64);
        for (; word <= end; word++) {
                run->starts[word] = 0;
                if (run->frees[word])
                        run->frees[word] = 0;
        }
}

void cs_blocks_end(struct cs_blocks *blocks)
{
        struct cs_heap_range *r = &blocks->ranges.at[blocks->ranges.n - 1];
        r->range.end = blocks->reached;
        bool plain = !r->frees || !(r->frees[0] & 1); /* what says that the only block is free stays */
        if (r->count <= 1 && plain) {
                drop_index(r);
                blocks->ranges.n -= !r->count;
        } else if (r->starts) {
                uint64_t *smaller = realloc(r->starts, words_of(r) * sizeof(*r->starts));
                r->starts = smaller ? smaller : r->starts;
        }
}

/* ---- sealing ----------------------------------------------------------------------------------------------------- */

static int by_address(const void *a, const void *b)
{
        const struct cs_heap_range *x = a, *y = b;
        if (x->range.start != y->range.start)
                return x->range.start < y->range.start ? -1 : 1;
        return x->found < y->found ? -1 : x->found > y->found;
}

/* Sorts the ranges; those that lie upon the one before them (two walkers, or a torn structure) are dropped: the first
 * holds. */
static void sort(struct cs_blocks *blocks)
{
        size_t kept = 0;
        uint32_t total = 0;
        for (size_t i = 0; i < blocks->ranges.n; i++)
                blocks->ranges.at[i].found = (uint32_t)i;
        if (blocks->ranges.n)
                qsort(blocks->ranges.at, blocks->ranges.n, sizeof(*blocks->ranges.at), by_address);
        for (size_t i = 0; i < blocks->ranges.n; i++) {
                struct cs_heap_range *r = &blocks->ranges.at[i];
                if (kept && r->range.start < blocks->ranges.at[kept - 1].range.end) {
                        drop_index(r);
                        continue;
                }
                r->first = total;
                total += r->count;
                blocks->ranges.at[kept++] = *r;
        }
        blocks->ranges.n = kept;
        blocks->count = total;
}

/* The free blocks that begin in one word of the bitmaps, of which `before` others lie before it in the range. All tags are zero as yet. */
static void tag_frees(struct cs_blocks *blocks, const struct cs_heap_range *r, size_t word, uint32_t before)
{
        for (uint64_t left = r->frees[word]; left; left &= left - 1) {
                uint64_t below = (left & -left) - 1;
                uint32_t index = r->first + before + cs_popcount(r->starts[word] & below);
                if (blocks->narrow)
                        blocks->narrow[index] = CS_BLOCK_FREE;
                else
                        blocks->tags.at[index] = CS_BLOCK_FREE;
        }
}

static enum cs_status index_range(struct cs_blocks *blocks, struct cs_heap_range *r, struct cs_error *err)
{
        if (!r->starts)
                return CS_OK;
        size_t entries = words_of(r) / CS_RANK_WORDS;
        size_t selects = r->count / CS_SELECT_BLOCKS + 2;
        uint32_t sum = 0;
        r->rank = malloc((entries + 1) * sizeof(*r->rank));
        r->select = malloc(selects * sizeof(*r->select));
        if (!r->rank || !r->select)
                return cs_fail(err, CS_ENOMEM, "index of blocks");
        cs_huge_ask(r->rank, (entries + 1) * sizeof(*r->rank));
        size_t next = 0;
        for (size_t i = 0; i < entries; i++) {
                r->rank[i] = sum;
                for (size_t w = i * CS_RANK_WORDS; w < (i + 1) * CS_RANK_WORDS; w++) {
                        tag_frees(blocks, r, w, sum);
                        sum += cs_popcount(r->starts[w]);
                }
                if (sum > next * CS_SELECT_BLOCKS)
                        r->select[next++] = (uint32_t)i; /* an entry has fewer bits than that */
        }
        r->rank[entries] = sum;
        while (next < selects)
                r->select[next++] = (uint32_t)(entries - 1);
        free(r->frees);
        r->frees = NULL;
        return CS_OK;
}

enum cs_status cs_blocks_seal(struct cs_blocks *blocks, struct cs_space *space, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        sort(blocks);
        const size_t n = (size_t)blocks->count + 1;
        if (blocks->clustered_most && blocks->count > blocks->clustered_most)
                blocks->narrow = cs_huge_calloc(n, sizeof(*blocks->narrow));
        else
                blocks->tags.at = cs_huge_calloc(n, sizeof(*blocks->tags.at));
        if (!blocks->narrow && !blocks->tags.at)
                return cs_fail(err, CS_ENOMEM, "%" PRIu64 " blocks", blocks->count);
        blocks->tags.n = (size_t)blocks->count;
        blocks->tags.cap = blocks->narrow ? 0 : blocks->tags.n;
        for (size_t i = 0; st == CS_OK && i < blocks->ranges.n; i++) {
                struct cs_heap_range *r = &blocks->ranges.at[i];
                st = index_range(blocks, r, err);
                for (size_t k = r->first_odd; st == CS_OK && k < r->end_odd; k++)
                        cs_blocks_set_state(blocks,
                                            cs_blocks_index(blocks, (uint32_t)i, blocks->odd.at[k].start),
                                            blocks->odd.at[k].state);
                if (st == CS_OK)
                        st = cs_space_set(space, r->range, CS_SPACE_HEAP, (uint32_t)i, err);
        }
        cs_vec_deinit(&blocks->odd);
        return st;
}

void cs_blocks_withdraw(const struct cs_blocks *blocks, struct cs_space *space)
{
        /* What there is no memory to say it of was not entered either. */
        for (size_t i = 0; i < blocks->ranges.n; i++)
                (void)!cs_space_set(space, blocks->ranges.at[i].range, CS_SPACE_NONE, 0, NULL);
}

void cs_blocks_narrow(struct cs_blocks *blocks, size_t clusters)
{
        if (blocks->narrow || !blocks->tags.at || clusters >= UINT16_MAX >> CS_BLOCK_STATE_BITS)
                return;
        /* In their place: each ends before the next one of those that are read begins. */
        uint8_t *at = (uint8_t *)blocks->tags.at;
        for (size_t i = 0; i < blocks->tags.n; i++) {
                uint16_t tag = (uint16_t)cs_half(at + i * sizeof(uint32_t));
                memcpy(at + i * sizeof(tag), &tag, sizeof(tag));
        }
        uint16_t *smaller = realloc(at, (blocks->tags.n + 1) * sizeof(*smaller));
        blocks->narrow = smaller ? smaller : (uint16_t *)(void *)at;
        blocks->tags.at = NULL;
        blocks->tags.cap = 0;
}

/* ---- by index ---------------------------------------------------------------------------------------------------- */

static const struct cs_heap_range *range_of(const struct cs_blocks *blocks, uint32_t index)
{
        size_t lo = 0, hi = blocks->ranges.n;
        while (hi - lo > 1) {
                size_t mid = lo + (hi - lo) / 2;
                if (blocks->ranges.at[mid].first <= index)
                        lo = mid;
                else
                        hi = mid;
        }
        return &blocks->ranges.at[lo];
}

/* Where the nth block of a range starts. */
static uint64_t start_of(const struct cs_heap_range *r, uint32_t nth)
{
        if (!r->starts)
                return r->range.start;
        size_t lo = r->select[nth / CS_SELECT_BLOCKS], hi = r->select[nth / CS_SELECT_BLOCKS + 1] + 1;
        while (hi - lo > 1) {
                size_t mid = lo + (hi - lo) / 2;
                if (r->rank[mid] <= nth)
                        lo = mid;
                else
                        hi = mid;
        }
        uint32_t left = nth - r->rank[lo];
        size_t word = lo * CS_RANK_WORDS;
        for (uint32_t here; (here = cs_popcount(r->starts[word])) <= left; word++)
                left -= here;
        uint64_t bits = r->starts[word];
        while (left--)
                bits &= bits - 1;
        return r->range.start + ((uint64_t)word * 64 + (uint64_t)__builtin_ctzll(bits)) * CS_BLOCK_UNIT;
}

struct cs_block_cursor cs_blocks_from(const struct cs_blocks *blocks, uint32_t first, uint32_t end)
{
        struct cs_block_cursor c = { .blocks = blocks, .index = first, .end = end };
        if (first < end) {
                c.range = range_of(blocks, first);
                c.start = start_of(c.range, first - c.range->first);
        }
        return c;
}

struct cs_block cs_blocks_get(const struct cs_blocks *blocks, uint32_t index)
{
        struct cs_block_cursor c = cs_blocks_from(blocks, index, index + 1);
        struct cs_block b = { 0 };
        (void)cs_blocks_next_any(&c, &b, &index);
        return b;
}

/* Where the nth start behind addr is; there are that many. n: at least 1. */
static uint64_t nth_start(const struct cs_heap_range *r, uint64_t addr, uint32_t n)
{
        uint64_t unit = (addr - r->range.start) / CS_BLOCK_UNIT + 1;
        size_t w = (size_t)(unit / 64);
        uint64_t bits = r->starts[w] & UINT64_MAX << (unit % 64);
        for (uint32_t here; (here = cs_popcount(bits)) < n; bits = r->starts[++w])
                n -= here;
        while (--n)
                bits &= bits - 1;
        return r->range.start + ((uint64_t)w * 64 + (uint64_t)__builtin_ctzll(bits)) * CS_BLOCK_UNIT;
}

/* Where block `index` of the cursor's heap range starts, or the range ends. */
static uint64_t start_from(const struct cs_block_cursor *c, uint32_t index)
{
        const struct cs_heap_range *r = c->range;
        if (index - r->first == r->count)
                return r->range.end;
        return index - c->index < CS_SELECT_BLOCKS ? nth_start(r, c->start, index - c->index)
                                                   : start_of(r, index - r->first);
}

void cs_blocks_skip(struct cs_block_cursor *c, uint32_t index)
{
        if (index <= c->index || index >= c->end)
                return;
        if (index - c->range->first >= c->range->count) {
                *c = cs_blocks_from(c->blocks, index, c->end);
                return;
        }
        c->start = start_from(c, index);
        c->index = index;
}

bool cs_blocks_next_span(struct cs_block_cursor *c, struct cs_range *out)
{
        if (c->index >= c->end)
                return false;
        const struct cs_heap_range *r = c->range;
        uint32_t end = r->first + r->count < c->end ? r->first + r->count : c->end;
        *out = (struct cs_range){ c->start, start_from(c, end) };
        c->index = end;
        if (end < c->end) {
                c->range++;
                c->start = c->range->range.start;
        }
        return true;
}

/* Are the states of eight blocks from i on all this one? */
static bool eight_are(const struct cs_blocks *blocks, uint32_t i, uint32_t state)
{
        enum { FOUR = 4 };
        const uint64_t each = UINT64_C(0x0001000100010001);
        uint64_t differ = 0;
        for (unsigned k = 0; blocks->narrow && k < 2 * FOUR; k += FOUR)
                differ |= cs_word((const uint8_t *)&blocks->narrow[i + k]) ^ state * each;
        for (unsigned k = 0; !blocks->narrow && k < 2 * FOUR; k++)
                differ |= blocks->tags.at[i + k] ^ state;
        return !(differ & CS_BLOCK_STATE_MASK * each);
}

/* The first index from i on, before end, whose state is another; end: there is none. */
static uint32_t other_state(const struct cs_blocks *blocks, uint32_t i, uint32_t end, uint32_t state)
{
        while (end - i >= 8 && eight_are(blocks, i, state))
                i += 8;
        while (i < end && cs_blocks_state(blocks, i) == state)
                i++;
        return i;
}

bool cs_blocks_next_group(struct cs_block_cursor *c, struct cs_block_group *out)
{
        do {
                if (c->index >= c->end)
                        return false;
                const struct cs_heap_range *r = c->range;
                uint32_t end = r->first + r->count < c->end ? r->first + r->count : c->end;
                uint32_t state = cs_blocks_state(c->blocks, c->index);
                uint32_t i = other_state(c->blocks, c->index + 1, end, state);
                uint64_t next = start_from(c, i);
                *out = (struct cs_block_group){
                        { c->start, next }, c->index, i - c->index, (enum cs_block_state)state
                };
                c->index = i;
                c->start = next;
                if (i == r->first + r->count && i < c->end) {
                        c->range++;
                        c->start = c->range->range.start;
                }
        } while (out->state == CS_BLOCK_GAP);
        return true;
}

/* Block `index`, which holds addr: its ends are the bits next to it. */
static struct cs_block block_around(const struct cs_blocks *blocks, const struct cs_heap_range *r,
                                    uint32_t index, uint64_t addr)
{
        uint32_t tag = cs_blocks_tag(blocks, index);
        struct cs_range range = r->range;
        if (r->starts) {
                uint64_t unit = (addr - r->range.start) / CS_BLOCK_UNIT;
                size_t w = (size_t)(unit / 64);
                uint64_t bits = r->starts[w] & UINT64_MAX >> (63 - unit % 64);
                while (!bits) /* a range starts with a block or a gap */
                        bits = r->starts[--w];
                unit = (uint64_t)w * 64 + 63 - (uint64_t)__builtin_clzll(bits);
                range.start += unit * CS_BLOCK_UNIT;
        }
        if (index + 1 - r->first < r->count)
                range.end = nth_start(r, range.start, 1);
        return (struct cs_block){ range.start, cs_range_size(range), cs_block_tag_cluster(tag),
                                  (enum cs_block_state)(tag & CS_BLOCK_STATE_MASK), r->mmapped };
}

uint32_t cs_blocks_holding(const struct cs_blocks *blocks, const struct cs_space *space, uint64_t addr,
                           struct cs_block *out)
{
        struct cs_space_entry e = cs_space_at(space, addr);
        uint32_t i = e.kind == CS_SPACE_HEAP ? cs_blocks_find(blocks, e.index, addr) : CS_NO_BLOCK;
        if (i == CS_NO_BLOCK)
                return i;
        if (i && cs_blocks_is_header(blocks, e.index, addr) &&
            cs_blocks_state(blocks, i - 1) == CS_BLOCK_IN_USE) {
                struct cs_block before = cs_blocks_get(blocks, i - 1);
                if (cs_range_has(cs_block_payload(&before), addr)) {
                        if (out)
                                *out = before;
                        return i - 1;
                }
        }
        if (out)
                *out = block_around(blocks, &blocks->ranges.at[e.index], i, addr);
        return i;
}
