/* SPDX-License-Identifier: Apache-2.0 */
/* Places in a text, up to CS_PLACES: a set of bits. Pure. */
#ifndef CS_PLACES_H
#define CS_PLACES_H

#include "bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CS_PLACES_WORD = 64, CS_PLACES_WORDS = 4, CS_PLACES = CS_PLACES_WORDS * CS_PLACES_WORD };

struct cs_places {
        uint64_t at[CS_PLACES_WORDS];
};

/* Adds those from `from` to `to`; what lies beyond CS_PLACES is left out. */
static inline void cs_places_add(struct cs_places *places, size_t from, size_t to)
{
        for (size_t word = from / CS_PLACES_WORD; word < CS_PLACES_WORDS && from < to; word++) {
                size_t end = (word + 1) * CS_PLACES_WORD, last = to < end ? to : end;
                places->at[word] |= UINT64_MAX >> (end - last) & UINT64_MAX << from % CS_PLACES_WORD;
                from = last;
        }
}

static inline size_t cs_places_count(const struct cs_places *places)
{
        size_t n = 0;
        for (size_t word = 0; word < CS_PLACES_WORDS; word++)
                n += cs_popcount(places->at[word]);
        return n;
}

/* Adds those of `more`, and says whether `places` are no more than these. */
static inline bool cs_places_join(struct cs_places *places, const struct cs_places *more)
{
        uint64_t others = 0;
        for (size_t word = 0; word < CS_PLACES_WORDS; word++) {
                others |= places->at[word] & ~more->at[word];
                places->at[word] |= more->at[word];
        }
        return !others;
}

#endif
