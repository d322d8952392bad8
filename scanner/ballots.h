/* SPDX-License-Identifier: Apache-2.0 */
/* The votes for whose each block is (owner_spread.h), of the blocks that are not sure by themselves. Nearly all blocks get votes for one
 * module alone: of these four bytes say everything. Only what is disputed takes a place of its own. */
#ifndef CS_BALLOTS_H
#define CS_BALLOTS_H

#include "bytes.h"
#include "vec.h"

enum { CS_BALLOT_SETTLED = 255 }; /* instead of a certainty, in `queued`: decided */

/* Weighted majority in constant room (Boyer and Moore): the candidate's lead, and all that was cast. Zero: nobody voted. */
struct cs_ballot {
        uint16_t module; /* and one; 0: none */
        uint8_t certainty;
        uint8_t queued; /* the certainty at which it was queued last, or CS_BALLOT_SETTLED */
        uint16_t lead;
        uint16_t all; /* both are halved where they would not fit */
};

void cs_ballot_cast(struct cs_ballot *ballot, uint16_t module, uint32_t certainty, uint32_t weight);

/* How sure the answer would be, if it was given now. */
static inline uint8_t cs_ballot_surety(const struct cs_ballot *b)
{
        return b->all ? (uint8_t)(b->certainty * (128 + (uint32_t)b->lead * 127 / b->all) / 255) : 0;
}

/* 64 blocks side by side. */
struct cs_ballot_group {
        uint64_t closed;   /* bits of those that have no ballot: each vote would be one too many */
        uint64_t decided;  /* bits of those whose owner is known */
        uint64_t before;   /* ballots of the groups before it */
        uint8_t within[8]; /* and, for every eighth block, those of the blocks before it in the group */
};

struct cs_ballots {
        struct cs_ballot_group *groups;
        uint32_t *at; /* by number: a packed ballot, or (CS_BALLOT_DISPUTED) which one of `disputed` it is */
        CS_VEC(struct cs_ballot) disputed;
        /* Modules that somebody voted for, in the order in which they came: the first 255 have a number of eight bits. */
        uint8_t *number_of;
        uint16_t modules[256];
        uint32_t n_modules;
};

/* Room for that many blocks, of which cs_ballots_close() closes some; then cs_ballots_open() makes ballots for the others. */
CS_CHECK enum cs_status cs_ballots_init(struct cs_ballots *ballots, uint32_t blocks, struct cs_error *err);
CS_CHECK enum cs_status cs_ballots_open(struct cs_ballots *ballots, uint32_t blocks, struct cs_error *err);
void cs_ballots_deinit(struct cs_ballots *ballots);

/* Bits of group g: those without a ballot, and those that are decided from the beginning. What is behind the last block needs no bit. */
static inline void cs_ballots_close(struct cs_ballots *ballots, uint32_t g, uint64_t closed, uint64_t decided)
{
        ballots->groups[g].closed = closed;
        ballots->groups[g].decided = decided;
}

static inline bool cs_ballots_closed(const struct cs_ballots *ballots, uint32_t block)
{
        return ballots->groups[block / 64].closed >> (block % 64) & 1;
}

static inline void cs_ballots_decide(struct cs_ballots *ballots, uint32_t block)
{
        ballots->groups[block / 64].decided |= UINT64_C(1) << (block % 64);
}

static inline bool cs_ballots_decided(const struct cs_ballots *ballots, uint32_t block)
{
        return ballots->groups[block / 64].decided >> (block % 64) & 1;
}

/* Groups of n blocks. */
static inline uint32_t cs_ballots_groups(uint32_t n)
{
        return n / 64 + (n % 64 != 0);
}

/* Which blocks of group g are decided; which have ballots; and of these, which are not decided. */
static inline uint64_t cs_ballots_known(const struct cs_ballots *ballots, uint32_t g)
{
        return ballots->groups[g].decided;
}

static inline uint64_t cs_ballots_opened(const struct cs_ballots *ballots, uint32_t g)
{
        return ~ballots->groups[g].closed;
}

static inline uint64_t cs_ballots_undecided(const struct cs_ballots *ballots, uint32_t g)
{
        return ~(ballots->groups[g].closed | ballots->groups[g].decided);
}

/* The place of a block's ballot; the block is not closed. */
static inline uint32_t *cs_ballots_place(const struct cs_ballots *ballots, uint32_t block)
{
        const struct cs_ballot_group *g = &ballots->groups[block / 64];
        unsigned eight = block / 8 % 8,
                 open = ~(unsigned)(g->closed >> (eight * 8)) & ((1u << block % 8) - 1);
        /* How many bits are set, of seven. */
        open -= open >> 1 & 0x55;
        open = (open & 0x33) + (open >> 2 & 0x33);
        return &ballots->at[g->before + g->within[eight] + (open & 0xf) + (open >> 4)];
}

/* Asks for the memory that it is in, or is right behind. */
static inline void cs_ballots_fetch(const struct cs_ballots *ballots, uint32_t block)
{
        const struct cs_ballot_group *g = &ballots->groups[block / 64];
        __builtin_prefetch(&ballots->at[g->before + g->within[block / 8 % 8]], 1);
}

/* A packed ballot is that of a block for which all voted the same: from the lowest bit on the sum of the votes, the module's number, the
 * certainty, whether it is settled. Where it is not, it is queued at its certainty: the vote that raised the one raised the other. */
enum {
        CS_BALLOT_ALL_BITS = 14,
        CS_BALLOT_NUMBER_BITS = 8,
        CS_BALLOT_CERTAINTY = CS_BALLOT_ALL_BITS + CS_BALLOT_NUMBER_BITS
};
#define CS_BALLOT_ALL ((1u << CS_BALLOT_ALL_BITS) - 1)
#define CS_BALLOT_IS_SETTLED (1u << 30)
#define CS_BALLOT_DISPUTED (1u << 31)

/* One more vote for what all have voted for so far, as nearly all are: false where it is no such one, and nothing was done. *surer: the
 * certainty to queue it at now, or 0. */
static inline bool cs_ballots_agree(const struct cs_ballots *ballots, uint32_t *place, uint16_t module,
                                    uint32_t certainty, uint32_t weight, uint8_t *surer)
{
        uint32_t number = ballots->number_of[module], packed = *place ? *place : number << CS_BALLOT_ALL_BITS;
        uint32_t sure = packed >> CS_BALLOT_CERTAINTY & UINT8_MAX;
        if (!number || packed & CS_BALLOT_DISPUTED || (packed >> CS_BALLOT_ALL_BITS & UINT8_MAX) != number ||
            (packed & CS_BALLOT_ALL) + weight > CS_BALLOT_ALL)
                return false;
        *surer = 0;
        packed += weight;
        if (certainty > sure) {
                *surer = packed & CS_BALLOT_IS_SETTLED ? 0 : (uint8_t)certainty;
                packed += (certainty - sure) << CS_BALLOT_CERTAINTY;
        }
        *place = packed;
        return true;
}

/* Is it queued at that certainty, and as sure as ever? All have voted the same: then it is settled now. */
static inline bool cs_ballots_settle(uint32_t *place, uint8_t sure)
{
        bool agreed = !(*place & (CS_BALLOT_DISPUTED | CS_BALLOT_IS_SETTLED)) &&
                      (*place >> CS_BALLOT_CERTAINTY & UINT8_MAX) == sure;
        *place |= agreed ? CS_BALLOT_IS_SETTLED : 0;
        return agreed;
}

/* Whom all have voted for; the ballot is not disputed. */
static inline uint16_t cs_ballots_agreed(const struct cs_ballots *ballots, const uint32_t *place)
{
        return ballots->modules[*place >> CS_BALLOT_ALL_BITS & UINT8_MAX];
}

struct cs_ballot cs_ballots_get(const struct cs_ballots *ballots, const uint32_t *place);
CS_CHECK enum cs_status cs_ballots_put(struct cs_ballots *ballots, uint32_t *place, struct cs_ballot ballot,
                                       struct cs_error *err);

#endif
