/* SPDX-License-Identifier: Apache-2.0 */
#include "leaks.h"

#include "rings.h"

#include <stdlib.h>

struct walk {
        const struct cs_leaks_input *in;
        const struct cs_blocks *blocks;
        const struct cs_graph *graph;
        struct cs_leaks *out;
        uint8_t *reached;
        CS_VEC(uint32_t) todo;
        struct cs_error *err;
};

static void walk_deinit(struct walk *w)
{
        free(w->reached);
        cs_vec_deinit(&w->todo);
}

static bool in_use(const struct walk *w, uint32_t i)
{
        return cs_blocks_state(w->blocks, i) == CS_BLOCK_IN_USE;
}

/* Marks what `start` leads to and is not marked yet; calls `visit` on each but start itself. */
static enum cs_status spread(struct walk *w, uint32_t start, void (*visit)(struct walk *, uint32_t, void *),
                             void *arg)
{
        w->todo.n = 0;
        enum cs_status st = cs_vec_push(&w->todo, start, w->err);
        while (st == CS_OK && w->todo.n) {
                uint32_t i = w->todo.at[--w->todo.n];
                for (uint64_t e = cs_graph_begin(w->graph, i); st == CS_OK && e < cs_graph_end(w->graph, i);
                     e++) {
                        uint32_t to = w->graph->to[e];
                        if (w->reached[to])
                                continue;
                        w->reached[to] = 1;
                        if (visit)
                                visit(w, to, arg);
                        st = cs_vec_push(&w->todo, to, w->err);
                }
        }
        return st;
}

/* Enters a lost block into its own cluster's account, and into that of the cluster of the head it hangs on. */
static void count_lost(struct walk *w, uint32_t i, enum cs_leak how, struct cs_cluster_leak *head)
{
        struct cs_block block = cs_blocks_get(w->blocks, i), *b = &block;
        struct cs_cluster_leak *own = &w->out->clusters[b->cluster];
        struct cs_count_bytes *total = how == CS_LEAK_DIRECT ? &w->out->direct : &w->out->indirect;
        uint64_t resident = cs_residency_bytes(w->in->residency, cs_block_range(b));
        w->out->state[i] = (uint8_t)how;
        w->out->resident += resident;
        total->count++;
        total->bytes += cs_block_size(b);
        *(how == CS_LEAK_DIRECT ? &own->direct : &own->indirect) += 1;
        own->bytes += cs_block_size(b);
        head->retained += cs_block_size(b);
        head->retained_resident += resident;
}

static void visit_lost(struct walk *w, uint32_t i, void *head)
{
        count_lost(w, i, CS_LEAK_INDIRECT, head);
}

static enum cs_status lose(struct walk *w, uint32_t i)
{
        struct cs_cluster_leak *head = &w->out->clusters[cs_blocks_cluster(w->blocks, i)];
        w->reached[i] = 1;
        count_lost(w, i, CS_LEAK_DIRECT, head);
        return spread(w, i, visit_lost, head);
}

/* What hangs on no head lies in rings, or downstream of one. */
static enum cs_status lose_rings(struct walk *w)
{
        uint32_t n = cs_blocks_indices(w->blocks);
        uint8_t *member = calloc((size_t)n + 1, 1);
        cs_block_vec heads = { 0 };
        bool any = false;
        enum cs_status st = member ? CS_OK : cs_fail(w->err, CS_ENOMEM, "rings");
        for (uint32_t i = 0; st == CS_OK && i < n; i++)
                any |= member[i] = in_use(w, i) && !w->reached[i];
        if (any)
                st = cs_rings_heads(w->graph, member, n, &heads, w->err);
        for (size_t i = 0; st == CS_OK && i < heads.n; i++)
                st = lose(w, heads.at[i]);
        cs_vec_deinit(&heads);
        free(member);
        return st;
}

static enum cs_status mark(struct walk *w)
{
        uint32_t n = cs_blocks_indices(w->blocks);
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < w->graph->roots.n; i++) {
                if (w->reached[w->graph->roots.at[i]])
                        continue;
                w->reached[w->graph->roots.at[i]] = 1;
                st = spread(w, w->graph->roots.at[i], NULL, NULL);
        }
        for (uint32_t i = 0; st == CS_OK && i < n; i++)
                if (in_use(w, i) && !w->reached[i] && !w->graph->referenced[i])
                        st = lose(w, i);
        return st == CS_OK ? lose_rings(w) : st;
}

enum cs_status cs_leaks_find(const struct cs_leaks_input *in, struct cs_leaks *out, struct cs_error *err)
{
        cs_cleanup(walk_deinit) struct walk w = {
                .in = in, .blocks = in->blocks, .graph = in->graph, .out = out, .err = err
        };
        uint32_t n = cs_blocks_indices(in->blocks);
        out->state = calloc((size_t)n + 1, 1);
        out->clusters = calloc(in->clusters->at.n + 1, sizeof(*out->clusters));
        w.reached = calloc((size_t)n + 1, 1);
        if (!out->state || !out->clusters || !w.reached)
                return cs_fail(err, CS_ENOMEM, "marks of %u blocks", n);
        for (uint32_t i = 0; i < n; i++)
                if (in_use(&w, i) && !in->graph->referenced[i])
                        out->clusters[cs_blocks_cluster(in->blocks, i)].unreferenced++;
        return mark(&w);
}

void cs_leaks_deinit(struct cs_leaks *leaks)
{
        free(leaks->state);
        free(leaks->clusters);
}
