/* SPDX-License-Identifier: Apache-2.0 */
/* From a core to an image: mappings merged from segments and noted files, modules and their .bss, threads, warnings. */
#include "fake_process.h"
#include "module.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint8_t zeros[0x2000];

/* Opens what was built; the caller closes. */
static struct cs_image *open_core(const struct corebuilder *core)
{
        static const struct cs_image_options options = { .sysroot = "/nonexistent" };
        struct corebuilder_bytes b = corebuilder_finish(core);
        struct cs_image *image = NULL;
        struct cs_error err = { 0 };
        char path[64];
        int fd = corebuilder_open(b.at, b.len, path);
        if (cs_image_open_core(path, &options, &image, &err) != CS_OK)
                fail_msg("%s", err.text);
        close(fd);
        free(b.at);
        return image;
}

static bool warned(const struct cs_image *image, const char *what)
{
        for (size_t i = 0; i < image->warnings.n; i++)
                if (strstr(image->warnings.at[i], what))
                        return true;
        return false;
}

/* ---- mappings ---------------------------------------------------------------------------------------------------- */

struct merge_case {
        const char *what;
        struct cs_range segments[3], files[3];
        struct {
                uint64_t start, end;
                bool dumped, file;
                uint64_t file_offset;
        } want[8];
};

static void test_merge(void **state)
{
        (void)state;
        /* The noted file begins at its page 1. */
        static const struct merge_case cases[] = {
                { "segment alone",
                  { { 0x1000, 0x3000 } },
                  { { 0, 0 } },
                  { { 0x1000, 0x3000, true, false, 0 } } },
                { "file alone",
                  { { 0x9000, 0xa000 } },
                  { { 0x1000, 0x3000 } },
                  { { 0x1000, 0x3000, false, true, 0x1000 }, { 0x9000, 0xa000, true, false, 0 } } },
                { "the same",
                  { { 0x1000, 0x3000 } },
                  { { 0x1000, 0x3000 } },
                  { { 0x1000, 0x3000, true, true, 0x1000 } } },
                { "file inside a segment",
                  { { 0x1000, 0x4000 } },
                  { { 0x2000, 0x3000 } },
                  { { 0x1000, 0x2000, true, false, 0 },
                    { 0x2000, 0x3000, true, true, 0x1000 },
                    { 0x3000, 0x4000, true, false, 0 } } },
                { "segment inside a file",
                  { { 0x2000, 0x3000 } },
                  { { 0x1000, 0x4000 } },
                  { { 0x1000, 0x2000, false, true, 0x1000 },
                    { 0x2000, 0x3000, true, true, 0x2000 },
                    { 0x3000, 0x4000, false, true, 0x3000 } } },
                { "half and half",
                  { { 0x1000, 0x3000 } },
                  { { 0x2000, 0x4000 } },
                  { { 0x1000, 0x2000, true, false, 0 },
                    { 0x2000, 0x3000, true, true, 0x1000 },
                    { 0x3000, 0x4000, false, true, 0x2000 } } },
                { "half and half, the other way",
                  { { 0x2000, 0x4000 } },
                  { { 0x1000, 0x3000 } },
                  { { 0x1000, 0x2000, false, true, 0x1000 },
                    { 0x2000, 0x3000, true, true, 0x2000 },
                    { 0x3000, 0x4000, true, false, 0 } } },
                { "two files in one segment, touching",
                  { { 0x1000, 0x3000 } },
                  { { 0x2000, 0x3000 }, { 0x1000, 0x2000 } },
                  { { 0x1000, 0x2000, true, true, 0x1000 }, { 0x2000, 0x3000, true, true, 0x1000 } } },
                { "two segments in one file",
                  { { 0x1000, 0x2000 }, { 0x3000, 0x4000 } },
                  { { 0x1000, 0x4000 } },
                  { { 0x1000, 0x2000, true, true, 0x1000 },
                    { 0x2000, 0x3000, false, true, 0x2000 },
                    { 0x3000, 0x4000, true, true, 0x3000 } } },
                { "side by side",
                  { { 0x1000, 0x2000 } },
                  { { 0x2000, 0x3000 } },
                  { { 0x1000, 0x2000, true, false, 0 }, { 0x2000, 0x3000, false, true, 0x1000 } } },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct merge_case *c = &cases[i];
                struct corebuilder core = { 0 };
                size_t n = 0;
                for (size_t k = 0; k < 3 && c->segments[k].end; k++)
                        corebuilder_load(&core, c->segments[k].start, zeros, 16,
                                         cs_range_size(c->segments[k]), PF_R | PF_W);
                for (size_t k = 0; k < 3 && c->files[k].end; k++)
                        corebuilder_file(&core, c->files[k].start, c->files[k].end, 1, "/file");
                corebuilder_thread(&core, 1, 0, 0, NULL);
                struct cs_image *image = open_core(&core);
                for (; n < 8 && c->want[n].end; n++) {
                        const struct cs_mapping *m = &image->mappings.at[n];
                        if (n >= image->mappings.n || m->range.start != c->want[n].start ||
                            m->range.end != c->want[n].end || !m->path != !c->want[n].file ||
                            m->file_backed != c->want[n].file || m->file_offset != c->want[n].file_offset)
                                fail_msg("%s: mapping %zu is %lx … %lx", c->what, n,
                                         (unsigned long)m->range.start, (unsigned long)m->range.end);
                        /* 16 bytes are dumped at the start of each segment. */
                        bool first = false;
                        for (size_t k = 0; k < 3; k++)
                                first |= c->segments[k].end && c->segments[k].start == m->range.start;
                        if (m->dumped != first)
                                fail_msg("%s: mapping %zu dumped %d", c->what, n, m->dumped);
                        if (!c->want[n].dumped)
                                assert_int_equal(m->perms, CS_PERM_READ); /* nobody says which it has */
                }
                assert_int_equal(image->mappings.n, n);
                cs_image_close(image);
                corebuilder_deinit(&core);
        }
}

static void test_overlapping_files(void **state)
{
        (void)state;
        struct corebuilder core = { 0 };
        corebuilder_load(&core, 0x1000, zeros, 16, 0x4000, PF_R);
        corebuilder_file(&core, 0x3000, 0x5000, 0, "/second");
        corebuilder_file(&core, 0x1000, 0x4000, 0, "/first");
        struct cs_image *image = open_core(&core);
        assert_false(image->complete);
        assert_true(warned(image, "notes are damaged"));
        assert_string_equal(image->mappings.at[0].path, "/first");
        assert_null(image->mappings.at[1].path);
        assert_int_equal(image->mappings.n, 2);
        cs_image_close(image);
        corebuilder_deinit(&core);
}

/* ---- modules ----------------------------------------------------------------------------------------------------- */

static void test_modules(void **state)
{
        (void)state;
        struct fake_process *p = fake_create();
        fake_open(p);
        static const struct {
                const char *name;
                uint64_t base;
                bool main, runtime;
        } want[] = {
                { "app", FAKE_APP, true, false },
                { "libwidget.so.1", FAKE_WIDGET, false, false },
                { "libc.so.6", FAKE_LIBC, false, true },
        };
        assert_int_equal(p->image->modules.n, 3);
        for (size_t i = 0; i < 3; i++) {
                const struct cs_module *m = &p->image->modules.at[i];
                assert_string_equal(m->name, want[i].name);
                assert_int_equal(m->bias, want[i].base);
                assert_int_equal(m->range.start, want[i].base);
                assert_int_equal(m->range.end, want[i].base + FAKE_MODULE);
                assert_int_equal(m->main, want[i].main);
                assert_int_equal(m->runtime, want[i].runtime);
                assert_int_equal(m->file, CS_FILE_MISSING);
                assert_int_equal(m->fd, -1);
                assert_ptr_equal(cs_image_module_at(p->image, want[i].base + FAKE_BSS), m);
                assert_null(cs_image_module_at(p->image, want[i].base + FAKE_MODULE));
        }
        assert_string_equal(p->image->exe, "/nowhere/app");
        assert_string_equal(p->image->command, "app --serve");
        assert_int_equal(p->image->pid, 4711);
        assert_int_equal(p->image->threads.n, 1);
        assert_true(p->image->complete);
        assert_true(warned(p->image, "not on this machine"));
        fake_destroy(p);
}

/* The .bss ends inside a mapping: the heap goes on behind it, and is no part of the module. */
static void test_bss_is_split_off(void **state)
{
        (void)state;
        struct fake_process *p = fake_create();
        uint64_t base = UINT64_C(0x7f4000000000);
        fake_module(p, base, "/nowhere/libsplit.so");
        struct fake_region *bss = &p->regions[p->n - 1];
        free(bss->bytes);
        bss->size = 0x8000;
        bss->bytes = calloc(1, bss->size);
        assert_non_null(bss->bytes);
        fake_put(p, base + FAKE_MODULE + 8, 42);
        fake_open(p);
        const struct cs_mapping *m = cs_image_mapping_at(p->image, base + FAKE_BSS);
        assert_int_equal(m->range.end, base + FAKE_MODULE);
        assert_true(m->module >= 0);
        assert_string_equal(p->image->modules.at[m->module].name, "libsplit.so");
        const struct cs_mapping *rest = cs_image_mapping_at(p->image, base + FAKE_MODULE);
        assert_ptr_equal(rest, m + 1);
        assert_int_equal(rest->module, CS_NO_MODULE);
        assert_int_equal(rest->range.end, base + FAKE_BSS + 0x8000);
        uint64_t word;
        assert_true(cs_source_u64(p->image->source, base + FAKE_MODULE + 8, &word) && word == 42);
        for (size_t i = 1; i < p->image->mappings.n; i++)
                assert_true(p->image->mappings.at[i].range.start >= p->image->mappings.at[i - 1].range.end);
        fake_destroy(p);
}

/* A file that is mapped to be read is no module; one mapped twice is two. */
static void test_not_modules(void **state)
{
        (void)state;
        struct fake_process *p = fake_create();
        fake_map(p, 0x10000000, 0x2000, PF_R);
        corebuilder_file(&p->core, 0x10000000, 0x10002000, 0, "/nowhere/locale-archive");
        fake_map(p, 0x11000000, 0x2000, PF_R | PF_W);
        corebuilder_file(&p->core, 0x11000000, 0x11002000, 0, "/memfd:buffer");
        fake_module(p, UINT64_C(0x7f5000000000), "/nowhere/libtwice.so");
        fake_module(p, UINT64_C(0x7f5000000000) + FAKE_MODULE, "/nowhere/libtwice.so");
        fake_open(p);
        assert_int_equal(p->image->modules.n, 5);
        assert_null(cs_image_module_at(p->image, 0x10000000));
        assert_null(cs_image_module_at(p->image, 0x11000000));
        const struct cs_module *one = cs_image_module_at(p->image, UINT64_C(0x7f5000000000));
        const struct cs_module *two = cs_image_module_at(p->image, UINT64_C(0x7f5000000000) + FAKE_MODULE);
        assert_true(one && two && one != two);
        assert_int_equal(two->bias, UINT64_C(0x7f5000000000) + FAKE_MODULE);
        fake_destroy(p);
}

/* Headers in memory that lie. */
static void test_lying_modules(void **state)
{
        (void)state;
        static const struct {
                const char *what;
                size_t at, len;
                uint64_t value;
        } cases[] = {
                { "no magic", 0, 4, 0 },
                { "32-bit", 4, 1, ELFCLASS32 },
                { "no headers", offsetof(Elf64_Ehdr, e_phnum), 2, 0 },
                { "most headers", offsetof(Elf64_Ehdr, e_phnum), 2, 0xffff },
                { "header size", offsetof(Elf64_Ehdr, e_phentsize), 2, 1 },
                { "headers nowhere", offsetof(Elf64_Ehdr, e_phoff), 8, UINT64_MAX },
                { "headers far away", offsetof(Elf64_Ehdr, e_phoff), 8, 0x5fff },
                { "first address", sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_vaddr), 8, UINT64_MAX },
                { "first size", sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_memsz), 8, UINT64_MAX },
                { "first offset", sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_offset), 8, UINT64_MAX },
                { "notes", sizeof(Elf64_Ehdr) + offsetof(Elf64_Phdr, p_type), 4, PT_NOTE },
                { "last size", sizeof(Elf64_Ehdr) + 3 * 56 + offsetof(Elf64_Phdr, p_memsz), 8, UINT64_MAX },
                { "last size is nearly all", sizeof(Elf64_Ehdr) + 3 * 56 + offsetof(Elf64_Phdr, p_memsz), 8,
                  UINT64_C(0x7fffffffffff) },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct fake_process *p = fake_create();
                fake_write(p, FAKE_WIDGET + cases[i].at, &cases[i].value, cases[i].len);
                fake_open(p);
                uint64_t last = 0;
                for (size_t k = 0; k < p->image->mappings.n; k++) {
                        const struct cs_mapping *m = &p->image->mappings.at[k];
                        if (m->range.start < last || m->range.start >= m->range.end)
                                fail_msg("%s: mappings overlap", cases[i].what);
                        last = m->range.end;
                }
                /* Its neighbours are untouched. */
                const struct cs_module *m = cs_image_module_at(p->image, FAKE_WIDGET + FAKE_TEXT);
                if (m && strcmp(m->name, "libwidget.so.1") != 0)
                        fail_msg("%s: another module", cases[i].what);
                m = cs_image_module_at(p->image, FAKE_LIBC + FAKE_BSS);
                assert_true(m && strcmp(m->name, "libc.so.6") == 0);
                fake_destroy(p);
        }
}

static void test_runtime_names(void **state)
{
        (void)state;
        static const char *const yes[] = { "libc.so.6",           "ld-linux-x86-64.so.2",
                                           "libstdc++.so.6.0.30", "libgcc_s.so.1",
                                           "libm.so.6",           "libpthread.so.0",
                                           "libc-2.31.so",        "[vdso]",
                                           "libc++.so.1",         "ld-musl-x86_64.so.1" };
        static const char *const no[] = { "libcrypto.so.3", "libcurl.so.4", "libmagic.so.1", "app", "",
                                          "libcap.so.2",    "libmount.so.1" };
        for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
                if (!cs_module_is_runtime(yes[i]))
                        fail_msg("%s", yes[i]);
        for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
                if (cs_module_is_runtime(no[i]))
                        fail_msg("%s", no[i]);
}

/* ---- what is missing is said ------------------------------------------------------------------------------------- */

static void test_warnings(void **state)
{
        (void)state;
        struct corebuilder core = { 0 };
        corebuilder_load(&core, 0x1000, zeros, 0x1000, 0x1000, PF_R);
        struct cs_image *image = open_core(&core);
        assert_true(warned(image, "has no notes"));
        assert_true(image->complete); /* it promises nothing more */
        assert_null(image->command);
        assert_null(image->exe);
        assert_int_equal(image->pid, 0);
        cs_image_close(image);
        corebuilder_process(&core, 5, "x");
        image = open_core(&core);
        assert_true(warned(image, "names no threads"));
        assert_true(warned(image, "names no mapped files"));
        assert_int_equal(image->pid, 5);
        cs_image_close(image);
        corebuilder_load(&core, 0x1800, zeros, 0x1000, 0x1000, PF_R);
        image = open_core(&core);
        assert_true(warned(image, "1 segments of the core lie upon others"));
        assert_false(image->complete);
        cs_image_close(image);
        corebuilder_deinit(&core);
}

static void test_refused(void **state)
{
        (void)state;
        static const struct cs_image_options options = { 0 };
        static const struct {
                const char *path;
                enum cs_status status;
                const char *says;
        } cases[] = {
                { "/", CS_EFORMAT, "is a directory" },
                { "/dev/null", CS_EFORMAT, "not a regular file" },
                { "/nonexistent/core", CS_ESYS, "No such file" },
                { "/proc/self/exe", CS_EFORMAT, "not a core" },
                { CS_SOURCE_DIR "/CMakeLists.txt", CS_EFORMAT, "not an ELF file" },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct cs_image *image = NULL;
                struct cs_error err = { 0 };
                if (cs_image_open_core(cases[i].path, &options, &image, &err) != cases[i].status ||
                    !strstr(err.text, cases[i].says))
                        fail_msg("%s: %s", cases[i].path, err.text);
                assert_null(image);
        }
        struct corebuilder core = { 0 };
        struct cs_image *image = NULL;
        struct cs_error err = { 0 };
        char path[64];
        corebuilder_process(&core, 5, "x");
        struct corebuilder_bytes b = corebuilder_finish(&core);
        int fd = corebuilder_open(b.at, b.len, path);
        assert_int_equal(cs_image_open_core(path, &options, &image, &err), CS_EFORMAT);
        assert_non_null(strstr(err.text, "without memory"));
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(cs_image_open_core(path, &options, &image, &err), CS_EFORMAT);
        assert_non_null(strstr(err.text, "empty"));
        close(fd);
        free(b.at);
        corebuilder_deinit(&core);
        cs_image_close(NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_merge),         cmocka_unit_test(test_overlapping_files),
                cmocka_unit_test(test_modules),       cmocka_unit_test(test_bss_is_split_off),
                cmocka_unit_test(test_not_modules),   cmocka_unit_test(test_lying_modules),
                cmocka_unit_test(test_runtime_names), cmocka_unit_test(test_warnings),
                cmocka_unit_test(test_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
