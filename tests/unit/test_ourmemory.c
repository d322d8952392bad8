/* SPDX-License-Identifier: Apache-2.0 */
/* How much memory may be taken: by the machine's own words, and by a control group's. */
#include "ourmemory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void test_available(void **state)
{
        (void)state;
        assert_int_equal(cs_ourmemory_available(
                                 "MemTotal:  100 kB\nMemAvailable:    8192 kB\nBuffers: 1 kB\n"),
                         8 << 20);
        assert_int_equal(cs_ourmemory_available("MemTotal:  100 kB\n"), 0);
        assert_int_equal(cs_ourmemory_available(""), 0);
        assert_true(cs_ourmemory_half() > 0);
}

static void put(const char *root, const char *group, const char *text)
{
        char path[256];
        snprintf(path, sizeof(path), "%s%s", root, group);
        assert_true(mkdir(path, 0700) == 0 || access(path, F_OK) == 0);
        snprintf(path, sizeof(path), "%s%s/memory.max", root, group);
        FILE *f = fopen(path, "we");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

static void test_group(void **state)
{
        (void)state;
        static const struct {
                const char *cgroup;
                uint64_t want;
        } cases[] = {
                { "0::/a/b\n", 1000 },
                { "0::/a\n", 1000 },
                { "0::/c\n", 500 },
                { "0::/d\n", UINT64_MAX },
                { "0::/\n", UINT64_MAX },
                { "0::/c", 500 },
                { "12:memory:/c\n0::/c\n", 500 },
                { "12:memory:/c\n", UINT64_MAX },
                { "0::/ab\n", UINT64_MAX }, /* not /a */
                { "0::", UINT64_MAX },
                { "", UINT64_MAX },
        };
        char root[] = "/tmp/corescan-test.XXXXXX", command[64];
        assert_non_null(mkdtemp(root));
        put(root, "/a", "1000\n");
        put(root, "/a/b", "max\n");
        put(root, "/c", "500\n");
        put(root, "/d", "max\n");
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                if (cs_ourmemory_group(cases[i].cgroup, root) != cases[i].want)
                        fail_msg("%s", cases[i].cgroup);
        snprintf(command, sizeof(command), "rm -r %s", root);
        assert_int_equal(system(command), 0);
}

static void test_peak(void **state)
{
        (void)state;
        enum { BYTES = 64 << 20 };
        uint64_t before = cs_ourmemory_peak();
        char *taken = malloc(BYTES);
        assert_non_null(taken);
        memset(taken, 1, BYTES);
        __asm__ volatile("" ::"r"(taken) : "memory");
        free(taken);
        assert_true(before > 0);
        assert_true(cs_ourmemory_peak() >= before + BYTES * 3 / 4);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_available), cmocka_unit_test(test_group),
                                            cmocka_unit_test(test_peak) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
