/* SPDX-License-Identifier: Apache-2.0 */
/* What counts as text. Pure functions on bytes; thread-safe. */
#ifndef CS_TEXT_H
#define CS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many bytes from the start are text: printable ASCII, tab, CR, LF, and well-formed UTF-8 of printable
 * characters (no C1 controls, no noncharacters, no overlong forms, no surrogates). Stops before the first
 * other byte; a UTF-8 sequence that the end of the buffer cuts is not counted. */
size_t cs_text_run(const uint8_t *bytes, size_t len);

/* Length of the well-formed printable sequence beyond ASCII at `at` (left >= 1), or 0. */
size_t cs_text_character(const uint8_t *at, size_t left);

/* Are these bytes nothing but the beginning of a character that is cut? */
bool cs_text_cut(const uint8_t *rest, size_t left);

/* Does a block of memory of len bytes hold one text from its start: a run that ends in NUL or with the block,
 * and is long enough in itself (>= 4 bytes) and no accident (pointers and numbers that happen to be printable
 * are shorter than 8 bytes or are followed by binary structure)? *run is the length of the text without its
 * NUL. What lies behind the NUL is slack (zeros or stale bytes). */
bool cs_text_block(const uint8_t *bytes, size_t len, size_t *run);

#endif
