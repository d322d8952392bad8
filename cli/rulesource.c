/* SPDX-License-Identifier: Apache-2.0 */
#include "rulesource.h"

#include "cs_limits.h"
#include "rulefile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { NAME_SHOWN = 200, READ_BYTES = 64 << 10 };

typedef CS_VEC(char) text_vec;

void cs_rulesource_deinit(struct cs_rulesource *rules)
{
        cs_ruleset_destroy(rules->set);
        cs_rules_deinit(&rules->rules);
}

static enum cs_status read_stream(FILE *f, const char *name, text_vec *out, struct cs_error *err)
{
        for (;;) {
                enum cs_status st = cs_vec_reserve(out, READ_BYTES, err);
                if (st != CS_OK)
                        return st;
                errno = 0;
                size_t n = fread(out->at + out->n, 1, READ_BYTES, f);
                out->n += n;
                if (ferror(f))
                        return cs_fail_sys(err, errno ? errno : EIO, "%.*s", NAME_SHOWN, name);
                if (n < READ_BYTES)
                        return CS_OK;
                if (out->n > CS_LIMIT_RULE_BYTES)
                        return cs_fail(err, CS_EFORMAT, "%.*s: more than %d bytes of rules", NAME_SHOWN, name,
                                       CS_LIMIT_RULE_BYTES);
        }
}

static enum cs_status read_file(const char *name, text_vec *out, struct cs_error *err)
{
        if (strcmp(name, "-") == 0)
                return read_stream(stdin, name, out, err);
        FILE *f = fopen(name, "re");
        if (!f)
                return cs_fail_sys(err, errno, "%.*s", NAME_SHOWN, name);
        enum cs_status st = read_stream(f, name, out, err);
        (void)fclose(f);
        return st;
}

/* "rules.yaml:12:10: cause" */
static enum cs_status fail_at(const char *name, struct cs_rule_place place, enum cs_status status,
                              const char *cause, struct cs_error *err)
{
        if (place.line && !place.column) /* YARA tells no more */
                return cs_fail(err, status, "%.*s:%u: %.300s", NAME_SHOWN, name, place.line, cause);
        if (place.line)
                return cs_fail(err, status, "%.*s:%u:%u: %.300s", NAME_SHOWN, name, place.line, place.column,
                               cause);
        return cs_fail(err, status, "%.*s: %.300s", NAME_SHOWN, name, cause);
}

static enum cs_status load_file(const char *name, struct cs_rules *rules, struct cs_error *err)
{
        struct cs_rule_place place = { 0 };
        struct cs_error why = { 0 };
        text_vec text = { 0 };
        enum cs_status st = read_file(name, &text, err);
        if (st == CS_OK) {
                st = cs_rules_read(name, text.at, text.n, rules, &place, &why);
                if (st != CS_OK)
                        (void)fail_at(name, place, st, why.text, err);
        }
        cs_vec_deinit(&text);
        return st;
}

static enum cs_status load_one(const struct cs_rule_source *source, struct cs_rules *rules,
                               struct cs_error *err)
{
        static const char builtin[] = "builtin:";
        struct cs_error why = { 0 };
        if (source->grep)
                return cs_rules_add_grep(source->text, rules, err);
        if (strncmp(source->text, builtin, sizeof(builtin) - 1) != 0)
                return load_file(source->text, rules, err);
        enum cs_status st = cs_rules_builtin(source->text + sizeof(builtin) - 1, rules, &why);
        if (st != CS_OK)
                return cs_fail(err, st, "--rules %.*s: %.300s", NAME_SHOWN, source->text, why.text);
        return st;
}

/* The rule's own name says nothing where it is the regex. */
static enum cs_status fail_compile(const struct cs_options *options, const struct cs_rule *culprit,
                                   enum cs_status status, const char *cause, struct cs_error *err)
{
        if (!culprit || culprit->file >= options->n_rules)
                return cs_fail(err, status, "%s", cause);
        const struct cs_rule_source *source = &options->rules[culprit->file];
        if (!source->grep)
                return fail_at(source->text, (struct cs_rule_place){ culprit->line, culprit->column }, status,
                               cause, err);
        char lead[128];
        int n = snprintf(lead, sizeof(lead), "rule %.100s: ", culprit->id);
        if (n > 0 && (size_t)n < sizeof(lead) && strncmp(cause, lead, (size_t)n) == 0)
                cause += n;
        return cs_fail(err, status, "-e %.*s: %.300s", 100, source->text, cause);
}

enum cs_status cs_rulesource_load(const struct cs_options *options, struct cs_rulesource *out,
                                  struct cs_error *err)
{
        const struct cs_rule *culprit = NULL;
        struct cs_error why = { 0 };
        for (size_t i = 0; i < options->n_rules; i++) {
                enum cs_status st = load_one(&options->rules[i], &out->rules, err);
                if (st != CS_OK)
                        return st;
        }
        if (!options->n_rules)
                return CS_OK;
        enum cs_status st = cs_ruleset_compile(&out->rules, CS_WAY_BEST, &out->set, &culprit, &why);
        return st == CS_OK ? st : fail_compile(options, culprit, st, why.text, err);
}
