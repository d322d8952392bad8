/* SPDX-License-Identifier: Apache-2.0 */
/* References come back from their packing as they went in: near and far ones, blocks with none and with more than 16 bits can count, in
 * one list or many. */
#include "references.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

struct reference {
        uint32_t from, to;
        enum cs_aim aim;
};

typedef CS_VEC(struct reference) reference_vec;

static uint64_t state = 88172645463325252U;

static uint32_t roll(void)
{
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return (uint32_t)(state >> 20);
}

/* Joins them, by so many workers, from lists that end with these blocks, and compares. */
static void check_by(const reference_vec *wanted, uint32_t blocks, const uint32_t *ends, size_t n_lists,
                     unsigned workers)
{
        struct cs_references references = { 0 };
        struct cs_reference_list *lists = calloc(n_lists, sizeof(*lists)), list = { 0 };
        size_t at = 0;
        assert_non_null(lists);
        assert_int_equal(cs_references_init(&references, blocks, NULL), CS_OK);
        for (size_t i = 0; i < n_lists; i++) {
                for (; at < wanted->n && wanted->at[at].from < ends[i]; at++) {
                        const struct reference *r = &wanted->at[at];
                        if (cs_reference_list_add(&list, &references, r->from, r->to, r->aim, NULL) != CS_OK)
                                fail();
                }
                assert_int_equal(cs_reference_list_take(&list, &lists[i], NULL), CS_OK);
                assert_int_equal(list.bytes.n, 0);
                assert_int_equal(list.longer.n, 0);
        }
        assert_int_equal(at, wanted->n);
        assert_int_equal(cs_references_join(&references, lists, n_lists, blocks, workers, NULL), CS_OK);
        at = 0;
        for (uint32_t block = 0; block < blocks; block++) {
                struct cs_reference_walk walk = cs_references_of(&references, block);
                uint64_t left = cs_references_left(walk);
                uint32_t to;
                enum cs_aim aim;
                for (; cs_reference_next(&walk, &to, &aim); at++, left--) {
                        if (at == wanted->n || wanted->at[at].from != block || wanted->at[at].to != to ||
                            wanted->at[at].aim != aim)
                                fail_msg("reference %zu: block %u to %u, aim %d", at, block, to, (int)aim);
                }
                assert_int_equal(left, 0);
        }
        assert_int_equal(at, wanted->n);
        for (size_t i = 0; i < n_lists; i++)
                cs_reference_list_deinit(&lists[i]);
        free(lists);
        cs_reference_list_deinit(&list);
        cs_references_deinit(&references);
}

static void check(const reference_vec *wanted, uint32_t blocks, const uint32_t *ends, size_t n_lists)
{
        for (unsigned workers = 1; workers <= 3; workers++)
                check_by(wanted, blocks, ends, n_lists, workers);
}

static void add(reference_vec *out, uint32_t from, uint32_t to)
{
        struct reference r = { from, to, (enum cs_aim)(roll() % 3) };
        assert_int_equal(cs_vec_push(out, r, NULL), CS_OK);
}

/* All distances around those at which one more byte is taken, from the lowest block and from a middle one. */
static void test_distances(void **unused)
{
        (void)unused;
        reference_vec all = { 0 };
        const uint32_t ends[] = { 2, 1001 };
        for (uint32_t from = 0; from < 1001; from += 1000)
                for (unsigned bit = 0; bit < 32; bit++)
                        for (uint32_t k = 0; k < 5; k++) {
                                add(&all, from, from + (UINT32_C(1) << bit) + k - 2);
                                add(&all, from, from - (UINT32_C(1) << bit) + k - 2);
                        }
        check(&all, 1001, ends, 2);
        cs_vec_deinit(&all);
}

/* Blocks with none, few, and more than there may be in a group of 16 bits; lists that end anywhere. */
static void test_lengths(void **unused)
{
        (void)unused;
        reference_vec all = { 0 };
        enum { BLOCKS = 1000 };
        const uint32_t ends[] = { 1, 63, 64, 64, 130, 500, 777, BLOCKS };
        for (uint32_t from = 0; from < BLOCKS; from++) {
                uint32_t n = roll() % 4 * (roll() % 4);
                if (from == 62 || from == 63 || from == 131 || from == 500 || from == BLOCKS - 1)
                        n = 20000 + roll() % 60000;
                if (from >= 200 && from < 300) /* together too many, though each is not */
                        n = 900;
                for (uint32_t k = 0; k < n; k++)
                        add(&all, from, roll() % 8 ? from + roll() % 30 : roll());
        }
        check(&all, BLOCKS, ends, sizeof(ends) / sizeof(ends[0]));
        const uint32_t one = BLOCKS;
        check(&all, BLOCKS, &one, 1);
        cs_vec_deinit(&all);
}

/* Lists that are too large to be copied before they are joined, which several workers do. */
static void test_large(void **unused)
{
        (void)unused;
        reference_vec all = { 0 };
        const uint32_t ends[] = { 1, 2, 3 };
        for (uint32_t from = 0; from < 3; from++)
                for (uint32_t k = 0; k < 700000; k++)
                        add(&all, from, roll());
        check(&all, 3, ends, 3);
        cs_vec_deinit(&all);
}

static void test_none(void **unused)
{
        (void)unused;
        reference_vec none = { 0 };
        const uint32_t end = 130;
        check(&none, 130, &end, 1);
        check(&none, 0, NULL, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_distances), cmocka_unit_test(test_lengths),
                                            cmocka_unit_test(test_large), cmocka_unit_test(test_none) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
