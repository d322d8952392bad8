/* SPDX-License-Identifier: Apache-2.0 */
/* musl's mallocng by its secret, without symbols: half of what the kernel left at AT_RANDOM begins every page of records, each
 * record names a group of slots, and the group begins with its record's address: so it proves itself. Slots say how much of them
 * was asked for. Layouts from musl 1.2.1 to 1.2.6: src/malloc/mallocng/{meta.h,glue.h,malloc.c}. */
#include "allocator.h"

#include "bytes.h"

#include <stdlib.h>

enum {
        RANDOM_SECRET = 8, /* glue.h, get_random_secret: the second half of AT_RANDOM's bytes */
        AREA_BYTES = 4096, /* struct meta_area: check, next, nslots, and its metas */
        AREA_NEXT = 8,
        AREA_COUNT = 0x10,
        AREA_METAS = 0x18,
        META_BYTES = 0x28,
        METAS_MOST = (AREA_BYTES - AREA_METAS) / META_BYTES,
        META_GROUP = 0x10,
        META_AVAILABLE = 0x18, /* masks of slots; what was never used is freed as well */
        META_FREED = 0x1c,
        META_BITS = 0x20, /* last_idx:5, freeable:1, sizeclass:6, maplen:52 */
        LAST_BITS = 5,
        CLASS_SHIFT = 6,
        CLASS_BITS = 6,
        LENGTH_SHIFT = 12,
        UNIT = 16,
        GROUP_HEADER = UNIT,
        SLOT_HEADER =
                4, /* IB, in the last bytes of what lies before a slot: a zero, index and reserve, offset in units */
        INDEX_BITS = 5,
        RESERVE_LONG = 5,   /* the reserve stands in the slot's last four bytes */
        RESERVE_GROUP = 6,  /* the slot is a group of smaller ones */
        RESERVE_OFFSET = 7, /* the block begins so many units behind the slot's start */
        CONTEXT_WORDS =
                32, /* of struct malloc_context, from its secret on, in which its first area is named */
};

/* malloc.c: in units, by class. */
static const uint16_t size_classes[] = {
        1,   2,   3,   4,    5,    6,    7,    8,    9,    10,   12,   15,   18,   20,   25,   31,
        36,  42,  50,  63,   72,   84,   102,  127,  146,  170,  204,  255,  292,  340,  409,  511,
        584, 682, 818, 1023, 1169, 1364, 1637, 2047, 2340, 2730, 3276, 4095, 4680, 5460, 6552, 8191,
};
enum { CLASSES = sizeof(size_classes) / sizeof(size_classes[0]) };

struct group {
        struct cs_range range;
        uint64_t stride; /* bytes of a slot */
        unsigned n;      /* slots */
        uint64_t freed;  /* a bit for each */
        bool mapped; /* a mapping of its own; else it lies in a slot of another, or in a module's spare data */
};

struct heap {
        const struct cs_allocator_input *in;
        struct cs_view area_view, group_view;
        uint64_t secret;
        CS_VEC(uint64_t) areas;
        uint64_t areas_most; /* that there is memory for */
        uint64_t groups, unsound;
        struct cs_claims *claims;
        struct cs_measured *sums;
};

static bool is_area(const struct heap *h, uint64_t at)
{
        uint64_t check;
        return at && at % AREA_BYTES == 0 && cs_allocator_plain(h->in->image, at) &&
               cs_source_u64(h->in->image->source, at, &check) && check == h->secret;
}

static int by_address(const void *a, const void *b)
{
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
        return x < y ? -1 : x > y;
}

/* All areas of the list that begins with this one, each once. */
static enum cs_status list_areas(struct heap *h, uint64_t area, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        size_t kept = 0;
        while (st == CS_OK && is_area(h, area) && h->areas.n < h->areas_most) {
                st = cs_vec_push(&h->areas, area, err);
                if (!cs_source_u64(h->in->image->source, area + AREA_NEXT, &area))
                        break;
        }
        if (h->areas.n)
                qsort(h->areas.at, h->areas.n, sizeof(*h->areas.at), by_address);
        for (size_t i = 0; i < h->areas.n; i++)
                if (!kept || h->areas.at[i] != h->areas.at[kept - 1])
                        h->areas.at[kept++] = h->areas.at[i];
        h->areas.n = kept;
        return st;
}

/* The allocator's own structure begins with the secret, and names its first area before its last. */
static enum cs_status find_areas(struct heap *h, struct cs_error *err)
{
        struct cs_module_words words;
        enum cs_status st = CS_OK;
        uint64_t at, word, context = 0;
        cs_module_words_init(&words, h->in);
        while (st == CS_OK && !h->areas.n && cs_module_words_next(&words, &at, &word)) {
                if (word == h->secret)
                        context = at;
                else if (context && at - context <= CONTEXT_WORDS * 8 && is_area(h, word))
                        st = list_areas(h, word, err);
        }
        cs_module_words_deinit(&words);
        return st;
}

/* The group that the record at `meta` is of. False: it is of none, or says what cannot be (h->unsound counts those). */
static bool read_group(struct heap *h, uint64_t meta, const uint8_t *bytes, struct group *out)
{
        uint64_t at = cs_word(bytes + META_GROUP), bits = cs_word(bytes + META_BITS), back;
        if (!at)
                return false;
        h->groups++;
        h->unsound++;
        uint64_t length = bits >> LENGTH_SHIFT, class = bits >> CLASS_SHIFT & ((1 << CLASS_BITS) - 1);
        out->n = (unsigned)(bits & ((1 << LAST_BITS) - 1)) + 1;
        out->mapped = length > 0;
        if (at % UNIT || length > UINT32_MAX || !cs_source_u64(h->in->image->source, at, &back) ||
            back != meta)
                return false;
        if (out->n == 1 && out->mapped)
                out->stride = length * CS_PAGE - UNIT;
        else if (class < CLASSES)
                out->stride = (uint64_t)size_classes[class] * UNIT;
        else
                return false;
        uint64_t slots = GROUP_HEADER + out->stride * out->n, whole = out->mapped ? length * CS_PAGE : slots;
        out->range = (struct cs_range){ at, at + whole };
        if (whole < slots || whole > UINT64_MAX - at || !cs_range_mappable(out->range))
                return false;
        out->freed = cs_half(bytes + META_AVAILABLE) | cs_half(bytes + META_FREED);
        h->unsound--;
        return true;
}

/* Bytes at addr; zeros where there are none. */
static uint32_t half_at(struct heap *h, uint64_t addr)
{
        size_t got;
        const uint8_t *bytes = cs_view_whole(&h->group_view, addr, 4, &got);
        return bytes && got == 4 ? cs_half(bytes) : 0;
}

/* What was asked for of slot i, which is in use; 0: it is a group of smaller slots. What says nothing sensible counts whole. */
static uint64_t asked_for(struct heap *h, const struct group *g, unsigned i)
{
        const uint64_t slot = g->range.start + GROUP_HEADER + i * g->stride,
                       end = slot + g->stride - SLOT_HEADER;
        uint64_t block = slot;
        uint32_t header = half_at(h, slot - SLOT_HEADER), reserve = header >> (8 + INDEX_BITS) & 7;
        if (reserve == RESERVE_OFFSET) {
                block = slot + (header >> 16) * (uint64_t)UNIT;
                if (block >= end)
                        return g->stride - SLOT_HEADER;
                header = half_at(h, block - SLOT_HEADER);
                reserve = header >> (8 + INDEX_BITS) & 7;
        }
        if (reserve == RESERVE_GROUP)
                return 0;
        uint64_t spare = reserve == RESERVE_LONG ? half_at(h, end - 4) : reserve;
        return spare < end - block ? end - block - spare : g->stride - SLOT_HEADER;
}

static enum cs_status enter(struct heap *h, const struct group *g, struct cs_error *err)
{
        const uint64_t freed = g->freed & ((UINT64_C(1) << g->n) - 1);
        for (unsigned i = 0; i < g->n; i++) {
                bool unused = freed >> i & 1;
                uint64_t bytes = unused ? g->stride : asked_for(h, g, i);
                struct cs_measured_sum *sum = unused ? &h->sums->free : &h->sums->used;
                sum->count += bytes > 0;
                sum->bytes += bytes;
        }
        if (!g->mapped)
                return CS_OK;
        const struct cs_slots slots = { g->range, g->range.start + GROUP_HEADER, g->stride, g->n, &freed };
        return cs_allocator_claim_slots(h->claims, &slots, (int32_t)h->in->module, "musl's blocks",
                                        "free slots of musl", err);
}

/* Goes through the groups of all areas; without claims it only counts. */
static enum cs_status visit(struct heap *h, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < h->areas.n; i++) {
                uint64_t area = h->areas.at[i];
                size_t got;
                const uint8_t *bytes = cs_view_whole(&h->area_view, area, AREA_BYTES, &got);
                if (!bytes || got < AREA_BYTES)
                        continue;
                if (h->claims) {
                        struct cs_claim claim = { { area, area + AREA_BYTES },
                                                  CS_KIND_MALLOC_OVERHEAD,
                                                  (int32_t)h->in->module,
                                                  "musl's records",
                                                  0 };
                        h->sums->overhead += AREA_BYTES;
                        st = cs_claims_extend(h->claims, claim, err);
                }
                uint64_t n = cs_half(bytes + AREA_COUNT);
                for (uint64_t k = 0; st == CS_OK && k < n && k < METAS_MOST; k++) {
                        uint64_t at = AREA_METAS + k * META_BYTES;
                        struct group g;
                        if (read_group(h, area + at, bytes + at, &g) && h->claims)
                                st = enter(h, &g, err);
                }
        }
        return st;
}

enum cs_status cs_mallocng_measure(const struct cs_allocator_input *in, struct cs_claims *claims,
                                   struct cs_heap *heap, struct cs_error *err)
{
        struct heap h = { .in = in, .sums = &heap->measured };
        if (!in->image->at_random ||
            !cs_source_u64(in->image->source, in->image->at_random + RANDOM_SECRET, &h.secret) || !h.secret)
                return CS_OK;
        for (size_t i = 0; i < in->image->mappings.n; i++)
                if (cs_allocator_plain(in->image, in->image->mappings.at[i].range.start))
                        h.areas_most += cs_range_size(in->image->mappings.at[i].range) / AREA_BYTES;
        cs_view_init(&h.area_view, in->image->source);
        cs_view_init(&h.group_view, in->image->source);
        enum cs_status st = find_areas(&h, err);
        if (st == CS_OK)
                st = visit(&h, err);
        /* A live heap moves: a few groups may be torn. */
        if (st == CS_OK && h.groups && h.unsound * 10 <= h.groups) {
                h.claims = claims;
                st = visit(&h, err);
                heap->measured.known = true;
                heap->measured.address = h.areas.at[0];
        }
        cs_vec_deinit(&h.areas);
        cs_view_deinit(&h.area_view);
        cs_view_deinit(&h.group_view);
        return st;
}
