/* SPDX-License-Identifier: Apache-2.0 */
/* Stopping a process while it is read, because the user asked for it (--freeze). Its threads are seized and interrupted (ptrace(2),
 * PTRACE_SEIZE): that sends no signal which the process could see, and the kernel lets go of them by itself when we end, however
 * that comes about: by a signal that cannot be caught, too. A process that was stopped already stays so. */
#ifndef CS_FREEZE_H
#define CS_FREEZE_H

#include "image.h"

struct cs_freeze;

/* Stops all threads of the process. proc_fd is an open /proc/PID directory. CS_EACCESS: not permitted, or another debugger is
 * there; CS_EGONE. Nothing is stopped when it fails. The thread that calls it is the tracer: it must call cs_freeze_thaw(), too. A
 * second thread looks after those that are seized until all are. */
CS_CHECK enum cs_status cs_freeze_create(pid_t pid, int proc_fd, struct cs_freeze **out,
                                         struct cs_error *err);

/* Fills the registers of those of the threads that are stopped. */
void cs_freeze_registers(const struct cs_freeze *freeze, struct cs_thread *threads, size_t n);

/* How many threads at least could not be stopped within a while: those that wait for a device, uninterruptibly. */
size_t cs_freeze_left(const struct cs_freeze *freeze);

/* Lets all of them go on, and frees. NULL is fine. */
void cs_freeze_thaw(struct cs_freeze *freeze);

#endif
