/* SPDX-License-Identifier: Apache-2.0 */
/* The renderers on reports built by hand: exact text (tests/cli/golden; CS_UPDATE_GOLDEN=1 rewrites it),
 * and JSON as a program reads it. */
#include "blocklist.h"
#include "escape.h"
#include "json.h"
#include "progress.h"
#include "render.h"
#include "golden.h"
#include "sample_report.h"
#include "units.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* --- text
 * -------------------------------------------------------------------------------------------------------- */

static struct cs_options asking(unsigned show)
{
        return (struct cs_options){ .core = "core.4711", .show = show };
}

static void test_golden(void **state)
{
        (void)state;
        struct cs_options o = asking(CS_SHOW_SUMMARY);
        golden_check(sample_leak(), &o, golden_usual, "summary");
        golden_check(sample_leak(), &o, (struct golden_look){ 72, false, CS_CHARSET_ASCII },
                     "summary-narrow-ascii");
        golden_check(sample_leak(), &o, (struct golden_look){ 100, true, CS_CHARSET_UTF8 }, "summary-color");
        golden_check(sample_leak(), &o, (struct golden_look){ 80, false, CS_CHARSET_UTF8 }, "summary-80");
        golden_check(sample_leak(), &o, (struct golden_look){ 160, false, CS_CHARSET_UTF8 }, "summary-160");
        o.top_given = true;
        o.top = 1;
        golden_check(sample_leak(), &o, golden_usual, "summary-top1");
        o = asking(CS_SHOW_CLUSTERS);
        golden_check(sample_leak(), &o, golden_usual, "clusters");
        o.cluster = "c1";
        golden_check(sample_leak(), &o, golden_usual, "cluster-c1");
        o = asking(CS_SHOW_CLUSTERS | CS_SHOW_LIBRARIES);
        o.library = "eventmachine*";
        golden_check(sample_leak(), &o, golden_usual, "clusters-and-libraries-of-one");
        o = asking(CS_SHOW_SUMMARY);
        o.core = NULL;
        o.live = 99;
        golden_check(sample_unknown(), &o, golden_usual, "summary-unknown");
        o = asking(CS_SHOW_LEAKS);
        golden_check(sample_leak(), &o, golden_usual, "leaks");
        golden_check(sample_leak(), &o, (struct golden_look){ 72, false, CS_CHARSET_ASCII },
                     "leaks-narrow-ascii");
        o.library = "lib*";
        golden_check(sample_leak(), &o, golden_usual, "leaks-of-none");
        o = asking(CS_SHOW_HEAP);
        golden_check(sample_leak(), &o, golden_usual, "heap");
        o.top = 1;
        o.top_given = true;
        golden_check(sample_leak(), &o, (struct golden_look){ 72, false, CS_CHARSET_ASCII },
                     "heap-narrow-ascii");
        golden_check(sample_unknown(), &o, golden_usual, "heap-unknown");
        golden_check(sample_hostile(), &o, golden_usual, "heap-hostile");
        o = asking(CS_SHOW_SUMMARY | CS_SHOW_CLUSTERS | CS_SHOW_LIBRARIES);
        o.core = "-\033core";
        golden_check(sample_hostile(), &o, golden_usual, "hostile");
        o = asking(CS_SHOW_AT);
        golden_check(sample_case(), &o, golden_usual, "at");
        golden_check(sample_case(), &o, (struct golden_look){ 60, false, CS_CHARSET_ASCII },
                     "at-narrow-ascii");
        o = asking(CS_SHOW_AT | CS_SHOW_REFS);
        golden_check(sample_lost(), &o, golden_usual, "at-lost");
        golden_check(sample_hostile(), &o, golden_usual, "at-hostile");
        o = asking(CS_SHOW_REFS);
        golden_check(sample_case(), &o, golden_usual, "refs");
}

/* Nothing but printable characters and newlines, in any view, width and charset; lines are no wider than
 * the screen where names are cut. */
static void test_hostile_is_clean(void **state)
{
        (void)state;
        static const size_t widths[] = { 40, 72, 100, 1000 };
        struct cs_options o = asking(CS_SHOW_SUMMARY | CS_SHOW_CLUSTERS | CS_SHOW_LIBRARIES | CS_SHOW_LEAKS |
                                     CS_SHOW_AT | CS_SHOW_REFS);
        for (size_t i = 0; i < 2 * sizeof(widths) / sizeof(widths[0]); i++) {
                enum cs_charset charset = i % 2 ? CS_CHARSET_UTF8 : CS_CHARSET_ASCII;
                char *text = golden_render(sample_hostile(), &o,
                                           (struct golden_look){ widths[i / 2], false, charset });
                assert_true(cs_escape_is_utf8(text, strlen(text)));
                for (const char *at = text; *at; at++) {
                        unsigned char byte = (unsigned char)*at;
                        assert_true(byte == '\n' || (byte >= 0x20 && byte != 0x7f));
                        assert_true(charset == CS_CHARSET_UTF8 || byte < 0x80);
                }
                assert_null(strstr(text, "\xe2\x80\xae"));
                assert_null(strstr(text, "\xe2\x80\x8b"));
                assert_null(strstr(text, "\xc2\x9b"));
                free(text);
        }
}

/* The answer is readable at any width: no line is wider than the screen (but the command to type next), and
 * names of classes and libraries are whole. */
static void test_fits(void **state)
{
        (void)state;
        static const size_t widths[] = { 60, 72, 79, 80, 100, 119, 120, 160, 300 };
        struct cs_options o = asking(CS_SHOW_SUMMARY | CS_SHOW_CLUSTERS | CS_SHOW_LIBRARIES | CS_SHOW_LEAKS);
        for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
                char *text = golden_render(sample_leak(), &o,
                                           (struct golden_look){ widths[i], false, CS_CHARSET_UTF8 });
                size_t rows = 0;
                for (char *row = strtok(text, "\n"); row; row = strtok(NULL, "\n")) {
                        if (cs_escape_columns(row) > widths[i])
                                fail_msg("%zu columns: %s", widths[i], row);
                        rows += strstr(row, "  c1 ") == row ||
                                strstr(row, "      RubyHttpConnection_t") == row;
                        assert_null(strstr(row, "RubyHttp…"));
                        assert_null(strstr(row, "…server.so"));
                }
                /* Two tables of one line for each cluster, or of two; and one that always has two. */
                assert_int_equal(rows, (widths[i] < 120 ? 4 : 2) + 2);
                free(text);
        }
}

static void test_cut_end(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                size_t columns;
                const char *utf8;
                const char *ascii;
        } cases[] = {
                { "abcdef", 6, "abcdef", "abcdef" },
                { "abcdef", 5, "abcd…", "ab..." },
                { "abcdef", 4, "abc…", "a..." },
                { "ab cdef", 4, "ab…", "a..." },
                { "abcdef", 0, "", "" },
                { "", 0, "", "" },
        };
        struct cs_screen screen = { .out = stdout };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                screen.charset = CS_CHARSET_UTF8;
                assert_string_equal(cs_screen_cut_end(&screen, cases[i].text, cases[i].columns),
                                    cases[i].utf8);
                screen.charset = CS_CHARSET_ASCII;
                assert_string_equal(cs_screen_cut_end(&screen, cases[i].text, cases[i].columns),
                                    cases[i].ascii);
        }
        screen.charset = CS_CHARSET_UTF8;
        /* A wide character does not straddle the edge. */
        assert_string_equal(cs_screen_cut_end(&screen, "你好你好", 6), "你好…");
        assert_string_equal(cs_screen_cut_end(&screen, "你好你好", 7), "你好你…");
        assert_false(screen.failed);
        cs_screen_deinit(&screen);
}

static void test_color_is_only_color(void **state)
{
        (void)state;
        struct cs_options o = asking(CS_SHOW_SUMMARY | CS_SHOW_CLUSTERS);
        char *plain = golden_render(sample_leak(), &o, golden_usual);
        char *color = golden_render(sample_leak(), &o, (struct golden_look){ 100, true, CS_CHARSET_UTF8 });
        char *to = color;
        for (const char *at = color; *at;) {
                if (*at == '\033') {
                        at += strcspn(at, "m");
                        at++;
                } else {
                        *to++ = *at++;
                }
        }
        *to = '\0';
        assert_string_equal(color, plain);
        free(plain);
        free(color);
}

static void test_selection(void **state)
{
        (void)state;
        struct cs_picked picked;
        struct cs_options o = asking(CS_SHOW_CLUSTERS);
        o.library = "-";
        assert_int_equal(cs_pick_clusters(sample_leak(), &o, 10, &picked, NULL), CS_OK);
        assert_int_equal(picked.at.n, 1);
        assert_int_equal(picked.at.at[0], 2);
        assert_int_equal(picked.left.count, 2);
        assert_int_equal(picked.left.bytes, 746424880 + 18000600);
        cs_picked_deinit(&picked);
        o = asking(CS_SHOW_CLUSTERS);
        o.min_bytes = 49;
        assert_int_equal(cs_pick_clusters(sample_leak(), &o, SIZE_MAX, &picked, NULL), CS_OK);
        assert_int_equal(picked.at.n, 2);
        cs_picked_deinit(&picked);
        assert_int_equal(cs_pick_libraries(sample_leak(), &o, 0, &picked, NULL), CS_OK);
        assert_int_equal(picked.at.n, 0);
        assert_int_equal(picked.left.count, 3);
        cs_picked_deinit(&picked);
        assert_null(cs_pick_cluster(sample_leak(), "c4"));
        assert_null(cs_pick_cluster(sample_leak(), NULL));
}

/* --- JSON
 * -------------------------------------------------------------------------------------------------------- */

static json_t *json_of(const struct cs_report *report, const struct cs_options *options)
{
        char *text = NULL;
        size_t len = 0;
        FILE *out = open_memstream(&text, &len);
        struct cs_error err = { 0 };
        assert_non_null(out);
        assert_int_equal(cs_json_write(out, report, options, &err), CS_OK);
        fclose(out);
        for (size_t i = 0; i < len; i++)
                assert_true(text[i] == '\n' || (text[i] >= 0x20 && text[i] < 0x7f));
        json_error_t error;
        json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
        if (!json)
                fail_msg("%d: %s\n%s", error.line, error.text, text);
        free(text);
        return json;
}

static void assert_keys(json_t *object, const char *want)
{
        char got[1024] = "";
        const char *key;
        json_t *value;
        json_object_foreach(object, key, value)
        {
                (void)strcat(got, got[0] ? " " : "");
                (void)strcat(got, key);
        }
        assert_string_equal(got, want);
}

static json_t *at(json_t *json, const char *key)
{
        json_t *value = json_object_get(json, key);
        if (!value)
                fail_msg("no key %s", key);
        return value;
}

static void assert_text(json_t *object, const char *key, const char *want)
{
        assert_string_equal(json_string_value(at(object, key)), want);
}

static void assert_number(json_t *object, const char *key, json_int_t want)
{
        assert_true(json_is_integer(at(object, key)));
        assert_int_equal(json_integer_value(at(object, key)), want);
}

static void test_json_summary(void **state)
{
        (void)state;
        struct cs_options o = asking(CS_SHOW_SUMMARY);
        o.json = true;
        json_t *json = json_of(sample_leak(), &o);
        assert_keys(json, "schema version target memory heaps verdict clusters libraries left_out timing");
        assert_number(json, "schema", 1);
        json_t *target = at(json, "target");
        assert_keys(target, "kind path pid command exe arch threads complete consistent sha256 warnings");
        assert_text(target, "kind", "core");
        assert_text(target, "command", "ruby server.rb --port 8080");
        assert_number(target, "pid", 4711);
        assert_true(json_is_true(at(target, "complete")));
        assert_int_equal(json_array_size(at(target, "warnings")), 1);
        json_t *memory = at(json, "memory");
        assert_keys(memory, "mapped resident anonymous unexplained by_kind");
        assert_keys(json_array_get(at(memory, "by_kind"), 0), "kind bytes resident regions");
        json_t *glibc = json_array_get(at(json, "heaps"), 0);
        assert_keys(glibc,
                    "allocator version library walked measured arenas mmapped free_runs largest_free pins "
                    "corrupt");
        json_t *arena = json_array_get(at(glibc, "arenas"), 1);
        assert_keys(arena, "address main threads used free cached overhead top top_resident trimmable "
                           "trimmable_resident");
        assert_text(arena, "address", "0x7f1180000030");
        assert_number(at(arena, "used"), "bytes", 131072);
        json_t *jemalloc = json_array_get(at(json, "heaps"), 1);
        assert_keys(jemalloc, "allocator version library walked measured arenas corrupt");
        assert_true(json_is_false(at(jemalloc, "walked")));
        json_t *verdict = at(json, "verdict");
        assert_keys(verdict, "kind confidence summary reasons cluster library");
        assert_text(verdict, "cluster", "c1");
        assert_true(json_real_value(at(verdict, "confidence")) == 0.97);
        assert_keys(at(json, "timing"), "seconds bytes_read peak_memory");
        json_decref(json);
}

static void test_json_clusters(void **state)
{
        (void)state;
        struct cs_options o = asking(CS_SHOW_CLUSTERS);
        o.json = true;
        json_t *json = json_of(sample_leak(), &o);
        assert_keys(json, "schema version target clusters left_out timing");
        json_t *c = json_array_get(at(json, "clusters"), 0);
        assert_keys(
                c,
                "id kind what count bytes resident block_size state library confidence evidence fields "
                "unreferenced leak_direct leak_indirect leak_bytes leak_possible referrers examples signature");
        assert_number(c, "count", 30001);
        assert_number(at(c, "block_size"), "min", 24880);
        assert_number(at(c, "state"), "in_use", 30001);
        assert_text(json_array_get(at(c, "evidence"), 0), "symbol", "vtable for RubyHttpConnection_t");
        assert_keys(json_array_get(at(c, "evidence"), 0), "kind offset module symbol share weight");
        assert_true(json_is_null(at(json_array_get(at(c, "evidence"), 2), "offset")));
        assert_keys(json_array_get(at(c, "fields"), 1), "offset size kind value share to");
        assert_text(json_array_get(at(c, "fields"), 1), "to", "c2");
        assert_keys(json_array_get(at(c, "referrers"), 0), "cluster offset share");
        assert_keys(json_array_get(at(c, "referrers"), 1), "cluster root offset share");
        assert_string_equal(json_string_value(json_array_get(at(c, "examples"), 0)), "0x55d0c3a1f2a0");
        json_t *text = json_array_get(at(json, "clusters"), 1);
        assert_text(at(text, "template"), "text", "POST /api/router/<n> HTTP/1.1\r\nHost: <*>\r\n");
        json_t *nobody = json_array_get(at(json, "clusters"), 2);
        assert_true(json_is_null(at(nobody, "library")));
        assert_null(json_object_get(nobody, "template"));
        json_decref(json);

        o.top_given = true;
        o.top = 1;
        json = json_of(sample_leak(), &o);
        assert_int_equal(json_array_size(at(json, "clusters")), 1);
        assert_number(at(at(json, "left_out"), "clusters"), "count", 2);
        assert_number(at(at(json, "left_out"), "clusters"), "bytes", 18000600 + 48);
        json_decref(json);

        o = asking(CS_SHOW_LEAKS);
        json = json_of(sample_leak(), &o);
        assert_keys(json, "schema version target leaks left_out timing");
        json_t *leaks = at(json, "leaks");
        assert_keys(leaks, "direct indirect possible stale notes clusters");
        assert_number(at(leaks, "direct"), "bytes", 725898880);
        assert_number(at(leaks, "possible"), "count", 1);
        assert_keys(
                json_array_get(at(leaks, "clusters"), 0),
                "cluster what direct indirect bytes possible stale retained retained_resident library confidence");
        assert_number(json_array_get(at(leaks, "clusters"), 0), "retained", 743403330);
        assert_text(at(json_array_get(at(leaks, "clusters"), 1), "template"), "text",
                    "POST /api/router/<n> HTTP/1.1\r\nHost: <*>\r\n");
        json_decref(json);

        o = asking(CS_SHOW_LIBRARIES);
        json = json_of(sample_leak(), &o);
        assert_keys(json, "schema version target libraries left_out timing");
        assert_keys(json_array_get(at(json, "libraries"), 0),
                    "library build_id count bytes resident confidence");
        assert_true(json_is_null(at(json_array_get(at(json, "libraries"), 2), "library")));
        json_decref(json);
}

static void test_json_unknown(void **state)
{
        (void)state;
        struct cs_options o = asking(CS_SHOW_SUMMARY);
        json_t *json = json_of(sample_unknown(), &o);
        json_t *target = at(json, "target");
        assert_text(target, "kind", "live");
        assert_keys(
                target,
                "kind path pid command exe arch threads complete consistent changed sampled_pages warnings");
        assert_number(target, "sampled_pages", 512);
        assert_true(json_real_value(at(target, "changed")) == 0.0625);
        assert_keys(at(json, "memory"), "mapped resident swapped absent anonymous unexplained by_kind");
        assert_number(at(json, "memory"), "swapped", 1 << 20);
        assert_true(json_is_null(at(target, "path")));
        assert_int_equal(json_array_size(at(json, "clusters")), 0);
        assert_int_equal(json_array_size(at(json, "libraries")), 0);
        assert_true(json_is_null(at(at(json, "verdict"), "cluster")));
        json_decref(json);
}

static void test_json_case(void **state)
{
        (void)state;
        struct cs_options o = asking(CS_SHOW_AT | CS_SHOW_REFS);
        json_t *json = json_of(sample_case(), &o);
        assert_keys(json, "schema version target left_out at refs timing");
        json_t *c = at(json, "at");
        assert_keys(c, "address what region gap module block chains dump referrers notes");
        assert_text(c, "address", "0x55d0c3a1f2b8");
        json_t *block = at(c, "block");
        assert_keys(block,
                    "address usable size offset state mmapped arena cluster what alike library confidence "
                    "evidence leak stale reached from_root retains");
        assert_text(block, "leak", "-");
        assert_number(at(block, "retains"), "bytes", 1264);
        json_t *dump = at(c, "dump");
        assert_keys(dump, "start before behind hex words");
        assert_int_equal(json_string_length(at(dump, "hex")), 2 * 160);
        assert_keys(json_array_get(at(dump, "words"), 0), "offset size kind value note to library");
        assert_text(at(json_array_get(at(dump, "words"), 3), "text"), "text",
                    "GET /x and so on, up to where the text ends: here");
        json_t *group = json_array_get(at(at(c, "referrers"), "groups"), 2);
        assert_keys(group,
                    "id parent level kind cluster what library blocks references offsets elsewhere unread "
                    "stale cycle same examples left_out");
        assert_number(group, "same", 1);
        assert_true(json_is_true(at(group, "cycle")));
        json_t *chain = json_array_get(at(c, "chains"), 1);
        assert_number(chain, "left_out", 12345);
        assert_text(json_array_get(at(chain, "links"), 2), "kind", "root");
        json_t *refs = at(json, "refs");
        assert_keys(refs, "address what region gap module block depth referrers notes");
        assert_null(json_object_get(at(refs, "block"), "retains"));
        json_decref(json);

        json = json_of(sample_lost(), &o);
        assert_text(at(at(json, "at"), "block"), "leak", "indirect");
        assert_true(json_is_null(at(at(json, "at"), "dump")));
        assert_text(json_array_get(at(at(json, "at"), "chains"), 0), "to", "leak-head");
        assert_text(at(at(json, "refs"), "block"), "state", "cached");
        json_decref(json);
}

static void test_json_hostile(void **state)
{
        (void)state;
        struct cs_options o = asking(CS_SHOW_SUMMARY);
        json_t *json = json_of(sample_hostile(), &o);
        json_t *first = json_array_get(at(json, "clusters"), 0);
        assert_number(first, "bytes", INT64_MAX);
        assert_text(at(first, "template"), "bytes", "ABtdMDtvd25lZAf//gA=");
        /* Valid UTF-8 is kept as it is, wrong bytes are spelled. */
        assert_text(first, "what",
                    "a\tb\r\n\033]0;owned\007\xe2\x80\xae\xc2\x9b\\xff\\xfe\x7f\xe2\x80\x8b end");
        assert_text(at(json, "target"), "exe", "\\xff\\xfe");
        json_t *nul = at(at(json_array_get(at(json, "clusters"), 1), "template"), "text");
        assert_int_equal(json_string_length(nul), 18);
        assert_memory_equal(json_string_value(nul), "\0 NUL is UTF-8 \xe4\xbd\xa0", 18);
        json_decref(json);
}

/* --- the rest
 * ---------------------------------------------------------------------------------------------------- */

static char *blocks_of(const struct cs_report *report)
{
        char *text = NULL;
        size_t len = 0;
        FILE *out = open_memstream(&text, &len);
        assert_non_null(out);
        assert_int_equal(cs_blocklist_write(out, report, NULL), CS_OK);
        fclose(out);
        return text;
}

static void test_blocks(void **state)
{
        (void)state;
        char *text = blocks_of(sample_leak());
        assert_string_equal(text, "0x55d0c3a1f2a0\t24872\teventmachine_httpserver.so\t0.985\tc1\tdirect\n"
                                  "0x55d0c3a25300\t536\teventmachine_httpserver.so\t0.95\tc2\tindirect\n"
                                  "0x55d0c3a25400\t40\tlibruby-3.1.so.3.1\t0.5\tc3\tpossible\n"
                                  "0x55d0c3a25500\t40\t-\t0\t-\t-\n");
        free(text);
        text = blocks_of(sample_hostile());
        assert_string_equal(text,
                            "0xffffffffffffffff\t18446744073709551615\tlib\\t\\n\\u{202e}.so\t1\tc1\t-\n");
        free(text);
        text = blocks_of(sample_unknown());
        assert_string_equal(text, "");
        free(text);
}

static void test_units(void **state)
{
        (void)state;
        static const struct {
                uint64_t bytes;
                const char *text;
        } cases[] = {
                { 0, "0 B" },
                { 1023, "1023 B" },
                { 1024, "1.00 KiB" },
                { 10234, "9.99 KiB" },
                { 10235, "10.0 KiB" },
                { 24880, "24.3 KiB" },
                { 102348, "99.9 KiB" },
                { 102349, "100 KiB" },
                { 1048063, "1023 KiB" },
                { 1048064, "1.00 MiB" },
                { 746424880, "712 MiB" },
                { UINT64_MAX, "16.0 EiB" },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                assert_string_equal(cs_units_bytes(cases[i].bytes).text, cases[i].text);
        assert_string_equal(cs_units_count(0).text, "0");
        assert_string_equal(cs_units_count(999).text, "999");
        assert_string_equal(cs_units_count(1000).text, "1,000");
        assert_string_equal(cs_units_count(UINT64_MAX).text, "18,446,744,073,709,551,615");
        assert_string_equal(cs_units_percent(0).text, "0 %");
        assert_string_equal(cs_units_percent(1e-9).text, "<1 %");
        assert_string_equal(cs_units_percent(0.975).text, "98 %");
        assert_string_equal(cs_units_percent(0.99999).text, ">99 %");
        assert_string_equal(cs_units_percent(1).text, "100 %");
        assert_string_equal(cs_units_percent(-1).text, "0 %");
        assert_string_equal(cs_units_seconds(0.35).text, "350 ms");
        assert_string_equal(cs_units_seconds(2.44).text, "2.4 s");
        assert_string_equal(cs_units_seconds(59.6).text, "1 min 00 s");
        assert_string_equal(cs_units_seconds(7500).text, "2 h 05 min");
}

static void test_progress(void **state)
{
        (void)state;
        char text[256];
        cs_progress_text(text, sizeof(text), "reading memory", 0, 0, 0);
        assert_string_equal(text, "reading memory");
        cs_progress_text(text, sizeof(text), "reading memory", UINT64_C(1) << 30, UINT64_C(4) << 30, 2);
        assert_string_equal(text, "reading memory  1.00 GiB of 4.00 GiB  512 MiB/s  6.0 s left");
        cs_progress_text(text, sizeof(text), "names", 2048, 0, 1);
        assert_string_equal(text, "names  2.00 KiB  2.00 KiB/s");

        char *shown = NULL;
        size_t len = 0;
        struct cs_progress progress = { .to = open_memstream(&shown, &len), .width = 12 };
        cs_progress_show(&progress, "a long stage \033", 1, 2);
        cs_progress_show(&progress, "a long stage \033", 2, 2);
        cs_progress_end(&progress);
        cs_progress_end(&progress);
        fclose(progress.to);
        assert_string_equal(shown, "\ra long stag\033[K\r\033[K");
        free(shown);
        shown = NULL;

        /* The thread draws what was told last, also when nothing more is told, and never more than ten times a second. */
        struct cs_progress drawn = { .to = open_memstream(&shown, &len), .width = 80 };
        cs_progress_begin(&drawn);
        for (int i = 0; i < 1000; i++)
                cs_progress_show(&drawn, i < 500 ? "one" : "two", 0, 0);
        usleep(350000);
        cs_progress_clear(&drawn);
        usleep(150000);
        cs_progress_end(&drawn);
        cs_progress_end(&drawn);
        fclose(drawn.to);
        size_t lines = 0;
        for (const char *at = shown; (at = strchr(at, '\r')); at++)
                lines++;
        assert_non_null(strstr(shown, "\rone\033[K"));
        assert_non_null(strstr(shown, "\rtwo\033[K"));
        assert_true(lines >= 3 && lines <= 6); /* the first, one to four more, and the end */
        assert_string_equal(shown + len - 4, "\r\033[K");
        free(shown);
        struct cs_progress silent = { 0 };
        cs_progress_show(&silent, "stage", 1, 2);
        cs_progress_end(&silent);
}

static void test_shell_word(void **state)
{
        (void)state;
        struct cs_screen screen = { .out = stdout, .charset = CS_CHARSET_UTF8 };
        assert_string_equal(cs_screen_shell_word(&screen, "/tmp/core.1"), "/tmp/core.1");
        assert_string_equal(cs_screen_shell_word(&screen, "a core; rm"), "'a core; rm'");
        assert_string_equal(cs_screen_shell_word(&screen, ""), "''");
        assert_null(cs_screen_shell_word(&screen, "it's"));
        assert_null(cs_screen_shell_word(&screen, "a\nb"));
        cs_screen_deinit(&screen);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_golden),
                cmocka_unit_test(test_hostile_is_clean),
                cmocka_unit_test(test_fits),
                cmocka_unit_test(test_cut_end),
                cmocka_unit_test(test_color_is_only_color),
                cmocka_unit_test(test_selection),
                cmocka_unit_test(test_json_summary),
                cmocka_unit_test(test_json_clusters),
                cmocka_unit_test(test_json_unknown),
                cmocka_unit_test(test_json_case),
                cmocka_unit_test(test_json_hostile),
                cmocka_unit_test(test_blocks),
                cmocka_unit_test(test_units),
                cmocka_unit_test(test_progress),
                cmocka_unit_test(test_shell_word),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
