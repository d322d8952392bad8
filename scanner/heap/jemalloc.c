/* SPDX-License-Identifier: Apache-2.0 */
/* jemalloc 5 by its radix tree, without symbols: an array of 2^18 pointers to leaves in its module's .bss, each leaf an array of
 * 2^18 words, one per page; a word names the page's extent, which names its first page: so the tree proves itself. Layouts from
 * jemalloc 5.0 to 5.3: include/jemalloc/internal/{rtree,edata,extent_structs,emap,base_structs}.h, for 48 bits of address and
 * pages of 4 KiB. */
#include "allocator.h"
#include "radix.h"

#include "bytes.h"

#include <string.h>

enum {
        LEAF_BITS = 18,       /* RTREE_NSB 36 in two levels */
        LEAF_ALIGN = 64,      /* CACHELINE */
        EXTENT_BYTES = 0x80,  /* edata_t, and what is read of extent_t */
        EXTENT_ALIGN = 64,    /* extent_t; edata_t is aligned to 128 */
        EXTENT_ADDR = 8,      /* e_addr */
        EXTENT_SIZE = 0x10,   /* e_size_esn: size above, serial number in the low 12 bits */
        EXTENT_BITMAP = 0x40, /* of a slab: e_slab_data, a set bit for each free region */
        BITMAP_BITS = 512,    /* SC_LG_SLAB_MAXREGS 9 */
        SLAB_BIT = 12,        /* EDATA_BITS_SLAB_SHIFT */
        CLASSES = 232,        /* SC_NSIZES */
        PROOFS = 8,           /* words of a leaf that are looked at to prove it */
        VOTES = 4096,         /* slabs that vote on the layout */
        BASE_ALIGN = 2 << 20, /* base blocks: HUGEPAGE */
        BASE_STEPS = 64,      /* how far below a record the start of its base block is looked for */
};

/* Where e_bits keeps what, and how wide. */
struct layout {
        const char *versions;
        unsigned state_shift, state_bits;
        unsigned class_shift;
        unsigned free_shift;
};

static const struct layout layouts[] = {
        { "5.3", 17, 3, 20, 28 },        /* edata.h */
        { "5.0 to 5.2", 16, 2, 18, 26 }, /* extent_structs.h */
};
enum { LAYOUTS = sizeof(layouts) / sizeof(layouts[0]), ACTIVE = 0 };

struct extent {
        struct cs_range range;
        uint64_t bits;
        uint64_t bitmap[BITMAP_BITS / 64];
};

struct tree {
        const struct cs_allocator_input *in;
        struct cs_radix radix;
        struct cs_view extent_view;
        const struct layout *layout;
        uint64_t votes[LAYOUTS];
        uint64_t slabs; /* that voted */
        struct cs_claims *claims;
        struct cs_range base; /* block of records that was claimed last */
        struct cs_measured *sums;
};

/* sz.h: 8, then multiples of 16 up to 128, then four sizes for each doubling. 0: no class. */
static uint64_t class_size(uint64_t class)
{
        if (class >= CLASSES)
                return 0;
        if (class <= 8)
                return class ? class * 16 : 8;
        uint64_t group = (class - 9) / 4, step = (class - 9) % 4;
        return (UINT64_C(128) << group) + ((step + 1) << (5 + group));
}

static uint64_t field(uint64_t bits, unsigned shift, unsigned width)
{
        return bits >> shift & ((UINT64_C(1) << width) - 1);
}

/* The extent's address in a word of a leaf, or 0. */
static uint64_t extent_of(uint64_t word)
{
        return word & ((UINT64_C(1) << 48) - EXTENT_ALIGN);
}

/* The extent that a word of a leaf names. The words of 5.3 keep state and flags in the low 7 bits, older ones only a flag. */
static bool read_extent(struct tree *t, uint64_t word, struct extent *out)
{
        uint64_t at = extent_of(word);
        size_t got;
        const uint8_t *bytes = at ? cs_view_whole(&t->extent_view, at, EXTENT_BYTES, &got) : NULL;
        if (!bytes || got < EXTENT_BYTES)
                return false;
        uint64_t addr = cs_word(bytes + EXTENT_ADDR) & ~(uint64_t)(CS_PAGE - 1);
        uint64_t size = cs_word(bytes + EXTENT_SIZE) & ~(uint64_t)(CS_PAGE - 1);
        out->range = (struct cs_range){ addr, addr + size };
        if (!size || size > UINT64_MAX - addr || !cs_range_mappable(out->range))
                return false;
        out->bits = cs_word(bytes);
        for (size_t i = 0; i < sizeof(out->bitmap) / 8; i++)
                out->bitmap[i] = cs_word(bytes + EXTENT_BITMAP + 8 * i);
        return true;
}

/* The next word of the leaf that names an extent: of pages that were given up, 5.3 keeps a word that names none. */
static bool next_word(struct tree *t, uint64_t leaf, uint32_t *i, uint64_t *word)
{
        for (; cs_radix_next_word(&t->radix, leaf, i, word); ++*i)
                if (extent_of(*word))
                        return true;
        return false;
}

/* Does what lies at leaf name extents whose addresses say where in the tree it hangs? *slot: in which entry of the root. */
static bool prove_leaf(void *tree, uint64_t leaf, uint64_t *slot)
{
        struct tree *t = tree;
        unsigned seen = 0, proven = 0;
        uint32_t i = 0;
        uint64_t word;
        for (; seen < PROOFS && next_word(t, leaf, &i, &word); i++, seen++) {
                struct extent e;
                if (!read_extent(t, word, &e))
                        continue;
                uint64_t hangs = cs_radix_slot(&t->radix, e.range.start), last = e.range.end - CS_PAGE,
                         page = cs_radix_address(&t->radix, hangs, i);
                bool inside = cs_range_has(e.range, page) &&
                              (page == e.range.start || page == last || e.bits >> SLAB_BIT & 1);
                if (!inside || (proven && hangs != *slot))
                        continue;
                *slot = hangs;
                proven++;
        }
        return proven && proven + 1 >= seen;
}

/* Claims come by address: one that continues the last makes it longer. */
static enum cs_status claim(struct tree *t, struct cs_range range, enum cs_kind kind, const char *detail,
                            struct cs_error *err)
{
        return cs_claims_extend(t->claims,
                                (struct cs_claim){ range, kind, (int32_t)t->in->module, detail, 0 }, err);
}

/* base.c: records lie in blocks of whole huge pages that begin with their size and the next block. */
static enum cs_status claim_base(struct tree *t, uint64_t record, struct cs_error *err)
{
        if (cs_range_has(t->base, record))
                return CS_OK;
        uint64_t start = record & ~(uint64_t)(BASE_ALIGN - 1);
        for (unsigned n = 0; n < BASE_STEPS && start; n++, start -= BASE_ALIGN) {
                uint64_t size, next;
                if (!cs_source_u64(t->in->image->source, start, &size) ||
                    !cs_source_u64(t->in->image->source, start + 8, &next) || size % BASE_ALIGN || !size ||
                    next % BASE_ALIGN || record - start >= size || size > UINT64_MAX - start)
                        continue;
                t->base = (struct cs_range){ start, start + size };
                t->sums->overhead += size;
                return cs_claims_add(t->claims,
                                     (struct cs_claim){ t->base, CS_KIND_MALLOC_OVERHEAD,
                                                        (int32_t)t->in->module, "jemalloc's records", 0 },
                                     err);
        }
        return CS_OK;
}

static uint64_t regions_of(const struct layout *l, const struct extent *e)
{
        uint64_t size = class_size(field(e->bits, l->class_shift, 8));
        uint64_t n = size ? cs_range_size(e->range) / size : 0;
        return n <= BITMAP_BITS ? n : 0;
}

static uint64_t free_bits(const struct extent *e, uint64_t n)
{
        uint64_t sum = 0;
        for (uint64_t i = 0; i < n; i++)
                sum += e->bitmap[i / 64] >> (i % 64) & 1;
        return sum;
}

/* A slab's own count of its free regions must be that of its bitmap: by the true layout only. */
static void vote(struct tree *t, const struct extent *e, uint64_t word)
{
        if (!(e->bits >> SLAB_BIT & 1) || t->slabs >= VOTES)
                return;
        t->slabs++;
        for (size_t i = 0; i < LAYOUTS; i++) {
                uint64_t n = regions_of(&layouts[i], e);
                if (n && field(e->bits, layouts[i].free_shift, 10) == free_bits(e, n) &&
                    field(e->bits, layouts[i].class_shift, 8) == word >> 48)
                        t->votes[i]++;
        }
}

static enum cs_status enter(struct tree *t, const struct extent *e, struct cs_error *err)
{
        const struct layout *l = t->layout;
        struct cs_measured *sums = t->sums;
        uint64_t bytes = cs_range_size(e->range), size = class_size(field(e->bits, l->class_shift, 8));
        if (field(e->bits, l->state_shift, l->state_bits) != ACTIVE) {
                sums->free.count++;
                sums->free.bytes += bytes;
                return claim(t, e->range, CS_KIND_MALLOC_FREE, "free extents of jemalloc", err);
        }
        if (!(e->bits >> SLAB_BIT & 1)) {
                sums->used.count++;
                sums->used.bytes += size && size <= bytes ? size : bytes;
                return claim(t, e->range, CS_KIND_MALLOC_USED, "jemalloc's blocks", err);
        }
        uint64_t n = regions_of(l, e), unused = free_bits(e, n);
        sums->used.count += n - unused;
        sums->used.bytes += (n - unused) * size;
        sums->free.count += unused;
        sums->free.bytes += unused * size;
        const struct cs_slots slots = { e->range, e->range.start, size, n, e->bitmap };
        return cs_allocator_claim_slots(t->claims, &slots, (int32_t)t->in->module, "jemalloc's blocks",
                                        "free blocks of jemalloc", err);
}

/* Goes through every extent, by address; without a layout: they vote on it. */
static enum cs_status visit(struct tree *t, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        struct cs_range done = { 0, 0 };
        uint64_t leaf, word;
        for (uint64_t slot = 0; st == CS_OK && cs_radix_next_leaf(&t->radix, &slot, &leaf); slot++) {
                uint32_t i = 0;
                if (t->layout)
                        st = claim_base(t, leaf, err);
                for (; st == CS_OK && next_word(t, leaf, &i, &word); i++) {
                        struct extent e;
                        uint64_t page = cs_radix_address(&t->radix, slot, i);
                        /* Each extent once, at its first page; what lies upon the one before it is a lie. */
                        if (!read_extent(t, word, &e) || e.range.start != page || page < done.end)
                                continue;
                        done = e.range;
                        if (!t->layout) {
                                vote(t, &e, word);
                                continue;
                        }
                        st = claim_base(t, extent_of(word), err);
                        if (st == CS_OK)
                                st = enter(t, &e, err);
                }
        }
        return st;
}

static const struct layout *elect(const struct tree *t)
{
        size_t best = 0;
        for (size_t i = 1; i < LAYOUTS; i++)
                if (t->votes[i] > t->votes[best])
                        best = i;
        /* A live heap moves: a few slabs may disagree with themselves. */
        return t->slabs && t->votes[best] * 10 >= t->slabs * 8 ? &layouts[best] : NULL;
}

/* The slabs of a supposed root vote: for a layout, or that it is none. */
static enum cs_status accept_root(void *tree, bool *accepted, struct cs_error *err)
{
        struct tree *t = tree;
        t->slabs = 0;
        memset(t->votes, 0, sizeof(t->votes));
        enum cs_status st = visit(t, err);
        t->layout = elect(t);
        *accepted = t->layout != NULL;
        return st;
}

enum cs_status cs_jemalloc_measure(const struct cs_allocator_input *in, struct cs_claims *claims,
                                   struct cs_heap *heap, struct cs_error *err)
{
        struct tree t = { .in = in, .claims = claims, .sums = &heap->measured };
        const struct cs_radix_judge judge = { &t, prove_leaf, accept_root };
        bool found = false;
        cs_radix_init(&t.radix, in, CS_PAGE_SHIFT, LEAF_BITS, LEAF_ALIGN);
        cs_view_init(&t.extent_view, in->image->source);
        enum cs_status st = cs_radix_find(&t.radix, &judge, &found, err);
        if (st == CS_OK && found)
                st = visit(&t, err);
        if (st == CS_OK && found) {
                heap->measured.known = true;
                heap->measured.address = t.radix.root;
        }
        cs_radix_deinit(&t.radix);
        cs_view_deinit(&t.extent_view);
        return st;
}
