/* SPDX-License-Identifier: Apache-2.0 */
/* What each part of the address space is for. */
#include "regions.h"

#include "fake_process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define ARENA (FAKE_LIBC + FAKE_ARENA)
#define THREAD_HEAP UINT64_C(0x7f0000000000)
#define THREAD_ARENA (THREAD_HEAP + 0x30)
#define OTHER UINT64_C(0x7f4000000000)

struct expected {
        uint64_t at;
        const char *kind, *detail; /* the detail begins so; NULL: there is none */
        uint64_t start, end;
};

static void check(struct fake_process *p, const struct expected *cases, size_t n)
{
        struct cs_regions regions = { 0 };
        struct cs_regions_input input = { p->image, p->symbols, &p->heaps, &p->claims, p->residency, false };
        assert_int_equal(cs_regions_build(&input, &regions, NULL), CS_OK);
        for (size_t i = 0; i < n; i++) {
                const struct cs_region *found = NULL;
                for (size_t k = 0; k < regions.at.n && !found; k++)
                        if (cs_range_has(regions.at.at[k].range, cases[i].at))
                                found = &regions.at.at[k];
                assert_non_null(found);
                assert_string_equal(cs_kind_name(found->kind), cases[i].kind);
                assert_int_equal(found->range.start, cases[i].start);
                assert_int_equal(found->range.end, cases[i].end);
                assert_int_equal(found->detail == NULL, cases[i].detail == NULL);
                if (found->detail)
                        assert_memory_equal(found->detail, cases[i].detail, strlen(cases[i].detail));
        }
        /* Without sums kinds are the same. */
        struct cs_regions kinds = { 0 };
        input.kinds_only = true;
        assert_int_equal(cs_regions_build(&input, &kinds, NULL), CS_OK);
        assert_int_equal(kinds.at.n, regions.at.n);
        for (size_t i = 0; i < regions.at.n; i++) {
                assert_int_equal(kinds.at.at[i].range.start, regions.at.at[i].range.start);
                assert_int_equal(kinds.at.at[i].kind, regions.at.at[i].kind);
        }
        cs_regions_deinit(&kinds);
        cs_regions_deinit(&regions);
}

/* The heap of a thread's arena: blocks, a top of two pages, and what is reserved behind it. */
static void test_arena(void **state)
{
        (void)state;
        struct fake_process *p = fake_create();
        const uint64_t first = THREAD_ARENA + 0x8a0, end = THREAD_HEAP + 0x4000;
        fake_thread_heap(p, THREAD_HEAP, 0x4000, ARENA);
        fake_map(p, end, 0x8000, PF_R);
        fake_put(p, ARENA + cs_glibc_layouts[0].next, THREAD_ARENA);
        fake_put(p, first + 8, 0x100 | 5);
        fake_top(p, THREAD_ARENA, first + 0x100, end);
        fake_open(p);
        fake_relate(p, 1);
        const struct expected cases[] = {
                { first, "malloc-used", "arena 0x7f0000000030, heap 1 of 1: 256 bytes in use, 0 bytes free",
                  THREAD_HEAP, first + 0x100 },
                { end - 1, "malloc-free", "top of arena 0x7f0000000030", first + 0x100, end },
                { end, "reserved", "reservation of arena 0x7f0000000030", end, end + 0x8000 },
        };
        check(p, cases, sizeof(cases) / sizeof(cases[0]));
        fake_destroy(p);
}

/* Anonymous memory by whom it belongs to: an mmapped block, a claim, a stack; what nobody knows; what cannot be written. A
 * claim upon a heap or a file changes nothing. */
static void test_anonymous(void **state)
{
        (void)state;
        struct fake_process *p = fake_create();
        fake_heap(p, 0x4000);
        fake_top(p, ARENA, fake_chunk(p, FAKE_HEAP, 0x1000), FAKE_HEAP + 0x4000);
        fake_map(p, OTHER, 0x6000, PF_R | PF_W);
        fake_put(p, OTHER + 0x1008, 0x3000 | 2);
        fake_mmapped(p, 1, 0x3000);
        fake_map(p, OTHER + 0x10000, 0x4000, PF_R | PF_W);
        fake_map(p, OTHER + 0x20000, 0x2000, PF_R);
        fake_open(p);
        fake_relate(p, 1);
        const struct cs_claim claims[] = {
                { { OTHER + 0x11000, OTHER + 0x12000 }, CS_KIND_GO_HEAP, CS_NO_MODULE, "claimed", 0 },
                { { FAKE_HEAP, FAKE_HEAP + 0x1000 }, CS_KIND_GO_HEAP, CS_NO_MODULE, "claimed", 0 },
                { { FAKE_APP, FAKE_APP + 0x1000 }, CS_KIND_GO_HEAP, CS_NO_MODULE, "claimed", 0 },
        };
        for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++)
                assert_int_equal(cs_claims_add(&p->claims, claims[i], NULL), CS_OK);
        cs_claims_seal(&p->claims);
        const struct expected cases[] = {
                { FAKE_HEAP, "malloc-used", "main arena: 4.0 KiB in use", FAKE_HEAP, FAKE_HEAP + 0x1000 },
                { FAKE_HEAP + 0x2000, "malloc-free", "top of main arena", FAKE_HEAP + 0x1000,
                  FAKE_HEAP + 0x4000 },
                { OTHER, "anonymous", NULL, OTHER, OTHER + 0x1000 },
                { OTHER + 0x1000, "malloc-used", "mmapped block, 12288 bytes", OTHER + 0x1000,
                  OTHER + 0x4000 },
                { OTHER + 0x5000, "anonymous", NULL, OTHER + 0x4000, OTHER + 0x6000 },
                { OTHER + 0x10000, "anonymous", NULL, OTHER + 0x10000, OTHER + 0x11000 },
                { OTHER + 0x11000, "go-heap", "claimed", OTHER + 0x11000, OTHER + 0x12000 },
                { OTHER + 0x12000, "anonymous", NULL, OTHER + 0x12000, OTHER + 0x14000 },
                { OTHER + 0x20000, "reserved", NULL, OTHER + 0x20000, OTHER + 0x22000 },
                { FAKE_APP, "module-data", NULL, FAKE_APP, FAKE_APP + 0x1000 },
                { FAKE_STACK, "stack", "", FAKE_STACK, FAKE_STACK + FAKE_STACK_BYTES },
        };
        check(p, cases, sizeof(cases) / sizeof(cases[0]));
        fake_destroy(p);
}

/* What a runtime has from malloc is its heap, though the block stays malloc's: of a block in a heap a part, of an mmapped one all
 * behind the header. */
static void test_lent(void **state)
{
        (void)state;
        struct fake_process *p = fake_create();
        fake_heap(p, 0x4000);
        fake_top(p, ARENA, fake_chunk(p, FAKE_HEAP, 0x2000), FAKE_HEAP + 0x4000);
        fake_map(p, OTHER, 0x3000, PF_R | PF_W);
        fake_put(p, OTHER + 8, 0x3000 | 2);
        fake_mmapped(p, 1, 0x3000);
        fake_open(p);
        fake_relate(p, 1);
        const struct cs_claim claims[] = {
                { { FAKE_HEAP + 0x10, FAKE_HEAP + 0x1000 }, CS_KIND_GO_HEAP, CS_NO_MODULE, "got", 0 },
                { { OTHER + 0x10, OTHER + 0x3000 }, CS_KIND_GO_HEAP, CS_NO_MODULE, "got", 0 },
        };
        for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++)
                assert_int_equal(cs_claims_add_within(&p->claims, claims[i], NULL), CS_OK);
        cs_claims_seal(&p->claims);
        assert_int_equal(fake_state(p, FAKE_HEAP), CS_BLOCK_IN_USE);
        assert_int_equal(fake_state(p, OTHER), CS_BLOCK_IN_USE);
        assert_null(cs_claims_find(&p->claims, OTHER + 0x10, NULL));
        const struct expected cases[] = {
                { FAKE_HEAP, "malloc-used", "main arena: 16 bytes in use, 0 bytes free", FAKE_HEAP,
                  FAKE_HEAP + 0x10 },
                { FAKE_HEAP + 0x10, "go-heap", "got", FAKE_HEAP + 0x10, FAKE_HEAP + 0x1000 },
                { FAKE_HEAP + 0x1000, "malloc-used", "main arena: 4.0 KiB in use", FAKE_HEAP + 0x1000,
                  FAKE_HEAP + 0x2000 },
                { OTHER, "malloc-used", "mmapped block, 12288 bytes", OTHER, OTHER + 0x10 },
                { OTHER + 0x2000, "go-heap", "got", OTHER + 0x10, OTHER + 0x3000 },
        };
        check(p, cases, sizeof(cases) / sizeof(cases[0]));
        fake_destroy(p);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_arena),
                cmocka_unit_test(test_anonymous),
                cmocka_unit_test(test_lent),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
