/* SPDX-License-Identifier: Apache-2.0 */
#include "case_private.h"

#include <inttypes.h>

static const char *state_name(enum cs_block_state state)
{
        switch (state) {
        case CS_BLOCK_IN_USE:
                return "in-use";
        case CS_BLOCK_FREE:
                return "free";
        case CS_BLOCK_CACHED:
                return "cached";
        case CS_BLOCK_TOP:
                return "top";
        default:
                return "internal";
        }
}

static void fill_arena(const struct cs_case *c, uint64_t address, struct cs_report_held *out)
{
        struct cs_space_entry e = cs_space_at(c->space, address);
        if (e.kind != CS_SPACE_HEAP)
                return;
        uint32_t arena = c->heaps->blocks.ranges.at[e.index].arena;
        if (arena >= c->heaps->arenas.n)
                return;
        out->has_arena = true;
        out->arena = c->heaps->arenas.at[arena].address;
        out->main_arena = c->heaps->arenas.at[arena].main;
}

static enum cs_status fill_held(const struct cs_case *c, uint64_t address, uint32_t index,
                                struct cs_report_case *out, struct cs_error *err)
{
        struct cs_block b = cs_blocks_get(&c->heaps->blocks, index);
        struct cs_report_held *held = out->block = cs_pool_alloc(c->pool, 1, sizeof(*held));
        if (!held)
                return cs_fail(err, CS_ENOMEM, "block");
        held->address = cs_block_user(&b);
        held->usable = cs_block_usable(&b);
        held->size = cs_block_size(&b);
        held->state = state_name(cs_block_state(&b));
        held->mmapped = cs_block_mmapped(&b);
        held->offset = (int64_t)(address - held->address);
        fill_arena(c, held->address, held);
        if (cs_block_state(&b) != CS_BLOCK_IN_USE)
                return CS_OK;
        const struct cs_report_cluster *cluster = cs_case_cluster(c, index);
        struct cs_case_owner owner = cs_case_owner(c, index);
        if (cluster) {
                held->cluster = cluster->id;
                held->what = cluster->what;
                held->alike = cluster->count;
        }
        held->library = owner.library;
        held->confidence = owner.confidence;
        held->evidence = owner.evidence;
        held->n_evidence = owner.n_evidence;
        held->leak = (uint8_t)cs_leak_of(c->graph, index);
        held->stale = c->graph->marks[index] & CS_MARK_STALE;
        return CS_OK;
}

/* What is there; *block is set where it is a block in use, of which alone it is known who points there. */
static enum cs_status begin(const struct cs_case *c, uint64_t address, struct cs_report_case **out,
                            uint32_t *block, bool *in_use, struct cs_error *err)
{
        struct cs_report_case *r = cs_pool_alloc(c->pool, 1, sizeof(*r));
        if (!r)
                return cs_fail(err, CS_ENOMEM, "case");
        *block = cs_blocks_holding(&c->heaps->blocks, c->space, address, NULL);
        *in_use = *block != CS_NO_BLOCK && cs_blocks_state(&c->heaps->blocks, *block) == CS_BLOCK_IN_USE;
        enum cs_status st = cs_case_place(c, address, *block, &r->place, err);
        if (st == CS_OK && *block != CS_NO_BLOCK)
                st = fill_held(c, address, *block, r, err);
        *out = r;
        return st;
}

enum cs_status cs_case_at(const struct cs_case *c, uint64_t address, struct cs_report_case **out,
                          struct cs_error *err)
{
        struct cs_report_case *r;
        uint32_t block;
        bool in_use;
        enum cs_status st = begin(c, address, &r, &block, &in_use, err);
        if (st == CS_OK)
                st = cs_case_dump(c, address, block, &r->dump, err);
        if (st == CS_OK && in_use && (st = cs_case_tree(c, block, 1, r, err)) == CS_OK &&
            (st = cs_case_paths(c, block, r, err)) == CS_OK)
                st = cs_case_evidence(c, r, err);
        if (st == CS_OK)
                *out = r;
        return st;
}

enum cs_status cs_case_refs(const struct cs_case *c, uint64_t address, unsigned depth,
                            struct cs_report_case **out, struct cs_error *err)
{
        struct cs_report_case *r;
        uint32_t block;
        bool in_use;
        enum cs_status st = begin(c, address, &r, &block, &in_use, err);
        if (st == CS_OK && in_use)
                st = cs_case_tree(c, block, depth, r, err);
        if (st != CS_OK)
                return st;
        r->depth = depth;
        *out = r;
        return CS_OK;
}
