/* SPDX-License-Identifier: Apache-2.0 */
/* The auxiliary vector: what the kernel tells a program when it starts. Cores have a copy among their notes; the program's own
 * lies on its stack, together with its arguments. Every byte is hostile. Thread-safe. */
#ifndef CS_AUXV_H
#define CS_AUXV_H

#include "pool.h"
#include "range.h"
#include "source.h"

#include <stddef.h>

struct cs_auxv {
        uint64_t random; /* each 0: not there */
        uint64_t entry;
        uint64_t vdso;
        uint64_t phdr;
        uint64_t phnum;
        uint64_t execfn; /* the path that was given to execve() */
};

/* Parses pairs of words up to AT_NULL or the end; what is there replaces what *out had. */
void cs_auxv_parse(const uint8_t *bytes, size_t len, struct cs_auxv *out);

/* Looks for the vector in memory that ends where a first thread's stack does; false where it is none. *command is the
 * arguments joined by spaces and *program the path of AT_EXECFN, in pool, or NULL. */
bool cs_auxv_find(struct cs_source *source, struct cs_range stack, struct cs_pool *pool, struct cs_auxv *out,
                  const char **command, const char **program);

#endif
