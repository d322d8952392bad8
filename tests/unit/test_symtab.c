/* SPDX-License-Identifier: Apache-2.0 */
/* Symbol tables made by hand, and what sections are for. */
#include "sections.h"
#include "symtab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <stdlib.h>
#include <string.h>

/* ---- tables ------------------------------------------------------------------------------------------------------ */

struct row {
        const char *name;
        uint64_t addr;
        uint64_t size;
        int bind;
        int type;
        uint16_t section;
};

static void add_rows(struct cs_symtab *tab, const struct row *rows, size_t n)
{
        size_t len = 1;
        char *strings = calloc(1, 4096);
        Elf64_Sym *symbols = calloc(n, sizeof(*symbols));
        assert_true(strings && symbols);
        for (size_t i = 0; i < n; i++) {
                symbols[i] = (Elf64_Sym){ .st_name = (uint32_t)len,
                                          .st_info = (unsigned char)ELF64_ST_INFO(rows[i].bind, rows[i].type),
                                          .st_shndx = rows[i].section,
                                          .st_value = rows[i].addr,
                                          .st_size = rows[i].size };
                len += strlen(strcpy(strings + len, rows[i].name)) + 1;
        }
        assert_int_equal(cs_symtab_add(tab, (const uint8_t *)symbols, n * sizeof(*symbols), strings, len,
                                       NULL),
                         CS_OK);
        free(symbols);
}

static const struct row table[] = {
        { "outer", 0x100, 0x100, STB_GLOBAL, STT_OBJECT, 1 },
        { "inner", 0x140, 0x20, STB_LOCAL, STT_OBJECT, 1 },
        { "innermost", 0x148, 8, STB_LOCAL, STT_OBJECT, 1 },
        { "overlap", 0x1f0, 0x20, STB_GLOBAL, STT_FUNC, 1 },
        { "local_alias", 0x300, 0x10, STB_LOCAL, STT_FUNC, 1 },
        { "z_alias", 0x300, 0x10, STB_GLOBAL, STT_FUNC, 1 },
        { "b_alias", 0x300, 0x10, STB_WEAK, STT_FUNC, 1 },
        { "nothing", 0x400, 0, STB_GLOBAL, STT_FUNC, 1 },
        { "notype", 0x500, 8, STB_GLOBAL, STT_NOTYPE, 1 },
        { "tls", 0x600, 8, STB_GLOBAL, STT_TLS, 1 },
        { "undefined", 0x610, 8, STB_GLOBAL, STT_FUNC, SHN_UNDEF },
        { "absolute", 0x620, 8, STB_GLOBAL, STT_OBJECT, SHN_ABS },
        { "outside", 0x10000, 8, STB_GLOBAL, STT_OBJECT, 1 },
        { "wraps", 0x630, UINT64_MAX - 8, STB_GLOBAL, STT_OBJECT, 1 },
        { "at_end", 0xff8, 8, STB_GLOBAL, STT_OBJECT, 1 },
};

struct at_case {
        const char *what;
        uint64_t addr;
        const char *name;
};

static const struct at_case at_cases[] = {
        { "before all", 0xff, NULL },
        { "first byte", 0x100, "outer" },
        { "the smaller of two", 0x140, "inner" },
        { "the smallest of three", 0x14f, "innermost" },
        { "behind the smallest", 0x150, "inner" },
        { "behind the inner one", 0x160, "outer" },
        { "both, one smaller", 0x1f0, "overlap" },
        { "only the second", 0x200, "overlap" },
        { "st_size bounds it", 0x210, NULL },
        { "global before local, then by name", 0x30f, "b_alias" },
        { "no size, no match", 0x400, NULL },
        { "no type, but a size", 0x507, "notype" },
        { "TLS", 0x600, NULL },
        { "undefined", 0x610, NULL },
        { "absolute", 0x620, NULL },
        { "its end wraps", 0x631, NULL },
        { "last byte of the module", 0xfff, "at_end" },
        { "behind the module", 0x1000, NULL },
        { "far behind", 0x10000, NULL },
};

static void test_table(void **state)
{
        (void)state;
        /* Both in the order given and backwards: how a table is sorted must not matter. */
        for (int backwards = 0; backwards < 2; backwards++) {
                const size_t n = sizeof(table) / sizeof(table[0]);
                struct row rows[sizeof(table) / sizeof(table[0])];
                struct cs_symtab tab;
                struct cs_symbol s;
                for (size_t i = 0; i < n; i++)
                        rows[i] = table[backwards ? n - 1 - i : i];
                cs_symtab_init(&tab, (struct cs_range){ 0x7000, 0x8000 }, 0x7000);
                add_rows(&tab, rows, n);
                for (size_t i = 0; i < sizeof(at_cases) / sizeof(at_cases[0]); i++) {
                        bool found = cs_symtab_at(&tab, 0x7000 + at_cases[i].addr, &s);
                        if (found != (at_cases[i].name != NULL) ||
                            (found && strcmp(s.name, at_cases[i].name) != 0))
                                fail_msg("%s: %s", at_cases[i].what, found ? s.name : "nothing");
                }
                assert_true(cs_symtab_named(&tab, "nothing", &s));
                assert_int_equal(s.addr, 0x7400);
                assert_true(cs_symtab_named(&tab, "local_alias", &s));
                assert_false(cs_symtab_named(&tab, "tls", &s));
                assert_false(cs_symtab_named(&tab, "", &s));
                cs_symtab_deinit(&tab);
        }
}

static void test_two_tables(void **state)
{
        (void)state;
        const struct row first[] = { { "same", 0x100, 8, STB_GLOBAL, STT_OBJECT, 1 } };
        const struct row second[] = { { "same", 0x200, 8, STB_GLOBAL, STT_OBJECT, 1 },
                                      { "only", 0x300, 8, STB_LOCAL, STT_OBJECT, 1 } };
        struct cs_symtab tab;
        struct cs_symbol s;
        cs_symtab_init(&tab, (struct cs_range){ 0, 0x1000 }, 0);
        add_rows(&tab, first, 1);
        assert_false(cs_symtab_named(&tab, "only", &s)); /* asked before the second one is there */
        add_rows(&tab, second, 2);
        assert_true(cs_symtab_named(&tab, "same", &s));
        assert_int_equal(s.addr, 0x100);
        assert_true(cs_symtab_at(&tab, 0x207, &s));
        assert_true(cs_symtab_named(&tab, "only", &s));
        cs_symtab_deinit(&tab);
}

/* What a module takes and offers stands in its first table alone. */
static void test_imports_and_exports(void **state)
{
        (void)state;
        const struct row first[] = { { "taken", 0, 0, STB_GLOBAL, STT_FUNC, SHN_UNDEF },
                                     { "offered", 0x100, 8, STB_GLOBAL, STT_FUNC, 1 },
                                     { "", 0, 0, STB_LOCAL, STT_NOTYPE, SHN_UNDEF },
                                     { "data", 0x200, 8, STB_GLOBAL, STT_OBJECT, 1 },
                                     { "taken weakly", 0, 0, STB_WEAK, STT_NOTYPE, SHN_UNDEF },
                                     { "taken per thread", 0, 0, STB_GLOBAL, STT_TLS, SHN_UNDEF },
                                     { "hidden", 0x300, 8, STB_LOCAL, STT_FUNC, 1 },
                                     { "offered too", 0x400, 0, STB_WEAK, STT_GNU_IFUNC, 1 } };
        const struct row second[] = { { "taken@VERSION", 0, 0, STB_GLOBAL, STT_FUNC, SHN_UNDEF },
                                      { "inner", 0x500, 8, STB_GLOBAL, STT_FUNC, 1 } };
        struct cs_symtab tab;
        struct cs_symbol s;
        size_t at = 0;
        cs_symtab_init(&tab, (struct cs_range){ 0, 0x1000 }, 0);
        add_rows(&tab, first, sizeof(first) / sizeof(first[0]));
        add_rows(&tab, second, 2);
        assert_string_equal(cs_symtab_import(&tab, 0), "taken");
        assert_string_equal(cs_symtab_import(&tab, 1), "taken weakly");
        assert_null(cs_symtab_import(&tab, 2));
        assert_true(cs_symtab_export(&tab, &at, &s));
        assert_string_equal(s.name, "offered");
        assert_true(cs_symtab_export(&tab, &at, &s));
        assert_string_equal(s.name, "offered too");
        assert_false(cs_symtab_export(&tab, &at, &s));
        assert_false(cs_symtab_export(&tab, &at, &s));
        cs_symtab_deinit(&tab);
}

/* Symbols that all hold the same bytes make one span each, and a name table that runs into itself is read once. */
static void test_crowded_table(void **state)
{
        (void)state;
        enum { N = 200000, NAMES = 1 << 20 };
        Elf64_Sym *symbols = calloc(N, sizeof(*symbols));
        char *strings = malloc(NAMES + 1);
        assert_true(symbols && strings);
        memset(strings, 'a', NAMES);
        strings[NAMES] = 0;
        for (size_t i = 0; i < N; i++)
                symbols[i] = (Elf64_Sym){ .st_name = (uint32_t)i,
                                          .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT),
                                          .st_shndx = 1,
                                          .st_value = i,
                                          .st_size = 2 * N - 2 * i };
        struct cs_symtab tab;
        struct cs_symbol s;
        cs_symtab_init(&tab, (struct cs_range){ 0, 1 << 20 }, 0);
        assert_int_equal(cs_symtab_add(&tab, (const uint8_t *)symbols, N * sizeof(*symbols), strings, NAMES,
                                       NULL),
                         CS_OK);
        assert_true(cs_symtab_at(&tab, 1000, &s));
        assert_int_equal(s.addr, 1000);
        assert_true(cs_symtab_at(&tab, 2 * N - 1, &s));
        assert_int_equal(s.addr, 0);
        assert_true(tab.spans.n <= 2 * N);
        assert_false(cs_symtab_named(&tab, "aa", &s));
        cs_symtab_deinit(&tab);
        free(symbols);
}

/* ---- what sections are for --------------------------------------------------------------------------------------- */

struct section_case {
        const char *name;
        uint32_t type;
        uint64_t flags;
        enum cs_part part;
};

static void test_section_parts(void **state)
{
        (void)state;
        static const struct section_case cases[] = {
                { ".text.unlikely", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, CS_PART_TEXT },
                { ".plt.sec", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, CS_PART_TEXT },
                { "__libc_freeres_fn", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, CS_PART_TEXT },
                { ".rodata.str1.1", SHT_PROGBITS, SHF_ALLOC, CS_PART_RODATA },
                { ".data.rel.ro.local", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, CS_PART_RELRO },
                { ".data1", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, CS_PART_DATA },
                { ".data", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, CS_PART_DATA },
                { ".tdata", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE | SHF_TLS, CS_PART_DATA },
                { ".bss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, CS_PART_BSS },
                { ".noptrbss", SHT_NOBITS, SHF_ALLOC | SHF_WRITE, CS_PART_BSS },
                { ".init_array", SHT_INIT_ARRAY, SHF_ALLOC | SHF_WRITE, CS_PART_META },
                { ".got.plt", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, CS_PART_META },
                { ".gnu.version_r", SHT_GNU_verneed, SHF_ALLOC, CS_PART_META },
                { ".rela.dyn", SHT_RELA, SHF_ALLOC, CS_PART_META },
                { ".eh_frame", SHT_PROGBITS, SHF_ALLOC, CS_PART_META },
                { ".gopclntab", SHT_PROGBITS, SHF_ALLOC, CS_PART_RODATA },
                { "", SHT_DYNSYM, SHF_ALLOC, CS_PART_META },
                { "", SHT_PROGBITS, SHF_ALLOC, CS_PART_RODATA },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct cs_elf_section s = { .name = cases[i].name,
                                            .type = cases[i].type,
                                            .flags = cases[i].flags };
                if (cs_sections_part(&s, false) != cases[i].part)
                        fail_msg("%s is part %d", cases[i].name, cs_sections_part(&s, false));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_table),
                cmocka_unit_test(test_two_tables),
                cmocka_unit_test(test_imports_and_exports),
                cmocka_unit_test(test_crowded_table),
                cmocka_unit_test(test_section_parts),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
