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
        /* Their first letters tell them apart. */
        static const uint8_t begins[256] = {
                ['n'] = CS_MASK_N + 1,    ['h'] = CS_MASK_HEX + 1,   ['b'] = CS_MASK_B64 + 1,
                ['u'] = CS_MASK_UUID + 1, ['i'] = CS_MASK_IP + 1,    ['m'] = CS_MASK_MAC + 1,
                ['t'] = CS_MASK_TIME + 1, ['e'] = CS_MASK_EMAIL + 1, ['r'] = CS_MASK_REP + 1,
        };
        if (left < 3 || at[0] != '<')
                return 0;
        unsigned number = begins[(uint8_t)at[1]];
        if (!number)
                return 0;
        const struct cs_mask_name *m = &cs_mask_names[number - 1];
        if (m->len > left || memcmp(at, m->text, m->len) != 0)
                return 0;
        *kind = (enum cs_mask)(number - 1);
        return m->len;
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
        if (end - at < CS_MASK_UUID_BYTES || at[8] != '-')
                return 0;
        for (size_t i = 0; i < 5; i++) {
                if (span(p, end, CS_CLASS_HEX, parts[i]) != parts[i])
                        return 0;
                p += parts[i];
                if (i < 4 && !byte_at(p++, end, '-'))
                        return 0;
        }
        return word_at(p, end) ? 0 : CS_MASK_UUID_BYTES;
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

/* Names that have digits and are names all the same; taking them for variable would only make templates hard
 * to read. */
bool cs_mask_known_name(const uint8_t *word, size_t len)
{
        /* By length. */
        static const char names[][8] = {
                "S3",     "s3",     "md5",     "MD5",     "mp3",    "mp4",    "x86",    "X11",    "EC2",
                "ec2",    "K8s",    "k8s",     "UTF8",    "utf8",   "SHA1",   "sha1",   "IPv4",   "IPv6",
                "ipv4",   "ipv6",   "ssh2",    "i686",    "h264",   "UTF16",  "utf16",  "HTTP2",  "http2",
                "int32",  "int64",  "Win32",   "Win64",   "win32",  "amd64",  "arm64",  "SHA256", "sha256",
                "SHA512", "sha512", "base64",  "Base64",  "OAuth2", "oauth2", "uint32", "uint64", "SOCKS5",
                "gb2312", "Latin1", "float32", "float64",
        };
        static const uint8_t first[] = { 0, 0, 0, 2, 12, 23, 34, 47, sizeof(names) / sizeof(names[0]) };
        char key[8] = { 0 };
        if (len >= sizeof(first) - 1)
                return false;
        memcpy(key, word, len);
        for (size_t i = first[len]; i < first[len + 1]; i++)
                if (memcmp(names[i], key, sizeof(key)) == 0)
                        return true;
        return false;
}

/* 8, 16 and 32 behind "utf-", and protocol versions: part of the name. */
size_t cs_mask_known_version(const uint8_t *at, const uint8_t *end)
{
        if (end - at >= 6 && memcmp(at, "HTTP/", 5) == 0 && digits(at + 5, end, 1) && !word_at(at + 6, end))
                return end - at >= 8 && at[6] == '.' && digits(at + 7, end, 1) && !word_at(at + 8, end) ? 8
                                                                                                        : 6;
        if (end - at >= 5 && (memcmp(at, "utf-8", 5) == 0 || memcmp(at, "UTF-8", 5) == 0) &&
            !word_at(at + 5, end))
                return 5;
        if (end - at >= 6 && memcmp(at, "x86_64", 6) == 0 && !word_at(at + 6, end))
                return 6;
        return 0;
}

/* '@', or what a URL makes of it. */
size_t cs_mask_at_sign(const uint8_t *at, const uint8_t *end)
{
        if (at < end && *at == '@')
                return 1;
        return end - at >= 3 && memcmp(at, "%40", 3) == 0 ? 3 : 0;
}

/* The domain must have a dot and end in letters: user@host alone is often something else (Class@1f2e3d). */
size_t cs_mask_domain(const uint8_t *at, const uint8_t *end)
{
        size_t n = 0, dot = 0;
        while (at + n < end && n < 255 && (word_at(at + n, end) || at[n] == '-' || at[n] == '.')) {
                if (at[n] == '.')
                        dot = n;
                n++;
        }
        while (n && (at[n - 1] == '.' || at[n - 1] == '-')) /* the end of a sentence */
                n--;
        if (n && dot >= n) /* the last dot was one of those */
                for (dot = n - 1; dot > 0 && at[dot] != '.'; dot--)
                        ;
        return dot && n - dot >= 3 && (cs_class[at[n - 1]] & (CS_CLASS_LOWER | CS_CLASS_UPPER)) ? n : 0;
}
