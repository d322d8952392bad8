/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted of the texts that mask to one template, in a bounded number of bytes. Pure. */
#ifndef CS_TEXTFACTS_H
#define CS_TEXTFACTS_H

#include <stdbool.h>
#include <stdint.h>

enum {
        CS_TEXT_EXAMPLES = 4,
        CS_TEXT_VOTES = 4,
        CS_NOBODY = UINT32_MAX,
};

enum cs_text_state { CS_TEXT_IN_USE, CS_TEXT_FREE, CS_TEXT_ELSEWHERE };

/* A text, and where it stands. The numbers are the caller's; CS_NOBODY: none. */
struct cs_text_place {
        uint64_t address;
        uint64_t value; /* hash of the text */
        uint64_t bytes;
        uint32_t block;
        uint32_t cluster;
        uint32_t module;
        uint32_t kind;    /* of memory */
        uint8_t state;    /* enum cs_text_state: in a block in use, in a freed one, in no block */
        uint8_t encoding; /* enum cs_encoding */
};

/* Who has most: the weights of the heaviest, each too low by no more than a fifth of all weights (Misra and Gries, 1982). */
struct cs_text_votes {
        uint32_t who[CS_TEXT_VOTES];
        uint64_t weight[CS_TEXT_VOTES]; /* 0: the place is free */
};

struct cs_text_facts {
        uint64_t count;
        uint64_t bytes;
        uint64_t states[3]; /* of count, by enum cs_text_state */
        uint64_t blocks;    /* that hold such a text, as they came one behind the other */
        uint32_t first_block;
        uint32_t last_block;
        uint8_t encodings; /* bits */
        uint8_t n_examples;
        uint64_t examples[CS_TEXT_EXAMPLES]; /* the lowest addresses */
        struct cs_text_votes clusters;       /* by bytes */
        struct cs_text_votes modules;
        struct cs_text_votes kinds;
};

/* Places come in the order of their addresses. True where the block is another than that of the place before. */
bool cs_text_facts_add(struct cs_text_facts *facts, const struct cs_text_place *place);

/* What follows behind `into` in the order of addresses; or, with `beside`, of other texts at any addresses. */
void cs_text_facts_merge(struct cs_text_facts *into, const struct cs_text_facts *from, bool beside);

void cs_text_votes_add_other(struct cs_text_votes *votes, uint32_t who, uint64_t weight);

static inline void cs_text_votes_add(struct cs_text_votes *votes, uint32_t who, uint64_t weight)
{
        if (votes->weight[0] && votes->who[0] == who) /* as it is mostly */
                votes->weight[0] += weight;
        else if (who != CS_NOBODY && weight)
                cs_text_votes_add_other(votes, who, weight);
}

/* Who has the most votes, if it is at least half of `all`; else CS_NOBODY. */
uint32_t cs_text_votes_winner(const struct cs_text_votes *votes, uint64_t all);

#endif
