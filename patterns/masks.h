/* SPDX-License-Identifier: Apache-2.0 */
/* Texts masked, of which most are as one before, or like it: their outline (outline.h) or shape (shape.h) tells that their template is
 * known. Bounded memory, whatever the texts; which template a text gets does not depend on what is remembered. One per worker. */
#ifndef CS_MASKS_H
#define CS_MASKS_H

#include "outline.h"
#include "pool.h"
#include "shape.h"
#include "template.h"

struct cs_masked {
        uint64_t key; /* of the template: cs_template_key() */
        const char *text;
        uint32_t len;
        bool cut;
        bool wide; /* of UTF-16: what is like it in bytes is another template */
};

/* What number a template has in a unit of texts (textunit.h). Apart from the rest, as it is asked for with each text. */
struct cs_masked_entry {
        uint32_t unit; /* serial number of the unit; 0: none */
        uint32_t entry;
};

struct cs_masks_set;
struct cs_masks_shown;

/* How often the shapes of texts that are about as long were known. Where they seldom are, as of texts that were put together from others,
 * most are masked without a look at their shapes, which takes half as long as masking does. */
struct cs_masks_habit {
        uint16_t asked;
        uint16_t known;
        uint16_t passed; /* texts whose shape nobody asked for, since the last one whose shape was */
        bool seldom;
};

enum { CS_MASKS_LENGTH = 64, CS_MASKS_HABITS = CS_TEMPLATE_INPUT / CS_MASKS_LENGTH + 1 };

struct cs_masks {
        cs_classes_fn classes;
        cs_outline_fn outlines;
        struct cs_masks_set *sets; /* from hashes of texts and of shapes to what they mask to */
        struct cs_masks_set *
                outlined; /* the same from outlines, or to the number of those places that they have to tell, too */
        struct cs_masks_shown *shown; /* these places, the oldest of which make room */
        size_t n_shown;
        struct cs_masked *known;         /* and, last, the text that was masked just now */
        struct cs_masked_entry *entries; /* of each that is known */
        size_t n_known;
        bool full;      /* nothing more is remembered until cs_masks_rest() */
        uint16_t *seen; /* what came once: only what comes again is worth remembering */
        struct cs_masks_habit habits[CS_MASKS_HABITS]; /* by length */
        struct cs_pool texts;
        size_t text_bytes;
        struct cs_shape shape;
        struct cs_outline outline;
        struct cs_template fresh;
};

CS_CHECK enum cs_status cs_masks_init(struct cs_masks *masks, struct cs_error *err);
void cs_masks_deinit(struct cs_masks *masks);

enum { CS_MASKS_FRESH = 1 << 14 };

/* text: as cs_strings_find() finds them, in UTF-8; value: a hash of it, of more than is masked. A number of known and entries, good until
 * cs_masks_rest(), or, if it is CS_MASKS_FRESH, until the next call. */
uint32_t cs_masks_get(struct cs_masks *masks, const uint8_t *text, size_t len, bool wide, uint64_t value);

/* No number is needed any more: makes room where that is at its end. */
void cs_masks_rest(struct cs_masks *masks);

/* A text of this value comes soon. */
void cs_masks_ask(const struct cs_masks *masks, uint64_t value);

uint64_t cs_template_key(const char *text, size_t len, bool cut, bool wide);

#endif
