/* SPDX-License-Identifier: Apache-2.0 */
#include "pagemap.h"

#include "range.h"
#include "source.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Linux 6.7, include/uapi/linux/fs.h (struct pm_scan_arg, struct page_region, PAGEMAP_SCAN); written out here, for the headers of
 * Debian 12 are older. */
struct page_region {
        uint64_t start, end, categories;
};
struct scan_argument {
        uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
        uint64_t inverted, mask, anyof, returned;
};
enum { PAGE_IS_PRESENT = 1 << 3, PAGE_IS_SWAPPED = 1 << 4, PAGE_IS_PFNZERO = 1 << 5 };
#define SCAN_PAGES _IOWR('f', 16, struct scan_argument)

enum { LOOK_FIRST = 16 }; /* entries */

/* The target's mmap lock is held during one scan: a gigabyte whose tables are all there takes 5 ms. */
static const uint64_t STRIDE = UINT64_C(64) << 20;

ssize_t cs_pagemap_read(int fd, uint64_t addr, uint64_t *entries, size_t count)
{
        ssize_t n = pread(fd, entries, count * sizeof(*entries), (off_t)(addr / CS_PAGE * sizeof(*entries)));
        return n < 0 ? n : n / (ssize_t)sizeof(*entries);
}

/* By the scan: false where the kernel has none. *at is moved to the first such page, or to end. */
static bool scan_next(int fd, uint64_t *at, uint64_t end, uint64_t bits)
{
        while (*at < end) {
                struct page_region found;
                struct scan_argument scan = {
                        .size = sizeof(scan),
                        .start = cs_page_down(*at),
                        .end = end - *at > STRIDE ? cs_page_down(*at) + STRIDE : cs_page_up(end),
                        .vec = (uint64_t)(uintptr_t)&found,
                        .vec_len = 1,
                        .max_pages = 1,
                        .anyof = (bits & CS_PAGEMAP_PRESENT ? PAGE_IS_PRESENT : 0u) |
                                 (bits & CS_PAGEMAP_SWAPPED ? PAGE_IS_SWAPPED : 0u),
                        .returned = PAGE_IS_PRESENT,
                };
                int n = ioctl(fd, SCAN_PAGES, &scan);
                if (n < 0)
                        return false;
                if (n > 0) {
                        *at = found.start > *at ? found.start : *at;
                        return true;
                }
                *at = scan.end;
        }
        *at = end;
        return true;
}

uint64_t cs_pagemap_next(int fd, uint64_t addr, uint64_t end, uint64_t bits, bool *ended)
{
        uint64_t entries[CS_RESIDENT_PAGES];
        /* The answer is mostly near, and entries cost 10 ns each; where it is not, the scan knows the page tables that are not there. */
        for (size_t look = LOOK_FIRST; addr < end; look = CS_RESIDENT_PAGES) {
                size_t pages = (size_t)((end - addr + CS_PAGE - 1) / CS_PAGE);
                ssize_t n = cs_pagemap_read(fd, addr, entries, pages < look ? pages : look);
                if (n <= 0) {
                        *ended |= cs_pagemap_ended(addr, n);
                        return end;
                }
                for (size_t i = 0; i < (size_t)n; i++)
                        if (entries[i] & bits)
                                return i ? cs_page_down(addr) + i * CS_PAGE : addr;
                addr = cs_page_down(addr) + (uint64_t)n * CS_PAGE;
                if (look > LOOK_FIRST && addr < end && scan_next(fd, &addr, end, bits))
                        return addr;
        }
        return end;
}

bool cs_pagemap_present(int fd, uint64_t addr, size_t count, uint64_t *pages)
{
        struct page_region runs[32]; /* of 64 pages not more */
        struct scan_argument scan = {
                .size = sizeof(scan),
                .start = addr,
                .end = addr + count * CS_PAGE,
                .vec = (uint64_t)(uintptr_t)runs,
                .vec_len = sizeof(runs) / sizeof(runs[0]),
                .mask = PAGE_IS_PRESENT,
                .returned = PAGE_IS_PRESENT,
        };
        int n = ioctl(fd, SCAN_PAGES, &scan);
        *pages = 0;
        for (int i = 0; i < n; i++)
                for (uint64_t at = runs[i].start; at < runs[i].end && at - addr < count * CS_PAGE;
                     at += CS_PAGE)
                        *pages |= UINT64_C(1) << (at - addr) / CS_PAGE;
        return n >= 0;
}

void cs_pagemap_drop_zeros(int fd, uint64_t addr, size_t pages, uint8_t *flags)
{
        struct page_region zeros[64];
        struct scan_argument scan = {
                .size = sizeof(scan),
                .start = addr,
                .end = addr + pages * CS_PAGE,
                .vec = (uint64_t)(uintptr_t)zeros,
                .vec_len = sizeof(zeros) / sizeof(zeros[0]),
                .mask = PAGE_IS_PFNZERO,
                .returned = PAGE_IS_PFNZERO,
        };
        for (;;) {
                int n = ioctl(fd, SCAN_PAGES, &scan);
                for (int i = 0; i < n; i++)
                        for (uint64_t at = zeros[i].start; at < zeros[i].end && at - addr < pages * CS_PAGE;
                             at += CS_PAGE)
                                flags[(at - addr) / CS_PAGE] = CS_PAGE_ABSENT;
                if (n < (int)scan.vec_len || scan.walk_end <= scan.start || scan.walk_end >= scan.end)
                        return;
                scan.start = scan.walk_end;
        }
}
