/* SPDX-License-Identifier: Apache-2.0 */
#include "work.h"

#include "pulse.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *cs_work_alloc(size_t n, size_t size)
{
        struct line {
                CS_WORK_APART unsigned char bytes[1];
        };
        size_t bytes;
        if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX - sizeof(struct line))
                return NULL;
        bytes = (bytes + sizeof(struct line) - 1) / sizeof(struct line) * sizeof(struct line);
        void *room = aligned_alloc(_Alignof(struct line), bytes);
        return room ? memset(room, 0, bytes) : NULL;
}

struct job {
        cs_work_fn fn;
        void *context;
        size_t count;
        atomic_size_t next;
        atomic_bool failed;
        struct cs_beside *busy; /* what the last worker does until then; or NULL */
        pthread_mutex_t lock;   /* guards the two below */
        size_t failed_unit;
        struct cs_error error;
};

struct worker {
        struct job *job;
        unsigned number;
        bool busy;
};

static bool nothing_left(struct job *job)
{
        return atomic_load(&job->next) >= job->count || atomic_load(&job->failed);
}

static void await_busy(struct job *job)
{
        struct cs_beside *b = job->busy;
        pthread_mutex_lock(&b->lock);
        while (!cs_beside_over(b) && !nothing_left(job))
                pthread_cond_wait(&b->ended, &b->lock);
        pthread_mutex_unlock(&b->lock);
}

/* Whoever waits for the other thing to end learns that nothing is left to help with. */
static void wake_busy(struct cs_beside *b)
{
        pthread_mutex_lock(&b->lock);
        pthread_cond_broadcast(&b->ended);
        pthread_mutex_unlock(&b->lock);
}

static void *work(void *argument)
{
        struct worker *me = argument;
        struct job *job = me->job;
        if (me->busy)
                await_busy(job);
        while (!atomic_load_explicit(&job->failed, memory_order_relaxed)) {
                size_t unit = atomic_fetch_add_explicit(&job->next, 1, memory_order_relaxed);
                if (unit >= job->count)
                        break;
                struct cs_error err = { 0 };
                enum cs_status st = cs_pulse(unit, job->count, &err);
                if (st == CS_OK)
                        st = job->fn(job->context, unit, me->number, &err);
                if (st == CS_OK)
                        continue;
                err.status = st;
                pthread_mutex_lock(&job->lock);
                if (unit < job->failed_unit) {
                        job->failed_unit = unit;
                        job->error = err;
                }
                pthread_mutex_unlock(&job->lock);
                atomic_store(&job->failed, true);
        }
        if (job->busy)
                wake_busy(job->busy);
        return NULL;
}

enum cs_status cs_work_run(unsigned workers, size_t count, cs_work_fn fn, void *context, struct cs_error *err)
{
        return cs_work_run_beside(workers, count, fn, context, NULL, err);
}

enum cs_status cs_work_run_beside(unsigned workers, size_t count, cs_work_fn fn, void *context,
                                  struct cs_beside *busy, struct cs_error *err)
{
        struct job job = {
                .fn = fn, .context = context, .count = count, .busy = busy, .failed_unit = SIZE_MAX
        };
        struct worker each[CS_WORKERS_MAX];
        pthread_t threads[CS_WORKERS_MAX];
        unsigned started = 1;

        pthread_mutex_init(&job.lock, NULL);
        if (workers > CS_WORKERS_MAX)
                workers = CS_WORKERS_MAX;
        if (workers > count)
                workers = count ? (unsigned)count : 1;
        each[0] = (struct worker){ .job = &job, .number = 0 };
        for (; started < workers; started++) {
                each[started] = (struct worker){ &job, started, busy && started == workers - 1 };
                if (pthread_create(&threads[started], NULL, work, &each[started]) != 0)
                        break;
        }
        cs_pulse_enter();
        work(&each[0]);
        cs_pulse_leave();
        for (unsigned i = 1; i < started; i++)
                pthread_join(threads[i], NULL);
        pthread_mutex_destroy(&job.lock);
        if (job.failed_unit == SIZE_MAX)
                return CS_OK;
        if (err)
                *err = job.error;
        return job.error.status;
}

/* ---- one thing beside the caller --------------------------------------------------------------------------------- */

static void *run_beside(void *argument)
{
        struct cs_beside *b = argument;
        b->status = b->fn(b->context, &b->error);
        pthread_mutex_lock(&b->lock);
        atomic_store_explicit(&b->over, true, memory_order_release);
        pthread_cond_broadcast(&b->ended);
        pthread_mutex_unlock(&b->lock);
        return NULL;
}

void cs_beside_start(struct cs_beside *b, cs_beside_fn fn, void *context)
{
        b->fn = fn;
        b->context = context;
        b->error = (struct cs_error){ 0 };
        atomic_store(&b->over, false);
        /* Those of Linux need not be destroyed, as nobody waits any more when it was waited for. */
        b->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
        b->ended = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
        b->running = pthread_create(&b->thread, NULL, run_beside, b) == 0;
        if (!b->running)
                run_beside(b);
}

bool cs_beside_over(const struct cs_beside *b)
{
        return !b->fn || atomic_load_explicit(&b->over, memory_order_acquire);
}

void cs_beside_await(struct cs_beside *b)
{
        if (cs_beside_over(b))
                return;
        pthread_mutex_lock(&b->lock);
        while (!cs_beside_over(b))
                pthread_cond_wait(&b->ended, &b->lock);
        pthread_mutex_unlock(&b->lock);
}

enum cs_status cs_beside_wait(struct cs_beside *b, struct cs_error *err)
{
        if (b->running)
                pthread_join(b->thread, NULL);
        b->running = false;
        if (!b->fn || b->status == CS_OK)
                return CS_OK;
        if (err)
                *err = b->error;
        return b->status;
}
