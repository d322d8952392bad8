/* SPDX-License-Identifier: Apache-2.0 */
/* Growth between looks at one program: snapshots in order of time are joined into rows with one value each. Rows hold where
 * addresses moved, the process was started anew, and, by names instead of build-ids, where a library was upgraded. */
#ifndef CS_JOIN_H
#define CS_JOIN_H

#include "trend.h"
#include "snapshot.h"

struct cs_growth_value {
        uint64_t count; /* blocks; of kinds of memory: regions */
        uint64_t bytes;
        uint64_t resident;
        uint64_t leaked; /* bytes; clusters only */
        bool there;      /* false: zeros, for it was not there */
        bool unlisted; /* not there, and its list was cut: it may have been, with no more than the bytes above */
};

enum cs_joined {
        CS_JOINED_SIGNATURE,
        CS_JOINED_TEMPLATE, /* texts of one template */
        CS_JOINED_NAME,     /* the same kind, name and size, of one library whatever its version */
        CS_JOINED_ALONE,    /* it is in one snapshot only */
};

enum cs_growth_state {
        CS_GROWTH_STAYED, /* no number changed */
        CS_GROWTH_GREW,
        CS_GROWTH_SHRANK,
        CS_GROWTH_NEW,  /* not in the first snapshot */
        CS_GROWTH_GONE, /* not in the last one */
};

struct cs_growth_row {
        const char *id;      /* of a cluster, in the last snapshot that has it; else NULL */
        const char *kind;    /* "object", …, or the kind of memory; NULL: a library */
        const char *what;    /* NULL: a library or a kind of memory */
        const char *library; /* or NULL: no owner found */
        const char *was;     /* the library's name in the first snapshot, where it is another; or NULL */
        const char *build_id;
        const char *signature; /* or NULL */
        struct cs_text template;
        bool has_template;
        double confidence; /* of library */
        uint64_t block_min;
        uint64_t block_max;
        uint64_t unreferenced;
        bool upgraded; /* a library: with another build-id than before */
        uint32_t
                likes; /* clusters of one snapshot that are together here, for they could not be told apart in another */
        enum cs_joined joined;
        enum cs_growth_state state;
        struct cs_growth_value *at; /* one for each snapshot */
        /* The last less the first. Where one of them is unlisted, what is sure of it, and `least` says so. */
        int64_t count;
        int64_t bytes;
        int64_t resident;
        int64_t leaked;
        bool least;
        struct cs_trend_fit shape; /* of resident bytes */
        double per_second;         /* the shape's, or between first and last; 0: time is not known, or none */
};

struct cs_growth_rows {
        struct cs_growth_row
                *at; /* what grew, most resident bytes first; what shrank, most first; what stayed */
        size_t n;
};

struct cs_growth {
        struct cs_pool pool;
        struct cs_snapshot **snapshots; /* owned, as they were given */
        size_t n_snapshots;
        bool same_program;          /* false: only kinds of memory are compared */
        bool same_process;          /* the process lived all the time, as far as is known */
        bool timed;                 /* times are known, and in order */
        double seconds;             /* from first to last; 0: not known */
        struct cs_growth_row total; /* resident and anonymous memory: `bytes` is what is mapped */
        struct cs_growth_row anonymous;
        struct cs_growth_rows kinds;
        struct cs_growth_rows clusters;
        struct cs_growth_rows libraries;
        const char **notes; /* whole sentences: what stands against the comparison */
        size_t n_notes;
        struct cs_report_verdict verdict;
};

/* Takes the snapshots (at least one, also where it fails) and joins them. CS_ENOMEM. */
CS_CHECK enum cs_status cs_growth_build(struct cs_snapshot **snapshots, size_t n, struct cs_growth **out,
                                        struct cs_error *err);

/* What was seen between the snapshots: anonymous memory by light samples, whose shape stands for that of the process. */
struct cs_growth_series {
        const struct cs_sample *at;
        size_t n;
        const char *note; /* what stands against it, as a sentence; NULL or "": nothing. Copied */
};
CS_CHECK enum cs_status cs_growth_build_watched(struct cs_snapshot **snapshots, size_t n,
                                                const struct cs_growth_series *series, struct cs_growth **out,
                                                struct cs_error *err);

/* The snapshots are the caller's again, and must live as long as the rows are looked at. */
void cs_growth_release(struct cs_growth *growth);

void cs_growth_destroy(struct cs_growth *growth);
static inline void cs_growth_destroyp(struct cs_growth **growth)
{
        cs_growth_destroy(*growth);
}

/* "grew", "shrank", "new", "gone", "same". */
const char *cs_growth_state_name(enum cs_growth_state state);

#endif
