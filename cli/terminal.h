/* SPDX-License-Identifier: Apache-2.0 */
/* What the environment says of the terminal: locale, width, colour. Reads the environment; main thread
 * only. */
#ifndef CS_TERMINAL_H
#define CS_TERMINAL_H

#include "options.h"
#include "screen.h"

/* UTF-8 where the locale says so. */
enum cs_charset cs_terminal_charset(void);

/* Columns of the stream: the terminal's, else COLUMNS, else CS_SCREEN_WIDTH. */
size_t cs_terminal_width(FILE *stream);

/* WHEN, and for auto: a terminal that is not dumb, and no NO_COLOR. */
bool cs_terminal_color(FILE *stream, enum cs_when when);

/* WHEN, and for auto: a terminal that is not dumb. */
bool cs_terminal_progress(FILE *stream, enum cs_when when);

#endif
