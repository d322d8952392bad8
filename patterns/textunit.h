/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of one unit of memory by their templates, all of them: what a worker collects before it goes to the table that
 * knows only so many (texttable.h). Caller storage, begun for each unit; not thread-safe. */
#ifndef CS_TEXTUNIT_H
#define CS_TEXTUNIT_H

#include "masks.h"
#include "pool.h"
#include "textfacts.h"
#include "vec.h"

struct cs_text_entry {
        uint64_t key; /* as in cs_masked */
        const char *text;
        uint32_t len;
        bool cut;
        bool wide; /* UTF-16; what is like it in bytes is another template */
        struct cs_text_facts facts;
};

/* For the sketches: a text of an entry. */
struct cs_text_note {
        uint64_t value; /* hash of it */
        uint32_t entry;
        uint32_t
                block; /* that holds it, if it is another than that of the entry's text before; else CS_NOBODY */
};

struct cs_text_unit {
        CS_VEC(struct cs_text_entry) at; /* in the order of their first texts */
        CS_VEC(struct cs_text_note) notes;
        CS_VEC(uint32_t) index; /* by key: number of the entry, and one; a power of two */
        struct cs_pool pool;
        uint64_t count; /* texts */
        uint64_t bytes;
        size_t text_bytes; /* of templates */
        uint32_t serial;   /* tells it from others; not 0 */
};

void cs_text_unit_deinit(struct cs_text_unit *unit);
size_t cs_text_unit_bytes(const struct cs_text_unit *unit); /* of memory */
void cs_text_unit_begin(struct cs_text_unit *unit, uint32_t serial);

/* A text that masked to number `masked` of masks, which is told its entry. Places come in the order of their addresses. */
CS_CHECK enum cs_status cs_text_unit_add(struct cs_text_unit *unit, struct cs_masks *masks, uint32_t masked,
                                         const struct cs_text_place *place, struct cs_error *err);

/* A text that masked so comes soon. */
void cs_text_unit_ask(const struct cs_text_unit *unit, const struct cs_masks *masks, uint32_t masked);

#endif
