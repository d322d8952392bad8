/* SPDX-License-Identifier: Apache-2.0 */
#include "extents.h"

#include "budget.h"
#include "cs_limits.h"
#include "range.h"
#include "vec.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PART_BYTES = 64 << 20, BUDGET_PERCENT = 1 };

enum known { NOT_ASKED, KEPT, TOO_MANY };

/* Spans that lie in it or end behind its end: the last one may begin there. */
struct part {
        atomic_uchar known;           /* enum known: what is not, is not touched but under the lock */
        CS_VEC(struct cs_range) data; /* offsets, sorted, disjoint */
};

struct cs_extents_kept {
        pthread_mutex_t lock;
        size_t left; /* spans that may still be kept */
        size_t n;
        struct part parts[];
};

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

/* The spans of a part; the lock is held. */
static enum known learn(struct cs_extents_kept *kept, struct part *p, int fd)
{
        uint64_t at = (uint64_t)(p - kept->parts) * PART_BYTES, end = at + PART_BYTES;
        while (at < end) {
                struct cs_extent next = ask(fd, at);
                struct cs_range data = { next.data_start < at ? at : next.data_start, next.data_end };
                if (p->data.n == kept->left || cs_vec_push(&p->data, data, NULL) != CS_OK) {
                        cs_vec_deinit(&p->data);
                        return TOO_MANY;
                }
                at = next.data_end;
        }
        kept->left -= p->data.n;
        return KEPT;
}

static enum known see(struct cs_extents_kept *kept, struct part *p, int fd)
{
        enum known known = atomic_load_explicit(&p->known, memory_order_acquire);
        if (known != NOT_ASKED)
                return known;
        pthread_mutex_lock(&kept->lock);
        known = atomic_load_explicit(&p->known, memory_order_relaxed);
        if (known == NOT_ASKED) {
                known = learn(kept, p, fd);
                atomic_store_explicit(&p->known, (unsigned char)known, memory_order_release);
        }
        pthread_mutex_unlock(&kept->lock);
        return known;
}

void cs_extents_keep(struct cs_extents *e, int fd)
{
        struct stat st;
        *e = (struct cs_extents){ .fd = fd };
        size_t n = fd >= 0 && fstat(fd, &st) == 0 ? (size_t)((uint64_t)st.st_size / PART_BYTES + 1) : 0;
        e->kept = n ? calloc(1, sizeof(*e->kept) + n * sizeof(e->kept->parts[0])) : NULL;
        if (!e->kept)
                return;
        pthread_mutex_init(&e->kept->lock, NULL);
        e->kept->left = cs_budget_entries(CS_LIMIT_EXTENTS, sizeof(struct cs_range), BUDGET_PERCENT);
        e->kept->n = n;
}

void cs_extents_deinit(struct cs_extents *e)
{
        if (!e->kept)
                return;
        for (size_t i = 0; i < e->kept->n; i++)
                cs_vec_deinit(&e->kept->parts[i].data);
        pthread_mutex_destroy(&e->kept->lock);
        free(e->kept);
        e->kept = NULL;
}

struct cs_extent cs_extents_at(const struct cs_extents *e, uint64_t offset)
{
        size_t part = (size_t)(offset / PART_BYTES);
        struct part *p = e->kept && part < e->kept->n ? &e->kept->parts[part] : NULL;
        if (!p || see(e->kept, p, e->fd) != KEPT)
                return ask(e->fd, offset);
        size_t i = cs_first_behind(p->data.at, p->data.n, end, offset);
        return (struct cs_extent){ p->data.at[i].start, p->data.at[i].end };
}
