/* SPDX-License-Identifier: Apache-2.0 */
/* Files that we write: readable by their owner only, written aside in the same folder, and put in place at
 * the end, so that nobody ever sees half of one. What is there and is no regular file (a pipe,
 * /dev/stdout, /dev/null) is written directly. Main thread only. */
#ifndef CS_OUTPUT_H
#define CS_OUTPUT_H

#include "status.h"

#include <stdio.h>

struct cs_output {
        const char *path; /* borrowed */
        char *aside;      /* name until the end; NULL: written directly */
        FILE *stream;     /* NULL: closed, or never opened */
};

/* CS_ESYS: it cannot be written; the text is the cause, without the path. CS_ENOMEM. */
CS_CHECK enum cs_status cs_output_open(const char *path, struct cs_output *out, struct cs_error *err);

/* Others may read it, too, as far as the umask allows: it is made for another program. */
void cs_output_share(struct cs_output *out);

/* Closes, checks that every byte was written, and renames. On failure nothing is left behind. */
CS_CHECK enum cs_status cs_output_commit(struct cs_output *out, struct cs_error *err);

/* Gives up what was not committed. Nothing happens on a zeroed or committed one. */
void cs_output_discard(struct cs_output *out);

/* Flushes standard output. CS_ESYS where not everything could be written; a reader that went away is no
 * failure. */
CS_CHECK enum cs_status cs_output_finish_stdout(struct cs_error *err);

#endif
