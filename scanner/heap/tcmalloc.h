/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the reader of gperftools' tcmalloc share; see tcmalloc.c. */
#ifndef CS_TCMALLOC_H
#define CS_TCMALLOC_H

#include "radix.h"

enum { CS_TCMALLOC_CLASSES = 128 }; /* common.h, kClassSizesMax */

struct cs_tcmalloc {
        const struct cs_allocator_input *in;
        struct cs_radix radix;
        struct cs_view view;                 /* of anything but the radix tree */
        struct cs_view objects;              /* of free objects: here and there */
        uint32_t sizes[CS_TCMALLOC_CLASSES]; /* of objects, by class; of class 0: 0 */
        uint64_t sizes_at;                   /* where the module keeps them */
        unsigned classes;                    /* that there are, class 0 included; 0: not found */
        uint64_t spans, unsound;             /* that were seen */
        uint64_t out[CS_TCMALLOC_CLASSES];   /* objects that left their span, by class */
        CS_VEC(struct cs_range)
        records;            /* pages that hold tcmalloc's own records, as they came */
        size_t first_claim; /* of the spans, in claims */
        struct cs_claims *claims;
        struct cs_measured *sums;
};

/* Notes that tcmalloc's own records lie there; the range need not be mapped, nor of whole pages. */
CS_CHECK enum cs_status cs_tcmalloc_record(struct cs_tcmalloc *t, struct cs_range range,
                                           struct cs_error *err);

/* When all spans have been claimed, in the order of their addresses: claims the memory of records, and moves the objects that lie
 * in thread caches and between them from those in use to those that are cached. */
CS_CHECK enum cs_status cs_tcmalloc_caches(struct cs_tcmalloc *t, struct cs_error *err);

#endif
