/* SPDX-License-Identifier: Apache-2.0 */
#include "heaptypes.h"

#include <stdlib.h>

/* In how many types each module has functions. */
static uint32_t *count_modules(const struct cs_graph *graph, size_t modules)
{
        uint32_t *seen = calloc(modules + 1, sizeof(*seen));
        for (size_t t = 0; seen && t < graph->tables.n; t++)
                for (size_t m = 0; m < graph->tables.at[t].n; m++)
                        seen[graph->tables.at[t].modules[m]]++;
        return seen;
}

enum cs_status cs_heaptypes_find(const struct cs_graph *graph, uint32_t blocks, size_t modules,
                                 struct cs_heaptypes *out, struct cs_error *err)
{
        size_t n = graph->tables.n;
        uint32_t *seen = count_modules(graph, modules);
        out->is = calloc((size_t)blocks / 64 + 1, sizeof(*out->is));
        out->block = calloc(n + 1, sizeof(*out->block));
        out->module = calloc(n + 1, sizeof(*out->module));
        if (!seen || !out->is || !out->block || !out->module) {
                free(seen);
                return cs_fail(err, CS_ENOMEM, "types in the heap");
        }
        for (size_t t = 0; t < n; t++) {
                const struct cs_graph_table *table = &graph->tables.at[t];
                uint16_t best = table->modules[0];
                for (size_t m = 1; m < table->n; m++)
                        if (seen[table->modules[m]] < seen[best])
                                best = table->modules[m];
                out->is[table->block / 64] |= UINT64_C(1) << (table->block % 64);
                out->block[out->n] = table->block;
                out->module[out->n++] = best;
        }
        free(seen);
        return CS_OK;
}

void cs_heaptypes_deinit(struct cs_heaptypes *types)
{
        free(types->is);
        free(types->block);
        free(types->module);
        *types = (struct cs_heaptypes){ 0 };
}

int32_t cs_heaptypes_module(const struct cs_heaptypes *types, uint32_t block)
{
        size_t lo = 0, hi = types->n;
        if (!(types->is[block / 64] >> (block % 64) & 1))
                return CS_NO_MODULE;
        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;
                if (types->block[mid] < block)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        return lo < types->n && types->block[lo] == block ? types->module[lo] : CS_NO_MODULE;
}
