/* SPDX-License-Identifier: Apache-2.0 */
/* More than one heap: arenas of threads and their rings, chunks in mappings of their own, heaps with holes, two layouts. */
#include "fake_glibc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define MAIN_ARENA (FAKE_LIBC + FAKE_ARENA)
#define HEAP_1 UINT64_C(0x7f0000000000)
#define HEAP_2 (HEAP_1 + GLIBC_HEAP_MAX)
#define ARENA_1 (HEAP_1 + 0x30)
#define FIRST_1 (ARENA_1 + 0x8a0)
#define MAPPED UINT64_C(0x7e0000000000)

enum { HEAP_BYTES = 0x4000, NO_MAIN = GLIBC_NON_MAIN };

static const struct cs_glibc_layout *layout(void)
{
        return &cs_glibc_layouts[0];
}

static void heap_info(struct fake_process *p, uint64_t heap, uint64_t arena, uint64_t prev, uint64_t size)
{
        fake_put(p, heap, arena);
        fake_put(p, heap + 8, prev);
        fake_put(p, heap + 16, size);
}

static uint64_t thread_chunk(struct fake_process *p, uint64_t at, uint64_t size)
{
        fake_put(p, at + 8, size | GLIBC_PREV_IN_USE | NO_MAIN);
        return at + size;
}

static void next_arena(struct fake_process *p, uint64_t arena, uint64_t next)
{
        fake_put(p, arena + layout()->next, next);
}

/* The main heap with two chunks; a thread's arena in HEAP_1, its chunks at FIRST_1, still without a top. */
static struct fake_process *two_arenas(void)
{
        struct fake_process *p = fake_create();
        fake_heap(p, HEAP_BYTES);
        fake_top(p, MAIN_ARENA, fake_chunk(p, fake_chunk(p, FAKE_HEAP, 0x40), 0x40), FAKE_HEAP + HEAP_BYTES);
        fake_map(p, HEAP_1, HEAP_BYTES, PF_R | PF_W);
        heap_info(p, HEAP_1, ARENA_1, 0, HEAP_BYTES);
        fake_arena(p, ARENA_1);
        next_arena(p, MAIN_ARENA, ARENA_1);
        next_arena(p, ARENA_1, MAIN_ARENA);
        return p;
}

static int set_up(void **state)
{
        *state = two_arenas();
        return 0;
}

static int tear_down(void **state)
{
        fake_destroy(*state);
        return 0;
}

static void expect_damage(const struct fake_process *p, const char *what)
{
        for (size_t i = 0; i < p->heaps.corrupt.n; i++)
                if (strstr(p->heaps.corrupt.at[i].what, what))
                        return;
        fail_msg("no damage \"%s\" is reported", what);
}

/* What must hold whatever else is damaged. */
static void expect_main_heap(const struct fake_process *p)
{
        fake_expect(p, "first of the main heap", FAKE_HEAP, CS_BLOCK_IN_USE);
        fake_expect(p, "second of the main heap", FAKE_HEAP + 0x40, CS_BLOCK_IN_USE);
        fake_expect(p, "top of the main heap", FAKE_HEAP + 0x80, CS_BLOCK_TOP);
}

/* ---- arenas of threads ------------------------------------------------------------------------------------------- */

static void test_one_heap(void **state)
{
        struct fake_process *p = *state;
        uint64_t a = FIRST_1, b = thread_chunk(p, a, 0x50), c = thread_chunk(p, b, 0x60),
                 top = thread_chunk(p, c, 0x20);
        fake_top(p, ARENA_1, top, HEAP_1 + HEAP_BYTES);
        fake_free(p, b);
        fake_put(p, ARENA_1 + layout()->fastbins, c);
        fake_put(p, c + 16, (c + 16) >> 12);
        fake_open(p);
        fake_expect_sound(p);
        expect_main_heap(p);
        fake_expect(p, "first", a, CS_BLOCK_IN_USE);
        fake_expect(p, "free", b, CS_BLOCK_FREE);
        fake_expect(p, "fast", c, CS_BLOCK_CACHED);
        fake_expect(p, "top", top, CS_BLOCK_TOP);
        assert_int_equal(p->heaps.arenas.n, 2);
        assert_int_equal(p->heaps.arenas.at[1].address, ARENA_1);
        assert_false(p->heaps.arenas.at[1].main);
        struct cs_range claimed;
        assert_true(cs_heaps_claims(&p->heaps, HEAP_1, &claimed)); /* heap_info and arena, too */
        assert_int_equal(claimed.end, HEAP_1 + HEAP_BYTES);
        assert_false(cs_heaps_claims(&p->heaps, HEAP_1 + HEAP_BYTES, &claimed));
        assert_false(cs_heaps_claims(&p->heaps, 0, &claimed));
}

/* The older heap is full: it ends in fenceposts. */
static void test_two_heaps(void **state)
{
        static const uint64_t second_fence[] = { 0 | 1, 0x10 | 1 };
        (void)state;
        for (int i = 0; i < 2; i++) {
                struct fake_process *p = two_arenas();
                uint64_t a = FIRST_1, b = thread_chunk(p, a, 0x50);
                uint64_t fence = thread_chunk(p, b, HEAP_1 + HEAP_BYTES - 0x20 - b);
                fake_put(p, fence + 8, 0x10); /* what is before it is free */
                fake_put(p, fence + 0x18, second_fence[i]);
                fake_map(p, HEAP_2, HEAP_BYTES, PF_R | PF_W);
                heap_info(p, HEAP_2, ARENA_1, HEAP_1, HEAP_BYTES);
                uint64_t c = HEAP_2 + 0x30, top = thread_chunk(p, c, 0x200);
                fake_top(p, ARENA_1, top, HEAP_2 + HEAP_BYTES);
                fake_open(p);
                fake_expect_sound(p);
                expect_main_heap(p);
                fake_expect(p, "first", a, CS_BLOCK_IN_USE);
                fake_expect(p, "last of the old heap", b, CS_BLOCK_FREE);
                fake_expect(p, "fenceposts", fence, CS_BLOCK_INTERNAL);
                fake_expect(p, "in the new heap", c, CS_BLOCK_IN_USE);
                fake_expect(p, "top", top, CS_BLOCK_TOP);
                fake_destroy(p);
        }
}

static void test_heaps_form_a_ring(void **state)
{
        (void)state;
        for (int self = 0; self < 2; self++) {
                struct fake_process *p = two_arenas();
                uint64_t top = thread_chunk(p, FIRST_1, 0x50);
                fake_map(p, HEAP_2, HEAP_BYTES, PF_R | PF_W);
                heap_info(p, HEAP_2, ARENA_1, HEAP_1, HEAP_BYTES);
                heap_info(p, HEAP_1, ARENA_1, self ? HEAP_1 : HEAP_2, HEAP_BYTES);
                fake_top(p, ARENA_1, top, HEAP_1 + HEAP_BYTES);
                fake_open(p);
                expect_main_heap(p);
                fake_expect(p, "of the thread", FIRST_1, CS_BLOCK_IN_USE);
                expect_damage(p, "ring");
                fake_destroy(p);
        }
}

static void test_lying_heap(void **state)
{
        (void)state;
        static const struct {
                const char *what;
                uint64_t arena, prev, size;
                const char *damage;
        } cases[] = {
                { "other owner", MAIN_ARENA, 0, HEAP_BYTES, "does not belong" },
                { "too large", ARENA_1, 0, GLIBC_HEAP_MAX + 1, "does not belong" },
                { "largest", ARENA_1, 0, UINT64_MAX, "does not belong" },
                { "too small", ARENA_1, 0, 8, "does not belong" },
                { "no room for chunks", ARENA_1, 0, 0x30, "heap" },
                { "previous unaligned", ARENA_1, HEAP_1 + 0x1000, HEAP_BYTES, "not aligned" },
                { "previous nowhere", ARENA_1, HEAP_2, HEAP_BYTES, "cannot be read" },
                { "previous at the end", ARENA_1, UINT64_MAX - GLIBC_HEAP_MAX + 1, HEAP_BYTES, "heap" },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct fake_process *p = two_arenas();
                uint64_t top = thread_chunk(p, FIRST_1, 0x50);
                fake_top(p, ARENA_1, top, HEAP_1 + HEAP_BYTES);
                heap_info(p, HEAP_1, cases[i].arena, cases[i].prev, cases[i].size);
                fake_open(p);
                expect_main_heap(p);
                if (strcmp(cases[i].what, "no room for chunks") != 0)
                        expect_damage(p, cases[i].damage);
                fake_relate(p, 1);
                fake_destroy(p);
        }
}

static void test_arena_top_nowhere(void **state)
{
        (void)state;
        static const uint64_t tops[] = { 0, 8, 0x123456789a, UINT64_MAX, FAKE_STACK + 0x100 };
        for (size_t i = 0; i < sizeof(tops) / sizeof(tops[0]); i++) {
                struct fake_process *p = two_arenas();
                (void)thread_chunk(p, FIRST_1, 0x50);
                fake_put(p, ARENA_1 + layout()->top, tops[i]);
                fake_open(p);
                expect_main_heap(p);
                assert_true(p->heaps.corrupt.n > 0);
                fake_destroy(p);
        }
}

/* A live process may do so: the list of mappings is older. */
static void test_arena_top_behind_the_heap(void **state)
{
        (void)state;
        struct fake_process *p = two_arenas();
        uint64_t a = FIRST_1, b = thread_chunk(p, a, 0x50);
        thread_chunk(p, b, HEAP_1 + HEAP_BYTES - b);
        fake_put(p, ARENA_1 + layout()->top, HEAP_1 + 2 * HEAP_BYTES);
        heap_info(p, HEAP_1, ARENA_1, 0, 3 * HEAP_BYTES);
        fake_open(p);
        expect_damage(p, "arena's top cannot be read");
        expect_main_heap(p);
        fake_expect(p, "first of the arena", a, CS_BLOCK_IN_USE);
        assert_true(cs_heaps_claims(&p->heaps, b, &(struct cs_range){ 0, 0 }));
        assert_int_equal(p->heaps.arenas.at[1].top, 0);
        fake_destroy(p);
}

/* A ring of arenas that does not come back to the main one. What the main arena says of its heap tells that it is one all the same, and an arena
 * to which the ring no longer leads is found by its heap. */
static void test_torn_ring(void **state)
{
        (void)state;
        static const uint64_t next[] = { ARENA_1, 0x123456789a, 0, MAIN_ARENA + 1, HEAP_2 + 0x30, FAKE_HEAP };
        for (size_t i = 0; i < 2 * sizeof(next) / sizeof(next[0]); i++) {
                struct fake_process *p = two_arenas();
                uint64_t a = FIRST_1, b = thread_chunk(p, a, 0x50), to = next[i / 2],
                         from = i % 2 ? MAIN_ARENA : ARENA_1;
                fake_top(p, ARENA_1, b, HEAP_1 + HEAP_BYTES);
                if (from == MAIN_ARENA && to == ARENA_1)
                        to = MAIN_ARENA + 0x30;
                next_arena(p, from, to);
                fake_open(p);
                assert_int_equal(p->heaps.found.n, 1);
                assert_true(p->heaps.found.at[0].walked);
                assert_non_null(p->heaps.found.at[0].partial);
                expect_main_heap(p);
                fake_expect(p, "first of the arena", a, CS_BLOCK_IN_USE);
                fake_expect(p, "top of the arena", b, CS_BLOCK_TOP);
                if (to != HEAP_2 + 0x30) /* where one might be that cannot be read */
                        expect_damage(p, "ring of arenas leads to none");
                fake_destroy(p);
        }
}

/* Without a top the chunks still lead to the end of the memory, of which the last one was it. */
static void test_main_top_is_gone(void **state)
{
        (void)state;
        static const uint64_t tops[] = { 0, UINT64_C(0x4141414141414141), UINT64_C(0x4141414141414140),
                                         FAKE_LIBC, FAKE_HEAP + HEAP_BYTES + 0x100000 };
        for (size_t i = 0; i < sizeof(tops) / sizeof(tops[0]); i++) {
                struct fake_process *p = two_arenas();
                fake_top(p, ARENA_1, FIRST_1, HEAP_1 + HEAP_BYTES);
                fake_put(p, MAIN_ARENA + layout()->top, tops[i]);
                fake_open(p);
                expect_damage(p, "main arena's top points nowhere");
                expect_main_heap(p);
                assert_non_null(p->heaps.found.at[0].partial);
                fake_expect(p, "top of the arena", FIRST_1, CS_BLOCK_TOP);
                fake_destroy(p);
        }
}

/* Nothing says that this is the main arena then. */
static void test_ring_never_closes(void **state)
{
        (void)state;
        enum { SELF, NOWHERE, NULL_WORD, UNALIGNED, KINDS };
        for (int kind = 0; kind < KINDS; kind++) {
                struct fake_process *p = two_arenas();
                static const uint64_t next[] = { ARENA_1, 0x123456789a, 0, MAIN_ARENA + 1 };
                next_arena(p, ARENA_1, next[kind]);
                fake_put(p, MAIN_ARENA + layout()->system_mem, HEAP_BYTES + CS_PAGE);
                fake_put(p, MAIN_ARENA + layout()->system_mem + 8, HEAP_BYTES + CS_PAGE);
                fake_open(p);
                assert_int_equal(p->heaps.found.n, 1);
                assert_false(p->heaps.found.at[0].walked);
                assert_non_null(p->heaps.found.at[0].why_not);
                assert_int_equal(cs_blocks_indices(&p->heaps.blocks), 0);
                fake_relate(p, 1);
                assert_int_equal(p->clusters.at.n, 0);
                fake_destroy(p);
        }
}

/* ---- mappings of their own --------------------------------------------------------------------------------------- */

static void mmapped(struct fake_process *p, uint64_t at, uint64_t prev, uint64_t size)
{
        fake_put(p, at, prev);
        fake_put(p, at + 8, size | GLIBC_IS_MMAPPED);
}

static struct fake_process *with_mapping(void)
{
        struct fake_process *p = fake_create();
        fake_heap(p, HEAP_BYTES);
        fake_top(p, MAIN_ARENA, fake_chunk(p, fake_chunk(p, FAKE_HEAP, 0x40), 0x40), FAKE_HEAP + HEAP_BYTES);
        fake_map(p, MAPPED, 0x10000, PF_R | PF_W);
        fake_mmapped(p, 3, 0xf000);
        return p;
}

static size_t mmapped_blocks(const struct fake_process *p)
{
        size_t n = 0;
        struct cs_block_cursor cursor = cs_blocks_all(&p->heaps.blocks);
        struct cs_block b;
        uint32_t i;
        while (cs_blocks_next(&cursor, &b, &i))
                n += cs_block_mmapped(&b);
        return n;
}

static void test_mmapped(void **state)
{
        (void)state;
        struct fake_process *p = with_mapping();
        /* Two neighbours in one mapping, a page that is no chunk, and one more. */
        mmapped(p, MAPPED, 0, 0x3000);
        mmapped(p, MAPPED + 0x3000, 0, 0x1000);
        fake_put(p, MAPPED + 0x4000, 7);
        mmapped(p, MAPPED + 0x5000, 0, 0xb000);
        fake_open(p);
        fake_expect_sound(p);
        expect_main_heap(p);
        assert_int_equal(mmapped_blocks(p), 3);
        fake_expect(p, "first", MAPPED, CS_BLOCK_IN_USE);
        fake_expect(p, "second", MAPPED + 0x3000, CS_BLOCK_IN_USE);
        fake_expect(p, "third", MAPPED + 0x5000, CS_BLOCK_IN_USE);
        struct cs_block block = cs_blocks_get(&p->heaps.blocks, fake_block(p, MAPPED + 16)), *b = &block;
        assert_int_equal(cs_block_size(b), 0x3000);
        assert_int_equal(cs_block_usable(b), 0x3000 - 16);
        fake_destroy(p);
}

/* What looks like one is none where malloc counts none; and counts that do not fit each other count nothing. */
static void test_none_mmapped(void **state)
{
        (void)state;
        for (unsigned torn = 0; torn < 2; torn++) {
                struct fake_process *p = with_mapping();
                mmapped(p, MAPPED, 0, 0x3000);
                fake_mmapped(p, 0, torn ? 0x3000 : 0);
                fake_open(p);
                fake_expect_sound(p);
                assert_int_equal(mmapped_blocks(p), torn);
                assert_true(p->heaps.mmapped_known == (torn ? UINT64_MAX : 0));
                fake_destroy(p);
        }
}

/* memalign leaves the first header as it was and puts the true one behind it. */
static void test_aligned_mmapped(void **state)
{
        (void)state;
        static const struct {
                uint64_t align, pad;
        } cases[] = { { 64, 0x30 }, { 4096, 0xff0 }, { 0x2000, 0x1ff0 } };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct fake_process *p = with_mapping();
                uint64_t pad = cases[i].pad;
                mmapped(p, MAPPED, 0, 0x6000);
                mmapped(p, MAPPED + pad, pad, 0x6000 - pad);
                mmapped(p, MAPPED + 0x6000, 0, 0x2000);
                fake_open(p);
                fake_expect_sound(p);
                if (mmapped_blocks(p) != 2)
                        fail_msg("align %lx", (unsigned long)cases[i].align);
                fake_expect(p, "moved", MAPPED + pad, CS_BLOCK_IN_USE);
                assert_int_equal((MAPPED + pad + 16) % cases[i].align, 0);
                fake_expect(p, "behind", MAPPED + 0x6000, CS_BLOCK_IN_USE);
                fake_destroy(p);
        }
}

static void test_no_mmapped(void **state)
{
        (void)state;
        static const struct {
                const char *what;
                uint64_t prev, word;
        } cases[] = {
                { "no M bit", 0, 0x2000 },
                { "P bit", 0, 0x2000 | 3 },
                { "non-main bit", 0, 0x2000 | 6 },
                { "not whole pages", 0, 0x2010 | 2 },
                { "prev_size", 0x10, 0x2000 | 2 },
                { "prev_size fills the page up", 0x20, 0x1fe0 | 2 },
                { "empty", 0, 2 },
                { "longer than the mapping", 0, 0x11000 | 2 },
                { "huge", 0, UINT64_MAX & ~UINT64_C(0xffd) },
                { "wraps", UINT64_MAX & ~UINT64_C(0xfff), 0x2000 | 2 },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct fake_process *p = with_mapping();
                fake_put(p, MAPPED + 0x1000, cases[i].prev);
                fake_put(p, MAPPED + 0x1008, cases[i].word);
                fake_open(p);
                if (mmapped_blocks(p))
                        fail_msg("%s: taken for a chunk", cases[i].what);
                fake_destroy(p);
        }
}

/* Nothing is looked for in stacks, heaps, modules and read-only memory. */
static void test_mmapped_elsewhere(void **state)
{
        (void)state;
        struct fake_process *p = with_mapping();
        mmapped(p, FAKE_STACK, 0, 0x1000);
        mmapped(p, FAKE_HEAP + 0x1000, 0, 0x1000);
        mmapped(p, FAKE_APP + FAKE_DATA, 0, 0x1000);
        mmapped(p, FAKE_APP + FAKE_BSS, 0, 0x1000);
        fake_map(p, MAPPED + 0x20000, 0x1000, PF_R);
        mmapped(p, MAPPED + 0x20000, 0, 0x1000);
        fake_open(p);
        assert_int_equal(mmapped_blocks(p), 0);
        fake_destroy(p);
}

/* ---- holes ------------------------------------------------------------------------------------------------------- */

/* The core lacks the heap's second page: the chunk that reaches into it counts as in use, what begins there is unknown,
 * and behind it the walk finds its way again. */
static void test_hole(void **state)
{
        (void)state;
        struct fake_process *p = fake_create();
        static uint8_t heap[HEAP_BYTES];
        uint64_t top = FAKE_HEAP + 0x3000;
        memset(heap, 0, sizeof(heap));
        for (uint64_t at = 0; at < 0x3000; at += 0x60)
                memcpy(heap + at + 8, &(uint64_t){ 0x60 | 1 }, 8);
        memcpy(heap + 0x3008, &(uint64_t){ 0x1000 | 1 }, 8);
        fake_heap(p, HEAP_BYTES);
        fake_put(p, MAIN_ARENA + layout()->top, top);
        p->regions[--p->n].size = 0; /* the heap's memory is added in pieces instead */
        free(p->regions[p->n].bytes);
        corebuilder_load(&p->core, FAKE_HEAP, heap, 0x1000, 0x2000, PF_R | PF_W);
        corebuilder_load(&p->core, FAKE_HEAP + 0x2000, heap + 0x2000, 0x2000, 0x2000, PF_R | PF_W);
        fake_open(p);
        expect_damage(p, "cannot be read");
        uint64_t last = 0x1000 / 0x60 * 0x60, next = (0x2000 + 0x5f) / 0x60 * 0x60;
        for (uint64_t at = 0; at <= last; at += 0x60)
                fake_expect(p, "before the hole", FAKE_HEAP + at, CS_BLOCK_IN_USE);
        for (uint64_t at = last + 0x60; at < next; at += 0x60)
                fake_expect(p, "in the hole", FAKE_HEAP + at, -1);
        for (uint64_t at = next; at < 0x3000; at += 0x60)
                fake_expect(p, "behind the hole", FAKE_HEAP + at, CS_BLOCK_IN_USE);
        fake_expect(p, "top", top, CS_BLOCK_TOP);
        fake_relate(p, 2);
        fake_destroy(p);
}

/* Neighbouring PT_LOADs are one heap, wherever they are cut. */
static void test_cut_into_pieces(void **state)
{
        (void)state;
        struct fake_process *p = fake_create();
        static uint8_t heap[HEAP_BYTES];
        memset(heap, 0, sizeof(heap));
        for (uint64_t at = 0; at < 0x3000; at += 0x60)
                memcpy(heap + at + 8, &(uint64_t){ 0x60 | 1 }, 8);
        memcpy(heap + 0x3008, &(uint64_t){ 0x1000 | 1 }, 8);
        fake_heap(p, HEAP_BYTES);
        fake_put(p, MAIN_ARENA + layout()->top, FAKE_HEAP + 0x3000);
        free(p->regions[--p->n].bytes);
        for (uint64_t at = 0; at < HEAP_BYTES; at += 0x1000)
                corebuilder_load(&p->core, FAKE_HEAP + at, heap + at, 0x1000, 0x1000, PF_R | PF_W);
        fake_open(p);
        fake_expect_sound(p);
        assert_int_equal(cs_blocks_indices(&p->heaps.blocks), 0x3000 / 0x60 + 1);
        assert_int_equal(p->heaps.blocks.ranges.n, 1);
        fake_destroy(p);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_one_heap, set_up, tear_down),
                cmocka_unit_test(test_two_heaps),
                cmocka_unit_test(test_heaps_form_a_ring),
                cmocka_unit_test(test_lying_heap),
                cmocka_unit_test(test_arena_top_nowhere),
                cmocka_unit_test(test_arena_top_behind_the_heap),
                cmocka_unit_test(test_torn_ring),
                cmocka_unit_test(test_main_top_is_gone),
                cmocka_unit_test(test_ring_never_closes),
                cmocka_unit_test(test_mmapped),
                cmocka_unit_test(test_none_mmapped),
                cmocka_unit_test(test_aligned_mmapped),
                cmocka_unit_test(test_no_mmapped),
                cmocka_unit_test(test_mmapped_elsewhere),
                cmocka_unit_test(test_hole),
                cmocka_unit_test(test_cut_into_pieces),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
