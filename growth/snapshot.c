/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot.h"

#include <stdlib.h>
#include <string.h>

/* A copy in the pool; notes that memory ran out. */
static const char *keep(struct cs_snapshot *s, const char *text, bool *failed)
{
        const char *copy = text ? cs_pool_copy(&s->pool, text, strlen(text)) : NULL;
        *failed |= text && !copy;
        return copy;
}

static void take_cluster(struct cs_snapshot *s, const struct cs_report_cluster *from, bool *failed)
{
        struct cs_snapshot_cluster *c = &s->clusters[s->n_clusters++];
        *c = (struct cs_snapshot_cluster){
                .id = keep(s, from->id, failed),
                .kind = keep(s, from->kind, failed),
                .what = keep(s, from->what ? from->what : "", failed),
                .library = keep(s, from->library, failed),
                .signature = keep(s, from->signature, failed),
                .has_template = from->has_template,
                .confidence = from->confidence,
                .count = from->count,
                .bytes = from->bytes,
                .resident = from->resident,
                .block_min = from->block_min,
                .block_max = from->block_max,
                .unreferenced = from->unreferenced,
                .leak_bytes = from->leak_bytes,
        };
        if (from->has_template) {
                const char *copy = cs_pool_copy(&s->pool, from->template.bytes, from->template.len);
                *failed |= !copy;
                c->template = (struct cs_text){ copy, from->template.len };
        }
}

static void take_target(struct cs_snapshot *s, const struct cs_report_target *from, bool *failed)
{
        s->path = keep(s, from->path, failed);
        s->live = from->live;
        s->pid = from->pid;
        s->command = keep(s, from->command, failed);
        s->exe = keep(s, from->exe, failed);
        s->process = keep(s, from->process, failed);
        s->sha256 = keep(s, from->sha256, failed);
        s->time_ms = from->time_ms;
        s->threads = from->threads;
        s->complete = from->complete;
        s->consistent = from->consistent;
}

static void take_memory(struct cs_snapshot *s, const struct cs_report_memory *from, bool *failed)
{
        s->memory = *from;
        s->has_memory = true;
        s->memory.kinds = cs_pool_alloc(&s->pool, from->n_kinds + 1, sizeof(*from->kinds));
        if (!s->memory.kinds) {
                *failed = true;
                return;
        }
        for (size_t i = 0; i < from->n_kinds; i++) {
                s->memory.kinds[i] = from->kinds[i];
                s->memory.kinds[i].kind = keep(s, from->kinds[i].kind, failed);
        }
}

static void take_libraries(struct cs_snapshot *s, const struct cs_report *from, bool *failed)
{
        s->has_libraries = true;
        s->libraries = cs_pool_alloc(&s->pool, from->n_libraries + 1, sizeof(*s->libraries));
        if (!s->libraries) {
                *failed = true;
                return;
        }
        for (; s->n_libraries < from->n_libraries; s->n_libraries++) {
                struct cs_report_library *l = &s->libraries[s->n_libraries];
                *l = from->libraries[s->n_libraries];
                l->library = keep(s, l->library, failed);
                l->build_id = keep(s, l->build_id, failed);
        }
}

static void take_verdict(struct cs_snapshot *s, const struct cs_report_verdict *from, bool *failed)
{
        s->verdict = (struct cs_report_verdict){
                .kind = keep(s, from->kind, failed),
                .confidence = from->confidence,
                .summary = keep(s, from->summary, failed),
                .cluster = keep(s, from->cluster, failed),
                .library = keep(s, from->library, failed),
        };
}

enum cs_status cs_snapshot_take(const struct cs_report *report, struct cs_snapshot **out,
                                struct cs_error *err)
{
        cs_cleanup(cs_snapshot_destroyp) struct cs_snapshot *s = calloc(1, sizeof(*s));
        size_t n = report->n_clusters + report->n_patterns;
        bool failed = !s;
        if (s)
                s->clusters = cs_pool_alloc(&s->pool, n + 1, sizeof(*s->clusters));
        if (!s || !s->clusters)
                return cs_fail(err, CS_ENOMEM, "snapshot");
        take_target(s, &report->target, &failed);
        take_memory(s, &report->memory, &failed);
        s->has_clusters = !report->unrelated;
        s->n_patterns = report->n_patterns;
        s->brief = report->brief;
        for (size_t i = 0; i < n && !failed; i++)
                take_cluster(s, &report->clusters[i], &failed);
        take_libraries(s, report, &failed);
        s->has_libraries = !report->unrelated && !report->brief;
        take_verdict(s, &report->verdict, &failed);
        if (failed)
                return cs_fail(err, CS_ENOMEM, "snapshot");
        *out = cs_take(s);
        return CS_OK;
}

bool cs_snapshot_has_blocks(const struct cs_snapshot *snapshot)
{
        for (size_t i = 0; i < snapshot->memory.n_kinds; i++)
                if (strcmp(snapshot->memory.kinds[i].kind, "malloc-used") == 0)
                        return snapshot->memory.kinds[i].bytes > 0;
        return false;
}

void cs_snapshot_destroy(struct cs_snapshot *snapshot)
{
        if (!snapshot)
                return;
        cs_pool_deinit(&snapshot->pool);
        free(snapshot);
}
