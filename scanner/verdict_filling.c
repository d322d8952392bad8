/* SPDX-License-Identifier: Apache-2.0 */
/* The verdicts about memory that nobody lost: what is most of it?
 *
 * Every threshold is a share of the resident memory that no file backs, because a share is what a person looks for ("why is
 * it so large?"). One floor is absolute: whatever a small process keeps is not worth a word. The order is that of certainty:
 * a runtime's own heap has been proved by its marks, free memory by malloc's own records; that data in use is wanted is
 * only what its referrers suggest. */
#include "verdict_private.h"

#include "kinds.h"

#include <string.h>

enum {
        /* Below this, in sum, a process is small: an idle interpreter has 10 MiB, malloc's untouched habits (tops of 128 KiB,
         * thread caches) cost some 100 KiB a thread. */
        FLOOR = 16 << 20,
        /* Clusters that may share the word "dominated", and steps on the way back to a root. */
        DOMINANT = 3,
        STEPS = 6,
};

/* Free memory is the story when a third of what is resident is free: then half as much again as all else together. */
static const double KEPT_SHARE = 1.0 / 3;

static double clamp(double x)
{
        return x < 0 ? 0 : x > 1 ? 1 : x;
}

/* From `least` where the share just suffices to 0.95 where it is everything. */
static double confidence(double least, double share, double threshold)
{
        return least + (0.95 - least) * clamp((share - threshold) / (1 - threshold));
}

static void tell_use(struct cs_bench *b)
{
        cs_verdict_reason(
                b, cs_pool_printf(&b->report->pool,
                                  "malloc has %s resident in use and keeps %s resident that are free, of %s "
                                  "resident that no file backs",
                                  cs_verdict_size(b->used_resident), cs_verdict_size(b->kept),
                                  cs_verdict_size(b->overall)));
        if (b->lent)
                cs_verdict_reason(
                        b,
                        cs_pool_printf(&b->report->pool,
                                       "%s of the managed memory are blocks that the runtime got from malloc",
                                       cs_verdict_size(b->lent)));
}

static void tell_lost(struct cs_bench *b)
{
        uint64_t lost = cs_verdict_lost(b);
        if (lost)
                cs_verdict_reason(b, cs_pool_printf(&b->report->pool,
                                                    "%s of the %s in use cannot be reached (%.1f %%)",
                                                    cs_verdict_size(lost), cs_verdict_size(b->used),
                                                    100 * cs_verdict_share(lost, b->used)));
}

/* Objects of these hang on malloc what does not fit into a slot (Ruby's strings and arrays, CPython's tables). What malloc holds
 * beside other runtimes' heaps is native code's own, and no runtime's tool shows it. */
static bool hangs_on_malloc(const char *runtime)
{
        enum cs_kind kind = cs_kind_named(runtime);
        return kind == CS_KIND_RUBY_HEAP || kind == CS_KIND_PYTHON_HEAP;
}

/* Is nearly everything either a runtime's heap or in use by malloc? Then the larger of them is the story. */
static bool share_it(const struct cs_bench *b)
{
        return b->runtime && cs_verdict_share(b->managed + b->used_resident, b->overall) >= 0.75;
}

/* A runtime's heap is most of it, or a good part, and nearly all the rest is the payload of its objects, or less than they. */
static bool judge_managed(struct cs_bench *b)
{
        struct cs_report_verdict *v = &b->report->verdict;
        struct cs_pool *pool = &b->report->pool;
        double part = cs_verdict_share(b->managed, b->overall);
        if (!b->runtime || (part < 0.5 && (part < 0.25 || !share_it(b) ||
                                           (b->managed < b->used_resident && !hangs_on_malloc(b->runtime)))))
                return false;
        v->kind = "managed-heap";
        v->confidence = confidence(0.6, part, 0.25);
        v->summary = cs_pool_printf(
                pool,
                "%s of the %s resident that no file backs (%.0f %%) are managed memory (%s): its runtime decides "
                "what is alive there, look with the runtime's own tools",
                cs_verdict_size(b->managed), cs_verdict_size(b->overall), 100 * part, b->runtime);
        tell_use(b);
        tell_lost(b);
        return true;
}

/* Why it stays: thread caches, whole runs that malloc could give back, or holes between blocks that live on. */
static void tell_kept(struct cs_bench *b, bool fragmented)
{
        struct cs_report_verdict *v = &b->report->verdict;
        struct cs_pool *pool = &b->report->pool;
        uint64_t in_runs = b->kept - b->cached;
        const char *arenas = b->arenas == 1 ? "one arena"
                                            : cs_pool_printf(pool, "%s arenas", cs_verdict_number(b->arenas));
        double far = 100 * cs_verdict_share(b->long_runs, in_runs);
        if (fragmented)
                v->summary = cs_pool_printf(
                        pool,
                        "malloc holds %s free in %s, %.0f %% of it in holes below 128 KiB between "
                        "blocks that live on; in use is %s",
                        cs_verdict_size(b->kept), arenas, 100 - far, cs_verdict_size(b->used_resident));
        else if (b->cached * 2 > b->kept)
                v->summary = cs_pool_printf(
                        pool,
                        "malloc holds %s free in %s, %s of it in thread caches and fastbins, which "
                        "threads keep for themselves; in use is only %s",
                        cs_verdict_size(b->kept), arenas, cs_verdict_size(b->cached),
                        cs_verdict_size(b->used_resident));
        else if (b->trimmable * 2 < b->kept) /* the tops of threads' arenas: mtrim() leaves them alone */
                v->summary = cs_pool_printf(
                        pool,
                        "malloc holds %s free in %s; %.0f %% of it in runs over 128 KiB, mostly "
                        "at the ends of arenas, where malloc_trim(0) leaves it: MALLOC_ARENA_MAX "
                        "would keep it down; in use is only %s",
                        cs_verdict_size(b->kept), arenas, far, cs_verdict_size(b->used_resident));
        else
                v->summary = cs_pool_printf(
                        pool,
                        "malloc holds %s free in %s; %.0f %% of it in runs over 128 KiB: %s would "
                        "return it; in use is only %s",
                        cs_verdict_size(b->kept), arenas, far,
                        b->arenas > 1 ? "malloc_trim(0) or MALLOC_ARENA_MAX" : "malloc_trim(0)",
                        cs_verdict_size(b->used_resident));
        cs_verdict_reason(b, cs_pool_printf(pool, "malloc_trim(0) would give back %s of it",
                                            cs_verdict_size(b->trimmable)));
}

static bool judge_kept(struct cs_bench *b)
{
        struct cs_report_verdict *v = &b->report->verdict;
        double part = cs_verdict_share(b->kept, b->overall);
        if (part < KEPT_SHARE || b->kept < FLOOR / 2)
                return false;
        uint64_t in_runs = b->kept - b->cached;
        /* Cached chunks are short, but it is not their neighbours that hold them. */
        bool fragmented = b->cached * 2 <= b->kept && b->long_runs * 2 < in_runs;
        double far = cs_verdict_share(fragmented ? in_runs - b->long_runs : b->long_runs + b->cached,
                                      fragmented ? in_runs : b->kept);
        v->kind = fragmented ? "fragmentation" : "retention";
        v->confidence = 0.5 * confidence(0.6, part, KEPT_SHARE) + 0.5 * confidence(0.5, far, 0.5);
        tell_kept(b, fragmented);
        tell_use(b);
        tell_lost(b);
        return true;
}

static const struct cs_report_cluster *cluster_named(const struct cs_report *r, const char *id)
{
        for (size_t i = 0; id && i < r->n_clusters; i++)
                if (strcmp(r->clusters[i].id, id) == 0)
                        return &r->clusters[i];
        return NULL;
}

static bool is_new(const struct cs_report_cluster *c, const struct cs_report_cluster *const *path, unsigned n)
{
        for (unsigned i = 0; i < n; i++)
                if (path[i] == c)
                        return false;
        return c != NULL;
}

/* The root at the end of the strongest references (lists and trees refer to themselves most), or NULL. */
static const char *root_of(const struct cs_report *r, const struct cs_report_cluster *c)
{
        const struct cs_report_cluster *path[STEPS];
        for (unsigned n = 0; c && n < STEPS; n++) {
                const struct cs_report_cluster *next = NULL;
                path[n] = c;
                for (size_t i = 0; i < c->n_referrers; i++) {
                        if (c->referrers[i].root)
                                return c->referrers[i].root;
                        const struct cs_report_cluster *from = cluster_named(r, c->referrers[i].cluster);
                        if (!next && is_new(from, path, n + 1))
                                next = from;
                }
                c = next;
        }
        return NULL;
}

/* Data in use that can be reached, of few kinds. */
static bool judge_live(struct cs_bench *b)
{
        const struct cs_report *r = b->report;
        struct cs_report_verdict *v = &b->report->verdict;
        struct cs_pool *pool = &b->report->pool;
        double part = cs_verdict_share(b->used_resident, b->overall);
        double lost = cs_verdict_share(cs_verdict_lost(b), b->used);
        uint64_t few = 0;
        for (size_t i = 0; i < r->n_clusters && i < DOMINANT; i++)
                few += r->clusters[i].resident;
        bool most = part >= 0.5 || (share_it(b) && b->used_resident > b->managed);
        if (!most || b->used_resident < FLOOR || lost > 0.2 || !r->n_clusters || few * 2 < b->used_resident)
                return false;
        const struct cs_report_cluster *c = &r->clusters[0];
        const char *root = root_of(r, c);
        v->kind = "cache-or-live-data";
        /* One look cannot tell a cache from growth: never as sure as of what malloc itself has written down. */
        v->confidence = 0.5 + 0.2 * clamp(cs_verdict_share(few, b->used_resident)) + 0.1 * (1 - lost) +
                        (root ? 0.05 : 0);
        v->cluster = c->id;
        v->library = c->library;
        v->summary = cs_pool_printf(
                pool,
                "%s block%s of %s (%s) hold%s %s of the %s in use and can be reached%s%s: data that is held, not "
                "lost",
                cs_verdict_number(c->in_use), c->in_use == 1 ? "" : "s", c->what, cs_verdict_owner(b, c),
                c->in_use == 1 ? "s" : "", cs_verdict_size(c->resident), cs_verdict_size(b->used_resident),
                root ? ", from " : "", root ? root : "");
        tell_use(b);
        tell_lost(b);
        cs_verdict_reason(b,
                          "one look has no time axis: a cache that is full and data that grows look alike");
        return true;
}

/* Most of what is resident are pages of files: the kernel may drop what is clean, and nobody leaked them. */
static bool judge_files(struct cs_bench *b)
{
        struct cs_report_verdict *v = &b->report->verdict;
        double part = cs_verdict_share(b->files, b->report->memory.resident);
        if (part < 0.5 || b->files < FLOOR)
                return false;
        v->kind = "cache-or-live-data";
        v->confidence = confidence(0.6, part, 0.5);
        v->summary = cs_pool_printf(
                &b->report->pool,
                "%s of the %s resident (%.0f %%) are mapped files or shared memory: pages of files "
                "are the kernel's to drop",
                cs_verdict_size(b->files), cs_verdict_size(b->report->memory.resident), 100 * part);
        tell_use(b);
        tell_lost(b);
        return true;
}

static bool judge_stacks(struct cs_bench *b)
{
        struct cs_report_verdict *v = &b->report->verdict;
        double part = cs_verdict_share(b->stacks, b->overall);
        if (part < 0.5)
                return false;
        v->kind = "healthy";
        v->confidence = confidence(0.6, part, 0.5);
        v->summary = cs_pool_printf(
                &b->report->pool,
                "%s of the %s resident that no file backs are stacks of %s threads: no leak is to be seen",
                cs_verdict_size(b->stacks), cs_verdict_size(b->overall),
                cs_verdict_number(b->report->target.threads));
        tell_use(b);
        tell_lost(b);
        return true;
}

/* glibc is there, and was asked for nothing. */
static bool judge_empty(struct cs_bench *b)
{
        struct cs_report_verdict *v = &b->report->verdict;
        if (b->used || b->overall >= FLOOR || !b->heaps->found.n)
                return false;
        for (size_t i = 0; i < b->heaps->found.n; i++)
                if (b->heaps->found.at[i].why_not)
                        return false;
        v->kind = "healthy";
        v->confidence = 0.8;
        v->summary = cs_pool_printf(
                &b->report->pool,
                "malloc has handed out nothing, and %s are resident that no file backs: there is "
                "nothing to lose",
                cs_verdict_size(b->overall));
        return true;
}

bool cs_verdict_judge_filling(struct cs_bench *b)
{
        if (judge_empty(b))
                return true;
        if (judge_files(b))
                return true;
        return b->overall >= FLOOR && (judge_managed(b) || judge_kept(b) || judge_live(b) || judge_stacks(b));
}
