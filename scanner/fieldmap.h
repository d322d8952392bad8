/* SPDX-License-Identifier: Apache-2.0 */
/* What stands at each offset of a cluster's blocks, judged over a sample of them. */
#ifndef CS_FIELDMAP_H
#define CS_FIELDMAP_H

#include "members.h"
#include "word.h"

enum cs_field_kind {
        CS_FIELD_TO_MODULE,
        CS_FIELD_TO_BLOCK,
        CS_FIELD_TO_SELF,
        CS_FIELD_TO_STACK,
        CS_FIELD_TO_OTHER, /* anonymous memory that is no block */
        CS_FIELD_COLUMN,   /* no pointer: see facts */
};

struct cs_field {
        uint32_t offset;
        uint32_t size; /* neighbours of like kind are one field */
        enum cs_field_kind kind;
        double share;     /* of the sampled blocks */
        bool constant;    /* to module: one target */
        uint64_t value;   /* to module: target */
        uint32_t cluster; /* to block: where most lead, or CS_NO_CLUSTER */
        struct cs_column_facts facts;
};

typedef CS_VEC(struct cs_field) cs_field_vec;

/* Main thread. */
CS_CHECK enum cs_status cs_fieldmap_build(const struct cs_image *image, const struct cs_space *space,
                                          const struct cs_blocks *blocks, const struct cs_clusters *clusters,
                                          const struct cs_members *members, uint32_t cluster,
                                          cs_field_vec *out, struct cs_error *err);

#endif
