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
        uint32_t slot; /* 0, or: the range is slots of that size, of which some may be free (claims.h) */
};

typedef CS_VEC(struct cs_root_unit) cs_root_vec;

struct cs_roots_input {
        const struct cs_image *image;
        const struct cs_space *space;
        const struct cs_heaps *heaps;   /* their blocks must be sealed */
        const cs_stack_vec *stacks;     /* or NULL: those of threads that ended are memory like any other */
        const struct cs_claims *claims; /* sealed; or NULL: managed heaps are memory like any other */
};

/* All root memory of the image. */
CS_CHECK enum cs_status cs_roots_plan(const struct cs_roots_input *in, cs_root_vec *out,
                                      struct cs_error *err);

/* Is there an object in the slot at addr? */
static inline bool cs_root_slot_used(struct cs_view *view, uint64_t addr)
{
        size_t got;
        const uint8_t *at = cs_view_whole(view, addr, 8, &got);
        return at && got == 8 && cs_word(at);
}

/* The opposite: memory in which pointers were left that nobody will use. Stacks below their pointer, and what threads that
 * ended left behind. */
CS_CHECK enum cs_status cs_roots_plan_stale(const struct cs_roots_input *in, cs_root_vec *out,
                                            struct cs_error *err);

#endif
