/* SPDX-License-Identifier: Apache-2.0 */
/* What a brief look takes over from the whole one before it. */
#include "snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A snapshot of these, which are its own. */
static struct cs_snapshot *snapshot(const struct cs_snapshot_cluster *clusters, size_t n, size_t patterns)
{
        struct cs_snapshot *s = calloc(1, sizeof(*s));
        assert_non_null(s);
        s->clusters = cs_pool_alloc(&s->pool, n + 1, sizeof(*s->clusters));
        assert_non_null(s->clusters);
        memcpy(s->clusters, clusters, n * sizeof(*clusters));
        s->n_clusters = n;
        s->n_patterns = patterns;
        s->has_clusters = true;
        return s;
}

static struct cs_snapshot *whole(void)
{
        static const struct cs_snapshot_cluster clusters[] = {
                { .id = "c1",
                  .kind = "object",
                  .what = "Order",
                  .library = "liba",
                  .signature = "01",
                  .confidence = 0.9,
                  .count = 10,
                  .bytes = 1000,
                  .resident = 1000,
                  .unreferenced = 4,
                  .leak_bytes = 400 },
                { .id = "c2",
                  .kind = "object",
                  .what = "Bill",
                  .library = "libb",
                  .signature = "02",
                  .confidence = 0.8,
                  .count = 5,
                  .bytes = 500,
                  .resident = 500 },
                { .id = "c3",
                  .kind = "object",
                  .what = "first of two",
                  .library = "liba",
                  .signature = "03",
                  .count = 3,
                  .bytes = 300,
                  .resident = 300 },
                { .id = "c4",
                  .kind = "object",
                  .what = "second of two",
                  .library = "libb",
                  .signature = "03",
                  .count = 2,
                  .bytes = 200,
                  .resident = 200 },
                { .id = "c5",
                  .kind = "pattern",
                  .what = "array of 48-byte records",
                  .library = "libb",
                  .signature = "04",
                  .count = 99,
                  .bytes = 4752,
                  .resident = 8192 },
        };
        static const struct cs_report_library libraries[] = {
                { .library = "liba", .build_id = "aa", .count = 20, .bytes = 2000, .resident = 2000 },
                { .library = "libb", .count = 4, .bytes = 400, .resident = 400 },
        };
        struct cs_snapshot *s = snapshot(clusters, COUNT(clusters), 1);
        s->libraries = cs_pool_alloc(&s->pool, COUNT(libraries), sizeof(*libraries));
        assert_non_null(s->libraries);
        memcpy(s->libraries, libraries, sizeof(libraries));
        s->n_libraries = COUNT(libraries);
        s->has_libraries = true;
        s->verdict.kind = "leak";
        s->verdict.confidence = 0.75;
        return s;
}

/* The whole one goes first: nothing of it is borrowed. */
static struct cs_snapshot *carried(const struct cs_snapshot_cluster *clusters, size_t n, uint64_t *strange)
{
        struct cs_snapshot *before = whole(), *s = snapshot(clusters, n, 0);
        assert_int_equal(cs_snapshot_carry(s, before, strange, NULL), CS_OK);
        cs_snapshot_destroy(before);
        return s;
}

static void test_carry(void **state)
{
        (void)state;
        static const struct cs_snapshot_cluster now[] = {
                { .id = "c1",
                  .kind = "object",
                  .what = "object with x",
                  .signature = "01",
                  .count = 3,
                  .bytes = 300,
                  .resident = 300 },
                { .id = "c2",
                  .kind = "text",
                  .what = "new",
                  .signature = "09",
                  .count = 7,
                  .bytes = 70,
                  .resident = 64 },
                { .id = "c3",
                  .kind = "object",
                  .what = "a",
                  .signature = "03",
                  .count = 4,
                  .bytes = 400,
                  .resident = 400 },
                { .id = "c4",
                  .kind = "object",
                  .what = "b",
                  .signature = "03",
                  .count = 1,
                  .bytes = 100,
                  .resident = 100 },
        };
        uint64_t strange = 0;
        struct cs_snapshot *s = carried(now, COUNT(now), &strange);
        assert_int_equal(strange, 64);
        assert_int_equal(s->n_clusters, 5);
        assert_int_equal(s->n_patterns, 1);
        const struct cs_snapshot_cluster *order = &s->clusters[0], *fresh = &s->clusters[1],
                                         *last = &s->clusters[4];
        assert_string_equal(order->what, "Order");
        assert_string_equal(order->library, "liba");
        assert_true(order->confidence == 0.9);
        assert_int_equal(order->count, 3);
        /* No more of it is lost than is there. */
        assert_int_equal(order->unreferenced, 3);
        assert_int_equal(order->leak_bytes, 300);
        assert_null(fresh->library);
        assert_string_equal(fresh->what, "new");
        assert_string_equal(s->clusters[2].what, "first of two");
        assert_string_equal(s->clusters[3].what, "second of two");
        assert_string_equal(last->what, "array of 48-byte records");
        assert_string_equal(last->id, "c5");
        assert_int_equal(last->resident, 8192);
        assert_string_equal(s->verdict.kind, "leak");
        cs_snapshot_destroy(s);
}

/* Libraries have what their clusters gained or lost; of the one that is gone, all; never less than nothing. */
static void test_libraries(void **state)
{
        (void)state;
        static const struct cs_snapshot_cluster now[] = {
                { .id = "c1",
                  .kind = "object",
                  .what = "",
                  .signature = "01",
                  .count = 12,
                  .bytes = 1200,
                  .resident = 1300 },
                { .id = "c2",
                  .kind = "object",
                  .what = "",
                  .signature = "03",
                  .count = 3,
                  .bytes = 300,
                  .resident = 300 },
                { .id = "c3",
                  .kind = "object",
                  .what = "",
                  .signature = "03",
                  .count = 2,
                  .bytes = 200,
                  .resident = 200 },
        };
        uint64_t strange = 1;
        struct cs_snapshot *s = carried(now, COUNT(now), &strange);
        assert_int_equal(strange, 0);
        assert_true(s->has_libraries);
        assert_int_equal(s->n_libraries, 2);
        assert_string_equal(s->libraries[0].library, "liba");
        assert_string_equal(s->libraries[0].build_id, "aa");
        assert_int_equal(s->libraries[0].count, 22);
        assert_int_equal(s->libraries[0].bytes, 2200);
        assert_int_equal(s->libraries[0].resident, 2300);
        assert_int_equal(s->libraries[1].count, 0);
        assert_int_equal(s->libraries[1].bytes, 0);
        assert_int_equal(s->libraries[1].resident, 0);
        cs_snapshot_destroy(s);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_carry), cmocka_unit_test(test_libraries) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
