/* SPDX-License-Identifier: Apache-2.0 */
/* What a comparison needs of one look at a process: taken from a report, which can go then, or from a saved one. A plain
 * struct that a test can build by hand; all strings live in its pool and are hostile. Sizes are bytes. */
#ifndef CS_SNAPSHOT_H
#define CS_SNAPSHOT_H

#include "report.h"

struct cs_snapshot_cluster {
        const char *id;        /* in that report */
        const char *kind;      /* "object", "text", "pattern" */
        const char *what;      /* never NULL */
        const char *library;   /* or NULL */
        const char *signature; /* or NULL: an older report */
        struct cs_text template;
        bool has_template;
        double confidence; /* of library */
        uint64_t count;
        uint64_t bytes;
        uint64_t resident;
        uint64_t block_min;
        uint64_t block_max;
        uint64_t unreferenced;
        uint64_t leak_bytes;
};

/* What of a list is not in the snapshot: a saved report has only so many of its clusters. */
struct cs_snapshot_left {
        uint64_t count;
        uint64_t bytes;
        uint64_t resident;
};

struct cs_snapshot {
        struct cs_pool pool;
        const char *path; /* the core's or report's; NULL: live */
        bool saved;       /* read from a report, not from memory */
        int64_t schema;   /* of a saved one; below 1: older than all that were released */
        bool live;        /* what it tells of was a process */
        int64_t pid;
        const char *command; /* or NULL */
        const char *exe;     /* or NULL */
        const char *process; /* changes when the process does; NULL: not known */
        const char *sha256;  /* of the core; or NULL */
        int64_t time_ms;     /* Unix milliseconds; 0: not known */
        uint64_t threads;
        bool complete;
        bool consistent;
        struct cs_report_memory memory; /* kinds in our pool */
        bool has_memory;
        struct cs_snapshot_cluster *clusters;
        size_t n_clusters;
        size_t n_patterns; /* the last of these: of memory that is no block's. Not known of a saved report */
        bool has_clusters;
        struct cs_snapshot_left clusters_left;
        struct cs_report_library *libraries;
        size_t n_libraries;
        bool has_libraries;
        struct cs_snapshot_left libraries_left;
        struct cs_report_verdict verdict; /* kind NULL: there is none; without reasons */
        bool brief; /* from a brief report: owners, leaks, libraries and patterns are those of the whole look before it */
};

/* Copies of the report what is needed. CS_ENOMEM. */
CS_CHECK enum cs_status cs_snapshot_take(const struct cs_report *report, struct cs_snapshot **out,
                                         struct cs_error *err);

/* Gives one of a brief report what that did not look for, as the last whole look at the same process had it: names, owners and what is lost of
 * clusters that were there, patterns, the verdict; libraries have what their clusters gained or lost since. What of all blocks was not there
 * then has no owner: *strange, in resident bytes. CS_ENOMEM. */
CS_CHECK enum cs_status cs_snapshot_carry(struct cs_snapshot *brief, const struct cs_snapshot *whole,
                                          uint64_t *strange, struct cs_error *err);

/* Were blocks of malloc found? In a running process that is just growing they may not be, at times. */
bool cs_snapshot_has_blocks(const struct cs_snapshot *snapshot);

void cs_snapshot_destroy(struct cs_snapshot *snapshot);
static inline void cs_snapshot_destroyp(struct cs_snapshot **snapshot)
{
        cs_snapshot_destroy(*snapshot);
}

#endif
