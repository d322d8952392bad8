/* SPDX-License-Identifier: Apache-2.0 */
/* V8's chunks: aligned to 256 KiB, each with its size, flags, the Heap, and the area in it (V8, src/heap/basic-memory-chunk.h,
 * 9 to 12; seen in 11.3). A chunk counts where enough others name the same Heap. One of code has its area in a mapping of its own,
 * behind a page of no access (src/heap/memory-allocator.cc, CommitExecutableMemory); what is read-only names no Heap
 * (src/heap/read-only-spaces.cc, MakeHeaderRelocatable), so its mapping has to be as long as it says. */
#include "runtimes_all.h"

#include "bytes.h"
#include "marks.h"

enum { CHUNK = 256 << 10, HEADER = 0x28, FEWEST = 4, HEAPS = 64, AREA_FARTHEST = 16 << 10 };

struct heap {
        uint64_t addr;
        size_t chunks;
};

/* What the chunk says of itself, as far as that makes sense. */
static bool chunk_header(const struct cs_runtime_input *in, uint64_t chunk, struct cs_range *range,
                         uint64_t *heap)
{
        uint8_t at[HEADER];
        if (!cs_source_exact(in->image->source, chunk, at, sizeof(at)))
                return false;
        uint64_t size = cs_word(at), start = cs_word(at + 0x18), end = cs_word(at + 0x20);
        *heap = cs_word(at + 0x10);
        if (size < CS_PAGE || size % CS_PAGE || size > UINT64_MAX - chunk || start <= chunk ||
            start - chunk > AREA_FARTHEST || end <= start || end - chunk > size)
                return false;
        *range = (struct cs_range){ chunk, chunk + size };
        return true;
}

/* Private memory of no file and no module: writable, or of code that cannot be written to for now. */
static bool chunk_memory(const struct cs_mapping *m)
{
        struct cs_mapping writable = *m;
        writable.perms |= CS_PERM_WRITE;
        return cs_marks_plain(&writable);
}

/* All of the chunk that is mapped; it begins in the i-th mapping. */
static enum cs_status claim(const struct cs_runtime_input *in, size_t i, struct cs_range chunk,
                            int32_t module, struct cs_claims *claims, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (; st == CS_OK && i < in->image->mappings.n; i++) {
                const struct cs_mapping *m = &in->image->mappings.at[i];
                if (m->range.start >= chunk.end)
                        break;
                if (chunk_memory(m))
                        st = cs_claims_add(claims,
                                           (struct cs_claim){ cs_range_cut(m->range, chunk), CS_KIND_V8_HEAP,
                                                              module, "V8 chunk", 0 },
                                           err);
        }
        return st;
}

struct heaps {
        struct heap at[HEAPS];
        size_t n;
};

/* The Heap; add: as a new one, if it can be one and is not known. NULL: there is none such. */
static struct heap *heap_at(const struct cs_runtime_input *in, struct heaps *heaps, uint64_t addr, bool add)
{
        for (size_t h = 0; h < heaps->n; h++)
                if (heaps->at[h].addr == addr)
                        return &heaps->at[h];
        if (!add || heaps->n == HEAPS || !addr || addr % 8 || !cs_image_mapping_at(in->image, addr))
                return NULL;
        heaps->at[heaps->n] = (struct heap){ addr, 0 };
        return &heaps->at[heaps->n++];
}

/* Without claims: counts the chunks of every Heap. With them: claims those of Heaps that have enough. */
static enum cs_status chunks(const struct cs_runtime_input *in, int32_t module, struct heaps *heaps,
                             struct cs_claims *claims, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < in->image->mappings.n; i++) {
                const struct cs_mapping *m = &in->image->mappings.at[i];
                if (!cs_marks_plain(m))
                        continue;
                uint64_t chunk = (m->range.start + CHUNK - 1) & ~(uint64_t)(CHUNK - 1);
                for (; st == CS_OK && cs_range_holds(m->range, chunk, HEADER); chunk += CHUNK) {
                        struct cs_range range;
                        uint64_t addr;
                        struct heap *heap = chunk_header(in, chunk, &range, &addr)
                                                    ? heap_at(in, heaps, addr, !claims)
                                                    : NULL;
                        if (heap && !claims)
                                heap->chunks++;
                        else if (heap && heap->chunks >= FEWEST)
                                st = claim(in, i, range, module, claims, err);
                }
        }
        return st;
}

static enum cs_status claim_read_only(const struct cs_runtime_input *in, int32_t module,
                                      struct cs_claims *claims, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < in->image->mappings.n; i++) {
                const struct cs_mapping *m = &in->image->mappings.at[i];
                struct cs_range range;
                uint64_t heap;
                if (!(m->perms & (CS_PERM_WRITE | CS_PERM_EXEC)) && chunk_memory(m) &&
                    m->range.start % CHUNK == 0 && chunk_header(in, m->range.start, &range, &heap) && !heap &&
                    range.end == m->range.end)
                        st = claim(in, i, range, module, claims, err);
        }
        return st;
}

enum cs_status cs_v8_find(const struct cs_runtime_input *in, struct cs_claims *claims, struct cs_error *err)
{
        static const char *const names[] = { "v8dbg_HeapObjectTag", "v8dbg_SmiTag", NULL };
        int32_t module = cs_marks_module(in, names);
        struct heaps heaps = { .n = 0 };
        bool any = false;
        if (module < 0)
                return CS_OK;
        enum cs_status st = chunks(in, module, &heaps, NULL, err);
        if (st == CS_OK)
                st = chunks(in, module, &heaps, claims, err);
        for (size_t h = 0; h < heaps.n; h++)
                any |= heaps.at[h].chunks >= FEWEST;
        return st == CS_OK && any ? claim_read_only(in, module, claims, err) : st;
}
