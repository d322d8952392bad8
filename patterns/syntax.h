/* SPDX-License-Identifier: Apache-2.0 */
/* What every match of a regex must look like, as far as its text tells without matching: a tree of byte sets. Used to know where a
 * match can begin, never to decide whether there is one; so the tree may allow more than the regex does, and never less. Lengths and
 * sets are those of what is matched from the attempt's start on (\K moves the start that is reported, not the attempt's). */
#ifndef CS_SYNTAX_H
#define CS_SYNTAX_H

#include "byteset.h"
#include "pool.h"

enum cs_syntax_kind {
        CS_SYNTAX_NOTHING, /* matches no bytes: assertions, the empty alternative */
        CS_SYNTAX_SET,     /* one byte of `set` */
        CS_SYNTAX_CAT,     /* all of its parts, one behind the other */
        CS_SYNTAX_ALT,     /* one of its parts */
        CS_SYNTAX_REPEAT,  /* its only part, from `min` to `max` times */
        CS_SYNTAX_UNKNOWN, /* anything: what is not understood, or depends on other parts */
};

enum { CS_ENDLESS = UINT32_MAX };

struct cs_syntax {
        enum cs_syntax_kind kind;
        uint32_t min;           /* of REPEAT */
        uint32_t max;           /* or CS_ENDLESS */
        uint32_t least;         /* bytes that it matches at least */
        uint32_t most;          /* or CS_ENDLESS */
        struct cs_byteset set;  /* SET: its bytes; else: all bytes that can stand in it */
        struct cs_syntax *part; /* the first one */
        struct cs_syntax *next; /* the next part of the same parent */
};

/* Reads a regex that PCRE2 compiled (without UTF; multi-line or not is all the same). What is not understood becomes UNKNOWN, at worst all of
 * it. NULL when our memory ran out. */
const struct cs_syntax *cs_syntax_read(struct cs_pool *pool, const char *regex, size_t len);

#endif
