/* SPDX-License-Identifier: Apache-2.0 */
/* The text of /proc/PID/stat, see proc(5). Pure; thread-safe. */
#ifndef CS_PROCSTAT_H
#define CS_PROCSTAT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
        CS_PROCSTAT_FLAGS = 9,
        CS_PROCSTAT_STARTTIME = 22,
        CS_PROCSTAT_VSIZE = 23,
        CS_PROCSTAT_STARTCODE = 26,
        CS_PROCSTAT_STARTSTACK = 28,
};

/* Of a thread: R, S, Z and others; '\0' where the text is none. The name before it stands in parentheses, and may hold some itself. */
static inline char cs_procstat_state(const char *stat)
{
        const char *at = strrchr(stat, ')');
        return at && at[1] == ' ' ? at[2] : '\0';
}

/* A number by its place; 0 where there is none. */
static inline uint64_t cs_procstat_number(const char *stat, int place)
{
        const char *at = strrchr(stat, ')');
        for (int i = 2; at && *at && i < place; i++) {
                at += strcspn(at, " \n");
                at += *at != '\0';
        }
        return at ? strtoull(at, NULL, 10) : 0;
}

/* Is the thread at its end? It lets go of its memory first, and then is called a zombie, or dead (Linux, kernel/exit.c, do_exit()). The
 * kernel's own threads have none (include/linux/sched.h, PF_KTHREAD). */
static inline bool cs_procstat_ended(const char *stat)
{
        enum { PF_KTHREAD = 0x00200000 };
        char state = cs_procstat_state(stat);
        return !state || strchr("ZXx", state) ||
               (!cs_procstat_number(stat, CS_PROCSTAT_VSIZE) &&
                !(cs_procstat_number(stat, CS_PROCSTAT_FLAGS) & PF_KTHREAD));
}

#endif
