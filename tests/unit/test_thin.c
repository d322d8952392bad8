/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever counts what, and in which order: the same keys stay, and all of these are counted in full. */
#include "thin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { WORKERS = 3, MOST = 1000 };

static uint32_t by_size(uint64_t key)
{
        return (uint32_t)(key % 64) * 8 | (uint32_t)(cs_mix(key) >> 61);
}

static uint64_t next(uint64_t *state)
{
        *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
        return *state >> 33;
}

static uint64_t times(uint64_t key)
{
        return 1 + cs_mix(key) % 5;
}

/* Counts each of the keys as often as it comes, by workers that take them as chance has it, in an order that it has; merged and settled. */
static struct cs_thin count(uint64_t keys, unsigned workers, uint64_t seed, cs_thin_rank *rank)
{
        struct cs_thin each[WORKERS] = { 0 };
        uint64_t state = seed, step = 1 + next(&state) % (keys - 1);
        for (uint64_t round = 1; round <= 5; round++)
                for (uint64_t i = 0, key = next(&state) % keys; i < keys; i++, key = (key + step) % keys)
                        if (round <= times(key))
                                assert_int_equal(cs_thin_count(&each[next(&state) % workers], key, 1, rank,
                                                               MOST, NULL),
                                                 CS_OK);
        for (unsigned w = 0; w < workers; w++)
                assert_true(each[w].counts.n <= MOST);
        for (unsigned w = 1; w < workers; w++) {
                assert_int_equal(cs_thin_add(&each[0], &each[w], NULL), CS_OK);
                cs_thin_deinit(&each[w]);
        }
        assert_int_equal(cs_thin_settle(&each[0], rank, MOST, NULL), CS_OK);
        return each[0];
}

static void expect_same(const struct cs_thin *a, const struct cs_thin *b, uint64_t keys)
{
        assert_int_equal(a->left_out, b->left_out);
        assert_int_equal(a->counts.n, b->counts.n);
        for (uint64_t key = 0; key < keys; key++)
                assert_int_equal(cs_tally_get(&a->counts, key, 0), cs_tally_get(&b->counts, key, 0));
}

static void test_same_whoever_counts(void **state)
{
        (void)state;
        static cs_thin_rank *const ranks[] = { by_size, cs_thin_chance };
        /* A prime number of keys, so that all steps come by all of them. */
        static const uint64_t all[] = { 7, 997, 1009, 1511, 4001, 50021 };
        for (size_t r = 0; r < sizeof(ranks) / sizeof(ranks[0]); r++)
                for (size_t n = 0; n < sizeof(all) / sizeof(all[0]); n++) {
                        struct cs_thin one = count(all[n], 1, 1, ranks[r]);
                        assert_true(all[n] <= MOST ? !one.left_out && one.counts.n == all[n]
                                                   : one.left_out && one.counts.n <= MOST);
                        for (uint64_t key = 0; key < all[n]; key++)
                                assert_int_equal(cs_tally_get(&one.counts, key, 0),
                                                 cs_thin_leaves_out(one.left_out, ranks[r](key))
                                                         ? 0
                                                         : times(key));
                        for (uint64_t seed = 2; seed < 12; seed++) {
                                struct cs_thin other =
                                        count(all[n], 1 + (unsigned)(seed % WORKERS), seed, ranks[r]);
                                expect_same(&one, &other, all[n]);
                                cs_thin_deinit(&other);
                        }
                        cs_thin_deinit(&one);
                }
}

/* As much is kept as there is room for, of what matters most; nothing where even that is too much. */
static void test_fit(void **state)
{
        (void)state;
        size_t of_rank[CS_THIN_RANKS] = { 100, 200, 400, 800 };
        assert_int_equal(cs_thin_fit(of_rank, 0, 10000), 0);
        assert_int_equal(cs_thin_fit(of_rank, 7, 10000), 7);
        assert_int_equal(cs_thin_fit(of_rank, 0, 2000), 0); /* three quarters of it */
        assert_int_equal(cs_thin_fit(of_rank, 0, 1996), CS_THIN_RANKS - 3);
        assert_int_equal(cs_thin_fit(of_rank, 0, 400), CS_THIN_RANKS - 2);
        assert_int_equal(cs_thin_fit(of_rank, 0, 100), CS_THIN_RANKS);
        assert_int_equal(cs_thin_fit(of_rank, CS_THIN_RANKS - 1, 10000), CS_THIN_RANKS - 1);
        for (uint64_t key = 0; key < 100000; key++)
                assert_true(cs_thin_chance(key) < CS_THIN_RANKS);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_same_whoever_counts),
                                            cmocka_unit_test(test_fit) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
