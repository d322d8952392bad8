/* SPDX-License-Identifier: Apache-2.0 */
/* Whose memory is: runtimes, allocators, the blocks of their heaps, regions. Walking heaps of gigabytes is the long part, and it needs
 * nothing but memory: it goes on while pages are looked at and memory is searched, until somebody asks what lies where. */
#ifndef CS_CENSUS_H
#define CS_CENSUS_H

#include "heaps.h"
#include "regions.h"
#include "work.h"

struct cs_census {
        const struct cs_image *image; /* this and the others are borrowed */
        struct cs_symbols *symbols;
        struct cs_space *space;
        struct cs_claims *claims;
        struct cs_heaps *heaps;
        struct cs_beside walk;
        bool claimed; /* all claims are known, and sealed */
        bool ended;
};

/* Finds what runtimes and measured allocators claim, and walks the heaps: on a thread of its own where `beside` is true. Until
 * cs_census_end() nobody else may look at heaps, or use the space but for modules. Main thread, and so are the others. */
CS_CHECK enum cs_status cs_census_begin(struct cs_census *census, bool beside, struct cs_error *err);

/* The regions as far as they are known without the heaps: enough to know what is to be searched. */
CS_CHECK enum cs_status cs_census_plan(const struct cs_census *census, const struct cs_residency *residency,
                                       struct cs_regions *out, struct cs_error *err);

/* Waits for the heaps and builds the regions, with sums of what is resident or without (kinds_only). Once: from then on it does nothing. */
CS_CHECK enum cs_status cs_census_end(struct cs_census *census, const struct cs_residency *residency,
                                      bool kinds_only, struct cs_regions *out, struct cs_error *err);

/* Waits for a walk that nobody waited for; what it found is its owners'. */
void cs_census_deinit(struct cs_census *census);

#endif
