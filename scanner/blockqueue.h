/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks that wait for their turn, in the order in which they came. Those that come one after the other mostly lie near each other, so they
 * are packed as references are. */
#ifndef CS_BLOCKQUEUE_H
#define CS_BLOCKQUEUE_H

#include "references.h"

/* Zero is empty. */
struct cs_block_queue {
        CS_VEC(uint8_t) bytes;
        uint32_t last; /* that came */
        uint32_t gone; /* the last one that was taken */
        size_t at;     /* bytes of those that were taken */
};

/* Takes the one that has waited longest, or false where there is none (as yet). */
static inline bool cs_block_queue_next(struct cs_block_queue *queue, uint32_t *block)
{
        enum cs_aim unused;
        if (queue->at == queue->bytes.n)
                return false;
        struct cs_reference_walk walk = { queue->bytes.at + queue->at, queue->bytes.at + queue->bytes.n,
                                          queue->gone };
        if (!cs_reference_next(&walk, block, &unused))
                return false;
        queue->at = (size_t)(walk.at - queue->bytes.at);
        queue->gone = *block;
        return true;
}

CS_CHECK static inline enum cs_status cs_block_queue_push(struct cs_block_queue *queue, uint32_t block,
                                                          struct cs_error *err)
{
        /* Whoever takes the last one reads more bytes than it has. */
        enum { ROOM = 2 * CS_REFERENCE_MOST };
        enum cs_status st =
                queue->bytes.cap - queue->bytes.n >= ROOM ? CS_OK : cs_vec_reserve(&queue->bytes, ROOM, err);
        if (st != CS_OK)
                return st;
        queue->bytes.n +=
                cs_reference_pack(queue->bytes.at + queue->bytes.n, queue->last, block, CS_AIM_INSIDE);
        queue->last = block;
        return CS_OK;
}

/* Empties it, and gives its memory back. */
static inline void cs_block_queue_deinit(struct cs_block_queue *queue)
{
        cs_vec_deinit(&queue->bytes);
        *queue = (struct cs_block_queue){ 0 };
}

#endif
