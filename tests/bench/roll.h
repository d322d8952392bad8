/* SPDX-License-Identifier: Apache-2.0 */
/* The same numbers in each run, for programs whose memory is measured: xorshift64* (Vigna, "An experimental exploration of Marsaglia's
 * xorshift generators, scrambled", 2016). */
#ifndef ROLL_H
#define ROLL_H

#include <stdint.h>

static uint64_t roll(void)
{
        static uint64_t state = 88172645463325252u;
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state * 2685821657736338717u;
}

#endif
