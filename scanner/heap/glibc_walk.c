/* SPDX-License-Identifier: Apache-2.0 */
#include "glibc_scout.h"

#include "ahead.h"
#include "bytes.h"

enum {
        CHAIN_TRUSTED = 32, /* headers in a row that fit: after damage, no accident any more */
        FENCEPOST = 0x10,
        NEAR = 4 << 10,  /* lines that far ahead come into the first cache */
        NEAR_LINES = 2,  /* with each chunk: as many as most take */
        NEAR_LATE = 512, /* bytes that they may be behind by */
        STEP = 64 << 10, /* where the walk is, is told that often: each end of a loop is guessed wrong */
};

bool cs_glibc_size_word(struct cs_view *view, uint64_t p, uint64_t *word)
{
        size_t got;
        const uint8_t *at = cs_view_at(view, p + 8, 8, &got);
        if (got < 8)
                at = cs_view_stitch(view, p + 8, 8, &got);
        if (!at || got < 8)
                return false;
        *word = cs_word(at);
        return true;
}

/* No chunk reaches over the top; but that of a live heap may have moved since it was read. */
static bool size_fits(const struct cs_glibc_walker *w, uint64_t word, uint64_t p)
{
        uint64_t size = word & ~(uint64_t)GLIBC_FLAGS;
        uint64_t end = p < w->top && w->glibc->image->kind == CS_IMAGE_CORE ? w->top : w->limit;
        return size >= GLIBC_MIN_CHUNK && !(size & 15) && !(word & GLIBC_IS_MMAPPED) && size <= end - p;
}

bool cs_glibc_chain_fits(struct cs_glibc_walker *w, uint64_t p, unsigned headers)
{
        for (unsigned n = 0; n < headers; n++) {
                uint64_t word;
                if (p == w->top || p == w->limit)
                        return n > 0;
                if (p > w->limit - GLIBC_HEADER || !cs_glibc_size_word(&w->glibc->view, p, &word))
                        return false;
                if (!size_fits(w, word, p))
                        return false;
                p += word & ~(uint64_t)GLIBC_FLAGS;
        }
        return true;
}

static inline bool sized_as_cache(uint64_t cache_sizes, uint64_t size)
{
        return size < UINT64_C(64) * CS_BLOCK_UNIT && cache_sizes >> size / CS_BLOCK_UNIT & 1;
}

/* The limit of a live heap is where its memory ended when the mappings were listed. Has it grown since, and does the chunk at p, which
 * reaches over the limit, end by now at or before the top, or is it the top itself? */
static bool reaches_on(const struct cs_glibc_walker *w, uint64_t p, uint64_t word)
{
        const struct cs_glibc *glibc = w->glibc;
        uint64_t top, size = word & ~(uint64_t)GLIBC_FLAGS;
        if (glibc->image->kind != CS_IMAGE_LIVE || !w->top || size & 15 || word & GLIBC_IS_MMAPPED ||
            size <= w->limit - p)
                return false;
        if (w->top > w->limit && size <= w->top - p)
                return true;
        return cs_glibc_word(glibc, w->arena + glibc->layout->top, &top) &&
               (top == p || (top > p && size <= top - p));
}

/* The next address from p on where headers make sense again, or limit. */
static uint64_t resynchronise(struct cs_glibc_walker *w, uint64_t p)
{
        while (p < w->limit && w->limit - p >= GLIBC_HEADER) {
                uint64_t word;
                if (!cs_glibc_size_word(&w->glibc->view, p, &word)) {
                        uint64_t next = cs_view_next(&w->glibc->view, cs_page_down(p + 8) + CS_PAGE);
                        if (next >= w->limit)
                                break;
                        p = next > p ? (next + 15) & ~(uint64_t)15 : p + 16;
                        continue;
                }
                if (size_fits(w, word, p) && cs_glibc_chain_fits(w, p, CHAIN_TRUSTED))
                        return p;
                p += 16;
        }
        return w->limit;
}

uint64_t cs_glibc_next_chain(struct cs_glibc *glibc, uint64_t from, uint64_t limit, uint64_t top)
{
        struct cs_glibc_walker w = { .glibc = glibc, .limit = limit, .top = top };
        return resynchronise(&w, from);
}

/* Adds the pending chunk, now that the header after it says whether it is in use. */
static enum cs_status settle(struct cs_glibc_walker *w, bool in_use, struct cs_error *err)
{
        uint64_t p = w->pending;
        w->pending = 0;
        return p ? cs_blocks_add(&w->glibc->heaps->blocks, p, w->pending_size,
                                 in_use ? CS_BLOCK_IN_USE : CS_BLOCK_FREE, err)
                 : CS_OK;
}

static enum cs_status add_top(struct cs_glibc_walker *w, uint64_t p, uint64_t word, struct cs_error *err)
{
        uint64_t size = word & ~(uint64_t)GLIBC_FLAGS;
        enum cs_status st = settle(w, word & GLIBC_PREV_IN_USE, err);
        w->ended = true;
        if (size > w->limit - p && w->glibc->image->kind == CS_IMAGE_LIVE)
                size = w->limit - p; /* of a top that grew, what was there when the mappings were listed */
        if (size < FENCEPOST || size > w->limit - p) {
                cs_heaps_corrupt(w->glibc->heaps, p, "size of the top chunk is impossible");
                return st;
        }
        if (st != CS_OK)
                return st;
        return cs_blocks_add(&w->glibc->heaps->blocks, p, size, CS_BLOCK_TOP, err);
}

/* How long the fenceposts at p are, where a retired heap ends: a chunk of 16 bytes, then one of 0 or again 16, which has the P bit
 * set (sysmalloc); a top that was too small to become a free chunk leaves one more of 16 before them. 0: there are none. */
static uint64_t fenceposts(struct cs_glibc_walker *w, uint64_t p, uint64_t word)
{
        uint64_t next, third, size = word & ~(uint64_t)GLIBC_FLAGS, left = w->limit - p;
        /* Where the old top was too small to be freed, there is only the last of the two, in the heap's last 16 bytes. */
        if (size == 0 && word & GLIBC_PREV_IN_USE && !w->top && left == FENCEPOST)
                return FENCEPOST;
        if (size != FENCEPOST || !cs_glibc_size_word(&w->glibc->view, p + FENCEPOST, &next) ||
            (next & ~(uint64_t)GLIBC_FLAGS) > FENCEPOST || !(next & GLIBC_PREV_IN_USE))
                return 0;
        bool more = (next & ~(uint64_t)GLIBC_FLAGS) == FENCEPOST && left >= 3 * FENCEPOST &&
                    cs_glibc_size_word(&w->glibc->view, p + 2 * FENCEPOST, &third) &&
                    (third & ~(uint64_t)GLIBC_FLAGS) <= FENCEPOST && third & GLIBC_PREV_IN_USE;
        return more ? 3 * FENCEPOST : left < 2 * FENCEPOST ? left : 2 * FENCEPOST;
}

/* A header that does not fit: the fenceposts of a retired heap; anything else is damage. Either way the walk goes on where
 * headers fit, for in the main arena others may have moved the break in between. */
static enum cs_status handle_misfit(struct cs_glibc_walker *w, uint64_t *p, uint64_t word,
                                    struct cs_error *err)
{
        uint64_t fence = fenceposts(w, *p, word);
        enum cs_status st = settle(w, word & GLIBC_PREV_IN_USE || !fence, err);
        if (st != CS_OK)
                return st;
        if (fence) {
                st = cs_blocks_add(&w->glibc->heaps->blocks, *p, fence, CS_BLOCK_INTERNAL, err);
                w->ended = !w->top;
                *p += fence;
                if (w->ended || st != CS_OK)
                        return st;
        } else {
                cs_heaps_corrupt(w->glibc->heaps, *p, "chunk size is impossible");
                *p += 16;
        }
        *p = resynchronise(w, *p);
        return st;
}

/* The last chunk of what a live heap was when its mappings were listed: as much of it as was there. */
static enum cs_status add_last(struct cs_glibc_walker *w, uint64_t p, uint64_t word, struct cs_error *err)
{
        uint64_t top;
        bool is_top =
                cs_source_u64(w->glibc->image->source, w->arena + w->glibc->layout->top, &top) && top == p;
        enum cs_status st = settle(w, word & GLIBC_PREV_IN_USE, err);
        w->ended = true;
        return st == CS_OK ? cs_blocks_add(&w->glibc->heaps->blocks, p, w->limit - p,
                                           is_top ? CS_BLOCK_TOP : CS_BLOCK_IN_USE, err)
                           : st;
}

/* Lines behind `at` are asked for up to NEAR before offset `off`, of which those up to `*asked` are: a few with each chunk, for then nothing is there to
 * be guessed. Where chunks are larger, all that are missing, but none that lie behind it by now. */
static inline void ask_near(const uint8_t *at, uint64_t off, uint64_t *asked)
{
        for (unsigned i = 0; i < NEAR_LINES; i++)
                __builtin_prefetch(at + *asked + NEAR + (size_t)i * CS_AHEAD_LINE);
        *asked += *asked < off ? NEAR_LINES * CS_AHEAD_LINE : 0;
        if (off < *asked + NEAR_LATE)
                return;
        if (off - *asked > NEAR)
                *asked = off - NEAR;
        for (; *asked < off; *asked += CS_AHEAD_LINE)
                __builtin_prefetch(at + *asked + NEAR);
}

/* Where the walk spends its time. Real heaps are in no order that the processor could guess. */
enum cs_status cs_glibc_walk_span(struct cs_glibc_walker *w, uint64_t *p, struct cs_block_run *into,
                                  struct cs_error *err)
{
        size_t got;
        const uint8_t *at = cs_view_at(&w->glibc->view, *p + 8, CS_VIEW_LENT, &got);
        /* The top is the caller's; so is what follows a gap. */
        if (*p == w->top || got < 8 || *p >= w->others || w->limit - *p < GLIBC_HEADER)
                return CS_OK;
        struct cs_block_run run = *into; /* nobody has its address: it stays in registers */
        const uint64_t here = *p, cache_sizes = w->cache_sizes;
        const uint64_t end = here < w->top && w->glibc->image->kind == CS_IMAGE_CORE ? w->top : w->limit;
        uint64_t off = 0, asked = 0, pending = w->pending;
        uint64_t room = w->limit - GLIBC_HEADER - here, stop = got - 8 < room ? got - 8 : room;
        stop = here < w->top && w->top - here - 1 < stop ? w->top - here - 1 : stop;
        stop = w->others - here - 1 < stop ? w->others - here - 1 : stop;
        bool fits = true;
        enum cs_status st = CS_OK;
        struct cs_ahead ahead = cs_ahead_over(at, got);
        const uint64_t step = ahead.len ? CS_AHEAD_STEP : STEP;
        while (fits && st == CS_OK && off <= stop) {
                uint64_t pause = off / step * step + step - 1;
                pause = pause < stop ? pause : stop;
                atomic_store_explicit(w->tells, here + off, memory_order_relaxed);
                cs_ahead_ask(&ahead, off);
                while (off <= pause) {
                        ask_near(at, off, &asked);
                        uint64_t word = cs_word(at + off), size = word & ~(uint64_t)GLIBC_FLAGS;
                        fits = size >= GLIBC_MIN_CHUNK && !(word & (8 | GLIBC_IS_MMAPPED)) &&
                               size <= end - here - off;
                        if (!fits)
                                break;
                        if (pending)
                                cs_block_run_add(&run, pending, word & GLIBC_PREV_IN_USE);
                        pending = here + off;
                        if (sized_as_cache(cache_sizes, size))
                                st = cs_glibc_note_cache(w->glibc,
                                                         (struct cs_range){ pending, pending + size },
                                                         at + off + 8, got - (size_t)off - 8, err);
                        off += size;
                }
        }
        *into = run;
        *p = here + off;
        w->pending = pending;
        w->pending_size = *p - pending;
        cs_source_release_behind(w->glibc->view.src, &w->released, *p);
        return st;
}

/* A span of the walk's own, for which the blocks reach up to where it is. */
static enum cs_status walk_span(struct cs_glibc_walker *w, uint64_t *p, struct cs_error *err)
{
        struct cs_blocks *blocks = &w->glibc->heaps->blocks;
        size_t got;
        (void)!cs_view_at(&w->glibc->view, *p + 8, CS_VIEW_LENT, &got);
        if (*p == w->top || got < 8 || (w->pending ? w->pending : *p) != blocks->reached)
                return CS_OK;
        struct cs_block_run run;
        enum cs_status st = cs_blocks_open_run(blocks, CS_VIEW_LENT / GLIBC_MIN_CHUNK + 2, &run, err);
        if (st != CS_OK)
                return st;
        st = cs_glibc_walk_span(w, p, &run, err);
        cs_blocks_close_run(blocks, &run, w->pending ? w->pending : *p);
        return st;
}

/* The walk has come to where its scout began: it goes on where that one came to, or where it is. */
static enum cs_status meet(struct cs_glibc_walker *w, struct cs_glibc_scout **scout, uint64_t *p,
                           struct cs_error *err)
{
        struct cs_glibc_scout *s = *scout;
        uint64_t word;
        enum cs_status st = CS_OK;
        w->others = UINT64_MAX;
        *scout = NULL;
        if (cs_glibc_scout_await(s, *p) && cs_glibc_size_word(&w->glibc->view, *p, &word)) {
                st = settle(w, word & GLIBC_PREV_IN_USE, err);
                if (st == CS_OK && w->glibc->heaps->blocks.reached == *p)
                        return cs_glibc_scout_take(s, w, p, err);
        }
        cs_glibc_scout_recall(s);
        return st;
}

static enum cs_status walk_chunks(struct cs_glibc_walker *w, uint64_t p, struct cs_glibc_scout **scout,
                                  struct cs_error *err)
{
        enum cs_status st = CS_OK;
        while (st == CS_OK && !w->ended && p < w->limit && w->limit - p >= GLIBC_HEADER) {
                uint64_t word, before = p;
                w->others = *scout ? cs_glibc_scout_pass(*scout, p) : UINT64_MAX;
                if (p >= w->others) {
                        st = meet(w, scout, &p, err);
                        continue;
                }
                if ((st = walk_span(w, &p, err)) != CS_OK)
                        break;
                if (p != before)
                        continue;
                if (!cs_glibc_size_word(&w->glibc->view, p, &word)) {
                        /* What the chunk before the gap is, nobody can say any more: in use is the cautious answer. */
                        st = settle(w, true, err);
                        cs_heaps_corrupt(w->glibc->heaps, p, "heap cannot be read here");
                        p = st == CS_OK ? resynchronise(w, p) : w->limit;
                } else if (p == w->top) {
                        st = add_top(w, p, word, err);
                } else if (size_fits(w, word, p)) {
                        st = settle(w, word & GLIBC_PREV_IN_USE, err);
                        w->pending = p;
                        w->pending_size = word & ~(uint64_t)GLIBC_FLAGS;
                        if (st == CS_OK && sized_as_cache(w->cache_sizes, w->pending_size))
                                st = cs_glibc_note_cache(w->glibc,
                                                         (struct cs_range){ p, p + w->pending_size }, NULL, 0,
                                                         err);
                        p += w->pending_size;
                } else if (reaches_on(w, p, word)) {
                        st = add_last(w, p, word, err);
                } else {
                        st = handle_misfit(w, &p, word, err);
                }
        }
        /* The last chunk ends the heap without a header behind it: a top that moved while we looked (live), unless it moved beyond. */
        if (st == CS_OK && w->pending)
                st = cs_blocks_add(&w->glibc->heaps->blocks, w->pending, w->pending_size,
                                   w->top >= w->limit ? CS_BLOCK_IN_USE : CS_BLOCK_TOP, err);
        return st;
}

/* malloc/malloc.c (2.36), mtrim: pages behind the chunk's header and links, which take sizeof(struct malloc_chunk); systrim:
 * all of top but MINSIZE and one byte, in whole pages. */
uint64_t cs_glibc_trimmable(const struct cs_block *block, bool main_arena)
{
        enum { CHUNK_STRUCT = 48 };
        uint64_t size = cs_block_size(block);
        if (cs_block_state(block) == CS_BLOCK_TOP)
                return main_arena && size > GLIBC_MIN_CHUNK ? cs_page_down(size - GLIBC_MIN_CHUNK - 1) : 0;
        if (cs_block_state(block) != CS_BLOCK_FREE)
                return 0;
        uint64_t first = cs_page_up(cs_block_start(block) + CHUNK_STRUCT), end = cs_block_range(block).end;
        return first < end ? cs_page_down(end - first) : 0;
}

enum cs_status cs_glibc_walk(struct cs_glibc *glibc, uint64_t first, uint64_t limit, uint64_t top,
                             uint32_t arena, struct cs_error *err)
{
        struct cs_glibc_walker w = { .glibc = glibc,
                                     .limit = limit,
                                     .top = top,
                                     .released = first,
                                     .others = UINT64_MAX,
                                     .tells = &glibc->heaps->walked };
        w.arena = glibc->heaps->arenas.at[arena].address;
        w.cache_sizes = cs_glibc_cache_sizes(glibc);
        struct cs_blocks *blocks = &glibc->heaps->blocks;
        if (first >= limit || first & 15)
                return CS_OK;
        enum cs_status st = cs_blocks_begin(blocks, arena, (struct cs_range){ first, limit }, err);
        if (st != CS_OK)
                return st;
        struct cs_glibc_scout *scout = cs_glibc_scout_send(&w, first);
        st = walk_chunks(&w, first, &scout, err);
        cs_glibc_scout_recall(scout);
        cs_blocks_end(blocks);
        return st;
}
