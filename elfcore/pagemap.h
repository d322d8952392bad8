/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel says about a process's pages, one by one, without touching them (/proc/PID/pagemap). An open pagemap stays with the
 * address space that it was opened for: after the process executed another program it is empty, and so it is after the end. */
#ifndef CS_PAGEMAP_H
#define CS_PAGEMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Bits of an entry: Linux Documentation/admin-guide/mm/pagemap.rst. The kernel sets SWAPPED for pages that it is just moving and for
 * guards (MADV_GUARD_INSTALL; from 6.15 on these have a bit of their own), too; and FILE for pages whose bytes are the file's (or of
 * shared memory), not for those that a private mapping has written to. */
#define CS_PAGEMAP_PRESENT (UINT64_C(1) << 63)
#define CS_PAGEMAP_SWAPPED (UINT64_C(1) << 62)
#define CS_PAGEMAP_FILE (UINT64_C(1) << 61)
#define CS_PAGEMAP_GUARD (UINT64_C(1) << 58)

/* Is it swapped out? Guards are no memory. */
static inline bool cs_pagemap_swapped(uint64_t entry)
{
        return (entry & CS_PAGEMAP_SWAPPED) && !(entry & CS_PAGEMAP_GUARD);
}

/* The entries of `count` pages from addr (page-aligned) on; how many there are: fewer at the end of user space, 0 when the process
 * is gone (see cs_pagemap_ended), -1 with errno. */
ssize_t cs_pagemap_read(int fd, uint64_t addr, uint64_t *entries, size_t count);

/* Was there nothing because the address space is gone? Kernel addresses (vsyscall) never have entries. */
static inline bool cs_pagemap_ended(uint64_t addr, ssize_t got)
{
        return got == 0 && addr >> 47 == 0;
}

/* The first address in [addr, end) whose page has any of the bits (PRESENT, SWAPPED), or end. Holes of terabytes are passed over
 * quickly from Linux 6.7 on. *ended is set, never cleared. */
uint64_t cs_pagemap_next(int fd, uint64_t addr, uint64_t end, uint64_t bits, bool *ended);

/* Which of `count` pages, at most 64, from addr (page-aligned) on are present: bit i of *pages for the i-th. Costs less than their entries,
 * for the kernel looks at its tables only. false: the kernel (before Linux 6.7) cannot tell so, or the process is gone. */
bool cs_pagemap_present(int fd, uint64_t addr, size_t count, uint64_t *pages);

/* Clears the flags of those pages from addr on that are the kernel's page of zeros, which pagemap calls present, and which is no memory
 * of the process: whoever reads untouched pages by ptrace (gcore) leaves it there. Before Linux 6.7 it cannot be told: nothing happens. */
void cs_pagemap_drop_zeros(int fd, uint64_t addr, size_t pages, uint8_t *flags);

#endif
