/* SPDX-License-Identifier: Apache-2.0 */
#include "clusters_private.h"

#include "bytes.h"
#include "cs_limits.h"
#include "template.h"

#include <stdlib.h>

enum { SIZES_OF_ONE_TYPE = 8, ARRAYS_OF_ONE_STRIDE = 64 };

void cs_clusters_deinit(struct cs_clusters *clusters)
{
        cs_vec_deinit(&clusters->at);
        cs_targets_deinit(&clusters->targets);
        cs_pool_deinit(&clusters->pool);
        free(clusters->quiet);
}

/* Examples stay the lowest block indices of both. */
static void merge_examples(struct cs_cluster *into, const struct cs_cluster *from)
{
        uint32_t merged[CS_CLUSTER_EXAMPLES], n = 0, a = 0, b = 0;
        while (n < CS_CLUSTER_EXAMPLES && (a < into->n_examples || b < from->n_examples)) {
                bool first = b == from->n_examples ||
                             (a < into->n_examples && into->examples[a] < from->examples[b]);
                merged[n++] = first ? into->examples[a++] : from->examples[b++];
        }
        memcpy(into->examples, merged, n * sizeof(merged[0]));
        into->n_examples = n;
}

static void merge_into(struct cs_cluster *into, const struct cs_cluster *from)
{
        into->count += from->count;
        into->bytes += from->bytes;
        into->resident += from->resident;
        into->records += from->records;
        if (from->min_units < into->min_units)
                into->min_units = from->min_units;
        if (from->max_units > into->max_units)
                into->max_units = from->max_units;
        merge_examples(into, from);
}

/* How many ranks of templates are taken together, of all that the workers told apart. */
static enum cs_status thin_templates(const struct cs_sweep *sweep, uint32_t *left_out, struct cs_error *err)
{
        cs_cleanup(cs_tally_deinit) struct cs_tally seen = { 0 };
        size_t of_rank[CS_THIN_RANKS] = { 0 }, n = 0, most = cs_sweep_most_templates();
        enum cs_status st = CS_OK;
        *left_out = 0;
        for (unsigned w = 0; w < sweep->n_workers; w++) {
                n += sweep->workers[w].n_texts;
                if (sweep->workers[w].texts_left_out > *left_out)
                        *left_out = sweep->workers[w].texts_left_out;
        }
        if (!*left_out && n <= most)
                return CS_OK;
        for (unsigned w = 0; st == CS_OK && w < sweep->n_workers; w++)
                for (size_t i = 0; st == CS_OK && i < sweep->workers[w].local.n; i++) {
                        const struct cs_cluster *c = &sweep->workers[w].local.at[i];
                        uint64_t *workers;
                        if (!c->text || c->key == cs_sweep_other_text.key)
                                continue;
                        if ((st = cs_tally_at(&seen, c->key, 0, &workers, err)) == CS_OK && !(*workers)++)
                                of_rank[cs_thin_chance(c->key)]++;
                }
        if (st == CS_OK && (*left_out || seen.n > most))
                *left_out = cs_thin_fit(of_rank, *left_out, most);
        return st;
}

/* A template that is not told apart: what it has counts as other text. */
static void leave_out(struct cs_cluster *c, uint32_t left_out)
{
        if (!c->text || !left_out || !cs_thin_leaves_out(left_out, cs_thin_chance(c->key)))
                return;
        c->key = cs_sweep_other_text.key;
        c->text = cs_sweep_other_text.text;
        c->text_len = cs_sweep_other_text.text_len;
        c->cut = cs_sweep_other_text.cut;
}

/* All workers' clusters in one list, one per key; number[w][i] is where worker w's i-th went. */
static enum cs_status gather(struct cs_sweep *sweep, struct cs_clusters *out, uint32_t **number,
                             struct cs_error *err)
{
        struct cs_tally index = { 0 };
        uint32_t left_out;
        enum cs_status st = thin_templates(sweep, &left_out, err);
        out->limited |= left_out != 0;
        for (unsigned w = 0; st == CS_OK && w < sweep->n_workers; w++) {
                struct cs_sweep_worker *worker = &sweep->workers[w];
                number[w] = malloc((worker->local.n + 1) * sizeof(**number));
                if (!number[w])
                        st = cs_fail(err, CS_ENOMEM, "clusters");
                for (size_t i = 0; st == CS_OK && i < worker->local.n; i++) {
                        struct cs_cluster *c = &worker->local.at[i];
                        uint64_t *value;
                        leave_out(c, left_out);
                        if ((st = cs_tally_at(&index, c->key, out->at.n, &value, err)) != CS_OK)
                                break;
                        number[w][i] = (uint32_t)*value;
                        if (*value < out->at.n) {
                                merge_into(&out->at.at[*value], c);
                                continue;
                        }
                        if (out->at.n >= CS_CLUSTERS_MAX)
                                st = cs_fail(err, CS_ELIMIT, "more than %d kinds of blocks", CS_CLUSTERS_MAX);
                        else if (c->text && !(c->text = cs_pool_copy(&out->pool, c->text, c->text_len)))
                                st = cs_fail(err, CS_ENOMEM, "templates");
                        else if (c->period && !(c->period = cs_arrays_keep(&out->pool, c->period)))
                                st = cs_fail(err, CS_ENOMEM, "arrays");
                        else
                                st = cs_vec_push(&out->at, *c, err);
                }
        }
        cs_tally_deinit(&index);
        return st;
}

struct order {
        const struct cs_cluster *c;
        uint32_t index;
};

static int by_anchor(const void *a, const void *b)
{
        const struct cs_cluster *x = ((const struct order *)a)->c, *y = ((const struct order *)b)->c;
        if (x->target != y->target)
                return x->target < y->target ? -1 : 1;
        if (x->offset != y->offset)
                return x->offset < y->offset ? -1 : 1;
        return x->min_units < y->min_units ? -1 : x->min_units > y->min_units;
}

/* Is one of two neighbouring sizes just the other with what malloc could not split off? Then it is rare: two kinds that
 * happen to differ by 16 bytes are both common. */
static bool rounding(const struct cs_cluster *small, const struct cs_cluster *large)
{
        return large->min_units - small->min_units <= 1 && large->count * 10 <= small->count;
}

/* Objects with the same anchor are one type where their sizes differ by the allocator's rounding, or where there are so many
 * sizes that the type must be of variable length. parent[i] is the cluster that i goes into. */
static enum cs_status join_sizes(const struct cs_clusters *clusters, uint32_t *parent, struct cs_error *err)
{
        struct order *order = malloc((clusters->at.n + 1) * sizeof(*order));
        size_t n = 0;
        if (!order)
                return cs_fail(err, CS_ENOMEM, "clusters");
        for (size_t i = 0; i < clusters->at.n; i++)
                if (clusters->at.at[i].kind == CS_CLUSTER_OBJECT)
                        order[n++] = (struct order){ &clusters->at.at[i], (uint32_t)i };
        qsort(order, n, sizeof(*order), by_anchor);
        for (size_t first = 0, end; first < n; first = end) {
                const struct cs_target *t = cs_targets_at(&clusters->targets, order[first].c->target);
                for (end = first + 1; end < n && order[end].c->target == order[first].c->target &&
                                      order[end].c->offset == order[first].c->offset;)
                        end++;
                bool variable = end - first > SIZES_OF_ONE_TYPE && t && t->kind <= CS_TARGET_CONST;
                for (size_t i = first + 1; i < end; i++)
                        if (variable || rounding(order[i - 1].c, order[i].c))
                                parent[order[i].index] = parent[order[i - 1].index];
        }
        free(order);
        return CS_OK;
}

static int by_stride(const void *a, const void *b)
{
        const struct cs_cluster *x = ((const struct order *)a)->c, *y = ((const struct order *)b)->c;
        if (x->period->stride != y->period->stride)
                return x->period->stride < y->period->stride ? -1 : 1;
        if (x->count != y->count)
                return x->count > y->count ? -1 : 1;
        return x->examples[0] < y->examples[0] ? -1 : x->examples[0] > y->examples[0];
}

/* Arrays of the same records that were found in different blocks: what is constant there need not be all the same. Each is
 * compared with the largest few of its stride. */
static enum cs_status join_arrays(const struct cs_clusters *clusters, uint32_t *parent, struct cs_error *err)
{
        struct order *order = malloc((clusters->at.n + 1) * sizeof(*order));
        size_t n = 0;
        if (!order)
                return cs_fail(err, CS_ENOMEM, "clusters");
        for (size_t i = 0; i < clusters->at.n; i++)
                if (clusters->at.at[i].kind == CS_CLUSTER_ARRAY)
                        order[n++] = (struct order){ &clusters->at.at[i], (uint32_t)i };
        qsort(order, n, sizeof(*order), by_stride);
        for (size_t first = 0, end; first < n; first = end) {
                size_t leaders[ARRAYS_OF_ONE_STRIDE], n_leaders = 0;
                for (end = first; end < n && order[end].c->period->stride == order[first].c->period->stride;
                     end++) {
                        size_t k = 0;
                        while (k < n_leaders &&
                               !cs_period_same(order[leaders[k]].c->period, order[end].c->period))
                                k++;
                        if (k < n_leaders)
                                parent[order[end].index] = order[leaders[k]].index;
                        else if (n_leaders < ARRAYS_OF_ONE_STRIDE)
                                leaders[n_leaders++] = end;
                }
        }
        free(order);
        return CS_OK;
}

static int by_text(const void *a, const void *b)
{
        const struct cs_cluster *x = ((const struct order *)a)->c, *y = ((const struct order *)b)->c;
        uint32_t len = x->text_len < y->text_len ? x->text_len : y->text_len;
        int order = memcmp(x->text, y->text, len);
        if (order)
                return order;
        return x->text_len != y->text_len ? (x->text_len < y->text_len ? -1 : 1) : (int)x->cut - (int)y->cut;
}

/* Text clusters whose templates are one source's: merged by looking at all of them together. */
static enum cs_status join_texts(struct cs_clusters *clusters, uint32_t *parent, struct cs_error *err)
{
        size_t n = 0, total = clusters->at.n;
        struct order *order = malloc((total + 1) * sizeof(*order));
        struct cs_template_count *counts = calloc(total + 1, sizeof(*counts));
        uint32_t *group_of = malloc((total + 1) * sizeof(*group_of));
        uint32_t *leader = malloc((total + 1) * sizeof(*leader));
        struct cs_template_groups *groups = NULL;
        enum cs_status st =
                order && counts && group_of && leader ? CS_OK : cs_fail(err, CS_ENOMEM, "templates");
        for (size_t i = 0; st == CS_OK && i < total; i++)
                if (clusters->at.at[i].kind == CS_CLUSTER_TEXT)
                        order[n++] = (struct order){ &clusters->at.at[i], (uint32_t)i };
        if (st == CS_OK) {
                qsort(order, n, sizeof(*order), by_text);
                for (size_t i = 0; i < n; i++)
                        counts[i] = (struct cs_template_count){ order[i].c->text, order[i].c->text_len,
                                                                order[i].c->cut, order[i].c->count };
                st = cs_template_merge(counts, n, 1, group_of, &groups, err);
        }
        if (st == CS_OK)
                memset(leader, 0xff, (total + 1) * sizeof(*leader));
        for (size_t i = 0; st == CS_OK && i < n; i++) {
                uint32_t *first = &leader[group_of[i]];
                if (*first == UINT32_MAX) {
                        const struct cs_template_group *g = cs_template_groups_at(groups, group_of[i]);
                        struct cs_cluster *c = &clusters->at.at[order[i].index];
                        *first = order[i].index;
                        c->text = cs_pool_copy(&clusters->pool, g->text, g->len);
                        c->text_len = (uint32_t)g->len;
                        if (!c->text)
                                st = cs_fail(err, CS_ENOMEM, "templates");
                }
                parent[order[i].index] = *first;
        }
        cs_template_groups_destroy(groups);
        free(order);
        free(counts);
        free(group_of);
        free(leader);
        return st;
}

static int by_weight(const void *a, const void *b)
{
        const struct cs_cluster *x = ((const struct order *)a)->c, *y = ((const struct order *)b)->c;
        if (x->resident != y->resident)
                return x->resident > y->resident ? -1 : 1;
        if (x->bytes != y->bytes)
                return x->bytes > y->bytes ? -1 : 1;
        /* Two of the same size: the one whose first block lies lower; no two share a block. */
        return x->examples[0] < y->examples[0] ? -1 : x->examples[0] > y->examples[0];
}

/* Folds children into parents, sorts, and turns number (old -> gathered) into old -> final. */
static enum cs_status settle(struct cs_clusters *clusters, uint32_t *parent, struct cs_error *err)
{
        size_t total = clusters->at.n, n = 0;
        struct order *order = malloc((total + 1) * sizeof(*order));
        uint32_t *final = malloc((total + 1) * sizeof(*final));
        struct cs_cluster *sorted = malloc((total + 1) * sizeof(*sorted));
        if (!order || !final || !sorted) {
                free(order), free(final), free(sorted);
                return cs_fail(err, CS_ENOMEM, "clusters");
        }
        for (size_t i = 0; i < total; i++)
                if (parent[i] != i)
                        merge_into(&clusters->at.at[parent[i]], &clusters->at.at[i]);
        for (size_t i = 0; i < total; i++)
                if (parent[i] == i)
                        order[n++] = (struct order){ &clusters->at.at[i], (uint32_t)i };
        qsort(order, n, sizeof(*order), by_weight);
        for (size_t i = 0; i < n; i++) {
                sorted[i] = *order[i].c;
                final[order[i].index] = (uint32_t)i;
        }
        for (size_t i = 0; i < total; i++)
                parent[i] = final[parent[i]];
        free(clusters->at.at);
        clusters->at.at = sorted;
        clusters->at.n = n;
        clusters->at.cap = total + 1;
        free(order);
        free(final);
        return CS_OK;
}

struct renumbering {
        struct cs_sweep *sweep;
        uint32_t **number;     /* of gather() */
        const uint32_t *final; /* of settle() */
};

/* What each block was found to be is noted for the next look, before likes were joined. */
static enum cs_status renumber_slice(void *context, size_t unit, unsigned worker, struct cs_error *err)
{
        const struct renumbering *r = context;
        const struct cs_slice *slice = &r->sweep->in->slices->at[unit];
        struct cs_blocks *blocks = r->sweep->in->blocks;
        const uint32_t *number = r->number[r->sweep->slice_worker[unit]];
        (void)worker;
        (void)err;
        for (uint32_t i = slice->first; i < slice->end; i++) {
                uint32_t cluster = cs_blocks_cluster(blocks, i);
                uint32_t kind = cluster != CS_NO_CLUSTER ? number[cluster] : (uint32_t)CS_NO_CLUSTER;
                cs_recalled_note(&r->sweep->recalled, blocks, i, kind);
                if (cluster != CS_NO_CLUSTER)
                        cs_blocks_set_cluster(blocks, i, r->final[kind]);
        }
        return CS_OK;
}

/* What the sweeps left in the blocks' tags is no cluster's number. */
static void forget_numbers(struct cs_blocks *blocks)
{
        for (uint32_t i = 0; i < cs_blocks_indices(blocks); i++)
                cs_blocks_set_cluster(blocks, i, CS_NO_CLUSTER);
}

static enum cs_status merge_all(struct cs_sweep *sweep, struct cs_clusters *out, uint32_t **number,
                                struct cs_thin *addresses, struct cs_error *err)
{
        enum cs_status st = gather(sweep, out, number, err);
        if (st == CS_OK && sweep->in->recall)
                st = cs_recalled_end(&sweep->recalled, sweep->in, out->at.at, out->at.n, &sweep->features,
                                     addresses, err);
        if (st != CS_OK)
                return st;
        uint32_t *parent = malloc((out->at.n + 1) * sizeof(*parent));
        if (!parent)
                return cs_fail(err, CS_ENOMEM, "clusters");
        for (size_t i = 0; i < out->at.n; i++)
                parent[i] = (uint32_t)i;
        if ((st = join_sizes(out, parent, err)) == CS_OK && (st = join_arrays(out, parent, err)) == CS_OK &&
            (st = join_texts(out, parent, err)) == CS_OK && (st = settle(out, parent, err)) == CS_OK) {
                struct renumbering renumbering = { sweep, number, parent };
                st = cs_work_run(sweep->n_workers, sweep->in->slices->n, renumber_slice, &renumbering, err);
        }
        if (st == CS_OK)
                cs_recalled_keep_tags(&sweep->recalled);
        free(parent);
        return st;
}

enum cs_status cs_clusters_build(const struct cs_cluster_input *in, struct cs_clusters *out,
                                 struct cs_error *err)
{
        cs_cleanup(cs_sweep_deinit) struct cs_sweep sweep;
        cs_cleanup(cs_thin_deinit) struct cs_thin addresses = { 0 };
        enum cs_status st = cs_sweep_init(&sweep, in, err);
        out->quiet = calloc((size_t)cs_blocks_indices(in->blocks) / 64 + 1, sizeof(*out->quiet));
        if (st == CS_OK && !out->quiet)
                st = cs_fail(err, CS_ENOMEM, "clusters");
        sweep.quiet = out->quiet;
        if (st == CS_OK)
                st = cs_sweep_count(&sweep, &addresses, err);
        out->limited |= sweep.features.left_out || addresses.left_out;
        if (st == CS_OK)
                st = cs_targets_resolve(in->image, in->symbols, in->space, &addresses.counts, &out->targets,
                                        err);
        if (st == CS_OK)
                st = cs_sweep_assign(&sweep, &out->targets, err);
        uint32_t **number = calloc(in->workers, sizeof(*number));
        if (st == CS_OK)
                st = number ? merge_all(&sweep, out, number, &addresses, err)
                            : cs_fail(err, CS_ENOMEM, "clusters");
        for (unsigned i = 0; number && i < in->workers; i++)
                free(number[i]);
        free(number);
        if (st == CS_OK)
                cs_blocks_narrow(in->blocks, out->at.n);
        else
                forget_numbers(in->blocks);
        return st;
}
