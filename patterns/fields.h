/* SPDX-License-Identifier: Apache-2.0 */
/* A masked text as fields with delimiters between them, for merging. What a field is (a word, a dotted or
 * hyphenated name, a mask, a file name) is one column. A path is PATH_COLUMNS columns, some of them absent,
 * so that paths of different depth can be compared. Pure; thread-safe. */
#ifndef CS_FIELDS_H
#define CS_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
        /* Columns that are compared; a text of 512 bytes seldom has more. What lies behind them belongs to
           the skeleton. */
        CS_FIELDS_MAX = 64,
        /* Segments of a path with a column each; the last one holds all further segments. */
        CS_FIELDS_PATH = 6,
        CS_FIELDS_TEXT = 512,
};

struct cs_field {
        uint16_t at;
        uint16_t len;  /* 0: absent (a shorter path, an empty value) */
        uint32_t hash; /* of the bytes; masks that are compatible (<n>, <hex>, <b64>) have one hash; from 4
                          on, or 0 */
        uint8_t kind;  /* enum cs_field_kind */
        bool value;    /* see value.h */
        bool name;     /* likewise */
        uint8_t path;  /* which segment of a path, from 1; 0 when not in a path */
};

enum cs_field_kind {
        CS_FIELD_ABSENT,
        CS_FIELD_WORD,
        CS_FIELD_MADE, /* put together: a host name, a word with a mask in it, or nothing between two brackets
                        */
        CS_FIELD_ODD,  /* a word that may be an id which the masks missed by chance (deadbeef, a<n>b<n>c) */
        CS_FIELD_MASK, /* <uuid>, <time>, … */
        CS_FIELD_TOKEN, /* <n>, <hex> or <b64> */
        CS_FIELD_ANY,   /* with <*> in it: what an earlier merging found to be variable */
};

enum { CS_FIELD_TOKEN_HASH = 4 };

struct cs_fields {
        size_t n;
        struct cs_field at[CS_FIELDS_MAX];
        size_t skeleton_len;
        char skeleton[CS_FIELDS_TEXT]; /* the delimiters, with one byte for each field or path between them */
};

/* Splits the first CS_FIELDS_TEXT bytes. Of a text that was cut the last field is left out, as it may be
 * incomplete, unless its kind is certain or there is hardly more than it. */
void cs_fields_split(const char *text, size_t len, bool cut, struct cs_fields *out);

/* The hash of the skeleton alone, which takes a small part of the time. */
uint64_t cs_fields_skeleton(const char *text, size_t len, bool cut);

/* Does a byte of a skeleton stand for a field or path? */
bool cs_fields_marks(char c);

uint64_t cs_fields_hash(const char *bytes, size_t len);

#endif
