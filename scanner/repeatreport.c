/* SPDX-License-Identifier: Apache-2.0 */
#include "repeatreport.h"

#include "cs_limits.h"
#include "ownwords.h"
#include "roots.h"
#include "stretches.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
        EXAMPLES = 8,
        BLOCKS = 16, /* of an array in blocks that are looked at for fields */
        EVIDENCE = 8,
        ROOTS = 64, /* arrays that variables are asked for, and runs of each: the largest */
        SAMPLES = CS_LIMIT_FIELD_SAMPLES,
        SAMPLE_BYTES = 8 << 20, /* of all samples of one array together */
        BY_ROOT =
                140, /* of 255: whoever keeps the address of memory has mostly asked for it, or was handed it */
};

struct rows {
        uint8_t *bytes; /* malloc'ed */
        size_t n, size;
};

static void rows_deinit(struct rows *rows)
{
        free(rows->bytes);
}

struct owner {
        int32_t module;
        double confidence;
        bool by_root;
        uint64_t root; /* the variable that has the address */
};

size_t cs_repeatreport_count(const struct cs_repeats *repeats)
{
        return repeats->at.n;
}

static const char *keep(const struct cs_describe *d, const char *text)
{
        return text ? cs_pool_copy(d->pool, text, strlen(text)) : NULL;
}

/* ---- samples ----------------------------------------------------------------------------------------------------- */

/* Records from all runs, evenly spread, that can be read and are of the kind (free slots lie between them). */
static enum cs_status take_rows(const struct cs_describe *d, const struct cs_repeats *repeats,
                                const struct cs_repeat *r, struct rows *out, struct cs_error *err)
{
        size_t stride = r->period.stride;
        size_t want = SAMPLE_BYTES / stride < SAMPLES ? SAMPLE_BYTES / stride : SAMPLES;
        const struct cs_repeat_run *runs = &repeats->runs.at[r->first_run];
        uint64_t places = 0, next = 0; /* from the start of the run at hand */
        struct cs_view view;
        *out = (struct rows){ malloc(want * stride + 1), 0, stride };
        if (!out->bytes)
                return cs_fail(err, CS_ENOMEM, "records");
        for (size_t i = 0; i < r->n_runs; i++)
                places += (runs[i].last - runs[i].first) / stride + 1;
        uint64_t step = places / want + 1;
        cs_view_init_hopping(&view, d->image->source);
        for (size_t i = 0; i < r->n_runs; i++) {
                uint64_t here = (runs[i].last - runs[i].first) / stride + 1;
                for (; next < here && out->n < want; next += step) {
                        size_t got;
                        const uint8_t *at =
                                cs_view_whole(&view, runs[i].first + next * stride, stride + r->lead, &got);
                        /* The keys reach into the next record. */
                        if (at && got >= stride && cs_period_fits(&r->period, at + r->lead, got - r->lead))
                                memcpy(out->bytes + out->n++ * stride, at, stride);
                }
                next = next > here ? next - here : 0;
        }
        cs_view_deinit(&view);
        return CS_OK;
}

/* Of some blocks of the cluster, from each as many records. */
enum cs_status cs_repeatreport_fields(const struct cs_describe *d, uint32_t cluster, cs_field_vec *out,
                                      struct cs_error *err)
{
        const struct cs_period *period = d->clusters->at.at[cluster].period;
        uint32_t sample[BLOCKS];
        size_t n = cs_members_sample(d->members, cluster, BLOCKS, sample), each = SAMPLES / (n ? n : 1);
        cs_cleanup(rows_deinit) struct rows rows = { malloc((size_t)SAMPLES * period->stride), 0,
                                                     period->stride };
        struct cs_view view;
        if (!rows.bytes)
                return cs_fail(err, CS_ENOMEM, "records");
        cs_view_init_hopping(&view, d->image->source);
        for (size_t i = 0; i < n; i++) {
                struct cs_block block = cs_blocks_get(d->blocks, sample[i]);
                uint64_t first, last, records = cs_arrays_count(&view, &block, period, &first, &last);
                uint64_t step = ((last - first) / period->stride + each) / each * period->stride;
                for (uint64_t at = first; records && at <= last && rows.n < SAMPLES; at += step) {
                        size_t got;
                        const uint8_t *bytes = cs_view_whole(&view, at, period->stride, &got);
                        if (bytes && got == period->stride)
                                memcpy(rows.bytes + rows.n++ * period->stride, bytes, got);
                }
        }
        cs_view_deinit(&view);
        return cs_fieldmap_of_rows(d->space, d->blocks, rows.bytes, rows.n, rows.size, out, err);
}

/* ---- owners ------------------------------------------------------------------------------------------------------ */

/* Whom the pointers in the records speak for: votes of all samples. */
static void ask_records(const struct cs_describe *d, const struct rows *rows, struct owner *out)
{
        uint32_t *votes = calloc(d->image->modules.n + 1, sizeof(*votes));
        uint64_t certainties = 0;
        uint32_t most = 0;
        for (size_t i = 0; votes && i < rows->n; i++) {
                struct cs_ownwords words = { 0 };
                uint8_t certainty = 0;
                for (size_t at = 0; at + 8 <= rows->size; at += 8) {
                        uint64_t value = cs_word(rows->bytes + i * rows->size + at);
                        struct cs_space_entry e = cs_space_at(d->space, value);
                        words.words += value != 0;
                        if (value >= 0x10000 && e.kind == CS_SPACE_MODULE)
                                cs_ownwords_add(&words, d->space, &d->clusters->targets, e.index, value, at);
                }
                int32_t module = cs_ownwords_owner(&words, &certainty);
                if (module == CS_NO_MODULE || (size_t)module >= d->image->modules.n)
                        continue;
                votes[module]++;
                certainties += certainty;
                if (votes[module] > most) {
                        most = votes[module];
                        out->module = module;
                }
        }
        if (most)
                out->confidence =
                        (double)certainties / 255.0 / (double)rows->n * ((double)most / (double)rows->n);
        free(votes);
}

struct asking {
        const struct cs_describe *d;
        const struct cs_repeats *repeats;
        const struct cs_regions *regions;
        struct owner *owners; /* one per repeat */
        uint32_t module;
};

/* Variables of the module that have an address of a region with such records, mostly its start or theirs. */
static enum cs_status ask_words(void *context, uint64_t addr, const uint8_t *bytes, size_t len,
                                struct cs_error *err)
{
        struct asking *a = context;
        (void)err;
        for (size_t i = 0; i + 8 <= len; i += 8) {
                uint64_t value = cs_word(bytes + i);
                if (value < 0x10000 || cs_space_at(a->d->space, value).kind != CS_SPACE_OTHER)
                        continue;
                for (size_t k = 0; k < a->repeats->at.n && k < ROOTS; k++) {
                        const struct cs_repeat *r = &a->repeats->at.at[k];
                        struct owner *o = &a->owners[k];
                        for (size_t n = 0; o->module == CS_NO_MODULE && n < r->n_runs && n < ROOTS; n++) {
                                const struct cs_repeat_run *run = &a->repeats->runs.at[r->first_run + n];
                                struct cs_range range = { a->regions->at.at[run->region].range.start,
                                                          run->last + r->period.stride };
                                if (cs_range_has(range, value))
                                        *o = (struct owner){ (int32_t)a->module, BY_ROOT / 255.0, true,
                                                             addr + i };
                        }
                }
        }
        return CS_OK;
}

static enum cs_status ask_roots(const struct cs_describe *d, const struct cs_repeats *repeats,
                                const struct cs_regions *regions, struct owner *owners, struct cs_error *err)
{
        struct asking a = { d, repeats, regions, owners, 0 };
        struct cs_view view;
        enum cs_status st = CS_OK;
        bool wanted = false;
        for (size_t i = 0; i < repeats->at.n; i++)
                wanted |= owners[i].module == CS_NO_MODULE;
        if (!wanted)
                return CS_OK;
        cs_view_init_hopping(&view, d->image->source);
        for (size_t i = 0; st == CS_OK && i < d->image->mappings.n; i++) {
                const struct cs_mapping *m = &d->image->mappings.at[i];
                if (m->module == CS_NO_MODULE || !(m->perms & CS_PERM_WRITE) ||
                    d->image->modules.at[m->module].runtime)
                        continue;
                a.module = (uint32_t)m->module;
                st = cs_stretches(&view, m->range, ask_words, &a, err);
        }
        cs_view_deinit(&view);
        return st;
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

/* The field that tells most of what the records are: a pointer to one thing of a module; else a constant. */
const char *cs_repeatreport_what(const struct cs_describe *d, uint32_t stride, const cs_field_vec *fields)
{
        const struct cs_field *best = NULL;
        if (stride <= 8)
                return cs_pool_printf(d->pool, "array of %" PRIu32 "-byte words", stride);
        for (size_t i = 0; fields && i < fields->n; i++) {
                const struct cs_field *f = &fields->at[i];
                bool pointer = f->kind == CS_FIELD_TO_MODULE && f->constant && f->share >= 0.5;
                bool constant = f->kind == CS_FIELD_COLUMN && f->facts.kind == CS_COLUMN_CONSTANT;
                if (pointer && (!best || best->kind != CS_FIELD_TO_MODULE))
                        best = f;
                else if (constant && !best)
                        best = f;
        }
        if (best && best->kind == CS_FIELD_TO_MODULE) {
                const char *name = cs_describe_target(d, best->value);
                if (name)
                        return cs_pool_printf(d->pool,
                                              "array of %" PRIu32 "-byte records with %s at +%" PRIu32,
                                              stride, name, best->offset);
        }
        if (best)
                return cs_pool_printf(d->pool,
                                      "array of %" PRIu32 "-byte records with 0x%" PRIx64 " at +%" PRIu32,
                                      stride, best->facts.value, best->offset);
        return cs_pool_printf(d->pool, "array of %" PRIu32 "-byte records", stride);
}

/* A number that stays the same when addresses move: fields by kind, constants by value, pointers by module and offset. */
static const char *signature(const struct cs_describe *d, const struct cs_repeat *r,
                             const cs_field_vec *fields)
{
        XXH64_hash_t hash = r->period.stride;
        for (size_t i = 0; i < fields->n; i++) {
                const struct cs_field *f = &fields->at[i];
                const struct cs_module *m = f->kind == CS_FIELD_TO_MODULE && f->constant
                                                    ? cs_image_module_at(d->image, f->value)
                                                    : NULL;
                bool number = f->kind == CS_FIELD_COLUMN && f->facts.kind == CS_COLUMN_CONSTANT;
                const uint64_t facts[] = { f->offset, m || number || f->kind != CS_FIELD_COLUMN,
                                           m        ? f->value - m->bias
                                           : number ? f->facts.value
                                                    : 0 };
                if (!m && !number)
                        continue;
                hash = XXH3_64bits_withSeed(facts, sizeof(facts), hash);
                if (m)
                        hash = XXH3_64bits_withSeed(m->name, strlen(m->name), hash);
        }
        return cs_pool_printf(d->pool, "%016" PRIx64, (uint64_t)hash);
}

/* Records of the first runs; of a single run the first ones. */
static enum cs_status put_examples(const struct cs_describe *d, const struct cs_repeats *repeats,
                                   const struct cs_repeat *r, struct cs_report_cluster *out,
                                   struct cs_error *err)
{
        const struct cs_repeat_run *runs = &repeats->runs.at[r->first_run];
        out->examples = cs_pool_alloc(d->pool, EXAMPLES, sizeof(*out->examples));
        if (!out->examples)
                return cs_fail(err, CS_ENOMEM, "examples");
        for (size_t i = 0; i < r->n_runs && out->n_examples < EXAMPLES; i++)
                out->examples[out->n_examples++] = runs[i].first;
        for (uint64_t k = 1; r->n_runs == 1 && k < runs->records && out->n_examples < EXAMPLES; k++)
                if (k * r->period.stride <= runs->last - runs->first)
                        out->examples[out->n_examples++] = runs->first + k * r->period.stride;
        return CS_OK;
}

static enum cs_status put_evidence(const struct cs_describe *d, const struct owner *owner,
                                   const cs_field_vec *fields, struct cs_report_cluster *out,
                                   struct cs_error *err)
{
        size_t most = EVIDENCE + 1;
        out->evidence = cs_pool_alloc(d->pool, most, sizeof(*out->evidence));
        if (!out->evidence)
                return cs_fail(err, CS_ENOMEM, "evidence");
        if (owner->by_root)
                out->evidence[out->n_evidence++] =
                        (struct cs_report_evidence){ .kind = "static-root",
                                                     .offset = -1,
                                                     .module = out->library,
                                                     .symbol = cs_symbols_describe(d->symbols, d->pool,
                                                                                   owner->root),
                                                     .share = 1,
                                                     .weight = owner->confidence };
        for (size_t i = 0; i < fields->n && out->n_evidence < EVIDENCE; i++) {
                const struct cs_field *f = &fields->at[i];
                struct cs_space_entry e = cs_space_at(d->space, f->value);
                if (f->kind != CS_FIELD_TO_MODULE || e.kind != CS_SPACE_MODULE ||
                    e.index >= d->image->modules.n)
                        continue;
                const struct cs_target *t = cs_targets_at(&d->clusters->targets, f->value);
                enum cs_target_kind kind =
                        t ? t->kind : cs_target_kind_of(cs_space_part(d->space, e.index, f->value));
                out->evidence[out->n_evidence++] =
                        (struct cs_report_evidence){ .kind = cs_target_evidence(kind),
                                                     .offset = f->offset,
                                                     .module = keep(d, d->image->modules.at[e.index].name),
                                                     .symbol = f->constant ? cs_describe_target(d, f->value)
                                                                           : NULL,
                                                     .share = f->share,
                                                     .weight = f->share };
        }
        return CS_OK;
}

static enum cs_status put_fields(const struct cs_describe *d, const cs_field_vec *fields,
                                 struct cs_report_cluster *out, struct cs_error *err)
{
        out->fields = cs_pool_alloc(d->pool, fields->n + 1, sizeof(*out->fields));
        if (!out->fields)
                return cs_fail(err, CS_ENOMEM, "fields");
        for (size_t i = 0; i < fields->n; i++)
                cs_describe_field(d, &fields->at[i], &out->fields[out->n_fields++]);
        return CS_OK;
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

struct described {
        struct rows rows;
        cs_field_vec fields;
};

static void described_deinit(struct described *s)
{
        free(s->rows.bytes);
        cs_vec_deinit(&s->fields);
}

/* All but what the owner adds, which needs all repeats. */
static enum cs_status describe(const struct cs_describe *d, const struct cs_repeats *repeats, size_t index,
                               bool detailed, struct owner *owner, struct cs_report_cluster *out,
                               struct cs_error *err)
{
        const struct cs_repeat *r = &repeats->at.at[index];
        cs_cleanup(described_deinit) struct described s = { 0 };
        enum cs_status st = take_rows(d, repeats, r, &s.rows, err);
        if (st != CS_OK || (st = cs_fieldmap_of_rows(d->space, d->blocks, s.rows.bytes, s.rows.n, s.rows.size,
                                                     &s.fields, err)) != CS_OK)
                return st;
        ask_records(d, &s.rows, owner);
        *out = (struct cs_report_cluster){ .kind = "pattern",
                                           .what = cs_repeatreport_what(d, r->period.stride, &s.fields),
                                           .count = r->records,
                                           .in_use = r->records,
                                           .records = r->records,
                                           .loose = true,
                                           .period = r->period.stride,
                                           .block_min = r->period.stride,
                                           .block_max = r->period.stride,
                                           .bytes = r->bytes,
                                           .resident = r->resident,
                                           .content = cs_content_name(CS_CONTENT_STRUCTURED),
                                           .signature = signature(d, r, &s.fields) };
        if (!out->what || !out->signature)
                return cs_fail(err, CS_ENOMEM, "pattern");
        if ((st = put_examples(d, repeats, r, out, err)) != CS_OK ||
            (detailed && (st = put_fields(d, &s.fields, out, err)) != CS_OK))
                return st;
        return put_evidence(d, &(struct owner){ 0 }, &s.fields, out, err);
}

/* Evidence of its variable goes first. */
static enum cs_status put_owner(const struct cs_describe *d, const struct owner *owner,
                                struct cs_report_cluster *out, struct cs_error *err)
{
        /* Votes without a field that most records share are too few words. */
        if (owner->module == CS_NO_MODULE || (!owner->by_root && !out->n_evidence))
                return CS_OK;
        out->library = out->leak_library = keep(d, d->image->modules.at[owner->module].name);
        out->confidence = out->leak_confidence = owner->confidence;
        if (!owner->by_root && out->n_evidence)
                return CS_OK;
        if (!owner->by_root) {
                /* Its records point into the module, each elsewhere. */
                out->evidence[out->n_evidence++] = (struct cs_report_evidence){ .kind = "data",
                                                                                .offset = -1,
                                                                                .module = out->library,
                                                                                .share = owner->confidence,
                                                                                .weight = owner->confidence };
                return CS_OK;
        }
        const cs_field_vec none = { 0 };
        struct cs_report_evidence *others = out->evidence;
        size_t n = out->n_evidence;
        out->n_evidence = 0;
        enum cs_status st = put_evidence(d, owner, &none, out, err);
        if (st != CS_OK || !n)
                return st;
        struct cs_report_evidence *all = cs_pool_alloc(d->pool, n + 1, sizeof(*all));
        if (!all)
                return cs_fail(err, CS_ENOMEM, "evidence");
        all[0] = out->evidence[0];
        memcpy(all + 1, others, n * sizeof(*all));
        out->evidence = all;
        out->n_evidence = n + 1;
        return CS_OK;
}

enum cs_status cs_repeatreport_build(const struct cs_describe *d, const struct cs_repeats *repeats,
                                     const struct cs_regions *regions, size_t detail,
                                     struct cs_report_cluster *out, struct cs_error *err)
{
        size_t n = repeats->at.n;
        struct owner *owners = calloc(n + 1, sizeof(*owners));
        enum cs_status st = owners ? CS_OK : cs_fail(err, CS_ENOMEM, "owners");
        for (size_t i = 0; st == CS_OK && i < n; i++) {
                owners[i].module = CS_NO_MODULE;
                st = describe(d, repeats, i, i < detail, &owners[i], &out[i], err);
        }
        if (st == CS_OK)
                st = ask_roots(d, repeats, regions, owners, err);
        for (size_t i = 0; st == CS_OK && i < n; i++)
                st = put_owner(d, &owners[i], &out[i], err);
        free(owners);
        return st;
}
