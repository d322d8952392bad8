/* SPDX-License-Identifier: Apache-2.0 */
#include "escape.h"

#include <string.h>

enum {
        UNIT = 16, /* longest form of one character: \u{10ffff} */
        CUT_MARK_ASCII = 3,
        CUT_MARK_UTF8 = 1,
};

struct span {
        uint32_t first;
        uint32_t last;
};

/* Characters that must not reach a terminal as they are. Sorted. */
static const struct span hidden[] = {
        { 0x00, 0x1f },        /* C0 */
        { 0x7f, 0x9f },        /* DEL, C1 */
        { 0xad, 0xad },        /* soft hyphen */
        { 0x34f, 0x34f },      /* combining grapheme joiner */
        { 0x61c, 0x61c },      /* Arabic letter mark (bidi) */
        { 0x115f, 0x1160 },    /* Hangul fillers */
        { 0x17b4, 0x17b5 },    /* invisible Khmer vowels */
        { 0x180b, 0x180f },    /* Mongolian selectors and separator */
        { 0x200b, 0x200f },    /* zero-width, left-to-right and right-to-left marks */
        { 0x2028, 0x202e },    /* line and paragraph separators, bidi embeddings and overrides */
        { 0x2060, 0x206f },    /* word joiner, invisible operators, bidi isolates, deprecated controls */
        { 0x3164, 0x3164 },    /* Hangul filler */
        { 0xd800, 0xdfff },    /* surrogates (never decoded) */
        { 0xe000, 0xf8ff },    /* private use: whatever the font says */
        { 0xfdd0, 0xfdef },    /* noncharacters */
        { 0xfe00, 0xfe0f },    /* variation selectors */
        { 0xfeff, 0xfeff },    /* byte order mark */
        { 0xffa0, 0xffa0 },    /* Hangul filler */
        { 0xfff0, 0xfffb },    /* interlinear annotation */
        { 0xfffe, 0xffff },    /* noncharacters */
        { 0x1bca0, 0x1bca3 },  /* shorthand format controls */
        { 0x1d173, 0x1d17a },  /* musical format controls */
        { 0xe0000, 0x10ffff }, /* tags, more variation selectors, private use planes */
};

/* Marks that share the column of the character before them: the usual blocks. A miss only bends a column. */
static const struct span combining[] = {
        { 0x300, 0x36f },   { 0x483, 0x489 },   { 0x591, 0x5bd },   { 0x610, 0x61a },   { 0x64b, 0x65f },
        { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x20d0, 0x20ff }, { 0xfe20, 0xfe2f },
};

/* Characters of two columns: East Asian wide and fullwidth, emoji. */
static const struct span wide[] = {
        { 0x1100, 0x115e },   { 0x2e80, 0x303e },   { 0x3041, 0x4dbf },   { 0x4e00, 0xa4cf },
        { 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },   { 0xff01, 0xff60 },
        { 0xffe0, 0xffe6 },   { 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff },
        { 0x20000, 0x3fffd },
};

static bool in_spans(const struct span *spans, size_t n, uint32_t code)
{
        size_t low = 0;
        while (low < n) {
                size_t mid = low + (n - low) / 2;
                if (code > spans[mid].last)
                        low = mid + 1;
                else if (code < spans[mid].first)
                        n = mid;
                else
                        return true;
        }
        return false;
}

#define IN_SPANS(spans, code) in_spans((spans), sizeof(spans) / sizeof((spans)[0]), (code))

static bool is_hidden(uint32_t code)
{
        return (code & 0xfffe) == 0xfffe || IN_SPANS(hidden, code);
}

/* The character at `at`: how many bytes it takes, 0 where they are not UTF-8. left > 0. */
static size_t decode(const uint8_t *at, size_t left, uint32_t *code)
{
        uint8_t lead = at[0];
        if (lead < 0x80) {
                *code = lead;
                return 1;
        }
        size_t len = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
        if (lead < 0xc2 || lead > 0xf4 || len > left)
                return 0;
        /* The second byte's range depends on the lead: it shuts out overlong forms, surrogates and beyond
         * U+10FFFF. */
        uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
        uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
        if (at[1] < low || at[1] > high)
                return 0;
        uint32_t value = lead & (0x7fu >> len);
        for (size_t i = 1; i < len; i++) {
                if ((at[i] & 0xc0) != 0x80)
                        return 0;
                value = value << 6 | (at[i] & 0x3fu);
        }
        *code = value;
        return len;
}

static size_t hex_byte(uint8_t byte, char out[UNIT])
{
        static const char digits[] = "0123456789abcdef";
        out[0] = '\\';
        out[1] = 'x';
        out[2] = digits[byte >> 4];
        out[3] = digits[byte & 15];
        return 4;
}

static size_t ascii_control(uint8_t byte, char out[UNIT])
{
        char name = byte == '\n' ? 'n' : byte == '\r' ? 'r' : byte == '\t' ? 't' : 0;
        if (!name)
                return hex_byte(byte, out);
        out[0] = '\\';
        out[1] = name;
        return 2;
}

static size_t code_point(uint32_t code, char out[UNIT])
{
        /* At most 10 characters: \u{10ffff}. */
        int len = snprintf(out, UNIT, "\\u{%x}", (unsigned)code);
        return len > 0 ? (size_t)len : 0;
}

/* The safe form of what stands at `at`: its bytes in out, their number returned; *used is how many were
 * read. */
static size_t safe_unit(const uint8_t *at, size_t left, enum cs_charset charset, char out[UNIT], size_t *used)
{
        uint32_t code = 0;
        *used = decode(at, left, &code);
        if (*used == 0) {
                *used = 1;
                return hex_byte(at[0], out);
        }
        if (code < 0x20 || code == 0x7f)
                return ascii_control((uint8_t)code, out);
        if (code >= 0x80 && (charset == CS_CHARSET_ASCII || is_hidden(code)))
                return code_point(code, out);
        memcpy(out, at, *used);
        return *used;
}

/* So many bytes from the beginning stand for themselves, and take a column each. */
static size_t plain_bytes(const char *text, size_t len)
{
        size_t n = 0;
        while (n < len && text[n] >= ' ' && text[n] < 0x7f)
                n++;
        return n;
}

char *cs_escape_terminal(struct cs_pool *pool, const void *bytes, size_t len, enum cs_charset charset)
{
        if (!bytes)
                return NULL;
        const uint8_t *at = bytes;
        char unit[UNIT];
        size_t used = 0;
        size_t plain = plain_bytes(bytes, len);
        size_t need = plain;
        if (plain == len)
                return cs_pool_copy(pool, bytes, len);
        for (size_t i = plain; i < len; i += used)
                need += safe_unit(at + i, len - i, charset, unit, &used);
        char *text = cs_pool_alloc(pool, need + 1, 1);
        if (!text)
                return NULL;
        memcpy(text, bytes, plain);
        char *end = text + plain;
        for (size_t i = plain; i < len; i += used) {
                size_t n = safe_unit(at + i, len - i, charset, unit, &used);
                memcpy(end, unit, n);
                end += n;
        }
        *end = '\0';
        return text;
}

void cs_escape_print(FILE *to, const char *text, enum cs_charset charset)
{
        const uint8_t *at = (const uint8_t *)text;
        size_t len = strlen(text);
        char unit[UNIT];
        size_t used = 0;
        for (size_t i = 0; i < len; i += used) {
                size_t n = safe_unit(at + i, len - i, charset, unit, &used);
                (void)fwrite(unit, 1, n, to);
        }
}

bool cs_escape_is_utf8(const void *bytes, size_t len)
{
        const uint8_t *at = bytes;
        uint32_t code;
        size_t used;
        for (size_t i = 0; i < len; i += used) {
                used = decode(at + i, len - i, &code);
                if (used == 0)
                        return false;
        }
        return true;
}

const char *cs_escape_json(struct cs_pool *pool, const char *text)
{
        size_t len = strlen(text);
        if (cs_escape_is_utf8(text, len))
                return text;
        if (len > SIZE_MAX / 4 - 1)
                return NULL;
        char *copy = cs_pool_alloc(pool, 4 * len + 1, 1);
        if (!copy)
                return NULL;
        const uint8_t *at = (const uint8_t *)text;
        char *end = copy;
        for (size_t i = 0; i < len;) {
                char unit[UNIT];
                uint32_t code;
                size_t used = decode(at + i, len - i, &code);
                if (used)
                        memcpy(end, at + i, used);
                else
                        memcpy(end, unit, hex_byte(at[i], unit));
                end += used ? used : 4;
                i += used ? used : 1;
        }
        *end = '\0';
        return copy;
}

char *cs_escape_base64(struct cs_pool *pool, const void *bytes, size_t len)
{
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const uint8_t *at = bytes;
        if (len > SIZE_MAX / 4)
                return NULL;
        char *text = cs_pool_alloc(pool, len / 3 * 4 + 5, 1);
        if (!text)
                return NULL;
        char *end = text;
        for (size_t i = 0; i < len; i += 3) {
                size_t n = len - i < 3 ? len - i : 3;
                uint32_t three = (uint32_t)at[i] << 16;
                if (n > 1)
                        three |= (uint32_t)at[i + 1] << 8;
                if (n > 2)
                        three |= at[i + 2];
                *end++ = digits[three >> 18];
                *end++ = digits[three >> 12 & 63];
                *end++ = n > 1 ? digits[three >> 6 & 63] : '=';
                *end++ = n > 2 ? digits[three & 63] : '=';
        }
        *end = '\0';
        return text;
}

/* Columns of the character at `at`, and in *used its bytes. Text is escaped already; anything else counts
 * one by one. */
static size_t unit_columns(const uint8_t *at, size_t left, size_t *used)
{
        uint32_t code = 0;
        *used = decode(at, left, &code);
        if (*used == 0) {
                *used = 1;
                return 1;
        }
        if (code < 0x300)
                return 1;
        return IN_SPANS(combining, code) ? 0 : IN_SPANS(wide, code) ? 2 : 1;
}

size_t cs_escape_columns(const char *text)
{
        const uint8_t *at = (const uint8_t *)text;
        size_t len = strlen(text);
        size_t columns = plain_bytes(text, len);
        size_t used = 0;
        for (size_t i = columns; i < len; i += used)
                columns += unit_columns(at + i, len - i, &used);
        return columns;
}

/* How many bytes from the start take at most `columns`. */
static size_t head_bytes(const char *text, size_t len, size_t columns)
{
        size_t i = 0;
        size_t used = 0;
        for (; i < len; i += used) {
                size_t n = unit_columns((const uint8_t *)text + i, len - i, &used);
                if (n > columns)
                        break;
                columns -= n;
        }
        return i;
}

const char *cs_escape_cut(struct cs_pool *pool, const char *text, size_t columns, enum cs_charset charset)
{
        size_t all = cs_escape_columns(text);
        if (all <= columns)
                return text;
        size_t len = strlen(text);
        size_t mark = charset == CS_CHARSET_UTF8 ? CUT_MARK_UTF8 : CUT_MARK_ASCII;
        if (columns <= mark)
                return cs_pool_copy(pool, text, head_bytes(text, len, columns));
        size_t head = (columns - mark + 1) / 2;
        size_t tail = columns - mark - head;
        /* Where the tail begins: skip all but its columns, and one more where a wide character straddles. */
        size_t from = head_bytes(text, len, all - tail);
        if (cs_escape_columns(text + from) > tail) {
                size_t used = 0;
                (void)unit_columns((const uint8_t *)text + from, len - from, &used);
                from += used;
        }
        return cs_pool_printf(pool, "%.*s%s%s", (int)head_bytes(text, len, head), text,
                              charset == CS_CHARSET_UTF8 ? "…" : "...", text + from);
}
