/* SPDX-License-Identifier: Apache-2.0 */
/* All texts of the target's memory, in one pass: by template, with where they lie and whose they are. */
#ifndef CS_TEXTS_H
#define CS_TEXTS_H

#include "labels.h"
#include "texts_plan.h"
#include "unloaded.h"

struct cs_texts_input {
        const struct cs_image *image;
        const struct cs_regions *regions;
        const struct cs_residency *residency;
        const struct cs_space *space;
        const struct cs_blocks *blocks; /* with their clusters */
        const struct cs_labels *
                owners; /* or NULL: clusters and owners are not known; owners come from what lies around examples */
        const struct cs_unloaded *unloaded;
        unsigned workers;
        size_t kept; /* templates that are kept apart at least, a power of two; 0: CS_TEXTS_KEPT. For tests */
        uint64_t unit; /* bytes of a unit of work; 0: 2 MiB. For tests */
        void (*progress)(void *context, uint64_t done, uint64_t total); /* or NULL; called on this thread */
        void *progress_context;
};

/* Fills report->strings. The same for any number of workers. CS_ESTOPPED: with what was read before that. */
CS_CHECK enum cs_status cs_texts_find(const struct cs_texts_input *input, struct cs_report *report,
                                      struct cs_error *err);

#endif
