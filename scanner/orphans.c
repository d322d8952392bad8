/* SPDX-License-Identifier: Apache-2.0 */
#include "orphans.h"

#include "blocks.h"

#include <stdlib.h>

enum {
        FEW = 8,        /* blocks: no kind */
        DOUBT = 120,    /* of 255: others are surer, unless neighbours all say the same (owner_spread.c) */
        BELIEVED = 200, /* of 255: a place of which nobody else has one */
};

/* What every module has without neighbours, as a share of theirs: blocks that were freed are handed out again anywhere. */
static const double ANYWHERE = 0.02;
/* A place counts so many times what neighbours say, divided by the number of sizes that the module asks for: of blocks of a
 * kind six in ten have a size that is a constant in their owner's code, and a few hundred sizes are in use in a process. */
static const double PLACE = 450;
/* What must speak for one module. Otherwise the neighbours had better be believed: measured on recorded programs. */
static const double CLEAR = 0.6;

struct orphan {
        uint32_t cluster, blocks; /* that are doubtful */
        uint64_t size;
};

typedef CS_VEC(struct orphan) orphan_vec;

static int by_number(const void *a, const void *b)
{
        const uint64_t *x = a, *y = b;
        return *x < *y ? -1 : *x > *y;
}

/* One size, or that and the next: what is left of a free chunk is not worth a chunk of its own. */
static bool of_one_size(const struct cs_cluster *c)
{
        return c->max_units - c->min_units <= 1 && c->min_units * CS_BLOCK_UNIT <= CS_SITES_UP_TO;
}

/* Blocks of one shape may be several modules': those of which another is sure are left alone. */
static bool is_doubtful(const struct cs_labels *labels, uint32_t block)
{
        return labels->certainty[block] < DOUBT;
}

static uint32_t doubtful_blocks(const struct cs_members *members, const struct cs_labels *labels,
                                uint32_t cluster)
{
        uint32_t n = 0;
        for (uint32_t m = members->first[cluster]; m < members->first[cluster + 1]; m++)
                n += is_doubtful(labels, members->block[m]);
        return n;
}

static enum cs_status find_orphans(const struct cs_orphans_input *in, const struct cs_labels *labels,
                                   orphan_vec *out, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (uint32_t c = 0; st == CS_OK && c < in->clusters->at.n; c++) {
                const struct cs_cluster *cluster = &in->clusters->at.at[c];
                struct orphan found = { c, 0, cluster->min_units * CS_BLOCK_UNIT };
                if (of_one_size(cluster))
                        found.blocks = doubtful_blocks(in->members, labels, c);
                if (found.blocks >= FEW)
                        st = cs_vec_push(out, found, err);
        }
        return st;
}

/* The sizes of the orphans, each once. */
static enum cs_status sizes_of(const orphan_vec *orphans, uint64_t **sizes, size_t *n, struct cs_error *err)
{
        uint64_t *all = calloc(orphans->n + 1, sizeof(*all));
        if (!all)
                return cs_fail(err, CS_ENOMEM, "sizes of %zu kinds of blocks", orphans->n);
        for (size_t i = 0; i < orphans->n; i++)
                all[i] = orphans->at[i].size;
        qsort(all, orphans->n, sizeof(*all), by_number);
        *n = 0;
        for (size_t i = 0; i < orphans->n; i++)
                if (!*n || all[*n - 1] != all[i])
                        all[(*n)++] = all[i];
        *sizes = all;
        return CS_OK;
}

/* What speaks for each module; shares has room for all. */
static void weigh(const struct cs_orphans_input *in, const struct cs_labels *labels, const struct orphan *o,
                  const struct cs_sites *sites, double *shares)
{
        uint32_t first = in->members->first[o->cluster], end = in->members->first[o->cluster + 1];
        size_t n = in->space->n_modules;
        for (size_t m = 0; m < n; m++)
                shares[m] = 0;
        for (uint32_t m = first; m < end; m++) {
                int32_t module = cs_label_module(labels, in->members->block[m]);
                if (is_doubtful(labels, in->members->block[m]) && module != CS_NO_MODULE &&
                    (size_t)module < n)
                        shares[module] += 1.0 / o->blocks;
        }
        for (uint32_t m = 0; m < n; m++) {
                const struct cs_site *site = cs_sites_at(sites, o->size, m);
                double place = site ? PLACE / site->variants : 1;
                if (in->space->modules[m].maker)
                        shares[m] = (shares[m] + ANYWHERE) * (place > 1 ? place : 1);
        }
}

static enum cs_status decide(const struct cs_orphans_input *in, struct cs_labels *labels,
                             const struct orphan *o, const struct cs_sites *sites, double *shares,
                             cs_orphan_vec *out, struct cs_error *err)
{
        uint32_t best = 0;
        double all = 0;
        weigh(in, labels, o, sites, shares);
        for (uint32_t m = 0; m < in->space->n_modules; m++) {
                all += shares[m];
                if (shares[m] > shares[best])
                        best = m;
        }
        const struct cs_site *site = cs_sites_at(sites, o->size, best);
        if (!site || shares[best] < all * CLEAR)
                return CS_OK;
        struct cs_orphan found = { o->cluster, best, site->addr, shares[best] / all };
        for (uint32_t m = in->members->first[o->cluster]; m < in->members->first[o->cluster + 1]; m++)
                if (is_doubtful(labels, in->members->block[m]))
                        cs_label_set(labels, in->members->block[m], best, (uint8_t)(BELIEVED * found.share));
        return cs_vec_push(out, found, err);
}

static void orphans_deinit(orphan_vec *orphans)
{
        cs_vec_deinit(orphans);
}

static void freep(void *p)
{
        free(*(void **)p);
}

enum cs_status cs_orphans_label(const struct cs_orphans_input *in, struct cs_labels *labels,
                                cs_orphan_vec *out, struct cs_error *err)
{
        cs_cleanup(orphans_deinit) orphan_vec orphans = { 0 };
        cs_cleanup(cs_sites_deinit) struct cs_sites sites = { 0 };
        cs_cleanup(freep) uint64_t *sizes = NULL;
        size_t n_sizes = 0;
        enum cs_status st = find_orphans(in, labels, &orphans, err);
        if (st != CS_OK || !orphans.n || (st = sizes_of(&orphans, &sizes, &n_sizes, err)) != CS_OK ||
            (st = cs_sites_find(in->image, in->space, sizes, n_sizes, &sites, err)) != CS_OK || !sites.at.n)
                return st;
        cs_cleanup(freep) double *shares = calloc(in->space->n_modules + 1, sizeof(*shares));
        if (!shares)
                return cs_fail(err, CS_ENOMEM, "%zu modules", in->space->n_modules);
        for (size_t i = 0; st == CS_OK && i < orphans.n; i++)
                st = decide(in, labels, &orphans.at[i], &sites, shares, out, err);
        return st;
}
