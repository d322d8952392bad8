/* SPDX-License-Identifier: Apache-2.0 */
#include "verdict.h"

#include <inttypes.h>
#include <stdio.h>

/* Thresholds are shares of the memory that malloc has in use; below one MiB nobody is called in the night. */
static const double LEAK_SHARE = 0.05, LEAK_UNREFERENCED = 0.5, HEALTHY_SHARE = 0.02;
enum { LEAK_BYTES = 1 << 20, LEAK_BLOCKS = 10, REASONS_MAX = 6 };

struct bench {
        const struct cs_image *image;
        const struct cs_heaps *heaps;
        const struct cs_leaks *leaks;
        struct cs_report *report;
        uint64_t used;    /* bytes of blocks in use */
        uint64_t freed;   /* bytes of free chunks, top included */
        uint64_t overall; /* resident and anonymous */
};

/* "1.2 GiB" in one of four alternating buffers. */
static const char *size(uint64_t bytes)
{
        static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
        static _Thread_local char text[4][32];
        static _Thread_local unsigned turn;
        double value = (double)bytes;
        unsigned unit = 0;
        while (value >= 1024 && unit < 4) {
                value /= 1024;
                unit++;
        }
        char *out = text[turn++ % 4];
        snprintf(out, sizeof(text[0]), unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
        return out;
}

static void reason(struct bench *b, const char *text)
{
        struct cs_report_verdict *v = &b->report->verdict;
        if (text && v->n_reasons < REASONS_MAX)
                v->reasons[v->n_reasons++] = text;
}

/* The cluster whose heads retain most of what is lost. */
static size_t worst(const struct bench *b)
{
        size_t best = 0;
        for (size_t i = 1; i < b->report->n_clusters; i++)
                if (b->leaks->clusters[i].retained > b->leaks->clusters[best].retained)
                        best = i;
        return best;
}

static bool is_leak(const struct bench *b, size_t c)
{
        const struct cs_cluster_leak *l = &b->leaks->clusters[c];
        return l->direct >= LEAK_BLOCKS && l->retained >= LEAK_BYTES &&
               (double)l->retained >= LEAK_SHARE * (double)b->used &&
               (double)l->direct >= LEAK_UNREFERENCED * (double)b->report->clusters[c].count;
}

static void judge_leak(struct bench *b, size_t c)
{
        const struct cs_cluster_leak *l = &b->leaks->clusters[c];
        const struct cs_report_cluster *r = &b->report->clusters[c];
        struct cs_report_verdict *v = &b->report->verdict;
        struct cs_pool *pool = &b->report->pool;
        double share = (double)l->retained / (double)b->used, lost = (double)l->direct / (double)r->count;
        v->kind = "leak";
        v->confidence = 0.6 + 0.2 * lost + 0.19 * (share > 0.5 ? 1 : share * 2);
        v->cluster = r->id;
        v->library = r->library;
        v->summary =
                cs_pool_printf(pool,
                               "%s of %s: %" PRIu64 " blocks that nothing points to hold %s, %.0f%% of what "
                               "malloc has in use",
                               r->what, r->library ? r->library : "an unknown library", l->direct,
                               size(l->retained), 100 * share);
        reason(b,
               cs_pool_printf(pool,
                              "%" PRIu64 " of %" PRIu64 " blocks of %s are referenced by nothing: no root, "
                              "and no block that a root leads to",
                              l->direct, r->count, r->id));
        reason(b, cs_pool_printf(pool, "they and what hangs on them take %s of the %s that malloc has in use",
                                 size(l->retained), size(b->used)));
}

static void judge_sound(struct bench *b)
{
        struct cs_report_verdict *v = &b->report->verdict;
        struct cs_pool *pool = &b->report->pool;
        uint64_t lost = b->leaks->direct.bytes + b->leaks->indirect.bytes;
        double share = b->used ? (double)lost / (double)b->used : 0;
        uint64_t malloced = b->used + b->freed;
        if (malloced * 2 < b->overall) {
                v->kind = "unknown";
                v->summary = cs_pool_printf(pool,
                                            "most of the memory (%s of %s resident and anonymous) is not "
                                            "glibc malloc's, and this version does not look into it",
                                            size(b->overall > malloced ? b->overall - malloced : 0),
                                            size(b->overall));
        } else if (share < HEALTHY_SHARE || lost < LEAK_BYTES) {
                v->kind = "healthy";
                v->confidence = 0.6;
                v->summary = cs_pool_printf(pool, "no leak: %s of %s in use can be reached",
                                            size(b->used > lost ? b->used - lost : 0), size(b->used));
        } else {
                v->kind = "unknown";
                v->summary =
                        cs_pool_printf(pool,
                                       "%s of %s in use cannot be reached, but no kind of block stands out",
                                       size(lost), size(b->used));
        }
        reason(b, cs_pool_printf(pool,
                                 "malloc: %s in use, %s free; blocks that nothing leads to: %s in %" PRIu64,
                                 size(b->used), size(b->freed), size(lost),
                                 b->leaks->direct.count + b->leaks->indirect.count));
        reason(b,
               cs_pool_printf(pool,
                              "one look has no time axis: memory that is reachable may grow all the same"));
}

static void judge_blind(struct bench *b)
{
        struct cs_report_verdict *v = &b->report->verdict;
        struct cs_pool *pool = &b->report->pool;
        v->kind = "unknown";
        v->summary = b->heaps->found.n
                             ? "the allocator in use is known, but its blocks are not read by this version"
                             : "no allocator that this version knows was found in this memory";
        for (size_t i = 0; i < b->heaps->found.n; i++) {
                const struct cs_heap *h = &b->heaps->found.at[i];
                const char *where =
                        h->module == CS_NO_MODULE ? "memory" : b->image->modules.at[h->module].name;
                reason(b, cs_pool_printf(pool, "%s in %s: %s", h->allocator, where,
                                         h->why_not ? h->why_not : "it has handed out no blocks"));
        }
        reason(b, cs_pool_printf(pool, "%s resident and anonymous, of which %s are unexplained",
                                 size(b->overall), size(b->report->memory.unexplained)));
}

enum cs_status cs_verdict_find(const struct cs_image *image, const struct cs_heaps *heaps,
                               const struct cs_leaks *leaks, struct cs_report *report, struct cs_error *err)
{
        struct bench b = { .image = image, .heaps = heaps, .leaks = leaks, .report = report };
        struct cs_report_verdict *v = &report->verdict;
        bool foreign = false;
        b.overall = report->memory.anonymous;
        for (size_t i = 0; i < heaps->blocks.blocks.n; i++) {
                const struct cs_block *block = &heaps->blocks.blocks.at[i];
                if (cs_block_state(block) == CS_BLOCK_IN_USE)
                        b.used += cs_block_size(block);
                else if (cs_block_state(block) != CS_BLOCK_INTERNAL)
                        b.freed += cs_block_size(block);
        }
        for (size_t i = 0; i < heaps->found.n; i++)
                foreign |= !heaps->found.at[i].walked;
        v->reasons = cs_pool_alloc(&report->pool, REASONS_MAX, sizeof(*v->reasons));
        if (!v->reasons)
                return cs_fail(err, CS_ENOMEM, "verdict");
        size_t c = worst(&b);
        if (report->n_clusters && is_leak(&b, c))
                judge_leak(&b, c);
        else if (!b.used || (foreign && b.used * 2 < b.overall))
                judge_blind(&b);
        else
                judge_sound(&b);
        if (!report->target.complete) {
                v->confidence /= 2;
                reason(&b, "the answer is partial: see the warnings");
        }
        if (!image->threads.n && v->confidence > 0.5) {
                v->confidence = 0.5;
                reason(&b, "without threads the stacks are unknown, and what they hold looks lost");
        }
        return v->summary ? CS_OK : cs_fail(err, CS_ENOMEM, "verdict");
}
