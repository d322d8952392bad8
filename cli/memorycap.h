/* SPDX-License-Identifier: Apache-2.0 */
/* --max-memory, kept by the kernel. */
#ifndef CS_MEMORYCAP_H
#define CS_MEMORYCAP_H

#include <stdint.h>

/* Less than this the program does not get by with: its own tables, its libraries, a report. */
#define CS_MEMORYCAP_LEAST (UINT64_C(24) << 20)

/* From here on no more than so many bytes of memory are ours besides what is now (RLIMIT_DATA: writable memory of no file; the core's
 * pages are the page cache's), and tables are planned by it. workers: as many threads work (0: as many as there are processors). Does nothing in sanitizer builds, which
 * reserve terabytes. Main thread, before there are others. */
void cs_memorycap_set(uint64_t bytes, unsigned workers);

#endif
