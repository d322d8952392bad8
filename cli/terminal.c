/* SPDX-License-Identifier: Apache-2.0 */
#include "terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum cs_charset cs_terminal_charset(void)
{
        /* Only the character set: numbers and sorting stay those of C. */
        (void)setlocale(LC_CTYPE, "");
        return strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? CS_CHARSET_UTF8 : CS_CHARSET_ASCII;
}

static size_t bounded(unsigned long columns)
{
        if (columns < CS_SCREEN_WIDTH_LEAST)
                return CS_SCREEN_WIDTH_LEAST;
        return columns > CS_SCREEN_WIDTH_MOST ? CS_SCREEN_WIDTH_MOST : columns;
}

size_t cs_terminal_width(FILE *stream)
{
        struct winsize size;
        if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
                return bounded(size.ws_col);
        const char *columns = getenv("COLUMNS");
        char *end;
        unsigned long n = columns ? strtoul(columns, &end, 10) : 0;
        return columns && *end == '\0' && n > 0 ? bounded(n) : CS_SCREEN_WIDTH;
}

static bool is_smart_terminal(FILE *stream)
{
        const char *term = getenv("TERM");
        return isatty(fileno(stream)) && term && *term && strcmp(term, "dumb") != 0;
}

bool cs_terminal_color(FILE *stream, enum cs_when when)
{
        if (when != CS_WHEN_AUTO)
                return when == CS_WHEN_ALWAYS;
        /* https://no-color.org: present and not empty. */
        const char *no_color = getenv("NO_COLOR");
        return !(no_color && *no_color) && is_smart_terminal(stream);
}

bool cs_terminal_progress(FILE *stream, enum cs_when when)
{
        return when == CS_WHEN_AUTO ? is_smart_terminal(stream) : when == CS_WHEN_ALWAYS;
}
