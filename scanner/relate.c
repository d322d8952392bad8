/* SPDX-License-Identifier: Apache-2.0 */
#include "relate.h"

#include "work.h"

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

static bool is_lost(const struct relation *r, uint32_t block)
{
        enum cs_leak leak = cs_leak_of(r->leaks_in->graph, block);
        return leak == CS_LEAK_DIRECT || leak == CS_LEAK_INDIRECT;
}

/* Whose the lost blocks of a cluster are: a majority's candidate in one pass (Boyer and Moore), its share in the next. */
static void name_lost(const struct relation *r, uint32_t cluster)
{
        const struct cs_members *members = r->owners_in->members;
        const struct cs_labels *labels = &r->owners->blocks;
        struct cs_owner *owner = &r->owners->clusters[cluster];
        uint32_t first = members->first[cluster], end = members->first[cluster + 1];
        uint16_t candidate = 0;
        uint64_t lead = 0, n = 0, sure = 0;
        for (uint32_t m = first; m < end; m++) {
                uint32_t i = members->block[m];
                if (!is_lost(r, i))
                        continue;
                n++;
                if (!lead)
                        candidate = labels->module[i];
                lead = labels->module[i] == candidate ? lead + 1 : lead - 1;
        }
        for (uint32_t m = first; candidate && m < end; m++) {
                uint32_t i = members->block[m];
                if (is_lost(r, i) && labels->module[i] == candidate)
                        sure += labels->certainty[i];
        }
        if (!candidate)
                return;
        owner->lost_module = (int32_t)candidate - 1;
        owner->lost_confidence = (double)sure / 255 / (double)n;
}

enum cs_status cs_relate(const struct cs_leaks_input *leaks_in, struct cs_leaks *leaks,
                         const struct cs_owners_input *owners_in, struct cs_owners *owners, unsigned workers,
                         struct cs_error *err)
{
        struct relation r = { leaks_in, leaks, owners_in, owners };
        enum cs_status st = workers > 1 ? find_beside(&r, err) : cs_leaks_find(leaks_in, leaks, err);
        if (workers <= 1 && st == CS_OK)
                st = cs_owners_find(owners_in, owners, err);
        for (uint32_t c = 0; st == CS_OK && c < leaks_in->clusters->at.n; c++)
                if (leaks->clusters[c].direct || leaks->clusters[c].indirect)
                        name_lost(&r, c);
        return st;
}
