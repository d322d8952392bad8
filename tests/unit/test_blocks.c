/* SPDX-License-Identifier: Apache-2.0 */
/* From any address to its block, and the address space by page. */
#include "blocks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

struct world {
        struct cs_blocks blocks;
        struct cs_space *space;
};

static int set_up(void **state)
{
        struct world *w = *state = calloc(1, sizeof(struct world));
        return w && cs_space_create_empty(&w->space, NULL) == CS_OK ? 0 : -1;
}

static int tear_down(void **state)
{
        struct world *w = *state;
        cs_blocks_deinit(&w->blocks);
        cs_space_destroy(w->space);
        free(w);
        return 0;
}

static void begin(struct world *w, uint64_t from, uint64_t to)
{
        assert_int_equal(cs_blocks_begin(&w->blocks, 7, (struct cs_range){ from, to }, NULL), CS_OK);
}

static void add(struct world *w, uint64_t start, uint64_t size, unsigned state)
{
        assert_int_equal(cs_blocks_add(&w->blocks, start, size, state, NULL), CS_OK);
}

static void end(struct world *w)
{
        cs_blocks_end(&w->blocks);
}

static void seal(struct world *w)
{
        assert_int_equal(cs_blocks_seal(&w->blocks, w->space, NULL), CS_OK);
}

/* The start of the block that holds addr; 0: none. */
static uint64_t block_at(const struct world *w, uint64_t addr)
{
        uint32_t i = cs_blocks_at(&w->blocks, w->space, addr);
        return i == CS_NO_BLOCK ? 0 : cs_blocks_get(&w->blocks, i).start;
}

/* Block `index` holds addr, and is told as it is. */
static void holds(const struct world *w, uint64_t addr, uint32_t index)
{
        struct cs_block told, is = cs_blocks_get(&w->blocks, index);
        assert_int_equal(cs_blocks_holding(&w->blocks, w->space, addr, NULL), index);
        assert_int_equal(cs_blocks_holding(&w->blocks, w->space, addr, &told), index);
        assert_int_equal(told.start, is.start);
        assert_int_equal(told.size, is.size);
        assert_int_equal(told.state, is.state);
        assert_int_equal(told.cluster, is.cluster);
        assert_int_equal(told.mmapped, is.mmapped);
}

static void test_block(void **state)
{
        (void)state;
        struct cs_block b = { .start = 0x1000, .state = CS_BLOCK_CACHED, .size = 48 };
        assert_int_equal(cs_block_start(&b), 0x1000);
        assert_int_equal(cs_block_size(&b), 48);
        assert_int_equal(cs_block_state(&b), CS_BLOCK_CACHED);
        assert_int_equal(cs_block_user(&b), 0x1010);
        assert_int_equal(cs_block_usable(&b), 40);
        assert_int_equal(cs_block_payload(&b).end, 0x1038);
        assert_false(cs_block_mmapped(&b));
        b.mmapped = true;
        assert_true(cs_block_mmapped(&b));
        assert_int_equal(cs_block_state(&b), CS_BLOCK_CACHED);
        assert_int_equal(cs_block_usable(&b), 40); /* it ends before its mapping does */
        assert_int_equal(cs_block_units(&b), 3);
        b.size = 0x1000 - b.start % 0x1000;
        assert_int_equal(cs_block_usable(&b), b.size - 16);
}

static void test_lookups(void **state)
{
        struct world *w = *state;
        /* Starts and sizes from 0x1000 on: a gap at 0x10a0 … 0x10c0. */
        begin(w, 0x1000, 0x5000);
        add(w, 0x1000, 0x20, CS_BLOCK_IN_USE);
        add(w, 0x1020, 0x80, CS_BLOCK_FREE);
        add(w, 0x10c0, 0x20, CS_BLOCK_IN_USE);
        end(w);
        seal(w);
        static const struct {
                const char *what;
                uint64_t addr, block;
        } cases[] = {
                { "start", 0x1000, 0x1000 },
                { "header", 0x100f, 0x1000 },
                { "payload", 0x1010, 0x1000 },
                { "last byte", 0x101f, 0x1000 },
                { "next", 0x1020, 0x1020 },
                { "interior", 0x1077, 0x1020 },
                { "its last byte", 0x109f, 0x1020 },
                { "gap", 0x10a0, 0 },
                { "end of the gap", 0x10bf, 0 },
                { "behind the gap", 0x10c0, 0x10c0 },
                { "last", 0x10df, 0x10c0 },
                { "behind the range, same page", 0x10e0, 0 },
                { "end of the page", 0x1fff, 0 },
                { "other page", 0x2000, 0 },
                { "below", 0xfff, 0 },
                { "null", 0, 0 },
                { "top", UINT64_MAX, 0 },
                { "same low bits", 0x1000 + (UINT64_C(1) << 47), 0 },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                if (block_at(w, cases[i].addr) != cases[i].block)
                        fail_msg("%s: %lx", cases[i].what, (unsigned long)block_at(w, cases[i].addr));
}

/* The smallest blocks fill the words of the index: 64 of 16 bytes in one of them; and the largest skip many. */
static void test_words_of_the_index(void **state)
{
        struct world *w = *state;
        uint64_t at = 0x100000;
        size_t n = 0;
        begin(w, at, UINT64_C(1) << 40);
        for (; n < 1000; n++, at += 16)
                add(w, at, 16, CS_BLOCK_IN_USE);
        for (; n < 1100; n++, at += 0x10000)
                add(w, at, 0x10000, CS_BLOCK_FREE);
        for (; n < 1300; n++, at += 48)
                add(w, at, 48, CS_BLOCK_IN_USE);
        end(w);
        seal(w);
        for (uint32_t i = 0; i < n; i++) {
                struct cs_block b = cs_blocks_get(&w->blocks, i);
                struct cs_range r = cs_block_range(&b);
                assert_int_equal(cs_blocks_at(&w->blocks, w->space, r.start), i);
                assert_int_equal(cs_blocks_at(&w->blocks, w->space, r.end - 1), i);
                assert_int_equal(cs_blocks_at(&w->blocks, w->space, r.start + cs_range_size(r) / 2), i);
                holds(w, r.start + 8, i);
                holds(w, r.end - 1, i);
                /* The first word of a header is the last of the block before, if that is in use. */
                holds(w, r.start, i && cs_blocks_state(&w->blocks, i - 1) == CS_BLOCK_IN_USE ? i - 1 : i);
        }
        assert_int_equal(block_at(w, at), 0);
        assert_int_equal(cs_blocks_holding(&w->blocks, w->space, at, NULL), CS_NO_BLOCK);
}

/* A range that begins before its first block. */
static void test_gap_at_the_start(void **state)
{
        struct world *w = *state;
        begin(w, 0x1000, 0x1140);
        add(w, 0x1100, 0x20, CS_BLOCK_IN_USE);
        add(w, 0x1120, 0x20, CS_BLOCK_IN_USE);
        end(w);
        seal(w);
        assert_int_equal(block_at(w, 0x1000), 0);
        assert_int_equal(block_at(w, 0x10ff), 0);
        assert_int_equal(block_at(w, 0x1100), 0x1100);
}

static void test_single_blocks(void **state)
{
        struct world *w = *state;
        begin(w, 0x8000, 0xa000);
        add(w, 0x8000, 0x2000, CS_BLOCK_IN_USE | CS_BLOCK_MMAPPED);
        end(w);
        begin(w, 0x20000, 0x30000);
        end(w); /* no blocks: no range */
        begin(w, 0x5010, 0x6000);
        add(w, 0x5010, 0xff0, CS_BLOCK_IN_USE | CS_BLOCK_MMAPPED);
        end(w);
        seal(w);
        assert_int_equal(w->blocks.ranges.n, 2);
        assert_int_equal(w->blocks.ranges.at[0].range.start, 0x5010); /* by address */
        assert_null(w->blocks.ranges.at[0].starts);
        assert_int_equal(w->blocks.ranges.at[0].arena, 7);
        assert_int_equal(block_at(w, 0x5010), 0x5010);
        assert_int_equal(block_at(w, 0x500f), 0);
        assert_int_equal(block_at(w, 0x5fff), 0x5010);
        assert_int_equal(block_at(w, 0x8000), 0x8000);
        assert_int_equal(block_at(w, 0x9fff), 0x8000);
        assert_int_equal(block_at(w, 0xa000), 0);
        assert_int_equal(block_at(w, 0x20000), 0);
}

static void test_overlapping_ranges(void **state)
{
        struct world *w = *state;
        static const struct cs_range ranges[] = {
                { 0x9000, 0xb000 }, /* kept */
                { 0x1000, 0x3000 }, /* kept */
                { 0x2000, 0x4000 }, /* lies upon the one before */
                { 0x1000, 0x1100 }, /* the same */
                { 0x3000, 0x3100 }, /* begins where a kept one ends */
                { 0xa000, 0xa100 }, /* inside */
        };
        for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
                begin(w, ranges[i].start, ranges[i].end);
                add(w, ranges[i].start, cs_range_size(ranges[i]) / 2, CS_BLOCK_IN_USE);
                add(w, ranges[i].start + cs_range_size(ranges[i]) / 2, cs_range_size(ranges[i]) / 2,
                    CS_BLOCK_FREE);
                end(w);
        }
        seal(w);
        uint64_t last = 0;
        uint32_t first = 0;
        for (size_t i = 0; i < w->blocks.ranges.n; i++) {
                const struct cs_heap_range *r = &w->blocks.ranges.at[i];
                assert_true(r->range.start >= last);
                assert_int_equal(r->first, first);
                assert_int_equal(r->count, 2);
                assert_int_equal(block_at(w, r->range.start), r->range.start);
                assert_int_equal(block_at(w, r->range.end - 1), (r->range.start + r->range.end) / 2);
                last = r->range.end;
                first += r->count;
        }
        assert_int_equal(w->blocks.ranges.n, 3);
        assert_int_equal(cs_blocks_indices(&w->blocks), 6);
}

static void test_limits(void **state)
{
        struct world *w = *state;
        struct cs_error err = { 0 };
        begin(w, 0x1000, (UINT64_C(80) << 30) + 0x1010);
        static const struct cs_range beyond[] = {
                { 0x1000, UINT64_C(1) << 48 },
                { UINT64_C(1) << 48, 32 },
                { 0x1000, UINT64_MAX },
                { 0, 32 },
                { 0x1000, 15 },
                { 0x1010, (UINT64_C(80) << 30) + 16 },
        };
        for (size_t i = 0; i < sizeof(beyond) / sizeof(beyond[0]); i++)
                assert_int_equal(cs_blocks_add(&w->blocks, beyond[i].start, beyond[i].end, CS_BLOCK_FREE,
                                               &err),
                                 CS_ELIMIT);
        assert_true(err.text[0]);
        /* Larger than 32 bits of units. */
        add(w, 0x1000, (UINT64_C(80) << 30) + 16, CS_BLOCK_FREE);
        assert_int_equal(cs_blocks_add(&w->blocks, 0x1000, 16, CS_BLOCK_FREE, &err), CS_ELIMIT);
        end(w);
        seal(w);
        assert_int_equal(cs_blocks_get(&w->blocks, 0).size, (UINT64_C(80) << 30) + 16);
        assert_int_equal(block_at(w, UINT64_C(72) << 30), 0x1000);
        assert_int_equal(block_at(w, (UINT64_C(80) << 30) + 0x100f), 0x1000);
        assert_int_equal(block_at(w, (UINT64_C(80) << 30) + 0x1010), 0);
}

/* Do groups from `first` to `end` hold the blocks that a cursor shows, one after the other, and are neighbours always unlike? */
static void expect_groups(const struct world *w, uint32_t first, uint32_t limit)
{
        struct cs_block_cursor one = cs_blocks_from(&w->blocks, first, limit), all = one;
        struct cs_block_group g, before = { { 0, 0 }, 0, 0, CS_BLOCK_GAP };
        struct cs_block b = { 0 };
        uint32_t i;
        while (cs_blocks_next_group(&all, &g)) {
                uint64_t at = g.range.start;
                assert_true(g.count > 0);
                assert_false(g.state == before.state && at == before.range.end &&
                             g.first != w->blocks.ranges.at[1].first);
                for (uint32_t n = 0; n < g.count; n++) {
                        assert_true(cs_blocks_next(&one, &b, &i));
                        assert_int_equal(i, g.first + n);
                        assert_int_equal(b.start, at);
                        assert_int_equal(b.state, g.state);
                        at += b.size;
                }
                assert_int_equal(at, g.range.end);
                before = g;
        }
        assert_false(cs_blocks_next(&one, &b, &i));
}

/* Does a cursor that skips show what one that goes step by step does, whatever the stride? */
static void expect_skips(const struct world *w, uint32_t first, uint32_t limit, uint32_t stride)
{
        struct cs_block_cursor one = cs_blocks_from(&w->blocks, first, limit), hops = one;
        struct cs_block b, c;
        uint32_t i, k;
        while (cs_blocks_next_any(&one, &b, &i)) {
                if ((i - first) % stride)
                        continue;
                cs_blocks_skip(&hops, i);
                assert_true(cs_blocks_next_any(&hops, &c, &k));
                assert_int_equal(k, i);
                assert_int_equal(c.start, b.start);
                assert_int_equal(c.size, b.size);
                assert_int_equal(c.state, b.state);
                cs_blocks_skip(&hops, first); /* no way back */
        }
        struct cs_block_cursor stays = hops;
        cs_blocks_skip(&hops, limit);
        assert_int_equal(hops.index, stays.index);
}

/* Do the spans hold the blocks that a cursor shows, gaps included? */
static void expect_spans(const struct world *w, uint32_t first, uint32_t limit)
{
        struct cs_block_cursor one = cs_blocks_from(&w->blocks, first, limit), all = one;
        struct cs_range span = { 0, 0 };
        struct cs_block b;
        uint32_t i;
        while (cs_blocks_next_any(&one, &b, &i)) {
                if (b.start >= span.end) {
                        assert_true(cs_blocks_next_span(&all, &span));
                        assert_int_equal(b.start, span.start);
                }
                assert_true(b.start + b.size <= span.end);
        }
        assert_int_equal(span.end, first < limit ? b.start + b.size : 0);
        assert_false(cs_blocks_next_span(&all, &span));
}

static void test_groups(void **state)
{
        struct world *w = *state;
        uint64_t at = 0x200000, seed = 1;
        for (unsigned range = 0; range < 3; range++) {
                begin(w, at, at + (UINT64_C(1) << 24));
                for (size_t n = 0; n < (range == 2 ? 1 : 3000); n++) {
                        seed = seed * 6364136223846793005 + 1442695040888963407;
                        /* Some behind words of the bitmap without a start, long groups, gaps here and there. */
                        uint64_t size = seed >> 60 == 0 ? 0x3000 : 16 * (1 + (seed >> 33) % 20);
                        add(w, at, size, n / 200 % 2 ? CS_BLOCK_IN_USE : (unsigned)(seed >> 20) % 3);
                        at += size + (n % 97 == 96 ? 0x30 : 0);
                }
                end(w);
                at = (at + 0xffff) & ~UINT64_C(0xffff);
        }
        seal(w);
        assert_int_equal(w->blocks.ranges.n, 3);
        uint32_t n = cs_blocks_indices(&w->blocks);
        expect_groups(w, 0, n);
        expect_spans(w, 0, n);
        for (uint32_t stride = 1; stride < 2000; stride = stride * 3 + 1)
                expect_skips(w, 0, n, stride);
        for (uint32_t i = 0; i < n; i += 61) {
                expect_groups(w, i, i + (n - i) % 500);
                expect_spans(w, i, i + (n - i) % 500);
                expect_skips(w, i, i + (n - i) % 500, 1 + i % 7);
        }
}

/* Tags in two bytes say what those in four do, and only where there are few clusters are there such. */
static void test_narrow(void **state)
{
        enum { MOST = (UINT16_MAX >> CS_BLOCK_STATE_BITS) - 1 };
        struct world *w = *state;
        test_groups(state);
        uint32_t n = cs_blocks_indices(&w->blocks);
        uint32_t *tags = calloc(n, sizeof(*tags));
        assert_non_null(tags);
        for (uint32_t i = 0; i < n; i++) {
                if (cs_blocks_state(&w->blocks, i) == CS_BLOCK_IN_USE && i % 5)
                        cs_blocks_set_cluster(&w->blocks, i, i % 3 ? i % 100 : MOST - 1);
                tags[i] = cs_blocks_tag(&w->blocks, i);
        }
        cs_blocks_narrow(&w->blocks, MOST + 1);
        assert_null(w->blocks.narrow);
        cs_blocks_narrow(&w->blocks, MOST);
        assert_non_null(w->blocks.narrow);
        assert_int_equal(cs_blocks_indices(&w->blocks), n);
        for (uint32_t i = 0; i < n; i++)
                if (cs_blocks_tag(&w->blocks, i) != tags[i])
                        fail_msg("block %u: %#x instead of %#x", i, cs_blocks_tag(&w->blocks, i), tags[i]);
        assert_int_equal(cs_blocks_cluster(&w->blocks, 261), MOST - 1);
        assert_int_equal(cs_blocks_cluster(&w->blocks, 260), CS_NO_CLUSTER);
        struct cs_block_cursor all = cs_blocks_all(&w->blocks);
        struct cs_block b;
        uint32_t i;
        while (cs_blocks_next_any(&all, &b, &i)) {
                assert_int_equal(b.cluster, cs_block_tag_cluster(tags[i]));
                assert_int_equal(b.state, tags[i] & CS_BLOCK_STATE_MASK);
        }
        for (uint32_t first = 0; first < n; first += 61)
                expect_groups(w, first, first + (n - first) % 500);
        free(tags);
}

/* Many blocks that get no clusters have narrow tags from the start, which say the same. */
static void test_narrow_from_the_start(void **state)
{
        struct world *w = *state;
        static const unsigned states[] = { CS_BLOCK_FREE, CS_BLOCK_IN_USE, CS_BLOCK_CACHED, CS_BLOCK_FREE,
                                           CS_BLOCK_TOP };
        enum { BLOCKS = sizeof(states) / sizeof(states[0]) };
        for (unsigned most = BLOCKS - 1; most <= BLOCKS; most++) {
                w->blocks.clustered_most = most;
                begin(w, 0x1000, 0x2000);
                for (unsigned i = 0; i < BLOCKS; i++)
                        add(w, 0x1000 + i * 0x20, 0x20, states[i]);
                end(w);
                seal(w);
                assert_int_equal(w->blocks.narrow != NULL, most < BLOCKS);
                assert_int_equal(cs_blocks_indices(&w->blocks), BLOCKS);
                for (unsigned i = 0; i < BLOCKS; i++) {
                        assert_int_equal(cs_blocks_state(&w->blocks, i), states[i]);
                        assert_int_equal(cs_blocks_cluster(&w->blocks, i), CS_NO_CLUSTER);
                        holds(w, 0x1018 + i * 0x20, i);
                }
                cs_blocks_set_state(&w->blocks, 1, CS_BLOCK_INTERNAL);
                assert_int_equal(cs_blocks_state(&w->blocks, 0), CS_BLOCK_FREE);
                assert_int_equal(cs_blocks_state(&w->blocks, 1), CS_BLOCK_INTERNAL);
                assert_int_equal(cs_blocks_state(&w->blocks, 2), CS_BLOCK_CACHED);
                cs_blocks_deinit(&w->blocks);
                w->blocks = (struct cs_blocks){ 0 };
        }
}

/* A run is the same as adding block by block. */
static void test_run(void **state)
{
        struct world *w = *state;
        struct cs_block_run run;
        begin(w, 0x1000, 0x9000);
        add(w, 0x1000, 0x20, CS_BLOCK_FREE);
        assert_int_equal(cs_blocks_open_run(&w->blocks, 100, &run, NULL), CS_OK);
        for (uint64_t at = 0x1020; at < 0x1020 + 100 * 0x30; at += 0x30)
                cs_block_run_add(&run, at, (at - 0x1020) / 0x30 % 3 != 1);
        cs_blocks_close_run(&w->blocks, &run, 0x1020 + 100 * 0x30);
        add(w, 0x4000, 0x20, CS_BLOCK_TOP); /* after a gap */
        end(w);
        begin(w, 0x10000, 0x11000);
        assert_int_equal(cs_blocks_open_run(&w->blocks, 5, &run, NULL), CS_OK);
        cs_blocks_close_run(&w->blocks, &run, 0x10000);
        end(w); /* nothing was added */
        for (unsigned in_use = 0; in_use <= 1; in_use++) {
                uint64_t start = in_use ? 0x20000 : 0x30000;
                begin(w, start, start + 0x1000);
                assert_int_equal(cs_blocks_open_run(&w->blocks, 5, &run, NULL), CS_OK);
                cs_block_run_add(&run, start, in_use);
                cs_blocks_close_run(&w->blocks, &run, start + 0x40);
                end(w); /* one alone */
        }
        seal(w);
        assert_int_equal(w->blocks.ranges.n, 3);
        assert_int_equal(cs_blocks_indices(&w->blocks), 105);
        assert_int_equal(cs_blocks_get(&w->blocks, 103).state, CS_BLOCK_IN_USE);
        assert_int_equal(cs_blocks_get(&w->blocks, 103).size, 0x40);
        assert_int_equal(cs_blocks_get(&w->blocks, 104).state, CS_BLOCK_FREE);
        assert_int_equal(cs_blocks_get(&w->blocks, 104).size, 0x40);
        assert_int_equal(cs_blocks_get(&w->blocks, 0).state, CS_BLOCK_FREE);
        for (uint32_t i = 1; i <= 100; i++) {
                struct cs_block b = cs_blocks_get(&w->blocks, i);
                assert_int_equal(b.start, 0x1020 + (i - 1) * 0x30);
                assert_int_equal(b.size, 0x30);
                assert_int_equal(b.state, (i - 1) % 3 == 1 ? CS_BLOCK_FREE : CS_BLOCK_IN_USE);
                assert_int_equal(b.cluster, CS_NO_CLUSTER);
        }
        assert_int_equal(cs_blocks_get(&w->blocks, 102).state, CS_BLOCK_TOP);
        assert_int_equal(block_at(w, 0x3000), 0);
        assert_int_equal(block_at(w, 0x401f), 0x4000);
}

static void test_nothing(void **state)
{
        struct world *w = *state;
        seal(w);
        assert_int_equal(block_at(w, 0x1000), 0);
        cs_space_destroy(NULL);
}

/* ---- the address space ------------------------------------------------------------------------------------------- */

static void set(struct world *w, uint64_t start, uint64_t stop, enum cs_space_kind kind, uint32_t index)
{
        assert_int_equal(cs_space_set(w->space, (struct cs_range){ start, stop }, kind, index, NULL), CS_OK);
}

static void expect(const struct world *w, uint64_t addr, enum cs_space_kind kind, uint32_t index)
{
        struct cs_space_entry e = cs_space_at(w->space, addr);
        if (e.kind != kind || e.index != index)
                fail_msg("at %lx: %d, %u", (unsigned long)addr, (int)e.kind, e.index);
}

static void test_space(void **state)
{
        struct world *w = *state;
        static const uint64_t gib = UINT64_C(1) << 30;
        set(w, 0x1000, 0x3000, CS_SPACE_MODULE, 5);
        set(w, 0x2800, 0x2900, CS_SPACE_HEAP, 0xfffffff); /* takes its page */
        expect(w, 0, CS_SPACE_NONE, 0);
        expect(w, 0x1fff, CS_SPACE_MODULE, 5);
        expect(w, 0x2000, CS_SPACE_HEAP, 0xfffffff);
        expect(w, 0x2fff, CS_SPACE_HEAP, 0xfffffff);
        expect(w, 0x3000, CS_SPACE_NONE, 0);
        /* Over the edges of leaves; whole leaves in between cost nothing. */
        set(w, 5 * gib - 0x1000, 105 * gib + 0x1000, CS_SPACE_OTHER, 9);
        expect(w, 5 * gib - 0x1001, CS_SPACE_NONE, 0);
        expect(w, 5 * gib - 1, CS_SPACE_OTHER, 9);
        expect(w, 50 * gib + 12345, CS_SPACE_OTHER, 9);
        expect(w, 105 * gib + 0xfff, CS_SPACE_OTHER, 9);
        expect(w, 105 * gib + 0x1000, CS_SPACE_NONE, 0);
        assert_null(w->space->branches[50]);
        set(w, 50 * gib + 0x5000, 50 * gib + 0x6000, CS_SPACE_HEAP, 3);
        expect(w, 50 * gib + 0x4fff, CS_SPACE_OTHER, 9);
        expect(w, 50 * gib + 0x5000, CS_SPACE_HEAP, 3);
        expect(w, 50 * gib + 0x6000, CS_SPACE_OTHER, 9);
        set(w, 50 * gib, 51 * gib, CS_SPACE_STACK, 4);
        expect(w, 50 * gib + 0x5000, CS_SPACE_STACK, 4);
        expect(w, 51 * gib, CS_SPACE_OTHER, 9);
        /* What begins with some pages every 64 MiB, as malloc's arenas do, takes as little. */
        for (uint64_t i = 0; i < 1000; i++)
                set(w, 200 * gib + (i << 26), 200 * gib + (i << 26) + 0x21000, CS_SPACE_HEAP, (uint32_t)i);
        for (uint64_t i = 0; i < 1000; i++) {
                expect(w, 200 * gib + (i << 26) + 0x20fff, CS_SPACE_HEAP, (uint32_t)i);
                expect(w, 200 * gib + (i << 26) + 0x21000, CS_SPACE_NONE, 0);
        }
        for (size_t i = 1; i < SPACE_LEAVES; i++)
                assert_int_equal(w->space->branches[200]->leaves[i] != NULL, i % 16 == 0);
}

/* Ranges of all sizes upon each other: the last one that was said of a page holds. */
static void test_space_at_random(void **state)
{
        enum { RANGES = 400, ASKED = 20000 };
        struct world *w = *state;
        static const uint64_t from = UINT64_C(7) << 30, size = UINT64_C(5) << 30;
        struct cs_range ranges[RANGES];
        srandom(7);
        for (uint32_t i = 0; i < RANGES; i++) {
                uint64_t long_ = UINT64_C(1) << (12 + random() % 20),
                         start = (uint64_t)random() * 4096 % size;
                start -= random() % 2 ? start % (UINT64_C(1) << (SPACE_LEAF_SHIFT + random() % 9))
                                      : 0; /* upon an edge */
                ranges[i] =
                        (struct cs_range){ from + start, from + start + (random() % 2 ? long_ : long_ * 3) };
                set(w, ranges[i].start, ranges[i].end, CS_SPACE_OTHER, i);
        }
        for (unsigned n = 0; n < ASKED; n++) {
                const struct cs_range *r = &ranges[random() % RANGES];
                uint64_t addr = n % 3 == 0   ? r->start - (uint64_t)(random() % 2)
                                : n % 3 == 1 ? r->end - (uint64_t)(random() % 2)
                                             : from + (uint64_t)random() * 8 % size;
                size_t last = RANGES;
                while (last > 0 && !cs_range_has(ranges[last - 1], addr))
                        last--;
                expect(w, addr, last ? CS_SPACE_OTHER : CS_SPACE_NONE, last ? (uint32_t)(last - 1) : 0);
        }
}

/* Blocks for which there was no memory after all: nothing leads to them any more, whether they were sealed or not. */
static void test_withdrawn(void **state)
{
        struct world *w = *state;
        set(w, 0x1000, 0x9000, CS_SPACE_OTHER, 3);
        for (int sealed = 1; sealed >= 0; sealed--) {
                begin(w, 0x1000, 0x3000);
                add(w, 0x1000, 0x2000, CS_BLOCK_IN_USE);
                end(w);
                begin(w, 0x6000, 0x7000);
                add(w, 0x6000, 0x800, CS_BLOCK_FREE);
                add(w, 0x6800, 0x800, CS_BLOCK_IN_USE);
                end(w);
                if (sealed) {
                        seal(w);
                        expect(w, 0x6000, CS_SPACE_HEAP, 1);
                }
                cs_blocks_withdraw(&w->blocks, w->space);
                cs_blocks_deinit(&w->blocks);
                w->blocks = (struct cs_blocks){ 0 };
                assert_int_equal(block_at(w, 0x2000), 0);
                assert_int_equal(block_at(w, 0x6810), 0);
                expect(w, 0x1000, CS_SPACE_NONE, 0);
                expect(w, 0x6fff, CS_SPACE_NONE, 0);
                expect(w, 0x5fff, CS_SPACE_OTHER, 3);
        }
}

static void test_space_edges(void **state)
{
        struct world *w = *state;
        static const uint64_t top = UINT64_C(1) << 47;
        set(w, top - 0x1000, top + 0x1000, CS_SPACE_STACK, 1);
        expect(w, top - 1, CS_SPACE_STACK, 1);
        expect(w, top, CS_SPACE_NONE, 0);
        set(w, 0xffffffffff600000, 0xffffffffff601000, CS_SPACE_OTHER, 2);
        expect(w, 0xffffffffff600000, CS_SPACE_NONE, 0);
        set(w, 0, top, CS_SPACE_OTHER, 8); /* all of it, at once */
        expect(w, 0, CS_SPACE_OTHER, 8);
        expect(w, top - 1, CS_SPACE_OTHER, 8);
        expect(w, UINT64_MAX, CS_SPACE_NONE, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_block),
                cmocka_unit_test_setup_teardown(test_lookups, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_words_of_the_index, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_gap_at_the_start, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_single_blocks, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_overlapping_ranges, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_limits, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_groups, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_narrow, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_narrow_from_the_start, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_run, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_nothing, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_space, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_space_at_random, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_withdrawn, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_space_edges, set_up, tear_down),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
