/* SPDX-License-Identifier: Apache-2.0 */
/* Words that lie in a range, looked for one by one and by whatever this processor has. */
#include "bytes.h"
#include "words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

static uint64_t rng(uint64_t *state)
{
        *state += UINT64_C(0x9e3779b97f4a7c15);
        return cs_mix(*state);
}

static void put(uint8_t *at, uint64_t value)
{
        memcpy(at, &value, sizeof(value));
}

static void test_edges_of_ranges(void **state)
{
        (void)state;
        struct cs_words_filter f = cs_words_filter_make();
        uint8_t bytes[8 * 8];
        const uint64_t values[] = { 0xfff,      0x1000, 0x1fff,        0x2000,
                                    UINT64_MAX, 0,      CS_WORDS_HIGH, CS_WORDS_HIGH - 1 };
        for (size_t i = 0; i < 8; i++)
                put(bytes + i * 8, values[i]);
        assert_int_equal(cs_words_within(&f, bytes, 8), 0); /* nothing was added */
        cs_words_filter_add(&f, (struct cs_range){ 0x1000, 0x1000 });
        assert_int_equal(cs_words_within(&f, bytes, 8), 0); /* nor anything of no size */
        cs_words_filter_add(&f, (struct cs_range){ 0x1000, 0x2000 });
        assert_int_equal(cs_words_within(&f, bytes, 8), 0x06);
        assert_int_equal(cs_words_within(&f, bytes, 2), 0x02);
        assert_int_equal(cs_words_within(&f, bytes, 0), 0);
        /* A range grows to what was added to it, on each side of the border by itself. */
        cs_words_filter_add(&f, (struct cs_range){ CS_WORDS_HIGH, CS_WORDS_HIGH + 1 });
        assert_int_equal(cs_words_within(&f, bytes, 8), 0x46);
        cs_words_filter_add(&f, (struct cs_range){ 0x2000, 0x3000 });
        assert_int_equal(cs_words_within(&f, bytes, 8), 0x4e);
        cs_words_filter_add(&f, (struct cs_range){ 0, 1 });
        assert_int_equal(cs_words_within(&f, bytes, 8), 0x6f);
        /* One across the border is in both. */
        cs_words_filter_add(&f, (struct cs_range){ CS_WORDS_HIGH - 1, CS_WORDS_HIGH + 2 });
        assert_int_equal(cs_words_within(&f, bytes, 8), 0xef);
}

static void test_masks(void **state)
{
        (void)state;
        struct cs_words_filter f = cs_words_filter_make();
        uint8_t bytes[2 * 8];
        put(bytes, UINT64_C(0xabcd) << 48 | 0x1008);
        put(bytes + 8, 0x1008);
        cs_words_filter_add(&f, (struct cs_range){ 0x1000, 0x2000 });
        assert_int_equal(cs_words_within(&f, bytes, 2), 2);
        f.mask = (UINT64_C(1) << 48) - 1;
        assert_int_equal(cs_words_within(&f, bytes, 2), 3);
}

/* A value that may be near the edge of something. */
static uint64_t value_near(uint64_t *seed, const struct cs_words_filter *f)
{
        uint64_t roll = rng(seed), k = roll >> 8 & 1, by = roll >> 16 & 3;
        switch (roll % 6) {
        case 0:
                return f->first[k] + by - 1;
        case 1:
                return f->first[k] + f->size[k] + by - 1;
        case 2:
                return f->first[k] + (f->size[k] ? rng(seed) % f->size[k] : 0);
        case 3:
                return (UINT64_C(1) << (roll >> 24) % 64) - by;
        case 4:
                return f->first[k] | roll << 48;
        default:
                return rng(seed);
        }
}

static void test_every_way_gives_the_same(void **state)
{
        (void)state;
        cs_words_fn fast = cs_words_avx2();
        uint8_t bytes[CS_WORDS * 8 + 7];
        uint64_t seed = 11;
        if (!fast) {
                print_message("no AVX2 here: only the plain way was looked at\n");
                skip();
        }
        for (unsigned round = 0; round < 20000; round++) {
                struct cs_words_filter f = cs_words_filter_make();
                size_t n = rng(&seed) % (CS_WORDS + 1), off = round % 8;
                f.mask = round % 3 ? UINT64_MAX : UINT64_MAX >> rng(&seed) % 64;
                for (size_t k = 0; k < CS_WORD_RANGES; k++) {
                        /* Sizes of all lengths; some ranges reach beyond the highest bit, or over the end. */
                        f.first[k] = rng(&seed) >> rng(&seed) % 64;
                        f.size[k] = round % 5 ? rng(&seed) >> rng(&seed) % 64 : 0;
                }
                for (size_t i = 0; i < n; i++)
                        put(bytes + off + i * 8, value_near(&seed, &f));
                assert_int_equal(fast(&f, bytes + off, n), cs_words_scalar(&f, bytes + off, n));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_edges_of_ranges),
                cmocka_unit_test(test_masks),
                cmocka_unit_test(test_every_way_gives_the_same),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
