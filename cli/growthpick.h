/* SPDX-License-Identifier: Apache-2.0 */
/* Which rows of a comparison are shown: --min-bytes, --library, --top. Pure. */
#ifndef CS_GROWTHPICK_H
#define CS_GROWTHPICK_H

#include "join.h"
#include "options.h"
#include "vec.h"

enum cs_growth_wish {
        CS_WISH_GREW = 1,
        CS_WISH_SHRANK = 2,
        CS_WISH_STAYED = 4,
        CS_WISH_ALL = 7,
};

struct cs_growth_picked {
        CS_VEC(const struct cs_growth_row *) at; /* in the order of the rows */
        uint64_t left;                           /* rows that are wished for and not taken */
        int64_t left_resident;                   /* their change */
};

/* Up to top of those rows. CS_ENOMEM. */
CS_CHECK enum cs_status cs_growth_pick(const struct cs_growth_rows *rows, size_t n_snapshots, unsigned wish,
                                       const struct cs_options *options, size_t top,
                                       struct cs_growth_picked *out, struct cs_error *err);
void cs_growth_picked_deinit(struct cs_growth_picked *picked);

#endif
