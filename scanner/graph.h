/* SPDX-License-Identifier: Apache-2.0 */
/* Who points at whom: the words of blocks in use, of modules' data, stacks, registers and other anonymous memory, and what
 * the kernel keeps for epoll, taken as pointers into blocks (interior addresses included, a block's pointers to itself left out). One sweep by all workers. */
#ifndef CS_GRAPH_H
#define CS_GRAPH_H

#include "clusters.h"
#include "edges.h"
#include "epolled.h"
#include "frames.h"
#include "heaps.h"
#include "labels.h"
#include "literals.h"
#include "ownwords.h"
#include "references.h"
#include "roots.h"

/* What memory outside of the blocks says about the owner of a block that it points to. */
struct cs_root_vote {
        uint32_t to;
        uint16_t module;
        uint8_t kind; /* enum cs_root_kind: a module's own data, a frame's code, what lies before the pointer */
        uint8_t certainty; /* of 255 */
};

/* A block that is mostly pointers to code, and the modules whose. */
struct cs_graph_table {
        uint32_t block;
        uint16_t n;
        uint16_t modules[CS_OWNWORDS_MODULES];
};

/* What is noted of each block. The graph sets the first; the others are for those who walk it (leaks.h). */
enum cs_mark {
        CS_MARK_REFERENCED = 1,
        CS_MARK_REACHED = 2, /* accounted for: a root leads to it, or it is known to be lost */
        CS_MARK_STALE = 4,   /* lost, but memory that nobody uses any more still has its address */
        CS_MARK_LEAK_SHIFT = 3,
        CS_MARK_LEAK = 3 << CS_MARK_LEAK_SHIFT, /* enum cs_leak */
};

struct cs_graph {
        struct cs_references references; /* in the order of the words; only from blocks in use */
        struct cs_labels said;           /* by block: the module that its own words speak for */
        CS_VEC(uint32_t)
        roots;          /* blocks that something outside of the blocks refers to; sorted, without repeats */
        uint8_t *marks; /* per block: enum cs_mark. Referenced: another block in use or a root refers to it */
        cs_edge_vec edges;                    /* by to, then the most frequent first */
        CS_VEC(struct cs_graph_table) tables; /* by block */
        CS_VEC(struct cs_root_vote) votes;    /* in the order of the roots' addresses */
        bool limited; /* edges of the smallest clusters were left out (CS_LIMIT_EDGES) */
};

struct cs_graph_input {
        const struct cs_image *image;
        const struct cs_space *space;
        const struct cs_heaps *heaps;
        const cs_slice_vec *slices;
        const struct cs_clusters *clusters;
        unsigned workers;
        const cs_stack_vec *stacks;         /* or NULL, as in roots.h */
        const struct cs_claims *claims;     /* likewise */
        const struct cs_literals *literals; /* or NULL */
        const struct cs_frames *frames;     /* or NULL: functions are guessed by what lies below a slot */
        const cs_epolled_vec *epolled;      /* or NULL: nobody asked the kernel */
};

/* The part of it that says where roots are. */
static inline struct cs_roots_input cs_graph_roots(const struct cs_graph_input *in)
{
        return (struct cs_roots_input){ in->image, in->space, in->heaps, in->stacks, in->claims };
}

CS_CHECK enum cs_status cs_graph_build(const struct cs_graph_input *in, struct cs_graph *out,
                                       struct cs_error *err);
void cs_graph_deinit(struct cs_graph *graph);

/* The first block from `from` on, before `end`, of whose marks those in `mask` are not `same`; or end. For those who look for few among many:
 * eight blocks are looked at at once. While nobody else writes marks. */
static inline uint32_t cs_graph_next(const struct cs_graph *graph, uint8_t mask, uint8_t same, uint32_t from,
                                     uint32_t end)
{
        const uint64_t each = UINT64_MAX / UINT8_MAX;
        for (uint32_t i = from; i < end; i++) {
                while (end - i >= 8 && (cs_word(&graph->marks[i]) & each * mask) == each * same)
                        i += 8;
                if (i < end && (graph->marks[i] & mask) != same)
                        return i;
        }
        return end;
}

/* The edges that lead to a cluster: [*first, *end) of graph->edges. */
void cs_graph_edges_to(const struct cs_graph *graph, uint32_t cluster, size_t *first, size_t *end);

#endif
