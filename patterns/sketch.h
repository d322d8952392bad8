/* SPDX-License-Identifier: Apache-2.0 */
/* How many different values there were, in 256 bytes: HyperLogLog (Flajolet and others, 2007), by linear counting while they
 * are few. Its standard error is 6.5 %, and less below some hundred values; one value is always told as one. The same values
 * in any order, and however often, give the same sketch. */
#ifndef CS_SKETCH_H
#define CS_SKETCH_H

#include <stdint.h>

enum { CS_SKETCH_CELLS = 256 };

struct cs_sketch {
        uint8_t cell[CS_SKETCH_CELLS]; /* zeros: no value yet */
};

/* hash: of a value, all 64 bits of it well mixed. */
static inline void cs_sketch_add(struct cs_sketch *sketch, uint64_t hash)
{
        uint8_t *cell = &sketch->cell[hash % CS_SKETCH_CELLS];
        uint8_t rank = (uint8_t)(__builtin_clzll(hash / CS_SKETCH_CELLS | 1) - 7);
        if (rank > *cell)
                *cell = rank;
}

void cs_sketch_merge(struct cs_sketch *into, const struct cs_sketch *from);

uint64_t cs_sketch_count(const struct cs_sketch *sketch);

#endif
