/* SPDX-License-Identifier: Apache-2.0 */
#include "owners.h"

#include "bytes.h"
#include "signature.h"
#include "tally.h"

#include <stdlib.h>

enum {
        SAMPLES = 32, /* blocks of a cluster whose words are asked */
        ROUNDS = 8,   /* steps over the graph; each halves what is left to learn */
};

/* Reasoned from recorded allocations: how often the module that a word of that kind points into is the one that asked for
 * the block. */
static double trust(enum cs_target_kind kind, bool at_start)
{
        switch (kind) {
        case CS_TARGET_VTABLE:
                return at_start ? 0.98 : 0.92;
        case CS_TARGET_CONST:
                return 0.92;
        case CS_TARGET_LITERAL:
                return 0.85;
        case CS_TARGET_DATA:
        case CS_TARGET_BSS:
                return 0.80;
        case CS_TARGET_FUNCTION:
                return 0.60;
        }
        return 0;
}

/* A step over the graph keeps nearly all of what is known: the first parent is right for nine blocks in ten. */
static const double STEP_DOWN = 0.97, STEP_UP = 0.85, ROOT_TRUST = 0.90;
/* Below this an answer would be a guess. */
static const double LEAST = 0.25;
/* Children speak for a parent only where half of its blocks have such. */
static const double MOST_BLOCKS = 0.5;
/* The runtimes allocate for themselves as well. */
static const double ONLY_CANDIDATE = 0.55;

struct vote {
        uint32_t module;
        double sum;
};

struct ballot {
        CS_VEC(struct vote) votes; /* few: linear search */
        double total;
};

static enum cs_status cast(struct ballot *b, uint32_t module, double weight, struct cs_error *err)
{
        b->total += weight;
        for (size_t i = 0; i < b->votes.n; i++)
                if (b->votes.at[i].module == module) {
                        b->votes.at[i].sum += weight;
                        return CS_OK;
                }
        struct vote fresh = { module, weight };
        return cs_vec_push(&b->votes, fresh, err);
}

static const struct vote *winner(const struct ballot *b)
{
        const struct vote *best = NULL;
        for (size_t i = 0; i < b->votes.n; i++)
                if (!best || b->votes.at[i].sum > best->sum ||
                    (b->votes.at[i].sum == best->sum && b->votes.at[i].module < best->module))
                        best = &b->votes.at[i];
        return best;
}

/* ---- by their own words ------------------------------------------------------------------------------------------ */

struct feature_count {
        struct cs_feature feature;
        uint32_t count;
};

typedef CS_VEC(struct feature_count) feature_counts;

static bool speaks(const struct cs_owners_input *in, const struct cs_target *t, bool functions)
{
        return t && !in->image->modules.at[t->module].runtime && (t->kind == CS_TARGET_FUNCTION) == functions;
}

static int by_feature(const void *a, const void *b)
{
        const struct feature_count *x = a, *y = b;
        if (x->feature.offset != y->feature.offset)
                return x->feature.offset < y->feature.offset ? -1 : 1;
        return x->feature.target < y->feature.target ? -1 : x->feature.target > y->feature.target;
}

/* The features of a sample of the cluster's blocks, each with the number of blocks that have it. */
static enum cs_status sample_features(const struct cs_owners_input *in, struct cs_view *view,
                                      uint32_t cluster, feature_counts *out, size_t *n_blocks,
                                      struct cs_error *err)
{
        uint32_t sample[SAMPLES];
        size_t n = cs_members_sample(in->members, cluster, SAMPLES, sample), kept = 0;
        out->n = 0;
        for (size_t i = 0; i < n; i++) {
                struct cs_features found;
                struct cs_block block = cs_blocks_get(in->blocks, sample[i]);
                cs_signature_features(view, in->space, &block, &found);
                for (uint32_t k = 0; k < found.n; k++) {
                        struct feature_count fresh = { found.at[k], 1 };
                        enum cs_status st = cs_vec_push(out, fresh, err);
                        if (st != CS_OK)
                                return st;
                }
        }
        if (out->n)
                qsort(out->at, out->n, sizeof(*out->at), by_feature);
        for (size_t i = 0; i < out->n; i++) {
                if (kept && by_feature(&out->at[kept - 1], &out->at[i]) == 0)
                        out->at[kept - 1].count++;
                else
                        out->at[kept++] = out->at[i];
        }
        out->n = kept;
        *n_blocks = n;
        return CS_OK;
}

static void add_evidence(struct cs_owner *owner, struct cs_evidence e)
{
        uint32_t i = owner->n_evidence;
        if (i == CS_OWNER_EVIDENCE) {
                if (owner->evidence[i - 1].share * owner->evidence[i - 1].weight >= e.share * e.weight)
                        return;
                i--;
        } else {
                owner->n_evidence++;
        }
        while (i > 0 && owner->evidence[i - 1].share * owner->evidence[i - 1].weight < e.share * e.weight) {
                owner->evidence[i] = owner->evidence[i - 1];
                i--;
        }
        owner->evidence[i] = e;
}

/* Votes with one kind of features: pointers to data, or (where those say nothing) to functions. */
static enum cs_status vote_by_words(const struct cs_owners_input *in, const feature_counts *features,
                                    size_t n_blocks, bool functions, struct cs_owner *owner,
                                    struct cs_error *err)
{
        struct ballot ballot = { 0 };
        const struct feature_count *strongest = NULL;
        double strongest_weight = 0, trusted = 0;
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < features->n; i++) {
                const struct feature_count *f = &features->at[i];
                const struct cs_target *t = cs_targets_at(&in->clusters->targets, f->feature.target);
                if (speaks(in, t, functions))
                        st = cast(&ballot, t->module,
                                  cs_target_weight(t->kind) * f->count / (1 + 0.2 * f->feature.offset / 8),
                                  err);
        }
        const struct vote *won = winner(&ballot);
        for (size_t i = 0; won && i < features->n; i++) {
                const struct feature_count *f = &features->at[i];
                const struct cs_target *t = cs_targets_at(&in->clusters->targets, f->feature.target);
                if (!speaks(in, t, functions) || t->module != won->module)
                        continue;
                double weight = cs_target_weight(t->kind) * f->count / (1 + 0.2 * f->feature.offset / 8);
                struct cs_evidence e = { .kind = CS_EVIDENCE_TARGET,
                                         .offset = f->feature.offset,
                                         .module = t->module,
                                         .target = f->feature.target,
                                         .share = (double)f->count / (double)n_blocks,
                                         .weight = trust(t->kind, f->feature.offset == 0) };
                add_evidence(owner, e);
                if (weight > strongest_weight) {
                        strongest_weight = weight;
                        strongest = f;
                        trusted = e.weight * (0.5 + 0.5 * e.share);
                }
        }
        if (won && strongest) {
                double agreement = won->sum / ballot.total;
                owner->module = (int32_t)won->module;
                /* A lone strong word outweighs a crowd of weak ones that disagree further inside. */
                owner->confidence = trusted * (0.75 + 0.25 * agreement);
                const struct cs_target *t = cs_targets_at(&in->clusters->targets, strongest->feature.target);
                if (t->kind == CS_TARGET_VTABLE && strongest->feature.offset == 0)
                        owner->confidence = trusted;
        }
        cs_vec_deinit(&ballot.votes);
        return st;
}

static enum cs_status by_words(const struct cs_owners_input *in, struct cs_owner *owners,
                               struct cs_error *err)
{
        struct cs_view view;
        feature_counts features = { 0 };
        enum cs_status st = CS_OK;
        cs_view_init_hopping(&view, in->image->source);
        for (uint32_t c = 0; st == CS_OK && c < in->clusters->at.n; c++) {
                size_t n_blocks;
                /* Text has no pointers; what stands behind its end is stale. */
                if (in->clusters->at.at[c].kind == CS_CLUSTER_TEXT)
                        continue;
                st = sample_features(in, &view, c, &features, &n_blocks, err);
                for (int functions = 0; st == CS_OK && functions < 2 && owners[c].module == CS_NO_MODULE;
                     functions++)
                        st = vote_by_words(in, &features, n_blocks, functions, &owners[c], err);
        }
        cs_vec_deinit(&features);
        cs_view_deinit(&view);
        return st;
}

/* ---- over the graph ---------------------------------------------------------------------------------------------- */

/* The share of the blocks led to that an edge covers. */
static double share_of(const struct cs_owners_input *in, const struct cs_edge *e)
{
        double share = (double)e->count / (double)in->clusters->at.at[e->to].count;
        return share > 1 ? 1 : share;
}

/* How much an edge counts: a pointer that every block of the kind has is a role; one that some have, here and there, is what
 * is left of earlier tenants. So the share counts twice. */
static double role(const struct cs_owners_input *in, const struct cs_edge *e)
{
        return (double)e->count * share_of(in, e);
}

/* What one edge says about the owner of the cluster it leads to; false: nothing. */
static bool says_down(const struct cs_owners_input *in, const struct cs_owner *before,
                      const struct cs_edge *e, uint32_t *module, double *weight)
{
        if (!e->from_root) {
                if (e->from >= CS_EDGE_CLUSTERS - 1 || before[e->from].module == CS_NO_MODULE)
                        return false;
                *module = (uint32_t)before[e->from].module;
                *weight = before[e->from].confidence * STEP_DOWN;
                return true;
        }
        if (cs_root_kind(e->from) != CS_ROOT_MODULE)
                return false;
        *module = cs_root_index(e->from);
        *weight = ROOT_TRUST;
        return !in->image->modules.at[*module].runtime;
}

static struct cs_evidence edge_evidence(const struct cs_edge *e, uint32_t module, double share, double weight)
{
        return (struct cs_evidence){ .kind = e->from_root ? CS_EVIDENCE_ROOT : CS_EVIDENCE_REFERRER,
                                     .offset = e->offset,
                                     .module = module,
                                     .cluster = e->from_root ? 0 : e->from,
                                     .target = e->example,
                                     .share = share,
                                     .weight = weight };
}

/* The owner of one cluster by the edges that lead to it. */
static enum cs_status ask_referrers(const struct cs_owners_input *in, const struct cs_owner *before,
                                    uint32_t cluster, struct cs_owner *owner, struct cs_error *err)
{
        struct ballot ballot = { 0 };
        size_t first, end;
        double all = 0;
        enum cs_status st = CS_OK;
        cs_graph_edges_to(in->graph, cluster, &first, &end);
        for (size_t i = first; st == CS_OK && i < end; i++) {
                const struct cs_edge *e = &in->graph->edges.at[i];
                uint32_t module;
                double weight;
                if (!e->from_root && e->from == cluster)
                        continue; /* lists of their own kind say nothing new */
                double share = role(in, e);
                all += share;
                if (says_down(in, before, e, &module, &weight))
                        st = cast(&ballot, module, weight * share, err);
        }
        const struct vote *won = winner(&ballot);
        double confidence = won ? won->sum / all : 0;
        if (confidence >= LEAST) {
                *owner = (struct cs_owner){ .module = (int32_t)won->module, .confidence = confidence };
                for (size_t i = first; i < end; i++) {
                        const struct cs_edge *e = &in->graph->edges.at[i];
                        uint32_t module;
                        double weight;
                        if ((!e->from_root && e->from == cluster) ||
                            !says_down(in, before, e, &module, &weight) || module != won->module)
                                continue;
                        add_evidence(owner, edge_evidence(e, module, share_of(in, e), weight));
                }
        }
        cs_vec_deinit(&ballot.votes);
        return st;
}

/* One step down from everything that has an owner to what has none; *learned counts the new ones. */
static enum cs_status step_down(const struct cs_owners_input *in, struct cs_owner *owners,
                                struct cs_owner *before, size_t *learned, struct cs_error *err)
{
        size_t n = in->clusters->at.n;
        enum cs_status st = CS_OK;
        memcpy(before, owners, n * sizeof(*owners));
        for (uint32_t c = 0; st == CS_OK && c < n && c < CS_EDGE_CLUSTERS - 1; c++) {
                if (before[c].module != CS_NO_MODULE)
                        continue;
                st = ask_referrers(in, before, c, &owners[c], err);
                *learned += owners[c].module != CS_NO_MODULE;
        }
        return st;
}

/* What the references of one cluster's blocks lead to. */
struct children {
        struct ballot ballot;
        uint64_t all; /* references, to whatever */
};

static enum cs_status ask_children(const struct cs_owners_input *in, const struct cs_owner *before,
                                   struct children *children, struct cs_error *err)
{
        size_t n = in->clusters->at.n;
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < in->graph->edges.n; i++) {
                const struct cs_edge *e = &in->graph->edges.at[i];
                if (e->from_root || e->from >= n || e->to >= n || e->from == e->to ||
                    before[e->from].module != CS_NO_MODULE || e->from == CS_EDGE_CLUSTERS - 1)
                        continue;
                children[e->from].all += e->count;
                if (before[e->to].module != CS_NO_MODULE)
                        st = cast(&children[e->from].ballot, (uint32_t)before[e->to].module,
                                  before[e->to].confidence * (double)e->count, err);
        }
        return st;
}

/* The children that speak for the owner, as evidence. */
static void show_children(const struct cs_owners_input *in, const struct cs_owner *before,
                          struct cs_owner *owners)
{
        size_t n = in->clusters->at.n;
        for (size_t i = 0; i < in->graph->edges.n; i++) {
                const struct cs_edge *e = &in->graph->edges.at[i];
                if (e->from_root || e->from >= n || e->to >= n || before[e->from].module != CS_NO_MODULE ||
                    owners[e->from].module == CS_NO_MODULE || before[e->to].module != owners[e->from].module)
                        continue;
                double share = (double)e->count / (double)in->clusters->at.at[e->from].count;
                struct cs_evidence child = { .kind = CS_EVIDENCE_CHILD,
                                             .offset = e->offset,
                                             .cluster = e->to,
                                             .module = (uint32_t)before[e->to].module,
                                             .share = share > 1 ? 1 : share,
                                             .weight = STEP_UP * before[e->to].confidence };
                add_evidence(&owners[e->from], child);
        }
}

/* One step up: blocks most of which lead to blocks of one module, and that no owner's blocks lead to. What they lead to
 * without an owner counts against it. */
static enum cs_status step_up(const struct cs_owners_input *in, struct cs_owner *owners,
                              struct cs_owner *before, size_t *learned, struct cs_error *err)
{
        size_t n = in->clusters->at.n;
        struct children *children = calloc(n + 1, sizeof(*children));
        enum cs_status st = children ? CS_OK : cs_fail(err, CS_ENOMEM, "owners");
        memcpy(before, owners, n * sizeof(*owners));
        if (st == CS_OK)
                st = ask_children(in, before, children, err);
        for (size_t c = 0; st == CS_OK && c < n; c++) {
                const struct vote *won = winner(&children[c].ballot);
                double confidence = won ? STEP_UP * won->sum / (double)children[c].all : 0;
                if (confidence < LEAST || won->sum < MOST_BLOCKS * (double)in->clusters->at.at[c].count)
                        continue;
                owners[c] = (struct cs_owner){ .module = (int32_t)won->module, .confidence = confidence };
                ++*learned;
        }
        if (st == CS_OK)
                show_children(in, before, owners);
        for (size_t c = 0; children && c < n; c++)
                cs_vec_deinit(&children[c].ballot.votes);
        free(children);
        return st;
}

/* Owners that came from referrers were found when some of these had no owner yet, which counted against them: ask again now
 * that all is known, and take the better-founded answer. */
static enum cs_status ask_again(const struct cs_owners_input *in, struct cs_owner *owners,
                                struct cs_owner *before, struct cs_error *err)
{
        size_t n = in->clusters->at.n;
        enum cs_status st = CS_OK;
        memcpy(before, owners, n * sizeof(*owners));
        for (uint32_t c = 0; st == CS_OK && c < n && c < CS_EDGE_CLUSTERS - 1; c++) {
                if (!before[c].n_evidence || before[c].evidence[0].kind == CS_EVIDENCE_TARGET)
                        continue;
                struct cs_owner again = { .module = CS_NO_MODULE };
                st = ask_referrers(in, before, c, &again, err);
                if (again.module != CS_NO_MODULE && again.confidence > before[c].confidence)
                        owners[c] = again;
        }
        return st;
}

/* Where only one module is no runtime (a program without libraries), there is nobody else who could have asked. */
static void name_only_candidate(const struct cs_owners_input *in, struct cs_owner *owners)
{
        int32_t only = CS_NO_MODULE;
        for (size_t i = 0; i < in->image->modules.n; i++) {
                if (in->image->modules.at[i].runtime)
                        continue;
                if (only != CS_NO_MODULE)
                        return;
                only = (int32_t)i;
        }
        for (size_t c = 0; only != CS_NO_MODULE && c < in->clusters->at.n; c++) {
                struct cs_evidence e = { .kind = CS_EVIDENCE_IMPORT,
                                         .offset = CS_EDGE_ANYWHERE,
                                         .module = (uint32_t)only,
                                         .share = 1,
                                         .weight = ONLY_CANDIDATE };
                if (owners[c].module != CS_NO_MODULE)
                        continue;
                owners[c].module = only;
                owners[c].confidence = ONLY_CANDIDATE;
                add_evidence(&owners[c], e);
        }
}

enum cs_status cs_owners_find(const struct cs_owners_input *in, struct cs_owner **out, struct cs_error *err)
{
        size_t n = in->clusters->at.n;
        struct cs_owner *owners = calloc(n + 1, sizeof(*owners));
        struct cs_owner *before = calloc(n + 1, sizeof(*before));
        enum cs_status st = owners && before ? CS_OK : cs_fail(err, CS_ENOMEM, "owners");
        for (size_t c = 0; owners && c < n; c++)
                owners[c].module = CS_NO_MODULE;
        if (st == CS_OK)
                st = by_words(in, owners, err);
        size_t learned = 1;
        for (int round = 0; st == CS_OK && learned && round < ROUNDS; round++) {
                learned = 0;
                for (size_t down = 1; st == CS_OK && down;) {
                        down = 0;
                        st = step_down(in, owners, before, &down, err);
                        learned += down;
                }
                if (st == CS_OK)
                        st = step_up(in, owners, before, &learned, err);
        }
        if (st == CS_OK)
                st = ask_again(in, owners, before, err);
        if (st == CS_OK)
                name_only_candidate(in, owners);
        free(before);
        if (st != CS_OK)
                free(owners);
        else
                *out = owners;
        return st;
}
