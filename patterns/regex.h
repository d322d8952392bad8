/* SPDX-License-Identifier: Apache-2.0 */
/* One regex, by PCRE2 over bytes: no UTF, newline is LF, a match of no bytes is none. A regex is frozen once compiled and shared by all
 * workers; each of them has a matcher of its own. */
#ifndef CS_REGEX_H
#define CS_REGEX_H

#include "status.h"

#include <stdint.h>

struct cs_regex;
struct cs_matcher;

enum {
        CS_REGEX_MULTILINE = 1, /* ^ and $ match at lines as well */
        CS_REGEX_JIT = 2,       /* make machine code of it, where the system lets us */
};

/* CS_EFORMAT: it does not compile; the text is PCRE2's, and *offset the byte of the regex where it noticed. */
CS_CHECK enum cs_status cs_regex_compile(const char *regex, size_t len, unsigned flags, struct cs_regex **out,
                                         size_t *offset, struct cs_error *err);
void cs_regex_destroy(struct cs_regex *regex);

/* Number of its groups. */
uint32_t cs_regex_groups(const struct cs_regex *regex);

/* The largest number of groups that the matcher will be asked for. */
CS_CHECK enum cs_status cs_matcher_create(uint32_t groups, struct cs_matcher **out, struct cs_error *err);
void cs_matcher_destroy(struct cs_matcher *matcher);

enum cs_match {
        CS_MATCH_NONE,
        CS_MATCH_FOUND,
        CS_MATCH_LIMIT, /* it ran into one of the limits of cs_limits.h: nothing is known */
};

struct cs_span {
        size_t start;
        size_t end; /* start <= end */
};

/* What is looked at: attempts begin at from … last, both included. */
struct cs_subject {
        const uint8_t *bytes;
        size_t len;
        size_t from;
        size_t last;
        bool begins; /* bytes[0] is the first of its stretch of memory */
        bool ends;   /* and the last byte its last */
};

/* The first match that begins there. *attempt is where PCRE2 began (\K moves the start that is reported). */
enum cs_match cs_regex_find(const struct cs_regex *regex, struct cs_matcher *matcher,
                            const struct cs_subject *subject, struct cs_span *out, size_t *attempt);

/* Of the match that was found last: false where the group took no part. */
bool cs_matcher_group(const struct cs_matcher *matcher, uint32_t group, struct cs_span *out);

/* Is there a match anywhere in these bytes? A limit counts as none. */
bool cs_regex_has(const struct cs_regex *regex, struct cs_matcher *matcher, const void *bytes, size_t len);

#endif
