/* SPDX-License-Identifier: Apache-2.0 */
/* The source over a core: pieces in address order, each lent from the mapped file, read from a module's own file, or a gap. */
#include "bytes.h"
#include "corefile.h"
#include "extents.h"
#include "store.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGES_AHEAD = 8 };

struct piece {
        struct cs_range range;
        const uint8_t *bytes; /* lent; NULL: from fd or a gap */
        int fd;               /* -1: a gap */
        bool stored;          /* from the store, at file_offset */
        uint64_t file_offset;
        enum cs_gap gap;
};

struct core_source {
        struct cs_source base;
        int fd;                       /* of the core, borrowed; -1: read by copying from the bytes */
        const uint8_t *bytes;         /* all of the core */
        const struct cs_store *store; /* instead of bytes, or NULL; borrowed */
        CS_VEC(struct piece) pieces;  /* sorted, disjoint */
        struct cs_extents extents;    /* of the file behind fd */
};

static bool readable(const struct piece *p)
{
        return p->bytes || p->stored || p->fd >= 0;
}

static const struct piece *piece_at(const struct core_source *core, uint64_t addr)
{
        size_t i = cs_first_behind(core->pieces.at, core->pieces.n, range.end, addr);
        return i < core->pieces.n ? &core->pieces.at[i] : NULL;
}

/* Asked only where there is a piece: NULL plus nothing is not defined. */
static const struct piece *pieces_end(const struct core_source *core)
{
        return core->pieces.at + core->pieces.n;
}

static const uint8_t *lend(const struct core_source *core, uint64_t addr, size_t *len)
{
        const struct piece *p = piece_at(core, addr);
        if (!p || addr < p->range.start)
                return NULL;
        if (*len > p->range.end - addr)
                *len = (size_t)(p->range.end - addr);
        if (p->stored)
                return cs_store_lend(core->store, p->file_offset + (addr - p->range.start), len);
        return p->bytes ? p->bytes + (addr - p->range.start) : NULL;
}

static const uint8_t *core_borrow(struct cs_source *src, uint64_t addr, size_t *len)
{
        const struct core_source *core = (const struct core_source *)src;
        const uint8_t *at = lend(core, addr, len);
        /* Up to the next hole only, whose pages would be made by whoever touches them. */
        if (at && core->bytes) {
                uint64_t offset = (uint64_t)(at - core->bytes);
                bool hole;
                uint64_t left = cs_extent_alike(cs_extents_at(&core->extents, offset), offset, &hole);
                if (!hole && left < *len)
                        *len = (size_t)left;
        }
        return at;
}

/* Reads from the core itself, by pread: pages touched in the mapping would count as our resident set, and a core that somebody cuts
 * meanwhile would raise SIGBUS. Of holes nothing is read, as the kernel would make pages for their zeros. */
static ssize_t read_core(const struct core_source *core, uint64_t offset, void *buf, size_t len)
{
        bool hole;
        uint64_t left = cs_extent_alike(cs_extents_at(&core->extents, offset), offset, &hole);
        if (len > left)
                len = (size_t)left;
        if (!hole)
                return pread(core->fd, buf, len, (off_t)offset);
        memset(buf, 0, len);
        return (ssize_t)len;
}

/* Copies from the one piece that holds addr, up to len bytes, or fewer; 0 at a gap. */
static size_t read_piece(const struct core_source *core, const struct piece *p, uint64_t addr, void *buf,
                         size_t len)
{
        if (addr < p->range.start)
                return 0;
        uint64_t at = addr - p->range.start;
        if (len > p->range.end - addr)
                len = (size_t)(p->range.end - addr);
        ssize_t n = 0;
        if (p->bytes && core->fd >= 0)
                n = read_core(core, (uint64_t)(p->bytes - core->bytes) + at, buf, len);
        else if (p->bytes)
                memcpy(buf, p->bytes + at, (size_t)(n = (ssize_t)len));
        else if (p->stored)
                n = (ssize_t)cs_store_read(core->store, p->file_offset + at, buf, len);
        else if (p->fd >= 0)
                n = pread(p->fd, buf, len, (off_t)(p->file_offset + at));
        return n > 0 ? (size_t)n : 0;
}

static enum cs_status core_read(struct cs_source *src, uint64_t addr, void *buf, size_t len, size_t *got,
                                struct cs_error *err)
{
        const struct core_source *core = (const struct core_source *)src;
        (void)err;
        *got = 0;
        const struct piece *p = piece_at(core, addr);
        while (p && p < pieces_end(core) && *got < len) {
                size_t n = read_piece(core, p, addr, (uint8_t *)buf + *got, len - *got);
                if (n == 0)
                        break;
                *got += n;
                addr += n;
                p += addr == p->range.end;
        }
        return CS_OK;
}

static void core_release(struct cs_source *src, uint64_t addr, size_t len)
{
        static uintptr_t page_mask = CS_PAGE - 1;
        const uint8_t *at = lend((const struct core_source *)src, addr, &len);
        /* What was decompressed lies there only. */
        if (!at || ((const struct core_source *)src)->store)
                return;
        uintptr_t start = ((uintptr_t)at + page_mask) & ~page_mask;
        uintptr_t end = ((uintptr_t)at + len) & ~page_mask;
        /* The mapping is private and never written: dropped pages come back from the page cache. */
        if (start < end)
                (void)madvise((void *)start, end - start, MADV_DONTNEED);
}

static uint64_t core_next(struct cs_source *src, uint64_t addr)
{
        const struct core_source *core = (const struct core_source *)src;
        for (const struct piece *p = piece_at(core, addr); p && p < pieces_end(core); p++)
                if (readable(p))
                        return addr > p->range.start ? addr : p->range.start;
        return UINT64_MAX;
}

static enum cs_gap core_gap(struct cs_source *src, uint64_t addr)
{
        const struct piece *p = piece_at((const struct core_source *)src, addr);
        if (!p || addr < p->range.start)
                return CS_GAP_UNMAPPED;
        return readable(p) ? CS_GAP_TRUNCATED : p->gap;
}

/* What was decompressed knows most zeros without looking. */
static bool stored_in_use(const struct core_source *core, uint64_t addr)
{
        const struct piece *p = piece_at(core, addr);
        uint8_t page[CS_PAGE];
        if (!p || addr < p->range.start || !p->stored)
                return false;
        uint64_t left = p->range.end - addr, offset = p->file_offset + (addr - p->range.start);
        size_t len = left < CS_PAGE ? (size_t)left : CS_PAGE, lent = len;
        if (cs_store_is_zero(core->store, offset, len))
                return false;
        const uint8_t *at = cs_store_lend(core->store, offset, &lent);
        if (at && lent == len)
                return !cs_all_zero(at, len);
        return !cs_all_zero(page, cs_store_read(core->store, offset, page, len));
}

/* Is one of the bytes at [offset, offset + len) of the file no zero? Nobody reads, and so faults in, the zeros of its holes, which begin
 * and end inside of the target's pages where segments do. */
static bool in_use(const struct core_source *core, struct cs_extent *known, uint64_t offset, size_t len)
{
        while (len) {
                if (offset >= known->data_end)
                        *known = cs_extents_at(&core->extents, offset);
                bool hole;
                uint64_t left = cs_extent_alike(*known, offset, &hole);
                size_t part = left < len ? (size_t)left : len;
                if (!hole && !cs_all_zero(core->bytes + offset, part))
                        return true;
                offset += part;
                len -= part;
        }
        return false;
}

static void core_resident(struct cs_source *src, uint64_t addr, size_t pages, uint8_t *flags)
{
        const struct core_source *core = (const struct core_source *)src;
        struct cs_extent known = { 0 };
        uint64_t before = 0; /* segments need not lie in the file in the order of their addresses */
        size_t run = pages * CS_PAGE;
        const uint8_t *ahead = core->store ? NULL : lend(core, addr, &run);
        for (size_t i = 0; i < pages; i++) {
                size_t len = CS_PAGE;
                /* Most pages are known by their first bytes. */
                if (ahead && i + PAGES_AHEAD < run / CS_PAGE)
                        __builtin_prefetch(ahead + (i + PAGES_AHEAD) * CS_PAGE);
                if (core->store) {
                        flags[i] = stored_in_use(core, addr + i * CS_PAGE);
                        continue;
                }
                const uint8_t *at = ahead && (i + 1) * CS_PAGE <= run ? ahead + i * CS_PAGE
                                                                      : lend(core, addr + i * CS_PAGE, &len);
                uint64_t offset = at ? (uint64_t)(at - core->bytes) : 0;
                if (offset < before)
                        known = (struct cs_extent){ 0 };
                before = offset;
                flags[i] = at && in_use(core, &known, offset, len);
        }
}

static uint64_t core_zeros(struct cs_source *src, uint64_t addr)
{
        const struct core_source *core = (const struct core_source *)src;
        const struct piece *p = piece_at(core, addr);
        if (!p || addr < p->range.start)
                return 0;
        uint64_t left = p->range.end - addr, zeros = 0;
        if (p->stored) {
                zeros = cs_store_zeros(core->store, p->file_offset + (addr - p->range.start));
        } else if (p->bytes) {
                uint64_t offset = (uint64_t)(p->bytes - core->bytes) + (addr - p->range.start);
                bool hole;
                uint64_t alike = cs_extent_alike(cs_extents_at(&core->extents, offset), offset, &hole);
                zeros = hole ? alike : 0;
        }
        return zeros < left ? zeros : left;
}

static void core_close(struct cs_source *src)
{
        struct core_source *core = (struct core_source *)src;
        cs_vec_deinit(&core->pieces);
        cs_extents_deinit(&core->extents);
        free(core);
}

static const struct cs_source_ops core_ops = {
        .read = core_read,
        .borrow = core_borrow,
        .release = core_release,
        .next = core_next,
        .gap = core_gap,
        .resident = core_resident,
        .zeros = core_zeros,
        .close = core_close,
};

static void core_source_freep(struct core_source **core)
{
        if (*core)
                core_close(&(*core)->base);
}

static enum cs_status create(const uint8_t *bytes, const struct cs_store *store, uint64_t len,
                             const struct cs_corefile *file, struct cs_source **out, struct cs_error *err)
{
        cs_cleanup(core_source_freep) struct core_source *core = calloc(1, sizeof(*core));
        if (!core)
                return cs_fail(err, CS_ENOMEM, "core source");
        core->base.ops = &core_ops;
        core->bytes = bytes;
        core->store = store;
        core->fd = core->extents.fd = -1;
        for (size_t i = 0; i < file->segments.n; i++) {
                const struct cs_segment *s = &file->segments.at[i];
                struct piece held = { .range = { s->range.start, s->range.start + s->held }, .fd = -1 };
                struct piece cut = { .range = { held.range.end, s->range.start + s->promised }, .fd = -1 };
                struct piece left = { .range = { cut.range.end, s->range.end }, .fd = -1 };
                enum cs_status st = CS_OK;
                cut.gap = CS_GAP_TRUNCATED;
                left.gap = CS_GAP_NOT_DUMPED;
                if (s->held) {
                        if (s->file_offset > len || s->held > len - s->file_offset)
                                return cs_fail(err, CS_EFORMAT, "segment lies beyond the file");
                        held.bytes = bytes ? bytes + s->file_offset : NULL;
                        held.stored = store;
                        held.file_offset = s->file_offset;
                        st = cs_vec_push(&core->pieces, held, err);
                }
                if (st == CS_OK && cs_range_size(cut.range))
                        st = cs_vec_push(&core->pieces, cut, err);
                if (st == CS_OK && cs_range_size(left.range))
                        st = cs_vec_push(&core->pieces, left, err);
                if (st != CS_OK)
                        return st;
        }
        *out = &cs_take(core)->base;
        return CS_OK;
}

enum cs_status cs_core_source_create(const uint8_t *bytes, size_t len, const struct cs_corefile *file,
                                     struct cs_source **out, struct cs_error *err)
{
        return create(bytes, NULL, len, file, out, err);
}

enum cs_status cs_core_source_create_stored(const struct cs_store *store, const struct cs_corefile *file,
                                            struct cs_source **out, struct cs_error *err)
{
        return create(NULL, store, cs_store_size(store), file, out, err);
}

void cs_core_source_read_from(struct cs_source *src, int fd)
{
        struct core_source *core = (struct core_source *)src;
        core->fd = fd;
        cs_extents_keep(&core->extents, fd);
}

struct merge {
        CS_VEC(struct piece) out;
        enum cs_status status;
        struct cs_error *err;
};

static void push(struct merge *m, struct piece p)
{
        if (m->status == CS_OK && cs_range_size(p.range))
                m->status = cs_vec_push(&m->out, p, m->err);
}

/* Moves the front of the part, up to `to`, to the pieces. */
static void push_front(struct merge *m, struct cs_file_part *part, uint64_t to)
{
        push(m, (struct piece){ .range = { part->range.start, to },
                                .fd = part->fd,
                                .file_offset = part->file_offset });
        part->file_offset += to - part->range.start;
        part->range.start = to;
}

/* A piece and a part that begins in it. Both lose what is settled. */
static void settle(struct merge *m, struct piece *p, struct cs_file_part *part)
{
        bool free_to_use = !readable(p) && p->gap == CS_GAP_NOT_DUMPED;
        uint64_t end = p->range.end < part->range.end ? p->range.end : part->range.end;
        if (!free_to_use) {
                part->file_offset += end - part->range.start;
                part->range.start = end;
                return;
        }
        struct piece front = *p;
        front.range.end = part->range.start;
        push(m, front);
        push_front(m, part, end);
        p->range.start = end;
}

enum cs_status cs_core_source_add_files(struct cs_source *src, const struct cs_file_part *parts, size_t n,
                                        struct cs_error *err)
{
        struct core_source *core = (struct core_source *)src;
        struct merge m = { .err = err };
        size_t i = 0, k = 0;
        struct piece p = core->pieces.n ? core->pieces.at[0] : (struct piece){ 0 };
        struct cs_file_part part = n ? parts[0] : (struct cs_file_part){ 0 };
        while (m.status == CS_OK && (i < core->pieces.n || k < n)) {
                if (k == n || (i < core->pieces.n && p.range.end <= part.range.start)) {
                        push(&m, p);
                        if (++i < core->pieces.n)
                                p = core->pieces.at[i];
                } else if (part.range.start >= part.range.end) {
                        if (++k < n)
                                part = parts[k];
                } else if (i == core->pieces.n || p.range.start >= part.range.end) {
                        push_front(&m, &part, part.range.end);
                } else if (p.range.start > part.range.start) {
                        push_front(&m, &part, p.range.start);
                } else {
                        settle(&m, &p, &part);
                }
        }
        if (m.status != CS_OK) {
                cs_vec_deinit(&m.out);
                return m.status;
        }
        free(core->pieces.at);
        core->pieces.at = m.out.at;
        core->pieces.n = m.out.n;
        core->pieces.cap = m.out.cap;
        return CS_OK;
}
