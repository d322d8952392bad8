/* SPDX-License-Identifier: Apache-2.0 */
/* Where a file holds data and where it has holes, which are zeros that nobody need read, as its file system says (lseek(2), SEEK_DATA and
 * SEEK_HOLE). The kernel writes cores in which each page of zeros is a hole, and every pass asks for all of them: so each part of the file
 * is asked for once, when somebody comes to it, and kept. */
#ifndef CS_EXTENTS_H
#define CS_EXTENTS_H

#include <stdbool.h>
#include <stdint.h>

/* From the offset that was asked for on: no data before data_start (UINT64_MAX: none up to the end of the file), then data up to data_end
 * (UINT64_MAX: to its end, or it is not known). */
struct cs_extent {
        uint64_t data_start;
        uint64_t data_end;
};

/* How many bytes from `offset` on, which the extent was asked for or lies behind that and before data_end, are alike: zeros of a hole,
 * or data. */
static inline uint64_t cs_extent_alike(struct cs_extent e, uint64_t offset, bool *hole)
{
        *hole = offset < e.data_start;
        return (*hole ? e.data_start : e.data_end) - offset;
}

struct cs_extents_kept;

struct cs_extents {
        int fd;                       /* borrowed; -1: all is data */
        struct cs_extents_kept *kept; /* owned; NULL: the kernel is asked each time */
};

/* Keeps CS_LIMIT_EXTENTS spans of data, or what a hundredth of the budget (budget.h) holds; of others, and without memory, the kernel is
 * asked each time. What is written into holes later on may go unseen. */
void cs_extents_keep(struct cs_extents *e, int fd);
void cs_extents_deinit(struct cs_extents *e);

/* Thread-safe. data_start is at least the offset where data begins, or below it. */
struct cs_extent cs_extents_at(const struct cs_extents *e, uint64_t offset);

#endif
