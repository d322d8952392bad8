/* SPDX-License-Identifier: Apache-2.0 */
/* From what was found to the report. */
#include "analyse_private.h"

#include "accounts.h"
#include "budget.h"
#include "bytes.h"
#include "case.h"
#include "contents.h"
#include "cs_limits.h"
#include "describe.h"
#include "heapreport.h"
#include "imports.h"
#include "leakreport.h"
#include "libraryreport.h"
#include "live.h"
#include "loose.h"
#include "verdict.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WARNINGS_MAX = 64 };

static void warn(struct cs_report *r, const char *text)
{
        if (text && r->target.n_warnings < WARNINGS_MAX)
                r->target.warnings[r->target.n_warnings++] = text;
}

static const char *keep(struct cs_report *r, const char *text)
{
        return text ? cs_pool_copy(&r->pool, text, strlen(text)) : NULL;
}

static void warn_about_heaps(struct cs_analysis *a)
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
static void compare_sample(struct cs_analysis *a)
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

static void warn_about_hits(struct cs_analysis *a)
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

static void warn_about_texts(struct cs_analysis *a)
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

static void warn_about_reading(struct cs_analysis *a)
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
static const char *process_mark(struct cs_analysis *a)
{
        const struct cs_image *im = a->image;
        if (!im->at_random)
                return NULL;
        uint64_t mark = cs_mix(im->at_random) ^ cs_mix(im->at_entry + 1);
        return cs_pool_printf(&a->report->pool, "%016" PRIx64, mark);
}

static enum cs_status report_target(struct cs_analysis *a, struct cs_error *err)
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

/* What is known of clusters by themselves. */
static enum cs_status report_briefly(struct cs_analysis *a, const struct cs_describe *d, struct cs_error *err)
{
        struct cs_report *r = a->report;
        enum cs_status st = CS_OK;
        r->clusters = cs_pool_alloc(&r->pool, a->clusters.at.n + 1, sizeof(*r->clusters));
        if (!r->clusters)
                return cs_fail(err, CS_ENOMEM, "clusters");
        for (; st == CS_OK && r->n_clusters < a->clusters.at.n; r->n_clusters++)
                st = cs_describe_kind(d, (uint32_t)r->n_clusters, &r->clusters[r->n_clusters], err);
        return st;
}

static enum cs_status report_clusters(struct cs_analysis *a, struct cs_error *err)
{
        struct cs_report *r = a->report;
        struct cs_describe d = { a->image,           a->symbols,  a->space,   &a->heaps.blocks,
                                 &a->clusters,       &a->members, &a->graph,  &a->leaks,
                                 a->owners.clusters, &r->pool,    &a->frames, &a->unloaded };
        const struct cs_loose loose = { &a->regions, a->residency, &a->repeats, &a->twins };
        size_t n = a->clusters.at.n;
        enum cs_status st = CS_OK;
        if (r->brief)
                return report_briefly(a, &d, err);
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

static enum cs_status report_blocks(struct cs_analysis *a, struct cs_error *err)
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
static enum cs_status report_cases(struct cs_analysis *a, struct cs_error *err)
{
        struct cs_report *r = a->report;
        const struct cs_case c = { a->image,      a->symbols,  a->space,   &a->heaps,  &a->regions,
                                   &a->clusters,  &a->members, &a->graph,  &a->claims, &a->owners.blocks,
                                   &a->unloaded,  r->clusters, a->workers, &r->pool,   &a->repeats,
                                   r->n_patterns, &a->epolled };
        enum cs_status st = CS_OK;
        if (a->options->at || a->options->refs)
                cs_analysis_stage(a, "looking at the address", 0);
        if (a->options->at)
                st = cs_case_at(&c, *a->options->at, &r->at, err);
        if (st == CS_OK && a->options->refs)
                st = cs_case_refs(&c, *a->options->refs, a->options->depth, &r->refs, err);
        return st;
}

/* What only clusters, references and owners can tell. */
static enum cs_status report_relations(struct cs_analysis *a, struct cs_error *err)
{
        const struct cs_libraryreport_input libraries = { a->image,     &a->unloaded,      &a->heaps.blocks,
                                                          a->residency, &a->owners.blocks, &a->slices,
                                                          a->workers };
        enum cs_status st;
        if ((st = report_clusters(a, err)) != CS_OK || a->report->brief ||
            (st = cs_libraryreport_build(&libraries, a->report, err)) != CS_OK ||
            (st = report_cases(a, err)) != CS_OK ||
            (st = cs_leakreport_build(a->image, a->symbols, &a->leaks, a->unasked, a->report, err)) != CS_OK)
                return st;
        return cs_verdict_find(a->image, &a->heaps, &a->leaks, a->report, err);
}

static enum cs_status report_unknown(struct cs_analysis *a, struct cs_error *err)
{
        struct cs_report *r = a->report;
        for (size_t i = 0; r->hits && i < r->hits->n; i++)
                r->hits->at[i].cluster = NULL;
        for (size_t i = 0; r->strings && i < r->strings->n; i++)
                r->strings->at[i].cluster = NULL;
        r->verdict = (struct cs_report_verdict){ .kind = "unknown" };
        r->verdict.summary = cs_pool_printf(&r->pool, "%s: nobody can say", r->unrelated);
        return r->verdict.summary ? CS_OK : cs_fail(err, CS_ENOMEM, "verdict");
}

/* Why a part is not known that was given up, or whose stage was never reached. */
static const char *why_not(struct cs_analysis *a, const char *given_up)
{
        return given_up
                       ? cs_pool_printf(&a->report->pool, "not enough memory (--max-memory) for %s", given_up)
                       : cs_pool_printf(&a->report->pool, "interrupted while %s", a->stopped_at);
}

bool cs_analysis_spare(struct cs_analysis *a, enum cs_status st, const char *stage_name)
{
        if (st != CS_ENOMEM || !cs_budget() || a->n_given_up == GIVEN_UP_MOST)
                return false;
        a->given_up[a->n_given_up++] = stage_name;
        return true;
}

/* What was told when there was no memory for the rest; hits and texts are there before. */
static void untell(struct cs_report *r)
{
        free(r->blocks);
        r->target.n_warnings = 0;
        *r = (struct cs_report){ .pool = r->pool,
                                 .target = r->target,
                                 .brief = r->brief,
                                 .hits = r->hits,
                                 .strings = r->strings };
}

static enum cs_status report_sums(struct cs_analysis *a, struct cs_error *err)
{
        struct cs_report *r = a->report;
        enum cs_status st = cs_accounts_build(a->image, &a->regions, &r->pool, &r->memory, err);
        if (st == CS_OK && a->options->regions)
                st = cs_regions_report(&a->regions, a->image, r, err);
        return st == CS_OK ? cs_heapreport_build(a->image, &a->heaps, a->residency, r, err) : st;
}

enum cs_status cs_analysis_report(struct cs_analysis *a, struct cs_error *err)
{
        enum cs_status st;
        struct cs_report *r = a->report;
        const bool related = a->have & HAVE_RELATED;
        untell(r);
        if (!a->stopped_at)
                cs_analysis_stage(a, "writing the report", 0);
        if (a->options->strings && !r->strings)
                r->textless = why_not(a, a->stopped_at ? NULL : "reading texts");
        if ((st = report_target(a, err)) != CS_OK)
                return st;
        if (!a->options->lists_only && (st = report_sums(a, err)) != CS_OK)
                return st;
        if (!a->options->census_only && related && (st = report_relations(a, err)) != CS_OK)
                return st;
        if (!related && (a->stopped_at || a->unrelated)) {
                r->unrelated = why_not(a, a->unrelated);
                if (!r->unrelated || (!a->options->census_only && (st = report_unknown(a, err)) != CS_OK))
                        return cs_fail(err, CS_ENOMEM, "report");
        }
        char sha256[CS_DIGEST_TEXT];
        if (a->digest && !a->stopped_at && !r->target.sha256 && cs_digest_finish(a->digest, sha256))
                r->target.sha256 = keep(r, sha256);
        return a->options->blocks && related ? report_blocks(a, err) : CS_OK;
}
