/* SPDX-License-Identifier: Apache-2.0 */
/* The string constants of modules, and which module alone has one: who copies a constant into a block, or prints by a format,
 * has it in its own read-only data. Built once, then frozen and shared. */
#ifndef CS_LITERALS_H
#define CS_LITERALS_H

#include "space.h"
#include "tally.h"
#include "vec.h"

enum {
        CS_LITERAL_LEAST = 8, /* shorter words are everybody's */
        CS_LITERAL_MOST = 64, /* bytes of a text that are compared */
        CS_LITERAL_SET = 7,
};

/* The modules that have a text: more of them, and it is everybody's. */
struct cs_literal_set {
        uint16_t modules[CS_LITERAL_SET]; /* ascending */
        uint16_t n;
};

struct cs_literals {
        struct cs_tally
                at; /* hash of the text -> module and one, or which of the sets, or nobody's any more */
        CS_VEC(struct cs_literal_set) sets;
        bool limited; /* CS_LIMIT_LITERALS was reached */
};

/* Reads the constants of all modules that may ask for memory. Main thread. */
CS_CHECK enum cs_status cs_literals_build(const struct cs_image *image, const struct cs_space *space,
                                          struct cs_literals *out, struct cs_error *err);
void cs_literals_deinit(struct cs_literals *literals);

/* The only module that has the text with which these bytes begin, or its beginning as a format: CS_NO_MODULE where there is
 * none. Thread-safe. */
int32_t cs_literals_owner(const struct cs_literals *literals, const uint8_t *bytes, size_t len);

/* The length of the text with which these bytes begin, if it is one that could be a constant; else 0. */
size_t cs_literals_word(const uint8_t *bytes, size_t len);

/* The modules that have this text, which has that length; none where nobody has, or everybody. Thread-safe. */
struct cs_literal_set cs_literals_holders(const struct cs_literals *literals, const uint8_t *text,
                                          size_t len);

static inline bool cs_literal_set_has(const struct cs_literal_set *set, uint32_t module)
{
        for (size_t i = 0; i < set->n; i++)
                if (set->modules[i] == module)
                        return true;
        return false;
}

#endif
