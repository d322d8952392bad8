/* SPDX-License-Identifier: Apache-2.0 */
#include "through.h"

#include "fd.h"
#include "procstat.h"
#include "status.h"
#include "tasks.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

bool cs_thread_has_ended(int proc, pid_t tid)
{
        char name[64], text[1024];
        (void)snprintf(name, sizeof(name), "task/%d/stat", (int)tid);
        cs_cleanup(cs_fd_closep) int fd = openat(proc, name, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
        text[n > 0 ? n : 0] = '\0';
        return cs_procstat_ended(text);
}

pid_t cs_through(pid_t pid)
{
        char name[64];
        (void)snprintf(name, sizeof(name), "/proc/%d", (int)pid);
        cs_cleanup(cs_fd_closep) int proc = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (proc < 0 || !cs_thread_has_ended(proc, pid))
                return pid;
        cs_cleanup(cs_dir_closep) DIR *tasks = cs_tasks_open(proc);
        for (pid_t tid; tasks && (tid = cs_tasks_next(tasks));)
                if (!cs_thread_has_ended(proc, tid))
                        return tid;
        return pid;
}

bool cs_through_another(pid_t pid, pid_t *through, unsigned *tries)
{
        enum { TRIES = 16 };
        pid_t before = *through;
        *through = cs_through(pid);
        return *through != before && ++*tries < TRIES;
}
