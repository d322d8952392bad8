/* SPDX-License-Identifier: Apache-2.0 */
/* Modules by what memory says, where the notes of a core are missing or lie. */
#include "fake_process.h"
#include "linkmap.h"
#include "notes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
        DYNAMIC = FAKE_DATA + 0x100, /* where it is writable, as it mostly is */
        STRINGS = FAKE_RODATA + 0x800,
        SYMBOLS = FAKE_RODATA + 0x100,
        TABLE = 0x8000, /* the loader's list, from FAKE_HEAP */
        NAMES = TABLE + 0x1000,
};

#define DEBUG (FAKE_HEAP + TABLE)
#define LINK(i) (DEBUG + 0x40 + 0x40 * (uint64_t)(i))

/* Gives the module a dynamic section. */
static void add_dynamic(struct fake_process *p, uint64_t base, const char *soname, uint64_t debug)
{
        uint64_t dynamic[] = { DT_STRTAB,
                               base + STRINGS,
                               DT_SYMTAB,
                               base + SYMBOLS,
                               DT_STRSZ,
                               100,
                               soname ? DT_SONAME : DT_DEBUG,
                               soname ? 1 : debug,
                               DT_NULL,
                               0 };
        Elf64_Phdr ph = {
                .p_type = PT_DYNAMIC, .p_offset = DYNAMIC, .p_vaddr = DYNAMIC, .p_memsz = sizeof(dynamic)
        };
        uint16_t n = 5;
        fake_write(p, base + offsetof(Elf64_Ehdr, e_phnum), &n, sizeof(n));
        fake_write(p, base + sizeof(Elf64_Ehdr) + 4 * sizeof(ph), &ph, sizeof(ph));
        fake_put(p, base + offsetof(Elf64_Ehdr, e_entry), FAKE_TEXT + 0x80);
        fake_write(p, base + DYNAMIC, dynamic, sizeof(dynamic));
        if (soname)
                fake_write(p, base + STRINGS + 1, soname, strlen(soname) + 1);
}

static void add_link(struct fake_process *p, int i, int n, uint64_t base, const char *name)
{
        uint64_t words[] = { base, FAKE_HEAP + NAMES + 0x100 * (uint64_t)i, base + DYNAMIC,
                             i + 1 < n ? LINK(i + 1) : 0, i > 0 ? LINK(i - 1) : 0 };
        fake_write(p, LINK(i), words, sizeof(words));
        fake_write(p, words[1], name, strlen(name) + 1);
}

static void forget_files(struct fake_process *p)
{
        for (size_t i = 0; i < p->core.files.n; i++)
                free(p->core.files.at[i].path);
        p->core.files.n = 0;
}

/* The process with everything but its notes. */
static struct fake_process *create(bool list)
{
        static const struct {
                uint64_t base;
                const char *soname, *path;
        } modules[] = {
                { FAKE_APP, NULL, "" },
                { FAKE_WIDGET, "libwidget.so.1", "/nowhere/libwidget.so.1.2" },
                { FAKE_LIBC, "libc.so.6", "/nowhere/libc.so.6" },
        };
        struct fake_process *p = fake_create();
        fake_heap(p, 0x10000);
        fake_put(p, DEBUG + 8, LINK(0));
        for (int i = 0; i < 3; i++) {
                add_dynamic(p, modules[i].base, modules[i].soname, list ? DEBUG : 0);
                add_link(p, i, 3, modules[i].base, modules[i].path);
        }
        forget_files(p);
        p->core.notes.n = 0;
        p->sp = 0;
        return p;
}

/* The stack as execve() fills it. */
static void add_stack(struct fake_process *p, const char *program)
{
        uint64_t end = FAKE_STACK + FAKE_STACK_BYTES, path = end - 8 - strlen(program) - 1;
        const uint64_t words[] = {
                1, path, 0, 0, AT_ENTRY, FAKE_APP + FAKE_TEXT, AT_EXECFN, path, AT_NULL, 0
        };
        fake_write(p, path, program, strlen(program));
        fake_write(p, end - 0x200, words, sizeof(words));
}

/* As fake_open(), but only the image, and without notes other than those that were added. */
static void open_image(struct fake_process *p)
{
        struct cs_error err = { 0 };
        char path[64];
        for (size_t i = 0; i < p->n; i++)
                corebuilder_load(&p->core, p->regions[i].addr, p->regions[i].bytes, p->regions[i].size,
                                 p->regions[i].size, p->regions[i].flags);
        struct corebuilder_bytes core = corebuilder_finish(&p->core);
        p->fd = corebuilder_open(core.at, core.len, path);
        p->options.sysroot = "/nonexistent";
        if (cs_image_open_core(path, &p->options, &p->image, &err) != CS_OK)
                fail_msg("%s", err.text);
        free(core.at);
}

static bool warned(const struct cs_image *image, const char *what)
{
        for (size_t i = 0; i < image->warnings.n; i++)
                if (strstr(image->warnings.at[i], what))
                        return true;
        return false;
}

static void assert_module(const struct fake_process *p, uint64_t base, const char *path)
{
        const struct cs_module *m = cs_image_module_at(p->image, base);
        if (!m)
                fail_msg("no module at %lx", (unsigned long)base);
        assert_string_equal(m->path, path);
        assert_int_equal(m->bias, base);
        assert_int_equal(m->range.start, base);
        assert_int_equal(m->range.end, base + FAKE_MODULE);
        assert_int_equal(m->dynamic, base + DYNAMIC);
        assert_ptr_equal(cs_image_module_at(p->image, base + FAKE_BSS), m);
}

static void test_by_the_list(void **state)
{
        (void)state;
        struct fake_process *p = create(true);
        add_stack(p, "/nowhere/app");
        open_image(p);
        assert_int_equal(p->image->modules.n, 3);
        assert_module(p, FAKE_APP, "/nowhere/app");
        assert_module(p, FAKE_WIDGET, "/nowhere/libwidget.so.1.2");
        assert_module(p, FAKE_LIBC, "/nowhere/libc.so.6");
        assert_true(p->image->modules.at[0].main);
        assert_string_equal(p->image->exe, "/nowhere/app");
        assert_string_equal(p->image->command, "/nowhere/app");
        assert_int_equal(p->image->at_entry, FAKE_APP + FAKE_TEXT);
        assert_string_equal(cs_image_mapping_at(p->image, FAKE_STACK)->path, "[stack]");
        assert_true(warned(p->image, "has no notes"));
        assert_true(warned(p->image, "3 modules were found"));
        fake_destroy(p);
}

/* Neither loader's list nor stack: each knows itself by its name, and only programs have a DT_DEBUG. */
static void test_by_their_own_names(void **state)
{
        (void)state;
        struct fake_process *p = create(false);
        add_dynamic(p, FAKE_APP, NULL, 0x1234);
        open_image(p);
        assert_int_equal(p->image->modules.n, 3);
        assert_module(p, FAKE_APP, "object at 0x555500000000");
        assert_module(p, FAKE_WIDGET, "libwidget.so.1");
        assert_module(p, FAKE_LIBC, "libc.so.6");
        assert_true(p->image->modules.at[0].main);
        assert_true(p->image->modules.at[2].runtime);
        assert_int_equal(p->image->at_entry, FAKE_APP + FAKE_TEXT + 0x80);
        fake_destroy(p);
}

/* What the notes say holds where they are sound; nothing is searched for then. */
static void test_sound_notes_hold(void **state)
{
        (void)state;
        struct fake_process *p = create(true);
        fake_module(p, UINT64_C(0x7f3000000000), "/nowhere/noted.so");
        corebuilder_auxv(&p->core, UINT64_C(0x7f3000000000) + FAKE_TEXT, 0, 0);
        open_image(p);
        assert_int_equal(p->image->modules.n, 1);
        assert_string_equal(p->image->modules.at[0].path, "/nowhere/noted.so");
        fake_destroy(p);
}

/* Files that lie upon each other, upon everything, and where nothing is: the objects are found, under the names that the
 * notes have for them, and what else they say of that memory is dropped. */
static void test_lying_notes(void **state)
{
        (void)state;
        struct fake_process *p = create(true);
        corebuilder_file(&p->core, FAKE_WIDGET, FAKE_WIDGET + 0x1000, 0, "/noted/libwidget.so.1");
        corebuilder_file(&p->core, FAKE_WIDGET + 0x800, FAKE_WIDGET + 0x100000, 7, "/lie/upon");
        corebuilder_file(&p->core, FAKE_LIBC - 0x10000, FAKE_STACK, 3, "/lie/across");
        corebuilder_file(&p->core, 0x10000, 0x20000, 0, "/lie/nowhere");
        corebuilder_file(&p->core, UINT64_MAX - 0x2000, UINT64_MAX, 0, "/lie/above");
        corebuilder_auxv(&p->core, 42, UINT64_MAX, FAKE_HEAP);
        corebuilder_thread(&p->core, 1, 0x12345, 7, NULL);
        open_image(p);
        assert_int_equal(p->image->modules.n, 3);
        assert_module(p, FAKE_WIDGET, "/noted/libwidget.so.1");
        assert_module(p, FAKE_LIBC, "/nowhere/libc.so.6");
        assert_null(cs_image_mapping_at(p->image, FAKE_HEAP)->path);
        assert_null(cs_image_module_at(p->image, FAKE_HEAP)); /* AT_SYSINFO_EHDR lies */
        assert_true(warned(p->image, "notes are damaged"));
        assert_false(p->image->complete);
        for (size_t i = 1; i < p->image->mappings.n; i++)
                assert_true(p->image->mappings.at[i].range.start >= p->image->mappings.at[i - 1].range.end);
        fake_destroy(p);
}

static void test_vdso(void **state)
{
        (void)state;
        struct fake_process *p = create(true);
        uint64_t vdso = UINT64_C(0x7ffe00000000);
        fake_module(p, vdso, "-");
        add_dynamic(p, vdso, "linux-vdso.so.1", 0);
        forget_files(p);
        open_image(p);
        assert_int_equal(p->image->at_vdso, vdso);
        assert_string_equal(cs_image_mapping_at(p->image, vdso)->path, "[vdso]");
        fake_destroy(p);
}

/* A file that somebody reads, and a copy of one in writable memory: headers, but nothing was loaded. */
static void test_files_are_no_modules(void **state)
{
        (void)state;
        struct fake_process *p = create(true);
        uint64_t read_only = UINT64_C(0x7f4000000000), copy = UINT64_C(0x7f5000000000);
        uint8_t page[0x1000];
        for (size_t i = 0; i < sizeof(page); i++) {
                /* The headers of a module that has a dynamic section. */
                uint64_t word = fake_get(p, FAKE_WIDGET + i / 8 * 8);
                page[i] = (uint8_t)(word >> (8 * (i % 8)));
        }
        fake_map(p, read_only, 0x8000, PF_R);
        fake_write(p, read_only + 0x2000, page, sizeof(page));
        fake_map(p, copy, 0x8000, PF_R | PF_W);
        fake_write(p, copy, page, sizeof(page));
        fake_map(p, copy + 0x10000, 0x1000,
                 PF_R); /* its first page only: nothing is where its data should be */
        fake_write(p, copy + 0x10000, page, sizeof(page));
        open_image(p);
        assert_int_equal(p->image->modules.n, 3);
        assert_null(cs_image_module_at(p->image, read_only + 0x2000));
        assert_null(cs_image_module_at(p->image, copy));
        assert_null(cs_image_module_at(p->image, copy + 0x10000));
        fake_destroy(p);
}

/* One core that glued its mappings together: headers at a page that begins no segment. */
static void test_inside_a_segment(void **state)
{
        (void)state;
        struct fake_process *p = create(true);
        uint64_t start = UINT64_C(0x7f6000000000);
        fake_map(p, start, 0x3000, PF_R);
        fake_module(p, start + 0x3000, "-");
        add_dynamic(p, start + 0x3000, "libglued.so", 0);
        /* Joins the first two. */
        struct fake_region *front = &p->regions[p->n - 6], *page = &p->regions[p->n - 5];
        assert_true(front->addr == start && page->addr == start + 0x3000);
        front->bytes = realloc(front->bytes, 0x4000);
        assert_non_null(front->bytes);
        memcpy(front->bytes + 0x3000, page->bytes, 0x1000);
        front->size = 0x4000;
        free(page->bytes);
        p->n--;
        memmove(page, page + 1, (size_t)(&p->regions[p->n] - page) * sizeof(*page));
        forget_files(p);
        open_image(p);
        assert_int_equal(p->image->modules.n, 4);
        assert_module(p, start + 0x3000, "libglued.so");
        fake_destroy(p);
}

static void test_lying_headers(void **state)
{
        (void)state;
        static const struct {
                const char *what;
                uint64_t at, value;
        } lies[] = {
                { "no program headers", offsetof(Elf64_Ehdr, e_phnum), 0 },
                { "65535 of them", offsetof(Elf64_Ehdr, e_phnum), 0xffff },
                { "they lie nowhere", offsetof(Elf64_Ehdr, e_phoff), UINT64_MAX - 8 },
                { "a segment larger than memory",
                  sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, p_memsz),
                  UINT64_MAX - 0x1000 },
                { "a segment of half the memory",
                  sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, p_memsz),
                  UINT64_C(1) << 46 },
                { "a segment elsewhere",
                  sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, p_vaddr),
                  UINT64_C(1) << 62 },
                { "the file longer than memory",
                  sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, p_filesz),
                  UINT64_C(1) << 40 },
                { "another machine", offsetof(Elf64_Ehdr, e_type), (uint64_t)EM_386 << 16 | ET_DYN },
                { "a core", offsetof(Elf64_Ehdr, e_type), (uint64_t)EM_X86_64 << 16 | ET_CORE },
                { "nothing in its dynamic section", DYNAMIC, 0 },
                { "dynamic section elsewhere",
                  sizeof(Elf64_Ehdr) + 4 * sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, p_vaddr), 0x7000000 },
        };
        for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
                struct fake_process *p = create(false);
                uint64_t at = FAKE_WIDGET + lies[i].at;
                fake_put(p, at, lies[i].value);
                open_image(p);
                if (p->image->modules.n != 2 || cs_image_module_at(p->image, FAKE_WIDGET))
                        fail_msg("%s", lies[i].what);
                fake_destroy(p);
        }
}

/* Lists that never end, end early, or lead nowhere. */
static void test_bad_lists(void **state)
{
        (void)state;
        static const struct {
                const char *what;
                uint64_t at, value;
                size_t links;
        } lies[] = {
                { "sound", LINK(2) + 24, 0, 3 },
                { "a ring", LINK(2) + 24, LINK(0), 3 },
                { "itself", LINK(1) + 24, LINK(1), 2 },
                { "leads nowhere", LINK(1) + 24, 0x1000, 2 },
                { "leads to the end of memory", LINK(1) + 24, UINT64_MAX - 3, 2 },
                { "does not point back", LINK(1) + 32, LINK(2), 1 },
                { "does not begin", DEBUG + 8, 0, 0 },
                { "begins nowhere", DEBUG + 8, UINT64_MAX, 0 },
                { "a name that is nowhere", LINK(1) + 8, 1, 3 },
        };
        for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
                struct fake_process *p = create(true);
                cs_link_vec links = { 0 };
                struct cs_pool pool = { 0 };
                fake_put(p, lies[i].at, lies[i].value);
                open_image(p);
                assert_int_equal(p->image->modules.n, 3);
                assert_int_equal(cs_linkmap_read(p->image->source, DEBUG, &pool, &links, NULL), CS_OK);
                if (links.n != lies[i].links)
                        fail_msg("%s: %zu", lies[i].what, links.n);
                cs_vec_deinit(&links);
                cs_pool_deinit(&pool);
                fake_destroy(p);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_by_the_list),
                cmocka_unit_test(test_by_their_own_names),
                cmocka_unit_test(test_sound_notes_hold),
                cmocka_unit_test(test_lying_notes),
                cmocka_unit_test(test_vdso),
                cmocka_unit_test(test_files_are_no_modules),
                cmocka_unit_test(test_inside_a_segment),
                cmocka_unit_test(test_lying_headers),
                cmocka_unit_test(test_bad_lists),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
