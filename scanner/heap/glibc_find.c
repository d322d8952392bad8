/* SPDX-License-Identifier: Apache-2.0 */
#include "glibc.h"

#include "bytes.h"
#include "cs_limits.h"

#include <stdlib.h>
#include <string.h>

enum {
        PAIR = 16,
        PAIRS_SURE =
                3, /* empty pairs in a row that begin a closer look; even a busy arena has as many large bins empty */
        MP_BYTES = 0x90,
        ARENA_TEST_MOST = 1 << 20, /* M_ARENA_TEST; 8 unless tuned */
};

/* The writable data of one module, copied. */
struct data {
        uint64_t start;
        uint8_t *bytes;
        size_t len;
};

static void free_data(struct data *d)
{
        free(d->bytes);
}

/* A bin head is two words at x whose "chunk" begins 16 bytes before: both point there (empty), or the list's ends point
 * back (malloc/malloc.c, bin_at). */
static bool pair_empty(const struct data *d, size_t at)
{
        uint64_t self = d->start + at - PAIR;
        return cs_word(d->bytes + at) == self && cs_word(d->bytes + at + 8) == self;
}

static bool pair_fits(const struct cs_glibc *glibc, const struct data *d, size_t at)
{
        uint64_t self = d->start + at - PAIR, back, forward;
        if (pair_empty(d, at))
                return true;
        uint64_t fd = cs_word(d->bytes + at), bk = cs_word(d->bytes + at + 8);
        return fd && bk && !(fd & 15) && !(bk & 15) && cs_glibc_word(glibc, fd + 24, &back) &&
               cs_glibc_word(glibc, bk + 16, &forward) && back == self && forward == self;
}

/* Could the two words be a bin head whose list is damaged, or was being changed (live): aligned addresses of memory that
 * somebody may write? */
static bool pair_plausible(const struct cs_glibc *glibc, const struct data *d, size_t at)
{
        if (pair_empty(d, at))
                return true; /* which need not be aligned as chunks are */
        for (size_t half = 0; half < PAIR; half += 8) {
                uint64_t to = cs_word(d->bytes + at + half);
                const struct cs_mapping *m = to & 15 ? NULL : cs_image_mapping_at(glibc->image, to);
                if ((!m || !(m->perms & CS_PERM_WRITE)) && !cs_glibc_grown_to(glibc, to))
                        return false;
        }
        return true;
}

/* Are the 127 pairs at `first` bin heads: most of them proven, the others not impossible? */
static bool are_bins(const struct cs_glibc *glibc, const struct data *d, size_t first)
{
        unsigned proven = 0;
        for (unsigned i = 0; i < GLIBC_BIN_PAIRS; i++)
                proven += pair_fits(glibc, d, first + i * PAIR);
        return proven > GLIBC_BIN_PAIRS / 2;
}

/* The offset of the 127 pairs in d, or SIZE_MAX. What comes before them may look like one more (the top chunk and the last
 * remainder); what comes behind (a bitmap) does not: so the end of the row tells where it begins. */
static size_t find_bins(const struct cs_glibc *glibc, const struct data *d)
{
        size_t bytes = (size_t)GLIBC_BIN_PAIRS * PAIR;
        for (size_t at = 0; at + PAIR * PAIRS_SURE <= d->len; at += 8) {
                unsigned row = 0;
                while (row < PAIRS_SURE && pair_empty(d, at + row * PAIR))
                        row++;
                if (row < PAIRS_SURE)
                        continue;
                size_t first = at, end = at + row * PAIR;
                while (first >= PAIR && pair_plausible(glibc, d, first - PAIR))
                        first -= PAIR;
                while (end + PAIR <= d->len && pair_plausible(glibc, d, end))
                        end += PAIR;
                if (end - first >= bytes && are_bins(glibc, d, end - bytes))
                        return end - bytes;
                at = end - 8;
        }
        return SIZE_MAX;
}

static bool is_live(const struct cs_glibc *glibc)
{
        return glibc->image->kind == CS_IMAGE_LIVE;
}

/* ---- which layout ------------------------------------------------------------------------------------------------ */

/* Does a heap_info of this layout stand before the arena and name it? */
static bool has_heap(const struct cs_glibc *glibc, const struct cs_glibc_layout *l, uint64_t arena)
{
        uint64_t owner;
        return cs_glibc_word(glibc, arena - l->heap_bytes, &owner) && owner == arena;
}

/* Or may there be one that cannot be read? */
static bool may_be_unread(const struct cs_glibc *glibc, const struct cs_glibc_layout *l, uint64_t arena)
{
        uint64_t heap = arena - l->heap_bytes;
        return !(heap & (GLIBC_HEAP_LEAST - 1)) && cs_glibc_is_unread(glibc, heap);
}

/* What the ring of arenas says of a layout. */
struct ring {
        uint64_t main;              /* its arena without a heap_info */
        unsigned others, with_heap; /* of those that can be read */
        bool open; /* it leads to an arena that cannot be read, and which comes behind that one it does not say */
};

/* Does the ring of arenas, followed by this layout's `next`, come back to where it began, or as far as it can be read? */
static bool ring_fits(const struct cs_glibc *glibc, const struct cs_glibc_layout *l, uint64_t first,
                      struct ring *ring)
{
        uint64_t at = first, next;
        bool main_known = false;
        *ring = (struct ring){ .main = first };
        for (unsigned n = 0; n < CS_LIMIT_ARENAS; n++) {
                if (!cs_glibc_word(glibc, at + l->next, &next)) {
                        ring->open = main_known && may_be_unread(glibc, l, at);
                        return ring->open;
                }
                bool heap = has_heap(glibc, l, at);
                if (!heap && !main_known) {
                        ring->main = at;
                        main_known = true;
                }
                ring->with_heap += heap;
                ring->others = n;
                at = next;
                if (at == first)
                        return true;
        }
        return false;
}

/* attached_threads stands before system_mem since 2.23: a small number where older versions have whole pages. */
static bool system_fits(const struct cs_glibc *glibc, const struct cs_glibc_layout *l, uint64_t main_arena)
{
        uint64_t system, most; /* system_mem and max_system_mem */
        return cs_glibc_word(glibc, main_arena + l->system_mem, &system) &&
               cs_glibc_word(glibc, main_arena + l->system_mem + 8, &most) && system <= most &&
               (!most || system >= CS_PAGE);
}

/* sbrk_base out of malloc_par, which lies in the same data as main_arena: known by a break that makes sense and counts that
 * do. No default is relied on: all of them can be tuned. */
static bool find_parameters(const struct cs_glibc *glibc, const struct cs_glibc_layout *l,
                            const struct data *d, uint64_t *sbrk_base, uint64_t *mmapped)
{
        for (size_t at = 0; at + MP_BYTES <= d->len; at += 8) {
                const uint8_t *p = d->bytes + at;
                uint64_t base = cs_word(p + l->mp_sbrk_base), test = cs_word(p + l->mp_arena_test);
                const uint8_t *counts = p + l->mp_n_mmaps;
                uint64_t threshold = cs_word(p + 16); /* mmap_threshold */
                if (!base || base & 15 || !test || test > ARENA_TEST_MOST || !threshold ||
                    threshold > GLIBC_HEAP_MAX / 2 || /* malloc/malloc.c, do_set_mmap_threshold */
                    cs_half(counts + 12) > 1 /* no_dyn_threshold */ ||
                    cs_word(p + l->mp_mmapped_mem) % CS_PAGE)
                        continue;
                const struct cs_mapping *m = cs_image_mapping_at(glibc->image, base);
                if (!m || m->module != CS_NO_MODULE || !(m->perms & CS_PERM_WRITE))
                        continue;
                *sbrk_base = base;
                *mmapped = cs_half(counts);
                if (!*mmapped != !cs_word(p + l->mp_mmapped_mem)) /* they are counted one after the other */
                        *mmapped = UINT64_MAX;
                return true;
        }
        return false;
}

/* Does the main arena's heap reach from malloc_par's sbrk_base to the end of its top, by the bytes that the arena says it got? Then it is the
 * main arena, whatever became of the ring. */
static bool heap_fits(const struct cs_glibc *glibc, const struct cs_glibc_layout *l, uint64_t main_arena,
                      const struct data *d)
{
        uint64_t top, word, system, base, mmapped;
        return main_arena >= d->start && main_arena - d->start < d->len &&
               find_parameters(glibc, l, d, &base, &mmapped) &&
               cs_glibc_word(glibc, main_arena + l->top, &top) && !(top & 15) &&
               cs_glibc_word(glibc, top + 8, &word) &&
               cs_glibc_word(glibc, main_arena + l->system_mem, &system) && system &&
               top + (word & ~(uint64_t)GLIBC_FLAGS) - system == base;
}

/* Does a link of the ring lead on from the arena, as the row has it? */
static bool leads_on(const struct cs_glibc *glibc, const struct cs_glibc_layout *l, uint64_t main_arena,
                     uint64_t arena)
{
        uint64_t next;
        return cs_glibc_word(glibc, arena + l->next, &next) && next != arena &&
               (next == main_arena || has_heap(glibc, l, next));
}

/* Is any link of a torn ring left, at the main arena or at one whose heap a mapping begins with? */
static bool any_leads_on(const struct cs_glibc *glibc, const struct cs_glibc_layout *l, uint64_t main_arena)
{
        bool any = leads_on(glibc, l, main_arena, main_arena);
        for (size_t i = 0; !any && i < glibc->image->mappings.n; i++) {
                uint64_t heap = glibc->image->mappings.at[i].range.start, arena = heap + l->heap_bytes;
                any = !(heap & (GLIBC_HEAP_LEAST - 1)) && has_heap(glibc, l, arena) &&
                      leads_on(glibc, l, main_arena, arena);
        }
        return any;
}

/* How well the row fits what arenas and malloc_par say; 0: not at all. */
static unsigned row_fits(const struct cs_glibc *glibc, const struct cs_glibc_layout *l, uint64_t bins,
                         const struct data *d, uint64_t *main_arena)
{
        struct ring ring;
        uint64_t base, mmapped;
        if (bins < l->bins || !ring_fits(glibc, l, bins - l->bins, &ring))
                return 0;
        *main_arena = ring.main;
        bool within = ring.main >= d->start && ring.main - d->start < d->len;
        return 1 + (ring.open ? 0u : 16u) + (system_fits(glibc, l, ring.main) ? 4u : 0u) +
               (ring.with_heap == ring.others ? 8u : 0u) +
               (within && find_parameters(glibc, l, d, &base, &mmapped) ? 2u : 0u);
}

/* The same where the ring is torn. */
static unsigned torn_row_fits(const struct cs_glibc *glibc, const struct cs_glibc_layout *l, uint64_t bins,
                              const struct data *d, uint64_t *main_arena)
{
        if (bins < l->bins)
                return 0;
        *main_arena = bins - l->bins;
        return heap_fits(glibc, l, *main_arena, d) ? 1 + any_leads_on(glibc, l, *main_arena) : 0;
}

typedef unsigned row_judge(const struct cs_glibc *, const struct cs_glibc_layout *, uint64_t bins,
                           const struct data *, uint64_t *main_arena);

/* Sets the layout to the first of the rows that fit best, and keeps the others: lists of chunks will tell. */
static void take_best(struct cs_glibc *glibc, uint64_t bins, const struct data *d, row_judge *judge)
{
        unsigned best = 0;
        for (size_t i = 0; i < cs_glibc_layout_count; i++) {
                uint64_t main_arena;
                unsigned fits = judge(glibc, &cs_glibc_layouts[i], bins, d, &main_arena);
                if (fits > best) {
                        best = fits;
                        glibc->candidates = 0;
                        glibc->layout = &cs_glibc_layouts[i];
                        glibc->main_arena = main_arena;
                }
                if (fits && fits == best)
                        glibc->candidates |= UINT32_C(1) << i;
        }
}

static void recognise(struct cs_glibc *glibc, uint64_t bins, const struct data *d)
{
        take_best(glibc, bins, d, row_fits);
        if (!glibc->layout)
                take_best(glibc, bins, d, torn_row_fits);
}

/* ---- the main arena ------------------------------------------------------------------------------------------------ */

/* What the break gave before somebody else was in its way: it ends in fenceposts, and top lies in memory from mmap. */
static enum cs_status walk_first_piece(struct cs_glibc *glibc, uint32_t index, struct cs_error *err)
{
        uint64_t start, first = (glibc->sbrk_base + 15) & ~(uint64_t)15;
        uint64_t limit = cs_glibc_memory_end(glibc->image, first, &start);
        size_t before = glibc->heaps->blocks.ranges.n;
        enum cs_status st = cs_glibc_walk(glibc, first, limit, 0, index, err);
        if (st != CS_OK || glibc->heaps->blocks.ranges.n == before)
                return st;
        return cs_vec_push(&glibc->heaps->claimed, glibc->heaps->blocks.ranges.at[before].range, err);
}

/* A live process moved its top to where nothing was mapped yet when the mappings were listed: what was there then is walked. */
static enum cs_status walk_known_main(struct cs_glibc *glibc, uint64_t top, uint32_t index, bool *walked,
                                      struct cs_error *err)
{
        uint64_t start, first = (glibc->sbrk_base + 15) & ~(uint64_t)15;
        uint64_t limit = cs_glibc_memory_end(glibc->image, first, &start);
        *walked = is_live(glibc) && !(top & 15) && !cs_image_mapping_at(glibc->image, top) && limit > first;
        if (!*walked)
                return CS_OK;
        if (cs_glibc_in_pieces(glibc) || top < limit)
                return walk_first_piece(glibc, index, err);
        enum cs_status st =
                cs_vec_push(&glibc->heaps->claimed, ((struct cs_range){ glibc->sbrk_base, limit }), err);
        return st == CS_OK ? cs_glibc_walk(glibc, first, limit, top, index, err) : st;
}

/* Of a core whose main arena has no top any more: all that lies from malloc_par's sbrk_base on. */
static enum cs_status walk_topless(struct cs_glibc *glibc, uint32_t index, struct cs_error *err)
{
        size_t before = glibc->heaps->blocks.ranges.n;
        cs_heaps_corrupt(glibc->heaps, glibc->main_arena + glibc->layout->top,
                         "main arena's top points nowhere");
        if (is_live(glibc) || !glibc->sbrk_base)
                return CS_OK;
        enum cs_status st = walk_first_piece(glibc, index, err);
        glibc->lost |= glibc->heaps->blocks.ranges.n > before;
        return st;
}

static enum cs_status walk_main(struct cs_glibc *glibc, uint32_t index, struct cs_error *err)
{
        const struct cs_glibc_layout *l = glibc->layout;
        uint64_t top = 0, system = 0, word = 0, start = 0;
        if (!cs_glibc_word(glibc, glibc->main_arena + l->top, &top) ||
            !cs_glibc_word(glibc, glibc->main_arena + l->system_mem, &system) ||
            top == glibc->main_arena + l->bins - PAIR)
                return CS_OK; /* initial_top: nothing was ever allocated from it */
        uint64_t limit = cs_glibc_memory_end(glibc->image, top, &start);
        if (top & 15 || !cs_glibc_heap_memory(glibc->image, top) || !cs_glibc_word(glibc, top + 8, &word)) {
                bool walked;
                enum cs_status known = walk_known_main(glibc, top, index, &walked, err);
                return known == CS_OK && !walked ? walk_topless(glibc, index, err) : known;
        }
        uint64_t end = top + (word & ~(uint64_t)GLIBC_FLAGS);
        uint64_t first = end >= system && end - system >= start ? end - system : start;
        if (is_live(glibc) && end > limit)
                end = limit; /* it grew after the mappings were listed */
        if (glibc->sbrk_base >= start && glibc->sbrk_base <= top)
                first = glibc->sbrk_base;
        else if (cs_glibc_in_pieces(glibc))
                first = cs_glibc_top_piece(glibc, start, top); /* for the rest see cs_glibc_walk_pieces() */
        glibc->heaps->arenas.at[index].top = limit > top && end <= limit ? end - top : 0;
        uint64_t claim_end = end > top && end <= limit ? end : limit;
        if (first >= limit)
                cs_heaps_corrupt(glibc->heaps, first, "main arena's heap does not lie where its top does");
        enum cs_status st = first < claim_end ? cs_vec_push(&glibc->heaps->claimed,
                                                            ((struct cs_range){ first, claim_end }), err)
                                              : CS_OK;
        if (st == CS_OK)
                st = cs_glibc_walk(glibc, (first + 15) & ~(uint64_t)15, limit, top, index, err);
        if (st == CS_OK && cs_glibc_in_pieces(glibc) && glibc->sbrk_base &&
            !(glibc->sbrk_base >= start && glibc->sbrk_base <= top))
                st = walk_first_piece(glibc, index, err);
        return st;
}

/* The arena that comes behind that one. False: the ring ends there, or is torn. */
static bool next_arena(struct cs_glibc *glibc, bool whole, uint64_t *at)
{
        const struct cs_glibc_layout *l = glibc->layout;
        uint64_t link = *at + l->next;
        if (!cs_glibc_word(glibc, link, at) || *at == glibc->main_arena)
                return false;
        if (whole || ((has_heap(glibc, l, *at) || may_be_unread(glibc, l, *at)) &&
                      cs_glibc_known_arena(glibc, *at) == glibc->heaps->arenas.n))
                return true;
        cs_heaps_corrupt(glibc->heaps, link, "ring of arenas leads to none");
        return false;
}

static enum cs_status walk_ring(struct cs_glibc *glibc, struct cs_error *err)
{
        struct ring ring;
        uint64_t at = glibc->main_arena;
        const bool whole = ring_fits(glibc, glibc->layout, at, &ring) && !ring.open;
        enum cs_status st = CS_OK;
        glibc->first_arena = (uint32_t)glibc->heaps->arenas.n;
        do {
                struct cs_arena arena = { .address = at, .main = at == glibc->main_arena };
                uint32_t index = (uint32_t)glibc->heaps->arenas.n;
                st = cs_vec_push(&glibc->heaps->arenas, arena, err);
                if (st == CS_OK)
                        st = arena.main ? walk_main(glibc, index, err)
                                        : cs_glibc_walk_arena(glibc, at, index, err);
        } while (st == CS_OK && next_arena(glibc, whole, &at) &&
                 glibc->heaps->arenas.n - glibc->first_arena < CS_LIMIT_ARENAS);
        glibc->lost |= at != glibc->main_arena;
        return st;
}

static bool copy_data(const struct cs_image *image, uint64_t start, uint64_t end, struct data *d)
{
        if (end - start < (size_t)GLIBC_BIN_PAIRS * PAIR)
                return false;
        if (end - start > CS_LIMIT_DATA_BYTES)
                end = start + CS_LIMIT_DATA_BYTES;
        free_data(d);
        d->len = 0;
        d->start = start;
        d->bytes = malloc((size_t)(end - start));
        size_t got = 0;
        if (!d->bytes ||
            cs_source_read(image->source, start, d->bytes, (size_t)(end - start), &got, NULL) != CS_OK)
                return false;
        d->len = got;
        return true;
}

/* The next stretch of writable mappings of a module, from mapping *next on: end to end they are its .data and .bss. gdb says
 * of the gap that older linkers left inside a library that it were writable, so that there may be several. */
static bool next_data(const struct cs_image *image, size_t module, size_t *next, struct cs_range *stretch)
{
        uint32_t rw = CS_PERM_READ | CS_PERM_WRITE;
        struct cs_range whole = image->modules.at[module].range;
        size_t first = cs_image_mapping_behind(image, whole.start);
        *stretch = (struct cs_range){ 0, 0 };
        for (*next = *next < first ? first : *next; *next < image->mappings.n; ++*next) {
                const struct cs_mapping *m = &image->mappings.at[*next];
                if (m->range.start >= whole.end)
                        break;
                if (m->module != (int32_t)module || (m->perms & rw) != rw)
                        continue;
                if (stretch->end && m->range.start != stretch->end)
                        break;
                if (!stretch->end)
                        stretch->start = m->range.start;
                stretch->end = m->range.end;
        }
        return stretch->end != 0;
}

static enum cs_status walk_all(struct cs_glibc *glibc, const struct cs_space *space, const struct data *d,
                               struct cs_error *err)
{
        uint64_t mmapped;
        glibc->heap_max = GLIBC_HEAP_MAX;
        glibc->heaps->arena_bytes = glibc->layout->arena_bytes;
        if (find_parameters(glibc, glibc->layout, d, &glibc->sbrk_base, &mmapped))
                glibc->heaps->mmapped_known = mmapped;
        enum cs_status st = walk_ring(glibc, err);
        if (st == CS_OK && glibc->lost) {
                glibc->heaps->found.at[glibc->heaps->found.n - 1].partial =
                        "where an arena or one of its heaps leads could not be read, or is damaged: what it led to was looked for, "
                        "and what it kept as free may count as in use";
                st = cs_glibc_find_lost(glibc, space, err);
        }
        cs_heaps_sort_claims(glibc->heaps);
        if (st == CS_OK && cs_glibc_in_pieces(glibc))
                st = cs_glibc_walk_pieces(glibc, space, err);
        cs_heaps_sort_claims(glibc->heaps);
        if (st == CS_OK &&
            glibc->heaps->mmapped_known) /* gigabytes of others' mappings are not looked through for none */
                st = cs_glibc_find_mmapped(glibc, space, err);
        return st == CS_OK ? cs_glibc_name_threads(glibc, err) : st;
}

static enum cs_status look_in(struct cs_glibc *glibc, size_t module, const struct cs_space *space,
                              bool *found, struct cs_error *err)
{
        cs_cleanup(free_data) struct data d = { 0 };
        struct cs_range stretch;
        size_t bins = SIZE_MAX, next = 0;
        while (bins == SIZE_MAX && next_data(glibc->image, module, &next, &stretch))
                if (copy_data(glibc->image, stretch.start, stretch.end, &d))
                        bins = find_bins(glibc, &d);
        if (bins == SIZE_MAX)
                return CS_OK;
        *found = true;
        struct cs_heap heap = { .allocator = "glibc", .module = (int32_t)module };
        recognise(glibc, d.start + bins, &d);
        heap.walked = glibc->layout != NULL;
        if (!heap.walked)
                heap.why_not =
                        "the layout of its malloc is not among those this version knows (glibc 2.17 to 2.43)";
        enum cs_status st = cs_vec_push(&glibc->heaps->found, heap, err);
        return st == CS_OK && heap.walked ? walk_all(glibc, space, &d, err) : st;
}

/* Without modules (a core that lost its notes) any writable memory may be libc's data, or the heap of a thread's arena whose
 * ring leads to main_arena. */
static enum cs_status look_everywhere(struct cs_glibc *glibc, const struct cs_space *space, bool *found,
                                      struct cs_error *err)
{
        uint32_t rw = CS_PERM_READ | CS_PERM_WRITE;
        cs_cleanup(free_data) struct data d = { 0 };
        for (size_t i = 0; i < glibc->image->mappings.n && !*found; i++) {
                const struct cs_mapping *m = &glibc->image->mappings.at[i];
                if (m->module != CS_NO_MODULE || !m->dumped || (m->perms & rw) != rw ||
                    !copy_data(glibc->image, m->range.start, m->range.end, &d))
                        continue;
                size_t bins = find_bins(glibc, &d);
                if (bins == SIZE_MAX)
                        continue;
                recognise(glibc, d.start + bins, &d);
                const struct cs_mapping *home =
                        glibc->layout ? cs_image_mapping_at(glibc->image, glibc->main_arena) : NULL;
                if (!home ||
                    (home != m && !copy_data(glibc->image, home->range.start, home->range.end, &d))) {
                        glibc->layout = NULL;
                        continue;
                }
                /* Seen from libc's own data, malloc_par has its say, too. */
                recognise(glibc, glibc->main_arena + glibc->layout->bins, &d);
                *found = true;
                struct cs_heap heap = { .allocator = "glibc", .module = CS_NO_MODULE, .walked = true };
                enum cs_status st = cs_vec_push(&glibc->heaps->found, heap, err);
                return st == CS_OK ? walk_all(glibc, space, &d, err) : st;
        }
        return CS_OK;
}

/* The module of a C library's name: then glibc is looked for there, or it is not there at all. CS_NO_MODULE: there is none. */
static int32_t libc_module(const struct cs_image *image)
{
        for (size_t i = 0; i < image->modules.n; i++)
                if (strncmp(image->modules.at[i].name, "libc", 4) == 0)
                        return (int32_t)i;
        return CS_NO_MODULE;
}

/* Where libc's data cannot be read, for the core was cut, its heaps may be there all the same. */
static enum cs_status look_elsewhere(struct cs_glibc *glibc, const struct cs_space *space,
                                     struct cs_error *err)
{
        bool found = false;
        int32_t libc = libc_module(glibc->image);
        enum cs_status st = libc == CS_NO_MODULE ? look_everywhere(glibc, space, &found, err) : CS_OK;
        if (st != CS_OK || found || glibc->image->kind != CS_IMAGE_CORE || glibc->image->complete)
                return st;
        return cs_glibc_walk_lost(glibc, space, libc, err);
}

enum cs_status cs_glibc_find(const struct cs_image *image, const struct cs_space *space,
                             const struct cs_claims *claims, struct cs_heaps *heaps, struct cs_glibc *out,
                             struct cs_error *err)
{
        bool found = false;
        *out = (struct cs_glibc){ .image = image, .heaps = heaps, .claims = claims };
        cs_view_init(&out->view, image->source);
        heaps->mmapped_known = UINT64_MAX;
        /* The C library first; an executable that links it statically has main_arena in its own data. */
        for (int pass = 0; pass < 2 && !found; pass++)
                for (size_t i = 0; i < image->modules.n && !found; i++) {
                        bool libc = strncmp(image->modules.at[i].name, "libc", 4) == 0;
                        enum cs_status st = libc == (pass == 0) ? look_in(out, i, space, &found, err) : CS_OK;
                        if (st != CS_OK)
                                return st;
                }
        return found ? CS_OK : look_elsewhere(out, space, err);
}

void cs_glibc_deinit(struct cs_glibc *glibc)
{
        cs_view_deinit(&glibc->view);
        cs_vec_deinit(&glibc->caches);
}
