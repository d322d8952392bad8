/* SPDX-License-Identifier: Apache-2.0 */
#include "leaks.h"

#include "marking.h"
#include "rings.h"
#include "traces.h"

#include <stdlib.h>

enum { STARTS = 1 << 12 }; /* roots that are marked from together: their stack stays small */

struct walk {
        const struct cs_leaks_input *in;
        const struct cs_blocks *blocks;
        struct cs_graph *graph;
        struct cs_leaks *out;
        struct cs_marking marking;
        struct cs_traces traces;
        cs_block_vec traced; /* possibly lost, and naming others in their turn */
        enum cs_status st;   /* of what happens in a visit */
        struct cs_error *err;
};

/* The head whose losses are being counted. */
struct head {
        struct walk *walk;
        struct cs_cluster_leak *cluster;
        bool stale;
};

static void walk_deinit(struct walk *w)
{
        cs_marking_deinit(&w->marking);
        cs_traces_deinit(&w->traces);
        cs_vec_deinit(&w->traced);
}

/* In use, and so far nothing leads to it. */
static bool lost(const struct walk *w, uint32_t i)
{
        return !(w->graph->marks[i] & CS_MARK_REACHED) && cs_blocks_state(w->blocks, i) == CS_BLOCK_IN_USE;
}

static void set_leak(struct walk *w, uint32_t i, enum cs_leak how)
{
        w->graph->marks[i] = (uint8_t)(w->graph->marks[i] | how << CS_MARK_LEAK_SHIFT);
}

static void add(struct cs_count_bytes *sum, const struct cs_block *b)
{
        sum->count++;
        sum->bytes += cs_block_size(b);
}

/* Enters a lost block into its own cluster's account, and into that of the cluster of the head it hangs on. */
static void count_lost(struct head *h, uint32_t i, enum cs_leak how)
{
        struct walk *w = h->walk;
        struct cs_block b = cs_blocks_get(w->blocks, i);
        struct cs_cluster_leak *own = &w->out->clusters[b.cluster];
        uint64_t resident = cs_residency_bytes(w->in->residency, cs_block_range(&b));
        set_leak(w, i, how);
        w->out->resident += resident;
        add(how == CS_LEAK_DIRECT ? &w->out->direct : &w->out->indirect, &b);
        *(how == CS_LEAK_DIRECT ? &own->direct : &own->indirect) += 1;
        own->bytes += cs_block_size(&b);
        if (h->stale) {
                own->stale++;
                add(&w->out->stale, &b);
        }
        h->cluster->retained += cs_block_size(&b);
        h->cluster->retained_resident += resident;
}

static void visit_lost(void *head, uint32_t i)
{
        count_lost(head, i, CS_LEAK_INDIRECT);
}

static enum cs_status lose(struct walk *w, uint32_t i)
{
        uint8_t *marks = &w->graph->marks[i];
        struct head head = { w, &w->out->clusters[cs_blocks_cluster(w->blocks, i)], *marks & CS_MARK_STALE };
        *marks |= CS_MARK_REACHED;
        count_lost(&head, i, CS_LEAK_DIRECT);
        return cs_marking_spread(&w->marking, i, visit_lost, &head, w->err);
}

/* What hangs on no head lies in rings, or downstream of one. */
static enum cs_status lose_rings(struct walk *w)
{
        cs_block_vec heads = { 0 };
        enum cs_status st = cs_rings_heads(w->graph, w->blocks, &heads, w->err);
        for (size_t i = 0; st == CS_OK && i < heads.n; i++)
                st = lose(w, heads.at[i]);
        cs_vec_deinit(&heads);
        return st;
}

/* ---- what may not be lost ---------------------------------------------------------------------------------------- */

static void visit_possible(void *walk, uint32_t i)
{
        struct walk *w = walk;
        struct cs_block b = cs_blocks_get(w->blocks, i);
        set_leak(w, i, CS_LEAK_POSSIBLE);
        add(&w->out->possible, &b);
        w->out->clusters[b.cluster].possible++;
        if (w->st == CS_OK && cs_traces_from(&w->traces, i) < w->traces.at.n)
                w->st = cs_vec_push(&w->traced, i, w->err);
}

/* Marks what live memory names in some other way than by a pointer, and what hangs on that. */
static enum cs_status follow_trace(struct walk *w, const struct cs_trace *t)
{
        if (!lost(w, t->to))
                return CS_OK;
        enum cs_status st = cs_marking_spread_all(&w->marking, &t->to, 1, visit_possible, w, w->err);
        return st == CS_OK ? w->st : st;
}

static enum cs_status follow_traces(struct walk *w)
{
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < w->traces.at.n; i++) {
                const struct cs_trace *t = &w->traces.at.at[i];
                if (t->from == CS_NO_BLOCK || !lost(w, t->from))
                        st = follow_trace(w, t);
                while (st == CS_OK && w->traced.n) {
                        uint32_t from = w->traced.at[--w->traced.n];
                        size_t k = cs_traces_from(&w->traces, from);
                        for (; st == CS_OK && k < w->traces.at.n && w->traces.at.at[k].from == from; k++)
                                st = follow_trace(w, &w->traces.at.at[k]);
                }
        }
        return st;
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

static enum cs_status mark_from_roots(struct walk *w)
{
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < w->graph->roots.n; i += STARTS) {
                size_t n = w->graph->roots.n - i < STARTS ? w->graph->roots.n - i : STARTS;
                st = cs_marking_spread_all(&w->marking, w->graph->roots.at + i, n, NULL, NULL, w->err);
        }
        return st;
}

static enum cs_status lose_all(struct walk *w)
{
        uint32_t n = cs_blocks_indices(w->blocks);
        enum cs_status st = CS_OK;
        for (uint32_t i = cs_lost_next(w->graph, w->blocks, 0, n); st == CS_OK && i < n;
             i = cs_lost_next(w->graph, w->blocks, i + 1, n))
                if (!(w->graph->marks[i] & CS_MARK_REFERENCED))
                        st = lose(w, i);
        return st == CS_OK && cs_lost_next(w->graph, w->blocks, 0, n) < n ? lose_rings(w) : st;
}

/* Counts what nothing points to; is anything lost at all? */
static bool count_unreferenced(struct walk *w)
{
        uint32_t n = cs_blocks_indices(w->blocks), first = cs_lost_next(w->graph, w->blocks, 0, n);
        for (uint32_t i = first; i < n; i = cs_lost_next(w->graph, w->blocks, i + 1, n))
                if (!(w->graph->marks[i] & CS_MARK_REFERENCED))
                        w->out->clusters[cs_blocks_cluster(w->blocks, i)].unreferenced++;
        return first < n;
}

enum cs_status cs_leaks_find(const struct cs_leaks_input *in, struct cs_leaks *out, struct cs_error *err)
{
        cs_cleanup(walk_deinit) struct walk w = {
                .in = in, .blocks = in->blocks, .graph = in->graph, .out = out, .err = err
        };
        w.marking = (struct cs_marking){ .graph = in->graph, .mark = CS_MARK_REACHED };
        out->clusters = calloc(in->clusters->at.n + 1, sizeof(*out->clusters));
        if (!out->clusters)
                return cs_fail(err, CS_ENOMEM, "leaks of %zu clusters", in->clusters->at.n);
        enum cs_status st = mark_from_roots(&w);
        if (st != CS_OK || !count_unreferenced(&w))
                return st;
        if (in->memory && (st = cs_traces_find(in->memory, in->graph, in->busy, &w.traces, err)) == CS_OK)
                st = follow_traces(&w);
        out->limited = w.traces.limited;
        return st == CS_OK ? lose_all(&w) : st;
}

void cs_leaks_deinit(struct cs_leaks *leaks)
{
        free(leaks->clusters);
}
