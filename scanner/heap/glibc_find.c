/* SPDX-License-Identifier: Apache-2.0 */
#include "glibc.h"

#include "bytes.h"
#include "cs_limits.h"

#include <stdlib.h>

enum {
        PAIR = 16,
        PAIRS_SURE =
                3, /* empty pairs in a row that begin a closer look; even a busy arena has as many large bins empty */
        MP_BYTES = 0x88,
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
        return fd && bk && !(fd & 15) && !(bk & 15) && cs_source_u64(glibc->image->source, fd + 24, &back) &&
               cs_source_u64(glibc->image->source, bk + 16, &forward) && back == self && forward == self;
}

/* Could the two words be a bin head whose list is damaged, or was being changed (live): aligned addresses of memory that
 * somebody may write? */
static bool pair_plausible(const struct cs_glibc *glibc, const struct data *d, size_t at)
{
        for (size_t half = 0; half < PAIR; half += 8) {
                uint64_t to = cs_word(d->bytes + at + half);
                const struct cs_mapping *m = to & 15 ? NULL : cs_image_mapping_at(glibc->image, to);
                if (!m || !(m->perms & CS_PERM_WRITE))
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

static bool word_at(const struct cs_glibc *glibc, uint64_t addr, uint64_t *value)
{
        return cs_source_u64(glibc->image->source, addr, value);
}

/* Does the ring of arenas, followed by this layout's `next`, come back to main_arena? */
static bool ring_closes(const struct cs_glibc *glibc, const struct cs_glibc_layout *l, uint64_t main_arena)
{
        uint64_t at = main_arena;
        for (unsigned n = 0; n < CS_LIMIT_ARENAS; n++) {
                if (!word_at(glibc, at + l->next, &at))
                        return false;
                if (at == main_arena)
                        return true;
        }
        return false;
}

static const struct cs_glibc_layout *recognise(const struct cs_glibc *glibc, uint64_t bins, uint64_t *arena)
{
        for (size_t i = 0; i < cs_glibc_layout_count; i++) {
                const struct cs_glibc_layout *l = &cs_glibc_layouts[i];
                *arena = bins - l->bins;
                if (ring_closes(glibc, l, *arena))
                        return l;
        }
        return NULL;
}

/* sbrk_base and the count of mmapped chunks from malloc_par, which lies in the same data as main_arena: known by its default
 * n_mmaps_max and arena_test (8 for 64-bit words) and by a break that makes sense. */
static void find_parameters(struct cs_glibc *glibc, const struct data *d)
{
        const struct cs_glibc_layout *l = glibc->layout;
        for (size_t at = 0; at + MP_BYTES <= d->len; at += 8) {
                const uint8_t *p = d->bytes + at;
                uint64_t base = cs_word(p + l->mp_sbrk_base);
                uint64_t test = cs_word(p + l->mp_arena_test);
                if (cs_half(p + l->mp_n_mmaps_max) != 65536 || (test != 2 && test != 8) || base == 0 ||
                    base & 15)
                        continue;
                const struct cs_mapping *m = cs_image_mapping_at(glibc->image, base);
                if (!m || m->module != CS_NO_MODULE || !(m->perms & CS_PERM_WRITE))
                        continue;
                glibc->sbrk_base = base;
                glibc->heaps->mmapped_known = cs_half(p + l->mp_n_mmaps);
                return;
        }
}

/* End of the contiguous writable anonymous memory that holds addr: a heap cannot reach beyond. */
static uint64_t memory_end(const struct cs_image *image, uint64_t addr, uint64_t *start)
{
        const struct cs_mapping *m = cs_image_mapping_at(image, addr);
        if (!m)
                return addr;
        const struct cs_mapping *first = m, *last = m, *all = image->mappings.at;
        while (first > all && first[-1].range.end == first->range.start && !first[-1].file_backed &&
               first[-1].module == CS_NO_MODULE && first[-1].perms & CS_PERM_WRITE)
                first--;
        while (last + 1 < all + image->mappings.n && last[1].range.start == last->range.end &&
               !last[1].file_backed && last[1].module == CS_NO_MODULE && last[1].perms & CS_PERM_WRITE)
                last++;
        *start = first->range.start;
        return last->range.end;
}

static enum cs_status walk_main(struct cs_glibc *glibc, uint32_t index, struct cs_error *err)
{
        const struct cs_glibc_layout *l = glibc->layout;
        uint64_t top = 0, system = 0, word = 0, start = 0;
        if (!word_at(glibc, glibc->main_arena + l->top, &top) ||
            !word_at(glibc, glibc->main_arena + l->system_mem, &system) ||
            top == glibc->main_arena + l->bins - PAIR)
                return CS_OK; /* initial_top: nothing was ever allocated from it */
        uint64_t limit = memory_end(glibc->image, top, &start);
        if (top & 15 || !word_at(glibc, top + 8, &word)) {
                cs_heaps_corrupt(glibc->heaps, glibc->main_arena + l->top, "main arena's top points nowhere");
                return CS_OK;
        }
        uint64_t end = top + (word & ~(uint64_t)GLIBC_FLAGS);
        uint64_t first = end >= system && end - system >= start ? end - system : start;
        if (glibc->sbrk_base >= start && glibc->sbrk_base <= top)
                first = glibc->sbrk_base;
        glibc->heaps->arenas.at[index].top = limit > top && end <= limit ? end - top : 0;
        uint64_t claim_end = end > top && end <= limit ? end : limit;
        if (first >= limit)
                cs_heaps_corrupt(glibc->heaps, first, "main arena's heap does not lie where its top does");
        enum cs_status st = first < claim_end ? cs_vec_push(&glibc->heaps->claimed,
                                                            ((struct cs_range){ first, claim_end }), err)
                                              : CS_OK;
        return st == CS_OK ? cs_glibc_walk(glibc, (first + 15) & ~(uint64_t)15, limit, top, index, err) : st;
}

/* One heap of an arena that threads made: heap_info, for the arena's first heap the arena itself, then chunks. */
static enum cs_status walk_heap(struct cs_glibc *glibc, uint64_t heap, uint64_t arena, uint64_t top,
                                uint32_t index, uint64_t *prev, struct cs_error *err)
{
        const struct cs_glibc_layout *l = glibc->layout;
        uint64_t owner, size;
        *prev = 0;
        if (!word_at(glibc, heap, &owner) || !word_at(glibc, heap + 8, prev) ||
            !word_at(glibc, heap + 16, &size) || owner != arena || size > GLIBC_HEAP_MAX ||
            size < l->heap_bytes) {
                cs_heaps_corrupt(glibc->heaps, heap, "heap does not belong to the arena that names it");
                *prev = 0;
                return CS_OK;
        }
        uint64_t first = heap + l->heap_bytes;
        if (arena == first)
                first += l->arena_bytes;
        first = (first + 15) & ~(uint64_t)15;
        enum cs_status st =
                cs_vec_push(&glibc->heaps->claimed, ((struct cs_range){ heap, heap + size }), err);
        bool has_top = top >= heap && top - heap < size;
        return st == CS_OK ? cs_glibc_walk(glibc, first, heap + size, has_top ? top : 0, index, err) : st;
}

static enum cs_status walk_arena(struct cs_glibc *glibc, uint64_t arena, uint32_t index, struct cs_error *err)
{
        uint64_t top, word;
        if (!word_at(glibc, arena + glibc->layout->top, &top) || !word_at(glibc, top + 8, &word)) {
                cs_heaps_corrupt(glibc->heaps, arena, "arena's top points nowhere");
                return CS_OK;
        }
        glibc->heaps->arenas.at[index].top = word & ~(uint64_t)GLIBC_FLAGS;
        uint64_t heap = top & ~(uint64_t)(GLIBC_HEAP_MAX - 1);
        enum cs_status st = CS_OK;
        /* Heaps are chained from the newest back; a ring among them would claim the same address twice. */
        for (unsigned n = 0; st == CS_OK && heap && n < CS_LIMIT_ARENAS; n++) {
                uint64_t prev;
                if (heap & (GLIBC_HEAP_MAX - 1)) {
                        cs_heaps_corrupt(glibc->heaps, heap, "heap is not aligned");
                        break;
                }
                for (size_t i = 0; i < glibc->heaps->claimed.n; i++)
                        if (glibc->heaps->claimed.at[i].start == heap) {
                                cs_heaps_corrupt(glibc->heaps, heap, "heaps form a ring");
                                return CS_OK;
                        }
                st = walk_heap(glibc, heap, arena, top, index, &prev, err);
                heap = prev;
        }
        return st;
}

static enum cs_status walk_ring(struct cs_glibc *glibc, struct cs_error *err)
{
        uint64_t at = glibc->main_arena;
        enum cs_status st = CS_OK;
        glibc->first_arena = (uint32_t)glibc->heaps->arenas.n;
        do {
                struct cs_arena arena = { .address = at, .main = at == glibc->main_arena };
                uint32_t index = (uint32_t)glibc->heaps->arenas.n;
                st = cs_vec_push(&glibc->heaps->arenas, arena, err);
                if (st == CS_OK)
                        st = arena.main ? walk_main(glibc, index, err) : walk_arena(glibc, at, index, err);
        } while (st == CS_OK && word_at(glibc, at + glibc->layout->next, &at) && at != glibc->main_arena &&
                 glibc->heaps->arenas.n - glibc->first_arena < CS_LIMIT_ARENAS);
        return st;
}

/* The writable mappings of a module that end to end are its .data and .bss. */
static bool read_data(const struct cs_image *image, size_t module, struct data *d)
{
        uint32_t rw = CS_PERM_READ | CS_PERM_WRITE;
        uint64_t start = 0, end = 0;
        for (size_t i = 0; i < image->mappings.n; i++) {
                const struct cs_mapping *m = &image->mappings.at[i];
                if (m->module != (int32_t)module || (m->perms & rw) != rw)
                        continue;
                if (!end)
                        start = m->range.start;
                else if (m->range.start != end)
                        break;
                end = m->range.end;
        }
        if (end - start < (size_t)GLIBC_BIN_PAIRS * PAIR)
                return false;
        if (end - start > CS_LIMIT_DATA_BYTES)
                end = start + CS_LIMIT_DATA_BYTES;
        d->start = start;
        d->bytes = malloc((size_t)(end - start));
        size_t got = 0;
        if (!d->bytes ||
            cs_source_read(image->source, start, d->bytes, (size_t)(end - start), &got, NULL) != CS_OK)
                return false;
        d->len = got;
        return true;
}

static enum cs_status look_in(struct cs_glibc *glibc, size_t module, const struct cs_space *space,
                              bool *found, struct cs_error *err)
{
        cs_cleanup(free_data) struct data d = { 0 };
        if (!read_data(glibc->image, module, &d))
                return CS_OK;
        size_t bins = find_bins(glibc, &d);
        if (bins == SIZE_MAX)
                return CS_OK;
        *found = true;
        struct cs_heap heap = { .allocator = "glibc", .module = (int32_t)module };
        glibc->layout = recognise(glibc, d.start + bins, &glibc->main_arena);
        if (!glibc->layout) {
                heap.why_not =
                        "the layout of its malloc is not among those this version knows (glibc 2.35 to 2.41)";
                return cs_vec_push(&glibc->heaps->found, heap, err);
        }
        heap.walked = true;
        glibc->heaps->arena_bytes = glibc->layout->arena_bytes;
        find_parameters(glibc, &d);
        enum cs_status st = cs_vec_push(&glibc->heaps->found, heap, err);
        if (st == CS_OK)
                st = walk_ring(glibc, err);
        cs_heaps_sort_claims(glibc->heaps);
        return st == CS_OK ? cs_glibc_find_mmapped(glibc, space, err) : st;
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
        return CS_OK;
}

void cs_glibc_deinit(struct cs_glibc *glibc)
{
        cs_view_deinit(&glibc->view);
}
