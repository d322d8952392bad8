/* SPDX-License-Identifier: Apache-2.0 */
/* What is lost, as a part of the report: sums, the clusters by what hangs on their lost blocks, and what a missing pointer means
 * in this process and what it does not. */
#ifndef CS_LEAKREPORT_H
#define CS_LEAKREPORT_H

#include "image.h"
#include "leaks.h"
#include "symbols.h"

/* The report's target, memory and clusters must be there: clusters[i] is that of leaks->clusters[i]. unasked: as of cs_epolled_list(). Main
 * thread (asks symbols). */
CS_CHECK enum cs_status cs_leakreport_build(const struct cs_image *image, struct cs_symbols *symbols,
                                            const struct cs_leaks *leaks, bool unasked,
                                            struct cs_report *report, struct cs_error *err);

#endif
