/* SPDX-License-Identifier: Apache-2.0 */
/* Where code asks for so many bytes: a constant goes into the register of the first or the second argument, and a call follows
 * soon. malloc, operator new, calloc(1, n) and most wrappers are called so. It says little where every other module has such
 * a place, and much for a size that hardly anybody asks for. x86-64 only (System V ABI: %rdi, %rsi). */
#ifndef CS_SITES_H
#define CS_SITES_H

#include "blocks.h"
#include "image.h"
#include "space.h"
#include "vec.h"

enum { CS_SITES_UP_TO = 1 << 20 /* bytes of a chunk: what is larger is seldom a constant */ };

struct cs_site {
        uint64_t size;     /* of the chunk that would be handed out, as cs_block has it */
        uint64_t addr;     /* of the lowest such place */
        uint32_t module;   /* that it is in */
        uint32_t variants; /* different sizes that this module asks for: the more, the less this one says */
};

/* Places for the given sizes, by size and module. */
struct cs_sites {
        CS_VEC(struct cs_site) at;
};

/* Looks through the code of all modules that may ask for memory: about a second per GB, so only for sizes that need it
 * (ascending, without repeats; not above CS_SITES_UP_TO). Main thread. */
CS_CHECK enum cs_status cs_sites_find(const struct cs_image *image, const struct cs_space *space,
                                      const uint64_t *sizes, size_t n_sizes, struct cs_sites *out,
                                      struct cs_error *err);
void cs_sites_deinit(struct cs_sites *sites);

/* The place where that module asks for blocks of that size, or NULL. Thread-safe. */
const struct cs_site *cs_sites_at(const struct cs_sites *sites, uint64_t size, uint32_t module);

#endif
