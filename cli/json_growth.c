/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

#include "growthpick.h"
#include "json_values.h"
#include "jsonout.h"
#include "watchview.h"

static json_t *signed_number(int64_t value)
{
        return json_integer(value);
}

static json_t *snapshot_value(struct cs_json *j, const struct cs_snapshot *s)
{
        json_t *object = json_object();
        cs_json_put(j, object, "path", cs_json_string(j->pool, s->path));
        cs_json_put(j, object, "report", json_boolean(s->saved));
        cs_json_put(j, object, "kind", json_string(s->live ? "live" : "core"));
        cs_json_put(j, object, "pid", json_integer(s->pid));
        cs_json_put(j, object, "time_ms", s->time_ms ? json_integer(s->time_ms) : json_null());
        cs_json_put(j, object, "process", cs_json_string(j->pool, s->process));
        cs_json_put(j, object, "complete", json_boolean(s->complete));
        cs_json_put(j, object, "resident", cs_json_number(s->memory.resident));
        cs_json_put(j, object, "anonymous", cs_json_number(s->memory.anonymous));
        cs_json_put(j, object, "mapped", cs_json_number(s->memory.mapped));
        if (s->sha256)
                cs_json_put(j, object, "sha256", cs_json_string(j->pool, s->sha256));
        return object;
}

static json_t *snapshot_values(struct cs_json *j, const struct cs_growth *g)
{
        json_t *array = json_array();
        for (size_t i = 0; i < g->n_snapshots; i++)
                cs_json_push(j, array, snapshot_value(j, g->snapshots[i]));
        return array;
}

/* The last one; what it warns of is what stands against the comparison. */
static json_t *target_value(struct cs_json *j, const struct cs_growth *g)
{
        const struct cs_snapshot *s = g->snapshots[g->n_snapshots - 1];
        bool complete = true, consistent = true;
        for (size_t i = 0; i < g->n_snapshots; i++) {
                complete &= g->snapshots[i]->complete;
                consistent &= g->snapshots[i]->consistent;
        }
        json_t *object = json_object(), *warnings = json_array();
        for (size_t i = 0; i < g->n_notes; i++)
                cs_json_push(j, warnings, cs_json_string(j->pool, g->notes[i]));
        cs_json_put(j, object, "kind", json_string(s->live ? "live" : "core"));
        cs_json_put(j, object, "path", cs_json_string(j->pool, s->path));
        cs_json_put(j, object, "pid", json_integer(s->pid));
        cs_json_put(j, object, "command", cs_json_string(j->pool, s->command));
        cs_json_put(j, object, "exe", cs_json_string(j->pool, s->exe));
        cs_json_put(j, object, "arch", json_string("x86_64"));
        cs_json_put(j, object, "threads", cs_json_number(s->threads));
        cs_json_put(j, object, "complete", json_boolean(complete));
        cs_json_put(j, object, "consistent", json_boolean(consistent));
        cs_json_put(j, object, "warnings", warnings);
        return object;
}

static json_t *comparison_value(struct cs_json *j, const struct cs_growth *g)
{
        json_t *object = json_object();
        cs_json_put(j, object, "same_program", json_boolean(g->same_program));
        cs_json_put(j, object, "same_process", json_boolean(g->same_process));
        cs_json_put(j, object, "seconds", g->timed ? cs_json_real(g->seconds) : json_null());
        return object;
}

/* ---- growth ------------------------------------------------------------------------------------------------------ */

static const char *joined_name(enum cs_joined joined)
{
        static const char *const names[] = { "signature", "template", "name", "none" };
        return names[joined];
}

static json_t *series_value(struct cs_json *j, const struct cs_growth *g, const struct cs_growth_row *row)
{
        json_t *array = json_array();
        for (size_t i = 0; i < g->n_snapshots; i++)
                cs_json_push(j, array,
                             row->at[i].unlisted ? json_null() : cs_json_number(row->at[i].resident));
        return array;
}

static json_t *growth_value(struct cs_json *j, const struct cs_growth *g, const struct cs_growth_row *row)
{
        json_t *object = json_object();
        bool told = row->shape.told;
        cs_json_put(j, object, "count", signed_number(row->count));
        cs_json_put(j, object, "bytes", signed_number(row->bytes));
        cs_json_put(j, object, "resident", signed_number(row->resident));
        cs_json_put(j, object, "state", json_string(cs_growth_state_name(row->state)));
        cs_json_put(j, object, "joined", json_string(joined_name(row->joined)));
        if (row->least)
                cs_json_put(j, object, "at_least", json_true());
        if (row->likes > 1)
                cs_json_put(j, object, "alike", cs_json_number(row->likes));
        cs_json_put(j, object, "shape", told ? json_string(cs_trend_name(row->shape.shape)) : json_null());
        if (told) {
                cs_json_put(j, object, "grows", json_boolean(cs_trend_grows(row->shape.shape)));
                cs_json_put(j, object, "confidence", cs_json_real(row->shape.confidence));
        }
        if (told && row->shape.doubling > 0)
                cs_json_put(j, object, "doubling_seconds", cs_json_real(row->shape.doubling));
        cs_json_put(j, object, "per_second", cs_json_real(row->per_second));
        cs_json_put(j, object, "series", series_value(j, g, row));
        return object;
}

static json_t *pair(struct cs_json *j, const char *first, uint64_t a, const char *second, uint64_t b)
{
        json_t *object = json_object();
        cs_json_put(j, object, first, cs_json_number(a));
        cs_json_put(j, object, second, cs_json_number(b));
        return object;
}

/* Sums as the last snapshot has them: zeros of what went. */
static void put_sums(struct cs_json *j, json_t *object, const struct cs_growth *g,
                     const struct cs_growth_row *row, const char *count)
{
        struct cs_growth_value v = row->at[g->n_snapshots - 1];
        if (v.unlisted)
                v = (struct cs_growth_value){ 0 };
        cs_json_put(j, object, count, cs_json_number(v.count));
        cs_json_put(j, object, "bytes", cs_json_number(v.bytes));
        cs_json_put(j, object, "resident", cs_json_number(v.resident));
}

static json_t *cluster_value(struct cs_json *j, const struct cs_growth *g, const struct cs_growth_row *row)
{
        json_t *object = json_object();
        bool there = row->at[g->n_snapshots - 1].there;
        cs_json_put(j, object, "id", there ? cs_json_string(j->pool, row->id) : json_null());
        cs_json_put(j, object, "kind", cs_json_string(j->pool, row->kind));
        cs_json_put(j, object, "what", cs_json_string(j->pool, row->what));
        put_sums(j, object, g, row, "count");
        cs_json_put(j, object, "block_size", pair(j, "min", row->block_min, "max", row->block_max));
        cs_json_put(j, object, "library", cs_json_string(j->pool, row->library));
        if (row->was)
                cs_json_put(j, object, "library_before", cs_json_string(j->pool, row->was));
        cs_json_put(j, object, "confidence", cs_json_real(row->library ? row->confidence : 0));
        if (row->has_template)
                cs_json_put(j, object, "template", cs_json_text(j->pool, row->template));
        cs_json_put(j, object, "unreferenced", cs_json_number(there ? row->unreferenced : 0));
        cs_json_put(j, object, "signature", cs_json_string(j->pool, row->signature));
        cs_json_put(j, object, "growth", growth_value(j, g, row));
        return object;
}

static json_t *library_value(struct cs_json *j, const struct cs_growth *g, const struct cs_growth_row *row)
{
        json_t *object = json_object();
        cs_json_put(j, object, "library", cs_json_string(j->pool, row->library));
        if (row->was)
                cs_json_put(j, object, "library_before", cs_json_string(j->pool, row->was));
        cs_json_put(j, object, "build_id", cs_json_string(j->pool, row->build_id));
        cs_json_put(j, object, "upgraded", json_boolean(row->upgraded));
        put_sums(j, object, g, row, "count");
        cs_json_put(j, object, "confidence", cs_json_real(row->library ? row->confidence : 0));
        cs_json_put(j, object, "growth", growth_value(j, g, row));
        return object;
}

static json_t *memory_value(struct cs_json *j, const struct cs_growth *g)
{
        const struct cs_report_memory *m = &g->snapshots[g->n_snapshots - 1]->memory;
        json_t *object = json_object(), *kinds = json_array();
        cs_json_put(j, object, "mapped", cs_json_number(m->mapped));
        cs_json_put(j, object, "resident", cs_json_number(m->resident));
        cs_json_put(j, object, "anonymous", cs_json_number(m->anonymous));
        cs_json_put(j, object, "unexplained", cs_json_number(m->unexplained));
        for (size_t i = 0; i < g->kinds.n; i++) {
                const struct cs_growth_row *row = &g->kinds.at[i];
                json_t *kind = json_object();
                cs_json_put(j, kind, "kind", cs_json_string(j->pool, row->kind));
                put_sums(j, kind, g, row, "regions");
                cs_json_put(j, kind, "growth", growth_value(j, g, row));
                cs_json_push(j, kinds, kind);
        }
        cs_json_put(j, object, "by_kind", kinds);
        cs_json_put(j, object, "growth", growth_value(j, g, &g->total));
        cs_json_put(j, object, "anonymous_growth", growth_value(j, g, &g->anonymous));
        return object;
}

static json_t *verdict_value(struct cs_json *j, const struct cs_report_verdict *v)
{
        json_t *object = json_object(), *reasons = json_array();
        for (size_t i = 0; i < v->n_reasons; i++)
                cs_json_push(j, reasons, cs_json_string(j->pool, v->reasons[i]));
        cs_json_put(j, object, "kind", cs_json_string(j->pool, v->kind ? v->kind : "unknown"));
        cs_json_put(j, object, "confidence", cs_json_real(v->confidence));
        cs_json_put(j, object, "summary", cs_json_string(j->pool, v->summary));
        cs_json_put(j, object, "reasons", reasons);
        cs_json_put(j, object, "cluster", cs_json_string(j->pool, v->cluster));
        cs_json_put(j, object, "library", cs_json_string(j->pool, v->library));
        return object;
}

/* ---- the object -------------------------------------------------------------------------------------------------- */

typedef json_t *(*row_fn)(struct cs_json *, const struct cs_growth *, const struct cs_growth_row *);

/* What grew, what shrank, what stayed: as many of them as are asked for, one a line. */
static enum cs_status write_rows(struct cs_jsonout *out, const struct cs_growth *g,
                                 const struct cs_options *options, const struct cs_growth_rows *rows,
                                 const char *name, row_fn value, json_t *left, struct cs_error *err)
{
        struct cs_growth_picked picked;
        enum cs_status st = cs_growth_pick(rows, g->n_snapshots, CS_WISH_ALL, options,
                                           cs_options_top(options, CS_TOP_JSON), &picked, err);
        if (st != CS_OK)
                return st;
        cs_jsonout_begin(out, name);
        for (size_t i = 0; i < picked.at.n; i++)
                cs_jsonout_element(out, value(&out->json, g, picked.at.at[i]));
        cs_jsonout_end(out);
        json_t *object = json_object();
        cs_json_put(&out->json, object, "count", cs_json_number(picked.left));
        cs_json_put(&out->json, object, "growth", signed_number(picked.left_resident));
        cs_json_put(&out->json, left, name, object);
        cs_growth_picked_deinit(&picked);
        return CS_OK;
}

static enum cs_status write_growth(struct cs_jsonout *out, const struct cs_growth *growth,
                                   const struct cs_options *options, struct cs_error *err)
{
        json_t *left = json_object();
        enum cs_status st = CS_OK;
        cs_jsonout_member(out, "schema", json_integer(1));
        cs_jsonout_member(out, "version", json_string(CS_VERSION));
        cs_jsonout_member(out, "target", target_value(&out->json, growth));
        cs_jsonout_member(out, "snapshots", snapshot_values(&out->json, growth));
        cs_jsonout_member(out, "comparison", comparison_value(&out->json, growth));
        if (options->show & CS_SHOW_SUMMARY) {
                cs_jsonout_member(out, "memory", memory_value(&out->json, growth));
                cs_jsonout_member(out, "verdict", verdict_value(&out->json, &growth->verdict));
        }
        if (options->show & (CS_SHOW_SUMMARY | CS_SHOW_CLUSTERS))
                st = write_rows(out, growth, options, &growth->clusters, "clusters", cluster_value, left,
                                err);
        if (st == CS_OK && options->show & (CS_SHOW_SUMMARY | CS_SHOW_LIBRARIES))
                st = write_rows(out, growth, options, &growth->libraries, "libraries", library_value, left,
                                err);
        cs_jsonout_member(out, "left_out", left);
        cs_jsonout_finish(out);
        return st == CS_OK && out->json.failed ? cs_fail(err, CS_ENOMEM, "not enough memory for the JSON")
                                               : st;
}

enum cs_status cs_json_write_growth(FILE *to, const struct cs_growth *growth,
                                    const struct cs_options *options, struct cs_error *err)
{
        struct cs_jsonout out = { .out = to };
        out.json.pool = &out.pool;
        return write_growth(&out, growth, options, err);
}

enum cs_status cs_json_write_watch(FILE *to, const struct cs_growth *growth, json_t *watch,
                                   const struct cs_options *options, struct cs_error *err)
{
        struct cs_jsonout out = { .out = to, .line = true };
        out.json.pool = &out.pool;
        cs_jsonout_member(&out, "type", json_string("summary"));
        cs_jsonout_member(&out, "watch", watch);
        return write_growth(&out, growth, options, err);
}
