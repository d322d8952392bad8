/* SPDX-License-Identifier: Apache-2.0 */
/* Types that live in the heap: blocks that are mostly pointers to code (a GObject class, a table of operations that somebody
 * filled in), and whose blocks they are that refer to one. Such a type has functions of those it inherits from as well; the
 * one whose type it is has the functions that the fewest types share. */
#ifndef CS_HEAPTYPES_H
#define CS_HEAPTYPES_H

#include "graph.h"

struct cs_heaptypes {
        uint64_t *is;     /* a bit per block: it is a type */
        uint32_t *block;  /* types, ascending */
        uint16_t *module; /* whose each of them is */
        size_t n;
};

CS_CHECK enum cs_status cs_heaptypes_find(const struct cs_graph *graph, uint32_t blocks, size_t modules,
                                          struct cs_heaptypes *out, struct cs_error *err);
void cs_heaptypes_deinit(struct cs_heaptypes *types);

/* The module whose type block `block` is, or CS_NO_MODULE. Thread-safe. */
int32_t cs_heaptypes_module(const struct cs_heaptypes *types, uint32_t block);

#endif
