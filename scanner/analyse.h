/* SPDX-License-Identifier: Apache-2.0 */
/* The whole way from an image to a report. */
#ifndef CS_ANALYSE_H
#define CS_ANALYSE_H

#include "hits.h"
#include "image.h"
#include "recall.h"
#include "report.h"

/* Called on the main thread as work goes on; stage is a short phrase, done and total are bytes (total 0: not known). */
typedef void (*cs_progress_fn)(void *context, const char *stage, uint64_t done, uint64_t total);

struct cs_analyse_options {
        struct cs_image_options image;
        unsigned workers; /* 0: as many as there are processors */
        size_t detail;    /* clusters (largest first) that get fields and examples */
        bool census_only; /* regions, heaps, hits and texts will do: no clusters, leaks, verdict in the report */
        bool lists_only;      /* hits and texts will do: neither memory nor heaps are added up */
        bool digest;          /* fill target.sha256 */
        bool blocks;          /* fill report->blocks */
        bool regions;         /* fill report->regions */
        const uint64_t *at;   /* fill report->at with the case of this address; or NULL */
        const uint64_t *refs; /* fill report->refs with what points there; or NULL */
        bool strings;         /* fill report->strings */
        const struct cs_hits_wanted *search; /* fill report->hits; or NULL */
        unsigned depth;                      /* levels of that, from 1 to CS_CASE_DEPTH_MOST */
        struct cs_recall *
                recall; /* of a look at the same process, for the next one; or NULL. The caller's, zeroed at first */
        /* Where the recall allows it, only what changed since is read: the report is brief then. */
        bool brief;
        cs_progress_fn progress; /* or NULL */
        void *progress_context;
};

/* Reads the image's memory once through the house and gives the report. The image is borrowed and stays as it was.
 * CS_ENOMEM, or CS_EGONE when a live target went away before anything could be learned. */
CS_CHECK enum cs_status cs_analyse(struct cs_image *image, const struct cs_analyse_options *options,
                                   struct cs_report **out, struct cs_error *err);

#endif
