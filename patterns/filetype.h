/* SPDX-License-Identifier: Apache-2.0 */
/* What kind of file bytes are the beginning of, as libmagic's database tells ("image/png"). Bytes are hostile: libmagic's own
 * readers of containers, archives and encodings are off, and its limits low. Main thread only. */
#ifndef CS_FILETYPE_H
#define CS_FILETYPE_H

#include "status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that are looked at, from the first; more are ignored. CS_FILETYPE_TEXT holds any name with its NUL. */
enum { CS_FILETYPE_BYTES = 4096, CS_FILETYPE_TEXT = 96 };

struct cs_filetypes;

/* Loads the default database, the one thing here that is read from a file. CS_ESYS: there is none, or none of this libmagic's
 * version. */
CS_CHECK enum cs_status cs_filetypes_open(struct cs_filetypes **out, struct cs_error *err);
void cs_filetypes_close(struct cs_filetypes *types);
static inline void cs_filetypes_closep(struct cs_filetypes **types)
{
        cs_filetypes_close(*types);
}

/* The MIME type of what begins with these bytes. False where none is known, where it says nothing ("application/octet-stream",
 * "text/…", "inode/…"), and where it rests on fewer than two bytes at the beginning that are not zero, or
 * on 0xff alone: numbers begin like that by accident. */
bool cs_filetype_tell(struct cs_filetypes *types, const uint8_t *bytes, size_t len,
                      char out[CS_FILETYPE_TEXT]);

#endif
