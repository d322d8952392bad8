/* SPDX-License-Identifier: Apache-2.0 */
/* A text, and what becomes of it when its digits and hex letters change: where the shape stays, the template must. */
#include "mask.h"
#include "shapes.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1 << 10, ROUNDS = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t change(const uint8_t *text, size_t len, uint8_t *out)
{
        size_t n = 0, rate = 1 + roll(4);
        bool letters = roll(2), lengths = roll(2);
        for (size_t i = 0; i < len; i++) {
                unsigned class = cs_class[text[i]];
                const char *hex = class & CS_CLASS_UPPER ? "0123456789ABCDEF" : "0123456789abcdef";
                bool digit = class & CS_CLASS_DIGIT;
                if (!(class & CS_CLASS_HEX) || (!digit && !letters) || roll(rate)) {
                        out[n++] = text[i];
                        continue;
                }
                for (size_t more = lengths ? roll(4) : 1; more > 0; more--)
                        out[n++] = (uint8_t)hex[roll(letters ? 16 : 10)];
        }
        return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static uint8_t text[MOST], other[4 * MOST];
        static struct cs_shape a, b;
        static struct cs_template x, y;
        size_t len = take_text(data, size, text, MOST);
        if (!cs_shape_of(text, len, cs_classes_best(), &a))
                return 0;
        if (a.len > CS_TEMPLATE_INPUT || a.cut != (len > CS_TEMPLATE_INPUT))
                abort();
        cs_template_mask(text, len, &x);
        for (unsigned i = 0; i < ROUNDS; i++) {
                size_t n = change(text, len, other);
                if (!cs_shape_of(other, n, cs_classes_best(), &b) || !same_shape(&a, &b))
                        continue;
                cs_template_mask(other, n, &y);
                if (x.len != y.len || x.cut != y.cut || memcmp(x.text, y.text, x.len) != 0)
                        abort();
        }
        return 0;
}
