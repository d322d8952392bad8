/* SPDX-License-Identifier: Apache-2.0 */
/* What speaks for the owner of one block: its own words, and who points at it. The owners' votes go over all blocks and keep no
 * reasons for each, so they are looked up for the one that is asked for. */
#include "case_private.h"

#include "targets.h"

#include <string.h>

enum { EVIDENCE_MOST = 6 };

struct list {
        const struct cs_case *c;
        const struct cs_report_case *r;
        struct cs_report_evidence *at;
        size_t n;
};

static bool same(const char *a, const char *b)
{
        return a && b && strcmp(a, b) == 0;
}

static void add(struct list *l, struct cs_report_evidence e)
{
        if (l->n < EVIDENCE_MOST)
                l->at[l->n++] = e;
}

static enum cs_target_kind target_kind(const struct cs_case *c, const struct cs_report_word *w, size_t module)
{
        if (w->note && strncmp(w->note, "vtable for ", 11) == 0)
                return CS_TARGET_VTABLE;
        return cs_target_kind_of(cs_space_part(c->space, module, w->value));
}

/* The name of a word's target without the module's: the evidence names that apart. */
static const char *symbol(const struct cs_case *c, const struct cs_report_word *w)
{
        const char *end = w->note ? strstr(w->note, " (") : NULL;
        for (const char *next = end; next; next = strstr(next + 1, " ("))
                end = next;
        return end ? cs_pool_copy(c->pool, w->note, (size_t)(end - w->note)) : w->note;
}

/* Pointers into the owner, those that say most first: with functions come last who registers callbacks. */
static void add_words(struct list *l, const char *owner, bool functions)
{
        for (size_t i = 0; l->r->dump && i < l->r->dump->n_words; i++) {
                const struct cs_report_word *w = &l->r->dump->words[i];
                struct cs_space_entry e = cs_space_at(l->c->space, w->value);
                if (strcmp(w->kind, "pointer:module") != 0 || !same(w->library, owner) ||
                    e.kind != CS_SPACE_MODULE)
                        continue;
                enum cs_target_kind kind = target_kind(l->c, w, e.index);
                if ((kind == CS_TARGET_FUNCTION) != functions)
                        continue;
                add(l, (struct cs_report_evidence){
                               .kind = cs_target_evidence(kind),
                               .offset = (int64_t)(l->r->dump->start + w->offset - l->r->block->address),
                               .module = owner,
                               .symbol = symbol(l->c, w),
                               .share = 1,
                               .weight = cs_target_weight(kind) / cs_target_weight(CS_TARGET_VTABLE) });
        }
}

/* Static variables of the owner that point here, or blocks of its own. */
static void add_groups(struct list *l, const char *owner, bool roots)
{
        for (size_t i = 0; i < l->r->n_groups; i++) {
                const struct cs_report_group *g = &l->r->groups[i];
                if (g->level != 1 || !same(g->library, owner) || (g->blocks == 0) != roots || g->stale)
                        continue;
                struct cs_report_evidence e = { .kind = roots ? "static-root" : "referrer",
                                                .offset = g->n_places ? (int64_t)g->places[0].offset : -1,
                                                .module = owner,
                                                .symbol = roots ? g->examples[0].name : g->cluster,
                                                .weight = 0.9 };
                uint64_t all = roots ? l->r->slots : l->r->referrers;
                e.share = all ? (double)(roots ? g->references : g->blocks) / (double)all : 1;
                add(l, e);
        }
}

/* Blocks of the owner that it leads to. */
static void add_children(struct list *l, const char *owner)
{
        for (size_t i = 0; l->r->dump && i < l->r->dump->n_words; i++) {
                const struct cs_report_word *w = &l->r->dump->words[i];
                if (strcmp(w->kind, "pointer:block") == 0 && same(w->library, owner))
                        add(l,
                            (struct cs_report_evidence){
                                    .kind = "peer",
                                    .offset = (int64_t)(l->r->dump->start + w->offset - l->r->block->address),
                                    .module = owner,
                                    .symbol = w->to,
                                    .share = 1,
                                    .weight = 0.5 });
        }
}

enum cs_status cs_case_evidence(const struct cs_case *c, struct cs_report_case *r, struct cs_error *err)
{
        struct list l = { c, r, cs_pool_alloc(c->pool, EVIDENCE_MOST, sizeof(*l.at)), 0 };
        const char *owner = r->block->library;
        if (!l.at)
                return cs_fail(err, CS_ENOMEM, "evidence");
        if (!owner)
                return CS_OK;
        add_words(&l, owner, false);
        add_groups(&l, owner, true);
        add_groups(&l, owner, false);
        add_words(&l, owner, true);
        add_children(&l, owner);
        if (l.n) {
                r->block->evidence = l.at;
                r->block->n_evidence = l.n;
        }
        return CS_OK;
}
