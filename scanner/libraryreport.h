/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks in use, summed by owner. */
#ifndef CS_LIBRARYREPORT_H
#define CS_LIBRARYREPORT_H

#include "blocks.h"
#include "labels.h"
#include "report.h"
#include "residency.h"
#include "slices.h"
#include "unloaded.h"

/* All borrowed. */
struct cs_libraryreport_input {
        const struct cs_image *image;
        const struct cs_unloaded *unloaded;
        const struct cs_blocks *blocks;
        const struct cs_residency *residency;
        const struct cs_labels *owners; /* of the blocks */
        const cs_slice_vec *slices;
        unsigned workers;
};

/* Fills report->libraries; what has no owner goes to a line without a name. */
CS_CHECK enum cs_status cs_libraryreport_build(const struct cs_libraryreport_input *input,
                                               struct cs_report *report, struct cs_error *err);

#endif
