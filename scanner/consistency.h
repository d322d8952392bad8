/* SPDX-License-Identifier: Apache-2.0 */
/* How much a live target's memory moved while it was read: a sample of its pages, looked at before and after. */
#ifndef CS_CONSISTENCY_H
#define CS_CONSISTENCY_H

#include "residency.h"

enum { CS_CONSISTENCY_PAGES = 512 };

struct cs_consistency {
        size_t n;
        uint64_t addr[CS_CONSISTENCY_PAGES];
        uint64_t hash[CS_CONSISTENCY_PAGES];
};

/* Takes the sample: resident pages of writable anonymous memory, one of each of 512 stretches. Of a core: none. */
void cs_consistency_begin(const struct cs_image *image, const struct cs_residency *residency,
                          struct cs_consistency *out);

/* How many of the sampled pages are not what they were. */
size_t cs_consistency_end(const struct cs_image *image, const struct cs_consistency *sample);

#endif
