/* SPDX-License-Identifier: Apache-2.0 */
/* One reader for each format; as cs_rules_read(). Bytes are hostile: everything is bounded, nothing recurses. */
#ifndef CS_RULEFILE_PRIVATE_H
#define CS_RULEFILE_PRIVATE_H

#include "rulefile.h"

CS_CHECK enum cs_status cs_rules_read_yaml(const char *bytes, size_t len, struct cs_rules *rules,
                                           struct cs_rule_place *place, struct cs_error *err);
CS_CHECK enum cs_status cs_rules_read_toml(const char *bytes, size_t len, struct cs_rules *rules,
                                           struct cs_rule_place *place, struct cs_error *err);

#endif
