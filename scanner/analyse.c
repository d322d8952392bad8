/* SPDX-License-Identifier: Apache-2.0 */
#include "analyse_private.h"

#include "accounts.h"
#include "budget.h"
#include "clock.h"
#include "cs_limits.h"
#include "ourmemory.h"
#include "pulse.h"
#include "relate.h"
#include "texts.h"
#include "texttable.h"
#include "threads.h"
#include "work.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void drop_repeats(struct cs_analysis *a)
{
        cs_twins_deinit(&a->twins);
        cs_repeats_deinit(&a->repeats);
        a->twins = (struct cs_twins){ 0 };
        a->repeats = (struct cs_repeats){ 0 };
}

static void drop_relations(struct cs_analysis *a)
{
        cs_owners_deinit(&a->owners);
        cs_leaks_deinit(&a->leaks);
        cs_graph_deinit(&a->graph);
        cs_literals_deinit(&a->literals);
        cs_frames_deinit(&a->frames);
        cs_vec_deinit(&a->epolled);
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
        a->clusters = (struct cs_clusters){ 0 };
}

static void analysis_deinit(struct cs_analysis *a)
{
        cs_digest_destroy(a->digest);
        drop_repeats(a);
        drop_relations(a);
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

static void show(const struct cs_analysis *a, const char *name, uint64_t done, uint64_t total)
{
        if (a->options->progress)
                a->options->progress(a->options->progress_context, name, done, total);
}

static void on_pulse(void *context, uint64_t done, uint64_t total)
{
        struct cs_analysis *a = context;
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

void cs_analysis_stage(struct cs_analysis *a, const char *name, uint64_t bytes)
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
static void counted_stage(struct cs_analysis *a, const char *name)
{
        cs_analysis_stage(a, name, 0);
        cs_pulse_watch(NULL, NULL);
}

/* How a part ended; it is there where nothing failed, and nobody asked for the end meanwhile. */
static enum cs_status ended(struct cs_analysis *a, unsigned part, enum cs_status st)
{
        if (st == CS_OK && !cs_stop_asked())
                a->have |= part;
        return st;
}

static uint64_t heap_bytes(const struct cs_analysis *a)
{
        uint64_t sum = 0;
        for (size_t i = 0; i < a->heaps.blocks.ranges.n; i++)
                sum += cs_range_size(a->heaps.blocks.ranges.at[i].range);
        return sum;
}

static const char looking[] = "looking at pages";

static enum cs_status look_at_pages(struct cs_analysis *a, unsigned workers, struct cs_error *err)
{
        uint64_t total = 0;
        for (size_t i = 0; i < a->image->mappings.n; i++)
                if (a->image->mappings.at[i].dumped)
                        total += cs_range_size(a->image->mappings.at[i].range);
        cs_analysis_stage(a, looking, total);
        enum cs_status st = cs_residency_create(a->image, workers, &a->residency, err);
        if (st == CS_OK)
                cs_consistency_begin(a->image, a->residency, &a->before);
        return st;
}

/* Who tells hits or texts alone needs no sums of pages. */
static enum cs_status complete_pages(struct cs_analysis *a, struct cs_error *err)
{
        return a->options->lists_only ? CS_OK : cs_residency_complete(a->residency, a->workers, err);
}

/* Of a core that is read for its texts alone each page is looked at as it is read, and sums come afterwards. */
static bool looks_later(const struct cs_analysis *a)
{
        const struct cs_analyse_options *o = a->options;
        return a->image->kind == CS_IMAGE_CORE && o->strings && o->census_only && !o->search;
}

static enum cs_status end_census(struct cs_analysis *a, struct cs_error *err)
{
        a->unsummed = looks_later(a) && !a->options->lists_only;
        enum cs_status st = a->unsummed ? CS_OK : complete_pages(a, err);
        if (st == CS_OK)
                st = cs_census_end(&a->census, a->residency, a->unsummed || a->options->lists_only,
                                   &a->regions, err);
        return ended(a, HAVE_CENSUS, st);
}

/* The regions anew, with sums. After cs_census_end(), or without heaps. */
static enum cs_status build_regions(struct cs_analysis *a, struct cs_error *err)
{
        struct cs_regions built = { 0 };
        const struct cs_regions_input in = { a->image,   a->symbols,   &a->heaps,
                                             &a->claims, a->residency, a->options->lists_only };
        enum cs_status st = cs_regions_build(&in, &built, err);
        if (st != CS_OK) {
                cs_regions_deinit(&built); /* some of them would be told as all */
                return st;
        }
        cs_regions_deinit(&a->regions);
        a->regions = built;
        a->unplaced = a->unsummed = false;
        return CS_OK;
}

static enum cs_status sum_regions(struct cs_analysis *a, struct cs_error *err)
{
        if (!a->unsummed)
                return CS_OK;
        cs_analysis_stage(a, looking, 0);
        enum cs_status st = complete_pages(a, err);
        return st == CS_OK ? build_regions(a, err) : st;
}

/* Regions are told without heaps then. After cs_census_deinit(). */
static enum cs_status drop_census(struct cs_analysis *a, struct cs_error *err)
{
        a->blockless = true;
        a->have &= ~(unsigned)HAVE_CENSUS;
        if (!a->symbols || !a->residency)
                return CS_OK;
        a->unplaced = true;
        enum cs_status st = complete_pages(a, err);
        if (st != CS_OK && st != CS_ESTOPPED)
                return st;
        cs_regions_deinit(&a->regions);
        if (a->space)
                cs_blocks_withdraw(&a->heaps.blocks, a->space);
        cs_heaps_deinit(&a->heaps);
        a->heaps = (struct cs_heaps){ 0 };
        if (!a->census.claimed) {
                cs_claims_deinit(&a->claims);
                a->claims = (struct cs_claims){ 0 };
        }
        return build_regions(a, err);
}

/* Where there is no memory for the census, all is told without blocks. st: what came of it, and where. */
static enum cs_status spare_census(struct cs_analysis *a, enum cs_status st, const char *stage,
                                   struct cs_error *err)
{
        if (!a->symbols || !cs_analysis_spare(a, st, stage))
                return st;
        a->unrelated = stage;
        a->related = true; /* as far as ever */
        cs_census_deinit(&a->census);
        if ((!a->space && (st = cs_space_create_empty(&a->space, err)) != CS_OK) ||
            (!a->residency && (st = look_at_pages(a, a->workers, err)) != CS_OK))
                return st;
        return drop_census(a, err);
}

static const char walking[] = "walking heaps";

static enum cs_status settle_census(struct cs_analysis *a, struct cs_error *err)
{
        if (a->blockless)
                return a->unplaced ? drop_census(a, err) : CS_OK;
        return spare_census(a, end_census(a, err), walking, err);
}

enum { SCOUTED_BYTES = 64 << 20 }; /* heaps from there on are walked by two: less takes some milliseconds */

/* Mapping a page and letting it go takes longer than reading it, and clusters, references and leaks each go through all of memory: a core that
 * is small for this machine, and for what we were allowed, stays mapped, as it does for who searches. Who counts texts goes through it once. */
static bool stays_mapped(const struct cs_analysis *a)
{
        uint64_t most = cs_ourmemory_half(), allowed = cs_budget();
        return (a->options->search || !a->options->census_only) &&
               a->image->file_len <= (allowed && allowed < most ? allowed : most);
}

/* A living process is read by one thing at a time, and its pages first, before they change. Of a core that is searched, or read for its texts,
 * each stretch is looked at right before. */
static enum cs_status read_memory(struct cs_analysis *a, struct cs_error *err)
{
        a->image->source->keeps = stays_mapped(a);
        const bool core = a->image->kind == CS_IMAGE_CORE, searches = core && a->options->search;
        const bool beside = core && a->workers > 1, later = searches || looks_later(a);
        enum cs_status st = later    ? cs_residency_begin(a->image, &a->residency, err)
                            : beside ? CS_OK
                                     : look_at_pages(a, a->workers, err);
        if (st != CS_OK)
                return st;
        cs_analysis_stage(a, "reading symbols", 0);
        if ((st = cs_symbols_create(a->image, &a->options->image, &a->symbols, err)) != CS_OK ||
            (st = cs_space_create(a->image, a->symbols, &a->space, err)) != CS_OK)
                return st;
        cs_threads_locate(a->image, a->symbols);
        cs_analysis_stage(a, "walking heaps", 0);
        a->census = (struct cs_census){ .image = a->image,
                                        .symbols = a->symbols,
                                        .space = a->space,
                                        .claims = &a->claims,
                                        .heaps = &a->heaps };
        /* A search follows the walk, and has work for everybody. */
        a->heaps.scouted = beside && !searches ? SCOUTED_BYTES : 0;
        a->heaps.blocks.clustered_most = a->options->census_only ? CS_LIMIT_RELATED_BLOCKS : 0;
        if (a->options->recall && !beside)
                cs_recall_listen(a->options->recall, a->image->source);
        st = cs_census_begin(&a->census, beside, err);
        cs_recall_listen_no_more(a->image->source);
        if (st == CS_OK && beside && !later)
                st = look_at_pages(a, a->workers - 1, err);
        if (st != CS_OK)
                return st;
        if (a->options->search)
                return cs_census_plan(&a->census, a->residency, &a->searched, err);
        cs_analysis_stage(a, "walking heaps", 0);
        return end_census(a, err);
}

/* Is what changed since the last look all that has to be read? Not where memory that is no block's has moved: nobody remembers that. */
static enum cs_status is_brief(struct cs_analysis *a, bool *brief, struct cs_error *err)
{
        /* Less than this, and than this share of all, comes and goes. */
        enum { MOVED_BYTES = 256 << 10, MOVED_PERCENT = 1 };
        struct cs_recall *recall = a->options->recall;
        struct cs_report_memory memory = { 0 };
        struct cs_pool pool = { 0 };
        *brief = false;
        if (!recall)
                return CS_OK;
        enum cs_status st = cs_accounts_build(a->image, &a->regions, &pool, &memory, err);
        cs_pool_deinit(&pool);
        uint64_t now = memory.unexplained, was = recall->unexplained,
                 most = memory.anonymous / 100 * MOVED_PERCENT;
        *brief = st == CS_OK && a->options->brief && recall->filled &&
                 recall->program == cs_recall_program(a->image) &&
                 (now > was ? now - was : was - now) <= (most > MOVED_BYTES ? most : MOVED_BYTES);
        if (!*brief)
                recall->unexplained = now;
        return st;
}

/* Once: for the report, or because something was found in a block. */
static enum cs_status relate(void *context, struct cs_error *err)
{
        struct cs_analysis *a = context;
        struct cs_blocks *blocks = &a->heaps.blocks;
        if (a->related)
                return CS_OK;
        a->related = true;
        enum cs_status st = cs_pulse(0, 0, err);
        if (st != CS_OK || (st = cs_slices_plan(blocks, &a->slices, err)) != CS_OK)
                return st;
        cs_analysis_stage(a, "comparing blocks", heap_bytes(a));
        struct cs_cluster_input sweep = { a->image,     a->symbols, a->space,           blocks, &a->slices,
                                          a->residency, a->workers, a->options->recall, false };
        if ((st = is_brief(a, &sweep.brief, err)) != CS_OK ||
            (st = cs_clusters_build(&sweep, &a->clusters, err)) != CS_OK)
                return st;
        a->report->brief = sweep.brief;
        if (sweep.brief)
                return ended(a, HAVE_RELATED, st);
        cs_analysis_stage(a, "following pointers", heap_bytes(a));
        struct cs_graph_input graph = { a->image,     a->space,   &a->heaps,          &a->slices,
                                        &a->clusters, a->workers, &a->regions.stacks, &a->claims,
                                        &a->literals, &a->frames, &a->epolled };
        struct cs_leaks_input leaks = { blocks, &a->clusters, &a->graph, a->residency, &graph, NULL };
        if ((st = cs_literals_build(a->image, a->space, &a->literals, err)) != CS_OK ||
            (st = cs_frames_find(a->image, a->space, &a->frames, err)) != CS_OK ||
            (st = cs_epolled_list(a->image, &a->epolled, &a->unasked, err)) != CS_OK ||
            (st = cs_graph_build(&graph, &a->graph, err)) != CS_OK)
                return st;
        cs_analysis_stage(a, "naming owners", heap_bytes(a));
        struct cs_owners_input owners = { a->image,    a->space,  blocks,       &a->clusters,
                                          &a->members, &a->graph, &a->literals, &a->unloaded };
        /* Where only somebody's name is asked for, nobody asks what is lost. */
        st = a->options->census_only ? cs_owners_find(&owners, &a->owners, err)
                                     : cs_relate(&leaks, &a->leaks, &owners, &a->owners, a->workers, err);
        return ended(a, HAVE_RELATED, st);
}

static enum cs_status find_repeats(struct cs_analysis *a, struct cs_error *err)
{
        const struct cs_repeats_input in = { a->image, &a->regions, a->residency, a->workers };
        cs_analysis_stage(a, "looking for arrays", 0);
        enum cs_status st = cs_pulse(0, 0, err);
        if (st == CS_OK)
                st = cs_repeats_find(&in, &a->repeats, err);
        if (st == CS_OK)
                st = cs_twins_find(&in, &a->repeats, &a->twins, err);
        return ended(a, HAVE_REPEATS, st);
}

/* Finding clusters and owners of a large heap takes far longer than looking for hits or texts: where nothing else needs them,
 * what lies around these tells whose they are. */
static bool relates(const struct cs_analysis *a)
{
        return !a->options->census_only || cs_blocks_indices(&a->heaps.blocks) <= CS_LIMIT_RELATED_BLOCKS;
}

static enum cs_status settle(void *context, bool *related, struct cs_error *err)
{
        struct cs_analysis *a = context;
        enum cs_status st = settle_census(a, err);
        *related = st == CS_OK && !a->blockless && relates(a);
        return st;
}

/* Where there is no memory for clusters and owners, the rest is told without. st: what came of them, and where. */
static enum cs_status spare_relations(struct cs_analysis *a, enum cs_status st, const char *stage)
{
        if (!cs_analysis_spare(a, st, stage))
                return st;
        a->unrelated = stage;
        a->have &= ~(unsigned)HAVE_RELATED;
        drop_relations(a);
        drop_repeats(a); /* which are told among clusters */
        return CS_OK;
}

/* Where memory does not suffice for clusters and owners, hits are told without. */
static enum cs_status relate_hits(void *context, bool *related, struct cs_error *err)
{
        struct cs_analysis *a = context;
        enum cs_status st = relate(a, err);
        *related = st == CS_OK && !a->unrelated;
        return spare_relations(a, st, a->stage);
}

static void show_search(void *context, uint64_t done, uint64_t total)
{
        show(context, "searching memory", done, total);
}

static enum cs_status write_hit(const void *context, const struct cs_report_hit *hit, struct cs_pool *pool,
                                FILE *to, struct cs_error *err)
{
        const struct cs_hits_wanted *w = ((const struct cs_analysis *)context)->options->search;
        return w->write(w->context, hit, pool, to, err);
}

static enum cs_status take_hits(void *context, const char *text, size_t len, size_t n, struct cs_error *err)
{
        struct cs_analysis *a = context;
        enum cs_status st = a->options->search->take(a->options->search->context, text, len, n, err);
        if (st == CS_OK)
                a->hits_told += n;
        return st;
}

/* What else takes memory goes before hits, texts or the report do: clusters and owners, then the census. */
static enum cs_status make_room(struct cs_analysis *a, enum cs_status st, struct cs_error *err)
{
        if (a->related && !a->unrelated) {
                st = spare_relations(a, st, "naming owners");
        } else {
                cs_regions_deinit(&a->searched);
                /* A walk that failed beside a search has given up the census already. */
                st = a->blockless ? settle_census(a, err) : spare_census(a, st, walking, err);
        }
        (void)malloc_trim(0);
        return st;
}

/* Does it, with less and less beside it while there is no memory for it. */
static enum cs_status make_do(struct cs_analysis *a,
                              enum cs_status (*part)(struct cs_analysis *, struct cs_error *),
                              struct cs_error *err)
{
        enum cs_status st;
        do
                st = part(a, err);
        while (st == CS_ENOMEM && !a->blockless && (st = make_room(a, st, err)) == CS_OK);
        return st;
}

static enum cs_status search(struct cs_analysis *a, struct cs_error *err)
{
        struct cs_hits_wanted wanted = *a->options->search;
        if (wanted.take) {
                wanted.write = write_hit;
                wanted.take = take_hits;
                wanted.context = a;
        }
        struct cs_hits_input in = { .wanted = &wanted,
                                    .image = a->image,
                                    .regions = &a->regions,
                                    .residency = a->residency,
                                    .space = a->space,
                                    .blocks = &a->heaps.blocks,
                                    .owners = &a->owners.blocks,
                                    .unloaded = &a->unloaded,
                                    .workers = a->workers,
                                    .beside = &a->census.walk,
                                    .walked = &a->heaps.walked,
                                    .settle = settle,
                                    .relate = relate_hits,
                                    .context = a,
                                    .progress = show_search,
                                    .progress_context = a };
        counted_stage(a, "searching memory");
        enum cs_status st;
        bool blockless;
        do {
                blockless = a->blockless;
                in.searched = blockless ? &a->regions : &a->searched;
                st = cs_hits_find(&in, a->report, &a->hits_left_out, err);
        } while (st == CS_ENOMEM && !a->hits_told && !blockless && (st = make_room(a, st, err)) == CS_OK);
        cs_regions_deinit(&a->searched);
        return st == CS_OK ? settle_census(a, err) : st;
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

static enum cs_status find_texts(struct cs_analysis *a, struct cs_error *err)
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

/* ---- all of it ----------------------------------------------------------------------------------------------------- */

static enum cs_status find_census(struct cs_analysis *a, struct cs_error *err)
{
        enum cs_status st = read_memory(a, err);
        return spare_census(a, st, a->stage, err);
}

static enum cs_status find_relations(struct cs_analysis *a, struct cs_error *err)
{
        enum cs_status st = relate(a, err);
        st = spare_relations(a, st, a->stage);
        if (st != CS_OK || a->unrelated || a->report->brief || (st = find_repeats(a, err)) == CS_OK ||
            !cs_analysis_spare(a, st, a->stage))
                return st;
        drop_repeats(a);
        return CS_OK;
}

static enum cs_status find_all(struct cs_analysis *a, struct cs_error *err)
{
        enum cs_status st;
        if ((st = find_census(a, err)) != CS_OK || (st = cs_pulse(0, 0, err)) != CS_OK)
                return st;
        if (a->options->search && (st = search(a, err)) != CS_OK &&
            (!cs_analysis_spare(a, st, "searching memory") || (st = settle_census(a, err)) != CS_OK))
                return st;
        if (!a->options->census_only && (st = find_relations(a, err)) != CS_OK)
                return st;
        if (!a->options->strings)
                return CS_OK;
        st = make_do(a, find_texts, err);
        if (st != CS_OK && !cs_analysis_spare(a, st, "reading texts"))
                return st;
        return make_do(a, sum_regions, err);
}

/* Hits of a search that was not finished: those that were told. */
static enum cs_status count_hits(struct cs_analysis *a, struct cs_error *err)
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
static enum cs_status keep_finished(struct cs_analysis *a, struct cs_error *err)
{
        a->stopped_at = a->stage;
        cs_pulse_watch(NULL, NULL);
        cs_census_deinit(&a->census);
        /* While nothing is read: pages that were not looked at are none. */
        enum cs_status st = a->residency ? cs_residency_complete(a->residency, 1, err) : CS_OK;
        cs_stop_answer();
        if (st != CS_OK && st != CS_ESTOPPED)
                return st;
        if (!(a->have & HAVE_REPEATS))
                drop_repeats(a);
        if (!(a->have & HAVE_CENSUS))
                return drop_census(a, err);
        return a->unsummed ? build_regions(a, err) : CS_OK;
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

enum cs_status cs_analyse(struct cs_image *image, const struct cs_analyse_options *options,
                          struct cs_report **out, struct cs_error *err)
{
        const double start = cs_seconds_now();
        cs_cleanup(analysis_deinit) struct cs_analysis a = { .image = image, .options = options };
        long processors = sysconf(_SC_NPROCESSORS_ONLN);
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
                st = make_do(&a, cs_analysis_report, err);
        cs_pulse_watch(NULL, NULL);
        if (st != CS_OK)
                return st;
        a.report->seconds = cs_seconds_now() - start;
        a.report->bytes_read = atomic_load(&image->source->bytes_read);
        a.report->peak_memory = cs_ourmemory_peak();
        if (options->recall && !a.stopped_at && !a.n_given_up)
                cs_recall_keep(options->recall, &a.heaps.blocks);
        if (image->source->keeps)
                cs_image_let_go(image, a.workers);
        *out = cs_take(a.report);
        return CS_OK;
}
