/* SPDX-License-Identifier: Apache-2.0 */
/* The beginnings of like blocks: how many, how long each, and bytes. What is found begins where it is asked for, and is one line of text. */
#include "blocktext.h"

#include "text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct cs_blocktext texts = { 0 };
        struct cs_pool pool = { 0 };
        if (size < 4)
                return 0;
        size_t stride = 8 + data[1] * (size_t)2;
        uint32_t from = data[2], to = from + data[3] * 2u, at = UINT32_MAX;
        texts.n = data[0] % (CS_BLOCKTEXT_SAMPLES + 1);
        texts.bytes = malloc(texts.n * CS_BLOCKTEXT_BYTES + 1);
        texts.got = calloc(texts.n + 1, sizeof(*texts.got));
        if (!texts.bytes || !texts.got)
                abort();
        data += 4;
        size -= 4;
        for (size_t i = 0; i < texts.n && i * stride < size; i++) {
                size_t left = size - i * stride;
                texts.got[i] = left < stride ? left : stride;
                if (texts.got[i] > CS_BLOCKTEXT_BYTES)
                        texts.got[i] = CS_BLOCKTEXT_BYTES;
                memcpy(texts.bytes + i * CS_BLOCKTEXT_BYTES, data + i * stride, texts.got[i]);
        }
        const char *text = cs_blocktext_find(&texts, from, to, &pool, &at);
        if (text && (at < from || at >= to || !*text || strpbrk(text, "\r\n") ||
                     cs_text_run((const uint8_t *)text, strlen(text)) != strlen(text)))
                abort();
        cs_pool_deinit(&pool);
        cs_blocktext_deinit(&texts);
        return 0;
}
