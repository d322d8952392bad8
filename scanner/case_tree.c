/* SPDX-License-Identifier: Apache-2.0 */
/* Who points at a block, and who at those, level by level: blocks of one cluster that point at one group are a group. The graph
 * has no way back, so each level is one pass over all references; no recursion, and a block that ten million others point to is
 * one group of ten million. */
#include "case_private.h"

#include "stretches.h"
#include "tally.h"

#include <inttypes.h>
#include <string.h>

enum {
        NODES_MAX = 1 << 16, /* groups of one tree that are counted apart; what comes later is only counted */
        KEPT_MAX = 256,      /* groups that are shown, and whose referrers are followed */
        KEPT_PER_GROUP = 8,  /* of these, for one group */
        READ_BLOCKS = 1 << 13, /* blocks of a group that are read for the offsets of their pointers */
        READ_ALL = 1 << 18,    /* and of all groups */
        READ_BYTES = 64 << 20, /* and bytes of them */
        AGAIN = 1u << 31,      /* in a key: a group that there is already */
};

struct node {
        uint32_t parent; /* index; of the root of the tree: itself */
        uint32_t level;
        uint32_t same; /* again: the group that these blocks are in already */
        bool again;
        bool kept;
        uint32_t last;                      /* the block counted last */
        uint64_t blocks, references, found; /* found: references whose offset is known */
        uint32_t read;                      /* blocks */
        struct cs_report_group_place places[CS_GROUP_PLACES];
        size_t n_places;
        uint32_t examples[CS_GROUP_EXAMPLES];
        size_t n_examples;
        uint64_t left_groups, left_references;
};

struct tree {
        const struct cs_case *c;
        const struct cs_blocks *blocks;
        CS_VEC(struct node) nodes; /* level by level; the first is the block itself */
        struct cs_tally index;     /* parent and cluster (or group) -> node */
        uint32_t *node_of;         /* per block: its node + 1; 0: none */
        uint32_t first, end;       /* nodes of the level whose referrers are looked for */
        size_t kept;
        cs_case_root_vec roots;
        struct cs_view view;
        uint64_t blocks_left, bytes_left; /* to be read for offsets */
        bool unread, limited;
};

static void tree_deinit(struct tree *t)
{
        cs_vec_deinit(&t->nodes);
        cs_tally_deinit(&t->index);
        cs_vec_deinit(&t->roots);
        free(t->node_of);
        cs_view_deinit(&t->view);
}

/* Does group `upper` lie on the way from `node` to the block? */
static bool on_the_way(const struct tree *t, uint32_t node, uint32_t upper)
{
        for (unsigned i = 0; i <= CS_CASE_DEPTH_MOST; i++) {
                if (node == upper)
                        return true;
                if (node == 0)
                        return false;
                node = t->nodes.at[node].parent;
        }
        return false;
}

/* What block, as one that points at group `to`, is counted under: with others of its cluster, unless it is in another group
 * already. A group that was left out does not count. */
static uint64_t key_of(const struct tree *t, uint32_t to, uint32_t block)
{
        uint32_t mine = t->node_of[block];
        uint64_t plain = (uint64_t)to << 32 | (cs_blocks_cluster(t->blocks, block) & ~AGAIN);
        if (!mine || (mine <= t->end && !t->nodes.at[mine - 1].kept) ||
            cs_tally_get(&t->index, plain, UINT64_MAX) == mine - 1)
                return plain;
        return (uint64_t)to << 32 | AGAIN | (mine - 1);
}

/* The node of a block that points at group `to`; UINT32_MAX where there are too many. */
static enum cs_status node_at(struct tree *t, uint32_t to, uint32_t block, uint32_t *out,
                              struct cs_error *err)
{
        uint64_t key = key_of(t, to, block), *position;
        *out = UINT32_MAX;
        if (t->nodes.n >= NODES_MAX && cs_tally_get(&t->index, key, UINT64_MAX) == UINT64_MAX) {
                t->limited = true;
                t->nodes.at[to].left_references++;
                return CS_OK;
        }
        enum cs_status st = cs_tally_at(&t->index, key, t->nodes.n, &position, err);
        if (st != CS_OK)
                return st;
        *out = (uint32_t)*position;
        if (*out == t->nodes.n) {
                struct node fresh = { .parent = to,
                                      .level = t->nodes.at[to].level + 1,
                                      .again = key & AGAIN,
                                      .same = key & AGAIN ? t->node_of[block] - 1 : 0,
                                      .last = CS_NO_BLOCK };
                if ((st = cs_vec_push(&t->nodes, fresh, err)) != CS_OK)
                        return st;
        }
        if (!(key & AGAIN))
                t->node_of[block] = *out + 1;
        return CS_OK;
}

/* The group of the level at hand that a block is in; UINT32_MAX: in none. */
static uint32_t wanted(const struct tree *t, uint32_t block)
{
        uint32_t node = t->node_of[block];
        return node > t->first && node <= t->end && t->nodes.at[node - 1].kept ? node - 1 : UINT32_MAX;
}

/* *counted: a node that the block was counted in, UINT32_MAX: none. */
static enum cs_status count_references(struct tree *t, uint32_t block, uint32_t *counted,
                                       struct cs_error *err)
{
        struct cs_reference_walk walk = cs_references_of(&t->c->graph->references, block);
        uint32_t to, index;
        enum cs_aim aim;
        while (cs_reference_next(&walk, &to, &aim)) {
                to = wanted(t, to);
                if (to == UINT32_MAX)
                        continue;
                enum cs_status st = node_at(t, to, block, &index, err);
                if (st != CS_OK)
                        return st;
                if (index == UINT32_MAX)
                        continue;
                struct node *n = &t->nodes.at[index];
                *counted = index;
                n->references++;
                if (n->last == block)
                        continue;
                n->last = block;
                n->blocks++;
                if (n->n_examples < CS_GROUP_EXAMPLES)
                        n->examples[n->n_examples++] = block;
        }
        return CS_OK;
}

static void count_place(struct node *n, uint64_t offset)
{
        n->found++;
        for (size_t i = 0; i < n->n_places; i++)
                if (n->places[i].offset == offset) {
                        n->places[i].count++;
                        return;
                }
        if (n->n_places < CS_GROUP_PLACES)
                n->places[n->n_places++] = (struct cs_report_group_place){ offset, 1 };
}

/* A block whose pointers are looked for. */
struct searched {
        struct tree *tree;
        uint32_t block;
        uint64_t start;
};

static enum cs_status find_pointers(void *context, uint64_t addr, const uint8_t *bytes, size_t len,
                                    struct cs_error *err)
{
        const struct searched *s = context;
        struct tree *t = s->tree;
        (void)err;
        for (size_t i = 0; i + 8 <= len; i += 8) {
                uint32_t pointee = cs_case_pointee(t->c, cs_word(bytes + i));
                uint32_t to = pointee == CS_NO_BLOCK || pointee == s->block ? UINT32_MAX : wanted(t, pointee);
                if (to == UINT32_MAX)
                        continue;
                uint64_t node = cs_tally_get(&t->index, key_of(t, to, s->block), UINT64_MAX);
                if (node != UINT64_MAX)
                        count_place(&t->nodes.at[node], addr + i - s->start);
        }
        return CS_OK;
}

/* Finds the offsets of the pointers in a block that were counted. */
static enum cs_status find_places(struct tree *t, uint32_t block, struct node *counted, struct cs_error *err)
{
        struct cs_block b = cs_blocks_get(t->blocks, block);
        struct cs_range payload = cs_block_payload(&b);
        if (!t->blocks_left || counted->read >= READ_BLOCKS || t->bytes_left < cs_range_size(payload)) {
                t->unread = true;
                return CS_OK;
        }
        counted->read++;
        t->blocks_left--;
        t->bytes_left -= cs_range_size(payload);
        struct searched searched = { t, block, payload.start };
        return cs_stretches(&t->view, payload, find_pointers, &searched, err);
}

static enum cs_status look_through_blocks(struct tree *t, struct cs_error *err)
{
        uint32_t n = cs_blocks_indices(t->blocks);
        for (uint32_t i = 0; i < n; i++) {
                uint32_t counted = UINT32_MAX;
                enum cs_status st = count_references(t, i, &counted, err);
                if (st != CS_OK)
                        return st;
                if (counted != UINT32_MAX && (st = find_places(t, i, &t->nodes.at[counted], err)) != CS_OK)
                        return st;
        }
        return CS_OK;
}

struct rank {
        uint32_t node, parent;
        uint64_t blocks;
};

static int by_rank(const void *a, const void *b)
{
        const struct rank *x = a, *y = b;
        if (x->parent != y->parent)
                return x->parent < y->parent ? -1 : 1;
        if (x->blocks != y->blocks)
                return x->blocks > y->blocks ? -1 : 1;
        return x->node < y->node ? -1 : x->node > y->node;
}

/* Of the groups from `first` on, keeps the largest of each group that they point at. */
static enum cs_status choose(struct tree *t, size_t first, struct cs_error *err)
{
        size_t n = t->nodes.n - first, of_this = 0;
        struct rank *ranks = calloc(n + 1, sizeof(*ranks));
        if (!ranks)
                return cs_fail(err, CS_ENOMEM, "groups");
        for (size_t i = 0; i < n; i++) {
                const struct node *node = &t->nodes.at[first + i];
                ranks[i] = (struct rank){ (uint32_t)(first + i), node->parent, node->blocks };
        }
        qsort(ranks, n, sizeof(*ranks), by_rank);
        for (size_t i = 0; i < n; i++) {
                struct node *node = &t->nodes.at[ranks[i].node];
                of_this = i && ranks[i - 1].parent == ranks[i].parent ? of_this + 1 : 0;
                if (of_this < KEPT_PER_GROUP && t->kept < KEPT_MAX) {
                        node->kept = true;
                        t->kept++;
                        continue;
                }
                t->nodes.at[node->parent].left_groups++;
                t->nodes.at[node->parent].left_references += node->references;
        }
        free(ranks);
        return CS_OK;
}

static enum cs_status grow(struct tree *t, unsigned depth, struct cs_error *err)
{
        for (unsigned level = 0; level < depth && t->first < t->end; level++) {
                enum cs_status st = look_through_blocks(t, err);
                if (st == CS_OK)
                        st = choose(t, t->end, err);
                if (st != CS_OK)
                        return st;
                t->first = t->end;
                t->end = (uint32_t)t->nodes.n;
        }
        return CS_OK;
}

/* ---- the report -------------------------------------------------------------------------------------------------- */

static int by_count(const void *a, const void *b)
{
        const struct cs_report_group_place *x = a, *y = b;
        if (x->count != y->count)
                return x->count > y->count ? -1 : 1;
        return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static void fill_blocks(const struct tree *t, const struct node *n, struct cs_report_group *g)
{
        const struct cs_case *c = t->c;
        uint32_t block = n->examples[0];
        const struct cs_report_cluster *cluster = cs_case_cluster(c, block);
        g->cluster = cluster ? cluster->id : NULL;
        g->what = cluster ? cluster->what : NULL;
        g->library = cs_case_owner(c, block).library;
        g->blocks = n->blocks;
        g->references = n->references;
        g->stale = cs_case_stale(c, block);
        g->again = n->again && t->nodes.at[n->same].kept;
        g->cycle = g->again && on_the_way(t, n->parent, n->same);
        memcpy(g->places, n->places, sizeof(g->places));
        g->n_places = n->n_places;
        qsort(g->places, g->n_places, sizeof(g->places[0]), by_count);
        uint64_t placed = 0;
        for (size_t i = 0; i < g->n_places; i++)
                placed += g->places[i].count;
        g->elsewhere = n->found - placed;
        g->unread = n->references > n->found ? n->references - n->found : 0;
        for (size_t i = 0; i < n->n_examples; i++)
                g->examples[g->n_examples++].address = cs_case_user(c, n->examples[i]);
        g->left_groups = n->left_groups;
        g->left_references = n->left_references;
}

static void fill_root(const struct tree *t, const struct cs_case_root *r, struct cs_report_group *g)
{
        g->what = cs_case_root_name(t->c, r);
        g->references = r->count;
        if (cs_root_kind(r->root) == CS_ROOT_MODULE && cs_root_index(r->root) < t->c->image->modules.n)
                g->library = cs_case_keep(t->c, t->c->image->modules.at[cs_root_index(r->root)].name);
        for (size_t i = 0; i < r->n_slots && i < CS_GROUP_EXAMPLES; i++)
                g->examples[g->n_examples++] = (struct cs_report_group_example){
                        r->slots[i].address, cs_case_slot_name(t->c, r->root, r->slots[i].address)
                };
}

static int by_references(const void *a, const void *b)
{
        const struct cs_case_root *x = a, *y = b;
        if (x->interest != y->interest)
                return x->interest < y->interest ? -1 : 1;
        if (x->count != y->count)
                return x->count > y->count ? -1 : 1;
        return x->root < y->root ? -1 : x->root > y->root;
}

/* The roots that point at a group become groups behind it: they have no referrers of their own. */
static void add_roots(struct tree *t, uint32_t node, uint32_t id, struct cs_report_case *out)
{
        size_t i = 0, shown = 0;
        if (t->nodes.at[node].level >= out->depth)
                return;
        while (i < t->roots.n && t->roots.at[i].interest != node + 1)
                i++;
        for (; i < t->roots.n && t->roots.at[i].interest == node + 1; i++) {
                if (node == 0)
                        out->slots += t->roots.at[i].count;
                if (shown++ >= KEPT_PER_GROUP) {
                        uint64_t *groups = id ? &out->groups[id - 1].left_groups : &out->left_groups;
                        uint64_t *references =
                                id ? &out->groups[id - 1].left_references : &out->left_references;
                        *groups += 1;
                        *references += t->roots.at[i].count;
                        continue;
                }
                struct cs_report_group *g = &out->groups[out->n_groups++];
                *g = (struct cs_report_group){ .id = (uint32_t)out->n_groups,
                                               .parent = id,
                                               .level = t->nodes.at[node].level + 1 };
                fill_root(t, &t->roots.at[i], g);
        }
}

/* The groups that are kept, each before its referrers, the largest first. A stack instead of recursion: there are few. */
static enum cs_status order_nodes(const struct tree *t, struct rank *kept, size_t n, uint32_t *order,
                                  struct cs_error *err)
{
        CS_VEC(uint32_t) todo = { 0 };
        enum cs_status st = cs_vec_push(&todo, 0, err);
        size_t done = 0;
        for (size_t i = 1, k = 0; i < t->nodes.n; i++)
                if (t->nodes.at[i].kept)
                        kept[k++] =
                                (struct rank){ (uint32_t)i, t->nodes.at[i].parent, t->nodes.at[i].blocks };
        qsort(kept, n, sizeof(*kept), by_rank);
        while (st == CS_OK && todo.n) {
                uint32_t at = order[done++] = todo.at[--todo.n];
                for (size_t i = n; st == CS_OK && i-- > 0;)
                        if (kept[i].parent == at)
                                st = cs_vec_push(&todo, kept[i].node, err);
        }
        cs_vec_deinit(&todo);
        return st;
}

static void write_groups(struct tree *t, const uint32_t *order, uint32_t *ids, struct cs_report_case *out)
{
        for (size_t i = 0; i <= t->kept; i++) {
                const struct node *n = &t->nodes.at[order[i]];
                if (order[i]) {
                        struct cs_report_group *g = &out->groups[out->n_groups++];
                        ids[order[i]] = (uint32_t)out->n_groups;
                        *g = (struct cs_report_group){ .id = (uint32_t)out->n_groups,
                                                       .parent = ids[n->parent],
                                                       .level = n->level };
                        fill_blocks(t, n, g);
                } else {
                        out->left_groups = n->left_groups;
                        out->left_references = n->left_references;
                }
                add_roots(t, order[i], ids[order[i]], out);
        }
        /* Now that all have their numbers. */
        for (size_t i = 1; i <= t->kept; i++)
                out->groups[ids[order[i]] - 1].same = ids[t->nodes.at[order[i]].same];
}

static enum cs_status report(struct tree *t, struct cs_report_case *out, struct cs_error *err)
{
        struct rank *kept = calloc(t->kept + 1, sizeof(*kept));
        uint32_t *order = calloc(t->kept + 1, sizeof(*order)), *ids = calloc(t->nodes.n + 1, sizeof(*ids));
        size_t most = t->kept + (t->kept + 1) * KEPT_PER_GROUP;
        out->groups = cs_pool_alloc(t->c->pool, most, sizeof(*out->groups));
        enum cs_status st = kept && order && ids && out->groups ? order_nodes(t, kept, t->kept, order, err)
                                                                : cs_fail(err, CS_ENOMEM, "groups");
        if (t->roots.n)
                qsort(t->roots.at, t->roots.n, sizeof(*t->roots.at), by_references);
        if (st == CS_OK)
                write_groups(t, order, ids, out);
        free(kept);
        free(order);
        free(ids);
        if (st == CS_OK && t->unread)
                st = cs_case_note(
                        t->c, out,
                        cs_pool_printf(
                                t->c->pool,
                                "offsets were looked for in the first %d blocks of a group, %d in all, and no "
                                "more than %d MiB of them",
                                READ_BLOCKS, READ_ALL, READ_BYTES >> 20),
                        err);
        if (st == CS_OK && t->limited)
                st = cs_case_note(t->c, out,
                                  cs_pool_printf(t->c->pool, "no more than %d groups were told apart",
                                                 NODES_MAX),
                                  err);
        return st;
}

enum cs_status cs_case_tree(const struct cs_case *c, uint32_t block, unsigned depth,
                            struct cs_report_case *out, struct cs_error *err)
{
        cs_cleanup(tree_deinit) struct tree t = { .c = c,
                                                  .blocks = &c->heaps->blocks,
                                                  .end = 1,
                                                  .blocks_left = READ_ALL,
                                                  .bytes_left = READ_BYTES };
        struct node self = {
                .kept = true, .last = CS_NO_BLOCK, .blocks = 1, .examples = { block }, .n_examples = 1
        };
        enum cs_status st = cs_vec_push(&t.nodes, self, err);
        cs_view_init_hopping(&t.view, c->image->source);
        t.node_of = calloc((size_t)cs_blocks_indices(t.blocks) + 1, sizeof(*t.node_of));
        if (st == CS_OK && !t.node_of)
                st = cs_fail(err, CS_ENOMEM, "groups of blocks");
        if (st != CS_OK)
                return st;
        t.node_of[block] = 1;
        if ((st = grow(&t, depth, err)) != CS_OK ||
            (st = cs_case_roots(c, t.node_of, &t.roots, err)) != CS_OK)
                return st;
        out->depth = depth;
        for (size_t i = 1; i < t.nodes.n; i++)
                if (t.nodes.at[i].level == 1)
                        out->referrers += t.nodes.at[i].blocks;
        return report(&t, out, err);
}
