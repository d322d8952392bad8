/* SPDX-License-Identifier: Apache-2.0 */
/* What a column of words (the same offset in many like blocks) holds, when it is not pointers. Pure;
 * thread-safe. */
#ifndef CS_WORD_H
#define CS_WORD_H

#include <stddef.h>
#include <stdint.h>

enum cs_column {
        CS_COLUMN_ZERO,     /* all zero */
        CS_COLUMN_CONSTANT, /* one value, not zero */
        CS_COLUMN_TEXT,     /* printable bytes */
        CS_COLUMN_FLAGS,    /* few distinct small values or bit patterns (at most 8, over many samples) */
        CS_COLUMN_TIME,  /* plausible Unix times (s, ms, us or ns; years 2000 to 2100) close to one another */
        CS_COLUMN_FLOAT, /* doubles of plausible magnitude */
        CS_COLUMN_INT,   /* integers of small magnitude, 64-bit or two 32-bit halves */
        CS_COLUMN_MIXED,
};

struct cs_column_facts {
        enum cs_column kind;
        uint64_t value; /* CS_COLUMN_CONSTANT: the value; else the most frequent one */
        double share;   /* of the words that fit the kind */
};

/* Judges n words (n >= 1). values is reordered. */
struct cs_column_facts cs_column_judge(uint64_t *values, size_t n);

/* The kind of a word that stands alone, which tells less: never FLAGS or CONSTANT; seconds count as a time only from
 * 2001-09-09 on (1e9) and while they fit 31 bits, for numbers are as large. */
enum cs_column cs_word_judge(uint64_t word);

#endif
