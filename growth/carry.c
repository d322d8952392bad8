/* SPDX-License-Identifier: Apache-2.0 */
/* What a brief look takes over from the whole one before it. */
#include "snapshot.h"

#include <stdlib.h>
#include <string.h>

struct entry {
        const struct cs_snapshot_cluster *cluster;
        size_t place;
};

static int by_signature(const void *a, const void *b)
{
        const struct entry *x = a, *y = b;
        int order = strcmp(x->cluster->signature, y->cluster->signature);
        return order ? order : x->place < y->place ? -1 : x->place > y->place;
}

/* The clusters of blocks that have a signature, sorted by it. */
static struct entry *sorted(const struct cs_snapshot *s, size_t blocks, size_t *n)
{
        struct entry *all = malloc((blocks + 1) * sizeof(*all));
        *n = 0;
        for (size_t i = 0; all && i < blocks; i++)
                if (s->clusters[i].signature)
                        all[(*n)++] = (struct entry){ &s->clusters[i], i };
        if (all)
                qsort(all, *n, sizeof(*all), by_signature);
        return all;
}

static const char *keep(struct cs_snapshot *s, const char *text, bool *failed)
{
        const char *copy = text ? cs_pool_copy(&s->pool, text, strlen(text)) : NULL;
        *failed |= text && !copy;
        return copy;
}

static void add_library(struct cs_snapshot *s, const char *name, const struct cs_snapshot_cluster *now,
                        const struct cs_snapshot_cluster *was)
{
        for (size_t i = 0; name && i < s->n_libraries; i++) {
                struct cs_report_library *l = &s->libraries[i];
                if (!l->library || strcmp(l->library, name) != 0)
                        continue;
                /* Whose cluster it is says of most of its blocks whose they are, not of all. */
                uint64_t count = l->count + (now ? now->count : 0), bytes = l->bytes + (now ? now->bytes : 0);
                uint64_t resident = l->resident + (now ? now->resident : 0);
                l->count = count > was->count ? count - was->count : 0;
                l->bytes = bytes > was->bytes ? bytes - was->bytes : 0;
                l->resident = resident > was->resident ? resident - was->resident : 0;
                return;
        }
}

static void carry_cluster(struct cs_snapshot *s, struct cs_snapshot_cluster *now,
                          const struct cs_snapshot_cluster *was, bool *failed)
{
        now->what = keep(s, was->what, failed);
        now->library = keep(s, was->library, failed);
        now->confidence = was->confidence;
        /* As much of it as is there yet. */
        now->unreferenced = was->unreferenced < now->count ? was->unreferenced : now->count;
        now->leak_bytes = was->leak_bytes < now->bytes ? was->leak_bytes : now->bytes;
        add_library(s, was->library, now, was);
}

/* Pairs of one signature in the order of their places. What is in one list only is new, or gone. */
static void join(struct cs_snapshot *s, const struct entry *now, size_t n, const struct entry *was, size_t m,
                 uint64_t *strange, bool *failed)
{
        size_t i = 0, k = 0;
        while (i < n || k < m) {
                int order = i == n   ? 1
                            : k == m ? -1
                                     : strcmp(now[i].cluster->signature, was[k].cluster->signature);
                if (order < 0) {
                        *strange += now[i++].cluster->resident;
                } else if (order > 0) {
                        add_library(s, was[k].cluster->library, NULL, was[k].cluster);
                        k++;
                } else {
                        carry_cluster(s, &s->clusters[now[i].place], was[k].cluster, failed);
                        i++;
                        k++;
                }
        }
}

static void carry_libraries(struct cs_snapshot *s, const struct cs_snapshot *whole, bool *failed)
{
        s->libraries = cs_pool_alloc(&s->pool, whole->n_libraries + 1, sizeof(*s->libraries));
        *failed |= !s->libraries;
        s->n_libraries = 0;
        s->has_libraries = whole->has_libraries;
        for (size_t i = 0; !*failed && i < whole->n_libraries; i++) {
                struct cs_report_library *l = &s->libraries[s->n_libraries++];
                *l = whole->libraries[i];
                l->library = keep(s, l->library, failed);
                l->build_id = keep(s, l->build_id, failed);
        }
}

static void carry_patterns(struct cs_snapshot *s, const struct cs_snapshot *whole, bool *failed)
{
        size_t n = s->n_clusters, first = whole->n_clusters - whole->n_patterns;
        struct cs_snapshot_cluster *all = cs_pool_alloc(&s->pool, n + whole->n_patterns + 1, sizeof(*all));
        *failed |= !all;
        if (!all)
                return;
        memcpy(all, s->clusters, n * sizeof(*all));
        for (size_t i = 0; i < whole->n_patterns; i++) {
                struct cs_snapshot_cluster *c = &all[n + i];
                *c = whole->clusters[first + i];
                c->id = cs_pool_printf(&s->pool, "c%zu", n + i + 1);
                *failed |= !c->id;
                c->kind = keep(s, c->kind, failed);
                c->what = keep(s, c->what, failed);
                c->library = keep(s, c->library, failed);
                c->signature = keep(s, c->signature, failed);
                if (c->has_template) {
                        c->template.bytes = cs_pool_copy(&s->pool, c->template.bytes, c->template.len);
                        *failed |= !c->template.bytes;
                }
        }
        s->clusters = all;
        s->n_clusters += whole->n_patterns;
        s->n_patterns = whole->n_patterns;
}

enum cs_status cs_snapshot_carry(struct cs_snapshot *brief, const struct cs_snapshot *whole,
                                 uint64_t *strange, struct cs_error *err)
{
        size_t n = 0, m = 0;
        bool failed = false;
        *strange = 0;
        struct entry *now = sorted(brief, brief->n_clusters, &n);
        struct entry *was = sorted(whole, whole->n_clusters - whole->n_patterns, &m);
        failed |= !now || !was;
        if (!failed)
                carry_libraries(brief, whole, &failed);
        if (!failed)
                join(brief, now, n, was, m, strange, &failed);
        if (!failed)
                carry_patterns(brief, whole, &failed);
        free(now);
        free(was);
        brief->verdict = (struct cs_report_verdict){
                .kind = keep(brief, whole->verdict.kind, &failed),
                .confidence = whole->verdict.confidence,
                .summary = keep(brief, whole->verdict.summary, &failed),
                .cluster = keep(brief, whole->verdict.cluster, &failed),
                .library = keep(brief, whole->verdict.library, &failed),
        };
        return failed ? cs_fail(err, CS_ENOMEM, "snapshot") : CS_OK;
}
