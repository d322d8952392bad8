/* SPDX-License-Identifier: Apache-2.0 */
/* Which clusters and libraries of a report are shown: --min-bytes, --library, --cluster, --top; and how
 * much is not. */
#ifndef CS_PICK_H
#define CS_PICK_H

#include "options.h"
#include "vec.h"

struct cs_left_out {
        uint64_t count; /* clusters, or libraries */
        uint64_t bytes;
        uint64_t resident;
};

struct cs_picked {
        CS_VEC(size_t) at;       /* indexes into the report's array, in its order */
        struct cs_left_out left; /* all that is not in `at`, for whatever reason */
};

/* Does the name fit --library? NULL is a name, too: nobody's. */
bool cs_pick_library_fits(const struct cs_options *options, const char *library);

/* Up to top of them. CS_ENOMEM. */
CS_CHECK enum cs_status cs_pick_clusters(const struct cs_report *report, const struct cs_options *options,
                                         size_t top, struct cs_picked *out, struct cs_error *err);
CS_CHECK enum cs_status cs_pick_libraries(const struct cs_report *report, const struct cs_options *options,
                                          size_t top, struct cs_picked *out, struct cs_error *err);
/* Of the clusters of which something is lost, perhaps, in the order of report->leak_clusters; `at` has indexes of clusters. */
CS_CHECK enum cs_status cs_pick_leaks(const struct cs_report *report, const struct cs_options *options,
                                      size_t top, struct cs_picked *out, struct cs_error *err);
/* Templates of texts; the left out have no resident bytes. report->strings is there. */
CS_CHECK enum cs_status cs_pick_strings(const struct cs_report *report, const struct cs_options *options,
                                        size_t top, struct cs_picked *out, struct cs_error *err);
void cs_picked_deinit(struct cs_picked *picked);

/* The cluster of that id, or NULL. */
const struct cs_report_cluster *cs_pick_cluster(const struct cs_report *report, const char *id);

#endif
