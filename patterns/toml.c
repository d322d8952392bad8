/* SPDX-License-Identifier: Apache-2.0 */
#include "toml.h"

#include <stdlib.h>
#include <string.h>

enum {
        DEPTH_MOST = 32,
        ARRAY_MOST = 1 << 16, /* texts of one array */
};

void cs_toml_init(struct cs_toml *t, struct cs_pool *pool, const char *bytes, size_t len,
                  struct cs_rule_place *place, struct cs_error *err)
{
        *t = (struct cs_toml){ .pool = pool,
                               .at = bytes,
                               .end = bytes + len,
                               .line_start = bytes,
                               .line = 1,
                               .place = place,
                               .err = err };
        if (len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
                t->at += 3;
}

void cs_toml_deinit(struct cs_toml *t)
{
        cs_vec_deinit(&t->texts);
}

static struct cs_rule_place here(const struct cs_toml *t)
{
        return (struct cs_rule_place){ t->line, (uint32_t)(t->at - t->line_start) + 1 };
}

static enum cs_status fail(struct cs_toml *t, const char *text)
{
        *t->place = here(t);
        return cs_fail(t->err, CS_EFORMAT, "%s", text);
}

static bool at_end(const struct cs_toml *t)
{
        return t->at >= t->end;
}

static bool is(const struct cs_toml *t, char c)
{
        return t->at < t->end && *t->at == c;
}

static bool is_three(const struct cs_toml *t, char c)
{
        return t->end - t->at >= 3 && t->at[0] == c && t->at[1] == c && t->at[2] == c;
}

static void step(struct cs_toml *t)
{
        if (*t->at == '\n') {
                t->line++;
                t->line_start = t->at + 1;
        }
        t->at++;
}

/* Blanks; with `lines`, newlines and comments as well. */
static void skip_blank(struct cs_toml *t, bool lines)
{
        while (!at_end(t)) {
                if (*t->at == '#' && lines)
                        while (!at_end(t) && *t->at != '\n')
                                t->at++;
                else if (*t->at == ' ' || *t->at == '\t' || *t->at == '\r' || (lines && *t->at == '\n'))
                        step(t);
                else
                        break;
        }
}

/* Nothing but a comment may follow on a line. */
static enum cs_status end_line(struct cs_toml *t)
{
        skip_blank(t, false);
        if (is(t, '#'))
                while (!at_end(t) && *t->at != '\n')
                        t->at++;
        return at_end(t) || *t->at == '\n' ? CS_OK : fail(t, "something stands behind the value");
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

static size_t put_utf8(char *to, unsigned long c)
{
        if (c < 0x80) {
                to[0] = (char)c;
                return 1;
        }
        if (c < 0x800) {
                to[0] = (char)(0xc0 | c >> 6);
                to[1] = (char)(0x80 | (c & 63));
                return 2;
        }
        if (c < 0x10000) {
                to[0] = (char)(0xe0 | c >> 12);
                to[1] = (char)(0x80 | (c >> 6 & 63));
                to[2] = (char)(0x80 | (c & 63));
                return 3;
        }
        to[0] = (char)(0xf0 | c >> 18);
        to[1] = (char)(0x80 | (c >> 12 & 63));
        to[2] = (char)(0x80 | (c >> 6 & 63));
        to[3] = (char)(0x80 | (c & 63));
        return 4;
}

/* Behind the backslash; what it stands for goes to *out. */
static enum cs_status read_escape(struct cs_toml *t, bool lines, char **out)
{
        static const char letters[] = "btnfr\"\\e", means[] = "\b\t\n\f\r\"\\\x1b";
        if (at_end(t))
                return fail(t, "the text has no end");
        char c = *t->at;
        const char *known = c ? strchr(letters, c) : NULL;
        if (known) {
                t->at++;
                *(*out)++ = means[known - letters];
                return CS_OK;
        }
        if (lines && (c == '\n' || c == '\r' || c == ' ' || c == '\t')) { /* a line that goes on */
                while (!at_end(t) && (*t->at == ' ' || *t->at == '\t' || *t->at == '\r' || *t->at == '\n'))
                        step(t);
                return CS_OK;
        }
        size_t digits = c == 'u' ? 4 : c == 'U' ? 8 : 0;
        char hex[9] = "", *end = hex;
        if (!digits || (size_t)(t->end - t->at) <= digits)
                return fail(t, "no such escape in a text");
        memcpy(hex, t->at + 1, digits);
        unsigned long value = strspn(hex, "0123456789abcdefABCDEF") == digits ? strtoul(hex, &end, 16) : 0;
        if (end != hex + digits || value == 0 || value > 0x10ffff)
                return fail(t, "no character has this number");
        t->at += 1 + digits;
        *out += put_utf8(*out, value);
        return CS_OK;
}

/* Any of the four kinds of text; the bytes it becomes are never more than those it has. */
static enum cs_status read_text(struct cs_toml *t, const char **text, size_t *len)
{
        char quote = *t->at;
        bool lines = is_three(t, quote), literal = quote == '\'';
        t->at += lines ? 3 : 1;
        if (lines && is(t, '\r'))
                t->at++;
        if (lines && is(t, '\n'))
                step(t);
        struct cs_toml from = *t;
        const char *end = t->at;
        /* First its end, so that no more room is made than it takes. */
        for (;; step(t)) {
                if (at_end(t) || (!lines && *t->at == '\n')) {
                        *t = from;
                        return fail(t, "the text has no end");
                }
                if (!literal && *t->at == '\\') {
                        step(t);
                        if (at_end(t))
                                return fail(t, "the text has no end");
                        continue;
                }
                if (lines ? is_three(t, quote) : *t->at == quote)
                        break;
        }
        /* Up to two quotes may stand before the closing ones. */
        while (lines && t->end - t->at > 3 && t->at[3] == quote && t->at - from.at < t->end - from.at)
                t->at++;
        end = t->at;
        char *room = cs_pool_alloc(t->pool, (size_t)(end - from.at) + 1, 1), *out = room;
        if (!room)
                return cs_fail(t->err, CS_ENOMEM, "rules");
        struct cs_toml stop = *t;
        *t = from;
        while (t->at < end) {
                char c = *t->at;
                if (c == '\0')
                        return fail(t, "a zero byte in a text");
                step(t);
                if (c != '\\' || literal) {
                        *out++ = c;
                        continue;
                }
                enum cs_status st = read_escape(t, lines, &out);
                if (st != CS_OK)
                        return st;
        }
        *t = stop;
        t->at += lines ? 3 : 1;
        *text = room;
        *len = (size_t)(out - room);
        return CS_OK;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static bool is_bare(char c)
{
        return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' || c == '-' ||
               c == '+' || c == '.' || c == ':';
}

/* Numbers, booleans, dates. */
static enum cs_status read_bare(struct cs_toml *t, struct cs_toml_item *item)
{
        char word[64] = "";
        size_t len = 0;
        while (!at_end(t) && is_bare(*t->at)) {
                if (len + 1 == sizeof(word))
                        return fail(t, "no value is so long");
                if (*t->at != '_')
                        word[len++] = *t->at;
                t->at++;
        }
        if (!len)
                return fail(t, "a value is wanted here");
        char *end;
        item->value = CS_TOML_OTHER;
        if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0) {
                item->value = CS_TOML_BOOL;
                item->truth = word[0] == 't';
        } else if (strspn(word, "0123456789.+-eE") == len) {
                item->number = strtod(word, &end);
                item->value = *end ? CS_TOML_OTHER : CS_TOML_NUMBER;
        }
        return CS_OK;
}

/* Passes over {…} or collects the texts of […]: brackets within are only counted. */
static enum cs_status read_compound(struct cs_toml *t, struct cs_toml_item *item)
{
        char open[DEPTH_MOST];
        unsigned depth = 0;
        bool array = *t->at == '[';
        t->texts.n = 0;
        do {
                char c = *t->at;
                enum cs_status st = CS_OK;
                if (c == '[' || c == '{') {
                        if (depth == DEPTH_MOST)
                                return fail(t, "nested too deep");
                        open[depth++] = c;
                        t->at++;
                } else if (c == ']' || c == '}') {
                        if (open[--depth] != (c == ']' ? '[' : '{'))
                                return fail(t, "brackets do not match");
                        t->at++;
                } else if (c == '"' || c == '\'') {
                        const char *text;
                        size_t len;
                        if ((st = read_text(t, &text, &len)) == CS_OK && array) {
                                if (t->texts.n == ARRAY_MOST)
                                        return fail(t, "more than 65536 texts in one list");
                                st = cs_vec_push(&t->texts, text, t->err);
                        }
                } else if (c == ',' || c == '=') {
                        t->at++;
                } else {
                        struct cs_toml_item ignored;
                        st = read_bare(t, &ignored);
                }
                if (st != CS_OK)
                        return st;
                if (depth)
                        skip_blank(t, true);
        } while (depth && !at_end(t));
        if (depth)
                return fail(t, "the list has no end");
        item->value = array ? CS_TOML_ARRAY : CS_TOML_OTHER;
        const char **at = cs_pool_alloc(t->pool, t->texts.n + 1, sizeof(*at));
        if (!at)
                return cs_fail(t->err, CS_ENOMEM, "rules");
        if (t->texts.n)
                memcpy(at, t->texts.at, t->texts.n * sizeof(*at));
        item->texts = (struct cs_strings){ at, t->texts.n };
        return CS_OK;
}

static enum cs_status read_value(struct cs_toml *t, struct cs_toml_item *item)
{
        skip_blank(t, false);
        item->place = here(t);
        if (at_end(t))
                return fail(t, "a value is wanted here");
        if (*t->at == '"' || *t->at == '\'') {
                item->value = CS_TOML_TEXT;
                return read_text(t, &item->text, &item->text_len);
        }
        if (*t->at == '[' || *t->at == '{')
                return read_compound(t, item);
        return read_bare(t, item);
}

/* ---- statements -------------------------------------------------------------------------------------------------- */

/* a.b."c d" → "a.b.c d" */
static enum cs_status read_name(struct cs_toml *t, char name[CS_TOML_NAME])
{
        size_t used = 0;
        for (;;) {
                const char *part = t->at;
                size_t len = 0;
                skip_blank(t, false);
                if (is(t, '"') || is(t, '\'')) {
                        enum cs_status st = read_text(t, &part, &len);
                        if (st != CS_OK)
                                return st;
                } else {
                        part = t->at;
                        while (!at_end(t) && is_bare(*t->at) && *t->at != '.' && *t->at != ':' &&
                               *t->at != '+')
                                t->at++;
                        len = (size_t)(t->at - part);
                        if (!len)
                                return fail(t, "a name is wanted here");
                }
                if (len + 2 > CS_TOML_NAME - used)
                        return fail(t, "no name is so long");
                memcpy(name + used, part, len);
                used += len;
                name[used] = '\0';
                skip_blank(t, false);
                if (!is(t, '.'))
                        return CS_OK;
                t->at++;
                name[used++] = '.';
        }
}

static enum cs_status read_heading(struct cs_toml *t, struct cs_toml_item *item)
{
        t->at++;
        item->kind = is(t, '[') ? CS_TOML_TABLES : CS_TOML_TABLE;
        if (item->kind == CS_TOML_TABLES)
                t->at++;
        enum cs_status st = read_name(t, item->name);
        if (st != CS_OK)
                return st;
        for (unsigned i = item->kind == CS_TOML_TABLES ? 2 : 1; i > 0; i--) {
                if (!is(t, ']'))
                        return fail(t, "the heading has no end");
                t->at++;
        }
        return end_line(t);
}

enum cs_status cs_toml_next(struct cs_toml *t, struct cs_toml_item *item)
{
        memset(item, 0, sizeof(*item));
        skip_blank(t, true);
        item->place = here(t);
        if (at_end(t))
                return CS_OK;
        if (*t->at == '[')
                return read_heading(t, item);
        item->kind = CS_TOML_KEY;
        enum cs_status st = read_name(t, item->name);
        if (st != CS_OK)
                return st;
        if (!is(t, '='))
                return fail(t, "\"=\" is wanted here");
        t->at++;
        st = read_value(t, item);
        return st == CS_OK ? end_line(t) : st;
}
