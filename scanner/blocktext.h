/* SPDX-License-Identifier: Apache-2.0 */
/* Text that like blocks hold in the same place, as a member of what they are: the name in a record, the line in a buffer behind its
 * header. What blocks without a name of their own hold tells people more than their size. */
#ifndef CS_BLOCKTEXT_H
#define CS_BLOCKTEXT_H

#include "members.h"

#include "pool.h"

/* The beginnings of some of a cluster's blocks. */
struct cs_blocktext {
        uint8_t *bytes; /* n times CS_BLOCKTEXT_BYTES */
        size_t *got;    /* how many of each could be read */
        size_t n;
};

enum { CS_BLOCKTEXT_BYTES = 512, CS_BLOCKTEXT_SAMPLES = 16 };

/* Reads them. CS_ENOMEM. Main thread. */
CS_CHECK enum cs_status cs_blocktext_read(const struct cs_image *image, const struct cs_blocks *blocks,
                                          const struct cs_members *members, uint32_t cluster,
                                          struct cs_blocktext *out, struct cs_error *err);
void cs_blocktext_deinit(struct cs_blocktext *text);

/* The template of the first text that begins at one offset in [from, to) in most of them and says something (in words, or as an address,
 * a name or a time does whose form is known), shortened to a line, with where it begins; NULL: there is none, or no memory. Lives in the pool. */
const char *cs_blocktext_find(const struct cs_blocktext *text, uint64_t from, uint64_t to,
                              struct cs_pool *pool, uint32_t *offset);

#endif
