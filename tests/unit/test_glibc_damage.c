/* SPDX-License-Identifier: Apache-2.0 */
/* What is left to go by where glibc's structures are damaged, or where less of them is there than usual: for every layout. */
#include "fake_process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#define MAIN_ARENA (FAKE_LIBC + FAKE_ARENA)
#define THREAD_HEAP UINT64_C(0x7f0000000000)
#define RANDOM_KEY UINT64_C(0x9d3c5a7711e0f2b5)

enum { HEAP_BYTES = 0x4000, SLOTS = 7, CACHED = 6, BIN_40 = 2, BIN_50 = 3 };

static const struct cs_glibc_layout *layout(void)
{
        return &cs_glibc_layouts[fake_row];
}

static void expect(const struct fake_process *p, const char *what, uint64_t chunk, int want)
{
        int got = fake_state(p, chunk);
        if (got != want)
                fail_msg("glibc %s: %s: state %d, not %d", layout()->versions, what, got, want);
}

static void expect_damage(const struct fake_process *p, uint64_t address, const char *what)
{
        for (size_t i = 0; i < p->heaps.corrupt.n; i++)
                if (p->heaps.corrupt.at[i].address == address && strstr(p->heaps.corrupt.at[i].what, what))
                        return;
        fail_msg("glibc %s: no damage \"%s\" at %lx is reported", layout()->versions, what,
                 (unsigned long)address);
}

static void expect_sound(const struct fake_process *p)
{
        if (p->heaps.corrupt.n)
                fail_msg("glibc %s: damage at %lx: %s", layout()->versions,
                         (unsigned long)p->heaps.corrupt.at[0].address, p->heaps.corrupt.at[0].what);
}

static void link_chunk(struct fake_process *p, uint64_t chunk, uint64_t target)
{
        fake_put(p, chunk + 16, layout()->mangled ? (chunk + 16) >> 12 ^ target : target);
}

/* What a thread cache says of one bin. */
static void set_bin(struct fake_process *p, uint64_t cache, unsigned bin, unsigned count, uint64_t chunk)
{
        unsigned stored = layout()->counts == GLIBC_SLOTS_SHORT ? SLOTS - count : count;
        uint8_t bytes[2] = { (uint8_t)stored, 0 };
        bool one = layout()->counts == GLIBC_COUNTS_BYTE;
        fake_write(p, cache + 16 + (one ? 1u : 2u) * bin, bytes, one ? 1 : 2);
        fake_put(p, cache + 16 + layout()->tcache_heads + 8u * bin, chunk ? chunk + 16 : 0);
}

static void empty_cache(struct fake_process *p, uint64_t cache)
{
        for (unsigned i = 0; i < layout()->tcache_bins; i++)
                set_bin(p, cache, i, 0, 0);
}

/* ---- keys -------------------------------------------------------------------------------------------------------- */

/* Chunks of one size, every other one in a list of the cache; returns where the next begins. */
static uint64_t cached_chunks(struct fake_process *p, uint64_t at, uint64_t size, uint64_t key)
{
        for (unsigned i = 0; i < 2 * CACHED; i++, at += size) {
                fake_chunk(p, at, size);
                if (i % 2)
                        continue;
                link_chunk(p, at, i + 2 < 2 * CACHED ? at + 2 * size + 16 : 0);
                fake_put(p, at + 24, key);
        }
        return at;
}

/* A list is broken in its third chunk. What is behind is found where free() leaves a key that other lists taught; what only
 * has the key, without a link that could be one, is in use. */
static void check_keys(uint64_t random, bool keys)
{
        struct fake_process *p = fake_create();
        fake_heap(p, HEAP_BYTES);
        uint64_t cache = FAKE_HEAP, key = random ? random : cache + 16;
        uint64_t small = fake_chunk(p, cache, layout()->tcache_chunk), large, other, top;
        large = cached_chunks(p, small, 0x40, key);
        other = cached_chunks(p, large, 0x50, key);
        top = fake_chunk(p, other, 0x40);
        link_chunk(p, other, 0x123450);
        fake_put(p, other + 24, key);
        fake_top(p, MAIN_ARENA, top, FAKE_HEAP + HEAP_BYTES);
        empty_cache(p, cache);
        set_bin(p, cache, BIN_40, CACHED, small);
        set_bin(p, cache, BIN_50, CACHED, large);
        fake_put(p, small + 4 * 0x40 + 16, UINT64_C(0x4141414141414141));
        fake_open(p);
        expect_damage(p, small + 4 * 0x40 + 16, "thread cache list is broken");
        for (unsigned i = 0; i < 2 * CACHED; i++) {
                bool known = keys || i <= 4;
                expect(p, "in the broken list", small + i * UINT64_C(0x40),
                       i % 2 == 0 && known ? CS_BLOCK_CACHED : CS_BLOCK_IN_USE);
                expect(p, "in the sound list", large + i * UINT64_C(0x50),
                       i % 2 == 0 ? CS_BLOCK_CACHED : CS_BLOCK_IN_USE);
        }
        expect(p, "with a key, but no link", other, CS_BLOCK_IN_USE);
        fake_destroy(p);
}

static void test_keys(void **state)
{
        (void)state;
        for (fake_row = 0; fake_row < cs_glibc_layout_count; fake_row++) {
                if (layout()->counts == GLIBC_NO_TCACHE)
                        continue;
                check_keys(0, true);                       /* the address of the cache */
                check_keys(RANDOM_KEY, layout()->mangled); /* without mangling there is no such key */
        }
        fake_row = 0;
}

/* One head of many points nowhere: the others hold. */
static void test_damaged_head(void **state)
{
        (void)state;
        for (fake_row = 0; fake_row < cs_glibc_layout_count; fake_row++) {
                if (layout()->counts == GLIBC_NO_TCACHE)
                        continue;
                struct fake_process *p = fake_create();
                uint64_t cache = FAKE_HEAP, at, chunks[4];
                fake_heap(p, HEAP_BYTES);
                at = fake_chunk(p, cache, layout()->tcache_chunk);
                empty_cache(p, cache);
                for (unsigned i = 0; i < 4; i++) {
                        chunks[i] = at;
                        at = fake_chunk(p, at, 0x40 + 0x10 * i);
                        link_chunk(p, chunks[i], 0);
                        set_bin(p, cache, BIN_40 + i, 1, chunks[i]);
                }
                fake_top(p, MAIN_ARENA, at, FAKE_HEAP + HEAP_BYTES);
                uint64_t head = cache + 16 + layout()->tcache_heads + 8u * (BIN_40 + 2);
                fake_put(p, head, 0x123450);
                fake_open(p);
                expect(p, "cache", cache, CS_BLOCK_INTERNAL);
                expect_damage(p, head, "thread cache list is broken");
                for (unsigned i = 0; i < 4; i++)
                        expect(p, "chunk", chunks[i], i == 2 ? CS_BLOCK_IN_USE : CS_BLOCK_CACHED);
                fake_destroy(p);
        }
        fake_row = 0;
}

/* ---- bins of large chunks ---------------------------------------------------------------------------------------- */

/* From 2.42 on a bin holds sizes from a power of two up to the next. */
static void test_large_bins(void **state)
{
        static const struct {
                uint64_t size;
                unsigned bin;
                bool fits;
        } cases[] = {
                { 0x420, 64, true },  { 0x7f0, 64, true },  { 0x410, 64, false }, { 0x800, 64, false },
                { 0x800, 65, true },  { 0xff0, 65, true },  { 0x7f0, 65, false }, { 0x1000, 65, false },
                { 0x1000, 66, true }, { 0x1ff0, 66, true }, { 0x2000, 67, true }, { 0x2000, 66, false },
                { 0x410, 63, true },  { 0x400, 63, false },
        };
        (void)state;
        for (fake_row = 0; fake_row < cs_glibc_layout_count; fake_row++)
                for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                        if (cases[i].bin >= layout()->tcache_bins)
                                continue;
                        struct fake_process *p = fake_create();
                        fake_heap(p, HEAP_BYTES);
                        uint64_t cache = FAKE_HEAP, chunk = fake_chunk(p, cache, layout()->tcache_chunk);
                        fake_top(p, MAIN_ARENA, fake_chunk(p, chunk, cases[i].size), FAKE_HEAP + HEAP_BYTES);
                        empty_cache(p, cache);
                        set_bin(p, cache, cases[i].bin, 1, chunk);
                        link_chunk(p, chunk, 0);
                        fake_open(p);
                        expect(p, "cache", cache, cases[i].fits ? CS_BLOCK_INTERNAL : CS_BLOCK_IN_USE);
                        expect(p, "chunk", chunk, cases[i].fits ? CS_BLOCK_CACHED : CS_BLOCK_IN_USE);
                        fake_destroy(p);
                }
        fake_row = 0;
}

/* ---- arenas ------------------------------------------------------------------------------------------------------ */

/* An old top of 16 bytes more than the fenceposts take becomes a chunk of the smallest size in use, and there is only the last
 * fencepost behind it (malloc/malloc.c, sysmalloc). */
static void test_single_fencepost(void **state)
{
        (void)state;
        for (fake_row = 0; fake_row < cs_glibc_layout_count; fake_row++) {
                struct fake_process *p = fake_create();
                uint64_t second = THREAD_HEAP + GLIBC_HEAP_MAX, arena = THREAD_HEAP + layout()->heap_bytes;
                fake_heap(p, HEAP_BYTES);
                fake_top(p, MAIN_ARENA, fake_chunk(p, FAKE_HEAP, 0x40), FAKE_HEAP + HEAP_BYTES);
                fake_put(p, MAIN_ARENA + layout()->next, arena);
                uint64_t first = fake_thread_heap(p, THREAD_HEAP, HEAP_BYTES, MAIN_ARENA);
                uint64_t last = THREAD_HEAP + HEAP_BYTES - 0x30;
                fake_chunk(p, first, last - first);
                fake_free(p, first);
                uint64_t fence = last + 0x20;
                fake_put(p, last + 8, 0x20); /* what is before it is free */
                fake_put(p, fence + 8, GLIBC_PREV_IN_USE);
                fake_map(p, second, HEAP_BYTES, PF_R | PF_W);
                fake_put(p, second, arena);
                fake_put(p, second + 8, THREAD_HEAP);
                fake_put(p, second + 16, HEAP_BYTES);
                uint64_t top = fake_chunk(p, second + layout()->heap_bytes, 0x50);
                fake_top(p, arena, top, second + HEAP_BYTES);
                fake_open(p);
                expect_sound(p);
                expect(p, "of the old heap", first, CS_BLOCK_FREE);
                expect(p, "what was its top", last, CS_BLOCK_IN_USE);
                expect(p, "fencepost", fence, CS_BLOCK_INTERNAL);
                expect(p, "of the new heap", second + layout()->heap_bytes, CS_BLOCK_IN_USE);
                expect(p, "top", top, CS_BLOCK_TOP);
                fake_destroy(p);
        }
        fake_row = 0;
}

/* No module is known, as in a core that lost its notes: main_arena is looked for in all memory that may be written, and found
 * there or by the ring of an arena that comes first. */
static void check_without_modules(bool threads)
{
        struct fake_process *p = fake_create_bare();
        fake_heap(p, HEAP_BYTES);
        uint64_t a = FAKE_HEAP, b = fake_chunk(p, a, 0x40), top = fake_chunk(p, b, 0x60), first = 0;
        fake_free(p, a);
        fake_top(p, MAIN_ARENA, top, FAKE_HEAP + HEAP_BYTES);
        if (threads) {
                uint64_t arena = THREAD_HEAP + layout()->heap_bytes;
                first = fake_thread_heap(p, THREAD_HEAP, HEAP_BYTES, MAIN_ARENA);
                fake_put(p, MAIN_ARENA + layout()->next, arena);
                fake_top(p, arena, fake_chunk(p, first, 0x70), THREAD_HEAP + HEAP_BYTES);
        }
        fake_open(p);
        assert_int_equal(p->image->modules.n, 0);
        expect_sound(p);
        assert_int_equal(p->heaps.found.n, 1);
        assert_true(p->heaps.found.at[0].walked);
        assert_int_equal(p->heaps.found.at[0].module, CS_NO_MODULE);
        assert_int_equal(p->heaps.arenas.n, threads ? 2 : 1);
        assert_true(p->heaps.arenas.at[0].main);
        assert_int_equal(p->heaps.arenas.at[0].address, MAIN_ARENA);
        expect(p, "free", a, CS_BLOCK_FREE);
        expect(p, "in use", b, CS_BLOCK_IN_USE);
        expect(p, "top", top, CS_BLOCK_TOP);
        if (threads)
                expect(p, "of the thread", first, CS_BLOCK_IN_USE);
        fake_destroy(p);
}

static void test_without_modules(void **state)
{
        (void)state;
        for (fake_row = 0; fake_row < cs_glibc_layout_count; fake_row++) {
                check_without_modules(false);
                check_without_modules(true);
        }
        fake_row = 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_keys),
                cmocka_unit_test(test_damaged_head),
                cmocka_unit_test(test_large_bins),
                cmocka_unit_test(test_single_fencepost),
                cmocka_unit_test(test_without_modules),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
