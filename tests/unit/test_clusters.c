/* SPDX-License-Identifier: Apache-2.0 */
/* Which blocks are taken for like ones, and that the answer does not depend on the number of workers. */
#include "fake_process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA (FAKE_LIBC + FAKE_ARENA)

enum { HEAP_BYTES = 0x40000 };

/* Objects are added at `at`. */
struct world {
        struct fake_process *p;
        uint64_t at;
};

static int set_up(void **state)
{
        struct world *w = calloc(1, sizeof(*w));
        if (!w)
                return -1;
        *state = w;
        w->p = fake_create();
        w->at = FAKE_HEAP;
        fake_heap(w->p, HEAP_BYTES);
        return 0;
}

static int tear_down(void **state)
{
        struct world *w = *state;
        fake_destroy(w->p);
        free(w);
        return 0;
}

static void relate(struct world *w, unsigned workers)
{
        fake_top(w->p, ARENA, w->at, FAKE_HEAP + HEAP_BYTES);
        fake_open(w->p);
        fake_relate(w->p, workers);
}

static uint64_t object(struct world *w, uint64_t size, uint64_t first, uint64_t second)
{
        return fake_object(w->p, &w->at, size, (uint64_t[]){ first, second }, 2);
}

static void expect(const struct world *w, const char *what, uint64_t user, enum cs_cluster_kind kind,
                   uint64_t count)
{
        const struct cs_cluster *c = fake_cluster(w->p, user);
        if (c->kind != kind || c->count != count)
                fail_msg("%s: kind %d, %lu blocks", what, (int)c->kind, (unsigned long)c->count);
}

static bool same(const struct world *w, uint64_t a, uint64_t b)
{
        return fake_cluster(w->p, a) == fake_cluster(w->p, b);
}

/* A vtable at the start is a class, whatever the size: arrays at the end, derived classes without a vtable of their own. */
static void test_classes(void **state)
{
        struct world *w = *state;
        uint64_t a = fake_class(w->p, FAKE_WIDGET, "6Widget"), b = fake_class(w->p, FAKE_WIDGET, "5Other"),
                 user[6];
        for (size_t i = 0; i < 5; i++)
                user[i] = object(w, 0x40 + 0x100 * i, a, 0);
        user[5] = object(w, 0x40, b, 0);
        relate(w, 2);
        for (size_t i = 0; i < 5; i++)
                expect(w, "class", user[i], CS_CLUSTER_CLASS, 5);
        expect(w, "one of its kind", user[5], CS_CLUSTER_CLASS, 1);
        const struct cs_cluster *c = fake_cluster(w->p, user[0]);
        assert_int_equal(c->target, a);
        assert_int_equal(c->offset, 0);
        assert_int_equal(c->bytes, 5 * 0x40 + 0x100 * 10);
        assert_int_equal(c->min_units, 4);
        assert_int_equal(c->max_units, 0x440 / 16);
        assert_int_equal(c->n_examples, 5);
        assert_int_equal(c->examples[0], fake_block(w->p, user[0]));
        const struct cs_target *t = cs_targets_at(&w->p->clusters.targets, a);
        assert_true(t && t->kind == CS_TARGET_VTABLE);
        assert_string_equal(t->class_name, "Widget");
}

/* What points at nothing need not be read again; what points at anything at all, up to the last word, must be. */
static void test_quiet_blocks(void **state)
{
        struct world *w = *state;
        uint64_t words[9] = { 0 }, huge[9000] = { 0 };
        uint64_t zeros = fake_object(w->p, &w->at, 0x50, words, 9);
        words[3] = 70000, words[8] = UINT64_C(0x7d3a) << 48;
        uint64_t numbers = fake_object(w->p, &w->at, 0x50, words, 9);
        words[8] = zeros;
        uint64_t last = fake_object(w->p, &w->at, 0x50, words, 9);
        words[8] = FAKE_WIDGET + FAKE_DATA + 0x100;
        uint64_t module = fake_object(w->p, &w->at, 0x50, words, 9);
        /* Of large blocks only the beginning is looked at in time. */
        uint64_t large = fake_object(w->p, &w->at, 9002 * 8, huge, 9000);
        relate(w, 2);
        assert_true(cs_clusters_quiet(&w->p->clusters, fake_block(w->p, zeros)));
        assert_true(cs_clusters_quiet(&w->p->clusters, fake_block(w->p, numbers)));
        assert_false(cs_clusters_quiet(&w->p->clusters, fake_block(w->p, last)));
        assert_false(cs_clusters_quiet(&w->p->clusters, fake_block(w->p, module)));
        assert_false(cs_clusters_quiet(&w->p->clusters, fake_block(w->p, large)));
}

/* A pointer into a module at some offset, shared by blocks of one size. */
static void test_objects(void **state)
{
        struct world *w = *state;
        uint64_t table = FAKE_WIDGET + FAKE_DATA + 0x100, user[20];
        for (size_t i = 0; i < 10; i++) {
                user[i] = object(w, 0x50, i, table);
                user[10 + i] = object(w, 0x200, i, table);
        }
        relate(w, 1);
        for (size_t i = 0; i < 20; i++)
                expect(w, "object", user[i], CS_CLUSTER_OBJECT, 10);
        assert_false(same(w, user[0], user[10]));
        assert_int_equal(fake_cluster(w->p, user[0])->offset, 8);
        assert_int_equal(fake_cluster(w->p, user[0])->target, table);
}

/* malloc now and then gives 16 bytes more, where the rest of a chunk is too small to stand alone; two kinds that differ by 16
 * bytes are both common. */
static void test_rounding(void **state)
{
        struct world *w = *state;
        uint64_t table = FAKE_WIDGET + FAKE_DATA + 0x100, other = table + 0x40, user[80];
        for (size_t i = 0; i < 40; i++)
                user[i] = object(w, i % 20 == 7 ? 0x60 : 0x50, i, table);
        for (size_t i = 40; i < 80; i++)
                user[i] = object(w, i % 2 ? 0x60 : 0x50, i, other);
        relate(w, 2);
        for (size_t i = 0; i < 40; i++)
                expect(w, "rounded up", user[i], CS_CLUSTER_OBJECT, 40);
        for (size_t i = 40; i < 80; i++)
                expect(w, "two kinds", user[i], CS_CLUSTER_OBJECT, 20);
        assert_int_equal(fake_cluster(w->p, user[0])->min_units, 5);
        assert_int_equal(fake_cluster(w->p, user[0])->max_units, 6);
}

static void test_texts(void **state)
{
        struct world *w = *state;
        uint64_t user[30];
        for (size_t i = 0; i < 30; i++) {
                char text[128];
                snprintf(text, sizeof(text), i % 3 ? "GET /item/%zu HTTP/1.1" : "session %zu has ended",
                         1000 + 37 * i);
                user[i] = fake_text(w->p, &w->at, i % 2 ? 0x40 : 0x90, text);
        }
        relate(w, 2);
        for (size_t i = 0; i < 30; i++)
                expect(w, "text", user[i], CS_CLUSTER_TEXT, i % 3 ? 20 : 10);
        const struct cs_cluster *c = fake_cluster(w->p, user[1]);
        assert_int_equal(c->text_len, strlen("GET /item/<n> HTTP/1.1"));
        assert_memory_equal(c->text, "GET /item/<n> HTTP/1.1", c->text_len);
        assert_false(c->cut);
}

/* A text in a block that somebody else had before: pointers stand behind its end, each another. */
static void test_stale_slack(void **state)
{
        struct world *w = *state;
        uint64_t user[20];
        for (size_t i = 0; i < 20; i++) {
                char text[64];
                snprintf(text, sizeof(text), "user %zu logged in", 5000 + i);
                user[i] = fake_text(w->p, &w->at, 0x60, text);
                if (i % 3 == 0) {
                        fake_put(w->p, user[i] + 0x28, FAKE_WIDGET + FAKE_DATA + 0x10 * i);
                        fake_put(w->p, user[i] + 0x30, FAKE_HEAP + 0x10);
                }
        }
        /* The same stale pointer in a few of them does not make them objects either. */
        for (size_t i = 0; i < 4; i++)
                fake_put(w->p, user[i] + 0x38, FAKE_APP + FAKE_DATA + 0x80);
        relate(w, 2);
        for (size_t i = 0; i < 20; i++)
                expect(w, "text", user[i], CS_CLUSTER_TEXT, 20);
}

/* A structure that begins with a name: all of its kind have the same pointer behind it. */
static void test_name_in_a_structure(void **state)
{
        struct world *w = *state;
        uint64_t user[20];
        for (size_t i = 0; i < 20; i++) {
                char name[32];
                snprintf(name, sizeof(name), "worker-thread-%zu", i);
                user[i] = fake_text(w->p, &w->at, 0x60, name);
                fake_put(w->p, user[i] + 0x20, FAKE_WIDGET + FAKE_DATA + 0x100);
                fake_put(w->p, user[i] + 0x28, i + 1);
        }
        relate(w, 2);
        for (size_t i = 0; i < 20; i++)
                expect(w, "structure", user[i], CS_CLUSTER_OBJECT, 20);
        assert_int_equal(fake_cluster(w->p, user[0])->offset, 0x20);
}

/* A vtable beats the text behind it, and a lone pointer makes no kind. */
static void test_shapes(void **state)
{
        struct world *w = *state;
        uint64_t a[3], b[3], c, d;
        for (size_t i = 0; i < 3; i++) {
                a[i] = object(w, 0x40, FAKE_HEAP + 0x10, i);
                b[i] = object(w, 0x40, i + 3, FAKE_HEAP + 0x10);
        }
        c = object(w, 0x50, FAKE_HEAP + 0x10, 0);
        d = object(w, 0x70, 1, FAKE_WIDGET + FAKE_DATA + 0x230); /* nobody else points there */
        relate(w, 2);
        for (size_t i = 0; i < 3; i++) {
                expect(w, "pointer at 0", a[i], CS_CLUSTER_SHAPE, 3);
                expect(w, "pointer at 8", b[i], CS_CLUSTER_SHAPE, 3);
        }
        assert_false(same(w, a[0], b[0]));
        expect(w, "other size", c, CS_CLUSTER_SHAPE, 1);
        expect(w, "lone pointer", d, CS_CLUSTER_SHAPE, 1);
}

/* Pointers to headers of an object, like the ELF header, and numbers that look like addresses say nothing. */
static void test_no_anchor(void **state)
{
        struct world *w = *state;
        uint64_t user[6];
        for (size_t i = 0; i < 6; i++)
                user[i] = object(w, 0x40, 0x1234, UINT64_C(1) << 48 | (FAKE_WIDGET + FAKE_DATA));
        relate(w, 1);
        for (size_t i = 0; i < 6; i++)
                expect(w, "numbers", user[i], CS_CLUSTER_SHAPE, 6);
}

/* Many blocks of many kinds in more than one slice. */
static struct fake_process *city(unsigned workers)
{
        struct world w = { fake_create(), FAKE_HEAP };
        enum { CITY = 40000, CITY_HEAP = 0x600000 };
        uint32_t seed = 1;
        uint64_t class[8];
        fake_heap(w.p, CITY_HEAP);
        for (size_t i = 0; i < 8; i++)
                class[i] =
                        fake_class(w.p, i % 2 ? FAKE_WIDGET : FAKE_APP, (char[]){ '1', (char)('A' + i), 0 });
        for (size_t i = 0; i < CITY; i++) {
                char text[64];
                seed = seed * 1103515245 + 12345;
                uint32_t r = seed >> 16;
                switch (r % 5) {
                case 0:
                        (void)object(&w, 0x40 + 16 * (r % 3), class[r / 5 % 8],
                                     FAKE_HEAP + 0x10 + r % 0x10000);
                        break;
                case 1:
                        snprintf(text, sizeof(text), r % 2 ? "/api/%u/%u" : "user=%u host-%u.example.net", r,
                                 seed);
                        (void)fake_text(w.p, &w.at, 0x60, text);
                        break;
                case 2:
                        (void)object(&w, 0x30 + 16 * (r % 20), r, FAKE_WIDGET + FAKE_DATA + 8 * (r % 64));
                        break;
                case 3:
                        (void)object(&w, 0x80, FAKE_HEAP + 0x10 + r * 16, r);
                        break;
                default:
                        (void)object(&w, 0x20, r, seed);
                }
        }
        fake_top(w.p, ARENA, w.at, FAKE_HEAP + CITY_HEAP);
        fake_open(w.p);
        fake_relate(w.p, workers);
        return w.p;
}

static void test_workers_do_not_matter(void **state)
{
        (void)state;
        static const unsigned workers[] = { 2, 8 };
        struct fake_process *one = city(1);
        assert_true(one->slices.n > 2);
        uint64_t count = 0;
        for (size_t c = 0; c < one->clusters.at.n; c++) {
                count += one->clusters.at.at[c].count;
                if (c)
                        assert_true(one->clusters.at.at[c].resident <= one->clusters.at.at[c - 1].resident);
        }
        for (size_t i = 0; i < sizeof(workers) / sizeof(workers[0]); i++) {
                struct fake_process *many = city(workers[i]);
                assert_int_equal(many->clusters.at.n, one->clusters.at.n);
                for (size_t c = 0; c < one->clusters.at.n; c++) {
                        const struct cs_cluster *a = &one->clusters.at.at[c], *b = &many->clusters.at.at[c];
                        assert_int_equal(a->kind, b->kind);
                        assert_true(a->key == b->key || a->kind == CS_CLUSTER_TEXT);
                        assert_int_equal(a->count, b->count);
                        assert_int_equal(a->bytes, b->bytes);
                        assert_int_equal(a->resident, b->resident);
                        assert_int_equal(a->min_units, b->min_units);
                        assert_int_equal(a->max_units, b->max_units);
                        assert_int_equal(a->text_len, b->text_len);
                        if (a->text_len)
                                assert_memory_equal(a->text, b->text, a->text_len);
                        assert_int_equal(a->n_examples, b->n_examples);
                        assert_memory_equal(a->examples, b->examples, a->n_examples * sizeof(a->examples[0]));
                        assert_int_equal(one->owners.clusters[c].module, many->owners.clusters[c].module);
                        assert_true(one->owners.clusters[c].confidence ==
                                    many->owners.clusters[c].confidence);
                        assert_memory_equal(&one->leaks.clusters[c], &many->leaks.clusters[c],
                                            sizeof(one->leaks.clusters[c]));
                }
                uint32_t n = cs_blocks_indices(&one->heaps.blocks);
                assert_int_equal(cs_blocks_indices(&many->heaps.blocks), n);
                for (uint32_t b = 0; b < n; b++)
                        assert_int_equal(cs_blocks_cluster(&one->heaps.blocks, b),
                                         cs_blocks_cluster(&many->heaps.blocks, b));
                const struct cs_references *r = &one->graph.references, *s = &many->graph.references;
                assert_memory_equal(r->first, s->first, (n + 1) * sizeof(*r->first));
                assert_memory_equal(r->packed, s->packed, cs_references_begin(r, n));
                assert_memory_equal(one->graph.marks, many->graph.marks, n);
                assert_int_equal(one->graph.edges.n, many->graph.edges.n);
                for (size_t e = 0; e < one->graph.edges.n; e++) {
                        const struct cs_edge *a = &one->graph.edges.at[e], *b = &many->graph.edges.at[e];
                        assert_true(a->to == b->to && a->from == b->from && a->offset == b->offset &&
                                    a->count == b->count && a->example == b->example);
                }
                fake_destroy(many);
        }
        assert_int_equal(count, cs_blocks_indices(&one->heaps.blocks) - 1); /* all but the top */
        fake_destroy(one);
}

static void test_members(void **state)
{
        struct world *w = *state;
        uint64_t class = fake_class(w->p, FAKE_WIDGET, "6Widget"), user[100];
        for (size_t i = 0; i < 100; i++)
                user[i] = object(w, 0x40, i % 4 ? class : i, i);
        relate(w, 2);
        uint32_t sample[200], c = cs_blocks_cluster(&w->p->heaps.blocks, fake_block(w->p, user[1]));
        assert_int_equal(cs_members_sample(&w->p->members, c, 200, sample), 75);
        for (size_t i = 0; i < 75; i++) {
                assert_int_equal(cs_blocks_cluster(&w->p->heaps.blocks, sample[i]), c);
                assert_true(!i || sample[i] > sample[i - 1]);
        }
        assert_int_equal(cs_members_sample(&w->p->members, c, 5, sample), 5);
        assert_true(sample[0] < 10 && sample[4] > 70); /* spread over all of them */
        assert_int_equal(cs_members_sample(&w->p->members, c, 0, sample), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_classes, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_quiet_blocks, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_objects, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_rounding, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_texts, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_stale_slack, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_name_in_a_structure, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_shapes, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_no_anchor, set_up, tear_down),
                cmocka_unit_test(test_workers_do_not_matter),
                cmocka_unit_test_setup_teardown(test_members, set_up, tear_down),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
