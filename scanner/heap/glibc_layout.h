/* SPDX-License-Identifier: Apache-2.0 */
/* Offsets of glibc's malloc structures on x86-64, one row per run of versions with the same layout. Each row was compiled
 * from malloc/malloc.c and malloc/arena.c of the versions that it names. */
#ifndef CS_GLIBC_LAYOUT_H
#define CS_GLIBC_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

enum {
        GLIBC_HEADER = 16,      /* prev_size and size */
        GLIBC_MIN_CHUNK = 0x20, /* MINSIZE */
        GLIBC_PREV_IN_USE = 1,
        GLIBC_IS_MMAPPED = 2,
        GLIBC_NON_MAIN = 4,
        GLIBC_FLAGS = 7,
        GLIBC_BIN_PAIRS = 127, /* NBINS - 1 heads of two words */
        GLIBC_FASTBINS = 10,
        GLIBC_TCACHE_BINS = 64,
};

struct cs_glibc_layout {
        const char *versions;
        /* struct malloc_state */
        uint32_t fastbins;
        uint32_t top;
        uint32_t bins;
        uint32_t next;
        uint32_t system_mem;
        uint32_t arena_bytes;
        /* struct _heap_info, at the start of each heap of a non-main arena */
        uint32_t heap_bytes;
        /* struct malloc_par */
        uint32_t mp_arena_test;
        uint32_t mp_n_mmaps;
        uint32_t mp_n_mmaps_max;
        uint32_t mp_sbrk_base;
        /* struct tcache_perthread_struct: u16 counts[64], then 64 heads */
        uint32_t tcache_chunk; /* size of the chunk that holds it */
        uint32_t tcache_heads;
};

/* Linked lists of free chunks are mangled since 2.32 (safe-linking): stored = (address of the link >> 12) ^ target. */
static inline uint64_t cs_glibc_reveal(uint64_t at, uint64_t stored)
{
        return (at >> 12) ^ stored;
}

/* HEAP_MAX_SIZE: 2 * DEFAULT_MMAP_THRESHOLD_MAX; heaps are aligned to it. */
enum { GLIBC_HEAP_MAX = 64 << 20 };

extern const struct cs_glibc_layout cs_glibc_layouts[];
extern const size_t cs_glibc_layout_count;

#endif
