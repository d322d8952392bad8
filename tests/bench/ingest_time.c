/* SPDX-License-Identifier: Apache-2.0 */
/* `ingest_time FILE`: decompresses a core as corescan does when it opens one, and prints the seconds that this takes. */
#include "store.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static double now(void)
{
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
        static const struct cs_store_options options = { 0 };
        struct cs_store *store;
        struct cs_error err = { 0 };
        int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
        if (fd < 0) {
                fprintf(stderr, "usage: ingest_time FILE\n");
                return 2;
        }
        double start = now();
        if (cs_store_create(fd, cs_packing_of(fd), &options, &store, &err) != CS_OK) {
                fprintf(stderr, "ingest_time: %s\n", err.text);
                return 1;
        }
        printf("%.4f s for %" PRIu64 " bytes%s\n", now() - start, cs_store_size(store),
               cs_store_damage(store) ? ", not all of them" : "");
        cs_store_destroy(store);
        return 0;
}
