/* SPDX-License-Identifier: Apache-2.0 */
/* Which bytes are called the beginning of a file, and which are only numbers that look so. */
#include "filetype.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

enum { BYTES = 512 };

struct type_case {
        const char *what;
        const char *bytes;
        size_t len;
        const char *type; /* NULL: none */
};

#define BEGIN(literal) literal, sizeof(literal) - 1

static const struct type_case cases[] = {
        { "a picture", BEGIN("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x40\0\0\0\x40\x08\x02\0\0\0"),
          "image/png" },
        { "packed data", BEGIN("\x1f\x8b\x08\0\x12\x34\x56\x78\0\x03"), "application/gzip" },
        { "a document", BEGIN("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), "application/pdf" },
        { "a signature that is cut", BEGIN("\x89PN"), NULL },
        { "numbers that an icon begins with as well", BEGIN("\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0"), NULL },
        { "numbers that a driver begins with as well", BEGIN("\xff\xff\xff\xff\0\0\0\0\1\0\0\0"), NULL },
        { "a photo", BEGIN("\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0"), "image/jpeg" },
        { "zeros", BEGIN("\0\0\0\0\0\0\0\0"), NULL },
        { "text", BEGIN("the quick brown fox jumps over the lazy dog\n"), NULL },
        { "a script", BEGIN("#!/bin/sh\nexit 0\n"), NULL },
        { "numbers", BEGIN("\x07\0\0\0\x2a\0\0\0\x39\x30\0\0"), NULL },
};

static void test_types(void **state)
{
        cs_cleanup(cs_filetypes_closep) struct cs_filetypes *types = NULL;
        struct cs_error err;
        (void)state;
        if (cs_filetypes_open(&types, &err) != CS_OK)
                fail_msg("%s", err.text);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                uint8_t bytes[BYTES] = { 0 };
                char type[CS_FILETYPE_TEXT] = "";
                memcpy(bytes, cases[i].bytes, cases[i].len);
                bool found = cs_filetype_tell(types, bytes, sizeof(bytes), type);
                if (found != (cases[i].type != NULL) || (found && strcmp(type, cases[i].type) != 0))
                        fail_msg("%s: %s", cases[i].what, found ? type : "nothing");
        }
}

/* However little there is of it, and however much. */
static void test_lengths(void **state)
{
        static uint8_t bytes[2 * CS_FILETYPE_BYTES];
        cs_cleanup(cs_filetypes_closep) struct cs_filetypes *types = NULL;
        struct cs_error err;
        char type[CS_FILETYPE_TEXT];
        (void)state;
        if (cs_filetypes_open(&types, &err) != CS_OK)
                fail_msg("%s", err.text);
        memcpy(bytes, cases[0].bytes, cases[0].len);
        for (size_t len = 0; len <= cases[0].len; len++)
                if (cs_filetype_tell(types, bytes, len, type))
                        assert_string_equal(type, "image/png");
        assert_false(cs_filetype_tell(types, bytes, 0, type));
        assert_true(cs_filetype_tell(types, bytes, sizeof(bytes), type));
        assert_string_equal(type, "image/png");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_types),
                cmocka_unit_test(test_lengths),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
