/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ARGS = 8 };

static enum cs_status parse(const char *const *args, struct cs_options *options, struct cs_error *err)
{
        static char kept[ARGS + 1][300]; /* options borrow from argv */
        static char *argv[ARGS + 2];
        memset(argv, 0, sizeof(argv));
        int argc = 0;
        (void)strcpy(kept[0], "corescan");
        argv[argc++] = kept[0];
        for (size_t i = 0; i < ARGS && args[i]; i++) {
                (void)snprintf(kept[argc], sizeof(kept[argc]), "%s", args[i]);
                argv[argc] = kept[argc];
                argc++;
        }
        return cs_options_parse(argc, argv, options, err);
}

static struct cs_options good(const char *const *args)
{
        struct cs_options options = { 0 };
        struct cs_error err = { 0 };
        if (parse(args, &options, &err) != CS_OK)
                fail_msg("%s: refused: %s", args[0], err.text);
        return options;
}

#define GOOD(...) good((const char *const[ARGS + 1]){ __VA_ARGS__ })

static void test_defaults(void **state)
{
        (void)state;
        struct cs_options o = GOOD("core.1");
        assert_string_equal(o.core, "core.1");
        assert_int_equal(o.live, 0);
        assert_int_equal(o.show, CS_SHOW_SUMMARY);
        assert_int_equal(o.command, CS_COMMAND_REPORT);
        assert_false(o.json || o.strict || o.top_given);
        assert_int_equal(cs_options_top(&o, 10), 10);
        assert_int_equal(cs_options_detail(&o), CS_TOP_CLUSTERS);
}

static void test_good(void **state)
{
        (void)state;
        struct cs_options o =
                GOOD("--clusters", "core", "--libraries", "--json", "--top", "7", "--min-bytes=4K");
        assert_int_equal(o.show, CS_SHOW_CLUSTERS | CS_SHOW_LIBRARIES);
        assert_true(o.json);
        assert_string_equal(o.core, "core");
        assert_int_equal(cs_options_top(&o, 10), 7);
        assert_int_equal(o.min_bytes, 4096);

        o = GOOD("--live", "4711", "--summary", "-j4", "-o", "out", "--blocks=b.tsv");
        assert_int_equal(o.live, 4711);
        assert_null(o.core);
        assert_int_equal(o.workers, 4);
        assert_string_equal(o.output, "out");
        assert_string_equal(o.blocks, "b.tsv");

        o = GOOD("--live", "1", "--watch=0.25", "--samples", "7");
        assert_true(o.watch == 0.25);
        assert_int_equal(o.samples, 7);
        assert_true(GOOD("--live", "1", "--watch", "2").watch == 2);
        assert_true(GOOD("--live", "1", "--watch", "1.5").watch == 1.5);
        assert_true(GOOD("--live", "1", "--watch", "0.001").watch == 0.001);

        o = GOOD("--grep=x", "--prometheus", "m.prom", "core");
        assert_string_equal(o.prometheus, "m.prom");
        assert_false(cs_options_streams(&o)); /* metrics are of a whole report */

        o = GOOD("--cluster", "c12", "core");
        assert_int_equal(o.show, CS_SHOW_CLUSTERS);
        assert_int_equal(cs_options_detail(&o), 12);
        o = GOOD("--cluster", "c12", "--summary", "core");
        assert_int_equal(o.show, CS_SHOW_SUMMARY);

        o = GOOD("--at", "0x7F12a0", "core");
        assert_int_equal(o.show, CS_SHOW_AT);
        assert_int_equal(o.at, 0x7f12a0);
        assert_int_equal(cs_options_detail(&o), 0);
        o = GOOD("--refs=ffffffffffffffff", "--at=00000000000000000010", "--depth=64", "core");
        assert_int_equal(o.show, CS_SHOW_AT | CS_SHOW_REFS);
        assert_true(o.refs == UINT64_MAX);
        assert_int_equal(o.at, 0x10);
        assert_int_equal(o.depth, 64);
        o = GOOD("--refs=0", "--summary", "core");
        assert_int_equal(o.show, CS_SHOW_REFS | CS_SHOW_SUMMARY);
        assert_int_equal(o.depth, 3);

        o = GOOD("--top=0", "core");
        assert_true(cs_options_top(&o, 10) == SIZE_MAX);
        o = GOOD("--library", "libssl*", "core");
        assert_true(cs_options_detail(&o) >= 1000);
        o = GOOD("--json", "core");
        assert_int_equal(cs_options_detail(&o), CS_TOP_JSON);

        o = GOOD("--color", "always", "--progress=never", "--sysroot", "/s", "--debug-dir=/d", "core");
        assert_int_equal(o.color, CS_WHEN_ALWAYS);
        assert_int_equal(o.progress, CS_WHEN_NEVER);
        assert_string_equal(o.sysroot, "/s");
        assert_string_equal(o.debug_dir, "/d");

        o = GOOD("--", "--live");
        assert_string_equal(o.core, "--live");
        o = GOOD("-h");
        assert_int_equal(o.command, CS_COMMAND_HELP);
        o = GOOD("--version", "--nonsense");
        assert_int_equal(o.command, CS_COMMAND_VERSION);
}

static void test_bad(void **state)
{
        (void)state;
        static const struct {
                const char *args[4];
                const char *text; /* how the message begins */
        } cases[] = {
                { { NULL }, "nothing to look at: give a core file" },
                { { "" }, "the core file's name is empty" },
                { { "-" }, "-: reading standard input is not in this version" },
                { { "a", "" }, "the core file's name is empty" },
                { { "a", "-", "b" }, "-: reading standard input is not in this version" },
                { { "--heap", "a", "b" }, "--heap: of one core only; 2 are compared by --summary" },
                { { "-ex", "a", "b", "c" }, "--grep and --rules: of one core only; 3 are compared" },
                { { "--cluster", "c1", "a", "b" }, "--cluster: of one core only" },
                { { "--watch", "1", "a" }, "--watch: only a process changes; give --live PID" },
                { { "--live=1", "--samples=3" }, "--samples 3: of nothing; give --watch SECONDS" },
                { { "--live=1", "--watch=0" }, "--watch 0: not a number of seconds from 0.001 to 86400" },
                { { "--live=1", "--watch=1." }, "--watch 1.: not a number of seconds" },
                { { "--live=1", "--watch=.5" }, "--watch .5: not a number of seconds" },
                { { "--live=1", "--watch=0.0001" }, "--watch 0.0001: not a number of seconds" },
                { { "--live=1", "--watch=86401" }, "--watch 86401: not a number of seconds" },
                { { "--live=1", "--watch=-1" }, "--watch -1: not a number of seconds" },
                { { "--live=1", "--watch=1", "--samples=0" }, "--samples 0: not a number from 1 on" },
                { { "--live=1", "--watch=1", "--heap" }, "--watch: it has no --heap" },
                { { "--blocks", "f", "a", "b" }, "--blocks: of one core only" },
                { { "--live", "1", "a" }, "--live 1: a core file is given too (a)" },
                { { "--live", "1", "--live=2" }, "--live 2: one process at a time" },
                { { "--live", "0" }, "--live 0: not a process id" },
                { { "--live", "-1" }, "--live -1: not a process id" },
                { { "--live", "12x" }, "--live 12x: not a process id" },
                { { "--live", " 12" }, "--live  12: not a process id" },
                { { "--live", "4294967297" }, "--live 4294967297: not a process id" },
                { { "--live", "99999999999999999999999" },
                  "--live 99999999999999999999999: not a process id" },
                { { "--live" }, "--live: an argument is missing" },
                { { "-o" }, "-o: an argument is missing" },
                { { "--output" }, "--output: an argument is missing" },
                { { "--output=" }, "-o: the file's name is empty" },
                { { "--nonsense", "a" }, "--nonsense: no such option" },
                { { "--nonsense=1", "a" }, "--nonsense: no such option" },
                { { "--clust", "a" }, "--clust: no such option" },
                { { "--to=3", "a" }, "--to: no such option" },
                { { "--to", "3", "a" }, "--to: no such option" },
                { { "--js=1", "a" }, "--js: no such option" },
                { { "--l", "a" }, "--l: no such option" },
                { { "-x", "a" }, "-x: no such option" },
                { { "--json", "-xy", "a" }, "-x: no such option" },
                { { "--json=1", "a" }, "--json: takes no argument" },
                { { "--help=1" }, "--help: takes no argument" },
                { { "--top", "x", "a" }, "--top x: not a number" },
                { { "--top", "-1", "a" }, "--top -1: not a number" },
                { { "--top", "4294967296", "a" }, "--top 4294967296: not a number" },
                { { "--min-bytes", "12Q", "a" }, "--min-bytes 12Q: not a size" },
                { { "--cluster", "12", "a" }, "--cluster 12: not a cluster's id" },
                { { "--cluster", "c0", "a" }, "--cluster c0: not a cluster's id" },
                { { "--cluster", "c", "a" }, "--cluster c: not a cluster's id" },
                { { "--cluster", "c1x", "a" }, "--cluster c1x: not a cluster's id" },
                { { "--at", "0x12g", "a" }, "--at 0x12g: not an address" },
                { { "--at", "0x", "a" }, "--at 0x: not an address" },
                { { "--at", " 12", "a" }, "--at  12: not an address" },
                { { "--at", "0x0x1", "a" }, "--at 0x0x1: not an address" },
                { { "--refs", "11112222333344445", "a" }, "--refs 11112222333344445: not an address" },
                { { "--at=1", "--at=2", "a" }, "--at 2: one address at a time" },
                { { "--depth", "1", "a" }, "--depth 1: of nothing" },
                { { "--refs=1", "--depth=-1", "a" }, "--depth -1: not a number from 1 to 64" },
                { { "--color", "yes", "a" }, "--color yes: not one of auto, always, never" },
                { { "--progress=", "a" }, "--progress : not one of auto, always, never" },
                { { "-j", "257", "a" }, "-j 257: not a number from 0" },
                { { "-j", "-2", "a" }, "-j -2: not a number from 0" },
                { { "--jobs=two", "a" }, "-j two: not a number from 0" },
                { { "--fail-on", "leaks", "a" }, "--fail-on leaks: not a verdict" },
                { { "--fail-on", "leak,", "a" }, "--fail-on leak,: not a verdict" },
                { { "--fail-on", "", "a" }, "--fail-on : not a verdict" },
                { { "--blocks", "-", "a" }, "--blocks -: standard output has the report" },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const char *args[ARGS + 1] = { 0 };
                memcpy(args, cases[i].args, sizeof(cases[i].args));
                struct cs_options options = { 0 };
                struct cs_error err = { 0 };
                if (parse(args, &options, &err) == CS_OK)
                        fail_msg("taken, but expected: %s", cases[i].text);
                if (strncmp(err.text, cases[i].text, strlen(cases[i].text)) != 0)
                        fail_msg("expected: %s; got: %s", cases[i].text, err.text);
                assert_null(strchr(err.text, '\n'));
        }
}

static void test_rules(void **state)
{
        (void)state;
        const char *args[ARGS + 1] = { "-e",       "a+",  "--rules",  "builtin:pii",
                                       "--grep=b", "-ec", "--reveal", "core" };
        static const struct cs_rule_source expected[] = {
                { true, "a+" }, { false, "builtin:pii" }, { true, "b" }, { true, "c" }
        };
        struct cs_options options = { 0 };
        struct cs_error err = { 0 };
        assert_int_equal(parse(args, &options, &err), CS_OK);
        assert_int_equal(options.n_rules, 4);
        for (size_t i = 0; i < 4; i++) {
                assert_int_equal(options.rules[i].grep, expected[i].grep);
                assert_string_equal(options.rules[i].text, expected[i].text);
        }
        assert_true(options.reveal);
        assert_true(cs_options_streams(&options));
        assert_int_equal(options.show, CS_SHOW_HITS);
        /* Beside another view they are a part of the report. */
        const char *both[ARGS + 1] = { "-e", "x", "--heap", "core" };
        options = (struct cs_options){ 0 };
        assert_int_equal(parse(both, &options, &err), CS_OK);
        assert_false(cs_options_streams(&options));
        const char *one[ARGS + 1] = { "-e", "x", "--cluster", "c1",
                                      "core" }; /* which clusters there are is known at the end */
        options = (struct cs_options){ 0 };
        assert_int_equal(parse(one, &options, &err), CS_OK);
        assert_false(cs_options_streams(&options));
        const char *many[ARGS + 1] = { "--reveal", "core" };
        assert_int_equal(parse(many, &options, &err), CS_EFORMAT);
}

static void test_strings(void **state)
{
        (void)state;
        const char *args[ARGS + 1] = { "--strings", "--encoding", "utf-16le", "core" };
        struct cs_options options = { 0 };
        struct cs_error err = { 0 };
        assert_int_equal(parse(args, &options, &err), CS_OK);
        assert_int_equal(options.show, CS_SHOW_STRINGS);
        assert_string_equal(options.encoding, "utf-16le");
        args[2] = "latin1";
        assert_int_equal(parse(args, &options, &err), CS_EFORMAT);
        assert_string_equal(err.text, "--encoding latin1: not one of ascii, utf-8, utf-16le");
        const char *alone[ARGS + 1] = { "--encoding", "ascii", "core" };
        assert_int_equal(parse(alone, &options, &err), CS_EFORMAT);
}

static void test_snapshots(void **state)
{
        (void)state;
        const char *args[ARGS + 1] = { "--json", "old", "--top=3", "new", "newer" };
        struct cs_options options = { 0 };
        struct cs_error err = { 0 };
        assert_int_equal(parse(args, &options, &err), CS_OK);
        assert_int_equal(options.n_snapshots, 3);
        assert_string_equal(options.snapshots[0], "old");
        assert_string_equal(options.snapshots[1], "new");
        assert_string_equal(options.snapshots[2], "newer");
        assert_int_equal(options.show, CS_SHOW_SUMMARY);
        const char *one[ARGS + 1] = { "core" };
        assert_int_equal(parse(one, &options, &err), CS_OK);
        assert_int_equal(options.n_snapshots, 0);
        assert_int_equal(cs_options_exit_verdict(&options, true, "growth"), CS_EXIT_DONE);
        const char *fail[ARGS + 1] = { "--fail-on", "leak,growth", "--strict", "a", "b" };
        assert_int_equal(parse(fail, &options, &err), CS_OK);
        assert_int_equal(cs_options_exit_verdict(&options, true, "growth"), CS_EXIT_VERDICT);
        assert_int_equal(cs_options_exit_verdict(&options, true, "healthy"), CS_EXIT_DONE);
        assert_int_equal(cs_options_exit_verdict(&options, true, NULL), CS_EXIT_DONE);
        assert_int_equal(cs_options_exit_verdict(&options, false, "growth"), CS_EXIT_PARTIAL);
}

static void test_later(void **state)
{
        (void)state;
        static const char *const names[] = {
                "--debuginfod",
                "--html",
                "--folded",
                "--pprof",
        };
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                const char *args[ARGS + 1] = { names[i], "core" };
                struct cs_options options = { 0 };
                struct cs_error err = { 0 };
                assert_int_equal(parse(args, &options, &err), CS_ENOTSUP);
                size_t len = names[i][1] == '-' ? strcspn(names[i], "=") : 2;
                assert_memory_equal(err.text, names[i], len);
                assert_string_equal(err.text + len, ": not in this version");
        }
}

static void test_long_argument(void **state)
{
        (void)state;
        char word[290] = "--";
        memset(word + 2, 'x', sizeof(word) - 3);
        const char *args[ARGS + 1] = { word };
        struct cs_options options = { 0 };
        struct cs_error err = { 0 };
        assert_int_equal(parse(args, &options, &err), CS_EFORMAT);
        assert_non_null(strstr(err.text, ": no such option; see corescan --help"));
}

static void test_size(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                bool good;
                uint64_t bytes;
        } cases[] = {
                { "0", true, 0 },
                { "1", true, 1 },
                { "4K", true, 4096 },
                { "16m", true, 16 << 20 },
                { "2G", true, UINT64_C(2) << 30 },
                { "18446744073709551615", true, UINT64_MAX },
                { "18446744073709551616", false, 0 },
                { "18014398509481983K", true, UINT64_C(18014398509481983) << 10 },
                { "18014398509481984K", false, 0 },
                { "17179869184G", false, 0 },
                { "", false, 0 },
                { "K", false, 0 },
                { "1KB", false, 0 },
                { "1.5G", false, 0 },
                { "-1", false, 0 },
                { "+1", false, 0 },
                { " 1", false, 0 },
                { "1T", false, 0 },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                uint64_t bytes = 77;
                if (cs_options_size(cases[i].text, &bytes) != cases[i].good)
                        fail_msg("\"%s\" should be %s", cases[i].text, cases[i].good ? "taken" : "refused");
                assert_true(!cases[i].good || bytes == cases[i].bytes);
        }
}

static void test_exit(void **state)
{
        (void)state;
        struct cs_report report = { .target.complete = true, .verdict.kind = "leak" };
        struct cs_options o = GOOD("core");
        assert_int_equal(cs_options_exit(&o, &report), CS_EXIT_DONE);
        o = GOOD("--strict", "--fail-on", "growth,leak", "core");
        assert_int_equal(cs_options_exit(&o, &report), CS_EXIT_VERDICT);
        report.target.complete = false;
        assert_int_equal(cs_options_exit(&o, &report), CS_EXIT_PARTIAL);
        o = GOOD("--fail-on=growth", "--fail-on=unknown", "core");
        assert_int_equal(cs_options_exit(&o, &report), CS_EXIT_DONE);
        report.verdict.kind = "unknown";
        assert_int_equal(cs_options_exit(&o, &report), CS_EXIT_VERDICT);
        report.verdict.kind = NULL;
        assert_int_equal(cs_options_exit(&o, &report), CS_EXIT_DONE);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_defaults), cmocka_unit_test(test_good),
                cmocka_unit_test(test_bad),      cmocka_unit_test(test_rules),
                cmocka_unit_test(test_strings),  cmocka_unit_test(test_snapshots),
                cmocka_unit_test(test_later),    cmocka_unit_test(test_long_argument),
                cmocka_unit_test(test_size),     cmocka_unit_test(test_exit),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
