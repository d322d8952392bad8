/* SPDX-License-Identifier: Apache-2.0 */
/* Which module asked for a kind of blocks: by its own words, by who points at it, by what it leads to. */
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

enum { HEAP_BYTES = 0x10000, N = 20 };

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

static void relate(struct world *w)
{
        fake_top(w->p, ARENA, w->at, FAKE_HEAP + HEAP_BYTES);
        fake_open(w->p);
        fake_relate(w->p, 2);
}

static uint64_t object(struct world *w, uint64_t size, uint64_t first, uint64_t second)
{
        return fake_object(w->p, &w->at, size, (uint64_t[]){ first, second }, 2);
}

static const struct cs_owner *owner(const struct world *w, uint64_t user)
{
        return &w->p->owners.clusters[cs_blocks_cluster(&w->p->heaps.blocks, fake_block(w->p, user))];
}

/* Checks the owner, and what holds for every one. */
static const struct cs_owner *expect(const struct world *w, uint64_t user, const char *module, double least)
{
        const struct cs_owner *o = owner(w, user);
        if (o->module == CS_NO_MODULE)
                fail_msg("no owner, not %s", module);
        assert_string_equal(w->p->image->modules.at[o->module].name, module);
        assert_true(o->confidence >= least && o->confidence <= 1);
        assert_true(o->n_evidence > 0);
        for (uint32_t i = 0; i < o->n_evidence; i++) {
                const struct cs_evidence *e = &o->evidence[i];
                assert_true(e->share > 0 && e->share <= 1 && e->weight > 0 && e->weight <= 1);
                assert_int_equal(e->module, o->module);
                if (i)
                        assert_true(e->share * e->weight <= e[-1].share * e[-1].weight);
        }
        return o;
}

/* Where nothing speaks for anybody, the neighbours are asked, and that is no more than a guess. */
static void expect_guess(const struct world *w, uint64_t user)
{
        const struct cs_owner *o = owner(w, user);
        assert_true(o->module == CS_NO_MODULE || o->confidence < 0.5);
        for (uint32_t i = 0; i < o->n_evidence; i++)
                assert_int_equal(o->evidence[i].kind, CS_EVIDENCE_NEIGHBOUR);
}

static void test_own_vtable(void **state)
{
        struct world *w = *state;
        uint64_t class = fake_class(w->p, FAKE_WIDGET, "6Widget"), user = 0;
        for (size_t i = 0; i < N; i++)
                /* A pointer into the application further inside: whoever registered a callback there. */
                user = object(w, 0x60, class, FAKE_APP + FAKE_TEXT + 0x200);
        relate(w);
        const struct cs_owner *o = expect(w, user, "libwidget.so.1", 0.95);
        assert_int_equal(o->evidence[0].kind, CS_EVIDENCE_TARGET);
        assert_int_equal(o->evidence[0].offset, 0);
        assert_int_equal(o->evidence[0].target, class);
        assert_true(o->evidence[0].share == 1);
}

static void test_own_data(void **state)
{
        struct world *w = *state;
        uint64_t user = 0, function = 0;
        for (size_t i = 0; i < N; i++) {
                user = object(w, 0x60, i, FAKE_APP + FAKE_DATA + 0x40);
                function = object(w, 0x70, i, FAKE_WIDGET + FAKE_TEXT + 0x40);
        }
        relate(w);
        const struct cs_owner *o = expect(w, user, "app", 0.5);
        assert_int_equal(o->evidence[0].offset, 8);
        const struct cs_owner *f = expect(w, function, "libwidget.so.1", 0.3);
        assert_true(f->confidence < o->confidence); /* code says less than data */
}

/* What points into libc alone (a FILE, say) is nobody's by that. */
static void test_runtimes_say_nothing(void **state)
{
        struct world *w = *state;
        uint64_t alone = 0, both = 0;
        for (size_t i = 0; i < N; i++) {
                alone = object(w, 0x60, FAKE_LIBC + FAKE_DATA + 0x10, 0);
                both = object(w, 0x80, FAKE_LIBC + FAKE_DATA + 0x10, FAKE_WIDGET + FAKE_DATA + 0x20);
        }
        relate(w);
        expect_guess(w, alone);
        expect(w, both, "libwidget.so.1", 0.5);
}

/* Texts and blocks without a mark belong to the objects that point at them, over more than one step. */
static void test_by_referrer(void **state)
{
        struct world *w = *state;
        uint64_t class = fake_class(w->p, FAKE_WIDGET, "6Widget"), text = 0, middle = 0, last = 0;
        for (size_t i = 0; i < N; i++) {
                char words[64];
                uint64_t owner_at = w->at;
                snprintf(words, sizeof(words), "POST /api/%zu HTTP/1.1", i * 77);
                (void)object(w, 0x60, class, owner_at + 0x60 + 16);
                text = fake_text(w->p, &w->at, 0x40, words);
                fake_put(w->p, owner_at + 16 + 16, w->at + 16);
                middle = object(w, 0x90, i, w->at + 0x90 + 16);
                last = object(w, 0xa0, i, i);
        }
        relate(w);
        assert_int_equal(fake_cluster(w->p, text)->kind, CS_CLUSTER_TEXT);
        const struct cs_owner *o = expect(w, text, "libwidget.so.1", 0.8);
        assert_int_equal(o->evidence[0].kind, CS_EVIDENCE_REFERRER);
        assert_int_equal(o->evidence[0].offset, 8);
        assert_true(o->evidence[0].share == 1);
        const struct cs_owner *m = expect(w, middle, "libwidget.so.1", 0.8);
        const struct cs_owner *l = expect(w, last, "libwidget.so.1", 0.7);
        assert_true(l->confidence <= m->confidence);
}

static void test_static_root(void **state)
{
        struct world *w = *state;
        uint64_t stack = object(w, 0x2000, 1, 2), libc = object(w, 0x3000, 1, 2),
                 user = object(w, 0x1000, 1, 2);
        fake_put(w->p, FAKE_APP + FAKE_BSS + 0x30, user);
        fake_put(w->p, FAKE_STACK + FAKE_SP + 8, stack);
        fake_put(w->p, FAKE_LIBC + FAKE_DATA + 8, libc);
        relate(w);
        const struct cs_owner *o = expect(w, user, "app", 0.8);
        assert_int_equal(o->evidence[0].kind, CS_EVIDENCE_ROOT);
        assert_int_equal(o->evidence[0].target, FAKE_APP + FAKE_BSS + 0x30);
        expect_guess(w, stack);
        expect_guess(w, libc);
}

/* An array of pointers to somebody's objects is theirs, too. */
static void test_by_children(void **state)
{
        struct world *w = *state;
        uint64_t class = fake_class(w->p, FAKE_WIDGET, "6Widget"), user[N], array = w->at + 0x10, other;
        w->at = fake_chunk(w->p, w->at, 0x200);
        other = object(w, 0x300, 1, 2);
        for (size_t i = 0; i < N; i++) {
                user[i] = object(w, 0x60, class, 0);
                fake_put(w->p, array + 8 * i, user[i]);
        }
        relate(w);
        const struct cs_owner *o = expect(w, array, "libwidget.so.1", 0.25);
        assert_int_equal(o->evidence[0].kind, CS_EVIDENCE_CHILD);
        assert_true(o->confidence < owner(w, user[0])->confidence);
        expect_guess(w, other);
}

/* Two libraries that point at the same kind in equal parts: neither is sure. */
static void test_disagreement(void **state)
{
        struct world *w = *state;
        uint64_t a = fake_class(w->p, FAKE_WIDGET, "6Widget"), b = fake_class(w->p, FAKE_APP, "3App"),
                 shared = 0;
        for (size_t i = 0; i < N; i++) {
                uint64_t parent = w->at;
                (void)object(w, 0x60, i % 2 ? a : b, parent + 0x60 + 16);
                shared = object(w, 0x90, i, i);
        }
        relate(w);
        const struct cs_owner *o = owner(w, shared);
        assert_true(o->module == CS_NO_MODULE || o->confidence < 0.6);
}

static void put_text(const struct world *w, uint64_t at, const char *text)
{
        for (size_t i = 0; i <= strlen(text); i += 8) {
                uint64_t word = 0;
                memcpy(&word, text + i, strlen(text) - i < 8 ? strlen(text) - i : 8);
                fake_put(w->p, at + i, word);
        }
}

/* Text that one module alone has among its constants, as it is or as a format, is its; what two have is nobody's. */
static void test_by_literal(void **state)
{
        struct world *w = *state;
        put_text(w, FAKE_WIDGET + FAKE_RODATA + 8, "Content-Length: %d");
        put_text(w, FAKE_WIDGET + FAKE_RODATA + 0x40, "half a widget");
        put_text(w, FAKE_WIDGET + FAKE_RODATA + 0x80, "shared by two");
        put_text(w, FAKE_APP + FAKE_RODATA + 0x40, "shared by two");
        uint64_t format = fake_text(w->p, &w->at, 0x30, "Content-Length: 4711");
        uint64_t whole = fake_text(w->p, &w->at, 0x40, "half a widget");
        uint64_t both = fake_text(w->p, &w->at, 0x50, "shared by two");
        uint64_t none = fake_text(w->p, &w->at, 0x70, "nobody's constant");
        relate(w);
        const struct cs_owner *o = expect(w, format, "libwidget.so.1", 0.5);
        assert_int_equal(o->evidence[0].kind, CS_EVIDENCE_LITERAL);
        assert_int_equal(o->evidence[0].target, format);
        expect(w, whole, "libwidget.so.1", 0.5);
        expect_guess(w, both);
        expect_guess(w, none);
}

/* A sure vote that comes later amends what a doubtful one decided; the end of a long list is its owner's as well. */
static void test_long_list(void **state)
{
        struct world *w = *state;
        uint64_t class = fake_class(w->p, FAKE_WIDGET, "6Widget"), last = 0;
        (void)object(w, 0x60, class, w->at + 0x60 + 16);
        for (size_t i = 0; i < 600; i++)
                last = object(w, 0x40, i < 599 ? w->at + 0x40 + 16 : 0, 7);
        relate(w);
        uint32_t block = fake_block(w->p, last);
        assert_int_equal(cs_label_module(&w->p->owners.blocks, block),
                         cs_label_module(&w->p->owners.blocks, fake_block(w->p, FAKE_HEAP + 16)));
        assert_true(w->p->owners.blocks.certainty[block] > 0);
}

/* Blocks of one size that refer to something: what some of them say is said of all, if nothing else speaks. */
static void test_by_peers(void **state)
{
        struct world *w = *state;
        uint64_t silent = 0;
        for (size_t i = 0; i < N; i++) {
                uint64_t next = w->at + 0x60 + 16;
                silent = object(w, 0x60, i % 2 ? FAKE_WIDGET + FAKE_DATA + 0x40 + 64 * i : i, next);
                (void)object(w, 0x30, 1, 2);
        }
        relate(w);
        uint32_t before = fake_block(w->p, silent - 2 * 0x90);
        assert_string_equal(w->p->image->modules.at[cs_label_module(&w->p->owners.blocks, before)].name,
                            "libwidget.so.1");
}

static void test_nothing(void **state)
{
        struct world *w = *state;
        relate(w);
        assert_int_equal(w->p->clusters.at.n, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_own_vtable, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_own_data, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_runtimes_say_nothing, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_by_referrer, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_static_root, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_by_children, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_disagreement, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_by_literal, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_long_list, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_by_peers, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_nothing, set_up, tear_down),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
