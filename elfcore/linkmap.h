/* SPDX-License-Identifier: Apache-2.0 */
/* The loader's own list of what it loaded (r_debug and link_map, made for debuggers). Every byte is hostile. */
#ifndef CS_LINKMAP_H
#define CS_LINKMAP_H

#include "pool.h"
#include "source.h"
#include "vec.h"

struct cs_link {
        uint64_t bias;    /* l_addr */
        uint64_t dynamic; /* l_ld */
        const char *name; /* l_name, in pool: "" for the program itself, mostly */
};

typedef CS_VEC(struct cs_link) cs_link_vec;

/* Follows the list from r_debug (what DT_DEBUG says) as far as it can be read and each entry points back to the one before
 * it. CS_ENOMEM only. */
CS_CHECK enum cs_status cs_linkmap_read(struct cs_source *source, uint64_t debug, struct cs_pool *pool,
                                        cs_link_vec *out, struct cs_error *err);

#endif
