/* SPDX-License-Identifier: Apache-2.0 */
/* Work side by side. A job is cut into numbered units, the same ones whatever the number of workers; each worker takes
 * the next unit and writes only to what belongs to the unit or to the worker. So the result does not depend on -j. */
#ifndef CS_WORK_H
#define CS_WORK_H

#include "status.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

enum { CS_WORKERS_MAX = 256 };

/* What workers write all the time stands apart: on its first member, and in cs_work_alloc(), this keeps one worker's from the lines of the
 * processor's cache that another one's are in (of which two come at once). */
#define CS_WORK_APART _Alignas(128)

/* Zeroed room for n structs of that size, of which each stands apart; free() frees it. NULL: no memory. */
void *cs_work_alloc(size_t n, size_t size);

/* Does unit number `unit` as worker number `worker` (0 … workers-1). A failure ends the whole job. */
typedef enum cs_status (*cs_work_fn)(void *context, size_t unit, unsigned worker, struct cs_error *err);

/* Runs units 0 … count-1 on up to `workers` threads (the caller's is one of them) and waits for all of them.
 * Returns the failure of the lowest-numbered unit that failed. Where a thread cannot be made, fewer do the work. Each unit begins with a
 * beat (pulse.h): once the end is asked for, CS_ESTOPPED comes after the units that were begun, which are the first ones. */
CS_CHECK enum cs_status cs_work_run(unsigned workers, size_t count, cs_work_fn fn, void *context,
                                    struct cs_error *err);

struct cs_beside;

/* The same, but that the last of several workers is busy with something else, and helps from when that is over. Nobody waits for that. */
CS_CHECK enum cs_status cs_work_run_beside(unsigned workers, size_t count, cs_work_fn fn, void *context,
                                           struct cs_beside *busy, struct cs_error *err);

/* One thing that is done on a thread of its own while the caller goes on. Caller storage, which stays where it is until it was
 * waited for; zeroed, nothing is under way. */
typedef enum cs_status (*cs_beside_fn)(void *context, struct cs_error *err);

struct cs_beside {
        cs_beside_fn fn;
        void *context;
        pthread_t thread;
        bool running; /* and not waited for yet */
        atomic_bool over;
        pthread_mutex_t lock; /* for those who await it */
        pthread_cond_t ended;
        enum cs_status status;
        struct cs_error error;
};

/* Where a thread cannot be made, it is done at once. */
void cs_beside_start(struct cs_beside *beside, cs_beside_fn fn, void *context);

/* Is nothing under way (any more)? From any thread. */
bool cs_beside_over(const struct cs_beside *beside);

/* Waits until it is over. From any thread but its own. */
void cs_beside_await(struct cs_beside *beside);

/* Waits for it; its failure, each time it is asked for. By the one who started it. */
CS_CHECK enum cs_status cs_beside_wait(struct cs_beside *beside, struct cs_error *err);

#endif
