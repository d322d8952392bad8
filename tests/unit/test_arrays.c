/* SPDX-License-Identifier: Apache-2.0 */
#include "arrays.h"

#include "bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SIZE = 1 << 20, START = 0x10000 };

static uint8_t *bytes;
static uint64_t seed;

static uint64_t next(void)
{
        return cs_mix(seed += UINT64_C(0x9e3779b97f4a7c15));
}

static void put(uint8_t *at, uint64_t value)
{
        memcpy(at, &value, sizeof(value));
}

/* n records of `stride` bytes (a multiple of 8) at `at`; a pointer is the same in all of them. */
static void records(size_t at, size_t stride, size_t n)
{
        for (size_t i = 0; i < n; i++)
                for (size_t k = 0; k < stride; k += 8)
                        put(bytes + at + i * stride + k, k == 8 ? 0x7f1234567890 : next() % 1000000);
}

struct answer {
        bool found;
        struct cs_period period;
        uint64_t count, first, last;
};

static struct answer ask(struct cs_arrays *arrays, struct cs_source *source, uint64_t start, uint64_t size)
{
        struct cs_block block = { .start = start, .size = size, .state = CS_BLOCK_IN_USE };
        struct cs_error err;
        struct cs_view view;
        struct answer a = { 0 };
        cs_view_init(&view, source);
        assert_int_equal(cs_arrays_look(arrays, &view, &block, &a.found, &a.period, &err), CS_OK);
        if (a.found)
                a.count = cs_arrays_count(&view, &block, &a.period, &a.first, &a.last);
        cs_view_deinit(&view);
        return a;
}

static void blocks(void **state)
{
        cs_cleanup(cs_arrays_deinit) struct cs_arrays arrays = { 0 };
        cs_cleanup(cs_source_closep) struct cs_source *source = cs_source_from_bytes(START, bytes, SIZE);
        (void)state;
        assert_non_null(source);
        seed = 1;
        for (size_t i = 0; i < SIZE; i += 8)
                put(bytes + i, next() & next());
        /* Behind the block's header; of the capacity some is unused. */
        records(16, 40, 2000);
        memset(bytes + 16 + 2000 * 40, 0, 20000);
        /* The same records in a larger block, behind a header of their own. */
        records(200016 + 72, 40, 12000);
        /* Too few of them. */
        records(800016, 40, 50);
        cs_arrays_begin(&arrays);
        struct answer a = ask(&arrays, source, START, 100016);
        assert_true(a.found);
        assert_int_equal(a.period.stride, 40);
        assert_int_equal(a.count, 2000);
        assert_int_equal(a.first, START + 16);
        assert_int_equal(a.last, START + 16 + 1999 * 40);
        struct answer b = ask(&arrays, source, START + 200000, 480112);
        assert_true(b.found);
        assert_int_equal(b.count, 12000);
        assert_true(cs_period_same(&a.period, &b.period));
        assert_false(ask(&arrays, source, START + 800000, 40000).found);
        assert_false(ask(&arrays, source, START + 900000, 40000).found);
        /* Small blocks are no arrays, whatever they hold. */
        assert_false(ask(&arrays, source, START, 8016).found);
        /* What cannot be read is none. */
        assert_false(ask(&arrays, source, UINT64_C(0x7f0000000000), 40000).found);
}

/* Behind a header of the block's own the lowest byte of the records' pointer is zero, as with every 256th address: the bytes that tell begin
 * behind it, and their word before it. */
static void round_pointers(void **state)
{
        cs_cleanup(cs_arrays_deinit) struct cs_arrays arrays = { 0 };
        cs_cleanup(cs_source_closep) struct cs_source *source = cs_source_from_bytes(START, bytes, SIZE);
        (void)state;
        assert_non_null(source);
        seed = 3;
        for (size_t i = 0; i < SIZE; i += 8)
                put(bytes + i, next() & next());
        for (size_t i = 0; i < 4000; i++) {
                put(bytes + 16 + 72 + i * 40, 0x7f1234567800);
                for (size_t k = 8; k < 40; k += 8)
                        put(bytes + 16 + 72 + i * 40 + k, next() % 1000000 + 1);
        }
        cs_arrays_begin(&arrays);
        struct answer a = ask(&arrays, source, START, 16 + 72 + 4000 * 40 + 8);
        assert_true(a.found);
        assert_int_equal(a.period.stride, 40);
        assert_int_equal(a.count, 4000);
        assert_int_equal(a.first % 8, 0);
}

/* What one slice taught is not known in the next, or the answer would depend on who does which slice. */
static void slices(void **state)
{
        cs_cleanup(cs_arrays_deinit) struct cs_arrays arrays = { 0 };
        cs_cleanup(cs_source_closep) struct cs_source *source = cs_source_from_bytes(START, bytes, SIZE);
        (void)state;
        assert_non_null(source);
        seed = 2;
        for (size_t i = 0; i < SIZE; i += 8)
                put(bytes + i, next() & next());
        records(16, 48, 1000);
        for (unsigned turn = 0; turn < 2; turn++) {
                cs_arrays_begin(&arrays);
                assert_int_equal(arrays.n_known, 0);
                assert_true(ask(&arrays, source, START, 48016).found);
                assert_int_equal(arrays.n_known, 1);
                /* A bounded number of blocks is looked at; of one size that was none only the first ones. */
                uint32_t before = arrays.looked;
                for (unsigned i = 0; i < 100; i++)
                        assert_false(ask(&arrays, source, START + 100000 + i * 16, 40000).found);
                assert_in_range(arrays.looked, before + 1, before + 4);
                for (unsigned i = 0; i < 100; i++)
                        assert_false(ask(&arrays, source, START + 100000, 40016 + i * 16).found);
                assert_true(arrays.looked < 64);
                /* And those that are like what is known are found all the same. */
                assert_true(ask(&arrays, source, START, 48016).found);
        }
}

static int setup(void **state)
{
        (void)state;
        return !(bytes = malloc(SIZE));
}

static int teardown(void **state)
{
        (void)state;
        free(bytes);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(blocks),
                cmocka_unit_test(round_pointers),
                cmocka_unit_test(slices),
        };
        return cmocka_run_group_tests(tests, setup, teardown);
}
