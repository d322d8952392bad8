/* SPDX-License-Identifier: Apache-2.0 */
/* Many rules, compiled, and the search for all of them in one window of memory.
 *
 * The hits of a rule are those that PCRE2 gives when it goes through a whole stretch of memory from its beginning: the first match, then the first
 * one behind its end, and so on; matches of no bytes are none, and none is longer than CS_LIMIT_MATCH_BYTES. How the stretch is cut into windows
 * makes no difference, nor which way candidates are found: needles only say where PCRE2 need not look. A rule's other conditions (entropy,
 * keywords, allowlists, checks) take hits away, and do not change where the next one is looked for (but that keys in DER end where they say). */
#ifndef CS_RULESET_H
#define CS_RULESET_H

#include "regex.h"
#include "rule.h"

enum cs_ruleset_way {
        CS_WAY_BEST, /* few needles by two or five bytes of each; Vectorscan where it is there and takes the needles, else as CS_WAY_PLAIN */
        CS_WAY_PLAIN,      /* tables of our own */
        CS_WAY_VECTORSCAN, /* CS_ENOTSUP where it is not there */
        CS_WAY_ALONE,      /* PCRE2 looks everywhere */
};

struct cs_ruleset;

/* The rules are borrowed; YARA's among them are passed over. CS_EFORMAT: one does not compile; *place is where, and the text has its id and PCRE2's words. */
CS_CHECK enum cs_status cs_ruleset_compile(const struct cs_rules *rules, enum cs_ruleset_way way,
                                           struct cs_ruleset **out, const struct cs_rule **culprit,
                                           struct cs_error *err);
void cs_ruleset_destroy(struct cs_ruleset *set);
static inline void cs_ruleset_destroyp(struct cs_ruleset **set)
{
        cs_ruleset_destroy(*set);
}

/* Rules that PCRE2 looks for everywhere, for they have nothing that is rare. */
size_t cs_ruleset_slow(const struct cs_ruleset *set);
bool cs_ruleset_uses_vectorscan(const struct cs_ruleset *set);

/* Can no match begin with a zero byte? Then memory that is all zero need not be looked at. */
bool cs_ruleset_skips_zeros(const struct cs_ruleset *set);

/* What is looked at. Around the owned part there are CS_LIMIT_CONTEXT_BYTES before, and CS_LIMIT_MATCH_BYTES + CS_LIMIT_CONTEXT_BYTES behind, or
 * all there is of the stretch. */
struct cs_window {
        const uint8_t *bytes;
        size_t len;
        uint64_t address; /* of bytes[0] */
        size_t own_start; /* attempts begin here */
        size_t own_end;   /* and before this */
        bool begins;      /* bytes[0] is the first of its stretch */
        bool ends;        /* the last byte is its last */
};

struct cs_found {
        uint32_t rule;
        struct cs_span match;  /* in the window's bytes */
        struct cs_span secret; /* within the match, or all of it */
};

typedef enum cs_status (*cs_found_fn)(void *context, const struct cs_found *found, struct cs_error *err);

/* Why a rule's hits may not be all. */
enum {
        CS_RULE_LIMIT_STEPS = 1,  /* it took too many steps, or too much memory, at some places */
        CS_RULE_LIMIT_LENGTH = 2, /* matches were cut at CS_LIMIT_MATCH_BYTES */
};

/* One worker's. */
struct cs_searcher;
CS_CHECK enum cs_status cs_searcher_create(const struct cs_ruleset *set, struct cs_searcher **out,
                                           struct cs_error *err);
void cs_searcher_destroy(struct cs_searcher *searcher);

/* A new run of adjacent windows begins. */
void cs_searcher_begin(struct cs_searcher *searcher);

/* The rule's next match begins at this address or behind it. To be told before the windows are run; cs_searcher_only() restricts the run to rules that
 * were told of. */
void cs_searcher_resume(struct cs_searcher *searcher, uint32_t rule, uint64_t address);
void cs_searcher_only(struct cs_searcher *searcher);

/* The hits whose attempts begin in the window's owned part, rule by rule; the windows of a run come in the order of their addresses. */
CS_CHECK enum cs_status cs_searcher_run(struct cs_searcher *searcher, const struct cs_window *window,
                                        cs_found_fn fn, void *context, struct cs_error *err);

/* The next rule from *rule on whose last match reaches beyond `address`, and up to where; false: there is no more. */
bool cs_searcher_carried(const struct cs_searcher *searcher, uint64_t address, uint32_t *rule,
                         uint64_t *until);

/* CS_RULE_LIMIT_… of all runs so far. */
unsigned cs_searcher_limits(const struct cs_searcher *searcher, uint32_t rule);

#endif
