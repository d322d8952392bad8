/* SPDX-License-Identifier: Apache-2.0 */
/* Go 1.22, regexp/syntax/doc.go. */
#include "goregex.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BEGINS "(?<![\\t\\n\\r\\x20-\\x7e])"
#define TEXT_ENDS "(?![\\t\\n\\r\\x20-\\x7e])"

/* Everything becomes at most so many times as long ("^" with (?m)), counted generously. */
enum { GROWTH = 40 };

struct translator {
        const char *at;
        char *out;
        bool whole;
        bool in_class;
        bool lines; /* (?m) was there */
};

static void put(struct translator *t, const char *text, size_t len)
{
        memcpy(t->out, text, len);
        t->out += len;
}

static void put_text(struct translator *t, const char *text)
{
        put(t, text, strlen(text));
}

static void put_begin(struct translator *t, bool lines)
{
        put_text(t, t->whole ? (lines ? "^" : "\\A") : lines ? "(?:^|" TEXT_BEGINS ")" : TEXT_BEGINS);
}

static void put_end(struct translator *t, bool lines)
{
        put_text(t, t->whole ? (lines ? "$" : "\\z") : lines ? "(?:$|" TEXT_ENDS ")" : TEXT_ENDS);
}

/* A character beyond one byte, by its UTF-8. */
static void put_character(struct translator *t, unsigned long c)
{
        char text[32];
        if (c < 0x800)
                (void)snprintf(text, sizeof(text), "(?:\\x%02lx\\x%02lx)", 0xc0 | c >> 6, 0x80 | (c & 63));
        else if (c < 0x10000)
                (void)snprintf(text, sizeof(text), "(?:\\x%02lx\\x%02lx\\x%02lx)", 0xe0 | c >> 12,
                               0x80 | (c >> 6 & 63), 0x80 | (c & 63));
        else
                (void)snprintf(text, sizeof(text), "(?:\\x%02lx\\x%02lx\\x%02lx\\x%02lx)", 0xf0 | c >> 18,
                               0x80 | (c >> 12 & 63), 0x80 | (c >> 6 & 63), 0x80 | (c & 63));
        put_text(t, text);
}

/* "\x{…}", t->at at its "x"; false: nothing special. */
static bool put_hex(struct translator *t)
{
        char *end;
        if (t->at[1] != '{' || t->in_class)
                return false;
        unsigned long c = strtoul(t->at + 2, &end, 16);
        if (*end != '}' || end == t->at + 2 || end - t->at > 12 || c < 0x80 || c > 0x10ffff)
                return false;
        put_character(t, c);
        t->at = end + 1;
        return true;
}

static void put_quoted(struct translator *t)
{
        const char *end = strstr(t->at, "\\E");
        size_t len = end ? (size_t)(end - t->at) + 2 : strlen(t->at);
        put(t, t->at, len);
        t->at += len;
}

/* Behind the backslash. */
static void put_escape(struct translator *t)
{
        char c = *t->at;
        if (c == 'x' && put_hex(t))
                return;
        if (!t->in_class && (c == 'A' || c == 'z')) {
                t->at++;
                if (c == 'A')
                        put_begin(t, false);
                else
                        put_end(t, false);
                return;
        }
        if (c == 'v') {
                t->at++;
                put_text(t, "\\x0b");
                return;
        }
        put_text(t, "\\");
        if (!c)
                return;
        put(t, t->at++, 1);
        if (c == 'Q' && !t->in_class)
                put_quoted(t);
}

/* "(?im-s)": does it make ^ and $ those of lines? */
static void note_flags(struct translator *t)
{
        bool on = true;
        for (const char *p = t->at + 1; *p && *p != ')' && *p != ':' && *p != '<' && *p != 'P'; p++) {
                if (*p == '-')
                        on = false;
                if (*p == 'm')
                        t->lines = on;
        }
}

/* "[" and what makes the next "]" a member; or "[:alpha:]" within a class. */
static void put_bracket(struct translator *t)
{
        put(t, t->at++, 1);
        if (t->in_class) {
                const char *end = *t->at == ':' ? strstr(t->at, ":]") : NULL;
                if (end) {
                        put(t, t->at, (size_t)(end - t->at) + 2);
                        t->at = end + 2;
                }
                return;
        }
        t->in_class = true;
        if (*t->at == '^')
                put(t, t->at++, 1);
        if (*t->at == ']')
                put(t, t->at++, 1);
}

char *cs_goregex_translate(struct cs_pool *pool, const char *regex, bool whole)
{
        size_t len = strlen(regex);
        char *text = malloc(len * GROWTH + 1);
        struct translator t = { .at = regex, .out = text, .whole = whole };
        if (!text)
                return NULL;
        while (*t.at) {
                char c = *t.at;
                if (c == '\\') {
                        t.at++;
                        put_escape(&t);
                } else if (c == '[') {
                        put_bracket(&t);
                } else if (t.in_class) {
                        t.in_class = c != ']';
                        put(&t, t.at++, 1);
                } else if (c == '^' || c == '$') {
                        t.at++;
                        if (c == '^')
                                put_begin(&t, t.lines);
                        else
                                put_end(&t, t.lines);
                } else {
                        if (c == '(' && t.at[1] == '?')
                                note_flags(&t);
                        put(&t, t.at++, 1);
                }
        }
        char *out = cs_pool_copy(pool, text, (size_t)(t.out - text));
        free(text);
        return out;
}
