/* SPDX-License-Identifier: Apache-2.0 */
#include "glibc_scout.h"

#include <stdlib.h>
#include <string.h>

enum {
        CERTAIN = 1024,                  /* headers in a row that fit are no accident */
        LOOK = 4 << 20,                  /* bytes that are searched for them */
        BEFORE = 2 * CS_VIEW_LENT,       /* whoever is nearer than that will be there before us */
        WORD_BYTES = 64 * CS_BLOCK_UNIT, /* of memory, for each word of the bitmaps */
};

static uint64_t word_start(const struct cs_glibc_scout *s, uint64_t p)
{
        return s->run.base + (p - s->run.base) / WORD_BYTES * WORD_BYTES;
}

static void destroy(struct cs_glibc_scout *s)
{
        cs_view_deinit(&s->glibc.view);
        cs_vec_deinit(&s->glibc.caches);
        free(s);
}

/* A chunk from which on headers fit, the first in its word of the bitmaps: nobody else writes that one. 0: there is none. */
static uint64_t find_first(struct cs_glibc_scout *s)
{
        struct cs_glibc_walker *w = &s->walker;
        uint64_t p = s->middle, start;
        while (!cs_glibc_chain_fits(w, p, CERTAIN)) {
                p += CS_BLOCK_UNIT;
                if (p - s->middle >= LOOK || atomic_load_explicit(&s->recalled, memory_order_relaxed))
                        return 0;
        }
        start = word_start(s, p);
        do {
                uint64_t word;
                if (p == w->top || p > w->limit - GLIBC_HEADER ||
                    !cs_glibc_size_word(&s->glibc.view, p, &word) || word < GLIBC_MIN_CHUNK)
                        return 0;
                p += word & ~(uint64_t)GLIBC_FLAGS;
        } while (word_start(s, p) == start);
        return p < w->limit ? p : 0;
}

static enum cs_status explore(void *context, struct cs_error *err)
{
        struct cs_glibc_scout *s = context;
        uint64_t p = find_first(s), before;
        enum cs_status st = CS_OK;
        if (!p)
                return CS_OK;
        uint64_t begins = word_start(s, p);
        s->first = s->next = p;
        s->run.idle = (begins - s->run.base) / WORD_BYTES;
        atomic_store(&s->begins, begins);
        uint64_t passed = atomic_load(&s->passed);
        if (passed >= begins || begins - passed < BEFORE)
                return CS_OK;
        do {
                before = p;
                st = cs_glibc_walk_span(&s->walker, &p, &s->run, err);
        } while (st == CS_OK && p != before && !atomic_load_explicit(&s->recalled, memory_order_relaxed));
        s->next = p;
        return st;
}

struct cs_glibc_scout *cs_glibc_scout_send(const struct cs_glibc_walker *walk, uint64_t first)
{
        const struct cs_heaps *heaps = walk->glibc->heaps;
        uint64_t end = walk->top > first && walk->top < walk->limit ? walk->top : walk->limit;
        struct cs_error ignored;
        if (!heaps->scouted || walk->glibc->image->kind != CS_IMAGE_CORE || end - first < heaps->scouted)
                return NULL;
        struct cs_glibc_scout *s = malloc(sizeof(*s));
        if (!s)
                return NULL;
        *s = (struct cs_glibc_scout){
                .glibc = *walk->glibc, .walker = *walk, .passed = first, .begins = UINT64_MAX
        };
        cs_view_init(&s->glibc.view, walk->glibc->image->source);
        memset(&s->glibc.caches, 0, sizeof(s->glibc.caches));
        s->walker.glibc = &s->glibc;
        s->walker.tells = &s->ignored;
        s->middle = (first + (end - first) / 2) & ~(uint64_t)(CS_BLOCK_UNIT - 1);
        s->walker.released = s->middle;
        /* This makes the bitmaps, too. */
        if (cs_blocks_open_run(&walk->glibc->heaps->blocks, 0, &s->run, &ignored) != CS_OK) {
                destroy(s);
                return NULL;
        }
        cs_beside_start(&s->beside, explore, s);
        return s;
}

uint64_t cs_glibc_scout_pass(struct cs_glibc_scout *s, uint64_t p)
{
        atomic_store(&s->passed, p);
        return atomic_load(&s->begins);
}

bool cs_glibc_scout_await(struct cs_glibc_scout *s, uint64_t p)
{
        struct cs_error ignored;
        bool follows = p == s->first; /* it was stored before the address that the walk has seen */
        if (!follows)
                atomic_store(&s->recalled, true);
        return cs_beside_wait(&s->beside, &ignored) == CS_OK && follows && s->next != s->first;
}

enum cs_status cs_glibc_scout_take(struct cs_glibc_scout *s, struct cs_glibc_walker *walk, uint64_t *p,
                                   struct cs_error *err)
{
        struct cs_blocks *blocks = &walk->glibc->heaps->blocks;
        struct cs_block_run room;
        enum cs_status st = cs_blocks_open_run(blocks, s->run.count, &room, err);
        if (st == CS_OK)
                st = cs_vec_append(&walk->glibc->caches, &s->glibc.caches, err);
        if (st == CS_OK) {
                walk->pending = s->walker.pending;
                walk->pending_size = s->walker.pending_size;
                walk->released = s->walker.released;
                cs_blocks_close_run(blocks, &s->run, walk->pending);
                *p = s->next;
        }
        destroy(s);
        return st;
}

void cs_glibc_scout_recall(struct cs_glibc_scout *s)
{
        struct cs_error ignored;
        if (!s)
                return;
        atomic_store(&s->recalled, true);
        (void)!cs_beside_wait(&s->beside, &ignored);
        if (s->next != s->first)
                cs_block_run_drop(&s->run, s->first, s->next);
        destroy(s);
}
