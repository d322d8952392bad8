/* SPDX-License-Identifier: Apache-2.0 */
/* Where text for people goes: a stream, its width, and what it can show. Not thread-safe.
 *
 * Every text that is not a literal of ours goes through cs_screen_safe() or cs_screen_safe_bytes() first;
 * all the other functions take what is safe already. When our memory runs out they give "" and set failed:
 * say so at the end. */
#ifndef CS_SCREEN_H
#define CS_SCREEN_H

#include "escape.h"

#include <stdio.h>

enum cs_style {
        CS_STYLE_PLAIN,
        CS_STYLE_BOLD,
        CS_STYLE_DIM,
        CS_STYLE_RED,    /* bold too: the one thing that must be seen */
        CS_STYLE_YELLOW, /* bold too */
        CS_STYLE_GREEN,  /* bold too */
        CS_STYLE_CYAN,
};

struct cs_screen {
        FILE *out; /* borrowed */
        bool color;
        size_t width; /* columns; lines are fitted to it where that is possible */
        enum cs_charset charset;
        struct cs_pool pool; /* texts that live until cs_screen_deinit() */
        bool failed;         /* our memory ran out */
};

/* Width where nobody tells it: piped, or a terminal that does not know. */
enum { CS_SCREEN_WIDTH = 100, CS_SCREEN_WIDTH_LEAST = 40, CS_SCREEN_WIDTH_MOST = 1000 };

void cs_screen_deinit(struct cs_screen *screen);

const char *cs_screen_safe(struct cs_screen *screen, const char *text);
const char *cs_screen_safe_bytes(struct cs_screen *screen, const void *bytes, size_t len);

/* printf into the screen's pool. */
const char *cs_screen_text(struct cs_screen *screen, const char *format, ...) CS_PRINTF(2, 3);

/* The text fitted into columns by cutting its middle. */
const char *cs_screen_cut(struct cs_screen *screen, const char *text, size_t columns);

/* The same by cutting its end: of a text the beginning tells most. */
const char *cs_screen_cut_end(struct cs_screen *screen, const char *text, size_t columns);

void cs_screen_printf(struct cs_screen *screen, const char *format, ...) CS_PRINTF(2, 3);
void cs_screen_styled(struct cs_screen *screen, enum cs_style style, const char *text);

/* What goes to the stream before text of that style, and behind it: static text, empty where nothing is styled. */
const char *cs_screen_style_on(const struct cs_screen *screen, enum cs_style style);
const char *cs_screen_style_off(const struct cs_screen *screen, enum cs_style style);

/* Text broken at blanks to the screen's width: `first` before its first line, as many blanks before the
 * others, and a newline behind it. */
void cs_screen_paragraph(struct cs_screen *screen, const char *first, enum cs_style style, const char *text);

/* A heading, with a quiet note behind it (or NULL) that is broken as a paragraph is. */
void cs_screen_heading(struct cs_screen *screen, const char *text, const char *note);

/* One of two texts: where the charset is ASCII, the second. */
const char *cs_screen_pick(const struct cs_screen *screen, const char *utf8, const char *ascii);

/* A word as a shell reads it: quoted where needed. Of a text that cannot be shown as it is: NULL. */
const char *cs_screen_shell_word(struct cs_screen *screen, const char *text);

#endif
