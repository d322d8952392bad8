/* SPDX-License-Identifier: Apache-2.0 */
/* What glibc's loader leaves behind of a library that it unloads: its struct link_map, in memory that was freed. Every byte is
 * hostile, and some were used again. */
#ifndef CS_LEFTOVERS_H
#define CS_LEFTOVERS_H

#include "blocks.h"

struct cs_leftover {
        struct cs_range range; /* where the library was */
        char *name;            /* last component of what it was asked for by; owned */
        bool whole;            /* false: only the beginning of it is left */
};

typedef CS_VEC(struct cs_leftover) cs_leftover_vec;

/* Looks through freed memory. *limited: not through all of it (CS_LIMIT_LEFT_BYTES). Thread-safe. */
CS_CHECK enum cs_status cs_leftovers_find(const struct cs_image *image, const struct cs_blocks *blocks,
                                          cs_leftover_vec *out, bool *limited, struct cs_error *err);
void cs_leftovers_deinit(cs_leftover_vec *left);

/* The one whose range holds addr, or NULL. */
const struct cs_leftover *cs_leftover_at(const cs_leftover_vec *left, uint64_t addr);

/* The same of the bytes, borrowed. */
struct cs_leftover_facts {
        struct cs_range range;
        const char *name; /* len characters, without NUL; none where only folders are left of it */
        size_t len;
        bool whole;
};

/* Is the end of a link_map's block at addr, which is bytes[before]? What is before it are the bytes below addr; all are len. Pure. */
bool cs_leftover_parse(const uint8_t *bytes, size_t before, size_t len, uint64_t addr,
                       struct cs_leftover_facts *out);

#endif
