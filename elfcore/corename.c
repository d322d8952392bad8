/* SPDX-License-Identifier: Apache-2.0 */
#include "corename.h"

#include <stdlib.h>
#include <string.h>

enum { BOOT_DIGITS = 32, NUMBER_DIGITS = 20 };

static int hex_value(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Takes the last part of [start, *end), which begins behind a dot: all of it digits of that base, and so many of them. */
static const char *last_number(const char *start, const char **end, int base, size_t least, size_t most)
{
        const char *at = *end;
        while (at > start && at[-1] != '.')
                at--;
        size_t len = (size_t)(*end - at);
        if (at == start || len < least || len > most)
                return NULL;
        for (const char *c = at; c < *end; c++)
                if (hex_value(*c) < 0 || hex_value(*c) >= base)
                        return NULL;
        *end = at - 1;
        return at;
}

/* "\x2e" and the like become what they stand for; the result is never longer. */
static void unescape(char *text)
{
        char *to = text;
        for (const char *at = text; *at; to++) {
                bool code = at[0] == '\\' && at[1] == 'x' && hex_value(at[2]) >= 0 && hex_value(at[3]) >= 0;
                *to = code ? (char)(hex_value(at[2]) * 16 + hex_value(at[3])) : *at;
                at += code ? 4 : 1;
        }
        *to = '\0';
}

bool cs_corename_parse(const char *path, struct cs_pool *pool, const char **command, pid_t *pid)
{
        static const char *const packed[] = { ".zst", ".lz4", ".xz" };
        const char *slash = strrchr(path, '/'), *start = slash ? slash + 1 : path,
                   *end = start + strlen(start);
        if (strncmp(start, "core.", 5) != 0)
                return false;
        start += 5;
        for (size_t i = 0; i < sizeof(packed) / sizeof(packed[0]); i++) {
                size_t len = strlen(packed[i]);
                if ((size_t)(end - start) > len && memcmp(end - len, packed[i], len) == 0) {
                        end -= len;
                        break;
                }
        }
        if (!last_number(start, &end, 10, 1, NUMBER_DIGITS))
                return false;
        const char *number = last_number(start, &end, 10, 1, NUMBER_DIGITS);
        if (!number || !last_number(start, &end, 16, BOOT_DIGITS, BOOT_DIGITS) ||
            !last_number(start, &end, 10, 1, NUMBER_DIGITS) || end == start)
                return false;
        unsigned long value = strtoul(number, NULL, 10);
        char *name = value > 0 && value <= 1 << 22 ? cs_pool_copy(pool, start, (size_t)(end - start)) : NULL;
        if (!name)
                return false;
        unescape(name);
        *command = name;
        *pid = (pid_t)value;
        return true;
}
