/* SPDX-License-Identifier: Apache-2.0 */
#include "progress.h"

#include "signals.h"
#include "units.h"

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

static void write_line(struct cs_progress *progress, uint64_t done, uint64_t total, double seconds)
{
        char text[256];
        cs_progress_text(text, sizeof(text), progress->stage, done, total, seconds);
        /* One column short: writing the last one makes some terminals go to the next line. */
        size_t most = progress->width > 1 ? progress->width - 1 : 1;
        if (most < sizeof(text))
                text[most] = '\0';
        cs_signals_line(true);
        progress->there = true;
        (void)fputs("\r", progress->to);
        cs_escape_print(progress->to, text, CS_CHARSET_ASCII);
        (void)fputs("\033[K", progress->to);
        (void)fflush(progress->to);
}

void cs_progress_show(void *context, const char *stage, uint64_t done, uint64_t total)
{
        struct cs_progress *progress = context;
        if (!progress->to)
                return;
        uint64_t at = now();
        bool fresh = strncmp(progress->stage, stage, sizeof(progress->stage) - 1) != 0;
        if (fresh) {
                (void)snprintf(progress->stage, sizeof(progress->stage), "%s", stage);
                progress->stage_began = at;
        }
        if (!fresh && at - progress->shown_at < INTERVAL)
                return;
        progress->shown_at = at;
        write_line(progress, done, total, (double)(at - progress->stage_began) / (double)SECOND);
}

void cs_progress_end(struct cs_progress *progress)
{
        if (!progress->there)
                return;
        (void)fputs("\r\033[K", progress->to);
        (void)fflush(progress->to);
        progress->there = false;
        cs_signals_line(false);
}
