/* SPDX-License-Identifier: Apache-2.0 */
/* What the walked heaps add up to: per arena, free memory by the size of its runs, and what keeps it from going back. */
#ifndef CS_HEAPREPORT_H
#define CS_HEAPREPORT_H

#include "heaps.h"
#include "image.h"
#include "report.h"
#include "residency.h"

/* Fills report->heaps. Heaps must be sealed. */
CS_CHECK enum cs_status cs_heapreport_build(const struct cs_image *image, const struct cs_heaps *heaps,
                                            const struct cs_residency *residency, struct cs_report *report,
                                            struct cs_error *err);

#endif
