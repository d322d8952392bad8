/* SPDX-License-Identifier: Apache-2.0 */
/* Repeats in memory that is no block's, in words. Main thread (asks symbols). */
#ifndef CS_REPEATREPORT_H
#define CS_REPEATREPORT_H

#include "describe.h"
#include "repeats.h"

/* How many clusters they become. */
size_t cs_repeatreport_count(const struct cs_repeats *repeats);

/* Fills out[0 …): of the first `detail` with their fields. `first` is the number of clusters before them. `regions` are those that
 * the repeats were found in. */
CS_CHECK enum cs_status cs_repeatreport_build(const struct cs_describe *d, const struct cs_repeats *repeats,
                                              const struct cs_regions *regions, uint32_t first, size_t detail,
                                              struct cs_report_cluster *out, struct cs_error *err);

#endif
