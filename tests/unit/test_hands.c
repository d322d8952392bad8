/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a block is by what lies around it: its own words before all, then what it leads to and what lies beside it. */
#include "fake_process.h"
#include "hands.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define ARENA (FAKE_LIBC + FAKE_ARENA)
#define APP_DATA (FAKE_APP + FAKE_DATA + 0x40)
#define WIDGET_DATA (FAKE_WIDGET + FAKE_DATA + 0x40)

enum { HEAP_BYTES = 0x10000 };

struct world {
        struct fake_process *p;
        uint64_t at;
        struct cs_hands *hands;
};

static int set_up(void **state)
{
        struct world *w = calloc(1, sizeof(*w));
        if (!w || !(w->hands = malloc(sizeof(*w->hands))))
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
        cs_hands_deinit(w->hands);
        free(w->hands);
        fake_destroy(w->p);
        free(w);
        return 0;
}

static uint64_t object(struct world *w, uint64_t first, uint64_t second)
{
        return fake_object(w->p, &w->at, 0x60, (uint64_t[]){ first, second }, 2);
}

static void look(struct world *w)
{
        fake_top(w->p, ARENA, w->at, FAKE_HEAP + HEAP_BYTES);
        fake_open(w->p);
        cs_hands_init(w->hands, w->p->image, w->p->space, &w->p->heaps.blocks);
}

static double expect(struct world *w, uint64_t user, const char *owner)
{
        double confidence;
        int32_t module = cs_hands_owner(w->hands, fake_block(w->p, user), &confidence);
        if (!owner) {
                assert_int_equal(module, CS_NO_MODULE);
                assert_true(confidence == 0);
                return 0;
        }
        assert_int_not_equal(module, CS_NO_MODULE);
        assert_string_equal(w->p->image->modules.at[module].name, owner);
        assert_true(confidence > 0 && confidence < 1);
        return confidence;
}

/* All others say something else. */
static void test_own_words(void **state)
{
        struct world *w = *state;
        uint64_t user = 0;
        for (uint64_t i = 0; i < 20; i++)
                if (i == 10)
                        user = object(w, i, WIDGET_DATA);
                else
                        (void)object(w, i, APP_DATA);
        look(w);
        double sure = expect(w, user, "libwidget.so.1");
        assert_true(sure > 0.85);
        /* Asked again, it says the same. */
        assert_true(expect(w, user, "libwidget.so.1") == sure);
}

static void test_neighbours(void **state)
{
        struct world *w = *state;
        uint64_t user = 0, mixed = 0;
        for (uint64_t i = 0; i < 20; i++)
                if (i == 10)
                        user = object(w, 1, 2);
                else
                        (void)object(w, i, WIDGET_DATA);
        for (uint64_t i = 0; i < 200; i++)
                (void)object(w, i, i);
        for (uint64_t i = 0; i < 20; i++)
                if (i == 10)
                        mixed = object(w, 1, 2);
                else
                        (void)object(w, i, i % 3 ? WIDGET_DATA : APP_DATA);
        look(w);
        double sure = expect(w, user, "libwidget.so.1");
        assert_true(sure < 0.9);
        double confidence;
        (void)cs_hands_owner(w->hands, fake_block(w->p, mixed), &confidence);
        assert_true(confidence < sure);
}

/* A long way from whoever says something, but leading to him. */
static void test_children(void **state)
{
        struct world *w = *state;
        uint64_t child = object(w, 1, WIDGET_DATA), user, silent;
        for (uint64_t i = 0; i < 200; i++)
                (void)object(w, i, i);
        user = object(w, 3, child);
        for (uint64_t i = 0; i < 10; i++)
                (void)object(w, i, i);
        silent = object(w, 4, 5);
        look(w);
        (void)expect(w, user, "libwidget.so.1");
        (void)expect(w, silent, NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_own_words, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_neighbours, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_children, set_up, tear_down),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
