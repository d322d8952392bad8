/* SPDX-License-Identifier: Apache-2.0 */
#include "escape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct row {
        const char *name;
        const char *in;
        size_t len;
        const char *utf8;  /* what a UTF-8 terminal gets */
        const char *ascii; /* what another gets; NULL: the same */
};

#define ROW(name, in, ...)                                \
        {                                                 \
                (name), (in), sizeof(in) - 1, __VA_ARGS__ \
        }

static const struct row rows[] = {
        ROW("empty", "", "", NULL),
        ROW("plain", "GET /a?b=<n> HTTP/1.1", "GET /a?b=<n> HTTP/1.1", NULL),
        ROW("backslash stays", "a\\x1b", "a\\x1b", NULL),
        ROW("NUL", "a\0b", "a\\x00b", NULL),
        ROW("named controls", "a\tb\r\n", "a\\tb\\r\\n", NULL),
        ROW("escape sequence", "\033[31mred", "\\x1b[31mred", NULL),
        ROW("window title", "\033]0;t\007", "\\x1b]0;t\\x07", NULL),
        ROW("backspace and DEL", "a\b\x7f", "a\\x08\\x7f", NULL),
        ROW("C1 as a byte", "\x9b[31m", "\\x9b[31m", NULL),
        ROW("C1 as UTF-8", "\xc2\x9b[31m", "\\u{9b}[31m", NULL),
        ROW("first C1", "\xc2\x80", "\\u{80}", NULL),
        ROW("last C1", "\xc2\x9f", "\\u{9f}", NULL),
        ROW("behind C1", "\xc2\xa1", "\xc2\xa1", "\\u{a1}"),
        ROW("soft hyphen", "\xc2\xad", "\\u{ad}", NULL),
        ROW("second byte is CSI elsewhere", "\xc3\x9b", "\xc3\x9b", "\\u{db}"),
        ROW("Arabic letter mark", "\xd8\x9c", "\\u{61c}", NULL),
        ROW("zero width space", "a\xe2\x80\x8b", "a\\u{200b}", NULL),
        ROW("left-to-right mark", "\xe2\x80\x8e", "\\u{200e}", NULL),
        ROW("right-to-left mark", "\xe2\x80\x8f", "\\u{200f}", NULL),
        ROW("hyphen", "\xe2\x80\x90", "\xe2\x80\x90", "\\u{2010}"),
        ROW("line separator", "\xe2\x80\xa8", "\\u{2028}", NULL),
        ROW("paragraph separator", "\xe2\x80\xa9", "\\u{2029}", NULL),
        ROW("embedding", "\xe2\x80\xaa", "\\u{202a}", NULL),
        ROW("override", "\xe2\x80\xae", "\\u{202e}", NULL),
        ROW("narrow blank", "\xe2\x80\xaf", "\xe2\x80\xaf", "\\u{202f}"),
        ROW("word joiner", "\xe2\x81\xa0", "\\u{2060}", NULL),
        ROW("first isolate", "\xe2\x81\xa6", "\\u{2066}", NULL),
        ROW("last isolate", "\xe2\x81\xa9", "\\u{2069}", NULL),
        ROW("last deprecated control", "\xe2\x81\xaf", "\\u{206f}", NULL),
        ROW("byte order mark", "\xef\xbb\xbf", "\\u{feff}", NULL),
        ROW("replacement character", "\xef\xbf\xbd", "\xef\xbf\xbd", "\\u{fffd}"),
        ROW("noncharacter", "\xef\xbf\xbf", "\\u{ffff}", NULL),
        ROW("noncharacter of plane 1", "\xf0\x9f\xbf\xbe", "\\u{1fffe}", NULL),
        ROW("private use", "\xee\x80\x80", "\\u{e000}", NULL),
        ROW("tag", "\xf3\xa0\x80\x81", "\\u{e0001}", NULL),
        ROW("last code point", "\xf4\x8f\xbf\xbf", "\\u{10ffff}", NULL),
        ROW("beyond the last", "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", NULL),
        ROW("emoji", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", "\\u{1f600}"),
        ROW("overlong slash", "\xc0\xaf", "\\xc0\\xaf", NULL),
        ROW("overlong escape", "\xe0\x80\x9b", "\\xe0\\x80\\x9b", NULL),
        ROW("overlong of four", "\xf0\x80\x80\x9b", "\\xf0\\x80\\x80\\x9b", NULL),
        ROW("surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80", NULL),
        ROW("last before surrogates", "\xed\x9f\xbf", "\xed\x9f\xbf", "\\u{d7ff}"),
        ROW("continuation alone", "\x80\xbf", "\\x80\\xbf", NULL),
        ROW("cut after one", "a\xe2", "a\\xe2", NULL),
        ROW("cut after two", "a\xe2\x80", "a\\xe2\\x80", NULL),
        ROW("cut after three", "\xf0\x9f\x98", "\\xf0\\x9f\\x98", NULL),
        ROW("lead before ASCII",
            "\xe2"
            "A\x80",
            "\\xe2"
            "A\\x80",
            NULL),
        ROW("lead hides an escape", "\xc2\033[m", "\\xc2\\x1b[m", NULL),
        ROW("never in UTF-8", "\xfe\xff", "\\xfe\\xff", NULL),
};

static void test_terminal(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct cs_pool pool = { 0 };
                const struct row *r = &rows[i];
                /* An exact copy, so that the sanitizer sees a read behind the end. */
                char *exact = malloc(r->len ? r->len : 1);
                memcpy(exact, r->in, r->len);
                const char *utf8 = cs_escape_terminal(&pool, exact, r->len, CS_CHARSET_UTF8);
                const char *ascii = cs_escape_terminal(&pool, exact, r->len, CS_CHARSET_ASCII);
                if (strcmp(utf8, r->utf8) != 0 || strcmp(ascii, r->ascii ? r->ascii : r->utf8) != 0)
                        fail_msg("%s: got %s and %s", r->name, utf8, ascii);
                free(exact);
                cs_pool_deinit(&pool);
        }
        struct cs_pool pool = { 0 };
        assert_null(cs_escape_terminal(&pool, NULL, 0, CS_CHARSET_UTF8));
}

static void test_print_equals_terminal(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                if (memchr(rows[i].in, 0, rows[i].len))
                        continue;
                char *text = NULL;
                size_t len = 0;
                FILE *to = open_memstream(&text, &len);
                cs_escape_print(to, rows[i].in, CS_CHARSET_UTF8);
                fclose(to);
                assert_string_equal(text, rows[i].utf8);
                free(text);
        }
}

static void test_is_utf8(void **state)
{
        (void)state;
        static const struct {
                const char *in;
                size_t len;
                bool valid;
        } cases[] = {
                { "", 0, true },
                { "a\0b", 3, true },
                { "\xc2\x80", 2, true },
                { "\xef\xbf\xbf", 3, true },
                { "\xf4\x8f\xbf\xbf", 4, true },
                { "\xf4\x90\x80\x80", 4, false },
                { "\xed\xa0\x80", 3, false },
                { "\xc1\xbf", 2, false },
                { "\xe0\x9f\xbf", 3, false },
                { "\xf0\x8f\xbf\xbf", 4, false },
                { "abc\xe2\x82", 5, false },
                { "\xff", 1, false },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                assert_int_equal(cs_escape_is_utf8(cases[i].in, cases[i].len), cases[i].valid);
}

static void test_json(void **state)
{
        (void)state;
        struct cs_pool pool = { 0 };
        const char *valid = "unit-\\x2d, \033, \xe2\x80\xae";
        assert_ptr_equal(cs_escape_json(&pool, valid), valid);
        assert_string_equal(cs_escape_json(&pool, "a\xff\xc3\xa4\xc3"), "a\\xff\xc3\xa4\\xc3");
        assert_string_equal(cs_escape_json(&pool, ""), "");
        cs_pool_deinit(&pool);
}

static void test_base64(void **state)
{
        (void)state;
        /* RFC 4648, section 10, and all six-bit values. */
        static const char *const cases[][2] = {
                { "", "" },
                { "f", "Zg==" },
                { "fo", "Zm8=" },
                { "foo", "Zm9v" },
                { "foob", "Zm9vYg==" },
                { "fooba", "Zm9vYmE=" },
                { "foobar", "Zm9vYmFy" },
                { "\xff\xef\xbe\xfb", "/+++"
                                      "+w==" },
        };
        struct cs_pool pool = { 0 };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                assert_string_equal(cs_escape_base64(&pool, cases[i][0], strlen(cases[i][0])), cases[i][1]);
        cs_pool_deinit(&pool);
}

static void test_columns(void **state)
{
        (void)state;
        assert_int_equal(cs_escape_columns(""), 0);
        assert_int_equal(cs_escape_columns("abc"), 3);
        assert_int_equal(cs_escape_columns("\xc3\xa4…"), 2);
        assert_int_equal(cs_escape_columns("\xe4\xbd\xa0\xe5\xa5\xbd"), 4);
        assert_int_equal(cs_escape_columns("e\xcc\x81"), 1);
}

static void test_cut(void **state)
{
        (void)state;
        struct cs_pool pool = { 0 };
        const char *name = "abcdefghij";
        assert_ptr_equal(cs_escape_cut(&pool, name, 10, CS_CHARSET_UTF8), name);
        assert_string_equal(cs_escape_cut(&pool, name, 9, CS_CHARSET_UTF8), "abcd…ghij");
        assert_string_equal(cs_escape_cut(&pool, name, 6, CS_CHARSET_UTF8), "abc…ij");
        assert_string_equal(cs_escape_cut(&pool, name, 6, CS_CHARSET_ASCII), "ab...j");
        assert_string_equal(cs_escape_cut(&pool, name, 3, CS_CHARSET_ASCII), "abc");
        assert_string_equal(cs_escape_cut(&pool, name, 0, CS_CHARSET_UTF8), "");
        const char *broad = "\xe4\xbd\xa0\xe5\xa5\xbd\xe4\xbd\xa0\xe5\xa5\xbd";
        for (size_t columns = 0; columns < 12; columns++) {
                assert_true(cs_escape_columns(cs_escape_cut(&pool, broad, columns, CS_CHARSET_UTF8)) <=
                            columns);
                assert_true(cs_escape_is_utf8(cs_escape_cut(&pool, broad, columns, CS_CHARSET_UTF8),
                                              strlen(cs_escape_cut(&pool, broad, columns, CS_CHARSET_UTF8))));
        }
        cs_pool_deinit(&pool);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_terminal), cmocka_unit_test(test_print_equals_terminal),
                cmocka_unit_test(test_is_utf8),  cmocka_unit_test(test_json),
                cmocka_unit_test(test_base64),   cmocka_unit_test(test_columns),
                cmocka_unit_test(test_cut),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
