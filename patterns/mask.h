/* SPDX-License-Identifier: Apache-2.0 */
/* Inner parts of cs_template_mask(): what the bytes of a text are, and the forms (times, addresses, …) that
 * are known by their shape. Every function looks at no byte at or beyond `end` and takes time proportional to
 * what it returns, or to a small constant. Pure; thread-safe. */
#ifndef CS_MASK_H
#define CS_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
        CS_CLASS_LOWER = 1,
        CS_CLASS_UPPER = 2,
        CS_CLASS_DIGIT = 4,
        CS_CLASS_HIGH = 8,    /* bytes of UTF-8 beyond ASCII: letters */
        CS_CLASS_JOINER = 16, /* _ - + /: in base64 and between words */
        CS_CLASS_HEX = 32,    /* besides the above */
        CS_CLASS_BLANK = 64,  /* space and tab */

        CS_CLASS_WORD = CS_CLASS_LOWER | CS_CLASS_UPPER | CS_CLASS_DIGIT | CS_CLASS_HIGH,
        CS_CLASS_RUN = CS_CLASS_WORD | CS_CLASS_JOINER,
};

extern const uint8_t cs_class[256];

/* Lengths that masking goes by, and shapes (shape.h) with it. */
enum {
        CS_MASK_REPEATS = 16,    /* a character as often in a row is a <rep> */
        CS_MASK_TOKEN = 16,      /* random tokens are as long at least */
        CS_MASK_HEX_LONG = 8,    /* hex strings of this length need one digit and one letter */
        CS_MASK_NUMBER_MAX = 20, /* digits of UINT64_MAX: a longer run of digits is a hex string, or a hash */
        CS_MASK_UUID_BYTES = 36,
};

/* In the order of preference where several of the first three meet in one place: the wider one is shown. */
enum cs_mask {
        CS_MASK_N,
        CS_MASK_HEX,
        CS_MASK_B64,
        CS_MASK_UUID,
        CS_MASK_IP,
        CS_MASK_MAC,
        CS_MASK_TIME,
        CS_MASK_EMAIL,
        CS_MASK_REP
};
enum { CS_MASKS = CS_MASK_REP + 1 };

struct cs_mask_name {
        const char *text;
        size_t len;
};

extern const struct cs_mask_name cs_mask_names[CS_MASKS];

/* Each gives the length of the form that begins at `at`, or 0. */
size_t cs_mask_time(const uint8_t *at, const uint8_t *end);       /* begins with a digit */
size_t cs_mask_named_time(const uint8_t *at, const uint8_t *end); /* begins with the name of a month or day */
size_t cs_mask_ip(const uint8_t *at, const uint8_t *end);         /* four decimal numbers */
size_t cs_mask_uuid(const uint8_t *at, const uint8_t *end);
size_t cs_mask_colons(const uint8_t *at, const uint8_t *end, enum cs_mask *kind); /* MAC and IPv6 addresses */

/* '@' (or what a URL makes of it), and the name of a domain behind it; or 0. */
size_t cs_mask_at_sign(const uint8_t *at, const uint8_t *end);
size_t cs_mask_domain(const uint8_t *at, const uint8_t *end);

/* Names that have digits and are names all the same (SHA256, x86). */
bool cs_mask_known_name(const uint8_t *word, size_t len);

/* The same for what is more than a word, or 0: HTTP/1.1, UTF-8, x86_64. */
size_t cs_mask_known_version(const uint8_t *at, const uint8_t *end);

/* Does a run of letters, digits and joiners look drawn at random (base64, base62, base36), rather than made
 * of words? In a path (rooted, or a part of one) shorter words count as such. */
bool cs_mask_random(const uint8_t *at, size_t len, bool path);

/* The length of a line of base64 in PEM (64) or MIME (76), or more than names in paths have. */
bool cs_mask_line(size_t len);

/* Is a segment between slashes a word: `least` and more letters in lower case, perhaps after a capital, that
 * could be spoken? */
bool cs_mask_wordlike(const uint8_t *at, size_t len, size_t least);

/* The text of a mask at `at`, or 0. */
size_t cs_mask_length(const char *at, size_t left, enum cs_mask *kind);

#endif
