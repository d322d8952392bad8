/* SPDX-License-Identifier: Apache-2.0 */
/* A list of {id, description, regex, keywords, entropy, secret_group, redact, tags}, by libyaml's events. Keys of others are passed over. */
#include "cs_limits.h"
#include "regex.h"
#include "rulefile_private.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

enum {
        DEPTH_MOST = 64,   /* of what is passed over */
        ITEMS_MOST = 4096, /* keywords or tags of one rule */
        KEY_MOST = 32,
};

typedef CS_VEC(const char *) string_vec;

struct reader {
        yaml_parser_t parser;
        yaml_event_t event;
        bool has_event;
        struct cs_rules *rules;
        struct cs_rule_place *place;
        struct cs_error *err;
        string_vec items;
};

static enum cs_status fail_at(struct reader *r, const yaml_mark_t *mark, const char *text)
{
        *r->place = (struct cs_rule_place){ (uint32_t)mark->line + 1, (uint32_t)mark->column + 1 };
        return cs_fail(r->err, CS_EFORMAT, "%s", text);
}

static enum cs_status next(struct reader *r)
{
        if (r->has_event)
                yaml_event_delete(&r->event);
        r->has_event = false;
        if (!yaml_parser_parse(&r->parser, &r->event)) {
                if (r->parser.error == YAML_MEMORY_ERROR)
                        return cs_fail(r->err, CS_ENOMEM, "rules");
                return fail_at(r, &r->parser.problem_mark,
                               r->parser.problem ? r->parser.problem : "not YAML");
        }
        r->has_event = true;
        return CS_OK;
}

/* Passes over the value whose first event is the current one. */
static enum cs_status skip(struct reader *r)
{
        enum cs_status st = CS_OK;
        for (unsigned depth = 0; st == CS_OK;) {
                switch (r->event.type) {
                case YAML_SEQUENCE_START_EVENT:
                case YAML_MAPPING_START_EVENT:
                        if (++depth > DEPTH_MOST)
                                return fail_at(r, &r->event.start_mark, "nested too deep");
                        break;
                case YAML_SEQUENCE_END_EVENT:
                case YAML_MAPPING_END_EVENT:
                        depth--;
                        break;
                default:
                        break;
                }
                if (depth == 0)
                        return CS_OK;
                st = next(r);
        }
        return st;
}

static const char *scalar(const struct reader *r, size_t *len)
{
        *len = r->event.data.scalar.length;
        return (const char *)r->event.data.scalar.value;
}

static enum cs_status want_scalar(struct reader *r, const char *what)
{
        if (r->event.type != YAML_SCALAR_EVENT)
                return fail_at(r, &r->event.start_mark, what);
        return CS_OK;
}

static enum cs_status read_text(struct reader *r, const char **out)
{
        size_t len;
        enum cs_status st = want_scalar(r, "a text is wanted here");
        if (st != CS_OK)
                return st;
        const char *text = scalar(r, &len);
        if (memchr(text, 0, len))
                return fail_at(r, &r->event.start_mark, "a zero byte in a text");
        *out = cs_pool_copy(&r->rules->pool, text, len);
        return *out ? CS_OK : cs_fail(r->err, CS_ENOMEM, "rules");
}

/* One text, or a list of them. */
static enum cs_status read_texts(struct reader *r, struct cs_strings *out)
{
        enum cs_status st;
        const char *text;
        r->items.n = 0;
        if (r->event.type == YAML_SCALAR_EVENT) {
                if ((st = read_text(r, &text)) != CS_OK ||
                    (st = cs_vec_push(&r->items, text, r->err)) != CS_OK)
                        return st;
        } else if (r->event.type == YAML_SEQUENCE_START_EVENT) {
                for (;;) {
                        if ((st = next(r)) != CS_OK)
                                return st;
                        if (r->event.type == YAML_SEQUENCE_END_EVENT)
                                break;
                        if (r->items.n == ITEMS_MOST)
                                return fail_at(r, &r->event.start_mark, "more than 4096 items in one list");
                        if ((st = read_text(r, &text)) != CS_OK ||
                            (st = cs_vec_push(&r->items, text, r->err)) != CS_OK)
                                return st;
                }
        } else {
                return fail_at(r, &r->event.start_mark, "a list of texts is wanted here");
        }
        const char **at = cs_pool_alloc(&r->rules->pool, r->items.n + 1, sizeof(*at));
        if (!at)
                return cs_fail(r->err, CS_ENOMEM, "rules");
        if (r->items.n)
                memcpy(at, r->items.at, r->items.n * sizeof(*at));
        *out = (struct cs_strings){ at, r->items.n };
        return CS_OK;
}

static enum cs_status read_number(struct reader *r, double most, double *out)
{
        size_t len;
        enum cs_status st = want_scalar(r, "a number is wanted here");
        if (st != CS_OK)
                return st;
        const char *text = scalar(r, &len);
        char *end;
        if (len == 0 || len > 20 || strspn(text, "0123456789.") != len)
                return fail_at(r, &r->event.start_mark, "a number is wanted here");
        *out = strtod(text, &end);
        return *end == '\0' && *out <= most
                       ? CS_OK
                       : fail_at(r, &r->event.start_mark, "not a number, or one that is too large");
}

static enum cs_status read_bool(struct reader *r, bool *out)
{
        size_t len;
        enum cs_status st = want_scalar(r, "true or false is wanted here");
        if (st != CS_OK)
                return st;
        const char *text = scalar(r, &len);
        *out = strcasecmp(text, "true") == 0 || strcasecmp(text, "yes") == 0 || strcasecmp(text, "on") == 0;
        if (!*out && strcasecmp(text, "false") != 0 && strcasecmp(text, "no") != 0 &&
            strcasecmp(text, "off") != 0)
                return fail_at(r, &r->event.start_mark, "true or false is wanted here");
        return CS_OK;
}

static enum cs_status read_regex(struct reader *r, struct cs_rule *rule)
{
        size_t len;
        enum cs_status st = want_scalar(r, "a regex is wanted here");
        if (st != CS_OK)
                return st;
        const char *text = scalar(r, &len);
        rule->regex = cs_pool_copy(&r->rules->pool, text, len);
        rule->regex_len = len;
        rule->line = (uint32_t)r->event.start_mark.line + 1;
        rule->column = (uint32_t)r->event.start_mark.column + 1;
        if (len == 0)
                return fail_at(r, &r->event.start_mark, "the regex is empty");
        return rule->regex ? CS_OK : cs_fail(r->err, CS_ENOMEM, "rules");
}

static enum cs_status read_member(struct reader *r, const char *key, struct cs_rule *rule)
{
        double number = 0;
        enum cs_status st;
        if (strcmp(key, "id") == 0)
                return read_text(r, &rule->id);
        if (strcmp(key, "description") == 0)
                return read_text(r, &rule->description);
        if (strcmp(key, "regex") == 0)
                return read_regex(r, rule);
        if (strcmp(key, "keywords") == 0)
                return read_texts(r, &rule->keywords);
        if (strcmp(key, "tags") == 0)
                return read_texts(r, &rule->tags);
        if (strcmp(key, "entropy") == 0)
                return read_number(r, 8, &rule->entropy);
        if (strcmp(key, "redact") == 0)
                return read_bool(r, &rule->redact);
        if (strcmp(key, "secret_group") != 0)
                return skip(r);
        if ((st = read_number(r, 1000, &number)) == CS_OK)
                rule->secret_group = (uint32_t)number;
        return st;
}

/* The current event begins a mapping. */
static enum cs_status read_rule(struct reader *r)
{
        struct cs_rule rule = { .flags = CS_REGEX_MULTILINE, .file = r->rules->files };
        yaml_mark_t mark = r->event.start_mark;
        enum cs_status st;
        for (;;) {
                char key[KEY_MOST] = "";
                size_t len;
                if ((st = next(r)) != CS_OK)
                        return st;
                if (r->event.type == YAML_MAPPING_END_EVENT)
                        break;
                if ((st = want_scalar(r, "the name of a member is wanted here")) != CS_OK)
                        return st;
                const char *text = scalar(r, &len);
                if (len < sizeof(key))
                        memcpy(key, text, len);
                if ((st = next(r)) != CS_OK || (st = read_member(r, key, &rule)) != CS_OK)
                        return st;
        }
        if (!rule.id || !*rule.id)
                return fail_at(r, &mark, "a rule without an id");
        if (!rule.regex)
                return fail_at(r, &mark, "a rule without a regex");
        if (r->rules->at.n >= CS_LIMIT_RULES)
                return fail_at(r, &mark, "too many rules: the limit is 131072");
        return cs_vec_push(&r->rules->at, rule, r->err);
}

/* The current event begins the list. */
static enum cs_status read_list(struct reader *r)
{
        for (;;) {
                enum cs_status st = next(r);
                if (st != CS_OK)
                        return st;
                if (r->event.type == YAML_SEQUENCE_END_EVENT)
                        return CS_OK;
                if (r->event.type != YAML_MAPPING_START_EVENT)
                        return fail_at(r, &r->event.start_mark,
                                       "a rule is wanted here: a mapping with id and regex");
                if ((st = read_rule(r)) != CS_OK)
                        return st;
        }
}

static enum cs_status read_document(struct reader *r)
{
        enum cs_status st;
        do {
                if ((st = next(r)) != CS_OK)
                        return st;
        } while (r->event.type == YAML_STREAM_START_EVENT || r->event.type == YAML_DOCUMENT_START_EVENT);
        if (r->event.type == YAML_STREAM_END_EVENT)
                return fail_at(r, &r->event.start_mark, "there are no rules in it");
        if (r->event.type != YAML_SEQUENCE_START_EVENT)
                return fail_at(r, &r->event.start_mark, "a list of rules is wanted: each with id and regex");
        return read_list(r);
}

enum cs_status cs_rules_read_yaml(const char *bytes, size_t len, struct cs_rules *rules,
                                  struct cs_rule_place *place, struct cs_error *err)
{
        struct reader r = { .rules = rules, .place = place, .err = err };
        if (!yaml_parser_initialize(&r.parser))
                return cs_fail(err, CS_ENOMEM, "rules");
        yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&r.parser, (const unsigned char *)bytes, len);
        enum cs_status st = read_document(&r);
        if (r.has_event)
                yaml_event_delete(&r.event);
        yaml_parser_delete(&r.parser);
        cs_vec_deinit(&r.items);
        return st;
}
