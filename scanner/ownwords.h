/* SPDX-License-Identifier: Apache-2.0 */
/* Whom the words of a block speak for: its pointers into modules, each with what such a pointer is worth. Pure; a struct per
 * block that is looked at. */
#ifndef CS_OWNWORDS_H
#define CS_OWNWORDS_H

#include "targets.h"

enum { CS_OWNWORDS_MODULES = 8 };

struct cs_ownwords_module {
        uint32_t module;
        uint32_t functions;
        float data; /* sum of the weights of pointers to data */
        float code; /* the same of pointers to functions */
        float best; /* how far the strongest of them is to be trusted */
};

struct cs_ownwords {
        uint32_t n;
        uint32_t words; /* that were looked at, of any kind, but zero */
        struct cs_ownwords_module
                at[CS_OWNWORDS_MODULES]; /* the first ones; blocks that point into more are rare */
};

/* What a word that points into a module is. */
struct cs_ownword {
        enum cs_target_kind kind;
        double weight; /* 0: says nothing */
        double trust;  /* how often the module of such a word is the one that asked for the block */
};

/* share: of the blocks of that kind that have the word there. What all have is a field; what some have may be an earlier
 * tenant's, the more so the further inside it stands. target: NULL where it was not resolved. */
struct cs_ownword cs_ownword_weigh(const struct cs_space *space, const struct cs_target *target,
                                   uint32_t module, uint64_t value, uint64_t offset, double share);

/* Adds a word that points into a module. */
void cs_ownwords_add(struct cs_ownwords *words, const struct cs_space *space,
                     const struct cs_targets *targets, uint32_t module, uint64_t value, uint64_t offset);

/* The module that the words speak for, and how surely (of 255), or CS_NO_MODULE. */
int32_t cs_ownwords_owner(const struct cs_ownwords *words, uint8_t *certainty);

/* Code pointers that make up a good part of a structure are its maker's method table; single ones are callbacks that
 * somebody else registered. */
bool cs_ownwords_is_table(uint32_t functions, uint64_t words);

#endif
