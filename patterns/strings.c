/* SPDX-License-Identifier: Apache-2.0 */
#include "strings.h"

#include "bytes.h"
#include "text.h"

#include <string.h>

enum {
        BLOCK = CS_TEXTMASK_BYTES,
        LEAST = CS_STRING_LEAST,
        AHEAD = 8,   /* blocks that are looked at in one go */
        BEHIND = 8,  /* bytes behind a block that are looked at: of a character that begins in it */
        CONTEXT = 4, /* bytes before a window that tell whether a text reaches into it */
};

struct finder {
        const struct cs_strings_window *w;
        cs_string_vec *out;
        struct cs_error *err;
        size_t run;          /* where the run that is under way began; SIZE_MAX: none is */
        bool high;           /* it may have characters beyond ASCII */
        uint64_t carry;      /* bytes at the start of the next block that a character of this one covers */
        size_t wide_done[2]; /* units are looked at up to here, at even and odd places */
};

const char *cs_encoding_name(enum cs_encoding encoding)
{
        static const char *const names[] = { "ascii", "utf-8", "utf-16le" };
        return names[encoding];
}

static bool plain(uint8_t c)
{
        return (c >= ' ' && c <= '~') || c == '\t';
}

static enum cs_status found(struct finder *f, size_t at, size_t len, enum cs_encoding encoding, bool open)
{
        struct cs_string s = { (uint32_t)at, (uint32_t)len, (uint8_t)encoding, open };
        return cs_vec_push(f->out, s, f->err);
}

static bool all_ascii(const uint8_t *at, size_t len)
{
        uint64_t seen = 0;
        for (; len >= 8; at += 8, len -= 8)
                seen |= cs_word(at);
        for (; len; at++, len--)
                seen |= *at;
        return !(seen & UINT64_C(0x8080808080808080));
}

/* ---- lengths before texts ---- */

/* Records of one byte of length and as many of text, from the start of a run to its end: of how many records is it? A text that
 * happens to begin with its length is told by what ends it: NULs and line ends do not stand behind counted texts. */
static size_t counted(const uint8_t *at, size_t len)
{
        size_t records = 0;
        while (len) {
                size_t n = at[0];
                if (n < LEAST || n > len - 1)
                        return 0;
                at += n + 1;
                len -= n + 1;
                records++;
        }
        return records;
}

static bool ends_texts(uint8_t c)
{
        return c == 0 || c == '\n' || c == '\r';
}

/* The length in the word before a text, low byte first: 32 bits, or 64. What stands behind so many bytes is the next record. */
static size_t length_before(const uint8_t *bytes, size_t at, size_t len)
{
        if (at < 4)
                return 0;
        uint64_t n = cs_half(bytes + at - 4);
        if (n == 0 && at >= 8)
                n = cs_word(bytes + at - 8); /* its upper half is 0 */
        return n >= LEAST && n < len && len - n <= 8 ? (size_t)n : 0;
}

/* The same in 32 bits, high byte first, of which the last one is printable and so the first of the run. There is another such record
 * behind it, or it is the text's own byte. */
static size_t length_within(const struct cs_strings_window *w, size_t at, size_t len)
{
        const uint8_t *b = w->bytes;
        size_t n = b[at], behind = at + 1 + n;
        if (at < 3 || b[at - 1] || b[at - 2] || b[at - 3] || n < LEAST || n + 1 != len || w->len - behind < 8)
                return 0;
        size_t next = (size_t)b[behind + 2] << 8 | b[behind + 3];
        size_t left = w->len - behind - 4;
        return !b[behind] && !b[behind + 1] && next >= 4 &&
                               cs_text_run(b + behind + 4, next < left ? next : left) >= 4
                       ? n
                       : 0;
}

static enum cs_status found_text(struct finder *f, size_t at, size_t len, bool high, bool open)
{
        bool beyond = high && !all_ascii(f->w->bytes + at, len);
        return found(f, at, len, beyond ? CS_ENCODING_UTF8 : CS_ENCODING_ASCII, open);
}

/* A run that has both its ends. */
static enum cs_status found_run(struct finder *f, size_t at, size_t len, bool high)
{
        const uint8_t *b = f->w->bytes;
        size_t n = length_before(b, at, len);
        if (n)
                return found_text(f, at, n, high, false);
        if (plain(b[at]) && (n = length_within(f->w, at, len)) != 0)
                return found_text(f, at + 1, n, high, false);
        size_t records = counted(b + at, len);
        if (records == 0 || (records == 1 && ends_texts(b[at + len])))
                return found_text(f, at, len, high, false);
        enum cs_status st = CS_OK;
        for (size_t end = at + len; st == CS_OK && at < end; at += n) {
                n = b[at++];
                st = found_text(f, at, n, high, false);
        }
        return st;
}

/* Does the text go on at the end of the bytes: does it reach it, but for a character that it cuts? */
static bool open_end(const struct cs_strings_window *w, size_t end)
{
        return end == w->len || cs_text_cut(w->bytes + end, w->len - end);
}

static enum cs_status close_run(struct finder *f, size_t end)
{
        size_t at = f->run;
        bool high = f->high;
        f->run = SIZE_MAX;
        f->high = false;
        if (end - at < LEAST || at < f->w->own_from || at >= f->w->own_to)
                return CS_OK;
        if (!open_end(f->w, end))
                return found_run(f, at, end - at, high);
        return found_text(f, at, end - at, high, true);
}

/* ---- UTF-16 ---- */

static bool unit_at(const struct cs_strings_window *w, size_t at)
{
        return w->len - at >= 2 && cs_textmask_wide(w->bytes[at], w->bytes[at + 1]);
}

/* Pairs of quotes and blanks are marks, too: half of a text is something else. */
static bool has_letters(const uint8_t *at, size_t units)
{
        size_t marks = 0;
        for (size_t i = 0; i < units; i++)
                marks += at[2 * i + 1] == 0x20;
        return marks * 2 <= units;
}

/* Some units in a row at p. */
static enum cs_status found_units(struct finder *f, size_t p)
{
        const struct cs_strings_window *w = f->w;
        size_t *done = &f->wide_done[p & 1], at = p, end = p;
        if (p < *done)
                return CS_OK;
        while (at >= 2 && at >= w->own_from && unit_at(w, at - 2))
                at -= 2;
        while (end < w->len && unit_at(w, end))
                end += 2;
        *done = end;
        if (at < w->own_from || at >= w->own_to)
                return CS_OK;
        /* The last letter of another text and the NUL behind it look like a unit. */
        if (at > 0 && plain(w->bytes[at - 1]))
                at += 2;
        if (end - at < (size_t)2 * LEAST || !has_letters(w->bytes + at, (end - at) / 2))
                return CS_OK;
        return found(f, at, end - at, CS_ENCODING_UTF16LE, w->len - end < 2);
}

/* ---- blocks ---- */

/* What UTF-8 has beyond the form: no controls, surrogates, overlong forms or noncharacters. */
static uint64_t printable(const struct cs_strings_window *w, size_t base, uint64_t starts)
{
        uint64_t good = starts;
        for (uint64_t left = starts; left; left &= left - 1) {
                size_t at = base + (size_t)__builtin_ctzll(left);
                if (!cs_text_character(w->bytes + at, w->len - at))
                        good &= ~(left & -left);
        }
        return good;
}

/* The bytes of a block that are text. A character may go on in the next block, whose first bytes are `next`. */
static uint64_t text_bits(struct finder *f, size_t base, const struct cs_textmask *m, const uint8_t *next)
{
        uint64_t text = m->plain | f->carry, follow = m->follow;
        f->carry = 0;
        if (!m->beyond)
                return text;
        uint64_t beyond = 0;
        for (unsigned i = 0; i < 3; i++)
                beyond |= (uint64_t)((next[i] & 0xc0) == 0x80) << i;
        uint64_t f1 = follow >> 1 | beyond << 63, f2 = follow >> 2 | beyond << 62,
                 f3 = follow >> 3 | beyond << 61;
        uint64_t two = m->lead2 & f1, three = m->lead3 & f1 & f2, four = m->lead4 & f1 & f2 & f3;
        two = printable(f->w, base, two);
        three = printable(f->w, base, three);
        four = printable(f->w, base, four);
        text |= two | two << 1 | three | three << 1 | three << 2 | four | four << 1 | four << 2 | four << 3;
        f->carry = two >> 63 | three >> 63 | three >> 62 | four >> 63 | four >> 62 | four >> 61;
        return text;
}

/* Where a run of eight begins that lies in one block. */
static uint64_t eight(uint64_t text)
{
        text &= text >> 1;
        text &= text >> 2;
        return text & text >> 4;
}

static enum cs_status take_runs(struct finder *f, size_t base, uint64_t text, bool high)
{
        enum cs_status st = CS_OK;
        uint64_t left = text;
        if (f->run != SIZE_MAX) {
                f->high |= high;
                if (text == UINT64_MAX)
                        return CS_OK;
                size_t lead = (size_t)__builtin_ctzll(~text);
                st = close_run(f, base + lead);
                left &= UINT64_MAX << lead;
        }
        size_t trail = ~left ? (size_t)__builtin_clzll(~left) : BLOCK;
        uint64_t inner = trail == BLOCK ? 0 : trail ? left & UINT64_MAX >> trail : left;
        for (uint64_t starts = eight(inner); st == CS_OK && starts;) {
                size_t from = (size_t)__builtin_ctzll(starts);
                size_t n = (size_t)__builtin_ctzll(~(inner >> from));
                f->run = base + from;
                f->high = high;
                st = close_run(f, base + from + n);
                starts &= from + n < BLOCK ? UINT64_MAX << (from + n) : 0;
        }
        if (trail) {
                f->run = base + BLOCK - trail;
                f->high = high;
        }
        return st;
}

static enum cs_status take_units(struct finder *f, size_t base, uint64_t four)
{
        enum cs_status st = CS_OK;
        while (st == CS_OK && four) {
                size_t at = (size_t)__builtin_ctzll(four);
                st = found_units(f, base + at);
                size_t done = f->wide_done[(base + at) & 1] - base;
                uint64_t same = (at & 1 ? UINT64_C(0xaaaaaaaaaaaaaaaa) : UINT64_C(0x5555555555555555));
                four &= done < BLOCK ? ~(same & ~(UINT64_MAX << done)) : ~same;
        }
        return st;
}

static enum cs_status take_block(struct finder *f, size_t at, const struct cs_textmask *m,
                                 const uint8_t *block)
{
        enum cs_status st = CS_OK;
        if (m->plain == UINT64_MAX && f->run != SIZE_MAX && !f->carry && !m->wide) /* the run goes on */
                return CS_OK;
        uint64_t text = text_bits(f, at, m, block + BLOCK);
        if (text || f->run != SIZE_MAX)
                st = take_runs(f, at, text, m->beyond);
        return st == CS_OK && m->wide ? take_units(f, at, m->wide) : st;
}

enum cs_status cs_strings_find(const struct cs_strings_window *w, cs_textmask_fn masks, cs_string_vec *out,
                               struct cs_error *err)
{
        struct finder f = { .w = w, .out = out, .err = err, .run = SIZE_MAX };
        size_t at = w->own_from > CONTEXT ? w->own_from - CONTEXT : 0;
        /* Units that begin at the end of what the window owns are seen behind it. */
        size_t to = (size_t)w->own_to + (size_t)2 * LEAST;
        enum cs_status st = CS_OK;
        while (st == CS_OK && at < w->len && (at < to || f.run < w->own_to)) {
                struct cs_textmask m[AHEAD];
                uint8_t last[BLOCK + BEHIND] = { 0 };
                const uint8_t *block = w->bytes + at;
                size_t whole = w->len - at >= sizeof(last) ? (w->len - at - BEHIND) / BLOCK : 0;
                size_t n = whole > AHEAD ? (size_t)AHEAD : whole ? whole : 1;
                if (!whole) {
                        memcpy(last, block, w->len - at);
                        block = last;
                }
                masks(block, n, m);
                for (size_t i = 0; st == CS_OK && i < n; i++, at += BLOCK)
                        st = take_block(&f, at, &m[i], block + i * BLOCK);
        }
        return st == CS_OK && f.run < w->own_to ? close_run(&f, w->len) : st;
}

/* ---- single texts ---- */

static size_t more_units(const uint8_t *bytes, size_t len, bool *ended)
{
        size_t n = 0;
        while (len - n >= 2 && cs_textmask_wide(bytes[n], bytes[n + 1]))
                n += 2;
        *ended = len - n >= 2;
        return n;
}

/* Texts of hundreds of megabytes are base64 and the like. */
static size_t plain_run(const uint8_t *bytes, size_t len, cs_textmask_fn masks)
{
        size_t n = 0;
        while (len - n >= (size_t)AHEAD * BLOCK + BEHIND) {
                struct cs_textmask m[AHEAD];
                masks(bytes + n, AHEAD, m);
                for (size_t i = 0; i < AHEAD; i++, n += BLOCK)
                        if (m[i].plain != UINT64_MAX)
                                return n + (size_t)__builtin_ctzll(~m[i].plain);
        }
        while (n < len && plain(bytes[n]))
                n++;
        return n;
}

size_t cs_strings_more(enum cs_encoding *encoding, const uint8_t *bytes, size_t len, cs_textmask_fn masks,
                       bool *ended)
{
        if (*encoding == CS_ENCODING_UTF16LE)
                return more_units(bytes, len, ended);
        size_t ascii = plain_run(bytes, len, masks), n = ascii + cs_text_run(bytes + ascii, len - ascii);
        *ended = n < len && !cs_text_cut(bytes + n, len - n);
        for (int line = 0; line < 2; line++) {
                const uint8_t *end = n > ascii ? memchr(bytes + ascii, line ? '\r' : '\n', n - ascii) : NULL;
                if (end) {
                        n = (size_t)(end - bytes);
                        *ended = true;
                }
        }
        if (!all_ascii(bytes + ascii, n - ascii))
                *encoding = CS_ENCODING_UTF8;
        return n;
}

size_t cs_strings_transcribe(const uint8_t *bytes, size_t len, char *out, size_t room)
{
        size_t n = 0;
        for (size_t i = 0; i + 2 <= len; i += 2) {
                unsigned unit = bytes[i] | (unsigned)bytes[i + 1] << 8;
                size_t takes = unit < 0x80 ? 1 : unit < 0x800 ? 2 : 3;
                if (room - n < takes)
                        break;
                if (takes == 1) {
                        out[n++] = (char)unit;
                        continue;
                }
                if (takes == 3)
                        out[n++] = (char)(0xe0 | unit >> 12);
                out[n++] = (char)(takes == 3 ? 0x80 | (unit >> 6 & 0x3f) : 0xc0 | unit >> 6);
                out[n++] = (char)(0x80 | (unit & 0x3f));
        }
        return n;
}
