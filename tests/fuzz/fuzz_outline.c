/* SPDX-License-Identifier: Apache-2.0 */
/* A text, and what becomes of it when what its outline hides changes: where nothing did that decides on its shape, that must stay. */
#include "mask.h"
#include "shapes.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
        size_t len = take_text(data, size, text, CS_PLACES);
        cs_outline_fn best = cs_outline_best();
        bool good = cs_outline_scalar(text, len, &x);
        if (best(text, len, &y) != good)
                abort();
        same(&x, &y, len);
        if (!good || !cs_shape_of(text, len, cs_classes_best(), &a))
                return 0;
        struct cs_places shown = cs_outline_shown(&x, &a);
        for (unsigned i = 0; i < ROUNDS; i++) {
                change_hidden(&x, &shown, text, len, other);
                if (!best(other, len, &y) || memcmp(x.bytes, y.bytes, len) != 0)
                        continue;
                same(&x, &y, len);
                if (!cs_shape_of(other, len, cs_classes_best(), &b) || !same_shape(&a, &b))
                        abort();
        }
        return 0;
}
