/* SPDX-License-Identifier: Apache-2.0 */
#include "rings.h"

#include "pulse.h"

#include <stdlib.h>

enum { UNSEEN = 0 };

struct frame {
        uint32_t block;
        uint64_t at; /* the next of its references: bytes behind the first */
};

/* Tarjan's algorithm with a stack of our own: rings of millions of blocks must not grow the machine's. The tables have a
 * place for every block, but those of blocks that are not lost are never touched, and so cost no memory. */
struct tarjan {
        const struct cs_graph *graph;
        const struct cs_blocks *blocks;
        uint32_t *order;     /* 1, 2, … as blocks are first seen; UNSEEN */
        uint32_t *low;       /* lowest order that is reachable within the open part */
        uint32_t *component; /* 1, 2, … once it is known; 0 before */
        uint32_t components;
        uint32_t seen;
        cs_block_vec open; /* blocks whose component is not known yet */
        CS_VEC(struct frame) frames;
        struct cs_error *err;
};

static void tarjan_deinit(struct tarjan *t)
{
        free(t->order);
        free(t->low);
        free(t->component);
        cs_vec_deinit(&t->open);
        cs_vec_deinit(&t->frames);
}

static bool member(const struct tarjan *t, uint32_t i)
{
        return !(t->graph->marks[i] & CS_MARK_REACHED) && cs_blocks_state(t->blocks, i) == CS_BLOCK_IN_USE;
}

static enum cs_status enter(struct tarjan *t, uint32_t block)
{
        struct frame frame = { block, 0 };
        t->order[block] = t->low[block] = ++t->seen;
        enum cs_status st = cs_vec_push(&t->open, block, t->err);
        return st == CS_OK ? cs_vec_push(&t->frames, frame, t->err) : st;
}

static void close_component(struct tarjan *t, uint32_t root)
{
        uint32_t block;
        t->components++;
        do {
                block = t->open.at[--t->open.n];
                t->component[block] = t->components;
        } while (block != root);
}

/* Follows the next reference of the innermost block, or leaves it. */
static enum cs_status step(struct tarjan *t)
{
        struct frame *f = &t->frames.at[t->frames.n - 1];
        uint32_t block = f->block;
        struct cs_reference_walk walk = cs_references_of(&t->graph->references, block);
        const uint8_t *first = walk.at;
        uint32_t to;
        enum cs_aim aim;
        walk.at += f->at;
        if (cs_reference_next(&walk, &to, &aim)) {
                f->at = (uint64_t)(walk.at - first);
                if (!member(t, to))
                        return CS_OK;
                if (t->order[to] == UNSEEN)
                        return enter(t, to);
                if (!t->component[to] && t->order[to] < t->low[block])
                        t->low[block] = t->order[to];
                return CS_OK;
        }
        if (t->low[block] == t->order[block])
                close_component(t, block);
        t->frames.n--;
        if (t->frames.n) {
                uint32_t parent = t->frames.at[t->frames.n - 1].block;
                if (t->low[block] < t->low[parent])
                        t->low[parent] = t->low[block];
        }
        return CS_OK;
}

/* Picks for each component that nothing outside points into its most pointed-at block. */
static enum cs_status pick(struct tarjan *t, uint32_t n, cs_block_vec *out)
{
        uint32_t *best = calloc((size_t)t->components + 1, sizeof(*best)); /* block + 1; 0: none yet */
        uint8_t *entered = calloc((size_t)t->components + 1, 1);
        enum cs_status st = best && entered ? CS_OK : cs_fail(t->err, CS_ENOMEM, "rings");
        /* Orders are not needed any more: they become counts of references from the same component. */
        for (uint32_t i = 0; st == CS_OK && i < n; i++)
                if (member(t, i))
                        t->order[i] = 0;
        for (uint32_t i = 0; st == CS_OK && i < n; i++) {
                if (!member(t, i))
                        continue;
                struct cs_reference_walk walk = cs_references_of(&t->graph->references, i);
                uint32_t to;
                enum cs_aim aim;
                while (cs_reference_next(&walk, &to, &aim)) {
                        if (!member(t, to))
                                continue;
                        if (t->component[to] == t->component[i])
                                t->order[to]++;
                        else
                                entered[t->component[to]] = 1;
                }
        }
        for (uint32_t i = 0; st == CS_OK && i < n; i++) {
                uint32_t *b = member(t, i) ? &best[t->component[i]] : NULL;
                if (b && (!*b || t->order[i] > t->order[*b - 1]))
                        *b = i + 1;
        }
        for (uint32_t c = 1; st == CS_OK && c <= t->components; c++)
                if (!entered[c])
                        st = cs_vec_push(out, best[c] - 1, t->err);
        free(best);
        free(entered);
        return st;
}

enum cs_status cs_rings_heads(const struct cs_graph *graph, const struct cs_blocks *blocks, cs_block_vec *out,
                              struct cs_error *err)
{
        uint32_t n = cs_blocks_indices(blocks);
        cs_cleanup(tarjan_deinit) struct tarjan t = { .graph = graph, .blocks = blocks, .err = err };
        t.order = calloc((size_t)n + 1, sizeof(*t.order));
        t.low = calloc((size_t)n + 1, sizeof(*t.low));
        t.component = calloc((size_t)n + 1, sizeof(*t.component));
        if (!t.order || !t.low || !t.component)
                return cs_fail(err, CS_ENOMEM, "rings among %u blocks", n);
        enum cs_status st = CS_OK;
        for (uint32_t i = 0; st == CS_OK && i < n; i++) {
                if (!member(&t, i) || t.order[i] != UNSEEN)
                        continue;
                st = enter(&t, i);
                for (uint64_t steps = 1; st == CS_OK && t.frames.n; steps++)
                        if ((st = cs_pulse_at(steps, 0, err)) == CS_OK)
                                st = step(&t);
        }
        return st == CS_OK ? pick(&t, n, out) : st;
}
