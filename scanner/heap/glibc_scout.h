/* SPDX-License-Identifier: Apache-2.0 */
/* A large heap is walked by two: headers lead from one to the next, so that nobody can begin in the middle; but from any place where
 * a thousand headers in a row fit, the walk would go on the same way, if it comes by there. So a scout looks for such a place in the
 * middle of the heap and goes on from it, into the same bitmaps, on a thread of its own. The walk stops there: if it comes to the very
 * chunk that the scout began with, all that the scout found is what it would have found itself, and is taken over. If not, or if
 * it ends before, what the scout found is taken back. So the blocks are the same with a scout and without. */
#ifndef CS_GLIBC_SCOUT_H
#define CS_GLIBC_SCOUT_H

#include "glibc_walker.h"
#include "work.h"

struct cs_glibc_scout {
        struct cs_beside beside;
        struct cs_glibc glibc; /* as the walk's, with a view and caches of its own */
        struct cs_glibc_walker walker;
        struct cs_block_run run;
        uint64_t middle;
        /* Each of the two stores where it is and then loads where the other one is: so one of them sees the other at least. */
        _Atomic uint64_t passed; /* by the walk */
        _Atomic uint64_t
                begins; /* from there on the bitmaps are the scout's; UINT64_MAX: not yet, or no more */
        _Atomic uint64_t ignored;
        atomic_bool recalled;
        /* Once it is over. */
        uint64_t first, next; /* its first chunk, and the one that it came to; equal where there is none */
};

/* Sends it out, if the heap from `first` on is as large as the heaps ask for; NULL: it is not, or there is no memory for it. The walker is the
 * walk's, whose range was begun and has no blocks yet. Until the scout is back nobody but it and the walk, as below, touches the range. */
struct cs_glibc_scout *cs_glibc_scout_send(const struct cs_glibc_walker *walk, uint64_t first);

/* The walk is at p, and will write of blocks that begin less than CS_VIEW_LENT further until it says so again; from the address that
 * comes back on, of none. */
uint64_t cs_glibc_scout_pass(struct cs_glibc_scout *scout, uint64_t p);

/* Waits for it. Did it begin at p, and find anything? */
bool cs_glibc_scout_await(struct cs_glibc_scout *scout, uint64_t p);

/* It did, and the blocks reach up to there: takes over what it found, and the walker comes to where the scout came to. Destroys the scout. */
CS_CHECK enum cs_status cs_glibc_scout_take(struct cs_glibc_scout *scout, struct cs_glibc_walker *walk,
                                            uint64_t *p, struct cs_error *err);

/* Calls it back, takes back what it found, and destroys it. NULL will do. */
void cs_glibc_scout_recall(struct cs_glibc_scout *scout);

#endif
