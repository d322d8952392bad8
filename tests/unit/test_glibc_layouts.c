/* SPDX-License-Identifier: Apache-2.0 */
/* Every row of the table of layouts, as a process of its own: chunks, caches, fastbins, a thread's arena, mmapped chunks. */
#include "fake_process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define MAIN_ARENA (FAKE_LIBC + FAKE_ARENA)
#define THREAD_HEAP UINT64_C(0x7f0000000000)
#define MAPPED UINT64_C(0x7e0000000000)

enum { HEAP_BYTES = 0x4000, MAPPED_BYTES = 0x10000, SLOTS = 7 };

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

static void expect_sound(const struct fake_process *p)
{
        if (p->heaps.corrupt.n)
                fail_msg("glibc %s: damage at %lx: %s", layout()->versions,
                         (unsigned long)p->heaps.corrupt.at[0].address, p->heaps.corrupt.at[0].what);
        assert_int_equal(p->heaps.found.n, 1);
        assert_true(p->heaps.found.at[0].walked);
}

static void link_chunk(struct fake_process *p, uint64_t chunk, uint64_t target)
{
        fake_put(p, chunk + 16, layout()->mangled ? (chunk + 16) >> 12 ^ target : target);
}

/* A thread cache with `count` chunks in one bin. */
static void set_cache(struct fake_process *p, uint64_t at, unsigned bin, unsigned count, uint64_t chunk)
{
        for (unsigned i = 0; i < layout()->tcache_bins; i++) {
                unsigned stored = i == bin ? count : 0;
                if (layout()->counts == GLIBC_SLOTS_SHORT)
                        stored = SLOTS - stored;
                uint8_t bytes[2] = { (uint8_t)stored, 0 };
                bool one = layout()->counts == GLIBC_COUNTS_BYTE;
                fake_write(p, at + 16 + (one ? 1u : 2u) * i, bytes, one ? 1 : 2);
        }
        fake_put(p, at + 16 + layout()->tcache_heads + 8u * bin, chunk + 16);
}

static struct fake_process *process(void)
{
        struct fake_process *p = fake_create();
        fake_heap(p, HEAP_BYTES);
        return p;
}

/* The chunk of the thread cache is so much larger than the least. */
static void main_heap(uint64_t more)
{
        for (fake_row = 0; fake_row < cs_glibc_layout_count; fake_row++) {
                if (layout()->tcache_chunk ? more > 16 + layout()->tcache_padded : more)
                        continue;
                struct fake_process *p = process();
                uint64_t cache = FAKE_HEAP,
                         chunk_bytes = layout()->tcache_chunk ? layout()->tcache_chunk + more : 0;
                uint64_t a = fake_chunk(p, cache, chunk_bytes ? chunk_bytes : 0x100),
                         b = fake_chunk(p, a, 0x40), c = fake_chunk(p, b, 0x40), d = fake_chunk(p, c, 0x40),
                         e = fake_chunk(p, d, 0x30), f = fake_chunk(p, e, 0x30), g = fake_chunk(p, f, 0x500),
                         top = fake_chunk(p, g, 0x30);
                fake_top(p, MAIN_ARENA, top, FAKE_HEAP + HEAP_BYTES);
                fake_free(p, f);
                if (chunk_bytes) {
                        set_cache(p, cache, 2, 2, a);
                        link_chunk(p, a, c + 16);
                        link_chunk(p, c, 0);
                }
                if (layout()->fastbins) {
                        fake_put(p, MAIN_ARENA + layout()->fastbins + 8, e);
                        link_chunk(p, e, 0);
                }
                fake_open(p);
                expect_sound(p);
                expect(p, "cache", cache, chunk_bytes ? CS_BLOCK_INTERNAL : CS_BLOCK_IN_USE);
                expect(p, "first cached", a, chunk_bytes ? CS_BLOCK_CACHED : CS_BLOCK_IN_USE);
                expect(p, "in use", b, CS_BLOCK_IN_USE);
                expect(p, "second cached", c, chunk_bytes ? CS_BLOCK_CACHED : CS_BLOCK_IN_USE);
                expect(p, "in use behind", d, CS_BLOCK_IN_USE);
                expect(p, "fast", e, layout()->fastbins ? CS_BLOCK_CACHED : CS_BLOCK_IN_USE);
                expect(p, "free", f, CS_BLOCK_FREE);
                expect(p, "last", g, CS_BLOCK_IN_USE);
                expect(p, "top", top, CS_BLOCK_TOP);
                assert_int_equal(p->heaps.mmapped_known, 0);
                fake_destroy(p);
        }
        fake_row = 0;
}

static void test_main_heap(void **state)
{
        (void)state;
        for (uint64_t more = 0; more <= 32; more += 16)
                main_heap(more);
}

/* torn: the main arena's link leads nowhere. */
static void thread_arena(bool torn)
{
        struct fake_process *p = process();
        uint64_t arena = THREAD_HEAP + layout()->heap_bytes;
        fake_top(p, MAIN_ARENA, fake_chunk(p, FAKE_HEAP, 0x40), FAKE_HEAP + HEAP_BYTES);
        uint64_t first = fake_thread_heap(p, THREAD_HEAP, HEAP_BYTES, MAIN_ARENA);
        fake_put(p, MAIN_ARENA + layout()->next, torn ? UINT64_C(0x4141414141414141) : arena);
        uint64_t second = fake_chunk(p, first, 0x60), top = fake_chunk(p, second, 0x70);
        fake_free(p, first);
        fake_top(p, arena, top, THREAD_HEAP + HEAP_BYTES);
        fake_open(p);
        if (!torn)
                expect_sound(p);
        assert_int_equal(p->heaps.arenas.n, 2);
        assert_true(p->heaps.arenas.at[0].main);
        assert_int_equal(p->heaps.arenas.at[0].address, MAIN_ARENA);
        expect(p, "of the main heap", FAKE_HEAP, CS_BLOCK_IN_USE);
        expect(p, "first", first, CS_BLOCK_FREE);
        expect(p, "second", second, CS_BLOCK_IN_USE);
        expect(p, "top", top, CS_BLOCK_TOP);
        fake_destroy(p);
}

static void test_thread_arena(void **state)
{
        (void)state;
        for (fake_row = 0; fake_row < cs_glibc_layout_count; fake_row++)
                thread_arena(false);
        fake_row = 0;
}

/* Then the other arena's link tells the row. */
static void test_torn_ring(void **state)
{
        (void)state;
        for (fake_row = 0; fake_row < cs_glibc_layout_count; fake_row++)
                thread_arena(true);
        fake_row = 0;
}

static void test_mmapped(void **state)
{
        (void)state;
        for (fake_row = 0; fake_row < cs_glibc_layout_count; fake_row++) {
                struct fake_process *p = process();
                uint64_t tail = layout()->mmapped_short ? 16 : 0, moved = MAPPED + 0x3000 + 0xff0;
                fake_top(p, MAIN_ARENA, fake_chunk(p, FAKE_HEAP, 0x40), FAKE_HEAP + HEAP_BYTES);
                fake_map(p, MAPPED, MAPPED_BYTES, PF_R | PF_W);
                fake_mmapped(p, layout()->mmapped_short ? 4 : 3, layout()->mmapped_short ? 0xc000 : 0xb000);
                fake_put(p, MAPPED + 8, (0x3000 - tail) | GLIBC_IS_MMAPPED);
                fake_put(p, MAPPED + 0x3008, (0x6000 - tail) | GLIBC_IS_MMAPPED);
                fake_put(p, moved, 0xff0);
                fake_put(p, moved + 8, (0x6000 - 0xff0 - tail) | GLIBC_IS_MMAPPED);
                fake_put(p, MAPPED + 0x9008, (0x2000 - tail) | GLIBC_IS_MMAPPED);
                if (layout()->mmapped_short) { /* moved by less than a chunk takes */
                        fake_put(p, MAPPED + 0xb008, (0x1000 - tail) | GLIBC_IS_MMAPPED);
                        fake_put(p, MAPPED + 0xb010, 0x10);
                        fake_put(p, MAPPED + 0xb018, (0x1000 - 0x10 - tail) | GLIBC_IS_MMAPPED);
                }
                fake_open(p);
                expect_sound(p);
                if (layout()->mmapped_short)
                        expect(p, "moved a little", MAPPED + 0xb010, CS_BLOCK_IN_USE);
                expect(p, "mmapped", MAPPED, CS_BLOCK_IN_USE);
                expect(p, "moved by memalign", moved, CS_BLOCK_IN_USE);
                expect(p, "before it was moved", MAPPED + 0x3000, -1);
                expect(p, "behind", MAPPED + 0x9000, CS_BLOCK_IN_USE);
                fake_destroy(p);
        }
        fake_row = 0;
}

/* The break is taken: the first piece ends in fenceposts, one more lies elsewhere, and top somewhere else still, behind an mmapped
 * block. small: what was the tops' of the pieces before was too small to become free chunks. */
static void check_pieces(uint64_t small)
{
        for (fake_row = 0; fake_row < cs_glibc_layout_count; fake_row++) {
                struct fake_process *p = process();
                uint64_t piece = MAPPED, last = MAPPED + 0x100000,
                         end = FAKE_HEAP + HEAP_BYTES - 0x20 - small;
                fake_map(p, piece, HEAP_BYTES, PF_R | PF_W);
                fake_map(p, last - CS_PAGE, HEAP_BYTES + CS_PAGE, PF_R | PF_W);
                fake_put(p, last - CS_PAGE + 8,
                         (cs_glibc_layouts[fake_row].mmapped_short ? CS_PAGE - 16 : CS_PAGE) | 2);
                fake_put(p, MAIN_ARENA, (uint64_t)GLIBC_NONCONTIGUOUS << 32);
                fake_chunk(p, FAKE_HEAP, HEAP_BYTES - 0x20 - small);
                for (uint64_t i = 0; i < 0x20 + small; i += 0x10)
                        fake_put(p, end + i + 8, 0x11);
                uint64_t second = fake_chunk(p, piece, 0x50);
                uint64_t fences = fake_chunk(p, second, HEAP_BYTES - 0x50 - 0x20 - small);
                fake_put(p, fences + 8, 0x10); /* second is free */
                for (uint64_t i = 0x10; i < 0x20 + small; i += 0x10)
                        fake_put(p, fences + i + 8, 0x11);
                uint64_t top = fake_chunk(p, last, 0x90);
                fake_top(p, MAIN_ARENA, top, last + HEAP_BYTES);
                fake_open(p);
                expect_sound(p);
                expect(p, "in the first piece", FAKE_HEAP, CS_BLOCK_IN_USE);
                expect(p, "in the second piece", piece, CS_BLOCK_IN_USE);
                expect(p, "free in the second piece", second, CS_BLOCK_FREE);
                expect(p, "in the last piece", last, CS_BLOCK_IN_USE);
                expect(p, "top", top, CS_BLOCK_TOP);
                fake_destroy(p);
        }
        fake_row = 0;
}

static void test_pieces(void **state)
{
        (void)state;
        check_pieces(0);
        check_pieces(0x10);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_main_heap), cmocka_unit_test(test_thread_arena),
                cmocka_unit_test(test_torn_ring), cmocka_unit_test(test_mmapped),
                cmocka_unit_test(test_pieces),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
