/* SPDX-License-Identifier: Apache-2.0 */
/* The auxiliary vector: parsed from a note, and found again on a stack. */
#include "auxv.h"

#include "bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/uio.h>
#include <unistd.h>

#define TOP UINT64_C(0x7ffd00400000)

static void test_parse(void **state)
{
        (void)state;
        uint64_t words[] = { 99, 1, AT_ENTRY, 2, AT_NULL, 0, AT_RANDOM, 3 };
        struct cs_auxv auxv = { 0 };
        cs_auxv_parse((const uint8_t *)words, sizeof(words), &auxv);
        assert_int_equal(auxv.entry, 2);
        assert_int_equal(auxv.random, 0); /* behind the end */
        auxv = (struct cs_auxv){ 0 };
        cs_auxv_parse((const uint8_t *)words, 31, &auxv); /* half a pair */
        assert_int_equal(auxv.entry, 0);
        cs_auxv_parse((const uint8_t *)words, 0, &auxv);
}

/* A stack as execve() leaves it: from the top a word of zeros, the path, the strings, the vector, environment, arguments. */
struct stack {
        uint8_t *bytes;
        size_t len;
        uint64_t at; /* next free byte, downwards */
        uint64_t execfn, vector;
};

static void put(struct stack *s, const void *bytes, size_t len)
{
        s->at -= len;
        assert_true(s->at >= TOP - s->len);
        memcpy(s->bytes + (s->at - (TOP - s->len)), bytes, len);
}

static void put_word(struct stack *s, uint64_t word)
{
        put(s, &word, sizeof(word));
}

static struct stack make(const char *program, const char *const *arguments, size_t n, size_t environment)
{
        struct stack s = { .len = 1 << 20, .at = TOP };
        uint64_t strings[16];
        s.bytes = malloc(s.len);
        assert_non_null(s.bytes);
        memset(s.bytes, 0xee, s.len);
        put_word(&s, 0);
        put(&s, program, strlen(program) + 1);
        s.execfn = s.at;
        for (size_t i = 0; i < environment; i++)
                put(&s, "VARIABLE=something", 19);
        uint64_t variables = s.at;
        for (size_t i = 0; i < n; i++) {
                put(&s, arguments[i], strlen(arguments[i]) + 1);
                strings[i] = s.at;
        }
        s.at &= ~UINT64_C(15);
        const uint64_t vector[] = {
                AT_SYSINFO_EHDR, 0x7ffd11110000, AT_PHDR,        0x400040,  AT_PHNUM, 11,      AT_ENTRY,
                0x401000,        AT_RANDOM,      0x7ffd00003333, AT_EXECFN, s.execfn, AT_NULL, 0
        };
        put(&s, vector, sizeof(vector));
        s.vector = s.at;
        put_word(&s, 0);
        for (size_t i = 0; i < environment; i++)
                put_word(&s, variables + 19 * i);
        put_word(&s, 0);
        for (size_t i = n; i-- > 0;)
                put_word(&s, strings[i]);
        put_word(&s, n);
        return s;
}

static bool find(const struct stack *s, size_t len, struct cs_auxv *auxv, char command[static 256],
                 char program[static 256])
{
        struct cs_source *source = cs_source_from_bytes(TOP - len, s->bytes + (s->len - len), len);
        struct cs_pool pool = { 0 };
        const char *c = NULL, *p = NULL;
        struct cs_range range = { TOP - len, TOP };
        assert_non_null(source);
        *auxv = (struct cs_auxv){ 0 };
        bool found = cs_auxv_find(source, range, &pool, auxv, &c, &p);
        snprintf(command, 256, "%s", c ? c : "(none)");
        snprintf(program, 256, "%s", p ? p : "(none)");
        cs_pool_deinit(&pool);
        cs_source_close(source);
        return found;
}

static void test_find(void **state)
{
        (void)state;
        static const char *const arguments[] = { "server", "--port", "80" };
        static const struct {
                size_t arguments, environment;
                const char *command;
        } cases[] = {
                { 3, 0, "server --port 80" }, { 3, 5, "server --port 80" },     { 1, 2, "server" },
                { 0, 1, "(none)" },           { 3, 20000, "server --port 80" }, /* the vector lies some 390 KiB below the path */
        };
        struct cs_auxv auxv;
        char command[256], program[256];
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct stack s = make("/usr/bin/server", arguments, cases[i].arguments, cases[i].environment);
                assert_true(find(&s, s.len, &auxv, command, program));
                assert_int_equal(auxv.entry, 0x401000);
                assert_int_equal(auxv.vdso, 0x7ffd11110000);
                assert_int_equal(auxv.phdr, 0x400040);
                assert_int_equal(auxv.phnum, 11);
                assert_int_equal(auxv.random, 0x7ffd00003333);
                assert_int_equal(auxv.execfn, s.execfn);
                assert_string_equal(program, "/usr/bin/server");
                assert_string_equal(command, cases[i].command);
                free(s.bytes);
        }
}

/* Wherever the pair falls on the edges of the steps in which the stack is searched. */
static void test_find_at_edges(void **state)
{
        (void)state;
        static const char *const arguments[] = { "x" };
        struct cs_auxv auxv;
        char command[256], program[256];
        for (size_t n = 3435; n < 3460; n++) { /* 64 KiB are 3449 of the variables */
                struct stack s = make("/x", arguments, 1, n);
                assert_true(find(&s, s.len, &auxv, command, program));
                assert_int_equal(auxv.entry, 0x401000);
                free(s.bytes);
        }
}

static void test_not_found(void **state)
{
        (void)state;
        static const char *const arguments[] = { "a", "b" };
        struct cs_auxv auxv;
        char command[256], program[256];
        struct stack s = make("/x", arguments, 2, 1);
        /* However little of the stack there is: nothing outside of it is read, and what is missing is not made up. */
        for (size_t len = 0; len < TOP - s.at + 64; len += 8) {
                bool found = find(&s, len, &auxv, command, program);
                assert_true(!found || auxv.execfn == s.execfn);
                if (len >= TOP - s.at)
                        assert_true(found && strcmp(command, "a b") == 0 && auxv.entry == 0x401000);
        }
        s.bytes[s.len - 3] = 1; /* no word of zeros at the top */
        assert_false(find(&s, s.len, &auxv, command, program));
        s.bytes[s.len - 3] = 0;
        memset(s.bytes + (s.vector + 5 * 16 - (TOP - s.len)), 0xee, 8); /* no AT_EXECFN */
        assert_false(find(&s, s.len, &auxv, command, program));
        memset(s.bytes, 0, s.len);
        assert_false(find(&s, s.len, &auxv, command, program));
        memset(s.bytes, 'x', s.len - 9); /* a path without a beginning */
        assert_false(find(&s, s.len, &auxv, command, program));
        free(s.bytes);
}

/* This process has such a stack itself. */
static void test_own_stack(void **state)
{
        (void)state;
        char line[512], path[256] = "";
        unsigned long start = 0, end = 0;
        FILE *maps = fopen("/proc/self/maps", "re");
        assert_non_null(maps);
        while (fgets(line, sizeof(line), maps) && !strstr(line, "[stack]"))
                ;
        fclose(maps);
        if (!strstr(line, "[stack]") || sscanf(line, "%lx-%lx", &start, &end) != 2)
                skip();
        snprintf(path, sizeof(path), "%s", (const char *)(uintptr_t)getauxval(AT_EXECFN));
        /* From this frame on: what lies below may not be there. */
        uint64_t low = (uint64_t)(uintptr_t)__builtin_frame_address(0) & ~UINT64_C(4095);
        uint8_t *copy = malloc(end - low);
        struct iovec local = { copy, end - low }, remote = { (void *)(uintptr_t)low, end - low };
        assert_non_null(copy);
        assert_int_equal(process_vm_readv(getpid(), &local, 1, &remote, 1, 0), end - low);
        struct cs_source *source = cs_source_from_bytes(low, copy, end - low);
        struct cs_range range = { low, end };
        struct cs_auxv auxv = { 0 };
        struct cs_pool pool = { 0 };
        const char *command = NULL, *program = NULL;
        assert_non_null(source);
        assert_true(cs_auxv_find(source, range, &pool, &auxv, &command, &program));
        assert_int_equal(auxv.entry, getauxval(AT_ENTRY));
        assert_int_equal(auxv.random, getauxval(AT_RANDOM));
        assert_int_equal(auxv.vdso, getauxval(AT_SYSINFO_EHDR));
        assert_string_equal(program, path);
        assert_non_null(command);
        cs_pool_deinit(&pool);
        cs_source_close(source);
        free(copy);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_parse),         cmocka_unit_test(test_find),
                cmocka_unit_test(test_find_at_edges), cmocka_unit_test(test_not_found),
                cmocka_unit_test(test_own_stack),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
