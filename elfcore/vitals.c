/* SPDX-License-Identifier: Apache-2.0 */
#include "vitals.h"

#include "ourmemory.h"

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
        /* proc(5): the name stands in parentheses, and may hold some itself; behind them the state is field 3, starttime 22, startcode 26
         * and startstack 28. */
        const char *at = strrchr(stat, ')');
        if (!at || at[1] != ' ')
                return cs_fail(err, CS_EFORMAT, "/proc/PID/stat has no name");
        at += 2;
        if (*at == 'Z' || *at == 'X' || *at == 'x')
                return cs_fail(err, CS_EGONE, "the process has ended");
        *out = (struct cs_vitals){ 0 };
        for (int i = 3; i <= 28 && *at; i++) {
                if (i == 22)
                        out->started = strtoull(at, NULL, 10);
                else if (i == 26 || i == 28)
                        out->program = out->program * 31 + strtoull(at, NULL, 10);
                at += strcspn(at, " \n");
                at += *at != '\0';
        }
        out->mapped = field(status, "VmSize");
        out->resident = field(status, "VmRSS");
        out->anonymous = field(status, "RssAnon");
        out->file = field(status, "RssFile");
        out->shared = field(status, "RssShmem");
        out->swapped = field(status, "VmSwap");
        return CS_OK;
}

enum cs_status cs_vitals_read(pid_t pid, struct cs_vitals *out, struct cs_error *err)
{
        char path[64], status[TEXT], stat[TEXT];
        (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
        int number = read_text(path, status, sizeof(status));
        if (!number) {
                (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
                number = read_text(path, stat, sizeof(stat));
        }
        if (number == ENOENT || number == ESRCH)
                return cs_fail(err, CS_EGONE, "the process has ended");
        if (number)
                return cs_fail_sys(err, number, "%s", path);
        return cs_vitals_parse(status, stat, out, err);
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
