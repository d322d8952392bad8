/* SPDX-License-Identifier: Apache-2.0 */
/* The only way in which bytes of the target reach people. Names, paths, texts and error messages may hold
 * terminal commands, characters that reverse or hide what stands beside them, or no text at all. Pure
 * functions; thread-safe when pools are not shared. */
#ifndef CS_ESCAPE_H
#define CS_ESCAPE_H

#include "pool.h"

#include <stdint.h>
#include <stdio.h>

/* What the terminal reads. Where it is not UTF-8, the second byte of a harmless character can be a C1
 * control (U+00DB is C3 9B, and 9B is CSI): then everything beyond ASCII is escaped. */
enum cs_charset { CS_CHARSET_ASCII, CS_CHARSET_UTF8 };

/* For terminals: controls (C0, DEL, C1 as bytes and as UTF-8), line and paragraph separators, bidi
 * controls, invisible characters, noncharacters, private use, and what is not UTF-8. Bytes become \xNN
 * (\n, \r, \t by name), characters become \u{…}. A backslash stays as it is: reading is easier, and
 * nothing is decided by these texts. The result lives in pool; NULL when our memory ran out, or when bytes
 * is NULL. */
char *cs_escape_terminal(struct cs_pool *pool, const void *bytes, size_t len, enum cs_charset charset);

/* The same, printed at once: for error messages, which must work when no memory is left. */
void cs_escape_print(FILE *to, const char *text, enum cs_charset charset);

/* For JSON's plain strings (paths, names): valid UTF-8 is returned as it is, however odd (the dump escapes
 * it); in what is not, each wrong byte becomes \xNN. Same pointer or in pool; NULL when our memory ran
 * out. */
const char *cs_escape_json(struct cs_pool *pool, const char *text);

/* Well-formed: no overlong forms, no surrogates, nothing above U+10FFFF, nothing cut. NUL bytes are
 * characters. */
bool cs_escape_is_utf8(const void *bytes, size_t len);

/* RFC 4648 with padding; in pool; NULL when our memory ran out. */
char *cs_escape_base64(struct cs_pool *pool, const void *bytes, size_t len);

/* Terminal columns of a text that is escaped already: wide characters take two, combining ones none. */
size_t cs_escape_columns(const char *text);

/* The text itself where it fits, else its beginning and end with "…" ("..." in ASCII) between them, at
 * most `columns` wide. The two ends of a name tell more than its middle. Text is escaped already. NULL
 * when our memory ran out. */
const char *cs_escape_cut(struct cs_pool *pool, const char *text, size_t columns, enum cs_charset charset);

#endif
