/* SPDX-License-Identifier: Apache-2.0 */
/* musl's mallocng in memory made by hand: what it proves, and what it must not be believed. */
#include "allocator.h"

#include "fake_allocator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#define MUSL UINT64_C(0x7f3000000000)
#define CONTEXT (MUSL + FAKE_BSS + 0x100)
#define SECRET UINT64_C(0x9e3779b97f4a7c15)
#define RANDOM (FAKE_STACK + 0x3f00)
#define AREAS UINT64_C(0x1000000000)
#define SECOND_AREA (AREAS + 0x2000)
#define SMALL UINT64_C(0x2000000000)
#define MIXED (SMALL + 0x1000)
#define LARGE (MIXED + 0x1000)
#define ALONE (LARGE + 0x20000)
#define NESTED (MIXED + 0x10)

enum {
        CLASS_16 = 0,
        CLASS_128 = 7,
        CLASS_496 = 15,
        CLASS_65520 = 43,
        NO_CLASS = 63,
        ALONE_PAGES = 40,
        DATA_BYTES = 0x22000 + ALONE_PAGES * 4096,
        ALONE_ASKED = ALONE_PAGES * 4096 - 20 - 5000,
};

static void put_half(struct fake_process *p, uint64_t at, uint32_t value)
{
        fake_write(p, at, &value, sizeof(value));
}

static uint64_t meta_at(uint64_t area, unsigned n)
{
        return area + 0x18 + n * UINT64_C(0x28);
}

static void put_group(struct fake_process *p, uint64_t meta, uint64_t group, uint64_t slots, uint64_t class,
                      uint64_t pages, uint32_t available, uint32_t freed)
{
        fake_put(p, meta + 0x10, group);
        put_half(p, meta + 0x18, available);
        put_half(p, meta + 0x1c, freed);
        fake_put(p, meta + 0x20, (slots - 1) | 1 << 5 | class << 6 | pages << 12);
        fake_put(p, group, meta);
}

/* A block in use of slot i, `offset` units behind the slot's start. */
static void put_block(struct fake_process *p, uint64_t group, uint64_t stride, unsigned i, uint32_t offset,
                      uint64_t asked)
{
        uint64_t slot = group + 16 + i * stride, end = slot + stride - 4,
                 block = slot + 16 * (uint64_t)offset;
        uint32_t reserve = (uint32_t)(end - block - asked);
        if (offset)
                put_half(p, slot - 4, 7 << 13 | offset << 16);
        put_half(p, block - 4,
                 (i | (reserve < 5 ? reserve : 5) << 5) << 8 | (uint32_t)((block - group - 16) / 16) << 16);
        if (reserve >= 5)
                put_half(p, end - 4, reserve);
}

static struct fake_process *make(void)
{
        struct fake_process *p = fake_create();
        fake_module(p, MUSL, "/nowhere/libc.so");
        fake_map(p, AREAS, 0x3000, PF_R | PF_W);
        fake_map(p, SMALL, DATA_BYTES, PF_R | PF_W);
        fake_put(p, RANDOM + 8, SECRET);
        fake_put(p, CONTEXT, SECRET);
        fake_put(p, CONTEXT + 0x40, AREAS);
        fake_put(p, CONTEXT + 0x48, SECOND_AREA);
        fake_put(p, AREAS, SECRET);
        fake_put(p, AREAS + 8, SECOND_AREA);
        fake_put(p, AREAS + 0x10, 101);
        fake_put(p, SECOND_AREA, SECRET);
        fake_put(p, SECOND_AREA + 0x10, 101);
        /* 20 slots of 128 bytes: 12 in use, 3 were freed, 5 never used. */
        put_group(p, meta_at(AREAS, 0), SMALL, 20, CLASS_128, 1, 0x7000, 0xf8000);
        for (unsigned i = 0; i < 12; i++)
                put_block(p, SMALL, 128, i, 0, 120 + i % 5);
        /* 4 of 496 bytes: one that holds smaller slots, one with much to spare, one that is full, one that is free. */
        put_group(p, meta_at(AREAS, 2), MIXED, 4, CLASS_496, 1, 8, 0);
        put_half(p, MIXED + 12, 6 << 13);
        put_group(p, meta_at(AREAS, 3), NESTED, 10, CLASS_16, 0, 0x3e0, 0);
        for (unsigned i = 0; i < 5; i++)
                put_block(p, NESTED, 16, i, 0, 10);
        put_block(p, MIXED, 496, 1, 2, 300);
        put_block(p, MIXED, 496, 2, 0, 492);
        /* Two of 65520 bytes, of which the second is free, and one that is a mapping of its own. */
        put_group(p, meta_at(SECOND_AREA, 0), LARGE, 2, CLASS_65520, 32, 0, 2);
        put_block(p, LARGE, 65520, 0, 0, 65000);
        put_group(p, meta_at(SECOND_AREA, 100), ALONE, 1, NO_CLASS, ALONE_PAGES, 0, 0);
        put_block(p, ALONE, ALONE_PAGES * 4096 - 16, 0, 0, ALONE_ASKED);
        return p;
}

static void check_sound(struct fake_process *p)
{
        fake_open(p);
        const struct cs_heap *heap = fake_heap_of(p, "musl");
        assert_non_null(heap);
        assert_false(heap->walked);
        assert_true(heap->measured.known);
        assert_string_equal(p->image->modules.at[heap->module].name, "libc.so");
        assert_int_equal(heap->measured.address, AREAS);
        assert_int_equal(heap->measured.used.count, 12 + 5 + 2 + 1 + 1);
        assert_int_equal(heap->measured.used.bytes,
                         12 * 120 + 2 * (0 + 1 + 2 + 3 + 4) + 1 + 5 * 10 + 300 + 492 + 65000 + ALONE_ASKED);
        assert_int_equal(heap->measured.free.count, 8 + 5 + 1 + 1);
        assert_int_equal(heap->measured.free.bytes, 8 * 128 + 5 * 16 + 496 + 65520);
        assert_int_equal(fake_claimed(p, CS_KIND_MALLOC_OVERHEAD), 2 * 4096);
        assert_int_equal(fake_claimed(p, CS_KIND_MALLOC_FREE), 65520);
        assert_int_equal(fake_claimed(p, CS_KIND_MALLOC_USED), DATA_BYTES - 65520);
        fake_destroy(p);
}

static void test_groups(void **state)
{
        (void)state;
        check_sound(make());
}

/* A list of areas that bites its tail, and areas that say they have more records than a page holds. */
static void test_cycle(void **state)
{
        (void)state;
        struct fake_process *p = make();
        fake_put(p, SECOND_AREA + 8, AREAS);
        put_half(p, AREAS + 0x10, UINT32_MAX);
        check_sound(p);
}

/* Blocks that say nothing sensible of what was asked for count with all of their slot. */
static void test_silly_blocks(void **state)
{
        (void)state;
        struct fake_process *p = make();
        put_half(p, MIXED + 16 + 3 * 496 - 8, UINT32_MAX); /* the reserve of slot 2, which is full */
        put_half(p, MIXED + 16 + 2 * 496 - 4, 5 << 13);
        put_half(p, MIXED + 16 + 496 - 4, 7 << 13 | 0x7fffU << 16);
        fake_open(p);
        const struct cs_heap *heap = fake_heap_of(p, "musl");
        assert_true(heap && heap->measured.known);
        assert_int_equal(heap->measured.used.bytes,
                         12 * 120 + 2 * (0 + 1 + 2 + 3 + 4) + 1 + 5 * 10 + 492 + 492 + 65000 + ALONE_ASKED);
        fake_destroy(p);
}

static void check_refused(struct fake_process *p)
{
        fake_open(p);
        assert_null(fake_heap_of(p, "musl"));
        assert_int_equal(p->claims.at.n, 0);
        fake_destroy(p);
}

/* A word that stands where the secret should. */
static void test_other_secret(void **state)
{
        (void)state;
        struct fake_process *p = make();
        fake_put(p, RANDOM + 8, SECRET + 1);
        check_refused(p);
}

/* The secret stands in memory, but nothing that begins with it follows: so it is in every glibc process. */
static void test_no_areas(void **state)
{
        (void)state;
        struct fake_process *p = make();
        fake_put(p, CONTEXT + 0x40, AREAS + 0x1000);
        fake_put(p, CONTEXT + 0x48, AREAS + 8);
        check_refused(p);
}

/* Groups that do not name their records, and records of what cannot be. */
static void test_liars(void **state)
{
        (void)state;
        struct fake_process *p = make();
        fake_put(p, SMALL, meta_at(AREAS, 1));
        check_refused(p);
        p = make();
        fake_put(p, meta_at(AREAS, 0) + 0x20, 19 | 63 << 6 | 1 << 12);
        check_refused(p);
        p = make();
        fake_put(p, meta_at(SECOND_AREA, 100) + 0x20, UINT64_MAX << 12 | 63 << 6);
        check_refused(p);
        p = make();
        fake_put(p, meta_at(AREAS, 0) + 0x20, 31 | CLASS_65520 << 6 | 1 << 12);
        check_refused(p);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_groups),       cmocka_unit_test(test_cycle),
                cmocka_unit_test(test_silly_blocks), cmocka_unit_test(test_other_secret),
                cmocka_unit_test(test_no_areas),     cmocka_unit_test(test_liars),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
