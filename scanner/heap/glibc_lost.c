/* SPDX-License-Identifier: Apache-2.0 */
/* Heaps that nothing leads to. Of a core that was cut before libc's data: cores go up in addresses, so the program's heap, which lies lowest,
 * and the heaps of threads' arenas, which lie below the libraries, are there without main_arena. And those that an arena or a heap would
 * name of which the first page was left out, or is swapped out. They prove themselves: a main heap by a chain of chunks from its memory's
 * first byte to the last, an arena by its bins, an arena's heap by naming it. */
#include "glibc.h"

#include "bytes.h"
#include "cs_limits.h"

enum {
        PAIR = 16,
        CHAIN_SURE = 16, /* chunks in a row that nobody but malloc could have left there */
};

/* ---- arenas of threads ------------------------------------------------------------------------------------------- */

/* Is there an arena of this layout: are most of its bins empty, or point to chunks that point back? */
static bool has_bins(const struct cs_glibc *glibc, const struct cs_glibc_layout *l, uint64_t arena)
{
        uint8_t bins[GLIBC_BIN_PAIRS * PAIR];
        unsigned proven = 0;
        if (!cs_source_exact(glibc->image->source, arena + l->bins, bins, sizeof(bins)))
                return false;
        for (unsigned i = 0; i < GLIBC_BIN_PAIRS; i++) {
                uint64_t self = arena + l->bins + i * PAIR - PAIR, back;
                uint64_t fd = cs_word(bins + i * PAIR), bk = cs_word(bins + i * PAIR + 8);
                proven += (fd == self && bk == self) ||
                          (fd && !(fd & 15) && cs_glibc_word(glibc, fd + 24, &back) && back == self);
        }
        return proven > GLIBC_BIN_PAIRS / 2;
}

/* The rows by which an arena stands behind the heap_info at `heap`, as bits. */
static uint32_t rows_at(const struct cs_glibc *glibc, uint64_t heap)
{
        uint32_t rows = 0;
        uint64_t owner;
        if (!cs_glibc_word(glibc, heap, &owner))
                return 0;
        for (size_t i = 0; i < cs_glibc_layout_count; i++)
                if (owner == heap + cs_glibc_layouts[i].heap_bytes &&
                    has_bins(glibc, &cs_glibc_layouts[i], owner))
                        rows |= UINT32_C(1) << i;
        return rows;
}

static enum cs_status add_arena(struct cs_glibc *glibc, uint64_t heap, uint32_t rows, struct cs_error *err)
{
        struct cs_arena arena = { 0 };
        uint32_t index = (uint32_t)glibc->heaps->arenas.n;
        /* All arenas are of one glibc; where one says less than another, what both say holds. */
        if (glibc->candidates & rows)
                glibc->candidates &= rows;
        glibc->layout = &cs_glibc_layouts[__builtin_ctz(glibc->candidates)];
        arena.address = heap + glibc->layout->heap_bytes;
        enum cs_status st = cs_vec_push(&glibc->heaps->arenas, arena, err);
        return st == CS_OK ? cs_glibc_walk_arena(glibc, arena.address, index, err) : st;
}

static bool claimed(const struct cs_glibc *glibc, uint64_t heap)
{
        for (size_t k = 0; k < glibc->heaps->claimed.n; k++)
                if (cs_range_has(glibc->heaps->claimed.at[k], heap))
                        return true;
        return false;
}

typedef enum cs_status heap_look(struct cs_glibc *, uint64_t heap, struct cs_error *);

/* Looks at every address in the range at which a heap may begin. */
static enum cs_status each_heap(struct cs_glibc *glibc, struct cs_range range, heap_look *look_at,
                                struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < GLIBC_HEAP_ALIGNMENTS; i++) {
                uint64_t step = cs_glibc_heap_alignments[i], heap = (range.start + step - 1) & ~(step - 1);
                for (; st == CS_OK && heap >= range.start && heap < range.end; heap += step) {
                        if (!claimed(glibc, heap))
                                st = look_at(glibc, heap, err);
                        uint64_t next = cs_source_next(glibc->image->source, heap + CS_PAGE);
                        if (next >= range.end)
                                break;
                        heap = next > heap + step ? (next - 1) & ~(step - 1) : heap;
                }
        }
        return st;
}

size_t cs_glibc_known_arena(const struct cs_glibc *glibc, uint64_t arena)
{
        size_t i = glibc->first_arena;
        while (i < glibc->heaps->arenas.n && glibc->heaps->arenas.at[i].address != arena)
                i++;
        return i;
}

static enum cs_status look_for_arena(struct cs_glibc *glibc, uint64_t heap, struct cs_error *err)
{
        uint64_t owner;
        size_t n = glibc->heaps->arenas.n;
        if (n >= CS_LIMIT_ARENAS || !cs_glibc_word(glibc, heap, &owner) ||
            cs_glibc_known_arena(glibc, owner) < n)
                return CS_OK;
        uint32_t rows = rows_at(glibc, heap);
        return rows ? add_arena(glibc, heap, rows, err) : CS_OK;
}

static enum cs_status find_arenas(struct cs_glibc *glibc, struct cs_range range, struct cs_error *err)
{
        return each_heap(glibc, range, look_for_arena, err);
}

static enum cs_status look_for_heap(struct cs_glibc *glibc, uint64_t heap, struct cs_error *err)
{
        uint64_t owner, top = 0, prev;
        if (!cs_glibc_word(glibc, heap, &owner) ||
            (owner - glibc->layout->heap_bytes) & (GLIBC_HEAP_LEAST - 1))
                return CS_OK;
        size_t i = cs_glibc_known_arena(glibc, owner);
        if (i == glibc->heaps->arenas.n)
                return CS_OK;
        (void)cs_glibc_word(glibc, owner + glibc->layout->top, &top);
        return cs_glibc_walk_heap(glibc, heap, owner, top, (uint32_t)i, &prev, err);
}

static enum cs_status find_heaps(struct cs_glibc *glibc, struct cs_range range, struct cs_error *err)
{
        return each_heap(glibc, range, look_for_heap, err);
}

/* ---- the main heap ----------------------------------------------------------------------------------------------- */

/* How far a chain of chunks leads that begins with the memory: to its end (*top is the size of the last one), or to where the
 * core was cut, where the header of the next chunk would be. 0: this is no heap. */
static uint64_t chain_end(struct cs_glibc *glibc, struct cs_range memory, uint64_t *top)
{
        uint64_t p = (memory.start + 15) & ~(uint64_t)15, chunks = 0, last = 0;
        for (; p < memory.end && memory.end - p >= GLIBC_HEADER; chunks++) {
                size_t got;
                const uint8_t *at = cs_view_whole(&glibc->view, p + 8, 8, &got);
                if (!at || got < 8)
                        break;
                uint64_t word = cs_word(at), size = word & ~(uint64_t)GLIBC_FLAGS;
                if (size < GLIBC_MIN_CHUNK || word & (8 | GLIBC_IS_MMAPPED | GLIBC_NON_MAIN) ||
                    size > memory.end - p || (chunks == 0 && !(word & GLIBC_PREV_IN_USE)))
                        return 0;
                p += size;
                last = size;
        }
        bool cut = p < memory.end && cs_source_gap(glibc->image->source, p + 8) == CS_GAP_TRUNCATED;
        if (chunks < CHAIN_SURE || !(cut || p == memory.end))
                return 0;
        *top = cut ? 0 : last;
        return cut ? p + GLIBC_HEADER : p;
}

static enum cs_status find_main(struct cs_glibc *glibc, struct cs_range memory, struct cs_error *err)
{
        struct cs_arena arena = { .main = true };
        struct cs_range claim;
        cs_heaps_sort_claims(glibc->heaps);
        uint64_t end = cs_heaps_claims(glibc->heaps, memory.start, &claim)
                               ? 0
                               : chain_end(glibc, memory, &arena.top);
        uint32_t index = (uint32_t)glibc->heaps->arenas.n;
        if (!end)
                return CS_OK;
        enum cs_status st = cs_vec_push(&glibc->heaps->arenas, arena, err);
        if (st == CS_OK)
                st = cs_vec_push(&glibc->heaps->claimed, memory, err);
        return st == CS_OK ? cs_glibc_walk(glibc, (memory.start + 15) & ~(uint64_t)15, end, 0, index, err)
                           : st;
}

/* ---- both -------------------------------------------------------------------------------------------------------- */

static enum cs_status each_memory(struct cs_glibc *glibc, const struct cs_space *space,
                                  enum cs_status (*look)(struct cs_glibc *, struct cs_range,
                                                         struct cs_error *),
                                  struct cs_error *err)
{
        const cs_mapping_vec *maps = &glibc->image->mappings;
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < maps->n;) {
                struct cs_range range = maps->at[i].range;
                size_t next = i + 1;
                bool wanted = cs_glibc_anonymous(&maps->at[i], space);
                while (wanted && next < maps->n && maps->at[next].range.start == range.end &&
                       cs_glibc_anonymous(&maps->at[next], space))
                        range.end = maps->at[next++].range.end;
                if (wanted)
                        st = look(glibc, range, err);
                i = next;
        }
        cs_heaps_sort_claims(glibc->heaps);
        return st;
}

enum cs_status cs_glibc_find_lost(struct cs_glibc *glibc, const struct cs_space *space, struct cs_error *err)
{
        enum cs_status st = each_memory(glibc, space, find_arenas, err);
        return st == CS_OK && glibc->layout ? each_memory(glibc, space, find_heaps, err) : st;
}

enum cs_status cs_glibc_walk_lost(struct cs_glibc *glibc, const struct cs_space *space, int32_t module,
                                  struct cs_error *err)
{
        struct cs_heap heap = { .allocator = "glibc", .module = module, .walked = true };
        glibc->candidates = (UINT32_C(1) << cs_glibc_layout_count) - 1;
        glibc->first_arena = (uint32_t)glibc->heaps->arenas.n;
        glibc->heap_max = GLIBC_HEAP_MAX;
        enum cs_status st = cs_glibc_find_lost(glibc, space, err);
        if (st == CS_OK)
                st = each_memory(glibc, space, find_main, err);
        if (st != CS_OK || glibc->heaps->arenas.n == glibc->first_arena)
                return st;
        /* Without an arena that says more, thread caches tell the layout. */
        if (!glibc->layout)
                glibc->layout = &cs_glibc_layouts[0];
        heap.partial =
                "its main arena lies beyond the end of the core: heaps were found by their own chunks, and what its "
                "fastbins hold counts as in use";
        st = cs_vec_push(&glibc->heaps->found, heap, err);
        if (st == CS_OK)
                st = cs_glibc_find_mmapped(glibc, space, err);
        return st == CS_OK ? cs_glibc_name_threads(glibc, err) : st;
}
