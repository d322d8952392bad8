/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict on sums put together by hand: what fills the memory, by shares; and that small processes are let be. */
#include "heaps.h"
#include "verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#define MB(n) ((uint64_t)(n) << 20)

enum { NO_CLUSTERS, ONE_CLUSTER };

struct sums {
        const char *name;
        uint64_t used, bins, cached, top; /* resident, in each of `arenas` */
        uint64_t long_runs;               /* of all arenas */
        size_t arenas;
        const char *kind; /* another kind of memory */
        uint64_t resident;
        int clusters;  /* all that is in use, or nothing that stands out */
        uint64_t lost; /* blocks of 1 KiB of 100,000 */
        uint64_t lent; /* of `used`, and of `resident` */
        const char *verdict;
};

static const struct sums table[] = {
        { "small and free", MB(1), MB(9), 0, 0, MB(9), 1, NULL, 0, NO_CLUSTERS, 0, 0, "healthy" },
        { "burst", MB(10), MB(80), 0, MB(10), MB(85), 1, NULL, 0, NO_CLUSTERS, 0, 0, "retention" },
        { "arenas", MB(1), MB(20), 0, MB(1), MB(190), 10, NULL, 0, NO_CLUSTERS, 0, 0, "retention" },
        { "caches", MB(1), MB(1), MB(20), 0, 0, 10, NULL, 0, NO_CLUSTERS, 0, 0, "retention" },
        { "holes", MB(50), MB(80), MB(1), 0, MB(8), 1, NULL, 0, NO_CLUSTERS, 0, 0, "fragmentation" },
        { "holes, few", MB(100), MB(30), MB(1), 0, MB(1), 1, NULL, 0, NO_CLUSTERS, 0, 0, "healthy" },
        { "data", MB(100), MB(10), 0, 0, MB(10), 1, NULL, 0, ONE_CLUSTER, 0, 0, "cache-or-live-data" },
        { "data of many kinds", MB(100), MB(10), 0, 0, MB(10), 1, NULL, 0, NO_CLUSTERS, 0, 0, "healthy" },
        { "half lost", MB(100), MB(10), 0, 0, MB(10), 1, NULL, 0, ONE_CLUSTER, 50000, 0, "leak" },
        { "lost beside free", MB(100), MB(200), 0, 0, MB(200), 1, NULL, 0, ONE_CLUSTER, 90000, 0, "leak" },
        { "java", MB(30), MB(10), 0, 0, MB(10), 4, "java-heap", MB(300), ONE_CLUSTER, 0, 0, "managed-heap" },
        { "java beside native data", MB(75), MB(26), 0, 0, MB(2), 1, "java-heap", MB(60), ONE_CLUSTER, 0, 0,
          "cache-or-live-data" },
        { "java before native data", MB(60), MB(26), 0, 0, MB(2), 1, "java-heap", MB(75), ONE_CLUSTER, 0, 0,
          "managed-heap" },
        { "erlang on malloc", MB(336), MB(6), 0, 0, MB(6), 1, "beam-carrier", MB(630), ONE_CLUSTER, 0,
          MB(334), "managed-heap" },
        { "erlang beside native data", MB(150), MB(6), 0, 0, MB(6), 1, "beam-carrier", MB(60), ONE_CLUSTER, 0,
          MB(20), "cache-or-live-data" },
        { "ruby and payload", MB(80), MB(9), 0, 0, MB(9), 1, "ruby-heap", MB(60), ONE_CLUSTER, 0, 0,
          "managed-heap" },
        { "ruby and kept", MB(20), MB(200), 0, 0, MB(200), 1, "ruby-heap", MB(60), NO_CLUSTERS, 0, 0,
          "retention" },
        { "a small runtime", MB(1), 0, 0, 0, 0, 1, "python-heap", MB(8), NO_CLUSTERS, 0, 0, "healthy" },
        { "stacks", MB(2), MB(1), 0, 0, 0, 8, "stack", MB(60), NO_CLUSTERS, 0, 0, "healthy" },
        { "mapped file", MB(2), MB(1), 0, 0, 0, 1, "file", MB(600), NO_CLUSTERS, 0, 0, "cache-or-live-data" },
        { "unexplained", MB(2), MB(1), 0, 0, 0, 1, "anonymous", MB(600), NO_CLUSTERS, 0, 0, "unknown" },
};

/* Files are not among what no file backs. */
static void add_up(const struct sums *s, struct cs_report *r)
{
        uint64_t malloced = s->arenas * (s->used + s->bins + s->cached + s->top);
        bool file = s->kind && strcmp(s->kind, "file") == 0;
        r->memory.anonymous = malloced + (file ? 0 : s->resident) - s->lent;
        r->memory.lent = s->lent;
        r->memory.unexplained = s->kind && strcmp(s->kind, "anonymous") == 0 ? s->resident : 0;
        r->memory.resident = malloced + s->resident - s->lent;
}

static const char *judge(const struct sums *s)
{
        struct cs_image image = { .threads.n = 1 };
        struct cs_heaps heaps = { 0 };
        struct cs_cluster_leak lost = { .direct = s->lost,
                                        .retained = s->lost << 10,
                                        .retained_resident = s->lost << 10 };
        struct cs_leaks leaks = { .clusters = &lost, .direct = { s->lost, s->lost << 10 } };
        struct cs_report_arena arenas[16] = { 0 };
        struct cs_report_heap heap = {
                .allocator = "glibc", .walked = true, .arenas = arenas, .n_arenas = s->arenas
        };
        struct cs_report_kind kind = { s->kind, s->resident, s->resident, 1 };
        struct cs_report_cluster cluster = { .id = "c1", .what = "node", .count = 100000, .in_use = 100000 };
        struct cs_report r = { .target.complete = true, .heaps = &heap, .n_heaps = 1 };
        struct cs_error err;
        for (size_t i = 0; i < s->arenas; i++)
                arenas[i] = (struct cs_report_arena){ .used = { 10, s->used, s->used },
                                                      .free = { 10, s->bins, s->bins },
                                                      .cached = { 10, s->cached, s->cached },
                                                      .top = s->top,
                                                      .top_resident = s->top };
        heap.runs[CS_RUN_CLASSES - 1] = (struct cs_report_sum){ 10, s->long_runs, s->long_runs };
        cluster.resident = s->clusters == ONE_CLUSTER ? s->arenas * s->used : 4096;
        r.clusters = &cluster;
        r.n_clusters = 1;
        r.memory.kinds = &kind;
        r.memory.n_kinds = s->kind ? 1 : 0;
        add_up(s, &r);
        assert_int_equal(cs_verdict_find(&image, &heaps, &leaks, &r, &err), CS_OK);
        assert_non_null(r.verdict.summary);
        assert_true(r.verdict.confidence >= 0 && r.verdict.confidence <= 0.99);
        const char *found = r.verdict.kind;
        cs_pool_deinit(&r.pool);
        return found;
}

static void test_kinds(void **state)
{
        (void)state;
        unsigned wrong = 0;
        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
                const char *found = judge(&table[i]);
                if (strcmp(found, table[i].verdict) == 0)
                        continue;
                print_error("%s: %s, not %s\n", table[i].name, found, table[i].verdict);
                wrong++;
        }
        assert_int_equal(wrong, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_kinds),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
