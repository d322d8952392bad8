/* SPDX-License-Identifier: Apache-2.0 */
/* V8's chunks: aligned to 256 KiB, each with its size, flags, the Heap, and the area in it (V8, src/heap/basic-memory-chunk.h,
 * 9 to 12; seen in 11.3). A chunk counts where enough others name the same Heap. */
#include "runtimes_all.h"

#include "bytes.h"
#include "marks.h"

enum { CHUNK = 256 << 10, HEADER = 0x28, FEWEST = 4, HEAPS = 64, AREA_FARTHEST = 16 << 10 };

struct heap {
        uint64_t addr;
        size_t chunks;
};

static bool chunk_header(const struct cs_runtime_input *in, const struct cs_mapping *m, uint64_t chunk,
                         struct cs_range *range, uint64_t *heap)
{
        uint8_t at[HEADER];
        if (!cs_source_exact(in->image->source, chunk, at, sizeof(at)))
                return false;
        uint64_t size = cs_word(at), start = cs_word(at + 0x18), end = cs_word(at + 0x20);
        *heap = cs_word(at + 0x10);
        if (size < CS_PAGE || size % CS_PAGE || size > UINT64_MAX - chunk || start <= chunk ||
            start - chunk > AREA_FARTHEST || end <= start || end - chunk > size || !*heap || *heap % 8 ||
            !cs_image_mapping_at(in->image, *heap))
                return false;
        *range = cs_range_cut(m->range, (struct cs_range){ chunk, chunk + size });
        return true;
}

/* Without claims: counts the chunks of every Heap. With them: claims those of Heaps that have enough. */
static enum cs_status chunks(const struct cs_runtime_input *in, int32_t module, struct heap *heaps, size_t *n,
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
                        uint64_t heap;
                        size_t h = 0;
                        if (!chunk_header(in, m, chunk, &range, &heap))
                                continue;
                        while (h < *n && heaps[h].addr != heap)
                                h++;
                        if (!claims && h == *n && h < HEAPS)
                                heaps[(*n)++] = (struct heap){ heap, 0 };
                        if (!claims && h < *n)
                                heaps[h].chunks++;
                        else if (claims && h < *n && heaps[h].chunks >= FEWEST)
                                st = cs_claims_add(claims,
                                                   (struct cs_claim){ range, CS_KIND_V8_HEAP, module,
                                                                      "V8 chunk", 0 },
                                                   err);
                }
        }
        return st;
}

enum cs_status cs_v8_find(const struct cs_runtime_input *in, struct cs_claims *claims, struct cs_error *err)
{
        static const char *const names[] = { "v8dbg_HeapObjectTag", "v8dbg_SmiTag", NULL };
        int32_t module = cs_marks_module(in, names);
        struct heap heaps[HEAPS];
        size_t n = 0;
        if (module < 0)
                return CS_OK;
        enum cs_status st = chunks(in, module, heaps, &n, NULL, err);
        return st == CS_OK ? chunks(in, module, heaps, &n, claims, err) : st;
}
