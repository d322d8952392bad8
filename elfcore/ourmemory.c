/* SPDX-License-Identifier: Apache-2.0 */
#include "ourmemory.h"

#include "range.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The beginning of a file; "" where it cannot be read. */
static void read_text(const char *path, char *text, size_t size)
{
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd >= 0 ? read(fd, text, size - 1) : -1;
        text[n > 0 ? n : 0] = '\0';
        if (fd >= 0)
                close(fd);
}

uint64_t cs_ourmemory_available(const char *meminfo)
{
        static const char key[] = "MemAvailable:";
        const char *at = strstr(meminfo, key);
        return at ? strtoull(at + strlen(key), NULL, 10) << 10 : 0;
}

uint64_t cs_ourmemory_group(const char *cgroup, const char *root)
{
        char path[PATH_MAX], text[64];
        uint64_t least = UINT64_MAX;
        /* Documentation/admin-guide/cgroup-v2.rst: the line of version 2 begins with "0::". */
        const char *at = strncmp(cgroup, "0::", 3) == 0 ? cgroup : strstr(cgroup, "\n0::");
        if (!at)
                return UINT64_MAX;
        at = strchr(at, '/');
        int len = at ? (int)strcspn(at, "\n") : 0;
        for (; len > 0; len--) {
                if (len > 1 && at[len] != '/' && at[len] != '\n' && at[len] != '\0')
                        continue;
                int n = snprintf(path, sizeof(path), "%s%.*s/memory.max", root, len, at);
                if (n < 0 || (size_t)n >= sizeof(path))
                        return least;
                read_text(path, text, sizeof(text));
                if (text[0] >= '0' && text[0] <= '9' && strtoull(text, NULL, 10) < least)
                        least = strtoull(text, NULL, 10);
        }
        return least;
}

uint64_t cs_ourmemory_half(void)
{
        char text[4096];
        long pages = sysconf(_SC_PHYS_PAGES);
        uint64_t all = pages > 0 ? (uint64_t)pages * CS_PAGE : UINT64_C(2) << 30;
        read_text("/proc/meminfo", text, sizeof(text));
        uint64_t available = cs_ourmemory_available(text);
        read_text("/proc/self/cgroup", text, sizeof(text));
        uint64_t group = cs_ourmemory_group(text, "/sys/fs/cgroup");
        if (available && available < all)
                all = available;
        return (group < all ? group : all) / 2;
}

uint64_t cs_ourmemory_peak(void)
{
        char line[256];
        unsigned long peak = 0, file = 0;
        FILE *f = fopen("/proc/self/status", "re");
        while (f && fgets(line, sizeof(line), f)) {
                (void)sscanf(line, "VmHWM: %lu kB", &peak);
                (void)sscanf(line, "RssFile: %lu kB", &file);
        }
        if (f)
                fclose(f);
        return (uint64_t)(peak > file ? peak - file : 0) * 1024;
}
