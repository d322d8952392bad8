/* SPDX-License-Identifier: Apache-2.0 */
/* Names that stay when a library is upgraded. Pure; thread-safe when pools are not shared. */
#ifndef CS_NAMES_H
#define CS_NAMES_H

#include "pool.h"

/* "libfoo-3.1.so.2.4" → "libfoo.so", "ruby3.1" → "ruby", "tool-2.0.1" → "tool", "app (deleted)" → "app". What has no version
 * stays; so do digits that belong to the name ("libz2x.so"). In pool; NULL when our memory ran out. */
const char *cs_names_stem(struct cs_pool *pool, const char *name);

/* The last component of a path; NULL stays NULL. */
const char *cs_names_last(const char *path);

/* The text with each place in one of the modules ("libfoo.so.1+0x3d10 (.data)", "libfoo.so.1") told by the stem of the module
 * alone, for places move when it is built anew. In pool; the same pointer where no module is named; NULL when our memory
 * ran out. */
const char *cs_names_masked(struct cs_pool *pool, const char *text, const char *const *modules, size_t n);

#endif
