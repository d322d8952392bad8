/* SPDX-License-Identifier: Apache-2.0 */
/* A live process goes on while it is read: its arenas point to memory that was not there yet when its mappings were listed. */
#include "glibc.h"

#include "cs_limits.h"

static bool anonymous(const struct cs_mapping *m)
{
        return !m->file_backed && m->module == CS_NO_MODULE && m->perms & CS_PERM_WRITE;
}

bool cs_glibc_came_since(const struct cs_glibc *glibc, uint64_t heap)
{
        const struct cs_mapping *m = cs_image_mapping_at(glibc->image, heap);
        return glibc->image->kind == CS_IMAGE_LIVE && !(m && anonymous(m));
}

bool cs_glibc_grown_to(const struct cs_glibc *glibc, uint64_t to)
{
        enum { FAR = 1 << 30 };
        const cs_mapping_vec *maps = &glibc->image->mappings;
        if (glibc->image->kind != CS_IMAGE_LIVE || to & 15 || cs_image_mapping_at(glibc->image, to))
                return false;
        size_t behind = cs_image_mapping_behind(glibc->image, to);
        const struct cs_mapping *before = behind ? &maps->at[behind - 1] : NULL;
        return before && anonymous(before) && to - before->range.end < FAR;
}

uint64_t cs_glibc_last_known_heap(const struct cs_glibc *glibc, uint64_t arena)
{
        const cs_mapping_vec *maps = &glibc->image->mappings;
        uint64_t owner, prev, last = 0;
        for (size_t i = 0, n = 0; i < maps->n && n < CS_LIMIT_ARENAS; i++) {
                const struct cs_mapping *m = &maps->at[i];
                if (!anonymous(m))
                        continue;
                /* Those that are full and lie side by side are one mapping. */
                uint64_t heap = m->range.start + (-m->range.start & (glibc->heap_max - 1));
                for (; heap < m->range.end && n < CS_LIMIT_ARENAS; heap += glibc->heap_max, n++)
                        if (cs_glibc_word(glibc, heap, &owner) && owner == arena &&
                            cs_glibc_word(glibc, heap + 8, &prev))
                                last ^= heap ^ prev;
        }
        return last;
}
