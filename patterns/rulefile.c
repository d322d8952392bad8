/* SPDX-License-Identifier: Apache-2.0 */
#include "rulefile.h"

#include "cs_limits.h"
#include "rulefile_private.h"
#include "yara_rules.h"

#include <string.h>
#include <strings.h>

enum format { FORMAT_YAML, FORMAT_TOML, FORMAT_YARA, FORMAT_YARA_COMPILED };

static bool ends_in(const char *name, const char *ending)
{
        size_t n = strlen(name), e = strlen(ending);
        return n >= e && strcasecmp(name + n - e, ending) == 0;
}

/* Does a line begin like this, blanks aside? */
static bool has_line(const char *bytes, size_t len, const char *start)
{
        size_t n = strlen(start);
        for (size_t at = 0; at < len;) {
                size_t from = at;
                while (from < len && (bytes[from] == ' ' || bytes[from] == '\t'))
                        from++;
                if (len - from >= n && memcmp(bytes + from, start, n) == 0)
                        return true;
                const char *newline = memchr(bytes + at, '\n', len - at);
                if (!newline)
                        return false;
                at = (size_t)(newline - bytes) + 1;
        }
        return false;
}

static enum format format_of(const char *name, const char *bytes, size_t len)
{
        if (len >= 4 && memcmp(bytes, "YARA", 4) == 0)
                return FORMAT_YARA_COMPILED;
        if (ends_in(name, ".toml"))
                return FORMAT_TOML;
        if (ends_in(name, ".yaml") || ends_in(name, ".yml"))
                return FORMAT_YAML;
        if (ends_in(name, ".yar") || ends_in(name, ".yara"))
                return FORMAT_YARA;
        if (has_line(bytes, len, "[[rules]]"))
                return FORMAT_TOML;
        if (has_line(bytes, len, "- id:") || has_line(bytes, len, "- regex:"))
                return FORMAT_YAML;
        if (has_line(bytes, len, "rule ") || has_line(bytes, len, "private rule ") ||
            has_line(bytes, len, "global rule "))
                return FORMAT_YARA;
        return FORMAT_YAML;
}

void cs_rules_deinit(struct cs_rules *rules)
{
        for (size_t i = 0; i < rules->yara.n; i++)
                cs_yara_destroy(rules->yara.at[i].yara);
        cs_vec_deinit(&rules->yara);
        cs_pool_deinit(&rules->pool);
        cs_vec_deinit(&rules->at);
        cs_vec_deinit(&rules->notes);
}

static enum cs_status read_yara(const char *bytes, size_t len, struct cs_rules *rules,
                                struct cs_rule_place *place, struct cs_error *err)
{
        struct cs_yara_file file = { NULL, (uint32_t)rules->at.n };
        enum cs_status st = cs_yara_compile(bytes, len, &file.yara, place, err);
        if (st != CS_OK)
                return st;
        if ((st = cs_vec_push(&rules->yara, file, err)) != CS_OK) {
                cs_yara_destroy(file.yara);
                return st;
        }
        for (size_t i = 0; st == CS_OK && i < cs_yara_count(file.yara); i++) {
                struct cs_rule rule = { .id = cs_yara_name(file.yara, i),
                                        .description = cs_yara_description(file.yara, i),
                                        .file = rules->files };
                if (rules->at.n >= CS_LIMIT_RULES)
                        return cs_fail(err, CS_EFORMAT, "too many rules: the limit is %d", CS_LIMIT_RULES);
                st = cs_vec_push(&rules->at, rule, err);
        }
        return st;
}

enum cs_status cs_rules_read(const char *name, const char *bytes, size_t len, struct cs_rules *rules,
                             struct cs_rule_place *place, struct cs_error *err)
{
        *place = (struct cs_rule_place){ 0 };
        if (len > CS_LIMIT_RULE_BYTES)
                return cs_fail(err, CS_EFORMAT, "a file of rules of %zu bytes; the limit is %d", len,
                               CS_LIMIT_RULE_BYTES);
        enum cs_status st = CS_OK;
        switch (format_of(name, bytes, len)) {
        case FORMAT_YAML:
                st = cs_rules_read_yaml(bytes, len, rules, place, err);
                break;
        case FORMAT_TOML:
                st = cs_rules_read_toml(bytes, len, rules, place, err);
                break;
        case FORMAT_YARA:
                st = read_yara(bytes, len, rules, place, err);
                break;
        case FORMAT_YARA_COMPILED:
                st = cs_fail(
                        err, CS_ENOTSUP,
                        "compiled YARA rules are not read: they are a program; give the text that they were compiled from");
                break;
        }
        rules->files++;
        return st;
}
