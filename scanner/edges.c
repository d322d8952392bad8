/* SPDX-License-Identifier: Apache-2.0 */
#include "edges.h"

#include "budget.h"
#include "cs_limits.h"
#include "pulse.h"
#include "roots.h"

#include <stdlib.h>

/* A key, from the lowest bit on: offset / 8 (all ones: anywhere), from, is it a root, to. */
enum {
        OFFSET_BITS = 20,
        ANYWHERE = (1 << OFFSET_BITS) - 1,
        FROM_BITS = 21, /* a cluster, or a root's kind and index */
        FROM = (1 << FROM_BITS) - 1,
        INDEX_BITS = 19,
        INDEX = (1 << INDEX_BITS) - 1,
        ROOT_AT = OFFSET_BITS + FROM_BITS,
        TO_AT = ROOT_AT + 1,
};

/* A table of a worker's is doubled when it is half full, and both are there meanwhile; all tables become one, which becomes a list. */
enum { EDGE_BYTES = 6 * sizeof(struct cs_tally_slot), EDGE_PERCENT = 6 };

void cs_edge_counts_deinit(struct cs_edge_counts *counts)
{
        cs_thin_deinit(&counts->counts);
        cs_tally_deinit(&counts->examples);
}

static uint64_t cap(uint32_t cluster)
{
        return cluster < CS_EDGE_CLUSTERS - 1 ? cluster : CS_EDGE_CLUSTERS - 1;
}

uint64_t cs_edge_from_cluster(uint32_t from, uint64_t offset)
{
        uint64_t slot = offset / 8 < ANYWHERE ? offset / 8 : (uint64_t)ANYWHERE;
        return cap(from) << OFFSET_BITS | slot;
}

/* Indices that have no room lose their identity, not their kind. */
uint64_t cs_edge_from_root(uint32_t root)
{
        uint32_t index = cs_root_index(root);
        uint64_t from =
                (uint64_t)cs_root_kind(root) << INDEX_BITS | (index < INDEX ? index : (uint32_t)INDEX);
        return UINT64_C(1) << ROOT_AT | from << OFFSET_BITS | ANYWHERE;
}

uint64_t cs_edge_to(uint64_t from, uint32_t cluster)
{
        return from | cap(cluster) << TO_AT;
}

static enum cs_status note_example(struct cs_tally *examples, uint64_t key, uint64_t example,
                                   struct cs_error *err)
{
        uint64_t *lowest;
        enum cs_status st = cs_tally_at(examples, key, example, &lowest, err);
        if (st == CS_OK && example < *lowest)
                *lowest = example;
        return st;
}

/* By the smaller of the two clusters: they are numbered by size, and each power of two is a rank, cut into sixteen by chance. */
static uint32_t rank(uint64_t key)
{
        enum { CHANCE_BITS = 4 };
        _Static_assert((FROM_BITS + 1) << CHANCE_BITS <= CS_THIN_RANKS, "all ranks have room");
        uint64_t to = key >> TO_AT, from = key >> ROOT_AT & 1 ? 0 : key >> OFFSET_BITS & FROM;
        uint64_t number = from > to ? from : to;
        uint32_t bits = number ? 64 - (uint32_t)__builtin_clzll(number) : 0;
        return bits << CHANCE_BITS | (uint32_t)(cs_mix(key) >> (64 - CHANCE_BITS));
}

static size_t most_kinds(void)
{
        return cs_budget_entries(CS_LIMIT_EDGES, EDGE_BYTES, EDGE_PERCENT);
}

static enum cs_status count_by(struct cs_edge_counts *counts, uint64_t key, uint64_t n, struct cs_error *err)
{
        return cs_thin_count(&counts->counts, key, n, rank, most_kinds(), err);
}

enum cs_status cs_edge_count(struct cs_edge_counts *counts, uint64_t key, uint64_t example,
                             struct cs_error *err)
{
        enum cs_status st = count_by(counts, key, 1, err);
        return st == CS_OK && example ? note_example(&counts->examples, key, example, err) : st;
}

enum cs_status cs_edge_count_anew(struct cs_edge_counts *counts, struct cs_edge_recent *place, uint64_t key,
                                  struct cs_error *err)
{
        enum cs_status st = place->n ? count_by(counts, place->key, place->n, err) : CS_OK;
        *place = (struct cs_edge_recent){ key, 1 };
        return st;
}

enum cs_status cs_edge_counts_settle(struct cs_edge_counts *counts, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < CS_EDGES_RECENT; i++) {
                struct cs_edge_recent *r = &counts->recent[i];
                if (r->n)
                        st = count_by(counts, r->key, r->n, err);
                r->n = 0;
        }
        return st;
}

enum cs_status cs_edge_counts_add(struct cs_edge_counts *into, const struct cs_edge_counts *from,
                                  struct cs_error *err)
{
        enum cs_status st = cs_thin_add(&into->counts, &from->counts, err);
        for (size_t i = 0; st == CS_OK && i < from->examples.cap; i++) {
                const struct cs_tally_slot *slot = &from->examples.slots[i];
                st = cs_pulse_at(i, 0, err);
                if (st == CS_OK && slot->used)
                        st = note_example(&into->examples, slot->key, slot->value, err);
        }
        return st;
}

static struct cs_edge unpack(const struct cs_edge_counts *counts, uint64_t key, uint64_t count)
{
        uint32_t from = (uint32_t)(key >> OFFSET_BITS) & FROM, slot = key & ANYWHERE;
        struct cs_edge e = { .to = (uint32_t)(key >> TO_AT),
                             .from_root = key >> ROOT_AT & 1,
                             .from = from,
                             .offset = slot == ANYWHERE ? (uint32_t)CS_EDGE_ANYWHERE : slot * 8,
                             .count = count };
        if (e.from_root) {
                e.from = cs_root((enum cs_root_kind)(from >> INDEX_BITS), from & INDEX);
                e.example = cs_tally_get(&counts->examples, key, 0);
        }
        return e;
}

static int by_destination(const void *a, const void *b)
{
        const struct cs_edge *x = a, *y = b;
        if (x->to != y->to)
                return x->to < y->to ? -1 : 1;
        if (x->count != y->count)
                return x->count > y->count ? -1 : 1;
        if (x->from_root != y->from_root)
                return x->from_root ? 1 : -1;
        if (x->from != y->from)
                return x->from < y->from ? -1 : 1;
        return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static uint32_t last_destination(const struct cs_tally *counts)
{
        uint64_t last = 0;
        for (size_t i = 0; i < counts->cap; i++)
                if (counts->slots[i].used && counts->slots[i].key >> TO_AT > last)
                        last = counts->slots[i].key >> TO_AT;
        return (uint32_t)last;
}

/* How many lead to each cluster becomes where those stand that do: those before them come first. */
static uint32_t *places(const struct cs_tally *counts, uint32_t last)
{
        uint32_t *first = calloc((size_t)last + 2, sizeof(*first));
        for (size_t i = 0; first && i < counts->cap; i++)
                if (counts->slots[i].used)
                        first[(counts->slots[i].key >> TO_AT) + 1]++;
        for (size_t c = 0; first && c < last; c++)
                first[c + 1] += first[c];
        return first;
}

enum cs_status cs_edges_list(struct cs_edge_counts *counts, cs_edge_vec *out, struct cs_error *err)
{
        enum cs_status st = cs_thin_settle(&counts->counts, rank, most_kinds(), err);
        const struct cs_tally *kinds = &counts->counts.counts;
        if (st == CS_OK)
                st = cs_vec_reserve(out, kinds->n, err);
        uint32_t last = last_destination(kinds);
        uint32_t *first = st == CS_OK ? places(kinds, last) : NULL;
        if (st == CS_OK && !first)
                st = cs_fail(err, CS_ENOMEM, "references between clusters");
        for (size_t i = 0; st == CS_OK && i < kinds->cap; i++) {
                const struct cs_tally_slot *slot = &kinds->slots[i];
                st = cs_pulse_at(i, 0, err);
                if (st == CS_OK && slot->used)
                        out->at[first[slot->key >> TO_AT]++] = unpack(counts, slot->key, slot->value);
        }
        /* first[c] is where those of c end now. */
        for (uint32_t c = 0, begin = 0; st == CS_OK && c <= last; begin = first[c++]) {
                if (first[c] - begin > 1)
                        qsort(out->at + begin, first[c] - begin, sizeof(*out->at), by_destination);
                st = cs_pulse_at(c, 0, err);
        }
        if (st == CS_OK)
                out->n = kinds->n;
        free(first);
        return st;
}
