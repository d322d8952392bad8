/* SPDX-License-Identifier: Apache-2.0 */
#include "rings.h"

#include "pulse.h"

#include <stdlib.h>

enum { UNSEEN = 0 };

struct frame {
        uint32_t block;
        uint64_t at; /* the next of its references: bytes behind the first */
};

/* Tarjan's algorithm with a stack of our own: rings of millions of blocks must not grow the machine's. Lost blocks are few, and may be
 * anywhere: they have numbers of their own, by which the tables are. */
struct tarjan {
        const struct cs_graph *graph;
        uint64_t *lost;      /* bits of the blocks that may be in rings */
        uint32_t *before;    /* by 64 blocks: how many of them lie before */
        uint32_t n;          /* of them */
        uint32_t *order;     /* by number: 1, 2, … as they are first seen; UNSEEN */
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
        free(t->lost);
        free(t->before);
        free(t->order);
        free(t->low);
        free(t->component);
        cs_vec_deinit(&t->open);
        cs_vec_deinit(&t->frames);
}

static bool member(const struct tarjan *t, uint32_t i)
{
        return t->lost[i / 64] >> (i % 64) & 1;
}

/* The number of a block that is a member. */
static uint32_t number(const struct tarjan *t, uint32_t i)
{
        return t->before[i / 64] + cs_popcount(t->lost[i / 64] & ((UINT64_C(1) << (i % 64)) - 1));
}

/* The first member from i on; n where there is none. */
static uint32_t next_member(const struct tarjan *t, uint32_t i, uint32_t n)
{
        for (uint64_t word = i / 64; i < n && word <= (n - 1) / 64; word++, i = 0) {
                uint64_t left = t->lost[word] & UINT64_MAX << (i % 64);
                if (left)
                        return (uint32_t)(word * 64) + (uint32_t)__builtin_ctzll(left);
        }
        return n;
}

static enum cs_status number_members(struct tarjan *t, const struct cs_blocks *blocks)
{
        uint32_t n = cs_blocks_indices(blocks);
        t->lost = calloc((size_t)n / 64 + 1, sizeof(*t->lost));
        t->before = calloc((size_t)n / 64 + 1, sizeof(*t->before));
        if (!t->lost || !t->before)
                return cs_fail(t->err, CS_ENOMEM, "rings among %u blocks", n);
        for (uint32_t word = 0; word < n / 64 + 1; word++) {
                uint32_t end = n - word * 64 < 64 ? n : word * 64 + 64;
                t->before[word] = t->n;
                uint32_t i = word * 64;
                while ((i = cs_lost_next(t->graph, blocks, i, end)) < end) {
                        t->lost[word] |= UINT64_C(1) << (i++ % 64);
                        t->n++;
                }
        }
        t->order = calloc((size_t)t->n + 1, sizeof(*t->order));
        t->low = calloc((size_t)t->n + 1, sizeof(*t->low));
        t->component = calloc((size_t)t->n + 1, sizeof(*t->component));
        return t->order && t->low && t->component ? CS_OK
                                                  : cs_fail(t->err, CS_ENOMEM, "rings among %u blocks", t->n);
}

static enum cs_status enter(struct tarjan *t, uint32_t block)
{
        struct frame frame = { block, 0 };
        uint32_t at = number(t, block);
        t->order[at] = t->low[at] = ++t->seen;
        enum cs_status st = cs_vec_push(&t->open, block, t->err);
        return st == CS_OK ? cs_vec_push(&t->frames, frame, t->err) : st;
}

static void close_component(struct tarjan *t, uint32_t root)
{
        uint32_t block;
        t->components++;
        do {
                block = t->open.at[--t->open.n];
                t->component[number(t, block)] = t->components;
        } while (block != root);
}

/* Follows the next reference of the innermost block, or leaves it. */
static enum cs_status step(struct tarjan *t)
{
        struct frame *f = &t->frames.at[t->frames.n - 1];
        uint32_t block = f->block, at = number(t, block);
        struct cs_reference_walk walk = cs_references_of(&t->graph->references, block);
        const uint8_t *first = walk.at;
        uint32_t to;
        enum cs_aim aim;
        walk.at += f->at;
        if (cs_reference_next(&walk, &to, &aim)) {
                f->at = (uint64_t)(walk.at - first);
                if (!member(t, to))
                        return CS_OK;
                uint32_t next = number(t, to);
                if (t->order[next] == UNSEEN)
                        return enter(t, to);
                if (!t->component[next] && t->order[next] < t->low[at])
                        t->low[at] = t->order[next];
                return CS_OK;
        }
        if (t->low[at] == t->order[at])
                close_component(t, block);
        t->frames.n--;
        if (t->frames.n) {
                uint32_t parent = number(t, t->frames.at[t->frames.n - 1].block);
                if (t->low[at] < t->low[parent])
                        t->low[parent] = t->low[at];
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
        for (uint32_t k = 0; st == CS_OK && k < t->n; k++)
                t->order[k] = 0;
        for (uint32_t i = next_member(t, 0, n), k = 0; st == CS_OK && i < n;
             i = next_member(t, i + 1, n), k++) {
                struct cs_reference_walk walk = cs_references_of(&t->graph->references, i);
                uint32_t to;
                enum cs_aim aim;
                while (cs_reference_next(&walk, &to, &aim)) {
                        if (!member(t, to))
                                continue;
                        uint32_t next = number(t, to);
                        if (t->component[next] == t->component[k])
                                t->order[next]++;
                        else
                                entered[t->component[next]] = 1;
                }
        }
        for (uint32_t i = next_member(t, 0, n), k = 0; st == CS_OK && i < n;
             i = next_member(t, i + 1, n), k++) {
                uint32_t *b = &best[t->component[k]];
                if (!*b || t->order[k] > t->order[number(t, *b - 1)])
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
        cs_cleanup(tarjan_deinit) struct tarjan t = { .graph = graph, .err = err };
        enum cs_status st = number_members(&t, blocks);
        for (uint32_t i = 0; st == CS_OK && (i = next_member(&t, i, n)) < n; i++) {
                if (t.order[number(&t, i)] != UNSEEN)
                        continue;
                st = enter(&t, i);
                for (uint64_t steps = 1; st == CS_OK && t.frames.n; steps++)
                        if ((st = cs_pulse_at(steps, 0, err)) == CS_OK)
                                st = step(&t);
        }
        return st == CS_OK ? pick(&t, n, out) : st;
}
