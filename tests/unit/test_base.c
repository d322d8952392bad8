/* SPDX-License-Identifier: Apache-2.0 */
/* The part that everything else stands on: cursors, ranges, growing arrays, pools, tallies, work side by side. */
#include "bytes.h"
#include "cursor.h"
#include "pool.h"
#include "range.h"
#include "status.h"
#include "tally.h"
#include "vec.h"
#include "work.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- cursor ------------------------------------------------------------------------------------------------------ */

static void test_cursor_reads(void **state)
{
        (void)state;
        static const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 'h', 'i', 0, 0xff };
        struct cs_cursor c = cs_cursor_make(bytes, sizeof(bytes));
        assert_int_equal(cs_cursor_u16(&c), 0x0201);
        assert_int_equal(cs_cursor_u32(&c), 0x06050403);
        assert_int_equal(cs_cursor_u64(&c), 0x0e0d0c0b0a090807);
        assert_string_equal(cs_cursor_string(&c), "hi");
        assert_int_equal(cs_cursor_left(&c), 1);
        assert_false(c.bad);
}

static void test_cursor_stays_bad(void **state)
{
        (void)state;
        static const uint8_t bytes[] = { 1, 2, 3, 4, 5 };
        struct cs_cursor c = cs_cursor_make(bytes, sizeof(bytes));
        assert_int_equal(cs_cursor_u64(&c), 0);
        assert_true(c.bad);
        /* One byte would still fit, but what it means is not known any more. */
        assert_int_equal(cs_cursor_number(&c, 1), 0);
        assert_int_equal(cs_cursor_left(&c), 0);
        assert_null(cs_cursor_take(&c, 1));
        assert_null(cs_cursor_string(&c));
        cs_cursor_skip(&c, 0);
        assert_true(c.bad);
}

static void test_cursor_edges(void **state)
{
        (void)state;
        static const uint8_t bytes[] = { 'a', 'b' };
        struct cs_cursor c = cs_cursor_make(bytes, sizeof(bytes));
        assert_null(cs_cursor_string(&c)); /* no NUL inside the buffer */
        assert_true(c.bad);
        c = cs_cursor_make(bytes, sizeof(bytes));
        assert_null(cs_cursor_take(&c, SIZE_MAX));
        assert_true(c.bad);
        c = cs_cursor_make(bytes, sizeof(bytes));
        assert_ptr_equal(cs_cursor_take(&c, 2), bytes);
        assert_ptr_equal(cs_cursor_take(&c, 0), bytes + 2);
        assert_false(c.bad);
        assert_null(cs_cursor_take(&c, 1));
        c = cs_cursor_make(bytes, 0);
        assert_null(cs_cursor_string(&c));
        assert_true(c.bad);
}

/* ---- range ------------------------------------------------------------------------------------------------------- */

static void test_range_holds(void **state)
{
        (void)state;
        static const struct {
                const char *what;
                struct cs_range range;
                uint64_t addr, len;
                bool holds;
        } cases[] = {
                { "all", { 10, 20 }, 10, 10, true },
                { "one more", { 10, 20 }, 10, 11, false },
                { "before", { 10, 20 }, 9, 1, false },
                { "nothing at the end", { 10, 20 }, 20, 0, true },
                { "something at the end", { 10, 20 }, 20, 1, false },
                { "sum wraps", { 10, 20 }, 15, UINT64_MAX, false },
                { "sum wraps to inside", { 10, 20 }, 15, UINT64_MAX - 1, false },
                { "last address", { UINT64_MAX - 1, UINT64_MAX }, UINT64_MAX - 1, 1, true },
                { "address beyond", { 0, 10 }, UINT64_MAX, 1, false },
                { "empty range", { 10, 10 }, 10, 0, true },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                if (cs_range_holds(cases[i].range, cases[i].addr, cases[i].len) != cases[i].holds)
                        fail_msg("%s", cases[i].what);
}

static void test_range_cut(void **state)
{
        (void)state;
        struct cs_range a = { 10, 20 };
        struct cs_range r = cs_range_cut(a, (struct cs_range){ 15, 30 });
        assert_int_equal(r.start, 15);
        assert_int_equal(r.end, 20);
        assert_int_equal(cs_range_size(cs_range_cut(a, (struct cs_range){ 20, 30 })), 0);
        assert_int_equal(cs_range_size(cs_range_cut(a, (struct cs_range){ 40, 50 })), 0);
        assert_int_equal(cs_range_size(cs_range_cut((struct cs_range){ 40, 50 }, a)), 0);
        assert_int_equal(cs_range_size(cs_range_cut(a, (struct cs_range){ 0, UINT64_MAX })), 10);
        assert_true(cs_range_has(a, 10));
        assert_true(cs_range_has(a, 19));
        assert_false(cs_range_has(a, 20));
        assert_false(cs_range_has((struct cs_range){ 10, 10 }, 10));
}

static void test_pages(void **state)
{
        (void)state;
        static const uint64_t last = UINT64_MAX - CS_PAGE + 1;
        assert_int_equal(cs_page_up(0), 0);
        assert_int_equal(cs_page_up(1), CS_PAGE);
        assert_int_equal(cs_page_up(CS_PAGE), CS_PAGE);
        assert_int_equal(cs_page_up(CS_PAGE + 1), 2 * CS_PAGE);
        assert_true(cs_page_up(last - 1) == last);
        assert_true(cs_page_up(last) == last);
        assert_true(cs_page_up(last + 1) == last);
        assert_true(cs_page_up(UINT64_MAX) == last);
        assert_true(cs_page_down(UINT64_MAX) == last);
        assert_int_equal(cs_page_down(CS_PAGE - 1), 0);
        assert_true(cs_range_mappable((struct cs_range){ 0xffffffffff600000, 0xffffffffff601000 }));
        assert_false(cs_range_mappable((struct cs_range){ last - CS_PAGE, last }));
        assert_false(cs_range_mappable((struct cs_range){ 5, 5 }));
        assert_false(cs_range_mappable((struct cs_range){ 6, 5 }));
}

static void test_bytes(void **state)
{
        (void)state;
        static const uint8_t some[] = { 0, 0, 0, 0, 0, 0, 0, 0, 1 };
        assert_true(cs_all_zero(some, 0));
        assert_true(cs_all_zero(some, 1));
        assert_true(cs_all_zero(some, 8));
        assert_false(cs_all_zero(some, 9));
        assert_false(cs_all_zero(some + 8, 1));
        assert_int_equal(cs_half(some + 5), 0x01000000);
        assert_true(cs_word(some + 1) == UINT64_C(1) << 56);
        assert_true(cs_mix(1) != cs_mix(2));
}

/* ---- errors, arrays, pools --------------------------------------------------------------------------------------- */

static void test_status(void **state)
{
        (void)state;
        struct cs_error err = { 0 };
        char longest[2 * CS_ERROR_TEXT];
        memset(longest, 'x', sizeof(longest) - 1);
        longest[sizeof(longest) - 1] = '\0';
        assert_int_equal(cs_fail(NULL, CS_EFORMAT, "nobody listens"), CS_EFORMAT);
        assert_int_equal(cs_fail_sys(NULL, ENOENT, "nobody listens"), CS_ESYS);
        assert_int_equal(cs_fail(&err, CS_ELIMIT, "%d blocks", 3), CS_ELIMIT);
        assert_int_equal(err.status, CS_ELIMIT);
        assert_string_equal(err.text, "3 blocks");
        assert_int_equal(cs_fail_sys(&err, ENOENT, "core"), CS_ESYS);
        assert_string_equal(err.text, "core: No such file or directory");
        (void)cs_fail_sys(&err, 123456, "core");
        assert_string_equal(err.text, "core: unknown error");
        (void)cs_fail_sys(&err, ENOENT, "%s", longest);
        assert_int_equal(strlen(err.text), CS_ERROR_TEXT - 1);
}

/* An allocation that cannot be had fails here as it does without a sanitizer. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);

const char *__asan_default_options(void)
{
        return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void)
{
        return "allocator_may_return_null=1";
}

static void test_vec(void **state)
{
        (void)state;
        CS_VEC(uint32_t) v = { 0 };
        for (uint32_t i = 0; i < 1000; i++)
                assert_int_equal(cs_vec_push(&v, i, NULL), CS_OK);
        assert_int_equal(v.n, 1000);
        assert_true(v.cap >= 1000);
        for (uint32_t i = 0; i < 1000; i++)
                assert_int_equal(v.at[i], i);
        struct cs_error err = { 0 };
        uint32_t *before = v.at;
        assert_int_equal(cs_vec_reserve(&v, SIZE_MAX / 2, &err), CS_ENOMEM);
        assert_int_equal(cs_vec_reserve(&v, SIZE_MAX / 8, &err), CS_ENOMEM);
        assert_true(err.text[0]);
        assert_ptr_equal(v.at, before);
        assert_int_equal(v.n, 1000);
        assert_int_equal(v.at[999], 999);
        cs_vec_deinit(&v);
        assert_null(v.at);
        assert_int_equal(v.n + v.cap, 0);
}

static void test_pool(void **state)
{
        (void)state;
        struct cs_pool pool = { 0 };
        uint8_t *last = NULL;
        assert_null(cs_pool_alloc(&pool, SIZE_MAX, 2));
        assert_null(cs_pool_alloc(&pool, SIZE_MAX / 2 + 1, 1));
        assert_null(cs_pool_copy(&pool, "x", SIZE_MAX));
        for (size_t size = 1; size < 300; size++) {
                uint8_t *at = cs_pool_alloc(&pool, size, 7);
                assert_non_null(at);
                assert_int_equal((uintptr_t)at % 16, 0);
                assert_true(cs_all_zero(at, 7 * size));
                assert_true(at != last);
                memset(at, 0xee, 7 * size);
                last = at;
        }
        /* Larger than a chunk of the pool, and then something small again. */
        uint8_t *large = cs_pool_alloc(&pool, 1, 1 << 20);
        assert_true(large && cs_all_zero(large, 1 << 20));
        memset(large, 0xee, 1 << 20);
        uint8_t *small = cs_pool_alloc(&pool, 1, 100);
        assert_true(small && cs_all_zero(small, 100));
        char *copy = cs_pool_copy(&pool, "a\0b", 3);
        assert_memory_equal(copy, "a\0b", 4);
        assert_string_equal(cs_pool_copy(&pool, NULL, 0), "");
        assert_string_equal(cs_pool_printf(&pool, "%s-%d", "x", 7), "x-7");
        char *padded = cs_pool_printf(&pool, "%300d", 7);
        assert_int_equal(strlen(padded), 300);
        assert_string_equal(padded + 298, " 7");
        /* What comes after a reset is as from a new one. */
        for (unsigned round = 0; round < 3; round++) {
                cs_pool_reset(&pool);
                for (size_t i = 0; i < 100; i++) {
                        uint8_t *at = cs_pool_alloc(&pool, 1, 1 + i * 40 * round);
                        for (size_t k = 0; k < 1 + i * 40 * round; k++)
                                assert_int_equal(at[k], 0);
                        memset(at, 0xff, 1 + i * 40 * round);
                }
        }
        cs_pool_deinit(&pool);
        cs_pool_deinit(&pool);
        cs_pool_deinit(NULL);
}

/* ---- tally ------------------------------------------------------------------------------------------------------- */

static void test_tally(void **state)
{
        (void)state;
        struct cs_tally tally = { 0 }, more = { 0 };
        uint64_t *value;
        assert_int_equal(cs_tally_get(&tally, 5, 77), 77);
        /* Zero and all ones are keys like any other; 10,000 of them make it grow several times. */
        for (uint64_t i = 0; i < 10000; i++) {
                uint64_t key = i == 7 ? UINT64_MAX : i << 12;
                assert_int_equal(cs_tally_at(&tally, key, i, &value, NULL), CS_OK);
                assert_int_equal(*value, i);
                ++*value;
        }
        assert_int_equal(tally.n, 10000);
        assert_true(tally.cap >= 2 * tally.n && (tally.cap & (tally.cap - 1)) == 0);
        for (uint64_t i = 0; i < 10000; i++)
                assert_int_equal(cs_tally_get(&tally, i == 7 ? UINT64_MAX : i << 12, 0), i + 1);
        assert_int_equal(cs_tally_get(&tally, 1, 42), 42);
        assert_int_equal(cs_tally_at(&tally, 0, 99, &value, NULL), CS_OK);
        assert_int_equal(*value, 1); /* not fresh */

        assert_int_equal(cs_tally_at(&more, 0, 10, &value, NULL), CS_OK);
        assert_int_equal(cs_tally_at(&more, 3, 5, &value, NULL), CS_OK);
        assert_int_equal(cs_tally_add(&tally, &more, NULL), CS_OK);
        assert_int_equal(cs_tally_get(&tally, 0, 0), 11);
        assert_int_equal(cs_tally_get(&tally, 3, 0), 5);
        assert_int_equal(tally.n, 10001);
        cs_tally_deinit(&more);
        assert_int_equal(cs_tally_add(&tally, &more, NULL), CS_OK); /* from an empty one */
        cs_tally_deinit(&tally);
        cs_tally_deinit(&tally);
        cs_tally_deinit(NULL);
}

/* ---- work -------------------------------------------------------------------------------------------------------- */

enum { UNITS = 5000 };

struct count {
        atomic_uint done[UNITS];
        atomic_uint by[CS_WORKERS_MAX];
        unsigned workers;
        size_t fails_from; /* units from here on fail, each with its own number */
};

static enum cs_status count_unit(void *context, size_t unit, unsigned worker, struct cs_error *err)
{
        struct count *c = context;
        if (unit >= UNITS || worker >= c->workers)
                abort();
        atomic_fetch_add(&c->done[unit], 1);
        atomic_fetch_add(&c->by[worker], 1);
        return unit < c->fails_from ? CS_OK : cs_fail(err, CS_EFORMAT, "unit %zu", unit);
}

static void test_work_once_each(void **state)
{
        (void)state;
        static const unsigned workers[] = { 0, 1, 2, 8, CS_WORKERS_MAX, CS_WORKERS_MAX + 100 };
        for (size_t i = 0; i < sizeof(workers) / sizeof(workers[0]); i++) {
                struct count *c = calloc(1, sizeof(*c));
                unsigned most = workers[i] > CS_WORKERS_MAX ? CS_WORKERS_MAX : workers[i] ? workers[i] : 1;
                assert_non_null(c);
                c->workers = most;
                c->fails_from = SIZE_MAX;
                assert_int_equal(cs_work_run(workers[i], UNITS, count_unit, c, NULL), CS_OK);
                for (size_t u = 0; u < UNITS; u++)
                        assert_int_equal(atomic_load(&c->done[u]), 1);
                assert_int_equal(cs_work_run(workers[i], 0, count_unit, c, NULL), CS_OK);
                free(c);
        }
}

static void test_work_lowest_failure(void **state)
{
        (void)state;
        for (unsigned round = 0; round < 50; round++) {
                struct count *c = calloc(1, sizeof(*c));
                struct cs_error err = { 0 };
                assert_non_null(c);
                c->workers = 8;
                c->fails_from = 17;
                assert_int_equal(cs_work_run(8, UNITS, count_unit, c, &err), CS_EFORMAT);
                assert_int_equal(err.status, CS_EFORMAT);
                assert_string_equal(err.text, "unit 17");
                for (size_t u = 0; u < UNITS; u++)
                        assert_true(atomic_load(&c->done[u]) <= 1);
                assert_int_equal(cs_work_run(8, UNITS, count_unit, c, NULL), CS_EFORMAT);
                free(c);
        }
}

struct errand {
        pthread_mutex_t gate;
        atomic_bool done;
        bool fails;
};

static enum cs_status run_errand(void *context, struct cs_error *err)
{
        struct errand *e = context;
        pthread_mutex_lock(&e->gate);
        pthread_mutex_unlock(&e->gate);
        atomic_store(&e->done, true);
        return e->fails ? cs_fail(err, CS_EFORMAT, "errand") : CS_OK;
}

static void test_beside(void **state)
{
        (void)state;
        struct cs_beside none = { 0 };
        assert_true(cs_beside_over(&none));
        cs_beside_await(&none);
        assert_int_equal(cs_beside_wait(&none, NULL), CS_OK);
        for (unsigned round = 0; round < 20; round++) {
                struct errand e = { .gate = PTHREAD_MUTEX_INITIALIZER, .fails = round % 2 };
                struct cs_beside b = { 0 };
                struct cs_error err = { 0 };
                pthread_mutex_lock(&e.gate);
                cs_beside_start(&b, run_errand, &e);
                assert_false(cs_beside_over(&b));
                assert_false(atomic_load(&e.done));
                pthread_mutex_unlock(&e.gate);
                if (round % 4 < 2) {
                        cs_beside_await(&b);
                        assert_true(cs_beside_over(&b));
                        cs_beside_await(&b);
                }
                for (unsigned asked = 0; asked < 2; asked++) {
                        assert_int_equal(cs_beside_wait(&b, &err), e.fails ? CS_EFORMAT : CS_OK);
                        assert_string_equal(err.text, e.fails ? "errand" : "");
                        assert_true(atomic_load(&e.done));
                        assert_true(cs_beside_over(&b));
                }
                pthread_mutex_destroy(&e.gate);
        }
}

/* Who is busy helps if there is something left, and nobody waits for that: not where all is done, and not where it failed. */
static void test_help(void **state)
{
        (void)state;
        for (unsigned round = 0; round < 60; round++) {
                struct errand e = { .gate = PTHREAD_MUTEX_INITIALIZER };
                struct cs_beside b = { 0 };
                struct count c = { .workers = 2 + round % 3, .fails_from = round % 5 ? UNITS : UNITS / 2 };
                bool early = round % 2; /* the other thing may end meanwhile */
                pthread_mutex_lock(&e.gate);
                cs_beside_start(&b, run_errand, &e);
                if (early)
                        pthread_mutex_unlock(&e.gate);
                assert_int_equal(cs_work_run_beside(c.workers, UNITS, count_unit, &c, &b, NULL),
                                 c.fails_from < UNITS ? CS_EFORMAT : CS_OK);
                for (size_t i = 0; i < c.fails_from; i++)
                        assert_int_equal(atomic_load(&c.done[i]), 1);
                if (!early) {
                        assert_int_equal(atomic_load(&c.by[c.workers - 1]), 0);
                        assert_false(cs_beside_over(&b));
                        pthread_mutex_unlock(&e.gate);
                }
                assert_int_equal(cs_beside_wait(&b, NULL), CS_OK);
                pthread_mutex_destroy(&e.gate);
        }
}

static void test_popcount(void **state)
{
        (void)state;
        uint64_t x = 88172645463325252;
        assert_int_equal(cs_popcount(0), 0);
        assert_int_equal(cs_popcount(UINT64_MAX), 64);
        for (unsigned i = 0; i < 64; i++)
                assert_int_equal(cs_popcount(UINT64_C(1) << i), 1);
        for (unsigned n = 0; n < 1000; n++) {
                unsigned bits = 0;
                for (uint64_t rest = x = cs_mix(x); rest; rest &= rest - 1)
                        bits++;
                assert_int_equal(cs_popcount(x), bits);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_popcount),
                cmocka_unit_test(test_cursor_reads),
                cmocka_unit_test(test_cursor_stays_bad),
                cmocka_unit_test(test_cursor_edges),
                cmocka_unit_test(test_range_holds),
                cmocka_unit_test(test_range_cut),
                cmocka_unit_test(test_pages),
                cmocka_unit_test(test_bytes),
                cmocka_unit_test(test_status),
                cmocka_unit_test(test_vec),
                cmocka_unit_test(test_pool),
                cmocka_unit_test(test_tally),
                cmocka_unit_test(test_work_once_each),
                cmocka_unit_test(test_work_lowest_failure),
                cmocka_unit_test(test_beside),
                cmocka_unit_test(test_help),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
