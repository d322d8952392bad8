/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the frames of all threads of a core, or of a process, as "tid pc": for comparison with a debugger. */
#include "unwind.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static enum cs_status dump(const struct cs_image *image, struct cs_error *err)
{
        struct cs_unwinding u;
        enum cs_status st = cs_unwind(image, &u, err);
        if (st != CS_OK)
                return st;
        for (size_t t = 0; t < u.threads.n; t++)
                for (size_t i = 0; i < u.threads.at[t].n; i++)
                        printf("%d %" PRIx64 "\n", (int)image->threads.at[t].tid,
                               u.frames.at[u.threads.at[t].first + i].pc);
        cs_unwinding_deinit(&u);
        return CS_OK;
}

int main(int argc, char **argv)
{
        struct cs_image_options options = { 0 };
        struct cs_image *image = NULL;
        struct cs_error err;
        if (argc != 2)
                return 2;
        long pid = strtol(argv[1], NULL, 10);
        enum cs_status st = pid > 0 ? cs_image_open_live((pid_t)pid, &options, &image, &err)
                                    : cs_image_open_core(argv[1], &options, &image, &err);
        if (st == CS_OK)
                st = dump(image, &err);
        if (st != CS_OK)
                fprintf(stderr, "%s\n", err.text);
        cs_image_close(image);
        return st != CS_OK;
}
