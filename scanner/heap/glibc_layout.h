/* SPDX-License-Identifier: Apache-2.0 */
/* Offsets of glibc's malloc structures on x86-64, one row per run of versions with the same layout. Each row was compiled
 * from malloc/malloc.c and malloc/arena.c of the versions that it names. */
#ifndef CS_GLIBC_LAYOUT_H
#define CS_GLIBC_LAYOUT_H

#include <stdbool.h>
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
        GLIBC_ARENA_FLAGS = 4, /* malloc_state.flags, in all versions */
        GLIBC_NONCONTIGUOUS = 2,
        GLIBC_TCACHE_SMALL = 64,    /* bins of one size each: TCACHE_SMALL_BINS */
        GLIBC_TCACHE_MOST = 76,     /* with those of large chunks */
        GLIBC_TCACHE_BYTES = 0x2f8, /* of the largest tcache_perthread_struct */
        GLIBC_LAYOUTS_MOST = 32,    /* rows: candidates are bits of a word */
};

/* How a thread cache counts what it holds. */
enum cs_glibc_counts {
        GLIBC_NO_TCACHE,
        GLIBC_COUNTS_BYTE,  /* char counts[64] */
        GLIBC_COUNTS_SHORT, /* uint16_t counts[64] */
        GLIBC_SLOTS_SHORT,  /* uint16_t num_slots[76]: how many more it would take */
};

struct cs_glibc_layout {
        const char *versions;
        /* struct malloc_state */
        uint32_t fastbins; /* 0: there are none */
        uint32_t top;
        uint32_t bins;
        uint32_t next;
        uint32_t system_mem;
        uint32_t arena_bytes;
        /* struct _heap_info, at the start of each heap of a non-main arena */
        uint32_t heap_bytes;
        /* struct malloc_par; behind n_mmaps always n_mmaps_max, max_n_mmaps and no_dyn_threshold, of four bytes each */
        uint32_t mp_arena_test;
        uint32_t mp_n_mmaps;
        uint32_t mp_n_mmaps_max;
        uint32_t mp_mmapped_mem;
        uint32_t mp_sbrk_base;
        /* struct tcache_perthread_struct: counts, then as many heads */
        enum cs_glibc_counts counts;
        uint32_t tcache_chunk; /* size of the chunk that holds it, at least */
        /* And so many bytes more where it is asked for in an arena: by the size of its chunk, to which a header is added once more (2.43,
         * malloc/malloc.c, tcache_init; 2.42 is taken for the same). */
        uint32_t tcache_padded;
        uint32_t tcache_heads;
        uint32_t tcache_bins;
        bool mangled;       /* links of thread caches and fastbins */
        bool mmapped_short; /* mmapped chunks end a header before their mapping does */
};

/* Linked lists of free chunks are mangled since 2.32 (safe-linking): stored = (address of the link >> 12) ^ target. */
static inline uint64_t cs_glibc_reveal(const struct cs_glibc_layout *layout, uint64_t at, uint64_t stored)
{
        return layout->mangled ? (at >> 12) ^ stored : stored;
}

/* HEAP_MAX_SIZE: 2 * DEFAULT_MMAP_THRESHOLD_MAX; heaps are aligned to it. With huge pages (glibc.malloc.hugetlb) it is four
 * of them from 2.35 on: malloc/arena.c, heap_max_size. */
enum { GLIBC_HEAP_MAX = 64 << 20, GLIBC_HEAP_LEAST = 8 << 20, GLIBC_HEAP_ALIGNMENTS = 3 };
extern const uint64_t cs_glibc_heap_alignments[GLIBC_HEAP_ALIGNMENTS];

extern const struct cs_glibc_layout cs_glibc_layouts[];
extern const size_t cs_glibc_layout_count;

#endif
