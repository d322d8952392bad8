/* SPDX-License-Identifier: Apache-2.0 */
#include "live.h"

#include "bytes.h"
#include "pagemap.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
        /* Larger reads hold the target's mmap lock long enough to be felt: at 256 KiB the 99th percentile of its page
         * faults stays where it was. */
        READ_BYTES = CS_GATHER_PAGES * CS_PAGE,
        /* Of memory that is not listed, no more is read at once. */
        UNLISTED_BYTES = 64,
};

struct live_source {
        struct cs_source base;
        const struct cs_image *image;
        pid_t through; /* the thread that it is read by */
        int pagemap;   /* -1: cannot be read */
        int mem;       /* -1: not to be had */
        atomic_bool gone;
        /* Where nothing was present in several mappings in a row, when it was last looked: each of tens of thousands of them would be asked
         * again for each. */
        pthread_mutex_t lock;
        struct cs_range nothing, nothing_held; /* no page present; nor swapped out */
};

static bool is_gone(const struct live_source *live)
{
        return atomic_load_explicit(&live->gone, memory_order_relaxed);
}

static void notice_end(struct live_source *live, bool ended)
{
        if (ended)
                atomic_store_explicit(&live->gone, true, memory_order_relaxed);
}

/* The fd of the file whose clean bytes back addr, and where in it; -1 where there is none. */
static int backing(const struct live_source *live, const struct cs_mapping *m, uint64_t addr,
                   uint64_t *offset)
{
        if (!m->file_backed || m->module == CS_NO_MODULE)
                return -1;
        const struct cs_module *module = &live->image->modules.at[m->module];
        if (module->file != CS_FILE_MATCHES)
                return -1;
        *offset = m->file_offset + (addr - m->range.start);
        return module->fd;
}

static ssize_t read_target(struct live_source *live, uint64_t addr, void *buf, size_t len)
{
        struct iovec local = { buf, len }, remote = { (void *)(uintptr_t)addr, len };
        ssize_t n = process_vm_readv(live->through, &local, 1, &remote, 1, 0);
        bool ended = n < 0 && errno == ESRCH; /* the thread, if not all of them */
        if (n < 0 && (ended || errno == ENOSYS || errno == EPERM) && live->mem >= 0) {
                n = pread(live->mem, buf, len, (off_t)addr);
                ended = ended && n == 0;
        }
        notice_end(live, ended);
        return n;
}

/* Where the bytes of a page come from. */
enum origin { FROM_NOWHERE, FROM_TARGET, FROM_FILE };

/* A module's page that is clean is the file's page: it comes from there whether it is present or not, without the target's locks. One
 * that is swapped out was written to; reading it would bring it in. */
static enum origin origin_of(uint64_t entry, bool file)
{
        if (entry & CS_PAGEMAP_PRESENT)
                return file && entry & CS_PAGEMAP_FILE ? FROM_FILE : FROM_TARGET;
        return file && !(entry & CS_PAGEMAP_SWAPPED) ? FROM_FILE : FROM_NOWHERE;
}

/* Where the bytes of up to CS_GATHER_PAGES pages come from, by a bit for each. */
struct origins {
        uint64_t target, file;
        uint64_t present; /* in the target, whatever the origin */
};

/* Those of `count` pages from addr (page-aligned) on. Without a pagemap all are taken for present. */
static void origins_of(struct live_source *live, uint64_t addr, size_t count, bool file, struct origins *out)
{
        uint64_t entries[CS_GATHER_PAGES];
        *out = (struct origins){ 0 };
        if (live->pagemap < 0) {
                out->target = out->present = UINT64_MAX >> (CS_GATHER_PAGES - count);
                return;
        }
        if (!file && cs_pagemap_present(live->pagemap, addr, count, &out->present) && out->present) {
                out->target = out->present;
                return;
        }
        ssize_t n = cs_pagemap_read(live->pagemap, addr, entries, count);
        notice_end(live, cs_pagemap_ended(addr, n));
        for (ssize_t i = 0; i < n; i++) {
                enum origin origin = origin_of(entries[i], file);
                out->target |= (uint64_t)(origin == FROM_TARGET) << i;
                out->file |= (uint64_t)(origin == FROM_FILE) << i;
                out->present |= (uint64_t)((entries[i] & CS_PAGEMAP_PRESENT) != 0) << i;
        }
}

static bool is_present(struct live_source *live, uint64_t addr)
{
        uint64_t entry;
        ssize_t n = live->pagemap < 0 ? -1 : cs_pagemap_read(live->pagemap, cs_page_down(addr), &entry, 1);
        notice_end(live, cs_pagemap_ended(addr, n));
        return live->pagemap < 0 || (n == 1 && entry & CS_PAGEMAP_PRESENT);
}

/* The mapping at addr if it may be read. */
static const struct cs_mapping *readable_at(const struct live_source *live, uint64_t addr)
{
        const struct cs_mapping *m = cs_image_mapping_at(live->image, addr);
        return m && m->perms & CS_PERM_READ ? m : NULL;
}

/* Reads up to one run of pages of one origin; 0 at a gap. */
static size_t read_run(struct live_source *live, uint64_t addr, uint8_t *buf, size_t len)
{
        const struct cs_mapping *m = readable_at(live, addr);
        if (!m)
                return 0;
        if (len > m->range.end - addr)
                len = (size_t)(m->range.end - addr);
        size_t in_page = (size_t)(addr - cs_page_down(addr));
        if (len > READ_BYTES - in_page)
                len = READ_BYTES - in_page;
        uint64_t offset = 0;
        int fd = backing(live, m, addr, &offset);
        struct origins origins;
        origins_of(live, cs_page_down(addr), (in_page + len + CS_PAGE - 1) / CS_PAGE, fd >= 0, &origins);
        size_t run = cs_gather_run(origins.file & 1 ? origins.file : origins.target, 0);
        if (!run)
                return 0;
        if (len > run * CS_PAGE - in_page)
                len = run * CS_PAGE - in_page;
        if (origins.file & 1) {
                ssize_t n = pread(fd, buf, len, (off_t)offset);
                if (n > 0)
                        return (size_t)n;
                /* The file ends before its last page does, which goes on with zeros. */
                if (len > CS_PAGE - in_page)
                        len = CS_PAGE - in_page;
                if (!(origins.present & 1)) {
                        uint8_t first;
                        if (pread(fd, &first, 1, (off_t)(offset - in_page)) != 1)
                                return 0;
                        memset(buf, 0, len);
                        return len;
                }
        }
        ssize_t n = read_target(live, addr, buf, len);
        return n > 0 ? (size_t)n : 0;
}

/* ---- what lies apart --------------------------------------------------------------------------------------------- */

/* Pages that are the file's, which is offset into it where they begin: those that it has are set in *read. Where it ends in one, that goes
 * on with zeros; unless it is present, for then the target knows better. */
static void gather_file(int fd, uint64_t offset, const struct origins *origins, uint8_t *buf, uint64_t *read)
{
        for (size_t first = 0; first < CS_GATHER_PAGES && origins->file >> first; first++) {
                size_t len = cs_gather_run(origins->file, first) * CS_PAGE;
                ssize_t n =
                        len ? pread(fd, buf + first * CS_PAGE, len, (off_t)(offset + first * CS_PAGE)) : 0;
                for (; n >= CS_PAGE; n -= CS_PAGE)
                        *read |= UINT64_C(1) << first++;
                if (n > 0 && !(origins->present >> first & 1)) {
                        memset(buf + first * CS_PAGE + n, 0, (size_t)(CS_PAGE - n));
                        *read |= UINT64_C(1) << first;
                }
        }
}

/* Pages of the target, all their runs by one call. Those that came are set in *read. */
static void gather_target(struct live_source *live, uint64_t addr, uint64_t pages, uint8_t *buf,
                          uint64_t *read)
{
        while (pages && !is_gone(live)) {
                struct iovec local[CS_GATHER_PAGES / 2], remote[CS_GATHER_PAGES / 2];
                unsigned long runs = 0;
                size_t asked = 0;
                for (size_t first = 0, run; first < CS_GATHER_PAGES && pages >> first; first += run + 1) {
                        first += (size_t)__builtin_ctzll(pages >> first);
                        run = cs_gather_run(pages, first);
                        asked += run * CS_PAGE;
                        local[runs] = (struct iovec){ buf + first * CS_PAGE, run * CS_PAGE };
                        remote[runs++] =
                                (struct iovec){ (void *)(uintptr_t)(addr + first * CS_PAGE), run * CS_PAGE };
                }
                ssize_t n = process_vm_readv(live->through, local, runs, remote, runs, 0);
                if (n <= 0) { /* the first run alone, in whatever way there is */
                        asked = local[0].iov_len;
                        n = read_target(live, (uintptr_t)remote[0].iov_base, local[0].iov_base, asked);
                }
                bool fell_short = n < 0 || (size_t)n < asked;
                for (; n >= CS_PAGE; n -= CS_PAGE, pages &= pages - 1)
                        *read |= pages & -pages;
                if (fell_short)
                        pages &= pages - 1; /* that page went away meanwhile */
        }
}

/* The same of pages that one mapping has. */
static uint64_t gather_mapped(struct live_source *live, const struct cs_mapping *m, uint64_t addr,
                              size_t pages, uint8_t *buf)
{
        uint64_t offset = 0, read = 0;
        int fd = backing(live, m, addr, &offset);
        struct origins origins;
        origins_of(live, addr, pages, fd >= 0, &origins);
        gather_file(fd, offset, &origins, buf, &read);
        gather_target(live, addr, origins.target | (origins.file & origins.present & ~read), buf, &read);
        return read;
}

/* Mappings may follow each other without a gap, as parts of a heap that are not alike to the kernel. */
static size_t live_gather(struct cs_source *src, uint64_t addr, size_t pages, uint8_t *buf, uint64_t *present)
{
        struct live_source *live = (struct live_source *)src;
        size_t done = 0;
        *present = 0;
        while (done < pages && live->pagemap >= 0) {
                uint64_t at = addr + done * CS_PAGE;
                const struct cs_mapping *m = readable_at(live, at);
                if (!m)
                        break;
                uint64_t left = (m->range.end - at) / CS_PAGE;
                size_t n = left < pages - done ? (size_t)left : pages - done;
                *present |= gather_mapped(live, m, at, n, buf + done * CS_PAGE) << done;
                done += n;
        }
        return is_gone(live) ? 0 : done;
}

/* Could memory lie there by now that was not there when the mappings were listed, or was only reserved: by malloc, a heap of a thread's
 * arena is so before it becomes one? */
static bool may_have_come(const struct live_source *live, uint64_t addr)
{
        const struct cs_mapping *m = cs_image_mapping_at(live->image, addr);
        return !m || !(m->perms || m->file_backed);
}

/* A word or two there: what is known leads to it by now, as one arena of malloc does to the next. Nobody goes through what is not listed,
 * so that it ends there for larger reads. */
static size_t read_unlisted(struct live_source *live, uint64_t addr, void *buf, size_t len)
{
        if (live->pagemap < 0 || len == 0 || len > UNLISTED_BYTES || len > -addr ||
            !may_have_come(live, addr) || !is_present(live, addr) || !is_present(live, addr + len - 1))
                return 0;
        ssize_t n = read_target(live, addr, buf, len);
        return n > 0 ? (size_t)n : 0;
}

static enum cs_status live_read(struct cs_source *src, uint64_t addr, void *buf, size_t len, size_t *got,
                                struct cs_error *err)
{
        struct live_source *live = (struct live_source *)src;
        *got = 0;
        if (is_gone(live))
                return cs_fail(err, CS_EGONE, "process %d is gone", (int)live->image->pid);
        while (*got < len) {
                size_t n = read_run(live, addr + *got, (uint8_t *)buf + *got, len - *got);
                if (n == 0)
                        break;
                *got += n;
        }
        if (*got == 0)
                *got = read_unlisted(live, addr, buf, len);
        return CS_OK;
}

/* The first address from addr on where a page has any of the bits; of readable mappings only, and also where a file has the bytes. */
static uint64_t next_with(struct live_source *live, uint64_t addr, uint64_t bits, bool readable)
{
        const cs_mapping_vec *maps = &live->image->mappings;
        for (size_t i = cs_image_mapping_behind(live->image, addr); i < maps->n; i++) {
                const struct cs_mapping *m = &maps->at[i];
                uint64_t from = addr > m->range.start ? addr : m->range.start, offset;
                bool ended = false;
                if (readable && !(m->perms & CS_PERM_READ))
                        continue;
                if (live->pagemap < 0 || (readable && backing(live, m, from, &offset) >= 0))
                        return from;
                from = cs_pagemap_next(live->pagemap, from, m->range.end, bits, &ended);
                notice_end(live, ended);
                if (from < m->range.end)
                        return from;
                if (is_gone(live))
                        break;
        }
        return UINT64_MAX;
}

/* The same, past what is known to be a gap. */
static uint64_t next_known(struct live_source *live, uint64_t addr, struct cs_range *nothing, uint64_t bits,
                           bool readable)
{
        if (is_gone(live))
                return UINT64_MAX;
        pthread_mutex_lock(&live->lock);
        struct cs_range known = *nothing;
        pthread_mutex_unlock(&live->lock);
        if (addr >= known.start && addr < known.end)
                return known.end;
        uint64_t next = next_with(live, addr, bits, readable);
        const struct cs_mapping *m = cs_image_mapping_at(live->image, addr);
        if (m && next > m->range.end) {
                pthread_mutex_lock(&live->lock);
                *nothing = (struct cs_range){ addr, next };
                pthread_mutex_unlock(&live->lock);
        }
        return next;
}

static uint64_t live_next(struct cs_source *src, uint64_t addr)
{
        struct live_source *live = (struct live_source *)src;
        return next_known(live, addr, &live->nothing, CS_PAGEMAP_PRESENT, true);
}

static uint64_t live_held(struct cs_source *src, uint64_t addr)
{
        struct live_source *live = (struct live_source *)src;
        return next_known(live, addr, &live->nothing_held, CS_PAGEMAP_PRESENT | CS_PAGEMAP_SWAPPED, false);
}

static enum cs_gap live_gap(struct cs_source *src, uint64_t addr)
{
        struct live_source *live = (struct live_source *)src;
        const struct cs_mapping *m = cs_image_mapping_at(live->image, addr);
        if (is_gone(live))
                return CS_GAP_GONE;
        if (!m)
                return CS_GAP_UNMAPPED;
        if (!(m->perms & CS_PERM_READ))
                return CS_GAP_PROTECTED;
        return is_present(live, addr) ? CS_GAP_GONE : CS_GAP_ABSENT;
}

static void live_resident(struct cs_source *src, uint64_t addr, size_t pages, uint8_t *flags)
{
        const struct live_source *live = (const struct live_source *)src;
        uint64_t entries[CS_RESIDENT_PAGES];
        memset(flags, live->pagemap < 0 ? CS_PAGE_RESIDENT : CS_PAGE_ABSENT, pages);
        if (live->pagemap < 0)
                return;
        ssize_t n = cs_pagemap_read(live->pagemap, addr, entries, pages);
        for (size_t i = 0; n > 0 && i < (size_t)n; i++)
                flags[i] = entries[i] & CS_PAGEMAP_PRESENT  ? CS_PAGE_RESIDENT
                           : cs_pagemap_swapped(entries[i]) ? CS_PAGE_SWAPPED
                                                            : CS_PAGE_ABSENT;
        if (memchr(flags, CS_PAGE_RESIDENT, pages))
                cs_pagemap_drop_zeros(live->pagemap, addr, pages, flags);
}

static void live_close(struct cs_source *src)
{
        struct live_source *live = (struct live_source *)src;
        if (live->pagemap >= 0)
                close(live->pagemap);
        if (live->mem >= 0)
                close(live->mem);
        pthread_mutex_destroy(&live->lock);
        free(live);
}

static const struct cs_source_ops live_ops = {
        .read = live_read,
        .gather = live_gather,
        .next = live_next,
        .gap = live_gap,
        .held = live_held,
        .resident = live_resident,
        .close = live_close,
};

enum cs_status cs_live_source_create(const struct cs_image *image, pid_t through, int proc_fd,
                                     struct cs_source **out, struct cs_error *err)
{
        struct live_source *live = calloc(1, sizeof(*live));
        if (!live)
                return cs_fail(err, CS_ENOMEM, "live source");
        live->base.ops = &live_ops;
        pthread_mutex_init(&live->lock, NULL);
        live->image = image;
        live->through = through;
        live->pagemap = openat(proc_fd, "pagemap", O_RDONLY | O_CLOEXEC);
        live->mem = openat(proc_fd, "mem", O_RDONLY | O_CLOEXEC);
        *out = &live->base;
        return CS_OK;
}

bool cs_live_source_has_pagemap(const struct cs_source *src)
{
        return ((const struct live_source *)src)->pagemap >= 0;
}

bool cs_live_source_gone(const struct cs_source *src)
{
        return atomic_load(&((struct live_source *)(uintptr_t)src)->gone);
}
