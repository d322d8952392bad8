/* SPDX-License-Identifier: Apache-2.0 */
/* mimalloc 2 by its segments, without symbols: they begin at multiples of 32 MiB with a structure that tells each of its slices,
 * so that the counts of slices must lead from the first to the last; and the exclusive or of each segment's address and cookie is
 * one number for the whole process. Layouts from mimalloc's include/mimalloc-types.h and include/mimalloc/types.h. */
#include "allocator.h"

#include "bytes.h"

#include <stdlib.h>
#include <string.h>

enum {
        SEGMENT_ALIGN = 32 << 20,
        SLICE = 64 << 10,
        SLICES_MOST = 512,     /* MI_SLICES_PER_SEGMENT */
        HEADER_BYTES = 0x180,  /* of a segment, up to its slices and some */
        SLOTS_MOST = 512,      /* blocks of a page that are told apart */
        THREAD_FREE_FLAGS = 3, /* mi_delayed_t, in the low bits of xthread_free */
        HUGE_PAGE =
                2
                << 10, /* MI_HUGE_BLOCK_SIZE, in MiB: what stands for sizes from there on, where they have four bytes */

        /* mi_page_t, which is mi_slice_t: what all versions have in one place. */
        SLICE_COUNT = 0,
        SLICE_OFFSET = 4,
        CAPACITY = 0xa,
        RESERVED = 0xc,
        FREE = 0x10,
        PAGE_BYTES_MOST = 0x60,
        SMALL_OFFSET =
                3 * 128, /* where blocks begin in a page of small ones, unless the page tells (segment.c,
                                 * _mi_segment_page_start_from_slice) */
};

/* Where the versions have what. */
struct layout {
        const char *versions;
        unsigned cookie, thread_id, entries, slices; /* mi_segment_t */
        unsigned page_bytes;                         /* mi_page_t: its size, and in it: */
        unsigned used, used_bytes;
        unsigned size, size_bytes; /* of blocks */
        unsigned start;            /* of the first block; 0: not told */
        unsigned local_free, thread_free;
};

static const struct layout layouts[] = {
        { "2.2 to 2.4", 0xe0, 0x118, 0x110, 0x120, 0x60, 0x20, 2, 0x28, 8, 0x30, 0x18, 0x38 },
        { "2.1.3 to 2.1.9", 0xd8, 0x100, 0xf8, 0x108, 0x60, 0x20, 2, 0x28, 8, 0x30, 0x18, 0x38 },
        { "2.0.7 to 2.1.2", 0xd8, 0x100, 0xf8, 0x108, 0x50, 0x18, 4, 0x1c, 4, 0, 0x20, 0x28 },
        { "2.0.6", 0x140, 0x160, 0x168, 0x170, 0x50, 0x18, 4, 0x1c, 4, 0, 0x20, 0x28 },
};
enum { LAYOUTS = sizeof(layouts) / sizeof(layouts[0]) };

static const char BLOCKS[] = "mimalloc's blocks", FREED[] = "free blocks of mimalloc";

struct page {
        struct cs_range range;  /* of all of its slices */
        struct cs_range blocks; /* that there are as yet */
        uint64_t size;          /* of a block; 0: the slices are free */
        uint64_t used, capacity, reserved;
        uint64_t lists[3]; /* of free blocks; the last one of those that other threads freed */
};

enum { BY_OTHERS = 2, LISTS = 3 };

struct heap {
        const struct cs_allocator_input *in;
        struct cs_view header_view, block_view;
        CS_VEC(uint64_t) bases; /* addresses where a segment may begin */
        const struct layout *layout;
        uint64_t secret;                               /* what addresses and cookies have in common */
        uint64_t candidates;                           /* segments, as they seem */
        uint64_t segments;                             /* that have that secret */
        uint64_t pages, unsound;                       /* of them */
        uint8_t slices[SLICES_MOST * PAGE_BYTES_MOST]; /* of the segment at hand */
        uint64_t base;                                 /* where it begins */
        uint64_t cookie;
        uint64_t first;   /* segment */
        unsigned entries; /* slices that it tells of */
        int32_t module;   /* whose it is */
        struct cs_claims *claims;
        struct cs_measured *sums;
};

static uint32_t count_of(const struct heap *h, unsigned slice)
{
        return cs_half(h->slices + (size_t)slice * h->layout->page_bytes + SLICE_COUNT);
}

/* Slices inside of pages are not written to, so there may be no memory behind them as yet: nothing stands for 0. */
static void read_slices(struct heap *h, uint64_t at, size_t len)
{
        size_t done = 0;
        memset(h->slices, 0, len);
        while (done < len) {
                size_t got;
                const uint8_t *bytes = cs_view_at(&h->header_view, at + done, len - done, &got);
                if (bytes && got) {
                        memcpy(h->slices + done, bytes, got);
                        done += got;
                } else {
                        uint64_t next =
                                cs_source_next(h->in->image->source, cs_page_down(at + done) + CS_PAGE);
                        if (next - at >= len)
                                return;
                        done = (size_t)(next - at);
                }
        }
}

/* May a segment begin with these bytes, in that layout? */
static bool is_header(const struct heap *h, const struct layout *l, const uint8_t *bytes)
{
        uint64_t entries = cs_word(bytes + l->entries), thread = cs_word(bytes + l->thread_id);
        return entries >= 2 && entries <= SLICES_MOST && cs_word(bytes + l->cookie) &&
               (!thread || cs_allocator_plain(h->in->image, thread));
}

static const uint8_t *header_at(struct heap *h, uint64_t base)
{
        size_t got;
        const uint8_t *bytes = cs_view_whole(&h->header_view, base, HEADER_BYTES, &got);
        return bytes && got >= HEADER_BYTES ? bytes : NULL;
}

/* Reads what may be a segment at base. True: its slices lead from the first to the last. */
static bool read_segment(struct heap *h, uint64_t base)
{
        const struct layout *l = h->layout;
        const uint8_t *bytes = header_at(h, base);
        if (!bytes || !is_header(h, l, bytes))
                return false;
        h->cookie = cs_word(bytes + l->cookie);
        h->base = base;
        h->entries = (unsigned)cs_word(bytes + l->entries);
        const unsigned entries = h->entries;
        read_slices(h, base + l->slices, (size_t)entries * l->page_bytes);
        unsigned i = 0, n = 0;
        for (; i < entries; n++) {
                uint32_t count = count_of(h, i);
                if (!count || cs_half(h->slices + (size_t)i * l->page_bytes + SLICE_OFFSET))
                        return false;
                /* One page of a large segment may take more slices than are told. */
                if (count > entries - i)
                        return n == 1 && i + 1 < entries;
                i += count;
        }
        return n > 1;
}

static uint64_t number(const uint8_t *at, unsigned bytes)
{
        return bytes == 8 ? cs_word(at) : bytes == 4 ? cs_half(at) : (uint64_t)(at[0] | at[1] << 8);
}

static struct page page_at(const struct heap *h, unsigned slice)
{
        const struct layout *l = h->layout;
        const uint8_t *at = h->slices + (size_t)slice * l->page_bytes;
        const uint64_t bytes = (uint64_t)count_of(h, slice) * SLICE;
        struct page p = { .size = number(at + l->size, l->size_bytes),
                          .used = number(at + l->used, l->used_bytes),
                          .capacity = number(at + CAPACITY, 2),
                          .reserved = number(at + RESERVED, 2) };
        p.lists[0] = cs_word(at + FREE);
        p.lists[1] = cs_word(at + l->local_free);
        p.lists[BY_OTHERS] = cs_word(at + l->thread_free) & ~(uint64_t)THREAD_FREE_FLAGS;
        p.range.start = h->base + (uint64_t)slice * SLICE;
        p.range.end = p.range.start + bytes;
        if (l->size_bytes == 4 && p.size >> 20 == HUGE_PAGE)
                p.size = bytes;
        uint64_t offset = l->start         ? cs_word(at + l->start) - p.range.start
                          : p.size <= 1024 ? SMALL_OFFSET
                                           : 0;
        p.blocks.start = p.range.start + (offset <= bytes ? offset : 0);
        p.blocks.end = p.blocks.start + p.capacity * p.size;
        return p;
}

static bool is_sound(const struct page *p)
{
        return p->used <= p->capacity && p->capacity <= p->reserved && p->size % 8 == 0 &&
               (!p->capacity || p->size <= (p->range.end - p->blocks.start) / p->capacity);
}

/* Blocks that other threads freed are in use until the owner looks: through them leads a list. */
static uint64_t freed_by_others(struct heap *h, const struct page *p)
{
        uint64_t at = p->lists[BY_OTHERS], n = 0;
        for (; cs_range_holds(p->blocks, at, 8) && n < p->used; n++) {
                size_t got;
                const uint8_t *next = cs_view_whole(&h->block_view, at, 8, &got);
                at = next && got == 8 ? cs_word(next) : 0;
        }
        return n;
}

static void add(struct cs_measured_sum *sum, uint64_t count, uint64_t bytes)
{
        sum->count += count;
        sum->bytes += bytes;
}

static enum cs_status claim(struct heap *h, struct cs_range range, enum cs_kind kind, const char *detail,
                            struct cs_error *err)
{
        return cs_claims_extend(h->claims, (struct cs_claim){ range, kind, h->module, detail, 0 }, err);
}

/* What a page has made blocks of; those of at least a page of memory are told one by one. */
static enum cs_status claim_blocks(struct heap *h, const struct page *p, uint64_t by_others,
                                   struct cs_range range, struct cs_error *err)
{
        uint64_t marks[SLOTS_MOST / 64] = { 0 }, listed = 0;
        const struct cs_slots slots = { range, p->blocks.start, p->size, p->capacity, marks };
        bool told = p->size >= CS_PAGE && p->capacity <= SLOTS_MOST;
        for (int i = 0; told && i < LISTS; i++)
                told = cs_allocator_mark_list(&h->block_view, &slots, p->lists[i], marks, &listed);
        /* With MI_SECURE lists are encoded, and lead nowhere. */
        if (!told || listed != p->capacity - p->used + by_others)
                return claim(h, range, CS_KIND_MALLOC_USED, BLOCKS, err);
        return cs_allocator_claim_slots(h->claims, &slots, h->module, BLOCKS, FREED, err);
}

static enum cs_status enter(struct heap *h, const struct page *p, struct cs_error *err)
{
        if (!p->size) {
                add(&h->sums->free, 1, cs_range_size(p->range));
                return claim(h, p->range, CS_KIND_MALLOC_FREE, "free slices of mimalloc", err);
        }
        uint64_t by_others = freed_by_others(h, p), used = p->used - by_others;
        add(&h->sums->used, used, used * p->size);
        add(&h->sums->cached, by_others, by_others * p->size);
        add(&h->sums->free, p->capacity - p->used, (p->capacity - p->used) * p->size);
        /* What follows the last block has not been written to as yet. */
        struct cs_range made = { p->range.start, cs_page_up(p->blocks.end) };
        if (made.end > p->range.end)
                made.end = p->range.end;
        struct cs_range rest = { made.end, p->range.end };
        enum cs_status st = claim_blocks(h, p, by_others, made, err);
        return st == CS_OK ? claim(h, rest, CS_KIND_MALLOC_FREE, "pages of mimalloc to be filled", err) : st;
}

/* Goes through the pages of the segment at hand; without claims it only counts. */
static enum cs_status enter_segment(struct heap *h, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (unsigned i = 0; st == CS_OK && i < h->entries; i += count_of(h, i)) {
                struct page p = page_at(h, i);
                bool sound = is_sound(&p);
                h->pages++;
                h->unsound += !sound;
                if (!h->claims)
                        continue;
                /* The first slices hold the segment's own structure. */
                if (i == 0) {
                        h->sums->overhead += cs_range_size(p.range);
                        st = claim(h, p.range, CS_KIND_MALLOC_OVERHEAD, "mimalloc's records", err);
                } else if (sound) {
                        st = enter(h, &p, err);
                }
        }
        return st;
}

/* Where segments may begin, whatever their layout: most addresses are ruled out here, at one look. */
static enum cs_status list_bases(struct heap *h, struct cs_error *err)
{
        const struct cs_image *image = h->in->image;
        enum cs_status st = CS_OK;
        for (size_t m = 0; st == CS_OK && m < image->mappings.n; m++) {
                struct cs_range range = image->mappings.at[m].range;
                uint64_t base = (range.start + SEGMENT_ALIGN - 1) & ~(uint64_t)(SEGMENT_ALIGN - 1);
                if (!cs_allocator_plain(image, range.start))
                        continue;
                for (; st == CS_OK && cs_range_has(range, base); base += SEGMENT_ALIGN) {
                        uint64_t next = cs_source_next(image->source, base);
                        if (next != base) { /* a gap, which may be long */
                                if (next < base || next >= range.end)
                                        break;
                                base = (next - 1) & ~(uint64_t)(SEGMENT_ALIGN - 1);
                                continue;
                        }
                        const uint8_t *bytes = header_at(h, base);
                        bool may = false;
                        for (size_t i = 0; bytes && !may && i < LAYOUTS; i++)
                                may = is_header(h, &layouts[i], bytes);
                        if (may)
                                st = cs_vec_push(&h->bases, base, err);
                }
        }
        return st;
}

enum purpose { FIND_SECRET, COUNT, MEASURE };

/* Goes through what may be segments. */
static enum cs_status visit(struct heap *h, enum purpose purpose, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        uint64_t majority = 0;
        h->pages = h->unsound = h->segments = h->candidates = 0;
        for (size_t i = 0; st == CS_OK && i < h->bases.n; i++) {
                if (!read_segment(h, h->bases.at[i]))
                        continue;
                uint64_t secret = h->base ^ h->cookie;
                h->candidates++;
                if (purpose == FIND_SECRET) {
                        /* The one that most have, if there is such a one (Boyer and Moore). */
                        if (!majority)
                                h->secret = secret;
                        majority += secret == h->secret ? 1 : UINT64_MAX;
                } else if (secret == h->secret) {
                        if (!h->segments++)
                                h->first = h->base;
                        st = enter_segment(h, err);
                }
        }
        return st;
}

/* The layout by which most segments have one secret, and pages that do not contradict themselves. */
static enum cs_status choose_layout(struct heap *h, struct cs_error *err)
{
        const struct layout *best = NULL;
        uint64_t most = 0, secret = 0;
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < LAYOUTS; i++) {
                h->layout = &layouts[i];
                st = visit(h, FIND_SECRET, err);
                if (st == CS_OK)
                        st = visit(h, COUNT, err);
                /* A live heap moves: a few pages may be torn. */
                if (st != CS_OK || h->segments <= most || h->segments * 2 <= h->candidates ||
                    h->unsound * 10 > h->pages)
                        continue;
                best = h->layout;
                most = h->segments;
                secret = h->secret;
        }
        h->layout = best;
        h->secret = secret;
        return st;
}

/* mi_version(): endbr64, mov eax, imm32. 209: 2.0.9; 20401: 2.4.1. */
static const char *version_of(const struct cs_allocator_input *in, int32_t module, struct cs_pool *pool)
{
        static const uint8_t endbr[] = { 0xf3, 0x0f, 0x1e, 0xfa };
        struct cs_symbol symbol;
        uint8_t code[9] = { 0 }, *at = code;
        if (module == CS_NO_MODULE || !cs_symbols_named(in->symbols, (size_t)module, "mi_version", &symbol) ||
            !cs_source_exact(in->image->source, symbol.addr, code, sizeof(code)))
                return NULL;
        if (memcmp(code, endbr, sizeof(endbr)) == 0)
                at += sizeof(endbr);
        uint32_t v = cs_half(at + 1);
        if (at[0] != 0xb8 || v < 100 || v > 99999)
                return NULL;
        uint32_t base = v < 1000 ? 10 : 100;
        return cs_pool_printf(pool, "%u.%u.%u", v / (base * base), v / base % base, v % base);
}

enum cs_status cs_mimalloc_measure(const struct cs_allocator_input *in, struct cs_claims *claims,
                                   struct cs_heap *heap, struct cs_error *err)
{
        struct heap *h = calloc(1, sizeof(*h));
        if (!h)
                return cs_fail(err, CS_ENOMEM, "mimalloc's segments");
        h->in = in;
        h->sums = &heap->measured;
        cs_view_init(&h->header_view, in->image->source);
        cs_view_init(&h->block_view, in->image->source);
        enum cs_status st = list_bases(h, err);
        if (st == CS_OK)
                st = choose_layout(h, err);
        if (st == CS_OK && h->layout) {
                /* _mi_heap_main, for one, refers to pages by their records. */
                if (heap->module == CS_NO_MODULE)
                        heap->module =
                                cs_allocator_holder(in, (struct cs_range){ h->first, h->first + SLICE });
                h->module = heap->module;
                h->claims = claims;
                st = visit(h, MEASURE, err);
                heap->measured.known = true;
                heap->measured.address = h->first;
                heap->version = version_of(in, h->module, &claims->pool);
        }
        cs_view_deinit(&h->header_view);
        cs_view_deinit(&h->block_view);
        cs_vec_deinit(&h->bases);
        free(h);
        return st;
}
