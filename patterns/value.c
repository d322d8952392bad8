/* SPDX-License-Identifier: Apache-2.0 */
#include "value.h"

#include "mask.h"

#include <string.h>
#include <strings.h>

static char byte_at(const char *text, size_t len, size_t at)
{
        return at < len ? text[at] : 0;
}

static bool one_of(char c, const char *set)
{
        return c == 0 || strchr(set, c) != NULL;
}

struct word {
        char text[10];
        size_t len;
};

#define WORD(text)                     \
        {                              \
                text, sizeof(text) - 1 \
        }
#define COUNT(words) (sizeof(words) / sizeof((words)[0]))

/* Names of what tells sources apart. */
static bool telling_name(const char *word, size_t len)
{
        static const struct word names[] = {
                WORD("type"),    WORD("kind"),     WORD("action"),   WORD("event"),  WORD("operation"),
                WORD("op"),      WORD("method"),   WORD("verb"),     WORD("cmd"),    WORD("command"),
                WORD("level"),   WORD("lvl"),      WORD("severity"), WORD("status"), WORD("state"),
                WORD("result"),  WORD("phase"),    WORD("reason"),   WORD("error"),  WORD("msg"),
                WORD("message"), WORD("category"), WORD("class"),    WORD("mode"),   WORD("query"),
                WORD("code"),    WORD("outcome"),
        };
        for (size_t i = 0; i < COUNT(names); i++) {
                size_t k = 0;
                if (names[i].len != len)
                        continue;
                while (k < len && (word[k] | 0x20) == names[i].text[k])
                        k++;
                if (k == len)
                        return true;
        }
        return false;
}

/* Of a name the last word counts: event_type, eventType, x-error. */
static bool telling(const char *text, size_t end)
{
        size_t from = end;
        while (from > 0 && end - from < 10) {
                unsigned c = cs_class[(unsigned char)text[from - 1]];
                if (!(c & (CS_CLASS_LOWER | CS_CLASS_UPPER)))
                        break;
                from--;
                if ((c & CS_CLASS_UPPER) && from > 0 &&
                    (cs_class[(unsigned char)text[from - 1]] & CS_CLASS_LOWER))
                        break;
        }
        return telling_name(text + from, end - from);
}

/* Does a name stand before `end`, perhaps in quotes, that leaves the value free? */
static bool free_name(const char *text, size_t end)
{
        if (end > 0 && text[end - 1] == ' ')
                end--;
        if (end > 0 && (text[end - 1] == '"' || text[end - 1] == '\''))
                end--;
        return end > 0 && (cs_class[(unsigned char)text[end - 1]] & CS_CLASS_WORD) && !telling(text, end);
}

static bool quoted(const char *text, size_t len, size_t at, size_t n)
{
        size_t before = at - 1;
        if (byte_at(text, len, at + n) != text[before] || byte_at(text, len, at + n + 1) == ':')
                return false;
        while (before > 0 && text[before - 1] == ' ')
                before--;
        if (before > 0 && (text[before - 1] == ':' || text[before - 1] == '='))
                return free_name(text, before - 1);
        return true;
}

static bool tagged(const char *text, size_t len, size_t at, size_t n)
{
        size_t from = at + n + 2, end = from;
        if (byte_at(text, len, at + n) != '<' || byte_at(text, len, at + n + 1) != '/')
                return false;
        while (end < len && text[end] != '>')
                end++;
        return !telling(text, end);
}

/* A header line: in the first line such words are speech (worker: started). */
static bool header(const char *text, size_t len, size_t at, size_t n)
{
        return at >= 2 && text[at - 2] == ':' && one_of(byte_at(text, len, at + n), "\r\n") &&
               memchr(text, '\n', at) && free_name(text, at - 2);
}

bool cs_value_at(const char *text, size_t len, size_t at, size_t n)
{
        if (at == 0)
                return false;
        switch (text[at - 1]) {
        case '"':
        case '\'':
                return quoted(text, len, at, n);
        case '>':
                return tagged(text, len, at, n);
        case '=':
                return one_of(byte_at(text, len, at + n), " \t\r\n&;,|\"')]}") && free_name(text, at - 1);
        case ':':
                return one_of(byte_at(text, len, at + n), " \t\r\n&;,|)]}") && free_name(text, at - 1);
        case ' ':
                return header(text, len, at, n);
        default:
                return false;
        }
}

/* The word that ends before the blank before `at`; *at becomes where it begins. */
static bool word_before(const char *text, size_t *at, const struct word *words, size_t n)
{
        if (*at < 2 || text[*at - 1] != ' ')
                return false;
        size_t end = *at - 1, from = end;
        while (from > 0 && end - from < 12 && (cs_class[(unsigned char)text[from - 1]] & CS_CLASS_WORD))
                from--;
        *at = from;
        for (size_t i = 0; i < n; i++)
                if (words[i].len == end - from && (text[from] | 0x20) == words[i].text[0] &&
                    strncasecmp(text + from, words[i].text, end - from) == 0)
                        return true;
        return false;
}

bool cs_value_names(const char *text, size_t at)
{
        static const struct word who[] = { WORD("user"), WORD("username"), WORD("account"), WORD("login") };
        static const struct word whose[] = {
                WORD("for"), WORD("of"),      WORD("by"),      WORD("as"),      WORD("from"),
                WORD("to"),  WORD("invalid"), WORD("illegal"), WORD("unknown"),
        };
        return word_before(text, &at, who, COUNT(who)) && word_before(text, &at, whose, COUNT(whose));
}
