/* SPDX-License-Identifier: Apache-2.0 */
/* jemalloc's radix tree in memory made by hand: what it proves, and what it must not be believed. */
#include "allocator.h"

#include "fake_allocator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#define JEMALLOC UINT64_C(0x7f3000000000)
#define ROOT (JEMALLOC + FAKE_BSS) /* of which one page is enough: addresses below 2^39 */
#define RECORDS UINT64_C(0x1000000000)
#define LEAF (RECORDS + 0x1000)
#define EXTENTS (RECORDS + 0x3000)
#define DATA UINT64_C(0x2000000000)

enum { SLAB = 1 << 12, CLASS_48 = 3, CLASS_LARGE_16K = 36, RECORDS_BYTES = 0x8000, DATA_BYTES = 0x10000 };

struct version {
        unsigned state_shift, class_shift, free_shift;
        unsigned leaf_flags; /* what the leaf's word holds besides */
};
static const struct version v53 = { 17, 20, 28, 0x7 }, v52 = { 16, 18, 26, 0x1 };

static uint64_t leaf_entry(uint64_t addr)
{
        return LEAF + (addr >> 12 & 0x3ffff) * 8;
}

/* An extent of `size` bytes at `addr` in every leaf entry of its pages; `record`: where its record lies. */
static void put_extent(struct fake_process *p, const struct version *v, uint64_t record, uint64_t addr,
                       uint64_t size, uint64_t state, uint64_t class, uint64_t slab_free)
{
        bool slab = slab_free != UINT64_MAX;
        uint64_t word = class << 48 | record | (slab ? v->leaf_flags : 0);
        fake_put(p, record,
                 (slab ? SLAB | slab_free << v->free_shift : 0) | state << v->state_shift |
                         class << v->class_shift);
        fake_put(p, record + 8, addr);
        fake_put(p, record + 0x10, size | 5);
        for (uint64_t page = 0; page < size; page += slab ? 4096 : size - 4096)
                fake_put(p, leaf_entry(addr + page), word);
}

static struct fake_process *make(const struct version *v)
{
        struct fake_process *p = fake_create();
        fake_module(p, JEMALLOC, "/nowhere/libjemalloc.so.2");
        fake_map(p, RECORDS, RECORDS_BYTES, PF_R | PF_W);
        fake_map(p, DATA, DATA_BYTES, PF_R | PF_W);
        fake_put(p, RECORDS, 2 << 20); /* a base block: its size, and no next one */
        fake_put(p, ROOT + (DATA >> 30) * 8, LEAF);
        /* 3 pages of 48 bytes: 256 regions, of which 100 in a row and one more are free. */
        put_extent(p, v, EXTENTS, DATA, 0x3000, 0, CLASS_48, 101);
        for (unsigned i = 0; i < 101; i++) {
                unsigned bit = i < 100 ? i + 20 : 200;
                uint64_t at = EXTENTS + 0x40 + bit / 64 * 8;
                fake_put(p, at, fake_get(p, at) | UINT64_C(1) << (bit % 64));
        }
        /* A large block of 20 KiB with its page of padding, and pages that were given back. */
        put_extent(p, v, EXTENTS + 0x80, DATA + 0x4000, 0x5000, 0, CLASS_LARGE_16K, UINT64_MAX);
        put_extent(p, v, EXTENTS + 0x100, DATA + 0x9000, 0x7000, 1, 232, UINT64_MAX);
        return p;
}

static void check_version(const struct version *v)
{
        struct fake_process *p = make(v);
        fake_open(p);
        const struct cs_heap *heap = fake_heap_of(p, "jemalloc");
        assert_non_null(heap);
        assert_false(heap->walked);
        assert_true(heap->measured.known);
        assert_int_equal(heap->measured.address, ROOT);
        assert_int_equal(heap->measured.used.count, 155 + 1);
        assert_int_equal(heap->measured.used.bytes, 155 * 48 + 0x4000);
        assert_int_equal(heap->measured.free.count, 101 + 1);
        assert_int_equal(heap->measured.free.bytes, 101 * 48 + 0x7000);
        /* 100 free regions of 48 bytes are a run of more than a page. */
        assert_int_equal(fake_claimed(p, CS_KIND_MALLOC_USED), 0x3000 - 4800 + 0x5000);
        assert_int_equal(fake_claimed(p, CS_KIND_MALLOC_FREE), 4800 + 0x7000);
        assert_int_equal(fake_claimed(p, CS_KIND_MALLOC_OVERHEAD), 2 << 20);
        fake_destroy(p);
}

static void test_5_3(void **state)
{
        (void)state;
        check_version(&v53);
}

static void test_5_2(void **state)
{
        (void)state;
        check_version(&v52);
}

/* Slabs whose counts are not those of their bitmaps are of a layout that is not known. */
static void test_other_layout(void **state)
{
        (void)state;
        struct fake_process *p = make(&v53);
        fake_put(p, EXTENTS + 0x40, UINT64_MAX);
        fake_check_refused(p, "jemalloc");
}

/* What leads to the leaf stands where the root would begin in what the library cannot write. */
static void test_wrong_place(void **state)
{
        (void)state;
        struct fake_process *p = make(&v53);
        fake_put(p, ROOT + (DATA >> 30) * 8, 0);
        fake_put(p, JEMALLOC + FAKE_DATA, LEAF);
        fake_check_refused(p, "jemalloc");
}

/* Extents that say nothing of the pages that name them. */
static void test_liars(void **state)
{
        (void)state;
        struct fake_process *p = make(&v53);
        fake_put(p, EXTENTS + 8, DATA + 0x100000);
        fake_put(p, EXTENTS + 0x88, UINT64_MAX);
        fake_put(p, EXTENTS + 0x110, UINT64_MAX);
        fake_check_refused(p, "jemalloc");
}

/* One record that lies over its neighbours is passed over; the others count. */
static void test_overlap(void **state)
{
        (void)state;
        struct fake_process *p = make(&v53);
        fake_put(p, EXTENTS + 0x10, 0x8000);
        fake_open(p);
        const struct cs_heap *heap = fake_heap_of(p, "jemalloc");
        assert_non_null(heap);
        if (heap->measured.known)
                for (size_t i = 1; i < p->claims.at.n; i++)
                        assert_true(p->claims.at.at[i].range.start >= p->claims.at.at[i - 1].range.end);
        fake_destroy(p);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_5_3),         cmocka_unit_test(test_5_2),
                cmocka_unit_test(test_wrong_place), cmocka_unit_test(test_other_layout),
                cmocka_unit_test(test_liars),       cmocka_unit_test(test_overlap),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
