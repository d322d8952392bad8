/* SPDX-License-Identifier: Apache-2.0 */
/* What is looked at here, shape.c must keep: a form that is new here belongs there as well. */
#include "cut.h"
#include "mask.h"
#include "template.h"

#include <string.h>

enum {
        HEX_SHORT = 6,    /* of this length, a real mixture (3f2a9b); shorter ones are left to merging */
        EMAIL_LOCAL = 64, /* RFC 5321 */
        CUT_TOKEN = 64,   /* as many bytes of a token that was cut tell its kind */
        LIST_ITEMS = 3,   /* as many like items in a row are a list of any length */
};

struct masker {
        const uint8_t *at;
        const uint8_t *end;
        const uint8_t *begin;
        const uint8_t *mail_from; /* no mail address begins before this place */
        bool has_at;              /* there is a '@' or "%40" at all */
        bool full;
        char *out;
        size_t len;

        /* The list that is under way: masks of one kind with one separator between them. */
        enum cs_mask item;
        size_t items;
        size_t item_len; /* of the last item in the text */
        size_t item_end; /* place in out behind the last item */
        size_t list_end; /* place in out behind what is shown of the list */
        char sep[2];
        size_t sep_len;
};

static void emit(struct masker *m, const void *bytes, size_t len)
{
        if (len > CS_TEMPLATE_BYTES - m->len) {
                m->full = true;
                len = CS_TEMPLATE_BYTES - m->len;
        }
        memcpy(m->out + m->len, bytes, len);
        m->len += len;
}

static void copy(struct masker *m, size_t len)
{
        /* Most parts are short; sixteen bytes are moved faster than a number of bytes that is not known. */
        if (len <= 16 && m->end - m->at >= 16 && CS_TEMPLATE_BYTES - m->len >= 16) {
                memcpy(m->out + m->len, m->at, 16);
                m->len += len;
        } else {
                emit(m, m->at, len);
        }
        m->at += len;
}

static bool list_separator(const char *sep, size_t len)
{
        if (len < 1 || len > 2 || (sep[0] != ',' && sep[0] != ';' && sep[0] != ' ' && sep[0] != '|'))
                return false;
        return len == 1 || sep[1] == ' ';
}

/* Writes a mask for the next `len` bytes of the text. The third and later items of a list (1, 2, 3, 4) become
 * one "...", so that lists of different length are the same. */
static void mask(struct masker *m, enum cs_mask kind, size_t len)
{
        const struct cs_mask_name *name = &cs_mask_names[kind];
        size_t gap = m->len - m->item_end;
        const char *sep = m->out + m->item_end;
        m->at += len;
        if (m->items && kind == m->item && list_separator(sep, gap) &&
            (m->items == 1 || (gap == m->sep_len && memcmp(sep, m->sep, gap) == 0))) {
                m->sep_len = gap;
                memcpy(m->sep, sep, gap);
                m->items++;
        } else {
                m->items = 1;
        }
        m->item = kind;
        m->item_len = len;
        if (m->items < LIST_ITEMS)
                emit(m, name->text, name->len);
        else if (m->items == LIST_ITEMS)
                emit(m, "...", 3);
        else
                m->len = m->list_end;
        m->item_end = m->list_end = m->len;
        if (m->full) /* never half a mask */
                m->len = (size_t)(sep + gap - m->out);
}

static bool is(const uint8_t *at, const uint8_t *end, unsigned classes)
{
        return at < end && (cs_class[*at] & classes);
}

/* Is there a mail address at this start of a word? A local part that was looked through once is not looked
 * through again from a later start. */
static size_t email_length(struct masker *m)
{
        const uint8_t *p = m->at;
        if (p < m->mail_from)
                return 0;
        while (p < m->end && p - m->at < EMAIL_LOCAL && !cs_mask_at_sign(p, m->end) &&
               (is(p, m->end, CS_CLASS_WORD) || *p == '.' || *p == '_' || *p == '-' || *p == '+' ||
                *p == '%'))
                p++;
        size_t sign = cs_mask_at_sign(p, m->end);
        size_t domain = sign && p > m->at ? cs_mask_domain(p + sign, m->end) : 0;
        if (domain)
                return (size_t)(p - m->at) + sign + domain;
        if (p - m->at < EMAIL_LOCAL)
                m->mail_from = p;
        return 0;
}

/* What is to be known of a word to judge it. */
struct word {
        size_t len;
        unsigned seen;  /* classes */
        bool hex;       /* nothing but hex digits, of one case */
        size_t digits;  /* how many */
        size_t changes; /* between letters and digits */
};

static struct word look(const uint8_t *at, const uint8_t *end)
{
        struct word w = { 0 };
        unsigned all = UINT8_MAX, c;
        bool digit = false;
        const uint8_t *p = at;
        for (; p < end && ((c = cs_class[*p]) & CS_CLASS_WORD); p++) {
                bool was = digit;
                digit = c & CS_CLASS_DIGIT;
                w.seen |= c;
                all &= c;
                w.digits += digit;
                w.changes += digit != was;
        }
        w.len = (size_t)(p - at);
        if (w.len && (cs_class[*at] & CS_CLASS_DIGIT)) /* where it begins nothing changes */
                w.changes--;
        w.hex = (all & CS_CLASS_HEX) && !((w.seen & CS_CLASS_LOWER) && (w.seen & CS_CLASS_UPPER));
        return w;
}

/* Behind digits: a fraction, or further parts of a version (.25, .6.1). */
static size_t fraction(const uint8_t *at, const uint8_t *end)
{
        const uint8_t *p = at;
        while (p < end && *p == '.' && is(p + 1, end, CS_CLASS_DIGIT))
                for (p++; is(p, end, CS_CLASS_DIGIT); p++)
                        ;
        return (size_t)(p - at);
}

static size_t digits_at(const uint8_t *at, const uint8_t *end)
{
        const uint8_t *p = at;
        while (is(p, end, CS_CLASS_DIGIT))
                p++;
        return (size_t)(p - at);
}

/* 12e4, 1.5e-7. A short hex string may have this form too; then it merges, as <n> and <hex> are compatible.
 */
static size_t number_length(const uint8_t *at, const uint8_t *end)
{
        const uint8_t *p = at + digits_at(at, end);
        p += fraction(p, end);
        if (p < end && (*p | 0x20) == 'e') {
                const uint8_t *q = p + 1;
                if (q < end && (*q == '+' || *q == '-'))
                        q++;
                size_t n = digits_at(q, end);
                if (n && n <= 3 && !is(q + n, end, CS_CLASS_WORD))
                        p = q + n;
        }
        return (size_t)(p - at);
}

/* Sizes for people choose their unit by their magnitude, so the unit is part of the number: "12 KB",
 * "1.5MiB". */
static size_t unit_length(const uint8_t *at, const uint8_t *end)
{
        const uint8_t *p = at + (is(at, end, CS_CLASS_BLANK) ? 1 : 0);
        if (p < end && (*p == 'K' || *p == 'M' || *p == 'G' || *p == 'T' || *p == 'k')) {
                p++;
                p += p < end && *p == 'i';
        }
        if (p >= end || *p != 'B' || is(p + 1, end, CS_CLASS_WORD))
                return 0;
        return (size_t)(p + 1 - at);
}

/* Letters stay, each group of digits becomes <n>: user123, 15ms, v1.2. At the start and at the end of the
 * word a number may reach beyond it, or have an exponent (12e4). */
static void mask_mixed(struct masker *m, size_t len)
{
        const uint8_t *start = m->at, *stop = m->at + len;
        while (m->at < stop && !m->full) {
                size_t n = digits_at(m->at, stop);
                if (n) {
                        size_t whole = m->at == start ? number_length(m->at, m->end) : 0;
                        size_t unit = unit_length(m->at + n, m->end);
                        if (whole >= len)
                                n = whole;
                        else if (unit && m->at + n + unit >= stop)
                                n += unit;
                        else if (m->at + n == stop)
                                n += fraction(stop, m->end);
                        mask(m, CS_MASK_N, n);
                        continue;
                }
                const uint8_t *p = m->at;
                while (p < stop && !(cs_class[*p] & CS_CLASS_DIGIT))
                        p++;
                copy(m, (size_t)(p - m->at));
        }
}

/* The forms that reach beyond a word; w is the word at the place. Each is tried only where its first word
 * fits. */
static bool mask_form(struct masker *m, const struct word *w)
{
        const uint8_t *at = m->at, *end = m->end, *next = at + w->len;
        uint8_t after = next < end ? *next : 0;
        enum cs_mask kind = CS_MASK_TIME;
        size_t n = 0;

        if (m->has_at && (n = email_length(m)) != 0)
                kind = CS_MASK_EMAIL;
        if (!n && w->digits == w->len && w->len <= 4 && after) {
                bool named = after == ' ' && is(next + 1, end, CS_CLASS_UPPER);
                if (named || after == '-' || after == '/' || after == ':' || after == '%')
                        n = cs_mask_time(at, end);
                if (!n && after == '.' && (n = cs_mask_ip(at, end)) != 0)
                        kind = CS_MASK_IP;
        }
        if (!n && w->len == 8 && after == '-' && (n = cs_mask_uuid(at, end)) != 0)
                kind = CS_MASK_UUID;
        if (!n && w->len <= 4 && after == ':')
                n = cs_mask_colons(at, end, &kind);
        if (!n)
                return false;
        mask(m, kind, n);
        return true;
}

/* 0x and hex digits of either case (some addresses tell by the case whether they are right). */
static bool prefixed_hex(const uint8_t *at, size_t len)
{
        size_t n = 2;
        if (len <= 2 || at[0] != '0' || (at[1] | 0x20) != 'x')
                return false;
        while (n < len && (cs_class[at[n]] & CS_CLASS_HEX))
                n++;
        return n == len;
}

/* A word that may have digits. The place is the start of a word; what is written may reach beyond it. */
static void mask_word(struct masker *m)
{
        const uint8_t *at = m->at, *end = m->end;
        struct word w = look(at, end);

        if (mask_form(m, &w))
                return;
        size_t version = 0;
        if (!w.digits) {
                version = (at[0] | 0x20) == 'h' || (at[0] | 0x20) == 'u' ? cs_mask_known_version(at, end) : 0;
                copy(m, version ? version : w.len);
        } else if (w.digits == w.len) {
                size_t n = number_length(at, end);
                n += unit_length(at + n, end);
                if (n == 3 && at - m->begin >= 15 && memcmp(at - 15, "<?xml version=\"", 15) == 0)
                        copy(m, n);
                else
                        mask(m, w.len > CS_MASK_NUMBER_MAX ? CS_MASK_HEX : CS_MASK_N, n);
        } else if (prefixed_hex(at, w.len)) {
                mask(m, CS_MASK_HEX, w.len);
        } else if (w.hex && (w.len >= CS_MASK_HEX_LONG || (w.len >= HEX_SHORT && w.changes >= 2))) {
                mask(m, CS_MASK_HEX, w.len);
        } else if (w.len >= CS_MASK_TOKEN && cs_mask_random(at, w.len, false)) {
                mask(m, CS_MASK_B64, w.len);
        } else if (w.len == 3 && (version = cs_mask_known_version(at, end)) != 0) {
                copy(m, version);
        } else if (w.len <= 7 && cs_mask_known_name(at, w.len)) {
                copy(m, w.len);
        } else {
                mask_mixed(m, w.len);
        }
}

/* -5, +5 where a sign can stand: not behind a word or a closing bracket (page-5, 3-5). */
static size_t sign_length(const struct masker *m)
{
        const uint8_t *at = m->at;
        if ((*at != '-' && *at != '+') || !is(at + 1, m->end, CS_CLASS_DIGIT))
                return 0;
        if (at == m->begin)
                return 1;
        uint8_t before = at[-1];
        if (*at == '+')
                return before == ' ' || before == ':' || before == '(' || before == ',' ? 1 : 0;
        return is(&before, &before + 1, CS_CLASS_WORD) || before == ')' || before == ']' || before == '-' ? 0
                                                                                                          : 1;
}

/* A run with digits, or with a form: word by word. */
static void mask_run(struct masker *m, const uint8_t *stop)
{
        while (m->at < stop && !m->full) {
                if (!(cs_class[*m->at] & CS_CLASS_WORD)) {
                        if (sign_length(m)) {
                                m->at++; /* the sign is part of the number */
                                mask(m, CS_MASK_N, number_length(m->at, m->end));
                        } else {
                                copy(m, 1);
                        }
                } else {
                        mask_word(m);
                }
        }
}

/* The part of a run up to the next '/', or all of it. */
static size_t segment(const uint8_t *at, const uint8_t *stop)
{
        const uint8_t *slash = memchr(at, '/', (size_t)(stop - at));
        return (size_t)((slash ? slash : stop) - at);
}

static size_t padding(const uint8_t *at, const uint8_t *end)
{
        size_t n = 0;
        while (n < 2 && at + n < end && at[n] == '=')
                n++;
        return n;
}

static void mask_token(struct masker *m, size_t len)
{
        struct word w = look(m->at, m->at + len);
        mask(m, w.len == len && w.hex ? CS_MASK_HEX : CS_MASK_B64, len + padding(m->at + len, m->end));
}

/* How many bytes of a base64url token stand at `at`? */
static size_t url_token(const uint8_t *at, const uint8_t *end)
{
        const uint8_t *p = at;
        while (is(p, end, CS_CLASS_RUN & ~CS_CLASS_HIGH) && *p != '/' && *p != '+')
                p++;
        return (size_t)(p - at);
}

/* Three tokens with dots between them (JSON web tokens, signed cookies): told by the first one, which begins
 * with {" in base64, or by two of them. The third one may be cut by the end of the text, or be absent. */
static bool mask_signed(struct masker *m)
{
        const uint8_t *at = m->at, *parts[3];
        size_t len[3], random = 0;
        for (size_t i = 0; i < 3; i++) {
                parts[i] = at;
                len[i] = url_token(at, m->end);
                at += len[i];
                if (i < 2 && (len[i] < CS_MASK_TOKEN || at == m->end || *at++ != '.'))
                        return false;
                random += len[i] >= CS_MASK_TOKEN && cs_mask_random(parts[i], len[i], false);
        }
        bool json = memcmp(parts[0], "eyJ", 3) == 0;
        if (!json && (random < 2 || len[2] < CS_MASK_TOKEN))
                return false;
        for (size_t i = 0; i < 3 && !m->full; i++) {
                if (i)
                        copy(m, 1);
                if (len[i])
                        mask(m, CS_MASK_B64, len[i]);
        }
        return true;
}

/* A long run of mixed letters: a base64 token has slashes, and a path has tokens between slashes. So a run is
 * first judged as a whole (which a path with words in it does not pass), then each of its segments. */
static void mask_long_run(struct masker *m, const uint8_t *stop)
{
        bool rooted = *m->at == '/';
        size_t all = (size_t)(stop - m->at), pad = padding(stop, m->end);
        if (rooted && (cs_mask_line(all) || (pad && (all + pad) % 4 == 0)) &&
            cs_mask_random(m->at, all, false)) {
                mask_token(m, all);
                return;
        }
        while (m->at < stop && *m->at == '/') /* of a path, rather than of the token */
                copy(m, 1);
        if (stop < m->end && *stop == '.' && mask_signed(m))
                return;
        if (!cs_mask_uuid(m->at, m->end) && !prefixed_hex(m->at, look(m->at, stop).len) &&
            cs_mask_random(m->at, (size_t)(stop - m->at), rooted)) {
                mask_token(m, (size_t)(stop - m->at));
                return;
        }
        while (m->at < stop && !m->full) {
                size_t n = segment(m->at, stop);
                if (n >= CS_MASK_TOKEN && !cs_mask_uuid(m->at, m->end) && !prefixed_hex(m->at, n) &&
                    cs_mask_random(m->at, n, true))
                        mask_token(m, n);
                else
                        mask_run(m, m->at + n);
                if (m->at < stop && *m->at == '/' && !m->full)
                        copy(m, 1);
        }
}

/* A run of letters, digits and joiners. Most are plain words, and those are copied as they are. */
static void take_run(struct masker *m)
{
        const uint8_t *at = m->at, *p = at;
        unsigned seen = 0, all = UINT8_MAX;
        for (unsigned c; p < m->end && ((c = cs_class[*p]) & CS_CLASS_RUN); p++) {
                seen |= c;
                all &= c;
        }
        size_t len = (size_t)(p - at);
        bool mixed = (seen & CS_CLASS_UPPER) && (seen & (CS_CLASS_LOWER | CS_CLASS_DIGIT));
        bool digits = seen & CS_CLASS_DIGIT;

        if (len >= CS_MASK_TOKEN && !(all & CS_CLASS_HEX) && (mixed || (digits && (seen & CS_CLASS_LOWER))))
                mask_long_run(m, p);
        else if (digits || m->has_at)
                mask_run(m, p);
        else if (len == 3 && mixed && (len = cs_mask_named_time(at, m->end)) != 0)
                mask(m, CS_MASK_TIME, len);
        else if (p - at <= 4 && p < m->end && *p == ':')
                mask_run(m, p); /* perhaps a MAC or IPv6 address that begins with letters */
        else
                copy(m, (size_t)(p - at));
}

/* Anything else: runs of one character, blanks (padding has no meaning: two and more are one), escapes.
 */
static void take_other(struct masker *m)
{
        const uint8_t *at = m->at, *p = at + 1;
        if (*at == '%' && m->end - at >= 3 && is(at + 1, m->end, CS_CLASS_HEX) &&
            is(at + 2, m->end, CS_CLASS_HEX)) {
                copy(m, 3);
                return;
        }
        if (*at == '\\' && p < m->end && (*p == 'n' || *p == 'r' || *p == 't')) { /* no part of a token */
                copy(m, 2);
                return;
        }
        if (p < m->end && *p != *at && !(cs_class[*at] & CS_CLASS_BLANK)) {
                copy(m, 1);
                return;
        }
        while (p < m->end && *p == *at)
                p++;
        if (cs_class[*at] & CS_CLASS_BLANK) {
                while (is(p, m->end, CS_CLASS_BLANK))
                        p++;
                emit(m, p - at > 1 ? " " : (const char *)at, 1);
                m->at = p;
        } else if (p - at >= CS_MASK_REPEATS) {
                mask(m, CS_MASK_REP, (size_t)(p - at));
        } else {
                copy(m, (size_t)(p - at));
        }
}

enum { PLAIN_LOWER = 1, PLAIN_UPPER, PLAIN_MARK, PLAIN_JOINT, PLAIN_COLON };

static const uint8_t plain[256] = {
        ['a' ... 'z'] = PLAIN_LOWER, ['A' ... 'Z'] = PLAIN_UPPER, [' '] = PLAIN_MARK,  ['"'] = PLAIN_MARK,
        ['\''] = PLAIN_MARK,         ['{'] = PLAIN_MARK,          ['}'] = PLAIN_MARK,  ['('] = PLAIN_MARK,
        [')'] = PLAIN_MARK,          ['['] = PLAIN_MARK,          [']'] = PLAIN_MARK,  ['='] = PLAIN_MARK,
        ['&'] = PLAIN_MARK,          [','] = PLAIN_MARK,          [';'] = PLAIN_MARK,  ['.'] = PLAIN_MARK,
        ['\r'] = PLAIN_MARK,         ['\n'] = PLAIN_MARK,         ['-'] = PLAIN_JOINT, ['_'] = PLAIN_JOINT,
        [':'] = PLAIN_COLON,
};

/* The short way for what most text is: words in lower case or with one capital, and single marks between
 * them, up to the first run that may be more than that. It decides nothing that the long way would decide
 * otherwise. */
static size_t plain_length(const uint8_t *at, const uint8_t *end)
{
        const uint8_t *word = at, *run = at;
        for (;;) {
                const uint8_t *p = word;
                if (p < end && plain[*p] == PLAIN_UPPER)
                        p++;
                while (p < end && plain[*p] == PLAIN_LOWER)
                        p++;
                size_t n = (size_t)(p - word);
                /* Names of months and days have three letters; tokens and repetitions are long. */
                if (end - p < 2 || plain[*p] < PLAIN_MARK || n >= CS_MASK_TOKEN ||
                    (n == 3 && plain[*word] == PLAIN_UPPER))
                        break;
                if (p[1] == *p || (p > at && p[-1] == *p))
                        break;
                if (plain[*p] == PLAIN_COLON && n && n <= 4)
                        break;
                word = p + 1;
                if (plain[*p] != PLAIN_JOINT)
                        run = word;
                else if (n < 4 || look(word - 1 - n, p).hex) {
                        word -= n + 1;
                        break;
                }
        }
        if (run == word)
                return (size_t)(word - at);
        /* A short run is no token: what was seen of it stays. */
        size_t n = (size_t)(word - run);
        while (n < CS_MASK_TOKEN && is(run + n, end, CS_CLASS_RUN))
                n++;
        return (size_t)((n < CS_MASK_TOKEN ? word : run) - at);
}

static struct masker mask_all(const uint8_t *text, size_t n, char *out)
{
        struct masker m = { .at = text, .begin = text, .mail_from = text, .end = text + n, .out = out };
        if (n)
                m.has_at = memchr(text, '@', n) || (memchr(text, '%', n) && memmem(text, n, "%40", 3));
        while (m.at < m.end && !m.full) {
                size_t easy = m.has_at ? 0 : plain_length(m.at, m.end);
                if (easy)
                        copy(&m, easy);
                const uint8_t *p = m.at;
                if (p == m.end)
                        break;
                if (!(cs_class[*p] & CS_CLASS_RUN)) {
                        take_other(&m);
                        continue;
                }
                /* Runs of one character come in both kinds: ////////, -------, AAAAAAAA, 00000000. */
                if (m.end - p >= CS_MASK_REPEATS && p[1] == *p && p[2] == *p &&
                    p[CS_MASK_REPEATS - 1] == *p) {
                        size_t same = 1;
                        while (p + same < m.end && p[same] == *p)
                                same++;
                        if (same >= CS_MASK_REPEATS) {
                                mask(&m, CS_MASK_REP, same);
                                continue;
                        }
                }
                take_run(&m);
        }
        return m;
}

/* The mask of a token that goes on beyond the end of the text, and of which enough is seen to know its kind. */
static bool ends_in_token(const struct masker *m)
{
        return m->at == m->end && m->item_end == m->len && m->items && m->items < LIST_ITEMS &&
               m->item_len >= CUT_TOKEN &&
               (m->item == CS_MASK_HEX || m->item == CS_MASK_B64 || m->item == CS_MASK_REP);
}

void cs_template_mask(const uint8_t *text, size_t len, struct cs_template *out)
{
        size_t n = len > CS_TEMPLATE_INPUT ? (size_t)CS_TEMPLATE_INPUT : len;
        size_t period = cs_cut_period(text, n);
        struct masker m = mask_all(text, period ? period : n, out->text);
        if (period)
                mask(&m, CS_MASK_REP, n - period);
        out->cut = len > n || m.full;
        out->len = m.len;
        if (out->cut && !period)
                out->len = cs_cut_end(out->text, m.len, ends_in_token(&m) ? cs_mask_names[m.item].len : 0);
}
