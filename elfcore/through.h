/* SPDX-License-Identifier: Apache-2.0 */
/* By which of a process's threads /proc and process_vm_readv(2) tell of its memory. The process's own number stands for its first thread,
 * and that one may end while others live on (pthread_exit() in main): then nothing is to be had by that number, and it looks like a
 * zombie. */
#ifndef CS_THROUGH_H
#define CS_THROUGH_H

#include <stdbool.h>
#include <sys/types.h>

/* Is the thread at its end, or gone? proc_fd is an open /proc/PID directory of its process. */
bool cs_thread_has_ended(int proc_fd, pid_t tid);

/* pid, or, where its first thread has ended and another one lives, the number of that one, by which there is a folder in /proc, too. That
 * one may end, too, as threads do. */
pid_t cs_through(pid_t pid);

/* For those whose reading failed, perhaps because the thread ended by which they read: another one, which *through becomes. False where
 * there is none, or after so many tries that threads come and go faster than anybody can read. *tries is 0 at first. */
bool cs_through_another(pid_t pid, pid_t *through, unsigned *tries);

#endif
