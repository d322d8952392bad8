/* SPDX-License-Identifier: Apache-2.0 */
/* One line on standard error that tells a waiting person what happens, how fast, and how long it will
 * take. Main thread only. */
#ifndef CS_PROGRESS_H
#define CS_PROGRESS_H

#include "escape.h"

#include <stdint.h>
#include <stdio.h>

struct cs_progress {
        FILE *to;     /* borrowed; NULL: shows nothing */
        size_t width; /* columns of the terminal */
        char stage[64];
        uint64_t stage_began; /* nanoseconds of the monotonic clock; rates are those of the stage */
        uint64_t shown_at;    /* when the line was last written; 0: never */
        bool there;           /* the line stands on the terminal */
};

/* A cs_progress_fn: context is a struct cs_progress. Writes at most ten times a second, and at each new
 * stage. */
void cs_progress_show(void *context, const char *stage, uint64_t done, uint64_t total);

/* Erases the line. */
void cs_progress_end(struct cs_progress *progress);

/* The line's text, without the terminal's commands: "reading memory 1.20 of 4.00 GiB 812 MiB/s 3 s left".
 * seconds is how long the stage has lasted. */
void cs_progress_text(char *out, size_t size, const char *stage, uint64_t done, uint64_t total,
                      double seconds);

#endif
