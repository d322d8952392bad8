/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of unclaimed anonymous memory that are the same: what was copied, or filled in again and again. Pages of zeros are
 * none, and those that arrays of records explain are left out. */
#ifndef CS_TWINS_H
#define CS_TWINS_H

#include "repeats.h"

enum { CS_TWIN_EXAMPLES = 8 };

/* Places that hold the same bytes. */
struct cs_twin {
        uint64_t pages;                /* at each place, one behind the other */
        uint64_t count;                /* of places */
        uint64_t at[CS_TWIN_EXAMPLES]; /* the first ones */
        size_t n_at;
};

struct cs_twins {
        CS_VEC(struct cs_twin) at; /* by bytes, largest first */
        bool limited;              /* there were so many pages that only a sample of contents was compared */
};

/* Thread-safe parts run on in->workers. */
CS_CHECK enum cs_status cs_twins_find(const struct cs_repeats_input *in, const struct cs_repeats *repeats,
                                      struct cs_twins *out, struct cs_error *err);
void cs_twins_deinit(struct cs_twins *twins);

#endif
