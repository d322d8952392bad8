/* SPDX-License-Identifier: Apache-2.0 */
/* What systemd-coredump says in the name of a file, for cores that lost their notes. */
#ifndef CS_CORENAME_H
#define CS_CORENAME_H

#include "pool.h"

#include <sys/types.h>

/* Parses the last part of path: core.COMMAND.UID.BOOT.PID.TIME, perhaps with .zst, .lz4 or .xz behind (systemd,
 * src/coredump/coredump.c, make_filename(); escaped as in src/basic/escape.c, xescape()). False: it is no such name, or our
 * memory ran out. */
bool cs_corename_parse(const char *path, struct cs_pool *pool, const char **command, pid_t *pid);

#endif
