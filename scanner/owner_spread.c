/* SPDX-License-Identifier: Apache-2.0 */
#include "owner_spread.h"

/* One vote's weight for a block with a single reference; a table's many children get a part each. */
enum { VOTE = 3000, DEGREE_FREE = 3, ROUNDS = 8, STEP_DOWN = 250, STEP_UP = 220, WHOLE = 255 };

/* The votes for a block that is not decided yet. Weighted majority in constant room (Boyer and Moore): the candidate's lead,
 * and all that was cast. */
struct ballot {
        uint16_t module; /* and one; 0: none */
        uint8_t certainty;
        uint32_t lead;
        uint32_t all;
};

struct spread {
        const struct cs_spread_input *in;
        struct cs_labels *labels;
        struct ballot *ballots;
        uint8_t *decided;
        cs_block_vec now;  /* blocks that were decided last */
        cs_block_vec next; /* that somebody voted for */
        struct cs_error *err;
};

static void spread_deinit(struct spread *s)
{
        free(s->ballots);
        free(s->decided);
        cs_vec_deinit(&s->now);
        cs_vec_deinit(&s->next);
}

static void cast(struct ballot *b, uint16_t module, uint8_t certainty, uint32_t weight)
{
        b->all += weight;
        if (b->module == module) {
                b->lead += weight;
                if (certainty > b->certainty)
                        b->certainty = certainty;
        } else if (b->lead >= weight && b->module) {
                b->lead -= weight;
        } else {
                b->lead = weight - b->lead;
                b->module = module;
                b->certainty = certainty;
        }
}

static bool in_use(const struct spread *s, uint32_t i)
{
        return cs_blocks_state(s->in->blocks, i) == CS_BLOCK_IN_USE;
}

/* What block i's label is worth to one of its `degree` neighbours. */
static uint32_t weight(const struct spread *s, uint32_t i, uint64_t degree)
{
        return (uint32_t)((uint64_t)s->labels->certainty[i] * VOTE / WHOLE / (DEGREE_FREE + degree)) + 1;
}

/* Votes of a decided block for what it refers to. */
static enum cs_status vote_down(struct spread *s, uint32_t i)
{
        const struct cs_graph *g = s->in->graph;
        uint64_t begin = cs_graph_begin(g, i), end = cs_graph_end(g, i);
        uint16_t module = s->labels->module[i];
        uint32_t w = weight(s, i, end - begin);
        if (!module)
                return CS_OK;
        for (uint64_t e = begin; e < end; e++) {
                uint32_t to = g->to[e];
                if (s->decided[to])
                        continue;
                if (!s->ballots[to].all) {
                        enum cs_status st = cs_vec_push(&s->next, to, s->err);
                        if (st != CS_OK)
                                return st;
                }
                cast(&s->ballots[to], module, s->labels->certainty[i], w);
        }
        return CS_OK;
}

static void decide(struct spread *s, uint32_t i, uint32_t step)
{
        struct ballot *b = &s->ballots[i];
        /* What the block says itself, though not surely. */
        if (s->labels->module[i])
                cast(b, s->labels->module[i], s->labels->certainty[i], weight(s, i, 0));
        uint32_t share = b->all ? (uint32_t)(128 + (uint64_t)b->lead * 127 / b->all) : 0;
        if (b->lead) {
                s->labels->module[i] = b->module;
                s->labels->certainty[i] = (uint8_t)(b->certainty * share / WHOLE * step / WHOLE);
        }
        s->decided[i] = s->labels->module[i] != 0;
        *b = (struct ballot){ 0 };
}

/* Decides what was voted for, and goes on from there, until nothing new is reached. */
static enum cs_status run_down(struct spread *s)
{
        enum cs_status st = CS_OK;
        while (st == CS_OK && s->next.n) {
                cs_block_vec swap = s->now;
                s->now = s->next;
                s->next = swap;
                s->next.n = 0;
                for (size_t i = 0; i < s->now.n; i++)
                        decide(s, s->now.at[i], STEP_DOWN);
                for (size_t i = 0; st == CS_OK && i < s->now.n; i++)
                        st = vote_down(s, s->now.at[i]);
        }
        return st;
}

/* The roots' votes. Memory that is not known in detail speaks only for what nothing better speaks for. */
static enum cs_status vote_roots(struct spread *s, bool modules)
{
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < s->in->graph->votes.n; i++) {
                const struct cs_root_vote *v = &s->in->graph->votes.at[i];
                if (s->decided[v->to] || (v->kind == CS_ROOT_MODULE) != modules)
                        continue;
                if (!s->ballots[v->to].all)
                        st = cs_vec_push(&s->next, v->to, s->err);
                cast(&s->ballots[v->to], (uint16_t)(v->module + 1), v->certainty,
                     (uint32_t)v->certainty * VOTE / WHOLE / DEGREE_FREE + 1);
        }
        return st;
}

/* Everything that is decided votes for what it refers to. */
static enum cs_status start_down(struct spread *s)
{
        uint32_t n = cs_blocks_indices(s->in->blocks);
        enum cs_status st = CS_OK;
        for (uint32_t i = 0; st == CS_OK && i < n; i++)
                if (s->decided[i])
                        st = vote_down(s, i);
        return st;
}

/* One step up: blocks that lead to decided ones. *learned counts them. */
static enum cs_status run_up(struct spread *s, size_t *learned)
{
        const struct cs_graph *g = s->in->graph;
        uint32_t n = cs_blocks_indices(s->in->blocks);
        enum cs_status st = CS_OK;
        s->next.n = 0;
        for (uint32_t i = 0; st == CS_OK && i < n; i++) {
                if (s->decided[i] || !in_use(s, i))
                        continue;
                struct ballot *b = &s->ballots[i];
                for (uint64_t e = cs_graph_begin(g, i); e < cs_graph_end(g, i); e++)
                        if (s->decided[g->to[e]])
                                cast(b, s->labels->module[g->to[e]], s->labels->certainty[g->to[e]],
                                     weight(s, g->to[e], 0));
                if (b->all)
                        st = cs_vec_push(&s->next, i, s->err);
        }
        *learned = s->next.n;
        for (size_t i = 0; i < s->next.n; i++)
                decide(s, s->next.at[i], STEP_UP);
        s->now.n = 0;
        cs_block_vec swap = s->now;
        s->now = s->next;
        s->next = swap;
        for (size_t i = 0; st == CS_OK && i < s->now.n; i++)
                st = vote_down(s, s->now.at[i]);
        return st == CS_OK ? run_down(s) : st;
}

static void decide_known(struct spread *s, unsigned least)
{
        uint32_t n = cs_blocks_indices(s->in->blocks);
        for (uint32_t i = 0; i < n; i++)
                s->decided[i] |= s->labels->module[i] && s->labels->certainty[i] >= least;
}

/* What nothing leads to or from: as the neighbour before it, which was often allocated together with it. */
static void ask_neighbours(struct spread *s)
{
        uint32_t n = cs_blocks_indices(s->in->blocks), last = CS_NO_BLOCK;
        for (uint32_t i = 0; i < n; i++) {
                if (!in_use(s, i))
                        continue;
                if (s->labels->module[i])
                        last = i;
                else if (last != CS_NO_BLOCK) {
                        s->labels->module[i] = s->labels->module[last];
                        s->labels->certainty[i] = (uint8_t)(s->labels->certainty[last] / 2);
                }
        }
}

enum cs_status cs_owner_spread(const struct cs_spread_input *in, struct cs_labels *labels,
                               struct cs_error *err)
{
        cs_cleanup(spread_deinit) struct spread s = { .in = in, .labels = labels, .err = err };
        uint32_t n = cs_blocks_indices(in->blocks);
        s.ballots = calloc((size_t)n + 1, sizeof(*s.ballots));
        s.decided = calloc((size_t)n + 1, 1);
        if (!s.ballots || !s.decided)
                return cs_fail(err, CS_ENOMEM, "votes for %u blocks", n);
        enum cs_status st;
        decide_known(&s, CS_SPREAD_SURE);
        if ((st = vote_roots(&s, true)) != CS_OK || (st = start_down(&s)) != CS_OK ||
            (st = run_down(&s)) != CS_OK)
                return st;
        decide_known(&s, 1);
        if ((st = vote_roots(&s, false)) != CS_OK || (st = start_down(&s)) != CS_OK ||
            (st = run_down(&s)) != CS_OK)
                return st;
        size_t learned = 1;
        for (int round = 0; st == CS_OK && learned && round < ROUNDS; round++)
                st = run_up(&s, &learned);
        if (st == CS_OK)
                ask_neighbours(&s);
        return st;
}
