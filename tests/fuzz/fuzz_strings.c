/* Texts in any bytes, of which the first says how large windows are: in windows the same ones as at once, by the plain way the
 * same as by the processor's best, each within the bytes and of some length. */
#include "bytes.h"
#include "strings.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t hash_of(const struct cs_string *s, size_t shift)
{
        return cs_mix((s->at + shift) ^ (uint64_t)s->len << 32) ^
               cs_mix((uint64_t)s->encoding * 2 + s->open + 1);
}

/* A sum over the texts that a window owns, which does not depend on their order. */
static uint64_t find(const uint8_t *bytes, size_t len, size_t from, size_t to, cs_textmask_fn masks,
                     size_t shift)
{
        const struct cs_strings_window w = { bytes, (uint32_t)len, (uint32_t)from, (uint32_t)to };
        cs_string_vec out = { 0 };
        uint64_t sum = 0;
        if (cs_strings_find(&w, masks, &out, NULL) != CS_OK)
                abort();
        for (size_t i = 0; i < out.n; i++) {
                const struct cs_string *s = &out.at[i];
                size_t least = s->encoding == CS_ENCODING_UTF16LE ? 2 * CS_STRING_LEAST : CS_STRING_LEAST;
                char text[64];
                if (s->at > len || s->len > len - s->at || s->len < least)
                        abort();
                if (s->encoding == CS_ENCODING_UTF16LE &&
                    cs_strings_transcribe(bytes + s->at, s->len, text, sizeof(text)) > sizeof(text))
                        abort();
                sum += hash_of(s, shift);
        }
        cs_vec_deinit(&out);
        return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        if (size < 2 || size > CS_STRING_BEHIND)
                return 0;
        size_t own = 1 + *data++;
        size--;
        uint64_t whole = find(data, size, 0, size, cs_textmask_best(), 0), parts = 0;
        if (find(data, size, 0, size, cs_textmask_scalar, 0) != whole)
                abort();
        for (size_t at = 0; at < size; at += own) {
                size_t before = at < CS_STRING_BEFORE ? at : CS_STRING_BEFORE;
                size_t end = size - at < own ? size : at + own;
                parts += find(data + at - before, size - at + before, before, before + end - at,
                              cs_textmask_best(), at - before);
        }
        if (parts != whole)
                abort();
        return 0;
}
