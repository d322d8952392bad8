/* SPDX-License-Identifier: Apache-2.0 */
/* Rules by hand, and searching bytes with them in windows of any size. */
#ifndef CS_RULEBUILDER_H
#define CS_RULEBUILDER_H

#include "ruleset.h"

struct found_hit {
        uint32_t rule;
        uint64_t start;
        uint64_t end;
        uint64_t secret_start;
        uint64_t secret_end;
};

struct found_hits {
        CS_VEC(struct found_hit) at; /* by address, then rule */
        unsigned limits;             /* of all rules together */
};

/* The same numbers in each run, from 0 to below - 1. */
unsigned roll(unsigned below);

/* Adds a rule with id "r0", "r1", …; returns it for more to be said. */
struct cs_rule *rule_add(struct cs_rules *rules, const char *regex);
struct cs_rule *rule_add_bytes(struct cs_rules *rules, const char *regex, size_t len);

/* Strings for a rule: up to a NULL. */
struct cs_strings rule_strings(struct cs_rules *rules, ...);

/* Compiles and searches: bytes lie at address 0x1000, owned parts have `window` bytes, and each `unit` of windows begins anew, as workers' do
 * (0: all of it is one). */
struct found_hits rules_search(const struct cs_rules *rules, enum cs_ruleset_way way, const void *bytes,
                               size_t len, size_t window, size_t unit);
void found_hits_deinit(struct found_hits *hits);

/* "r0@4+3 r1@9+2": rule, offset, length. In a buffer of its own. */
const char *hits_text(const struct found_hits *hits);

#endif
