/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as text where they are written by the million: printf takes ten times as long. */
#ifndef CS_DIGITS_H
#define CS_DIGITS_H

#include <stdint.h>

enum { CS_DIGITS = 24 }; /* room for any of them, and the NUL */

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

#endif
