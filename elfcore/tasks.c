/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks.h"

#include "fd.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>

DIR *cs_tasks_open(int proc_fd)
{
        int fd = openat(proc_fd, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *tasks = fd < 0 ? NULL : fdopendir(fd);
        if (!tasks)
                cs_fd_closep(&fd);
        return tasks;
}

pid_t cs_tasks_next(DIR *tasks)
{
        struct dirent *entry;
        while ((entry = readdir(tasks)))
                if (isdigit((unsigned char)entry->d_name[0]))
                        return (pid_t)strtol(entry->d_name, NULL, 10);
        return 0;
}
