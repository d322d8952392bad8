/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays of equal records in anonymous memory that no allocator, runtime or thread claims: slabs, arenas and tables of somebody's
 * own. Each mapping is cut into chunks; of each chunk a window is looked at for a period (period.h), what they find is
 * joined over all chunks, and then followed through the chunks where it was seen and those beside them. */
#ifndef CS_REPEATS_H
#define CS_REPEATS_H

#include "entropy.h"
#include "period.h"
#include "regions.h"
#include "space.h"

/* Records that follow one another in one region, those of other content between them left out. */
struct cs_repeat_run {
        uint32_t pattern;
        uint32_t region;
        uint64_t first; /* where the first one begins */
        uint64_t last;
        uint64_t records;
};

struct cs_repeat {
        uint64_t first; /* where the first record begins */
        struct cs_period period;
        uint32_t lead; /* bytes of a record that stand before its anchor, as far as can be told */
        uint64_t records;
        uint64_t bytes; /* of the records */
        uint64_t resident;
        size_t first_run, n_runs; /* by address */
};

/* Noise that takes whole windows of a region: what it begins with may name it. */
struct cs_noise {
        struct cs_range range; /* from the first to the last window that was noise */
        uint32_t region;
        enum cs_content content;
        uint64_t resident;
};

struct cs_repeats {
        CS_VEC(struct cs_repeat) at; /* by resident bytes, largest first */
        CS_VEC(struct cs_repeat_run) runs;
        CS_VEC(struct cs_noise) noise; /* by address */
        bool limited; /* a declared limit was reached: the rest of the patterns is not told */
};

struct cs_repeats_input {
        const struct cs_image *image;
        const struct cs_regions *regions;
        const struct cs_residency *residency;
        unsigned workers;
};

CS_CHECK enum cs_status cs_repeats_find(const struct cs_repeats_input *in, struct cs_repeats *out,
                                        struct cs_error *err);
void cs_repeats_deinit(struct cs_repeats *repeats);

/* Is it memory that is looked at: nobody's, and not too little? */
bool cs_repeats_candidate(const struct cs_region *region);

/* The repeat among whose records addr lies, or NULL; *run is which of its runs. */
const struct cs_repeat *cs_repeats_at(const struct cs_repeats *repeats, uint64_t addr,
                                      const struct cs_repeat_run **run);

#endif
