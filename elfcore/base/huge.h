/* SPDX-License-Identifier: Apache-2.0 */
/* Large tables that are read in no order: huge pages save those who hop about in them the look-ups of small ones, and the kernel most of
 * the work of giving them; but not the host of a virtual machine, where that took them back when they were free: there a huge page comes at
 * 0.4 GB/s, and small ones, which are seldom taken back, at 2.3. So they are for what is hopped about in most of the time, and not for what
 * is written once, in order, and asked for ahead where it is read. They cost one page at most that is not needed. */
#ifndef CS_HUGE_H
#define CS_HUGE_H

#include <stddef.h>

/* Asks for huge pages for what lies there. Nothing where it is smaller than some of them, or where there are none. */
void cs_huge_ask(void *at, size_t bytes);

/* calloc(), with huge pages asked for. Not for tables of which most is never touched. */
void *cs_huge_calloc(size_t n, size_t size);

/* Of a new table of calloc's, all of which will be read and written in no order: takes its pages at once. Else a page is read first, and is
 * given one of zeros that all share, and then written, which takes that away from it again: and for that all other processors on which
 * this process runs are interrupted. Nothing where the table is small, or the kernel older than 5.14. */
void cs_huge_touch(void *at, size_t bytes);

/* Of memory of malloc's that is freed next: gives its pages back at once. The allocator keeps what lies below memory that lives longer. */
void cs_huge_forget(void *at, size_t bytes);

#endif
