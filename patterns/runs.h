/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of bytes of one set that are long enough, found 64 bytes at a time: bytes become bits, and a run that is too short has none left once they
 * are moved over each other. */
#ifndef CS_RUNS_H
#define CS_RUNS_H

#include "byteset.h"

#include <stddef.h>

struct cs_runs {
        struct cs_byteset set;
        size_t least; /* bytes of a run */
        /* By the lower half of a byte: for each upper half whether such a byte is of the set, of those below 128 and of the others. */
        uint8_t halves[2][16];
        bool beyond_ascii;
};

void cs_runs_init(struct cs_runs *runs, const struct cs_byteset *set, size_t least);

/* Where a run that reaches what comes next began. */
struct cs_run_state {
        size_t from;
};

/* False: stop. */
typedef bool (*cs_run_fn)(void *context, size_t from, size_t end);

/* Is there a way that this processor has? */
bool cs_runs_can(void);

/* bytes[at … end) with a multiple of 64 bytes, in order from 0 on; a run that reaches the end is told of later. */
bool cs_runs_look(const struct cs_runs *runs, struct cs_run_state *state, const uint8_t *bytes, size_t at,
                  size_t end, cs_run_fn fn, void *context);

/* The last ones, of which there may be any number; behind them there is nothing. */
bool cs_runs_end(const struct cs_runs *runs, struct cs_run_state *state, const uint8_t *bytes, size_t at,
                 size_t end, cs_run_fn fn, void *context);

#endif
