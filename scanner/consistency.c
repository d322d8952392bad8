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

void cs_consistency_begin(const struct cs_image *image, struct cs_consistency *out)
{
        uint64_t pages = 0, seen = 0;
        out->n = 0;
        if (image->kind != CS_IMAGE_LIVE)
                return;
        for (size_t i = 0; i < image->mappings.n; i++)
                if (wanted(&image->mappings.at[i]))
                        pages += cs_range_size(image->mappings.at[i].range) / CS_PAGE;
        uint64_t step = pages / CS_CONSISTENCY_PAGES + 1, next = step / 2;
        for (size_t i = 0; i < image->mappings.n; i++) {
                const struct cs_mapping *m = &image->mappings.at[i];
                if (!wanted(m))
                        continue;
                uint64_t count = cs_range_size(m->range) / CS_PAGE;
                for (; next < seen + count && out->n < CS_CONSISTENCY_PAGES; next += step) {
                        uint64_t addr = m->range.start + (next - seen) * CS_PAGE;
                        uint64_t hash = page_hash(image, addr);
                        if (!hash)
                                continue;
                        out->addr[out->n] = addr;
                        out->hash[out->n++] = hash;
                }
                seen += count;
        }
}

double cs_consistency_end(const struct cs_image *image, const struct cs_consistency *sample)
{
        size_t changed = 0;
        for (size_t i = 0; i < sample->n; i++)
                changed += page_hash(image, sample->addr[i]) != sample->hash[i];
        return sample->n ? (double)changed / (double)sample->n : 0;
}
