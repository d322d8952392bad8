/* SPDX-License-Identifier: Apache-2.0 */
/* Clusters in words: what they are, their evidence, fields and referrers, as report nodes. Everything lives in the pool.
 * Main thread (asks symbols). */
#ifndef CS_DESCRIBE_H
#define CS_DESCRIBE_H

#include "fieldmap.h"
#include "leaks.h"
#include "owners.h"
#include "report.h"

struct cs_describe {
        const struct cs_image *image;
        struct cs_symbols *symbols;
        const struct cs_space *space;
        const struct cs_blocks *blocks;
        const struct cs_clusters *clusters;
        const struct cs_members *members;
        const struct cs_graph *graph;
        const struct cs_leaks *leaks;
        const struct cs_owner *owners;
        struct cs_pool *pool;
        const struct cs_frames *frames;     /* or NULL */
        const struct cs_unloaded *unloaded; /* or NULL */
};

/* Fills what the cluster itself says: without owner, leaks and referrers, for which d needs nothing then. */
CS_CHECK enum cs_status cs_describe_kind(const struct cs_describe *d, uint32_t cluster,
                                         struct cs_report_cluster *out, struct cs_error *err);

/* Fills everything but fields. */
CS_CHECK enum cs_status cs_describe_cluster(const struct cs_describe *d, uint32_t cluster,
                                            struct cs_report_cluster *out, struct cs_error *err);

/* Adds the field map, which reads a sample of the cluster's blocks. */
CS_CHECK enum cs_status cs_describe_fields(const struct cs_describe *d, uint32_t cluster,
                                           struct cs_report_cluster *out, struct cs_error *err);

/* One field of any map. */
void cs_describe_field(const struct cs_describe *d, const struct cs_field *f, struct cs_report_field *out);

/* The name of what lies at an address of a module, with the name that a table states of itself. */
const char *cs_describe_target(const struct cs_describe *d, uint64_t addr);

/* "c1" for cluster 0. */
const char *cs_describe_id(struct cs_pool *pool, uint32_t cluster);

#endif
