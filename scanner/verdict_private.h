/* SPDX-License-Identifier: Apache-2.0 */
/* What the judges share: the figures, and the words for them. Only for verdict*.c. */
#ifndef CS_VERDICT_PRIVATE_H
#define CS_VERDICT_PRIVATE_H

#include "verdict.h"

/* Resident bytes, except where a name says otherwise. */
struct cs_bench {
        const struct cs_image *image;
        const struct cs_heaps *heaps;
        const struct cs_leaks *leaks;
        struct cs_report *report;
        uint64_t used;          /* bytes of blocks in use, resident or not */
        uint64_t freed;         /* bytes of free chunks, top included, resident or not */
        uint64_t used_resident; /* of `used`, less what is lent */
        uint64_t lent;          /* of `used`: what a managed runtime got from malloc for its heap */
        uint64_t overall;       /* all that no file backs */
        uint64_t kept;          /* free: in bins, cached, in top */
        uint64_t cached;        /* of these: in thread caches and fastbins */
        uint64_t long_runs;     /* of these: in runs of 128 KiB and more */
        uint64_t trimmable;     /* of these: what malloc_trim(0) would give back */
        size_t arenas;          /* that keep some of it */
        uint64_t managed;       /* heaps of managed runtimes */
        const char *runtime;    /* kind of the largest of them, or NULL */
        uint64_t stacks;
        uint64_t files; /* mapped files and shared memory, modules left out */
};

/* "1.21 GiB", "48.3 MiB", "312 bytes", in one of eight alternating buffers. */
const char *cs_verdict_size(uint64_t bytes);

/* "42,000", in one of eight alternating buffers. */
const char *cs_verdict_number(uint64_t value);

double cs_verdict_share(uint64_t part, uint64_t whole);

/* Adds a reason, text of the report's pool or static; NULL is ignored. */
void cs_verdict_reason(struct cs_bench *b, const char *text);

/* "libfoo.so", "perhaps libfoo.so", "an unknown library". */
const char *cs_verdict_owner(struct cs_bench *b, const struct cs_report_cluster *c);

/* Bytes of blocks that nothing leads to. */
uint64_t cs_verdict_lost(const struct cs_bench *b);

/* What fills the memory is no leak and no riddle, and one thing of it stands out: fills the verdict. False: nothing does. */
bool cs_verdict_judge_filling(struct cs_bench *b);

#endif
