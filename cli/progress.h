/* SPDX-License-Identifier: Apache-2.0 */
/* One line on standard error that tells a waiting person what happens, how fast, and how long it will
 * take. A thread of its own draws it, so that its times go on while the work has nothing to tell; all calls come from one
 * other thread. */
#ifndef CS_PROGRESS_H
#define CS_PROGRESS_H

#include "escape.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>

struct cs_progress {
        FILE *to;     /* borrowed; NULL: shows nothing */
        size_t width; /* columns of the terminal */
        char stage[64];
        uint64_t done;
        uint64_t total;
        uint64_t stage_began; /* nanoseconds of the monotonic clock; rates are those of the stage */
        uint64_t shown_at;    /* when the line was last written; 0: never */
        bool there;           /* the line stands on the terminal */
        bool wanted;          /* it should: nobody has erased it since it was last told what to say */
        bool drawing;         /* the thread runs */
        bool over;            /* and should end */
        pthread_t thread;
        pthread_mutex_t lock; /* guards all of it while the thread runs */
        pthread_cond_t ended;
};

/* From here on the line is drawn by itself. Nothing happens where `to` is NULL, or where there can be no thread. */
void cs_progress_begin(struct cs_progress *progress);

/* A cs_progress_fn: context is a struct cs_progress. Writes at most ten times a second. */
void cs_progress_show(void *context, const char *stage, uint64_t done, uint64_t total);

/* Erases the line, until there is something new to show. */
void cs_progress_clear(struct cs_progress *progress);

/* Erases the line, and draws no more. */
void cs_progress_end(struct cs_progress *progress);

/* The line's text, without the terminal's commands: "reading memory 1.20 of 4.00 GiB 812 MiB/s 3 s left".
 * seconds is how long the stage has lasted. */
void cs_progress_text(char *out, size_t size, const char *stage, uint64_t done, uint64_t total,
                      double seconds);

#endif
