/* SPDX-License-Identifier: Apache-2.0 */
/* gperftools' tcmalloc by its page map, without symbols: a radix tree in its module's .bss whose words name spans, and a span
 * says which pages it is: so the tree proves itself. The sizes of classes lie in .bss as well; thread caches repeat them, list by
 * list, which is what those are known by. Layouts from gperftools 2.6 to 2.18: src/{pagemap,span,common,thread_cache,
 * central_freelist,page_heap_allocator}.h, for 48 bits of address. */
#include "tcmalloc.h"

#include "bytes.h"

enum {
        ADDRESS_BITS = 48,
        LEAF_ALIGN = 64,
        SPAN_ALIGN = 8,
        SPAN_BYTES = 0x30,
        SPAN_START = 0, /* in pages, as is the length */
        SPAN_LENGTH = 8,
        SPAN_OBJECTS = 0x20,
        SPAN_FLAGS = 0x28, /* refcount:16, sizeclass:8, location:2 */
        REFCOUNT_BITS = 16,
        CLASS_BITS = 8,
        LOCATION_SHIFT = 24,
        LOCATION_BITS = 2,
        IN_USE = 0, /* Span's enum */
        ON_RETURNED_FREELIST = 2,
        PROOFS = 64,                   /* words of a leaf that are looked at to prove it */
        SIZE_MAX_OF_CLASS = 256 << 10, /* kMaxSize: the last class's */
        CLASSES_LEAST = 32,
        SLOTS_MOST = 512, /* objects of a span that are told apart */
};

static const char BLOCKS[] = "tcmalloc's blocks";

/* common.h, kPageShift: 13 unless configured otherwise (--with-tcmalloc-pagesize). */
static const unsigned page_shifts[] = { 13, 12, 14, 15, 16, 17, 18 };

struct span {
        uint64_t start, length; /* in pages */
        struct cs_range range;
        uint64_t objects; /* handed out: to the program, to a thread cache, or between the two */
        unsigned class;   /* 0: one large block */
        unsigned location;
        uint64_t list; /* the first of its free objects */
};

static uint64_t field(uint32_t bits, unsigned shift, unsigned width)
{
        return bits >> shift & ((UINT32_C(1) << width) - 1);
}

static bool read_span(struct cs_tcmalloc *t, uint64_t at, struct span *out)
{
        size_t got;
        const uint8_t *bytes =
                at && at % SPAN_ALIGN == 0 ? cs_view_whole(&t->view, at, SPAN_BYTES, &got) : NULL;
        if (!bytes || got < SPAN_BYTES)
                return false;
        const uint64_t pages = UINT64_C(1) << (ADDRESS_BITS - t->radix.page_shift);
        out->start = cs_word(bytes + SPAN_START);
        out->length = cs_word(bytes + SPAN_LENGTH);
        if (!out->start || out->start >= pages || !out->length || out->length > pages - out->start)
                return false;
        uint32_t flags = cs_half(bytes + SPAN_FLAGS);
        out->list = cs_word(bytes + SPAN_OBJECTS);
        out->objects = field(flags, 0, REFCOUNT_BITS);
        out->class = (unsigned)field(flags, REFCOUNT_BITS, CLASS_BITS);
        out->location = (unsigned)field(flags, LOCATION_SHIFT, LOCATION_BITS);
        out->range.start = out->start << t->radix.page_shift;
        out->range.end = (out->start + out->length) << t->radix.page_shift;
        return true;
}

/* Pages inside of a span may name spans that are gone: it is the first page that counts. But a leaf of which most words name
 * spans that hold the words' pages is a leaf. */
static bool prove_leaf(void *tree, uint64_t leaf, uint64_t *slot)
{
        struct cs_tcmalloc *t = tree;
        unsigned seen = 0, proven = 0;
        uint64_t word;
        for (uint32_t i = 0; seen < PROOFS && cs_radix_next_word(&t->radix, leaf, &i, &word); i++, seen++) {
                struct span s;
                if (!read_span(t, word, &s))
                        continue;
                uint64_t hangs = s.start >> t->radix.leaf_bits, page = hangs << t->radix.leaf_bits | i;
                if (page < s.start || page - s.start >= s.length || (proven && hangs != *slot))
                        continue;
                *slot = hangs;
                proven++;
        }
        return proven && proven * 4 >= seen * 3;
}

/* Can this be a span of what the classes say, in memory that is there? */
static bool is_sound(const struct cs_tcmalloc *t, const struct span *s)
{
        if (s->location > ON_RETURNED_FREELIST || !cs_allocator_plain(t->in->image, s->range.start) ||
            !cs_allocator_plain(t->in->image, s->range.end - 1))
                return false;
        if (s->location != IN_USE || !s->class)
                return true;
        return s->class < t->classes && s->objects * t->sizes[s->class] <= cs_range_size(s->range);
}

static enum cs_status claim(struct cs_tcmalloc *t, struct cs_range range, enum cs_kind kind,
                            const char *detail, struct cs_error *err)
{
        return cs_claims_extend(t->claims,
                                (struct cs_claim){ range, kind, (int32_t)t->in->module, detail, 0 }, err);
}

static void add(struct cs_measured_sum *sum, uint64_t count, uint64_t bytes)
{
        sum->count += count;
        sum->bytes += bytes;
}

/* Objects smaller than a page are claimed as used, span by span: the list of those that are free leads through all of their
 * memory, and what lies between them is small. */
static enum cs_status enter_class(struct cs_tcmalloc *t, const struct span *s, struct cs_error *err)
{
        uint64_t size = t->sizes[s->class], n = cs_range_size(s->range) / size;
        uint64_t marks[SLOTS_MOST / 64] = { 0 }, unused = n - s->objects, listed = 0;
        const struct cs_slots slots = { s->range, s->range.start, size, n, marks };
        t->out[s->class] += s->objects;
        add(&t->sums->used, s->objects, s->objects * size);
        add(&t->sums->free, unused, unused * size);
        if (size < CS_PAGE || n > SLOTS_MOST ||
            !cs_allocator_mark_list(&t->objects, &slots, s->list, marks, &listed) || listed != unused)
                return claim(t, s->range, CS_KIND_MALLOC_USED, BLOCKS, err);
        return cs_allocator_claim_slots(t->claims, &slots, (int32_t)t->in->module, BLOCKS,
                                        "free blocks of tcmalloc", err);
}

static enum cs_status enter(struct cs_tcmalloc *t, const struct span *s, struct cs_error *err)
{
        uint64_t bytes = cs_range_size(s->range);
        if (s->location == ON_RETURNED_FREELIST) {
                add(&t->sums->free, 1, bytes);
                return claim(t, s->range, CS_KIND_MALLOC_FREE, "pages that tcmalloc gave back", err);
        }
        if (s->location != IN_USE) {
                add(&t->sums->free, 1, bytes);
                return claim(t, s->range, CS_KIND_MALLOC_FREE, "free spans of tcmalloc", err);
        }
        if (s->class)
                return enter_class(t, s, err);
        add(&t->sums->used, 1, bytes);
        return claim(t, s->range, CS_KIND_MALLOC_USED, BLOCKS, err);
}

/* Goes through every span, by address; while a root is judged it only counts. */
static enum cs_status visit(struct cs_tcmalloc *t, bool judging, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        uint64_t leaf, word, done = 0;
        const uint64_t leaf_bytes = UINT64_C(8) << t->radix.leaf_bits;
        for (uint64_t slot = 0; st == CS_OK && cs_radix_next_leaf(&t->radix, &slot, &leaf); slot++) {
                if (!judging)
                        st = cs_tcmalloc_record(t, (struct cs_range){ leaf, leaf + leaf_bytes }, err);
                for (uint32_t i = 0; st == CS_OK && cs_radix_next_word(&t->radix, leaf, &i, &word); i++) {
                        struct span s;
                        uint64_t page = slot << t->radix.leaf_bits | i;
                        /* Each span once, at its first page; what lies upon the one before it is a lie. */
                        if (!read_span(t, word, &s) || s.start != page || s.range.start < done)
                                continue;
                        bool sound = is_sound(t, &s);
                        t->spans += sound;
                        t->unsound += !sound;
                        if (!sound)
                                continue;
                        done = s.range.end;
                        if (judging)
                                continue;
                        st = cs_tcmalloc_record(t, (struct cs_range){ word, word + SPAN_BYTES }, err);
                        if (st == CS_OK)
                                st = enter(t, &s, err);
                }
        }
        return st;
}

static enum cs_status accept_root(void *tree, bool *accepted, struct cs_error *err)
{
        struct cs_tcmalloc *t = tree;
        t->spans = t->unsound = 0;
        enum cs_status st = visit(t, true, err);
        /* A live heap moves: a few spans may be torn. */
        *accepted = t->spans > t->unsound * 10;
        return st;
}

/* SizeMap::class_to_size_: 0, then sizes that rise in multiples of 8 up to kMaxSize. */
static unsigned read_sizes(struct cs_view *view, uint64_t at, uint32_t *sizes)
{
        size_t got;
        const uint8_t *bytes = cs_view_whole(view, at, (size_t)CS_TCMALLOC_CLASSES * 4, &got);
        unsigned n = 1;
        if (!bytes || got < 8 || cs_half(bytes) || cs_half(bytes + 4) != 8)
                return 0;
        for (sizes[0] = 0; n < CS_TCMALLOC_CLASSES && got - 4 * n >= 4; n++) {
                sizes[n] = cs_half(bytes + 4 * n);
                if (sizes[n] <= sizes[n - 1] || sizes[n] % 8 || sizes[n] > SIZE_MAX_OF_CLASS)
                        break;
        }
        return n > CLASSES_LEAST && sizes[n - 1] == SIZE_MAX_OF_CLASS ? n : 0;
}

static void find_sizes(struct cs_tcmalloc *t)
{
        struct cs_module_words words;
        uint64_t at, word;
        cs_module_words_init(&words, t->in);
        while (!t->classes && cs_module_words_next(&words, &at, &word)) {
                /* The second of them is 8, in either half of a word. */
                t->sizes_at = word == UINT64_C(8) << 32 ? at : at - 4;
                if (word == UINT64_C(8) << 32 || (uint32_t)word == 8)
                        t->classes = read_sizes(&t->view, t->sizes_at, t->sizes);
        }
        cs_module_words_deinit(&words);
}

static enum cs_status find_root(struct cs_tcmalloc *t, bool *found, struct cs_error *err)
{
        const struct cs_radix_judge judge = { t, prove_leaf, accept_root };
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && !*found && i < sizeof(page_shifts) / sizeof(page_shifts[0]); i++) {
                /* pagemap.h, PageMap2: the leaf has half of the bits, rounded up. */
                unsigned bits = ADDRESS_BITS - page_shifts[i];
                cs_radix_deinit(&t->radix);
                cs_radix_init(&t->radix, t->in, page_shifts[i], (bits + 1) / 2, LEAF_ALIGN);
                st = cs_radix_find(&t->radix, &judge, found, err);
        }
        return st;
}

enum cs_status cs_tcmalloc_measure(const struct cs_allocator_input *in, struct cs_claims *claims,
                                   struct cs_heap *heap, struct cs_error *err)
{
        struct cs_tcmalloc t = { .in = in, .claims = claims, .sums = &heap->measured };
        bool found = false;
        enum cs_status st = CS_OK;
        cs_view_init(&t.view, in->image->source);
        cs_view_init_hopping(&t.objects, in->image->source);
        cs_radix_init(&t.radix, in, page_shifts[0], 1, LEAF_ALIGN);
        find_sizes(&t);
        t.first_claim = claims->at.n;
        if (t.classes)
                st = find_root(&t, &found, err);
        if (st == CS_OK && found)
                st = visit(&t, false, err);
        if (st == CS_OK && found)
                st = cs_tcmalloc_caches(&t, err);
        if (st == CS_OK && found) {
                heap->measured.known = true;
                heap->measured.address = t.radix.root;
        }
        cs_vec_deinit(&t.records);
        cs_radix_deinit(&t.radix);
        cs_view_deinit(&t.view);
        cs_view_deinit(&t.objects);
        return st;
}
