/* SPDX-License-Identifier: Apache-2.0 */
/* Saved reports: what is read of them, and what is refused. */
#include "json.h"
#include "jsonwalk.h"
#include "sample_report.h"
#include "snapshotfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

static char *write_report(const struct cs_report *report, size_t *len)
{
        const struct cs_options options = { .show = CS_SHOW_SUMMARY, .top_given = true };
        char *text = NULL;
        struct cs_error err;
        FILE *f = open_memstream(&text, len);
        assert_non_null(f);
        assert_int_equal(cs_json_write(f, report, &options, &err), CS_OK);
        assert_int_equal(fclose(f), 0);
        return text;
}

static void assert_text(const char *got, const char *want)
{
        if (want)
                assert_string_equal(got, want);
        else
                assert_null(got);
}

/* What is written is read again as it was. */
static void test_round(void **state)
{
        (void)state;
        const struct cs_report *report = sample_leak();
        size_t len;
        char *text = write_report(report, &len);
        struct cs_snapshot *s = NULL;
        struct cs_error err;
        assert_int_equal(cs_snapshotfile_parse(text, len, "a.json", &s, &err), CS_OK);
        assert_string_equal(s->path, "a.json");
        assert_true(s->saved && s->has_memory && s->has_clusters && s->has_libraries);
        assert_int_equal(s->schema, 1);
        assert_int_equal(s->pid, report->target.pid);
        assert_text(s->command, report->target.command);
        assert_text(s->exe, report->target.exe);
        assert_int_equal(s->threads, report->target.threads);
        assert_int_equal(s->memory.resident, report->memory.resident);
        assert_int_equal(s->memory.anonymous, report->memory.anonymous);
        assert_int_equal(s->memory.n_kinds, report->memory.n_kinds);
        assert_string_equal(s->memory.kinds[1].kind, report->memory.kinds[1].kind);
        assert_int_equal(s->memory.kinds[1].resident, report->memory.kinds[1].resident);
        assert_int_equal(s->n_clusters, report->n_clusters + report->n_patterns);
        assert_true(s->n_clusters > 2);
        for (size_t i = 0; i < report->n_clusters; i++) {
                const struct cs_report_cluster *want = &report->clusters[i];
                const struct cs_snapshot_cluster *got = NULL;
                for (size_t k = 0; k < s->n_clusters; k++)
                        if (strcmp(s->clusters[k].id, want->id) == 0)
                                got = &s->clusters[k];
                assert_non_null(got);
                assert_string_equal(got->kind, want->kind);
                assert_text(got->library, want->library);
                assert_text(got->signature, want->signature);
                assert_int_equal(got->count, want->count);
                assert_int_equal(got->bytes, want->bytes);
                assert_int_equal(got->resident, want->resident);
                assert_int_equal(got->block_min, want->block_min);
                assert_int_equal(got->block_max, want->block_max);
                assert_int_equal(got->unreferenced, want->unreferenced);
                assert_int_equal(got->has_template, want->has_template);
                if (want->has_template) {
                        assert_int_equal(got->template.len, want->template.len);
                        assert_memory_equal(got->template.bytes, want->template.bytes, want->template.len);
                }
        }
        assert_int_equal(s->n_libraries, report->n_libraries);
        assert_text(s->libraries[0].build_id, report->libraries[0].build_id);
        assert_text(s->verdict.kind, report->verdict.kind);
        cs_snapshot_destroy(s);
        /* Every beginning of it is refused. */
        for (size_t i = 0; i + 2 < len; i += i < 200 ? 1 : 37)
                if (cs_snapshotfile_parse(text, i, "x", &s, &err) != CS_EFORMAT)
                        fail_msg("%zu bytes of %zu are taken for a whole report", i, len);
        free(text);
}

/* Texts that are no text, in the largest numbers. */
static void test_hostile_round(void **state)
{
        (void)state;
        size_t len;
        char *text = write_report(sample_hostile(), &len);
        struct cs_snapshot *s = NULL;
        struct cs_error err;
        assert_int_equal(cs_snapshotfile_parse(text, len, "x", &s, &err), CS_OK);
        const struct cs_report *report = sample_hostile();
        for (size_t i = 0; i < report->n_clusters; i++)
                if (report->clusters[i].has_template) {
                        assert_int_equal(s->clusters[i].template.len, report->clusters[i].template.len);
                        assert_memory_equal(s->clusters[i].template.bytes, report->clusters[i].template.bytes,
                                            report->clusters[i].template.len);
                }
        cs_snapshot_destroy(s);
        free(text);
}

#define TARGET "\"target\": {\"kind\": \"core\", \"pid\": 5}"
#define MEMORY "\"memory\": {\"resident\": 7}"

static void test_refused(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                enum cs_status status;
                const char *says;
        } cases[] = {
                { "", CS_EFORMAT, "not a JSON object" },
                { "[]", CS_EFORMAT, "not a JSON object" },
                { "{", CS_EFORMAT, "not a whole one" },
                { "{}", CS_EFORMAT, "not a report of corescan" },
                { "{" TARGET "}", CS_EFORMAT, "no memory" },
                { "{" MEMORY "}", CS_EFORMAT, "no target" },
                { "{\"schema\": 2, " TARGET ", " MEMORY "}", CS_ENOTSUP, "schema 2" },
                { "{\"type\": \"hit\"}\n{\"type\": \"summary\"}\n", CS_EFORMAT, "several JSON objects" },
                { "{" TARGET ", \"memory\": [], \"clusters\": 5}", CS_EFORMAT, "parts of it" },
                { "{" TARGET ", \"memory\": {\"resident\": tru}}", CS_EFORMAT, "parts of it" },
                { "{" TARGET ", \"clusters\": [{\"kind\": \"a\", \"what\": \"\\q\"}]}", CS_EFORMAT,
                  "parts of it" },
                { "{\"a\" \"b\"}", CS_EFORMAT, "not a JSON object" },
                { "{\"a\": 1 \"b\": 2}", CS_EFORMAT, "not a JSON object" },
                { "{\"a\": [}", CS_EFORMAT, "not a JSON object" },
                { "{\"a\": \"\\", CS_EFORMAT, "not a JSON object" },
        };
        for (size_t i = 0; i < N(cases); i++) {
                struct cs_snapshot *s = NULL;
                struct cs_error err = { 0 };
                enum cs_status st =
                        cs_snapshotfile_parse(cases[i].text, strlen(cases[i].text), "x", &s, &err);
                if (st != cases[i].status || !strstr(err.text, cases[i].says))
                        fail_msg("%s: status %d, %s", cases[i].text, st, err.text);
                assert_null(s);
        }
}

/* An older report, with less in it; values of other types are as if they were not there. */
static void test_odd(void **state)
{
        (void)state;
        static const char text[] =
                " {" TARGET
                ", \"memory\": {\"resident\": -7, \"anonymous\": 1.5e3, \"by_kind\": {\"kind\": 5}},"
                "\"clusters\": [5, {}, {\"what\": 1, \"kind\": \"x\"}, {\"what\": \"w\", \"kind\": \"k\", \"count\": \"9\","
                " \"block_size\": null, \"template\": null, \"fields\": [[[[{}]]]], \"count\": 3}],"
                " \"libraries\": [{\"library\": null, \"count\": 2, \"confidence\": 9}], \"verdict\": null, \"more\": [1, {\"]\": \"}\\\"\"}]}\n";
        struct cs_snapshot *s = NULL;
        struct cs_error err = { 0 };
        if (cs_snapshotfile_parse(text, sizeof(text) - 1, "x", &s, &err) != CS_OK)
                fail_msg("%s", err.text);
        assert_int_equal(s->schema, 0);
        assert_int_equal(s->memory.resident, 0);
        assert_int_equal(s->memory.anonymous, 1500);
        assert_int_equal(s->memory.n_kinds, 0);
        assert_int_equal(s->n_clusters, 1);
        assert_int_equal(s->clusters[0].count, 3);
        assert_null(s->clusters[0].signature);
        assert_false(s->clusters[0].has_template);
        assert_int_equal(s->n_libraries, 1);
        assert_null(s->libraries[0].library);
        assert_true(s->libraries[0].confidence == 0);
        assert_null(s->verdict.kind);
        assert_int_equal(s->time_ms, 0);
        cs_snapshot_destroy(s);
}

static void test_walk(void **state)
{
        (void)state;
        static const char text[] = " { \"a\" : [ 1 , \"x,]\" , {\"b\":2} ] , \"c\\\"\":null } ";
        struct cs_jsonwalk w = cs_jsonwalk_open((struct cs_jsonspan){ text, sizeof(text) - 1 }, '{');
        struct cs_jsonspan key, value, element;
        assert_true(cs_jsonwalk_member(&w, &key, &value));
        assert_memory_equal(key.at, "a", key.len);
        struct cs_jsonwalk list = cs_jsonwalk_open(value, '[');
        static const char *const elements[] = { "1", "\"x,]\"", "{\"b\":2}" };
        for (size_t i = 0; i < N(elements); i++) {
                assert_true(cs_jsonwalk_element(&list, &element));
                assert_int_equal(element.len, strlen(elements[i]));
                assert_memory_equal(element.at, elements[i], element.len);
        }
        assert_false(cs_jsonwalk_element(&list, &element));
        assert_true(!list.bad && cs_jsonwalk_ended(&list));
        assert_true(cs_jsonwalk_member(&w, &key, &value));
        assert_int_equal(key.len, 3);
        assert_int_equal(value.len, 4);
        assert_false(cs_jsonwalk_member(&w, &key, &value));
        assert_true(!w.bad && cs_jsonwalk_ended(&w));
        w = cs_jsonwalk_open((struct cs_jsonspan){ 0 }, '{');
        assert_true(w.bad);
        assert_false(cs_jsonwalk_member(&w, &key, &value));
}

static void test_is(void **state)
{
        (void)state;
        char path[] = "/tmp/corescan-test-XXXXXX";
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        FILE *f = fdopen(fd, "w");
        assert_non_null(f);
        assert_false(cs_snapshotfile_is(path));
        assert_true(fputs(" \n\t{", f) >= 0 && fflush(f) == 0);
        assert_true(cs_snapshotfile_is(path));
        assert_true(ftruncate(fileno(f), 0) == 0 && fseek(f, 0, SEEK_SET) == 0);
        assert_true(fputs("\177ELF{", f) >= 0 && fflush(f) == 0);
        assert_false(cs_snapshotfile_is(path));
        assert_int_equal(fclose(f), 0);
        assert_int_equal(remove(path), 0);
        assert_false(cs_snapshotfile_is(path));
        assert_false(cs_snapshotfile_is("/tmp"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_round),   cmocka_unit_test(test_hostile_round),
                cmocka_unit_test(test_refused), cmocka_unit_test(test_odd),
                cmocka_unit_test(test_walk),    cmocka_unit_test(test_is),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
