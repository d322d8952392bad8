/* SPDX-License-Identifier: Apache-2.0 */
/* The text of /proc/PID/maps: lines that are right, lines that cannot be, and our own. */
#include "maps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct parsed {
        struct cs_pool pool;
        cs_mapping_vec maps;
        size_t bad;
};

static struct parsed parse(const char *text, size_t len)
{
        struct parsed p = { 0 };
        assert_int_equal(cs_maps_parse(text, len, &p.pool, &p.maps, &p.bad, NULL), CS_OK);
        return p;
}

static void drop(struct parsed *p)
{
        cs_vec_deinit(&p->maps);
        cs_pool_deinit(&p->pool);
}

static void test_lines(void **state)
{
        (void)state;
        static const uint32_t r = CS_PERM_READ, w = CS_PERM_WRITE, x = CS_PERM_EXEC;
        static const struct {
                const char *line;
                struct cs_mapping want;
        } cases[] = {
                { "1000-2000 r--p 00000000 fe:01 1048   /usr/bin/cat",
                  { .range = { 0x1000, 0x2000 }, .perms = r, .path = "/usr/bin/cat", .file_backed = true } },
                { "1000-2000 r-xp 0000f000 fe:01 1048   /usr/bin/cat (deleted)",
                  { .range = { 0x1000, 0x2000 },
                    .perms = r | x,
                    .file_offset = 0xf000,
                    .path = "/usr/bin/cat",
                    .file_backed = true,
                    .deleted = true } },
                { "1000-2000 rw-p 00000000 00:00 0 ", { .range = { 0x1000, 0x2000 }, .perms = r | w } },
                { "1000-2000 rw-p 00000000 00:00 0", { .range = { 0x1000, 0x2000 }, .perms = r | w } },
                { "1000-2000 rw-p 00000000 00:00 0     [heap]",
                  { .range = { 0x1000, 0x2000 }, .perms = r | w, .path = "[heap]" } },
                { "1000-2000 rw-s 00000000 00:01 7     /memfd:a b (deleted)",
                  { .range = { 0x1000, 0x2000 },
                    .perms = r | w | CS_PERM_SHARED,
                    .path = "/memfd:a b",
                    .file_backed = true,
                    .deleted = true } },
                { "1000-2000 ---p 00000000 00:00 0     [anon: x]",
                  { .range = { 0x1000, 0x2000 }, .path = "[anon: x]" } },
                { "1000-2000 r--p 00000000 00:00 9     /a\\012b",
                  { .range = { 0x1000, 0x2000 }, .perms = r, .path = "/a\\012b", .file_backed = true } },
                { "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0   [vsyscall]",
                  { .range = { 0xffffffffff600000, 0xffffffffff601000 }, .perms = x, .path = "[vsyscall]" } },
                { "0000000000001000-0000000000002000 r--p 00000000 00:00 0",
                  { .range = { 0x1000, 0x2000 }, .perms = r } },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct parsed p = parse(cases[i].line, strlen(cases[i].line));
                const struct cs_mapping *want = &cases[i].want, *m = p.maps.at;
                if (p.maps.n != 1 || p.bad)
                        fail_msg("%s: %zu mappings", cases[i].line, p.maps.n);
                if (m->range.start != want->range.start || m->range.end != want->range.end ||
                    m->perms != want->perms || m->file_offset != want->file_offset ||
                    m->file_backed != want->file_backed || m->deleted != want->deleted || !m->dumped ||
                    m->module != CS_NO_MODULE || !m->path != !want->path ||
                    (m->path && strcmp(m->path, want->path) != 0))
                        fail_msg("%s: read as %s", cases[i].line, m->path ? m->path : "no path");
                drop(&p);
        }
}

static void test_bad_lines(void **state)
{
        (void)state;
        static const char *const lines[] = {
                "",
                " ",
                "-",
                "1000",
                "1000-",
                "-2000 r--p 0 0:0 0",
                "1000-2000",
                "1000-2000 r--p",
                "1000-2000 r--p ",
                "1000-2000 r--p 0",
                "1000-2000 r--p 0 00:00",
                "1000-2000 r-- 0 00:00 0",
                "1000-2000 r--pp 0 00:00 0",
                "1000-2000 r--p x 00:00 0",
                "1000 2000 r--p 0 00:00 0",
                "2000-1000 r--p 0 00:00 0",
                "1000-1000 r--p 0 00:00 0",
                "10000000000000000-20000000000000000 r--p 0 00:00 0",
                "00000000000001000-00000000000002000 r--p 0 00:00 0", /* 17 digits, whatever they are */
                "1000-fffffffffffffffff r--p 0 00:00 0",
                "1000-ffffffffffffffff r--p 0 00:00 0", /* nothing is mapped at the very end */
                "1000-2000 r--p 00000000000000000 00:00 0",
                "0x1000-0x2000 r--p 0 00:00 0",
                "ABCD000-ABCE000 r--p 0 00:00 0",
        };
        for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
                char text[256];
                snprintf(text, sizeof(text), "%s\n3000-4000 rw-p 0 00:00 0\n", lines[i]);
                struct parsed p = parse(text, strlen(text));
                if (p.bad != 1 || p.maps.n != 1 || p.maps.at[0].range.start != 0x3000)
                        fail_msg("\"%s\": %zu bad lines", lines[i], p.bad);
                drop(&p);
        }
}

static void test_order(void **state)
{
        (void)state;
        static const char text[] = "5000-6000 r--p 0 00:00 0\n"
                                   "1000-2000 r--p 0 00:00 0 /before\n"
                                   "5800-7000 r--p 0 00:00 0 /overlaps\n"
                                   "5000-6000 r--p 0 00:00 0 /again\n"
                                   "6000-7000 r--p 0 00:00 0 /adjacent\n"
                                   "ZZZ\n"
                                   "9000-a000 r--p 0 00:00 0 /last";
        struct parsed p = parse(text, sizeof(text) - 1);
        assert_int_equal(p.bad, 4);
        assert_int_equal(p.maps.n, 3);
        assert_int_equal(p.maps.at[1].range.start, 0x6000);
        assert_string_equal(p.maps.at[2].path, "/last");
        drop(&p);
}

static void test_cut_everywhere(void **state)
{
        (void)state;
        static const char text[] =
                "55d0c0a02000-55d0c0a07000 r-xp 00002000 fe:01 1048   /usr/bin/cat (deleted)\n"
                "7f0000000000-7f0000021000 rw-p 00000000 00:00 0      [heap]\n";
        for (size_t len = 0; len < sizeof(text); len++) {
                char *copy = malloc(len ? len : 1);
                assert_non_null(copy);
                memcpy(copy, text, len);
                struct parsed p = parse(copy, len);
                assert_true(p.maps.n + p.bad <= 2);
                drop(&p);
                free(copy);
        }
}

static void test_own_maps(void **state)
{
        (void)state;
        static char text[4 << 20];
        int here = 0;
        void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        FILE *f = fopen("/proc/self/maps", "re");
        assert_true(f && page != MAP_FAILED);
        size_t len = fread(text, 1, sizeof(text), f), lines = 0;
        fclose(f);
        for (size_t i = 0; i < len; i++)
                lines += text[i] == '\n';
        struct parsed p = parse(text, len);
        assert_int_equal(p.bad, 0);
        assert_int_equal(p.maps.n, lines);
        struct cs_image image = { 0 };
        image.mappings.at = p.maps.at;
        image.mappings.n = p.maps.n;
        const struct cs_mapping *m = cs_image_mapping_at(&image, (uintptr_t)&test_own_maps);
        assert_true(m && m->file_backed && (m->perms & CS_PERM_EXEC) && strstr(m->path, "test_maps"));
        m = cs_image_mapping_at(&image, (uintptr_t)&here);
        assert_true(m && (m->perms & CS_PERM_WRITE));
        m = cs_image_mapping_at(&image, (uintptr_t)page);
        assert_true(m && (m->perms & CS_PERM_READ) && !m->file_backed);
        assert_null(cs_image_mapping_at(&image, 0));
        assert_null(cs_image_mapping_at(&image, UINT64_MAX));
        munmap(page, 4096);
        drop(&p);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lines),    cmocka_unit_test(test_bad_lines),
                cmocka_unit_test(test_order),    cmocka_unit_test(test_cut_everywhere),
                cmocka_unit_test(test_own_maps),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
