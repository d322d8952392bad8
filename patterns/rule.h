/* SPDX-License-Identifier: Apache-2.0 */
/* Named patterns, as the readers of rule files hand them on (rules_yaml.h, rules_toml.h, …). Strings live in the pool of their set; a regex may hold
 * NULs, the others cannot. */
#ifndef CS_RULE_H
#define CS_RULE_H

#include "pool.h"
#include "vec.h"

#include <stdint.h>

struct cs_strings {
        const char *const *at;
        size_t n;
};

enum {
        CS_GROUP_WHOLE = 0,
        CS_GROUP_FIRST =
                UINT16_MAX, /* gitleaks: the first group that took part and is not empty; else the match */
};

/* What must hold beside the regex, of the secret's bytes. */
enum cs_rule_check {
        CS_CHECK_NONE,
        CS_CHECK_CARD, /* digits, spaces and dashes: 12 to 19 digits whose Luhn sum is right, and not all the same */
        CS_CHECK_IBAN, /* ISO 13616: the remainder by 97 is 1, and the country's length */
        /* A private key in DER: PKCS#1, PKCS#8 or SEC1, whose lengths agree. The match is made as long as the key. */
        CS_CHECK_DER,
        CS_CHECK_PEM, /* a private key in PEM or OpenSSH's format: its base64 begins as such a key does */
        CS_CHECK_IP4, /* four numbers below 256, and not a version of something */
};

/* What an entry of an allowlist is compared with. */
enum cs_allow_target { CS_ALLOW_SECRET, CS_ALLOW_MATCH, CS_ALLOW_LINE };

/* What is not a secret although the rule says so. */
struct cs_allow {
        struct cs_strings regexes; /* in PCRE2's syntax */
        struct cs_strings words;   /* in lower case; each wherever it stands in the secret, in any case */
        enum cs_allow_target target;
        bool all; /* both a regex and a word must be there, where it has both */
};

struct cs_rule {
        const char *id;
        const char *description; /* or NULL */
        const char *regex;       /* NULL: one of YARA's (cs_rules.yara) */
        size_t regex_len;
        unsigned flags;             /* of cs_regex_compile, without CS_REGEX_JIT */
        struct cs_strings keywords; /* one of them must stand in the match, or near it; in any case */
        double entropy;             /* bits per byte that the secret must exceed; 0: none asked for */
        uint32_t secret_group;      /* or CS_GROUP_FIRST */
        enum cs_rule_check check;
        bool redact;
        struct cs_strings tags;
        const struct cs_allow *allow;
        size_t n_allow;
        uint32_t line; /* in its file; 0: it is of none */
        uint32_t column;
        uint32_t file; /* number of the file, for whoever tells where a rule is from */
};

struct cs_yara;

/* A file of YARA's rules, which are of these numbers, one behind the other. */
struct cs_yara_file {
        struct cs_yara *yara;
        uint32_t first;
};

struct cs_rules {
        struct cs_pool pool;
        CS_VEC(struct cs_rule) at;
        CS_VEC(const char *)
        notes; /* whole sentences: what was left out of the files, and why; of no one file */
        CS_VEC(struct cs_yara_file) yara;
        uint32_t files;
};

void cs_rules_deinit(struct cs_rules *rules);

/* Where a file of rules is wrong; the text is in the error. */
struct cs_rule_place {
        uint32_t line; /* from 1 on; 0: not known */
        uint32_t column;
};

#endif
