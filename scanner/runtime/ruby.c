/* SPDX-License-Identifier: Apache-2.0 */
/* Ruby's heap pages: 16 KiB, since 3.2 64 KiB, aligned; the first word leads to a struct heap_page that leads back (ruby, gc.c,
 * since 3.4 gc/default/default.c: struct heap_page_header, struct heap_page). Since 3.0 they are mapped; before, and where that is
 * not possible, they are malloc's blocks, which they stay. Beside them, in 2.6 to 3.2, the transient heap: one arena of
 * 1,024 blocks of 32 KiB, each with a header (transient_heap.c, struct transient_heap_block; TRANSIENT_HEAP_BLOCK_SIZE,
 * TRANSIENT_HEAP_TOTAL_SIZE). */
#include "runtimes_all.h"

#include "bytes.h"
#include "marks.h"

enum {
        RECORD = 96,      /* of struct heap_page: its counters and `start` are in here, in every version */
        FIRST_SLOT = 512, /* `start` is not farther into the page than this: a header and one rounding up */
        UNFILLED = 2048,  /* less than a header and one slot of the largest pool are left over */
        TYPE_MASK = 0x1f, /* include/ruby/internal/value_type.h, enum ruby_value_type: */
        TYPE_IMEMO = 0x1a,
        TYPE_NODE = 0x1b,
        TYPE_ZOMBIE = 0x1d,
        TYPE_MOVED = 0x1e,
        TRANSIENT_BLOCK = 32 << 10,
        TRANSIENT_HEAP = 32 << 20,
        TRANSIENT_ROOM = TRANSIENT_BLOCK - 16, /* behind the header */
};

enum { NO_SLOT_SIZE = -1, RVALUE = 40, MALLOCS_PART = 40 /* REQUIRED_SIZE_BY_MALLOC */ };

/* Pages, by where struct heap_page has slot_size and total_slots, as shorts. */
static const struct layout {
        uint32_t page; /* 1 << HEAP_PAGE_ALIGN_LOG */
        int slot_at, total_at;
} layouts[] = {
        { 64 << 10, 0, 2 },            /* 3.2 to 3.4; seen in 3.3.8 */
        { 16 << 10, 0, 2 },            /* 3.1; seen in 3.1.2 */
        { 16 << 10, NO_SLOT_SIZE, 0 }, /* 2.6 to 3.0; seen in 2.7.4 */
};

struct heap {
        const struct cs_runtime_input *in;
        int32_t module;
        const struct layout *layout;
        bool malloced;
};

/* Slots begin with {flags, klass}; a class lives in a heap page too. What only the interpreter sees has no class there. */
static bool slot(const struct cs_image *image, uint64_t addr)
{
        uint8_t at[16];
        if (!cs_source_exact(image->source, addr, at, sizeof(at)))
                return false;
        uint64_t type = cs_word(at) & TYPE_MASK, klass = cs_word(at + 8);
        if (!type || type == TYPE_IMEMO || type == TYPE_NODE || type == TYPE_ZOMBIE || type == TYPE_MOVED)
                return true;
        return !klass || (klass % 8 == 0 && cs_marks_mallocs_at(image, klass));
}

static uint64_t short_at(const uint8_t *at)
{
        return (uint64_t)at[0] | (uint64_t)at[1] << 8;
}

/* Tells the page's slots; a free one has flags 0 (T_NONE). */
static bool heap_page(const struct cs_image *image, uint64_t page, const struct layout *layout,
                      struct cs_slot_run *out)
{
        uint64_t record;
        uint8_t at[RECORD];
        if (!cs_source_u64(image->source, page, &record) || !record || record % 8 ||
            !cs_source_exact(image->source, record, at, sizeof(at)))
                return false;
        /* Slots fill the page. */
        uint64_t size = layout->slot_at == NO_SLOT_SIZE ? RVALUE : short_at(at + layout->slot_at);
        uint64_t slots = size * short_at(at + layout->total_at);
        if (slots > layout->page || layout->page - slots > UNFILLED)
                return false;
        for (size_t i = 0; i < RECORD; i += 8) {
                uint64_t start = cs_word(at + i);
                if (start > page && start - page <= FIRST_SLOT && start % 8 == 0) {
                        *out = (struct cs_slot_run){ { start, start + slots }, (uint32_t)size };
                        return slot(image, start);
                }
        }
        return false;
}

/* A block of posix_memalign() has its size (a page, less or more a few words) right before it. */
static bool is_malloced(const struct cs_image *image, uint64_t page, uint64_t size)
{
        uint64_t before;
        return cs_source_u64(image->source, page - 8, &before) && (before & ~UINT64_C(7)) + 64 >= size &&
               (before & ~UINT64_C(7)) <= size + 64;
}

/* What pages look like, by those that hold Ruby's first classes. */
static bool find_layout(struct heap *h, uint64_t object, uint64_t string)
{
        const struct cs_image *image = h->in->image;
        struct cs_slot_run slots;
        for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++) {
                const struct layout *l = &layouts[i];
                uint64_t a = object & ~(uint64_t)(l->page - 1), b = string & ~(uint64_t)(l->page - 1);
                if (!cs_marks_mallocs_at(image, a) || !cs_marks_mallocs_at(image, b) ||
                    !heap_page(image, a, l, &slots) || !heap_page(image, b, l, &slots))
                        continue;
                h->layout = l;
                h->malloced = is_malloced(image, a, l->page) && is_malloced(image, b, l->page);
                return true;
        }
        return false;
}

/* A header: {short index, last_marked_index, objects; struct transient_heap_block *next_block}. What was never used has index 0 and
 * last_marked_index -1, so zeros are none. */
static bool transient_block(const struct cs_image *image, uint64_t addr, bool *linked)
{
        uint8_t at[16];
        if (!cs_source_exact(image->source, addr, at, sizeof(at)))
                return false;
        unsigned index = cs_half(at) & 0xffff, marked = cs_half(at) >> 16, objects = cs_half(at + 4) & 0xffff;
        uint64_t next = cs_word(at + 8), apart = next > addr ? next - addr : addr - next;
        *linked = next;
        return index <= TRANSIENT_ROOM && objects <= index / 8 &&
               (marked == 0xffff || (index && marked <= index)) &&
               (!next || (next % TRANSIENT_BLOCK == 0 && apart < TRANSIENT_HEAP));
}

/* The arena: so many blocks in a row, most of them linked to others. */
static enum cs_status claim_transient(const struct cs_runtime_input *in, const struct cs_mapping *m,
                                      int32_t module, struct cs_claims *claims, struct cs_error *err)
{
        uint64_t at = (m->range.start + TRANSIENT_BLOCK - 1) & ~(uint64_t)(TRANSIENT_BLOCK - 1), first = at;
        unsigned links = 0;
        for (; cs_range_holds(m->range, first, TRANSIENT_HEAP); at += TRANSIENT_BLOCK) {
                bool linked;
                if (at - first == TRANSIENT_HEAP && links * 2 > TRANSIENT_HEAP / TRANSIENT_BLOCK)
                        return cs_claims_add(
                                claims,
                                (struct cs_claim){
                                        { first, at }, CS_KIND_RUBY_HEAP, module, "ruby transient heap", 0 },
                                err);
                if (at - first == TRANSIENT_HEAP || !transient_block(in->image, at, &linked)) {
                        first = at + TRANSIENT_BLOCK;
                        links = 0;
                } else {
                        links += linked;
                }
        }
        return CS_OK;
}

static enum cs_status claim_pages(const struct heap *h, const struct cs_mapping *m, struct cs_claims *claims,
                                  struct cs_error *err)
{
        const uint64_t size = h->layout->page;
        /* HEAP_PAGE_SIZE: what is asked of malloc is less than the alignment, in versions that always ask malloc. */
        const uint64_t bytes = h->malloced && h->layout->slot_at == NO_SLOT_SIZE ? size - MALLOCS_PART : size;
        enum cs_status st = CS_OK;
        struct cs_claim claim = { .kind = CS_KIND_RUBY_HEAP,
                                  .module = h->module,
                                  .detail = "ruby heap page" };
        struct cs_slot_run slots;
        uint64_t page = (m->range.start + size - 1) & ~(size - 1);
        for (; st == CS_OK && cs_range_holds(m->range, page, bytes); page += size) {
                if (!heap_page(h->in->image, page, h->layout, &slots) ||
                    (h->malloced && !is_malloced(h->in->image, page, size)))
                        continue;
                claim.range = (struct cs_range){ page, page + bytes };
                st = h->malloced ? cs_claims_add_within(claims, claim, err)
                                 : cs_claims_add(claims, claim, err);
                slots.range = cs_range_cut(slots.range, claim.range);
                if (st == CS_OK)
                        st = cs_claims_add_slots(claims, slots, err);
        }
        return st;
}

enum cs_status cs_ruby_find(const struct cs_runtime_input *in, struct cs_claims *claims, struct cs_error *err)
{
        static const char *const names[] = { "rb_cObject", "rb_cString", "rb_gc_start", NULL };
        struct heap heap = { .in = in, .module = cs_marks_module(in, names) };
        uint64_t object, string;
        if (heap.module < 0 || !cs_marks_word(in, heap.module, "rb_cObject", &object) ||
            !cs_marks_word(in, heap.module, "rb_cString", &string) || !find_layout(&heap, object, string))
                return CS_OK;
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < in->image->mappings.n; i++) {
                const struct cs_mapping *m = &in->image->mappings.at[i];
                if (cs_marks_plain(m) && cs_range_size(m->range) >= TRANSIENT_HEAP)
                        st = claim_transient(in, m, heap.module, claims, err);
                if (st == CS_OK && (heap.malloced ? cs_marks_mallocs(m) : cs_marks_plain(m)))
                        st = claim_pages(&heap, m, claims, err);
        }
        return st;
}
