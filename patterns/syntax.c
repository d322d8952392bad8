/* SPDX-License-Identifier: Apache-2.0 */
/* As pcre2pattern(3) of PCRE2 10.42 says. */
#include "syntax_private.h"

#include <string.h>

enum {
        /* A regex of more parts, or nested deeper, is searched for everywhere. PCRE2 itself allows 250 levels. */
        NODES_MOST = 20000,
        DEPTH_MOST = 150,
        REPEAT_MOST = 65535,
};

struct cs_syntax *cs_syntax_node(struct cs_syntax_reader *r, enum cs_syntax_kind kind)
{
        struct cs_syntax *n = cs_pool_alloc(r->pool, 1, sizeof(*n));
        if (!n) {
                r->no_memory = r->gave_up = true;
                return NULL;
        }
        if (++r->nodes > NODES_MOST)
                r->gave_up = true;
        n->kind = kind;
        if (kind == CS_SYNTAX_UNKNOWN) {
                n->most = CS_ENDLESS;
                cs_byteset_invert(&n->set);
        }
        return n;
}

struct cs_syntax *cs_syntax_set(struct cs_syntax_reader *r, struct cs_byteset set)
{
        struct cs_syntax *n = cs_syntax_node(r, CS_SYNTAX_SET);
        if (n) {
                n->set = set;
                n->least = n->most = 1;
        }
        return n;
}

struct cs_syntax *cs_syntax_byte(struct cs_syntax_reader *r, unsigned byte)
{
        struct cs_byteset set = { 0 };
        cs_byteset_add(&set, (uint8_t)byte);
        if (r->caseless)
                cs_byteset_both_cases(&set);
        return cs_syntax_set(r, set);
}

static uint32_t add(uint32_t a, uint32_t b)
{
        return a > CS_ENDLESS - b ? CS_ENDLESS : a + b;
}

static uint32_t times(uint32_t a, uint32_t b)
{
        uint64_t product = (uint64_t)a * b;
        return a == 0 || b == 0 ? 0 : product > CS_ENDLESS ? CS_ENDLESS : (uint32_t)product;
}

/* CAT and ALT from their list of parts. */
static struct cs_syntax *join(struct cs_syntax_reader *r, enum cs_syntax_kind kind, struct cs_syntax *parts)
{
        if (parts && !parts->next)
                return parts;
        struct cs_syntax *n = cs_syntax_node(r, parts ? kind : CS_SYNTAX_NOTHING);
        if (!n)
                return NULL;
        n->part = parts;
        bool bytes = kind == CS_SYNTAX_ALT && parts;
        for (struct cs_syntax *p = parts; p; p = p->next) {
                cs_byteset_join(&n->set, &p->set);
                bytes &= p->kind == CS_SYNTAX_SET;
                if (kind == CS_SYNTAX_CAT || p == parts) {
                        n->least = add(n->least, p->least);
                        n->most = add(n->most, p->most);
                } else {
                        n->least = p->least < n->least ? p->least : n->least;
                        n->most = p->most > n->most ? p->most : n->most;
                }
        }
        if (bytes) { /* "=|:" is a set as well */
                n->kind = CS_SYNTAX_SET;
                n->part = NULL;
        }
        return n;
}

/* ---- repeats ----------------------------------------------------------------------------------------------------- */

static bool read_number(const uint8_t **at, const uint8_t *end, uint32_t *out)
{
        const uint8_t *p = *at;
        uint32_t n = 0;
        for (; p < end && *p >= '0' && *p <= '9'; p++)
                if ((n = n * 10 + (uint32_t)(*p - '0')) > REPEAT_MOST)
                        return false;
        if (p == *at)
                return false;
        *at = p;
        *out = n;
        return true;
}

/* "{3}", "{3,}", "{3,5}"; anything else in braces is literal. */
static bool read_braces(struct cs_syntax_reader *r, uint32_t *min, uint32_t *max)
{
        const uint8_t *p = r->at + 1;
        if (!read_number(&p, r->end, min) || p >= r->end)
                return false;
        *max = *min;
        if (*p == ',') {
                p++;
                *max = CS_ENDLESS;
                if (p < r->end && *p != '}' && !read_number(&p, r->end, max))
                        return false;
        }
        if (p >= r->end || *p != '}')
                return false;
        r->at = p + 1;
        return true;
}

static bool read_quantifier(struct cs_syntax_reader *r, uint32_t *min, uint32_t *max)
{
        if (r->at >= r->end || r->quoting)
                return false;
        *min = 0;
        *max = CS_ENDLESS;
        switch (*r->at) {
        case '*':
                break;
        case '+':
                *min = 1;
                break;
        case '?':
                *max = 1;
                break;
        case '{':
                if (!read_braces(r, min, max))
                        return false;
                r->at--;
                break;
        default:
                return false;
        }
        r->at++;
        if (r->at < r->end && (*r->at == '?' || *r->at == '+'))
                r->at++; /* lazy, possessive: the same bytes */
        return true;
}

static struct cs_syntax *repeat(struct cs_syntax_reader *r, struct cs_syntax *item)
{
        uint32_t min, max;
        while (item && read_quantifier(r, &min, &max)) {
                struct cs_syntax *n = cs_syntax_node(r, CS_SYNTAX_REPEAT);
                if (!n)
                        return NULL;
                n->min = min;
                n->max = max;
                n->part = item;
                n->set = item->set;
                n->least = times(item->least, min);
                n->most = times(item->most, max);
                item = n;
        }
        return item;
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */

static struct cs_syntax *read_alternatives(struct cs_syntax_reader *r);

static bool skip_past(struct cs_syntax_reader *r, uint8_t byte)
{
        const uint8_t *found = memchr(r->at, byte, (size_t)(r->end - r->at));
        if (!found) {
                r->gave_up = true;
                return false;
        }
        r->at = found + 1;
        return true;
}

static struct cs_syntax *give_up(struct cs_syntax_reader *r)
{
        r->gave_up = true;
        return cs_syntax_node(r, CS_SYNTAX_UNKNOWN);
}

/* Up to and with the closing parenthesis. */
static struct cs_syntax *read_body(struct cs_syntax_reader *r)
{
        bool caseless = r->caseless, dotall = r->dotall;
        struct cs_syntax *n = read_alternatives(r);
        r->caseless = caseless;
        r->dotall = dotall;
        if (r->at >= r->end)
                return give_up(r);
        r->at++;
        return n;
}

static struct cs_syntax *read_assertion(struct cs_syntax_reader *r)
{
        return read_body(r) ? cs_syntax_node(r, CS_SYNTAX_NOTHING) : NULL;
}

/* "(?i-s)" changes what follows, "(?i:…)" its body. */
static struct cs_syntax *read_flags(struct cs_syntax_reader *r)
{
        bool caseless = r->caseless, dotall = r->dotall, on = true;
        for (; r->at < r->end && *r->at != ')' && *r->at != ':'; r->at++) {
                switch (*r->at) {
                case 'i':
                        r->caseless = on;
                        break;
                case 's':
                        r->dotall = on;
                        break;
                case '-':
                        on = false;
                        break;
                case '^':
                        r->caseless = r->dotall = false;
                        break;
                case 'm':
                case 'n':
                case 'J':
                case 'U':
                        break;
                case 'x':
                        if (!on)
                                break;
                        return give_up(r); /* white space would mean nothing */
                default:
                        return give_up(r);
                }
        }
        if (r->at >= r->end)
                return give_up(r);
        if (*r->at++ == ')')
                return cs_syntax_node(r, CS_SYNTAX_NOTHING);
        struct cs_syntax *n = read_body(r);
        r->caseless = caseless;
        r->dotall = dotall;
        return n;
}

/* Another part of the regex is meant: by number or name. */
static struct cs_syntax *read_reference(struct cs_syntax_reader *r)
{
        return skip_past(r, ')') ? cs_syntax_node(r, CS_SYNTAX_UNKNOWN) : give_up(r);
}

static struct cs_syntax *read_named(struct cs_syntax_reader *r, uint8_t close)
{
        return skip_past(r, close) ? read_body(r) : give_up(r);
}

/* Behind "(?". */
static struct cs_syntax *read_special(struct cs_syntax_reader *r)
{
        if (r->end - r->at < 2)
                return give_up(r);
        uint8_t c = r->at[0], next = r->at[1];
        r->at++;
        switch (c) {
        case ':':
        case '>':
        case '|':
                return read_body(r);
        case '=':
        case '!':
                return read_assertion(r);
        case '#':
        case 'C':
                return skip_past(r, ')') ? cs_syntax_node(r, CS_SYNTAX_NOTHING) : give_up(r);
        case '<':
                if (next == '=' || next == '!') {
                        r->at++;
                        return read_assertion(r);
                }
                return next == '*' ? give_up(r) : read_named(r, '>');
        case '\'':
                return read_named(r, '\'');
        case 'P':
                r->at++;
                return next == '<' ? read_named(r, '>') : read_reference(r);
        case '&':
        case 'R':
        case '+':
                return read_reference(r);
        default:
                if ((c >= '0' && c <= '9') || (c == '-' && next >= '0' && next <= '9'))
                        return read_reference(r);
                r->at--;
                return read_flags(r); /* and gives up on what else there is: conditions */
        }
}

static struct cs_syntax *read_group(struct cs_syntax_reader *r)
{
        struct cs_syntax *n;
        if (++r->depth > DEPTH_MOST)
                return give_up(r);
        if (r->at < r->end && *r->at == '*')
                n = give_up(r); /* verbs */
        else if (r->at < r->end && *r->at == '?') {
                r->at++;
                n = read_special(r);
        } else
                n = read_body(r);
        r->depth--;
        return n;
}

/* ---- items ------------------------------------------------------------------------------------------------------- */

static struct cs_syntax *read_item(struct cs_syntax_reader *r)
{
        uint8_t c = *r->at++;
        struct cs_byteset all = { 0 };
        if (r->quoting) {
                if (c == '\\' && r->at < r->end && *r->at == 'E') {
                        r->at++;
                        r->quoting = false;
                        return cs_syntax_node(r, CS_SYNTAX_NOTHING);
                }
                return cs_syntax_byte(r, c);
        }
        switch (c) {
        case '\\':
                return cs_syntax_escape(r);
        case '[':
                return cs_syntax_class(r);
        case '(':
                return read_group(r);
        case '^':
        case '$':
                return cs_syntax_node(r, CS_SYNTAX_NOTHING);
        case '.':
                cs_byteset_invert(&all);
                if (!r->dotall)
                        all.word[0] &= ~(UINT64_C(1) << '\n');
                return cs_syntax_set(r, all);
        default:
                return cs_syntax_byte(r, c);
        }
}

/* A repeat belongs to what stands before it, also across "\E" and comments; those are rare, and then nothing is known. */
static struct cs_syntax *read_sequence(struct cs_syntax_reader *r)
{
        struct cs_syntax *first = NULL, **last = &first;
        while (r->at < r->end && !r->gave_up && (r->quoting || (*r->at != '|' && *r->at != ')'))) {
                const uint8_t *from = r->at;
                bool quoting = r->quoting;
                struct cs_syntax *n = read_item(r);
                uint32_t min, max;
                const uint8_t *behind = r->at;
                bool nothing =
                        n && n->kind == CS_SYNTAX_NOTHING &&
                        (quoting || (behind - from > 2 && from[0] == '(' && from[2] == '#') ||
                         (from[0] == '\\' && behind - from == 2 && (from[1] == 'E' || from[1] == 'Q')));
                if (nothing && read_quantifier(r, &min, &max))
                        return give_up(r);
                n = repeat(r, n);
                if (!n)
                        return NULL;
                if (n->kind == CS_SYNTAX_NOTHING)
                        continue;
                *last = n;
                last = &n->next;
        }
        return join(r, CS_SYNTAX_CAT, first);
}

static struct cs_syntax *read_alternatives(struct cs_syntax_reader *r)
{
        struct cs_syntax *first = NULL, **last = &first;
        for (;;) {
                struct cs_syntax *n = read_sequence(r);
                if (!n)
                        return NULL;
                *last = n;
                last = &n->next;
                if (r->gave_up || r->at >= r->end || *r->at != '|')
                        break;
                r->at++;
        }
        return join(r, CS_SYNTAX_ALT, first);
}

const struct cs_syntax *cs_syntax_read(struct cs_pool *pool, const char *regex, size_t len)
{
        struct cs_syntax_reader r = { .pool = pool,
                                      .at = (const uint8_t *)regex,
                                      .end = (const uint8_t *)regex + len };
        struct cs_syntax *n = read_alternatives(&r);
        if (n && !r.gave_up && r.at == r.end)
                return n;
        if (r.no_memory)
                return NULL;
        return cs_syntax_node(&r, CS_SYNTAX_UNKNOWN);
}
