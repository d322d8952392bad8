/* SPDX-License-Identifier: Apache-2.0 */
/* HotSpot: where its heap, its code, its classes and the tables of its collector are, by what libjvm says of its own structures. */
#include "runtimes_all.h"

#include "bytes.h"
#include "java_fields.h"
#include "java_metaspace.h"
#include "java_tables.h"
#include "marks.h"

#include <string.h>

enum { CODE_HEAPS_MAX = 16 }; /* 17 has three */

/* ZGC's heap is memory that it maps several times, each view shared, and names so (src/hotspot/os/linux/gc/z/
 * zPhysicalMemoryBacking_linux.cpp, ZFILENAME_HEAP; 11 to 23). */
static enum cs_status claim_z_heap(const struct cs_java *j, struct cs_claims *claims, struct cs_error *err)
{
        static const char name[] = "/memfd:java_heap";
        const struct cs_image *image = j->in->image;
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < image->mappings.n; i++) {
                const struct cs_mapping *m = &image->mappings.at[i];
                if (m->module == CS_NO_MODULE && m->path && strncmp(m->path, name, sizeof(name) - 1) == 0)
                        st = cs_claims_add(claims,
                                           (struct cs_claim){ m->range, CS_KIND_JAVA_HEAP, j->module,
                                                              "java heap, a view of ZGC's", 0 },
                                           err);
        }
        return st;
}

static enum cs_status claim_heap(struct cs_java *j, struct cs_claims *claims, struct cs_error *err)
{
        uint64_t heap;
        if (!cs_java_has(j, CS_JAVA_HEAP, CS_JAVA_REGION_WORDS) || !cs_java_word(j, CS_JAVA_HEAP, 0, &heap) ||
            !heap || !cs_java_region(j, heap + j->at[CS_JAVA_HEAP_RESERVED], &j->heap))
                return CS_OK;
        if (j->heap.start == j->heap.end)
                return claim_z_heap(j, claims, err);
        return cs_java_claim(j, j->heap, CS_KIND_JAVA_HEAP, "java heap", claims, err);
}

/* Which of the code cache's bytes belong together is in maps beside it, one for each of its heaps. */
static enum cs_status claim_segments(const struct cs_java *j, struct cs_claims *claims, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        uint64_t heaps, count, data, heap, low, high;
        if (!cs_java_has(j, CS_JAVA_CODE_HEAPS, CS_JAVA_CODE_SEGMENTS) ||
            !cs_java_word(j, CS_JAVA_CODE_HEAPS, 0, &heaps) ||
            !cs_java_word(j, CS_JAVA_ARRAY_LENGTH, heaps, &count) ||
            !cs_java_word(j, CS_JAVA_ARRAY_DATA, heaps, &data))
                return CS_OK;
        count &= UINT32_MAX; /* an int */
        for (uint64_t i = 0; st == CS_OK && i < count && i < CODE_HEAPS_MAX; i++) {
                if (!cs_source_u64(j->in->image->source, data + 8 * i, &heap))
                        continue;
                heap += j->at[CS_JAVA_CODE_SEGMENTS];
                if (cs_java_word(j, CS_JAVA_SPACE_LOW, heap, &low) &&
                    cs_java_word(j, CS_JAVA_SPACE_HIGH, heap, &high) && low < high && low % CS_PAGE == 0 &&
                    high % CS_PAGE == 0)
                        st = cs_java_claim(j, (struct cs_range){ low, high }, CS_KIND_JAVA_CODE_CACHE,
                                           "map of the code cache", claims, err);
        }
        return st;
}

static enum cs_status claim_code(const struct cs_java *j, struct cs_claims *claims, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        uint64_t low, high;
        if (!cs_java_has(j, CS_JAVA_CODE_LOW, CS_JAVA_CODE_HIGH))
                return CS_OK;
        if (cs_java_word(j, CS_JAVA_CODE_LOW, 0, &low) && cs_java_word(j, CS_JAVA_CODE_HIGH, 0, &high) &&
            low < high && low % CS_PAGE == 0)
                st = cs_java_claim(j, (struct cs_range){ low, high }, CS_KIND_JAVA_CODE_CACHE, "code cache",
                                   claims, err);
        return st == CS_OK ? claim_segments(j, claims, err) : st;
}

enum cs_status cs_java_find(const struct cs_runtime_input *in, struct cs_claims *claims, struct cs_error *err)
{
        static const char *const marks[] = { "gHotSpotVMStructs", "gHotSpotVMTypes", NULL };
        int32_t module = cs_marks_module(in, marks);
        struct cs_java java;
        if (module < 0 || !cs_java_open(in, module, &java))
                return CS_OK;
        enum cs_status st = claim_heap(&java, claims, err);
        if (st == CS_OK)
                st = claim_code(&java, claims, err);
        if (st == CS_OK)
                st = cs_java_metaspace(&java, claims, err);
        return st == CS_OK ? cs_java_tables(&java, claims, err) : st;
}
