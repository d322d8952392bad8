/* SPDX-License-Identifier: Apache-2.0 */
/* The version that a C library states of itself. The walker does not depend on it: it is for people. */
#ifndef CS_GLIBC_VERSION_H
#define CS_GLIBC_VERSION_H

#include "symbols.h"

/* "2.36" out of the banner in the module's read-only data ("GNU C Library … release version 2.36.", csu/version.c), in pool;
 * NULL where it cannot be read. Main thread. */
const char *cs_glibc_version(const struct cs_image *image, struct cs_symbols *symbols, size_t module,
                             struct cs_pool *pool);

#endif
