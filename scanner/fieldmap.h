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

/* The same of rows of bytes that are no blocks: n records of `size` bytes each, one behind the other in `rows`, of which the last
 * word may be a part of one. At most CS_LIMIT_FIELD_SAMPLES of them, and CS_LIMIT_FIELD_WORDS words. */
CS_CHECK enum cs_status cs_fieldmap_of_rows(const struct cs_space *space, const struct cs_blocks *blocks,
                                            const uint8_t *rows, size_t n, size_t size, cs_field_vec *out,
                                            struct cs_error *err);

#endif
