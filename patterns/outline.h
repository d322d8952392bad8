/* SPDX-License-Identifier: Apache-2.0 */
/* A text with its digits made alike, place by place, and what hex strings are of: what lines of a log have in common whose numbers are as
 * long. Found without a look at words, in a third of the time that a shape takes.
 *
 * The promise: texts of one outline have one shape (shape.h), unless it depends on what the outline hides. cs_outline_shown() tells
 * where it does: texts that are alike there as well have one shape. (Texts of one shape may have many outlines.) Pure; thread-safe. */
#ifndef CS_OUTLINE_H
#define CS_OUTLINE_H

#include "places.h"
#include "shape.h"

#include <stdbool.h>

struct cs_outline {
        struct cs_places hidden; /* bytes that it does not tell, of which */
        struct cs_places hex;    /* these are digits or letters from a to f, and the others digits */
        uint8_t bytes[CS_PLACES];
};

/* Of a text of up to CS_PLACES bytes, of which those behind it are zeros. False: it has a sequence in it of which more would have to be
 * known, and then nothing is known of *out. */
typedef bool (*cs_outline_fn)(const uint8_t *text, size_t len, struct cs_outline *out);

bool cs_outline_scalar(const uint8_t *text, size_t len, struct cs_outline *out);

/* NULL where the processor has no AVX2, or no AVX-512 for bytes. */
cs_outline_fn cs_outline_avx2(void);
cs_outline_fn cs_outline_avx512(void);

/* The fastest that the processor can do. */
cs_outline_fn cs_outline_best(void);

/* What is hidden and decided on the shape of this text. */
struct cs_places cs_outline_shown(const struct cs_outline *outline, const struct cs_shape *shape);

/* Hash of the outline and, with `shown`, of the bytes of the text there. */
uint64_t cs_outline_key(const struct cs_outline *outline, size_t len, bool wide);
uint64_t cs_outline_key_with(uint64_t key, const uint8_t *text, size_t len, const struct cs_places *shown);

#endif
