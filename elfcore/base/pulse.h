/* SPDX-License-Identifier: Apache-2.0 */
/* The pulse of long work: at each beat a person who waits may see how far it is, and may have it end early. Work that takes longer than
 * a tenth of a second beats: cs_work_run() at each unit, sources at each large read, loops over millions of things by cs_pulse(). */
#ifndef CS_PULSE_H
#define CS_PULSE_H

#include "status.h"

#include <stdint.h>

/* Of the process, for a person's wish is: from now on whatever beats fails with CS_ESTOPPED, and sources read nothing. Safe in a
 * signal handler, and on any thread. */
void cs_stop_ask(void);
bool cs_stop_asked(void);

/* All that worked has ended: what comes now tells what is there, and may read again. */
void cs_stop_answer(void);

/* done of total, in whatever is counted; total 0: done is bytes of memory, of nobody knows how many. */
typedef void (*cs_pulse_fn)(void *context, uint64_t done, uint64_t total);

/* Who sees the beats of the calling thread from now on; NULL: nobody. What workers do beside it is not seen. */
void cs_pulse_watch(cs_pulse_fn fn, void *context);

/* A beat. CS_ESTOPPED: somebody asked for the end. */
CS_CHECK enum cs_status cs_pulse(uint64_t done, uint64_t total, struct cs_error *err);

/* A beat now and then: for loops over millions of things that are quickly done. */
enum { CS_PULSE_EVERY = 1 << 16 };
CS_CHECK static inline enum cs_status cs_pulse_at(uint64_t done, uint64_t total, struct cs_error *err)
{
        return done % CS_PULSE_EVERY ? CS_OK : cs_pulse(done, total, err);
}

/* A beat of a source that read so many bytes more; false: it should not read on. Not shown while counted work is under way. */
bool cs_pulse_bytes(uint64_t more);

/* Counted work begins and ends on this thread. */
void cs_pulse_enter(void);
void cs_pulse_leave(void);

#endif
