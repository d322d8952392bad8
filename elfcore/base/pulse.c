/* SPDX-License-Identifier: Apache-2.0 */
#include "pulse.h"

#include <stdatomic.h>

static atomic_bool stop;

static _Thread_local struct {
        cs_pulse_fn fn;
        void *context;
        uint64_t bytes;
        unsigned counted; /* works under way that count by themselves */
} watcher;

void cs_stop_ask(void)
{
        atomic_store_explicit(&stop, true, memory_order_relaxed);
}

bool cs_stop_asked(void)
{
        return atomic_load_explicit(&stop, memory_order_relaxed);
}

void cs_stop_answer(void)
{
        atomic_store_explicit(&stop, false, memory_order_relaxed);
}

void cs_pulse_watch(cs_pulse_fn fn, void *context)
{
        watcher.fn = fn;
        watcher.context = context;
        watcher.bytes = 0;
}

enum cs_status cs_pulse(uint64_t done, uint64_t total, struct cs_error *err)
{
        if (cs_stop_asked())
                return cs_fail(err, CS_ESTOPPED, "interrupted");
        if (watcher.fn && total)
                watcher.fn(watcher.context, done, total);
        return CS_OK;
}

bool cs_pulse_bytes(uint64_t more)
{
        if (more && watcher.fn && !watcher.counted) {
                watcher.bytes += more;
                watcher.fn(watcher.context, watcher.bytes, 0);
        }
        return !cs_stop_asked();
}

void cs_pulse_enter(void)
{
        watcher.counted++;
}

void cs_pulse_leave(void)
{
        watcher.counted--;
}
