/* SPDX-License-Identifier: Apache-2.0 */
#include "analyse.h"

#include "accounts.h"
#include "budget.h"
#include "bytes.h"
#include "case.h"
#include "census.h"
#include "consistency.h"
#include "contents.h"
#include "cs_limits.h"
#include "describe.h"
#include "digest.h"
#include "heapreport.h"
#include "imports.h"
#include "leakreport.h"
#include "libraryreport.h"
#include "live.h"
#include "loose.h"
#include "ourmemory.h"
#include "pulse.h"
#include "relate.h"
#include "texts.h"
#include "texttable.h"
#include "threads.h"
#include "verdict.h"
#include "work.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { WARNINGS_MAX = 64, GIVEN_UP_MOST = 8 };

/* What was finished before somebody asked for the end. */
enum { HAVE_CENSUS = 1, HAVE_RELATED = 2, HAVE_REPEATS = 4 };

/* Everything between image and report; freed at the end, for the report stands alone. */
struct analysis {
        struct cs_image *image;
        const struct cs_analyse_options *options;
        unsigned workers;
        struct cs_symbols *symbols;
        struct cs_space *space;
        struct cs_residency *residency;
        struct cs_claims claims;
        struct cs_heaps heaps;
        struct cs_census census;
        struct cs_regions regions;
        struct cs_regions searched; /* as known before the heaps are */
        cs_slice_vec slices;
        struct cs_clusters clusters;
        struct cs_members members;
        struct cs_literals literals;
        struct cs_frames frames;
        struct cs_unloaded unloaded;
        struct cs_graph graph;
        struct cs_leaks leaks;
        struct cs_owners owners;
        struct cs_repeats repeats;
        struct cs_twins twins;
        struct cs_consistency before;
        struct cs_digest *digest;
        struct cs_report *report;
        bool related;           /* clusters and owners are known, or were begun to be looked for */
        unsigned have;          /* HAVE_… */
        const char *stage;      /* what is being done */
        const char *stopped_at; /* the stage that was not finished, for somebody asked for the end; or NULL */
        const char *given_up[GIVEN_UP_MOST]; /* stages for which there was no memory */
        size_t n_given_up;
        const char *unrelated;  /* the one of these that left clusters and owners unknown; or NULL */
        uint64_t stage_bytes;   /* of memory that it is about, or 0 */
        uint64_t pulse;         /* the last one, to know when counting begins anew, */
        unsigned part;          /* which makes another part of the stage */
        uint64_t hits_told;     /* to those who take them as they come */
        uint64_t hits_left_out; /* not told, for a limit */
        int64_t began;          /* the report's time_ms */
};

static void analysis_deinit(struct analysis *a)
{
        cs_digest_destroy(a->digest);
        cs_twins_deinit(&a->twins);
        cs_repeats_deinit(&a->repeats);
        cs_owners_deinit(&a->owners);
        cs_leaks_deinit(&a->leaks);
        cs_graph_deinit(&a->graph);
        cs_literals_deinit(&a->literals);
        cs_frames_deinit(&a->frames);
        cs_unloaded_deinit(&a->unloaded);
        cs_members_deinit(&a->members);
        cs_clusters_deinit(&a->clusters);
        cs_vec_deinit(&a->slices);
        cs_census_deinit(&a->census);
        cs_regions_deinit(&a->searched);
        cs_regions_deinit(&a->regions);
        cs_heaps_deinit(&a->heaps);
        cs_claims_deinit(&a->claims);
        cs_residency_destroy(a->residency);
        cs_space_destroy(a->space);
        cs_symbols_destroy(a->symbols);
        cs_report_destroy(a->report);
}

static void show(const struct analysis *a, const char *name, uint64_t done, uint64_t total)
{
        if (a->options->progress)
                a->options->progress(a->options->progress_context, name, done, total);
}

static void on_pulse(void *context, uint64_t done, uint64_t total)
{
        struct analysis *a = context;
        char name[64];
        if (done < a->pulse)
                a->part++;
        a->pulse = done;
        (void)snprintf(name, sizeof(name), a->part > 1 ? "%s, part %u" : "%s", a->stage, a->part);
        if (total && a->stage_bytes)
                show(a, name, (uint64_t)((double)a->stage_bytes * (double)done / (double)total),
                     a->stage_bytes);
        else
                show(a, name, total ? 0 : done, 0);
}

/* From here on this is done, with so many bytes; its progress is what work and sources tell. */
static void stage(struct analysis *a, const char *name, uint64_t bytes)
{
        if (cs_stop_asked()) /* what is going on is what is not finished */
                return;
        a->stage = name;
        a->stage_bytes = bytes;
        a->pulse = 0;
        a->part = 1;
        cs_pulse_watch(a->options->progress ? on_pulse : NULL, a);
        show(a, name, 0, 0);
}

/* The same of a stage that tells its progress itself. */
static void counted_stage(struct analysis *a, const char *name)
{
        stage(a, name, 0);
        cs_pulse_watch(NULL, NULL);
}

/* How a part ended; it is there where nothing failed, and nobody asked for the end meanwhile. */
static enum cs_status ended(struct analysis *a, unsigned part, enum cs_status st)
{
        if (st == CS_OK && !cs_stop_asked())
                a->have |= part;
        return st;
}

static uint64_t heap_bytes(const struct analysis *a)
{
        uint64_t sum = 0;
        for (size_t i = 0; i < a->heaps.blocks.ranges.n; i++)
                sum += cs_range_size(a->heaps.blocks.ranges.at[i].range);
        return sum;
}

static enum cs_status look_at_pages(struct analysis *a, unsigned workers, struct cs_error *err)
{
        uint64_t total = 0;
        for (size_t i = 0; i < a->image->mappings.n; i++)
                if (a->image->mappings.at[i].dumped)
                        total += cs_range_size(a->image->mappings.at[i].range);
        stage(a, "looking at pages", total);
        enum cs_status st = cs_residency_create(a->image, workers, &a->residency, err);
        if (st == CS_OK)
                cs_consistency_begin(a->image, a->residency, &a->before);
        return st;
}

static enum cs_status end_census(struct analysis *a, struct cs_error *err)
{
        return ended(a, HAVE_CENSUS, cs_census_end(&a->census, a->residency, &a->regions, err));
}

/* A living process is read by one thing at a time, and its pages first, before they change. */
static enum cs_status read_memory(struct analysis *a, struct cs_error *err)
{
        /* Who searches, as others do, has all of a core mapped at once, if it is small for this machine. */
        a->image->source->keeps = a->options->search && a->image->file_len <= cs_ourmemory_half();
        bool beside = a->workers > 1 && a->image->kind == CS_IMAGE_CORE;
        enum cs_status st = beside ? CS_OK : look_at_pages(a, a->workers, err);
        if (st != CS_OK)
                return st;
        stage(a, "reading symbols", 0);
        if ((st = cs_symbols_create(a->image, &a->options->image, &a->symbols, err)) != CS_OK ||
            (st = cs_space_create(a->image, a->symbols, &a->space, err)) != CS_OK)
                return st;
        cs_threads_locate(a->image, a->symbols);
        stage(a, "walking heaps", 0);
        a->census = (struct cs_census){ .image = a->image,
                                        .symbols = a->symbols,
                                        .space = a->space,
                                        .claims = &a->claims,
                                        .heaps = &a->heaps };
        if ((st = cs_census_begin(&a->census, beside, err)) != CS_OK ||
            (beside && (st = look_at_pages(a, a->workers - 1, err)) != CS_OK))
                return st;
        if (a->options->search)
                return cs_census_plan(&a->census, a->residency, &a->searched, err);
        stage(a, "walking heaps", 0);
        return end_census(a, err);
}

/* Once: for the report, or because something was found in a block. */
static enum cs_status relate(void *context, struct cs_error *err)
{
        struct analysis *a = context;
        struct cs_blocks *blocks = &a->heaps.blocks;
        if (a->related)
                return CS_OK;
        a->related = true;
        enum cs_status st = cs_pulse(0, 0, err);
        if (st != CS_OK || (st = cs_slices_plan(blocks, &a->slices, err)) != CS_OK)
                return st;
        stage(a, "comparing blocks", heap_bytes(a));
        struct cs_cluster_input sweep = { a->image,   a->symbols,   a->space,  blocks,
                                          &a->slices, a->residency, a->workers };
        if ((st = cs_clusters_build(&sweep, &a->clusters, err)) != CS_OK ||
            (st = cs_members_build(blocks, &a->clusters, &a->members, err)) != CS_OK)
                return st;
        stage(a, "following pointers", heap_bytes(a));
        struct cs_graph_input graph = { a->image,     a->space,   &a->heaps,          &a->slices,
                                        &a->clusters, a->workers, &a->regions.stacks, &a->claims,
                                        &a->literals, &a->frames };
        struct cs_leaks_input leaks = { blocks, &a->clusters, &a->graph, a->residency, &graph };
        if ((st = cs_literals_build(a->image, a->space, &a->literals, err)) != CS_OK ||
            (st = cs_frames_find(a->image, a->space, &a->frames, err)) != CS_OK ||
            (st = cs_graph_build(&graph, &a->graph, err)) != CS_OK)
                return st;
        stage(a, "naming owners", heap_bytes(a));
        struct cs_owners_input owners = { a->image,    a->space,  blocks,       &a->clusters,
                                          &a->members, &a->graph, &a->literals, &a->unloaded };
        struct cs_unloaded_input gone = { a->image, a->space, blocks, &a->clusters, &a->members };
        if ((st = cs_unloaded_find(&gone, &a->unloaded, err)) != CS_OK)
                return st;
        /* Where only somebody's name is asked for, nobody asks what is lost. */
        st = a->options->census_only ? cs_owners_find(&owners, &a->owners, err)
                                     : cs_relate(&leaks, &a->leaks, &owners, &a->owners, a->workers, err);
        return ended(a, HAVE_RELATED, st);
}

static enum cs_status find_repeats(struct analysis *a, struct cs_error *err)
{
        const struct cs_repeats_input in = { a->image, &a->regions, a->residency, a->workers };
        stage(a, "looking for arrays", 0);
        enum cs_status st = cs_pulse(0, 0, err);
        if (st == CS_OK)
                st = cs_repeats_find(&in, &a->repeats, err);
        if (st == CS_OK)
                st = cs_twins_find(&in, &a->repeats, &a->twins, err);
        return ended(a, HAVE_REPEATS, st);
}

/* Finding clusters and owners of a large heap takes far longer than looking for hits or texts: where nothing else needs them,
 * what lies around these tells whose they are. */
static bool relates(const struct analysis *a)
{
        return !a->options->census_only || cs_blocks_indices(&a->heaps.blocks) <= CS_LIMIT_RELATED_BLOCKS;
}

static enum cs_status settle(void *context, bool *related, struct cs_error *err)
{
        struct analysis *a = context;
        enum cs_status st = end_census(a, err);
        *related = st == CS_OK && relates(a);
        return st;
}

static void show_search(void *context, uint64_t done, uint64_t total)
{
        show(context, "searching memory", done, total);
}

static enum cs_status take_hit(void *context, const struct cs_report_hit *hit, struct cs_error *err)
{
        struct analysis *a = context;
        enum cs_status st = cs_pulse(0, 0, err);
        if (st != CS_OK)
                return st;
        a->hits_told++;
        return a->options->search->take(a->options->search->context, hit, err);
}

static enum cs_status search(struct analysis *a, struct cs_error *err)
{
        struct cs_hits_wanted wanted = *a->options->search;
        if (wanted.take) {
                wanted.take = take_hit;
                wanted.context = a;
        }
        const struct cs_hits_input in = { .wanted = &wanted,
                                          .image = a->image,
                                          .searched = &a->searched,
                                          .regions = &a->regions,
                                          .residency = a->residency,
                                          .space = a->space,
                                          .blocks = &a->heaps.blocks,
                                          .owners = &a->owners.blocks,
                                          .unloaded = &a->unloaded,
                                          .workers = a->workers,
                                          .beside = &a->census.walk,
                                          .settle = settle,
                                          .relate = relate,
                                          .context = a,
                                          .progress = show_search,
                                          .progress_context = a };
        counted_stage(a, "searching memory");
        enum cs_status st = cs_hits_find(&in, a->report, &a->hits_left_out, err);
        return st == CS_OK ? end_census(a, err) : st;
}

static void show_texts(void *context, uint64_t done, uint64_t total)
{
        show(context, "reading texts", done, total);
}

/* Templates take some 2 KiB each until the table is full, whose size is a power of two. */
static size_t texts_kept(void)
{
        enum { BYTES = 2 << 10, PERCENT = 40 };
        size_t most = cs_budget_entries(CS_TEXTS_KEPT, BYTES, PERCENT), kept = CS_TEXTS_KEPT;
        while (kept > most)
                kept /= 2;
        return kept;
}

static enum cs_status find_texts(struct analysis *a, struct cs_error *err)
{
        bool related = relates(a);
        enum cs_status st = related ? relate(a, err) : CS_OK;
        if (st != CS_OK)
                return st;
        related = related && a->have & HAVE_RELATED;
        struct cs_texts_input in = { .image = a->image,
                                     .regions = &a->regions,
                                     .residency = a->residency,
                                     .space = a->space,
                                     .blocks = &a->heaps.blocks,
                                     .kept = texts_kept(),
                                     .owners = related ? &a->owners.blocks : NULL,
                                     .unloaded = &a->unloaded,
                                     .workers = a->workers,
                                     .progress = show_texts,
                                     .progress_context = a };
        counted_stage(a, "reading texts");
        st = cs_texts_find(&in, a->report, err);
        /* A smaller table holds fewer templates, and says how many texts are in none. */
        while (st == CS_ENOMEM && cs_budget() && in.kept > CS_BUDGET_LEAST) {
                in.kept /= 4;
                st = cs_texts_find(&in, a->report, err);
        }
        return st;
}

/* ---- the report -------------------------------------------------------------------------------------------------- */

static void warn(struct cs_report *r, const char *text)
{
        if (text && r->target.n_warnings < WARNINGS_MAX)
                r->target.warnings[r->target.n_warnings++] = text;
}

static const char *keep(struct cs_report *r, const char *text)
{
        return text ? cs_pool_copy(&r->pool, text, strlen(text)) : NULL;
}

static void warn_about_heaps(struct analysis *a)
{
        struct cs_report *r = a->report;
        const struct cs_heaps *h = &a->heaps;
        uint64_t mmapped = 0;
        bool walked = false;
        for (size_t i = 0; i < h->blocks.ranges.n; i++)
                mmapped += h->blocks.ranges.at[i].mmapped;
        for (size_t i = 0; i < h->found.n; i++) {
                walked |= h->found.at[i].walked;
                if (!h->found.at[i].walked)
                        warn(r, cs_pool_printf(&r->pool, "%s in %s: %s", h->found.at[i].allocator,
                                               h->found.at[i].module == CS_NO_MODULE
                                                       ? "memory"
                                                       : a->image->modules.at[h->found.at[i].module].name,
                                               h->found.at[i].why_not));
                if (h->found.at[i].partial)
                        warn(r, cs_pool_printf(&r->pool, "%s: %s", h->found.at[i].allocator,
                                               h->found.at[i].partial));
        }
        if (!h->found.n && a->have & HAVE_CENSUS)
                warn(r, "no allocator was recognised: no blocks, clusters or owners");
        if (h->corrupt.n)
                warn(r, cs_pool_printf(&r->pool,
                                       "the heap's structure is damaged or was being changed at %zu places, "
                                       "the first at 0x%lx: %s",
                                       (size_t)(h->corrupt.n + h->corrupt_more),
                                       (unsigned long)h->corrupt.at[0].address, h->corrupt.at[0].what));
        if (walked && h->mmapped_known != UINT64_MAX && mmapped != h->mmapped_known &&
            a->image->kind == CS_IMAGE_CORE)
                warn(r, cs_pool_printf(&r->pool,
                                       "malloc counts %lu blocks in mappings of their own, %lu were found",
                                       (unsigned long)h->mmapped_known, (unsigned long)mmapped));
}

/* Did memory move while it was read? */
static void compare_sample(struct analysis *a)
{
        struct cs_report_target *t = &a->report->target;
        size_t changed = cs_consistency_end(a->image, &a->before);
        bool ended = a->image->kind == CS_IMAGE_LIVE && cs_live_source_gone(a->image->source);
        if (ended) {
                t->complete = t->consistent = false;
                warn(a->report,
                     "the process ended or executed another program while it was read: the answer is partial");
                return;
        }
        t->consistent = changed == 0;
        t->sampled = a->before.n;
        t->changed = a->before.n ? (double)changed / (double)a->before.n : 0;
        if (changed)
                warn(a->report,
                     cs_pool_printf(&a->report->pool,
                                    "memory moved while it was read: %.1f %% of a sample of pages changed",
                                    100 * t->changed));
}

static void warn_about_hits(struct analysis *a)
{
        struct cs_report *r = a->report;
        for (size_t i = 0; r->hits && i < r->hits->n_rules; i++) {
                if (!r->hits->rules[i].limited)
                        continue;
                r->target.complete = false;
                warn(r,
                     cs_pool_printf(
                             &r->pool,
                             "rule %.100s ran into a limit (steps, or the length of a match): it may have more hits, or longer ones",
                             r->hits->rules[i].rule));
        }
        if (!a->hits_left_out)
                return;
        r->target.complete = false;
        warn(r, cs_pool_printf(&r->pool, "%lu more hits are not shown: too many at once",
                               (unsigned long)a->hits_left_out));
}

static void warn_about_texts(struct analysis *a)
{
        struct cs_report *r = a->report;
        if (!r->strings || !r->strings->lost.count)
                return;
        r->target.complete = false;
        warn(r,
             cs_pool_printf(
                     &r->pool,
                     "%lu of %lu texts are not told of: their templates were the rarest of too many at once",
                     (unsigned long)r->strings->lost.count, (unsigned long)r->strings->all.count));
}

static void warn_about_reading(struct analysis *a)
{
        struct cs_report *r = a->report;
        for (size_t i = 0; i < a->image->warnings.n; i++)
                warn(r, keep(r, a->image->warnings.at[i]));
        size_t n = 0;
        const char *const *symbols = a->symbols ? cs_symbols_warnings(a->symbols, &n) : NULL;
        for (size_t i = 0; i < n; i++)
                warn(r, keep(r, symbols[i]));
        if (a->residency && cs_residency_skipped(a->residency))
                warn(r, cs_pool_printf(&r->pool, "%zu mappings of more than 1 TiB were not looked at",
                                       cs_residency_skipped(a->residency)));
        if (a->clusters.limited || a->graph.limited || a->leaks.limited) {
                r->target.complete = false;
                warn(r,
                     cs_budget()
                             ? "a limit was reached, perhaps for --max-memory: the rarest features, templates or "
                               "references were not told apart"
                             : "a limit was reached: the rarest features, templates or references were not told apart");
        }
        if (a->repeats.limited || a->twins.limited) {
                r->target.complete = false;
                warn(r,
                     "a limit was reached: not all arrays of records, or pages that are the same, were told");
        }
        if (a->unloaded.limited)
                warn(r,
                     "a limit was reached: not all of freed memory was searched for names of unloaded modules");
        if (a->frames.unwinding.limited)
                warn(r, "a limit was reached: not all frames of the stacks were told apart");
        warn_about_hits(a);
        warn_about_texts(a);
        compare_sample(a);
}

/* Addresses that the kernel chooses at random when a program starts tell one process from the next with the same id. */
static const char *process_mark(struct analysis *a)
{
        const struct cs_image *im = a->image;
        if (!im->at_random)
                return NULL;
        uint64_t mark = cs_mix(im->at_random) ^ cs_mix(im->at_entry + 1);
        return cs_pool_printf(&a->report->pool, "%016" PRIx64, mark);
}

/* When memory was as it is told: a core's file was written then, unless somebody copied it since. */
static int64_t time_of(const struct cs_image *image)
{
        struct stat st;
        struct timespec at = { 0 };
        if (image->kind == CS_IMAGE_LIVE)
                clock_gettime(CLOCK_REALTIME, &at);
        else if (image->path && stat(image->path, &st) == 0 && st.st_mtime > 0)
                at = st.st_mtim;
        return (int64_t)at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

static enum cs_status report_target(struct analysis *a, struct cs_error *err)
{
        struct cs_report *r = a->report;
        struct cs_report_target *t = &r->target;
        t->live = a->image->kind == CS_IMAGE_LIVE;
        t->path = keep(r, a->image->path);
        t->pid = a->image->pid;
        t->command = keep(r, a->image->command);
        t->exe = keep(r, a->image->exe);
        t->arch = "x86_64";
        t->threads = a->image->threads.n;
        t->time_ms = a->began;
        t->process = process_mark(a);
        t->complete = a->image->complete;
        t->warnings = cs_pool_alloc(&r->pool, WARNINGS_MAX, sizeof(*t->warnings));
        if (!t->warnings)
                return cs_fail(err, CS_ENOMEM, "report");
        if (a->n_given_up)
                t->complete = false;
        for (size_t i = 0; i < a->n_given_up; i++)
                warn(r, cs_pool_printf(&r->pool,
                                       "--max-memory: there was not enough memory for %s, which was given up",
                                       a->given_up[i]));
        if (a->stopped_at) {
                t->complete = false;
                t->interrupted = a->stopped_at;
                warn(r, cs_pool_printf(&r->pool, "interrupted while %s: only what was found before is told",
                                       a->stopped_at));
        }
        warn_about_reading(a);
        warn_about_heaps(a);
        return CS_OK;
}

static enum cs_status report_clusters(struct analysis *a, struct cs_error *err)
{
        struct cs_report *r = a->report;
        struct cs_describe d = { a->image,           a->symbols,  a->space,   &a->heaps.blocks,
                                 &a->clusters,       &a->members, &a->graph,  &a->leaks,
                                 a->owners.clusters, &r->pool,    &a->frames, &a->unloaded };
        const struct cs_loose loose = { &a->regions, a->residency, &a->repeats, &a->twins };
        size_t n = a->clusters.at.n;
        enum cs_status st = CS_OK;
        r->clusters = cs_pool_alloc(&r->pool, n + cs_loose_most(&loose) + 1, sizeof(*r->clusters));
        if (!r->clusters)
                return cs_fail(err, CS_ENOMEM, "clusters");
        for (size_t i = 0; st == CS_OK && i < n; i++) {
                st = cs_describe_cluster(&d, (uint32_t)i, &r->clusters[i], err);
                if (st == CS_OK && i < a->options->detail)
                        st = cs_describe_fields(&d, (uint32_t)i, &r->clusters[i], err);
                r->n_clusters++;
        }
        const char *untold = NULL, *unhinted = NULL, *unnamed = NULL;
        if (st == CS_OK)
                st = cs_contents_name(&d, r->clusters, &untold, err);
        if (st == CS_OK)
                st = cs_imports_hint(&d, r->clusters, &unhinted, err);
        if (st == CS_OK)
                st = cs_loose_build(&d, &loose, (uint32_t)n, a->options->detail, r->clusters + n,
                                    &r->n_patterns, &unnamed, err);
        warn(r, untold ? untold : unnamed);
        warn(r, unhinted);
        return st;
}

static enum cs_status report_blocks(struct analysis *a, struct cs_error *err)
{
        struct cs_report *r = a->report;
        const struct cs_blocks *blocks = &a->heaps.blocks;
        r->blocks = malloc(((size_t)cs_blocks_indices(blocks) + 1) * sizeof(*r->blocks));
        if (!r->blocks)
                return cs_fail(err, CS_ENOMEM, "%u blocks", cs_blocks_indices(blocks));
        size_t names = cs_unloaded_modules(a->image, &a->unloaded);
        r->module_names = cs_pool_alloc(&r->pool, names + 1, sizeof(*r->module_names));
        if (!r->module_names)
                return cs_fail(err, CS_ENOMEM, "names");
        for (size_t m = 0; m < names; m++)
                if (!(r->module_names[r->n_modules++] = keep(r, cs_unloaded_name(a->image, &a->unloaded, m))))
                        return cs_fail(err, CS_ENOMEM, "names");
        struct cs_block_cursor cursor = cs_blocks_all(blocks);
        struct cs_block b;
        uint32_t i;
        while (cs_blocks_next(&cursor, &b, &i)) {
                if (cs_block_state(&b) == CS_BLOCK_IN_USE)
                        r->blocks[r->n_blocks++] =
                                (struct cs_report_block){ cs_block_user(&b),
                                                          cs_block_usable(&b),
                                                          b.cluster,
                                                          (uint32_t)cs_label_module(&a->owners.blocks, i),
                                                          a->owners.blocks.certainty[i] / 255.0F,
                                                          (uint8_t)cs_leak_of(&a->graph, i) };
        }
        return CS_OK;
}

/* After the clusters, which it names. */
static enum cs_status report_cases(struct analysis *a, struct cs_error *err)
{
        struct cs_report *r = a->report;
        const struct cs_case c = { a->image,    a->symbols,        a->space,     &a->heaps,
                                   &a->regions, &a->clusters,      &a->members,  &a->graph,
                                   &a->claims,  &a->owners.blocks, &a->unloaded, r->clusters,
                                   a->workers,  &r->pool,          &a->repeats,  r->n_patterns };
        enum cs_status st = CS_OK;
        if (a->options->at || a->options->refs)
                stage(a, "looking at the address", 0);
        if (a->options->at)
                st = cs_case_at(&c, *a->options->at, &r->at, err);
        if (st == CS_OK && a->options->refs)
                st = cs_case_refs(&c, *a->options->refs, a->options->depth, &r->refs, err);
        return st;
}

/* What only clusters, references and owners can tell. */
static enum cs_status report_relations(struct analysis *a, struct cs_error *err)
{
        const struct cs_libraryreport_input libraries = { a->image, &a->unloaded, &a->heaps.blocks,
                                                          a->residency, &a->owners.blocks };
        enum cs_status st;
        if ((st = report_clusters(a, err)) != CS_OK ||
            (st = cs_libraryreport_build(&libraries, a->report, err)) != CS_OK ||
            (st = report_cases(a, err)) != CS_OK ||
            (st = cs_leakreport_build(a->image, &a->leaks, a->report, err)) != CS_OK)
                return st;
        return cs_verdict_find(a->image, &a->heaps, &a->leaks, a->report, err);
}

static enum cs_status report_unknown(struct analysis *a, struct cs_error *err)
{
        struct cs_report *r = a->report;
        r->n_clusters = r->n_patterns = r->n_libraries = r->n_leak_clusters = 0;
        r->at = r->refs = NULL;
        r->verdict = (struct cs_report_verdict){ .kind = "unknown" };
        r->verdict.summary = cs_pool_printf(&r->pool, "%s: nobody can say", r->unrelated);
        return r->verdict.summary ? CS_OK : cs_fail(err, CS_ENOMEM, "verdict");
}

/* Why a part is not known that was given up, or whose stage was never reached. */
static const char *why_not(struct analysis *a, const char *given_up)
{
        return given_up
                       ? cs_pool_printf(&a->report->pool, "not enough memory (--max-memory) for %s", given_up)
                       : cs_pool_printf(&a->report->pool, "interrupted while %s", a->stopped_at);
}

/* A part for which there is not as much memory as we may take is given up, and the others go on without it. Tells whether it was. */
static bool spare(struct analysis *a, enum cs_status st, const char *stage_name)
{
        if (st != CS_ENOMEM || !cs_budget() || a->n_given_up == GIVEN_UP_MOST)
                return false;
        a->given_up[a->n_given_up++] = stage_name;
        return true;
}

static enum cs_status build_report(struct analysis *a, struct cs_error *err)
{
        enum cs_status st;
        struct cs_report *r = a->report;
        bool related = a->have & HAVE_RELATED;
        if (!a->stopped_at)
                stage(a, "writing the report", 0);
        if (a->options->strings && !r->strings)
                r->textless = why_not(a, a->stopped_at ? NULL : "reading texts");
        if ((st = report_target(a, err)) != CS_OK ||
            (st = cs_accounts_build(a->image, &a->regions, &r->pool, &r->memory, err)) != CS_OK ||
            (a->options->regions && (st = cs_regions_report(&a->regions, a->image, r, err)) != CS_OK) ||
            (st = cs_heapreport_build(a->image, &a->heaps, a->residency, r, err)) != CS_OK)
                return st;
        if (!a->options->census_only && related && (st = report_relations(a, err)) != CS_OK) {
                if (!spare(a, st, a->stage))
                        return st;
                related = false;
                a->unrelated = a->stage;
        }
        if (!related && (a->stopped_at || a->unrelated)) {
                r->unrelated = why_not(a, a->unrelated);
                if (!r->unrelated || (!a->options->census_only && (st = report_unknown(a, err)) != CS_OK))
                        return cs_fail(err, CS_ENOMEM, "report");
        }
        char sha256[CS_DIGEST_TEXT];
        if (a->digest && !a->stopped_at && cs_digest_finish(a->digest, sha256))
                r->target.sha256 = keep(r, sha256);
        return a->options->blocks && related ? report_blocks(a, err) : CS_OK;
}

/* ---- all of it ----------------------------------------------------------------------------------------------------- */

static void drop_repeats(struct analysis *a)
{
        cs_twins_deinit(&a->twins);
        cs_repeats_deinit(&a->repeats);
        a->twins = (struct cs_twins){ 0 };
        a->repeats = (struct cs_repeats){ 0 };
}

static void drop_relations(struct analysis *a)
{
        cs_owners_deinit(&a->owners);
        cs_leaks_deinit(&a->leaks);
        cs_graph_deinit(&a->graph);
        cs_literals_deinit(&a->literals);
        cs_frames_deinit(&a->frames);
        cs_unloaded_deinit(&a->unloaded);
        cs_members_deinit(&a->members);
        cs_clusters_deinit(&a->clusters);
        cs_vec_deinit(&a->slices);
        a->owners = (struct cs_owners){ 0 };
        a->leaks = (struct cs_leaks){ 0 };
        a->graph = (struct cs_graph){ 0 };
        a->literals = (struct cs_literals){ 0 };
        a->frames = (struct cs_frames){ 0 };
        a->unloaded = (struct cs_unloaded){ 0 };
        a->members = (struct cs_members){ 0 };
        a->clusters = (struct cs_clusters){ 0 };
}

/* Regions are told without heaps then. */
static enum cs_status drop_census(struct analysis *a, struct cs_error *err)
{
        cs_census_deinit(&a->census);
        if (!a->symbols || !a->residency)
                return CS_OK;
        cs_regions_deinit(&a->regions);
        cs_heaps_deinit(&a->heaps);
        cs_claims_deinit(&a->claims);
        a->heaps = (struct cs_heaps){ 0 };
        a->claims = (struct cs_claims){ 0 };
        const struct cs_regions_input regions = { a->image, a->symbols, &a->heaps, &a->claims, a->residency };
        return cs_regions_build(&regions, &a->regions, err);
}

static enum cs_status find_census(struct analysis *a, struct cs_error *err)
{
        enum cs_status st = read_memory(a, err);
        if (!spare(a, st, a->stage))
                return st;
        a->unrelated = a->stage;
        a->related = true; /* as far as ever */
        return drop_census(a, err);
}

static enum cs_status find_relations(struct analysis *a, struct cs_error *err)
{
        enum cs_status st = relate(a, err);
        if (spare(a, st, a->stage)) {
                a->unrelated = a->stage;
                drop_relations(a);
                st = CS_OK;
        }
        if (st != CS_OK || (st = find_repeats(a, err)) == CS_OK || !spare(a, st, a->stage))
                return st;
        drop_repeats(a);
        return CS_OK;
}

static enum cs_status find_all(struct analysis *a, struct cs_error *err)
{
        enum cs_status st;
        if ((st = find_census(a, err)) != CS_OK || (st = cs_pulse(0, 0, err)) != CS_OK)
                return st;
        if (a->options->search && (st = search(a, err)) != CS_OK && !spare(a, st, "searching memory"))
                return st;
        if (!a->options->census_only && (st = find_relations(a, err)) != CS_OK)
                return st;
        if (a->options->strings && (st = find_texts(a, err)) != CS_OK && !spare(a, st, "reading texts"))
                return st;
        return CS_OK;
}

/* Hits of a search that was not finished: those that were told. */
static enum cs_status count_hits(struct analysis *a, struct cs_error *err)
{
        struct cs_report *r = a->report;
        r->hits = cs_pool_alloc(&r->pool, 1, sizeof(*r->hits));
        if (!r->hits)
                return cs_fail(err, CS_ENOMEM, "hits");
        r->hits->asked = a->options->search->rules->at.n;
        r->hits->count = a->hits_told;
        return CS_OK;
}

/* Somebody asked for the end: what is half done goes, for nobody could say what it means. */
static enum cs_status keep_finished(struct analysis *a, struct cs_error *err)
{
        a->stopped_at = a->stage;
        cs_pulse_watch(NULL, NULL);
        cs_census_deinit(&a->census);
        cs_stop_answer();
        if (!(a->have & HAVE_REPEATS))
                drop_repeats(a);
        return a->have & HAVE_CENSUS ? CS_OK : drop_census(a, err);
}

enum cs_status cs_analyse(struct cs_image *image, const struct cs_analyse_options *options,
                          struct cs_report **out, struct cs_error *err)
{
        struct timespec start, end;
        cs_cleanup(analysis_deinit) struct analysis a = { .image = image, .options = options };
        long processors = sysconf(_SC_NPROCESSORS_ONLN);
        clock_gettime(CLOCK_MONOTONIC, &start);
        a.began = time_of(image);
        a.workers = options->workers ? options->workers : processors > 0 ? (unsigned)processors : 1;
        if (a.workers > CS_WORKERS_MAX)
                a.workers = CS_WORKERS_MAX;
        a.report = calloc(1, sizeof(*a.report));
        if (!a.report)
                return cs_fail(err, CS_ENOMEM, "report");
        enum cs_status st = options->digest ? cs_digest_start(image, &a.digest, err) : CS_OK;
        if (st == CS_OK)
                st = find_all(&a, err);
        if (cs_stop_asked())
                st = keep_finished(&a, err);
        if (st == CS_OK && options->search && !a.report->hits)
                st = count_hits(&a, err);
        if (st == CS_OK)
                st = build_report(&a, err);
        cs_pulse_watch(NULL, NULL);
        if (st != CS_OK)
                return st;
        clock_gettime(CLOCK_MONOTONIC, &end);
        a.report->seconds =
                (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) * 1e-9;
        a.report->bytes_read = atomic_load(&image->source->bytes_read);
        a.report->peak_memory = cs_ourmemory_peak();
        *out = cs_take(a.report);
        return CS_OK;
}
