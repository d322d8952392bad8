/* SPDX-License-Identifier: Apache-2.0 */
/* Code that asks for so many bytes: which sizes, which calls, the end of the code; and whose that makes blocks for which
 * nothing else speaks. */
#include "fake_process.h"
#include "sites.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define ARENA (FAKE_LIBC + FAKE_ARENA)
#define CODE (FAKE_WIDGET + FAKE_TEXT)

enum { HEAP_BYTES = 0x10000, N = 40, NOISE = 0x70, OTHER = 0x50 };

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

static uint64_t place_for(const struct fake_process *p, uint64_t size, uint64_t module)
{
        struct cs_sites sites = { 0 };
        struct cs_error err;
        uint64_t found = 0;
        assert_int_equal(cs_sites_find(p->image, p->space, &size, 1, &sites, &err), CS_OK);
        for (uint32_t m = 0; m < p->image->modules.n; m++) {
                const struct cs_site *site = cs_sites_at(&sites, size, m);
                if (site && p->image->modules.at[m].range.start == module)
                        found = site->addr;
                else
                        assert_null(site);
        }
        cs_sites_deinit(&sites);
        return found;
}

/* Each with what malloc would hand out for it, and whether it is a place that asks for that. */
static void test_forms(void **state)
{
        static const struct {
                const char *what;
                uint8_t code[52];
                size_t len;
                uint64_t size;
                bool is;
        } table[] = {
                { "first argument", { 0xbf, 93, 0, 0, 0, 0xe8, 1, 2, 3, 4 }, 10, 0x70, true },
                { "second argument", { 0xbe, 93, 0, 0, 0, 0xe8, 1, 2, 3, 4 }, 10, 0x70, true },
                { "most that fits", { 0xbf, 104, 0, 0, 0, 0xe8 }, 10, 0x70, true },
                { "one more", { 0xbf, 105, 0, 0, 0, 0xe8 }, 10, 0x70, false },
                { "the smallest chunk", { 0xbf, 1, 0, 0, 0, 0xe8 }, 10, 0x20, true },
                { "of nothing", { 0xbf, 0, 0, 0, 0, 0xe8 }, 10, 0x20, false },
                { "too much", { 0xbf, 1, 0, 0, 0x80, 0xe8 }, 10, 0x20, false },
                { "by a table", { 0xbf, 93, 0, 0, 0, 0xff, 0x15, 1, 2, 3, 4 }, 11, 0x70, true },
                { "a jump by a table", { 0xbf, 93, 0, 0, 0, 0xff, 0x25, 1, 2, 3, 4 }, 11, 0x70, false },
                { "other register", { 0xbb, 93, 0, 0, 0, 0xe8, 1, 2, 3, 4 }, 10, 0x70, false },
                { "no call", { 0xbf, 93, 0, 0, 0, 0x90, 0x90 }, 52, 0x70, false },
        };
        struct world *w = *state;
        uint8_t page[0x1000] = { 0 };
        (void)fake_object(w->p, &w->at, 0x20, (uint64_t[]){ 1 }, 1);
        fake_top(w->p, ARENA, w->at, FAKE_HEAP + HEAP_BYTES);
        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
                /* In the middle, and as the last that there is. */
                for (int last = 0; last < 2; last++) {
                        size_t at = last ? sizeof(page) - table[i].len : 0x333;
                        struct fake_process *p = fake_create();
                        memset(page, 0x90, sizeof(page));
                        memcpy(page + at, table[i].code, table[i].len);
                        fake_write(p, CODE, page, sizeof(page));
                        fake_open(p);
                        uint64_t found = place_for(p, table[i].size, FAKE_WIDGET);
                        if (found != (table[i].is ? CODE + at : 0))
                                fail_msg("%s: %#lx", table[i].what, (unsigned long)found);
                        fake_destroy(p);
                }
        }
        fake_open(w->p);
}

/* Noise between blocks three of five of which are the application's. Whose most of it is, and how much. */
static size_t noise(struct world *w, const char *owner)
{
        uint64_t user[N];
        size_t n = 0;
        for (uint64_t i = 0; i < N; i++) {
                (void)fake_object(w->p, &w->at, OTHER,
                                  (uint64_t[]){ i, (i % 5 < 3 ? FAKE_APP : FAKE_WIDGET) + FAKE_DATA + 0x40 },
                                  2);
                user[i] = fake_object(w->p, &w->at, NOISE,
                                      (uint64_t[]){ i * 0x9e3779b97f4a7c15 | 0xfff0000000000001 }, 1);
        }
        fake_top(w->p, ARENA, w->at, FAKE_HEAP + HEAP_BYTES);
        fake_open(w->p);
        fake_relate(w->p, 2);
        for (size_t i = 0; i < N; i++) {
                int32_t module = cs_label_module(&w->p->owners.blocks, fake_block(w->p, user[i]));
                assert_true(module != CS_NO_MODULE);
                n += strcmp(w->p->image->modules.at[module].name, owner) == 0;
        }
        return n;
}

static void test_neighbours(void **state)
{
        assert_in_range(noise(*state, "app"), N / 2, N * 3 / 4);
}

static void test_place(void **state)
{
        static const uint8_t code[] = { 0xbf, NOISE - 12, 0, 0, 0, 0xe8, 1, 2, 3, 4 };
        struct world *w = *state;
        fake_write(w->p, CODE + 0x80, code, sizeof(code));
        /* Where all neighbours are one's, they are believed. */
        assert_in_range(noise(w, "libwidget.so.1"), N * 3 / 4, N);
        uint32_t block = fake_block(w->p, FAKE_HEAP + OTHER + 16);
        const struct cs_owner *o = &w->p->owners.clusters[cs_blocks_cluster(&w->p->heaps.blocks, block)];
        assert_int_equal(o->evidence[0].kind, CS_EVIDENCE_SITE);
        assert_int_equal(o->evidence[0].target, CODE + 0x80);
        assert_true(o->confidence < 0.9);
}

/* Both ask for it: the one whose blocks lie there. */
static void test_two_places(void **state)
{
        static const uint8_t code[] = { 0xbf, NOISE - 12, 0, 0, 0, 0xe8, 1, 2, 3, 4 };
        struct world *w = *state;
        fake_write(w->p, CODE + 0x80, code, sizeof(code));
        fake_write(w->p, FAKE_APP + FAKE_TEXT + 0x80, code, sizeof(code));
        assert_in_range(noise(w, "app"), N / 2, N);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_forms, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_neighbours, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_place, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_two_places, set_up, tear_down),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
