/* SPDX-License-Identifier: Apache-2.0 */
#include "screen.h"

#include <stdarg.h>
#include <string.h>

void cs_screen_deinit(struct cs_screen *screen)
{
        cs_pool_deinit(&screen->pool);
}

/* Takes what a pool gave: never NULL. */
static const char *kept(struct cs_screen *screen, const char *text)
{
        if (text)
                return text;
        screen->failed = true;
        return "";
}

const char *cs_screen_safe_bytes(struct cs_screen *screen, const void *bytes, size_t len)
{
        if (!bytes)
                return "";
        return kept(screen, cs_escape_terminal(&screen->pool, bytes, len, screen->charset));
}

const char *cs_screen_safe(struct cs_screen *screen, const char *text)
{
        return text ? cs_screen_safe_bytes(screen, text, strlen(text)) : "";
}

const char *cs_screen_text(struct cs_screen *screen, const char *format, ...)
{
        va_list args;
        va_start(args, format);
        const char *text = kept(screen, cs_pool_vprintf(&screen->pool, format, args));
        va_end(args);
        return text;
}

const char *cs_screen_cut(struct cs_screen *screen, const char *text, size_t columns)
{
        return kept(screen, cs_escape_cut(&screen->pool, text, columns, screen->charset));
}

/* Bytes of the UTF-8 character at text; what is none of its parts counts alone. */
static size_t character_bytes(const char *text)
{
        size_t n = 1;
        while (((unsigned char)text[n] & 0xc0) == 0x80)
                n++;
        return n;
}

const char *cs_screen_cut_end(struct cs_screen *screen, const char *text, size_t columns)
{
        const char *mark = cs_screen_pick(screen, "…", "...");
        size_t room = cs_escape_columns(mark);
        if (cs_escape_columns(text) <= columns)
                return text;
        if (columns <= room)
                return cs_screen_cut(screen, text, columns);
        room = columns - room;
        size_t end = 0;
        char one[8];
        while (text[end]) {
                size_t n = character_bytes(text + end);
                (void)snprintf(one, sizeof(one), "%.*s", (int)(n < sizeof(one) ? n : sizeof(one) - 1),
                               text + end);
                size_t takes = cs_escape_columns(one);
                if (takes > room)
                        break;
                room -= takes;
                end += n;
        }
        while (end > 0 && text[end - 1] == ' ')
                end--;
        return cs_screen_text(screen, "%.*s%s", (int)end, text, mark);
}

void cs_screen_printf(struct cs_screen *screen, const char *format, ...)
{
        va_list args;
        va_start(args, format);
        (void)vfprintf(screen->out, format, args);
        va_end(args);
}

static bool is_styled(const struct cs_screen *screen, enum cs_style style)
{
        return screen->color && style != CS_STYLE_PLAIN;
}

const char *cs_screen_style_on(const struct cs_screen *screen, enum cs_style style)
{
        static const char *const codes[] = {
                [CS_STYLE_PLAIN] = "",
                [CS_STYLE_BOLD] = "\033[1m",
                [CS_STYLE_DIM] = "\033[2m",
                [CS_STYLE_RED] = "\033[1;31m",
                [CS_STYLE_YELLOW] = "\033[1;33m",
                [CS_STYLE_GREEN] = "\033[1;32m",
                [CS_STYLE_CYAN] = "\033[36m",
        };
        return is_styled(screen, style) ? codes[style] : "";
}

const char *cs_screen_style_off(const struct cs_screen *screen, enum cs_style style)
{
        return is_styled(screen, style) ? "\033[0m" : "";
}

void cs_screen_styled(struct cs_screen *screen, enum cs_style style, const char *text)
{
        if (!*text)
                return;
        (void)fputs(cs_screen_style_on(screen, style), screen->out);
        (void)fputs(text, screen->out);
        (void)fputs(cs_screen_style_off(screen, style), screen->out);
}

/* A number and its unit stay on one line. */
static bool is_unit(const char *word)
{
        static const char *const units[] = { "%", "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
        size_t len = strcspn(word, " ,;:.)");
        for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
                if (len == strlen(units[i]) && memcmp(word, units[i], len) == 0)
                        return true;
        return false;
}

/* How many bytes of text fit into columns when broken at a blank; a word that is too long is not broken. */
static size_t line_bytes(const char *text, size_t columns)
{
        size_t best = 0;
        size_t used = 0;
        for (size_t i = 0;; i++) {
                bool glued = text[i] == ' ' && i > 0 && text[i - 1] >= '0' && text[i - 1] <= '9' &&
                             is_unit(text + i + 1);
                if (glued || (text[i] != ' ' && text[i] != '\0')) {
                        /* Continuation bytes take no column of their own; wide characters are rare in our
                         * sentences. */
                        used += ((unsigned char)text[i] & 0xc0) != 0x80;
                        continue;
                }
                if (used > columns && best)
                        return best;
                best = i;
                if (text[i] == '\0')
                        return i;
                used++;
        }
}

/* What follows `indent` columns that stand on the line already. */
static void print_broken(struct cs_screen *screen, size_t indent, enum cs_style style, const char *text)
{
        size_t columns = screen->width > indent + 20 ? screen->width - indent : 20;
        for (;;) {
                size_t len = line_bytes(text, columns);
                cs_screen_styled(screen, style, cs_screen_text(screen, "%.*s", (int)len, text));
                (void)fputc('\n', screen->out);
                text += len;
                while (*text == ' ')
                        text++;
                if (*text == '\0')
                        return;
                (void)fprintf(screen->out, "%*s", (int)indent, "");
        }
}

void cs_screen_paragraph(struct cs_screen *screen, const char *first, enum cs_style style, const char *text)
{
        (void)fputs(first, screen->out);
        print_broken(screen, cs_escape_columns(first), style, text);
}

void cs_screen_heading(struct cs_screen *screen, const char *text, const char *note)
{
        cs_screen_styled(screen, CS_STYLE_BOLD, text);
        (void)fputs(note ? "  " : "\n", screen->out);
        if (note)
                print_broken(screen, cs_escape_columns(text) + 2, CS_STYLE_DIM, note);
}

const char *cs_screen_pick(const struct cs_screen *screen, const char *utf8, const char *ascii)
{
        return screen->charset == CS_CHARSET_UTF8 ? utf8 : ascii;
}

const char *cs_screen_shell_word(struct cs_screen *screen, const char *text)
{
        static const char plain[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./-+:@%,=";
        if (*text && text[strspn(text, plain)] == '\0')
                return text;
        /* Escaped, or with a quote inside, it would not be the same word any more. */
        if (strchr(text, '\'') || strcmp(cs_screen_safe(screen, text), text) != 0)
                return NULL;
        return cs_screen_text(screen, "'%s'", text);
}
