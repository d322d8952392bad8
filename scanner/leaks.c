/* SPDX-License-Identifier: Apache-2.0 */
#include "leaks.h"

#include <stdlib.h>

struct walk {
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
        return cs_block_state(&w->blocks->blocks.at[i]) == CS_BLOCK_IN_USE;
}

/* Marks what `start` leads to and is not marked yet; calls `visit` on each but start itself. */
static enum cs_status spread(struct walk *w, uint32_t start, void (*visit)(struct walk *, uint32_t, void *),
                             void *arg)
{
        w->todo.n = 0;
        enum cs_status st = cs_vec_push(&w->todo, start, w->err);
        while (st == CS_OK && w->todo.n) {
                uint32_t i = w->todo.at[--w->todo.n];
                for (uint64_t e = w->graph->first[i]; st == CS_OK && e < w->graph->first[i + 1]; e++) {
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

static void visit_lost(struct walk *w, uint32_t i, void *arg)
{
        const struct cs_block *b = &w->blocks->blocks.at[i];
        struct cs_cluster_leak *head = arg, *own = &w->out->clusters[b->cluster];
        w->out->state[i] = CS_LEAK_INDIRECT;
        w->out->indirect.count++;
        w->out->indirect.bytes += cs_block_size(b);
        own->indirect++;
        own->bytes += cs_block_size(b);
        head->retained += cs_block_size(b);
}

static enum cs_status lose(struct walk *w, uint32_t i)
{
        const struct cs_block *b = &w->blocks->blocks.at[i];
        struct cs_cluster_leak *own = &w->out->clusters[b->cluster];
        w->reached[i] = 1;
        w->out->state[i] = CS_LEAK_DIRECT;
        w->out->direct.count++;
        w->out->direct.bytes += cs_block_size(b);
        own->direct++;
        own->bytes += cs_block_size(b);
        own->retained += cs_block_size(b);
        return spread(w, i, visit_lost, own);
}

static enum cs_status mark(struct walk *w)
{
        uint32_t n = (uint32_t)w->blocks->blocks.n;
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < w->graph->roots.n; i++) {
                if (w->reached[w->graph->roots.at[i]])
                        continue;
                w->reached[w->graph->roots.at[i]] = 1;
                st = spread(w, w->graph->roots.at[i], NULL, NULL);
        }
        /* Heads first: those that nothing refers to. What then is left lies in rings. */
        for (int rings = 0; rings < 2; rings++)
                for (uint32_t i = 0; st == CS_OK && i < n; i++)
                        if (in_use(w, i) && !w->reached[i] && (rings || !w->graph->referenced[i]))
                                st = lose(w, i);
        return st;
}

enum cs_status cs_leaks_find(const struct cs_blocks *blocks, const struct cs_clusters *clusters,
                             const struct cs_graph *graph, struct cs_leaks *out, struct cs_error *err)
{
        cs_cleanup(walk_deinit) struct walk w = { .blocks = blocks, .graph = graph, .out = out, .err = err };
        size_t n = blocks->blocks.n;
        out->state = calloc(n + 1, 1);
        out->clusters = calloc(clusters->at.n + 1, sizeof(*out->clusters));
        w.reached = calloc(n + 1, 1);
        if (!out->state || !out->clusters || !w.reached)
                return cs_fail(err, CS_ENOMEM, "marks of %zu blocks", n);
        for (uint32_t i = 0; i < n; i++)
                if (in_use(&w, i) && !graph->referenced[i])
                        out->clusters[blocks->blocks.at[i].cluster].unreferenced++;
        return mark(&w);
}

void cs_leaks_deinit(struct cs_leaks *leaks)
{
        free(leaks->state);
        free(leaks->clusters);
}
