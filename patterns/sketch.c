/* SPDX-License-Identifier: Apache-2.0 */
#include "sketch.h"

#include <math.h>

void cs_sketch_merge(struct cs_sketch *into, const struct cs_sketch *from)
{
        for (unsigned i = 0; i < CS_SKETCH_CELLS; i++)
                if (from->cell[i] > into->cell[i])
                        into->cell[i] = from->cell[i];
}

uint64_t cs_sketch_count(const struct cs_sketch *sketch)
{
        const double cells = CS_SKETCH_CELLS, alpha = 0.7213 / (1 + 1.079 / CS_SKETCH_CELLS);
        unsigned ranks[64] = { 0 }, empty;
        double sum = 0;
        for (unsigned i = 0; i < CS_SKETCH_CELLS; i++)
                ranks[sketch->cell[i] % 64]++;
        empty = ranks[0];
        for (unsigned rank = 0; rank < 64; rank++)
                if (ranks[rank])
                        sum += ranks[rank] * ldexp(1, -(int)rank);
        double count = alpha * cells * cells / sum;
        if (count <= 2.5 * cells && empty)
                count = cells * log(cells / empty);
        return (uint64_t)(count + 0.5);
}
