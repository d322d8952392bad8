/* SPDX-License-Identifier: Apache-2.0 */
/* Where the threads' stacks are and whose code runs on them. */
#ifndef CS_THREADS_H
#define CS_THREADS_H

#include "symbols.h"

struct cs_stack {
        struct cs_range range;
        int32_t module;       /* of the start routine, or CS_NO_MODULE */
        const char *detail;   /* "main stack", "stack of thread 12 (libfoo.so: run)"; lives in the pool */
        const char *guard;    /* the same for its guard pages, or NULL: it has none of its own */
        bool storage;         /* no stack, but the main thread's thread-local storage, which ld.so maps */
        bool ended;           /* its thread is gone: what lies there is stale, except for `kept` */
        struct cs_range kept; /* of an ended thread's: what libc will still look at */
};

typedef CS_VEC(struct cs_stack) cs_stack_vec;

/* Fills in the thread pointers of a live process's threads, which /proc does not tell: glibc's lists have each thread's record, to
 * which the pointer points. Main thread, before anything else looks at the image's threads. */
void cs_threads_locate(struct cs_image *image, struct cs_symbols *symbols);

/* By address, disjoint, each in one mapping. Threads are known by their stack pointers and, where glibc tells its layout to
 * debuggers (the _thread_db_* objects of libc or libpthread), by its own lists, which also have the stacks of threads that ended
 * and are kept for the next ones. Texts live in pool. Main thread. */
CS_CHECK enum cs_status cs_stacks_find(const struct cs_image *image, struct cs_symbols *symbols,
                                       struct cs_pool *pool, cs_stack_vec *out, struct cs_error *err);

#endif
