/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a range word by word, past all holes in it. */
#ifndef CS_STRETCHES_H
#define CS_STRETCHES_H

#include "range.h"
#include "source.h"

/* addr is a multiple of 8, len at least 8. The bytes are valid until it returns. */
typedef enum cs_status (*cs_stretch_fn)(void *context, uint64_t addr, const uint8_t *bytes, size_t len,
                                        struct cs_error *err);

/* Calls fn for what can be read of the range's whole words, in the order of their addresses; pages that are known to be zero
 * are left out. Ends with the first failure of fn. */
CS_CHECK enum cs_status cs_stretches(struct cs_view *view, struct cs_range range, cs_stretch_fn fn,
                                     void *context, struct cs_error *err);

#endif
