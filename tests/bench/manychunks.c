/* SPDX-License-Identifier: Apache-2.0 */
/* A process with many glibc chunks: `manychunks N` makes about N of mixed sizes (86 bytes on average, headers included), a
 * tenth of them in a thread's arena, frees one in eight at random (neighbours merge), prints "ready CHUNKS" and waits to be killed. Sizes
 * follow a real heap's: many small ones, few large ones, in no order that a prefetcher could guess. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct job {
        uint64_t n, seed, made;
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

static void *run(void *context)
{
        fill(context);
        for (;;)
                pause();
        return NULL;
}

int main(int argc, char **argv)
{
        uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 50000000;
        struct job own = { n - n / 10, 88172645463325252, 0 }, other = { n / 10, 1234567890123, 0 };
        pthread_t thread;
        if (pthread_create(&thread, NULL, run, &other) != 0)
                return 1;
        fill(&own);
        while (__atomic_load_n(&other.made, __ATOMIC_ACQUIRE) < other.n)
                usleep(10000);
        usleep(500000);
        printf("ready %llu\n", (unsigned long long)(own.made + other.made));
        fflush(stdout);
        for (;;)
                pause();
}
