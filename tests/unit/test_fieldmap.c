/* SPDX-License-Identifier: Apache-2.0 */
/* What stands at each offset of like blocks. */
#include "fieldmap.h"

#include "fake_process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define ARENA (FAKE_LIBC + FAKE_ARENA)
#define OTHER UINT64_C(0x10000000)

enum { HEAP_BYTES = 0x20000, N = 40, SIZE = 0xa0 };

struct world {
        struct fake_process *p;
        uint64_t at;
        cs_field_vec fields;
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
        cs_vec_deinit(&w->fields);
        fake_destroy(w->p);
        free(w);
        return 0;
}

static void map_fields(struct world *w, uint64_t user)
{
        struct fake_process *p = w->p;
        fake_top(p, ARENA, w->at, FAKE_HEAP + HEAP_BYTES);
        fake_open(p);
        fake_relate(p, 2);
        uint32_t cluster = cs_blocks_cluster(&p->heaps.blocks, fake_block(p, user));
        assert_int_equal(cs_fieldmap_build(p->image, p->space, &p->heaps.blocks, &p->clusters, &p->members,
                                           cluster, &w->fields, NULL),
                         CS_OK);
        /* Whole words, in order, without holes. */
        uint32_t at = 0;
        for (size_t i = 0; i < w->fields.n; i++) {
                const struct cs_field *f = &w->fields.at[i];
                assert_int_equal(f->offset, at);
                assert_true(f->size >= 8 && f->size % 8 == 0 && f->share >= 0 && f->share <= 1);
                at += f->size;
        }
}

static const struct cs_field *field(const struct world *w, uint32_t offset, enum cs_field_kind kind)
{
        for (size_t i = 0; i < w->fields.n; i++) {
                const struct cs_field *f = &w->fields.at[i];
                if (offset - f->offset >= f->size)
                        continue;
                if (f->kind != kind)
                        fail_msg("+%u is of kind %d, not %d", offset, (int)f->kind, (int)kind);
                return f;
        }
        fail_msg("+%u is not there", offset);
        return NULL;
}

static void test_all_kinds(void **state)
{
        struct world *w = *state;
        struct fake_process *p = w->p;
        uint64_t class = fake_class(p, FAKE_WIDGET, "6Widget"), first = 0, child = 0;
        fake_map(p, OTHER, 0x1000, PF_R | PF_W);
        for (uint64_t i = 0; i < N; i++) {
                uint64_t self = w->at + 16;
                uint64_t words[] = {
                        class,                           /* 00 */
                        self + SIZE,                     /* 08: the block behind it */
                        self + 0x40,                     /* 10: itself */
                        FAKE_STACK + 8 * i,              /* 18 */
                        OTHER + 8 * i,                   /* 20 */
                        FAKE_APP + FAKE_DATA + 16 * i,   /* 28: into a module, here and there */
                        0,                               /* 30 */
                        0,                               /* 38: joins the one before */
                        7,                               /* 40 */
                        i % 2 ? self + SIZE : 0,         /* 48: a pointer or null */
                        UINT64_C(1700000000) + i * 3600, /* 50: a time */
                        i * 17 + 300,                    /* 58 */
                };
                first = fake_object(p, &w->at, SIZE, words, sizeof(words) / 8);
                child = fake_object(p, &w->at, 0x30, (uint64_t[]){ i }, 1);
        }
        map_fields(w, first);
        const struct cs_field *f = field(w, 0, CS_FIELD_TO_MODULE);
        assert_true(f->constant && f->share == 1);
        assert_int_equal(f->value, class);
        f = field(w, 8, CS_FIELD_TO_BLOCK);
        assert_int_equal(f->cluster, cs_blocks_cluster(&p->heaps.blocks, fake_block(p, child)));
        (void)field(w, 0x10, CS_FIELD_TO_SELF);
        (void)field(w, 0x18, CS_FIELD_TO_STACK);
        (void)field(w, 0x20, CS_FIELD_TO_OTHER);
        assert_false(field(w, 0x28, CS_FIELD_TO_MODULE)->constant);
        f = field(w, 0x30, CS_FIELD_COLUMN);
        assert_int_equal(f->facts.kind, CS_COLUMN_ZERO);
        assert_int_equal(f->size, 16);
        f = field(w, 0x40, CS_FIELD_COLUMN);
        assert_int_equal(f->facts.kind, CS_COLUMN_CONSTANT);
        assert_int_equal(f->facts.value, 7);
        f = field(w, 0x48, CS_FIELD_TO_BLOCK);
        assert_true(f->share == 0.5);
        assert_int_equal(field(w, 0x50, CS_FIELD_COLUMN)->facts.kind, CS_COLUMN_TIME);
        assert_int_equal(field(w, 0x58, CS_FIELD_COLUMN)->facts.kind, CS_COLUMN_INT);
        /* Up to the last word that malloc gave out. */
        const struct cs_field *last = &w->fields.at[w->fields.n - 1];
        assert_int_equal(last->offset + last->size, SIZE - 8);
}

/* A pointer that a few blocks have is none of the kind's. */
static void test_rare_pointers(void **state)
{
        struct world *w = *state;
        uint64_t class = fake_class(w->p, FAKE_WIDGET, "6Widget"), user = 0;
        for (uint64_t i = 0; i < N; i++)
                user = fake_object(w->p, &w->at, SIZE,
                                   (uint64_t[]){ class, i % 10 ? 0 : FAKE_HEAP + 0x10,
                                                 i % 10 ? i : FAKE_STACK },
                                   3);
        map_fields(w, user);
        (void)field(w, 8, CS_FIELD_COLUMN);
        (void)field(w, 16, CS_FIELD_COLUMN);
}

/* Blocks of different sizes: the map ends with the smallest. */
static void test_sizes(void **state)
{
        struct world *w = *state;
        uint64_t class = fake_class(w->p, FAKE_WIDGET, "6Widget"), user = 0;
        for (uint64_t i = 0; i < N; i++)
                user = fake_object(w->p, &w->at, 0x40 + 0x100 * (i % 4), (uint64_t[]){ class }, 1);
        map_fields(w, user);
        const struct cs_field *last = &w->fields.at[w->fields.n - 1];
        assert_true(last->offset + last->size <= 0x40);
        assert_true(field(w, 0, CS_FIELD_TO_MODULE)->constant);
}

static void test_one_block(void **state)
{
        struct world *w = *state;
        uint64_t user = fake_object(w->p, &w->at, 0x20, (uint64_t[]){ 1, 2, 3 }, 3);
        map_fields(w, user);
        assert_true(w->fields.n > 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_all_kinds, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_rare_pointers, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_sizes, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_one_block, set_up, tear_down),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
