/* SPDX-License-Identifier: Apache-2.0 */
#include "lifenames.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const struct verb {
        const char *text;
        enum cs_life life;
} verbs[] = {
        { "new", CS_LIFE_BEGINS },    { "create", CS_LIFE_BEGINS }, { "alloc", CS_LIFE_BEGINS },
        { "malloc", CS_LIFE_BEGINS }, { "calloc", CS_LIFE_BEGINS }, { "zalloc", CS_LIFE_BEGINS },
        { "open", CS_LIFE_BEGINS },   { "dup", CS_LIFE_BEGINS },    { "clone", CS_LIFE_BEGINS },
        { "init", CS_LIFE_INIT },     { "free", CS_LIFE_ENDS },     { "vfree", CS_LIFE_ENDS },
        { "destroy", CS_LIFE_ENDS },  { "close", CS_LIFE_ENDS },    { "unref", CS_LIFE_ENDS },
        { "delete", CS_LIFE_ENDS },   { "release", CS_LIFE_ENDS },  { "cleanup", CS_LIFE_ENDS },
        { "clear", CS_LIFE_ENDS },    { "deinit", CS_LIFE_ENDS },   { "dispose", CS_LIFE_ENDS },
        { "fini", CS_LIFE_ENDS },     { "finalize", CS_LIFE_ENDS }, { "end", CS_LIFE_ENDS },
};

static bool lower(char c)
{
        return islower((unsigned char)c) || isdigit((unsigned char)c);
}

static bool upper(char c)
{
        return isupper((unsigned char)c);
}

/* Words begin behind what is no letter or digit, and where capitals begin or end: xml|New|Doc, TIFF|Open. */
static bool begins_word(const char *name, size_t i)
{
        if (!isalpha((unsigned char)name[i]))
                return false;
        return i == 0 || !isalnum((unsigned char)name[i - 1]) || (upper(name[i]) && lower(name[i - 1])) ||
               (upper(name[i]) && upper(name[i - 1]) && islower((unsigned char)name[i + 1]));
}

static size_t word_length(const char *name, size_t i)
{
        size_t len = 1;
        while (isalpha((unsigned char)name[i + len]) && !begins_word(name, i + len))
                len++;
        return len;
}

static enum cs_life life_of(const char *word, size_t len)
{
        for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
                if (strlen(verbs[i].text) == len && strncasecmp(verbs[i].text, word, len) == 0)
                        return verbs[i].life;
        return CS_LIFE_NONE;
}

/* FNV-1a, 64 bit. Names that collide on purpose make a hint wrong or missing, nothing worse. */
static uint64_t hash(uint64_t before, const char *text, size_t len)
{
        for (size_t i = 0; i < len; i++)
                before = (before ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
        return before;
}

uint64_t cs_lifename_stem(const char *name, size_t len)
{
        return hash(UINT64_C(0xcbf29ce484222325), name, len);
}

size_t cs_lifename_shorter(const char *name, size_t len)
{
        while (len > 0 && !begins_word(name, len - 1))
                len--;
        for (len -= len > 0; len > 0 && name[len - 1] == '_';)
                len--;
        return len;
}

struct cs_lifename cs_lifename_of(const char *name)
{
        struct cs_lifename out = { 0 };
        size_t len = strnlen(name, CS_LIFENAME_BYTES);
        if (len == CS_LIFENAME_BYTES || strncmp(name, "_Z", 2) == 0)
                return out;
        for (size_t i = 0, word; i < len; i += word) {
                word = 1;
                if (!begins_word(name, i))
                        continue;
                word = word_length(name, i);
                enum cs_life life = life_of(name + i, word);
                size_t stem = i, tail = i + word, end = len;
                if (!life)
                        continue;
                while (stem > 0 && name[stem - 1] == '_')
                        stem--;
                /* Versions of a function have numbers: deflateInit2_. */
                while (end > tail && (name[end - 1] == '_' || isdigit((unsigned char)name[end - 1])))
                        end--;
                if (!stem)
                        return out;
                out.life = life;
                out.stem_len = stem;
                out.stem = cs_lifename_stem(name, stem);
                out.whole = hash(out.stem, name + tail, end - tail);
                out.nothing_left = end == tail;
                return out;
        }
        return out;
}
