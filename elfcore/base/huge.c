/* SPDX-License-Identifier: Apache-2.0 */
#include "huge.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* linux/mman.h */
#endif

enum { SMALL_PAGE = 4 << 10, HUGE_PAGE = 2 << 20 };

/* Whole pages, so that a mapping of malloc's stays in one piece, which can grow in place. */
void cs_huge_ask(void *at, size_t bytes)
{
        uintptr_t first = (uintptr_t)at & ~(uintptr_t)(SMALL_PAGE - 1);
        uintptr_t end = ((uintptr_t)at + bytes + SMALL_PAGE - 1) & ~(uintptr_t)(SMALL_PAGE - 1);
        if (at && end - first >= 2 * HUGE_PAGE)
                (void)madvise((void *)first, end - first, MADV_HUGEPAGE);
}

void *cs_huge_calloc(size_t n, size_t size)
{
        void *at = calloc(n, size);
        if (at)
                cs_huge_ask(at, n * size);
        return at;
}

void cs_huge_touch(void *at, size_t bytes)
{
        enum { LEAST = 128 << 10 }; /* what malloc maps; the rest it has cleared itself */
        uintptr_t first = (uintptr_t)at & ~(uintptr_t)(SMALL_PAGE - 1);
        uintptr_t end = ((uintptr_t)at + bytes) & ~(uintptr_t)(SMALL_PAGE - 1);
        if (at && bytes >= LEAST)
                (void)madvise((void *)first, end - first, MADV_POPULATE_WRITE);
}

void cs_huge_forget(void *at, size_t bytes)
{
        uintptr_t first = ((uintptr_t)at + SMALL_PAGE - 1) & ~(uintptr_t)(SMALL_PAGE - 1);
        uintptr_t end = ((uintptr_t)at + bytes) & ~(uintptr_t)(SMALL_PAGE - 1);
        if (at && end > first)
                (void)madvise((void *)first, end - first, MADV_DONTNEED);
}
