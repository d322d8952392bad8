/* SPDX-License-Identifier: Apache-2.0 */
/* YARA's rules, by libyara: from text only, never compiled ones, and without files that they would include. Memory is handed over in blocks, in the order
 * of their addresses; a rule's condition is about all of it, as it is for yara's own scan of a process. Main thread only. */
#ifndef CS_YARA_RULES_H
#define CS_YARA_RULES_H

#include "rule.h"

struct cs_yara;

/* Compiles a file of rules. CS_EFORMAT: *place has the line, the text libyara's words. */
CS_CHECK enum cs_status cs_yara_compile(const char *text, size_t len, struct cs_yara **out,
                                        struct cs_rule_place *place, struct cs_error *err);
void cs_yara_destroy(struct cs_yara *yara);

/* Its rules in the order of the file. Borrowed names. */
size_t cs_yara_count(const struct cs_yara *yara);
const char *cs_yara_name(const struct cs_yara *yara, size_t rule);
const char *cs_yara_description(const struct cs_yara *yara,
                                size_t rule); /* the text of its meta "description", or NULL */

struct cs_yara_block {
        uint64_t address;
        const uint8_t *bytes;
        size_t len;
};

/* The next block; false: there is none. Bytes are valid until the next call. Blocks may overlap. */
typedef bool (*cs_yara_next_fn)(void *context, struct cs_yara_block *block);

struct cs_yara_match {
        size_t rule;
        uint64_t address;
        uint64_t length;
        const uint8_t *text; /* the first CS_LIMIT_HIT_TEXT bytes of it, at most */
        size_t text_len;
};

/* A string of a rule whose condition holds. */
typedef enum cs_status (*cs_yara_match_fn)(void *context, const struct cs_yara_match *match,
                                           struct cs_error *err);

/* *limited becomes true where a string had too many matches for libyara. */
CS_CHECK enum cs_status cs_yara_scan(struct cs_yara *yara, cs_yara_next_fn next, cs_yara_match_fn match,
                                     void *context, bool *limited, struct cs_error *err);

#endif
