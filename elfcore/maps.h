/* SPDX-License-Identifier: Apache-2.0 */
/* The text of /proc/PID/maps. Pure bytes in, facts out. */
#ifndef CS_MAPS_H
#define CS_MAPS_H

#include "image.h"

/* Appends the mappings of len bytes of text (Linux Documentation/filesystems/proc.rst, 3.1); paths go to pool with the
 * kernel's octal escapes for newlines kept. A line that cannot be read, or that does not lie behind the one before it, is
 * skipped and counted in *bad_lines. */
CS_CHECK enum cs_status cs_maps_parse(const char *text, size_t len, struct cs_pool *pool, cs_mapping_vec *out,
                                      size_t *bad_lines, struct cs_error *err);

#endif
