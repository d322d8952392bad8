/* SPDX-License-Identifier: Apache-2.0 */
#include "vitals.h"

#include "maps.h"
#include "ourmemory.h"
#include "procfile.h"
#include "procstat.h"
#include "through.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT = 8192 };

/* The beginning of a file; 0, or an errno value with "". */
static int read_text(const char *path, char *text, size_t size)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd >= 0 ? read(fd, text, size - 1) : -1;
        int number = n < 0 ? errno : 0;
        text[n > 0 ? n : 0] = '\0';
        if (fd >= 0)
                close(fd);
        return number;
}

/* "VmRSS:     1234 kB", in bytes; 0 where it does not stand there. */
static uint64_t field(const char *status, const char *name)
{
        char key[32];
        (void)snprintf(key, sizeof(key), "\n%s:", name);
        const char *at = strstr(status, key);
        return at ? strtoull(at + strlen(key), NULL, 10) << 10 : 0;
}

enum cs_status cs_vitals_parse(const char *status, const char *stat, struct cs_vitals *out,
                               struct cs_error *err)
{
        if (!cs_procstat_state(stat))
                return cs_fail(err, CS_EFORMAT, "/proc/PID/stat has no name");
        if (cs_procstat_ended(stat))
                return cs_fail(err, CS_EGONE, "the process has ended");
        *out = (struct cs_vitals){ 0 };
        out->started = cs_procstat_number(stat, CS_PROCSTAT_STARTTIME);
        out->program = cs_procstat_number(stat, CS_PROCSTAT_STARTCODE) * 31 +
                       cs_procstat_number(stat, CS_PROCSTAT_STARTSTACK);
        out->mapped = field(status, "VmSize");
        out->resident = field(status, "VmRSS");
        out->anonymous = field(status, "RssAnon");
        out->file = field(status, "RssFile");
        out->shared = field(status, "RssShmem");
        out->swapped = field(status, "VmSwap");
        return CS_OK;
}

static enum cs_status read_through(pid_t pid, pid_t through, struct cs_vitals *out, struct cs_error *err)
{
        char path[64], status[TEXT], stat[TEXT], first[TEXT] = "";
        (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)through);
        int number = read_text(path, status, sizeof(status));
        if (!number) {
                (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)through);
                number = read_text(path, stat, sizeof(stat));
        }
        if (!number && through != pid) {
                (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
                number = read_text(path, first, sizeof(first));
        }
        if (number == ENOENT || number == ESRCH)
                return cs_fail(err, CS_EGONE, "the process has ended");
        if (number)
                return cs_fail_sys(err, number, "%s", path);
        enum cs_status st = cs_vitals_parse(status, stat, out, err);
        if (st == CS_OK && through != pid) /* the process's, not the thread's */
                out->started = cs_procstat_number(first, CS_PROCSTAT_STARTTIME);
        return st;
}

enum cs_status cs_vitals_read(pid_t pid, struct cs_vitals *out, struct cs_error *err)
{
        pid_t through = cs_through(pid);
        unsigned tries = 0;
        enum cs_status st;
        do
                st = read_through(pid, through, out, err);
        while (st == CS_EGONE && cs_through_another(pid, &through, &tries));
        return st;
}

/* ---- what is mapped ---------------------------------------------------------------------------------------------- */

const char *cs_vitals_kind_name(enum cs_vitals_kind kind)
{
        static const char *const names[] = { "heap", "arenas", "stack",   "anonymous",
                                             "file", "shared", "reserved" };
        return names[kind];
}

static bool is_plain(const struct cs_mapping *m)
{
        return !m->file_backed && !m->path && !(m->perms & CS_PERM_SHARED);
}

/* malloc/arena.c, HEAP_MAX_SIZE (2.17 to 2.42): heaps begin at its multiples, and what they do not use yet may not be touched. Those that
 * are full and lie side by side are one mapping. */
static bool is_arena(const cs_mapping_vec *mappings, size_t i, uint64_t heap)
{
        const struct cs_mapping *m = &mappings->at[i], *next = m + 1;
        if (!is_plain(m) || !(m->perms & CS_PERM_WRITE) || m->range.start % heap)
                return false;
        uint64_t left = -m->range.end & (heap - 1);
        return !left ||
               (i + 1 < mappings->n && is_plain(next) && !(next->perms & (CS_PERM_READ | CS_PERM_WRITE)) &&
                next->range.start == m->range.end && next->range.end - next->range.start >= left);
}

static enum cs_vitals_kind kind_of(const struct cs_mapping *m)
{
        static const uint32_t any = CS_PERM_READ | CS_PERM_WRITE | CS_PERM_EXEC;
        if (!(m->perms & any))
                return CS_VITALS_RESERVED;
        if (m->perms & CS_PERM_SHARED)
                return CS_VITALS_SHARED;
        if (m->file_backed)
                return CS_VITALS_FILE;
        if (m->path && strcmp(m->path, "[heap]") == 0)
                return CS_VITALS_HEAP;
        return m->path && strcmp(m->path, "[stack]") == 0 ? CS_VITALS_STACK : CS_VITALS_ANONYMOUS;
}

struct cs_vitals_kinds cs_vitals_kinds_sum(const cs_mapping_vec *mappings)
{
        static const uint64_t heap = 64 << 20;
        struct cs_vitals_kinds kinds = { 0 };
        for (size_t i = 0; i < mappings->n; i++) {
                const struct cs_mapping *m = &mappings->at[i];
                if (m->range.start >> 63)
                        continue;
                uint64_t bytes = cs_range_size(m->range);
                bool arena = is_arena(mappings, i, heap);
                enum cs_vitals_kind kind = arena ? CS_VITALS_ARENAS : kind_of(m);
                kinds.at[kind].bytes += bytes;
                kinds.at[kind].regions += arena ? (bytes + heap - 1) / heap : 1;
        }
        return kinds;
}

static enum cs_status read_kinds(pid_t through, struct cs_vitals_kinds *out, struct cs_error *err)
{
        char path[64];
        cs_cleanup(cs_text_freep) cs_text_vec text = { 0 };
        size_t bad = 0;
        (void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)through);
        int number = cs_procfile_read(AT_FDCWD, path, &text);
        struct cs_pool pool = { 0 };
        cs_mapping_vec mappings = { 0 };
        enum cs_status st = CS_OK;
        if (number == ENOENT || number == ESRCH || (!number && !text.n))
                st = cs_fail(err, CS_EGONE, "the process has ended");
        else if (number)
                st = number == ENOMEM ? cs_fail(err, CS_ENOMEM, "%s", path)
                                      : cs_fail_sys(err, number, "%s", path);
        else
                st = cs_maps_parse(text.at, text.n, &pool, &mappings, &bad, err);
        if (st == CS_OK)
                *out = cs_vitals_kinds_sum(&mappings);
        cs_vec_deinit(&mappings);
        cs_pool_deinit(&pool);
        return st;
}

enum cs_status cs_vitals_kinds_read(pid_t pid, struct cs_vitals_kinds *out, struct cs_error *err)
{
        pid_t through = cs_through(pid);
        unsigned tries = 0;
        enum cs_status st;
        do
                st = read_kinds(through, out, err);
        while (st == CS_EGONE && cs_through_another(pid, &through, &tries));
        return st;
}

/* ---- limits ------------------------------------------------------------------------------------------------------ */

/* What one group leaves: its limit less what it has; UINT64_MAX: it has no limit. */
static uint64_t group_room(const char *root, const char *group, int len, const char *limit, const char *usage)
{
        char path[PATH_MAX], text[64];
        if (snprintf(path, sizeof(path), "%s%.*s/%s", root, len, group, limit) >= (int)sizeof(path) ||
            read_text(path, text, sizeof(text)) || text[0] < '0' || text[0] > '9')
                return UINT64_MAX;
        uint64_t most = strtoull(text, NULL, 10);
        /* Version 1 says "none" by the largest number of pages. */
        if (most >= UINT64_C(1) << 60)
                return UINT64_MAX;
        if (snprintf(path, sizeof(path), "%s%.*s/%s", root, len, group, usage) >= (int)sizeof(path) ||
            read_text(path, text, sizeof(text)))
                return UINT64_MAX;
        uint64_t has = strtoull(text, NULL, 10);
        return most > has ? most - has : 0;
}

/* The least of a group and those above it. */
static uint64_t groups_room(const char *root, const char *group, const char *limit, const char *usage)
{
        uint64_t least = UINT64_MAX;
        for (int len = (int)strcspn(group, "\n"); len >= 0; len--) {
                if (len > 1 && group[len] != '/' && group[len] != '\n' && group[len] != '\0')
                        continue;
                uint64_t room = group_room(root, group, len, limit, usage);
                least = room < least ? room : least;
        }
        return least;
}

uint64_t cs_vitals_group_room(const char *cgroup, const char *root)
{
        char below[PATH_MAX];
        uint64_t least = UINT64_MAX;
        /* cgroups(7): lines of "hierarchy-ID:controllers:path"; "0::path" is version 2's. */
        for (const char *line = cgroup; *line; line += strcspn(line, "\n"), line += *line == '\n') {
                const char *controllers = strchr(line, ':');
                const char *path = controllers ? strchr(controllers + 1, ':') : NULL;
                if (!path || path[1] != '/')
                        continue;
                uint64_t room = UINT64_MAX;
                if (path == controllers + 1)
                        room = groups_room(root, path + 1, "memory.max", "memory.current");
                else if (memmem(controllers, (size_t)(path - controllers), "memory", 6) &&
                         snprintf(below, sizeof(below), "%s/memory", root) < (int)sizeof(below))
                        room = groups_room(below, path + 1, "memory.limit_in_bytes", "memory.usage_in_bytes");
                least = room < least ? room : least;
        }
        return least;
}

struct cs_vitals_room cs_vitals_room(pid_t pid, const struct cs_vitals *vitals)
{
        struct cs_vitals_room room = { UINT64_MAX, NULL };
        char path[64], text[TEXT];
        read_text("/proc/meminfo", text, sizeof(text));
        uint64_t available = cs_ourmemory_available(text);
        if (available)
                room = (struct cs_vitals_room){ available, "the machine's memory" };
        (void)snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
        read_text(path, text, sizeof(text));
        uint64_t group = cs_vitals_group_room(text, "/sys/fs/cgroup");
        if (group < room.bytes)
                room = (struct cs_vitals_room){ group, "its control group's limit" };
        (void)snprintf(path, sizeof(path), "/proc/%d/limits", (int)pid);
        read_text(path, text, sizeof(text));
        static const char key[] = "Max address space";
        const char *at = strstr(text, key);
        at = at ? at + strlen(key) + strspn(at + strlen(key), " ") : "";
        if (*at >= '0' && *at <= '9') {
                uint64_t most = strtoull(at, NULL, 10);
                uint64_t left = most > vitals->mapped ? most - vitals->mapped : 0;
                if (left < room.bytes)
                        room = (struct cs_vitals_room){ left, "its limit of address space" };
        }
        return room;
}
