/* SPDX-License-Identifier: Apache-2.0 */
/* A light look at a running process: how much memory it has, by the kernel's own counts, without reading any of it; and how much it may
 * still get. Thread-safe. */
#ifndef CS_VITALS_H
#define CS_VITALS_H

#include "image.h"
#include "status.h"

#include <stdint.h>
#include <sys/types.h>

struct cs_vitals {
        uint64_t mapped; /* bytes */
        uint64_t resident;
        uint64_t anonymous; /* of these: of no file */
        uint64_t file;
        uint64_t shared;
        uint64_t swapped;
        uint64_t program; /* another number when it executed another program, as far as we may know */
        uint64_t started; /* in the kernel's ticks since it booted: another process has another */
};

/* CS_EGONE: there is no such process, or it has ended. CS_ESYS. */
CS_CHECK enum cs_status cs_vitals_read(pid_t pid, struct cs_vitals *out, struct cs_error *err);

/* The texts of /proc/PID/status and /proc/PID/stat; CS_EGONE: a zombie. CS_EFORMAT. */
CS_CHECK enum cs_status cs_vitals_parse(const char *status, const char *stat, struct cs_vitals *out,
                                        struct cs_error *err);

/* What is mapped, by kinds, as the list of mappings tells without a look at any page. */
enum cs_vitals_kind {
        CS_VITALS_HEAP, /* the break's */
        CS_VITALS_ARENAS, /* glibc's heaps for threads, 64 MiB of addresses each: what of them may be written to */
        CS_VITALS_STACK, /* the main thread's */
        CS_VITALS_ANONYMOUS,
        CS_VITALS_FILE,
        CS_VITALS_SHARED,
        CS_VITALS_RESERVED, /* that nobody may touch */
        CS_VITALS_KINDS,
};

struct cs_vitals_kinds {
        struct {
                uint64_t bytes;
                uint64_t regions; /* mappings; of arenas, heaps */
        } at[CS_VITALS_KINDS];
};

/* "heap", "arenas", "stack", "anonymous", "file", "shared", "reserved". */
const char *cs_vitals_kind_name(enum cs_vitals_kind kind);

/* Adds up to all mappings, without the kernel's own at the end of addresses. */
struct cs_vitals_kinds cs_vitals_kinds_sum(const cs_mapping_vec *mappings);

/* CS_EGONE, CS_ESYS, CS_ENOMEM. Takes a microsecond or less for each mapping. */
CS_CHECK enum cs_status cs_vitals_kinds_read(pid_t pid, struct cs_vitals_kinds *out, struct cs_error *err);

struct cs_vitals_room {
        uint64_t bytes;    /* that it can still grow by; UINT64_MAX: nobody says */
        const char *limit; /* what ends it, in words; NULL: nobody says */
};

/* The least of what its control groups (versions 2 and 1), its RLIMIT_AS and the machine's available memory leave. */
struct cs_vitals_room cs_vitals_room(pid_t pid, const struct cs_vitals *vitals);

/* What control groups leave: the text of /proc/PID/cgroup, and where their hierarchies are mounted ("/sys/fs/cgroup"). UINT64_MAX: no
 * limit. */
uint64_t cs_vitals_group_room(const char *cgroup, const char *root);

#endif
