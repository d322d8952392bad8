/* SPDX-License-Identifier: Apache-2.0 */
#include "progress.h"

#include "signals.h"
#include "units.h"

#include <signal.h>
#include <string.h>
#include <time.h>

#define SECOND UINT64_C(1000000000)
#define INTERVAL (SECOND / 10)

/* A rate of less time than this is noise. */
#define RATE_SECONDS 0.3

static uint64_t now(void)
{
        struct timespec ts;
        if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0)
                return 0;
        return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

void cs_progress_text(char *out, size_t size, const char *stage, uint64_t done, uint64_t total,
                      double seconds)
{
        char amount[80] = "";
        char rate[80] = "";
        if (total)
                (void)snprintf(amount, sizeof(amount), "  %s of %s", cs_units_bytes(done).text,
                               cs_units_bytes(total).text);
        else if (done)
                (void)snprintf(amount, sizeof(amount), "  %s", cs_units_bytes(done).text);
        if (done && seconds >= RATE_SECONDS) {
                double per_second = (double)done / seconds;
                double left = total > done ? (double)(total - done) / per_second : 0;
                struct cs_units speed = cs_units_bytes(per_second < 1e18 ? (uint64_t)per_second : 0);
                if (total > done)
                        (void)snprintf(rate, sizeof(rate), "  %s/s  %s left", speed.text,
                                       cs_units_seconds(left).text);
                else
                        (void)snprintf(rate, sizeof(rate), "  %s/s", speed.text);
        }
        (void)snprintf(out, size, "%s%s%s", stage, amount, rate);
}

/* Under the lock. */
static void write_line(struct cs_progress *progress, uint64_t at)
{
        char text[256];
        cs_progress_text(text, sizeof(text), progress->stage, progress->done, progress->total,
                         (double)(at - progress->stage_began) / (double)SECOND);
        /* One column short: writing the last one makes some terminals go to the next line. */
        size_t most = progress->width > 1 ? progress->width - 1 : 1;
        if (most < sizeof(text))
                text[most] = '\0';
        cs_signals_line(true);
        progress->there = true;
        progress->shown_at = at;
        (void)fputs("\r", progress->to);
        cs_escape_print(progress->to, text, CS_CHARSET_ASCII);
        (void)fputs("\033[K", progress->to);
        (void)fflush(progress->to);
}

static void erase_line(struct cs_progress *progress)
{
        progress->wanted = false;
        if (!progress->there)
                return;
        (void)fputs("\r\033[K", progress->to);
        (void)fflush(progress->to);
        progress->there = false;
        cs_signals_line(false);
}

static void lock(struct cs_progress *progress)
{
        if (progress->drawing)
                pthread_mutex_lock(&progress->lock);
}

static void unlock(struct cs_progress *progress)
{
        if (progress->drawing)
                pthread_mutex_unlock(&progress->lock);
}

static void *draw(void *context)
{
        struct cs_progress *progress = context;
        pthread_mutex_lock(&progress->lock);
        while (!progress->over) {
                struct timespec until;
                (void)clock_gettime(CLOCK_MONOTONIC, &until);
                uint64_t ns = (uint64_t)until.tv_nsec + INTERVAL;
                until.tv_sec += (time_t)(ns / SECOND);
                until.tv_nsec = (long)(ns % SECOND);
                (void)pthread_cond_timedwait(&progress->ended, &progress->lock, &until);
                uint64_t at = now();
                if (progress->wanted && !progress->over && at - progress->shown_at >= INTERVAL)
                        write_line(progress, at);
        }
        pthread_mutex_unlock(&progress->lock);
        return NULL;
}

void cs_progress_begin(struct cs_progress *progress)
{
        pthread_condattr_t monotonic;
        sigset_t all, before;
        if (!progress->to)
                return;
        (void)pthread_mutex_init(&progress->lock, NULL);
        (void)pthread_condattr_init(&monotonic);
        (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
        (void)pthread_cond_init(&progress->ended, &monotonic);
        (void)pthread_condattr_destroy(&monotonic);
        /* Signals are for the threads that work. */
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before);
        progress->drawing =
                true; /* before the thread is there: it would be written by one and read by the other */
        if (pthread_create(&progress->thread, NULL, draw, progress) != 0)
                progress->drawing = false;
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void cs_progress_show(void *context, const char *stage, uint64_t done, uint64_t total)
{
        struct cs_progress *progress = context;
        if (!progress->to)
                return;
        uint64_t at = now();
        lock(progress);
        if (strncmp(progress->stage, stage, sizeof(progress->stage) - 1) != 0) {
                (void)snprintf(progress->stage, sizeof(progress->stage), "%s", stage);
                progress->stage_began = at;
        }
        progress->done = done;
        progress->total = total;
        progress->wanted = true;
        if (!progress->shown_at || at - progress->shown_at >= INTERVAL)
                write_line(progress, at);
        unlock(progress);
}

void cs_progress_clear(struct cs_progress *progress)
{
        lock(progress);
        erase_line(progress);
        unlock(progress);
}

void cs_progress_end(struct cs_progress *progress)
{
        lock(progress);
        erase_line(progress);
        progress->over = true;
        if (progress->drawing)
                (void)pthread_cond_signal(&progress->ended);
        unlock(progress);
        if (!progress->drawing)
                return;
        (void)pthread_join(progress->thread, NULL);
        progress->drawing = false;
        (void)pthread_cond_destroy(&progress->ended);
        (void)pthread_mutex_destroy(&progress->lock);
}
