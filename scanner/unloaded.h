/* SPDX-License-Identifier: Apache-2.0 */
/* Libraries that were unloaded while blocks of theirs are still in use: objects whose vtables are gone. What glibc's loader kept
 * of a library lies in freed memory until that is used again, and tells its name and where it was; where nothing is left of it,
 * what all blocks of a kind begin with still says that something was there.
 *
 * In labels and owners such a library has a number behind the image's modules: image->modules.n and more. */
#ifndef CS_UNLOADED_H
#define CS_UNLOADED_H

#include "heaps.h"
#include "members.h"

struct cs_unloaded_module {
        struct cs_range range; /* where it was; not known without a name: the pages that blocks point into */
        const char *name;      /* "libfoo.so (unloaded)", "unloaded module at 0x7f…"; lives in the pool */
        bool named;
        double trust; /* in all that is said of it */
};

/* Blocks of a kind that all have the same pointer into a module that is gone. */
struct cs_unloaded_kind {
        uint32_t cluster;
        uint32_t offset; /* of the pointer */
        uint64_t target;
        uint32_t module; /* index into modules, without the image's */
};

struct cs_unloaded {
        struct cs_pool pool;
        CS_VEC(struct cs_unloaded_module) modules; /* by address of what is pointed at */
        CS_VEC(struct cs_unloaded_kind) kinds;     /* by cluster */
        bool limited;                              /* CS_LIMIT_LEFT_BYTES was reached */
};

struct cs_unloaded_input {
        const struct cs_image *image;
        const struct cs_space *space;
        const struct cs_blocks *blocks;
        const struct cs_clusters *clusters;
        const struct cs_members *members;
};

/* Thread-safe. Freed memory is read only where blocks point to where nothing is. */
CS_CHECK enum cs_status cs_unloaded_find(const struct cs_unloaded_input *in, struct cs_unloaded *out,
                                         struct cs_error *err);
void cs_unloaded_deinit(struct cs_unloaded *unloaded);

/* How many numbers of modules there are, the image's included. unloaded may be NULL. */
static inline size_t cs_unloaded_modules(const struct cs_image *image, const struct cs_unloaded *unloaded)
{
        return image->modules.n + (unloaded ? unloaded->modules.n : 0);
}

/* The name of a module of the image, or of one that is gone; NULL where there is none of that number. unloaded may be NULL. */
const char *cs_unloaded_name(const struct cs_image *image, const struct cs_unloaded *unloaded, size_t module);

#endif
