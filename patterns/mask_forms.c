/* SPDX-License-Identifier: Apache-2.0 */
#include "mask.h"

#include <string.h>

const uint8_t cs_class[256] = {
        ['0' ... '9'] = CS_CLASS_DIGIT | CS_CLASS_HEX,
        ['a' ... 'f'] = CS_CLASS_LOWER | CS_CLASS_HEX,
        ['g' ... 'z'] = CS_CLASS_LOWER,
        ['A' ... 'F'] = CS_CLASS_UPPER | CS_CLASS_HEX,
        ['G' ... 'Z'] = CS_CLASS_UPPER,
        ['_'] = CS_CLASS_JOINER,
        ['-'] = CS_CLASS_JOINER,
        ['+'] = CS_CLASS_JOINER,
        ['/'] = CS_CLASS_JOINER,
        [' '] = CS_CLASS_BLANK,
        ['\t'] = CS_CLASS_BLANK,
        [0x80 ... 0xff] = CS_CLASS_HIGH,
};

const struct cs_mask_name cs_mask_names[CS_MASKS] = {
        [CS_MASK_N] = { "<n>", 3 },       [CS_MASK_HEX] = { "<hex>", 5 },     [CS_MASK_B64] = { "<b64>", 5 },
        [CS_MASK_UUID] = { "<uuid>", 6 }, [CS_MASK_IP] = { "<ip>", 4 },       [CS_MASK_MAC] = { "<mac>", 5 },
        [CS_MASK_TIME] = { "<time>", 6 }, [CS_MASK_EMAIL] = { "<email>", 7 }, [CS_MASK_REP] = { "<rep>", 5 },
};

size_t cs_mask_length(const char *at, size_t left, enum cs_mask *kind)
{
        if (left < 3 || at[0] != '<')
                return 0;
        for (unsigned k = 0; k < CS_MASKS; k++) {
                const struct cs_mask_name *m = &cs_mask_names[k];
                if (m->len <= left && memcmp(at, m->text, m->len) == 0) {
                        *kind = (enum cs_mask)k;
                        return m->len;
                }
        }
        return 0;
}

/* How many bytes of a class stand at `at`, looking at no more than `most`. */
static size_t span(const uint8_t *at, const uint8_t *end, unsigned classes, size_t most)
{
        size_t n = 0;
        while (n < most && at + n < end && (cs_class[at[n]] & classes))
                n++;
        return n;
}

static size_t digits(const uint8_t *at, const uint8_t *end, size_t most)
{
        return span(at, end, CS_CLASS_DIGIT, most);
}

static bool word_at(const uint8_t *at, const uint8_t *end)
{
        return at < end && (cs_class[*at] & CS_CLASS_WORD);
}

static bool byte_at(const uint8_t *at, const uint8_t *end, uint8_t byte)
{
        return at < end && *at == byte;
}

size_t cs_mask_ip(const uint8_t *at, const uint8_t *end)
{
        const uint8_t *p = at;
        for (int part = 0; part < 4; part++) {
                size_t n = digits(p, end, 4);
                if (n < 1 || n > 3 ||
                    (n == 3 && (p[0] > '2' || (p[0] == '2' && (p[1] > '5' || (p[1] == '5' && p[2] > '5'))))))
                        return 0;
                p += n;
                if (part < 3 && !byte_at(p++, end, '.'))
                        return 0;
        }
        if (word_at(p, end) || (byte_at(p, end, '.') && digits(p + 1, end, 1)))
                return 0;
        return (size_t)(p - at);
}

size_t cs_mask_uuid(const uint8_t *at, const uint8_t *end)
{
        static const uint8_t parts[] = { 8, 4, 4, 4, 12 };
        const uint8_t *p = at;
        if (end - at < 36 || at[8] != '-')
                return 0;
        for (size_t i = 0; i < 5; i++) {
                if (span(p, end, CS_CLASS_HEX, parts[i]) != parts[i])
                        return 0;
                p += parts[i];
                if (i < 4 && !byte_at(p++, end, '-'))
                        return 0;
        }
        return word_at(p, end) ? 0 : 36;
}

/* MAC: six pairs. IPv6: groups of up to four with "::" among them, or eight of them. */
size_t cs_mask_colons(const uint8_t *at, const uint8_t *end, enum cs_mask *kind)
{
        const uint8_t *p = at;
        unsigned groups = 0, pairs = 0, doubles = 0;
        for (;;) {
                size_t n = span(p, end, CS_CLASS_HEX, 5);
                if (n > 4)
                        return 0;
                if (n == 0)
                        break;
                pairs += n == 2;
                groups++;
                p += n;
                if (groups > 8 || word_at(p, end))
                        return 0;
                if (!byte_at(p, end, ':'))
                        break;
                if (byte_at(p + 1, end, ':')) {
                        doubles++;
                        p += 2;
                } else if (p + 1 < end && (cs_class[p[1]] & CS_CLASS_HEX)) {
                        p++;
                } else {
                        break;
                }
        }
        if (groups == 6 && pairs == 6 && !doubles)
                *kind = CS_MASK_MAC;
        else if (groups >= 2 && groups + doubles >= 3 && (doubles == 1 || (groups == 8 && !doubles)))
                *kind = CS_MASK_IP;
        else
                return 0;
        return (size_t)(p - at);
}

/* Three letters, in their usual case, as one number. */
#define NAME3(a, b, c) ((uint32_t)(a) << 16 | (uint32_t)(b) << 8 | (uint32_t)(c))

static bool name_in(const uint8_t *at, const uint8_t *end, const uint32_t *names, size_t n)
{
        if (end - at < 3 || !(cs_class[at[0]] & CS_CLASS_UPPER) || word_at(at + 3, end))
                return false;
        uint32_t name = NAME3(at[0], at[1], at[2]);
        for (size_t i = 0; i < n; i++)
                if (names[i] == name)
                        return true;
        return false;
}

static bool month_at(const uint8_t *at, const uint8_t *end)
{
        static const uint32_t names[] = {
                NAME3('J', 'a', 'n'), NAME3('F', 'e', 'b'), NAME3('M', 'a', 'r'), NAME3('A', 'p', 'r'),
                NAME3('M', 'a', 'y'), NAME3('J', 'u', 'n'), NAME3('J', 'u', 'l'), NAME3('A', 'u', 'g'),
                NAME3('S', 'e', 'p'), NAME3('O', 'c', 't'), NAME3('N', 'o', 'v'), NAME3('D', 'e', 'c'),
        };
        return name_in(at, end, names, sizeof(names) / sizeof(names[0]));
}

static bool day_at(const uint8_t *at, const uint8_t *end)
{
        static const uint32_t names[] = {
                NAME3('M', 'o', 'n'), NAME3('T', 'u', 'e'), NAME3('W', 'e', 'd'), NAME3('T', 'h', 'u'),
                NAME3('F', 'r', 'i'), NAME3('S', 'a', 't'), NAME3('S', 'u', 'n'),
        };
        return name_in(at, end, names, sizeof(names) / sizeof(names[0]));
}

/* The three characters that a URL makes of a colon. */
static size_t colon(const uint8_t *at, const uint8_t *end)
{
        if (byte_at(at, end, ':'))
                return 1;
        return end - at >= 3 && at[0] == '%' && at[1] == '3' && (at[2] | 0x20) == 'a' ? 3 : 0;
}

/* A zone behind a time: Z, +02:00, -0700, " GMT", " +0200". */
static const uint8_t *skip_zone(const uint8_t *p, const uint8_t *end)
{
        if (byte_at(p, end, 'Z') && !word_at(p + 1, end))
                return p + 1;
        const uint8_t *q = p + (byte_at(p, end, ' ') ? 1 : 0);
        if (q > p && end - q >= 3 && (memcmp(q, "GMT", 3) == 0 || memcmp(q, "UTC", 3) == 0) &&
            !word_at(q + 3, end))
                return q + 3;
        if (q >= end || (*q != '+' && *q != '-') || digits(q + 1, end, 2) != 2)
                return p;
        q += 3;
        q += colon(q, end) && digits(q + colon(q, end), end, 2) == 2 ? colon(q, end) : 0;
        return digits(q, end, 3) == 2 && !word_at(q + 2, end) ? q + 2 : p;
}

/* The form h:mm:ss, with a fraction and a zone; dots between them only where a date stands before. The
 * numbers are not judged: else one place in one text would be a time only by chance. */
static const uint8_t *clock_end(const uint8_t *p, const uint8_t *end, bool dated)
{
        size_t n = digits(p, end, 3);
        if (n < 1 || n > 2)
                return NULL;
        p += n;
        for (int part = 0; part < 2; part++) {
                size_t sep = colon(p, end);
                if (!sep && dated && byte_at(p, end, '.'))
                        sep = 1;
                if (!sep || digits(p + sep, end, 3) != 2)
                        return dated && part == 1 ? skip_zone(p, end) : NULL;
                p += sep + 2;
        }
        if (p < end && (*p == '.' || *p == ',') && digits(p + 1, end, 1))
                p += 1 + digits(p + 1, end, 9);
        p = skip_zone(p, end);
        /* Nine digits at most, and no more pairs: else it is something else. */
        return digits(p, end, 1) || (byte_at(p, end, ':') && p + 1 < end && (cs_class[p[1]] & CS_CLASS_HEX))
                       ? NULL
                       : p;
}

/* 2005-06-03, 2017/06/09, 17/06/09, 03/06/2005, 10/Oct/2000 */
static const uint8_t *date_end(const uint8_t *p, const uint8_t *end)
{
        size_t n = digits(p, end, 5);
        if (n != 4 && n != 2 && n != 1)
                return NULL;
        p += n;
        if (p >= end || (*p != '-' && *p != '/'))
                return NULL;
        uint8_t sep = *p++;
        bool named = month_at(p, end);
        size_t m = named ? 3 : digits(p, end, 3);
        if (m != 2 && !named)
                return NULL;
        p += m;
        if (!byte_at(p++, end, sep))
                return NULL;
        size_t d = digits(p, end, 5);
        bool shaped = n == 4 ? d == 2 || d == 1 : d == 4 || (d == 2 && n == 2 && sep == '/');
        p += d;
        return shaped && (!word_at(p, end) || byte_at(p, end, 'T')) ? p : NULL;
}

size_t cs_mask_time(const uint8_t *at, const uint8_t *end)
{
        const uint8_t *date = date_end(at, end);
        if (date) {
                const uint8_t *clock = NULL;
                if (date < end && (*date == ' ' || *date == 'T' || *date == '-' || *date == ':' ||
                                   *date == '_' || *date == '+'))
                        clock = clock_end(date + 1, end, true);
                if (!clock && byte_at(date, end, 'T'))
                        return 0;
                return (size_t)((clock ? clock : date) - at);
        }
        const uint8_t *clock = clock_end(at, end, false);
        if (clock)
                return word_at(clock, end) ? 0 : (size_t)(clock - at);
        /* 15 Nov 1994 08:12:31 GMT */
        size_t n = digits(at, end, 3);
        const uint8_t *p = at + n;
        if (n > 2 || !(byte_at(p, end, ' ') || byte_at(p, end, '-')) || !month_at(p + 1, end))
                return 0;
        p += 4;
        if (p < end && (*p == ' ' || *p == '-') && digits(p + 1, end, 5) == 4)
                p += 5;
        if (byte_at(p, end, ' ') && (clock = clock_end(p + 1, end, true)))
                p = clock;
        return (size_t)(p - at);
}

/* Sun Dec 04 04:47:44 2005 · Dec  4 04:47:44 · Tue, 15 Nov 1994 08:12:31 GMT */
size_t cs_mask_named_time(const uint8_t *at, const uint8_t *end)
{
        const uint8_t *p = at;
        if (day_at(p, end)) {
                p += 3 + (byte_at(p + 3, end, ',') ? 1 : 0);
                if (!byte_at(p++, end, ' '))
                        return 0;
                if (p < end && (cs_class[*p] & CS_CLASS_DIGIT)) {
                        size_t n = cs_mask_time(p, end);
                        return n ? (size_t)(p - at) + n : 0;
                }
        }
        if (!month_at(p, end) || !byte_at(p + 3, end, ' '))
                return 0;
        p += 4 + (byte_at(p + 4, end, ' ') ? 1 : 0);
        size_t n = digits(p, end, 3);
        if (n < 1 || n > 2 || word_at(p + n, end))
                return 0;
        p += n;
        const uint8_t *clock = byte_at(p, end, ' ') ? clock_end(p + 1, end, true) : NULL;
        if (clock) {
                p = clock;
                if (byte_at(p, end, ' ') && digits(p + 1, end, 5) == 4 && !word_at(p + 5, end))
                        p += 5;
        }
        return (size_t)(p - at);
}

/* Which letters often follow a letter (bit 0: a) in words: the 210 most frequent pairs of the distinct words
 * in the sources of Python's library and C headers. They are 85 % of the pairs in words, and 31 % of those in
 * random letters. */
static const uint32_t follows[26] = {
        0x13eb94e, 0x0104911, 0x01e4d91, 0x0064939, 0x0eeb97d, 0x0024931, 0x0060911, 0x0004111, 0x22ef87f,
        0x0000000, 0x0000010, 0x11c491d, 0x004c111, 0x03c617d, 0x07ef96e, 0x00ec911, 0x0100000, 0x10e791d,
        0x01cc9b5, 0x11ed9bd, 0x00eb912, 0x0000111, 0x0000101, 0x0080010, 0x0008000, 0x0000010,
};

/* Do most pairs of letters stand in words? Case is ignored. */
static bool speaks(const uint8_t *at, size_t len)
{
        size_t pairs = 0, usual = 0;
        for (size_t i = 1; i < len; i++) {
                unsigned a = (at[i - 1] | 0x20u) - 'a', b = (at[i] | 0x20u) - 'a';
                if (a < 26 && b < 26) {
                        pairs++;
                        usual += follows[a] >> b & 1;
                }
        }
        return usual * 100 > pairs * 58;
}

bool cs_mask_wordlike(const uint8_t *at, size_t len, size_t least)
{
        for (size_t i = 0; i < len; i++)
                if (!(cs_class[at[i]] & CS_CLASS_LOWER) &&
                    !(i == 0 && len > 3 && (cs_class[at[i]] & CS_CLASS_UPPER)))
                        return false;
        return len >= least && speaks(at, len);
}

/* Random tokens of 62 or 64 characters are told from names (GetUserById2, NettyBlockTransferService) by many
 * changes between digits and letters of either case (a piece is 2.3 characters long on the average), or by
 * pairs of letters that words do not have. What is missed falls to merging. */
bool cs_mask_random(const uint8_t *at, size_t len, bool path)
{
        size_t pieces = 0, groups = 0, plain = 0, segment = 0;
        unsigned prev = 0, seen = 0;
        for (size_t i = 0; i < len; i++) {
                unsigned c = cs_class[at[i]] & (CS_CLASS_LOWER | CS_CLASS_UPPER | CS_CLASS_DIGIT);
                if (!c && (cs_class[at[i]] & CS_CLASS_HIGH))
                        return false;
                if (at[i] == '/') {
                        /* Behind much that is random a short word is likely random as well. */
                        if (cs_mask_wordlike(at + segment, i - segment,
                                             path                          ? 3
                                             : plain - (i - segment) >= 12 ? 6
                                                                           : 4))
                                return false;
                        segment = i + 1;
                }
                seen |= c;
                plain += c != 0;
                pieces += c != prev && c && !(prev == CS_CLASS_UPPER && c == CS_CLASS_LOWER);
                groups += c == CS_CLASS_DIGIT && prev != CS_CLASS_DIGIT;
                prev = c;
        }
        if (plain < 16)
                return false;
        if (!(seen & CS_CLASS_LOWER) ||
            !(seen & CS_CLASS_UPPER)) /* base36, base32: as many groups of digits */
                return plain == len && groups * 6 >= len;
        if (plain + 1 + len / 6 < len) /* words-with-hyphens */
                return false;
        if (segment && cs_mask_wordlike(at + segment, len - segment, path ? 3 : 6))
                return false;
        return (groups >= 3 && pieces * 3 >= len) || (pieces * 5 >= len && !speaks(at, len));
}
