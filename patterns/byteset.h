/* SPDX-License-Identifier: Apache-2.0 */
/* A set of byte values. */
#ifndef CS_BYTESET_H
#define CS_BYTESET_H

#include "bytes.h"

struct cs_byteset {
        uint64_t word[4];
};

static inline bool cs_byteset_has(const struct cs_byteset *set, uint8_t byte)
{
        return set->word[byte >> 6] >> (byte & 63) & 1;
}

static inline void cs_byteset_add(struct cs_byteset *set, uint8_t byte)
{
        set->word[byte >> 6] |= UINT64_C(1) << (byte & 63);
}

static inline void cs_byteset_add_range(struct cs_byteset *set, unsigned first, unsigned last)
{
        for (unsigned b = first; b <= last && b < 256; b++)
                cs_byteset_add(set, (uint8_t)b);
}

static inline void cs_byteset_join(struct cs_byteset *set, const struct cs_byteset *other)
{
        for (int i = 0; i < 4; i++)
                set->word[i] |= other->word[i];
}

static inline void cs_byteset_invert(struct cs_byteset *set)
{
        for (int i = 0; i < 4; i++)
                set->word[i] = ~set->word[i];
}

static inline unsigned cs_byteset_count(const struct cs_byteset *set)
{
        return cs_popcount(set->word[0]) + cs_popcount(set->word[1]) + cs_popcount(set->word[2]) +
               cs_popcount(set->word[3]);
}

enum { CS_BYTE_CASE = 0x20 }; /* what a letter's cases differ in */

/* Is the set one byte, or one letter in both cases? Then a byte with the bits of *fold set is *value where it is of the set, and only there. */
static inline bool cs_byteset_exact(const struct cs_byteset *set, uint8_t *value, uint8_t *fold)
{
        unsigned n = cs_byteset_count(set), b = 0;
        if (n != 1 && n != 2)
                return false;
        while (!cs_byteset_has(set, (uint8_t)b))
                b++;
        *fold = n == 2 ? CS_BYTE_CASE : 0;
        *value = (uint8_t)(b | *fold);
        return n == 1 || (!(b & CS_BYTE_CASE) && cs_byteset_has(set, *value));
}

/* Letters of ASCII, and only these, have two cases in a regex over bytes. */
static inline void cs_byteset_both_cases(struct cs_byteset *set)
{
        for (unsigned b = 'a'; b <= 'z'; b++) {
                uint8_t lower = (uint8_t)b, upper = (uint8_t)(b - 'a' + 'A');
                if (cs_byteset_has(set, lower))
                        cs_byteset_add(set, upper);
                else if (cs_byteset_has(set, upper))
                        cs_byteset_add(set, lower);
        }
}

static inline uint8_t cs_byte_fold(uint8_t byte)
{
        return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte - 'A' + 'a') : byte;
}

#endif
