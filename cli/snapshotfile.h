/* SPDX-License-Identifier: Apache-2.0 */
/* A saved --json report, read as a snapshot. Every byte is hostile: somebody else may have written it. The file is walked
 * member by member, so that memory is only taken for what is kept, whatever else it holds. Thread-safe. */
#ifndef CS_SNAPSHOTFILE_H
#define CS_SNAPSHOTFILE_H

#include "snapshot.h"

/* Does the file begin as a JSON object does? A file that cannot be read does not. */
bool cs_snapshotfile_is(const char *path);

/* CS_EFORMAT: no report; CS_ENOTSUP: one of a later schema; CS_ELIMIT: larger than CS_LIMIT_REPORT_BYTES; CS_ESYS. The text is
 * the cause, without the path. */
CS_CHECK enum cs_status cs_snapshotfile_read(const char *path, struct cs_snapshot **out,
                                             struct cs_error *err);

/* The same of bytes that are there already; path is what the snapshot will be called. */
CS_CHECK enum cs_status cs_snapshotfile_parse(const char *bytes, size_t len, const char *path,
                                              struct cs_snapshot **out, struct cs_error *err);

#endif
