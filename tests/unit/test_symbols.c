/* SPDX-License-Identifier: Apache-2.0 */
/* Symbols of this very process (a live image of itself), and of hostile files. */
#include "elffile.h"
#include "symbols.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int cs_test_data[16] = { 1 };
int cs_test_bss[16];
const int cs_test_rodata[16] = { 2 };
const void *const cs_test_relro[4] = { cs_test_data, cs_test_bss };
int cs_test_function(int x);

__attribute__((noinline)) int cs_test_function(int x)
{
        return x + cs_test_bss[x & 15];
}

/* A name without a size, with nothing around it. */
__asm__(".pushsection .data\n.balign 64\n.type cs_test_sizeless, @object\n.globl cs_test_sizeless\n"
        "cs_test_sizeless: .skip 64\n.popsection");
extern char cs_test_sizeless[64];

struct fixture {
        struct cs_image *image;
        struct cs_symbols *symbols;
        struct cs_pool pool;
        size_t self;
        size_t libc;
};

static uint64_t address(const void *at)
{
        return (uint64_t)(uintptr_t)at;
}

static size_t module_of(const struct cs_image *image, const char *name)
{
        for (size_t i = 0; i < image->modules.n; i++)
                if (strcmp(image->modules.at[i].name, name) == 0)
                        return i;
        fail_msg("no module %s", name);
        return 0;
}

static void open_symbols(struct fixture *f)
{
        struct cs_error err;
        if (cs_symbols_create(f->image, NULL, &f->symbols, &err) != CS_OK)
                fail_msg("%s", err.text);
}

static int set_up(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));
        struct cs_image_options options = { 0 };
        struct cs_error err;
        *state = f;
        if (!f || cs_image_open_live(getpid(), &options, &f->image, &err) != CS_OK)
                return -1;
        const struct cs_module *m = cs_image_module_at(f->image, address(cs_test_data));
        assert_non_null(m);
        f->self = (size_t)(m - f->image->modules.at);
        f->libc = module_of(f->image, "libc.so.6");
        open_symbols(f);
        return 0;
}

static int tear_down(void **state)
{
        struct fixture *f = *state;
        cs_symbols_destroy(f->symbols);
        cs_image_close(f->image);
        cs_pool_deinit(&f->pool);
        free(f);
        return 0;
}

/* ---- this process ------------------------------------------------------------------------------------------------ */

static void test_own_names(void **state)
{
        struct fixture *f = *state;
        struct cs_symbol s;
        assert_true(cs_symbols_at(f->symbols, f->self, address(&cs_test_data[5]), &s));
        assert_string_equal(s.name, "cs_test_data");
        assert_int_equal(s.addr, address(cs_test_data));
        assert_true(s.size >= sizeof(cs_test_data)); /* more with clang's AddressSanitizer */
        assert_false(s.function);
        assert_true(cs_symbols_named(f->symbols, f->self, "cs_test_function", &s));
        assert_true(s.function);
        assert_int_equal(s.addr, address((const void *)(uintptr_t)cs_test_function));
        assert_false(cs_symbols_named(f->symbols, f->self, "cs_test_nothing", &s));
        assert_false(cs_symbols_named(f->symbols, 1 << 20, "main", &s));
        assert_false(cs_symbols_at(f->symbols, 1 << 20, address(cs_test_data), &s));
}

/* What this process takes from its libc, and what that offers. */
static void test_imports_and_exports(void **state)
{
        struct fixture *f = *state;
        struct cs_symbol s;
        const char *name;
        bool taken = false, offered = false;
        for (size_t i = 0; (name = cs_symbols_import(f->symbols, f->self, i)); i++)
                taken |= strcmp(name, "getpid") == 0;
        for (size_t at = 0; cs_symbols_export(f->symbols, f->libc, &at, &s);)
                offered |= strcmp(s.name, "getpid") == 0 && s.function;
        assert_true(taken);
        assert_true(offered);
        assert_null(cs_symbols_import(f->symbols, 1 << 20, 0));
        assert_false(cs_symbols_export(f->symbols, 1 << 20, &(size_t){ 0 }, &s));
}

static void test_sizeless(void **state)
{
        struct fixture *f = *state;
        struct cs_symbol s;
        assert_true(cs_symbols_named(f->symbols, f->self, "cs_test_sizeless", &s));
        assert_int_equal(s.size, 0);
        assert_int_equal(s.addr, address(cs_test_sizeless));
        assert_false(cs_symbols_at(f->symbols, f->self, address(cs_test_sizeless), &s));
        assert_false(cs_symbols_at(f->symbols, f->self, address(cs_test_sizeless) + 32, &s));
        char want[256];
        const struct cs_module *m = &f->image->modules.at[f->self];
        (void)snprintf(want, sizeof(want), "%s+0x%llx (.data)", m->name,
                       (unsigned long long)(address(cs_test_sizeless) - m->bias));
        assert_string_equal(cs_symbols_describe(f->symbols, &f->pool, address(cs_test_sizeless)), want);
}

static void test_describe(void **state)
{
        struct fixture *f = *state;
        assert_string_equal(cs_symbols_describe(f->symbols, &f->pool, address(cs_test_bss)), "cs_test_bss");
        assert_string_equal(cs_symbols_describe(f->symbols, &f->pool, address(&cs_test_bss[4])),
                            "cs_test_bss+0x10");
        assert_string_equal(cs_symbols_describe(f->symbols, &f->pool, 0x10), "0x10");
        int local;
        const char *stack = cs_symbols_describe(f->symbols, &f->pool, address(&local));
        assert_int_equal(strncmp(stack, "0x", 2), 0);
}

struct part_case {
        const void *at;
        enum cs_part part;
};

static void test_parts(void **state)
{
        struct fixture *f = *state;
        const struct part_case cases[] = {
                { cs_test_data, CS_PART_DATA },
                { cs_test_bss, CS_PART_BSS },
                { cs_test_rodata, CS_PART_RODATA },
                { cs_test_relro, CS_PART_RELRO },
                { (const void *)(uintptr_t)cs_test_function, CS_PART_TEXT },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct cs_section *s = cs_symbols_section_at(f->symbols, f->self, address(cases[i].at));
                assert_non_null(s);
                if (s->part != cases[i].part)
                        fail_msg("case %zu: %s is part %d", i, s->name ? s->name : "-", s->part);
        }
        const struct cs_module *m = &f->image->modules.at[f->self];
        assert_int_equal(cs_symbols_section_at(f->symbols, f->self, m->range.start)->part, CS_PART_META);
        assert_null(cs_symbols_section_at(f->symbols, f->self, m->range.end));
}

/* Sorted, disjoint, and each mapped byte of a module in one of them. */
static void check_cover(const struct cs_image *image, struct cs_symbols *symbols, size_t module)
{
        size_t n;
        const struct cs_section *s = cs_symbols_sections(symbols, module, &n);
        for (size_t i = 0; i < n; i++) {
                assert_true(s[i].range.start < s[i].range.end);
                assert_true(i == 0 || s[i].range.start >= s[i - 1].range.end);
                assert_int_not_equal(s[i].part, CS_PART_NONE);
        }
        for (size_t i = 0; i < image->mappings.n; i++) {
                struct cs_range r = image->mappings.at[i].range;
                uint64_t covered = 0;
                if (image->mappings.at[i].module != (int32_t)module)
                        continue;
                for (size_t k = 0; k < n; k++)
                        covered += cs_range_size(cs_range_cut(s[k].range, r));
                assert_int_equal(covered, cs_range_size(r));
        }
}

static void test_cover(void **state)
{
        struct fixture *f = *state;
        for (size_t i = 0; i < f->image->modules.n; i++)
                check_cover(f->image, f->symbols, i);
}

static bool needs(struct cs_symbols *symbols, size_t module, const char *name)
{
        size_t n;
        const char *const *needed = cs_symbols_needed(symbols, module, &n);
        for (size_t i = 0; i < n; i++)
                if (strcmp(needed[i], name) == 0)
                        return true;
        return false;
}

static void test_needed(void **state)
{
        struct fixture *f = *state;
        assert_true(needs(f->symbols, f->self, "libc.so.6"));
        assert_false(needs(f->symbols, f->self, "libnothing.so.1"));
}

/* Without its file, libc says as much by its memory. */
static void test_from_memory(void **state)
{
        struct fixture *f = *state;
        struct cs_symbol with, without;
        size_t n;
        assert_true(cs_symbols_named(f->symbols, f->libc, "qsort_r", &with));
        bool needed = needs(f->symbols, f->libc, "ld-linux-x86-64.so.2");
        cs_symbols_destroy(f->symbols);
        struct cs_module *m = &f->image->modules.at[f->libc];
        close(m->fd);
        m->fd = -1;
        m->build_id_len = 0;
        open_symbols(f);
        assert_true(cs_symbols_named(f->symbols, f->libc, "qsort_r", &without));
        assert_int_equal(with.addr, without.addr);
        assert_int_equal(with.size, without.size);
        assert_true(cs_symbols_at(f->symbols, f->libc, with.addr + 1, &without));
        assert_int_equal(with.addr, without.addr);
        assert_int_equal(needs(f->symbols, f->libc, "ld-linux-x86-64.so.2"), needed);
        check_cover(f->image, f->symbols, f->libc);
        const struct cs_section *s = cs_symbols_sections(f->symbols, f->libc, &n);
        bool relro = false;
        for (size_t i = 0; i < n; i++)
                relro |= s[i].part == CS_PART_RELRO;
        assert_true(relro);
        assert_int_equal(cs_symbols_section_at(f->symbols, f->libc, with.addr)->part, CS_PART_TEXT);
}

static void test_vdso(void **state)
{
        struct fixture *f = *state;
        struct cs_symbol s;
        for (size_t i = 0; i < f->image->modules.n; i++) {
                if (strcmp(f->image->modules.at[i].name, "[vdso]") != 0)
                        continue;
                assert_true(cs_symbols_named(f->symbols, i, "__vdso_clock_gettime", &s));
                assert_true(cs_image_module_at(f->image, s.addr) == &f->image->modules.at[i]);
                return;
        }
        skip();
}

/* ---- hostile files ----------------------------------------------------------------------------------------------- */

struct made {
        struct cs_mapping mapping;
        struct cs_module module;
        struct cs_image image;
};

static const uint8_t no_bytes[1];

static void make(struct made *m, int fd)
{
        *m = (struct made){ 0 };
        m->mapping = (struct cs_mapping){ .range = { 0x10000, 0x210000 },
                                          .perms = CS_PERM_READ | CS_PERM_EXEC,
                                          .file_backed = true,
                                          .path = "/m" };
        m->module = (struct cs_module){
                .path = "/m", .name = "m", .range = m->mapping.range, .bias = 0x10000, .fd = fd
        };
        m->image.source = cs_source_from_bytes(0x10000, no_bytes, 0);
        m->image.mappings.at = &m->mapping;
        m->image.modules.at = &m->module;
        m->image.mappings.n = m->image.modules.n = 1;
}

static void probe(int fd, size_t *names)
{
        struct made m;
        struct cs_symbols *symbols;
        struct cs_symbol s;
        size_t n;
        make(&m, fd);
        assert_int_equal(cs_symbols_create(&m.image, NULL, &symbols, NULL), CS_OK);
        *names = 0;
        for (uint64_t addr = 0x10000; addr < 0x90000; addr += 4091)
                *names += cs_symbols_at(symbols, 0, addr, &s);
        (void)cs_symbols_named(symbols, 0, "main", &s);
        check_cover(&m.image, symbols, 0);
        (void)cs_symbols_needed(symbols, 0, &n);
        cs_symbols_destroy(symbols);
        cs_source_close(m.image.source);
}

static uint8_t *own_bytes(size_t *len)
{
        int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        struct stat st;
        assert_true(fd >= 0 && fstat(fd, &st) == 0);
        *len = (size_t)st.st_size;
        uint8_t *bytes = malloc(*len);
        assert_non_null(bytes);
        assert_int_equal(read(fd, bytes, *len), *len);
        close(fd);
        return bytes;
}

static int memory_file(const void *bytes, size_t len)
{
        int fd = memfd_create("elf", MFD_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, bytes, len), len);
        return fd;
}

static void test_not_elf(void **state)
{
        (void)state;
        static const char *const texts[] = { "", "\177ELF", "#!/bin/sh\n", "!<arch>\n" };
        size_t names;
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                int fd = memory_file(texts[i], strlen(texts[i]));
                probe(fd, &names);
                assert_int_equal(names, 0);
                close(fd);
        }
        int dir = open("/", O_RDONLY | O_CLOEXEC | O_DIRECTORY);
        probe(dir, &names);
        assert_int_equal(names, 0);
        close(dir);
}

/* Its section headers are at the end: without them there are no names, and all that remains is permissions. */
static void test_truncated_file(void **state)
{
        (void)state;
        size_t len, names;
        uint8_t *bytes = own_bytes(&len);
        for (size_t cut = 1; cut < len; cut += cut < 256 ? 1 : len / 50) {
                int fd = memory_file(bytes, len - cut);
                probe(fd, &names);
                assert_int_equal(names, 0);
                close(fd);
        }
        free(bytes);
}

/* Each 4-byte number of the headers set to the worst, one after the other. */
static void test_garbled_headers(void **state)
{
        (void)state;
        size_t len, names;
        uint8_t *bytes = own_bytes(&len);
        uint64_t shoff;
        memcpy(&shoff, bytes + offsetof(Elf64_Ehdr, e_shoff), sizeof(shoff));
        int fd = memory_file(bytes, len);
        probe(fd, &names);
        assert_true(names > 0);
        for (size_t at = 0; at < len; at += 4) {
                if (at == 64 + 14 * 56)
                        at = shoff & ~(size_t)3; /* from the program headers to the section headers */
                static const uint32_t worst[] = { UINT32_MAX, 0, 1 << 28 };
                for (size_t w = 0; w < 3; w++) {
                        assert_int_equal(pwrite(fd, &worst[w], 4, (off_t)at), 4);
                        probe(fd, &names);
                }
                assert_int_equal(pwrite(fd, bytes + at, len - at < 4 ? len - at : 4, (off_t)at),
                                 len - at < 4 ? len - at : 4);
                assert_int_equal(ftruncate(fd, (off_t)len), 0);
        }
        close(fd);
        free(bytes);
}

/* Gigabytes of hole for a section: refused, not read. */
static void test_sparse_file(void **state)
{
        (void)state;
        size_t len, names;
        uint8_t *bytes = own_bytes(&len);
        Elf64_Ehdr eh;
        memcpy(&eh, bytes, sizeof(eh));
        int fd = memory_file(bytes, len);
        assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
        for (size_t i = 0; i < eh.e_shnum; i++) {
                uint64_t huge = (uint64_t)1 << 39;
                off_t at = (off_t)(eh.e_shoff + i * sizeof(Elf64_Shdr) + offsetof(Elf64_Shdr, sh_size));
                assert_int_equal(pwrite(fd, &huge, sizeof(huge), at), sizeof(huge));
        }
        probe(fd, &names);
        assert_int_equal(names, 0);
        close(fd);
        free(bytes);
}

/* A debug file is believed by its build-id: this program's own, for a module whose file is gone. */
static void test_debug_file(void **state)
{
        (void)state;
        char dir[] = "/tmp/cs-debug-XXXXXX", path[512], hex[2 * CS_BUILD_ID_MAX + 1] = "";
        size_t len, names;
        struct cs_elffile *file;
        struct made m;
        uint8_t *bytes = own_bytes(&len);
        int fd = memory_file(bytes, len);
        make(&m, -1);
        assert_int_equal(cs_elffile_open(fd, &file, NULL), CS_OK);
        m.module.build_id_len = (uint32_t)cs_elffile_build_id(file, m.module.build_id);
        cs_elffile_close(file);
        for (uint32_t i = 0; i < m.module.build_id_len; i++)
                (void)snprintf(hex + 2 * i, 3, "%02x", m.module.build_id[i]);
        if (!*hex || !mkdtemp(dir))
                skip();
        (void)snprintf(path, sizeof(path), "%s/.build-id", dir);
        assert_int_equal(mkdir(path, 0700), 0);
        (void)snprintf(path, sizeof(path), "%s/.build-id/%.2s", dir, hex);
        assert_int_equal(mkdir(path, 0700), 0);
        (void)snprintf(path, sizeof(path), "%s/.build-id/%.2s/%s.debug", dir, hex, hex + 2);
        int copy = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_int_equal(write(copy, bytes, len), len);
        close(copy);

        /* Its own build-id; then another one, at the place of that build-id. */
        for (int other = 0; other < 2; other++) {
                struct cs_image_options options = { .debug_dir = dir };
                struct cs_symbols *symbols;
                struct cs_symbol s;
                m.module.build_id[m.module.build_id_len - 1] ^= (uint8_t)other;
                if (other) {
                        char to[600];
                        (void)snprintf(to, sizeof(to), "%s", path);
                        (void)snprintf(to + strlen(to) - 8, 16, "%02x.debug",
                                       m.module.build_id[m.module.build_id_len - 1]);
                        assert_int_equal(rename(path, to), 0);
                        (void)snprintf(path, sizeof(path), "%.500s", to);
                }
                assert_int_equal(cs_symbols_create(&m.image, &options, &symbols, NULL), CS_OK);
                assert_int_equal(cs_symbols_named(symbols, 0, "main", &s), !other);
                cs_symbols_destroy(symbols);
        }
        for (names = 0; names < 3; names++) { /* the file, its folder, .build-id */
                assert_int_equal(remove(path), 0);
                *strrchr(path, '/') = 0;
        }
        assert_int_equal(rmdir(dir), 0);
        cs_source_close(m.image.source);
        close(fd);
        free(bytes);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_own_names, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_imports_and_exports, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_sizeless, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_describe, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_parts, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_cover, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_needed, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_from_memory, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_vdso, set_up, tear_down),
                cmocka_unit_test(test_not_elf),
                cmocka_unit_test(test_truncated_file),
                cmocka_unit_test(test_garbled_headers),
                cmocka_unit_test(test_sparse_file),
                cmocka_unit_test(test_debug_file),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
