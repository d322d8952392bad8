/* SPDX-License-Identifier: Apache-2.0 */
/* Text that is written by the million, put together before it goes to a stream: printf, and a call of stdio for each word, take ten times as
 * long. One thread's; write errors are left in the stream. */
#ifndef CS_LINE_H
#define CS_LINE_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { CS_DIGITS = 24 }; /* room for any number, and the NUL */

/* The value in base 10 or 16, with zeros before it up to `least` digits (fewer than CS_DIGITS): text in `room`, which ends there. */
static inline const char *cs_digits(char room[CS_DIGITS], uint64_t value, unsigned base, unsigned least)
{
        char *at = room + CS_DIGITS - 1, *end = at;
        *at = '\0';
        do {
                *--at = "0123456789abcdef"[value % base];
                value /= base;
        } while (value || end - at < (long)least);
        return at;
}

struct cs_line {
        FILE *to; /* borrowed */
        size_t len;
        char text[1 << 10];
};

static inline void cs_line_begin(struct cs_line *line, FILE *to)
{
        line->to = to;
        line->len = 0;
}

/* What was put goes to the stream: before the line is left, or anybody else writes to the stream. */
static inline void cs_line_flush(struct cs_line *line)
{
        (void)fwrite_unlocked(line->text, 1, line->len, line->to);
        line->len = 0;
}

static inline void cs_line_bytes(struct cs_line *line, const char *bytes, size_t len)
{
        if (len > sizeof(line->text) - line->len)
                cs_line_flush(line);
        if (len > sizeof(line->text)) {
                (void)fwrite_unlocked(bytes, 1, len, line->to);
                return;
        }
        memcpy(line->text + line->len, bytes, len);
        line->len += len;
}

static inline void cs_line_put(struct cs_line *line, const char *text)
{
        cs_line_bytes(line, text, strlen(text));
}

/* As cs_digits(). */
static inline void cs_line_digits(struct cs_line *line, uint64_t value, unsigned base, unsigned least)
{
        char room[CS_DIGITS];
        const char *digits = cs_digits(room, value, base, least);
        cs_line_bytes(line, digits, (size_t)(room + CS_DIGITS - 1 - digits));
}

static inline void cs_line_number(struct cs_line *line, uint64_t value)
{
        cs_line_digits(line, value, 10, 1);
}

/* 0x, and in base 16. */
static inline void cs_line_address(struct cs_line *line, uint64_t value, unsigned least)
{
        cs_line_put(line, "0x");
        cs_line_digits(line, value, 16, least);
}

#endif
