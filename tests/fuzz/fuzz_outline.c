/* SPDX-License-Identifier: Apache-2.0 */
/* A text, and what becomes of it when what its outline hides changes: where nothing did that decides on its shape, that must stay. */
#include "mask.h"
#include "outline.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t state;

static size_t roll(size_t below)
{
        state = state * 6364136223846793005u + 1442695040888963407u;
        return (size_t)(state >> 33) % below;
}

static void change(const struct cs_outline *o, const struct cs_places *shown, const uint8_t *text, size_t len,
                   uint8_t *out)
{
        size_t rate = 1 + roll(4);
        for (size_t i = 0; i < len; i++) {
                size_t word = i / CS_PLACES_WORD;
                uint64_t bit = UINT64_C(1) << i % CS_PLACES_WORD;
                bool other = (o->hidden.at[word] & ~shown->at[word] & bit) && roll(rate) == 0;
                out[i] =
                        other ? (uint8_t) "0123456789abcdef"[roll(o->hex.at[word] & bit ? 16 : 10)] : text[i];
        }
}

static void same(const struct cs_outline *a, const struct cs_outline *b, size_t len)
{
        if (memcmp(a->bytes, b->bytes, len) != 0 || memcmp(&a->hidden, &b->hidden, sizeof(a->hidden)) != 0 ||
            memcmp(&a->hex, &b->hex, sizeof(a->hex)) != 0)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static uint8_t text[CS_PLACES], other[CS_PLACES];
        static struct cs_shape a, b;
        static struct cs_outline x, y;
        size_t len = size < CS_PLACES ? size : CS_PLACES;
        state = 1;
        for (size_t i = 0; i < len; i++) {
                text[i] = data[i] >= 0xf5 ? '?' : data[i]; /* these are in no text */
                state = state * 31 + data[i];
        }
        cs_outline_fn best = cs_outline_best();
        bool good = cs_outline_scalar(text, len, &x);
        if (best(text, len, &y) != good)
                abort();
        same(&x, &y, len);
        if (!good || !cs_shape_of(text, len, cs_classes_best(), &a))
                return 0;
        struct cs_places shown = cs_outline_shown(&x, &a);
        for (unsigned i = 0; i < ROUNDS; i++) {
                change(&x, &shown, text, len, other);
                if (!best(other, len, &y) || memcmp(x.bytes, y.bytes, len) != 0)
                        continue;
                same(&x, &y, len);
                if (!cs_shape_of(other, len, cs_classes_best(), &b) || a.len != b.len || a.cut != b.cut ||
                    memcmp(a.bytes, b.bytes, a.len) != 0)
                        abort();
        }
        return 0;
}
