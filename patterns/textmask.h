/* SPDX-License-Identifier: Apache-2.0 */
/* Sixty-four bytes at once: which of them could be text, and what sort of text, as bits. Pure;
 * thread-safe. */
#ifndef CS_TEXTMASK_H
#define CS_TEXTMASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
        CS_TEXTMASK_BYTES = 64,
        CS_TEXTMASK_READ =
                65, /* bytes that are looked at: the second half of a unit or character lies behind the 64 */
};

/* Bit i says something of byte i. */
struct cs_textmask {
        uint64_t plain;  /* ' ' to '~', and tab */
        bool beyond;     /* a character beyond ASCII may begin here; else the next four say nothing */
        uint64_t follow; /* 0x80 to 0xbf: in UTF-8 behind a leading byte */
        uint64_t
                lead2; /* 0xc2 to 0xdf, 0xe0 to 0xef, 0xf0 to 0xf4: leading bytes by the length they announce */
        uint64_t lead3;
        uint64_t lead4;
        uint64_t
                wide; /* four letters or marks of UTF-16LE in a row begin at i, of which the last one begins in these bytes:
                          cs_textmask_wide() */
};

/* Of so many times sixty-four bytes. */
typedef void (*cs_textmask_fn)(const uint8_t *at, size_t blocks, struct cs_textmask *out);

/* Is this unit of UTF-16LE text: printable ASCII and tab, Latin, Greek, Cyrillic, Hebrew and Arabic letters, and general
 * punctuation? Scripts with many characters are not told from pairs of other bytes and are left out. */
static inline int cs_textmask_wide(uint8_t low, uint8_t high)
{
        switch (high) {
        case 0:
                return low == '\t' || (low >= ' ' && low != 0x7f && (low < 0x80 || low >= 0xa0));
        case 1:
                return low < 0x80; /* Latin Extended-A */
        case 3:
                return low >= 0x86; /* Greek */
        case 4:
                return low < 0x92; /* Cyrillic, up to the Ukrainian ґ */
        case 5:
                return low >= 0xd0 && low <= 0xea; /* Hebrew letters */
        case 6:
                return low >= 0x0c && low <= 0x4a; /* Arabic marks and letters */
        case 0x20:
                return low >= 0x10 && low <= 0x26; /* dashes, quotes, bullets, dots */
        default:
                return 0;
        }
}

void cs_textmask_scalar(const uint8_t *at, size_t blocks, struct cs_textmask *out);

/* NULL where the processor has no AVX2, or no AVX-512 for bytes. */
cs_textmask_fn cs_textmask_avx2(void);
cs_textmask_fn cs_textmask_avx512(void);

/* The fastest that the processor can do. */
cs_textmask_fn cs_textmask_best(void);

#endif
