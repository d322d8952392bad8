/* SPDX-License-Identifier: Apache-2.0 */
#include "through.h"

#include "procstat.h"
#include "status.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void close_fd(int *fd)
{
        if (*fd >= 0)
                close(*fd);
}

bool cs_thread_has_ended(int proc, pid_t tid)
{
        char name[64], text[1024];
        (void)snprintf(name, sizeof(name), "task/%d/stat", (int)tid);
        cs_cleanup(close_fd) int fd = openat(proc, name, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
        text[n > 0 ? n : 0] = '\0';
        return cs_procstat_ended(text);
}

pid_t cs_through(pid_t pid)
{
        char name[64];
        (void)snprintf(name, sizeof(name), "/proc/%d", (int)pid);
        cs_cleanup(close_fd) int proc = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (proc < 0 || !cs_thread_has_ended(proc, pid))
                return pid;
        int tasks = openat(proc, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = tasks < 0 ? NULL : fdopendir(tasks);
        if (!dir) {
                close_fd(&tasks);
                return pid;
        }
        pid_t through = pid;
        for (struct dirent *entry; through == pid && (entry = readdir(dir));) {
                pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
                if (isdigit((unsigned char)entry->d_name[0]) && !cs_thread_has_ended(proc, tid))
                        through = tid;
        }
        closedir(dir);
        return through;
}

bool cs_through_another(pid_t pid, pid_t *through, unsigned *tries)
{
        enum { TRIES = 16 };
        pid_t before = *through;
        *through = cs_through(pid);
        return *through != before && ++*tries < TRIES;
}
