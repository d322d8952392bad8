/* SPDX-License-Identifier: Apache-2.0 */
/* gitleaks' configuration (v8): [[rules]] with id, description, regex, keywords, entropy, secretGroup, tags; [[rules.allowlists]] and [rules.allowlist], and the
 * global [allowlist] and [[allowlists]], with regexes, stopwords, regexTarget and condition. Memory has no paths and no commits: conditions on these are
 * passed over, and rules that have nothing else are left out, which is told. */
#include "cs_limits.h"
#include "goregex.h"
#include "regex.h"
#include "rulefile_private.h"
#include "toml.h"

#include <string.h>
#include <strings.h>

enum { ALLOW_MOST = 64 }; /* allowlists of one rule */

enum where { AT_TOP, AT_RULE, AT_RULE_ALLOW, AT_GLOBAL_ALLOW, AT_EXTEND, AT_OTHER };

struct reader {
        struct cs_rules *rules;
        struct cs_rule_place *place;
        struct cs_error *err;
        struct cs_toml toml;
        enum where where;
        size_t first;                       /* of this file's rules */
        struct cs_rule rule;                /* being read */
        bool open;                          /* is one? */
        struct cs_rule_place rule_place;    /* its heading */
        CS_VEC(struct cs_allow) allow;      /* of the rule */
        CS_VEC(struct cs_allow) everywhere; /* the global ones */
        size_t without_regex;
};

static enum cs_status fail_at(struct reader *r, struct cs_rule_place place, const char *text)
{
        *r->place = place;
        return cs_fail(r->err, CS_EFORMAT, "%s", text);
}

static bool is_of_use(const struct cs_allow *a)
{
        return a->regexes.n || a->words.n;
}

/* Ends the rule that is being read. */
static enum cs_status close_rule(struct reader *r)
{
        size_t n = 0;
        if (!r->open)
                return CS_OK;
        r->open = false;
        if (!r->rule.id || !*r->rule.id)
                return fail_at(r, r->rule_place, "a rule without an id");
        if (!r->rule.regex) {
                r->without_regex++;
                return CS_OK;
        }
        if (r->rules->at.n >= CS_LIMIT_RULES)
                return fail_at(r, r->rule_place, "too many rules: the limit is 131072");
        struct cs_allow *allow = cs_pool_alloc(&r->rules->pool, r->allow.n + 1, sizeof(*allow));
        if (!allow)
                return cs_fail(r->err, CS_ENOMEM, "rules");
        for (size_t i = 0; i < r->allow.n; i++)
                if (is_of_use(&r->allow.at[i]))
                        allow[n++] = r->allow.at[i];
        r->rule.allow = allow;
        r->rule.n_allow = n;
        return cs_vec_push(&r->rules->at, r->rule, r->err);
}

static enum cs_status begin_rule(struct reader *r, const struct cs_toml_item *item)
{
        enum cs_status st = close_rule(r);
        r->rule = (struct cs_rule){ .redact = true, .secret_group = CS_GROUP_FIRST, .file = r->rules->files };
        r->rule_place = item->place;
        r->allow.n = 0;
        r->open = true;
        r->where = AT_RULE;
        return st;
}

static enum cs_status on_heading(struct reader *r, const struct cs_toml_item *item)
{
        struct cs_allow none = { 0 };
        const char *name = item->name;
        if (strcmp(name, "rules") == 0)
                return begin_rule(r, item);
        if (strcmp(name, "rules.allowlist") == 0 || strcmp(name, "rules.allowlists") == 0) {
                r->where = AT_RULE_ALLOW;
                if (!r->open)
                        return fail_at(r, item->place, "an allowlist of no rule");
                if (r->allow.n == ALLOW_MOST)
                        return fail_at(r, item->place, "more than 64 allowlists of one rule");
                return cs_vec_push(&r->allow, none, r->err);
        }
        enum cs_status st = close_rule(r);
        if (st != CS_OK)
                return st;
        if (strcmp(name, "allowlist") == 0 || strcmp(name, "allowlists") == 0) {
                r->where = AT_GLOBAL_ALLOW;
                if (r->everywhere.n == ALLOW_MOST)
                        return fail_at(r, item->place, "more than 64 global allowlists");
                return cs_vec_push(&r->everywhere, none, r->err);
        }
        r->where = strcmp(name, "extend") == 0 ? AT_EXTEND : AT_OTHER;
        return CS_OK;
}

static enum cs_status want(struct reader *r, const struct cs_toml_item *item, enum cs_toml_value value)
{
        static const char *const wanted[] = { "a text is wanted here", "a number is wanted here",
                                              "true or false is wanted here",
                                              "a list of texts is wanted here" };
        return item->value == value ? CS_OK : fail_at(r, item->place, wanted[value]);
}

static enum cs_status set_regex(struct reader *r, const struct cs_toml_item *item)
{
        enum cs_status st = want(r, item, CS_TOML_TEXT);
        if (st != CS_OK)
                return st;
        if (!item->text_len)
                return CS_OK; /* as gitleaks: none */
        if (item->text_len > CS_LIMIT_REGEX_BYTES)
                return fail_at(r, item->place, "the regex is longer than 65536 bytes");
        r->rule.regex = cs_goregex_translate(&r->rules->pool, item->text, false);
        if (!r->rule.regex)
                return cs_fail(r->err, CS_ENOMEM, "rules");
        r->rule.regex_len = strlen(r->rule.regex);
        r->rule.line = item->place.line;
        r->rule.column = item->place.column;
        return CS_OK;
}

static enum cs_status on_rule_key(struct reader *r, const struct cs_toml_item *item)
{
        enum cs_status st = CS_OK;
        const char *name = item->name;
        if (strcmp(name, "id") == 0) {
                if ((st = want(r, item, CS_TOML_TEXT)) == CS_OK)
                        r->rule.id = item->text;
        } else if (strcmp(name, "description") == 0) {
                if ((st = want(r, item, CS_TOML_TEXT)) == CS_OK)
                        r->rule.description = item->text;
        } else if (strcmp(name, "regex") == 0) {
                st = set_regex(r, item);
        } else if (strcmp(name, "keywords") == 0) {
                if ((st = want(r, item, CS_TOML_ARRAY)) == CS_OK)
                        r->rule.keywords = item->texts;
        } else if (strcmp(name, "tags") == 0) {
                if ((st = want(r, item, CS_TOML_ARRAY)) == CS_OK)
                        r->rule.tags = item->texts;
        } else if (strcmp(name, "entropy") == 0) {
                if ((st = want(r, item, CS_TOML_NUMBER)) == CS_OK)
                        r->rule.entropy = item->number;
        } else if (strcmp(name, "secretGroup") == 0) {
                if ((st = want(r, item, CS_TOML_NUMBER)) != CS_OK)
                        return st;
                if (item->number < 0 || item->number > 1000)
                        return fail_at(r, item->place, "no group has this number");
                r->rule.secret_group = item->number > 0 ? (uint32_t)item->number : (uint32_t)CS_GROUP_FIRST;
        }
        return st;
}

static enum cs_status translate_all(struct reader *r, const struct cs_toml_item *item, struct cs_strings *out)
{
        const char **at = cs_pool_alloc(&r->rules->pool, item->texts.n + 1, sizeof(*at));
        for (size_t i = 0; at && i < item->texts.n; i++)
                if (strlen(item->texts.at[i]) > CS_LIMIT_REGEX_BYTES)
                        return fail_at(r, item->place, "the regex is longer than 65536 bytes");
                else if (!(at[i] = cs_goregex_translate(&r->rules->pool, item->texts.at[i], true)))
                        at = NULL;
        *out = (struct cs_strings){ at, item->texts.n };
        return at ? CS_OK : cs_fail(r->err, CS_ENOMEM, "rules");
}

static enum cs_status on_allow_key(struct reader *r, const struct cs_toml_item *item, struct cs_allow *allow)
{
        enum cs_status st = CS_OK;
        const char *name = item->name;
        if (strcmp(name, "regexes") == 0) {
                if ((st = want(r, item, CS_TOML_ARRAY)) == CS_OK)
                        st = translate_all(r, item, &allow->regexes);
        } else if (strcmp(name, "stopwords") == 0) {
                if ((st = want(r, item, CS_TOML_ARRAY)) == CS_OK)
                        allow->words = item->texts;
        } else if (strcmp(name, "regexTarget") == 0) {
                if ((st = want(r, item, CS_TOML_TEXT)) == CS_OK)
                        allow->target = strcmp(item->text, "match") == 0  ? CS_ALLOW_MATCH
                                        : strcmp(item->text, "line") == 0 ? CS_ALLOW_LINE
                                                                          : CS_ALLOW_SECRET;
        } else if (strcmp(name, "condition") == 0) {
                if ((st = want(r, item, CS_TOML_TEXT)) == CS_OK)
                        allow->all = strcasecmp(item->text, "and") == 0;
        }
        return st;
}

static enum cs_status on_key(struct reader *r, const struct cs_toml_item *item)
{
        switch (r->where) {
        case AT_RULE:
                return on_rule_key(r, item);
        case AT_RULE_ALLOW:
                return on_allow_key(r, item, &r->allow.at[r->allow.n - 1]);
        case AT_GLOBAL_ALLOW:
                return on_allow_key(r, item, &r->everywhere.at[r->everywhere.n - 1]);
        case AT_EXTEND:
                return cs_vec_push(&r->rules->notes,
                                   "[extend] is not followed: give the other file of rules as well", r->err);
        default:
                return CS_OK;
        }
}

/* What is allowed everywhere is allowed to each rule. */
static enum cs_status share_allow(struct reader *r)
{
        size_t n = 0;
        for (size_t i = 0; i < r->everywhere.n; i++)
                n += is_of_use(&r->everywhere.at[i]);
        for (size_t i = r->first; n && i < r->rules->at.n; i++) {
                struct cs_rule *rule = &r->rules->at.at[i];
                struct cs_allow *all = cs_pool_alloc(&r->rules->pool, rule->n_allow + n, sizeof(*all));
                if (!all)
                        return cs_fail(r->err, CS_ENOMEM, "rules");
                if (rule->n_allow)
                        memcpy(all, rule->allow, rule->n_allow * sizeof(*all));
                for (size_t k = 0; k < r->everywhere.n; k++)
                        if (is_of_use(&r->everywhere.at[k]))
                                all[rule->n_allow++] = r->everywhere.at[k];
                rule->allow = all;
        }
        return CS_OK;
}

static enum cs_status finish(struct reader *r)
{
        enum cs_status st = close_rule(r);
        if (st != CS_OK)
                return st;
        if (r->rules->at.n == r->first && !r->without_regex) {
                *r->place = (struct cs_rule_place){ 1, 1 };
                return cs_fail(r->err, CS_EFORMAT, "there are no [[rules]] in it");
        }
        if (r->without_regex) {
                const char *note = cs_pool_printf(
                        &r->rules->pool,
                        "rules without a regex, for they are about files' names, are left out: %zu of them",
                        r->without_regex);
                if (!note)
                        return cs_fail(r->err, CS_ENOMEM, "rules");
                if ((st = cs_vec_push(&r->rules->notes, note, r->err)) != CS_OK)
                        return st;
        }
        return share_allow(r);
}

enum cs_status cs_rules_read_toml(const char *bytes, size_t len, struct cs_rules *rules,
                                  struct cs_rule_place *place, struct cs_error *err)
{
        struct reader r = { .rules = rules, .place = place, .err = err, .first = rules->at.n };
        struct cs_toml_item item;
        enum cs_status st;
        cs_toml_init(&r.toml, &rules->pool, bytes, len, place, err);
        for (;;) {
                if ((st = cs_toml_next(&r.toml, &item)) != CS_OK || item.kind == CS_TOML_END)
                        break;
                if ((st = item.kind == CS_TOML_KEY ? on_key(&r, &item) : on_heading(&r, &item)) != CS_OK)
                        break;
        }
        if (st == CS_OK)
                st = finish(&r);
        cs_toml_deinit(&r.toml);
        cs_vec_deinit(&r.allow);
        cs_vec_deinit(&r.everywhere);
        return st;
}
