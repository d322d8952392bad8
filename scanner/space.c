/* SPDX-License-Identifier: Apache-2.0 */
#include "space.h"

#include <stdlib.h>
#include <string.h>

/* Beyond lies nothing that a pointer of a program's could mean: the vsyscall page. */
#define USER_END (UINT64_C(1) << 47)

enum { LEAF_PAGES = 1 << (SPACE_LEAF_SHIFT - CS_PAGE_SHIFT), LEAF_BYTES = 1 << SPACE_LEAF_SHIFT };

void cs_space_destroy(struct cs_space *space)
{
        if (!space)
                return;
        for (size_t i = 0; i < SPACE_ROOTS; i++)
                free(space->leaves[i]);
        free(space->modules);
        free(space);
}

/* The leaf of a root, made where there is none yet; NULL when our memory ran out. */
static uint32_t *leaf_at(struct cs_space *space, size_t root)
{
        uint32_t *leaf = space->leaves[root];
        if (leaf)
                return leaf;
        leaf = space->leaves[root] = calloc(LEAF_PAGES, sizeof(*leaf));
        for (size_t i = 0; leaf && space->whole[root] && i < LEAF_PAGES; i++)
                leaf[i] = space->whole[root];
        return leaf;
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
        while (addr < range.end && addr >> 47 == 0) {
                size_t root = (size_t)(addr >> SPACE_LEAF_SHIFT);
                size_t page = (size_t)(addr >> CS_PAGE_SHIFT) & (LEAF_PAGES - 1);
                if (page == 0 && range.end - addr >= LEAF_BYTES) {
                        free(space->leaves[root]);
                        space->leaves[root] = NULL;
                        space->whole[root] = entry;
                        addr += LEAF_BYTES;
                        continue;
                }
                uint32_t *leaf = leaf_at(space, root);
                if (!leaf)
                        return cs_fail(err, CS_ENOMEM, "address map");
                leaf[page] = entry;
                addr += CS_PAGE;
        }
        return CS_OK;
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

enum cs_status cs_space_create(const struct cs_image *image, struct cs_symbols *symbols,
                               struct cs_space **out, struct cs_error *err)
{
        cs_cleanup(cs_space_destroyp) struct cs_space *space = calloc(1, sizeof(*space));
        if (!space)
                return cs_fail(err, CS_ENOMEM, "address map");
        space->into_any = space->into_modules = cs_words_filter_make();
        space->n_modules = image->modules.n;
        space->modules = calloc(space->n_modules + 1, sizeof(*space->modules));
        if (!space->modules)
                return cs_fail(err, CS_ENOMEM, "address map");
        for (size_t i = 0; i < space->n_modules; i++)
                space->modules[i].sections = cs_symbols_sections(symbols, i, &space->modules[i].n_sections);
        find_makers(space, image);
        enum cs_status st = set_mappings(space, image, err);
        if (st != CS_OK)
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
