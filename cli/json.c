/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

#include "json_values.h"
#include "jsonout.h"
#include "pick.h"

#include <string.h>

struct writer {
        FILE *out;
        struct cs_pool pool; /* escaped texts of the value at hand */
        bool live;           /* a core does not tell what is swapped out or absent */
        bool failed;         /* our memory ran out */
        bool begun;          /* a top-level key was written */
};

/* Every value goes through here: jansson gives NULL, and takes none, when memory runs out. */
static void put(struct writer *w, json_t *object, const char *key, json_t *value)
{
        if (json_object_set_new(object, key, value) != 0)
                w->failed = true;
}

static void push(struct writer *w, json_t *array, json_t *value)
{
        if (json_array_append_new(array, value) != 0)
                w->failed = true;
}

static json_t *string(struct writer *w, const char *text)
{
        return cs_json_string(&w->pool, text);
}

static json_t *number(uint64_t value)
{
        return cs_json_number(value);
}

static json_t *real(double value)
{
        return cs_json_real(value);
}

static json_t *address(uint64_t value)
{
        return cs_json_address(value);
}

static json_t *text(struct writer *w, struct cs_text value)
{
        return cs_json_text(&w->pool, value);
}

static json_t *strings(struct writer *w, const char *const *texts, size_t n)
{
        json_t *array = json_array();
        for (size_t i = 0; i < n; i++)
                push(w, array, string(w, texts[i]));
        return array;
}

static json_t *sum_value(struct writer *w, const struct cs_report_sum *sum)
{
        json_t *object = json_object();
        put(w, object, "count", number(sum->count));
        put(w, object, "bytes", number(sum->bytes));
        put(w, object, "resident", number(sum->resident));
        return object;
}

static json_t *target_value(struct writer *w, const struct cs_report_target *target)
{
        json_t *object = json_object();
        put(w, object, "kind", json_string(target->live ? "live" : "core"));
        put(w, object, "path", string(w, target->path));
        put(w, object, "pid", json_integer(target->pid));
        put(w, object, "command", string(w, target->command));
        put(w, object, "exe", string(w, target->exe));
        put(w, object, "arch", string(w, target->arch));
        put(w, object, "threads", number(target->threads));
        put(w, object, "complete", json_boolean(target->complete));
        if (target->interrupted)
                put(w, object, "interrupted", json_string(target->interrupted));
        put(w, object, "consistent", json_boolean(target->consistent));
        if (target->live) {
                put(w, object, "changed", real(target->changed));
                put(w, object, "sampled_pages", number(target->sampled));
        }
        if (target->time_ms)
                put(w, object, "time_ms", json_integer(target->time_ms));
        if (target->process)
                put(w, object, "process", string(w, target->process));
        if (target->sha256)
                put(w, object, "sha256", string(w, target->sha256));
        put(w, object, "warnings", strings(w, (const char *const *)target->warnings, target->n_warnings));
        return object;
}

static json_t *memory_value(struct writer *w, const struct cs_report_memory *memory)
{
        json_t *object = json_object();
        put(w, object, "mapped", number(memory->mapped));
        put(w, object, "resident", number(memory->resident));
        if (w->live) {
                put(w, object, "swapped", number(memory->swapped));
                put(w, object, "absent", number(memory->absent));
        }
        put(w, object, "anonymous", number(memory->anonymous));
        put(w, object, "unexplained", number(memory->unexplained));
        json_t *kinds = json_array();
        for (size_t i = 0; i < memory->n_kinds; i++) {
                json_t *kind = json_object();
                put(w, kind, "kind", string(w, memory->kinds[i].kind));
                put(w, kind, "bytes", number(memory->kinds[i].bytes));
                put(w, kind, "resident", number(memory->kinds[i].resident));
                put(w, kind, "regions", number(memory->kinds[i].regions));
                push(w, kinds, kind);
        }
        put(w, object, "by_kind", kinds);
        return object;
}

static json_t *arena_value(struct writer *w, const struct cs_report_arena *arena)
{
        json_t *object = json_object();
        put(w, object, "address", address(arena->address));
        put(w, object, "main", json_boolean(arena->main));
        json_t *threads = json_array();
        for (size_t i = 0; i < arena->n_threads; i++)
                push(w, threads, json_integer(arena->threads[i]));
        put(w, object, "threads", threads);
        put(w, object, "used", sum_value(w, &arena->used));
        put(w, object, "free", sum_value(w, &arena->free));
        put(w, object, "cached", sum_value(w, &arena->cached));
        put(w, object, "overhead", sum_value(w, &arena->overhead));
        put(w, object, "top", number(arena->top));
        put(w, object, "top_resident", number(arena->top_resident));
        put(w, object, "trimmable", number(arena->trimmable));
        put(w, object, "trimmable_resident", number(arena->trimmable_resident));
        return object;
}

static json_t *run_values(struct writer *w, const struct cs_report_run *runs, size_t n)
{
        json_t *array = json_array();
        for (size_t i = 0; i < n; i++) {
                json_t *object = json_object();
                put(w, object, "address", address(runs[i].address));
                put(w, object, "bytes", number(runs[i].bytes));
                put(w, object, "resident", number(runs[i].resident));
                push(w, array, object);
        }
        return array;
}

static json_t *run_classes(struct writer *w, const struct cs_report_sum runs[CS_RUN_CLASSES])
{
        static const char *const names[CS_RUN_CLASSES] = { "below_4k", "below_128k", "from_128k" };
        json_t *object = json_object();
        for (size_t i = 0; i < CS_RUN_CLASSES; i++)
                put(w, object, names[i], sum_value(w, &runs[i]));
        return object;
}

static json_t *heap_value(struct writer *w, const struct cs_report_heap *heap)
{
        json_t *object = json_object();
        put(w, object, "allocator", string(w, heap->allocator));
        put(w, object, "version", string(w, heap->version));
        put(w, object, "library", string(w, heap->library));
        put(w, object, "walked", json_boolean(heap->walked));
        put(w, object, "measured", json_boolean(heap->walked || heap->measured));
        json_t *arenas = json_array();
        for (size_t i = 0; i < heap->n_arenas; i++)
                push(w, arenas, arena_value(w, &heap->arenas[i]));
        put(w, object, "arenas", arenas);
        /* A heap that was not walked has no sums: zeros would be a claim. */
        if (heap->walked) {
                put(w, object, "mmapped", sum_value(w, &heap->mmapped));
                put(w, object, "free_runs", run_classes(w, heap->runs));
                put(w, object, "largest_free", run_values(w, heap->largest_free, heap->n_largest_free));
                put(w, object, "pins", run_values(w, heap->pins, heap->n_pins));
        }
        json_t *corrupt = json_array();
        for (size_t i = 0; i < heap->n_corrupt; i++) {
                json_t *place = json_object();
                put(w, place, "address", address(heap->corrupt[i].address));
                put(w, place, "what", string(w, heap->corrupt[i].what));
                push(w, corrupt, place);
        }
        put(w, object, "corrupt", corrupt);
        return object;
}

static json_t *verdict_value(struct writer *w, const struct cs_report_verdict *verdict)
{
        json_t *object = json_object();
        put(w, object, "kind", string(w, verdict->kind ? verdict->kind : "unknown"));
        put(w, object, "confidence", real(verdict->confidence));
        put(w, object, "summary", string(w, verdict->summary));
        put(w, object, "reasons", strings(w, (const char *const *)verdict->reasons, verdict->n_reasons));
        put(w, object, "cluster", string(w, verdict->cluster));
        put(w, object, "library", string(w, verdict->library));
        return object;
}

static json_t *field_values(struct writer *w, const struct cs_report_cluster *c)
{
        json_t *array = json_array();
        for (size_t i = 0; i < c->n_fields; i++) {
                const struct cs_report_field *f = &c->fields[i];
                json_t *object = json_object();
                put(w, object, "offset", number(f->offset));
                put(w, object, "size", number(f->size));
                put(w, object, "kind", string(w, f->kind));
                put(w, object, "value", string(w, f->value));
                put(w, object, "share", real(f->share));
                put(w, object, "to", string(w, f->to));
                push(w, array, object);
        }
        return array;
}

static json_t *referrer_values(struct writer *w, const struct cs_report_cluster *c)
{
        json_t *array = json_array();
        for (size_t i = 0; i < c->n_referrers; i++) {
                const struct cs_report_referrer *r = &c->referrers[i];
                json_t *object = json_object();
                put(w, object, "cluster", string(w, r->cluster));
                if (r->root)
                        put(w, object, "root", string(w, r->root));
                put(w, object, "offset", r->offset < 0 ? json_null() : number((uint64_t)r->offset));
                put(w, object, "share", real(r->share));
                push(w, array, object);
        }
        return array;
}

static json_t *pair(struct writer *w, const char *first, uint64_t a, const char *second, uint64_t b)
{
        json_t *object = json_object();
        put(w, object, first, number(a));
        put(w, object, second, number(b));
        return object;
}

static json_t *cluster_value(struct writer *w, const struct cs_report_cluster *c)
{
        json_t *object = json_object();
        put(w, object, "id", string(w, c->id));
        put(w, object, "kind", string(w, c->kind));
        put(w, object, "what", string(w, c->what));
        put(w, object, "count", number(c->count));
        put(w, object, "bytes", number(c->bytes));
        put(w, object, "resident", number(c->resident));
        put(w, object, "block_size", pair(w, "min", c->block_min, "max", c->block_max));
        put(w, object, "state", pair(w, "in_use", c->in_use, "free", c->free));
        put(w, object, "library", string(w, c->library));
        put(w, object, "confidence", real(c->library ? c->confidence : 0));
        put(w, object, "evidence", cs_json_evidence(&w->pool, c->evidence, c->n_evidence));
        put(w, object, "fields", field_values(w, c));
        if (c->has_template)
                put(w, object, "template", text(w, c->template));
        put(w, object, "unreferenced", number(c->unreferenced));
        put(w, object, "leak_direct", number(c->leak_direct));
        put(w, object, "leak_indirect", number(c->leak_indirect));
        put(w, object, "leak_bytes", number(c->leak_bytes));
        put(w, object, "leak_possible", number(c->leak_possible));
        put(w, object, "referrers", referrer_values(w, c));
        json_t *examples = json_array();
        for (size_t i = 0; i < c->n_examples; i++)
                push(w, examples, address(c->examples[i]));
        put(w, object, "examples", examples);
        if (c->signature)
                put(w, object, "signature", string(w, c->signature));
        if (c->period) {
                put(w, object, "period", number(c->period));
                put(w, object, "records", number(c->records));
        }
        if (c->content)
                put(w, object, "content", string(w, c->content));
        if (c->type)
                put(w, object, "type", string(w, c->type));
        return object;
}

static json_t *leak_value(struct writer *w, const struct cs_report_cluster *c)
{
        json_t *object = json_object();
        put(w, object, "cluster", string(w, c->id));
        put(w, object, "what", string(w, c->what));
        put(w, object, "direct", number(c->leak_direct));
        put(w, object, "indirect", number(c->leak_indirect));
        put(w, object, "bytes", number(c->leak_bytes));
        put(w, object, "possible", number(c->leak_possible));
        put(w, object, "stale", number(c->leak_stale));
        put(w, object, "retained", number(c->leak_retained));
        put(w, object, "retained_resident", number(c->leak_retained_resident));
        put(w, object, "library", string(w, c->leak_library));
        put(w, object, "confidence", real(c->leak_library ? c->leak_confidence : 0));
        if (c->has_template)
                put(w, object, "template", text(w, c->template));
        return object;
}

static json_t *leaks_value(struct writer *w, const struct cs_report *r, const struct cs_picked *picked)
{
        json_t *object = json_object(), *clusters = json_array();
        put(w, object, "direct", pair(w, "count", r->leak_direct.count, "bytes", r->leak_direct.bytes));
        put(w, object, "indirect", pair(w, "count", r->leak_indirect.count, "bytes", r->leak_indirect.bytes));
        put(w, object, "possible", pair(w, "count", r->leak_possible.count, "bytes", r->leak_possible.bytes));
        put(w, object, "stale", pair(w, "count", r->leak_stale.count, "bytes", r->leak_stale.bytes));
        put(w, object, "notes", strings(w, r->leak_notes, r->n_leak_notes));
        for (size_t i = 0; i < picked->at.n; i++)
                push(w, clusters, leak_value(w, &r->clusters[picked->at.at[i]]));
        put(w, object, "clusters", clusters);
        return object;
}

static json_t *library_value(struct writer *w, const struct cs_report_library *l)
{
        json_t *object = json_object();
        put(w, object, "library", string(w, l->library));
        put(w, object, "build_id", string(w, l->build_id));
        put(w, object, "count", number(l->count));
        put(w, object, "bytes", number(l->bytes));
        put(w, object, "resident", number(l->resident));
        put(w, object, "confidence", real(l->library ? l->confidence : 0));
        return object;
}

static json_t *left_out_value(struct writer *w, const struct cs_left_out *left)
{
        json_t *object = json_object();
        put(w, object, "count", number(left->count));
        put(w, object, "bytes", number(left->bytes));
        put(w, object, "resident", number(left->resident));
        return object;
}

static json_t *timing_value(struct writer *w, const struct cs_report *report)
{
        json_t *object = json_object();
        put(w, object, "seconds", real(report->seconds));
        put(w, object, "bytes_read", number(report->bytes_read));
        put(w, object, "peak_memory", number(report->peak_memory));
        return object;
}

/* Writes a value and lets it and its texts go. */
static void dump(struct writer *w, json_t *value)
{
        if (!cs_jsonout_dump(w->out, value))
                w->failed = true;
        cs_pool_deinit(&w->pool);
}

static void key(struct writer *w, const char *name)
{
        (void)fprintf(w->out, "%s\"%s\": ", w->begun ? ",\n" : "{\n", name);
        w->begun = true;
}

static void member(struct writer *w, const char *name, json_t *value)
{
        key(w, name);
        dump(w, value);
}

static void write_clusters(struct writer *w, const struct cs_report *report, const struct cs_picked *picked)
{
        key(w, "clusters");
        (void)fputs("[", w->out);
        for (size_t i = 0; i < picked->at.n && !w->failed; i++) {
                (void)fputs(i ? ",\n" : "\n", w->out);
                dump(w, cluster_value(w, &report->clusters[picked->at.at[i]]));
        }
        (void)fputs("]", w->out);
}

static void write_libraries(struct writer *w, const struct cs_report *report, const struct cs_picked *picked)
{
        key(w, "libraries");
        (void)fputs("[", w->out);
        for (size_t i = 0; i < picked->at.n && !w->failed; i++) {
                (void)fputs(i ? ",\n" : "\n", w->out);
                dump(w, library_value(w, &report->libraries[picked->at.at[i]]));
        }
        (void)fputs("]", w->out);
}

static json_t *region_value(struct writer *w, const struct cs_report_region *region)
{
        json_t *object = json_object();
        put(w, object, "start", address(region->start));
        put(w, object, "end", address(region->end));
        put(w, object, "perms", string(w, region->perms));
        put(w, object, "kind", string(w, region->kind));
        put(w, object, "owner", string(w, region->owner));
        put(w, object, "path", string(w, region->path));
        put(w, object, "bytes", number(region->end - region->start));
        put(w, object, "resident", number(region->resident));
        if (w->live)
                put(w, object, "swapped", number(region->swapped));
        put(w, object, "detail", string(w, region->detail));
        return object;
}

/* By address, and all of them unless a filter or --top says otherwise: they add up. */
static void write_regions(struct writer *w, const struct cs_report *report, const struct cs_options *options)
{
        size_t left = cs_options_top(options, SIZE_MAX);
        const char *before = "\n";
        key(w, "regions");
        (void)fputs("[", w->out);
        for (size_t i = 0; i < report->n_regions && left && !w->failed; i++) {
                const struct cs_report_region *region = &report->regions[i];
                if (region->end - region->start < options->min_bytes ||
                    (options->region && strcmp(options->region, region->kind) != 0))
                        continue;
                (void)fputs(before, w->out);
                dump(w, region_value(w, region));
                before = ",\n";
                left--;
        }
        (void)fputs("]", w->out);
}

static void write_heaps(struct writer *w, const struct cs_report *report)
{
        json_t *heaps = json_array();
        for (size_t i = 0; i < report->n_heaps; i++)
                push(w, heaps, heap_value(w, &report->heaps[i]));
        member(w, "heaps", heaps);
}

static enum cs_status write_strings(struct writer *w, const struct cs_report *report,
                                    const struct cs_options *options, json_t *left, struct cs_error *err)
{
        struct cs_picked picked;
        enum cs_status st =
                cs_pick_strings(report, options, cs_options_top(options, CS_TOP_JSON), &picked, err);
        if (st != CS_OK)
                return st;
        key(w, "strings");
        (void)fputs("[", w->out);
        for (size_t i = 0; i < picked.at.n && !w->failed; i++) {
                (void)fputs(i ? ",\n" : "\n", w->out);
                dump(w, cs_json_string_row(&w->pool, &report->strings->at[picked.at.at[i]]));
        }
        (void)fputs("]", w->out);
        member(w, "strings_found", cs_json_strings_found(&w->pool, report->strings));
        put(w, left, "strings", left_out_value(w, &picked.left));
        cs_picked_deinit(&picked);
        return CS_OK;
}

/* Clusters and libraries, and what of them is not shown. */
static enum cs_status write_lists(struct writer *w, const struct cs_report *report,
                                  const struct cs_options *options, struct cs_error *err)
{
        size_t top = cs_options_top(options, CS_TOP_JSON);
        json_t *left = json_object();
        struct cs_picked picked;
        enum cs_status st = CS_OK;
        if (options->show & (CS_SHOW_SUMMARY | CS_SHOW_CLUSTERS)) {
                if ((st = cs_pick_clusters(report, options, top, &picked, err)) == CS_OK) {
                        write_clusters(w, report, &picked);
                        put(w, left, "clusters", left_out_value(w, &picked.left));
                        cs_picked_deinit(&picked);
                }
        }
        if (st == CS_OK && options->show & (CS_SHOW_SUMMARY | CS_SHOW_LIBRARIES)) {
                if ((st = cs_pick_libraries(report, options, top, &picked, err)) == CS_OK) {
                        write_libraries(w, report, &picked);
                        put(w, left, "libraries", left_out_value(w, &picked.left));
                        cs_picked_deinit(&picked);
                }
        }
        if (st == CS_OK && options->show & CS_SHOW_LEAKS) {
                if ((st = cs_pick_leaks(report, options, top, &picked, err)) == CS_OK) {
                        member(w, "leaks", leaks_value(w, report, &picked));
                        put(w, left, "leaks", left_out_value(w, &picked.left));
                        cs_picked_deinit(&picked);
                }
        }
        if (st == CS_OK && report->strings)
                st = write_strings(w, report, options, left, err);
        member(w, "left_out", left);
        return st;
}

/* One a line, as clusters and regions are. */
static void write_hits(struct writer *w, const struct cs_report_hits *hits)
{
        key(w, "hits");
        (void)fputs("[", w->out);
        for (size_t i = 0; i < hits->n && !w->failed; i++) {
                (void)fputs(i ? ",\n" : "\n", w->out);
                if (!cs_json_write_hit(w->out, &hits->at[i], false))
                        w->failed = true;
        }
        (void)fputs("]", w->out);
        json_t *found = json_object();
        put(w, found, "count", number(hits->count));
        put(w, found, "bytes", number(hits->bytes));
        put(w, found, "rules", cs_json_hit_rules(&w->pool, hits));
        member(w, "hits_found", found);
}

enum cs_status cs_json_write_hits_end(FILE *out, const struct cs_report *report, struct cs_error *err)
{
        struct writer w = { .out = out, .live = report->target.live };
        json_t *object = json_object();
        put(&w, object, "type", json_string("summary"));
        put(&w, object, "schema", json_integer(1));
        put(&w, object, "version", json_string(CS_VERSION));
        put(&w, object, "hits", number(report->hits->count));
        put(&w, object, "bytes", number(report->hits->bytes));
        put(&w, object, "owners", json_string(report->hits->near ? "near" : "all"));
        put(&w, object, "rules", cs_json_hit_rules(&w.pool, report->hits));
        put(&w, object, "target", target_value(&w, &report->target));
        json_t *timing = timing_value(&w, report);
        put(&w, timing, "search_seconds", real(report->hits->seconds));
        put(&w, object, "timing", timing);
        dump(&w, object);
        (void)fputs("\n", out);
        cs_pool_deinit(&w.pool);
        return w.failed ? cs_fail(err, CS_ENOMEM, "not enough memory for the JSON") : CS_OK;
}

enum cs_status cs_json_write(FILE *out, const struct cs_report *report, const struct cs_options *options,
                             struct cs_error *err)
{
        struct writer w = { .out = out, .live = report->target.live };
        member(&w, "schema", json_integer(1));
        member(&w, "version", json_string(CS_VERSION));
        member(&w, "target", target_value(&w, &report->target));
        if (options->show & (CS_SHOW_SUMMARY | CS_SHOW_CENSUS))
                member(&w, "memory", memory_value(&w, &report->memory));
        if (options->show & CS_SHOW_REGIONS)
                write_regions(&w, report, options);
        if (options->show & (CS_SHOW_SUMMARY | CS_SHOW_HEAP))
                write_heaps(&w, report);
        if (options->show & CS_SHOW_SUMMARY)
                member(&w, "verdict", verdict_value(&w, &report->verdict));
        enum cs_status st = write_lists(&w, report, options, err);
        if (report->hits)
                write_hits(&w, report->hits);
        if (report->at)
                member(&w, "at", cs_json_case(&w.pool, report->at, true));
        if (report->refs)
                member(&w, "refs", cs_json_case(&w.pool, report->refs, false));
        member(&w, "timing", timing_value(&w, report));
        (void)fputs("\n}\n", out);
        cs_pool_deinit(&w.pool);
        if (st == CS_OK && w.failed)
                return cs_fail(err, CS_ENOMEM, "not enough memory for the JSON");
        return st;
}
