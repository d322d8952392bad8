/* SPDX-License-Identifier: Apache-2.0 */
/* File descriptors, and directories, as variables that close themselves, see cs_cleanup() in status.h. */
#ifndef CS_FD_H
#define CS_FD_H

#include <dirent.h>
#include <unistd.h>

/* -1 is none. */
static inline void cs_fd_closep(int *fd)
{
        if (*fd >= 0)
                close(*fd);
}

/* NULL is none. */
static inline void cs_dir_closep(DIR **dir)
{
        if (*dir)
                closedir(*dir);
}

#endif
