/* SPDX-License-Identifier: Apache-2.0 */
/* Repeats in memory that is no block's, in words. Main thread (asks symbols). */
#ifndef CS_REPEATREPORT_H
#define CS_REPEATREPORT_H

#include "describe.h"
#include "repeats.h"

/* "array of 48-byte records with vtable for Thing at +0", as far as the fields (or NULL) tell. */
const char *cs_repeatreport_what(const struct cs_describe *d, uint32_t stride, const cs_field_vec *fields);

/* The fields of the records in a cluster of blocks that are arrays. */
CS_CHECK enum cs_status cs_repeatreport_fields(const struct cs_describe *d, uint32_t cluster,
                                               cs_field_vec *out, struct cs_error *err);

/* How many clusters they become. */
size_t cs_repeatreport_count(const struct cs_repeats *repeats);

/* Fills out[0 …): of the first `detail` with their fields. All but their ids. `regions` are those that the
 * repeats were found in. */
CS_CHECK enum cs_status cs_repeatreport_build(const struct cs_describe *d, const struct cs_repeats *repeats,
                                              const struct cs_regions *regions, size_t detail,
                                              struct cs_report_cluster *out, struct cs_error *err);

#endif
