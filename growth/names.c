/* SPDX-License-Identifier: Apache-2.0 */
#include "names.h"

#include <ctype.h>
#include <string.h>

const char *cs_names_last(const char *path)
{
        const char *slash = path ? strrchr(path, '/') : NULL;
        return slash ? slash + 1 : path;
}

/* Where the version at the end of the first len bytes begins: digits and dots, and the dash before them. A lone number
 * without a dash is the name's ("libz2", "x86_64"). */
static size_t without_version(const char *name, size_t len)
{
        size_t at = len;
        bool dots = false, digits = false;
        while (at > 0 && (isdigit((unsigned char)name[at - 1]) || name[at - 1] == '.')) {
                dots |= name[at - 1] == '.';
                digits |= name[at - 1] != '.';
                at--;
        }
        if (!digits || at == 0)
                return len;
        if (name[at - 1] == '-')
                return at > 1 ? at - 1 : len;
        return dots ? at : len;
}

const char *cs_names_stem(struct cs_pool *pool, const char *name)
{
        static const char deleted[] = " (deleted)";
        static const char unloaded[] = " (unloaded)";
        size_t len = strlen(name);
        if (len > sizeof(deleted) - 1 && strcmp(name + len - (sizeof(deleted) - 1), deleted) == 0)
                len -= sizeof(deleted) - 1;
        else if (len > sizeof(unloaded) - 1 && strcmp(name + len - (sizeof(unloaded) - 1), unloaded) == 0)
                len -= sizeof(unloaded) - 1;
        /* The last ".so" with nothing but a version behind it. */
        for (size_t at = len; at-- > 0;) {
                if (strncmp(name + at, ".so", 3) != 0 || at + 3 > len)
                        continue;
                if (strspn(name + at + 3, ".0123456789") < len - at - 3)
                        break;
                size_t stem = without_version(name, at);
                return cs_pool_printf(pool, "%.*s.so", (int)stem, name);
        }
        return cs_pool_copy(pool, name, without_version(name, len));
}

static bool in_name(char c)
{
        return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-' || c == '+' || c == '/';
}

/* Does a module's name stand at `at`, and not as part of a longer one? */
static size_t module_at(const char *text, const char *at, const char *const *modules, size_t n, size_t *which)
{
        if (at > text && in_name(at[-1]))
                return 0;
        for (size_t i = 0; i < n; i++) {
                size_t len = strlen(modules[i]);
                if (len && strncmp(at, modules[i], len) == 0 &&
                    (!in_name(at[len]) || strncmp(at + len, "+0x", 3) == 0)) {
                        *which = i;
                        return len;
                }
        }
        return 0;
}

const char *cs_names_masked(struct cs_pool *pool, const char *text, const char *const *modules, size_t n)
{
        char *out = NULL;
        size_t used = 0;
        for (const char *at = text; *at;) {
                size_t which, len = module_at(text, at, modules, n, &which);
                if (!len) {
                        if (out)
                                out[used++] = *at;
                        at++;
                        continue;
                }
                const char *stem = cs_names_stem(pool, modules[which]);
                /* A stem is no longer than its name, so the whole is no longer than the text. */
                if (!out && (out = cs_pool_alloc(pool, strlen(text) + 1, 1)))
                        memcpy(out, text, used = (size_t)(at - text));
                if (!stem || !out)
                        return NULL;
                memcpy(out + used, stem, strlen(stem));
                used += strlen(stem);
                at += len;
                if (strncmp(at, "+0x", 3) == 0)
                        at += 3 + strspn(at + 3, "0123456789abcdef");
        }
        return out ? out : text;
}
