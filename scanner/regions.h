/* SPDX-License-Identifier: Apache-2.0 */
/* The whole address space as one list: what each mapping, or part of one, is for. */
#ifndef CS_REGIONS_H
#define CS_REGIONS_H

#include "heaps.h"
#include "report.h"
#include "residency.h"
#include "threads.h"

struct cs_region {
        struct cs_range range;
        uint64_t resident;
        uint64_t swapped; /* 0 in a core */
        enum cs_kind kind;
        int32_t module;     /* whose it is, or CS_NO_MODULE */
        const char *detail; /* or NULL */
        uint32_t mapping;   /* index of the mapping that it is of */
        bool lent;          /* a managed runtime has it from malloc; the block is still malloc's */
        bool heap; /* blocks lie here: kind says what most of them are, used and freed bytes how many */
        uint64_t used, freed;                   /* of a heap: bytes of blocks (kinds_only: not all) */
        uint64_t used_resident, freed_resident; /* what is neither is the allocator's overhead */
};

struct cs_regions {
        struct cs_pool pool;
        CS_VEC(struct cs_region) at; /* by address, disjoint; each mapped byte is in exactly one */
        cs_stack_vec stacks;         /* by address, disjoint */
};

struct cs_regions_input {
        const struct cs_image *image;
        struct cs_symbols *symbols;
        const struct cs_heaps *heaps;   /* sealed */
        const struct cs_claims *claims; /* sealed */
        const struct cs_residency *residency;
        bool kinds_only; /* no sums of what is resident, swapped, used or free: pages and blocks are looked at only where kinds depend on them */
};

void cs_regions_deinit(struct cs_regions *regions);

/* Mappings of modules, files and shared memory are what they are, but that a runtime may claim shared memory for its heap; in
 * anonymous memory claims within malloc's blocks go before heaps, those before other claims, those before stacks, and what is left
 * is reserved where nothing can be stored in it, else unexplained. Main thread. */
CS_CHECK enum cs_status cs_regions_build(const struct cs_regions_input *input, struct cs_regions *out,
                                         struct cs_error *err);

/* The region that addr lies in, or NULL. Thread-safe. */
const struct cs_region *cs_regions_at(const struct cs_regions *regions, uint64_t addr);

/* As a part of the report. */
CS_CHECK enum cs_status cs_regions_report(const struct cs_regions *regions, const struct cs_image *image,
                                          struct cs_report *report, struct cs_error *err);

#endif
