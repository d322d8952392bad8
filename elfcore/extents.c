/* SPDX-License-Identifier: Apache-2.0 */
#include "extents.h"

#include "cs_limits.h"

#include <errno.h>
#include <unistd.h>

static struct cs_extent ask(int fd, uint64_t offset)
{
        off_t data = fd < 0 ? 0 : lseek(fd, (off_t)offset, SEEK_DATA);
        off_t end = fd < 0 || data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);
        /* ENXIO: no data up to the end of the file. What else fails does not know of holes. */
        bool none = data < 0 && errno == ENXIO;
        return (struct cs_extent){
                .data_start = data >= 0 ? (uint64_t)data
                              : none    ? UINT64_MAX
                                        : 0,
                /* Who changes the file meanwhile may say that it ends where it begins. */
                .data_end = end > data ? (uint64_t)end : UINT64_MAX,
        };
}

enum cs_status cs_extents_learn(struct cs_extents *e, int fd, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        e->fd = fd;
        while (st == CS_OK && e->known != UINT64_MAX && e->data.n < CS_LIMIT_EXTENTS) {
                struct cs_extent next = ask(fd, e->known);
                struct cs_range data = { next.data_start < e->known ? e->known : next.data_start,
                                         next.data_end };
                if (data.start < data.end)
                        st = cs_vec_push(&e->data, data, err);
                e->known = next.data_end;
        }
        return st;
}

void cs_extents_deinit(struct cs_extents *e)
{
        cs_vec_deinit(&e->data);
}

struct cs_extent cs_extents_at(const struct cs_extents *e, uint64_t offset)
{
        if (offset >= e->known)
                return ask(e->fd, offset);
        size_t i = cs_first_behind(e->data.at, e->data.n, end, offset);
        if (i == e->data.n)
                return (struct cs_extent){ UINT64_MAX, UINT64_MAX };
        return (struct cs_extent){ e->data.at[i].start, e->data.at[i].end };
}
