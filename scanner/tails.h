/* SPDX-License-Identifier: Apache-2.0 */
/* What stands behind the text of a block that begins with one: fields of a structure, or what an earlier tenant left. At one place in
 * blocks of one kind a field holds pointers, numbers or nothing; leavings are pointers in some blocks and the middle of a text in others.
 * Blocks whose text goes on to that place and beyond say nothing of those whose text is over before it. */
#ifndef CS_TAILS_H
#define CS_TAILS_H

#include "clusters.h"
#include "slices.h"
#include "text.h"
#include "thin.h"

struct cs_tails {
        /* By cluster, size and offset, and by size and offset: words behind the text that are pointers, and those that are parts of
         * texts. */
        struct cs_thin places;
};

struct cs_tails_input {
        const struct cs_image *image;
        const struct cs_space *space;
        const struct cs_blocks *blocks;
        const cs_slice_vec *slices;
        const struct cs_clusters *clusters;
        unsigned workers;
};

/* Does a block that begins with these bytes begin with a text? Clusters of text have shorter ones as well. */
static inline bool cs_tails_begins(const uint8_t *bytes, size_t len)
{
        const uint64_t ones = UINT64_C(0x0101010101010101);
        if (len < 8)
                return false;
        uint64_t word = cs_word(bytes);
        return !((word - ones) & ~word & (ones << 7)) && cs_text_run(bytes, 8) == 8;
}

/* Looks at blocks that begin with a text, of many at a sample. The same whatever the number of workers. */
CS_CHECK enum cs_status cs_tails_build(const struct cs_tails_input *in, struct cs_tails *out,
                                       struct cs_error *err);
void cs_tails_deinit(struct cs_tails *tails);

/* Is the word, with another one before it, the end of a text and what that left of an address? The address is seldom aligned then. */
static inline bool cs_tails_rest(const uint8_t *word)
{
        return word[0] % 8 && cs_text_run(word - 1, 2) == 2;
}

/* May the word at that offset of such a block, of that cluster and with so many bytes of payload, be a field? True where too little is
 * known, and of the text's own first word. */
bool cs_tails_field(const struct cs_tails *tails, uint32_t cluster, uint64_t payload, uint64_t offset);

#endif
