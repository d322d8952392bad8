/* SPDX-License-Identifier: Apache-2.0 */
/* Between syntax.c (groups, repeats) and syntax_sets.c (escapes, classes). */
#ifndef CS_SYNTAX_PRIVATE_H
#define CS_SYNTAX_PRIVATE_H

#include "syntax.h"

struct cs_syntax_reader {
        struct cs_pool *pool;
        const uint8_t *at;
        const uint8_t *end;
        unsigned nodes;
        unsigned depth;
        bool caseless; /* (?i) */
        bool dotall;   /* (?s) */
        bool quoting;  /* between \Q and \E */
        bool gave_up;  /* something that changes the meaning of all: the tree is no use */
        bool no_memory;
};

struct cs_syntax *cs_syntax_node(struct cs_syntax_reader *r, enum cs_syntax_kind kind);
struct cs_syntax *cs_syntax_set(struct cs_syntax_reader *r, struct cs_byteset set);

/* One byte, both of its cases where case does not matter. */
struct cs_syntax *cs_syntax_byte(struct cs_syntax_reader *r, unsigned byte);

/* Behind the backslash, and behind the bracket. */
struct cs_syntax *cs_syntax_escape(struct cs_syntax_reader *r);
struct cs_syntax *cs_syntax_class(struct cs_syntax_reader *r);

#endif
