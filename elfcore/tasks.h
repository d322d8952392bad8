/* SPDX-License-Identifier: Apache-2.0 */
/* A process's threads, as /proc/PID/task lists them. Threads that start or end meanwhile may be there or not. */
#ifndef CS_TASKS_H
#define CS_TASKS_H

#include <dirent.h>
#include <sys/types.h>

/* proc_fd is an open /proc/PID directory, borrowed. NULL: the process is gone, or there is no memory. To be closed (fd.h). */
DIR *cs_tasks_open(int proc_fd);

/* The next thread's number; 0: there are no more. */
pid_t cs_tasks_next(DIR *tasks);

#endif
