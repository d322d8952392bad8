/* SPDX-License-Identifier: Apache-2.0 */
#include "live.h"

#include "bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
        /* Larger reads hold the target's mmap lock long enough to be felt: at 256 KiB the 99th percentile of its page
         * faults stays where it was. */
        READ_BYTES = 256 << 10,
        READ_PAGES = READ_BYTES / CS_PAGE,
};

/* Linux Documentation/admin-guide/mm/pagemap.rst. */
static const uint64_t PAGEMAP_PRESENT = UINT64_C(1) << 63, PAGEMAP_SWAPPED = UINT64_C(1) << 62,
                      PAGEMAP_FILE = UINT64_C(1) << 61;

/* Linux 6.7, include/uapi/linux/fs.h; written out here, for the headers of Debian 12 are older. Tells the kernel's one page of
 * zeros, which pagemap calls present, from memory of the process: whoever read its untouched pages by ptrace (gcore) left it mapped. */
struct page_region {
        uint64_t start, end, categories;
};
struct scan_argument {
        uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
        uint64_t inverted, mask, anyof, returned;
};
enum { PAGE_IS_PFNZERO = 1 << 5 };
#define SCAN_PAGES _IOWR('f', 16, struct scan_argument)

struct live_source {
        struct cs_source base;
        const struct cs_image *image;
        pid_t pid;
        int pagemap; /* -1: cannot be read */
        int mem;     /* -1: not needed or not to be had */
        atomic_bool gone;
};

/* The pagemap of a process that has ended is empty (Linux fs/proc/task_mmu.c, pagemap_read: no mm, no bytes); so it always is
 * for addresses that are the kernel's (vsyscall). */
static void notice_end(struct live_source *live, uint64_t addr, ssize_t got)
{
        if (got == 0 && addr >> 47 == 0)
                atomic_store_explicit(&live->gone, true, memory_order_relaxed);
}

/* Where the bytes of a page are to be had without touching what is not there. */
enum place { IN_TARGET, IN_FILE, NOWHERE };

/* in_file: a module's file backs the page. What the process did not write to is the file's, present or not. */
static enum place place_of(uint64_t entry, bool in_file)
{
        if (in_file && !(entry & PAGEMAP_SWAPPED) && (!(entry & PAGEMAP_PRESENT) || entry & PAGEMAP_FILE))
                return IN_FILE;
        return entry & PAGEMAP_PRESENT ? IN_TARGET : NOWHERE;
}

/* How many of the pages from addr (page-aligned) on are in one place, up to count; 0 where nothing is known of the first. Without a
 * pagemap all are in the target. */
static size_t run_of_pages(struct live_source *live, uint64_t addr, size_t count, bool in_file,
                           enum place *place)
{
        uint64_t entries[READ_PAGES + 1];
        *place = IN_TARGET;
        if (live->pagemap < 0)
                return count;
        ssize_t n = pread(live->pagemap, entries, count * sizeof(*entries),
                          (off_t)(addr / CS_PAGE * sizeof(*entries)));
        if (n < (ssize_t)sizeof(*entries)) {
                notice_end(live, addr, n);
                *place = NOWHERE;
                return 0;
        }
        size_t have = (size_t)n / sizeof(*entries), run = 1;
        *place = place_of(entries[0], in_file);
        while (run < have && place_of(entries[run], in_file) == *place)
                run++;
        return run;
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
        ssize_t n = process_vm_readv(live->pid, &local, 1, &remote, 1, 0);
        if (n < 0 && errno == ESRCH)
                atomic_store(&live->gone, true);
        if (n < 0 && (errno == ENOSYS || errno == EPERM) && live->mem >= 0)
                n = pread(live->mem, buf, len, (off_t)addr);
        return n;
}

/* Reads up to one run of like pages; 0 at a gap. */
static size_t read_run(struct live_source *live, uint64_t addr, uint8_t *buf, size_t len)
{
        const struct cs_mapping *m = cs_image_mapping_at(live->image, addr);
        if (!m || !(m->perms & CS_PERM_READ))
                return 0;
        if (len > m->range.end - addr)
                len = (size_t)(m->range.end - addr);
        if (len > READ_BYTES)
                len = READ_BYTES;
        size_t in_page = (size_t)(addr - cs_page_down(addr));
        size_t pages = (in_page + len + CS_PAGE - 1) / CS_PAGE;
        uint64_t offset = 0;
        int fd = backing(live, m, addr, &offset);
        enum place place;
        size_t run = run_of_pages(live, cs_page_down(addr), pages, fd >= 0, &place);
        if (run && len > run * CS_PAGE - in_page)
                len = run * CS_PAGE - in_page;
        ssize_t n = !run || place == NOWHERE ? 0
                    : place == IN_FILE       ? pread(fd, buf, len, (off_t)offset)
                                             : read_target(live, addr, buf, len);
        return n > 0 ? (size_t)n : 0;
}

static enum cs_status live_read(struct cs_source *src, uint64_t addr, void *buf, size_t len, size_t *got,
                                struct cs_error *err)
{
        struct live_source *live = (struct live_source *)src;
        *got = 0;
        if (atomic_load_explicit(&live->gone, memory_order_relaxed))
                return cs_fail(err, CS_EGONE, "process %d is gone", (int)live->pid);
        while (*got < len) {
                size_t n = read_run(live, addr + *got, (uint8_t *)buf + *got, len - *got);
                if (n == 0)
                        break;
                *got += n;
        }
        return CS_OK;
}

/* The first present page in [addr, end), or end. */
static uint64_t next_present(struct live_source *live, uint64_t addr, uint64_t end)
{
        uint64_t entries[CS_RESIDENT_PAGES];
        while (addr < end) {
                size_t pages = (size_t)((end - addr + CS_PAGE - 1) / CS_PAGE);
                if (pages > CS_RESIDENT_PAGES)
                        pages = CS_RESIDENT_PAGES;
                ssize_t n = pread(live->pagemap, entries, pages * sizeof(*entries),
                                  (off_t)(addr / CS_PAGE * sizeof(*entries)));
                if (n < (ssize_t)sizeof(*entries)) {
                        notice_end(live, addr, n);
                        return end;
                }
                size_t have = (size_t)n / sizeof(*entries);
                for (size_t i = 0; i < have; i++)
                        if (entries[i] & PAGEMAP_PRESENT)
                                return i ? cs_page_down(addr) + i * CS_PAGE : addr;
                addr = cs_page_down(addr) + have * CS_PAGE;
        }
        return end;
}

static uint64_t live_next(struct cs_source *src, uint64_t addr)
{
        struct live_source *live = (struct live_source *)src;
        const cs_mapping_vec *maps = &live->image->mappings;
        size_t lo = 0, hi = maps->n;
        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;
                if (maps->at[mid].range.end <= addr)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        for (; lo < maps->n; lo++) {
                const struct cs_mapping *m = &maps->at[lo];
                uint64_t from = addr > m->range.start ? addr : m->range.start, offset;
                if (!(m->perms & CS_PERM_READ))
                        continue;
                if (live->pagemap < 0 || backing(live, m, from, &offset) >= 0)
                        return from;
                from = next_present(live, from, m->range.end);
                if (from < m->range.end)
                        return from;
        }
        return UINT64_MAX;
}

static enum cs_gap live_gap(struct cs_source *src, uint64_t addr)
{
        struct live_source *live = (struct live_source *)src;
        const struct cs_mapping *m = cs_image_mapping_at(live->image, addr);
        enum place place;
        if (atomic_load_explicit(&live->gone, memory_order_relaxed))
                return CS_GAP_GONE;
        if (!m)
                return CS_GAP_UNMAPPED;
        if (!(m->perms & CS_PERM_READ))
                return CS_GAP_PROTECTED;
        (void)run_of_pages(live, cs_page_down(addr), 1, false, &place);
        return place == NOWHERE ? CS_GAP_ABSENT : CS_GAP_GONE;
}

/* Clears the flags of pages that are the page of zeros. Where the kernel cannot tell, they count as before. */
static void drop_zeros(const struct live_source *live, uint64_t addr, size_t pages, uint8_t *flags)
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
                int n = ioctl(live->pagemap, SCAN_PAGES, &scan);
                for (int i = 0; i < n; i++)
                        for (uint64_t at = zeros[i].start; at < zeros[i].end && at - addr < pages * CS_PAGE;
                             at += CS_PAGE)
                                flags[(at - addr) / CS_PAGE] = 0;
                if (n < (int)scan.vec_len || scan.walk_end <= scan.start || scan.walk_end >= scan.end)
                        return;
                scan.start = scan.walk_end;
        }
}

static void live_resident(struct cs_source *src, uint64_t addr, size_t pages, uint8_t *flags)
{
        const struct live_source *live = (const struct live_source *)src;
        uint64_t entries[CS_RESIDENT_PAGES];
        memset(flags, live->pagemap < 0, pages);
        if (live->pagemap < 0)
                return;
        ssize_t n = pread(live->pagemap, entries, pages * sizeof(*entries),
                          (off_t)(addr / CS_PAGE * sizeof(*entries)));
        for (size_t i = 0; n > 0 && i < (size_t)n / sizeof(*entries); i++)
                flags[i] = (entries[i] & PAGEMAP_PRESENT) != 0;
        if (memchr(flags, 1, pages))
                drop_zeros(live, addr, pages, flags);
}

static void live_close(struct cs_source *src)
{
        struct live_source *live = (struct live_source *)src;
        if (live->pagemap >= 0)
                close(live->pagemap);
        if (live->mem >= 0)
                close(live->mem);
        free(live);
}

static const struct cs_source_ops live_ops = {
        .read = live_read,
        .next = live_next,
        .gap = live_gap,
        .resident = live_resident,
        .close = live_close,
};

enum cs_status cs_live_source_create(const struct cs_image *image, int proc_fd, struct cs_source **out,
                                     struct cs_error *err)
{
        struct live_source *live = calloc(1, sizeof(*live));
        if (!live)
                return cs_fail(err, CS_ENOMEM, "live source");
        live->base.ops = &live_ops;
        live->image = image;
        live->pid = image->pid;
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
