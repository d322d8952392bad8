/* SPDX-License-Identifier: Apache-2.0 */
/* Notes of cores, whole, damaged, and cut at every byte. */
#include "notes.h"

#include "corebuilder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static void parse(const void *bytes, size_t len, struct cs_pool *pool, struct cs_notes *out)
{
        *out = (struct cs_notes){ 0 };
        assert_int_equal(cs_notes_parse(bytes, len, pool, out, NULL), CS_OK);
}

static void build(struct corebuilder *c)
{
        uint64_t registers[15];
        for (uint64_t i = 0; i < 15; i++)
                registers[i] = 0x100 + i;
        corebuilder_process(c, 42, "server --port 80   ");
        corebuilder_thread(c, 43, 0x7ffc00001000, 0x401000, registers);
        corebuilder_thread(c, 44, 0x7ffc00002000, 0x402000, NULL);
        corebuilder_auxv(c, 0x401000, 0x7ffc00001f00, 0x7ffc0000e000);
        corebuilder_file(c, 0x400000, 0x401000, 0, "/bin/server");
        corebuilder_file(c, 0x401000, 0x403000, 3, "/lib/libx.so");
        struct corebuilder_bytes files = corebuilder_files_note(c);
        corebuilder_note(c, "CORE", NT_FILE, files.at, files.len);
        free(files.at);
        corebuilder_note(c, "LINUX", NT_PRSTATUS, "none of ours", 12);
}

static void test_whole(void **state)
{
        (void)state;
        struct corebuilder c = { 0 };
        struct cs_pool pool = { 0 };
        struct cs_notes n;
        build(&c);
        parse(c.notes.at, c.notes.n, &pool, &n);
        assert_false(n.damaged);
        assert_int_equal(n.pid, 42);
        assert_string_equal(n.command, "server --port 80");
        assert_int_equal(n.threads.n, 2);
        const struct cs_thread *t = &n.threads.at[0];
        assert_int_equal(t->tid, 43);
        assert_int_equal(t->sp, 0x7ffc00001000);
        assert_int_equal(t->pc, 0x401000);
        assert_true(t->has_registers);
        for (size_t i = 0; i < 15; i++)
                assert_int_equal(t->gpr[i], 0x100 + i);
        assert_int_equal(t->gpr[15], 0);
        assert_int_equal(n.threads.at[1].tid, 44);
        assert_int_equal(n.auxv.entry, 0x401000);
        assert_int_equal(n.auxv.random, 0x7ffc00001f00);
        assert_int_equal(n.auxv.vdso, 0x7ffc0000e000);
        assert_int_equal(n.files.n, 2);
        assert_string_equal(n.files.at[0].path, "/bin/server");
        assert_int_equal(n.files.at[1].range.start, 0x401000);
        assert_int_equal(n.files.at[1].range.end, 0x403000);
        assert_int_equal(n.files.at[1].file_offset, 0x3000);
        assert_string_equal(n.files.at[1].path, "/lib/libx.so");
        cs_notes_deinit(&n);
        cs_pool_deinit(&pool);
        corebuilder_deinit(&c);
}

static void test_cut_everywhere(void **state)
{
        (void)state;
        struct corebuilder c = { 0 };
        build(&c);
        size_t threads = 0, files = 0;
        for (size_t len = 0; len <= c.notes.n; len++) {
                struct cs_pool pool = { 0 };
                struct cs_notes n;
                /* Memory of its own, so that the sanitizer sees the first byte too far. */
                uint8_t *copy = malloc(len ? len : 1);
                assert_non_null(copy);
                memcpy(copy, c.notes.at, len);
                parse(copy, len, &pool, &n);
                assert_true(n.threads.n >= threads && n.files.n >= files);
                threads = n.threads.n;
                files = n.files.n;
                cs_notes_deinit(&n);
                cs_pool_deinit(&pool);
                free(copy);
        }
        assert_int_equal(threads, 2);
        assert_int_equal(files, 2);
        corebuilder_deinit(&c);
}

/* Inside a note: its size says more than there is, so something is missing and that is said. */
static void test_cut_is_said(void **state)
{
        (void)state;
        struct corebuilder c = { 0 };
        corebuilder_process(&c, 42, "server");
        size_t first = c.notes.n;
        corebuilder_thread(&c, 43, 1, 2, NULL);
        for (size_t len = first + 12; len < c.notes.n; len++) {
                struct cs_pool pool = { 0 };
                struct cs_notes n;
                parse(c.notes.at, len, &pool, &n);
                assert_true(n.damaged);
                assert_int_equal(n.pid, 42);
                assert_int_equal(n.threads.n, 0);
                cs_notes_deinit(&n);
                cs_pool_deinit(&pool);
        }
        corebuilder_deinit(&c);
}

/* NT_FILE from words and names; how many files it gives, and whether damage is seen. */
struct file_case {
        const char *what;
        uint64_t words[8]; /* count, unit, start, end, page, … */
        size_t n_words;
        const char *names;
        size_t names_len;
        size_t files;
        bool damaged;
        uint64_t offset; /* of the first file */
};

static void test_lying_files(void **state)
{
        (void)state;
        static const struct file_case cases[] = {
                { "one", { 1, 4096, 0x1000, 0x2000, 2 }, 5, "/a", 3, 1, false, 0x2000 },
                { "none", { 0, 4096 }, 2, "", 0, 0, false, 0 },
                { "no words", { 0 }, 0, "", 0, 0, true, 0 },
                { "no unit", { 1 }, 1, "", 0, 0, true, 0 },
                { "count of one too many", { 2, 4096, 0x1000, 0x2000, 0 }, 5, "/a", 3, 0, true, 0 },
                { "count times 24 wraps",
                  { UINT64_C(0xaaaaaaaaaaaaaab), 4096, 1, 2, 0 },
                  5,
                  "/a",
                  3,
                  0,
                  true,
                  0 },
                { "largest count", { UINT64_MAX, 4096, 1, 2, 0 }, 5, "/a", 3, 0, true, 0 },
                { "no name", { 1, 4096, 0x1000, 0x2000, 0 }, 5, "", 0, 0, true, 0 },
                { "name without end", { 1, 4096, 0x1000, 0x2000, 0 }, 5, "/a", 2, 0, true, 0 },
                { "empty range", { 1, 4096, 0x1000, 0x1000, 0 }, 5, "/a", 3, 0, true, 0 },
                { "range backwards", { 1, 4096, 0x2000, 0x1000, 0 }, 5, "/a", 3, 0, true, 0 },
                { "end of the address space", { 1, 4096, 0x2000, UINT64_MAX, 0 }, 5, "/a", 3, 0, true, 0 },
                { "offset wraps", { 1, UINT64_C(1) << 60, 0x1000, 0x2000, 16 }, 5, "/a", 3, 0, true, 0 },
                { "odd unit", { 1, 3, 0x1000, 0x2000, 5 }, 5, "/a", 3, 1, false, 15 },
                { "second is bad", { 2, 4096, 0x1000, 0x2000, 0, 5, 5, 0 }, 8, "/a\0/b", 6, 1, true, 0 },
                { "empty name", { 1, 4096, 0x1000, 0x2000, 1 }, 5, "", 1, 1, false, 0x1000 },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct file_case *t = &cases[i];
                struct corebuilder c = { 0 };
                struct cs_pool pool = { 0 };
                struct cs_notes n;
                uint8_t desc[128];
                memcpy(desc, t->words, t->n_words * 8);
                memcpy(desc + t->n_words * 8, t->names, t->names_len);
                corebuilder_note(&c, "CORE", NT_FILE, desc, t->n_words * 8 + t->names_len);
                parse(c.notes.at, c.notes.n, &pool, &n);
                if (n.files.n != t->files || n.damaged != t->damaged ||
                    (n.files.n && n.files.at[0].file_offset != t->offset))
                        fail_msg("%s: %zu files, damaged %d", t->what, n.files.n, n.damaged);
                cs_notes_deinit(&n);
                cs_pool_deinit(&pool);
                corebuilder_deinit(&c);
        }
}

static void test_short_notes(void **state)
{
        (void)state;
        static const uint32_t types[] = { NT_PRSTATUS, NT_PRPSINFO };
        static const uint8_t zeros[400];
        for (size_t i = 0; i < 2; i++)
                for (size_t len = 0; len < 400; len++) {
                        struct corebuilder c = { 0 };
                        struct cs_pool pool = { 0 };
                        struct cs_notes n;
                        corebuilder_note(&c, "CORE", types[i], zeros, len);
                        parse(c.notes.at, c.notes.n, &pool, &n);
                        assert_int_equal(n.damaged, len < (i ? 136 : 336));
                        assert_int_equal(n.threads.n, i == 0 && len >= 336);
                        cs_notes_deinit(&n);
                        cs_pool_deinit(&pool);
                        corebuilder_deinit(&c);
                }
}

/* The command fills its field to the last byte, without a NUL. */
static void test_full_command(void **state)
{
        (void)state;
        struct corebuilder c = { 0 };
        struct cs_pool pool = { 0 };
        struct cs_notes n;
        uint8_t desc[136];
        memset(desc, 'x', sizeof(desc));
        corebuilder_note(&c, "CORE", NT_PRPSINFO, desc, sizeof(desc));
        parse(c.notes.at, c.notes.n, &pool, &n);
        assert_int_equal(strlen(n.command), 80);
        cs_notes_deinit(&n);
        cs_pool_deinit(&pool);
        corebuilder_deinit(&c);
}

/* The names and sizes of note headers lie. */
static void test_lying_headers(void **state)
{
        (void)state;
        static const struct {
                const char *what;
                uint32_t head[3];
                bool damaged;
        } cases[] = {
                { "nothing", { 0, 0, 0 }, false },
                { "largest name", { UINT32_MAX, 0, 1 }, true },
                { "largest name but padding", { UINT32_MAX - 3, 0, 1 }, true },
                { "largest description", { 0, UINT32_MAX, 1 }, true },
                { "both", { UINT32_MAX, UINT32_MAX, 1 }, true },
                { "name one too long", { 1, 0, 1 }, true },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct cs_pool pool = { 0 };
                struct cs_notes n;
                parse(cases[i].head, sizeof(cases[i].head), &pool, &n);
                if (n.damaged != cases[i].damaged)
                        fail_msg("%s", cases[i].what);
                cs_notes_deinit(&n);
                cs_pool_deinit(&pool);
        }
}

/* "CORE" without its NUL, or with something behind it, is another name. */
static void test_other_names(void **state)
{
        (void)state;
        static const char *const names[] = { "COR", "CORE2", "core", "" };
        static const uint8_t desc[336] = { [32] = 9 };
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                struct corebuilder c = { 0 };
                struct cs_pool pool = { 0 };
                struct cs_notes n;
                corebuilder_note(&c, names[i], NT_PRSTATUS, desc, sizeof(desc));
                parse(c.notes.at, c.notes.n, &pool, &n);
                assert_int_equal(n.threads.n, 0);
                assert_false(n.damaged);
                cs_notes_deinit(&n);
                cs_pool_deinit(&pool);
                corebuilder_deinit(&c);
        }
}

static void test_build_id(void **state)
{
        (void)state;
        static const char id[] = "0123456789abcdefghij", largest[CS_BUILD_ID_MAX + 1];
        const uint8_t *found = NULL;
        struct corebuilder c = { 0 };
        assert_int_equal(cs_notes_build_id((const uint8_t *)"", 0, &found), 0);
        corebuilder_note(&c, "GNU", 1, "ABI tag", 8);
        corebuilder_note(&c, "GNU", NT_GNU_BUILD_ID, "", 0);
        corebuilder_note(&c, "GNU", NT_GNU_BUILD_ID, largest, CS_BUILD_ID_MAX + 1);
        corebuilder_note(&c, "GNV", NT_GNU_BUILD_ID, id, 20);
        assert_int_equal(cs_notes_build_id(c.notes.at, c.notes.n, &found), 0);
        corebuilder_note(&c, "GNU", NT_GNU_BUILD_ID, id, 20);
        corebuilder_note(&c, "GNU", NT_GNU_BUILD_ID, "second", 6);
        assert_int_equal(cs_notes_build_id(c.notes.at, c.notes.n, &found), 20);
        assert_memory_equal(found, id, 20);
        for (size_t len = 0; len < c.notes.n; len++) {
                uint8_t *copy = malloc(len ? len : 1);
                assert_non_null(copy);
                memcpy(copy, c.notes.at, len);
                size_t got = cs_notes_build_id(copy, len, &found);
                assert_true(got == 0 || got == 20);
                free(copy);
        }
        corebuilder_deinit(&c);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_whole),         cmocka_unit_test(test_cut_everywhere),
                cmocka_unit_test(test_cut_is_said),   cmocka_unit_test(test_lying_files),
                cmocka_unit_test(test_short_notes),   cmocka_unit_test(test_full_command),
                cmocka_unit_test(test_lying_headers), cmocka_unit_test(test_other_names),
                cmocka_unit_test(test_build_id),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
