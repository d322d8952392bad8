/* SPDX-License-Identifier: Apache-2.0 */
#include "ballots.h"

#include <stdlib.h>

enum { MODULES = UINT16_MAX + 1 };

void cs_ballot_cast(struct cs_ballot *b, uint16_t module, uint32_t certainty, uint32_t weight)
{
        uint16_t w = (uint16_t)weight;
        if (b->all > UINT16_MAX - w) {
                b->all /= 2;
                b->lead /= 2;
        }
        b->all = (uint16_t)(b->all + w);
        if (b->module == module) {
                b->lead = (uint16_t)(b->lead + w);
                if (certainty > b->certainty)
                        b->certainty = (uint8_t)certainty;
        } else if (b->lead >= w && b->module) {
                b->lead = (uint16_t)(b->lead - w);
        } else {
                b->lead = (uint16_t)(w - b->lead);
                b->module = module;
                b->certainty = (uint8_t)certainty;
        }
}

enum cs_status cs_ballots_init(struct cs_ballots *ballots, uint32_t blocks, struct cs_error *err)
{
        ballots->groups = calloc((size_t)blocks / 64 + 1, sizeof(*ballots->groups));
        ballots->number_of = calloc(MODULES, sizeof(*ballots->number_of));
        return ballots->groups && ballots->number_of ? CS_OK
                                                     : cs_fail(err, CS_ENOMEM, "votes for %u blocks", blocks);
}

enum cs_status cs_ballots_open(struct cs_ballots *ballots, uint32_t blocks, struct cs_error *err)
{
        uint64_t sum = 0;
        /* Behind the last block there is nobody to ask. */
        ballots->groups[blocks / 64].closed |= UINT64_MAX << blocks % 64;
        for (size_t g = 0; g <= blocks / 64; g++) {
                uint64_t open = ~ballots->groups[g].closed;
                ballots->groups[g].before = sum;
                for (unsigned eight = 0; eight < 8; eight++)
                        ballots->groups[g].within[eight] =
                                (uint8_t)cs_popcount(open & ((UINT64_C(1) << (eight * 8)) - 1));
                sum += cs_popcount(open);
        }
        /* Of small pages: see huge.h. */
        ballots->at = calloc((size_t)sum + 1, sizeof(*ballots->at));
        return ballots->at ? CS_OK : cs_fail(err, CS_ENOMEM, "votes for %u blocks", blocks);
}

void cs_ballots_deinit(struct cs_ballots *ballots)
{
        free(ballots->groups);
        free(ballots->at);
        free(ballots->number_of);
        cs_vec_deinit(&ballots->disputed);
}

struct cs_ballot cs_ballots_get(const struct cs_ballots *ballots, const uint32_t *place)
{
        uint32_t packed = *place;
        if (packed & CS_BALLOT_DISPUTED)
                return ballots->disputed.at[packed & ~CS_BALLOT_DISPUTED];
        uint16_t all = packed & CS_BALLOT_ALL;
        uint8_t number = (uint8_t)(packed >> CS_BALLOT_ALL_BITS);
        uint8_t certainty = (uint8_t)(packed >> CS_BALLOT_CERTAINTY);
        return (struct cs_ballot){ .module = ballots->modules[number],
                                   .certainty = certainty,
                                   .queued = packed & CS_BALLOT_IS_SETTLED ? (uint8_t)CS_BALLOT_SETTLED
                                                                           : certainty,
                                   .lead = all,
                                   .all = all };
}

/* The number of eight bits that a module has; 0: there are too many. */
static uint32_t number_of(struct cs_ballots *ballots, uint16_t module)
{
        uint8_t *number = &ballots->number_of[module];
        if (!*number && module &&
            ballots->n_modules < sizeof(ballots->modules) / sizeof(*ballots->modules) - 1) {
                *number = (uint8_t)++ballots->n_modules;
                ballots->modules[*number] = module;
        }
        return *number;
}

enum cs_status cs_ballots_put(struct cs_ballots *ballots, uint32_t *place, struct cs_ballot b,
                              struct cs_error *err)
{
        bool settled = b.queued == CS_BALLOT_SETTLED;
        if (*place & CS_BALLOT_DISPUTED) {
                ballots->disputed.at[*place & ~CS_BALLOT_DISPUTED] = b;
                return CS_OK;
        }
        if (b.lead == b.all && b.all <= CS_BALLOT_ALL && (settled || b.queued == b.certainty)) {
                uint32_t number = number_of(ballots, b.module);
                if (number || !b.module) {
                        *place = (uint32_t)b.certainty << CS_BALLOT_CERTAINTY | number << CS_BALLOT_ALL_BITS |
                                 b.all | (settled ? CS_BALLOT_IS_SETTLED : 0);
                        return CS_OK;
                }
        }
        /* One for each block at most, and there are fewer than 2^31 of which somebody says something else than others. */
        if (ballots->disputed.n >= CS_BALLOT_DISPUTED)
                return cs_fail(err, CS_ELIMIT,
                               "more than 2^31 blocks of which it is disputed whose they are");
        uint32_t index = (uint32_t)ballots->disputed.n;
        enum cs_status st = cs_vec_push(&ballots->disputed, b, err);
        if (st == CS_OK)
                *place = CS_BALLOT_DISPUTED | index;
        return st;
}
