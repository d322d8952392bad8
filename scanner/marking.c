/* SPDX-License-Identifier: Apache-2.0 */
#include "marking.h"

#include "pulse.h"

/* A walk over a large heap is a string of cache misses, three for each block: its marks, where its references begin, and
 * these. Each is asked for early, and the block waits in a ring meanwhile. Where there is but one way to go on (a list)
 * nothing waits. */
struct spread {
        struct cs_marking *m;
        const struct cs_graph *graph;
        cs_marking_fn visit;
        void *context;
        struct cs_error *err;
};

void cs_marking_deinit(struct cs_marking *marking)
{
        cs_vec_deinit(&marking->todo);
}

static void ring_push(struct cs_marking_ring *r, uint32_t block)
{
        r->at[(r->first + r->n++) % CS_MARKING_RING] = block;
}

static uint32_t ring_pop(struct cs_marking_ring *r)
{
        uint32_t block = r->at[r->first];
        r->first = (r->first + 1) % CS_MARKING_RING;
        r->n--;
        return block;
}

static enum cs_status settle_target(struct spread *s)
{
        uint32_t to = ring_pop(&s->m->targets);
        uint8_t *marks = &s->m->graph->marks[to];
        if (*marks & s->m->mark)
                return CS_OK;
        *marks |= s->m->mark;
        if (s->visit)
                s->visit(s->context, to);
        return cs_vec_push(&s->m->todo, to, s->err);
}

static enum cs_status expand(struct spread *s)
{
        uint32_t block = ring_pop(&s->m->next);
        enum cs_status st = CS_OK;
        struct cs_reference_walk walk = cs_references_of(&s->graph->references, block);
        uint32_t to;
        enum cs_aim aim;
        while (st == CS_OK && cs_reference_next(&walk, &to, &aim)) {
                if (s->m->targets.n == CS_MARKING_RING)
                        st = settle_target(s);
                __builtin_prefetch(&s->graph->marks[to], 1);
                ring_push(&s->m->targets, to);
        }
        return st;
}

static void bring_next(struct spread *s)
{
        uint32_t block = ring_pop(&s->m->soon);
        __builtin_prefetch(cs_references_of(&s->graph->references, block).at);
        ring_push(&s->m->next, block);
}

static enum cs_status run(struct spread *s)
{
        struct cs_marking *m = s->m;
        enum cs_status st = CS_OK;
        for (uint64_t steps = 1; st == CS_OK && (st = cs_pulse_at(steps, 0, s->err)) == CS_OK; steps++) {
                if (m->todo.n && m->soon.n < CS_MARKING_RING) {
                        uint32_t block = m->todo.at[--m->todo.n];
                        cs_references_fetch(&s->graph->references, block);
                        ring_push(&m->soon, block);
                        continue;
                }
                if (m->next.n == CS_MARKING_RING || (!m->soon.n && m->next.n))
                        st = expand(s);
                else if (m->soon.n)
                        bring_next(s);
                else if (m->targets.n)
                        st = settle_target(s);
                else
                        break;
        }
        return st;
}

enum cs_status cs_marking_spread(struct cs_marking *marking, uint32_t start, cs_marking_fn visit,
                                 void *context, struct cs_error *err)
{
        struct spread s = { marking, marking->graph, visit, context, err };
        marking->todo.n = 0;
        enum cs_status st = cs_vec_push(&marking->todo, start, err);
        return st == CS_OK ? run(&s) : st;
}

enum cs_status cs_marking_spread_all(struct cs_marking *marking, const uint32_t *starts, size_t n,
                                     cs_marking_fn visit, void *context, struct cs_error *err)
{
        struct spread s = { marking, marking->graph, visit, context, err };
        enum cs_status st = CS_OK;
        marking->todo.n = 0;
        for (size_t i = 0; st == CS_OK && i < n; i++) {
                uint8_t *marks = &marking->graph->marks[starts[i]];
                if (visit && !(*marks & marking->mark))
                        visit(context, starts[i]);
                *marks |= marking->mark;
                st = cs_vec_push(&marking->todo, starts[i], err);
        }
        return st == CS_OK ? run(&s) : st;
}
