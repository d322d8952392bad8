/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks in thread caches by the mark that free() leaves in them: what is left to go by where a list is broken. */
#ifndef CS_GLIBC_KEY_H
#define CS_GLIBC_KEY_H

#include "glibc.h"

enum { GLIBC_KEYS_KEPT = 256 };

/* What the entries of sound lists have in their second word (malloc/malloc.c, tcache_entry.key): none up to 2.28, the address
 * of their cache from 2.29 to 2.33, later one random number of the process. */
struct cs_glibc_keys {
        uint64_t caches[GLIBC_KEYS_KEPT];
        size_t n;
        uint64_t common; /* what most of the others have */
        uint64_t votes;  /* by how many more than those that have something else */
};

/* Learns from an entry of a cache. */
void cs_glibc_learn_key(struct cs_glibc_keys *keys, const struct cs_glibc_layout *layout, uint64_t cache,
                        uint64_t key);

/* Marks all chunks that look in use, but have a key, and a link that leads to a block or ends: reads all of the heaps. */
void cs_glibc_mark_by_key(struct cs_glibc *glibc, const struct cs_space *space,
                          const struct cs_glibc_keys *keys);

#endif
