/* SPDX-License-Identifier: Apache-2.0 */
/* Which words of a text are values by where they stand. Pure; thread-safe. */
#ifndef CS_VALUE_H
#define CS_VALUE_H

#include <stdbool.h>
#include <stddef.h>

/* Is the field of text[0 … len) at [at … at + n) a value: all that stands between quotes, between tags, or
 * behind = or a colon (name=alice "user":"alice" <name>alice</name>, and in header lines)? Not if the name
 * before it says that it is one of few kinds (type=order, level=info). */
bool cs_value_at(const char *text, size_t len, size_t at, size_t n);

/* Is it somebody's name, behind words that introduce one (for user alice, of account bob)? Then it varies, however few there are. */
bool cs_value_names(const char *text, size_t at);

#endif
