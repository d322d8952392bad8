/* SPDX-License-Identifier: Apache-2.0 */
#include "cs_limits.h"
#include "symbols.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

struct name_case {
        const char *what;
        const char *mangled;
        bool type;
        const char *text;
};

static const struct name_case names[] = {
        { "C", "main", false, "main" },
        { "empty", "", false, "" },
        { "empty type", "", true, "" },
        { "one letter is no type", "f", false, "f" },
        { "vtable", "_ZTV10Connection", false, "vtable for Connection" },
        { "typeinfo name", "_ZTSN3foo3BarE", false, "typeinfo name for foo::Bar" },
        { "method", "_ZN3foo3Bar3runEiPKc", false, "foo::Bar::run(int, char const*)" },
        { "conversion to a template parameter", "_ZN1AcvT_IiEEv", false, "A::operator int<int>()" },
        { "clone", "_Z3runv.cold", false, "run() [clone .cold]" },
        { "version", "_ZTV1A@@LIB_1.0", false, "vtable for A" },
        { "version of C", "memcpy@GLIBC_2.2.5", false, "memcpy@GLIBC_2.2.5" },
        { "not quite", "_ZN3foo", false, "_ZN3foo" },
        { "type", "10Connection", true, "Connection" },
        { "nested type", "N3foo3BarIiEE", true, "foo::Bar<int>" },
        { "std type", "St13runtime_error", true, "std::runtime_error" },
        { "anonymous type", "N12_GLOBAL__N_14AnonE", true, "(anonymous namespace)::Anon" },
        { "local type", "Z4mainE5Local", true, "main::Local" },
        { "no type", "Hello", true, "Hello" },
        { "Rust, legacy", "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", false,
          "core::fmt::Formatter::pad" },
        { "Rust, legacy, escapes",
          "_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$GT$3bar17h930b740aa94f1d3aE",
          false, "<Test + 'static as foo::Bar<Test>>::bar" },
        { "Rust, v0", "_RNvC6_123foo3bar", false, "123foo::bar" },
        { "Rust, v0, punycode", "_RNqCs4fqI2P2rA04_11utf8_identsu30____7hkackfecea1cbdathfdh9hlq6y", false,
          "utf8_idents::საჭმელად_გემრიელი_სადილი" },
        { "Rust, broken", "_RNvC6_12", false, "_RNvC6_12" },
};

static void test_names(void **state)
{
        (void)state;
        struct cs_pool pool = { 0 };
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                const char *text = cs_demangle(&pool, names[i].mangled, names[i].type);
                if (!text || strcmp(text, names[i].text) != 0)
                        fail_msg("%s: %s gives %s", names[i].what, names[i].mangled, text ? text : "NULL");
        }
        cs_pool_deinit(&pool);
}

/* Demangles within the bounds of time and length, whatever comes of it. */
static const char *bounded(struct cs_pool *pool, const char *what, const char *name, bool type)
{
        struct timespec from, to;
        clock_gettime(CLOCK_MONOTONIC, &from);
        const char *text = cs_demangle(pool, name, type);
        clock_gettime(CLOCK_MONOTONIC, &to);
        double seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
        assert_non_null(text);
        if (seconds > 2)
                fail_msg("%s took %.1f s", what, seconds);
        if (strlen(text) > CS_LIMIT_NAME)
                fail_msg("%s gave %zu bytes", what, strlen(text));
        return text;
}

/* A number of a back reference: nothing, or digits of the base, one less. */
static void seq_id(char out[8], unsigned number, unsigned base)
{
        static const char *const digits[2] = {
                "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
                "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
        };
        char back[8];
        size_t n = 0, m = 0;
        for (unsigned x = number - 1; number && (n == 0 || x); x /= base)
                back[n++] = digits[base == 62][x % base];
        while (n)
                out[m++] = back[--n];
        out[m] = 0;
}

/* Each type is the one before it twice: 2^depth of them in the text, without output until a pack was looked for in all. */
static void test_doubling_types(void **state)
{
        (void)state;
        struct cs_pool pool = { 0 };
        static const char *const starts[] = { "_Z1f", "_Z1fDp", "_Z1fDpDpDp" };
        for (size_t s = 0; s < 3; s++) {
                char name[4096], id[8];
                size_t n = (size_t)snprintf(name, sizeof(name), "%s", starts[s]);
                for (unsigned i = 0; i < 120; i++)
                        n += (size_t)snprintf(name + n, sizeof(name) - n, "Fv");
                n += (size_t)snprintf(name + n, sizeof(name) - n, "1A");
                for (unsigned i = 0; i < 120; i++) {
                        seq_id(id, i, 36);
                        n += (size_t)snprintf(name + n, sizeof(name) - n, "S%s_E", id);
                }
                assert_in_range(n, 1, 1023);
                assert_string_equal(bounded(&pool, starts[s], name, false), name);
        }
        cs_pool_deinit(&pool);
}

/* Arguments of a conversion operator that is an argument of a conversion operator …: the parser tries each twice. */
static void test_backtracking(void **state)
{
        (void)state;
        struct cs_pool pool = { 0 };
        char name[4096] = "_Z";
        for (size_t i = 0; i < 100; i++)
                strcat(name, "cvT_IL_Z");
        strcat(name, "1fvE");
        assert_string_equal(bounded(&pool, "backtracking", name, false), name);
        cs_pool_deinit(&pool);
}

/* A tuple of the tuple before it, twice. */
static void test_rust_bomb(void **state)
{
        (void)state;
        struct cs_pool pool = { 0 };
        char name[4096] = "_RIC1aTuuE", id[8];
        size_t n = strlen(name);
        unsigned last = 4;
        for (unsigned i = 0; i < 200; i++) {
                unsigned here = (unsigned)n - 2;
                seq_id(id, last, 62);
                n += (size_t)snprintf(name + n, sizeof(name) - n, "TB%s_B%s_E", id, id);
                last = here;
        }
        strcat(name, "E");
        const char *text = bounded(&pool, "Rust", name, false);
        assert_int_equal(strncmp(text, "a::<((), ()", 10), 0);
        assert_string_equal(text + strlen(text) - strlen("…"), "…");
        cs_pool_deinit(&pool);
}

static void test_long_and_deep(void **state)
{
        (void)state;
        struct cs_pool pool = { 0 };
        static const char *const pieces[] = { "P",   "K",  "1aI",  "N1a", "cv", "Dp", "T_",
                                              "FvF", "A_", "XL_Z", "DT",  "sZ", "M" };
        static char name[1 << 20];
        for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
                for (size_t len = 100; len < sizeof(name) - 16; len *= 8) {
                        size_t n = (size_t)snprintf(name, sizeof(name), "_Z1f");
                        while (n < len)
                                n += (size_t)snprintf(name + n, sizeof(name) - n, "%s", pieces[i]);
                        (void)bounded(&pool, pieces[i], name, false);
                        (void)bounded(&pool, pieces[i], name + 4, true);
                        name[1] = 'R';
                        (void)bounded(&pool, pieces[i], name, false);
                }
        }
        memset(name, 'x', sizeof(name) - 1);
        name[sizeof(name) - 1] = 0;
        assert_int_equal(strlen(bounded(&pool, "long", name, false)), CS_LIMIT_NAME);
        cs_pool_deinit(&pool);
}

/* Cut at every byte: never more than the name itself, and no byte beyond it is read. */
static void test_truncated(void **state)
{
        (void)state;
        struct cs_pool pool = { 0 };
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                for (size_t len = 0; len < strlen(names[i].mangled); len++) {
                        char *cut = strndup(names[i].mangled, len);
                        assert_non_null(cs_demangle(&pool, cut, names[i].type));
                        free(cut);
                }
        }
        cs_pool_deinit(&pool);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),         cmocka_unit_test(test_doubling_types),
                cmocka_unit_test(test_backtracking),  cmocka_unit_test(test_rust_bomb),
                cmocka_unit_test(test_long_and_deep), cmocka_unit_test(test_truncated),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
