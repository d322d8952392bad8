/* SPDX-License-Identifier: Apache-2.0 */
/* Where a file holds data and where it has holes, which are zeros that nobody need read, as its file system says (lseek(2), SEEK_DATA and
 * SEEK_HOLE). What is asked again and again is asked once and kept. */
#ifndef CS_EXTENTS_H
#define CS_EXTENTS_H

#include "range.h"
#include "vec.h"

/* From the offset that was asked for on: no data before data_start (UINT64_MAX: none up to the end of the file), then data up to data_end
 * (UINT64_MAX: to its end, or it is not known). */
struct cs_extent {
        uint64_t data_start;
        uint64_t data_end;
};

struct cs_extents {
        int fd;                       /* borrowed; -1: all is data */
        CS_VEC(struct cs_range) data; /* offsets, sorted, disjoint: all that there is below `known` */
        uint64_t known;
};

/* Asks for the first CS_LIMIT_EXTENTS spans of data. What is written into holes later on may go unseen. */
CS_CHECK enum cs_status cs_extents_learn(struct cs_extents *e, int fd, struct cs_error *err);
void cs_extents_deinit(struct cs_extents *e);

/* Thread-safe. data_start is at least the offset where data begins, or below it. */
struct cs_extent cs_extents_at(const struct cs_extents *e, uint64_t offset);

#endif
