/* SPDX-License-Identifier: Apache-2.0 */
/* Which blocks are what they were: by runs of words, against looking at each of them alone. And what of the pages is read for that. */
#include "pagedigest.h"
#include "recall_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

enum { UNITS = 1 << 13, KINDS = 5, ROUNDS = 250, BASE = 0x100000 };
#define NOWHERE UINT64_C(0xdead0)

struct heap {
        struct cs_blocks blocks;
        struct cs_space *space;
};

/* What a heap is made of: at each unit the size of the block that begins there, or 0. */
struct plan {
        uint64_t units;
        uint16_t size[UNITS];
        uint8_t state[UNITS];
        uint64_t digests[UNITS * CS_BLOCK_UNIT / CS_PAGE + 2];
};

static uint64_t rng(uint64_t *state)
{
        *state += UINT64_C(0x9e3779b97f4a7c15);
        return cs_mix(*state);
}

static uint8_t any_state(uint64_t *seed)
{
        static const uint8_t states[] = { CS_BLOCK_FREE, CS_BLOCK_CACHED, CS_BLOCK_GAP };
        return rng(seed) % 8 ? (uint8_t)CS_BLOCK_IN_USE : states[rng(seed) % 3];
}

/* Blocks from unit `at` on, up to the end. `most`: the largest, in units. */
static void lay(struct plan *p, uint64_t at, uint64_t most, uint64_t *seed)
{
        while (at < p->units) {
                uint64_t size = 1 + rng(seed) % most;
                size = size < p->units - at ? size : p->units - at;
                p->size[at] = (uint16_t)size;
                p->state[at] = any_state(seed);
                at += size;
        }
        /* What would be dropped is no gap: the range begins and ends with a block. */
        for (uint64_t i = 0; i < p->units; i += p->size[i])
                if (i == 0 || i + p->size[i] == p->units)
                        p->state[i] = CS_BLOCK_IN_USE;
}

static void build(struct heap *h, const struct plan *p, uint64_t start, uint64_t *seed)
{
        struct cs_range range = { start, start + p->units * CS_BLOCK_UNIT };
        assert_int_equal(cs_blocks_begin(&h->blocks, 0, range, NULL), CS_OK);
        for (uint64_t i = 0; i < p->units; i += p->size[i])
                if (p->state[i] != CS_BLOCK_GAP)
                        assert_int_equal(cs_blocks_add(&h->blocks, start + i * CS_BLOCK_UNIT,
                                                       (uint64_t)p->size[i] * CS_BLOCK_UNIT, p->state[i],
                                                       NULL),
                                         CS_OK);
        cs_blocks_end(&h->blocks);
        assert_int_equal(cs_space_create_empty(&h->space, NULL), CS_OK);
        assert_int_equal(cs_blocks_seal(&h->blocks, h->space, NULL), CS_OK);
        for (uint32_t i = 0; seed && i < cs_blocks_indices(&h->blocks); i++)
                if (cs_blocks_state(&h->blocks, i) == CS_BLOCK_IN_USE)
                        cs_blocks_set_cluster(&h->blocks, i, (uint32_t)(rng(seed) % (KINDS + 1)));
}

static void drop(struct heap *h)
{
        cs_blocks_deinit(&h->blocks);
        cs_space_destroy(h->space);
        *h = (struct heap){ 0 };
}

/* By the definition: begins and ends where it did, in use then and now, on pages with the digests that they had. */
static uint32_t kind_alone(const struct heap *now, const struct heap *then, const struct cs_recall_pair *pair,
                           uint32_t index)
{
        struct cs_block b = cs_blocks_get(&now->blocks, index);
        for (uint32_t i = 0; i < cs_blocks_indices(&then->blocks); i++) {
                struct cs_block old = cs_blocks_get(&then->blocks, i);
                if (old.start != b.start)
                        continue;
                if (old.size != b.size || old.state != CS_BLOCK_IN_USE || b.state != CS_BLOCK_IN_USE ||
                    old.cluster >= KINDS)
                        return CS_NO_CLUSTER;
                uint64_t first = cs_page_down(pair->now->range.start);
                for (uint64_t at = cs_page_down(b.start); at < b.start + b.size; at += CS_PAGE) {
                        size_t page = (size_t)((at - first) / CS_PAGE);
                        if (pair->now_digests[page] != pair->then_digests[page])
                                return CS_NO_CLUSTER;
                }
                return old.cluster;
        }
        return CS_NO_CLUSTER;
}

/* Some of the blocks at a time, as slices are, and these in any order; what lies beside them is left alone. */
static size_t compare(const struct heap *now, const struct heap *then, const struct plan *p,
                      const struct plan *q, uint64_t *seed)
{
        uint32_t n = cs_blocks_indices(&now->blocks);
        uint32_t *number = malloc((n + 2) * sizeof(*number));
        const struct cs_recall_pair pair = { &now->blocks.ranges.at[0], &then->blocks.ranges.at[0],
                                             p->digests, q->digests };
        const struct cs_recall_match match = { &now->blocks, &then->blocks, KINDS, number };
        size_t known = 0;
        assert_non_null(number);
        for (uint32_t first = 0, end; first < n; first = end) {
                end = first + 1 + (uint32_t)(rng(seed) % (rng(seed) % 2 ? 3 : 700));
                end = end < n ? end : n;
                number[end] = (uint32_t)NOWHERE;
                cs_recall_match_blocks(&match, &pair, first, end);
                assert_int_equal(number[end], NOWHERE);
        }
        for (uint32_t i = 0; i < n; i++) {
                assert_int_equal(number[i], kind_alone(now, then, &pair, i));
                known += number[i] != CS_NO_CLUSTER;
        }
        free(number);
        return known;
}

/* Here and there blocks are cut, joined, taken and given back, and pages written, with and without a change of blocks. */
static void change(struct plan *p, unsigned changes, uint64_t *seed)
{
        for (unsigned n = 0; n < changes; n++) {
                uint64_t at = rng(seed) % p->units;
                while (!p->size[at])
                        at--;
                uint64_t size = p->size[at], next = at + size;
                uint8_t state = any_state(seed);
                bool ends = at == 0 || next == p->units;
                switch (rng(seed) % 4) {
                case 0:
                        if (size > 1) {
                                uint64_t part = 1 + rng(seed) % (size - 1);
                                p->size[at] = (uint16_t)part;
                                p->size[at + part] = (uint16_t)(size - part);
                                p->state[at + part] = CS_BLOCK_IN_USE;
                        }
                        break;
                case 1:
                        if (next < p->units && p->state[next] == CS_BLOCK_IN_USE) {
                                p->size[at] = (uint16_t)(size + p->size[next]);
                                p->size[next] = 0;
                                p->state[at] = CS_BLOCK_IN_USE;
                        }
                        break;
                case 2:
                        p->state[at] = ends ? (uint8_t)CS_BLOCK_IN_USE : state;
                        break;
                default:
                        p->digests[at * CS_BLOCK_UNIT / CS_PAGE] = rng(seed);
                }
        }
}

static void test_runs_against_each_alone(void **state)
{
        static struct plan then, now;
        uint64_t seed = 1;
        size_t known = 0;
        (void)state;
        for (unsigned round = 0; round < ROUNDS; round++) {
                struct heap a = { 0 }, b = { 0 };
                uint64_t start = BASE + rng(&seed) % 300 * CS_BLOCK_UNIT;
                memset(&then, 0, sizeof(then));
                then.units = 1 + rng(&seed) % (round % 2 ? UNITS : 600);
                lay(&then, 0, round % 3 ? 12 : round % 5 ? 400 : 2000, &seed);
                for (size_t i = 0; i < sizeof(then.digests) / sizeof(*then.digests); i++)
                        then.digests[i] = rng(&seed) % 9; /* 0: nobody could read it, then or now */
                now = then;
                /* Grown, or cut off after any block. */
                if (rng(&seed) % 3 == 0) {
                        now.units = 1 + rng(&seed) % UNITS;
                        uint64_t end = 0;
                        while (end < then.units && end + then.size[end] <= now.units)
                                end += then.size[end];
                        if (end < now.units) {
                                memset(now.size + end, 0, (UNITS - end) * sizeof(*now.size));
                                lay(&now, end, 20, &seed);
                        }
                }
                change(&now, rng(&seed) % 4 ? (unsigned)(rng(&seed) % 30) : 0, &seed);
                build(&a, &now, start, NULL);
                build(&b, &then, start, &seed);
                known += compare(&a, &b, &now, &then, &seed);
                drop(&a);
                drop(&b);
        }
        assert_true(known > (size_t)100 * ROUNDS);
}

/* Nothing has changed; and a range that there was not. */
static void test_all_and_nothing(void **state)
{
        static struct plan p;
        struct heap a = { 0 }, b = { 0 };
        uint64_t seed = 2;
        (void)state;
        memset(&p, 0, sizeof(p));
        p.units = UNITS;
        lay(&p, 0, 12, &seed);
        build(&a, &p, BASE, NULL);
        build(&b, &p, BASE, NULL);
        uint32_t n = cs_blocks_indices(&a.blocks), used = 0;
        for (uint32_t i = 0; i < n; i++)
                if (cs_blocks_state(&b.blocks, i) == CS_BLOCK_IN_USE) {
                        cs_blocks_set_cluster(&b.blocks, i, i % KINDS);
                        used++;
                }
        assert_int_equal(compare(&a, &b, &p, &p, &seed), used);

        uint32_t *number = calloc(n, sizeof(*number));
        const struct cs_recall_match match = { &a.blocks, &b.blocks, KINDS, number };
        const struct cs_recall_pair alone = { &a.blocks.ranges.at[0], NULL, p.digests, p.digests };
        assert_non_null(number);
        cs_recall_match_blocks(&match, &alone, 0, n);
        for (uint32_t i = 0; i < n; i++)
                assert_int_equal(number[i], CS_NO_CLUSTER);
        cs_recall_match_blocks(&match, &alone, 0, 0);
        free(number);
        drop(&a);
        drop(&b);
}

/* What was heard is not read again, in whatever order it came, and of pages that two ranges share both have it; the rest is read. */
static void test_what_was_heard(void **state)
{
        enum { PAGES = 700 };
        static uint8_t bytes[PAGES * CS_PAGE], heard[2 * CS_PAGE];
        static const struct cs_range ranges[] = { { BASE + 32, BASE + 3 * CS_PAGE + 64 },
                                                  { BASE + 3 * CS_PAGE + 64, BASE + 3 * CS_PAGE + 96 },
                                                  { BASE + 3 * CS_PAGE + 112, BASE + 600 * CS_PAGE + 16 },
                                                  { BASE + 650 * CS_PAGE, BASE + PAGES * CS_PAGE } };
        static const unsigned said[] = { 640, 3, 699, 0, 599, 4, 620, 650, 2 };
        struct heap h = { 0 };
        struct cs_recall recall = { 0 };
        struct cs_recalled out;
        uint64_t seed = 3, digests[PAGES];
        (void)state;
        for (size_t i = 0; i < sizeof(bytes); i += 8) {
                uint64_t word = rng(&seed);
                memcpy(bytes + i, &word, sizeof(word));
        }
        for (size_t i = 0; i < PAGES; i++)
                digests[i] = cs_pagedigest_plain(bytes + i * CS_PAGE);
        struct cs_image image = { .source = cs_source_from_bytes(BASE, bytes, sizeof(bytes)) };
        assert_non_null(image.source);
        for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
                assert_int_equal(cs_blocks_begin(&h.blocks, 0, ranges[i], NULL), CS_OK);
                assert_int_equal(cs_blocks_add(&h.blocks, ranges[i].start, cs_range_size(ranges[i]),
                                               CS_BLOCK_IN_USE, NULL),
                                 CS_OK);
                cs_blocks_end(&h.blocks);
        }
        assert_int_equal(cs_space_create_empty(&h.space, NULL), CS_OK);
        assert_int_equal(cs_blocks_seal(&h.blocks, h.space, NULL), CS_OK);
        cs_recall_listen(&recall, image.source);
        for (size_t i = 0; i < sizeof(said) / sizeof(*said); i++) {
                /* It was something else then; of the page before it only the end is heard, and of the next one only the beginning. */
                memset(heard, (int)i + 1, sizeof(heard));
                uint64_t word = BASE + (uint64_t)said[i] * CS_PAGE;
                image.source->tap(image.source->tap_context, word - 8, heard, CS_PAGE + 16);
                digests[said[i]] = cs_pagedigest_plain(heard);
        }
        cs_recall_listen_no_more(image.source);
        const struct cs_cluster_input in = { .image = &image, .blocks = &h.blocks, .workers = 2 };
        assert_int_equal(cs_recalled_begin(&in, &recall, true, &out, NULL), CS_OK);
        assert_null(out.number); /* nothing was kept yet */
        const uint64_t *at = out.digests;
        for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
                for (uint64_t page = cs_page_down(ranges[i].start); page < ranges[i].end; page += CS_PAGE)
                        assert_int_equal(*at++, digests[(page - BASE) / CS_PAGE]);
        cs_recalled_deinit(&out);
        cs_recall_deinit(&recall);
        cs_source_close(image.source);
        drop(&h);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_runs_against_each_alone),
                cmocka_unit_test(test_all_and_nothing),
                cmocka_unit_test(test_what_was_heard),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
