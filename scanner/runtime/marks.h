/* SPDX-License-Identifier: Apache-2.0 */
/* What recognisers share: finding a runtime by its exported names, and the places where its heap may be. */
#ifndef CS_MARKS_H
#define CS_MARKS_H

#include "runtime.h"

/* The module that defines all of the names (a NULL-terminated list), or CS_NO_MODULE. */
int32_t cs_marks_module(const struct cs_runtime_input *in, const char *const *names);

/* The word in the variable of that name. */
bool cs_marks_word(const struct cs_runtime_input *in, int32_t module, const char *name, uint64_t *value);

/* May a runtime have mapped it for itself: private, writable, of no file, of no module, not brk's? */
bool cs_marks_plain(const struct cs_mapping *m);

/* Is the byte at addr in such a mapping? */
bool cs_marks_plain_at(const struct cs_image *image, uint64_t addr);

/* May malloc hand it out: such a mapping, or brk's? */
bool cs_marks_mallocs(const struct cs_mapping *m);
bool cs_marks_mallocs_at(const struct cs_image *image, uint64_t addr);

#endif
