/* SPDX-License-Identifier: Apache-2.0 */
#include "clusters_private.h"

#include "budget.h"
#include "bytes.h"
#include "cs_limits.h"
#include "signature.h"
#include "text.h"
#include "work.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <math.h>
#include <stdlib.h>

/* Of the budget: a worker's features, whose table is doubled when it is half full; and its templates, until they are merged. */
enum {
        FEATURE_BYTES = 6 * sizeof(struct cs_tally_slot),
        FEATURE_PERCENT = 6,
        TEMPLATE_BYTES = 600,
        TEMPLATE_PERCENT = 8,
        TEXTS_MAX = 1 << 14, /* that the first sweep tells apart */
        TEXTS_PERCENT = 1,
        /* Blocks that must be read lie here and there among those that are known. */
        AHEAD_BETWEEN = 8 << 10,
};

enum cs_status cs_sweep_init(struct cs_sweep *sweep, const struct cs_cluster_input *in, struct cs_error *err)
{
        *sweep = (struct cs_sweep){ .in = in, .n_workers = in->workers };
        sweep->workers = cs_work_alloc(in->workers, sizeof(*sweep->workers));
        sweep->slice_counter = calloc(in->slices->n + 1, sizeof(*sweep->slice_counter));
        sweep->slice_worker = calloc(in->slices->n + 1, sizeof(*sweep->slice_worker));
        if (!sweep->workers || !sweep->slice_counter || !sweep->slice_worker)
                return cs_fail(err, CS_ENOMEM, "workers");
        enum cs_status st = CS_OK;
        for (unsigned i = 0; st == CS_OK && i < in->workers; i++) {
                cs_view_init(&sweep->workers[i].view, in->image->source);
                st = cs_masks_init(&sweep->workers[i].masks, err);
        }
        if (st != CS_OK || !in->recall)
                return st;
        st = cs_recalled_begin(in, in->recall, in->brief, &sweep->recalled, err);
        for (unsigned i = 0; st == CS_OK && sweep->recalled.number && i < in->workers; i++) {
                size_t bytes = (in->recall->kinds.n + 1) * sizeof(uint32_t);
                if (!(sweep->workers[i].known = malloc(bytes)))
                        return cs_fail(err, CS_ENOMEM, "known blocks");
                memset(sweep->workers[i].known, 0xff, bytes);
        }
        return st;
}

void cs_sweep_deinit(struct cs_sweep *sweep)
{
        for (unsigned i = 0; sweep->workers && i < sweep->n_workers; i++) {
                struct cs_sweep_worker *w = &sweep->workers[i];
                cs_view_deinit(&w->view);
                cs_masks_deinit(&w->masks);
                cs_arrays_deinit(&w->arrays);
                cs_pool_deinit(&w->pool);
                cs_signatures_deinit(&w->signatures);
                cs_tally_deinit(&w->text_numbers);
                cs_vec_deinit(&w->texts);
                cs_thin_deinit(&w->features);
                cs_thin_deinit(&w->targets);
                cs_tally_deinit(&w->numbers);
                cs_vec_deinit(&w->local);
                free(w->of_signature);
                free(w->known);
        }
        cs_recalled_deinit(&sweep->recalled);
        free(sweep->workers);
        free(sweep->seeds);
        free(sweep->slice_counter);
        free(sweep->slice_worker);
        cs_thin_deinit(&sweep->features);
}

enum text_kind {
        TEXT_NONE,
        TEXT_PERHAPS, /* begins with text, but what follows could be fields as well as stale bytes */
        TEXT_SURE,
};

enum {
        RECURS = 8,     /* pointers to one thing: fewer may be fields */
        ARRAY_PART = 4, /* of what is resident of an array is records */
};
enum { PERHAPS_BYTES = 8 }; /* shorter runs before a NUL are as often numbers and pointers */

/* Valid until the view is used again. */
static const uint8_t *first_bytes(struct cs_sweep_worker *w, const struct cs_block *b, size_t *got)
{
        struct cs_range payload = cs_block_payload(b);
        size_t len = cs_range_size(payload) < CS_LIMIT_SIGNATURE_SPAN ? (size_t)cs_range_size(payload)
                                                                      : CS_LIMIT_SIGNATURE_SPAN;
        return cs_view_whole(&w->view, payload.start, len, got);
}

static bool leads_to_start(const struct cs_cluster_input *in, uint64_t value)
{
        struct cs_block b;
        return cs_blocks_holding(in->blocks, in->space, value, &b) != CS_NO_BLOCK &&
               cs_block_state(&b) == CS_BLOCK_IN_USE && cs_block_payload(&b).start == value;
}

/* Is a text that ends in its first word no text, but the address of a block in use, or twice that and one (see traces.h)? The bytes
 * of an address are whatever they are, also letters with a zero behind them. */
static bool is_address(const struct cs_cluster_input *in, const uint8_t *bytes, size_t len)
{
        uint64_t value = len < 8 ? 0 : cs_word(bytes);
        return leads_to_start(in, value) || (value & 1 && leads_to_start(in, value >> 1));
}

/* Does the block hold text from its start? *bytes and *run are valid until the view is used again. */
static enum text_kind text_of(const struct cs_cluster_input *in, struct cs_sweep_worker *w,
                              const struct cs_block *b, const uint8_t **bytes, size_t *run)
{
        size_t got;
        *bytes = first_bytes(w, b, &got);
        if (!*bytes)
                return TEXT_NONE;
        if (cs_text_block(*bytes, got, run))
                return *run < 8 && is_address(in, *bytes, got) ? TEXT_NONE : TEXT_SURE;
        *run = cs_text_run(*bytes, got);
        return *run >= PERHAPS_BYTES && *run < got && (*bytes)[*run] == '\0' ? TEXT_PERHAPS : TEXT_NONE;
}

static size_t most_features(void)
{
        return cs_budget_entries(CS_LIMIT_FEATURES, FEATURE_BYTES, FEATURE_PERCENT);
}

/* Where features are counted. */
struct counts {
        struct cs_thin *features, *targets;
};

/* So many blocks say the same. */
static enum cs_status count_blocks(const struct counts *c, uint64_t units, enum text_kind text,
                                   const struct cs_feature *found, uint32_t n, uint64_t blocks,
                                   struct cs_error *err)
{
        const size_t most = most_features();
        enum cs_status st = text != TEXT_NONE ? cs_thin_count(c->features, cs_text_key(units), blocks,
                                                              cs_feature_rank, most, err)
                                              : CS_OK;
        for (uint32_t k = 0; st == CS_OK && k < n; k++) {
                st = cs_thin_count(c->features, cs_feature_key(units, &found[k]), blocks, cs_feature_rank,
                                   most, err);
                if (st == CS_OK)
                        st = cs_thin_count(c->targets, found[k].target, blocks, cs_thin_chance, most, err);
        }
        return st;
}

/* What a text is, as a cluster without counts. Its template stays where it is until the next one. */
static void describe_text(struct cs_sweep_worker *w, const uint8_t *bytes, size_t run, struct cs_cluster *out)
{
        cs_masks_rest(&w->masks);
        const struct cs_masked *text =
                &w->masks.known[cs_masks_get(&w->masks, bytes, run, false, XXH3_64bits(bytes, run))];
        out->kind = CS_CLUSTER_TEXT;
        out->text = text->text;
        out->text_len = text->len;
        out->cut = text->cut;
        out->key = XXH3_64bits_withSeed(text->text, text->len, text->cut ? 3 : 2);
}

/* Its number among the worker's texts; left as it is where there are too many: then it is read again. */
static enum cs_status number_text(struct cs_sweep_worker *w, const uint8_t *bytes, size_t run,
                                  uint32_t *number, struct cs_error *err)
{
        struct cs_cluster text = { .min_units = UINT64_MAX };
        uint64_t *value;
        describe_text(w, bytes, run, &text);
        if (w->texts.n >= cs_budget_entries(TEXTS_MAX, TEMPLATE_BYTES, TEXTS_PERCENT)) {
                uint64_t known = cs_tally_get(&w->text_numbers, text.key, UINT64_MAX);
                *number = known == UINT64_MAX ? *number : CS_SWEEP_TEXT + (uint32_t)known;
                return CS_OK;
        }
        enum cs_status st = cs_tally_at(&w->text_numbers, text.key, w->texts.n, &value, err);
        if (st != CS_OK)
                return st;
        *number = CS_SWEEP_TEXT + (uint32_t)*value;
        if (*value < w->texts.n)
                return CS_OK;
        text.text = cs_pool_copy(&w->pool, text.text, text.text_len);
        return text.text ? cs_vec_push(&w->texts, text, err) : cs_fail(err, CS_ENOMEM, "templates");
}

static enum cs_status count_block(struct cs_sweep *sweep, struct cs_sweep_worker *w, const struct cs_block *b,
                                  uint32_t i, struct cs_error *err)
{
        struct cs_features found;
        const uint8_t *bytes;
        size_t run;
        uint32_t number;
        enum text_kind text = text_of(sweep->in, w, b, &bytes, &run);
        struct cs_signature seen = { .units = cs_block_units(b), .text = (uint8_t)text };
        cs_signature_features(&w->view, sweep->in->space, b, &found);
        /* Blocks of two slices may share a word. */
        if (found.quiet)
                __atomic_fetch_or(&sweep->quiet[i / 64], UINT64_C(1) << (i % 64), __ATOMIC_RELAXED);
        if (!found.n && text == TEXT_NONE)
                seen.shape = cs_signature_shape(&w->view, sweep->in->space, b);
        enum cs_status st = cs_signatures_number(&w->signatures, &seen, &found, &number, err);
        if (st == CS_OK && number == CS_NO_SIGNATURE) {
                struct counts counts = { &w->features, &w->targets };
                return count_blocks(&counts, seen.units, text, found.at, found.n, 1, err);
        }
        if (st != CS_OK)
                return st;
        w->signatures.at.at[number].blocks++;
        /* Nothing but what stands before a text can make it anything else. */
        if (text == TEXT_SURE && !(found.n && found.at[0].offset == 0)) {
                size_t got;
                bytes = first_bytes(w, b, &got);
                if (bytes && got >= run)
                        st = number_text(w, bytes, run, &number, err);
        }
        cs_blocks_set_cluster(sweep->in->blocks, i, number);
        return st;
}

/* Goes on behind blocks that are known: most of a heap that has hardly changed. What lies from there up to the next one that is known, at *known,
 * is read at once. */
static void pass_known(const struct cs_sweep *sweep, struct cs_sweep_worker *w,
                       struct cs_block_cursor *cursor, uint32_t *known)
{
        const uint32_t *number = sweep->recalled.number;
        uint32_t i = cursor->index;
        struct cs_range span;
        if (!number || i < *known)
                return;
        while (i < cursor->end && number[i] != CS_NO_CLUSTER)
                i++;
        for (*known = i; *known < cursor->end && number[*known] == CS_NO_CLUSTER;)
                ++*known;
        if (i == cursor->end) {
                cursor->index = i;
                return;
        }
        cs_blocks_skip(cursor, i);
        struct cs_block_cursor unknown = *cursor;
        unknown.end = *known;
        w->view.ahead = cs_blocks_next_span(&unknown, &span) && cs_range_size(span) < CS_VIEW_BYTES
                                ? (size_t)cs_range_size(span)
                                : (size_t)CS_VIEW_BYTES;
}

static enum cs_status count_slice(void *context, size_t unit, unsigned worker, struct cs_error *err)
{
        struct cs_sweep *sweep = context;
        struct cs_sweep_worker *w = &sweep->workers[worker];
        const struct cs_slice *slice = &sweep->in->slices->at[unit];
        struct cs_block_cursor cursor = cs_blocks_from(sweep->in->blocks, slice->first, slice->end);
        struct cs_block block;
        uint32_t i, known = 0;
        sweep->slice_counter[unit] = (uint16_t)worker;
        for (pass_known(sweep, w, &cursor, &known); cs_blocks_next(&cursor, &block, &i);
             pass_known(sweep, w, &cursor, &known)) {
                /* Behind a gap there may be one that is known. */
                enum cs_status st = cs_block_state(&block) == CS_BLOCK_IN_USE &&
                                                    cs_recalled_number(&sweep->recalled, i) == CS_NO_CLUSTER
                                            ? count_block(sweep, w, &block, i, err)
                                            : CS_OK;
                if (st != CS_OK)
                        return st;
        }
        cs_slice_release(sweep->in->blocks, slice, w->view.src);
        return CS_OK;
}

/* Adds what was counted by signatures. */
static enum cs_status count_signatures(struct cs_sweep *sweep, struct cs_sweep_worker *w,
                                       struct cs_thin *addresses, struct cs_error *err)
{
        struct counts counts = { &sweep->features, addresses };
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < w->signatures.at.n; i++) {
                const struct cs_signature *s = &w->signatures.at.at[i];
                st = count_blocks(&counts, s->units, (enum text_kind)s->text,
                                  cs_signatures_features(&w->signatures, s), s->n, s->blocks, err);
        }
        return st;
}

enum cs_status cs_sweep_count(struct cs_sweep *sweep, struct cs_thin *addresses, struct cs_error *err)
{
        enum cs_status st = cs_work_run(sweep->n_workers, sweep->in->slices->n, count_slice, sweep, err);
        /* What the blocks that are not read were counted by. */
        if (st == CS_OK && sweep->recalled.number &&
            (st = cs_thin_add(&sweep->features, &sweep->in->recall->features, err)) == CS_OK)
                st = cs_thin_add(addresses, &sweep->in->recall->addresses, err);
        for (unsigned i = 0; st == CS_OK && i < sweep->n_workers; i++) {
                struct cs_sweep_worker *w = &sweep->workers[i];
                st = cs_thin_add(&sweep->features, &w->features, err);
                if (st == CS_OK)
                        st = cs_thin_add(addresses, &w->targets, err);
                if (st == CS_OK)
                        st = count_signatures(sweep, w, addresses, err);
                cs_thin_deinit(&w->features);
                cs_thin_deinit(&w->targets);
        }
        if (st == CS_OK)
                st = cs_thin_settle(&sweep->features, cs_feature_rank, most_features(), err);
        return st == CS_OK ? cs_thin_settle(addresses, cs_thin_chance, most_features(), err) : st;
}

/* The feature that says what the block is: the one that counts most among its likes, by what it points at; NULL where none
 * is shared. A vtable at offset 0 needs no likes. */
static const struct cs_feature *anchor_of(const struct cs_sweep *sweep, uint64_t units,
                                          const struct cs_feature *found, uint32_t n)
{
        const struct cs_feature *best = NULL;
        double best_score = 0;
        for (uint32_t k = 0; k < n; k++) {
                const struct cs_feature *f = &found[k];
                const struct cs_target *t = cs_targets_at(sweep->targets, f->target);
                if (!t)
                        continue;
                if (t->kind == CS_TARGET_VTABLE && f->offset == 0)
                        return f;
                uint64_t likes = cs_tally_get(&sweep->features.counts, cs_feature_key(units, f), 1);
                if (likes < 2 && t->kind != CS_TARGET_VTABLE)
                        continue;
                double score =
                        cs_target_weight(t->kind) * log2(1.0 + (double)likes) / (1 + 0.01 * f->offset / 8);
                if (score > best_score) {
                        best_score = score;
                        best = f;
                }
        }
        return best;
}

const struct cs_cluster cs_sweep_other_text = { .kind = CS_CLUSTER_TEXT,
                                                .key = UINT64_C(0x07e87),
                                                .text = "<*>",
                                                .text_len = 3,
                                                .cut = true,
                                                .min_units = UINT64_MAX };

size_t cs_sweep_most_templates(void)
{
        return cs_budget_entries(CS_LIMIT_TEMPLATES, TEMPLATE_BYTES, TEMPLATE_PERCENT);
}

static bool left_out(const struct cs_sweep_worker *w, uint64_t template)
{
        return w->texts_left_out && cs_thin_leaves_out(w->texts_left_out, cs_thin_chance(template));
}

/* There are more templates than can be told apart: those of some ranks are taken together from here on, and those of them that have a number
 * when all workers' are put together. */
static void thin_templates(struct cs_sweep_worker *w)
{
        size_t of_rank[CS_THIN_RANKS] = { 0 };
        for (size_t i = 0; i < w->local.n; i++)
                if (w->local.at[i].text && w->local.at[i].key != cs_sweep_other_text.key)
                        of_rank[cs_thin_chance(w->local.at[i].key)]++;
        w->texts_left_out = cs_thin_fit(of_rank, w->texts_left_out, cs_sweep_most_templates());
        w->n_texts = 0;
        for (uint32_t rank = 0; !cs_thin_leaves_out(w->texts_left_out, rank); rank++)
                w->n_texts += of_rank[rank];
}

/* The worker's own number for a key; fresh ones start as `seed`. */
static enum cs_status number(struct cs_sweep_worker *w, const struct cs_cluster *seed, uint32_t *index,
                             struct cs_error *err)
{
        uint64_t *value;
        if (seed->text && w->n_texts >= cs_sweep_most_templates() && !left_out(w, seed->key) &&
            cs_tally_get(&w->numbers, seed->key, UINT64_MAX) == UINT64_MAX)
                thin_templates(w);
        if (seed->text && left_out(w, seed->key))
                seed = &cs_sweep_other_text;
        enum cs_status st = cs_tally_at(&w->numbers, seed->key, UINT64_MAX, &value, err);
        if (st != CS_OK)
                return st;
        if (*value == UINT64_MAX) {
                struct cs_cluster fresh = *seed;
                fresh.records = 0;
                if (w->local.n >= CS_CLUSTERS_MAX)
                        return cs_fail(err, CS_ELIMIT, "more than %d kinds of blocks", CS_CLUSTERS_MAX);
                w->n_texts += seed->text && seed != &cs_sweep_other_text;
                if (seed->text && !(fresh.text = cs_pool_copy(&w->pool, seed->text, seed->text_len)))
                        return cs_fail(err, CS_ENOMEM, "templates");
                if (seed->period && !(fresh.period = cs_arrays_keep(&w->pool, seed->period)))
                        return cs_fail(err, CS_ENOMEM, "arrays");
                *value = w->local.n;
                st = cs_vec_push(&w->local, fresh, err);
        }
        *index = (uint32_t)*value;
        return st;
}

/* Is the anchor no field of such blocks, but of records in them: no other block has it there, or this one has it at many places? */
static bool recurs(const struct cs_sweep *sweep, uint64_t units, const struct cs_feature *found, uint32_t n,
                   const struct cs_feature *anchor)
{
        uint32_t same = 0;
        for (uint32_t k = 0; k < n; k++)
                same += found[k].target == anchor->target;
        return same >= RECURS || cs_tally_get(&sweep->features.counts, cs_feature_key(units, anchor), 1) < 2;
}

/* What a block is that says so. What there is to read in it is left for fill_in(). */
static struct cs_seed seed_of(const struct cs_sweep *sweep, uint64_t units, enum text_kind kind,
                              const struct cs_feature *found, uint32_t n)
{
        const struct cs_feature *anchor = anchor_of(sweep, units, found, n);
        const struct cs_target *t = anchor ? cs_targets_at(sweep->targets, anchor->target) : NULL;
        struct cs_seed seed = { .cluster = { .min_units = UINT64_MAX } };
        struct cs_cluster *out = &seed.cluster;
        /* A structure that begins with a name has the same pointers behind it in most of its likes; texts have there what
         * earlier tenants left, each something else. */
        if (kind == TEXT_PERHAPS &&
            (!t || 2 * cs_tally_get(&sweep->features.counts, cs_feature_key(units, anchor), 1) <
                           cs_tally_get(&sweep->features.counts, cs_text_key(units), 1)))
                kind = TEXT_SURE;
        seed.perhaps_array = kind != TEXT_SURE && (!t || recurs(sweep, units, found, n, anchor));
        if (t && t->kind == CS_TARGET_VTABLE && anchor->offset == 0) {
                out->kind = CS_CLUSTER_CLASS;
                out->target = anchor->target;
                out->key = cs_mix(anchor->target ^ (UINT64_C(1) << 60));
        } else if (kind == TEXT_SURE) {
                out->kind = CS_CLUSTER_TEXT;
                seed.unread = true;
        } else if (t) {
                out->kind = CS_CLUSTER_OBJECT;
                out->target = anchor->target;
                out->offset = anchor->offset;
                out->key = cs_mix(cs_feature_key(units, anchor) ^ (UINT64_C(3) << 60));
        } else {
                out->kind = CS_CLUSTER_SHAPE;
                seed.unread = true;
        }
        return seed;
}

static void set_shape(struct cs_cluster *out, uint64_t units, uint64_t shape)
{
        out->shape = shape;
        out->key = cs_mix(units << 32 ^ cs_mix(shape) ^ (UINT64_C(5) << 60));
}

/* Reads what the block is told from its likes by: its text, or the shape of its first words. */
static void fill_in(struct cs_sweep *sweep, struct cs_sweep_worker *w, const struct cs_block *b,
                    struct cs_cluster *out)
{
        size_t got, run = 0;
        const uint8_t *bytes = out->kind == CS_CLUSTER_TEXT ? first_bytes(w, b, &got) : NULL;
        if (bytes)
                run = cs_text_run(bytes, got);
        if (!run) { /* or the text is gone by now, where the target lives */
                out->kind = CS_CLUSTER_SHAPE;
                set_shape(out, cs_block_units(b), cs_signature_shape(&w->view, sweep->in->space, b));
                return;
        }
        describe_text(w, bytes, run, out);
}

/* What follows from all signatures, found out once. */
static enum cs_status plant_seeds(struct cs_sweep *sweep, struct cs_error *err)
{
        for (unsigned i = 0; i < sweep->n_workers; i++) {
                sweep->workers[i].first_signature = (uint32_t)sweep->n_seeds;
                sweep->n_seeds += sweep->workers[i].signatures.at.n + sweep->workers[i].texts.n;
        }
        sweep->seeds = malloc((sweep->n_seeds + 1) * sizeof(*sweep->seeds));
        if (!sweep->seeds)
                return cs_fail(err, CS_ENOMEM, "signatures");
        for (unsigned i = 0; i < sweep->n_workers; i++) {
                struct cs_sweep_worker *w = &sweep->workers[i];
                w->of_signature = malloc((sweep->n_seeds + 1) * sizeof(*w->of_signature));
                if (!w->of_signature)
                        return cs_fail(err, CS_ENOMEM, "signatures");
                memset(w->of_signature, 0xff, (sweep->n_seeds + 1) * sizeof(*w->of_signature));
                for (size_t k = 0; k < w->signatures.at.n; k++) {
                        const struct cs_signature *s = &w->signatures.at.at[k];
                        struct cs_seed *seed = &sweep->seeds[w->first_signature + k];
                        *seed = seed_of(sweep, s->units, (enum text_kind)s->text,
                                        cs_signatures_features(&w->signatures, s), s->n);
                        if (seed->cluster.kind == CS_CLUSTER_SHAPE && !s->n && s->text == TEXT_NONE) {
                                set_shape(&seed->cluster, s->units, s->shape);
                                seed->unread = false;
                        }
                }
                for (size_t k = 0; k < w->texts.n; k++)
                        sweep->seeds[w->first_signature + w->signatures.at.n + k] =
                                (struct cs_seed){ .cluster = w->texts.at[k] };
        }
        return CS_OK;
}

/* Large blocks without a mark that likes share may be arrays: then that is what they are. */
static enum cs_status look_for_array(struct cs_sweep_worker *w, const struct cs_block *b, uint64_t resident,
                                     struct cs_cluster *seed, struct cs_period *period, struct cs_error *err)
{
        bool found = false;
        enum cs_status st = cs_arrays_look(&w->arrays, &w->view, b, &found, period, err);
        if (!found)
                return st;
        /* A beginning that looks so does not make the whole block an array. */
        uint64_t records = cs_arrays_count(&w->view, b, period, NULL, NULL);
        if (records && records * period->stride * ARRAY_PART >= resident)
                *seed = (struct cs_cluster){ .min_units = UINT64_MAX,
                                             .kind = CS_CLUSTER_ARRAY,
                                             .period = period,
                                             .key = cs_arrays_key(period),
                                             .records = records };
        return st;
}

static void add_block(struct cs_cluster *c, const struct cs_block *b, uint32_t index, uint64_t resident,
                      uint64_t records)
{
        c->records += records;
        c->count++;
        c->bytes += cs_block_size(b);
        c->resident += resident;
        uint64_t units = cs_block_units(b);
        if (units < c->min_units)
                c->min_units = units;
        if (units > c->max_units)
                c->max_units = units;
        if (c->n_examples < CS_CLUSTER_EXAMPLES)
                c->examples[c->n_examples++] = index;
}

/* The worker's cluster of a block, of signature `known` of all, or UINT32_MAX. */
static enum cs_status assign_block(struct cs_sweep *sweep, struct cs_sweep_worker *w,
                                   const struct cs_block *b, uint32_t known, uint64_t resident,
                                   uint32_t *cluster, uint64_t *records, struct cs_error *err)
{
        struct cs_seed seed;
        struct cs_period period;
        enum cs_status st = CS_OK;
        bool large = cs_block_size(b) >= CS_ARRAY_BYTES, same = false;
        *records = 0;
        if (known != UINT32_MAX) {
                same = !sweep->seeds[known].unread && !(large && sweep->seeds[known].perhaps_array);
                *cluster = w->of_signature[known];
                if (same && *cluster != UINT32_MAX)
                        return CS_OK;
                seed = sweep->seeds[known];
        } else {
                struct cs_features found;
                const uint8_t *bytes;
                size_t run;
                cs_signature_features(&w->view, sweep->in->space, b, &found);
                seed = seed_of(sweep, cs_block_units(b), text_of(sweep->in, w, b, &bytes, &run), found.at,
                               found.n);
        }
        if (seed.unread)
                fill_in(sweep, w, b, &seed.cluster);
        if (large && seed.perhaps_array)
                st = look_for_array(w, b, resident, &seed.cluster, &period, err);
        *records = seed.cluster.records;
        if (st == CS_OK)
                st = number(w, &seed.cluster, cluster, err);
        if (st == CS_OK && same)
                w->of_signature[known] = *cluster;
        return st;
}

/* Of all seeds, the one that the worker of the first sweep meant by the number that it gave a block; UINT32_MAX: none. */
static uint32_t seed_number(const struct cs_sweep_worker *counter, uint32_t number)
{
        if (number == CS_NO_CLUSTER)
                return UINT32_MAX;
        if (number < CS_SWEEP_TEXT)
                return counter->first_signature + number;
        return counter->first_signature + (uint32_t)counter->signatures.at.n + (number - CS_SWEEP_TEXT);
}

/* Blocks from the cursor's on of which an earlier look knows what they are, up to one of which none does. They are in use. */
static enum cs_status assign_known(struct cs_sweep *sweep, struct cs_sweep_worker *w,
                                   struct cs_block_cursor *cursor, struct cs_residency_walk *residency,
                                   struct cs_error *err)
{
        const uint32_t *of_block = sweep->recalled.number;
        struct cs_block_cursor c = *cursor; /* nobody has its address: it stays in registers */
        enum cs_status st = CS_OK;
        while (c.index < c.end && of_block[c.index] != CS_NO_CLUSTER) {
                struct cs_block b;
                uint32_t i, kind = of_block[c.index], *cluster = &w->known[kind];
                if (*cluster == CS_NO_CLUSTER &&
                    (st = number(w, &sweep->in->recall->kinds.at[kind], cluster, err)) != CS_OK)
                        break;
                cs_blocks_next_any(&c, &b, &i);
                uint64_t resident = cs_residency_walk_bytes(residency, cs_block_range(&b));
                cs_blocks_set_cluster(sweep->in->blocks, i, *cluster);
                add_block(&w->local.at[*cluster], &b, i, resident, 0);
        }
        *cursor = c;
        return st;
}

static enum cs_status assign_slice(void *context, size_t unit, unsigned worker, struct cs_error *err)
{
        struct cs_sweep *sweep = context;
        struct cs_sweep_worker *w = &sweep->workers[worker];
        const struct cs_slice *slice = &sweep->in->slices->at[unit];
        const struct cs_sweep_worker *counter = &sweep->workers[sweep->slice_counter[unit]];
        sweep->slice_worker[unit] = (uint16_t)worker;
        if (sweep->recalled.number)
                w->view.ahead = AHEAD_BETWEEN;
        cs_arrays_begin(&w->arrays);
        struct cs_block_cursor cursor = cs_blocks_from(sweep->in->blocks, slice->first, slice->end);
        struct cs_residency_walk residency = { .residency = sweep->in->residency };
        struct cs_block b;
        uint32_t i;
        for (;;) {
                uint32_t cluster = 0;
                uint64_t records = 0;
                enum cs_status st =
                        sweep->recalled.number ? assign_known(sweep, w, &cursor, &residency, err) : CS_OK;
                if (st != CS_OK)
                        return st;
                if (!cs_blocks_next_any(&cursor, &b, &i))
                        break;
                if (cs_block_state(&b) != CS_BLOCK_IN_USE)
                        continue;
                uint64_t resident = cs_residency_walk_bytes(&residency, cs_block_range(&b));
                st = assign_block(sweep, w, &b, seed_number(counter, b.cluster), resident, &cluster, &records,
                                  err);
                if (st != CS_OK)
                        return st;
                cs_blocks_set_cluster(sweep->in->blocks, i, cluster);
                add_block(&w->local.at[cluster], &b, i, resident, records);
        }
        cs_slice_release(sweep->in->blocks, slice, w->view.src);
        return CS_OK;
}

enum cs_status cs_sweep_assign(struct cs_sweep *sweep, const struct cs_targets *targets, struct cs_error *err)
{
        sweep->targets = targets;
        enum cs_status st = plant_seeds(sweep, err);
        return st == CS_OK ? cs_work_run(sweep->n_workers, sweep->in->slices->n, assign_slice, sweep, err)
                           : st;
}
