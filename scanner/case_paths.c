/* SPDX-License-Identifier: Apache-2.0 */
/* How a block is held: the shortest chains of references from roots to it, and what would be lost with it. One walk from all
 * roots, breadth first, that does not go through the block: what it does not reach and the block leads to, only the block
 * keeps. */
#include "case_private.h"

#include "stretches.h"

#include <inttypes.h>

enum {
        CHAINS = 3,
        LINKS_NEAR =
                12, /* of a longer chain: those next to the block, and those next to the root, are shown */
        LINKS_FAR = 4,
        OFFSET_BYTES = 16 << 20, /* of a referrer, searched for its pointer */
};

#define NOT_REACHED UINT32_MAX
#define A_SOURCE (UINT32_MAX - 1)

struct walk {
        const struct cs_case *c;
        const struct cs_blocks *blocks;
        uint32_t n;
        uint32_t block;        /* that is not gone through */
        uint32_t *parent;      /* per block: the one that led to it, A_SOURCE, or NOT_REACHED */
        CS_VEC(uint32_t) todo; /* in the order in which they were reached */
        size_t done;
        uint32_t near
                [CHAINS]; /* those that point at the block, of different clusters, nearest to a source first */
        size_t n_near;
};

static void walk_deinit(struct walk *w)
{
        free(w->parent);
        cs_vec_deinit(&w->todo);
}

static enum cs_status reach(struct walk *w, uint32_t block, uint32_t parent, struct cs_error *err)
{
        if (w->parent[block] != NOT_REACHED || block == w->block)
                return CS_OK;
        w->parent[block] = parent;
        return cs_vec_push(&w->todo, block, err);
}

static void meet(struct walk *w, uint32_t referrer)
{
        for (size_t i = 0; i < w->n_near; i++)
                if (cs_blocks_cluster(w->blocks, w->near[i]) == cs_blocks_cluster(w->blocks, referrer))
                        return;
        if (w->n_near < CHAINS)
                w->near[w->n_near++] = referrer;
}

/* Goes on from what was reached and not looked at yet. */
static enum cs_status spread(struct walk *w, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        while (st == CS_OK && w->done < w->todo.n) {
                uint32_t from = w->todo.at[w->done++];
                struct cs_reference_walk walk = cs_references_of(&w->c->graph->references, from);
                uint32_t to;
                enum cs_aim aim;
                while (st == CS_OK && cs_reference_next(&walk, &to, &aim)) {
                        if (to == w->block)
                                meet(w, from);
                        else
                                st = reach(w, to, from, err);
                }
        }
        return st;
}

/* Counts what only the block leads to, and leaves the marks as they were. */
static enum cs_status count_retained(struct walk *w, struct cs_report_held *out, struct cs_error *err)
{
        size_t first = w->todo.n;
        enum cs_status st = CS_OK;
        w->parent[w->block] = w->block;
        st = cs_vec_push(&w->todo, w->block, err);
        for (size_t at = first; st == CS_OK && at < w->todo.n; at++) {
                struct cs_reference_walk walk = cs_references_of(&w->c->graph->references, w->todo.at[at]);
                uint32_t to;
                enum cs_aim aim;
                while (st == CS_OK && cs_reference_next(&walk, &to, &aim))
                        st = reach(w, to, w->block, err);
        }
        if (st != CS_OK)
                return st;
        out->retains = w->todo.n - first;
        for (size_t at = first; at < w->todo.n; at++)
                w->parent[w->todo.at[at]] = NOT_REACHED;
        for (size_t at = first; at < w->todo.n; at++) {
                struct cs_block b = cs_blocks_get(w->blocks, w->todo.at[at]);
                out->retained_bytes += cs_block_size(&b);
        }
        w->todo.n = first;
        return CS_OK;
}

/* ---- chains ------------------------------------------------------------------------------------------------------ */

struct wanted {
        const struct cs_case *c;
        uint32_t to;
        uint64_t at; /* 0: not found */
};

static enum cs_status find_pointer(void *context, uint64_t addr, const uint8_t *bytes, size_t len,
                                   struct cs_error *err)
{
        struct wanted *w = context;
        (void)err;
        for (size_t i = 0; !w->at && i + 8 <= len; i += 8)
                if (cs_case_pointee(w->c, cs_word(bytes + i)) == w->to)
                        w->at = addr + i;
        return CS_OK;
}

int64_t cs_case_offset(const struct cs_case *c, struct cs_view *view, uint32_t from, uint32_t to)
{
        struct cs_block b = cs_blocks_get(&c->heaps->blocks, from);
        struct cs_range left = cs_block_payload(&b);
        struct wanted w = { c, to, 0 };
        if (cs_range_size(left) > OFFSET_BYTES)
                left.end = left.start + OFFSET_BYTES;
        while (!w.at && left.start < left.end) {
                struct cs_range part = left;
                if (cs_range_size(part) > CS_VIEW_BYTES)
                        part.end = part.start + CS_VIEW_BYTES;
                if (cs_stretches(view, part, find_pointer, &w, NULL) != CS_OK)
                        break;
                left.start = part.end;
        }
        return w.at ? (int64_t)(w.at - cs_block_user(&b)) : -1;
}

static void fill_link(const struct cs_case *c, struct cs_view *view, uint32_t block, uint32_t to,
                      struct cs_report_link *out)
{
        const struct cs_report_cluster *cluster = cs_case_cluster(c, block);
        *out = (struct cs_report_link){ .address = cs_case_user(c, block),
                                        .offset = cs_case_offset(c, view, block, to),
                                        .stale = cs_case_stale(c, block),
                                        .library = cs_case_owner(c, block).library };
        if (cluster) {
                out->cluster = cluster->id;
                out->what = cluster->what;
        }
}

/* The chain from the block over `near` to a source; *top is the block at its end. Leaves room for the root's link. */
static enum cs_status fill_chain(const struct walk *w, struct cs_view *view, uint32_t near,
                                 struct cs_report_chain *out, uint32_t *top, struct cs_error *err)
{
        uint64_t length = 1, at = 0;
        for (uint32_t i = near; w->parent[i] != A_SOURCE; i = w->parent[i])
                length++;
        bool cut = length > LINKS_NEAR + LINKS_FAR;
        out->links =
                cs_pool_alloc(w->c->pool, (cut ? LINKS_NEAR + LINKS_FAR : length) + 1, sizeof(*out->links));
        if (!out->links)
                return cs_fail(err, CS_ENOMEM, "chain");
        if (cut) {
                out->left_at = LINKS_NEAR;
                out->left_out = length - LINKS_NEAR - LINKS_FAR;
        }
        for (uint32_t i = near, to = w->block;; to = i, i = w->parent[i], at++) {
                if (!cut || at < LINKS_NEAR || at >= LINKS_NEAR + out->left_out)
                        fill_link(w->c, view, i, to, &out->links[out->n_links++]);
                *top = i;
                if (w->parent[i] == A_SOURCE)
                        return CS_OK;
        }
}

/* The words of roots at the ends of chains; the interest of a chain is its number + 1. */
static enum cs_status end_in_roots(const struct walk *w, const uint32_t *tops, struct cs_report_case *out,
                                   struct cs_error *err)
{
        uint32_t *interest = calloc((size_t)w->n + 1, sizeof(*interest));
        cs_case_root_vec roots = { 0 };
        enum cs_status st = interest ? CS_OK : cs_fail(err, CS_ENOMEM, "roots of chains");
        for (size_t i = out->n_chains; st == CS_OK && i-- > 0;)
                interest[tops[i]] = (uint32_t)i + 1;
        if (st == CS_OK)
                st = cs_case_roots(w->c, interest, &roots, err);
        for (size_t i = 0; st == CS_OK && i < out->n_chains; i++) {
                struct cs_report_chain *chain = &out->chains[i];
                struct cs_report_link *end = &chain->links[chain->n_links++];
                *end = (struct cs_report_link){ .root = true, .offset = -1 };
                end->what = "a root whose word is not there (any more) as a plain pointer";
                for (size_t k = 0; k < roots.n; k++) {
                        if (roots.at[k].interest != interest[tops[i]])
                                continue;
                        end->address = roots.at[k].slots[0].address;
                        end->what = cs_case_slot_name(w->c, roots.at[k].root, end->address);
                        break;
                }
        }
        cs_vec_deinit(&roots);
        free(interest);
        return st;
}

static enum cs_status fill_chains(const struct walk *w, bool heads, bool itself, struct cs_report_case *out,
                                  struct cs_error *err)
{
        uint32_t tops[CHAINS + 1];
        struct cs_view view;
        enum cs_status st = CS_OK;
        out->chains = cs_pool_alloc(w->c->pool, CHAINS + 1, sizeof(*out->chains));
        if (!out->chains)
                return cs_fail(err, CS_ENOMEM, "chains");
        if (itself) {
                struct cs_report_chain *direct = &out->chains[out->n_chains];
                direct->links = cs_pool_alloc(w->c->pool, 1, sizeof(*direct->links));
                if (!direct->links)
                        return cs_fail(err, CS_ENOMEM, "chain");
                tops[out->n_chains++] = w->block;
        }
        cs_view_init_hopping(&view, w->c->image->source);
        for (size_t i = 0; st == CS_OK && i < w->n_near && out->n_chains < CHAINS; i++) {
                struct cs_report_chain *chain = &out->chains[out->n_chains];
                st = fill_chain(w, &view, w->near[i], chain, &tops[out->n_chains], err);
                chain->to_head = heads;
                out->n_chains++;
        }
        cs_view_deinit(&view);
        return st != CS_OK || heads || !out->n_chains ? st : end_in_roots(w, tops, out, err);
}

/* Where no root leads to the block: from the heads of what is lost. */
static enum cs_status reach_from_heads(struct walk *w, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (uint32_t i = 0; st == CS_OK && i < w->n; i++)
                if (cs_blocks_state(w->blocks, i) == CS_BLOCK_IN_USE &&
                    cs_leak_of(w->c->graph, i) == CS_LEAK_DIRECT)
                        st = reach(w, i, A_SOURCE, err);
        return st == CS_OK ? spread(w, err) : st;
}

enum cs_status cs_case_paths(const struct cs_case *c, uint32_t block, struct cs_report_case *out,
                             struct cs_error *err)
{
        cs_cleanup(walk_deinit) struct walk w = { .c = c, .blocks = &c->heaps->blocks, .block = block };
        bool itself = false;
        enum cs_status st = CS_OK;
        w.n = cs_blocks_indices(w.blocks);
        w.parent = malloc(((size_t)w.n + 1) * sizeof(*w.parent));
        if (!w.parent)
                return cs_fail(err, CS_ENOMEM, "marks of %" PRIu32 " blocks", w.n);
        memset(w.parent, 0xff, ((size_t)w.n + 1) * sizeof(*w.parent));
        for (size_t i = 0; st == CS_OK && i < c->graph->roots.n; i++) {
                itself |= c->graph->roots.at[i] == block;
                st = reach(&w, c->graph->roots.at[i], A_SOURCE, err);
        }
        if (st != CS_OK || (st = spread(&w, err)) != CS_OK ||
            (st = count_retained(&w, out->block, err)) != CS_OK)
                return st;
        out->block->from_root = itself;
        out->block->reached = itself || w.n_near > 0;
        bool heads = !out->block->reached;
        if (heads && cs_leak_of(c->graph, block) != CS_LEAK_DIRECT &&
            (st = reach_from_heads(&w, err)) != CS_OK)
                return st;
        return fill_chains(&w, heads, itself, out, err);
}
