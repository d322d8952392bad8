/* SPDX-License-Identifier: Apache-2.0 */
/* watched MIB [PERCENT]: a server at work, to be watched. Fills that much heap with small objects and says "ready". From then on it works as fast as it can
 * (changes its objects, takes and gives back blocks, and now and then maps memory, touches it and unmaps it, for which it needs the lock that readers of a
 * process take), grows by so many per cent in ten seconds, and each second writes how much it did: units of work, seconds, and the seconds of these that it
 * waited for a processor, which is nobody's lock. */
#include "roll.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { KEPT = 1 << 16, TOUCHED = 256, MAPPED = 1 << 16, UNITS_BETWEEN = 64 };

struct object {
        const char *const *kind;
        struct object *next;
        uint64_t serial[4];
};

static const char *const kinds[] = { "session", "order", "account" };
static struct object *first, *kept[KEPT];
static void make(size_t bytes)
{
        for (size_t made = 0; made < bytes;) {
                size_t size = sizeof(struct object) + (size_t)(roll() >> 60) * 16;
                struct object *o = calloc(1, size);
                if (!o)
                        exit(1);
                o->kind = &kinds[roll() >> 62 ? 1 : 0];
                o->next = first;
                first = o;
                kept[roll() % KEPT] = o;
                made += size + 8;
        }
}

static void work(unsigned long unit)
{
        for (unsigned i = 0; i < TOUCHED; i++) {
                struct object *o = kept[roll() % KEPT];
                if (o)
                        o->serial[i % 4]++;
        }
        for (unsigned i = 0; i < 16; i++) {
                char *block = malloc(roll() % 4096 + 16);
                if (!block)
                        exit(1);
                memset(block, (int)i, 16);
                free(block);
        }
        if (unit % UNITS_BETWEEN)
                return;
        char *area = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (area == MAP_FAILED)
                exit(1);
        for (size_t at = 0; at < MAPPED; at += 4096)
                area[at] = 1;
        munmap(area, MAPPED);
}

static double now(void)
{
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Linux Documentation/scheduler/sched-stats.rst: time spent on the processor, and waiting for one, in nanoseconds. */
static double waited(void)
{
        char text[128] = "";
        unsigned long long on = 0, queue = 0;
        int fd = open("/proc/self/schedstat", O_RDONLY);
        if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0)
                (void)sscanf(text, "%llu %llu", &on, &queue);
        close(fd);
        return (double)queue * 1e-9;
}

int main(int argc, char **argv)
{
        size_t all = (size_t)(argc > 1 ? atoi(argv[1]) : 1024) << 20;
        double percent = argc > 2 ? atof(argv[2]) : 0;
        make(all);
        puts("ready");
        (void)fflush(stdout);
        for (;;) {
                double from = now(), queued = waited(), t = from;
                unsigned long units = 0;
                for (; t < from + 1; t = now())
                        for (unsigned i = 0; i < UNITS_BETWEEN; i++)
                                work(units++);
                if (printf("%lu %.6f %.6f\n", units, t - from, waited() - queued) < 0 || fflush(stdout))
                        return 0;
                make((size_t)((double)all * percent / 1000));
        }
}
