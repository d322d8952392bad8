/* SPDX-License-Identifier: Apache-2.0 */
/* Templates of texts as text and as JSON, on a report made by hand. */
#include "golden.h"
#include "json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEXT(s)                    \
        {                          \
                (s), sizeof(s) - 1 \
        }

static struct cs_report_string rows[] = {
        { .template = TEXT("POST /api/router/<n> HTTP/1.1"),
          .encoding = "ascii",
          .count = 30001,
          .bytes = 1140038,
          .distinct = 29174,
          .blocks = 30001,
          .in_use = 29999,
          .free = 2,
          .cluster = "c2",
          .library = "libserver.so.1",
          .region = "malloc-used",
          .examples = { 0x55d0000010a0, 0x55d0000011a0 },
          .n_examples = 2 },
        { .template = TEXT("Gr\xc3\xbc\xc3\x9f"
                           "e an <*>"),
          .encoding = "utf-8",
          .count = 512,
          .bytes = 9000,
          .distinct = 1,
          .region = "java-heap",
          .missing_count = 3,
          .missing_bytes = 40,
          .examples = { 0x7f0000000010 },
          .n_examples = 1 },
        { .template = TEXT("wide \x1b[31m and no end of it"),
          .cut = true,
          .encoding = "utf-16le",
          .count = 1,
          .bytes = 6000,
          .distinct = 1,
          .free = 1,
          .blocks = 1 },
        { .template = TEXT("broken \xff\xfe text"),
          .encoding = "ascii",
          .count = 2,
          .bytes = 30,
          .distinct = 2 },
};

static struct cs_report_strings strings = {
        .at = rows,
        .n = sizeof(rows) / sizeof(rows[0]),
        .all = { 31000, 1200000 },
        .lost = { 484, 4100 },
        .error = 120,
        .kept = 65536,
        .searched = 64 << 20,
        .twice = 8192,
};

static struct cs_report report = { .strings = &strings, .target = { .path = "core", .arch = "x86_64" } };

static struct cs_options asking(void)
{
        return (struct cs_options){ .core = "core", .show = CS_SHOW_STRINGS };
}

static void test_text(void **state)
{
        (void)state;
        struct cs_options o = asking();
        golden_check(&report, &o, golden_usual, "strings");
        golden_check(&report, &o, (struct golden_look){ 60, false, CS_CHARSET_ASCII },
                     "strings-narrow-ascii");
        o.library = "libserver*";
        golden_check(&report, &o, golden_usual, "strings-of-one");
        o.library = "nobody";
        golden_check(&report, &o, golden_usual, "strings-of-none");
}

static char *json(const struct cs_options *o)
{
        char *text = NULL;
        size_t len = 0;
        struct cs_error err;
        FILE *out = open_memstream(&text, &len);
        assert_non_null(out);
        assert_int_equal(cs_json_write(out, &report, o, &err), CS_OK);
        fclose(out);
        return text;
}

static void test_json(void **state)
{
        (void)state;
        struct cs_options o = asking();
        o.json = true;
        char *text = json(&o);
        assert_non_null(strstr(text, "\"template\": {\"text\": \"POST /api/router/<n> HTTP/1.1\"}"));
        assert_non_null(strstr(text, "\"count\": 30001, \"bytes\": 1140038, \"distinct\": 29174"));
        assert_non_null(strstr(text, "\"missing\": {\"count\": 3, \"bytes\": 40}"));
        assert_non_null(
                strstr(text,
                       "\"cluster\": \"c2\", \"library\": \"libserver.so.1\", \"region\": \"malloc-used\""));
        assert_non_null(strstr(text, "\"examples\": [\"0x55d0000010a0\", \"0x55d0000011a0\"]"));
        assert_non_null(strstr(text, "{\"bytes\": \"YnJva2VuIP/+IHRleHQ=\"}"));
        assert_non_null(strstr(text, "\"dropped\": {\"count\": 484, \"bytes\": 4100}"));
        assert_null(strchr(text, 0x1b));
        free(text);
        /* The filters, and what they leave out. */
        o.encoding = "utf-16le";
        text = json(&o);
        assert_non_null(strstr(text, "\"utf-16le\""));
        assert_null(strstr(text, "POST"));
        assert_non_null(strstr(text, "\"strings\": {\"count\": 3, \"bytes\": 1149068"));
        free(text);
        o.encoding = NULL;
        o.region = "java-heap";
        text = json(&o);
        assert_non_null(strstr(text, "\"java-heap\""));
        assert_null(strstr(text, "POST"));
        free(text);
        o.region = NULL;
        o.min_bytes = 7000;
        text = json(&o);
        assert_non_null(strstr(text, "\"java-heap\""));
        assert_null(strstr(text, "broken"));
        free(text);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_text), cmocka_unit_test(test_json) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
