/* SPDX-License-Identifier: Apache-2.0 */
/* glibc's malloc (ptmalloc) from memory alone: no symbols, no file of libc, no version asked. The layout is recognised by
 * the arena itself: its 127 pairs of bin heads, each of which points to itself or to a chunk that points back. */
#ifndef CS_GLIBC_H
#define CS_GLIBC_H

#include "glibc_layout.h"
#include "heaps.h"

/* What is known of one glibc in the target. */
struct cs_glibc {
        const struct cs_image *image;
        struct cs_heaps *heaps;
        const struct cs_claims *claims;       /* of others: no mmapped chunk is looked for there */
        const struct cs_glibc_layout *layout; /* NULL: no arena was found */
        uint32_t
                candidates; /* rows of cs_glibc_layouts that fit as well as layout, as bits: lists will tell */
        struct cs_view view;
        uint64_t main_arena;
        uint32_t
                first_arena; /* index of its first arena in heaps->arenas, which are in the order of the ring */
        bool lost; /* where the ring of arenas, or a chain of their heaps, leads on could not be read, or is damaged */
        uint64_t sbrk_base;      /* 0: unknown */
        uint64_t heap_max;       /* size and alignment of the heaps of threads' arenas */
        CS_VEC(uint64_t) caches; /* chunks that may hold a thread cache, as the walks came by them */
};

/* The target's word at addr; false where it cannot be read. */
static inline bool cs_glibc_word(const struct cs_glibc *glibc, uint64_t addr, uint64_t *value)
{
        return cs_source_u64(glibc->image->source, addr, value);
}

/* Finds main_arena in the modules' writable data, walks every arena and finds mmapped chunks. Adds to heaps->found an entry
 * for the first main arena, or one that is not walked where a libc is there whose malloc is not recognised. */
CS_CHECK enum cs_status cs_glibc_find(const struct cs_image *image, const struct cs_space *space,
                                      const struct cs_claims *claims, struct cs_heaps *heaps,
                                      struct cs_glibc *out, struct cs_error *err);
void cs_glibc_deinit(struct cs_glibc *glibc);

/* Walks one heap from its first chunk on: up to and with the chunk at `top`, or (top 0) up to the fenceposts that end a
 * retired heap, and never beyond limit. Where that of a live heap ends before it does by now, as its mappings were listed before, top may lie
 * beyond: what reaches over the limit is cut there. Adds a range to the blocks. Every byte of the heap may lie: a header that cannot be
 * true is reported, and the walk goes on where headers make sense again. */
CS_CHECK enum cs_status cs_glibc_walk(struct cs_glibc *glibc, uint64_t first, uint64_t limit, uint64_t top,
                                      uint32_t arena, struct cs_error *err);

/* Where in a heap, of which limit and top are as above, headers make sense from that address on, for so many chunks as cannot be chance; or
 * limit. */
uint64_t cs_glibc_next_chain(struct cs_glibc *glibc, uint64_t from, uint64_t limit, uint64_t top);

/* Did nothing lie there when a live process's mappings were listed, but writable memory of no file not far before it, which may have
 * grown that far? */
bool cs_glibc_grown_to(const struct cs_glibc *glibc, uint64_t to);

/* May a heap of a live process lie there that was none when its mappings were listed: nothing was there, or nothing that could be written,
 * as malloc reserves the memory of an arena's heap before it opens it? What is in it cannot be walked; a word or two of it can be read. */
bool cs_glibc_came_since(const struct cs_glibc *glibc, uint64_t heap);

/* The last of the arena's heaps that was there when the mappings were listed, for each names the one before it: of all that are known and
 * of all that they name, only the last is not there twice. 0, or nothing that is a heap, where they are not all there. */
uint64_t cs_glibc_last_known_heap(const struct cs_glibc *glibc, uint64_t arena);

/* Is the main arena in pieces, as far as it says: somebody was in the way of the break? */
bool cs_glibc_in_pieces(const struct cs_glibc *glibc);

/* Where the piece of a main arena in pieces begins that holds its top; start: of the memory around it. */
uint64_t cs_glibc_top_piece(struct cs_glibc *glibc, uint64_t start, uint64_t top);

/* Finds and walks the pieces of the main arena that came from mmap, and are not that of its top. Claims must be sorted; they
 * need to be sorted again. */
CS_CHECK enum cs_status cs_glibc_walk_pieces(struct cs_glibc *glibc, const struct cs_space *space,
                                             struct cs_error *err);

/* May a heap lie there: in anonymous memory? What names a place in a module or a file is damaged, or lies. */
bool cs_glibc_heap_memory(const struct cs_image *image, uint64_t addr);

/* Could a heap begin there, for all that is known, whose first page cannot be read: it was left out of the core, or swapped out? */
bool cs_glibc_is_unread(const struct cs_glibc *glibc, uint64_t heap);

/* End of the contiguous writable anonymous memory that holds addr, which a heap cannot reach beyond, and its start; both addr: of none. */
uint64_t cs_glibc_memory_end(const struct cs_image *image, uint64_t addr, uint64_t *start);

/* Walks the heaps of an arena that a thread made, which is at that index of heaps->arenas. */
CS_CHECK enum cs_status cs_glibc_walk_arena(struct cs_glibc *glibc, uint64_t arena, uint32_t index,
                                            struct cs_error *err);

/* Walks one of them: heap_info, for the arena's first heap the arena itself, then chunks. *prev: the heap before it, or 0. */
CS_CHECK enum cs_status cs_glibc_walk_heap(struct cs_glibc *glibc, uint64_t heap, uint64_t arena,
                                           uint64_t top, uint32_t index, uint64_t *prev,
                                           struct cs_error *err);

/* Where libc's data is not in the core, which was cut: finds heaps that prove themselves, and walks them. Adds to heaps->found,
 * if there are any, an entry for the module (or CS_NO_MODULE). */
CS_CHECK enum cs_status cs_glibc_walk_lost(struct cs_glibc *glibc, const struct cs_space *space,
                                           int32_t module, struct cs_error *err);

/* What arenas and heaps that could not be read may have led to: arenas of threads that are not known yet, and those heaps of known ones
 * that are not claimed. */
CS_CHECK enum cs_status cs_glibc_find_lost(struct cs_glibc *glibc, const struct cs_space *space,
                                           struct cs_error *err);

/* The index of the arena at that address among those that are known, or their number. */
size_t cs_glibc_known_arena(const struct cs_glibc *glibc, uint64_t arena);

/* Notes at every arena which threads allocate from it. */
CS_CHECK enum cs_status cs_glibc_name_threads(struct cs_glibc *glibc, struct cs_error *err);

/* Private writable memory of nobody's module, as malloc gets it from mmap; no stack. */
bool cs_glibc_anonymous(const struct cs_mapping *mapping, const struct cs_space *space);

/* Finds the mmapped chunks in anonymous mappings that nothing else claims. Claims must be sorted. */
CS_CHECK enum cs_status cs_glibc_find_mmapped(struct cs_glibc *glibc, const struct cs_space *space,
                                              struct cs_error *err);

/* What malloc_trim(0) would give back of one block: the whole pages inside free chunks, and of the main arena's top. */
uint64_t cs_glibc_trimmable(const struct cs_block *block, bool main_arena);

/* Sizes of chunks that thread caches lie in, by the layouts that are left: bit n stands for 16 * n bytes. */
uint64_t cs_glibc_cache_sizes(const struct cs_glibc *glibc);

/* Notes a chunk of one of those sizes if what it holds (bytes, as far as they are at hand) may be a thread cache. */
CS_CHECK enum cs_status cs_glibc_note_cache(struct cs_glibc *glibc, struct cs_range chunk,
                                            const uint8_t *bytes, size_t len, struct cs_error *err);

/* Chunks in thread caches and fastbins look in use: walks those lists and marks them. The blocks must be sealed. */
CS_CHECK enum cs_status cs_glibc_mark_cached(struct cs_glibc *glibc, const struct cs_space *space,
                                             struct cs_error *err);

#endif
