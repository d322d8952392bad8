/* SPDX-License-Identifier: Apache-2.0 */
/* The units of the graph, put together in their order. */
#include "graph_private.h"

#include "huge.h"
#include "pulse.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void cs_graph_unit_deinit(struct cs_graph_unit *unit)
{
        cs_vec_deinit(&unit->to);
        cs_vec_deinit(&unit->aims);
        cs_vec_deinit(&unit->degree);
        cs_vec_deinit(&unit->roots);
        cs_vec_deinit(&unit->votes);
        cs_vec_deinit(&unit->tables);
}

static int by_number(const void *a, const void *b)
{
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
        return x < y ? -1 : x > y;
}

size_t cs_graph_unique(uint32_t *at, size_t n)
{
        size_t kept = 0;
        if (n)
                qsort(at, n, sizeof(*at), by_number);
        for (size_t i = 0; i < n; i++)
                if (!kept || at[kept - 1] != at[i])
                        at[kept++] = at[i];
        return kept;
}

/* 64 blocks side by side with 2^32 references would be 32 GiB of nothing but pointers. */
static bool set_begin(struct cs_graph *graph, size_t block, uint64_t total)
{
        if (block % CS_GRAPH_GROUP == 0)
                graph->base[block / CS_GRAPH_GROUP] = total;
        uint64_t beyond = total - graph->base[block / CS_GRAPH_GROUP];
        graph->first[block] = (uint32_t)beyond;
        return beyond <= UINT32_MAX;
}

/* Behind the first `at` aims; what is behind the last one of `from` is zero. */
static void append_aims(uint64_t *aims, size_t at, const uint64_t *from, size_t n)
{
        unsigned shift = (unsigned)(at % CS_GRAPH_AIMS * 2);
        aims += at / CS_GRAPH_AIMS;
        for (size_t i = 0; i < n; i++) {
                aims[i] |= from[i] << shift;
                if (shift && from[i] >> (64 - shift))
                        aims[i + 1] |= from[i] >> (64 - shift);
        }
}

enum cs_status cs_graph_merge(struct cs_graph_unit *units, size_t slices, size_t n_units,
                              const struct cs_blocks *blocks, struct cs_graph *out, struct cs_error *err)
{
        size_t n = cs_blocks_indices(blocks), block = 0;
        uint64_t total = 0;
        bool fits = true;
        for (size_t u = 0; u < slices; u++)
                total += units[u].to.n;
        out->first = cs_huge_calloc(n + 1, sizeof(*out->first));
        out->base = calloc(n / CS_GRAPH_GROUP + 1, sizeof(*out->base));
        out->to = malloc((size_t)(total + 1) * sizeof(*out->to));
        out->aims = cs_huge_calloc((size_t)total / CS_GRAPH_AIMS + 1, sizeof(*out->aims));
        if (!out->aims || !out->first || !out->base || !out->to)
                return cs_fail(err, CS_ENOMEM, "graph of %" PRIu64 " references", total);
        cs_huge_ask(out->to, (size_t)total * sizeof(*out->to));
        total = 0;
        for (size_t u = 0; u < slices; u++) {
                struct cs_graph_unit *o = &units[u];
                enum cs_status st = cs_pulse(0, 0, err);
                if (st != CS_OK)
                        return st;
                for (size_t i = 0; i < o->degree.n; i++) {
                        fits &= set_begin(out, block++, total);
                        total += o->degree.at[i];
                }
                size_t at = (size_t)total - o->to.n;
                if (o->to.n)
                        memcpy(out->to + at, o->to.at, o->to.n * sizeof(*out->to));
                append_aims(out->aims, at, o->aims.at, o->aims.n);
                cs_vec_deinit(&o->aims);
                cs_vec_deinit(&o->to);
                cs_vec_deinit(&o->degree);
        }
        if (!set_begin(out, n, total) || !fits)
                return cs_fail(err, CS_ELIMIT, "more than 2^32 references from %d blocks", CS_GRAPH_GROUP);
        for (size_t u = 0; u < n_units; u++) {
                const struct cs_graph_unit *o = &units[u];
                enum cs_status st;
                if ((st = cs_vec_append(&out->tables, &o->tables, err)) != CS_OK ||
                    (st = cs_vec_append(&out->votes, &o->votes, err)) != CS_OK ||
                    (st = cs_vec_append(&out->roots, &o->roots, err)) != CS_OK)
                        return st;
        }
        for (size_t i = 0; i < out->roots.n; i++)
                out->marks[out->roots.at[i]] = CS_MARK_REFERENCED;
        out->roots.n = cs_graph_unique(out->roots.at, out->roots.n);
        return CS_OK;
}
