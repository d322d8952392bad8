/* SPDX-License-Identifier: Apache-2.0 */
/* The units of the graph, put together in their order. */
#include "graph_private.h"

#include <stdlib.h>

void cs_graph_unit_deinit(struct cs_graph_unit *unit)
{
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

enum cs_status cs_graph_merge(const struct cs_graph_unit *units, size_t n, struct cs_graph *out,
                              struct cs_error *err)
{
        for (size_t u = 0; u < n; u++) {
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
