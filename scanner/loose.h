/* SPDX-License-Identifier: Apache-2.0 */
/* Clusters of what lies in memory that is no block's: arrays of records, pages that are the same, and mappings that begin like a
 * file. Main thread (asks symbols and libmagic). */
#ifndef CS_LOOSE_H
#define CS_LOOSE_H

#include "repeatreport.h"
#include "twins.h"

struct cs_loose {
        const struct cs_regions *regions;
        const struct cs_residency *residency;
        const struct cs_repeats *repeats;
        const struct cs_twins *twins;
};

/* How many clusters they become, at most. */
size_t cs_loose_most(const struct cs_loose *loose);

/* Fills out[0 … *n), by resident bytes, with the ids behind those of the `first` clusters before them. *warning says why types of files
 * could not be told, and lives in d's pool; or NULL. */
CS_CHECK enum cs_status cs_loose_build(const struct cs_describe *d, const struct cs_loose *loose,
                                       uint32_t first, size_t detail, struct cs_report_cluster *out,
                                       size_t *n, const char **warning, struct cs_error *err);

#endif
