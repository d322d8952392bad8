/* SPDX-License-Identifier: Apache-2.0 */
/* Series whose shape is known, made with seeds: one set to look at while the code is written, and one, made in other ways
 * and with other parameters, that it is judged by. */
#ifndef CS_TREND_SERIES_H
#define CS_TREND_SERIES_H

#include "trend.h"

#include <stdint.h>

enum { SERIES_SAMPLES_MOST = 64 };

struct series {
        enum cs_trend shape; /* what it is */
        struct cs_sample at[SERIES_SAMPLES_MOST];
        size_t n;
        double rate; /* lasting growth a second that it was made with; 0: none */
        char name[96];
};

enum series_set { SERIES_TRIED, SERIES_HELD_OUT };

/* The i-th of a set: all shapes in turn, then other rates, noises and ways of growing (heap: by pages at the end of one
 * mapping; mmap: by large pieces). */
struct series series_make(enum series_set set, unsigned i);

#endif
