/* SPDX-License-Identifier: Apache-2.0 */
/* A whole core through the whole house, up to the report. */
#include "analyse.h"
#include "case.h"

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

/* Some address in the mappings, or near them: another one for each input. */
static uint64_t some_address(const struct cs_image *image, const uint8_t *data, size_t size)
{
        uint64_t mix = 14695981039346656037u;
        for (size_t i = 0; i < size; i++)
                mix = (mix ^ data[i]) * 1099511628211u;
        if (!image->mappings.n)
                return mix;
        struct cs_range range = image->mappings.at[mix % image->mappings.n].range;
        return range.start + (mix >> 8) % (cs_range_size(range) + 16);
}

/* Whoever reads these counts and pointers must not have to check them again. */
static void check_case(const struct cs_report_case *c)
{
        uint64_t words = 0;
        for (size_t i = 0; c->dump && i < c->dump->n_words; i++) {
                if (c->dump->words[i].offset != words || !c->dump->words[i].size)
                        abort();
                words += c->dump->words[i].size;
        }
        if (!c->place.what || (c->dump && words != c->dump->len))
                abort();
        for (size_t i = 0; i < c->n_groups; i++) {
                const struct cs_report_group *g = &c->groups[i];
                if (g->id != i + 1 || g->parent > i || g->level > c->depth || !g->references)
                        abort();
        }
        for (size_t i = 0; i < c->n_chains; i++)
                if (!c->chains[i].n_links || c->chains[i].left_at > c->chains[i].n_links)
                        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        uint64_t address;
        char path[64];
        struct cs_image *image;
        struct cs_report *report;
        /* No file of this machine: the answer must depend on the input alone. */
        struct cs_analyse_options options = { .image = { .sysroot = "/nonexistent",
                                                         .debug_dir = "/nonexistent" },
                                              .workers = 1,
                                              .detail = 4,
                                              .blocks = true,
                                              .at = &address,
                                              .refs = &address,
                                              .depth = CS_CASE_DEPTH };
        if (size > LARGEST)
                return 0;
        int fd = memfd_create("core", MFD_CLOEXEC);
        if (fd < 0 || write(fd, data, size) != (ssize_t)size)
                abort();
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if (cs_image_open_core(path, &options.image, &image, NULL) == CS_OK) {
                address = some_address(image, data, size);
                if (cs_analyse(image, &options, &report, NULL) == CS_OK) {
                        check(report);
                        check_case(report->at);
                        check_case(report->refs);
                        cs_report_destroy(report);
                }
                cs_image_close(image);
        }
        close(fd);
        return 0;
}
