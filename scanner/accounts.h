/* SPDX-License-Identifier: Apache-2.0 */
/* Where every mapped and every resident byte went: each is counted under exactly one kind. */
#ifndef CS_ACCOUNTS_H
#define CS_ACCOUNTS_H

#include "regions.h"

/* Sums regions, those of heaps by what their blocks are. Fills memory; its arrays live in pool. */
CS_CHECK enum cs_status cs_accounts_build(const struct cs_image *image, const struct cs_regions *regions,
                                          struct cs_pool *pool, struct cs_report_memory *memory,
                                          struct cs_error *err);

#endif
