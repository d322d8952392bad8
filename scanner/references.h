/* SPDX-License-Identifier: Apache-2.0 */
/* The references of each block to others, packed. Blocks that refer to each other mostly lie near each other, so a reference is the distance
 * between the two, in one byte to four, with where in the block it leads: some two bytes, and four where it had no order at all. */
#ifndef CS_REFERENCES_H
#define CS_REFERENCES_H

#include "bytes.h"
#include "vec.h"

/* Where a reference leads in the block. Any number may look like a pointer into the middle of a large one. */
enum cs_aim {
        CS_AIM_INSIDE,
        CS_AIM_NEAR,  /* the first 4 KiB: objects may lie one behind the other there */
        CS_AIM_START, /* what malloc returned, or a number below 8 more: tags */
};

/* From the lowest bit on: the aim; how many bytes follow the first; the distance, of which the lowest bit is its sign. One that fits into no
 * 28 bits has all of these set, and follows. */
enum {
        CS_REFERENCE_AIM_BITS = 2,
        CS_REFERENCE_BYTES_BITS = 2,
        CS_REFERENCE_BITS = CS_REFERENCE_AIM_BITS + CS_REFERENCE_BYTES_BITS, /* before the distance */
        CS_REFERENCE_MOST = 8,                                               /* bytes of one */
};
#define CS_REFERENCE_FAR (UINT32_MAX >> CS_REFERENCE_BITS)

enum { CS_REFERENCES_GROUP = 64 };
#define CS_REFERENCES_WIDE (UINT64_C(1) << 63)

struct cs_references {
        /* Per block, and one more: where its references begin in `packed`. Eight bytes for each of 50 million blocks would be 400 MB, so
         * they count from where those of their group's first block do. While lists are made: the length of its references in bytes,
         * UINT16_MAX where the list has it. */
        uint16_t *first;
        /* Per CS_REFERENCES_GROUP blocks; with CS_REFERENCES_WIDE: where in `wide` these blocks are, for one of which 16 bits are too few. */
        uint64_t *base;
        CS_VEC(uint64_t) wide;
        uint8_t *packed;
};

/* Blocks whose references take more bytes than 16 bits can say. */
struct cs_reference_length {
        uint32_t block;
        uint64_t bytes;
};

/* Those of some blocks, one behind the other; zero is empty. */
struct cs_reference_list {
        CS_VEC(uint8_t) bytes;
        CS_VEC(struct cs_reference_length) longer;
};

/* Makes `first` for that many blocks. */
CS_CHECK enum cs_status cs_references_init(struct cs_references *references, uint32_t blocks,
                                           struct cs_error *err);
void cs_references_deinit(struct cs_references *references);

/* Writes CS_REFERENCE_MOST bytes; how many of them the reference takes. */
static inline size_t cs_reference_pack(uint8_t *at, uint32_t from, uint32_t to, enum cs_aim aim)
{
        uint32_t difference = to - from, distance = difference << 1 ^ -(difference >> 31);
        uint32_t more = distance < CS_REFERENCE_FAR ? (35 - (uint32_t)__builtin_clz(distance | 1)) / 8 : 3;
        uint32_t word = (distance < CS_REFERENCE_FAR ? distance : CS_REFERENCE_FAR) << CS_REFERENCE_BITS |
                        more << CS_REFERENCE_AIM_BITS | (uint32_t)aim;
        memcpy(at, &word, sizeof(word));
        if (__builtin_expect(distance < CS_REFERENCE_FAR, 1))
                return 1 + more;
        memcpy(at + sizeof(word), &distance, sizeof(distance));
        return sizeof(word) + sizeof(distance);
}

/* For the next function: the block's references take so many bytes more than fit into its length. */
CS_CHECK enum cs_status cs_reference_list_lengthen(struct cs_reference_list *list, uint16_t *length,
                                                   uint32_t block, size_t bytes, struct cs_error *err);

/* One more reference of block `from`, which is no lower than that of the one before. Thread-safe where no two lists have the same
 * block. */
CS_CHECK static inline enum cs_status cs_reference_list_add(struct cs_reference_list *list,
                                                            struct cs_references *references, uint32_t from,
                                                            uint32_t to, enum cs_aim aim,
                                                            struct cs_error *err)
{
        uint16_t *length = &references->first[from];
        if (list->bytes.cap - list->bytes.n < CS_REFERENCE_MOST) {
                enum cs_status st = cs_vec_reserve(&list->bytes, CS_REFERENCE_MOST, err);
                if (st != CS_OK)
                        return st;
        }
        size_t bytes = cs_reference_pack(list->bytes.at + list->bytes.n, from, to, aim);
        list->bytes.n += bytes;
        if (__builtin_expect(*length + bytes >= UINT16_MAX, 0))
                return cs_reference_list_lengthen(list, length, from, bytes, err);
        *length = (uint16_t)(*length + bytes);
        return CS_OK;
}

/* Hands over what is in a list, in no more memory than it takes; the list is empty then, and has room for more. */
CS_CHECK enum cs_status cs_reference_list_take(struct cs_reference_list *list, struct cs_reference_list *out,
                                               struct cs_error *err);
void cs_reference_list_deinit(struct cs_reference_list *list);

/* Puts the lists together, which are in the order of the blocks and are emptied, by so many workers. */
CS_CHECK enum cs_status cs_references_join(struct cs_references *references, struct cs_reference_list *lists,
                                           size_t n, uint32_t blocks, unsigned workers, struct cs_error *err);

/* All that follows wants them joined; thread-safe. */

/* Those of a block are packed[cs_references_begin() of it … of the next one - 1]. */
static inline uint64_t cs_references_begin(const struct cs_references *references, uint32_t block)
{
        uint64_t base = references->base[block / CS_REFERENCES_GROUP];
        if (base & CS_REFERENCES_WIDE)
                return references->wide.at[(base & ~CS_REFERENCES_WIDE) + block % CS_REFERENCES_GROUP];
        return base + references->first[block];
}

/* Asks for what cs_references_begin() looks at. */
static inline void cs_references_fetch(const struct cs_references *references, uint32_t block)
{
        __builtin_prefetch(&references->first[block]);
        __builtin_prefetch(&references->base[block / CS_REFERENCES_GROUP]);
}

/* Goes through the references of a block, in the order of its words. */
struct cs_reference_walk {
        const uint8_t *at, *end;
        uint32_t from;
};

static inline struct cs_reference_walk cs_references_of(const struct cs_references *references,
                                                        uint32_t block)
{
        return (struct cs_reference_walk){ references->packed + cs_references_begin(references, block),
                                           references->packed + cs_references_begin(references, block + 1),
                                           block };
}

/* The block that the next one leads to, or false at the end. */
static inline bool cs_reference_next(struct cs_reference_walk *walk, uint32_t *to, enum cs_aim *aim)
{
        if (walk->at >= walk->end)
                return false;
        uint32_t word = cs_half(walk->at), bits = word << (3 - CS_REFERENCE_AIM_BITS) & 24;
        /* What belongs to others is shifted out. */
        uint32_t distance = word << (24 - bits) >> (24 - bits) >> CS_REFERENCE_BITS;
        walk->at += 1 + bits / 8;
        if (__builtin_expect(distance == CS_REFERENCE_FAR, 0)) {
                distance = cs_half(walk->at);
                walk->at += sizeof(distance);
        }
        *aim = (enum cs_aim)(word & ((1 << CS_REFERENCE_AIM_BITS) - 1));
        *to = walk->from + (distance >> 1 ^ -(distance & 1));
        return true;
}

/* How many are left. */
static inline uint64_t cs_references_left(struct cs_reference_walk walk)
{
        uint64_t n = 0;
        for (; walk.at < walk.end; n++) {
                uint32_t word = cs_half(walk.at);
                walk.at += 1 + (word >> CS_REFERENCE_AIM_BITS & 3);
                if (__builtin_expect(word >> CS_REFERENCE_AIM_BITS == UINT32_MAX >> CS_REFERENCE_AIM_BITS, 0))
                        walk.at += sizeof(word);
        }
        return n;
}

#endif
