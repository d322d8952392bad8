/* SPDX-License-Identifier: Apache-2.0 */
/* The one sentence that a tired person reads first. */
#ifndef CS_VERDICT_H
#define CS_VERDICT_H

#include "heaps.h"
#include "leaks.h"
#include "report.h"

/* Judges from what the report already says (memory, heaps, clusters) and the leaks; fills report->verdict. */
CS_CHECK enum cs_status cs_verdict_find(const struct cs_image *image, const struct cs_heaps *heaps,
                                        const struct cs_leaks *leaks, struct cs_report *report,
                                        struct cs_error *err);

#endif
