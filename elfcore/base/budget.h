/* SPDX-License-Identifier: Apache-2.0 */
/* How much memory we may take, where somebody said so (--max-memory): tables are planned by it before they are begun. That it is kept
 * whatever comes is the kernel's part (cli/memorycap.h): what asks for more gets none, and is given up. */
#ifndef CS_BUDGET_H
#define CS_BUDGET_H

#include <stddef.h>
#include <stdint.h>

/* bytes: in all; 0: nobody said anything. Once, before there are other threads. */
void cs_budget_set(uint64_t bytes);
extern uint64_t cs_budget_bytes; /* for the functions below */
static inline uint64_t cs_budget(void)
{
        return cs_budget_bytes;
}

/* How many entries of so many bytes a table may have that takes no more than `percent` of the budget: `usual` where there is none, or where
 * these fit; at least CS_BUDGET_LEAST. Thread-safe. */
enum { CS_BUDGET_LEAST = 1 << 10 };
static inline size_t cs_budget_entries(size_t usual, size_t bytes, unsigned percent)
{
        uint64_t fit = cs_budget_bytes / 100 * percent / bytes;
        if (!cs_budget_bytes || fit >= usual)
                return usual;
        return fit > CS_BUDGET_LEAST ? (size_t)fit : (size_t)CS_BUDGET_LEAST;
}

#endif
