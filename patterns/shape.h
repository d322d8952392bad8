/* SPDX-License-Identifier: Apache-2.0 */
/* What masking sees of a text: everything that cs_template_mask() does not look at is made alike. Digits become other digits, the
 * letters of what is certainly a hex string other ones, and numbers that stand alone lose their length. It takes a tenth of the
 * time of masking, and of a million lines of a log most have one of some hundred shapes.
 *
 * The promise: texts of one shape mask to one template. (Texts of one template may have many shapes.) Pure; thread-safe. */
#ifndef CS_SHAPE_H
#define CS_SHAPE_H

#include "classes.h"
#include "places.h"
#include "template.h"

/* What stands in shapes and outlines for characters that masking does not tell apart: bytes that are in no text. */
enum { CS_MARK_DIGIT = 0xf8, CS_MARK_HIGH_DIGIT, CS_MARK_HEX };

struct cs_shape {
        size_t len;
        bool cut; /* the text went on beyond CS_TEMPLATE_INPUT */
        /* What decided on it, for an outline of the text (outline.h): where the value of a digit counts, */
        struct cs_places looked;
        struct cs_places classed; /* where it counts whether there is a digit or a letter, */
        struct cs_places
                hexed; /* and where hex is made alike whatever it is, as long as it has a digit and a letter */
        uint8_t bytes[CS_TEMPLATE_INPUT + 16]; /* the rest is scratch */
};

/* False: it has something in it that only masking can judge, and then nothing is known of *out. */
bool cs_shape_of(const uint8_t *text, size_t len, cs_classes_fn classes, struct cs_shape *out);

#endif
