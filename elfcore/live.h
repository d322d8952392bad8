/* SPDX-License-Identifier: Apache-2.0 */
/* The source over a running process. It never stops the target and never makes it grow: /proc/PID/pagemap is asked before
 * each read, and pages that are not present are gaps (or, where a module's clean file has them, come from that file). */
#ifndef CS_LIVE_H
#define CS_LIVE_H

#include "image.h"

/* The mappings and modules of image are borrowed and must be frozen. Read by the thread `through` (through.h), of which proc_fd is an
 * open /proc/PID directory, borrowed; and on, where that one ends and others live. CS_EACCESS where the kernel refuses to let us read. */
CS_CHECK enum cs_status cs_live_source_create(const struct cs_image *image, pid_t through, int proc_fd,
                                              struct cs_source **out, struct cs_error *err);

/* False: without a pagemap the presence of pages is not known, and reading may make the target grow. */
bool cs_live_source_has_pagemap(const struct cs_source *src);

/* True once the target was found gone. */
bool cs_live_source_gone(const struct cs_source *src);

#endif
