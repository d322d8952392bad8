/* SPDX-License-Identifier: Apache-2.0 */
/* The first page of an arena, or of one of its heaps, cannot be read: it was left out of the core, or is swapped out. What lies behind it in
 * its heap is found all the same, and so is what it alone would have led to. */
#include "fake_glibc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#define MAIN_ARENA (FAKE_LIBC + FAKE_ARENA)
#define HEAP(i) (UINT64_C(0x7f0000000000) + (uint64_t)(i)*GLIBC_HEAP_MAX)

enum { HEAP_BYTES = 0x8000, CHUNK = 0x110, HEAPS = 4, INFO = 0x30, ARENA = 0x8a0 };

static const struct cs_glibc_layout *layout(void)
{
        return &cs_glibc_layouts[0];
}

static uint64_t arena_of(unsigned heap)
{
        return HEAP(heap) + INFO;
}

static uint64_t first_of(unsigned heap, bool arena)
{
        return HEAP(heap) + INFO + (arena ? ARENA : 0);
}

/* A heap of chunks, its first page a mapping by itself; returns where what is behind its chunks begins. */
static uint64_t heap(struct fake_process *p, unsigned i, uint64_t arena, uint64_t prev)
{
        fake_map(p, HEAP(i), CS_PAGE, PF_R | PF_W);
        fake_map(p, HEAP(i) + CS_PAGE, HEAP_BYTES - CS_PAGE, PF_R | PF_W);
        if (arena == arena_of(i))
                fake_arena(p, arena);
        fake_put(p, HEAP(i), arena);
        fake_put(p, HEAP(i) + 8, prev);
        fake_put(p, HEAP(i) + 16, HEAP_BYTES);
        uint64_t at = first_of(i, arena == arena_of(i)), end = HEAP(i) + HEAP_BYTES - 2 * CHUNK;
        for (; at < end; at += CHUNK)
                fake_put(p, at + 8, CHUNK | GLIBC_PREV_IN_USE | GLIBC_NON_MAIN);
        return at;
}

/* One that is full: it ends in fenceposts. */
static void full_heap(struct fake_process *p, unsigned i, uint64_t arena, uint64_t prev)
{
        uint64_t at = heap(p, i, arena, prev), end = HEAP(i) + HEAP_BYTES;
        fake_put(p, at + 8, (end - at - 0x20) | GLIBC_PREV_IN_USE | GLIBC_NON_MAIN);
        fake_put(p, end - 0x20 + 8, 0x10 | GLIBC_PREV_IN_USE);
        fake_put(p, end - 0x10 + 8, GLIBC_PREV_IN_USE);
}

/* One with a top. */
static void newest_heap(struct fake_process *p, unsigned i, uint64_t arena, uint64_t prev)
{
        fake_top(p, arena, heap(p, i, arena, prev), HEAP(i) + HEAP_BYTES);
}

static struct fake_process *with_main(void)
{
        struct fake_process *p = fake_create();
        fake_heap(p, HEAP_BYTES);
        fake_top(p, MAIN_ARENA, fake_chunk(p, FAKE_HEAP, 0x40), FAKE_HEAP + HEAP_BYTES);
        return p;
}

static void expect_told(const struct fake_process *p, uint64_t unread)
{
        assert_true(p->heaps.found.n == 1 && p->heaps.found.at[0].walked);
        assert_non_null(p->heaps.found.at[0].partial);
        assert_int_equal(p->heaps.corrupt.n, 1);
        assert_true(p->heaps.corrupt.at[0].address == unread);
        assert_non_null(strstr(p->heaps.corrupt.at[0].what, "cannot be read"));
        fake_expect(p, "of the main heap", FAKE_HEAP, CS_BLOCK_IN_USE);
}

/* From the given chunk of the heap on. */
static void expect_chunks(const struct fake_process *p, unsigned i, bool arena, unsigned from)
{
        uint64_t at = first_of(i, arena) + from * CHUNK;
        for (; at < HEAP(i) + HEAP_BYTES - 2 * CHUNK; at += CHUNK)
                if (fake_state(p, at) != CS_BLOCK_IN_USE)
                        fail_msg("heap %u: state %d at %lx", i, fake_state(p, at), (unsigned long)at);
}

static uint64_t first_readable(unsigned i, bool arena)
{
        return (HEAP(i) + CS_PAGE - first_of(i, arena) + CHUNK - 1) / CHUNK;
}

/* The ring leads from one arena to the next; of each in turn the first page is not there, or not even its place. */
static void test_arena(void **state)
{
        (void)state;
        for (unsigned unread = 0; unread < HEAPS; unread++) {
                struct fake_process *p = with_main();
                for (unsigned i = 0; i < HEAPS; i++)
                        newest_heap(p, i, arena_of(i), 0);
                fake_put(p, MAIN_ARENA + layout()->next, arena_of(HEAPS - 1));
                for (unsigned i = 0; i < HEAPS; i++)
                        fake_put(p, arena_of(i) + layout()->next, i ? arena_of(i - 1) : MAIN_ARENA);
                fake_leave_out(p, HEAP(unread));
                fake_open(p);
                expect_told(p, HEAP(unread));
                assert_int_equal(p->heaps.arenas.n, HEAPS + 1);
                for (unsigned i = 0; i < HEAPS; i++)
                        expect_chunks(p, i, true, i == unread ? (unsigned)first_readable(i, true) : 0);
                fake_expect(p, "what was in the page", first_of(unread, true), -1);
                fake_destroy(p);
        }
}

/* One arena of several heaps, each of which names the one before it. */
static void test_heap(void **state)
{
        (void)state;
        for (unsigned unread = 0; unread < HEAPS; unread++) {
                struct fake_process *p = with_main();
                for (unsigned i = 0; i + 1 < HEAPS; i++)
                        full_heap(p, i, arena_of(0), i ? HEAP(i - 1) : 0);
                newest_heap(p, HEAPS - 1, arena_of(0), HEAP(HEAPS - 2));
                fake_put(p, MAIN_ARENA + layout()->next, arena_of(0));
                fake_put(p, arena_of(0) + layout()->next, MAIN_ARENA);
                fake_leave_out(p, HEAP(unread));
                fake_open(p);
                expect_told(p, HEAP(unread));
                assert_int_equal(p->heaps.arenas.n, 2);
                for (unsigned i = 0; i < HEAPS; i++)
                        expect_chunks(p, i, i == 0, i == unread ? (unsigned)first_readable(i, i == 0) : 0);
                fake_destroy(p);
        }
}

/* What is there in whole is not looked for. */
static void test_nothing_missing(void **state)
{
        (void)state;
        struct fake_process *p = with_main();
        newest_heap(p, 0, arena_of(0), 0);
        fake_put(p, MAIN_ARENA + layout()->next, arena_of(0));
        fake_put(p, arena_of(0) + layout()->next, MAIN_ARENA);
        heap(p, 1, arena_of(0), 0); /* which nobody leads to */
        fake_open(p);
        fake_expect_sound(p);
        assert_null(p->heaps.found.at[0].partial);
        expect_chunks(p, 0, true, 0);
        fake_expect(p, "of the other", first_of(1, false), -1);
        fake_destroy(p);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_arena),
                cmocka_unit_test(test_heap),
                cmocka_unit_test(test_nothing_missing),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
