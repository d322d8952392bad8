/* SPDX-License-Identifier: Apache-2.0 */
/* mimalloc's segments in memory made by hand: what they prove, and what they must not be believed. */
#include "allocator.h"

#include "fake_allocator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#define MIMALLOC UINT64_C(0x7f3000000000)
#define SEGMENT UINT64_C(0x2000000000)
#define SECOND (SEGMENT + (32 << 20))
#define THIRD (SECOND + (32 << 20))
#define SECRET UINT64_C(0x66c708ace56d8fbc)
#define THREAD FAKE_STACK

enum { SLICE = 64 << 10, SLICES = 16, SEGMENT_BYTES = SLICES * SLICE, SMALL = 384 };

struct version {
        unsigned cookie, thread_id, entries, slices;
        unsigned page_bytes, used, size, start, local_free, thread_free;
};
static const struct version versions[] = {
        { 0xe0, 0x118, 0x110, 0x120, 0x60, 0x20, 0x28, 0x30, 0x18, 0x38 }, /* 2.2 */
        { 0xd8, 0x100, 0xf8, 0x108, 0x60, 0x20, 0x28, 0x30, 0x18, 0x38 },  /* 2.1.7 */
        { 0xd8, 0x100, 0xf8, 0x108, 0x50, 0x18, 0x1c, 0, 0x20, 0x28 },     /* 2.0.9 */
        { 0x140, 0x160, 0x168, 0x170, 0x50, 0x18, 0x1c, 0, 0x20, 0x28 },   /* 2.0.6 */
};
enum { VERSIONS = sizeof(versions) / sizeof(versions[0]), V209 = 2 };

static void put_half(struct fake_process *p, uint64_t at, uint32_t value)
{
        fake_write(p, at, &value, sizeof(value));
}

static uint64_t record(const struct version *v, uint64_t segment, unsigned slice)
{
        return segment + v->slices + (uint64_t)slice * v->page_bytes;
}

/* A page (or, of size 0, free slices); returns where its first block lies. */
static uint64_t put_page(struct fake_process *p, const struct version *v, uint64_t segment, unsigned slice,
                         uint32_t slices, uint32_t size, uint32_t used, uint32_t capacity, uint32_t reserved)
{
        uint64_t at = record(v, segment, slice), first = segment + (uint64_t)slice * SLICE;
        first += size && size <= 1024 ? SMALL : 0;
        put_half(p, at, slices);
        put_half(p, at + 8, capacity << 16);
        put_half(p, at + 12, reserved);
        put_half(p, at + v->used, used);
        put_half(p, at + v->size, size);
        if (v->start)
                fake_put(p, at + v->start, first);
        return first;
}

static void put_segment(struct fake_process *p, const struct version *v, uint64_t segment, uint64_t secret)
{
        fake_map(p, segment, SEGMENT_BYTES, PF_R | PF_W);
        fake_put(p, segment + v->cookie, segment ^ secret);
        fake_put(p, segment + v->thread_id, THREAD);
        fake_put(p, segment + v->entries, SLICES);
        put_page(p, v, segment, 0, 1, SLICE, 0, 0, 0);
}

/* Two segments: one of many pages, one of a large block and nothing else. */
static struct fake_process *make_in(const struct version *v, const char *module)
{
        struct fake_process *p = fake_create();
        fake_module(p, MIMALLOC, module);
        put_segment(p, v, SEGMENT, SECRET);
        put_segment(p, v, SECOND, SECRET);
        /* 1000 blocks of 48 bytes as yet, of which 600 are in use, and two of them were freed by another thread. */
        uint64_t small = put_page(p, v, SEGMENT, 1, 1, 48, 600, 1000, 1357);
        fake_put(p, record(v, SEGMENT, 1) + v->thread_free, (small + 480) | 2);
        fake_put(p, small + 480, small + 960);
        /* 20 blocks of 8 KiB: three on one list of free ones, two on the other. */
        uint64_t medium = put_page(p, v, SEGMENT, 2, 8, 8192, 15, 20, 64);
        fake_put(p, record(v, SEGMENT, 2) + 0x10, medium);
        fake_put(p, medium, medium + 8192);
        fake_put(p, medium + 8192, medium + 3 * 8192);
        fake_put(p, record(v, SEGMENT, 2) + v->local_free, medium + 6 * 8192);
        fake_put(p, medium + 6 * 8192, medium + 7 * 8192);
        put_page(p, v, SEGMENT, 10, 4, 4 * SLICE, 1, 1, 1);
        put_page(p, v, SEGMENT, 14, 2, 0, 0, 0, 0);
        put_page(p, v, SECOND, 1, 15, 15 * SLICE, 1, 1, 1);
        return p;
}

static struct fake_process *make(const struct version *v)
{
        return make_in(v, "/nowhere/libmimalloc.so.2.0");
}

static void test_versions(void **state)
{
        (void)state;
        for (size_t i = 0; i < VERSIONS; i++) {
                struct fake_process *p = make(&versions[i]);
                fake_open(p);
                const struct cs_heap *heap = fake_heap_of(p, "mimalloc");
                assert_non_null(heap);
                assert_false(heap->walked);
                assert_true(heap->measured.known);
                assert_int_equal(heap->measured.address, SEGMENT);
                assert_int_equal(heap->measured.used.count, 598 + 15 + 1 + 1);
                assert_int_equal(heap->measured.used.bytes, 598 * 48 + 15 * 8192 + 19 * SLICE);
                assert_int_equal(heap->measured.cached.count, 2);
                assert_int_equal(heap->measured.free.count, 400 + 5 + 1);
                assert_int_equal(heap->measured.free.bytes, 400 * 48 + 5 * 8192 + 2 * SLICE);
                assert_int_equal(heap->measured.overhead, 2 * SLICE);
                assert_int_equal(fake_claimed(p, CS_KIND_MALLOC_OVERHEAD), 2 * SLICE);
                /* What has not become blocks begins on the page behind the last of them. */
                uint64_t made = 48 * 1024;
                assert_int_equal(fake_claimed(p, CS_KIND_MALLOC_USED), made + 15 * 8192 + 19 * SLICE);
                assert_int_equal(fake_claimed(p, CS_KIND_MALLOC_FREE),
                                 SLICE - made + 5 * 8192 + 44 * 8192 + 2 * SLICE);
                fake_destroy(p);
        }
}

/* In a module of another name, without a symbol: it is the one that refers to a page. */
static void test_linked_in(void **state)
{
        (void)state;
        struct fake_process *p = make_in(&versions[V209], "/nowhere/libengine.so");
        fake_put(p, MIMALLOC + FAKE_DATA + 0x40, record(&versions[V209], SEGMENT, 1));
        fake_open(p);
        const struct cs_heap *heap = fake_heap_of(p, "mimalloc");
        assert_true(heap && heap->measured.known);
        assert_string_equal(p->image->modules.at[heap->module].name, "libengine.so");
        fake_destroy(p);
        p = make_in(&versions[V209], "/nowhere/libengine.so");
        fake_open(p);
        heap = fake_heap_of(p, "mimalloc");
        assert_true(heap && heap->measured.known);
        assert_int_equal(heap->module, CS_NO_MODULE);
        fake_destroy(p);
}

/* A block that is larger than a segment: its one page takes more slices than are told. */
static void test_huge(void **state)
{
        (void)state;
        const struct version *v = &versions[V209];
        const uint32_t slices = 600;
        struct fake_process *p = make(v);
        put_segment(p, v, THIRD, SECRET);
        put_page(p, v, THIRD, 1, slices, slices * SLICE, 1, 1, 1);
        fake_open(p);
        const struct cs_heap *heap = fake_heap_of(p, "mimalloc");
        assert_true(heap && heap->measured.known);
        assert_int_equal(heap->measured.used.bytes,
                         598 * 48 + 15 * 8192 + 19 * SLICE + (uint64_t)slices * SLICE);
        fake_destroy(p);
}

/* With MI_SECURE free lists are encoded: what cannot be told apart is in use. */
static void test_encoded_lists(void **state)
{
        (void)state;
        const uint64_t lies[] = { UINT64_MAX, SEGMENT, SEGMENT + 2 * SLICE + 8, 0 };
        for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
                struct fake_process *p = make(&versions[V209]);
                fake_put(p, SEGMENT + 2 * SLICE, lies[i]);
                fake_open(p);
                const struct cs_heap *heap = fake_heap_of(p, "mimalloc");
                assert_true(heap && heap->measured.known);
                assert_int_equal(heap->measured.used.count, 598 + 15 + 1 + 1);
                assert_int_equal(fake_claimed(p, CS_KIND_MALLOC_USED), 48 * 1024 + 20 * 8192 + 19 * SLICE);
                fake_destroy(p);
        }
}

/* Of a cookie that fits no other's: it is nobody's, or another's. */
static void test_other_secret(void **state)
{
        (void)state;
        struct fake_process *p = make(&versions[V209]);
        put_segment(p, &versions[V209], THIRD, SECRET + 1);
        put_page(p, &versions[V209], THIRD, 1, 15, 15 * SLICE, 1, 1, 1);
        fake_open(p);
        const struct cs_heap *heap = fake_heap_of(p, "mimalloc");
        assert_true(heap && heap->measured.known);
        assert_null(cs_claims_find(&p->claims, THIRD, NULL));
        fake_destroy(p);
}

/* No two segments agree. */
static void test_no_secret(void **state)
{
        (void)state;
        struct fake_process *p = make(&versions[V209]);
        fake_put(p, SECOND + versions[V209].cookie, SECRET);
        fake_check_refused(p, "mimalloc");
}

/* Counts of slices that lead past the last, or nowhere. */
static void test_broken_chain(void **state)
{
        (void)state;
        const uint32_t counts[] = { 0, 2, 7, UINT32_MAX };
        for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
                const struct version *v = &versions[V209];
                struct fake_process *p = make(v);
                put_half(p, record(v, SEGMENT, 10), counts[i]);
                put_half(p, SECOND + v->entries, 1);
                fake_check_refused(p, "mimalloc");
        }
}

/* Pages with more blocks in use than there are, or more than fit. */
static void test_impossible_pages(void **state)
{
        (void)state;
        const struct version *v = &versions[V209];
        struct fake_process *p = make(v);
        put_half(p, record(v, SEGMENT, 1) + v->used, 1001);
        put_half(p, record(v, SEGMENT, 10) + v->size, UINT32_MAX);
        fake_check_refused(p, "mimalloc");
}

/* A thread of an address that is none. */
static void test_no_thread(void **state)
{
        (void)state;
        const struct version *v = &versions[V209];
        struct fake_process *p = make(v);
        fake_put(p, SEGMENT + v->thread_id, 12345);
        fake_put(p, SECOND + v->thread_id, UINT64_MAX);
        fake_check_refused(p, "mimalloc");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_versions),     cmocka_unit_test(test_huge),
                cmocka_unit_test(test_linked_in),    cmocka_unit_test(test_encoded_lists),
                cmocka_unit_test(test_other_secret), cmocka_unit_test(test_no_secret),
                cmocka_unit_test(test_broken_chain), cmocka_unit_test(test_impossible_pages),
                cmocka_unit_test(test_no_thread),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
