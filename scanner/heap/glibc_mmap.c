/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks that malloc mapped one by one: a header with the M bit at the start of some page of an anonymous mapping, or
 * behind it where memalign moved the block. */
#include "glibc.h"

#include "bytes.h"

enum { LOOK_BYTES = 1 << 20 }; /* before it is asked again whose the memory is */

/* What lies behind a mmapped chunk in its mapping. */
static uint64_t tail_bytes(const struct cs_glibc *glibc)
{
        return glibc->layout->mmapped_short ? GLIBC_HEADER : 0;
}

static bool header(struct cs_glibc *glibc, uint64_t p, uint64_t *prev, uint64_t *word)
{
        size_t got;
        const uint8_t *at = cs_view_whole(&glibc->view, p, GLIBC_HEADER, &got);
        if (!at || got < GLIBC_HEADER)
                return false;
        *prev = cs_word(at);
        *word = cs_word(at + 8);
        return true;
}

/* malloc/malloc.c, sysmalloc_mmap and munmap_chunk: (prev_size + size) is the mapping's length, whole pages. From 2.43 on
 * (mmap_base, mmap_size) size is a header less, and the low bit of prev_size tells of huge pages. */
static bool plausible(const struct cs_glibc *glibc, uint64_t prev, uint64_t word, uint64_t pad, uint64_t room)
{
        uint64_t size = word & ~(uint64_t)GLIBC_FLAGS, tail = tail_bytes(glibc);
        if (glibc->layout->mmapped_short)
                prev &= ~(uint64_t)1;
        return (word & GLIBC_FLAGS) == GLIBC_IS_MMAPPED && prev == pad && pad < room &&
               size >= GLIBC_MIN_CHUNK && size <= room - pad && tail <= room - pad - size &&
               (pad + size + tail) % CS_PAGE == 0 && size % 16 == 0;
}

/* The chunk that memalign moved inside the mapping at p: its header stands before the first multiple of some power of two
 * (_int_memalign: at least MINSIZE behind p; from 2.43 on a header is enough). The header at p stays as it was, so the moved one is the true one. */
static bool moved_chunk(struct cs_glibc *glibc, uint64_t p, uint64_t room, uint64_t *pad, uint64_t *size)
{
        uint64_t least = glibc->layout->mmapped_short ? GLIBC_HEADER : GLIBC_MIN_CHUNK;
        for (uint64_t align = 32; align && align < room; align <<= 1) {
                uint64_t user = (p + GLIBC_HEADER + align - 1) & ~(align - 1);
                uint64_t prev, word;
                if (user - GLIBC_HEADER - p < least)
                        user += align;
                uint64_t at = user - GLIBC_HEADER;
                if (user < p || at - p >= room)
                        break;
                if (!header(glibc, at, &prev, &word) || !plausible(glibc, prev, word, at - p, room))
                        continue;
                *pad = at - p;
                *size = word & ~(uint64_t)GLIBC_FLAGS;
                return true;
        }
        return false;
}

/* Adds the chunk that begins in the page at p, if one does; *length is what it takes of the address space. */
static enum cs_status add_chunk(struct cs_glibc *glibc, uint64_t p, uint64_t room, uint64_t *length,
                                struct cs_error *err)
{
        uint64_t prev, word, pad = 0;
        *length = 0;
        if (!header(glibc, p, &prev, &word) || !plausible(glibc, prev, word, 0, room))
                return CS_OK;
        uint64_t size = word & ~(uint64_t)GLIBC_FLAGS;
        (void)moved_chunk(glibc, p, size + tail_bytes(glibc), &pad, &size);
        struct cs_blocks *blocks = &glibc->heaps->blocks;
        struct cs_range range = { p, p + pad + size };
        enum cs_status st = cs_blocks_begin(blocks, UINT32_MAX, (struct cs_range){ p + pad, range.end }, err);
        if (st == CS_OK)
                st = cs_blocks_add(blocks, p + pad, size, CS_BLOCK_IN_USE | CS_BLOCK_MMAPPED, err);
        if (st != CS_OK)
                return st;
        cs_blocks_end(blocks);
        *length = cs_range_size(range) + tail_bytes(glibc);
        return CS_OK;
}

bool cs_glibc_anonymous(const struct cs_mapping *m, const struct cs_space *space)
{
        uint32_t rw = CS_PERM_READ | CS_PERM_WRITE;
        return (m->perms & rw) == rw && !(m->perms & CS_PERM_SHARED) && !m->file_backed && m->dumped &&
               m->module == CS_NO_MODULE && (!m->path || strncmp(m->path, "[anon", 5) == 0) &&
               cs_space_at(space, m->range.start).kind != CS_SPACE_STACK;
}

/* The first page from p on that may begin with the header of a mmapped chunk, or that cannot be read; `end` (or a page behind it): there
 * is none. Nothing is decided between the pages, so that the processor waits for many of them at once. */
static uint64_t candidate(struct cs_glibc *glibc, uint64_t p, uint64_t end)
{
        while (p < end) {
                size_t got, off = 0;
                const uint8_t *at = cs_view_at(&glibc->view, p, (size_t)(end - p), &got);
                if (got < GLIBC_HEADER)
                        return p;
                while (got - off >= GLIBC_HEADER && (at[off + 8] & GLIBC_FLAGS) != GLIBC_IS_MMAPPED) {
                        off += CS_PAGE;
                        if (off >= got)
                                break;
                }
                p += off;
                if (off < got)
                        return p;
        }
        return p;
}

static enum cs_status search(struct cs_glibc *glibc, struct cs_range range, struct cs_error *err)
{
        uint64_t p = cs_page_up(range.start), released = p;
        while (p < range.end) {
                struct cs_range claimed;
                uint64_t length = 0;
                if (p - released >= LOOK_BYTES) {
                        cs_source_release(glibc->image->source, released, (size_t)(p - released));
                        released = p;
                }
                if (cs_heaps_claims(glibc->heaps, p, &claimed)) {
                        p = cs_page_up(claimed.end);
                        continue;
                }
                const struct cs_claim *others = cs_claims_find(glibc->claims, p, NULL);
                if (others) {
                        p = cs_page_up(others->range.end);
                        continue;
                }
                uint64_t next = cs_page_down(cs_source_next_data(glibc->image->source, p));
                if (next >= range.end)
                        break;
                if (next > p) {
                        p = next;
                        continue;
                }
                next = candidate(glibc, p, range.end - p < LOOK_BYTES ? range.end : p + LOOK_BYTES);
                if (next > p) {
                        p = next;
                        continue;
                }
                enum cs_status st = add_chunk(glibc, p, range.end - p, &length, err);
                if (st != CS_OK)
                        return st;
                p += length ? length : CS_PAGE;
        }
        if (p > released)
                cs_source_release(glibc->image->source, released, (size_t)(p - released));
        return CS_OK;
}

enum cs_status cs_glibc_find_mmapped(struct cs_glibc *glibc, const struct cs_space *space,
                                     struct cs_error *err)
{
        const cs_mapping_vec *maps = &glibc->image->mappings;
        for (size_t i = 0; i < maps->n;) {
                struct cs_range range = maps->at[i].range;
                size_t next = i + 1;
                bool wanted = cs_glibc_anonymous(&maps->at[i], space);
                /* The kernel merges neighbours, and cores cut them: only the whole stretch bounds a chunk. */
                while (wanted && next < maps->n && maps->at[next].range.start == range.end &&
                       cs_glibc_anonymous(&maps->at[next], space))
                        range.end = maps->at[next++].range.end;
                if (wanted) {
                        enum cs_status st = search(glibc, range, err);
                        if (st != CS_OK)
                                return st;
                }
                i = next;
        }
        return CS_OK;
}
