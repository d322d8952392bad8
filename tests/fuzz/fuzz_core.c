/* SPDX-License-Identifier: Apache-2.0 */
/* A whole core through the whole house, up to the report. */
#include "analyse.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LARGEST = 64 << 10 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the report promises of its sums. */
static void check(const struct cs_report *r)
{
        uint64_t bytes = 0, resident = 0, count = 0;
        for (size_t i = 0; i < r->memory.n_kinds; i++) {
                bytes += r->memory.kinds[i].bytes;
                resident += r->memory.kinds[i].resident;
                if (r->memory.kinds[i].resident > r->memory.kinds[i].bytes)
                        abort();
        }
        if (bytes != r->memory.mapped || resident != r->memory.resident)
                abort();
        for (size_t i = 0; i < r->n_clusters; i++)
                count += r->clusters[i].count;
        if (count != r->n_blocks || !r->verdict.summary)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char path[64];
        struct cs_image *image;
        struct cs_report *report;
        /* No file of this machine: the answer must depend on the input alone. */
        struct cs_analyse_options options = { .image = { .sysroot = "/nonexistent",
                                                         .debug_dir = "/nonexistent" },
                                              .workers = 1,
                                              .detail = 4,
                                              .blocks = true };
        if (size > LARGEST)
                return 0;
        int fd = memfd_create("core", MFD_CLOEXEC);
        if (fd < 0 || write(fd, data, size) != (ssize_t)size)
                abort();
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if (cs_image_open_core(path, &options.image, &image, NULL) == CS_OK) {
                if (cs_analyse(image, &options, &report, NULL) == CS_OK) {
                        check(report);
                        cs_report_destroy(report);
                }
                cs_image_close(image);
        }
        close(fd);
        return 0;
}
