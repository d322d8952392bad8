/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of one size that begin with words, and nearly all of these among the constants of one module: nodes of a tree that
 * somebody made from his table of names. Each word alone may be known to several. */
#ifndef CS_DICTIONARIES_H
#define CS_DICTIONARIES_H

#include "clusters.h"
#include "image.h"
#include "labels.h"
#include "literals.h"
#include "members.h"

struct cs_dictionaries_input {
        const struct cs_image *image;
        const struct cs_blocks *blocks;
        const struct cs_clusters *clusters;
        const struct cs_members *members;
        const struct cs_literals *literals;
};

struct cs_dictionary {
        uint64_t size; /* of the blocks, as cs_block has it */
        uint32_t module;
};

typedef CS_VEC(struct cs_dictionary) cs_dictionary_vec;

/* Labels the blocks of such a size that begin with a word of the module. Samples of the clusters of text tell whose the
 * sizes are: *out, the caller's. Main thread. */
CS_CHECK enum cs_status cs_dictionaries_label(const struct cs_dictionaries_input *in,
                                              struct cs_labels *labels, cs_dictionary_vec *out,
                                              struct cs_error *err);

/* Does the text with which a block of that size begins speak for the module, as one of several that have it?
 * Thread-safe. */
bool cs_dictionaries_say(const cs_dictionary_vec *dictionaries, const struct cs_literals *literals,
                         uint64_t size, uint32_t module, const uint8_t *bytes, size_t len);

#endif
