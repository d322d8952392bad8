/* SPDX-License-Identifier: Apache-2.0 */
/* Digests of pages: what the processor does at once against the plain one, and that no byte is left out. */
#include "bytes.h"
#include "pagedigest.h"
#include "range.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

enum { PAGES = 2000 };

static uint64_t rng(uint64_t *state)
{
        *state += UINT64_C(0x9e3779b97f4a7c15);
        return cs_mix(*state);
}

/* All zero, all alike, a few bits among alike ones, small numbers, or anything. */
static void fill(uint8_t *page, unsigned kind, uint64_t *seed)
{
        static const uint8_t alike[] = { 0, 0xff, 0x80, 0x7f, 1 };
        memset(page, alike[rng(seed) % sizeof(alike)], CS_PAGE);
        for (size_t i = 0; kind == 1 && i < 3; i++)
                page[rng(seed) % CS_PAGE] ^= (uint8_t)(1u << rng(seed) % 8);
        for (size_t i = 0; kind > 1 && i < CS_PAGE; i += 8) {
                uint64_t word = kind == 2 ? rng(seed) % 100 : rng(seed);
                memcpy(page + i, &word, sizeof(word));
        }
}

static void test_variant_says_the_same(void **state)
{
        uint8_t bytes[CS_PAGE + 64];
        cs_pagedigest_fn avx2 = cs_pagedigest_avx2();
        uint64_t seed = 1;
        (void)state;
        if (!avx2)
                skip();
        for (size_t i = 0; i < PAGES; i++) {
                uint8_t *page = bytes + rng(&seed) % 64; /* wherever it lies */
                fill(page, (unsigned)(i % 4), &seed);
                assert_int_equal(avx2(page), cs_pagedigest_plain(page));
        }
}

static void test_every_bit_counts(void **state)
{
        uint8_t page[CS_PAGE];
        cs_pagedigest_fn digest = cs_pagedigest_best();
        uint64_t seed = 2;
        (void)state;
        for (unsigned kind = 0; kind < 4; kind++) {
                fill(page, kind, &seed);
                uint64_t before = digest(page);
                assert_int_not_equal(before, 0);
                for (size_t i = 0; i < CS_PAGE; i++) {
                        uint8_t bit = (uint8_t)(1u << rng(&seed) % 8);
                        page[i] ^= bit;
                        assert_int_not_equal(digest(page), before);
                        page[i] ^= bit;
                }
                assert_int_equal(digest(page), before);
        }
}

/* Words that change places, as fields of one struct do. */
static void test_order_counts(void **state)
{
        uint8_t page[CS_PAGE], word[8];
        cs_pagedigest_fn digest = cs_pagedigest_best();
        uint64_t seed = 3;
        (void)state;
        fill(page, 3, &seed);
        uint64_t before = digest(page);
        for (size_t i = 8; i < CS_PAGE; i += 8) {
                memcpy(word, page, 8);
                memcpy(page, page + i, 8);
                memcpy(page + i, word, 8);
                assert_int_not_equal(digest(page), before);
                memcpy(page + i, page, 8);
                memcpy(page, word, 8);
        }
        assert_int_equal(digest(page), before);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_variant_says_the_same),
                cmocka_unit_test(test_every_bit_counts),
                cmocka_unit_test(test_order_counts),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
