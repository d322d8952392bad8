/* SPDX-License-Identifier: Apache-2.0 */
#include "accounts.h"

#include <stdlib.h>
#include <string.h>

struct account {
        uint64_t bytes, resident, regions;
};

static void enter(struct account *account, uint64_t bytes, uint64_t resident)
{
        account->bytes += bytes;
        account->resident += resident;
        account->regions += bytes > 0;
}

static void enter_region(struct account *kinds, const struct cs_region *r)
{
        uint64_t bytes = cs_range_size(r->range);
        if (!r->heap) {
                enter(&kinds[r->kind], bytes, r->resident);
                return;
        }
        enter(&kinds[CS_KIND_MALLOC_USED], r->used, r->used_resident);
        enter(&kinds[CS_KIND_MALLOC_FREE], r->freed, r->freed_resident);
        enter(&kinds[CS_KIND_MALLOC_OVERHEAD], bytes - r->used - r->freed,
              r->resident - r->used_resident - r->freed_resident);
}

static int by_resident(const void *a, const void *b)
{
        const struct cs_report_kind *x = a, *y = b;
        if (x->resident != y->resident)
                return x->resident > y->resident ? -1 : 1;
        return x->bytes != y->bytes ? (x->bytes > y->bytes ? -1 : 1) : strcmp(x->kind, y->kind);
}

enum cs_status cs_accounts_build(const struct cs_image *image, const struct cs_regions *regions,
                                 struct cs_pool *pool, struct cs_report_memory *memory, struct cs_error *err)
{
        struct account kinds[CS_KINDS] = { { 0 } };
        for (size_t i = 0; i < regions->at.n; i++) {
                const struct cs_region *r = &regions->at.at[i];
                enter_region(kinds, r);
                memory->swapped += r->swapped;
                memory->lent += r->lent ? r->resident : 0;
                /* A managed heap may be memory that has a name only (memfd), to be mapped more than once. */
                if ((!image->mappings.at[r->mapping].file_backed || cs_kind_managed(r->kind)) &&
                    r->kind != CS_KIND_VDSO)
                        memory->anonymous += r->resident;
        }
        memory->kinds = cs_pool_alloc(pool, CS_KINDS, sizeof(*memory->kinds));
        if (!memory->kinds)
                return cs_fail(err, CS_ENOMEM, "accounts");
        for (enum cs_kind k = 0; k < CS_KINDS; k++) {
                const struct account *a = &kinds[k];
                memory->mapped += a->bytes;
                memory->resident += a->resident;
                if (a->bytes)
                        memory->kinds[memory->n_kinds++] =
                                (struct cs_report_kind){ cs_kind_name(k), a->bytes, a->resident, a->regions };
        }
        if (image->kind == CS_IMAGE_LIVE)
                memory->absent = memory->mapped - memory->resident - memory->swapped;
        memory->unexplained = kinds[CS_KIND_ANONYMOUS].resident;
        qsort(memory->kinds, memory->n_kinds, sizeof(*memory->kinds), by_resident);
        return CS_OK;
}
