/* SPDX-License-Identifier: Apache-2.0 */
/* Light looks: the kernel's texts, limits, and how long what is left will do. */
#include "maps.h"
#include "vitals.h"
#include "watch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char status[] =
        "Name:\ta) R VmRSS: 9 kB\nVmSize:\t  2000 kB\nVmRSS:\t  1200 kB\nRssAnon:\t  700 kB\nRssFile:\t   400 kB\n"
        "RssShmem:\t   100 kB\nVmSwap:\t    50 kB\n";

static void test_parse(void **state)
{
        (void)state;
        struct cs_vitals v, other;
        struct cs_error err = { 0 };
        /* The name may look like more of the line. */
        static const char stat[] =
                "7 (a) Z 1) S 1 7 7 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4711 2048000 300 184 1000 2000 3000 0\n";
        assert_int_equal(cs_vitals_parse(status, stat, &v, &err), CS_OK);
        assert_int_equal(v.mapped, 2000 << 10);
        assert_int_equal(v.resident, 1200 << 10);
        assert_int_equal(v.anonymous, 700 << 10);
        assert_int_equal(v.file, 400 << 10);
        assert_int_equal(v.shared, 100 << 10);
        assert_int_equal(v.swapped, 50 << 10);
        assert_int_equal(v.started, 4711);
        assert_int_equal(v.program, 1000 * 31 + 3000);
        assert_int_equal(cs_vitals_parse(status, "7 (x) Z 1", &other, &err), CS_EGONE);
        assert_int_equal(cs_vitals_parse(status, "", &other, &err), CS_EFORMAT);
        assert_int_equal(cs_vitals_parse(status, "7 (x)", &other, &err), CS_EFORMAT);
        /* It has let go of its memory; and a thread of the kernel's. */
        static const char ending[] =
                "7 (x) R 1 7 7 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4711 0 0 184 0 0 0 0\n";
        static const char kernel[] =
                "7 (x) S 1 7 7 0 -1 69238880 1 2 3 4 5 6 7 8 20 0 1 0 4711 0 0 184 0 0 0 0\n";
        assert_int_equal(cs_vitals_parse("", ending, &other, &err), CS_EGONE);
        assert_int_equal(cs_vitals_parse("", kernel, &other, &err), CS_OK);
        assert_int_equal(other.resident, 0);
        assert_int_equal(other.started, 4711);
}

static void test_own(void **state)
{
        (void)state;
        struct cs_vitals v;
        struct cs_error err = { 0 };
        assert_int_equal(cs_vitals_read(getpid(), &v, &err), CS_OK);
        assert_true(v.resident > 0 && v.mapped >= v.resident && v.started > 0);
        assert_true(v.resident == v.anonymous + v.file + v.shared);
        struct cs_vitals_room room = cs_vitals_room(getpid(), &v);
        assert_true(room.limit && room.bytes > 0 && room.bytes < UINT64_MAX);
        assert_int_equal(cs_vitals_read(INT32_MAX, &v, &err), CS_EGONE);
}

static struct cs_vitals_kinds kinds_of(const char *maps)
{
        struct cs_pool pool = { 0 };
        cs_mapping_vec mappings = { 0 };
        struct cs_error err = { 0 };
        size_t bad = 0;
        assert_int_equal(cs_maps_parse(maps, strlen(maps), &pool, &mappings, &bad, &err), CS_OK);
        assert_int_equal(bad, 0);
        struct cs_vitals_kinds kinds = cs_vitals_kinds_sum(&mappings);
        cs_vec_deinit(&mappings);
        cs_pool_deinit(&pool);
        return kinds;
}

static void test_kinds(void **state)
{
        (void)state;
        struct cs_vitals_kinds k =
                kinds_of("00400000-00402000 r-xp 00000000 08:01 7 /bin/a\n"
                         "00402000-00403000 rw-p 00000000 00:00 0\n"
                         "10000000-10300000 rw-p 00000000 00:00 0 [heap]\n"
                         /* Two heaps, of which the first is full; and one of a page. */
                         "7f0000000000-7f0004010000 rw-p 00000000 00:00 0\n"
                         "7f0004010000-7f0008000000 ---p 00000000 00:00 0\n"
                         "7f0010000000-7f0010001000 rw-p 00000000 00:00 0\n"
                         "7f0010001000-7f0014001000 ---p 00000000 00:00 0\n"
                         /* Where heaps begin, but nothing is kept for them. */
                         "7f0020000000-7f0020001000 rw-p 00000000 00:00 0\n"
                         "7f0020001000-7f0020002000 ---p 00000000 00:00 0\n"
                         "7f0024000000-7f0024001000 rw-s 00000000 00:01 9 /dev/shm/x\n"
                         "7f0028000000-7f0028001000 rw-p 00000000 00:00 0\n"
                         "7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0 [stack]\n"
                         "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n");
        static const struct {
                uint64_t bytes, regions;
        } want[CS_VITALS_KINDS] = { { 0x300000, 1 },
                                    { 0x4011000, 3 },
                                    { 0x21000, 1 },
                                    { 0x3000, 3 },
                                    { 0x2000, 1 },
                                    { 0x1000, 1 },
                                    { 0x3ff0000 + 0x4000000 + 0x1000, 3 } };
        for (unsigned i = 0; i < CS_VITALS_KINDS; i++)
                if (k.at[i].bytes != want[i].bytes || k.at[i].regions != want[i].regions)
                        fail_msg("%s: %lx, %lu", cs_vitals_kind_name(i), (unsigned long)k.at[i].bytes,
                                 (unsigned long)k.at[i].regions);
        struct cs_error err = { 0 };
        assert_int_equal(cs_vitals_kinds_read(getpid(), &k, &err), CS_OK);
        assert_true(k.at[CS_VITALS_STACK].bytes > 0 && k.at[CS_VITALS_FILE].bytes > 0);
        assert_int_equal(cs_vitals_kinds_read(INT32_MAX, &k, &err), CS_EGONE);
}

static void put(const char *root, const char *name, const char *text)
{
        char path[300];
        (void)snprintf(path, sizeof(path), "%s%s", root, name);
        for (char *at = path + strlen(root) + 1; (at = strchr(at, '/')); *at++ = '/') {
                *at = '\0';
                (void)mkdir(path, 0700);
        }
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0 && fclose(f) == 0);
}

static void test_groups(void **state)
{
        (void)state;
        char root[] = "/tmp/corescan-test-XXXXXX", command[64];
        assert_non_null(mkdtemp(root));
        put(root, "/a/memory.max", "max\n");
        put(root, "/a/memory.current", "10\n");
        put(root, "/a/b/memory.max", "5000\n");
        put(root, "/a/b/memory.current", "2000\n");
        put(root, "/a/b/full/memory.max", "5000\n");
        put(root, "/a/b/full/memory.current", "6000\n");
        put(root, "/memory/old/memory.limit_in_bytes", "700\n");
        put(root, "/memory/old/memory.usage_in_bytes", "600\n");
        put(root, "/memory/memory.limit_in_bytes", "9223372036854771712\n");
        put(root, "/memory/memory.usage_in_bytes", "600\n");
        assert_int_equal(cs_vitals_group_room("0::/a/b/c\n", root), 3000); /* that of the one above */
        assert_int_equal(cs_vitals_group_room("0::/a\n", root), UINT64_MAX);
        assert_int_equal(cs_vitals_group_room("0::/a/b/full\n", root), 0);
        assert_int_equal(cs_vitals_group_room("9:cpu:/old\n3:memory:/old\n0::/a/b\n", root), 100);
        assert_int_equal(cs_vitals_group_room("3:memory:/none\n", root), UINT64_MAX);
        assert_int_equal(cs_vitals_group_room("", root), UINT64_MAX);
        assert_int_equal(cs_vitals_group_room("nonsense\n::\n:\n0::", root), UINT64_MAX);
        (void)snprintf(command, sizeof(command), "rm -rf %s", root);
        assert_int_equal(system(command), 0);
}

static void test_left(void **state)
{
        (void)state;
        struct cs_trend_fit fit = { .shape = CS_TREND_LINEAR, .told = true, .per_second = 50 };
        assert_true(cs_watch_left(&fit, 1000) == 20);
        fit.shape = CS_TREND_SAWTOOTH;
        assert_true(cs_watch_left(&fit, 1000) == 0);
        fit.shape = CS_TREND_EXPONENTIAL;
        fit.doubling = 10;
        /* What grows by 50 a second now and doubles in 10 s: 50 * 10 / ln 2 * (2^(t / 10) - 1). */
        double t = cs_watch_left(&fit, 1000);
        assert_true(fabs(50 * 10 / log(2) * (exp2(t / 10) - 1) - 1000) < 1e-6);
        fit.told = false;
        assert_true(cs_watch_left(&fit, 1000) == 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse),  cmocka_unit_test(test_own),  cmocka_unit_test(test_kinds),
                cmocka_unit_test(test_groups), cmocka_unit_test(test_left),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
