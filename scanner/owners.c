/* SPDX-License-Identifier: Apache-2.0 */
#include "owners.h"

#include "bytes.h"
#include "dictionaries.h"
#include "orphans.h"
#include "owner_spread.h"
#include "ownwords.h"
#include "pulse.h"
#include "signature.h"
#include "tally.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

enum {
        TEXTS = 8,    /* blocks of a cluster whose text is looked up */
        SHOWN = 4096, /* clusters for which that is done: the largest */
        FEW = 4,      /* blocks: no kind */
        SAMPLES = 32, /* blocks of a cluster whose words are asked */
};

/* A step over the graph keeps nearly all of what is known: the first parent is right for nine blocks in ten. */
static const double STEP_DOWN = 0.97, STEP_UP = 0.85, ROOT_TRUST = 0.90, FRAME_TRUST = 0.50,
                    LITERAL_TRUST = 0.5, SITE_TRUST = 0.5;
/* Where nearly all of the blocks have the words that speak for the owner, these speak for each of them. */
static const double UNIFORM = 0.9;
/* The runtimes allocate for themselves as well. */
static const double ONLY_CANDIDATE = 0.95;

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

static struct cs_ownword weigh(const struct cs_owners_input *in, const struct cs_feature *f, double share)
{
        return cs_ownword_weigh(in->space, cs_targets_at(&in->clusters->targets, f->target), f->module,
                                f->target, f->offset, share);
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

/* What a share is worth: of one or two blocks, not much. */
static double credible(uint32_t count, size_t n_blocks)
{
        return (double)count / (double)(n_blocks + 1);
}

/* Votes with one kind of features: pointers to data, or (where those say nothing) to functions. */
static enum cs_status vote_by_words(const struct cs_owners_input *in, const feature_counts *features,
                                    size_t n_blocks, bool functions, struct cs_owner *owner,
                                    struct cs_error *err)
{
        struct ballot ballot = { 0 };
        double strongest = 0, trusted = 0;
        bool vtable = false;
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < features->n; i++) {
                const struct feature_count *f = &features->at[i];
                struct cs_ownword w = weigh(in, &f->feature, credible(f->count, n_blocks));
                if (w.weight > 0 && (w.kind == CS_TARGET_FUNCTION) == functions)
                        st = cast(&ballot, f->feature.module, w.weight, err);
        }
        const struct vote *won = winner(&ballot);
        for (size_t i = 0; won && i < features->n; i++) {
                const struct feature_count *f = &features->at[i];
                struct cs_evidence e = { .kind = CS_EVIDENCE_TARGET,
                                         .offset = f->feature.offset,
                                         .module = f->feature.module,
                                         .target = f->feature.target,
                                         .share = (double)f->count / (double)n_blocks };
                struct cs_ownword w = weigh(in, &f->feature, credible(f->count, n_blocks));
                if (w.weight <= 0 || (w.kind == CS_TARGET_FUNCTION) != functions || e.module != won->module)
                        continue;
                e.weight = w.trust;
                add_evidence(owner, e);
                if (w.weight > strongest) {
                        strongest = w.weight;
                        trusted = e.weight * (0.5 + 0.5 * e.share);
                        vtable = w.kind == CS_TARGET_VTABLE && e.offset == 0;
                }
        }
        if (won) {
                double agreement = won->sum / ballot.total;
                owner->module = (int32_t)won->module;
                /* A lone strong word outweighs a crowd of weak ones that disagree further inside. */
                owner->confidence = vtable ? trusted : trusted * (0.75 + 0.25 * agreement);
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

/* ---- block by block ---------------------------------------------------------------------------------------------- */

/* Do the words that speak for a cluster's owner stand in nearly all of its blocks? */
static bool uniform(const struct cs_owner *owner)
{
        return owner->module != CS_NO_MODULE && owner->n_evidence && owner->evidence[0].share >= UNIFORM;
}

/* What the clusters know better than the words of the single block. */
static void label_blocks(const struct cs_owners_input *in, const struct cs_owner *clusters,
                         struct cs_labels *labels)
{
        for (uint32_t c = 0; c < in->clusters->at.n; c++) {
                if (in->clusters->at.at[c].kind == CS_CLUSTER_TEXT || in->clusters->at.at[c].count < FEW ||
                    !uniform(&clusters[c]))
                        continue;
                for (uint32_t m = in->members->first[c]; m < in->members->first[c + 1]; m++)
                        cs_label_set(labels, in->members->block[m], (uint32_t)clusters[c].module,
                                     (uint8_t)(clusters[c].confidence * 255));
        }
}

/* What points at where a module was, and has no better owner. */
static void label_unloaded(const struct cs_owners_input *in, struct cs_owner *clusters,
                           struct cs_labels *labels)
{
        for (size_t i = 0; in->unloaded && i < in->unloaded->kinds.n; i++) {
                const struct cs_unloaded_kind *k = &in->unloaded->kinds.at[i];
                struct cs_owner *owner = &clusters[k->cluster];
                double trust = in->unloaded->modules.at[k->module].trust;
                struct cs_evidence e = { .kind = CS_EVIDENCE_GONE,
                                         .offset = k->offset,
                                         .module = (uint32_t)in->image->modules.n + k->module,
                                         .target = k->target,
                                         .share = 1,
                                         .weight = trust };
                uint8_t certainty = (uint8_t)(trust * 255);
                if (owner->module != CS_NO_MODULE && owner->confidence >= trust)
                        continue;
                *owner = (struct cs_owner){ .module = (int32_t)e.module,
                                            .lost_module = CS_NO_MODULE,
                                            .confidence = trust };
                add_evidence(owner, e);
                for (uint32_t m = in->members->first[k->cluster]; m < in->members->first[k->cluster + 1]; m++)
                        if (labels->certainty[in->members->block[m]] < certainty)
                                cs_label_set(labels, in->members->block[m], e.module, certainty);
        }
}

/* How often others are right says nothing of modules that are only guessed to have been there. */
static void doubt_unloaded(const struct cs_owners_input *in, struct cs_labels *labels)
{
        const struct cs_unloaded *u = in->unloaded;
        uint32_t n = u && u->modules.n ? cs_blocks_indices(in->blocks) : 0;
        for (uint32_t i = 0; i < n; i++) {
                int32_t module = cs_label_module(labels, i);
                if (module < (int32_t)in->image->modules.n)
                        continue;
                uint8_t most = (uint8_t)(u->modules.at[(size_t)module - in->image->modules.n].trust * 255);
                if (labels->certainty[i] > most)
                        labels->certainty[i] = most;
        }
}

/* ---- over the graph ---------------------------------------------------------------------------------------------- */

/* The share of the blocks led to that an edge covers. */
static double share_of(const struct cs_owners_input *in, const struct cs_edge *e)
{
        double share = (double)e->count / (double)in->clusters->at.at[e->to].count;
        return share > 1 ? 1 : share;
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
        if (cs_root_kind(e->from) == CS_ROOT_OTHER)
                return false;
        *module = cs_root_index(e->from);
        *weight = cs_root_kind(e->from) == CS_ROOT_STACK ? FRAME_TRUST : ROOT_TRUST;
        return *module < in->image->modules.n && !in->image->modules.at[*module].runtime;
}

static struct cs_evidence edge_evidence(const struct cs_edge *e, uint32_t module, double share, double weight)
{
        enum cs_evidence_kind kind = !e->from_root                            ? CS_EVIDENCE_REFERRER
                                     : cs_root_kind(e->from) == CS_ROOT_STACK ? CS_EVIDENCE_STACK
                                                                              : CS_EVIDENCE_ROOT;
        return (struct cs_evidence){ .kind = kind,
                                     .offset = e->offset,
                                     .module = module,
                                     .cluster = e->from_root ? 0 : e->from,
                                     .target = e->example,
                                     .share = share,
                                     .weight = weight };
}

/* The edges and children that speak for the owner of a cluster, as evidence. */
static void show_edges(const struct cs_owners_input *in, struct cs_owner *owners)
{
        size_t n = in->clusters->at.n;
        for (size_t i = 0; i < in->graph->edges.n; i++) {
                const struct cs_edge *e = &in->graph->edges.at[i];
                uint32_t module;
                double weight;
                if (e->to >= n || (!e->from_root && (e->from == e->to || e->from >= n)))
                        continue;
                if (owners[e->to].module != CS_NO_MODULE && says_down(in, owners, e, &module, &weight) &&
                    (int32_t)module == owners[e->to].module)
                        add_evidence(&owners[e->to], edge_evidence(e, module, share_of(in, e), weight));
                if (e->from_root || owners[e->from].module == CS_NO_MODULE ||
                    owners[e->from].module != owners[e->to].module)
                        continue;
                double share = (double)e->count / (double)in->clusters->at.at[e->from].count;
                struct cs_evidence child = { .kind = CS_EVIDENCE_CHILD,
                                             .offset = e->offset,
                                             .cluster = e->to,
                                             .module = (uint32_t)owners[e->to].module,
                                             .share = share > 1 ? 1 : share,
                                             .weight = STEP_UP * owners[e->to].confidence };
                add_evidence(&owners[e->from], child);
        }
}

/* Texts of a sample that are constants of the cluster's owner, and of nobody else, or out of a dictionary of it. */
static void show_literals(const struct cs_owners_input *in, const cs_dictionary_vec *dictionaries,
                          struct cs_view *view, uint32_t cluster, struct cs_owner *owner)
{
        uint32_t sample[TEXTS], n_own = 0;
        size_t n = cs_members_sample(in->members, cluster, TEXTS, sample);
        uint64_t example = 0;
        for (size_t i = 0; i < n; i++) {
                size_t got;
                struct cs_block block = cs_blocks_get(in->blocks, sample[i]);
                struct cs_range payload = cs_block_payload(&block);
                size_t want = cs_range_size(payload) < CS_LITERAL_MOST ? (size_t)cs_range_size(payload)
                                                                       : (size_t)CS_LITERAL_MOST;
                const uint8_t *bytes = cs_view_whole(view, payload.start, want, &got);
                if (!bytes || (cs_literals_owner(in->literals, bytes, got) != owner->module &&
                               !cs_dictionaries_say(dictionaries, in->literals, block.size,
                                                    (uint32_t)owner->module, bytes, got)))
                        continue;
                n_own++;
                if (!example)
                        example = payload.start;
        }
        if (n_own)
                add_evidence(owner, (struct cs_evidence){ .kind = CS_EVIDENCE_LITERAL,
                                                          .module = (uint32_t)owner->module,
                                                          .target = example,
                                                          .share = (double)n_own / (double)n,
                                                          .weight = LITERAL_TRUST });
}

/* ---- clusters ---------------------------------------------------------------------------------------------------- */

/* What the blocks of a cluster say of a module. */
struct tenure {
        uint32_t module; /* and one; 0: nobody */
        uint64_t blocks;
        uint64_t certainty; /* sum, each of 255 */
};

/* Few: linear search, and blocks side by side are mostly of the one found last. */
typedef CS_VEC(struct tenure) tenure_vec;

static enum cs_status count_tenures(const struct cs_owners_input *in, const struct cs_labels *labels,
                                    uint32_t cluster, tenure_vec *out, struct cs_error *err)
{
        size_t at = 0;
        out->n = 0;
        for (uint32_t m = in->members->first[cluster]; m < in->members->first[cluster + 1]; m++) {
                uint32_t i = in->members->block[m], module = labels->module[i];
                if (at == out->n || out->at[at].module != module)
                        for (at = 0; at < out->n && out->at[at].module != module;)
                                at++;
                if (at == out->n) {
                        struct tenure fresh = { .module = module };
                        enum cs_status st = cs_vec_push(out, fresh, err);
                        if (st != CS_OK)
                                return st;
                }
                out->at[at].blocks++;
                out->at[at].certainty += labels->certainty[i];
        }
        return CS_OK;
}

/* Gives a cluster the owner of most of its blocks. What its words said stays as evidence where they said the same. */
static enum cs_status sum_up(const struct cs_owners_input *in, const struct cs_labels *labels,
                             uint32_t cluster, tenure_vec *tenures, struct cs_owner *owner,
                             struct cs_error *err)
{
        const struct tenure *won = NULL;
        uint64_t all = 0;
        int32_t said = owner->module;
        enum cs_status st = count_tenures(in, labels, cluster, tenures, err);
        for (size_t i = 0; i < tenures->n; i++) {
                const struct tenure *t = &tenures->at[i];
                all += t->blocks;
                if (!won || t->blocks > won->blocks || (t->blocks == won->blocks && t->module < won->module))
                        won = t;
        }
        bool any = won && won->module;
        owner->module = any ? (int32_t)won->module - 1 : CS_NO_MODULE;
        owner->confidence = any ? (double)won->certainty / 255 / (double)all : 0;
        if (owner->module != said)
                owner->n_evidence = 0;
        return st;
}

/* The only module that can have asked (a program without libraries), or CS_NO_MODULE where there are more. */
static int32_t only_candidate(const struct cs_owners_input *in)
{
        return in->unloaded && in->unloaded->modules.n ? CS_NO_MODULE : cs_space_only_maker(in->space);
}

static void name_candidate(const struct cs_owners_input *in, uint32_t module, struct cs_labels *labels)
{
        for (uint32_t i = 0; i < cs_blocks_indices(in->blocks); i++)
                if (labels->certainty[i] < (uint8_t)(ONLY_CANDIDATE * 255) &&
                    cs_blocks_state(in->blocks, i) == CS_BLOCK_IN_USE)
                        cs_label_set(labels, i, module, (uint8_t)(ONLY_CANDIDATE * 255));
}

/* What has an owner for no other reason. */
static void show_guess(struct cs_owner *owner, enum cs_evidence_kind why)
{
        struct cs_evidence e = { .kind = why,
                                 .offset = CS_EDGE_ANYWHERE,
                                 .module = (uint32_t)owner->module,
                                 .share = 1,
                                 .weight = owner->confidence };
        if (owner->module != CS_NO_MODULE && !owner->n_evidence)
                add_evidence(owner, e);
}

/* What votes are made of: the blocks of each cluster, and which libraries are gone. */
static enum cs_status prepare(const struct cs_owners_input *in, struct cs_error *err)
{
        struct cs_unloaded_input gone = { in->image, in->space, in->blocks, in->clusters, in->members };
        enum cs_status st =
                in->members->block ? CS_OK : cs_members_build(in->blocks, in->clusters, in->members, err);
        return st == CS_OK && in->unloaded ? cs_unloaded_find(&gone, in->unloaded, err) : st;
}

/* Whose each block is. *only: the one module that can be, or CS_NO_MODULE. */
static enum cs_status find_blocks(const struct cs_owners_input *in, struct cs_owners *out,
                                  cs_dictionary_vec *dictionaries, cs_orphan_vec *orphans, int32_t *only,
                                  struct cs_error *err)
{
        struct cs_spread_input spread = { in->blocks, in->graph, in->image->modules.n };
        struct cs_dictionaries_input words = { in->image, in->blocks, in->clusters, in->members,
                                               in->literals };
        enum cs_status st = by_words(in, out->clusters, err);
        if (st != CS_OK)
                return st;
        label_blocks(in, out->clusters, &out->blocks);
        label_unloaded(in, out->clusters, &out->blocks);
        if (in->literals)
                st = cs_dictionaries_label(&words, &out->blocks, dictionaries, err);
        if (st != CS_OK)
                return st;
        /* Nobody asks for the members of clusters now, and votes take much memory. */
        cs_members_deinit(in->members);
        st = cs_owner_spread(&spread, &out->blocks, err);
        /* What votes had may lie below what lives longer, and would be there beside the members. */
        (void)malloc_trim(0);
        if (st != CS_OK || (st = cs_members_build(in->blocks, in->clusters, in->members, err)) != CS_OK)
                return st;
        doubt_unloaded(in, &out->blocks);
        *only = only_candidate(in);
        if (*only != CS_NO_MODULE)
                name_candidate(in, (uint32_t)*only, &out->blocks);
        struct cs_orphans_input ask = { in->image, in->space, in->clusters, in->members };
        return cs_orphans_label(&ask, &out->blocks, orphans, err);
}

static void dictionaries_deinit(cs_dictionary_vec *dictionaries)
{
        cs_vec_deinit(dictionaries);
}

static void orphans_deinit(cs_orphan_vec *orphans)
{
        cs_vec_deinit(orphans);
}

/* Where code asks for blocks of a size, for which nobody else speaks. */
static void show_sites(const cs_orphan_vec *orphans, struct cs_owner *owners)
{
        for (size_t i = 0; i < orphans->n; i++) {
                const struct cs_orphan *o = &orphans->at[i];
                if (owners[o->cluster].module == (int32_t)o->module)
                        add_evidence(&owners[o->cluster],
                                     (struct cs_evidence){ .kind = CS_EVIDENCE_SITE,
                                                           .offset = CS_EDGE_ANYWHERE,
                                                           .module = o->module,
                                                           .target = o->site,
                                                           .share = 1,
                                                           .weight = o->share * SITE_TRUST });
        }
}

enum cs_status cs_owners_find(const struct cs_owners_input *in, struct cs_owners *out, struct cs_error *err)
{
        cs_cleanup(dictionaries_deinit) cs_dictionary_vec dictionaries = { 0 };
        cs_cleanup(orphans_deinit) cs_orphan_vec orphans = { 0 };
        size_t n = in->clusters->at.n;
        int32_t only = CS_NO_MODULE;
        out->clusters = calloc(n + 1, sizeof(*out->clusters));
        if (!out->clusters)
                return cs_fail(err, CS_ENOMEM, "owners of %zu clusters", n);
        out->blocks = in->graph->said;
        in->graph->said = (struct cs_labels){ 0 };
        for (size_t c = 0; c < n; c++)
                out->clusters[c].module = out->clusters[c].lost_module = CS_NO_MODULE;
        tenure_vec tenures = { 0 };
        enum cs_status st = prepare(in, err);
        if (st == CS_OK)
                st = find_blocks(in, out, &dictionaries, &orphans, &only, err);
        for (size_t c = 0; st == CS_OK && c < n; c++)
                if ((st = cs_pulse(0, 0, err)) == CS_OK)
                        st = sum_up(in, &out->blocks, (uint32_t)c, &tenures, &out->clusters[c], err);
        cs_vec_deinit(&tenures);
        if (st != CS_OK)
                return st;
        show_edges(in, out->clusters);
        show_sites(&orphans, out->clusters);
        struct cs_view view;
        cs_view_init_hopping(&view, in->image->source);
        for (size_t c = 0; in->literals && c < n && c < SHOWN; c++)
                if (out->clusters[c].module != CS_NO_MODULE)
                        show_literals(in, &dictionaries, &view, (uint32_t)c, &out->clusters[c]);
        cs_view_deinit(&view);
        for (size_t c = 0; c < n; c++)
                show_guess(&out->clusters[c],
                           only == CS_NO_MODULE ? CS_EVIDENCE_NEIGHBOUR : CS_EVIDENCE_IMPORT);
        return CS_OK;
}

void cs_owners_deinit(struct cs_owners *owners)
{
        cs_labels_deinit(&owners->blocks);
        free(owners->clusters);
}
