/* SPDX-License-Identifier: Apache-2.0 */
/* How long blocks take to be related: the graph of references, marking from the roots along it, leaks (the same, and what else
 * live memory names the lost by), and owners. First each by itself, then as corescan does it: the graph, and the other two side
 * by side. `relate_time CORE [WORKERS [RUNS]]` prints lines for each run: wall and CPU time for 10 million blocks, the highest
 * anonymous resident memory over that before, and the size of the arrays that are kept. */
#include "heaps.h"
#include "literals.h"
#include "members.h"
#include "regions.h"
#include "relate.h"
#include "runtimes.h"
#include "threads.h"
#include "work.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double seconds(clockid_t clock)
{
        struct timespec t;
        clock_gettime(clock, &t);
        return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Resident memory of no file. VmHWM would count the pages of the core that are mapped. */
static uint64_t anonymous(void)
{
        unsigned long size = 0, resident = 0, shared = 0;
        FILE *f = fopen("/proc/self/statm", "re");
        if (!f || fscanf(f, "%lu %lu %lu", &size, &resident, &shared) != 3)
                exit(1);
        fclose(f);
        return (uint64_t)(resident - shared) * CS_PAGE;
}

static _Atomic uint64_t peak;
static atomic_bool stopped;

static void *watch(void *unused)
{
        while (!stopped) {
                uint64_t now = anonymous();
                if (now > peak)
                        peak = now;
                usleep(2000);
        }
        return unused;
}

/* What one stage took. */
struct lap {
        double wall, cpu;
        uint64_t peak;
};

/* Ends a stage, and starts the next. */
static struct lap lap(uint64_t before)
{
        static double wall, cpu;
        double w = seconds(CLOCK_MONOTONIC), c = seconds(CLOCK_PROCESS_CPUTIME_ID);
        struct lap l = { w - wall, c - cpu, peak > before ? peak - before : 0 };
        wall = w;
        cpu = c;
        peak = 0;
        return l;
}

struct target {
        struct cs_image *image;
        struct cs_symbols *symbols;
        struct cs_space *space;
        struct cs_residency *residency;
        struct cs_claims claims;
        struct cs_heaps heaps;
        struct cs_regions regions;
        cs_slice_vec slices;
        struct cs_clusters clusters;
        struct cs_members members;
        struct cs_literals literals;
        unsigned workers;
};

/* All that comes before. */
static enum cs_status prepare(const char *path, struct target *t, struct cs_error *err)
{
        static const struct cs_image_options options;
        struct cs_blocks *blocks = &t->heaps.blocks;
        enum cs_status st;
        if ((st = cs_image_open_core(path, &options, &t->image, err)) != CS_OK ||
            (st = cs_residency_create(t->image, t->workers, &t->residency, err)) != CS_OK ||
            (st = cs_symbols_create(t->image, &options, &t->symbols, err)) != CS_OK ||
            (st = cs_space_create(t->image, t->symbols, &t->space, err)) != CS_OK)
                return st;
        cs_threads_locate(t->image, t->symbols);
        struct cs_regions_input regions = {
                t->image, t->symbols, &t->heaps, &t->claims, t->residency, false
        };
        struct cs_cluster_input sweep = { t->image,     t->symbols, t->space, blocks, &t->slices,
                                          t->residency, t->workers, NULL,     false };
        if ((st = cs_runtimes_find(t->image, t->symbols, &t->claims, err)) != CS_OK ||
            (st = cs_heaps_find(t->image, t->symbols, t->space, &t->claims, &t->heaps, err)) != CS_OK ||
            (st = cs_regions_build(&regions, &t->regions, err)) != CS_OK ||
            (st = cs_slices_plan(blocks, &t->slices, err)) != CS_OK ||
            (st = cs_clusters_build(&sweep, &t->clusters, err)) != CS_OK ||
            (st = cs_members_build(blocks, &t->clusters, &t->members, err)) != CS_OK)
                return st;
        return cs_literals_build(t->image, t->space, &t->literals, err);
}

static uint64_t graph_bytes(const struct cs_graph *g, uint32_t n, uint64_t *references)
{
        const struct cs_references *r = &g->references;
        *references = 0;
        for (uint32_t i = 0; i < n; i++)
                *references += cs_references_left(cs_references_of(r, i));
        return (n + (uint64_t)1) * (sizeof(*r->first) + sizeof(*g->marks)) +
               n / CS_REFERENCES_GROUP * sizeof(*r->base) + r->wide.n * sizeof(*r->wide.at) +
               cs_references_begin(r, n) + g->roots.n * sizeof(*g->roots.at) +
               g->edges.n * sizeof(*g->edges.at) + g->tables.n * sizeof(*g->tables.at) +
               g->votes.n * sizeof(*g->votes.at);
}

static void show(const char *name, struct lap l, uint64_t n, uint64_t kept)
{
        double ten_million = 1e7 / (double)n;
        printf("%-7s %.3f s wall, %.3f s CPU for 10 million blocks; keeps %.2f, peak %.2f bytes per block\n",
               name, l.wall * ten_million, l.cpu * ten_million, (double)kept / (double)n,
               (double)l.peak / (double)n);
}

struct results {
        struct cs_graph graph;
        struct cs_leaks leaks;
        struct cs_owners owners;
};

enum { GRAPH, MARKING, LEAKS, OWNERS, STAGES };

static void show_stages(const struct target *t, const struct results *r, const struct lap laps[STAGES],
                        bool together)
{
        static const char *const NAMES[STAGES] = { "graph", "marking", "leaks", "owners" };
        uint32_t n = cs_blocks_indices(&t->heaps.blocks);
        uint64_t references, clusters = t->clusters.at.n, sum = 0;
        uint64_t kept[STAGES] = {
                graph_bytes(&r->graph, n, &references), 0, clusters * sizeof(*r->leaks.clusters),
                (n + (uint64_t)1) * (sizeof(*r->owners.blocks.module) + sizeof(*r->owners.blocks.certainty)) +
                        clusters * sizeof(*r->owners.clusters)
        };
        struct lap all = { 0 };
        for (size_t i = 0; i < STAGES; i++) {
                if (!together)
                        show(NAMES[i], laps[i], n, kept[i]);
                sum += kept[i];
                all.wall += laps[i].wall;
                all.cpu += laps[i].cpu;
                all.peak = laps[i].peak > all.peak ? laps[i].peak : all.peak;
        }
        if (together)
                show("all", all, n, sum);
        else
                printf("        %.2f references per block, %zu edges, %zu clusters; %lu blocks are lost\n",
                       (double)references / (double)n, r->graph.edges.n, t->clusters.at.n,
                       (unsigned long)(r->leaks.direct.count + r->leaks.indirect.count));
}

/* From the roots, and no more; all marks are as before then. */
static enum cs_status mark_only(const struct cs_leaks_input *leaks, struct lap *marking, uint64_t before,
                                struct cs_error *err)
{
        struct cs_leaks_input here = *leaks;
        struct cs_leaks out = { 0 };
        here.memory = NULL;
        enum cs_status st = cs_leaks_find(&here, &out, err);
        *marking = lap(before);
        for (uint32_t i = 0; i < cs_blocks_indices(leaks->blocks); i++)
                leaks->graph->marks[i] &= (uint8_t) ~(CS_MARK_REACHED | CS_MARK_LEAK);
        cs_leaks_deinit(&out);
        (void)lap(before);
        return st;
}

static enum cs_status once(struct target *t, bool together, struct cs_error *err)
{
        struct cs_blocks *blocks = &t->heaps.blocks;
        struct cs_graph_input in = { t->image,   t->space,           &t->heaps,  &t->slices,   &t->clusters,
                                     t->workers, &t->regions.stacks, &t->claims, &t->literals, NULL,
                                     NULL };
        struct results r = { 0 };
        struct cs_leaks_input leaks = { blocks, &t->clusters, &r.graph, t->residency, &in, NULL };
        struct cs_owners_input owners = { t->image,    t->space, blocks,       &t->clusters,
                                          &t->members, &r.graph, &t->literals, NULL };
        struct lap laps[STAGES] = { 0 };
        malloc_trim(0);
        uint64_t before = anonymous();
        (void)lap(before);
        enum cs_status st = cs_graph_build(&in, &r.graph, err);
        laps[GRAPH] = lap(before);
        if (st == CS_OK && !together)
                st = mark_only(&leaks, &laps[MARKING], before, err);
        if (st == CS_OK)
                st = together ? cs_relate(&leaks, &r.leaks, &owners, &r.owners, t->workers, err)
                              : cs_leaks_find(&leaks, &r.leaks, err);
        laps[LEAKS] = lap(before);
        if (st == CS_OK && !together)
                st = cs_owners_find(&owners, &r.owners, err);
        laps[OWNERS] = lap(before);
        if (st == CS_OK)
                show_stages(t, &r, laps, together);
        cs_owners_deinit(&r.owners);
        cs_leaks_deinit(&r.leaks);
        cs_graph_deinit(&r.graph);
        return st;
}

static void finish(struct target *t)
{
        cs_literals_deinit(&t->literals);
        cs_members_deinit(&t->members);
        cs_clusters_deinit(&t->clusters);
        cs_vec_deinit(&t->slices);
        cs_regions_deinit(&t->regions);
        cs_heaps_deinit(&t->heaps);
        cs_claims_deinit(&t->claims);
        cs_residency_destroy(t->residency);
        cs_space_destroy(t->space);
        cs_symbols_destroy(t->symbols);
        cs_image_close(t->image);
}

int main(int argc, char **argv)
{
        int runs = argc > 3 ? atoi(argv[3]) : 3;
        struct target t = { .workers = argc > 2 ? (unsigned)atoi(argv[2]) : 2 };
        struct cs_error err = { 0 };
        pthread_t watcher;
        if (argc < 2 || t.workers == 0 || t.workers > CS_WORKERS_MAX)
                return 2;
        if (pthread_create(&watcher, NULL, watch, NULL) != 0)
                return 1;
        enum cs_status st = prepare(argv[1], &t, &err);
        if (st == CS_OK)
                printf("%u blocks in %zu slices, %u workers\n", cs_blocks_indices(&t.heaps.blocks),
                       t.slices.n, t.workers);
        while (st == CS_OK && runs-- > 0)
                if ((st = once(&t, false, &err)) == CS_OK)
                        st = once(&t, true, &err);
        if (st != CS_OK)
                fprintf(stderr, "%s: %s\n", argv[1], err.text);
        finish(&t);
        stopped = true;
        pthread_join(watcher, NULL);
        return st == CS_OK ? 0 : 1;
}
