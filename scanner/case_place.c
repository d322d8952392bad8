/* SPDX-License-Identifier: Apache-2.0 */
/* What lies at an address: one sentence, and the facts. */
#include "case_private.h"

#include <inttypes.h>

/* ---- sentences --------------------------------------------------------------------------------------------------- */

/* Where memory is, if not here. */
static const char *say_unmapped(const struct cs_case *c, uint64_t addr)
{
        const struct cs_image *image = c->image;
        size_t next = cs_image_mapping_behind(image, addr);
        const struct cs_mapping *below = next ? &image->mappings.at[next - 1] : NULL;
        const struct cs_mapping *above = next < image->mappings.n ? &image->mappings.at[next] : NULL;
        if (below && above)
                return cs_pool_printf(c->pool,
                                      "nothing is mapped there: memory ends at 0x%" PRIx64 ", 0x%" PRIx64
                                      " bytes before it, and begins again at 0x%" PRIx64 ", 0x%" PRIx64
                                      " bytes behind it",
                                      below->range.end, addr - below->range.end, above->range.start,
                                      above->range.start - addr);
        if (above)
                return cs_pool_printf(c->pool, "nothing is mapped there: the lowest memory is at 0x%" PRIx64,
                                      above->range.start);
        if (below)
                return cs_pool_printf(c->pool,
                                      "nothing is mapped there: the highest memory ends at 0x%" PRIx64,
                                      below->range.end);
        return "nothing is mapped there: no memory is known at all";
}

static const char *say_gap(enum cs_gap gap)
{
        switch (gap) {
        case CS_GAP_UNMAPPED:
                return "not mapped when it was read";
        case CS_GAP_NOT_DUMPED:
                return "its bytes are not known: whoever wrote the core left them out";
        case CS_GAP_TRUNCATED:
                return "its bytes are not known: the core ends before them";
        case CS_GAP_ABSENT:
                return "not in memory: never touched, given back or swapped out, and not read, as that would make the "
                       "process grow";
        case CS_GAP_PROTECTED:
                return "no access leads there: it is protected";
        case CS_GAP_GONE:
                return "gone while it was read";
        }
        return "cannot be read";
}

static const char *say_block(const struct cs_case *c, uint64_t addr, uint32_t index,
                             const struct cs_region *region)
{
        struct cs_block b = cs_blocks_get(&c->heaps->blocks, index);
        const char *state = "a block in use";
        switch (cs_block_state(&b)) {
        case CS_BLOCK_IN_USE:
                if (region && cs_kind_managed(region->kind))
                        state = cs_pool_printf(c->pool, "a block in use, which holds objects of the %s",
                                               cs_case_name_kind(region->kind));
                break;
        case CS_BLOCK_FREE:
                state = "a freed block: malloc keeps it in a bin, and what stands there is stale";
                break;
        case CS_BLOCK_CACHED:
                state = "a freed block: it waits in a thread's cache or a fastbin, and what stands there is stale";
                break;
        case CS_BLOCK_TOP:
                state = "the end of a heap, which malloc has not handed out yet";
                break;
        default:
                state = "a record of malloc's own: a thread's cache, or the end of a heap";
                break;
        }
        if (addr < cs_block_user(&b))
                return cs_pool_printf(c->pool, "the header (malloc's own) of %s", state);
        if (addr == cs_block_user(&b))
                return cs_pool_printf(c->pool, "the start of %s", state);
        return cs_pool_printf(c->pool, "%" PRIu64 " bytes into %s", addr - cs_block_user(&b), state);
}

static const char *say_module(const struct cs_case *c, size_t module, uint64_t addr)
{
        static const char *const parts[] = {
                [CS_PART_NONE] = "a mapping",
                [CS_PART_TEXT] = "code",
                [CS_PART_RODATA] = "constants",
                [CS_PART_RELRO] = "constants with addresses in them (tables of functions and the like)",
                [CS_PART_DATA] = "static variables (of initial values)",
                [CS_PART_BSS] = "static variables",
                [CS_PART_META] = "tables for the loader and for unwinding",
        };
        return cs_pool_printf(c->pool, "%s of %s", parts[cs_space_part(c->space, module, addr)],
                              c->image->modules.at[module].name);
}

/* Of a thread that runs on this stack: what lies above its stack pointer is in use. */
static const char *say_stack(const struct cs_case *c, uint64_t addr, const struct cs_region *r)
{
        const char *name = cs_case_name_memory(c, addr);
        for (size_t i = 0; i < c->image->threads.n; i++) {
                const struct cs_thread *t = &c->image->threads.at[i];
                if (!cs_range_has(r->range, t->sp))
                        continue;
                if (t->fs_base > t->sp && cs_range_has(r->range, t->fs_base) && addr >= t->fs_base)
                        return cs_pool_printf(c->pool, "the C library's record of thread %d, above its stack",
                                              (int)t->tid);
                if (addr >= t->sp)
                        return cs_pool_printf(c->pool, "%s, 0x%" PRIx64 " bytes above its stack pointer",
                                              name, addr - t->sp);
                return cs_pool_printf(c->pool,
                                      "%s, 0x%" PRIx64
                                      " bytes below its stack pointer: left by functions that returned",
                                      name, t->sp - addr);
        }
        return name;
}

/* The cluster that a repeat became: its records begin at the same place. */
static const char *cluster_of(const struct cs_case *c, const struct cs_repeat *r)
{
        for (size_t i = 0; i < c->n_patterns; i++) {
                const struct cs_report_cluster *p = &c->named[c->clusters->at.n + i];
                if (p->period == r->period.stride && p->n_examples && p->examples[0] == r->first)
                        return p->id;
        }
        return NULL;
}

/* Memory that nobody claims, but whose contents are known. */
static const char *say_array(const struct cs_case *c, uint64_t addr)
{
        const struct cs_repeat_run *run;
        const struct cs_repeat *r = c->repeats ? cs_repeats_at(c->repeats, addr, &run) : NULL;
        const char *id = r ? cluster_of(c, r) : NULL;
        if (!id)
                return "anonymous memory that no allocator, runtime or thread claims";
        /* Where others lie between them it is not known without reading which one it is. */
        uint64_t into = addr - run->first, stride = r->period.stride;
        if (run->records != (run->last - run->first) / stride + 1)
                return cs_pool_printf(c->pool,
                                      "memory among %" PRIu64 " records of %" PRIu64
                                      " bytes (%s), which no allocator claims",
                                      run->records, stride, id);
        return cs_pool_printf(c->pool,
                              "%" PRIu64 " bytes into record %" PRIu64 " of an array of %" PRIu64
                              ", of %" PRIu64 " bytes each (%s), in memory that no allocator claims",
                              into % stride, into / stride, run->records, stride, id);
}

static const char *say_memory(const struct cs_case *c, uint64_t addr, const struct cs_region *r)
{
        const char *name = cs_case_name_memory(c, addr);
        if (cs_space_at(c->space, addr).kind == CS_SPACE_HEAP && !cs_kind_managed(r->kind))
                return "malloc's heap, but no block: its structure is damaged here or was being changed, or "
                       "somebody else moved the break";
        if (cs_kind_managed(r->kind))
                return cs_pool_printf(c->pool,
                                      "%s: a managed heap, whose objects corescan does not read; the "
                                      "runtime's own tools do",
                                      name);
        switch (r->kind) {
        case CS_KIND_STACK:
                return say_stack(c, addr, r);
        case CS_KIND_MALLOC_USED:
        case CS_KIND_MALLOC_FREE:
                return cs_pool_printf(c->pool, "%s that is counted as a whole: its blocks are not told apart",
                                      name);
        case CS_KIND_RESERVED:
                return "reserved address space: nothing can be stored there";
        case CS_KIND_ANONYMOUS:
                return say_array(c, addr);
        default:
                return name;
        }
}

/* ---- the place --------------------------------------------------------------------------------------------------- */

static enum cs_status fill_region(const struct cs_case *c, const struct cs_region *r,
                                  struct cs_report_place *out, struct cs_error *err)
{
        const struct cs_mapping *m = &c->image->mappings.at[r->mapping];
        out->kind = cs_kind_name(r->kind);
        out->start = r->range.start;
        out->end = r->range.end;
        out->perms[0] = m->perms & CS_PERM_READ ? 'r' : '-';
        out->perms[1] = m->perms & CS_PERM_WRITE ? 'w' : '-';
        out->perms[2] = m->perms & CS_PERM_EXEC ? 'x' : '-';
        out->perms[3] = m->perms & CS_PERM_SHARED ? 's' : 'p';
        out->path = cs_case_keep(c, m->path);
        out->detail = cs_case_keep(c, r->detail);
        return (m->path && !out->path) || (r->detail && !out->detail) ? cs_fail(err, CS_ENOMEM, "region")
                                                                      : CS_OK;
}

enum cs_status cs_case_place(const struct cs_case *c, uint64_t address, uint32_t block,
                             struct cs_report_place *out, struct cs_error *err)
{
        const struct cs_region *r = cs_regions_at(c->regions, address);
        struct cs_space_entry e = cs_space_at(c->space, address);
        uint8_t byte;
        size_t got = 0;
        *out = (struct cs_report_place){ .address = address };
        if (r) {
                enum cs_status st = fill_region(c, r, out, err);
                if (st != CS_OK)
                        return st;
                /* A source that failed reads as a gap, as it does everywhere else. */
                if (cs_source_read(c->image->source, address, &byte, 1, &got, NULL) != CS_OK || !got)
                        out->gap = say_gap(cs_source_gap(c->image->source, address));
        }
        if (e.kind == CS_SPACE_MODULE && e.index < c->image->modules.n) {
                out->module = cs_case_keep(c, c->image->modules.at[e.index].name);
                out->module_offset = address - c->image->modules.at[e.index].bias;
                out->section = cs_case_keep(c, cs_case_section(c, e.index, address));
                out->symbol = cs_case_symbol(c, e.index, address);
        }
        out->what = block != CS_NO_BLOCK ? say_block(c, address, block, r)
                    : !r                 ? say_unmapped(c, address)
                    : out->module        ? say_module(c, e.index, address)
                                         : say_memory(c, address, r);
        return out->what ? CS_OK : cs_fail(err, CS_ENOMEM, "place");
}
