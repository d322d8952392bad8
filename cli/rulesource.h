/* SPDX-License-Identifier: Apache-2.0 */
/* The rules that --grep and --rules name: read and compiled. */
#ifndef CS_RULESOURCE_H
#define CS_RULESOURCE_H

#include "options.h"
#include "ruleset.h"

struct cs_rulesource {
        struct cs_rules rules;
        struct cs_ruleset *set; /* NULL: there are none */
};

/* CS_EFORMAT: a rule is wrong; the text begins with the file, line and column, or with the option. */
CS_CHECK enum cs_status cs_rulesource_load(const struct cs_options *options, struct cs_rulesource *out,
                                           struct cs_error *err);
void cs_rulesource_deinit(struct cs_rulesource *rules);

#endif
