/* SPDX-License-Identifier: Apache-2.0 */
/* References between kinds instead of between blocks: from which cluster or root, from which offset, to which cluster, and how
 * many. Counted by each worker for itself, then listed. Where there are too many kinds (CS_LIMIT_EDGES), those between the smallest clusters are
 * left out: the same ones whoever came by which, and all of those that are counted are counted in full. */
#ifndef CS_EDGES_H
#define CS_EDGES_H

#include "thin.h"
#include "vec.h"

enum { CS_EDGE_ANYWHERE = UINT32_MAX, CS_EDGE_CLUSTERS = 1 << 20 };

/* One way in which blocks of a cluster are pointed at: from such a place, how often. */
struct cs_edge {
        uint32_t to; /* cluster */
        bool from_root;
        /* Cluster, or with from_root: a root; of a stack the index is the module whose frame it is in (frames.h), or
         * CS_ROOT_NOWHERE where that is not known. */
        uint32_t from;
        uint32_t
                offset; /* of the pointer in the referring block; CS_EDGE_ANYWHERE for roots and large blocks */
        uint64_t count;   /* references (no more than one per referring word) */
        uint64_t example; /* a root's lowest address that refers so; 0 for clusters */
};

typedef CS_VEC(struct cs_edge) cs_edge_vec;

/* References of one kind that are not among the counts as yet. */
struct cs_edge_recent {
        uint64_t key;
        uint64_t n; /* 0: none */
};

enum { CS_EDGES_RECENT = 256 };

/* One worker's. Zero is empty. */
struct cs_edge_counts {
        struct cs_edge_recent
                recent[CS_EDGES_RECENT]; /* by a few bits of the key's mix: most are as those before */
        struct cs_thin counts;           /* by key */
        struct cs_tally examples;        /* key -> lowest root address */
        uint32_t left_out; /* so many of the last ranks that kinds may have are not counted (any more) */
};

void cs_edge_counts_deinit(struct cs_edge_counts *counts);

/* The kind of reference as one word: from cluster `from` at that offset (UINT64_MAX: anywhere), without where it leads; and
 * from a root (as in cs_edge). Clusters beyond CS_EDGE_CLUSTERS are not told apart. */
uint64_t cs_edge_from_cluster(uint32_t from, uint64_t offset);
uint64_t cs_edge_from_root(uint32_t root);

/* And where it leads. */
uint64_t cs_edge_to(uint64_t from, uint32_t cluster);

/* One more reference of that kind. example: a root's address that refers so, or 0. */
CS_CHECK enum cs_status cs_edge_count(struct cs_edge_counts *counts, uint64_t key, uint64_t example,
                                      struct cs_error *err);

/* Enters what is recent. Before counts are added or listed. */
CS_CHECK enum cs_status cs_edge_counts_settle(struct cs_edge_counts *counts, struct cs_error *err);

/* One more reference of that kind, without an example. */
CS_CHECK enum cs_status cs_edge_count_anew(struct cs_edge_counts *counts, struct cs_edge_recent *place,
                                           uint64_t key, struct cs_error *err);
CS_CHECK static inline enum cs_status cs_edge_count_often(struct cs_edge_counts *counts, uint64_t key,
                                                          struct cs_error *err)
{
        struct cs_edge_recent *r = &counts->recent[cs_mix(key) % CS_EDGES_RECENT];
        if (r->key != key || !r->n)
                return cs_edge_count_anew(counts, r, key, err);
        r->n++;
        return CS_OK;
}

/* Adds the counts of `from`. */
CS_CHECK enum cs_status cs_edge_counts_add(struct cs_edge_counts *into, const struct cs_edge_counts *from,
                                           struct cs_error *err);

/* All of them, by where they lead, then the most frequent first; without the kinds that are left out, if there are any: counts->counts.left_out. */
CS_CHECK enum cs_status cs_edges_list(struct cs_edge_counts *counts, cs_edge_vec *out, struct cs_error *err);

#endif
