/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the regions: what heaps and threads say of parts of the address space. */
#ifndef CS_REGIONS_MARKS_H
#define CS_REGIONS_MARKS_H

#include "regions.h"

struct cs_mark {
        struct cs_range range;
        enum cs_kind kind;
        int32_t module;
        const char *detail;
        bool heap;    /* blocks lie here */
        bool reserve; /* an arena's: where it can be written, free memory rather than reserved */
};

typedef CS_VEC(struct cs_mark) cs_mark_vec;

/* By address, disjoint. Texts live in pool or in the stacks. */
CS_CHECK enum cs_status cs_marks_of_heaps(const struct cs_heaps *heaps, struct cs_pool *pool,
                                          cs_mark_vec *out, struct cs_error *err);
CS_CHECK enum cs_status cs_marks_of_stacks(const struct cs_regions_input *in, const cs_stack_vec *stacks,
                                           cs_mark_vec *out, struct cs_error *err);

#endif
