/* SPDX-License-Identifier: Apache-2.0 */
/* Which module asked for each block. First by what the blocks point at; then, for those whose words say nothing, by who points
 * at them and by what they lead to (owner_spread.h). A cluster has the owner of most of its blocks, and the evidence that its
 * blocks share. */
#ifndef CS_OWNERS_H
#define CS_OWNERS_H

#include "graph.h"
#include "labels.h"
#include "members.h"
#include "unloaded.h"

enum { CS_OWNER_EVIDENCE = 6 };

enum cs_evidence_kind {
        CS_EVIDENCE_TARGET,   /* the blocks point at it */
        CS_EVIDENCE_ROOT,     /* a module's data points at the blocks */
        CS_EVIDENCE_GONE,     /* the blocks point at where a module was (unloaded.h) */
        CS_EVIDENCE_STACK,    /* a frame of a module's function points at them */
        CS_EVIDENCE_REFERRER, /* blocks of another cluster point at them */
        CS_EVIDENCE_CHILD,    /* they point at blocks of another cluster */
        CS_EVIDENCE_LITERAL, /* they begin with text that is a constant of that module alone; target: one of them */
        CS_EVIDENCE_NEIGHBOUR, /* blocks beside them are its own */
        CS_EVIDENCE_SITE,      /* code of the module asks for so many bytes; target: where (orphans.h) */
        CS_EVIDENCE_IMPORT,    /* no other module could have asked for them */
};

struct cs_evidence {
        enum cs_evidence_kind kind;
        uint32_t offset;  /* of the pointer: in the block (target, child) or in the referrer */
        uint32_t module;  /* that it speaks for */
        uint32_t cluster; /* referrer, child */
        uint64_t target;  /* target: the address pointed at; root, stack: an address that points */
        double share;     /* of the cluster's blocks */
        double weight;    /* 0 … 1 */
};

struct cs_owner {
        int32_t module; /* or CS_NO_MODULE; one that is gone: as in unloaded.h */
        double confidence;
        int32_t lost_module; /* of most of its lost blocks (relate.h): blocks of one shape may be several libraries' */
        double lost_confidence;
        uint32_t n_evidence;
        struct cs_evidence evidence[CS_OWNER_EVIDENCE]; /* heaviest first */
};

struct cs_owners {
        struct cs_labels blocks;
        struct cs_owner *clusters; /* one per cluster */
};

struct cs_owners_input {
        const struct cs_image *image;
        const struct cs_space *space;
        const struct cs_blocks *blocks;
        const struct cs_clusters *clusters;
        struct cs_members *members;         /* built unless they are, dropped for a while, and built again */
        struct cs_graph *graph;             /* its `said` is taken over */
        const struct cs_literals *literals; /* or NULL */
        struct cs_unloaded *unloaded;       /* empty: is found here first; or NULL */
};

/* Does not look at the graph's marks: cs_leaks_find may run at the same time (relate.h). */
CS_CHECK enum cs_status cs_owners_find(const struct cs_owners_input *in, struct cs_owners *out,
                                       struct cs_error *err);
void cs_owners_deinit(struct cs_owners *owners);

#endif
