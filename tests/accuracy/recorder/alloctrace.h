/* SPDX-License-Identifier: Apache-2.0 */
/* Layout of the recorder's private table, which alloctrace.c fills and atdump.c reads. It lies in one MAP_PRIVATE mapping of a
 * memfd at a fixed address:
 *   - with a file behind it, so that nothing takes it for anonymous memory of the program;
 *   - MADV_DONTDUMP, so that neither the kernel nor gcore puts it into a core;
 *   - MAP_PRIVATE, so that fork() gives the child a copy of its own with no atfork handler;
 *   - read from outside through /proc/PID/mem, so that dumping it runs no code in the recorded process. */
#ifndef ALLOCTRACE_H
#define ALLOCTRACE_H
#include <stdint.h>

#define ATR_MAGIC 0x31454341525441ULL /* "ATRACE1" */
#define ATR_BASE 0x100000000000ULL    /* fixed map address (16 TiB) */
#define ATR_SIZE (64ULL << 30)
#define ATR_FRAMES 12 /* frames kept per stack */

/* Shadow: 2 MiB of address space -> one leaf of 131072 slots of 16 bytes. */
#define ATR_REGION_SHIFT 21
#define ATR_REGION (1ULL << ATR_REGION_SHIFT)
#define ATR_LEAF_SLOTS (ATR_REGION / 16)
#define ATR_DIR_ENTRIES (1ULL << (47 - ATR_REGION_SHIFT))

#define ATR_STACK_HASH (1u << 22) /* open addressed, u32 ids */
#define ATR_STACK_MAX (1u << 21)
#define ATR_MOD_MAX 8192
#define ATR_PATH_MAX 232

struct at_slot {       /* one live block; stack == 0: nothing here */
        uint64_t size; /* size asked for */
        uint32_t stack;
        uint32_t ms; /* milliseconds since the shim started */
};

struct at_stack {
        uint32_t n;               /* frames kept; 0: entry not finished */
        uint32_t gen;             /* dlclose() generation */
        uint64_t pc[ATR_FRAMES];  /* return addresses, innermost first */
        uint16_t mod[ATR_FRAMES]; /* module ids, resolved when first seen */
};

struct at_module {
        uint64_t start, end; /* mapped range */
        uint64_t bias;       /* l_addr: pc - bias is the ELF vaddr */
        char path[ATR_PATH_MAX];
};

struct at_header {
        uint64_t magic;
        uint64_t pid; /* process which created the table */
        uint64_t dir_off, hash_off, stack_off, mod_off, leaf_off;
        uint32_t nstack; /* next free stack id */
        uint32_t nmod;   /* next free module id */
        uint32_t nleaf;  /* next free leaf; leaf ids start at 1 */
        uint32_t gen;
        uint64_t nalloc, nfree, nrealloc; /* statistics, not exact */
        uint64_t lost;                    /* blocks not recorded (table full) */
};
#endif
