/* SPDX-License-Identifier: Apache-2.0 */
/* Long work that beats: what is seen of it, and that it ends when somebody asks for the end. */
#include "pulse.h"
#include "source.h"
#include "work.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { UNITS = 200, LARGE = 256 << 10 };

static int answer(void **state)
{
        (void)state;
        cs_stop_answer();
        cs_pulse_watch(NULL, NULL);
        return 0;
}

struct seen {
        unsigned n;
        uint64_t done, total;
};

static void see(void *context, uint64_t done, uint64_t total)
{
        struct seen *seen = context;
        seen->n++;
        seen->done = done;
        seen->total = total;
}

struct job {
        atomic_uint done;
        atomic_uint flags[UNITS];
        unsigned stop_at;
};

static enum cs_status do_unit(void *context, size_t unit, unsigned worker, struct cs_error *err)
{
        struct job *job = context;
        (void)worker;
        (void)err;
        if (unit == job->stop_at)
                cs_stop_ask();
        atomic_fetch_add(&job->done, 1);
        atomic_store(&job->flags[unit], 1);
        return CS_OK;
}

/* The units that were done are the first ones, whoever did them. */
static void test_work_stops(void **state)
{
        (void)state;
        for (unsigned workers = 1; workers <= 4; workers++) {
                struct job job = { .stop_at = 50 };
                struct cs_error err = { 0 };
                assert_int_equal(cs_work_run(workers, UNITS, do_unit, &job, &err), CS_ESTOPPED);
                assert_string_equal(err.text, "interrupted");
                unsigned n = atomic_load(&job.done);
                assert_true(n > 50 && n <= 50 + 8 * workers);
                for (unsigned i = 0; i < n; i++)
                        assert_int_equal(atomic_load(&job.flags[i]), 1);
                cs_stop_answer();
        }
        struct job whole = { .stop_at = UNITS };
        assert_int_equal(cs_work_run(2, UNITS, do_unit, &whole, NULL), CS_OK);
        assert_int_equal(atomic_load(&whole.done), UNITS);
}

static void test_watch(void **state)
{
        (void)state;
        struct seen seen = { 0 };
        struct job job = { .stop_at = UNITS };
        cs_pulse_watch(see, &seen);
        assert_int_equal(cs_work_run(1, UNITS, do_unit, &job, NULL), CS_OK);
        assert_int_equal(seen.n, UNITS);
        assert_int_equal(seen.done, UNITS - 1);
        assert_int_equal(seen.total, UNITS);
        assert_int_equal(cs_pulse(1, 0, NULL), CS_OK); /* of nothing that could be shown */
        assert_int_equal(cs_pulse_at(CS_PULSE_EVERY - 1, 1 << 20, NULL), CS_OK);
        assert_int_equal(seen.n, UNITS);
        assert_int_equal(cs_pulse_at(CS_PULSE_EVERY, 1 << 20, NULL), CS_OK);
        assert_int_equal(seen.n, UNITS + 1);
        cs_pulse_watch(NULL, NULL);
        assert_int_equal(cs_pulse(1, 2, NULL), CS_OK);
        assert_int_equal(seen.n, UNITS + 1);
}

static void test_source(void **state)
{
        static uint8_t bytes[LARGE], copy[LARGE];
        struct cs_source *src = cs_source_from_bytes(0x1000, bytes, sizeof(bytes));
        struct cs_error err = { 0 };
        struct seen seen = { 0 };
        size_t got, len = LARGE;
        uint64_t word;
        (void)state;
        assert_non_null(src);
        cs_pulse_watch(see, &seen);
        assert_int_equal(cs_source_read(src, 0x1000, copy, LARGE, &got, &err), CS_OK);
        assert_non_null(cs_source_borrow(src, 0x1000, &len));
        assert_int_equal(seen.n, 2);
        assert_int_equal(seen.done, 2 * LARGE);
        assert_int_equal(seen.total, 0);
        assert_true(cs_source_u64(src, 0x1000, &word)); /* small ones are no progress */
        assert_int_equal(seen.n, 2);
        cs_stop_ask();
        assert_int_equal(cs_source_read(src, 0x1000, copy, 8, &got, &err), CS_ESTOPPED);
        assert_int_equal(got, 0);
        assert_null(cs_source_borrow(src, 0x1000, &len));
        assert_int_equal(cs_source_next(src, 0x1000), UINT64_MAX);
        cs_stop_answer();
        assert_true(cs_source_u64(src, 0x1000, &word));
        cs_source_close(src);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_work_stops, answer),
                cmocka_unit_test_teardown(test_watch, answer),
                cmocka_unit_test_teardown(test_source, answer),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
