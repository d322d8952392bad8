/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a single block is, as far as can be told from where it lies: by its own words, by those of the blocks that it leads to,
 * and by those of its neighbours in memory. Takes microseconds, where owners.h takes a pass over all memory, and knows less: who
 * leads to the block is not seen. */
#ifndef CS_HANDS_H
#define CS_HANDS_H

#include "blocks.h"
#include "image.h"
#include "space.h"
#include "targets.h"

enum { CS_HANDS_SLOTS = 4096 };

/* What a block's own words said. */
struct cs_hands_slot {
        uint32_t block;    /* and one; 0: free */
        uint16_t module;   /* and one; 0: nobody's */
        uint8_t certainty; /* of 255 */
};

struct cs_hands {
        const struct cs_blocks *blocks;
        const struct cs_space *space;
        struct cs_view view;
        int32_t only;              /* the one module that can have asked for anything, or CS_NO_MODULE */
        struct cs_targets targets; /* none */
        struct cs_hands_slot
                slots[CS_HANDS_SLOTS]; /* hits lie close together, and so do those that are asked for them */
};

/* Image, space and blocks are borrowed. One thread's. */
void cs_hands_init(struct cs_hands *hands, const struct cs_image *image, const struct cs_space *space,
                   const struct cs_blocks *blocks);
void cs_hands_deinit(struct cs_hands *hands);

/* The owner of a block in use, or CS_NO_MODULE; and how often such answers are right. */
int32_t cs_hands_owner(struct cs_hands *hands, uint32_t block, double *confidence);

#endif
