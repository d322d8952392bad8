/* SPDX-License-Identifier: Apache-2.0 */
/* File descriptors as variables that close themselves, see cs_cleanup() in status.h. */
#ifndef CS_FD_H
#define CS_FD_H

#include <unistd.h>

/* -1 is none. */
static inline void cs_fd_closep(int *fd)
{
        if (*fd >= 0)
                close(*fd);
}

#endif
