/* SPDX-License-Identifier: Apache-2.0 */
/* Texts masked, of which most are as one before, or like it: their shape (shape.h) tells that their template is known. Bounded memory,
 * whatever the texts; which template a text gets does not depend on what is remembered. One per worker. */
#ifndef CS_MASKS_H
#define CS_MASKS_H

#include "pool.h"
#include "shape.h"
#include "template.h"

/* A masked text, and the number that its template has in a unit of texts (textunit.h). */
struct cs_masked {
        uint64_t key; /* of the template: cs_text_key() */
        const char *text;
        uint32_t len;
        bool cut;
        bool wide; /* of UTF-16: what is like it in bytes is another template */
        uint32_t entry;
        uint64_t unit; /* serial number of the unit in which it has that number; 0: none */
};

struct cs_masks_set;

struct cs_masks {
        struct cs_masks_set *sets; /* from hashes of texts and of shapes to what they mask to */
        struct cs_masked *known;
        size_t n_known;
        uint16_t *seen; /* what came once: only what comes again is worth remembering */
        struct cs_pool texts;
        size_t text_bytes;
        struct cs_shape shape;
        struct cs_template fresh; /* a text that is not remembered, until the next one comes */
        struct cs_masked one;
};

CS_CHECK enum cs_status cs_masks_init(struct cs_masks *masks, struct cs_error *err);
void cs_masks_deinit(struct cs_masks *masks);

/* text: as cs_strings_find() finds them, in UTF-8; value: a hash of it, of more than is masked. Good until the next call; never
 * NULL. */
struct cs_masked *cs_masks_get(struct cs_masks *masks, const uint8_t *text, size_t len, bool wide,
                               uint64_t value);

uint64_t cs_text_key(const char *text, size_t len, bool cut, bool wide);

#endif
