/* SPDX-License-Identifier: Apache-2.0 */
/* Where references to blocks come from when it is not a block: modules' data (relocated constants included), stacks, and
 * anonymous memory that no walked allocator made. Cut into units of bounded size. */
#ifndef CS_ROOTS_H
#define CS_ROOTS_H

#include "heaps.h"
#include "threads.h"

enum cs_root_kind {
        CS_ROOT_MODULE, /* .data or .bss; index: module */
        CS_ROOT_STACK,  /* a thread's stack or registers; index: mapping */
        CS_ROOT_OTHER,  /* anything else; index: mapping */
};

enum { CS_ROOT_NOWHERE = 0xfffffff }; /* the index of what lies in no mapping of its own */

/* A root's kind and index in one number. */
static inline uint32_t cs_root(enum cs_root_kind kind, size_t index)
{
        return (uint32_t)kind << 28 | ((uint32_t)index & CS_ROOT_NOWHERE);
}

static inline enum cs_root_kind cs_root_kind(uint32_t root)
{
        return (enum cs_root_kind)(root >> 28);
}

static inline uint32_t cs_root_index(uint32_t root)
{
        return root & CS_ROOT_NOWHERE;
}

struct cs_root_unit {
        struct cs_range range;
        uint32_t root;
};

typedef CS_VEC(struct cs_root_unit) cs_root_vec;

/* All root memory of the image; the heaps' blocks must be sealed. Stacks may be NULL: then those of threads that ended are
 * memory like any other. */
CS_CHECK enum cs_status cs_roots_plan(const struct cs_image *image, const struct cs_space *space,
                                      const struct cs_heaps *heaps, const cs_stack_vec *stacks,
                                      cs_root_vec *out, struct cs_error *err);

#endif
