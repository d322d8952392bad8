/* SPDX-License-Identifier: Apache-2.0 */
/* glibc heaps laid out by hand, sound and damaged: the state of every chunk, and that every walk ends. */
#include "fake_glibc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define ARENA (FAKE_LIBC + FAKE_ARENA)

enum { HEAP_BYTES = 0x8000, CACHE_CHUNK = 0x290, FAST_MIN = 0x20 };

#define HEAP_END (FAKE_HEAP + HEAP_BYTES)

static const struct cs_glibc_layout *layout(void)
{
        return &cs_glibc_layouts[0];
}

static int set_up(void **state)
{
        struct fake_process *p = fake_create();
        *state = p;
        fake_heap(p, HEAP_BYTES);
        return 0;
}

static int tear_down(void **state)
{
        fake_destroy(*state);
        return 0;
}

/* n chunks of one size, from FAKE_HEAP on; returns where the next begins. */
static uint64_t chunks(struct fake_process *p, uint64_t at, size_t n, uint64_t size)
{
        for (size_t i = 0; i < n; i++)
                at = fake_chunk(p, at, size);
        return at;
}

/* The mangled link in a free chunk. */
static void link_chunk(struct fake_process *p, uint64_t chunk, uint64_t target)
{
        fake_put(p, chunk + 16, (chunk + 16) >> 12 ^ target);
}

static void set_fastbin(struct fake_process *p, unsigned bin, uint64_t chunk)
{
        fake_put(p, ARENA + layout()->fastbins + 8 * (uint64_t)bin, chunk);
}

/* A thread cache in the chunk at `at`: one bin with `count` chunks, the first of them at `chunk`. */
static void set_cache(struct fake_process *p, uint64_t at, unsigned bin, uint16_t count, uint64_t chunk)
{
        fake_write(p, at + 16 + 2 * (uint64_t)bin, &count, sizeof(count));
        fake_put(p, at + 16 + layout()->tcache_heads + 8 * (uint64_t)bin, chunk ? chunk + 16 : 0);
}

static void expect_damage(const struct fake_process *p, const char *what, uint64_t at)
{
        for (size_t i = 0; i < p->heaps.corrupt.n; i++)
                if (strstr(p->heaps.corrupt.at[i].what, what) &&
                    (!at || p->heaps.corrupt.at[i].address == at))
                        return;
        fail_msg("no damage \"%s\" is reported", what);
}

/* ---- sound heaps ------------------------------------------------------------------------------------------------- */

static void test_in_use_and_free(void **state)
{
        struct fake_process *p = *state;
        uint64_t a = FAKE_HEAP, b = fake_chunk(p, a, 0x40), c = fake_chunk(p, b, 0x100),
                 d = fake_chunk(p, c, 0x20), top = fake_chunk(p, d, 0x1230);
        fake_top(p, ARENA, top, HEAP_END);
        fake_free(p, b);
        fake_free(p, d);
        fake_open(p);
        fake_expect_sound(p);
        fake_expect(p, "first", a, CS_BLOCK_IN_USE);
        fake_expect(p, "free", b, CS_BLOCK_FREE);
        fake_expect(p, "behind a free one", c, CS_BLOCK_IN_USE);
        fake_expect(p, "free before the top", d, CS_BLOCK_FREE);
        fake_expect(p, "top", top, CS_BLOCK_TOP);
        assert_int_equal(cs_blocks_indices(&p->heaps.blocks), 5);
        assert_int_equal(p->heaps.blocks.ranges.n, 1);
        assert_int_equal(p->heaps.found.n, 1);
        assert_string_equal(p->heaps.found.at[0].allocator, "glibc");
        assert_true(p->heaps.found.at[0].walked);
        assert_int_equal(p->heaps.arenas.n, 1);
        assert_true(p->heaps.arenas.at[0].main);
        assert_int_equal(p->heaps.arenas.at[0].top, HEAP_END - top);
        assert_int_equal(p->heaps.mmapped_known, 0);
        struct cs_block first = cs_blocks_get(&p->heaps.blocks, 0), *block = &first;
        assert_int_equal(cs_block_size(block), 0x40);
        assert_int_equal(cs_block_usable(block), 0x38);
}

static void test_never_used(void **state)
{
        struct fake_process *p = *state;
        fake_open(p); /* top is initial_top still */
        fake_expect_sound(p);
        assert_int_equal(cs_blocks_indices(&p->heaps.blocks), 0);
        assert_int_equal(p->heaps.found.n, 1);
}

/* What lies behind the top is not the arena's, whatever it looks like. */
static void test_behind_top(void **state)
{
        struct fake_process *p = *state;
        uint64_t a = FAKE_HEAP, top = fake_chunk(p, a, 0x40), end = HEAP_END - 0x1000;
        fake_top(p, ARENA, top, end);
        fake_chunk(p, fake_chunk(p, end, 0x100), 0x100);
        fake_put(p, FAKE_LIBC + FAKE_ARENA + layout()->system_mem, end - FAKE_HEAP);
        fake_open(p);
        fake_expect_sound(p);
        fake_expect(p, "first", a, CS_BLOCK_IN_USE);
        fake_expect(p, "top", top, CS_BLOCK_TOP);
        assert_int_equal(cs_blocks_indices(&p->heaps.blocks), 2);
}

static void test_bins_in_use(void **state)
{
        struct fake_process *p = *state;
        uint64_t a = FAKE_HEAP, b = fake_chunk(p, a, 0x500), top = fake_chunk(p, b, 0x40);
        uint64_t bin = ARENA + layout()->bins; /* the unsorted list holds a */
        fake_top(p, ARENA, top, HEAP_END);
        fake_free(p, a);
        fake_put(p, bin, a);
        fake_put(p, bin + 8, a);
        fake_put(p, a + 16, bin - 16);
        fake_put(p, a + 24, bin - 16);
        fake_open(p);
        fake_expect_sound(p);
        fake_expect(p, "in the unsorted list", a, CS_BLOCK_FREE);
        fake_expect(p, "behind it", b, CS_BLOCK_IN_USE);
}

static void test_without_parameters(void **state)
{
        struct fake_process *p = *state;
        uint64_t top = chunks(p, FAKE_HEAP, 5, 0x60);
        fake_top(p, ARENA, top, HEAP_END);
        fake_put(p, FAKE_LIBC + FAKE_PARAMETERS + layout()->mp_sbrk_base, 0);
        fake_open(p); /* the start is told by system_mem */
        fake_expect_sound(p);
        fake_expect(p, "first", FAKE_HEAP, CS_BLOCK_IN_USE);
        assert_int_equal(cs_blocks_indices(&p->heaps.blocks), 6);
        assert_true(p->heaps.mmapped_known == UINT64_MAX);
}

/* A program that was loaded low has a heap that begins inside a page. */
static void test_heap_begins_inside_page(void **state)
{
        struct fake_process *p = *state;
        uint64_t first = FAKE_HEAP + 0x560, top = chunks(p, first, 3, 0x60);
        fake_top(p, ARENA, top, HEAP_END);
        fake_put(p, FAKE_LIBC + FAKE_PARAMETERS + layout()->mp_sbrk_base, first);
        fake_open(p);
        fake_expect_sound(p);
        fake_expect(p, "first", first, CS_BLOCK_IN_USE);
        assert_int_equal(cs_blocks_indices(&p->heaps.blocks), 4);
}

static void test_not_glibc(void **state)
{
        struct fake_process *p = *state;
        uint64_t pair = ARENA + layout()->bins + 16 * 60;
        fake_top(p, ARENA, FAKE_HEAP, HEAP_END);
        fake_put(p, pair, 5); /* one head that points nowhere: these are no bins */
        fake_open(p);
        assert_int_equal(p->heaps.found.n, 0);
        assert_int_equal(cs_blocks_indices(&p->heaps.blocks), 0);
}

/* ---- caches ------------------------------------------------------------------------------------------------------ */

static void test_fastbins(void **state)
{
        struct fake_process *p = *state;
        uint64_t c[6], at = FAKE_HEAP;
        for (size_t i = 0; i < 6; i++) {
                c[i] = at;
                at = fake_chunk(p, at, i < 4 ? FAST_MIN : 0x50);
        }
        fake_top(p, ARENA, at, HEAP_END);
        set_fastbin(p, 0, c[2]);
        link_chunk(p, c[2], c[0]);
        link_chunk(p, c[0], 0);
        set_fastbin(p, 3, c[5]);
        link_chunk(p, c[5], 0);
        fake_open(p);
        fake_expect_sound(p);
        static const int want[] = { CS_BLOCK_CACHED, CS_BLOCK_IN_USE, CS_BLOCK_CACHED,
                                    CS_BLOCK_IN_USE, CS_BLOCK_IN_USE, CS_BLOCK_CACHED };
        for (size_t i = 0; i < 6; i++)
                assert_int_equal(fake_state(p, c[i]), want[i]);
}

static void test_thread_caches(void **state)
{
        struct fake_process *p = *state;
        uint64_t first = FAKE_HEAP, second = fake_chunk(p, first, CACHE_CHUNK),
                 empty = fake_chunk(p, second, CACHE_CHUNK), at = fake_chunk(p, empty, CACHE_CHUNK), c[8];
        for (size_t i = 0; i < 8; i++) {
                c[i] = at;
                at = fake_chunk(p, at, i < 4 ? 0x40 : 0x410);
        }
        fake_top(p, ARENA, at, HEAP_END);
        set_cache(p, first, 2, 2, c[0]);
        link_chunk(p, c[0], c[1] + 16);
        link_chunk(p, c[1], 0);
        set_cache(p, first, 63, 1, c[6]);
        link_chunk(p, c[6], 0);
        set_cache(p, second, 2, 1, c[3]);
        link_chunk(p, c[3], 0);
        fake_open(p);
        fake_expect_sound(p);
        fake_expect(p, "first cache", first, CS_BLOCK_INTERNAL);
        fake_expect(p, "second cache", second, CS_BLOCK_INTERNAL);
        /* All zero: it could be anything, and so it is somebody's block. */
        fake_expect(p, "empty cache", empty, CS_BLOCK_IN_USE);
        static const int want[] = { CS_BLOCK_CACHED, CS_BLOCK_CACHED, CS_BLOCK_IN_USE, CS_BLOCK_CACHED,
                                    CS_BLOCK_IN_USE, CS_BLOCK_IN_USE, CS_BLOCK_CACHED, CS_BLOCK_IN_USE };
        for (size_t i = 0; i < 8; i++)
                assert_int_equal(fake_state(p, c[i]), want[i]);
}

/* A block of the right size that only looks a little like a cache: nothing is marked. */
static void test_no_thread_cache(void **state)
{
        static const struct {
                const char *what;
                unsigned bin;
                uint16_t count;
                bool head;
        } cases[] = {
                { "count without head", 2, 1, false },
                { "head without count", 2, 0, true },
                { "head of another size", 3, 1, true },
        };
        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct fake_process *p = fake_create();
                fake_heap(p, HEAP_BYTES);
                uint64_t cache = FAKE_HEAP, chunk = fake_chunk(p, cache, CACHE_CHUNK),
                         top = fake_chunk(p, chunk, 0x40);
                fake_top(p, ARENA, top, HEAP_END);
                set_cache(p, cache, cases[i].bin, cases[i].count, cases[i].head ? chunk : 0);
                fake_open(p);
                fake_expect(p, cases[i].what, cache, CS_BLOCK_IN_USE);
                fake_expect(p, cases[i].what, chunk, CS_BLOCK_IN_USE);
                fake_destroy(p);
        }
}

/* Lists that go round, lead nowhere, or go on beyond their count. */
static void test_broken_lists(void **state)
{
        (void)state;
        enum { CYCLE, SELF, OUTSIDE, UNALIGNED, FREE_CHUNK, INTO_MIDDLE, OTHER_SIZE, KINDS };
        for (int kind = 0; kind < KINDS; kind++)
                for (int cache = 0; cache < 2; cache++) {
                        struct fake_process *p = fake_create();
                        fake_heap(p, HEAP_BYTES);
                        uint64_t table = FAKE_HEAP, a = fake_chunk(p, table, CACHE_CHUNK),
                                 b = fake_chunk(p, a, FAST_MIN), c = fake_chunk(p, b, FAST_MIN),
                                 d = fake_chunk(p, c, 0x40), top = fake_chunk(p, d, 0x500);
                        uint64_t pointed = cache ? 16 : 0;
                        const uint64_t next[] = { a, b, UINT64_C(0x7ffffffff000), a + 8, d, c + 16, c };
                        fake_top(p, ARENA, top, HEAP_END);
                        fake_free(p, d);
                        if (cache)
                                set_cache(p, table, 0, 7, a);
                        else
                                set_fastbin(p, 0, a);
                        link_chunk(p, a, b + pointed);
                        link_chunk(p, b, next[kind] + pointed);
                        fake_open(p);
                        fake_expect(p, "first of the list", a, CS_BLOCK_CACHED);
                        fake_expect(p, "second of the list", b, CS_BLOCK_CACHED);
                        fake_expect(p, "not of the list", c, CS_BLOCK_IN_USE);
                        fake_expect(p, "free", d, CS_BLOCK_FREE);
                        expect_damage(p, cache ? "thread cache list" : "fastbin list", 0);
                        fake_destroy(p);
                }
}

/* A free chunk in a fastbin, one that leads to itself: every step finds the same chunk, and the walk ends all the same. */
static void test_ring_of_free_chunks(void **state)
{
        struct fake_process *p = *state;
        uint64_t a = FAKE_HEAP, b = fake_chunk(p, a, FAST_MIN), top = fake_chunk(p, b, FAST_MIN);
        fake_top(p, ARENA, top, HEAP_END);
        fake_free(p, a);
        set_fastbin(p, 0, a);
        link_chunk(p, a, a);
        fake_open(p);
        fake_expect(p, "free", a, CS_BLOCK_FREE);
        fake_expect(p, "in use", b, CS_BLOCK_IN_USE);
        /* The broken link is the one in the arena. */
        expect_damage(p, "fastbin list", ARENA + cs_glibc_layouts[0].fastbins);
}

static void test_list_longer_than_count(void **state)
{
        struct fake_process *p = *state;
        uint64_t table = FAKE_HEAP, a = fake_chunk(p, table, CACHE_CHUNK), b = fake_chunk(p, a, 0x30),
                 top = fake_chunk(p, b, 0x30);
        fake_top(p, ARENA, top, HEAP_END);
        set_cache(p, table, 1, 1, a);
        link_chunk(p, a, b + 16);
        fake_open(p);
        fake_expect(p, "counted", a, CS_BLOCK_CACHED);
        fake_expect(p, "beyond the count", b, CS_BLOCK_IN_USE);
}

/* ---- damage ------------------------------------------------------------------------------------------------------ */

/* One size word that cannot be true: it is reported, and the chunks behind it are found again. */
static void test_impossible_sizes(void **state)
{
        (void)state;
        static const struct {
                const char *what;
                uint64_t word;
        } cases[] = {
                { "zero", 0 },
                { "zero with P", 1 },
                { "smaller than any", 0x10 | 1 },
                { "unaligned", 0x48 | 1 },
                { "huge", UINT64_MAX },
                { "wraps", UINT64_C(0) - 0x40 },
                { "one page beyond the heap", HEAP_BYTES + 0x1000 + 1 },
                { "mmapped", 0x40 | GLIBC_IS_MMAPPED },
                { "text", UINT64_C(0x4141414141414141) },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct fake_process *p = fake_create();
                fake_heap(p, HEAP_BYTES);
                uint64_t bad = chunks(p, FAKE_HEAP, 10, 0x40), top = chunks(p, bad, 10, 0x40);
                fake_top(p, ARENA, top, HEAP_END);
                fake_put(p, bad + 8, cases[i].word);
                fake_open(p);
                expect_damage(p, "chunk size is impossible", bad);
                for (uint64_t c = FAKE_HEAP; c < bad; c += 0x40)
                        fake_expect(p, cases[i].what, c, CS_BLOCK_IN_USE);
                fake_expect(p, cases[i].what, bad, -1);
                for (uint64_t c = bad + 0x40; c < top; c += 0x40)
                        fake_expect(p, cases[i].what, c, CS_BLOCK_IN_USE);
                fake_expect(p, cases[i].what, top, CS_BLOCK_TOP);
                assert_int_equal(cs_blocks_indices(&p->heaps.blocks), 20 + 1); /* the damaged one is a gap */
                fake_destroy(p);
        }
}

/* A size that is possible by itself, but would take the chunk beyond the top. */
static void test_size_over_top(void **state)
{
        struct fake_process *p = *state;
        uint64_t bad = chunks(p, FAKE_HEAP, 10, 0x40), top = chunks(p, bad, 10, 0x40);
        fake_top(p, ARENA, top, HEAP_END);
        fake_put(p, bad + 8, (top - bad + 0x100) | 1);
        fake_open(p);
        expect_damage(p, "chunk size is impossible", bad);
        fake_expect(p, "before", bad - 0x40, CS_BLOCK_IN_USE);
        fake_expect(p, "behind", bad + 0x40, CS_BLOCK_IN_USE);
        fake_expect(p, "top", top, CS_BLOCK_TOP);
}

/* Everything behind some place is noise. */
static void test_noise(void **state)
{
        (void)state;
        static const uint64_t words[] = { UINT64_MAX, 0x21, 0x31, UINT64_C(0x6161616161616161) };
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
                struct fake_process *p = fake_create();
                fake_heap(p, HEAP_BYTES);
                uint64_t noise = chunks(p, FAKE_HEAP, 10, 0x40);
                for (uint64_t at = noise; at < HEAP_END; at += 8)
                        fake_put(p, at, words[i]);
                fake_put(p, ARENA + layout()->top, HEAP_END - 0x100);
                fake_open(p);
                assert_true(p->heaps.corrupt.n + p->heaps.corrupt_more > 0 || words[i] < 0x100);
                for (uint64_t c = FAKE_HEAP; c < noise; c += 0x40)
                        fake_expect(p, "before the noise", c, CS_BLOCK_IN_USE);
                fake_destroy(p);
        }
}

static void test_top_nowhere(void **state)
{
        (void)state;
        static const uint64_t tops[] = { 1,
                                         8,
                                         0x1000,
                                         UINT64_MAX,
                                         UINT64_MAX - 15,
                                         FAKE_HEAP + 8,
                                         FAKE_HEAP - 16,
                                         HEAP_END,
                                         HEAP_END - 8,
                                         FAKE_STACK,
                                         FAKE_APP + FAKE_DATA,
                                         FAKE_APP + FAKE_TEXT };
        for (size_t i = 0; i < sizeof(tops) / sizeof(tops[0]); i++) {
                struct fake_process *p = fake_create();
                fake_heap(p, HEAP_BYTES);
                (void)chunks(p, FAKE_HEAP, 10, 0x40);
                fake_put(p, ARENA + layout()->top, tops[i]);
                fake_open(p);
                fake_relate(p, 2);
                assert_true(p->heaps.corrupt.n > 0);
                fake_destroy(p);
        }
}

/* The top's own size lies; the chunks before it hold. */
static void test_top_size(void **state)
{
        (void)state;
        static const uint64_t words[] = { 0, 1, 0x10 | 1, UINT64_MAX, HEAP_BYTES * 2, UINT64_C(1) << 63 };
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
                struct fake_process *p = fake_create();
                fake_heap(p, HEAP_BYTES);
                uint64_t top = chunks(p, FAKE_HEAP, 10, 0x40);
                fake_top(p, ARENA, top, HEAP_END);
                fake_put(p, top + 8, words[i]);
                fake_open(p);
                for (uint64_t c = FAKE_HEAP; c < top - 0x40; c += 0x40)
                        fake_expect(p, "before the top", c, CS_BLOCK_IN_USE);
                fake_expect(p, "last", top - 0x40, words[i] & 1 ? CS_BLOCK_IN_USE : CS_BLOCK_FREE);
                fake_relate(p, 1);
                fake_destroy(p);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_in_use_and_free, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_never_used, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_behind_top, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_bins_in_use, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_without_parameters, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_heap_begins_inside_page, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_not_glibc, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_fastbins, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_thread_caches, set_up, tear_down),
                cmocka_unit_test(test_no_thread_cache),
                cmocka_unit_test(test_broken_lists),
                cmocka_unit_test_setup_teardown(test_ring_of_free_chunks, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_list_longer_than_count, set_up, tear_down),
                cmocka_unit_test(test_impossible_sizes),
                cmocka_unit_test_setup_teardown(test_size_over_top, set_up, tear_down),
                cmocka_unit_test(test_noise),
                cmocka_unit_test(test_top_nowhere),
                cmocka_unit_test(test_top_size),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
