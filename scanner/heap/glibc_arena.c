/* SPDX-License-Identifier: Apache-2.0 */
/* Arenas that threads made: each lies in the first of its heaps, which are chained from the newest back. */
#include "glibc.h"

#include "cs_limits.h"

bool cs_glibc_heap_memory(const struct cs_image *image, uint64_t addr)
{
        const struct cs_mapping *m = cs_image_mapping_at(image, addr);
        return m && !m->file_backed && m->module == CS_NO_MODULE;
}

uint64_t cs_glibc_memory_end(const struct cs_image *image, uint64_t addr, uint64_t *start)
{
        const struct cs_mapping *m = cs_image_mapping_at(image, addr);
        *start = addr;
        if (!cs_glibc_heap_memory(image, addr))
                return addr;
        const struct cs_mapping *first = m, *last = m, *all = image->mappings.at;
        while (first > all && first[-1].range.end == first->range.start && !first[-1].file_backed &&
               first[-1].module == CS_NO_MODULE && first[-1].perms & CS_PERM_WRITE)
                first--;
        while (last + 1 < all + image->mappings.n && last[1].range.start == last->range.end &&
               !last[1].file_backed && last[1].module == CS_NO_MODULE && last[1].perms & CS_PERM_WRITE)
                last++;
        *start = first->range.start;
        return last->range.end;
}

bool cs_glibc_is_unread(const struct cs_glibc *glibc, uint64_t heap)
{
        uint64_t owner;
        return (!cs_image_mapping_at(glibc->image, heap) || cs_glibc_heap_memory(glibc->image, heap)) &&
               !cs_glibc_word(glibc, heap, &owner);
}

/* A heap that begins with a page that cannot be read: its chunks are found by themselves behind it; which heap was before it, if any, others
 * must tell. */
static enum cs_status walk_unread(struct cs_glibc *glibc, uint64_t heap, uint64_t top, uint32_t index,
                                  struct cs_error *err)
{
        uint64_t start, second = heap + CS_PAGE, end = cs_glibc_memory_end(glibc->image, second, &start);
        glibc->lost = true;
        cs_heaps_corrupt(glibc->heaps, heap, "heap cannot be read here");
        if (end - heap > glibc->heap_max)
                end = heap + glibc->heap_max;
        top = top > second && top < end ? top : 0;
        uint64_t first = cs_glibc_next_chain(glibc, second, end, top);
        enum cs_status st = cs_vec_push(&glibc->heaps->claimed, ((struct cs_range){ heap, end }), err);
        return st == CS_OK ? cs_glibc_walk(glibc, first, end, top, index, err) : st;
}

enum cs_status cs_glibc_walk_heap(struct cs_glibc *glibc, uint64_t heap, uint64_t arena, uint64_t top,
                                  uint32_t index, uint64_t *prev, struct cs_error *err)
{
        const struct cs_glibc_layout *l = glibc->layout;
        bool live = glibc->image->kind == CS_IMAGE_LIVE;
        uint64_t owner, size;
        *prev = 0;
        /* Mappings are listed upwards, a part at a time: one that lies lower than a newer one may be missing. */
        if (cs_glibc_came_since(glibc, heap) && cs_glibc_word(glibc, heap, &owner) && owner == arena &&
            cs_glibc_word(glibc, heap + 8, prev))
                return CS_OK;
        if (cs_glibc_is_unread(glibc, heap))
                return walk_unread(glibc, heap, top, index, err);
        if (!cs_glibc_heap_memory(glibc->image, heap) || !cs_glibc_word(glibc, heap, &owner) ||
            !cs_glibc_word(glibc, heap + 8, prev) || !cs_glibc_word(glibc, heap + 16, &size) ||
            owner != arena || size > glibc->heap_max || size < l->heap_bytes) {
                cs_heaps_corrupt(glibc->heaps, heap, "heap does not belong to the arena that names it");
                *prev = 0;
                return CS_OK;
        }
        uint64_t start, end = cs_glibc_memory_end(glibc->image, heap, &start), first = heap + l->heap_bytes;
        top = top >= heap && top - heap < size ? top : 0;
        if (size > end - heap) {
                /* One of a live process may have grown after the mappings were listed, and even have become full. */
                if (!live)
                        cs_heaps_corrupt(glibc->heaps, heap, "heap is larger than its memory");
                else if (!top)
                        top = heap + size;
                size = end - heap;
                if (!live && top - heap >= size) /* 0 as well */
                        top = 0;
        }
        if (arena == first)
                first += l->arena_bytes;
        first = (first + 15) & ~(uint64_t)15;
        enum cs_status st =
                cs_vec_push(&glibc->heaps->claimed, ((struct cs_range){ heap, heap + size }), err);
        return st == CS_OK ? cs_glibc_walk(glibc, first, heap + size, top, index, err) : st;
}

/* The heap that holds the arena's top: it begins at a multiple of the size that heaps have, and names the arena. */
static uint64_t newest_heap(struct cs_glibc *glibc, uint64_t arena, uint64_t top)
{
        for (size_t i = 0; i < GLIBC_HEAP_ALIGNMENTS; i++) {
                uint64_t owner, size, heap = top & ~(cs_glibc_heap_alignments[i] - 1);
                glibc->heap_max = cs_glibc_heap_alignments[i];
                if (cs_glibc_word(glibc, heap, &owner) && owner == arena &&
                    cs_glibc_word(glibc, heap + 16, &size) && size <= glibc->heap_max &&
                    size % CS_PAGE == 0 && top - heap < size &&
                    cs_image_mapping_at(glibc->image, heap + size - 1))
                        return heap;
        }
        glibc->heap_max = GLIBC_HEAP_MAX;
        return top & ~(glibc->heap_max - 1);
}

enum cs_status cs_glibc_walk_arena(struct cs_glibc *glibc, uint64_t arena, uint32_t index,
                                   struct cs_error *err)
{
        const struct cs_glibc_layout *l = glibc->layout;
        bool live = glibc->image->kind == CS_IMAGE_LIVE;
        uint64_t top, word = 0;
        if (!cs_glibc_word(glibc, arena + l->top, &top))
                return cs_glibc_came_since(glibc, arena)
                               ? CS_OK
                               : walk_unread(glibc, arena - l->heap_bytes, 0, index, err);
        if (!top) {
                cs_heaps_corrupt(glibc->heaps, arena, "arena's top points nowhere");
                return CS_OK;
        }
        /* A live process may have moved it to where nothing could be read yet when the mappings were listed: the heap below is there,
         * or those before it. */
        if (!cs_glibc_word(glibc, top + 8, &word) && !live)
                cs_heaps_corrupt(glibc->heaps, arena, "arena's top cannot be read");
        glibc->heaps->arenas.at[index].top = word & ~(uint64_t)GLIBC_FLAGS;
        uint64_t heap = newest_heap(glibc, arena, top);
        if (cs_glibc_came_since(glibc, heap))
                heap = cs_glibc_last_known_heap(glibc, arena);
        enum cs_status st = CS_OK;
        /* Heaps are chained from the newest back; a ring among them would claim the same address twice. */
        for (unsigned n = 0; st == CS_OK && heap && n < CS_LIMIT_ARENAS; n++) {
                uint64_t prev;
                /* The newest may have begun at a multiple of a larger alignment by chance. */
                for (size_t i = 0; i < GLIBC_HEAP_ALIGNMENTS && heap & (glibc->heap_max - 1); i++)
                        if (cs_glibc_heap_alignments[i] < glibc->heap_max)
                                glibc->heap_max = cs_glibc_heap_alignments[i];
                if (heap & (glibc->heap_max - 1)) {
                        cs_heaps_corrupt(glibc->heaps, heap, "heap is not aligned");
                        break;
                }
                for (size_t i = 0; i < glibc->heaps->claimed.n; i++)
                        if (glibc->heaps->claimed.at[i].start == heap) {
                                cs_heaps_corrupt(glibc->heaps, heap, "heaps form a ring");
                                return CS_OK;
                        }
                st = cs_glibc_walk_heap(glibc, heap, arena, top, index, &prev, err);
                heap = prev;
        }
        return st;
}
