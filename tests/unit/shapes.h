/* SPDX-License-Identifier: Apache-2.0 */
/* What the test of shapes and outlines and their fuzz targets have in common. One of them includes it, once. */
#ifndef SHAPES_H
#define SHAPES_H

#include "outline.h"

#include <string.h>

static uint64_t state = 88172645463325252u; /* of roll(), never 0 */

static inline size_t roll(size_t below)
{
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return (size_t)((state * 2685821657736338717u) >> 33) % below;
}

static inline bool same_shape(const struct cs_shape *a, const struct cs_shape *b)
{
        return a->len == b->len && a->cut == b->cut && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* Other bytes where an outline hides them and nothing decides on the shape. */
static inline void change_hidden(const struct cs_outline *o, const struct cs_places *shown,
                                 const uint8_t *text, size_t len, uint8_t *out)
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

/* What a fuzzer gives as a text: up to `most` bytes of it. What is rolled hangs on these alone. */
static inline size_t take_text(const uint8_t *data, size_t size, uint8_t *text, size_t most)
{
        size_t len = size < most ? size : most;
        state = 1;
        for (size_t i = 0; i < len; i++) {
                text[i] = data[i] >= 0xf5 ? '?' : data[i]; /* these are in no text */
                state = state * 31 + data[i];
        }
        state |= 1;
        return len;
}

#endif
