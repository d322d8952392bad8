/* SPDX-License-Identifier: Apache-2.0 */
#include "fields.h"

#include "bytes.h"
#include "cut.h"
#include "mask.h"
#include "value.h"

#include <string.h>

enum { MARK_FIELD = 1, MARK_PATH = 2, MARK_ROOTED = 3 };

enum { ODD_HEX = 6, ODD_TOKEN = 16 };

bool cs_fields_marks(char c)
{
        return c == MARK_FIELD || c == MARK_PATH || c == MARK_ROOTED;
}

/* Fewer than eight bytes as a word, without a call for a copy of a length that is not known. */
static uint64_t rest_of(const uint8_t *at, size_t len)
{
        uint64_t rest = 0;
        if (len >= 4)
                return cs_half(at) | (uint64_t)cs_half(at + len - 4) << 8 * (len - 4);
        for (size_t i = 0; i < len; i++)
                rest |= (uint64_t)at[i] << 8 * i;
        return rest;
}

uint64_t cs_fields_hash(const char *bytes, size_t len)
{
        uint64_t h = 0x9e3779b97f4a7c15u ^ len;
        while (len >= 8) {
                h = cs_mix(h ^ cs_word((const uint8_t *)bytes));
                bytes += 8;
                len -= 8;
        }
        return cs_mix(h ^ rest_of((const uint8_t *)bytes, len));
}

/* What a byte is where a field may end. */
enum { PART, DELIMITER, OPENS_MARK, SLASH };

static const uint8_t parts[256] = {
        [0 ... ' '] = DELIMITER, ['='] = DELIMITER, [':'] = DELIMITER, [','] = DELIMITER,
        [';'] = DELIMITER,       ['('] = DELIMITER, [')'] = DELIMITER, ['['] = DELIMITER,
        [']'] = DELIMITER,       ['{'] = DELIMITER, ['}'] = DELIMITER, ['"'] = DELIMITER,
        ['\''] = DELIMITER,      ['?'] = DELIMITER, ['&'] = DELIMITER, ['|'] = DELIMITER,
        ['<'] = OPENS_MARK,      ['>'] = DELIMITER, ['!'] = DELIMITER, ['#'] = DELIMITER,
        ['$'] = DELIMITER,       ['~'] = DELIMITER, ['^'] = DELIMITER, ['*'] = DELIMITER,
        ['\\'] = DELIMITER,      ['`'] = DELIMITER, ['@'] = DELIMITER, [0x7f] = DELIMITER,
        ['/'] = SLASH,
};

static bool delimits(uint8_t c)
{
        return parts[c] == DELIMITER || parts[c] == OPENS_MARK;
}

/* The length of a mask, or of what merging writes where texts differ, or 0. */
static size_t mark_length(const char *at, size_t left)
{
        enum cs_mask kind;
        if (at[0] != '<')
                return 0;
        return left >= 3 && at[1] == '*' && at[2] == '>' ? 3 : cs_mask_length(at, left, &kind);
}

/* What a field has in it. */
struct inside {
        bool slash;
        bool mark; /* of masks, or <*> */
};

/* Length of the field at `at` (0 at a delimiter). */
static inline size_t field_length(const char *at, size_t left, struct inside *in)
{
        size_t n = 0;
        *in = (struct inside){ 0 };
        while (n < left) {
                unsigned part = parts[(uint8_t)at[n]];
                size_t mark = part == OPENS_MARK ? mark_length(at + n, left - n) : 1;
                if (part == DELIMITER || !mark)
                        break;
                in->slash |= part == SLASH;
                in->mark |= part == OPENS_MARK;
                n += mark;
        }
        return n;
}

/* Could this be an id that the masks did not recognise, or only in part: only letters that are hex digits;
 * hex letters around <n>; several <n>; a long token of mixed case, also with slashes? */
static bool odd(const char *at, size_t len)
{
        size_t masks = 0, letters = 0;
        unsigned seen = 0;
        bool hex = true;
        for (size_t i = 0; i < len;) {
                enum cs_mask kind = CS_MASK_N;
                size_t n = at[i] == '<' ? cs_mask_length(at + i, len - i, &kind) : 0;
                if (kind == CS_MASK_REP)
                        return false;
                masks += n != 0;
                if (!n) {
                        unsigned c = cs_class[(uint8_t)at[i]];
                        if (!(c & (CS_CLASS_LOWER | CS_CLASS_UPPER | CS_CLASS_DIGIT | CS_CLASS_JOINER)))
                                return false;
                        hex &= (c & CS_CLASS_HEX) != 0;
                        letters++;
                        seen |= c;
                } else if (kind == CS_MASK_B64) {
                        letters += ODD_TOKEN;
                        seen |= CS_CLASS_LOWER | CS_CLASS_UPPER;
                        hex = false;
                }
                i += n ? n : 1;
        }
        if (hex && (masks || letters >= ODD_HEX))
                return true;
        if (masks >= 2 && letters <= masks * 3)
                return true;
        return letters + 2 * masks >= ODD_TOKEN && (seen & CS_CLASS_LOWER) && (seen & CS_CLASS_UPPER);
}

/* The same where there are no marks. */
static bool odd_word(const char *at, size_t len)
{
        size_t n = 0;
        if (len >= ODD_TOKEN)
                return odd(at, len);
        while (n < len && (cs_class[(uint8_t)at[n]] & CS_CLASS_HEX))
                n++;
        return n == len && len >= ODD_HEX;
}

/* A base64 token with slashes in it is no path: no segment is a word, or has a longer one. */
static bool slashed_token(const char *at, size_t len)
{
        size_t least = at[0] == '/' ? 3 : 6; /* in a path, and in what may be a token */
        if (!odd(at, len))
                return false;
        for (size_t from = 0, i = 0; i <= len; i++) {
                if (i < len && at[i] != '/' && at[i] != '-' && at[i] != '_')
                        continue;
                bool whole = (i == len || at[i] == '/') && (from == 0 || at[from - 1] == '/');
                if (cs_mask_wordlike((const uint8_t *)at + from, i - from, whole ? least : 6))
                        return false;
                from = i + 1;
        }
        return true;
}

/* Names of hosts, and words with masks in them (user<n>, rdd_<n>_<n>, <n>ms): made by a program, rarely
 * keywords. What is repeated is as good as a word. */
static bool made(const char *at, size_t len)
{
        size_t dots = 0;
        for (size_t i = 0; i < len; i++) {
                dots += at[i] == '.';
                if (at[i] == '<')
                        return i + 5 != len || memcmp(at + i, "<rep>", 5) != 0;
        }
        return dots >= 2;
}

/* marked: there may be marks in it. */
static enum cs_field_kind kind_of(const char *at, size_t len, bool marked)
{
        enum cs_mask kind;
        if (marked && memchr(at, '*', len) && memmem(at, len, "<*>", 3))
                return CS_FIELD_ANY;
        if (marked && cs_mask_length(at, len, &kind) == len)
                return kind <= CS_MASK_B64 ? CS_FIELD_TOKEN : CS_FIELD_MASK;
        if (marked ? odd(at, len) : odd_word(at, len))
                return CS_FIELD_ODD;
        return made(at, len) ? CS_FIELD_MADE : CS_FIELD_WORD;
}

/* Where compatible masks meet they are one, also within a word. */
static uint32_t hash_of(const char *at, size_t len, bool marked)
{
        char same[CS_FIELDS_TEXT];
        size_t n = 0;
        if (!marked || !memchr(at, '<', len))
                return (uint32_t)cs_fields_hash(at, len);
        for (size_t i = 0; i < len;) {
                enum cs_mask kind = CS_MASK_REP;
                size_t mask = at[i] == '<' ? cs_mask_length(at + i, len - i, &kind) : 0;
                size_t put = mask && kind <= CS_MASK_B64 ? 1 : mask ? mask : 1;
                memcpy(same + n, at + i, put);
                n += put;
                i += mask ? mask : 1;
        }
        return (uint32_t)cs_fields_hash(same, n);
}

static void add(struct cs_fields *f, const char *text, size_t at, size_t len, bool marked, unsigned path)
{
        if (f->n == CS_FIELDS_MAX)
                return;
        struct cs_field *field = &f->at[f->n++];
        *field = (struct cs_field){ .at = (uint16_t)at, .len = (uint16_t)len, .path = (uint8_t)path };
        if (!len) {
                field->kind = path ? CS_FIELD_ABSENT : CS_FIELD_MADE;
                return;
        }
        field->kind = (uint8_t)kind_of(text + at, len, marked);
        field->hash = hash_of(text + at, len, marked);
        if (field->hash < 4)
                field->hash += 8;
        if (field->kind == CS_FIELD_TOKEN)
                field->hash = CS_FIELD_TOKEN_HASH;
}

/* Of a path that is deeper than there are columns the file's name tells, if a program made it: how deep it lies may vary, as
 * directories are split when they are full. */
static void take_file_name(struct cs_field *field, const char *text)
{
        const char *at = text + field->at, *slash = memrchr(at, '/', field->len);
        size_t n = slash ? field->len - (size_t)(slash + 1 - at) : 0;
        if (!n || kind_of(slash + 1, n, true) != CS_FIELD_MADE)
                return;
        field->kind = CS_FIELD_MADE;
        field->hash = hash_of(slash + 1, n, true);
        if (field->hash < 4)
                field->hash += 8;
}

static void add_path(struct cs_fields *f, const char *text, size_t at, size_t len, bool marked)
{
        size_t end = at + len;
        bool any = false;
        while (at < end && text[at] == '/')
                at++;
        for (unsigned i = 1; i <= CS_FIELDS_PATH; i++) {
                const char *slash = at < end && i < CS_FIELDS_PATH ? memchr(text + at, '/', end - at) : NULL;
                size_t n = slash ? (size_t)(slash - text) - at : end - at;
                add(f, text, at, n, marked, i);
                if (n && i == CS_FIELDS_PATH && f->at[f->n - 1].kind != CS_FIELD_ANY)
                        take_file_name(&f->at[f->n - 1], text);
                any |= n && f->at[f->n - 1].kind == CS_FIELD_ANY;
                if (!n && any && f->at[f->n - 1].kind == CS_FIELD_ABSENT) /* it stands for all further ones */
                        f->at[f->n - 1].kind = CS_FIELD_ANY;
                at += n;
                while (at < end && text[at] == '/')
                        at++;
        }
}

/* Nothing stands where a value could: (), [], "", key= and key=& */
static inline bool empty_value(const char *text, size_t at, size_t len)
{
        char open = text[at], next = at + 1 < len ? text[at + 1] : ' ';
        switch (open) {
        case '(':
                return next == ')';
        case '[':
                return next == ']';
        case '"':
                return next == '"' && at > 0 && text[at - 1] != '"' && delimits((uint8_t)text[at - 1]);
        case '=':
                return next == ' ' || next == '&' || next == ';' || next == ',' || next == '\r' ||
                       next == '\n';
        default:
                return false;
        }
}

/* Is the last part of a text that was cut known all the same: the mask of a long token, or the beginning of
 * the only one? */
static bool known_end(const char *text, size_t at, size_t len)
{
        enum cs_mask kind;
        if (at < CS_CUT_CERTAIN)
                return true;
        return cs_mask_length(text + at, len, &kind) == len &&
               (kind == CS_MASK_HEX || kind == CS_MASK_B64 || kind == CS_MASK_REP);
}

/* Takes the skeleton, and the fields as well where they are asked for. */
static inline __attribute__((always_inline)) void split(const char *text, size_t len, bool cut, bool fields,
                                                        struct cs_fields *out)
{
        out->n = out->skeleton_len = 0;
        len = len < CS_FIELDS_TEXT ? len : CS_FIELDS_TEXT;
        for (size_t at = 0; at < len && out->skeleton_len < CS_FIELDS_TEXT;) {
                struct inside in;
                size_t n = parts[(uint8_t)text[at]] == DELIMITER ? 0 : field_length(text + at, len - at, &in);
                if (!n) {
                        out->skeleton[out->skeleton_len++] = text[at];
                        if (empty_value(text, at++, len) && out->skeleton_len < CS_FIELDS_TEXT) {
                                out->skeleton[out->skeleton_len++] = MARK_FIELD;
                                if (fields)
                                        add(out, text, at, 0, false, 0);
                        }
                        continue;
                }
                if (cut && at + n == len && !known_end(text, at, n))
                        return;
                bool slash = in.slash && !slashed_token(text + at, n);
                out->skeleton[out->skeleton_len++] = !slash            ? MARK_FIELD
                                                     : text[at] == '/' ? MARK_ROOTED
                                                                       : MARK_PATH;
                if (fields && slash) {
                        add_path(out, text, at, n, in.mark);
                } else if (fields && out->n < CS_FIELDS_MAX) {
                        add(out, text, at, n, in.mark, 0);
                        out->at[out->n - 1].name = cs_value_names(text, at);
                        out->at[out->n - 1].value = out->at[out->n - 1].name || cs_value_at(text, len, at, n);
                }
                at += n;
        }
}

void cs_fields_split(const char *text, size_t len, bool cut, struct cs_fields *out)
{
        split(text, len, cut, true, out);
}

uint64_t cs_fields_skeleton(const char *text, size_t len, bool cut)
{
        struct cs_fields f;
        split(text, len, cut, false, &f);
        return cs_fields_hash(f.skeleton, f.skeleton_len);
}
