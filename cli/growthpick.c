/* SPDX-License-Identifier: Apache-2.0 */
#include "growthpick.h"

#include "pick.h"

static unsigned wish_of(const struct cs_growth_row *row)
{
        if (row->resident == 0 && row->bytes == 0 && row->count == 0)
                return CS_WISH_STAYED;
        return row->resident > 0 ||
                               (row->resident == 0 && (row->bytes > 0 || (row->bytes == 0 && row->count > 0)))
                       ? CS_WISH_GREW
                       : CS_WISH_SHRANK;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
        return a > b ? a : b;
}

enum cs_status cs_growth_pick(const struct cs_growth_rows *rows, size_t n_snapshots, unsigned wish,
                              const struct cs_options *options, size_t top, struct cs_growth_picked *out,
                              struct cs_error *err)
{
        *out = (struct cs_growth_picked){ 0 };
        for (size_t i = 0; i < rows->n; i++) {
                const struct cs_growth_row *row = &rows->at[i];
                const struct cs_growth_value *old = &row->at[0], *new = &row->at[n_snapshots - 1];
                uint64_t bytes = larger(old->there ? old->bytes : 0, new->there ? new->bytes : 0);
                if (!(wish_of(row) & wish))
                        continue;
                bool fits = bytes >= options->min_bytes && cs_pick_library_fits(options, row->library);
                if (fits && out->at.n < top) {
                        enum cs_status st = cs_vec_push(&out->at, row, err);
                        if (st == CS_OK)
                                continue;
                        cs_growth_picked_deinit(out);
                        return st;
                }
                out->left++;
                if (__builtin_add_overflow(out->left_resident, row->resident, &out->left_resident))
                        out->left_resident = row->resident > 0 ? INT64_MAX : INT64_MIN;
        }
        return CS_OK;
}

void cs_growth_picked_deinit(struct cs_growth_picked *picked)
{
        cs_vec_deinit(&picked->at);
}
