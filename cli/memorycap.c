/* SPDX-License-Identifier: Apache-2.0 */
#include "memorycap.h"

#include "budget.h"
#include "sanitized.h"

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

/* PCRE2 matches with its machine code on a stack of its own; what else runs on threads takes some 100 KiB. */
enum {
        LARGE_BYTES = 128 << 10,
        STACK_BYTES = 1 << 20,
        OTHER_THREADS = 3 /* the digest, a walk, the progress line */
};

/* What the limit counts already (proc(5), VmData: data and stacks, touched or not) and is no memory yet. */
static uint64_t untouched(void)
{
        char line[256];
        unsigned long data = 0, anonymous = 0;
        FILE *f = fopen("/proc/self/status", "re");
        while (f && fgets(line, sizeof(line), f)) {
                (void)sscanf(line, "VmData: %lu kB", &data);
                (void)sscanf(line, "RssAnon: %lu kB", &anonymous);
        }
        if (f)
                (void)fclose(f);
        return data > anonymous ? (uint64_t)(data - anonymous) << 10 : 0;
}

void cs_memorycap_set(uint64_t bytes, unsigned workers)
{
        long processors = sysconf(_SC_NPROCESSORS_ONLN);
        uint64_t threads = OTHER_THREADS + (workers ? workers : processors > 0 ? (uint64_t)processors : 1);
        pthread_attr_t attributes;
        if (bytes < CS_MEMORYCAP_LEAST)
                bytes = CS_MEMORYCAP_LEAST;
        cs_budget_set(bytes);
        if (CS_SANITIZED)
                return;
        /* Stacks count as a whole: the usual 8 MiB each would be most of a small limit. */
        if (pthread_attr_init(&attributes) == 0) {
                if (pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0)
                        (void)pthread_setattr_default_np(&attributes);
                (void)pthread_attr_destroy(&attributes);
        }
        /* What is freed must be there for others: large pieces go back to the kernel, of small ones all threads share one arena. */
        (void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
        (void)mallopt(M_TRIM_THRESHOLD, LARGE_BYTES);
        (void)mallopt(M_ARENA_MAX, 1);
        struct rlimit limit;
        rlim_t cap = (rlim_t)(bytes + untouched() + threads * STACK_BYTES);
        if (getrlimit(RLIMIT_DATA, &limit) == 0 && cap < limit.rlim_cur) {
                limit.rlim_cur = cap;
                (void)setrlimit(RLIMIT_DATA, &limit);
        }
}
