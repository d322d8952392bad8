/* SPDX-License-Identifier: Apache-2.0 */
/* Where texts are looked for: all memory that belongs to no file, in units of work that are the same whatever the number of workers. */
#ifndef CS_TEXTS_PLAN_H
#define CS_TEXTS_PLAN_H

#include "regions.h"

struct cs_texts_unit {
        struct cs_range range;
        struct cs_range bounds; /* of memory that is searched as one: texts end with it */
};

struct cs_texts_plan {
        CS_VEC(struct cs_texts_unit) units; /* by address */
        uint64_t bytes;                     /* of all of them */
        uint64_t twice;                     /* left out: pages that are mapped a second time */
};

/* unit: bytes of a unit at most. Main thread. */
CS_CHECK enum cs_status cs_texts_plan(const struct cs_image *image, const struct cs_regions *regions,
                                      uint64_t unit, struct cs_texts_plan *out, struct cs_error *err);
void cs_texts_plan_deinit(struct cs_texts_plan *plan);

#endif
