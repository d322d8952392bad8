/* SPDX-License-Identifier: Apache-2.0 */
/* One search for rules through all memory that belongs to no file: heaps, stacks, what runtimes manage, other anonymous memory, shared memory that
 * is no file's, and the writable data of modules. Code and constants of modules, mapped files and the vdso are left out. */
#ifndef CS_SCAN_H
#define CS_SCAN_H

#include "regions.h"
#include "ruleset.h"

struct cs_scan_hit {
        uint64_t address;
        uint64_t length;
        uint32_t rule;
        uint32_t text_len; /* bytes of the match that were kept, CS_LIMIT_HIT_TEXT at most */
        const uint8_t *text;
        uint64_t secret; /* its address and length: the match, or a group of it */
        uint64_t secret_length;
};

typedef CS_VEC(struct cs_range) cs_range_vec;

/* What is searched, by address; adjacent parts are one. */
CS_CHECK enum cs_status cs_scan_plan(const struct cs_image *image, const struct cs_regions *regions,
                                     cs_range_vec *out, struct cs_error *err);

struct cs_scan_input {
        const struct cs_image *image;
        const struct cs_regions *regions;
        const struct cs_residency *residency;
        const struct cs_ruleset *rules;
        size_t n_rules;
        unsigned workers;               /* one of which waits while something else is under way */
        struct cs_beside *beside;       /* no hit is told before this is over, however it ended; or NULL */
        const _Atomic uint64_t *walked; /* the address of what it reads right now; or NULL */
        uint64_t unit;   /* bytes that one worker searches at a time; 0: the usual 8 MiB. For tests */
        uint64_t window; /* of it at a time; 0: the usual 1 MiB */
        void (*progress)(void *context, uint64_t done, uint64_t total); /* or NULL */
        void *progress_context;
};

struct cs_scan_result {
        uint64_t bytes; /* that were searched */
        uint64_t hits;
        uint64_t left_out; /* hits beyond CS_LIMIT_UNIT_HITS, not told and not counted above */
        uint8_t *limits;   /* by rule: CS_RULE_LIMIT_… */
};

void cs_scan_result_deinit(struct cs_scan_result *result);

/* Hits by address and then by rule, on the calling thread, while others may search on; text is valid until it returns. Its failure ends the search. */
typedef enum cs_status (*cs_scan_fn)(void *context, const struct cs_scan_hit *hits, size_t n,
                                     struct cs_error *err);

/* Is a region a part of that memory? */
bool cs_scan_searches(const struct cs_image *image, const struct cs_region *region);

/* The same hits whatever the number of workers. */
CS_CHECK enum cs_status cs_scan(const struct cs_scan_input *input, cs_scan_fn fn, void *context,
                                struct cs_scan_result *out, struct cs_error *err);

#endif
