/* SPDX-License-Identifier: Apache-2.0 */
/* Work side by side. A job is cut into numbered units, the same ones whatever the number of workers; each worker takes
 * the next unit and writes only to what belongs to the unit or to the worker. So the result does not depend on -j. */
#ifndef CS_WORK_H
#define CS_WORK_H

#include "status.h"

#include <stddef.h>

enum { CS_WORKERS_MAX = 256 };

/* Does unit number `unit` as worker number `worker` (0 … workers-1). A failure ends the whole job. */
typedef enum cs_status (*cs_work_fn)(void *context, size_t unit, unsigned worker, struct cs_error *err);

/* Runs units 0 … count-1 on up to `workers` threads (the caller's is one of them) and waits for all of them.
 * Returns the failure of the lowest-numbered unit that failed. Where a thread cannot be made, fewer do the work. */
CS_CHECK enum cs_status cs_work_run(unsigned workers, size_t count, cs_work_fn fn, void *context,
                                    struct cs_error *err);

#endif
