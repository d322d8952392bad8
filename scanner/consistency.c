/* SPDX-License-Identifier: Apache-2.0 */
#include "consistency.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static bool wanted(const struct cs_mapping *m)
{
        return (m->perms & CS_PERM_WRITE) && (m->perms & CS_PERM_READ) && !m->file_backed;
}

static uint64_t page_hash(const struct cs_image *image, uint64_t addr)
{
        uint8_t page[CS_PAGE];
        return cs_source_exact(image->source, addr, page, sizeof(page)) ? XXH3_64bits(page, sizeof(page)) : 0;
}

/* Which page of the n-th stretch is taken. Not always the same one: what moves often recurs at even distances. */
static uint64_t pick(uint64_t n, uint64_t step)
{
        return XXH3_64bits(&n, sizeof(n)) % step;
}

void cs_consistency_begin(const struct cs_image *image, const struct cs_residency *residency,
                          struct cs_consistency *out)
{
        uint64_t pages = 0;
        out->n = 0;
        if (image->kind != CS_IMAGE_LIVE)
                return;
        for (size_t i = 0; i < image->mappings.n; i++)
                if (wanted(&image->mappings.at[i]))
                        pages += cs_residency_bytes(residency, image->mappings.at[i].range) / CS_PAGE;
        /* skip: pages to go by until the next one that is taken, over the mappings' edges. */
        uint64_t step = pages / CS_CONSISTENCY_PAGES + 1, stretch = 0, skip = pick(0, step);
        for (size_t i = 0; i < image->mappings.n && out->n < CS_CONSISTENCY_PAGES; i++) {
                struct cs_range left = image->mappings.at[i].range;
                uint64_t addr;
                while (wanted(&image->mappings.at[i]) && out->n < CS_CONSISTENCY_PAGES &&
                       (addr = cs_residency_page(residency, left, &skip)) != UINT64_MAX) {
                        uint64_t hash = page_hash(image, addr);
                        left.start = addr + CS_PAGE;
                        skip = step - 1 - pick(stretch, step) + pick(stretch + 1, step);
                        stretch++;
                        if (!hash)
                                continue;
                        out->addr[out->n] = addr;
                        out->hash[out->n++] = hash;
                }
        }
}

size_t cs_consistency_end(const struct cs_image *image, const struct cs_consistency *sample)
{
        size_t changed = 0;
        for (size_t i = 0; i < sample->n; i++)
                changed += page_hash(image, sample->addr[i]) != sample->hash[i];
        return changed;
}
