/* SPDX-License-Identifier: Apache-2.0 */
/* The address space by page: what a word's value would point at, in three look-ups at most. Built once, then frozen and shared. */
#ifndef CS_SPACE_H
#define CS_SPACE_H

#include "image.h"
#include "symbols.h"
#include "words.h"

enum cs_space_kind {
        CS_SPACE_NONE,   /* nothing readable or writable there: no pointer */
        CS_SPACE_MODULE, /* index: module */
        CS_SPACE_HEAP,   /* index: heap range of the blocks (see blocks.h) */
        CS_SPACE_STACK,  /* index: mapping */
        CS_SPACE_OTHER,  /* index: mapping */
};

struct cs_space_entry {
        enum cs_space_kind kind;
        uint32_t index;
};

struct cs_space_module {
        const struct cs_section *sections; /* borrowed from the symbols */
        size_t n_sections;
        bool maker; /* may have asked for memory: it has code or variables (not so files that are only read), and is no runtime */
};

/* A leaf is as small as what lies apart: each of malloc's arenas has 64 MiB of addresses, and begins with some pages. */
enum {
        SPACE_BRANCH_SHIFT = 30,
        SPACE_LEAF_SHIFT = 22,
        /* User space is 47 bits wide (five-level paging must be asked for). */
        SPACE_BRANCHES = 1 << (47 - SPACE_BRANCH_SHIFT),
        SPACE_LEAVES = 1 << (SPACE_BRANCH_SHIFT - SPACE_LEAF_SHIFT),
        SPACE_PAGES = 1 << (SPACE_LEAF_SHIFT - CS_PAGE_SHIFT),
};

/* Where there is no leaf: what all of its pages are; so of branches. A sanitizer's shadow covers terabytes, as do lies in a core. */
struct cs_space_branch {
        uint32_t *leaves[SPACE_LEAVES]; /* of SPACE_PAGES entries */
        uint32_t whole[SPACE_LEAVES];
};

struct cs_space {
        struct cs_space_branch *branches[SPACE_BRANCHES]; /* by addr >> SPACE_BRANCH_SHIFT */
        uint32_t whole[SPACE_BRANCHES];
        struct cs_space_module *modules;
        size_t n_modules;
        struct cs_words_filter into_modules; /* what points into a module passes, and little else */
        struct cs_words_filter into_any;     /* the same of what points at anything */
        struct cs_range
                allocator; /* the allocator's own structure inside a module's data: no evidence of anything */
};

/* The image and symbols are borrowed. Knows all mappings; heaps are added by cs_space_set. */
CS_CHECK enum cs_status cs_space_create(const struct cs_image *image, struct cs_symbols *symbols,
                                        struct cs_space **out, struct cs_error *err);
/* One that knows nothing, for those who go on where there was no memory for the other. */
CS_CHECK enum cs_status cs_space_create_empty(struct cs_space **out, struct cs_error *err);
void cs_space_destroy(struct cs_space *space);
static inline void cs_space_destroyp(struct cs_space **space)
{
        cs_space_destroy(*space);
}

/* Says what the pages that the range touches are. Not thread-safe; before the workers start. */
CS_CHECK enum cs_status cs_space_set(struct cs_space *space, struct cs_range range, enum cs_space_kind kind,
                                     uint32_t index, struct cs_error *err);

static inline struct cs_space_entry cs_space_at(const struct cs_space *space, uint64_t addr)
{
        if (addr >> 47)
                return (struct cs_space_entry){ CS_SPACE_NONE, 0 };
        const struct cs_space_branch *branch = space->branches[addr >> SPACE_BRANCH_SHIFT];
        uint32_t entry = space->whole[addr >> SPACE_BRANCH_SHIFT];
        if (branch) {
                size_t i = (size_t)(addr >> SPACE_LEAF_SHIFT) & (SPACE_LEAVES - 1);
                const uint32_t *leaf = branch->leaves[i];
                entry = leaf ? leaf[(addr >> CS_PAGE_SHIFT) & (SPACE_PAGES - 1)] : branch->whole[i];
        }
        return (struct cs_space_entry){ (enum cs_space_kind)(entry >> 28), entry & 0xfffffff };
}

/* The one module that may have asked for memory, or CS_NO_MODULE where there are more. Thread-safe. */
int32_t cs_space_only_maker(const struct cs_space *space);

/* The part of the module that addr lies in; thread-safe. */
enum cs_part cs_space_part(const struct cs_space *space, size_t module, uint64_t addr);

#endif
