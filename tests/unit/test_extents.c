/* SPDX-License-Identifier: Apache-2.0 */
/* Where files hold data: what is kept and what is asked each time, ends of files and of their parts, and files without holes. */
#include "extents.h"

#include "budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { STEP = 64 << 10, SPANS = 2 * CS_BUDGET_LEAST, ALL = 2 * SPANS };

static int new_file(void)
{
        char path[] = "/tmp/corescan-extents-XXXXXX";
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        assert_int_equal(unlink(path), 0);
        return fd;
}

/* The byte at each offset that is a multiple of STEP and an even number of these is data. -1: the file system has no holes. */
static int new_spans(void)
{
        int fd = new_file();
        for (off_t i = 0; i < SPANS; i++)
                assert_int_equal(pwrite(fd, "x", 1, i * 2 * STEP), 1);
        if (lseek(fd, STEP, SEEK_DATA) == 2 * STEP)
                return fd;
        close(fd);
        return -1;
}

static void expect_spans(const struct cs_extents *e)
{
        for (uint64_t i = 0; i < ALL; i++) {
                struct cs_extent at = cs_extents_at(e, i * STEP);
                if (i % 2 == 0) {
                        assert_true(at.data_start <= i * STEP && at.data_end > i * STEP);
                        assert_true(at.data_end <= (i + 1) * STEP);
                } else if (i < ALL - 1) {
                        assert_int_equal(at.data_start, (i + 1) * STEP);
                } else {
                        assert_int_equal(at.data_start, UINT64_MAX); /* the file ended before */
                }
        }
}

/* Holes that are written to after they were kept are holes still: of how many is that not so? */
static size_t count_asked(const struct cs_extents *e, int fd)
{
        size_t asked = 0;
        for (off_t i = 1; i < ALL; i += 2)
                assert_int_equal(pwrite(fd, "x", 1, i * STEP), 1);
        for (uint64_t i = 1; i < ALL; i += 2)
                asked += cs_extents_at(e, i * STEP).data_start <= i * STEP;
        return asked;
}

static void expect_asked(size_t least, size_t most)
{
        struct cs_extents e = { 0 };
        int fd = new_spans();
        if (fd < 0)
                skip();
        cs_extents_keep(&e, fd);
        expect_spans(&e);
        size_t asked = count_asked(&e, fd);
        assert_in_range(asked, least, most);
        cs_extents_deinit(&e);
        close(fd);
}

static void test_kept(void **state)
{
        (void)state;
        expect_asked(0, 0);
}

static void test_little_memory(void **state)
{
        (void)state;
        cs_budget_set(1 << 20);
        expect_asked(SPANS / 2, SPANS - 2);
        cs_budget_set(0);
}

/* ---- several at once ---- */

static void *ask_all(void *extents)
{
        expect_spans(extents);
        return NULL;
}

static void test_threads(void **state)
{
        (void)state;
        struct cs_extents e = { 0 };
        pthread_t threads[4];
        int fd = new_spans();
        if (fd < 0)
                skip();
        cs_extents_keep(&e, fd);
        for (size_t i = 0; i < 4; i++)
                assert_int_equal(pthread_create(&threads[i], NULL, ask_all, &e), 0);
        for (size_t i = 0; i < 4; i++)
                assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(count_asked(&e, fd), 0);
        cs_extents_deinit(&e);
        close(fd);
}

/* ---- ends ---- */

static void test_ends(void **state)
{
        (void)state;
        static const off_t far = (off_t)1 << 33;
        int fd = new_file();
        struct cs_extents e = { 0 };
        assert_int_equal(pwrite(fd, "x", 1, 3 * STEP), 1);
        assert_int_equal(pwrite(fd, "x", 1, far), 1);
        assert_int_equal(ftruncate(fd, far + 5 * STEP), 0);
        cs_extents_keep(&e, fd);
        assert_true(cs_extents_at(&e, 3 * STEP).data_start <= 3 * STEP);
        assert_true(cs_extents_at(&e, 3 * STEP).data_end > 3 * STEP);
        if (cs_extents_at(&e, 0).data_start > 0) { /* with holes */
                assert_int_equal(cs_extents_at(&e, 0).data_start, 3 * STEP);
                assert_int_equal(cs_extents_at(&e, 4 * STEP).data_start, (uint64_t)far);
                assert_int_equal(cs_extents_at(&e, far / 2).data_start, (uint64_t)far);
                assert_int_equal(cs_extents_at(&e, far + STEP).data_start, UINT64_MAX);
        }
        assert_int_equal(cs_extents_at(&e, UINT64_C(1) << 60).data_start, UINT64_MAX);
        cs_extents_deinit(&e);
        close(fd);
        /* Of what is no file all is data. */
        cs_extents_keep(&e, -1);
        assert_int_equal(cs_extents_at(&e, 12345).data_start, 0);
        assert_int_equal(cs_extents_at(&e, 12345).data_end, UINT64_MAX);
        cs_extents_deinit(&e);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_kept),
                cmocka_unit_test(test_little_memory),
                cmocka_unit_test(test_threads),
                cmocka_unit_test(test_ends),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
