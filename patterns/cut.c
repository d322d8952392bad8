/* SPDX-License-Identifier: Apache-2.0 */
#include "cut.h"

#include "mask.h"

#include <stdbool.h>
#include <string.h>

enum {
        PERIOD_MAX = 32, /* bytes that are repeated */
        PERIODS = 8,     /* as often at least */
        PERIODIC = 64,   /* bytes of a text that is looked at for it */
};

/* Does a part end at the end of a text: a delimiter, or an escaped line end? */
static bool parts(const char *text, size_t len)
{
        char c = text[len - 1];
        if (len > 1 && text[len - 2] == '\\' && (c == 'n' || c == 'r' || c == 't'))
                return true;
        return memchr(" \t\r\n=&;,:\"'(){}[]|<>", c, 20) != NULL;
}

/* The mask that ends at the end of a text, or 0. */
static size_t mask_before(const char *text, size_t len)
{
        for (size_t n = 3; n <= len && n <= 8 && text[len - 1] == '>'; n++) {
                enum cs_mask kind;
                if (text[len - n] == '<')
                        return cs_mask_length(text + len - n, n, &kind) == n ? n : 0;
        }
        return 0;
}

static size_t last_part(const char *text, size_t len)
{
        while (len > 0) {
                size_t mask = mask_before(text, len);
                if (!mask && parts(text, len))
                        break;
                len -= mask ? mask : 1;
        }
        return len;
}

/* Neither within a mask nor within a character of UTF-8. */
static size_t whole(const char *text, size_t len)
{
        for (size_t back = 1; back < 8 && back <= len; back++) {
                enum cs_mask kind;
                if (text[len - back] == '<' && cs_mask_length(text + len - back, 8, &kind) > back)
                        return len - back;
        }
        for (size_t i = 0; i < 3 && ((uint8_t)text[len] & 0xc0) == 0x80; i++)
                len--;
        return len;
}

size_t cs_cut_end(const char *text, size_t len, size_t token)
{
        size_t n = last_part(text, len - token);
        if (token && n == len - token)
                return len;
        if (n >= CS_CUT_CERTAIN)
                return n;
        return token || len - n <= CS_CUT_WORD + 8 ? len : whole(text, n + CS_CUT_WORD);
}

size_t cs_cut_period(const uint8_t *text, size_t len)
{
        if (len < PERIODIC || text[0] == text[1])
                return 0;
        for (size_t p = 2; p <= PERIOD_MAX && p * PERIODS <= len; p++) {
                if (text[p] != text[0] || text[p + 1] != text[1] || memcmp(text, text + p, len - p) != 0)
                        continue;
                for (size_t i = 0; i < p; i++)
                        if (cs_class[text[i]] & CS_CLASS_DIGIT)
                                return 0;
                return p;
        }
        return 0;
}
