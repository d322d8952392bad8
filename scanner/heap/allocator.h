/* SPDX-License-Identifier: Apache-2.0 */
/* Allocators that are measured: their own records say which memory is theirs and how much of it is in use, but their blocks are
 * not told one by one. One file per allocator behind this interface. */
#ifndef CS_ALLOCATOR_H
#define CS_ALLOCATOR_H

#include "heaps.h"

struct cs_allocator_input {
        const struct cs_image *image;
        struct cs_symbols *symbols;
        size_t module; /* that is known to hold the allocator */
};

/* Adds what the allocator's records prove to the claims, and the sums to heap->measured. Where the records are not recognised
 * nothing is added, and heap->why_not stays what it was. Main thread. Every byte of the records may lie. */
typedef enum cs_status (*cs_allocator_fn)(const struct cs_allocator_input *in, struct cs_claims *claims,
                                          struct cs_heap *heap, struct cs_error *err);

enum cs_status cs_jemalloc_measure(const struct cs_allocator_input *in, struct cs_claims *claims,
                                   struct cs_heap *heap, struct cs_error *err);

#endif
