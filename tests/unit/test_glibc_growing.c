/* SPDX-License-Identifier: Apache-2.0 */
/* Heaps of a process that went on growing after its mappings were listed: what was there then is walked, and nothing is called damaged. */
#include "fake_glibc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define MAIN_ARENA (FAKE_LIBC + FAKE_ARENA)
#define HEAP_END (FAKE_HEAP + HEAP_BYTES)
#define HEAP_1 UINT64_C(0x7f0000000000)
#define HEAP_2 (HEAP_1 + GLIBC_HEAP_MAX)
#define HEAP_3 (HEAP_2 + GLIBC_HEAP_MAX)
#define ARENA_1 (HEAP_1 + 0x30)
#define FIRST_1 (ARENA_1 + 0x8a0)

enum { HEAP_BYTES = 0x4000, FAR = 0x100000, LAST = 0x100 };

static const struct cs_glibc_layout *layout(void)
{
        return &cs_glibc_layouts[0];
}

static uint64_t size_at(const struct fake_process *p, uint64_t chunk)
{
        struct cs_block b = cs_blocks_get(&p->heaps.blocks, fake_block(p, chunk + GLIBC_HEADER));
        return cs_block_size(&b);
}

/* Chunks up to `last` bytes before the end of what was there; returns where the last one begins. */
static uint64_t main_chunks(struct fake_process *p, uint64_t last)
{
        uint64_t at = FAKE_HEAP;
        fake_heap(p, HEAP_BYTES);
        for (unsigned i = 0; i < 16; i++)
                at = fake_chunk(p, at, 0x40);
        return fake_chunk(p, at, HEAP_END - last - at);
}

static void top_is_at(struct fake_process *p, uint64_t arena, uint64_t top)
{
        fake_put(p, arena + layout()->top, top);
}

static void open_growing(struct fake_process *p, bool live)
{
        p->live = live;
        fake_open(p);
}

/* Top lies where nothing was; a chunk reaches there, as most do, or one ends just where memory did. */
static void test_top_beyond(void **state)
{
        (void)state;
        static const struct {
                uint64_t last, size, top;
        } cases[] = {
                { LAST, 0x500, HEAP_END + FAR },
                { LAST, 0x500, HEAP_END + 0x400 }, /* the chunk is the one before top */
                { LAST, LAST, HEAP_END },
                { LAST, LAST, HEAP_END + FAR },
                { 0x10, 0x500, HEAP_END + FAR }, /* only its header was there */
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct fake_process *p = fake_create();
                uint64_t last = main_chunks(p, cases[i].last);
                fake_chunk(p, last, cases[i].size);
                top_is_at(p, MAIN_ARENA, cases[i].top);
                open_growing(p, true);
                fake_expect_sound(p);
                fake_expect(p, "first", FAKE_HEAP, CS_BLOCK_IN_USE);
                fake_expect(p, "one of many", FAKE_HEAP + 0x3c0, CS_BLOCK_IN_USE);
                fake_expect(p, "before the last", FAKE_HEAP + 0x400, CS_BLOCK_IN_USE);
                fake_expect(p, "last", last, CS_BLOCK_IN_USE);
                if (cases[i].last == LAST)
                        assert_int_equal(size_at(p, last), LAST); /* as much of it as was there */
                struct cs_range claimed;
                assert_true(cs_heaps_claims(&p->heaps, FAKE_HEAP, &claimed));
                assert_true(claimed.start == FAKE_HEAP && claimed.end == HEAP_END);
                fake_destroy(p);
        }
}

/* Where top is, it was; only its end is farther away by now. */
static void test_top_longer(void **state)
{
        (void)state;
        struct fake_process *p = fake_create();
        uint64_t top = main_chunks(p, LAST);
        fake_top(p, MAIN_ARENA, top, HEAP_END + FAR);
        open_growing(p, true);
        fake_expect_sound(p);
        fake_expect(p, "before top", FAKE_HEAP + 0x400, CS_BLOCK_IN_USE);
        fake_expect(p, "top", top, CS_BLOCK_TOP);
        assert_int_equal(size_at(p, top), LAST);
        assert_int_equal(p->heaps.arenas.at[0].top, LAST);
        fake_destroy(p);
}

/* A bin may hold a chunk that was not there, either. */
static void test_bin_beyond(void **state)
{
        (void)state;
        struct fake_process *p = fake_create();
        fake_chunk(p, main_chunks(p, LAST), 0x500);
        top_is_at(p, MAIN_ARENA, HEAP_END + FAR);
        for (unsigned half = 0; half < 2; half++)
                fake_put(p, MAIN_ARENA + layout()->bins + 16 * 64 + 8 * half, HEAP_END + 0x8000);
        open_growing(p, true);
        fake_expect_sound(p);
        fake_expect(p, "first", FAKE_HEAP, CS_BLOCK_IN_USE);
        fake_destroy(p);
}

/* What does not move has no such excuse; nor has what leads elsewhere. */
static void test_still_damage(void **state)
{
        (void)state;
        static const struct {
                bool live;
                uint64_t last, top;
        } cases[] = {
                { false, 0x500, HEAP_END + FAR },
                { true, 0x500, HEAP_END + FAR + 8 },
                { true, 0x500, FAKE_STACK + 0x100000000 + 8 },
                { true, FAR * 2, HEAP_END + FAR }, /* over the top */
                { true, 0x28, HEAP_END + FAR },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct fake_process *p = fake_create();
                fake_chunk(p, main_chunks(p, LAST), cases[i].last);
                top_is_at(p, MAIN_ARENA, cases[i].top);
                open_growing(p, cases[i].live);
                if (!p->heaps.corrupt.n)
                        fail_msg("case %zu: no damage is reported", i);
                fake_destroy(p);
        }
}

/* ---- arenas of threads ------------------------------------------------------------------------------------------- */

static uint64_t thread_chunk(struct fake_process *p, uint64_t at, uint64_t size)
{
        fake_put(p, at + 8, size | GLIBC_PREV_IN_USE | GLIBC_NON_MAIN);
        return at + size;
}

static void heap_info(struct fake_process *p, uint64_t heap, uint64_t prev, uint64_t size)
{
        fake_put(p, heap, ARENA_1);
        fake_put(p, heap + 8, prev);
        fake_put(p, heap + 16, size);
}

/* A heap that was HEAP_BYTES long, its last chunk LAST bytes before that end and far longer; returns where that begins. */
static uint64_t thread_heap(struct fake_process *p, uint64_t heap, uint64_t prev, uint64_t first)
{
        fake_map(p, heap, HEAP_BYTES, PF_R | PF_W);
        heap_info(p, heap, prev, 2 * HEAP_BYTES);
        uint64_t last =
                thread_chunk(p, thread_chunk(p, first, 0x50), heap + HEAP_BYTES - LAST - first - 0x50);
        thread_chunk(p, last, 0x500);
        return last;
}

static struct fake_process *with_arena(void)
{
        struct fake_process *p = fake_create();
        fake_top(p, MAIN_ARENA, main_chunks(p, LAST), HEAP_END);
        return p;
}

static void add_arena(struct fake_process *p)
{
        fake_arena(p, ARENA_1);
        fake_put(p, MAIN_ARENA + layout()->next, ARENA_1);
        fake_put(p, ARENA_1 + layout()->next, MAIN_ARENA);
}

static void expect_heap(const struct fake_process *p, uint64_t first, uint64_t last)
{
        fake_expect(p, "first of the heap", first, CS_BLOCK_IN_USE);
        fake_expect(p, "second of the heap", first + 0x50, CS_BLOCK_IN_USE);
        fake_expect(p, "last of the heap", last, CS_BLOCK_IN_USE);
        assert_int_equal(size_at(p, last), LAST);
}

static void test_thread_heap(void **state)
{
        (void)state;
        struct fake_process *p = with_arena();
        uint64_t last = thread_heap(p, HEAP_1, 0, FIRST_1);
        add_arena(p);
        top_is_at(p, ARENA_1, last + 0x500);
        open_growing(p, true);
        fake_expect_sound(p);
        expect_heap(p, FIRST_1, last);
        assert_int_equal(p->heaps.arenas.at[1].top, 0);
        fake_destroy(p);
}

/* The heap that was the newest one is full by now, and top lies in one that nobody knew: of those before, each names the one before it. */
static void test_new_heap(void **state)
{
        (void)state;
        for (int known = 0; known < 2; known++) {
                struct fake_process *p = with_arena();
                uint64_t last = thread_heap(p, HEAP_1, 0, FIRST_1);
                uint64_t second = known ? thread_heap(p, HEAP_2, HEAP_1, HEAP_2 + 0x30) : 0;
                add_arena(p);
                top_is_at(p, ARENA_1, HEAP_2 + 3 * (uint64_t)GLIBC_HEAP_MAX + 0x100);
                open_growing(p, true);
                fake_expect_sound(p);
                expect_heap(p, FIRST_1, last);
                if (known)
                        expect_heap(p, HEAP_2 + 0x30, second);
                fake_destroy(p);
        }
}

/* What malloc had only reserved when the mappings were listed: its words can be read by now. */
static void reserved_heap(struct fake_process *p, uint64_t heap, uint64_t prev)
{
        fake_map(p, heap, HEAP_BYTES, 0);
        heap_info(p, heap, prev, HEAP_BYTES);
        thread_chunk(p, heap + 0x30, 0x50);
}

/* Of heaps that have come since nothing is walked; those before them are. */
static void test_reserved_heap(void **state)
{
        (void)state;
        for (int newest = 0; newest < 2; newest++) {
                struct fake_process *p = with_arena();
                uint64_t last = thread_heap(p, HEAP_1, 0, FIRST_1);
                reserved_heap(p, HEAP_2, HEAP_1);
                /* A newer one may have been listed, for it lies higher. */
                uint64_t third = newest ? 0 : thread_heap(p, HEAP_3, HEAP_2, HEAP_3 + 0x30);
                add_arena(p);
                top_is_at(p, ARENA_1, newest ? HEAP_2 + 0x80 : third + 0x500);
                open_growing(p, true);
                fake_expect_sound(p);
                expect_heap(p, FIRST_1, last);
                fake_expect(p, "of what was reserved", HEAP_2 + 0x30, -1);
                if (!newest)
                        expect_heap(p, HEAP_3 + 0x30, third);
                fake_destroy(p);
        }
}

/* The arena of a new thread. */
static void test_reserved_arena(void **state)
{
        (void)state;
        struct fake_process *p = with_arena();
        reserved_heap(p, HEAP_1, 0);
        add_arena(p);
        top_is_at(p, ARENA_1, FIRST_1);
        open_growing(p, true);
        fake_expect_sound(p);
        assert_int_equal(p->heaps.arenas.n, 2);
        fake_expect(p, "of the main arena", FAKE_HEAP, CS_BLOCK_IN_USE);
        fake_expect(p, "of what was reserved", FIRST_1, -1);
        fake_destroy(p);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_top_beyond),    cmocka_unit_test(test_top_longer),
                cmocka_unit_test(test_bin_beyond),    cmocka_unit_test(test_still_damage),
                cmocka_unit_test(test_thread_heap),   cmocka_unit_test(test_new_heap),
                cmocka_unit_test(test_reserved_heap), cmocka_unit_test(test_reserved_arena),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
