/* SPDX-License-Identifier: Apache-2.0 */
#include "jsonwalk.h"

#include <string.h>

static bool is_blank(char c)
{
        return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_blanks(struct cs_jsonwalk *w)
{
        while (w->at < w->end && is_blank(*w->at))
                w->at++;
}

/* Behind the string that begins at `at`; NULL where it has no end. */
static const char *behind_string(const char *at, const char *end)
{
        for (at++; at < end; at++) {
                if (*at == '"')
                        return at + 1;
                if (*at == '\\' && ++at == end)
                        break;
        }
        return NULL;
}

/* Behind the object or array that begins at `at`. Brackets are counted, not matched: who wants what is inside will see. */
static const char *behind_brackets(const char *at, const char *end)
{
        size_t depth = 0;
        while (at < end) {
                if (*at == '"') {
                        at = behind_string(at, end);
                        if (!at)
                                return NULL;
                        continue;
                }
                if (*at == '{' || *at == '[')
                        depth++;
                else if ((*at == '}' || *at == ']') && --depth == 0)
                        return at + 1;
                at++;
        }
        return NULL;
}

static const char *behind_value(const char *at, const char *end)
{
        if (*at == '"')
                return behind_string(at, end);
        if (*at == '{' || *at == '[')
                return behind_brackets(at, end);
        const char *from = at;
        while (at < end && !is_blank(*at) && !strchr(",]}:\"[{", *at))
                at++;
        return at > from ? at : NULL;
}

static bool fail(struct cs_jsonwalk *w)
{
        w->bad = true;
        return false;
}

static bool take_value(struct cs_jsonwalk *w, struct cs_jsonspan *value)
{
        skip_blanks(w);
        const char *behind = w->at < w->end ? behind_value(w->at, w->end) : NULL;
        if (!behind)
                return fail(w);
        *value = (struct cs_jsonspan){ w->at, (size_t)(behind - w->at) };
        w->at = behind;
        return true;
}

struct cs_jsonwalk cs_jsonwalk_open(struct cs_jsonspan value, char bracket)
{
        struct cs_jsonwalk w = { .at = value.at, .end = value.at ? value.at + value.len : NULL };
        skip_blanks(&w);
        if (w.at == w.end || *w.at != bracket)
                w.bad = true;
        else
                w.at++;
        w.close = bracket == '{' ? '}' : ']';
        return w;
}

/* Comes to what is next: behind a comma, if something was there before. False at the end. */
static bool come_to_next(struct cs_jsonwalk *w)
{
        if (w->bad)
                return false;
        skip_blanks(w);
        if (w->at == w->end)
                return fail(w);
        if (*w->at == w->close) {
                w->at++;
                return false;
        }
        if (w->begun) {
                if (*w->at != ',')
                        return fail(w);
                w->at++;
                skip_blanks(w);
        }
        w->begun = true;
        return w->at < w->end || fail(w);
}

bool cs_jsonwalk_member(struct cs_jsonwalk *walk, struct cs_jsonspan *key, struct cs_jsonspan *value)
{
        if (!come_to_next(walk))
                return false;
        if (*walk->at != '"' || !take_value(walk, key))
                return fail(walk);
        key->at++;
        key->len -= 2;
        skip_blanks(walk);
        if (walk->at == walk->end || *walk->at != ':')
                return fail(walk);
        walk->at++;
        return take_value(walk, value);
}

bool cs_jsonwalk_element(struct cs_jsonwalk *walk, struct cs_jsonspan *value)
{
        return come_to_next(walk) && take_value(walk, value);
}

bool cs_jsonwalk_ended(const struct cs_jsonwalk *walk)
{
        struct cs_jsonwalk rest = *walk;
        skip_blanks(&rest);
        return !rest.bad && rest.at == rest.end;
}
