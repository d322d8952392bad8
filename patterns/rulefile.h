/* SPDX-License-Identifier: Apache-2.0 */
/* Reading rules: those of files, whose bytes the caller has read, and those that are built in. */
#ifndef CS_RULEFILE_H
#define CS_RULEFILE_H

#include "rule.h"

/* Adds the rules of a file, whose format is told by its name's ending or else by its content: YAML as in corescan(1), a gitleaks TOML,
 * YARA's text. CS_EFORMAT: *place is
 * where it is wrong. CS_ENOTSUP: a format that is not read. */
CS_CHECK enum cs_status cs_rules_read(const char *name, const char *bytes, size_t len, struct cs_rules *rules,
                                      struct cs_rule_place *place, struct cs_error *err);

/* Adds those called "secrets", "http" or "pii". CS_EFORMAT: there are none of that name. */
CS_CHECK enum cs_status cs_rules_builtin(const char *name, struct cs_rules *rules, struct cs_error *err);

/* Adds one that a person typed: what it finds is shown. */
CS_CHECK enum cs_status cs_rules_add_grep(const char *regex, struct cs_rules *rules, struct cs_error *err);

#endif
