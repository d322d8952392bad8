/* SPDX-License-Identifier: Apache-2.0 */
/* tcmalloc's page map in memory made by hand: what it proves, and what it must not be believed. */
#include "allocator.h"

#include "fake_allocator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#define TCMALLOC UINT64_C(0x7f3000000000)
#define BSS (TCMALLOC + FAKE_MODULE) /* more of it, for the lists between caches */
#define ROOT (BSS + 0x100)
#define MOVED (BSS + 0x1000)
#define SIZES (MOVED + 0x200)
#define CENTRAL (BSS + 0x2000)
#define RECORDS UINT64_C(0x1000000000)
#define SPANS (RECORDS + 0x1100)
#define CACHE (RECORDS + 0x3040)
#define LEAF (RECORDS + 0x9000) /* of which a page is there */
#define DATA UINT64_C(0x2000000000)

enum {
        CENTRAL_BYTES = 0x4c0,
        BSS_BYTES = 0x22000,
        RECORDS_BYTES = 0xa000,
        DATA_PAGES = 32,
        CLASS_48 = 6,
        SPAN = 0x30,
        LEAF_ENTRIES = 0x200,
};

/* 8, 16, … 64, then four steps for each doubling, up to 256 KiB: much as tcmalloc's own. */
static unsigned make_sizes(uint32_t *sizes)
{
        unsigned n = 1;
        sizes[0] = 0;
        for (uint32_t size = 0, step = 8; size < 256 << 10; n++) {
                if (size >= 8 * step)
                        step *= 2;
                sizes[n] = size += step;
        }
        return n;
}

static uint64_t page_of(unsigned shift, uint64_t page)
{
        return (DATA >> shift) + page;
}

/* A span of `length` pages, in every entry of the leaf. */
static void put_span(struct fake_process *p, unsigned shift, uint64_t n, uint64_t page, uint64_t length,
                     uint64_t objects, uint64_t class, uint64_t location, uint64_t list)
{
        uint64_t at = SPANS + n * SPAN;
        fake_put(p, at, page_of(shift, page));
        fake_put(p, at + 8, length);
        fake_put(p, at + 0x20, list);
        fake_put(p, at + 0x28, objects | class << 16 | location << 24);
        for (uint64_t i = 0; i < length; i++)
                fake_put(p, LEAF + (page_of(shift, page) + i) % LEAF_ENTRIES * 8, at);
}

static void put_half(struct fake_process *p, uint64_t at, uint32_t value)
{
        fake_write(p, at, &value, sizeof(value));
}

/* With pages of 2^shift bytes: 2 of 48-byte objects, a large block of 3, 4 free ones, 8 that were given back, and 4 of objects as
 * large as a page or two, of which the second half is free. */
static struct fake_process *make_in(unsigned shift, const char *module, uint64_t bss)
{
        const unsigned leaf_bits = (48 - shift + 1) / 2;
        const uint64_t page = UINT64_C(1) << shift;
        struct fake_process *p = fake_create();
        uint32_t sizes[128];
        unsigned n = make_sizes(sizes), big = 1;
        fake_module(p, TCMALLOC, module);
        fake_bss(p, TCMALLOC, bss);
        fake_map(p, RECORDS, RECORDS_BYTES, PF_R | PF_W);
        fake_map(p, DATA, DATA_PAGES * page, PF_R | PF_W);
        fake_put(p, ROOT + (page_of(shift, 0) >> leaf_bits) * 8, LEAF);
        while (sizes[big] < page)
                big++;
        for (unsigned c = 0; c < n; c++) {
                put_half(p, SIZES + c * 4, sizes[c]);
                put_half(p, MOVED + c * 4, c ? 2 : 0);
                fake_put(p, CENTRAL + (uint64_t)c * CENTRAL_BYTES + 8, c);
                put_half(p, CACHE + (uint64_t)c * 0x20 + 0x18, sizes[c]);
        }
        put_span(p, shift, 0, 0, 2, 100, CLASS_48, 0, 0);
        put_span(p, shift, 1, 2, 3, 0, 0, 0, 0);
        put_span(p, shift, 2, 5, 4, 0, 0, 1, 0);
        put_span(p, shift, 3, 9, 8, 0, 0, 2, 0);
        put_span(p, shift, 4, 17, 4, 2, big, 0, DATA + 19 * page);
        fake_put(p, DATA + 19 * page, DATA + 20 * page);
        /* 10 objects of 48 bytes in a thread's cache, two transfers of two of them on their way. */
        put_half(p, CACHE + CLASS_48 * 0x20 + 8, 10);
        put_half(p, CENTRAL + CLASS_48 * CENTRAL_BYTES + 0x480, 2);
        return p;
}

static struct fake_process *make(unsigned shift)
{
        return make_in(shift, "/nowhere/libtcmalloc_minimal.so.4", BSS_BYTES);
}

static void check_shift(unsigned shift)
{
        const uint64_t page = UINT64_C(1) << shift;
        struct fake_process *p = make(shift);
        fake_open(p);
        const struct cs_heap *heap = fake_heap_of(p, "tcmalloc");
        assert_non_null(heap);
        assert_false(heap->walked);
        assert_true(heap->measured.known);
        assert_int_equal(heap->measured.address, ROOT);
        assert_int_equal(heap->measured.used.count, 100 - 14 + 1 + 2);
        assert_int_equal(heap->measured.used.bytes, (100 - 14) * 48 + 3 * page + 2 * page);
        assert_int_equal(heap->measured.cached.count, 14);
        assert_int_equal(heap->measured.cached.bytes, 14 * 48);
        assert_int_equal(heap->measured.free.count, 2 * page / 48 - 100 + 2 + 2);
        assert_int_equal(heap->measured.free.bytes,
                         (2 * page / 48 - 100) * 48 + 4 * page + 8 * page + 2 * page);
        assert_int_equal(fake_claimed(p, CS_KIND_MALLOC_USED), 2 * page + 3 * page + 2 * page);
        assert_int_equal(fake_claimed(p, CS_KIND_MALLOC_FREE), 4 * page + 8 * page + 2 * page);
        /* From the first of them to the last, with what is between; what lies before may be anybody's. */
        uint64_t next;
        const struct cs_claim *records = cs_claims_find(&p->claims, SPANS, &next);
        assert_non_null(records);
        assert_int_equal(records->kind, CS_KIND_MALLOC_OVERHEAD);
        assert_int_equal(records->range.start, RECORDS + 0x1000);
        assert_int_equal(records->range.end, LEAF + 0x1000);
        assert_int_equal(fake_claimed(p, CS_KIND_MALLOC_OVERHEAD), heap->measured.overhead);
        fake_destroy(p);
}

static void test_pages_of_8k(void **state)
{
        (void)state;
        check_shift(13);
}

static void test_pages_of_4k(void **state)
{
        (void)state;
        check_shift(12);
}

static void test_pages_of_64k(void **state)
{
        (void)state;
        check_shift(16);
}

/* In a module of another name, without a symbol: where it has as much .bss as the root of the tree takes. */
static void test_linked_in(void **state)
{
        (void)state;
        struct fake_process *p = make_in(13, "/nowhere/libengine.so", 1 << 20);
        fake_open(p);
        const struct cs_heap *heap = fake_heap_of(p, "tcmalloc");
        assert_true(heap && heap->measured.known);
        assert_string_equal(p->image->modules.at[heap->module].name, "libengine.so");
        assert_int_equal(heap->measured.used.count, 100 - 14 + 1 + 2);
        fake_destroy(p);
        p = make_in(13, "/nowhere/libengine.so", BSS_BYTES);
        fake_open(p);
        assert_null(fake_heap_of(p, "tcmalloc"));
        assert_int_equal(p->claims.at.n, 0);
        fake_destroy(p);
}

/* Objects that are free, on a list that bites its tail or leads away: what cannot be told apart is in use. */
static void test_bad_lists(void **state)
{
        (void)state;
        const uint64_t page = 1 << 13, nexts[] = { DATA + 19 * page, DATA + 5 * page, UINT64_MAX, 1 };
        for (size_t i = 0; i < sizeof(nexts) / sizeof(nexts[0]); i++) {
                struct fake_process *p = make(13);
                fake_put(p, DATA + 19 * page, nexts[i]);
                fake_open(p);
                const struct cs_heap *heap = fake_heap_of(p, "tcmalloc");
                assert_true(heap && heap->measured.known);
                assert_int_equal(fake_claimed(p, CS_KIND_MALLOC_USED), 9 * page);
                fake_destroy(p);
        }
}

/* A thread cache that has more than ever left the spans. */
static void test_boastful_cache(void **state)
{
        (void)state;
        struct fake_process *p = make(13);
        put_half(p, CACHE + CLASS_48 * 0x20 + 8, UINT32_MAX);
        fake_open(p);
        const struct cs_heap *heap = fake_heap_of(p, "tcmalloc");
        assert_true(heap && heap->measured.known);
        assert_int_equal(heap->measured.cached.count, 100);
        assert_int_equal(heap->measured.used.count, 1 + 2);
        fake_destroy(p);
}

static void test_no_sizes(void **state)
{
        (void)state;
        struct fake_process *p = make(13);
        put_half(p, SIZES + 5 * 4, 7);
        fake_check_refused(p, "tcmalloc");
}

/* Spans that say nothing of the pages that name them. */
static void test_liars(void **state)
{
        (void)state;
        struct fake_process *p = make(13);
        for (uint64_t n = 0; n < 5; n++)
                fake_put(p, SPANS + n * SPAN, page_of(13, 100 + 40 * n));
        fake_check_refused(p, "tcmalloc");
}

/* Spans in memory that nobody has. */
static void test_nowhere(void **state)
{
        (void)state;
        struct fake_process *p = make(13);
        for (uint64_t n = 0; n < 5; n++)
                fake_put(p, SPANS + n * SPAN + 8, UINT64_C(1) << 34);
        fake_check_refused(p, "tcmalloc");
}

/* More objects than fit, and classes that there are not. */
static void test_impossible_spans(void **state)
{
        (void)state;
        struct fake_process *p = make(13);
        for (uint64_t n = 0; n < 5; n++)
                fake_put(p, SPANS + n * SPAN + 0x28, n % 2 ? 1 | 127 << 16 : 60000 | CLASS_48 << 16);
        fake_check_refused(p, "tcmalloc");
}

/* What leads to the leaf stands where the root would begin in what the library cannot write. */
static void test_wrong_place(void **state)
{
        (void)state;
        struct fake_process *p = make(13);
        fake_put(p, ROOT + (page_of(13, 0) >> 18) * 8, 0);
        fake_put(p, TCMALLOC + FAKE_DATA, LEAF);
        fake_check_refused(p, "tcmalloc");
}

/* One span that lies over its neighbours: no byte is claimed twice. */
static void test_overlap(void **state)
{
        (void)state;
        struct fake_process *p = make(13);
        fake_put(p, SPANS + 8, 6);
        fake_open(p);
        for (size_t i = 1; i < p->claims.at.n; i++)
                assert_true(p->claims.at.at[i].range.start >= p->claims.at.at[i - 1].range.end);
        assert_true(fake_heap_of(p, "tcmalloc")->measured.known);
        fake_destroy(p);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_pages_of_8k),
                cmocka_unit_test(test_pages_of_4k),
                cmocka_unit_test(test_pages_of_64k),
                cmocka_unit_test(test_bad_lists),
                cmocka_unit_test(test_boastful_cache),
                cmocka_unit_test(test_no_sizes),
                cmocka_unit_test(test_liars),
                cmocka_unit_test(test_nowhere),
                cmocka_unit_test(test_impossible_spans),
                cmocka_unit_test(test_wrong_place),
                cmocka_unit_test(test_overlap),
                cmocka_unit_test(test_linked_in),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
