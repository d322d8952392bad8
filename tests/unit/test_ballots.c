/* SPDX-License-Identifier: Apache-2.0 */
/* Ballots in four bytes say what whole ones say, whatever is voted for. */
#include "ballots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

enum { BLOCKS = 1003, VOTES = 200000, MODULES = UINT16_MAX };

static uint64_t state = 88172645463325252U;

static uint32_t roll(uint32_t below)
{
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return (uint32_t)((state >> 20) % below);
}

static void check(const struct cs_ballots *ballots, const struct cs_ballot *plain, uint32_t block)
{
        struct cs_ballot b = cs_ballots_get(ballots, cs_ballots_place(ballots, block));
        assert_int_equal(b.module, plain[block].module);
        assert_int_equal(b.certainty, plain[block].certainty);
        assert_int_equal(b.queued, plain[block].queued);
        assert_int_equal(b.lead, plain[block].lead);
        assert_int_equal(b.all, plain[block].all);
}

/* Whether the ballot is queued anew, or at which certainty. */
static uint8_t vote_plainly(struct cs_ballot *b, uint16_t module, uint32_t certainty, uint32_t weight)
{
        cs_ballot_cast(b, module, certainty, weight);
        uint8_t sure = cs_ballot_surety(b);
        if (sure <= b->queued)
                return 0;
        b->queued = sure;
        return sure;
}

static uint8_t vote_packed(struct cs_ballots *ballots, uint32_t block, uint16_t module, uint32_t certainty,
                           uint32_t weight)
{
        uint32_t *place = cs_ballots_place(ballots, block);
        uint8_t sure;
        if (cs_ballots_agree(ballots, place, module, certainty, weight, &sure))
                return sure;
        struct cs_ballot b = cs_ballots_get(ballots, place);
        sure = vote_plainly(&b, module, certainty, weight);
        assert_int_equal(cs_ballots_put(ballots, place, b, NULL), CS_OK);
        return sure;
}

/* As owner_spread.c does it with what is queued as surely as it is. */
static void settle(struct cs_ballots *ballots, struct cs_ballot *plain, uint32_t block)
{
        uint8_t sure = plain->queued;
        uint32_t *place = cs_ballots_place(ballots, block);
        if (!sure) /* nothing is queued at 0 */
                return;
        bool settled = sure != CS_BALLOT_SETTLED && cs_ballot_surety(plain) >= sure;
        if (cs_ballots_settle(place, sure)) {
                assert_true(settled);
                assert_int_equal(cs_ballots_agreed(ballots, place), plain->module);
        } else if (settled) {
                struct cs_ballot b = cs_ballots_get(ballots, place);
                b.queued = CS_BALLOT_SETTLED;
                assert_int_equal(cs_ballots_put(ballots, place, b, NULL), CS_OK);
        }
        plain->queued = settled ? (uint8_t)CS_BALLOT_SETTLED : plain->queued;
}

/* Of so many modules, and with at most such weights. */
static void try_votes(uint32_t modules, uint32_t weight)
{
        struct cs_ballots ballots = { 0 };
        struct cs_ballot *plain = calloc(BLOCKS, sizeof(*plain));
        assert_non_null(plain);
        assert_int_equal(cs_ballots_init(&ballots, BLOCKS, NULL), CS_OK);
        for (uint32_t g = 0; g < cs_ballots_groups(BLOCKS); g++) {
                uint64_t closed = 0;
                for (unsigned k = 0; k < 64; k++)
                        closed |= (uint64_t)(roll(3) == 0) << k;
                cs_ballots_close(&ballots, g, closed, 0);
        }
        assert_int_equal(cs_ballots_open(&ballots, BLOCKS, NULL), CS_OK);
        for (uint32_t n = 0; n < VOTES; n++) {
                uint32_t block = roll(BLOCKS);
                /* Most blocks are one module's, some are everybody's. */
                uint16_t module = (uint16_t)(1 + (block % 8 ? block * 77 : roll(MODULES)) % modules);
                uint32_t certainty = roll(255), w = 1 + roll(weight);
                if (cs_ballots_closed(&ballots, block))
                        continue;
                assert_int_equal(vote_plainly(&plain[block], module, certainty, w),
                                 vote_packed(&ballots, block, module, certainty, w));
                if (roll(8) == 0)
                        settle(&ballots, &plain[block], block);
                check(&ballots, plain, block);
        }
        for (uint32_t i = 0; i < BLOCKS; i++)
                if (!cs_ballots_closed(&ballots, i))
                        check(&ballots, plain, i);
        cs_ballots_deinit(&ballots);
        free(plain);
}

static void test_votes(void **unused)
{
        (void)unused;
        try_votes(1, 1);
        try_votes(3, 1000);
        try_votes(MODULES, 10); /* more than have numbers */
        try_votes(300, 1000);
}

/* Where all agree there is nothing beside the four bytes. */
static void test_agreed(void **unused)
{
        (void)unused;
        struct cs_ballots ballots = { 0 };
        assert_int_equal(cs_ballots_init(&ballots, BLOCKS, NULL), CS_OK);
        assert_int_equal(cs_ballots_open(&ballots, BLOCKS, NULL), CS_OK);
        for (uint32_t n = 0; n < 10; n++)
                for (uint32_t i = 0; i < BLOCKS; i++)
                        (void)vote_packed(&ballots, i, (uint16_t)(1 + i % 200), 10 * n, 1000);
        assert_int_equal(ballots.disputed.n, 0);
        cs_ballots_deinit(&ballots);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_votes), cmocka_unit_test(test_agreed) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
