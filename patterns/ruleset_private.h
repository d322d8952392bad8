/* SPDX-License-Identifier: Apache-2.0 */
/* Between ruleset.c (compiling) and searcher.c (searching). */
#ifndef CS_RULESET_PRIVATE_H
#define CS_RULESET_PRIVATE_H

#include "finder.h"
#include "ruleset.h"

/* Regexes of an allowlist, once for all rules that have it. */
struct cs_compiled_list {
        const char *const *texts;
        size_t n;
        struct cs_regex **regexes; /* as many */
};

struct cs_compiled_allow {
        struct cs_regex **regexes; /* of the list; as many as cs_allow has */
};

struct cs_compiled {
        const struct cs_rule *rule;
        struct cs_regex *regex;
        struct cs_compiled_allow *allow;
        bool everywhere; /* no needles */
};

/* A needle of one rule: where its matches begin, from the needle's end. */
struct cs_needle_use {
        uint32_t rule;
        int32_t back_least;
        int32_t back_most;
        uint32_t len;
        bool any; /* before has all bytes */
        struct cs_byteset before;
};

struct cs_ruleset {
        struct cs_pool pool;
        struct cs_compiled *at;
        size_t n;
        CS_VEC(struct cs_compiled_list) lists;
        uint32_t groups;          /* most of any */
        struct cs_finder *finder; /* NULL: there are no needles */
        bool vectorscan;
        uint32_t *first_use; /* of each needle, and one more */
        struct cs_needle_use *uses;
        size_t n_uses;
        size_t ahead;   /* bytes behind the owned part in which a needle of its matches may end */
        size_t behind;  /* bytes before it in which one may stand (keywords) */
        uint32_t *slow; /* rules that are looked for everywhere */
        size_t n_slow;
        bool skips_zeros;
};

#endif
