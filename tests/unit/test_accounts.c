/* SPDX-License-Identifier: Apache-2.0 */
/* Where the memory went: every mapped and every resident byte under one kind. */
#include "accounts.h"

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

enum { HEAP_BYTES = 0x8000 };

struct world {
        struct fake_process *p;
        struct cs_pool pool;
        struct cs_report_memory memory;
        struct cs_regions regions;
};

static int set_up(void **state)
{
        struct world *w = calloc(1, sizeof(*w));
        if (!w)
                return -1;
        *state = w;
        w->p = fake_create();
        return 0;
}

static int tear_down(void **state)
{
        struct world *w = *state;
        cs_regions_deinit(&w->regions);
        fake_destroy(w->p);
        cs_pool_deinit(&w->pool);
        free(w);
        return 0;
}

static const struct cs_report_kind *kind(const struct world *w, const char *name)
{
        static const struct cs_report_kind none = { 0 };
        for (size_t i = 0; i < w->memory.n_kinds; i++)
                if (strcmp(w->memory.kinds[i].kind, name) == 0)
                        return &w->memory.kinds[i];
        return &none;
}

/* Builds the accounts and checks that they add up, to what the mappings say. */
static void account(struct world *w)
{
        struct fake_process *p = w->p;
        uint64_t mapped = 0, bytes = 0, resident = 0;
        fake_open(p);
        fake_relate(p, 1);
        struct cs_regions_input input = { p->image, p->symbols, &p->heaps, &p->claims, p->residency, false };
        assert_int_equal(cs_regions_build(&input, &w->regions, NULL), CS_OK);
        assert_int_equal(cs_accounts_build(p->image, &w->regions, &w->pool, &w->memory, NULL), CS_OK);
        uint64_t end = 0;
        for (size_t i = 0; i < w->regions.at.n; i++) {
                const struct cs_region *r = &w->regions.at.at[i];
                assert_true(r->range.start >= end && r->range.start < r->range.end);
                assert_int_equal(r->resident, cs_residency_bytes(p->residency, r->range));
                assert_true(r->used + r->freed <= cs_range_size(r->range));
                assert_true(r->used_resident <= r->used && r->freed_resident <= r->freed);
                assert_true(r->used_resident + r->freed_resident <= r->resident);
                end = r->range.end;
        }
        for (size_t i = 0; i < p->image->mappings.n; i++)
                mapped += cs_range_size(p->image->mappings.at[i].range);
        for (size_t i = 0; i < w->memory.n_kinds; i++) {
                const struct cs_report_kind *k = &w->memory.kinds[i];
                bytes += k->bytes;
                resident += k->resident;
                assert_true(k->bytes > 0 && k->bytes <= mapped);
                assert_true(k->resident <= k->bytes);
                if (i)
                        assert_true(k->resident <= k[-1].resident);
        }
        assert_int_equal(w->memory.mapped, mapped);
        assert_int_equal(bytes, mapped);
        assert_int_equal(w->memory.resident, resident);
        assert_true(w->memory.anonymous <= resident);
        assert_true(w->memory.unexplained <= w->memory.anonymous);
}

static void test_kinds(void **state)
{
        struct world *w = *state;
        struct fake_process *p = w->p;
        uint64_t a = FAKE_HEAP, b, top;
        fake_heap(p, HEAP_BYTES);
        b = fake_chunk(p, a, 0x1000);
        top = fake_chunk(p, b, 0x500);
        fake_top(p, ARENA, top, FAKE_HEAP + HEAP_BYTES);
        fake_free(p, b);
        fake_map(p, OTHER, 0x4000, PF_R | PF_W);
        fake_put(p, OTHER + 0x2000, 1);
        fake_map(p, OTHER + 0x10000, 0x3000, PF_R); /* zeros, read-only: address space and no more */
        fake_map(p, OTHER + 0x20000, 0x2000, PF_R);
        fake_put(p, OTHER + 0x20000, 1);
        corebuilder_file(&p->core, OTHER + 0x20000, OTHER + 0x22000, 0, "/data/table");
        fake_map(p, OTHER + 0x30000, 0x1000, PF_R | PF_W);
        corebuilder_file(&p->core, OTHER + 0x30000, OTHER + 0x31000, 0, "/memfd:ring");
        account(w);
        assert_int_equal(kind(w, "malloc-used")->bytes, 0x1000);
        assert_int_equal(kind(w, "malloc-free")->bytes, HEAP_BYTES - 0x1000);
        assert_int_equal(kind(w, "malloc-overhead")->bytes, 0);
        assert_int_equal(kind(w, "malloc-used")->resident, 0x1000);
        assert_int_equal(kind(w, "malloc-free")->resident, 0x1000); /* the second page of the heap */
        assert_int_equal(kind(w, "stack")->bytes, FAKE_STACK_BYTES);
        assert_int_equal(kind(w, "anonymous")->bytes, 0x4000);
        assert_int_equal(kind(w, "anonymous")->resident, 0x1000);
        assert_int_equal(kind(w, "reserved")->bytes, 0x3000);
        assert_int_equal(kind(w, "file")->bytes, 0x2000);
        assert_int_equal(kind(w, "shared")->bytes, 0x1000);
        assert_int_equal(kind(w, "module-code")->bytes, 3 * 0x1000);
        assert_int_equal(kind(w, "module-data")->bytes, 3 * (FAKE_MODULE - 0x1000));
        assert_int_equal(w->memory.unexplained, 0x1000);
}

/* The heap of a thread's arena: its headers, and what is reserved of it, are overhead. */
static void test_overhead(void **state)
{
        struct world *w = *state;
        struct fake_process *p = w->p;
        const uint64_t heap = UINT64_C(0x7f0000000000), arena = heap + 0x30, first = arena + 0x8a0;
        fake_thread_heap(p, heap, 0x4000, ARENA);
        fake_put(p, ARENA + cs_glibc_layouts[0].next, arena);
        fake_put(p, first + 8, 0x100 | 5);
        fake_top(p, arena, first + 0x100, heap + 0x4000);
        account(w);
        assert_int_equal(kind(w, "malloc-used")->bytes, 0x100);
        assert_int_equal(kind(w, "malloc-overhead")->bytes, first - heap);
        assert_int_equal(kind(w, "malloc-free")->bytes, 0x4000 - 0x100 - (first - heap));
        assert_int_equal(kind(w, "anonymous")->bytes, 0);
}

static void test_mmapped(void **state)
{
        struct world *w = *state;
        struct fake_process *p = w->p;
        fake_heap(p, HEAP_BYTES);
        fake_top(p, ARENA, fake_chunk(p, FAKE_HEAP, 0x40), FAKE_HEAP + HEAP_BYTES);
        fake_map(p, OTHER, 0x6000, PF_R | PF_W);
        fake_put(p, OTHER + 0x1008, 0x3000 | 2);
        fake_mmapped(p, 1, 0x3000);
        account(w);
        assert_int_equal(kind(w, "malloc-used")->bytes, 0x3040);
        assert_int_equal(kind(w, "anonymous")->bytes, 0x3000);
}

/* A block of which some pages are used, in a mapping that begins behind a hole. */
static void test_resident_behind_a_hole(void **state)
{
        struct world *w = *state;
        struct fake_process *p = w->p;
        fake_heap(p, HEAP_BYTES);
        fake_top(p, ARENA, fake_chunk(p, FAKE_HEAP, 0x40), FAKE_HEAP + HEAP_BYTES);
        fake_map(p, OTHER + 0x50000, 0x3000, PF_R | PF_W);
        fake_put(p, OTHER + 0x50008, 0x3000 | 2);
        fake_mmapped(p, 1, 0x3000);
        fake_put(p, OTHER + 0x51000, 1);
        account(w);
        assert_int_equal(kind(w, "malloc-used")->bytes, 0x3040);
        assert_int_equal(kind(w, "malloc-used")->resident, 0x2040);
        assert_int_equal(kind(w, "malloc-overhead")->resident, 0);
}

static void test_without_heap(void **state)
{
        struct world *w = *state;
        account(w);
        assert_int_equal(kind(w, "malloc-used")->bytes, 0);
        assert_int_equal(kind(w, "anonymous")->bytes, 0);
}

/* Heaps where no heap can be: in a module's data, on the stack, in a file, over a hole. The sums hold all the same. */
static void test_heap_in_the_wrong_place(void **state)
{
        (void)state;
        static const uint64_t tops[] = { FAKE_APP + FAKE_DATA + 0x200, FAKE_APP + FAKE_BSS,
                                         FAKE_STACK + 0x200,           FAKE_APP + FAKE_RODATA,
                                         FAKE_APP + FAKE_TEXT,         OTHER + 0x200 };
        for (size_t i = 0; i < sizeof(tops) / sizeof(tops[0]); i++) {
                void *s = NULL;
                assert_int_equal(set_up(&s), 0);
                struct world *w = s;
                struct fake_process *p = w->p;
                fake_map(p, OTHER, 0x2000, PF_R | PF_W);
                corebuilder_file(&p->core, OTHER, OTHER + 0x2000, 0, "/data/table");
                for (uint64_t at = cs_page_down(tops[i]); at < tops[i]; at += 0x40)
                        fake_put(p, at + 8, 0x40 | 1);
                fake_put(p, tops[i] + 8, 0x1000 | 1);
                fake_put(p, ARENA + cs_glibc_layouts[0].top, tops[i]);
                fake_put(p, ARENA + cs_glibc_layouts[0].system_mem, 0x100000);
                account(w);
                tear_down(&s);
        }
}

/* A thread's heap that says it is longer than its mapping, and chunks that reach over what is behind. */
static void test_heap_beyond_its_mapping(void **state)
{
        struct world *w = *state;
        struct fake_process *p = w->p;
        const uint64_t heap = UINT64_C(0x7f0000000000), arena = heap + 0x30, first = arena + 0x8a0;
        fake_map(p, heap, 0x2000, PF_R | PF_W);
        fake_map(p, heap + 0x100000, 0x2000, PF_R | PF_W);
        fake_put(p, heap, arena);
        fake_put(p, heap + 16, 0x200000);
        fake_arena(p, arena);
        fake_put(p, ARENA + cs_glibc_layouts[0].next, arena);
        fake_put(p, arena + cs_glibc_layouts[0].next, ARENA);
        fake_put(p, first + 8, 0x200000 - (first - heap) - 0xffff0 + 5);
        fake_put(p, arena + cs_glibc_layouts[0].top, first);
        fake_put(p, first + 8, (heap + 0x100800 - first) | 5);
        fake_put(p, heap + 0x100808, 0x400 | 5);
        fake_put(p, arena + cs_glibc_layouts[0].top, heap + 0x100c00);
        fake_put(p, heap + 0x100c08, 0x400 | 5);
        account(w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_kinds, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_overhead, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_mmapped, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_resident_behind_a_hole, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_without_heap, set_up, tear_down),
                cmocka_unit_test(test_heap_in_the_wrong_place),
                cmocka_unit_test_setup_teardown(test_heap_beyond_its_mapping, set_up, tear_down),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
