/* SPDX-License-Identifier: Apache-2.0 */
/* Files of /proc, whose size nobody knows before they are read. */
#ifndef CS_PROCFILE_H
#define CS_PROCFILE_H

#include "vec.h"

typedef CS_VEC(char) cs_text_vec;

/* Adds all of the file `name` in the open directory dir (or AT_FDCWD) to *out: NUL-ended, n excludes the NUL. 0, or an
 * errno value, with what could be read before. */
int cs_procfile_read(int dir, const char *name, cs_text_vec *out);

static inline void cs_text_freep(cs_text_vec *text)
{
        cs_vec_deinit(text);
}

#endif
