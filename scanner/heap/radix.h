/* SPDX-License-Identifier: Apache-2.0 */
/* Radix trees of two levels by which allocators find what a page belongs to: an array of pointers in the module's .bss (the
 * root), each to a leaf, an array of words, one per page. jemalloc 5 (rtree.h, RTREE_NSB 36) and gperftools (pagemap.h,
 * TCMalloc_PageMap2) have one. Nothing names the root; but what a leaf's words name says where in the tree the leaf hangs, and
 * so where the root begins. */
#ifndef CS_RADIX_H
#define CS_RADIX_H

#include "allocator.h"

/* Every function reads only what is there; counts are bounded by the tree's size. Main thread. */
struct cs_radix {
        const struct cs_allocator_input *in;
        struct cs_view view; /* of the root, the leaves and the module's data */
        unsigned page_shift; /* bytes of a page, as the allocator counts them */
        unsigned leaf_bits;  /* words of a leaf */
        uint64_t leaf_align; /* of a leaf's address */
        uint64_t root;       /* once found, or while it is judged */
        uint64_t leaves;     /* that there is memory for: more entries than that cannot all be true */
        uint64_t left;       /* of them, on the way from slot 0 on */
};

void cs_radix_init(struct cs_radix *radix, const struct cs_allocator_input *in, unsigned page_shift,
                   unsigned leaf_bits, uint64_t leaf_align);
void cs_radix_deinit(struct cs_radix *radix);

/* What the allocator says about its tree. */
struct cs_radix_judge {
        void *tree;
        /* Does what lies at leaf name things that say where in the tree it hangs? *slot: in which entry of the root. */
        bool (*prove)(void *tree, uint64_t leaf, uint64_t *slot);
        /* Is radix->root a root? One may be asked about twice. */
        enum cs_status (*accept)(void *tree, bool *accepted, struct cs_error *err);
};

/* Looks for the root in what the module can write. *found: radix->root is it. */
CS_CHECK enum cs_status cs_radix_find(struct cs_radix *radix, const struct cs_radix_judge *judge, bool *found,
                                      struct cs_error *err);

/* The first leaf in entry *slot of the root or behind it; *slot becomes its entry. False: there is none. Asked with slot 0, it
 * begins anew. */
bool cs_radix_next_leaf(struct cs_radix *radix, uint64_t *slot, uint64_t *leaf);

/* The first word that is not 0 at index *i of the leaf or behind it; *i becomes its index. False: there is none. */
bool cs_radix_next_word(struct cs_radix *radix, uint64_t leaf, uint32_t *i, uint64_t *word);

/* The address of what word i of the leaf in entry `slot` is about. */
static inline uint64_t cs_radix_address(const struct cs_radix *radix, uint64_t slot, uint32_t i)
{
        return (slot << radix->leaf_bits | i) << radix->page_shift;
}

/* The entry of the root that addr belongs to. */
static inline uint64_t cs_radix_slot(const struct cs_radix *radix, uint64_t addr)
{
        return addr >> (radix->page_shift + radix->leaf_bits);
}

#endif
