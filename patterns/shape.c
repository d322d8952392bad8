/* SPDX-License-Identifier: Apache-2.0 */
/* Each rule here answers to one of mask.c, which it names: where masking looks at more than is kept, the promise is broken. Keeping
 * more than is looked at is always right. */
#include "shape.h"

#include "mask.h"
#include "textmask.h"

#include <string.h>

enum {
        PIECE = 16,        /* bytes that are moved at once */
        PAD = 80,          /* bytes behind a text that may be read: zeros */
        NAME_LONG = 7,     /* known names are no longer */
        NUMBER_EXACT = 10, /* more digits than any form tells apart: nine of a fraction of a second */
};

/* What stands for characters that masking does not tell apart: bytes that are in no text. */
enum { MARK_DIGIT = 0xf8, MARK_HIGH_DIGIT, MARK_HEX };

enum { WORDS = CS_TEMPLATE_INPUT / 64 + 1 }; /* of 64 bits, and one that says that nothing follows */

/* Bit i says something of byte i. */
struct sets {
        uint64_t run[WORDS];
        uint64_t digit[WORDS];
};

struct shaper {
        const uint8_t *text; /* with PAD zeros behind it */
        bool lengths;        /* are kept: the text was cut, and its length tells where */
        uint8_t *out;
};

static void put(struct shaper *s, const uint8_t *from, size_t len)
{
        uint8_t *to = s->out;
        s->out += len;
        for (size_t done = 0; done < len;
             done += PIECE) /* what lies behind it is written later, and there is room */
                memcpy(to + done, from + done, PIECE);
}

static void put_marks(struct shaper *s, uint8_t mark, size_t len)
{
        uint8_t *to = s->out;
        s->out += len;
        for (size_t done = 0; done < len; done += PIECE)
                memset(to + done, mark, PIECE);
}

static uint8_t before(const struct shaper *s, size_t at, size_t distance)
{
        return at >= distance ? s->text[at - distance] : 0;
}

static bool follows(const struct shaper *s, size_t at, const char *what, size_t len)
{
        return at >= len && memcmp(s->text + at - len, what, len) == 0;
}

/* ---- numbers ---- */

/* The version of XML stays as it is (mask_word): the number before its point, and the one behind. */
static inline bool in_xml(const struct shaper *s, size_t at)
{
        if (before(s, at, 1) == '.' && (cs_class[before(s, at, 2)] & CS_CLASS_DIGIT))
                at -= 2;
        return before(s, at, 1) == '"' && follows(s, at, "<?xml version=\"", 15);
}

/* Versions that belong to a name do, too (cs_mask_known_version). */
static inline bool names_version(const struct shaper *s, size_t at, size_t len)
{
        switch (before(s, at, 1)) {
        case '"':
                return in_xml(s, at);
        case '.':
                return in_xml(s, at) || (len == 1 && (cs_class[before(s, at, 2)] & CS_CLASS_DIGIT) &&
                                         follows(s, at - 2, "HTTP/", 5));
        case '/':
                return len == 1 && follows(s, at, "HTTP/", 5);
        case '-':
                return len == 1 && (follows(s, at, "utf-", 4) || follows(s, at, "UTF-", 4));
        case '_':
                return len == 2 && follows(s, at, "x86_", 4);
        default:
                return false;
        }
}

/* May a number that stands alone be a part of an address or of a time (mask_form, cs_mask_named_time)? Then its length counts. */
static bool in_form(const struct shaper *s, size_t at, size_t len)
{
        uint8_t next = s->text[at + len], after = next ? s->text[at + len + 1] : 0;
        if (next == '.' || next == ':' || next == '%' || (next == ' ' && (cs_class[after] & CS_CLASS_UPPER)))
                return true;
        uint8_t second = before(s, at, 2);
        unsigned class = cs_class[second];
        switch (before(s, at, 1)) {
        case '.':
        case '%':
                return true;
        case ':':
                return second == ':' || (class & CS_CLASS_HEX);
        case ',': /* a fraction of a second */
                return class & CS_CLASS_DIGIT;
        case ' ':
        case '\t': /* a day, a year, behind the name of a month or day; or a time behind a date */
                if (class & (CS_CLASS_LOWER | CS_CLASS_UPPER))
                        return cs_class[before(s, at, 4)] & CS_CLASS_UPPER;
                return second == ' ' || second == ',' || (class & CS_CLASS_DIGIT);
        default:
                return false;
        }
}

/* Does it matter for cs_mask_ip() whether these three digits are more than 255? */
static bool too_much(const struct shaper *s, size_t at)
{
        const uint8_t *t = s->text + at;
        return (t[3] == '.' || before(s, at, 1) == '.') && memcmp(t, "255", 3) > 0;
}

static void put_number(struct shaper *s, size_t at, size_t len)
{
        put_marks(s, len == 3 && too_much(s, at) ? MARK_HIGH_DIGIT : MARK_DIGIT, len);
}

static size_t number_kept(size_t len)
{
        if (len <= NUMBER_EXACT)
                return len;
        return len > CS_MASK_NUMBER_MAX ? CS_MASK_NUMBER_MAX + 1
               : len >= CS_MASK_TOKEN   ? CS_MASK_TOKEN
                                        : NUMBER_EXACT + 1;
}

static void take_number(struct shaper *s, size_t at, size_t len, bool escaped)
{
        if (names_version(s, at, len))
                put(s, s->text + at, len);
        else if (s->lengths)
                put_number(s, at, len);
        else if (escaped || in_form(s, at, len))
                put_number(s, at, number_kept(len));
        else
                put_marks(s, MARK_DIGIT, len > CS_MASK_NUMBER_MAX ? CS_MASK_NUMBER_MAX + 1 : 1);
}

/* ---- words ---- */

/* A word: where it ends, and the classes that are in it, and in all of it. */
struct word {
        size_t len;
        unsigned seen;
        unsigned all;
};

static inline struct word word_at(const uint8_t *at, size_t most)
{
        const uint8_t *p = at, *end = at + most;
        unsigned seen = 0, all = UINT8_MAX;
        for (unsigned c; p < end && ((c = cs_class[*p]) & CS_CLASS_WORD); p++) {
                seen |= c;
                all &= c;
        }
        return (struct word){ (size_t)(p - at), seen, all };
}

static bool both_cases(unsigned seen)
{
        return (seen & CS_CLASS_LOWER) && (seen & CS_CLASS_UPPER);
}

/* Digits and letters of one case, of which there are both: it is <hex> whatever they are (mask_word). */
static bool certain_hex(const struct word *w)
{
        return w->len >= CS_MASK_HEX_LONG && (w->all & CS_CLASS_HEX) && !both_cases(w->seen);
}

/* May something before a word take its first digits with it: a time, a fraction, a sign (sign_length)? */
static bool apart(const struct shaper *s, size_t at)
{
        uint8_t prev = before(s, at, 1), second = before(s, at, 2);
        switch (prev) {
        case '.':
        case ',':
        case ':':
                return false;
        case '-':
        case '+':
                return cs_class[second] & CS_CLASS_WORD;
        case ' ':
                return !(cs_class[before(s, at, 4)] & CS_CLASS_UPPER);
        default:
                return true;
        }
}

static bool prefixed(const uint8_t *at, size_t len)
{
        return len > 2 && at[0] == '0' && (at[1] | 0x20) == 'x' &&
               (word_at(at + 2, len - 2).all & CS_CLASS_HEX);
}

/* Letters stay, as do those digits that masking knows: of names, and the 0 of 0x. All of the word stays if it has a name in it. */
static void put_mixed(struct shaper *s, size_t at, size_t len)
{
        const uint8_t *word = s->text + at;
        uint8_t *to = s->out;
        size_t lead = 0;
        put(s, word, len);
        while (lead < len &&
               (cs_class[word[lead]] & CS_CLASS_DIGIT)) /* they may go with something before them */
                lead++;
        if ((len <= NAME_LONG && cs_mask_known_name(word, len)) ||
            (lead && len - lead <= NAME_LONG && cs_mask_known_name(word + lead, len - lead)) ||
            (lead && in_xml(s, at)))
                return;
        for (size_t i = len > 1 && word[0] == '0' && (word[1] | 0x20) == 'x' ? 2 : 0; i < len; i++)
                if (cs_class[to[i]] & CS_CLASS_DIGIT)
                        to[i] = MARK_DIGIT;
}

/* A run that is one word: nothing around it but what ends a run, so that its length tells nothing. */
static void take_word(struct shaper *s, size_t at, const struct word *w, bool escaped)
{
        const uint8_t *word = s->text + at;
        if (escaped || !apart(s, at) || word[w->len] == '.') { /* mask_signed judges what is between dots */
                put_mixed(s, at, w->len);
        } else if (certain_hex(w)) {
                put_marks(s, MARK_HEX, s->lengths ? w->len : CS_MASK_HEX_LONG);
        } else if (prefixed(word, w->len)) {
                put(s, word, 2);
                put_marks(s, MARK_HEX, s->lengths ? w->len - 2 : 1);
        } else {
                put_mixed(s, at, w->len);
        }
}

/* ---- runs ---- */

static bool parted(const uint8_t *from, const uint8_t *to)
{
        for (; from < to; from++)
                if (*from == '/' || *from == '+')
                        return true;
        return false;
}

/* A run and a word in it. */
struct part {
        size_t run;
        size_t end;
        size_t at;
        struct word word;
};

/* Can a word not be a part of something random whatever its letters are? The letters of the run are of one case, with joiners between
 * them (cs_mask_random); it is none of three tokens with dots between them, which have no slashes (mask_signed); and no token that takes
 * what fills it up with it (mask_token). */
static bool sure(const struct shaper *s, const struct part *p)
{
        const uint8_t *t = s->text;
        size_t run = p->run, behind = p->at + p->word.len;
        unsigned seen = 0;
        for (size_t i = run; i < p->end; i++)
                seen |= cs_class[t[i]];
        if (both_cases(seen) || (seen & CS_CLASS_HIGH))
                return false;
        while (run < p->at && t[run] == '/')
                run++;
        bool dots = before(s, p->run, 1) == '.' || t[p->end] == '.';
        return !(dots && !parted(t + run, t + p->at)) &&
               !(t[p->end] == '=' && !parted(t + behind, t + p->end));
}

/* A word of a run with joiners; returns what was taken. Lengths stay, for that of the run counts. */
static size_t take_part(struct shaper *s, const struct part *p)
{
        const uint8_t *word = s->text + p->at;
        const struct word *w = &p->word;
        bool digits = w->seen & CS_CLASS_DIGIT,
             letters = w->seen & (CS_CLASS_WORD & ~(unsigned)CS_CLASS_DIGIT);
        bool uuid = w->len == CS_MASK_HEX_LONG && word[CS_MASK_HEX_LONG] == '-' &&
                    cs_mask_uuid(word, s->text + p->end);
        bool hex = digits && letters && (certain_hex(w) || prefixed(word, w->len));
        if ((uuid || hex) && apart(s, p->at) && sure(s, p)) {
                size_t kept = !uuid && !certain_hex(w) ? 2 : 0, len = uuid ? CS_MASK_UUID_BYTES : w->len;
                put(s, word, kept);
                put_marks(s, MARK_HEX, len - kept);
                return len;
        }
        if (!digits || (!letters && names_version(s, p->at, w->len)))
                put(s, word, w->len);
        else if (!letters)
                put_number(s, p->at, w->len);
        else
                put_mixed(s, p->at, w->len);
        return w->len;
}

static void take_parts(struct shaper *s, struct part p)
{
        const uint8_t *t = s->text;
        while (p.at < p.end) {
                if (p.word.len)
                        p.at += take_part(s, &p);
                for (; p.at < p.end && (cs_class[t[p.at]] & CS_CLASS_JOINER); p.at++)
                        *s->out++ = t[p.at];
                p.word = word_at(t + p.at, p.end - p.at);
        }
}

/* Is there one character as often in a row as makes it <rep>? */
static bool repeats(const uint8_t *at, size_t len)
{
        /* So many in a row cover two places next to each other at each half of them. */
        for (size_t i = CS_MASK_REPEATS / 2; i < len; i += CS_MASK_REPEATS / 2) {
                if (at[i] != at[i - 1])
                        continue;
                size_t from = i - 1, to = i + 1;
                while (from > 0 && at[from - 1] == at[i])
                        from--;
                while (to < len && at[to] == at[i])
                        to++;
                if (to - from >= CS_MASK_REPEATS)
                        return true;
        }
        return false;
}

/* A run that has a digit in it; false: it is perhaps one repeated character. */
static bool take_run(struct shaper *s, size_t at, size_t end, bool digits)
{
        const uint8_t *t = s->text;
        bool escaped = false;
        uint8_t prev = before(s, at, 1), second = before(s, at, 2);
        if (prev == '%' && t[at] == '4' && t[at + 1] == '0') /* an '@', which changes how all is read */
                return false;
        if (prev == '%' && second != '%' && end - at >= 2 &&
            (cs_class[t[at]] & cs_class[t[at + 1]] & CS_CLASS_HEX)) {
                put(s, t + at, 2);
                at += 2;
                escaped = true;
                if (at == end)
                        return true;
        } else if (prev == '\\' && second != '\\' &&
                   (t[at] == 'n' || t[at] == 'r' || t[at] == 't')) { /* no part of the word (take_other) */
                put(s, t + at, 1);
                at++;
                escaped = true;
        }
        if (repeats(t + at, end - at))
                return false;
        if (digits) {
                take_number(s, at, end - at, escaped);
                return true;
        }
        struct word w = word_at(t + at, end - at);
        if (w.len < end - at)
                take_parts(s, (struct part){ at, end, at, w });
        else if (!(w.seen & ~(unsigned)(CS_CLASS_DIGIT | CS_CLASS_HEX)))
                take_number(s, at, end - at, escaped);
        else if (w.seen & CS_CLASS_DIGIT)
                take_word(s, at, &w, escaped);
        else
                put(s, t + at, end - at);
        return true;
}

/* ---- texts ---- */

/* False: there is an '@'. Behind the text there are zeros, so the last bits say where it ends. */
static bool look_at_all(const uint8_t *text, size_t n, struct sets *sets)
{
        cs_runmask_fn look = cs_runmask_best();
        bool sign = false;
        for (size_t word = 0; word <= n / 64; word++) {
                struct cs_runmask m;
                look(text + word * 64, &m);
                sets->run[word] = m.run;
                sets->digit[word] = m.digit;
                sign |= m.sign;
        }
        return !sign;
}

/* The first place from `from` on, before n, where a bit is as `flip` has it: 0: set, all ones: clear. */
static inline size_t next_bit(const uint64_t *bits, size_t from, size_t n, uint64_t flip)
{
        uint64_t here = (bits[from / 64] ^ flip) >> from % 64;
        if (here)
                return from + (size_t)__builtin_ctzll(here);
        for (size_t word = from / 64 + 1; word <= n / 64; word++)
                if (bits[word] ^ flip)
                        return word * 64 + (size_t)__builtin_ctzll(bits[word] ^ flip);
        return n;
}

/* Where the bits begin that are set without a gap up to `at`, where one is. */
static inline size_t first_bit(const uint64_t *bits, size_t at)
{
        size_t word = at / 64;
        uint64_t clear = ~bits[word] << (63 - at % 64);
        if (clear)
                return at + 1 - (size_t)__builtin_clzll(clear);
        while (word-- > 0)
                if (~bits[word])
                        return word * 64 + 64 - (size_t)__builtin_clzll(~bits[word]);
        return 0;
}

/* With zeros behind it. Most texts are short, and a copy of a length that is not known costs more than the rest. */
static void copy_text(uint8_t *to, const uint8_t *text, size_t n)
{
        if (n >= PIECE) {
                for (size_t at = 0; at + PIECE <= n; at += PIECE)
                        memcpy(to + at, text + at, PIECE);
                memcpy(to + n - PIECE, text + n - PIECE, PIECE);
        } else {
                for (size_t at = 0; at < n; at++)
                        to[at] = text[at];
        }
        memset(to + n, 0, PAD);
}

bool cs_shape_of(const uint8_t *text, size_t len, struct cs_shape *out)
{
        uint8_t copy[CS_TEMPLATE_INPUT + PAD];
        struct sets sets;
        size_t n = len > CS_TEMPLATE_INPUT ? (size_t)CS_TEMPLATE_INPUT : len;
        copy_text(copy, text, n);
        if (!look_at_all(copy, n, &sets))
                return false;
        struct shaper s = { .text = copy, .lengths = len > n, .out = out->bytes };
        size_t done = 0;
        for (size_t at; (at = next_bit(sets.digit, done, n, 0)) < n;) {
                size_t from = first_bit(sets.run, at), end = next_bit(sets.run, at, n, UINT64_MAX);
                put(&s, copy + done, from - done);
                if (!take_run(&s, from, end, next_bit(sets.digit, from, n, UINT64_MAX) >= end))
                        return false;
                done = end;
        }
        put(&s, copy + done, n - done);
        out->len = (size_t)(s.out - out->bytes);
        out->cut = len > n;
        return true;
}
