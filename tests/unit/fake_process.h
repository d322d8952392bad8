/* SPDX-License-Identifier: Apache-2.0 */
/* A small process made by hand: an executable, a library, a libc with glibc's malloc state in its data, a heap, a stack.
 * It is written as a core and opened as one, so that what is tested sees what it sees in earnest. */
#ifndef CS_FAKE_PROCESS_H
#define CS_FAKE_PROCESS_H

#include "corebuilder.h"

#include "clusters.h"
#include "glibc.h"
#include "graph.h"
#include "heaps.h"
#include "leaks.h"
#include "members.h"
#include "owners.h"

enum { FAKE_REGIONS = 64 };

#define FAKE_APP UINT64_C(0x555500000000)
#define FAKE_WIDGET UINT64_C(0x7f1000000000)
#define FAKE_LIBC UINT64_C(0x7f2000000000)
/* Addresses of blocks, and what is twice an address and one, may be taken for short texts: "0095" and "aarj", with a zero behind. */
#define FAKE_HEAP UINT64_C(0x560035393000)
#define FAKE_STACK UINT64_C(0x7ffc00000000)

/* Every module: a page of headers, one of code, one of constants, two of data, and one of .bss. */
enum {
        FAKE_TEXT = 0x1000,
        FAKE_RODATA = 0x2000,
        FAKE_DATA = 0x3000,
        FAKE_BSS = 0x5000,
        FAKE_MODULE = 0x6000,
        FAKE_ARENA = FAKE_DATA + 0xc80, /* main_arena and mp_ in libc's data */
        FAKE_PARAMETERS = FAKE_DATA + 0x60,
        FAKE_STACK_BYTES = 0x4000,
        FAKE_SP = 0x2000, /* the stack pointer, from FAKE_STACK */
};

/* The row of cs_glibc_layouts that malloc's structures follow. */
extern size_t fake_row;

struct fake_region {
        uint64_t addr;
        uint64_t size;
        uint32_t flags; /* PF_… */
        uint64_t used;  /* by fake_class() */
        bool left_out;  /* of the core, which has its address and size all the same */
        uint8_t *bytes;
};

struct fake_process {
        struct fake_region regions[FAKE_REGIONS];
        size_t n;
        struct corebuilder core; /* notes and files; memory is added when the process is opened */
        uint64_t registers[15];  /* of its one thread */
        uint64_t sp;             /* of the same; 0: no thread */
        bool live; /* it is opened as if it was read while it runs: what it points to may have come since */
        uint64_t type_info; /* what a class's typeinfo begins with; 0: none yet */
        /* From fake_open() on. */
        int fd;
        struct cs_image *image;
        struct cs_image_options options;
        struct cs_symbols *symbols;
        struct cs_space *space;
        struct cs_claims claims;
        struct cs_heaps heaps;
        /* From fake_relate() on. */
        struct cs_residency *residency;
        cs_slice_vec slices;
        struct cs_clusters clusters;
        struct cs_members members;
        struct cs_literals literals;
        struct cs_graph graph;
        struct cs_leaks leaks;
        struct cs_owners owners;
};

/* The process with its modules and its stack, without a heap. */
struct fake_process *fake_create(void);

/* The same as a core that lost its notes and every module's headers: libc's data, the stack. */
struct fake_process *fake_create_bare(void);
void fake_destroy(struct fake_process *p);

/* More memory: zeroed, dumped in whole. */
void fake_map(struct fake_process *p, uint64_t addr, uint64_t size, uint32_t flags);

/* The region that begins at addr is left out of the core. */
void fake_leave_out(struct fake_process *p, uint64_t addr);

/* A module: its five mappings, ELF headers in the first. */
void fake_module(struct fake_process *p, uint64_t base, const char *path);

/* More .bss behind the module: so many bytes from base + FAKE_MODULE on. */
void fake_bss(struct fake_process *p, uint64_t base, uint64_t size);

/* The module exports a variable of that name and size at base + offset: in its dynamic symbol table, in memory. A few dozen at most. */
void fake_export(struct fake_process *p, uint64_t base, const char *name, uint64_t offset, uint64_t size);

/* The word at addr, which must be mapped. */
void fake_put(struct fake_process *p, uint64_t addr, uint64_t value);
uint64_t fake_get(const struct fake_process *p, uint64_t addr);
void fake_write(struct fake_process *p, uint64_t addr, const void *bytes, size_t len);

/* malloc_state at addr, as after ptmalloc_init(): empty bins, itself as the only arena. */
void fake_arena(struct fake_process *p, uint64_t addr);

/* A thread's arena in a heap of its own, behind which `next` comes in the ring; returns where its first chunk begins. */
uint64_t fake_thread_heap(struct fake_process *p, uint64_t heap, uint64_t size, uint64_t next);

/* The main heap of `size` bytes at FAKE_HEAP, and malloc_par. Chunks follow through fake_chunk(). */
void fake_heap(struct fake_process *p, uint64_t size);

/* What malloc_par counts of chunks in mappings of their own; none before. Behind fake_heap(). */
void fake_mmapped(struct fake_process *p, uint32_t chunks, uint64_t bytes);

/* A chunk at `at` of that size (header included), in use; returns where the next one begins. */
uint64_t fake_chunk(struct fake_process *p, uint64_t at, uint64_t size);

/* Ends a heap of chunks with a top chunk from `at` up to `end`, and tells the arena. */
void fake_top(struct fake_process *p, uint64_t arena, uint64_t at, uint64_t end);

/* As fake_chunk(), and n words into its payload; returns what malloc would return. *at moves on. */
uint64_t fake_object(struct fake_process *p, uint64_t *at, uint64_t size, const uint64_t *words, size_t n);
uint64_t fake_text(struct fake_process *p, uint64_t *at, uint64_t size, const char *text);

/* Clears the P bit of what stands behind the chunk: it is free and in a bin. */
void fake_free(struct fake_process *p, uint64_t chunk);

/* A class in the module's constants: its address point, what objects begin with. */
uint64_t fake_class(struct fake_process *p, uint64_t module, const char *mangled);

/* Writes the core, opens it and walks the heaps. */
void fake_open(struct fake_process *p);
struct corebuilder_bytes fake_core(struct fake_process *p);

/* Clusters, graph, leaks and owners. */
void fake_relate(struct fake_process *p, unsigned workers);

/* The block that malloc returned as `user`, which must be one; the state of the chunk at addr, or -1. */
uint32_t fake_block(const struct fake_process *p, uint64_t user);
int fake_state(const struct fake_process *p, uint64_t chunk);
const struct cs_cluster *fake_cluster(const struct fake_process *p, uint64_t user);

#endif
