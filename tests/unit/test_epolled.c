/* SPDX-License-Identifier: Apache-2.0 */
/* What epoll descriptors keep: by lines that are right, lines that cannot be, and the kernel's own. */
#include "epolled.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void test_lines(void **state)
{
        (void)state;
        static const char text[] =
                "pos:\t0\nflags:\t02\nmnt_id:\t17\nino:\t1038\n"
                "tfd:        4 events:       19 data:     560bd1faa2a0  pos:0 ino:40e sdev:10\n"
                "tfd:       11 events: 80000001 data: ffffffffffffffff\n"
                "tfd:  2147483648 events: 1 data: 1\n"
                "tfd: -1 events: 1 data: 1\n"
                "tfd: 5 events: 1 data: 10000000000000000\n"
                "tfd: 5 events: 1\n"
                "tfd: 5 data: 1\n"
                " tfd: 5 events: 1 data: 1\n"
                "tfd:\n\n"
                "tfd:        6 events:        0 data:                0";
        static const struct cs_epolled want[] = { { 3, 4, UINT64_C(0x560bd1faa2a0) },
                                                  { 3, 11, UINT64_MAX },
                                                  { 3, 6, 0 } };
        cs_epolled_vec got = { 0 };
        assert_int_equal(cs_epolled_parse(text, sizeof(text) - 1, 3, &got, NULL), CS_OK);
        assert_int_equal(got.n, sizeof(want) / sizeof(want[0]));
        for (size_t i = 0; i < got.n; i++) {
                assert_int_equal(got.at[i].epoll, want[i].epoll);
                assert_int_equal(got.at[i].fd, want[i].fd);
                assert_int_equal(got.at[i].data, want[i].data);
        }
        cs_vec_deinit(&got);
}

/* Every beginning of a line: what is not all there is not told as if it were. */
static void test_cut(void **state)
{
        (void)state;
        static const char line[] = "tfd:        4 events:       19 data:             1234";
        for (size_t len = 0; len < sizeof(line); len++) {
                cs_epolled_vec got = { 0 };
                assert_int_equal(cs_epolled_parse(line, len, 3, &got, NULL), CS_OK);
                assert_true(got.n <= 1);
                assert_true(len >= sizeof(line) - 4 || got.n == 0);
                cs_vec_deinit(&got);
        }
}

/* The kernel's own words about this process. */
static void test_own(void **state)
{
        (void)state;
        int epoll = epoll_create1(EPOLL_CLOEXEC), fd = eventfd(0, EFD_CLOEXEC);
        struct epoll_event event = { .events = EPOLLIN, .data.ptr = &event };
        assert_true(epoll >= 0 && fd >= 0);
        assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
        struct cs_image image = { .kind = CS_IMAGE_LIVE, .pid = getpid() };
        cs_epolled_vec got = { 0 };
        bool unasked = true;
        assert_int_equal(cs_epolled_list(&image, &got, &unasked, NULL), CS_OK);
        assert_false(unasked);
        size_t found = 0;
        for (size_t i = 0; i < got.n; i++)
                found += got.at[i].epoll == epoll && got.at[i].fd == fd &&
                         got.at[i].data == (uint64_t)(uintptr_t)&event;
        assert_int_equal(found, 1);
        cs_vec_deinit(&got);
        image.kind = CS_IMAGE_CORE;
        assert_int_equal(cs_epolled_list(&image, &got, &unasked, NULL), CS_OK);
        assert_int_equal(got.n, 0);
        close(fd);
        close(epoll);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_lines), cmocka_unit_test(test_cut),
                                            cmocka_unit_test(test_own) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
