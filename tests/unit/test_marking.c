/* SPDX-License-Identifier: Apache-2.0 */
/* What is lost in large graphs of nasty shapes: chains of millions, a block that millions point to, rings. No recursion, and no
 * square of work: a test that takes minutes fails by its time limit. */
#include "fake_process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { MANY = 500000 };
#else
enum { MANY = 10000000 };
#endif

enum { UNIT = 32 };

/* Blocks and references without memory: only what leaks are found from. */
struct graph_world {
        struct cs_blocks blocks;
        struct cs_graph graph;
        struct cs_cluster cluster;
        struct cs_clusters clusters;
        struct cs_space *space;
        struct cs_residency *residency;
        struct cs_leaks leaks;
        struct fake_process *p;
};

typedef uint32_t (*edge_fn)(uint32_t block, uint32_t nth, uint32_t n); /* CS_NO_BLOCK: no more */

static void make_blocks(struct graph_world *w, uint32_t n)
{
        w->p = fake_create();
        fake_heap(w->p, 0x1000);
        fake_top(w->p, FAKE_LIBC + FAKE_ARENA, FAKE_HEAP, FAKE_HEAP + 0x1000);
        fake_open(w->p);
        assert_int_equal(cs_residency_create(w->p->image, 1, &w->residency, NULL), CS_OK);
        struct cs_range bounds = { 0x10000000000, 0x10000000000 + (uint64_t)n * UNIT };
        assert_int_equal(cs_blocks_begin(&w->blocks, 0, bounds, NULL), CS_OK);
        for (uint32_t i = 0; i < n; i++)
                if (cs_blocks_add(&w->blocks, bounds.start + (uint64_t)i * UNIT, UNIT, CS_BLOCK_IN_USE,
                                  NULL) != CS_OK)
                        fail();
        cs_blocks_end(&w->blocks);
        assert_int_equal(cs_blocks_seal(&w->blocks, w->p->space, NULL), CS_OK);
        for (uint32_t i = 0; i < n; i++)
                cs_blocks_set_cluster(&w->blocks, i, 0);
        w->clusters.at.at = &w->cluster;
        w->clusters.at.n = 1;
}

static struct graph_world *graph_world(uint32_t n, edge_fn edge, uint32_t root)
{
        struct graph_world *w = calloc(1, sizeof(*w));
        struct cs_reference_list list = { 0 };
        if (!w)
                abort();
        make_blocks(w, n);
        w->graph.marks = calloc(n + 1, 1);
        assert_int_equal(cs_references_init(&w->graph.references, n, NULL), CS_OK);
        for (uint32_t i = 0; i < n; i++) {
                uint32_t to;
                for (uint32_t k = 0; (to = edge(i, k, n)) != CS_NO_BLOCK; k++) {
                        if (cs_reference_list_add(&list, &w->graph.references, i, to, CS_AIM_START, NULL) !=
                            CS_OK)
                                fail();
                        if (to != i)
                                w->graph.marks[to] = CS_MARK_REFERENCED;
                }
        }
        assert_int_equal(cs_references_join(&w->graph.references, &list, 1, n, 1, NULL), CS_OK);
        cs_reference_list_deinit(&list);
        if (root != CS_NO_BLOCK) {
                assert_int_equal(cs_vec_push(&w->graph.roots, root, NULL), CS_OK);
                w->graph.marks[root] = CS_MARK_REFERENCED;
        }
        return w;
}

static void graph_world_destroy(struct graph_world *w)
{
        cs_leaks_deinit(&w->leaks);
        cs_graph_deinit(&w->graph);
        cs_blocks_deinit(&w->blocks);
        cs_residency_destroy(w->residency);
        fake_destroy(w->p);
        free(w);
}

static double seconds(void)
{
        struct timespec t;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Shapes: the nth block that `i` of n refers to. */

static uint32_t end(void)
{
        return CS_NO_BLOCK;
}

static uint32_t chain(uint32_t i, uint32_t k, uint32_t n)
{
        return k || i + 1 == n ? end() : i + 1;
}

static uint32_t backwards(uint32_t i, uint32_t k, uint32_t n)
{
        (void)n;
        return k || !i ? end() : i - 1;
}

static uint32_t ring(uint32_t i, uint32_t k, uint32_t n)
{
        return k ? end() : i + 1 == n ? 0 : i + 1;
}

/* One step that is far in memory leads to all others in turn: n is no multiple of it. */
static uint32_t far_ring(uint32_t i, uint32_t k, uint32_t n)
{
        return k ? end() : (uint32_t)((i + UINT64_C(3333331)) % n);
}

static uint32_t star(uint32_t i, uint32_t k, uint32_t n)
{
        return i ? end() : k + 1 < n ? k + 1 : end();
}

static uint32_t hub(uint32_t i, uint32_t k, uint32_t n)
{
        (void)n;
        return k || !i ? end() : 0;
}

static uint32_t hub_and_back(uint32_t i, uint32_t k, uint32_t n)
{
        return i ? hub(i, k, n) : star(i, k, n);
}

static uint32_t selves(uint32_t i, uint32_t k, uint32_t n)
{
        (void)n;
        return k ? end() : i;
}

static uint32_t pairs(uint32_t i, uint32_t k, uint32_t n)
{
        return k || (i ^ 1) >= n ? end() : i ^ 1;
}

/* Two children anywhere in memory. */
static uint32_t jumble(uint32_t i, uint32_t k, uint32_t n)
{
        return k > 1 ? end() : (uint32_t)((i * UINT64_C(2) + k + 1) * 2654435761u % n);
}

static uint32_t nothing(uint32_t i, uint32_t k, uint32_t n)
{
        (void)i;
        (void)k;
        (void)n;
        return end();
}

static void test_shapes(void **state)
{
        (void)state;
        static const struct {
                const char *what;
                edge_fn edge;
                uint32_t root;
                uint64_t direct, indirect;
        } cases[] = {
                { "chain, kept", chain, 0, 0, 0 },
                { "chain, lost", chain, CS_NO_BLOCK, 1, MANY - 1 },
                { "chain backwards, kept", backwards, MANY - 1, 0, 0 },
                { "chain backwards, lost", backwards, CS_NO_BLOCK, 1, MANY - 1 },
                { "ring, kept", ring, 7, 0, 0 },
                { "ring, lost", ring, CS_NO_BLOCK, 1, MANY - 1 },
                { "ring all over memory, kept", far_ring, 7, 0, 0 },
                { "ring all over memory, lost", far_ring, CS_NO_BLOCK, 1, MANY - 1 },
                { "one to all, kept", star, 0, 0, 0 },
                { "one to all, lost", star, CS_NO_BLOCK, 1, MANY - 1 },
                { "all to one", hub, CS_NO_BLOCK, MANY - 1, 1 },
                { "all to one, which is kept", hub, 0, MANY - 1, 0 },
                { "all to one and back", hub_and_back, CS_NO_BLOCK, 1, MANY - 1 },
                { "all to one and back, kept", hub_and_back, 5, 0, 0 },
                { "each to itself", selves, CS_NO_BLOCK, MANY, 0 },
                { "pairs", pairs, CS_NO_BLOCK, MANY / 2, MANY / 2 },
                { "a jumble", jumble, 0, UINT64_MAX, 0 },
                { "nothing to nothing", nothing, CS_NO_BLOCK, MANY, 0 },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct graph_world *w = graph_world(MANY, cases[i].edge, cases[i].root);
                struct cs_leaks_input in = { &w->blocks, &w->clusters, &w->graph, w->residency, NULL, NULL };
                double before = seconds();
                assert_int_equal(cs_leaks_find(&in, &w->leaks, NULL), CS_OK);
                print_message("%-28s %.2f s\n", cases[i].what, seconds() - before);
                if (cases[i].direct != UINT64_MAX && (w->leaks.direct.count != cases[i].direct ||
                                                      w->leaks.indirect.count != cases[i].indirect))
                        fail_msg("%s: %lu direct, %lu indirect", cases[i].what,
                                 (unsigned long)w->leaks.direct.count,
                                 (unsigned long)w->leaks.indirect.count);
                if (w->leaks.clusters[0].retained != (w->leaks.direct.count + w->leaks.indirect.count) * UNIT)
                        fail_msg("%s: %lu bytes retained", cases[i].what,
                                 (unsigned long)w->leaks.clusters[0].retained);
                graph_world_destroy(w);
        }
}

/* What is looked for eight marks at a time is what one finds by looking at each. */
static void test_next(void **state)
{
        (void)state;
        enum { MARKS = 1000 };
        uint8_t marks[MARKS] = { 0 };
        const struct cs_graph graph = { .marks = marks };
        const uint32_t few[] = { 0, 7, 8, 100, 101, 102, 355, 992, MARKS - 1 };
        static const struct {
                uint8_t mask, same, most, other;
        } cases[] = {
                { CS_MARK_REACHED, CS_MARK_REACHED, CS_MARK_REACHED | CS_MARK_REFERENCED, CS_MARK_LEAK },
                { CS_MARK_LEAK, 0, CS_MARK_REACHED, CS_LEAK_INDIRECT << CS_MARK_LEAK_SHIFT },
                { CS_MARK_LEAK, 0, CS_MARK_STALE, CS_MARK_LEAK },
        };
        for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
                memset(marks, cases[k].most, MARKS);
                for (size_t i = 0; i < sizeof(few) / sizeof(few[0]); i++)
                        marks[few[i]] = cases[k].other;
                for (uint32_t end = MARKS - 20; end <= MARKS; end++)
                        for (uint32_t from = 0; from <= end; from++) {
                                uint32_t want = from;
                                while (want < end && (marks[want] & cases[k].mask) == cases[k].same)
                                        want++;
                                assert_int_equal(cs_graph_next(&graph, cases[k].mask, cases[k].same, from,
                                                               end),
                                                 want);
                        }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_shapes), cmocka_unit_test(test_next) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
