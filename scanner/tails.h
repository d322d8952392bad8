/* SPDX-License-Identifier: Apache-2.0 */
/* What stands behind the text of a block that begins with one: fields of a structure, or what an earlier tenant left. A field
 * holds pointers, or nothing, in most blocks of that size; leavings are pointers in some, text and numbers in others. A block that
 * was asked for a text of just that length says nothing of structures that begin with a name, however many such there are. */
#ifndef CS_TAILS_H
#define CS_TAILS_H

#include "clusters.h"
#include "slices.h"
#include "tally.h"
#include "text.h"

struct cs_tails {
        /* By size, offset and whether the text leaves room: words that are pointers, and those that are not. */
        struct cs_tally places;
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

/* Has the block, whose payload begins with these bytes, more room than its text asks for? */
bool cs_tails_roomy(const uint8_t *bytes, size_t len, uint64_t payload);

/* May the word at that offset of such a block with so many bytes of payload be a field? True where too little is known. */
bool cs_tails_field(const struct cs_tails *tails, uint64_t payload, bool roomy, uint64_t offset);

#endif
