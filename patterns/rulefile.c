/* SPDX-License-Identifier: Apache-2.0 */
#include "rulefile.h"

#include "cs_limits.h"
#include "rulefile_private.h"

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
                st = cs_fail(err, CS_ENOTSUP, "YARA rules are not read by this version");
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
