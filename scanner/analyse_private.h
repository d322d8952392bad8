/* SPDX-License-Identifier: Apache-2.0 */
/* What analyse.c finds and analyse_report.c tells. */
#ifndef CS_ANALYSE_PRIVATE_H
#define CS_ANALYSE_PRIVATE_H

#include "analyse.h"
#include "case.h"
#include "census.h"
#include "consistency.h"
#include "digest.h"
#include "owners.h"
#include "repeats.h"
#include "twins.h"

enum { GIVEN_UP_MOST = 8 };

/* What was finished before somebody asked for the end. */
enum { HAVE_CENSUS = 1, HAVE_RELATED = 2, HAVE_REPEATS = 4 };

/* Everything between image and report; freed at the end, for the report stands alone. */
struct cs_analysis {
        struct cs_image *image;
        const struct cs_analyse_options *options;
        unsigned workers;
        struct cs_symbols *symbols;
        struct cs_space *space;
        struct cs_residency *residency;
        struct cs_claims claims;
        struct cs_heaps heaps;
        struct cs_census census;
        struct cs_regions regions;
        struct cs_regions searched; /* as known before the heaps are */
        cs_slice_vec slices;
        struct cs_clusters clusters;
        struct cs_members members;
        struct cs_literals literals;
        struct cs_frames frames;
        cs_epolled_vec epolled;
        struct cs_unloaded unloaded;
        struct cs_graph graph;
        struct cs_leaks leaks;
        struct cs_owners owners;
        struct cs_repeats repeats;
        struct cs_twins twins;
        struct cs_consistency before;
        struct cs_digest *digest;
        struct cs_report *report;
        bool related;           /* clusters and owners are known, or were begun to be looked for */
        bool blockless;         /* there was no memory for the census: regions are told, and no blocks */
        bool unplaced;          /* and none for these regions, either, so far */
        bool unsummed;          /* regions are told, but not yet with what of them is resident */
        unsigned have;          /* HAVE_… */
        const char *stage;      /* what is being done */
        const char *stopped_at; /* the stage that was not finished, for somebody asked for the end; or NULL */
        const char *given_up[GIVEN_UP_MOST]; /* stages for which there was no memory */
        size_t n_given_up;
        const char *unrelated;  /* the one of these that left clusters and owners unknown; or NULL */
        uint64_t stage_bytes;   /* of memory that it is about, or 0 */
        uint64_t pulse;         /* the last one, to know when counting begins anew, */
        unsigned part;          /* which makes another part of the stage */
        bool unasked;           /* what epoll descriptors watch was not asked, or may not be (epolled.h) */
        uint64_t hits_told;     /* to those who take them as they come */
        uint64_t hits_left_out; /* not told, for a limit */
        int64_t began;          /* the report's time_ms */
};

/* From here on this is done, with so many bytes; its progress is what work and sources tell. */
void cs_analysis_stage(struct cs_analysis *a, const char *name, uint64_t bytes);

/* A part for which there is not as much memory as we may take is given up, and the others go on without it. Tells whether it was. */
bool cs_analysis_spare(struct cs_analysis *a, enum cs_status st, const char *stage_name);

/* Fills a->report by what is there; after CS_ENOMEM once more, when something was given up. */
CS_CHECK enum cs_status cs_analysis_report(struct cs_analysis *a, struct cs_error *err);

#endif
