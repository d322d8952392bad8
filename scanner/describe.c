/* SPDX-License-Identifier: Apache-2.0 */
#include "describe.h"

#include "blocktext.h"
#include "repeatreport.h"
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
        LITERAL_BYTES = 64,
        REFERRERS_SHOWN = 8,
        TITLE_WORDS = 4,
        TEXTS_TOLD =
                1024, /* of so many clusters, the largest, it is told what text they hold: their blocks are read for it */
};

const char *cs_describe_id(struct cs_pool *pool, uint32_t cluster)
{
        return cs_pool_printf(pool, "c%" PRIu32, cluster + 1);
}

static const char *keep(const struct cs_describe *d, const char *text)
{
        return text ? cs_pool_copy(d->pool, text, strlen(text)) : NULL;
}

/* ---- what ------------------------------------------------------------------------------------------------------- */

/* The string at addr in quotes, or NULL where there is none. */
static const char *literal(const struct cs_describe *d, uint64_t addr)
{
        uint8_t text[LITERAL_BYTES];
        size_t got = 0;
        if (cs_source_read(d->image->source, addr, text, sizeof(text), &got, NULL) != CS_OK)
                return NULL;
        size_t run = cs_text_run(text, got);
        if (run < 3 || (run < got && text[run] != '\0'))
                return NULL;
        return cs_pool_printf(d->pool, run < got ? "\"%.*s\"" : "\"%.*s…\"", (int)run, (const char *)text);
}

/* Method tables and descriptors often begin with their own name: `{ int type; char *name; … }`. */
static const char *table_title(const struct cs_describe *d, uint64_t addr)
{
        for (uint64_t at = addr & ~(uint64_t)7; at < addr + TITLE_WORDS * 8; at += 8) {
                uint64_t value;
                struct cs_space_entry e;
                if (!cs_source_u64(d->image->source, at, &value))
                        return NULL;
                e = cs_space_at(d->space, value);
                if (e.kind != CS_SPACE_MODULE || cs_space_part(d->space, e.index, value) != CS_PART_RODATA)
                        continue;
                const char *title = literal(d, value);
                if (title)
                        return title;
        }
        return NULL;
}

/* The name of what a word points at. */
static const char *target_name(const struct cs_describe *d, uint64_t addr)
{
        const struct cs_target *t = cs_targets_at(&d->clusters->targets, addr);
        if (t && t->kind == CS_TARGET_VTABLE && t->class_name)
                return cs_pool_printf(d->pool, "vtable for %s", t->class_name);
        if (t && t->kind == CS_TARGET_LITERAL) {
                const char *text = literal(d, addr);
                if (text)
                        return text;
        }
        return cs_symbols_describe(d->symbols, d->pool, addr);
}

/* The same with the name that a table states of itself: it tells people more than where the table lies. */
static const char *target_title(const struct cs_describe *d, uint64_t addr)
{
        const struct cs_target *t = cs_targets_at(&d->clusters->targets, addr);
        const char *name = target_name(d, addr);
        const char *title =
                t && (t->kind == CS_TARGET_CONST || t->kind == CS_TARGET_DATA) ? table_title(d, addr) : NULL;
        return name && title ? cs_pool_printf(d->pool, "%s %s", name, title) : name;
}

const char *cs_describe_target(const struct cs_describe *d, uint64_t addr)
{
        return target_title(d, addr);
}

static const char *what_object(const struct cs_describe *d, const struct cs_cluster *c)
{
        const struct cs_target *t = cs_targets_at(&d->clusters->targets, c->target);
        const char *name = t && t->class_name ? t->class_name : target_title(d, c->target);
        if (!name || c->kind == CS_CLUSTER_CLASS)
                return keep(d, name);
        return cs_pool_printf(d->pool, "object with %s at +%" PRIu32, name, c->offset);
}

static const char *what_shape(const struct cs_describe *d, const struct cs_cluster *c)
{
        char where[128] = "";
        size_t used = 0, pointers = 0;
        for (unsigned i = 0; i < 6; i++) {
                enum cs_space_kind kind = (enum cs_space_kind)(c->shape >> (8 * i) & 0xff);
                if (kind != CS_SPACE_HEAP && kind != CS_SPACE_OTHER && kind != CS_SPACE_STACK)
                        continue;
                int n = snprintf(where + used, sizeof(where) - used, "%s+%u", pointers ? ", " : "", 8 * i);
                used += n > 0 ? (size_t)n : 0;
                pointers++;
        }
        uint64_t size = c->min_units * CS_BLOCK_UNIT;
        if (!pointers)
                return cs_pool_printf(d->pool, "%" PRIu64 "-byte blocks without a mark", size);
        return cs_pool_printf(d->pool, "%" PRIu64 "-byte blocks, pointers at %s", size, where);
}

static bool has_pointers(const struct cs_cluster *c)
{
        for (unsigned i = 0; i < 6; i++)
                if (c->shape >> (8 * i) & 0xff)
                        return true;
        return false;
}

/* The same with the text that they hold, as a person sees it at once in memory. It is no part of the signature: it comes from a sample. */
static enum cs_status tell_text(const struct cs_describe *d, uint32_t cluster, struct cs_report_cluster *out,
                                struct cs_error *err)
{
        const struct cs_cluster *c = &d->clusters->at.at[cluster];
        struct cs_blocktext texts;
        uint32_t at;
        if (c->kind != CS_CLUSTER_SHAPE || cluster >= TEXTS_TOLD)
                return CS_OK;
        enum cs_status st = cs_blocktext_read(d->image, d->blocks, d->members, cluster, &texts, err);
        if (st != CS_OK)
                return st;
        const char *text = cs_blocktext_find(&texts, 0, UINT64_MAX, d->pool, &at);
        if (text)
                out->what =
                        has_pointers(c)
                                ? cs_pool_printf(d->pool, "%s, with \"%s\" at +%" PRIu32, out->what, text, at)
                                : cs_pool_printf(d->pool, "%" PRIu64 "-byte blocks with \"%s\" at +%" PRIu32,
                                                 c->min_units * CS_BLOCK_UNIT, text, at);
        cs_blocktext_deinit(&texts);
        return out->what ? CS_OK : cs_fail(err, CS_ENOMEM, "cluster");
}

static const char *kind_name(const struct cs_cluster *c)
{
        switch (c->kind) {
        case CS_CLUSTER_CLASS:
        case CS_CLUSTER_OBJECT:
                return "object";
        case CS_CLUSTER_TEXT:
                return "text";
        case CS_CLUSTER_ARRAY:
                return "pattern";
        case CS_CLUSTER_SHAPE:
                break;
        }
        return has_pointers(c) ? "object" : "pattern";
}

/* The function whose frame has the slot at addr. */
static const char *function_name(const struct cs_describe *d, uint64_t addr)
{
        const struct cs_frame *f = cs_frames_at(d->frames, addr);
        /* Behind the call may be another function. */
        return f ? cs_symbols_describe(d->symbols, d->pool, f->pc - !f->interrupted) : NULL;
}

/* ---- evidence ---------------------------------------------------------------------------------------------------- */

static enum cs_status describe_evidence(const struct cs_describe *d, uint32_t cluster,
                                        struct cs_report_cluster *out, struct cs_error *err)
{
        const struct cs_owner *owner = &d->owners[cluster];
        out->evidence = cs_pool_alloc(d->pool, owner->n_evidence + 1, sizeof(*out->evidence));
        if (!out->evidence)
                return cs_fail(err, CS_ENOMEM, "evidence");
        for (uint32_t i = 0; i < owner->n_evidence; i++) {
                const struct cs_evidence *e = &owner->evidence[i];
                struct cs_report_evidence *r = &out->evidence[out->n_evidence++];
                const struct cs_target *t = cs_targets_at(&d->clusters->targets, e->target);
                r->offset = e->offset == CS_EDGE_ANYWHERE ? -1 : (int64_t)e->offset;
                r->module = keep(d, cs_unloaded_name(d->image, d->unloaded, e->module));
                r->share = e->share;
                r->weight = e->weight;
                switch (e->kind) {
                case CS_EVIDENCE_TARGET:
                        r->kind = t ? cs_target_evidence(t->kind) : "data";
                        r->symbol = target_name(d, e->target);
                        break;
                case CS_EVIDENCE_ROOT:
                        r->kind = "static-root";
                        r->symbol = cs_symbols_describe(d->symbols, d->pool, e->target);
                        break;
                case CS_EVIDENCE_GONE:
                        /* What it pointed at is gone; objects begin with their vtable. */
                        r->kind = e->offset == 0 ? "vtable" : "function";
                        break;
                case CS_EVIDENCE_STACK:
                        r->kind = "stack";
                        r->symbol = function_name(d, e->target);
                        break;
                case CS_EVIDENCE_REFERRER:
                        r->kind = "referrer";
                        r->symbol = cs_describe_id(d->pool, e->cluster);
                        break;
                case CS_EVIDENCE_LITERAL:
                        r->kind = "rodata-literal";
                        r->symbol = literal(d, e->target);
                        break;
                case CS_EVIDENCE_SITE:
                        r->kind = "allocation-site";
                        r->symbol = function_name(d, e->target);
                        break;
                case CS_EVIDENCE_NEIGHBOUR:
                        r->kind = "neighbour";
                        break;
                case CS_EVIDENCE_IMPORT:
                        r->kind = "import";
                        break;
                case CS_EVIDENCE_CHILD:
                        r->kind = "peer";
                        r->symbol = cs_describe_id(d->pool, e->cluster);
                        break;
                }
        }
        return CS_OK;
}

/* ---- referrers --------------------------------------------------------------------------------------------------- */

static const char *root_name(const struct cs_describe *d, const struct cs_edge *e)
{
        uint32_t index = cs_root_index(e->from);
        switch (cs_root_kind(e->from)) {
        case CS_ROOT_MODULE: {
                const struct cs_section *section =
                        index < d->image->modules.n ? cs_symbols_section_at(d->symbols, index, e->example)
                                                    : NULL;
                return cs_pool_printf(d->pool, "%s (%s)",
                                      index < d->image->modules.n ? d->image->modules.at[index].name
                                                                  : "module",
                                      section && section->name ? section->name : "data");
        }
        case CS_ROOT_STACK: {
                const char *function = function_name(d, e->example);
                return index < d->image->modules.n && function
                               ? cs_pool_printf(d->pool, "stack (%s: %s)", d->image->modules.at[index].name,
                                                function)
                               : "stack";
        }
        case CS_ROOT_OTHER:
                break;
        }
        return "anonymous memory";
}

static enum cs_status describe_referrers(const struct cs_describe *d, uint32_t cluster,
                                         struct cs_report_cluster *out, struct cs_error *err)
{
        size_t first, end;
        cs_graph_edges_to(d->graph, cluster, &first, &end);
        size_t n = end - first < REFERRERS_SHOWN ? end - first : REFERRERS_SHOWN;
        out->referrers = cs_pool_alloc(d->pool, n + 1, sizeof(*out->referrers));
        if (!out->referrers)
                return cs_fail(err, CS_ENOMEM, "referrers");
        for (size_t i = 0; i < n; i++) {
                const struct cs_edge *e = &d->graph->edges.at[first + i];
                struct cs_report_referrer *r = &out->referrers[out->n_referrers++];
                double share = (double)e->count / (double)d->clusters->at.at[cluster].count;
                r->share = share > 1 ? 1 : share;
                if (e->from_root)
                        r->root = root_name(d, e);
                else
                        r->cluster = cs_describe_id(d->pool, e->from);
                r->offset = e->offset == CS_EDGE_ANYWHERE ? -1 : (int64_t)e->offset;
        }
        return CS_OK;
}

/* ---- the cluster ------------------------------------------------------------------------------------------------- */

/* A number that stays the same when addresses move: built from names and offsets inside modules. */
static const char *signature(const struct cs_describe *d, const struct cs_cluster *c,
                             const struct cs_report_cluster *r)
{
        const struct cs_module *m = cs_image_module_at(d->image, c->target);
        bool sized = c->kind == CS_CLUSTER_OBJECT || c->kind == CS_CLUSTER_SHAPE;
        const char *text =
                cs_pool_printf(d->pool, "%s|%s|%s|%" PRIu32 "|%" PRIu64, r->kind, m ? m->name : "-",
                               c->text ? "" : r->what, c->offset, sized ? c->min_units : 0);
        if (!text)
                return NULL;
        XXH64_hash_t hash = XXH3_64bits(text, strlen(text));
        if (c->text)
                hash = XXH3_64bits_withSeed(c->text, c->text_len, hash);
        return cs_pool_printf(d->pool, "%016" PRIx64, (uint64_t)hash);
}

enum cs_status cs_describe_kind(const struct cs_describe *d, uint32_t cluster, struct cs_report_cluster *out,
                                struct cs_error *err)
{
        const struct cs_cluster *c = &d->clusters->at.at[cluster];
        out->id = cs_describe_id(d->pool, cluster);
        out->kind = kind_name(c);
        out->count = out->in_use = c->count;
        out->bytes = c->bytes;
        out->resident = c->resident;
        out->block_min = c->min_units * CS_BLOCK_UNIT;
        out->block_max = c->max_units * CS_BLOCK_UNIT;
        if (c->period) {
                out->period = c->period->stride;
                out->records = c->records;
                out->content = cs_content_name(CS_CONTENT_STRUCTURED);
        }
        if (c->kind == CS_CLUSTER_TEXT) {
                out->has_template = true;
                out->what = cs_pool_copy(d->pool, c->text, c->text_len);
                out->template = (struct cs_text){ out->what, c->text_len };
        } else {
                out->what = c->kind == CS_CLUSTER_ARRAY   ? cs_repeatreport_what(d, c->period->stride, NULL)
                            : c->kind == CS_CLUSTER_SHAPE ? what_shape(d, c)
                                                          : what_object(d, c);
        }
        out->examples = cs_pool_alloc(d->pool, c->n_examples + 1, sizeof(*out->examples));
        if (!out->examples || !out->what || !out->id)
                return cs_fail(err, CS_ENOMEM, "cluster");
        for (uint32_t i = 0; i < c->n_examples; i++) {
                struct cs_block block = cs_blocks_get(d->blocks, c->examples[i]);
                out->examples[out->n_examples++] = cs_block_user(&block);
        }
        out->signature = signature(d, c, out);
        return CS_OK;
}

enum cs_status cs_describe_cluster(const struct cs_describe *d, uint32_t cluster,
                                   struct cs_report_cluster *out, struct cs_error *err)
{
        const struct cs_owner *owner = &d->owners[cluster];
        enum cs_status st = cs_describe_kind(d, cluster, out, err);
        if (st != CS_OK)
                return st;
        if ((st = tell_text(d, cluster, out, err)) != CS_OK)
                return st;
        out->unreferenced = d->leaks->clusters[cluster].unreferenced;
        if (owner->module != CS_NO_MODULE) {
                out->library = keep(d, cs_unloaded_name(d->image, d->unloaded, (size_t)owner->module));
                out->confidence = owner->confidence;
        }
        out->leak_library = out->library;
        out->leak_confidence = out->confidence;
        if (owner->lost_module != CS_NO_MODULE) {
                out->leak_library =
                        keep(d, cs_unloaded_name(d->image, d->unloaded, (size_t)owner->lost_module));
                out->leak_confidence = owner->lost_confidence;
        }
        st = describe_evidence(d, cluster, out, err);
        return st == CS_OK ? describe_referrers(d, cluster, out, err) : st;
}

/* ---- fields ------------------------------------------------------------------------------------------------------ */

static const char *column_name(enum cs_column kind)
{
        switch (kind) {
        case CS_COLUMN_ZERO:
                return "zero";
        case CS_COLUMN_CONSTANT:
                return "constant";
        case CS_COLUMN_TEXT:
                return "text";
        case CS_COLUMN_FLAGS:
                return "flags";
        case CS_COLUMN_TIME:
                return "time";
        case CS_COLUMN_FLOAT:
                return "float";
        case CS_COLUMN_INT:
                return "int";
        case CS_COLUMN_MIXED:
                break;
        }
        return "mixed";
}

void cs_describe_field(const struct cs_describe *d, const struct cs_field *f, struct cs_report_field *out)
{
        out->offset = f->offset;
        out->size = f->size;
        out->share = f->share;
        switch (f->kind) {
        case CS_FIELD_TO_MODULE:
                out->kind = "pointer:module";
                if (f->constant)
                        out->value = target_name(d, f->value);
                break;
        case CS_FIELD_TO_BLOCK:
                out->kind = "pointer:block";
                if (f->cluster != CS_NO_CLUSTER)
                        out->to = cs_describe_id(d->pool, f->cluster);
                break;
        case CS_FIELD_TO_SELF:
                out->kind = "pointer:self";
                break;
        case CS_FIELD_TO_STACK:
                out->kind = "pointer:stack";
                break;
        case CS_FIELD_TO_OTHER:
                out->kind = "pointer:memory";
                break;
        case CS_FIELD_COLUMN:
                out->kind = column_name(f->facts.kind);
                if (f->facts.kind == CS_COLUMN_CONSTANT)
                        out->value = cs_pool_printf(d->pool, "0x%" PRIx64, f->facts.value);
                break;
        }
}

/* What most blocks have in fields of text. */
static enum cs_status tell_field_texts(const struct cs_describe *d, uint32_t cluster,
                                       struct cs_report_cluster *out, struct cs_error *err)
{
        struct cs_blocktext texts;
        uint32_t at;
        enum cs_status st = cs_blocktext_read(d->image, d->blocks, d->members, cluster, &texts, err);
        for (size_t i = 0; st == CS_OK && i < out->n_fields; i++) {
                struct cs_report_field *f = &out->fields[i];
                if (strcmp(f->kind, column_name(CS_COLUMN_TEXT)) == 0)
                        f->value = cs_blocktext_find(&texts, f->offset, f->offset + f->size, d->pool, &at);
        }
        if (st == CS_OK)
                cs_blocktext_deinit(&texts);
        return st;
}

enum cs_status cs_describe_fields(const struct cs_describe *d, uint32_t cluster,
                                  struct cs_report_cluster *out, struct cs_error *err)
{
        cs_field_vec fields = { 0 };
        if (d->clusters->at.at[cluster].kind == CS_CLUSTER_TEXT)
                return CS_OK; /* the template says it better */
        const struct cs_period *period = d->clusters->at.at[cluster].period;
        enum cs_status st = period ? cs_repeatreport_fields(d, cluster, &fields, err)
                                   : cs_fieldmap_build(d->image, d->space, d->blocks, d->clusters, d->members,
                                                       cluster, &fields, err);
        if (st == CS_OK && period && !(out->what = cs_repeatreport_what(d, period->stride, &fields)))
                st = cs_fail(err, CS_ENOMEM, "array");
        if (st == CS_OK) {
                out->fields = cs_pool_alloc(d->pool, fields.n + 1, sizeof(*out->fields));
                if (!out->fields)
                        st = cs_fail(err, CS_ENOMEM, "fields");
        }
        for (size_t i = 0; st == CS_OK && i < fields.n; i++)
                cs_describe_field(d, &fields.at[i], &out->fields[out->n_fields++]);
        if (st == CS_OK && !period)
                st = tell_field_texts(d, cluster, out, err);
        cs_vec_deinit(&fields);
        return st;
}
