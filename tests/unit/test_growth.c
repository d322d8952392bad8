/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots built by hand: what is joined with what, what is said of it, and what stands against it. */
#include "join.h"
#include "names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define MIB ((uint64_t)1 << 20)

enum { ROWS = 16 };

static struct cs_snapshot *snapshot(const char *path, int64_t pid, int64_t time, uint64_t resident)
{
        struct cs_snapshot *s = calloc(1, sizeof(*s));
        assert_non_null(s);
        s->path = path;
        s->pid = pid;
        s->time_ms = time * 1000;
        s->exe = "/usr/bin/server";
        s->command = "server --all";
        s->process = pid == 1 ? "a1" : "b2";
        s->complete = s->consistent = s->has_memory = s->has_clusters = s->has_libraries = true;
        s->memory.mapped = resident + MIB;
        s->memory.resident = s->memory.anonymous = resident;
        s->clusters = cs_pool_alloc(&s->pool, ROWS, sizeof(*s->clusters));
        s->libraries = cs_pool_alloc(&s->pool, ROWS, sizeof(*s->libraries));
        s->memory.kinds = cs_pool_alloc(&s->pool, 1, sizeof(*s->memory.kinds));
        assert_true(s->clusters && s->libraries && s->memory.kinds);
        s->memory.kinds[0] = (struct cs_report_kind){ "malloc-used", resident, resident, 1 };
        s->memory.n_kinds = 1;
        return s;
}

static struct cs_snapshot_cluster *add(struct cs_snapshot *s, const char *what, const char *library,
                                       const char *signature, uint64_t count, uint64_t size)
{
        assert_true(s->n_clusters < ROWS);
        struct cs_snapshot_cluster *c = &s->clusters[s->n_clusters++];
        *c = (struct cs_snapshot_cluster){ .id = "c1",
                                           .kind = "object",
                                           .what = what,
                                           .library = library,
                                           .signature = signature,
                                           .confidence = 0.9,
                                           .count = count,
                                           .bytes = count * size,
                                           .resident = count * size,
                                           .block_min = size,
                                           .block_max = size };
        return c;
}

static void add_library(struct cs_snapshot *s, const char *name, const char *build_id, uint64_t bytes)
{
        s->libraries[s->n_libraries++] =
                (struct cs_report_library){ name, build_id, bytes / 100, bytes, bytes, 0.9 };
}

static struct cs_growth *join(struct cs_snapshot **snapshots, size_t n)
{
        struct cs_growth *g = NULL;
        struct cs_error err = { 0 };
        if (cs_growth_build(snapshots, n, &g, &err) != CS_OK)
                fail_msg("%s", err.text);
        return g;
}

static struct cs_growth *join_two(struct cs_snapshot *a, struct cs_snapshot *b)
{
        return join((struct cs_snapshot *[]){ a, b }, 2);
}

static const struct cs_growth_row *row(const struct cs_growth_rows *rows, const char *name)
{
        for (size_t i = 0; i < rows->n; i++) {
                const char *is = rows->at[i].what ? rows->at[i].what : rows->at[i].library;
                if (is && strcmp(is, name) == 0)
                        return &rows->at[i];
        }
        fail_msg("there is no row %s", name);
        return NULL;
}

static bool noted(const struct cs_growth *g, const char *part)
{
        for (size_t i = 0; i < g->n_notes; i++)
                if (strstr(g->notes[i], part))
                        return true;
        return false;
}

static void assert_noted(const struct cs_growth *g, const char *part)
{
        if (!noted(g, part))
                fail_msg("nothing is said of: %s (%zu notes, the first: %s)", part, g->n_notes,
                         g->n_notes ? g->notes[0] : "none");
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

static void test_stems(void **state)
{
        (void)state;
        static const char *const pairs[][2] = {
                { "libfoo.so.1.2.3", "libfoo.so" },
                { "libfoo-3.1.so.3.1.2", "libfoo.so" },
                { "libz2x.so", "libz2x.so" },
                { "libfoo.so", "libfoo.so" },
                { "libfoo64.so.2", "libfoo64.so" },
                { "ruby3.1", "ruby" },
                { "tool-2.0.1", "tool" },
                { "app (deleted)", "app" },
                { "x86_64", "x86_64" },
                { "libgone.so.4 (unloaded)", "libgone.so" },
                { "7", "7" },
                { "1.2", "1.2" },
                { "-1", "-1" },
                { "", "" },
                { ".so", ".so" },
                { "lib.sorted", "lib.sorted" },
                { "libstdc++.so.6.0.30", "libstdc++.so" },
        };
        struct cs_pool pool = { 0 };
        for (size_t i = 0; i < N(pairs); i++)
                assert_string_equal(cs_names_stem(&pool, pairs[i][0]), pairs[i][1]);
        assert_string_equal(cs_names_last("/usr/bin/x"), "x");
        assert_string_equal(cs_names_last("x"), "x");
        assert_null(cs_names_last(NULL));
        cs_pool_deinit(&pool);
}

static void test_masks(void **state)
{
        (void)state;
        static const char *const modules[] = { "libfoo.so.1", "libbar-2.so" };
        static const char *const pairs[][2] = {
                { "object with libfoo.so.1+0x3d10 (.data.rel.ro) at +8",
                  "object with libfoo.so (.data.rel.ro) at +8" },
                { "libfoo.so.1", "libfoo.so" },
                { "libfoo.so.12+0x3 stays", "libfoo.so.12+0x3 stays" },
                { "mylibfoo.so.1 stays", "mylibfoo.so.1 stays" },
                { "libbar-2.so+0x1, libfoo.so.1+0xff", "libbar.so, libfoo.so" },
                { "nothing", "nothing" },
                { "", "" },
        };
        struct cs_pool pool = { 0 };
        for (size_t i = 0; i < N(pairs); i++)
                assert_string_equal(cs_names_masked(&pool, pairs[i][0], modules, N(modules)), pairs[i][1]);
        /* What has none is not copied. */
        assert_ptr_equal(cs_names_masked(&pool, pairs[5][0], modules, N(modules)), pairs[5][0]);
        assert_ptr_equal(cs_names_masked(&pool, pairs[0][0], NULL, 0), pairs[0][0]);
        cs_pool_deinit(&pool);
}

/* ---- joins ------------------------------------------------------------------------------------------------------- */

static void test_signatures(void **state)
{
        (void)state;
        struct cs_snapshot *a = snapshot("old", 1, 1000, 100 * MIB), *b = snapshot("new", 1, 1600, 160 * MIB);
        add(a, "Connection", "libc1.so", "11", 1000, 1024);
        add(a, "Gone", "libc1.so", "22", 10, 4096);
        add(a, "Same", NULL, "33", 5, 64);
        add(b, "Same", NULL, "33", 5, 64);
        add(b, "Connection", "libc1.so", "11", 61000, 1024);
        add(b, "New", "libc2.so", "44", 3, 32768);
        struct cs_growth *g = join_two(a, b);
        assert_int_equal(g->clusters.n, 4);
        assert_string_equal(g->clusters.at[0].what, "Connection");
        const struct cs_growth_row *r = row(&g->clusters, "Connection");
        assert_int_equal(r->count, 60000);
        assert_int_equal(r->bytes, 60000 * 1024);
        assert_int_equal(r->resident, 60000 * 1024);
        assert_int_equal(r->state, CS_GROWTH_GREW);
        assert_int_equal(r->joined, CS_JOINED_SIGNATURE);
        assert_true(r->per_second == 60000 * 1024 / 600.0);
        assert_int_equal(row(&g->clusters, "New")->state, CS_GROWTH_NEW);
        assert_int_equal(row(&g->clusters, "New")->joined, CS_JOINED_ALONE);
        assert_int_equal(row(&g->clusters, "Gone")->state, CS_GROWTH_GONE);
        assert_int_equal(row(&g->clusters, "Gone")->resident, -40960);
        assert_int_equal(row(&g->clusters, "Same")->state, CS_GROWTH_STAYED);
        /* What grew, then what shrank, then what stayed. */
        assert_string_equal(g->clusters.at[2].what, "Gone");
        assert_string_equal(g->clusters.at[3].what, "Same");
        assert_true(g->same_program && g->same_process && g->timed && g->seconds == 600);
        assert_int_equal(g->n_notes, 0);
        assert_string_equal(g->verdict.kind, "growth");
        assert_string_equal(g->verdict.library, "libc1.so");
        assert_string_equal(g->verdict.cluster, "c1");
        assert_non_null(strstr(g->verdict.summary, "Connection"));
        assert_int_equal(g->total.resident, 60 * MIB);
        assert_int_equal(g->kinds.at[0].resident, 60 * MIB);
        cs_growth_destroy(g);
}

/* One signature twice in a snapshot is one thing. */
static void test_sums(void **state)
{
        (void)state;
        struct cs_snapshot *a = snapshot("old", 1, 1000, MIB), *b = snapshot("new", 1, 1600, MIB);
        add(a, "X", NULL, "11", 10, 64);
        add(a, "X", NULL, "11", 5, 64);
        add(b, "X", NULL, "11", 20, 64);
        struct cs_growth *g = join_two(a, b);
        assert_int_equal(g->clusters.n, 1);
        assert_int_equal(g->clusters.at[0].count, 5);
        assert_int_equal(g->clusters.at[0].at[0].count, 15);
        cs_growth_destroy(g);
}

static void test_templates(void **state)
{
        (void)state;
        struct cs_snapshot *a = snapshot("old", 1, 1000, MIB), *b = snapshot("new", 2, 1600, MIB);
        struct cs_snapshot_cluster *c = add(a, "GET /<n>", "liba.so", "11", 10, 64);
        c->kind = "text";
        c->has_template = true;
        c->template = (struct cs_text){ "GET /<n>", 8 };
        c = add(b, "GET /<n>", "libb.so", "99", 30, 128); /* another owner, size and signature */
        c->kind = "text";
        c->has_template = true;
        c->template = (struct cs_text){ "GET /<n>", 8 };
        struct cs_growth *g = join_two(a, b);
        assert_int_equal(g->clusters.n, 1);
        assert_int_equal(g->clusters.at[0].joined, CS_JOINED_TEMPLATE);
        assert_int_equal(g->clusters.at[0].count, 20);
        assert_string_equal(g->clusters.at[0].was, "liba.so");
        assert_false(g->same_process);
        assert_noted(g, "started anew");
        assert_true(g->clusters.at[0].per_second == 0);
        cs_growth_destroy(g);
}

/* An upgraded library: its name, or only its build-id, is another; places in it have moved. */
static void test_upgrade(void **state)
{
        (void)state;
        struct cs_snapshot *a = snapshot("old", 1, 1000, MIB), *b = snapshot("new", 2, 1600, MIB);
        add_library(a, "libfoo.so.1.2.3", "aa", 1000);
        add_library(b, "libfoo.so.1.2.4", "bb", 3000);
        add_library(a, "libbar.so", "cc", 1000);
        add_library(b, "libbar.so", "dd", 1000);
        add(a, "Thing", "libfoo.so.1.2.3", "11", 10, 64);
        add(b, "Thing", "libfoo.so.1.2.4", "12", 30, 64);
        add(a, "Grown", "libfoo.so.1.2.3", "13", 10, 64);
        add(b, "Grown", "libfoo.so.1.2.4", "14", 10, 80); /* a field more */
        /* Two tables that moved, of objects of one size: in the order of their places. */
        add(a, "object with libfoo.so.1.2.3+0xf00 (.data) at +0", "libfoo.so.1.2.3", "21", 100, 32);
        add(a, "object with libfoo.so.1.2.3+0x1000 (.data) at +0", "libfoo.so.1.2.3", "22", 7, 32);
        add(b, "object with libfoo.so.1.2.4+0x2000 (.data) at +0", "libfoo.so.1.2.4", "23", 9, 32);
        add(b, "object with libfoo.so.1.2.4+0x1f00 (.data) at +0", "libfoo.so.1.2.4", "24", 150, 32);
        /* The same place of another build is not the same thing: by its signature it would be. */
        add(a, "object with libbar.so+0x10 (.data) at +0", "libbar.so", "31", 5, 48);
        add(a, "object with libbar.so+0x20 (.data) at +0", "libbar.so", "32", 50, 48);
        add(b, "object with libbar.so+0x20 (.data) at +0", "libbar.so", "32", 6, 48);
        add(b, "object with libbar.so+0x30 (.data) at +0", "libbar.so", "33", 51, 48);
        struct cs_growth *g = join_two(a, b);
        const struct cs_growth_row *lib = row(&g->libraries, "libfoo.so.1.2.4");
        assert_true(lib->upgraded);
        assert_string_equal(lib->was, "libfoo.so.1.2.3");
        assert_int_equal(lib->resident, 2000);
        assert_true(row(&g->libraries, "libbar.so")->upgraded);
        assert_noted(g, "libfoo.so.1.2.4 took the place of libfoo.so.1.2.3");
        assert_noted(g, "libbar.so is another build");
        assert_int_equal(row(&g->clusters, "Thing")->count, 20);
        assert_int_equal(row(&g->clusters, "Thing")->joined, CS_JOINED_NAME);
        assert_string_equal(row(&g->clusters, "Thing")->was, "libfoo.so.1.2.3");
        assert_int_equal(row(&g->clusters, "Grown")->count, 0);
        assert_int_equal(row(&g->clusters, "object with libfoo.so.1.2.4+0x1f00 (.data) at +0")->count, 50);
        assert_int_equal(row(&g->clusters, "object with libfoo.so.1.2.4+0x2000 (.data) at +0")->count, 2);
        assert_int_equal(row(&g->clusters, "object with libbar.so+0x20 (.data) at +0")->count, 1);
        assert_int_equal(row(&g->clusters, "object with libbar.so+0x30 (.data) at +0")->count, 1);
        assert_int_equal(g->clusters.n, 6);
        cs_growth_destroy(g);
}

/* Three of them became two: they cannot be told apart, and are one row. */
static void test_upgrade_unlike(void **state)
{
        (void)state;
        struct cs_snapshot *a = snapshot("old", 1, 1000, MIB), *b = snapshot("new", 2, 1600, MIB);
        add_library(a, "libbar.so", "cc", 1000);
        add_library(b, "libbar.so", "dd", 1000);
        add(a, "object with libbar.so+0x10 at +0", "libbar.so", "31", 5, 48);
        add(a, "object with libbar.so+0x20 at +0", "libbar.so", "32", 50, 48);
        add(a, "object with libbar.so+0x30 at +0", "libbar.so", "33", 7, 48);
        add(b, "object with libbar.so+0x18 at +0", "libbar.so", "34", 70, 48);
        add(b, "object with libbar.so+0x28 at +0", "libbar.so", "35", 2, 48);
        struct cs_growth *g = join_two(a, b);
        assert_int_equal(g->clusters.n, 1);
        assert_int_equal(g->clusters.at[0].count, 10);
        assert_true(g->clusters.at[0].likes > 1);
        cs_growth_destroy(g);
}

/* Without an upgrade another place is another thing. */
static void test_places_stay(void **state)
{
        (void)state;
        struct cs_snapshot *a = snapshot("old", 1, 1000, MIB), *b = snapshot("new", 1, 1600, MIB);
        add_library(a, "libbar.so", "cc", 1000);
        add_library(b, "libbar.so", "cc", 1000);
        add(a, "object with libbar.so+0x10 at +0", "libbar.so", "31", 5, 48);
        add(b, "object with libbar.so+0x20 at +0", "libbar.so", "32", 5, 48);
        struct cs_growth *g = join_two(a, b);
        assert_int_equal(g->clusters.n, 2);
        assert_int_equal(g->n_notes, 0);
        cs_growth_destroy(g);
}

/* A saved report has only its largest clusters: of what it does not list, only what is sure is told. */
static void test_unlisted(void **state)
{
        (void)state;
        struct cs_snapshot *a = snapshot("old", 1, 1000, MIB), *b = snapshot("new", 1, 1600, 2 * MIB);
        add(a, "Large", NULL, "11", 10, 1000);
        a->clusters_left = (struct cs_snapshot_left){ 40, 9000, 8000 };
        add(b, "Large", NULL, "11", 10, 1000);
        add(b, "Risen", NULL, "12", 300, 100);
        add(b, "Perhaps", NULL, "13", 70, 100);
        struct cs_growth *g = join_two(a, b);
        const struct cs_growth_row *r = row(&g->clusters, "Risen");
        assert_int_equal(r->state, CS_GROWTH_GREW);
        assert_true(r->least);
        assert_int_equal(r->resident, 30000 - 8000);
        assert_int_equal(r->bytes, 30000 - 9000);
        assert_int_equal(r->count, 300 - 90);
        r = row(&g->clusters, "Perhaps");
        assert_int_equal(r->resident, 0);
        assert_int_equal(r->state, CS_GROWTH_STAYED);
        assert_false(row(&g->clusters, "Large")->least);
        assert_noted(g, "lists 1 of 41 clusters");
        cs_growth_destroy(g);
}

/* A heap that was changed just then, and could not be walked, has lost nothing. */
static void test_unwalked(void **state)
{
        (void)state;
        struct cs_snapshot *all[3];
        for (size_t i = 0; i < 3; i++) {
                all[i] = snapshot("core", 1, 1000 + 60 * (int64_t)i, (10 + 6 * i) * MIB);
                all[i]->path = i % 2 ? "core.odd" : "core.even";
                if (i != 1)
                        add(all[i], "X", "liba.so", "11", 1000 * (i + 1), 6000);
        }
        all[1]->memory.kinds[0].bytes = all[1]->memory.kinds[0].resident = 0;
        struct cs_growth *g = join(all, 3);
        assert_noted(g, "no heap could be walked in core.odd");
        assert_true(row(&g->clusters, "X")->at[1].unlisted);
        assert_int_equal(row(&g->clusters, "X")->count, 2000);
        cs_growth_destroy(g);
}

static void test_no_clusters(void **state)
{
        (void)state;
        struct cs_snapshot *a = snapshot("old", 1, 1000, MIB), *b = snapshot("new", 1, 1600, 2 * MIB);
        a->has_clusters = a->has_libraries = false;
        add(b, "X", NULL, "11", 10, 1000);
        struct cs_growth *g = join_two(a, b);
        assert_int_equal(row(&g->clusters, "X")->resident, 0);
        assert_int_equal(row(&g->clusters, "X")->count, 0);
        assert_noted(g, "old has no clusters");
        assert_string_equal(g->verdict.kind, "growth");
        cs_growth_destroy(g);
}

static void test_several(void **state)
{
        (void)state;
        struct cs_snapshot *all[8];
        for (size_t i = 0; i < N(all); i++) {
                all[i] = snapshot("core", 1, 1000 + 60 * (int64_t)i, (10 + 6 * i) * MIB);
                all[i]->path = i % 2 ? "core.odd" : "core.even";
                add(all[i], "Leaks", "liba.so", "11", 1000 * (i + 1), 6000);
                add(all[i], "Warm", "liba.so", "12", i < 2 ? 10 * i : 20, 60000);
        }
        struct cs_growth *g = join(all, N(all));
        const struct cs_growth_row *r = row(&g->clusters, "Leaks");
        assert_true(r->shape.told);
        assert_int_equal(r->shape.shape, CS_TREND_LINEAR);
        assert_true(r->per_second > 99000 && r->per_second < 101000);
        r = row(&g->clusters, "Warm");
        assert_int_equal(r->shape.shape, CS_TREND_PLATEAU);
        assert_true(r->per_second == 0);
        assert_string_equal(g->verdict.kind, "growth");
        assert_non_null(strstr(g->verdict.reasons[0], "linear"));
        cs_growth_destroy(g);
}

/* ---- what is said ------------------------------------------------------------------------------------------------ */

static void test_leak(void **state)
{
        (void)state;
        struct cs_snapshot *a = snapshot("old", 1, 1000, 100 * MIB), *b = snapshot("new", 1, 1600, 160 * MIB);
        add(a, "Lost", "liba.so", "11", 100, 10000)->leak_bytes = 1000000;
        add(b, "Lost", "liba.so", "11", 6100, 10000)->leak_bytes = 61000000;
        struct cs_growth *g = join_two(a, b);
        assert_string_equal(g->verdict.kind, "leak");
        assert_non_null(strstr(g->verdict.reasons[0], "it is lost"));
        cs_growth_destroy(g);
}

/* A server under load: two looks at it meet what lies about until somebody collects it, and memory as a whole rests. */
static void test_busy(void **state)
{
        (void)state;
        struct cs_sample at[40];
        for (size_t i = 0; i < N(at); i++)
                at[i] = (struct cs_sample){ 0.25 * (double)i, 12e6, 0 };
        for (unsigned watched = 0; watched < 2; watched++) {
                struct cs_snapshot *two[] = { snapshot("old", 1, 1000, 12 * MIB),
                                              snapshot("new", 1, 1010, 12 * MIB + 61440) };
                struct cs_growth_series series = { at, N(at), NULL };
                struct cs_growth *g = NULL;
                struct cs_error err;
                add(two[0], "POST /", "libruby.so", "11", 100, 200);
                add(two[1], "POST /", "libruby.so", "11", 1100, 200)->leak_bytes = 200000;
                if (watched)
                        assert_int_equal(cs_growth_build_watched(two, N(two), &series, &g, &err), CS_OK);
                else
                        g = join_two(two[0], two[1]);
                assert_string_equal(g->verdict.kind, watched ? "healthy" : "growth");
                /* What is said of one thing is its own size. */
                assert_non_null(
                        strstr(g->verdict.summary, watched ? "no lasting growth" : "grew by 195 KiB"));
                cs_growth_destroy(g);
        }
}

static void test_rest(void **state)
{
        (void)state;
        struct cs_snapshot *a = snapshot("old", 1, 1000, 100 * MIB),
                           *b = snapshot("new", 1, 1600, 100 * MIB + 4096);
        b->verdict =
                (struct cs_report_verdict){ .kind = "fragmentation", .confidence = 0.8, .summary = "holes" };
        struct cs_growth *g = join_two(a, b);
        assert_string_equal(g->verdict.kind, "fragmentation");
        cs_growth_destroy(g);
        a = snapshot("old", 1, 1000, 100 * MIB);
        b = snapshot("new", 1, 1600, 90 * MIB);
        g = join_two(a, b);
        assert_string_equal(g->verdict.kind, "healthy");
        cs_growth_destroy(g);
}

static void test_bad_pairs(void **state)
{
        (void)state;
        struct cs_snapshot *a = snapshot("old", 1, 1000, MIB), *b = snapshot("new", 1, 900, 2 * MIB);
        struct cs_growth *g = join_two(a, b);
        assert_noted(g, "new is older than old");
        assert_false(g->timed);
        cs_growth_destroy(g);

        a = snapshot("old", 1, 1000, MIB);
        b = snapshot("old", 1, 1000, MIB);
        g = join_two(a, b);
        assert_noted(g, "the same snapshot");
        cs_growth_destroy(g);

        a = snapshot("old", 1, 1000, MIB);
        b = snapshot("new", 2, 1600, 9 * MIB);
        b->exe = "/opt/client";
        add(a, "X", NULL, "11", 1, 16);
        add(b, "X", NULL, "11", 2, 16);
        g = join_two(a, b);
        assert_false(g->same_program);
        assert_noted(g, "different programs");
        assert_false(noted(g, "started anew"));
        assert_int_equal(g->clusters.n, 0);
        assert_int_equal(g->kinds.n, 1);
        assert_string_equal(g->verdict.kind, "unknown");
        cs_growth_destroy(g);

        a = snapshot("old", 1, 0, MIB);
        b = snapshot("new", 1, 900, 2 * MIB);
        b->complete = false;
        b->exe = "/opt/v2/server (deleted)"; /* the same, in another folder, and replaced */
        a->saved = true;
        g = join_two(a, b);
        assert_true(g->same_program);
        assert_noted(g, "not known when old was taken");
        assert_noted(g, "new is partial");
        assert_noted(g, "old is a report of an older schema");
        cs_growth_destroy(g);
}

/* All that was there when somebody asked for the end. */
static void test_alone(void **state)
{
        (void)state;
        struct cs_snapshot *a = snapshot("old", 1, 1000, MIB);
        add(a, "X", NULL, "11", 10, 64);
        struct cs_growth *g = join((struct cs_snapshot *[]){ a }, 1);
        assert_string_equal(g->verdict.kind, "unknown");
        assert_non_null(strstr(g->verdict.summary, "nothing to compare"));
        assert_int_equal(g->clusters.at[0].state, CS_GROWTH_STAYED);
        cs_growth_destroy(g);
}

/* The largest numbers do not wrap. */
static void test_extremes(void **state)
{
        (void)state;
        struct cs_snapshot *a = snapshot("old", 1, 1, 4096), *b = snapshot("new", 1, 2, UINT64_MAX - MIB);
        struct cs_snapshot_cluster *c = add(b, "X", NULL, "11", 1, 16);
        c->count = c->bytes = c->resident = c->leak_bytes = UINT64_MAX;
        c = add(b, "Y", NULL, "11", 1, 16);
        c->count = c->bytes = c->resident = c->leak_bytes = UINT64_MAX;
        add(a, "Z", NULL, "12", 1, 16)->leak_bytes = UINT64_MAX;
        struct cs_growth *g = join_two(a, b);
        assert_int_equal(g->total.resident, INT64_MAX);
        assert_true(row(&g->clusters, "X")->resident > 0);
        cs_growth_destroy(g);
}

/* What a report becomes. */
static void test_take(void **state)
{
        (void)state;
        struct cs_report_cluster clusters[2] = {
                { .id = "c1",
                  .kind = "object",
                  .what = "A",
                  .count = 3,
                  .bytes = 48,
                  .resident = 40,
                  .signature = "aa" },
                { .id = "c2",
                  .kind = "text",
                  .what = "t",
                  .has_template = true,
                  .template = { "t\0u", 3 },
                  .library = "liba.so" },
        };
        struct cs_report_kind kind = { "stack", 10, 5, 1 };
        struct cs_report_library library = { "liba.so", "ab", 1, 2, 3, 0.5 };
        struct cs_report report = {
                .target = { .path = "core",
                            .pid = 7,
                            .exe = "/x",
                            .time_ms = 99,
                            .process = "ff",
                            .complete = true },
                .memory = { .resident = 5, .kinds = &kind, .n_kinds = 1 },
                .clusters = clusters,
                .n_clusters = 1,
                .n_patterns = 1,
                .libraries = &library,
                .n_libraries = 1,
                .verdict = { .kind = "healthy" },
        };
        struct cs_snapshot *s = NULL;
        struct cs_error err = { 0 };
        assert_int_equal(cs_snapshot_take(&report, &s, &err), CS_OK);
        memset(clusters, 0, sizeof(clusters)); /* it stands alone */
        assert_int_equal(s->n_clusters, 2);
        assert_string_equal(s->clusters[0].what, "A");
        assert_string_equal(s->clusters[0].signature, "aa");
        assert_null(s->clusters[0].library);
        assert_memory_equal(s->clusters[1].template.bytes, "t\0u", 3);
        assert_string_equal(s->libraries[0].build_id, "ab");
        assert_string_equal(s->memory.kinds[0].kind, "stack");
        assert_int_equal(s->time_ms, 99);
        assert_string_equal(s->verdict.kind, "healthy");
        cs_snapshot_destroy(s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_stems),          cmocka_unit_test(test_masks),
                cmocka_unit_test(test_signatures),     cmocka_unit_test(test_sums),
                cmocka_unit_test(test_templates),      cmocka_unit_test(test_upgrade),
                cmocka_unit_test(test_upgrade_unlike), cmocka_unit_test(test_places_stay),
                cmocka_unit_test(test_unlisted),       cmocka_unit_test(test_no_clusters),
                cmocka_unit_test(test_several),        cmocka_unit_test(test_leak),
                cmocka_unit_test(test_busy),           cmocka_unit_test(test_rest),
                cmocka_unit_test(test_bad_pairs),      cmocka_unit_test(test_unwalked),
                cmocka_unit_test(test_extremes),       cmocka_unit_test(test_alone),
                cmocka_unit_test(test_take),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
