/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line asks for. Strings are borrowed from argv. */
#ifndef CS_OPTIONS_H
#define CS_OPTIONS_H

#include "analyse.h"

enum cs_command { CS_COMMAND_REPORT, CS_COMMAND_HELP, CS_COMMAND_VERSION };

enum cs_show {
        CS_SHOW_SUMMARY = 1,
        CS_SHOW_CLUSTERS = 2,
        CS_SHOW_LIBRARIES = 4,
        CS_SHOW_REGIONS = 8,
        CS_SHOW_HEAP = 16,
        CS_SHOW_LEAKS = 32,
        CS_SHOW_AT = 64,
        CS_SHOW_REFS = 128,
        CS_SHOW_STRINGS = 256,
        CS_SHOW_HITS = 512,
        CS_SHOW_CENSUS = CS_SHOW_REGIONS | CS_SHOW_HEAP, /* what needs no clusters */
};

enum cs_when { CS_WHEN_AUTO, CS_WHEN_ALWAYS, CS_WHEN_NEVER };

enum cs_exit {
        CS_EXIT_DONE = 0,
        CS_EXIT_NOTHING = 1, /* --grep and --rules found nothing */
        CS_EXIT_TROUBLE = 2, /* wrong usage, or the input cannot be read at all */
        CS_EXIT_PARTIAL = 3, /* --strict, and the answer is partial; goes before CS_EXIT_VERDICT */
        CS_EXIT_VERDICT = 4, /* the --fail-on verdict holds */
};

enum {
        CS_TOP_GIVEN_ALL = 0,
        CS_TOP_CLUSTERS = 10,
        CS_TOP_SUMMARY = 5,
        CS_TOP_REGIONS = 30,
        CS_TOP_JSON = 50
};

/* One --grep or --rules. */
struct cs_rule_source {
        bool grep; /* text is a regex; else a file's name, or "builtin:NAME" */
        const char *text;
};

enum { CS_RULE_SOURCES = 256 };

struct cs_options {
        enum cs_command command;
        const char *core; /* NULL: live */
        char **snapshots; /* what is compared, in argv; n_snapshots is 0 where one thing is looked at */
        size_t n_snapshots;
        int live;      /* PID; 0: a core */
        unsigned show; /* cs_show bits, never 0 after parsing */
        bool json;
        bool top_given;
        uint64_t top;           /* when given; 0: all */
        uint64_t min_bytes;     /* clusters and libraries of fewer bytes are not shown */
        const char *library;    /* glob on library names; "-" matches what has no owner; or NULL */
        const char *region;     /* kind of the regions to show, or NULL */
        const char *encoding;   /* of the texts to show, or NULL */
        const char *cluster;    /* "c12", or NULL */
        uint64_t cluster_rank;  /* 12; 0: not given */
        uint64_t at;            /* where show has CS_SHOW_AT */
        uint64_t refs;          /* where show has CS_SHOW_REFS */
        unsigned depth;         /* of refs; never 0 after parsing */
        double watch;           /* seconds between samples; 0: not asked for */
        uint64_t samples;       /* of these; 0: until it ends */
        const char *blocks;     /* file, or NULL */
        const char *prometheus; /* the same */
        const char *output;     /* file, or NULL for standard output */
        enum cs_when color;
        enum cs_when progress;
        unsigned workers; /* 0: as many as there are processors */
        bool strict;
        unsigned fail_on; /* bits of cs_options_verdict_bit() */
        const char *sysroot;
        const char *debug_dir;
        const char *temp_dir;
        bool freeze;
        uint64_t max_memory; /* 0: not given */
        struct cs_rule_source rules[CS_RULE_SOURCES];
        size_t n_rules;
        bool reveal;
};

/* Is nothing of this asked for but what `shown` names? */
static inline bool cs_options_only(const struct cs_options *options, unsigned shown)
{
        return !(options->show & ~shown) && !options->blocks && !options->cluster && !options->fail_on &&
               !options->prometheus;
}

/* Are hits all that was asked for? Then they are written as they are found. */
static inline bool cs_options_streams(const struct cs_options *options)
{
        return options->show == CS_SHOW_HITS && cs_options_only(options, CS_SHOW_HITS);
}

/* CS_EFORMAT: wrong usage; CS_ENOTSUP: a flag of a later version. The text is "<thing>: <cause>[; <way
 * out>]". Not thread-safe (getopt is not); may be called again and again. argv is reordered. */
CS_CHECK enum cs_status cs_options_parse(int argc, char **argv, struct cs_options *out, struct cs_error *err);

/* "12", "4K", "16M", "2G" → bytes; false where it is none or does not fit. */
bool cs_options_size(const char *text, uint64_t *bytes);

/* "7f12a0" or "0x7F12A0"; false where it is none or does not fit. */
bool cs_options_address(const char *text, uint64_t *address);

/* The i-th verdict; NULL: there are not so many. */
const char *cs_options_verdict_name(size_t i);

/* The bit of a verdict's name in fail_on; 0: no verdict is called so. */
unsigned cs_options_verdict_bit(const char *name);

/* How many rows a view shows: --top, or what is usual there; SIZE_MAX: all. */
size_t cs_options_top(const struct cs_options *options, size_t usual);

/* How many clusters, largest first, need fields and examples so that every one that is shown has them. */
size_t cs_options_detail(const struct cs_options *options);

/* The exit status where that verdict was found; of a report that was delivered. */
enum cs_exit cs_options_exit_verdict(const struct cs_options *options, bool complete, const char *verdict);
enum cs_exit cs_options_exit(const struct cs_options *options, const struct cs_report *report);

#endif
