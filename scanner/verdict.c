/* SPDX-License-Identifier: Apache-2.0 */
#include "verdict_private.h"

#include "kinds.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
        /* Sound programs were found to lose a handful of blocks; twenty of one kind is no accident any more. */
        LEAK_BLOCKS = 20,
        LEAK_BYTES = 64 << 10,
        /* Many lost blocks of a kind of which more are in use: a leak on one of several paths. */
        LEAK_MANY = 1000,
        LEAK_MANY_BYTES = 1 << 20,
        REASONS_MAX = 6,
};

/* At least so many of its kind are lost. */
static const double LEAK_SHARE = 0.5;

/* How sure anybody can be of what the kernel may hold. */
static const double PERHAPS_HELD = 0.85;

const char *cs_verdict_size(uint64_t bytes)
{
        static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
        static _Thread_local char text[8][32];
        static _Thread_local unsigned turn;
        double value = (double)bytes;
        unsigned unit = 0;
        while (value >= 999.5 && unit < 4) {
                value /= 1024;
                unit++;
        }
        char *out = text[turn++ % 8];
        int decimals = !unit || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
        (void)snprintf(out, sizeof(text[0]), "%.*f %s", decimals, value, units[unit]);
        return out;
}

const char *cs_verdict_number(uint64_t value)
{
        static _Thread_local char text[8][32];
        static _Thread_local unsigned turn;
        char digits[24], *out = text[turn++ % 8];
        int n = snprintf(digits, sizeof(digits), "%" PRIu64, value), used = 0;
        for (int i = 0; i < n; i++) {
                if (i && (n - i) % 3 == 0)
                        out[used++] = ',';
                out[used++] = digits[i];
        }
        out[used] = '\0';
        return out;
}

double cs_verdict_share(uint64_t part, uint64_t whole)
{
        return whole ? (double)part / (double)whole : 0;
}

void cs_verdict_reason(struct cs_bench *b, const char *text)
{
        struct cs_report_verdict *v = &b->report->verdict;
        if (text && v->n_reasons < REASONS_MAX)
                v->reasons[v->n_reasons++] = text;
}

static bool is_leak(const struct cs_bench *b, size_t c)
{
        const struct cs_cluster_leak *l = &b->leaks->clusters[c];
        if (l->direct >= LEAK_MANY && l->retained >= LEAK_MANY_BYTES)
                return true;
        return l->direct >= LEAK_BLOCKS && l->retained >= LEAK_BYTES &&
               cs_verdict_share(l->direct, b->report->clusters[c].count) >= LEAK_SHARE;
}

/* The cluster whose heads retain most of what is lost, by resident bytes: among those that count as leaks, or among all. */
static size_t worst(const struct cs_bench *b, bool leaks_only)
{
        size_t best = b->report->n_clusters;
        for (size_t i = 0; i < b->report->n_clusters; i++) {
                const struct cs_cluster_leak *l = &b->leaks->clusters[i];
                if (!l->direct || (leaks_only && !is_leak(b, i)))
                        continue;
                if (best == b->report->n_clusters ||
                    l->retained_resident > b->leaks->clusters[best].retained_resident)
                        best = i;
        }
        return best;
}

static const char *owner_of(struct cs_bench *b, const char *library, double confidence)
{
        if (!library)
                return "an unknown library";
        return confidence >= 0.5 ? library : cs_pool_printf(&b->report->pool, "perhaps %s", library);
}

const char *cs_verdict_owner(struct cs_bench *b, const struct cs_report_cluster *c)
{
        return owner_of(b, c->library, c->confidence);
}

uint64_t cs_verdict_lost(const struct cs_bench *b)
{
        return b->leaks->direct.bytes + b->leaks->indirect.bytes;
}

static uint64_t lost_blocks(const struct cs_bench *b)
{
        return b->leaks->direct.count + b->leaks->indirect.count;
}

static void judge_leak(struct cs_bench *b, size_t c)
{
        const struct cs_cluster_leak *l = &b->leaks->clusters[c];
        const struct cs_report_cluster *r = &b->report->clusters[c];
        struct cs_report_verdict *v = &b->report->verdict;
        struct cs_pool *pool = &b->report->pool;
        double part = cs_verdict_share(l->retained_resident, b->used_resident),
               lost = cs_verdict_share(l->direct, r->count);
        bool rings = l->unreferenced < l->direct / 2;
        v->kind = "leak";
        /* Blocks of which nearly all are lost leave little doubt; how much of the heap they are decides whether it matters. */
        v->confidence = 0.6 + 0.2 * lost + 0.19 * (part > 0.5 ? 1 : part * 2);
        v->cluster = r->id;
        v->library = r->leak_library;
        v->summary = cs_pool_printf(
                pool, "%s lost blocks of %s (%s) hold %s of memory, %.0f %% of what malloc has in use",
                cs_verdict_number(l->direct), r->what, owner_of(b, r->leak_library, r->leak_confidence),
                cs_verdict_size(l->retained_resident), 100 * part);
        cs_verdict_reason(
                b,
                cs_pool_printf(
                        pool,
                        rings ? "%s of the %s blocks of %s are pointed at only by each other: nothing else "
                                "leads to them"
                              : "%s of the %s blocks of %s are lost: no pointer leads to them",
                        cs_verdict_number(l->direct), cs_verdict_number(r->count), r->id));
        cs_verdict_reason(
                b,
                cs_pool_printf(pool,
                               "with all that only they lead to, they take %s (%s of it resident) of the %s "
                               "(%s resident) in use",
                               cs_verdict_size(l->retained), cs_verdict_size(l->retained_resident),
                               cs_verdict_size(b->used), cs_verdict_size(b->used_resident)));
        if (r->leak_epolled && !rings && lost > 0.9) {
                v->confidence = v->confidence < PERHAPS_HELD ? v->confidence : PERHAPS_HELD;
                cs_verdict_reason(
                        b, cs_pool_printf(pool,
                                          "%s uses epoll, and what epoll_wait() alone hands back looks lost "
                                          "here (%s tells)",
                                          r->leak_library,
                                          b->image->kind == CS_IMAGE_CORE ? "--live" : "--freeze"));
        }
        if (cs_verdict_lost(b) > l->retained)
                cs_verdict_reason(
                        b, cs_pool_printf(pool, "in all, %s of the %s in use cannot be reached, in %s blocks",
                                          cs_verdict_size(cs_verdict_lost(b)), cs_verdict_size(b->used),
                                          cs_verdict_number(lost_blocks(b))));
}

/* What cannot be reached, though no kind of block stands out. */
static void name_largest(struct cs_bench *b)
{
        size_t c = worst(b, false);
        if (c == b->report->n_clusters)
                return;
        const struct cs_report_cluster *r = &b->report->clusters[c];
        cs_verdict_reason(
                b, cs_pool_printf(&b->report->pool,
                                  "%s in %s blocks cannot be reached; the most of one kind: %s blocks of "
                                  "%s, %s (%s)",
                                  cs_verdict_size(cs_verdict_lost(b)), cs_verdict_number(lost_blocks(b)),
                                  cs_verdict_number(b->leaks->clusters[c].direct), r->id, r->what,
                                  owner_of(b, r->leak_library, r->leak_confidence)));
}

static void judge_sound(struct cs_bench *b)
{
        struct cs_report_verdict *v = &b->report->verdict;
        struct cs_pool *pool = &b->report->pool;
        v->kind = "healthy";
        v->confidence = 0.6;
        v->summary =
                cs_verdict_lost(b)
                        ? cs_pool_printf(pool, "no leak is to be seen: %s of the %s in use can be reached",
                                         cs_verdict_size(b->used - cs_verdict_lost(b)),
                                         cs_verdict_size(b->used))
                        : cs_pool_printf(pool, "no leak is to be seen: all of the %s in use can be reached",
                                         cs_verdict_size(b->used));
        if (b->report->memory.unexplained * 2 > b->overall) {
                v->kind = "unknown";
                v->confidence = 0;
                v->summary =
                        cs_pool_printf(pool,
                                       "most of the memory, %s of %s resident that no file backs, belongs to "
                                       "nobody that this version knows",
                                       cs_verdict_size(b->report->memory.unexplained),
                                       cs_verdict_size(b->overall));
        } else if (cs_verdict_share(cs_verdict_lost(b), b->used) > 0.2) {
                v->kind = "unknown";
                v->confidence = 0;
                v->summary = cs_pool_printf(
                        pool,
                        "%s of the %s in use cannot be reached, but in many kinds of blocks, few "
                        "of each",
                        cs_verdict_size(cs_verdict_lost(b)), cs_verdict_size(b->used));
        }
        cs_verdict_reason(b, cs_pool_printf(pool, "malloc has %s in use and keeps %s free",
                                            cs_verdict_size(b->used), cs_verdict_size(b->freed)));
        name_largest(b);
        cs_verdict_reason(b, "one look has no time axis: memory that can be reached may grow all the same");
}

static void judge_blind(struct cs_bench *b)
{
        struct cs_report_verdict *v = &b->report->verdict;
        struct cs_pool *pool = &b->report->pool;
        v->kind = "unknown";
        v->summary =
                b->heaps->found.n
                        ? "the allocator in use is known, but its blocks are not compared by this version"
                        : "no allocator that this version knows was found in this memory";
        for (size_t i = 0; i < b->heaps->found.n; i++) {
                const struct cs_heap *h = &b->heaps->found.at[i];
                const char *where =
                        h->module == CS_NO_MODULE ? "memory" : b->image->modules.at[h->module].name;
                cs_verdict_reason(b, cs_pool_printf(pool, "%s in %s: %s", h->allocator, where,
                                                    h->why_not ? h->why_not : "it has handed out no blocks"));
        }
        cs_verdict_reason(b, cs_pool_printf(pool, "%s resident and anonymous, of which %s are unexplained",
                                            cs_verdict_size(b->overall),
                                            cs_verdict_size(b->report->memory.unexplained)));
}

static void add_heap(struct cs_bench *b, const struct cs_report_heap *heap)
{
        for (size_t i = 0; i < heap->n_arenas; i++) {
                const struct cs_report_arena *a = &heap->arenas[i];
                uint64_t kept = a->free.resident + a->cached.resident + a->top_resident;
                b->used += a->used.bytes;
                b->used_resident += a->used.resident;
                b->freed += a->free.bytes + a->cached.bytes + a->top;
                b->kept += kept;
                b->cached += a->cached.resident;
                b->trimmable += a->trimmable_resident;
                b->arenas += kept > 0;
        }
        b->used += heap->mmapped.bytes;
        b->used_resident += heap->mmapped.resident;
        b->long_runs += heap->runs[CS_RUN_CLASSES - 1].resident;
}

static void add_kind(struct cs_bench *b, const struct cs_report_kind *k, uint64_t *largest)
{
        enum cs_kind kind = cs_kind_named(k->kind);
        if (kind < CS_KINDS && cs_kind_managed(kind)) {
                b->managed += k->resident;
                if (k->resident > *largest)
                        b->runtime = k->kind;
                if (k->resident > *largest)
                        *largest = k->resident;
        } else if (kind == CS_KIND_STACK) {
                b->stacks = k->resident;
        } else if (kind == CS_KIND_FILE || kind == CS_KIND_SHARED) {
                b->files += k->resident;
        }
}

static void add_up(struct cs_bench *b)
{
        const struct cs_report_memory *memory = &b->report->memory;
        uint64_t largest = 0;
        /* Blocks that were only counted say nothing of leaks: they are not part of what is judged here. */
        for (size_t i = 0; i < b->report->n_heaps; i++)
                if (b->report->heaps[i].walked)
                        add_heap(b, &b->report->heaps[i]);
        for (size_t i = 0; i < memory->n_kinds; i++)
                add_kind(b, &memory->kinds[i], &largest);
        b->lent = memory->lent < b->used_resident ? memory->lent : b->used_resident;
        b->used_resident -= b->lent;
        b->overall = memory->anonymous;
}

enum cs_status cs_verdict_find(const struct cs_image *image, const struct cs_heaps *heaps,
                               const struct cs_leaks *leaks, struct cs_report *report, struct cs_error *err)
{
        struct cs_bench b = { .image = image, .heaps = heaps, .leaks = leaks, .report = report };
        struct cs_report_verdict *v = &report->verdict;
        bool foreign = false;
        for (size_t i = 0; i < heaps->found.n; i++)
                foreign |= !heaps->found.at[i].walked;
        v->reasons = cs_pool_alloc(&report->pool, REASONS_MAX, sizeof(*v->reasons));
        if (!v->reasons)
                return cs_fail(err, CS_ENOMEM, "verdict");
        add_up(&b);
        size_t c = worst(&b, true);
        if (c < report->n_clusters)
                judge_leak(&b, c);
        else if (cs_verdict_judge_filling(&b))
                ;
        else if (!b.used || (foreign && b.used * 2 < b.overall))
                judge_blind(&b);
        else
                judge_sound(&b);
        if (!report->target.complete) {
                /* What leads to a block may be in the part that is missing: suspicion, not proof. */
                bool suspect = strcmp(v->kind, "leak") == 0;
                v->kind = "unknown";
                v->confidence = 0;
                if (suspect)
                        v->summary = cs_pool_printf(&report->pool,
                                                    "perhaps a leak, but part of the memory could not be "
                                                    "read: %s",
                                                    v->summary);
                cs_verdict_reason(&b, "the answer is partial: see the warnings");
        }
        if (!image->threads.n && v->confidence > 0.5) {
                v->confidence = 0.5;
                cs_verdict_reason(&b,
                                  "without threads the stacks are unknown, and what they hold looks lost");
        }
        return v->summary ? CS_OK : cs_fail(err, CS_ENOMEM, "verdict");
}
