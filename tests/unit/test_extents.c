/* SPDX-License-Identifier: Apache-2.0 */
/* Where files hold data: those that are kept, those behind them, and files without holes. */
#include "extents.h"

#include "cs_limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { STEP = 64 << 10 };

static int new_file(void)
{
        char path[] = "/tmp/corescan-extents-XXXXXX";
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        assert_int_equal(unlink(path), 0);
        return fd;
}

/* The byte at each offset that is a multiple of STEP and an even number of these is data; more than are kept. */
static void test_many(void **state)
{
        (void)state;
        enum { SPANS = CS_LIMIT_EXTENTS + 50 };
        int fd = new_file();
        struct cs_extents e = { 0 };
        for (off_t i = 0; i < SPANS; i++)
                assert_int_equal(pwrite(fd, "x", 1, i * 2 * STEP), 1);
        assert_int_equal(cs_extents_learn(&e, fd, NULL), CS_OK);
        if (e.data.n < 2) { /* a file system without holes */
                cs_extents_deinit(&e);
                close(fd);
                skip();
        }
        assert_int_equal(e.data.n, CS_LIMIT_EXTENTS);
        for (uint64_t i = 0; i < 2 * SPANS; i++) {
                struct cs_extent at = cs_extents_at(&e, i * STEP);
                if (i % 2 == 0) {
                        assert_true(at.data_start <= i * STEP && at.data_end > i * STEP);
                        assert_true(at.data_end <= (i + 1) * STEP);
                } else if (i < 2 * SPANS - 1) {
                        assert_int_equal(at.data_start, (i + 1) * STEP);
                } else {
                        assert_int_equal(at.data_start, UINT64_MAX); /* the file ended before */
                }
        }
        cs_extents_deinit(&e);
        close(fd);
}

static void test_ends(void **state)
{
        (void)state;
        int fd = new_file();
        struct cs_extents e = { 0 };
        assert_int_equal(pwrite(fd, "x", 1, 3 * STEP), 1);
        assert_int_equal(ftruncate(fd, 5 * STEP), 0);
        assert_int_equal(cs_extents_learn(&e, fd, NULL), CS_OK);
        assert_true(cs_extents_at(&e, 3 * STEP).data_start <= 3 * STEP);
        assert_true(cs_extents_at(&e, 3 * STEP).data_end > 3 * STEP);
        if (e.data.at[0].start > 0) { /* with holes */
                assert_int_equal(cs_extents_at(&e, 0).data_start, 3 * STEP);
                assert_int_equal(cs_extents_at(&e, 4 * STEP).data_start, UINT64_MAX);
        }
        cs_extents_deinit(&e);
        close(fd);
        /* Of what is no file all is data. */
        struct cs_extents none = { .fd = -1 };
        assert_int_equal(cs_extents_at(&none, 12345).data_start, 0);
        assert_int_equal(cs_extents_at(&none, 12345).data_end, UINT64_MAX);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_many),
                cmocka_unit_test(test_ends),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
