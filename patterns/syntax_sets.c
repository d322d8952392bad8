/* SPDX-License-Identifier: Apache-2.0 */
/* Escapes and classes of bytes, as PCRE2 10.42 has them without UTF and in the C locale. */
#include "syntax_private.h"

#include <string.h>

/* ---- kinds of bytes ---------------------------------------------------------------------------------------------- */

static void add_text(struct cs_byteset *set, const char *bytes)
{
        for (; *bytes; bytes++)
                cs_byteset_add(set, (uint8_t)*bytes);
}

/* \d, \w, …, by their letter; false: it is none. */
static bool kind_of(uint8_t letter, struct cs_byteset *set)
{
        *set = (struct cs_byteset){ 0 };
        switch (letter | 0x20) {
        case 'd':
                cs_byteset_add_range(set, '0', '9');
                break;
        case 'w':
                cs_byteset_add_range(set, '0', '9');
                cs_byteset_add_range(set, 'a', 'z');
                cs_byteset_add_range(set, 'A', 'Z');
                cs_byteset_add(set, '_');
                break;
        case 's':
                add_text(set, "\t\n\v\f\r ");
                break;
        case 'h':
                add_text(set, "\t \xa0");
                break;
        case 'v':
                add_text(set, "\n\v\f\r\x85");
                break;
        default:
                return false;
        }
        if (!(letter & 0x20))
                cs_byteset_invert(set);
        return true;
}

static bool add_posix(struct cs_byteset *set, const char *name, size_t len)
{
        static const struct {
                const char *name;
                uint8_t ranges[8]; /* pairs; 0, 0 ends them, but at the beginning */
        } classes[] = {
                { "alpha", { 'A', 'Z', 'a', 'z' } },
                { "lower", { 'a', 'z' } },
                { "upper", { 'A', 'Z' } },
                { "alnum", { '0', '9', 'A', 'Z', 'a', 'z' } },
                { "ascii", { 0, 127 } },
                { "blank", { '\t', '\t', ' ', ' ' } },
                { "cntrl", { 0, 31, 127, 127 } },
                { "digit", { '0', '9' } },
                { "graph", { 33, 126 } },
                { "print", { 32, 126 } },
                { "punct", { 33, 47, 58, 64, 91, 96, 123, 126 } },
                { "space", { 9, 13, ' ', ' ' } },
                { "word", { '0', '9', 'A', 'Z', '_', '_', 'a', 'z' } },
                { "xdigit", { '0', '9', 'A', 'F', 'a', 'f' } },
        };
        bool not = len && name[0] == '^';
        name += not ;
        len -= not ;
        for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
                const uint8_t *r = classes[i].ranges;
                struct cs_byteset found = { 0 };
                if (strlen(classes[i].name) != len || memcmp(classes[i].name, name, len) != 0)
                        continue;
                for (size_t k = 0; k < sizeof(classes[i].ranges) && (k == 0 || r[k]); k += 2)
                        cs_byteset_add_range(&found, r[k], r[k + 1]);
                if (not )
                        cs_byteset_invert(&found);
                cs_byteset_join(set, &found);
                return true;
        }
        return false;
}

/* ---- single bytes ------------------------------------------------------------------------------------------------ */

static int digit_of(uint8_t c, unsigned base)
{
        unsigned value = c >= '0' && c <= '9' ? (unsigned)(c - '0')
                         : (c | 0x20) >= 'a'  ? (unsigned)((c | 0x20) - 'a' + 10)
                                              : 99;
        return value < base ? (int)value : -1;
}

/* Up to `most` digits; -1 where the value is no byte. */
static int read_digits(struct cs_syntax_reader *r, unsigned base, unsigned most)
{
        unsigned value = 0;
        for (unsigned i = 0; i < most && r->at < r->end && digit_of(*r->at, base) >= 0; i++) {
                value = value * base + (unsigned)digit_of(*r->at++, base);
                if (value > 255)
                        return -1;
        }
        return (int)value;
}

static int read_braced(struct cs_syntax_reader *r, unsigned base)
{
        r->at++;
        int value = read_digits(r, base, 16);
        if (r->at >= r->end || *r->at != '}')
                return -1;
        r->at++;
        return value;
}

/* The byte that an escape stands for, r->at behind the letter; -1: it is none. */
static int read_byte(struct cs_syntax_reader *r, uint8_t letter)
{
        switch (letter) {
        case 'a':
                return 7;
        case 'e':
                return 27;
        case 'f':
                return '\f';
        case 'n':
                return '\n';
        case 'r':
                return '\r';
        case 't':
                return '\t';
        case '0':
                return read_digits(r, 8, 2);
        case 'x':
                return r->at < r->end && *r->at == '{' ? read_braced(r, 16) : read_digits(r, 16, 2);
        case 'o':
                return r->at < r->end && *r->at == '{' ? read_braced(r, 8) : -1;
        case 'c':
                if (r->at >= r->end)
                        return -1;
                letter = *r->at++;
                return (letter >= 'a' && letter <= 'z' ? letter - 32 : letter) ^ 64;
        default:
                return (letter | 0x20) >= 'a' && (letter | 0x20) <= 'z' && letter < 128 ? -1
                       : letter >= '1' && letter <= '9'                                 ? -1
                                                                                        : letter;
        }
}

/* \p{Lu}: one byte, we do not say which. */
static bool skip_property(struct cs_syntax_reader *r)
{
        if (r->at >= r->end)
                return false;
        if (*r->at++ != '{')
                return true;
        const uint8_t *close = memchr(r->at, '}', (size_t)(r->end - r->at));
        if (!close)
                return false;
        r->at = close + 1;
        return true;
}

static struct cs_syntax *give_up(struct cs_syntax_reader *r)
{
        r->gave_up = true;
        return cs_syntax_node(r, CS_SYNTAX_UNKNOWN);
}

/* Back references and calls: "\g{2}", "\k<name>", "\12". */
static struct cs_syntax *read_back(struct cs_syntax_reader *r, uint8_t letter)
{
        static const char opening[] = "{<'", closing[] = "}>'";
        if (letter == 'g' || letter == 'k') {
                const char *open = r->at < r->end && *r->at ? strchr(opening, *r->at) : NULL;
                if (open) {
                        const uint8_t *close =
                                memchr(r->at + 1, closing[open - opening], (size_t)(r->end - r->at - 1));
                        if (!close)
                                return give_up(r);
                        r->at = close + 1;
                        return cs_syntax_node(r, CS_SYNTAX_UNKNOWN);
                }
                if (letter == 'k')
                        return give_up(r);
                if (r->at < r->end && (*r->at == '-' || *r->at == '+'))
                        r->at++;
        }
        while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
                r->at++;
        return cs_syntax_node(r, CS_SYNTAX_UNKNOWN);
}

struct cs_syntax *cs_syntax_escape(struct cs_syntax_reader *r)
{
        struct cs_byteset set;
        if (r->at >= r->end)
                return give_up(r);
        uint8_t c = *r->at++;
        if (kind_of(c, &set))
                return cs_syntax_set(r, set);
        switch (c) {
        case 'b':
        case 'B':
        case 'A':
        case 'Z':
        case 'z':
        case 'G':
        case 'K':
        case 'E':
                return cs_syntax_node(r, CS_SYNTAX_NOTHING);
        case 'Q':
                r->quoting = true;
                return cs_syntax_node(r, CS_SYNTAX_NOTHING);
        case 'C':
        case 'N':
                if (r->at < r->end && *r->at == '{')
                        return give_up(r);
                set = (struct cs_byteset){ 0 };
                cs_byteset_invert(&set);
                return cs_syntax_set(r, set);
        case 'p':
        case 'P':
                set = (struct cs_byteset){ 0 };
                cs_byteset_invert(&set);
                return skip_property(r) ? cs_syntax_set(r, set) : give_up(r);
        case 'R':
        case 'X':
                return cs_syntax_node(r, CS_SYNTAX_UNKNOWN);
        default:
                break;
        }
        if (c == 'g' || c == 'k' || (c >= '1' && c <= '9'))
                return read_back(r, c);
        int byte = read_byte(r, c);
        return byte >= 0 ? cs_syntax_byte(r, (unsigned)byte) : give_up(r);
}

/* ---- classes ----------------------------------------------------------------------------------------------------- */

/* One member: its byte, or -1 where it added a whole kind to the set; false: not understood. */
static bool read_member(struct cs_syntax_reader *r, struct cs_byteset *set, int *byte)
{
        struct cs_byteset kind;
        uint8_t c = *r->at++;
        *byte = -1;
        if (c == '[' && r->at < r->end && strchr(":.=", *r->at)) {
                const uint8_t *close = r->at + 1;
                while (close < r->end && (*close == '^' || (*close >= 'a' && *close <= 'z')))
                        close++;
                if (r->end - close >= 2 && close[0] == *r->at && close[1] == ']') {
                        const char *name = (const char *)r->at + 1;
                        /* Where case does not matter, [:^upper:] is [:^alpha:]. */
                        bool known = *r->at == ':' && !(r->caseless && r->at[1] == '^') &&
                                     add_posix(set, name, (size_t)((const char *)close - name));
                        r->at = close + 2;
                        return known;
                }
                /* PCRE2 looks for the end of such a name in ways of its own. */
                return false;
        }
        if (c != '\\') {
                *byte = c;
                return true;
        }
        if (r->at >= r->end)
                return false;
        c = *r->at++;
        if (kind_of(c, &kind)) {
                cs_byteset_join(set, &kind);
                return true;
        }
        if (c == 'p' || c == 'P') {
                memset(set, 0xff, sizeof(*set));
                return skip_property(r);
        }
        if (c >= '1' && c <= '7')
                r->at--;
        *byte = c == 'b' ? 8 : c >= '1' && c <= '7' ? read_digits(r, 8, 3) : read_byte(r, c);
        return *byte >= 0;
}

struct cs_syntax *cs_syntax_class(struct cs_syntax_reader *r)
{
        struct cs_byteset set = { 0 };
        bool not = r->at < r->end && *r->at == '^', property = false;
        r->at += not ;
        for (const uint8_t *first = r->at; r->at < r->end && (*r->at != ']' || r->at == first);) {
                int from, to;
                property |= r->end - r->at >= 2 && r->at[0] == '\\' && (r->at[1] | 0x20) == 'p';
                if (!read_member(r, &set, &from))
                        return give_up(r);
                if (from < 0)
                        continue;
                to = from;
                if (r->end - r->at >= 2 && r->at[0] == '-' && r->at[1] != ']') {
                        r->at++;
                        property |= r->end - r->at >= 2 && r->at[0] == '\\' && (r->at[1] | 0x20) == 'p';
                        if (!read_member(r, &set, &to))
                                return give_up(r);
                        if (to < 0) { /* "a-\d": three members */
                                cs_byteset_add(&set, '-');
                                to = from;
                        }
                }
                cs_byteset_add_range(&set, (unsigned)from, (unsigned)to);
        }
        if (r->at >= r->end)
                return give_up(r);
        r->at++;
        if (r->caseless)
                cs_byteset_both_cases(&set);
        if (not )
                cs_byteset_invert(&set);
        if (property) /* what it holds is not known, nor what it does not */
                memset(&set, 0xff, sizeof(set));
        return cs_syntax_set(r, set);
}
