/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the bytes are, what reaches a terminal commands nothing and hides nothing, and what reaches JSON is UTF-8. The
 * checks decode for themselves. The first byte chooses a width for cutting. */
#include "escape.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
        if (!holds)
                abort();
}

/* One character of what should be valid UTF-8; fewer checks than the real decoder, by another way. */
static uint32_t next_code(const uint8_t **at)
{
        uint32_t lead = *(*at)++;
        if (lead < 0x80)
                return lead;
        must(lead >= 0xc2 && lead <= 0xf4);
        unsigned more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
        uint32_t code = lead & (0x3fu >> more);
        for (; more; more--) {
                must((**at & 0xc0) == 0x80);
                code = code * 64 + (*(*at)++ & 0x3fu);
        }
        return code;
}

static void check_clean(const char *text, enum cs_charset charset)
{
        for (const uint8_t *at = (const uint8_t *)text; *at;) {
                uint32_t code = next_code(&at);
                must(code >= 0x20 && !(code >= 0x7f && code <= 0x9f));
                must(charset == CS_CHARSET_UTF8 || code < 0x80);
                must(!(code >= 0x200b && code <= 0x200f));
                must(!(code >= 0x2028 && code <= 0x202e));
                must(!(code >= 0x2060 && code <= 0x206f));
                must(code != 0xad && code != 0x61c && code != 0xfeff);
                must(!(code >= 0xd800 && code <= 0xf8ff));
                must(code < 0xe0000);
        }
}

static void check_terminal(const uint8_t *data, size_t size, size_t columns, enum cs_charset charset)
{
        struct cs_pool pool = { 0 };
        const char *text = cs_escape_terminal(&pool, data, size, charset);
        must(text != NULL);
        check_clean(text, charset);
        /* What was escaped once has nothing left to escape. */
        must(strcmp(text, cs_escape_terminal(&pool, text, strlen(text), charset)) == 0);
        const char *cut = cs_escape_cut(&pool, text, columns, charset);
        must(cut && cs_escape_columns(cut) <= columns);
        check_clean(cut, charset);
        cs_pool_deinit(&pool);
}

static void check_json(const uint8_t *data, size_t size)
{
        struct cs_pool pool = { 0 };
        const char *copy = cs_pool_copy(&pool, data, size);
        const char *text = copy ? cs_escape_json(&pool, copy) : NULL;
        must(text != NULL);
        json_t *plain = json_string(text);
        must(plain != NULL);
        json_decref(plain);
        json_t *whole = json_stringn((const char *)data, size);
        must((whole != NULL) == cs_escape_is_utf8(data, size));
        json_decref(whole);
        const char *base64 = cs_escape_base64(&pool, data, size);
        must(base64 && strlen(base64) == (size + 2) / 3 * 4);
        must(strspn(base64, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") ==
             strlen(base64));
        cs_pool_deinit(&pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        size_t columns = size ? data[0] : 0;
        check_terminal(data, size, columns, CS_CHARSET_UTF8);
        check_terminal(data, size, columns, CS_CHARSET_ASCII);
        check_json(data, size);
        return 0;
}
