/* SPDX-License-Identifier: Apache-2.0 */
/* The main arena where others were in the way of the break, and the threads of all arenas. */
#include "glibc.h"

#include "bytes.h"

#include <string.h>

enum {
        PIECE_FENCES = 0x20,  /* two fenceposts end a piece, of 16 bytes each */
        TLS_BYTES = 16 << 10, /* of static TLS below the thread pointer that is looked through */
};

bool cs_glibc_in_pieces(const struct cs_glibc *glibc)
{
        uint64_t word;
        /* flags are the second half of the first word, behind the mutex. */
        return cs_glibc_word(glibc, glibc->main_arena, &word) && (word >> 32) & GLIBC_NONCONTIGUOUS;
}

static bool size_word(struct cs_glibc *glibc, uint64_t p, uint64_t *word)
{
        size_t got;
        const uint8_t *at = cs_view_whole(&glibc->view, p + 8, 8, &got);
        if (!at || got < 8)
                return false;
        *word = cs_word(at);
        return true;
}

/* From where on chunks of the main arena lead up to its top: pieces begin at a page, and what lies before in the same memory,
 * mmapped chunks, the fenceposts of another piece, does not lead on. Chains that fail are not followed without end. */
uint64_t cs_glibc_top_piece(struct cs_glibc *glibc, uint64_t start, uint64_t top)
{
        uint64_t steps = (top - start) / GLIBC_MIN_CHUNK * 2 + 1, word;
        for (uint64_t p = cs_page_up(start); p < top && steps; p += CS_PAGE) {
                uint64_t at = p;
                if (!size_word(glibc, p, &word) || (word & GLIBC_FLAGS) != GLIBC_PREV_IN_USE)
                        continue;
                for (; at < top && steps; steps--) {
                        uint64_t size = word & ~(uint64_t)GLIBC_FLAGS;
                        if (size < GLIBC_MIN_CHUNK || size & 15 ||
                            word & (GLIBC_IS_MMAPPED | GLIBC_NON_MAIN) || size > top - at)
                                break;
                        at += size;
                        if (at < top && !size_word(glibc, at, &word))
                                break;
                }
                if (at == top)
                        return p;
        }
        return top;
}

/* Where the piece that begins at p ends: chunks of the main arena from there on, up to the fenceposts at the end of a page
 * (malloc/malloc.c, sysmalloc: old_top is cut to a multiple of 16, then two of them). 0: none begins here. Chains that fail are not followed without end: *steps are left. */
static uint64_t piece_end(struct cs_glibc *glibc, uint64_t p, uint64_t limit, uint64_t *steps)
{
        uint64_t word, at = p, second;
        if (!size_word(glibc, p, &word) || (word & GLIBC_FLAGS) != GLIBC_PREV_IN_USE)
                return 0;
        for (;; --*steps) {
                uint64_t size = word & ~(uint64_t)GLIBC_FLAGS;
                if (!*steps || size < GLIBC_MIN_CHUNK || size & 15 || size > limit - at)
                        return 0;
                at += size;
                if (limit - at < PIECE_FENCES || !size_word(glibc, at, &word) ||
                    word & (GLIBC_IS_MMAPPED | GLIBC_NON_MAIN))
                        return 0;
                if ((word & ~(uint64_t)GLIBC_FLAGS) == GLIBC_HEADER)
                        break;
        }
        /* A top that was too small to become a free chunk leaves a third. */
        if ((at + PIECE_FENCES + GLIBC_HEADER) % CS_PAGE == 0 &&
            size_word(glibc, at + GLIBC_HEADER, &second) &&
            (second & ~(uint64_t)GLIBC_PREV_IN_USE) == GLIBC_HEADER &&
            limit - at >= PIECE_FENCES + GLIBC_HEADER)
                at += GLIBC_HEADER;
        bool ends = (at + PIECE_FENCES) % CS_PAGE == 0 && size_word(glibc, at + GLIBC_HEADER, &second) &&
                    (second & ~(uint64_t)GLIBC_PREV_IN_USE) <= GLIBC_HEADER && second & GLIBC_PREV_IN_USE;
        return ends ? at + PIECE_FENCES : 0;
}

static enum cs_status search(struct cs_glibc *glibc, struct cs_range range, uint32_t arena,
                             struct cs_error *err)
{
        uint64_t p = cs_page_up(range.start), steps = cs_range_size(range) / GLIBC_MIN_CHUNK * 2;
        enum cs_status st = CS_OK;
        while (st == CS_OK && p < range.end) {
                struct cs_range claimed;
                const struct cs_claim *others = cs_claims_find(glibc->claims, p, NULL);
                bool taken = cs_heaps_claims(glibc->heaps, p, &claimed);
                if (taken || others) {
                        p = cs_page_up(taken ? claimed.end : others->range.end);
                        continue;
                }
                uint64_t end = piece_end(glibc, p, range.end, &steps);
                if (end) {
                        st = cs_glibc_walk(glibc, p, end, 0, arena, err);
                        if (st == CS_OK)
                                st = cs_vec_push(&glibc->heaps->claimed, ((struct cs_range){ p, end }), err);
                        cs_heaps_sort_claims(glibc->heaps);
                        p = end;
                        continue;
                }
                uint64_t next = cs_source_next_data(glibc->image->source, p + CS_PAGE);
                if (next == UINT64_MAX)
                        break;
                p = next > p + CS_PAGE ? cs_page_down(next) : p + CS_PAGE;
        }
        return st;
}

enum cs_status cs_glibc_walk_pieces(struct cs_glibc *glibc, const struct cs_space *space,
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
                        st = search(glibc, range, glibc->first_arena, err);
                i = next;
        }
        return st;
}

/* ---- threads ----------------------------------------------------------------------------------------------------- */

/* The arena that the word is the address of, or NULL. */
static struct cs_arena *arena_of(struct cs_glibc *glibc, uint64_t word)
{
        for (size_t i = glibc->first_arena; i < glibc->heaps->arenas.n; i++)
                if (glibc->heaps->arenas.at[i].address == word)
                        return &glibc->heaps->arenas.at[i];
        return NULL;
}

/* thread_arena (malloc/arena.c) lies in libc's static TLS, which is below the thread pointer; stack that was used before
 * lies farther down, so the nearest word counts. */
static struct cs_arena *arena_below(struct cs_glibc *glibc, uint64_t fs_base)
{
        for (uint64_t back = 8; back <= TLS_BYTES && back < fs_base; back += 8) {
                uint64_t word;
                if (!cs_glibc_word(glibc, fs_base - back, &word))
                        return NULL;
                struct cs_arena *arena = word ? arena_of(glibc, word) : NULL;
                if (arena)
                        return arena;
        }
        return NULL;
}

enum cs_status cs_glibc_name_threads(struct cs_glibc *glibc, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < glibc->image->threads.n; i++) {
                const struct cs_thread *thread = &glibc->image->threads.at[i];
                struct cs_arena *arena = thread->fs_base ? arena_below(glibc, thread->fs_base) : NULL;
                if (arena)
                        st = cs_vec_push(&arena->threads, thread->tid, err);
        }
        return st;
}
