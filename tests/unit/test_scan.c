/* SPDX-License-Identifier: Apache-2.0 */
/* The search through a whole address space: units, windows, gaps, workers. */
#include "pulse.h"
#include "rulebuilder.h"
#include "scan.h"
#include "work.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { BASE = 0x100000, MEMORY = 64 * CS_PAGE };

/* One mapping that is one region of anonymous memory; `around` bytes of it on both sides cannot be read. */
struct memory {
        struct cs_image image;
        struct cs_regions regions;
        struct cs_residency *residency;
};

static void memory_init_in(struct memory *m, const void *bytes, size_t len, uint64_t around)
{
        struct cs_range range = { BASE - around, BASE + cs_page_up(len) + around };
        struct cs_mapping mapping = {
                .range = range, .perms = CS_PERM_READ | CS_PERM_WRITE, .dumped = true, .module = CS_NO_MODULE
        };
        struct cs_region region = { .range = range, .kind = CS_KIND_ANONYMOUS, .module = CS_NO_MODULE };
        *m = (struct memory){ 0 };
        m->image.kind = CS_IMAGE_CORE;
        m->image.source = cs_source_from_bytes(BASE, bytes, len);
        assert_non_null(m->image.source);
        assert_int_equal(cs_vec_push(&m->image.mappings, mapping, NULL), CS_OK);
        assert_int_equal(cs_vec_push(&m->regions.at, region, NULL), CS_OK);
        assert_int_equal(cs_residency_create(&m->image, 1, &m->residency, NULL), CS_OK);
}

static void memory_init(struct memory *m, const void *bytes, size_t len)
{
        memory_init_in(m, bytes, len, 0);
}

static void memory_deinit(struct memory *m)
{
        cs_residency_destroy(m->residency);
        cs_vec_deinit(&m->image.mappings);
        cs_vec_deinit(&m->regions.at);
        cs_source_close(m->image.source);
}

struct told {
        char *text; /* "rule@address+length=bytes " … */
        size_t used;
        size_t cap;
        size_t hits;
        uint64_t last;
        const struct cs_beside *beside;
};

static enum cs_status on_hits(void *context, const struct cs_scan_hit *hits, size_t n, struct cs_error *err)
{
        struct told *t = context;
        (void)err;
        assert_true(!t->beside || cs_beside_over(t->beside));
        for (size_t i = 0; i < n; i++) {
                assert_true(hits[i].address >= t->last);
                t->last = hits[i].address;
                t->hits++;
                t->used += (size_t)snprintf(t->text + t->used, t->cap - t->used, "%u@%lx+%lu=%.*s ",
                                            hits[i].rule, (unsigned long)(hits[i].address - BASE),
                                            (unsigned long)hits[i].length,
                                            hits[i].text_len < 24 ? (int)hits[i].text_len : 24,
                                            (const char *)hits[i].text);
                assert_true(t->used < t->cap);
        }
        return CS_OK;
}

/* in: what is not said by the others. */
static enum cs_status scan(const struct memory *m, const struct cs_rules *rules, struct cs_scan_input in,
                           struct told *told, struct cs_scan_result *result, struct cs_error *err)
{
        struct cs_ruleset *set = NULL;
        const struct cs_rule *culprit;
        assert_int_equal(cs_ruleset_compile(rules, CS_WAY_BEST, &set, &culprit, NULL), CS_OK);
        in.image = &m->image;
        in.regions = &m->regions;
        in.residency = m->residency;
        in.rules = set;
        in.n_rules = rules->at.n;
        enum cs_status st = cs_scan(&in, on_hits, told, result, err);
        cs_ruleset_destroy(set);
        return st;
}

/* Where what hits wait for says that it is. */
static _Atomic uint64_t walked;

/* Text of all hits; the caller frees it. beside: what they wait for, or NULL. */
static char *search_beside(const struct memory *m, const struct cs_rules *rules, unsigned workers,
                           uint64_t unit, uint64_t window, struct cs_beside *beside,
                           struct cs_scan_result *result)
{
        struct told told = { .text = calloc(1, 4 << 20), .cap = 4 << 20, .beside = beside };
        const struct cs_scan_input in = {
                .workers = workers, .beside = beside, .walked = &walked, .unit = unit, .window = window
        };
        assert_non_null(told.text);
        assert_int_equal(scan(m, rules, in, &told, result, NULL), CS_OK);
        assert_int_equal(result->hits, told.hits);
        cs_scan_result_deinit(result);
        return told.text;
}

static char *search(const struct memory *m, const struct cs_rules *rules, unsigned workers, uint64_t unit,
                    uint64_t window, struct cs_scan_result *result)
{
        return search_beside(m, rules, workers, unit, window, NULL, result);
}

/* Takes as long as it is told to, in milliseconds, as if it went through all of memory, and fails at 13. */
static enum cs_status take_time(void *context, struct cs_error *err)
{
        const unsigned *ms = context;
        struct timespec wait = { .tv_nsec = (long)*ms * 1000000 / 16 };
        for (uint64_t i = 0; i < 16; i++) {
                atomic_store(&walked, BASE - CS_PAGE + i * MEMORY / 14);
                nanosleep(&wait, NULL);
        }
        return *ms == 13 ? cs_fail(err, CS_EFORMAT, "thirteen") : CS_OK;
}

/* Matches that lie across everything: units, windows, pages; long ones over several units, and rules that lap. */
static void test_same_hits_however_memory_is_cut(void **state)
{
        (void)state;
        static const uint64_t cuts[][2] = { { 0, 64 },      { 4096, 64 }, { 4096, 4096 },
                                            { 8192, 1000 }, { 300, 64 },  { 65536, 65536 } };
        char *bytes = malloc(MEMORY);
        struct memory m;
        struct cs_rules rules = { 0 };
        uint64_t x = 7;
        assert_non_null(bytes);
        for (size_t i = 0; i < MEMORY; i++) {
                x = x * 6364136223846793005u + 1442695040888963407u;
                bytes[i] = "aaaabbc \n"[(x >> 40) % 9];
        }
        memset(bytes + 10 * CS_PAGE, 'a', 5 * CS_PAGE + 3); /* over many units */
        memset(bytes + 20 * CS_PAGE, 0, 3 * CS_PAGE);
        memcpy(bytes + 24 * CS_PAGE - 3, "needle", 6);
        memcpy(bytes + MEMORY - 6, "needle", 6);
        memory_init(&m, bytes, MEMORY);
        rule_add(&rules, "needle");
        rule_add(&rules, "aaa");
        rule_add(&rules, "(?<=b)a+(?=c)");
        rule_add(&rules, "[ab]{40,}");
        rule_add(&rules, "\\bcab|cc+");
        struct cs_scan_result result;
        char *expected = search(&m, &rules, 1, 1 << 20, 1 << 20, &result);
        assert_true(result.hits > 10000);
        assert_non_null(strstr(expected, "0@17ffd+6=needle "));
        assert_non_null(strstr(expected, "0@3fffa+6=needle "));
        assert_non_null(strstr(expected, "3@9f"));
        for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++)
                for (unsigned workers = 1; workers <= 3; workers += 2) {
                        char *got = search(&m, &rules, workers, cuts[i][0], cuts[i][1], &result);
                        if (strcmp(got, expected) != 0)
                                fail_msg("units of %lu, windows of %lu: %lu hits", (unsigned long)cuts[i][0],
                                         (unsigned long)cuts[i][1], (unsigned long)result.hits);
                        free(got);
                }
        /* Hits of units that were searched while something else was under way, and of those after it. */
        for (unsigned ms = 0; ms < 12; ms++) {
                struct cs_beside beside = { 0 };
                cs_beside_start(&beside, take_time, &ms);
                char *got = search_beside(&m, &rules, 1 + ms % 3, ms % 2 ? 4096 : 300, 64, &beside, &result);
                assert_string_equal(got, expected);
                assert_int_equal(cs_beside_wait(&beside, NULL), CS_OK);
                free(got);
        }
        free(expected);
        cs_rules_deinit(&rules);
        memory_deinit(&m);
        free(bytes);
}

/* What hits wait for may fail: what that means is for those to say who began it. */
static void test_failure_beside(void **state)
{
        (void)state;
        static char bytes[CS_PAGE] = "needle";
        struct memory m;
        struct cs_rules rules = { 0 };
        struct cs_scan_result result = { 0 };
        struct cs_beside beside = { 0 };
        struct cs_error err = { 0 };
        unsigned ms = 13;
        memory_init(&m, bytes, sizeof(bytes));
        rule_add(&rules, "needle");
        cs_beside_start(&beside, take_time, &ms);
        char *got = search_beside(&m, &rules, 2, 0, 0, &beside, &result);
        assert_string_equal(got, "0@0+6=needle ");
        assert_int_equal(cs_beside_wait(&beside, &err), CS_EFORMAT);
        assert_string_equal(err.text, "thirteen");
        free(got);
        cs_rules_deinit(&rules);
        memory_deinit(&m);
}

static void ask_for_the_end(void *context, uint64_t done, uint64_t total)
{
        uint64_t *first = context;
        (void)total;
        if (!*first)
                *first = done;
        cs_stop_ask();
}

static void search_until_asked(struct cs_beside *beside)
{
        char *bytes = malloc(MEMORY);
        struct memory m;
        struct cs_rules rules = { 0 };
        struct cs_scan_result result = { 0 };
        struct cs_error err = { 0 };
        struct told told = { .text = calloc(1, 1 << 20), .cap = 1 << 20 };
        uint64_t searched = 0;
        assert_non_null(bytes);
        assert_non_null(told.text);
        for (size_t i = 0; i < MEMORY; i++)
                bytes[i] = i % 100 == 50 ? 'x' : '.';
        memory_init(&m, bytes, MEMORY);
        rule_add(&rules, "x");
        const struct cs_scan_input in = { .workers = 2,
                                          .beside = beside,
                                          .unit = 300,
                                          .window = 300,
                                          .progress = ask_for_the_end,
                                          .progress_context = &searched };
        enum cs_status st = scan(&m, &rules, in, &told, &result, &err);
        cs_stop_answer();
        assert_int_equal(st, CS_ESTOPPED);
        assert_true(searched && searched < MEMORY);
        assert_in_range(told.hits, searched / 100, (searched + 99) / 100);
        assert_int_equal(result.bytes, searched);
        cs_scan_result_deinit(&result);
        cs_rules_deinit(&rules);
        memory_deinit(&m);
        free(told.text);
        free(bytes);
}

/* What was found before somebody asked for the end is told, all of it, although the search was to go on first, or what hits wait for is not over
 * yet. */
static void test_end_is_asked_for(void **state)
{
        (void)state;
        unsigned ms = 300;
        struct cs_beside beside = { 0 };
        search_until_asked(NULL);
        cs_beside_start(&beside, take_time, &ms);
        search_until_asked(&beside);
        assert_int_equal(cs_beside_wait(&beside, NULL), CS_OK);
}

/* Memory that is mapped and was not dumped: what is read ends there, and matches do not reach over it. */
static void test_gaps_end_stretches(void **state)
{
        (void)state;
        static char bytes[CS_PAGE];
        struct memory m;
        struct cs_rules rules = { 0 };
        struct cs_scan_result result;
        memset(bytes, '.', sizeof(bytes));
        memcpy(bytes, "begin", 5);
        memcpy(bytes + CS_PAGE - 3, "end", 3);
        memory_init_in(&m, bytes, sizeof(bytes), CS_PAGE);
        rule_add(&rules, "^begin");
        rule_add(&rules, "end$");
        rule_add(&rules, "end.");
        char *got = search(&m, &rules, 1, 64, 64, &result);
        assert_string_equal(got, "0@0+5=begin 1@ffd+3=end ");
        free(got);
        cs_rules_deinit(&rules);
        memory_deinit(&m);
}

/* What belongs to a file is left out. */
static void test_what_is_searched(void **state)
{
        (void)state;
        static const struct {
                enum cs_kind kind;
                uint32_t perms;
                const char *path;
                bool searched;
        } table[] = {
                { CS_KIND_ANONYMOUS, CS_PERM_READ | CS_PERM_WRITE, NULL, true },
                { CS_KIND_MALLOC_USED, CS_PERM_READ | CS_PERM_WRITE, NULL, true },
                { CS_KIND_STACK, CS_PERM_READ | CS_PERM_WRITE, NULL, true },
                { CS_KIND_JAVA_HEAP, CS_PERM_READ | CS_PERM_WRITE, NULL, true },
                { CS_KIND_MODULE_DATA, CS_PERM_READ | CS_PERM_WRITE, "/lib/x.so", true },
                { CS_KIND_MODULE_DATA, CS_PERM_READ, "/lib/x.so", false },
                { CS_KIND_MODULE_CODE, CS_PERM_READ | CS_PERM_EXEC, "/lib/x.so", false },
                { CS_KIND_FILE, CS_PERM_READ | CS_PERM_WRITE, "/var/x", false },
                { CS_KIND_SHARED, CS_PERM_READ | CS_PERM_WRITE | CS_PERM_SHARED, "/var/x", false },
                { CS_KIND_SHARED, CS_PERM_READ | CS_PERM_WRITE | CS_PERM_SHARED, "/dev/shm/x", true },
                { CS_KIND_VDSO, CS_PERM_READ, NULL, false },
                { CS_KIND_RESERVED, 0, NULL, false },
        };
        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
                struct memory m;
                struct cs_rules rules = { 0 };
                struct cs_scan_result result;
                memory_init(&m, "needle", 6);
                m.regions.at.at[0].kind = table[i].kind;
                m.image.mappings.at[0].perms = table[i].perms;
                m.image.mappings.at[0].path = table[i].path;
                m.image.mappings.at[0].file_backed = table[i].path != NULL;
                rule_add(&rules, "needle");
                char *got = search(&m, &rules, 1, 0, 0, &result);
                assert_int_equal(result.hits, table[i].searched);
                free(got);
                cs_rules_deinit(&rules);
                memory_deinit(&m);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_same_hits_however_memory_is_cut),
                cmocka_unit_test(test_failure_beside),
                cmocka_unit_test(test_end_is_asked_for),
                cmocka_unit_test(test_gaps_end_stretches),
                cmocka_unit_test(test_what_is_searched),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
