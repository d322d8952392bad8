/* SPDX-License-Identifier: Apache-2.0 */
/* TOML 1.0, one statement after the other: a heading or a key with its value. Bytes are hostile; nothing recurses. Values that rule files do not need (dates,
 * inline tables) are passed over; Unicode escapes become UTF-8. Not checked: that keys are unique, that text is UTF-8. */
#ifndef CS_TOML_H
#define CS_TOML_H

#include "rule.h"

enum cs_toml_kind {
        CS_TOML_END,
        CS_TOML_TABLE,  /* [name] */
        CS_TOML_TABLES, /* [[name]]: another element of an array */
        CS_TOML_KEY,    /* name = value */
};

enum cs_toml_value { CS_TOML_TEXT, CS_TOML_NUMBER, CS_TOML_BOOL, CS_TOML_ARRAY, CS_TOML_OTHER };

enum { CS_TOML_NAME = 128 };

struct cs_toml_item {
        enum cs_toml_kind kind;
        char name[CS_TOML_NAME]; /* dotted, without blanks and quotes */
        enum cs_toml_value value;
        const char *text; /* of a text; in the pool */
        size_t text_len;
        double number;
        bool truth;
        struct cs_strings texts;    /* of an array: the texts in it, also of arrays within */
        struct cs_rule_place place; /* of the item, or of a key's value */
};

struct cs_toml {
        struct cs_pool *pool; /* for texts */
        const char *at, *end;
        const char *line_start;
        uint32_t line;
        CS_VEC(const char *) texts;  /* of the array that is read */
        struct cs_rule_place *place; /* of an error */
        struct cs_error *err;
};

void cs_toml_init(struct cs_toml *toml, struct cs_pool *pool, const char *bytes, size_t len,
                  struct cs_rule_place *place, struct cs_error *err);
void cs_toml_deinit(struct cs_toml *toml);

/* CS_EFORMAT: *place is where. */
CS_CHECK enum cs_status cs_toml_next(struct cs_toml *toml, struct cs_toml_item *item);

#endif
