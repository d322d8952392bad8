/* SPDX-License-Identifier: Apache-2.0 */
/* Address arithmetic that cannot wrap: compare by subtraction. */
#ifndef CS_RANGE_H
#define CS_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CS_PAGE = 4096, CS_PAGE_SHIFT = 12 };

/* Addresses start (included) to end (excluded), start <= end. */
struct cs_range {
        uint64_t start;
        uint64_t end;
};

/* Can memory be mapped there? Nothing is at the very end of the address space (the kernel's last page for user space, the
 * vsyscall page, ends 10 MiB before it), so whoever rounds up or looks a page ahead cannot wrap. */
static inline bool cs_range_mappable(struct cs_range r)
{
        return r.start < r.end && r.end <= UINT64_MAX - 2 * CS_PAGE;
}

static inline uint64_t cs_range_size(struct cs_range r)
{
        return r.end - r.start;
}

static inline bool cs_range_has(struct cs_range r, uint64_t addr)
{
        return addr >= r.start && addr < r.end;
}

/* Do all len bytes at addr lie inside? */
static inline bool cs_range_holds(struct cs_range r, uint64_t addr, uint64_t len)
{
        return addr >= r.start && addr <= r.end && len <= r.end - addr;
}

static inline struct cs_range cs_range_cut(struct cs_range a, struct cs_range b)
{
        uint64_t start = a.start > b.start ? a.start : b.start;
        uint64_t end = a.end < b.end ? a.end : b.end;
        return start < end ? (struct cs_range){ start, end } : (struct cs_range){ start, start };
}

/* The number of the first of n items at `items`, sorted by address and disjoint, that ends behind addr; n: none does. end: the member that says where
 * an item ends. A statement expression. */
#define cs_first_behind(items, n, end, addr)                                 \
        ({                                                                   \
                size_t cs_low_ = 0, cs_high_ = (n);                          \
                const uint64_t cs_addr_ = (addr);                            \
                while (cs_low_ < cs_high_) {                                 \
                        size_t cs_mid_ = cs_low_ + (cs_high_ - cs_low_) / 2; \
                        if ((items)[cs_mid_].end <= cs_addr_)                \
                                cs_low_ = cs_mid_ + 1;                       \
                        else                                                 \
                                cs_high_ = cs_mid_;                          \
                }                                                            \
                cs_low_;                                                     \
        })

static inline uint64_t cs_page_down(uint64_t addr)
{
        return addr & ~(uint64_t)(CS_PAGE - 1);
}

/* Rounds up; the last page of the address space rounds to UINT64_MAX's page start, never to 0. */
static inline uint64_t cs_page_up(uint64_t addr)
{
        uint64_t down = cs_page_down(addr);
        if (down == addr || down > UINT64_MAX - CS_PAGE)
                return down;
        return down + CS_PAGE;
}

#endif
