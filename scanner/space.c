/* SPDX-License-Identifier: Apache-2.0 */
#include "space.h"

#include <stdlib.h>
#include <string.h>

/* Beyond lies nothing that a pointer of a program's could mean: the vsyscall page. */
#define USER_END (UINT64_C(1) << 47)

enum { BRANCH_BYTES = 1 << SPACE_BRANCH_SHIFT, LEAF_BYTES = 1 << SPACE_LEAF_SHIFT };

static void free_branch(struct cs_space_branch *branch)
{
        for (size_t i = 0; branch && i < SPACE_LEAVES; i++)
                free(branch->leaves[i]);
        free(branch);
}

void cs_space_destroy(struct cs_space *space)
{
        if (!space)
                return;
        for (size_t i = 0; i < SPACE_BRANCHES; i++)
                free_branch(space->branches[i]);
        free(space->modules);
        free(space);
}

/* Branches and leaves are made where there are none yet; NULL when our memory ran out. */
static struct cs_space_branch *branch_at(struct cs_space *space, size_t i)
{
        struct cs_space_branch *branch = space->branches[i];
        if (branch)
                return branch;
        branch = space->branches[i] = calloc(1, sizeof(*branch));
        for (size_t leaf = 0; branch && leaf < SPACE_LEAVES; leaf++)
                branch->whole[leaf] = space->whole[i];
        return branch;
}

static uint32_t *leaf_at(struct cs_space_branch *branch, size_t i)
{
        uint32_t *leaf = branch->leaves[i];
        if (leaf)
                return leaf;
        leaf = branch->leaves[i] = malloc(SPACE_PAGES * sizeof(*leaf));
        for (size_t page = 0; leaf && page < SPACE_PAGES; page++)
                leaf[page] = branch->whole[i];
        return leaf;
}

/* As many pages from addr (page-aligned) on as one entry tells of, or a leaf, but no more than to end; how far that came. *failed: when our
 * memory ran out. */
static uint64_t set_some(struct cs_space *space, uint64_t addr, uint64_t end, uint32_t entry, bool *failed)
{
        size_t root = (size_t)(addr >> SPACE_BRANCH_SHIFT);
        size_t i = (size_t)(addr >> SPACE_LEAF_SHIFT) & (SPACE_LEAVES - 1);
        size_t page = (size_t)(addr >> CS_PAGE_SHIFT) & (SPACE_PAGES - 1);
        if (i == 0 && page == 0 && end - addr >= BRANCH_BYTES) {
                free_branch(space->branches[root]);
                space->branches[root] = NULL;
                space->whole[root] = entry;
                return addr + BRANCH_BYTES;
        }
        struct cs_space_branch *branch = branch_at(space, root);
        if (branch && page == 0 && end - addr >= LEAF_BYTES) {
                free(branch->leaves[i]);
                branch->leaves[i] = NULL;
                branch->whole[i] = entry;
                return addr + LEAF_BYTES;
        }
        uint32_t *leaf = branch ? leaf_at(branch, i) : NULL;
        *failed = !leaf;
        for (; leaf && page < SPACE_PAGES && addr < end; page++, addr += CS_PAGE)
                leaf[page] = entry;
        return addr;
}

enum cs_status cs_space_set(struct cs_space *space, struct cs_range range, enum cs_space_kind kind,
                            uint32_t index, struct cs_error *err)
{
        uint32_t entry = (uint32_t)kind << 28 | (index & 0xfffffff);
        uint64_t addr = cs_page_down(range.start);
        struct cs_range pages = cs_range_cut((struct cs_range){ addr, cs_page_up(range.end) },
                                             (struct cs_range){ 0, USER_END });
        cs_words_filter_add(&space->into_any, pages);
        if (kind == CS_SPACE_MODULE)
                cs_words_filter_add(&space->into_modules, pages);
        bool failed = false;
        while (addr < range.end && addr >> 47 == 0 && !failed)
                addr = set_some(space, addr, range.end, entry, &failed);
        return failed ? cs_fail(err, CS_ENOMEM, "address map") : CS_OK;
}

/* The main thread's stack grows down from where its pointer is; a thread's lies in a mapping of its own. */
static bool holds_stack(const struct cs_image *image, const struct cs_mapping *m)
{
        for (size_t i = 0; i < image->threads.n; i++)
                if (cs_range_has(m->range, image->threads.at[i].sp))
                        return true;
        return m->path && strncmp(m->path, "[stack", 6) == 0;
}

static enum cs_status set_mappings(struct cs_space *space, const struct cs_image *image, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < image->mappings.n; i++) {
                const struct cs_mapping *m = &image->mappings.at[i];
                /* Reserved address space: nothing lies there that a pointer could mean, and it may be terabytes. */
                if (!(m->perms & (CS_PERM_READ | CS_PERM_WRITE)) && m->module == CS_NO_MODULE)
                        continue;
                if (m->module != CS_NO_MODULE)
                        st = cs_space_set(space, m->range, CS_SPACE_MODULE, (uint32_t)m->module, err);
                else
                        st = cs_space_set(space, m->range,
                                          holds_stack(image, m) ? CS_SPACE_STACK : CS_SPACE_OTHER,
                                          (uint32_t)i, err);
        }
        return st;
}

/* Who may ask for memory: what has code or variables of its own. Where nothing says so (a core without permissions), everybody
 * may. */
static void find_makers(struct cs_space *space, const struct cs_image *image)
{
        bool any = false;
        for (size_t i = 0; i < image->mappings.n; i++) {
                const struct cs_mapping *m = &image->mappings.at[i];
                if (m->module == CS_NO_MODULE || !(m->perms & (CS_PERM_EXEC | CS_PERM_WRITE)))
                        continue;
                any = true;
                space->modules[m->module].maker = true;
        }
        for (size_t i = 0; i < space->n_modules; i++) {
                struct cs_space_module *m = &space->modules[i];
                m->maker = (m->maker || !any) && !image->modules.at[i].runtime;
        }
}

enum cs_status cs_space_create_empty(struct cs_space **out, struct cs_error *err)
{
        struct cs_space *space = *out = calloc(1, sizeof(*space));
        if (!space)
                return cs_fail(err, CS_ENOMEM, "address map");
        space->into_any = space->into_modules = cs_words_filter_make();
        return CS_OK;
}

enum cs_status cs_space_create(const struct cs_image *image, struct cs_symbols *symbols,
                               struct cs_space **out, struct cs_error *err)
{
        cs_cleanup(cs_space_destroyp) struct cs_space *space = NULL;
        enum cs_status st = cs_space_create_empty(&space, err);
        if (st != CS_OK)
                return st;
        space->n_modules = image->modules.n;
        space->modules = calloc(space->n_modules + 1, sizeof(*space->modules));
        if (!space->modules)
                return cs_fail(err, CS_ENOMEM, "address map");
        for (size_t i = 0; i < space->n_modules; i++)
                space->modules[i].sections = cs_symbols_sections(symbols, i, &space->modules[i].n_sections);
        find_makers(space, image);
        if ((st = set_mappings(space, image, err)) != CS_OK)
                return st;
        *out = cs_take(space);
        return CS_OK;
}

int32_t cs_space_only_maker(const struct cs_space *space)
{
        int32_t only = CS_NO_MODULE;
        for (size_t i = 0; i < space->n_modules; i++) {
                if (!space->modules[i].maker)
                        continue;
                if (only != CS_NO_MODULE)
                        return CS_NO_MODULE;
                only = (int32_t)i;
        }
        return only;
}

enum cs_part cs_space_part(const struct cs_space *space, size_t module, uint64_t addr)
{
        const struct cs_space_module *m = &space->modules[module];
        size_t i = cs_first_behind(m->sections, m->n_sections, range.end, addr);
        if (i == m->n_sections || addr < m->sections[i].range.start)
                return CS_PART_NONE;
        return m->sections[i].part;
}
