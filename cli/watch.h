/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at a process again and again: a light sample each time (the kernel's counts), and a look at its memory when these
 * moved, mostly a brief one, which reads what changed. Main thread. */
#ifndef CS_WATCH_H
#define CS_WATCH_H

#include "join.h"
#include "vitals.h"

enum cs_watch_end {
        CS_WATCH_SAMPLES, /* as many as were asked for */
        CS_WATCH_STOPPED, /* Ctrl-C */
        CS_WATCH_GONE,    /* the process ended */
};

struct cs_watch_state {
        struct cs_vitals now;
        struct cs_vitals_kinds kinds;
        bool kinds_known;     /* with this sample: so many mappings are not listed again and again */
        int64_t time_ms;      /* Unix milliseconds; a step of the clock does not show */
        double seconds;       /* since the beginning */
        double took;          /* this sample, in seconds, without a look at memory */
        uint64_t samples;     /* light ones so far */
        uint64_t looks;       /* at all of it, */
        uint64_t brief_looks; /* and at what had changed since the one before */
        bool looked;          /* this sample has one */
        bool brief;           /* of the second kind */
        double look_seconds;  /* that it took */
        unsigned run;         /* how often another program was executed */
        double run_seconds;   /* when that was seen last */
        const struct cs_sample
                *at; /* anonymous memory of the program that runs, evenly thinned when there are many */
        size_t n;
        struct cs_trend_fit trend; /* of it */
        struct cs_vitals_room room;
        double left; /* seconds until that room is used up; 0: it is not */
        struct cs_growth *
                growth; /* of all looks so far, as it would be if it ended here. Valid until show() returns */
        enum cs_watch_end end; /* in the end */
};

struct cs_watch {
        pid_t pid;
        double interval;  /* seconds */
        uint64_t samples; /* 0: until it ends, or Ctrl-C */
        /* A look, where `brief` allows it a brief one; *stop: it was interrupted, and is what was found so far. */
        enum cs_status (*look)(void *context, bool brief, struct cs_snapshot **out, bool *stop,
                               struct cs_error *err);
        void *look_context;
        /* After each sample. */
        void (*show)(void *context, const struct cs_watch_state *state);
        void *show_context;
};

/* Watches until the end. What is seen with the first sample fails as a single look would; what goes wrong later ends the watch as if the
 * process was gone. The state's `at` is malloc'ed in the end: cs_watch_state_deinit(). *growth: of all of it, owned. */
CS_CHECK enum cs_status cs_watch_run(const struct cs_watch *watch, struct cs_watch_state *state,
                                     struct cs_growth **growth, struct cs_error *err);
void cs_watch_state_deinit(struct cs_watch_state *state);

/* Seconds until `room` bytes are used up at the trend's rate; 0: it does not last. */
double cs_watch_left(const struct cs_trend_fit *trend, double room);

#endif
