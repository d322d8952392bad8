/* SPDX-License-Identifier: Apache-2.0 */
#include "relate.h"

#include "work.h"

#include <stdlib.h>

struct relation {
        const struct cs_leaks_input *leaks_in;
        struct cs_leaks *leaks;
        const struct cs_owners_input *owners_in;
        struct cs_owners *owners;
};

static enum cs_status find_owners(void *relation, struct cs_error *err)
{
        struct relation *r = relation;
        return cs_owners_find(r->owners_in, r->owners, err);
}

/* Of the graph that both have, one writes the marks, and the other takes over what blocks say of themselves. */
static enum cs_status find_beside(struct relation *r, struct cs_error *err)
{
        struct cs_beside owners = { 0 };
        struct cs_leaks_input leaks = *r->leaks_in;
        struct cs_error other = { 0 };
        leaks.busy = &owners;
        cs_beside_start(&owners, find_owners, r);
        enum cs_status st = cs_leaks_find(&leaks, r->leaks, err);
        enum cs_status found = cs_beside_wait(&owners, &other);
        if (st != CS_OK || found == CS_OK)
                return st;
        if (err)
                *err = other;
        return found;
}

/* Whose the lost blocks of a cluster are, as far as they were looked at. */
struct majority {
        uint64_t n, lead;
        uint64_t sure; /* sum of certainties */
        uint16_t candidate;
};

/* The first lost block from i on; n where there is none. */
static uint32_t next_lost(const struct cs_graph *graph, uint32_t i, uint32_t n)
{
        for (; (i = cs_graph_next(graph, CS_MARK_LEAK, 0, i, n)) < n; i++)
                if (cs_leak_of(graph, i) != CS_LEAK_POSSIBLE)
                        break;
        return i;
}

/* Whose the lost blocks of each cluster are: a majority's candidate in one pass (Boyer and Moore), its share in the next. */
static enum cs_status name_lost(const struct relation *r, struct cs_error *err)
{
        const struct cs_graph *graph = r->leaks_in->graph;
        const struct cs_labels *labels = &r->owners->blocks;
        size_t clusters = r->leaks_in->clusters->at.n;
        uint32_t n = cs_blocks_indices(r->leaks_in->blocks);
        struct majority *all = calloc(clusters + 1, sizeof(*all));
        if (!all)
                return cs_fail(err, CS_ENOMEM, "owners of %zu clusters", clusters);
        for (uint32_t i = next_lost(graph, 0, n); i < n; i = next_lost(graph, i + 1, n)) {
                struct majority *m = &all[cs_blocks_cluster(r->leaks_in->blocks, i)];
                m->n++;
                if (!m->lead)
                        m->candidate = labels->module[i];
                m->lead = labels->module[i] == m->candidate ? m->lead + 1 : m->lead - 1;
        }
        for (uint32_t i = next_lost(graph, 0, n); i < n; i = next_lost(graph, i + 1, n)) {
                struct majority *m = &all[cs_blocks_cluster(r->leaks_in->blocks, i)];
                if (labels->module[i] == m->candidate)
                        m->sure += labels->certainty[i];
        }
        for (size_t c = 0; c < clusters; c++) {
                if (!all[c].candidate)
                        continue;
                r->owners->clusters[c].lost_module = (int32_t)all[c].candidate - 1;
                r->owners->clusters[c].lost_confidence = (double)all[c].sure / 255 / (double)all[c].n;
        }
        free(all);
        return CS_OK;
}

enum cs_status cs_relate(const struct cs_leaks_input *leaks_in, struct cs_leaks *leaks,
                         const struct cs_owners_input *owners_in, struct cs_owners *owners, unsigned workers,
                         struct cs_error *err)
{
        struct relation r = { leaks_in, leaks, owners_in, owners };
        enum cs_status st = workers > 1 ? find_beside(&r, err) : cs_leaks_find(leaks_in, leaks, err);
        if (workers <= 1 && st == CS_OK)
                st = cs_owners_find(owners_in, owners, err);
        bool any = leaks->direct.count || leaks->indirect.count;
        return st == CS_OK && any ? name_lost(&r, err) : st;
}
