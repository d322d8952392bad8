/* SPDX-License-Identifier: Apache-2.0 */
/* What the heap walkers found: one entry per allocator, and the blocks of those that could be walked. */
#ifndef CS_HEAPS_H
#define CS_HEAPS_H

#include "blocks.h"
#include "claims.h"

struct cs_arena {
        uint64_t address;
        bool main;
        uint64_t top; /* bytes of its top chunk */
        CS_VEC(pid_t)
        threads; /* that allocate from it, as far as their thread pointer is known (cores) */
};

struct cs_corruption {
        uint64_t address;
        const char *what; /* static text */
};

struct cs_measured_sum {
        uint64_t count;
        uint64_t bytes;
};

/* What an allocator's own records say of it as a whole. */
struct cs_measured {
        bool known;
        uint64_t address; /* of its root structure */
        struct cs_measured_sum used, free, cached;
        uint64_t overhead; /* bytes of its records */
};

struct cs_heap {
        const char *allocator;       /* static text: "glibc", "jemalloc", … */
        const char *version;         /* lives in the heaps' pool, or NULL */
        int32_t module;              /* that holds it, or CS_NO_MODULE */
        bool walked;                 /* false: recognised, but not readable here */
        const char *why_not;         /* static text: reason where it was not walked, else NULL */
        const char *partial;         /* static text: what of it could not be read, or NULL */
        struct cs_measured measured; /* where it was not walked */
};

struct cs_heaps {
        struct cs_pool pool;
        CS_VEC(struct cs_heap) found;
        CS_VEC(struct cs_heap) foreign; /* of other allocators than glibc, until cs_heaps_name() */
        CS_VEC(struct cs_arena) arenas; /* of all walked allocators; blocks' ranges refer to them by index */
        CS_VEC(struct cs_corruption) corrupt;
        CS_VEC(struct cs_range)
        claimed;                /* address space that belongs to a walked heap, blocks or not (headers of
                                          * heaps, the unused tail of an arena's reservation) */
        uint64_t corrupt_more;  /* corruptions found beyond those kept */
        uint64_t mmapped_known; /* mmapped chunks by the allocator's own count, or UINT64_MAX */
        uint64_t arena_bytes;   /* size of a main arena, which lies in its module's data */
        struct cs_blocks blocks;
        uint64_t
                scouted; /* heaps of so many bytes or more are walked by two threads; 0: none is. The caller's */
        _Atomic uint64_t
                walked; /* what is walked right now lies about here: for others to know meanwhile what the caches hold */
};

enum { CS_CORRUPT_KEPT = 64 };

void cs_heaps_deinit(struct cs_heaps *heaps);

/* Notes a corruption, or counts it where there are too many. */
void cs_heaps_corrupt(struct cs_heaps *heaps, uint64_t address, const char *what);

/* Is addr in a claimed range? Valid once the walkers are done (cs_heaps_sort_claims). */
bool cs_heaps_claims(const struct cs_heaps *heaps, uint64_t addr, struct cs_range *which);
void cs_heaps_sort_claims(struct cs_heaps *heaps);

/* The three steps of cs_heaps_find(), for those who have something else to do meanwhile. First, on the main thread: the allocators that
 * are not glibc's; takes the runtimes' claims, adds those of allocators that are measured without walking their blocks, and seals them. */
CS_CHECK enum cs_status cs_heaps_recognise(const struct cs_image *image, struct cs_symbols *symbols,
                                           struct cs_claims *claims, struct cs_heaps *heaps,
                                           struct cs_error *err);

/* Then, on any thread: finds and walks glibc's heaps, seals the blocks and enters them into space. */
CS_CHECK enum cs_status cs_heaps_walk(const struct cs_image *image, struct cs_space *space,
                                      const struct cs_claims *claims, struct cs_heaps *heaps,
                                      struct cs_error *err);

/* Last, on the main thread: glibc's version, and all allocators in one list. */
CS_CHECK enum cs_status cs_heaps_name(const struct cs_image *image, struct cs_symbols *symbols,
                                      struct cs_heaps *heaps, struct cs_error *err);

/* Finds all allocators in the image, walks those it can, seals the blocks and enters them into space. Main thread. */
CS_CHECK enum cs_status cs_heaps_find(const struct cs_image *image, struct cs_symbols *symbols,
                                      struct cs_space *space, struct cs_claims *claims,
                                      struct cs_heaps *heaps, struct cs_error *err);

#endif
