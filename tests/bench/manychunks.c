/* SPDX-License-Identifier: Apache-2.0 */
/* A process with many glibc chunks: `manychunks N` makes about N of mixed sizes (86 bytes on average, headers included), a
 * tenth of them in a thread's arena, frees one in eight at random (neighbours merge), prints "ready CHUNKS" and waits to be killed. Sizes
 * follow a real heap's: many small ones, few large ones, in no order that a prefetcher could guess. `manychunks N rich` makes
 * blocks that are of two libraries (benchlib.c) and refer to each other: to such as were made shortly before, and now and then
 * to any; one thing in 64 is lost. */
#include "benchlib.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct job {
        uint64_t n, seed, made;
        int rich;
};

static uint64_t next(uint64_t *seed)
{
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        return *seed;
}

static size_t some_size(uint64_t *seed)
{
        uint64_t r = next(seed);
        if (r % 16 == 0)
                return 160 + (r >> 8) % 512;
        return 8 + (r >> 8) % 96;
}

/* Blocks that are kept lie in a list through their own first word: no table that would be a heap of its own. */
static void *fill(void *context)
{
        struct job *job = context;
        void *kept = NULL, *freed = NULL;
        for (uint64_t i = 0; i < job->n; i++) {
                void **block = malloc(some_size(&job->seed));
                if (!block)
                        exit(1);
                void **list = next(&job->seed) % 8 ? &kept : &freed;
                *block = *list;
                *list = block;
                job->made++;
        }
        while (freed) {
                void *block = freed;
                freed = *(void **)block;
                free(block);
        }
        /* A large request: what lies in fastbins is merged and goes to the bins, as in any program that lives long. */
        void *volatile large = malloc(64 << 10);
        free(large);
        static _Thread_local void *volatile keep;
        keep = kept;
        return keep;
}

enum { RECENT = 1024, FAR = 16384 };

/* Things that are kept. */
struct things {
        void *recent[RECENT];
        void *far[FAR]; /* of all that were made, some */
        uint64_t n;
};

static void *pick(const struct things *t, uint64_t *seed)
{
        uint64_t r = next(seed);
        if (!t->n || r % 8 == 0)
                return NULL;
        return r % 8 == 1 ? t->far[(r >> 8) % FAR] : t->recent[(r >> 8) % RECENT];
}

static void *fill_rich(struct job *job)
{
        struct things *t = calloc(1, sizeof(*t));
        void **list = NULL, *freed[256] = { NULL };
        if (!t)
                exit(1);
        while (job->made < job->n) {
                uint64_t r = next(&job->seed);
                void *first = pick(t, &job->seed), *second = pick(t, &job->seed);
                void *thing = (r >> 20 & 3 ? benchlib_one_make : benchlib_two_make)(r >> 32, first, second,
                                                                                    &job->made);
                void **slot = &freed[(r >> 8) % 256];
                /* Blocks come and go, so that neighbours are not of one time. */
                free(*slot);
                *slot = malloc(some_size(&job->seed));
                if (r % 64 == 0)
                        continue;
                void **item = malloc(2 * sizeof(*item));
                if (!item)
                        exit(1);
                job->made++;
                item[0] = list;
                item[1] = thing;
                list = item;
                t->recent[t->n++ % RECENT] = thing;
                t->far[next(&job->seed) % FAR] = thing;
        }
        static _Thread_local void *volatile keep;
        keep = list;
        return keep;
}

static void make(struct job *job)
{
        if (job->rich)
                fill_rich(job);
        else
                fill(job);
}

static void *run(void *context)
{
        make(context);
        for (;;)
                pause();
        return NULL;
}

int main(int argc, char **argv)
{
        uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 50000000;
        int rich = argc > 2 && strcmp(argv[2], "rich") == 0;
        struct job own = { n - n / 10, 88172645463325252, 0, rich },
                   other = { n / 10, 1234567890123, 0, rich };
        pthread_t thread;
        if (pthread_create(&thread, NULL, run, &other) != 0)
                return 1;
        make(&own);
        while (__atomic_load_n(&other.made, __ATOMIC_ACQUIRE) < other.n)
                usleep(10000);
        usleep(500000);
        printf("ready %llu\n", (unsigned long long)(own.made + other.made));
        fflush(stdout);
        for (;;)
                pause();
}
