/* SPDX-License-Identifier: Apache-2.0 */
/* What rules find in memory, told with where it is and whose: region, block, state, cluster, owner. */
#ifndef CS_HITS_H
#define CS_HITS_H

#include "labels.h"
#include "scan.h"
#include "unloaded.h"

#include <stdio.h>

/* What to search for. Rules and their compiled set are borrowed. */
struct cs_hits_wanted {
        const struct cs_rules *rules;
        const struct cs_ruleset *set;
        bool reveal; /* show secrets */
        /* Hits may be handed on as they are found: each is written as text, on any thread, and n of them at a time are taken, by address, on the
         * calling thread. Both may use the pool, or the text, until they return. take NULL: the report holds them. */
        enum cs_status (*write)(const void *context, const struct cs_report_hit *hit, struct cs_pool *pool,
                                FILE *to, struct cs_error *err);
        enum cs_status (*take)(void *context, const char *text, size_t len, size_t n, struct cs_error *err);
        void *context;
};

struct cs_hits_input {
        const struct cs_hits_wanted *wanted;
        const struct cs_image *image;
        const struct cs_regions *searched; /* what is searched: the kinds of memory will do */
        const struct cs_residency *residency;
        /* All that follows is known once settled. */
        const struct cs_regions *regions;
        const struct cs_space *space;
        const struct cs_blocks *blocks;
        const struct cs_labels *owners; /* filled by relate */
        const struct cs_unloaded *unloaded;
        unsigned workers;
        struct cs_beside *beside;       /* what has to be over before it is settled; or NULL */
        const _Atomic uint64_t *walked; /* as in cs_scan_input */
        /* Asked once, before the first hit is told of: sees to it that regions and blocks are known. *relates: are clusters and owners to be
         * looked for? Else owners are told by what lies around the hits, and no clusters (hands.h). */
        enum cs_status (*settle)(void *context, bool *relates, struct cs_error *err);
        /* Finds clusters and owners, which takes longer than the search: asked for once, when something was found in a block in use.
         * *related: are they known now? Else hits are told without. */
        enum cs_status (*relate)(void *context, bool *related, struct cs_error *err);
        void *context;                                                  /* of both */
        void (*progress)(void *context, uint64_t done, uint64_t total); /* or NULL */
        void *progress_context;
};

/* Searches, and fills report->hits. *left_out: hits that were not told, for a limit. CS_ESTOPPED: it has those that were found before, as
 * many as a tenth of a second allows to tell; where they lie and whose they are only if that was known. */
CS_CHECK enum cs_status cs_hits_find(const struct cs_hits_input *input, struct cs_report *report,
                                     uint64_t *left_out, struct cs_error *err);

#endif
