/* SPDX-License-Identifier: Apache-2.0 */
/* What blocks say, numbered. */
#include "signatures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static uint32_t number(struct cs_signatures *s, struct cs_signature seen, const struct cs_features *found)
{
        uint32_t n = 0;
        assert_int_equal(cs_signatures_number(s, &seen, found, &n, NULL), CS_OK);
        return n;
}

static void test_what_tells_them_apart(void **state)
{
        (void)state;
        struct cs_signatures s = { 0 };
        struct cs_features none = { 0 };
        struct cs_features two = { .n = 2, .at = { { 0, 1, 0x1000 }, { 16, 1, 0x2000 } } };
        struct cs_features moved = { .n = 2, .at = { { 0, 1, 0x1000 }, { 24, 1, 0x2000 } } };
        struct cs_features other = { .n = 2, .at = { { 0, 1, 0x1000 }, { 16, 1, 0x2008 } } };
        struct cs_features first = { .n = 1, .at = { { 0, 1, 0x1000 } } };
        const struct cs_signature seen = { .units = 3, .text = 1, .shape = 7 };
        struct cs_signature larger = seen, texts = seen, shaped = seen;
        larger.units++, texts.text++, shaped.shape++;

        assert_int_equal(number(&s, seen, &none), 0);
        assert_int_equal(number(&s, seen, &two), 1);
        assert_int_equal(number(&s, seen, &moved), 2);
        assert_int_equal(number(&s, seen, &other), 3);
        assert_int_equal(number(&s, seen, &first), 4);
        assert_int_equal(number(&s, larger, &two), 5);
        assert_int_equal(number(&s, texts, &two), 6);
        assert_int_equal(number(&s, shaped, &two), 7);

        assert_int_equal(number(&s, seen, &none), 0);
        assert_int_equal(number(&s, seen, &two), 1);
        assert_int_equal(number(&s, shaped, &two), 7);
        assert_int_equal(s.at.n, 8);
        assert_int_equal(s.at.at[6].n, 2);
        assert_int_equal(cs_signatures_features(&s, &s.at.at[6])[1].target, 0x2000);
        assert_null(cs_signatures_features(&s, &s.at.at[0]));
        cs_signatures_deinit(&s);
}

/* A few sizes, and targets that lie side by side, as a program's own types have: nobody's place is taken. */
static void test_neighbours(void **state)
{
        (void)state;
        enum { SIZES = 64, TARGETS = 64 };
        struct cs_signatures s = { 0 };
        struct cs_features found = { .n = 1 };
        struct cs_signature seen = { 0 };
        for (uint32_t i = 0; i < SIZES * TARGETS; i++) {
                seen.units = i / TARGETS;
                found.at[0] = (struct cs_feature){ 0, 1, 0x555555554000 + i % TARGETS * 8 };
                assert_int_equal(number(&s, seen, &found), i);
        }
        cs_signatures_deinit(&s);
}

static void test_bounds(void **state)
{
        (void)state;
        enum { TRIED = 1 << 17 };
        struct cs_signatures s = { 0 };
        struct cs_features many = { .n = CS_SIGNATURE_FEATURES + 1 }, none = { 0 };
        struct cs_signature seen = { .units = 1 };
        assert_int_equal(number(&s, seen, &many), CS_NO_SIGNATURE);
        many.n--;
        assert_int_equal(number(&s, seen, &many), 0);
        /* No more than so many, and those that are known stay. */
        for (uint32_t i = 1; i < TRIED; i++) {
                seen.shape = i;
                uint32_t n = number(&s, seen, &none);
                assert_true(n == i || n == CS_NO_SIGNATURE);
        }
        assert_in_range(s.at.n, 2, TRIED - 1);
        seen.shape = 1;
        assert_int_equal(number(&s, seen, &none), 1);
        seen.shape = 0;
        assert_int_equal(number(&s, seen, &many), 0);
        cs_signatures_deinit(&s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_tells_them_apart),
                cmocka_unit_test(test_neighbours),
                cmocka_unit_test(test_bounds),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
