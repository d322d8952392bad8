/* SPDX-License-Identifier: Apache-2.0 */
/* HotSpot: libjvm exports a description of its own structures (gHotSpotVMStructs; OpenJDK, src/hotspot/share/runtime/
 * vmStructs.hpp), read here by names only, so that no version matters. */
#include "runtimes_all.h"

#include "bytes.h"
#include "marks.h"

#include <string.h>

enum { ENTRIES_MAX = 16384, NAME = 64, STRIDE_MAX = 256 };

enum { HEAP, RESERVED, REGION_START, REGION_WORDS, CODE_LOW, CODE_HIGH, FIELDS };

static const struct {
        const char *type, *field;
        bool is_static;
} fields[FIELDS] = {
        [HEAP] = { "Universe", "_collectedHeap", true },
        [RESERVED] = { "CollectedHeap", "_reserved", false },
        [REGION_START] = { "MemRegion", "_start", false },
        [REGION_WORDS] = { "MemRegion", "_word_size", false },
        [CODE_LOW] = { "CodeCache", "_low_bound", true },
        [CODE_HIGH] = { "CodeCache", "_high_bound", true },
};

struct table {
        uint64_t at, stride, type, field, is_static, offset, address;
        uint64_t found[FIELDS]; /* address of a static field, offset of another */
        bool has[FIELDS];
};

static bool names(const struct cs_image *image, uint64_t addr, const char *want)
{
        char text[NAME];
        size_t len = strlen(want) + 1;
        return addr && len <= sizeof(text) && cs_source_exact(image->source, addr, text, len) &&
               memcmp(text, want, len) == 0;
}

static bool open_table(const struct cs_runtime_input *in, int32_t module, struct table *t)
{
        return cs_marks_word(in, module, "gHotSpotVMStructs", &t->at) &&
               cs_marks_word(in, module, "gHotSpotVMStructEntryArrayStride", &t->stride) &&
               cs_marks_word(in, module, "gHotSpotVMStructEntryTypeNameOffset", &t->type) &&
               cs_marks_word(in, module, "gHotSpotVMStructEntryFieldNameOffset", &t->field) &&
               cs_marks_word(in, module, "gHotSpotVMStructEntryIsStaticOffset", &t->is_static) &&
               cs_marks_word(in, module, "gHotSpotVMStructEntryOffsetOffset", &t->offset) &&
               cs_marks_word(in, module, "gHotSpotVMStructEntryAddressOffset", &t->address) &&
               t->stride >= 8 && t->stride <= STRIDE_MAX && t->type <= t->stride - 8 &&
               t->field <= t->stride - 8 && t->is_static <= t->stride - 4 && t->offset <= t->stride - 8 &&
               t->address <= t->stride - 8;
}

static void read_table(const struct cs_image *image, struct table *t)
{
        uint8_t entry[STRIDE_MAX];
        for (size_t i = 0; i < ENTRIES_MAX && i * t->stride <= UINT64_MAX - t->at; i++) {
                if (!cs_source_exact(image->source, t->at + i * t->stride, entry, t->stride) ||
                    !cs_word(entry + t->type))
                        return;
                for (size_t f = 0; f < FIELDS; f++) {
                        if (t->has[f] || (cs_half(entry + t->is_static) != 0) != fields[f].is_static ||
                            !names(image, cs_word(entry + t->type), fields[f].type) ||
                            !names(image, cs_word(entry + t->field), fields[f].field))
                                continue;
                        t->has[f] = true;
                        t->found[f] = cs_word(entry + (fields[f].is_static ? t->address : t->offset));
                }
        }
}

/* What is inside mappings of no file only: a CDS archive is a file's. */
static enum cs_status claim(const struct cs_image *image, struct cs_claims *claims, struct cs_claim what,
                            struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < image->mappings.n; i++) {
                const struct cs_mapping *m = &image->mappings.at[i];
                struct cs_claim part = what;
                part.range = cs_range_cut(m->range, what.range);
                if (!m->file_backed && m->module == CS_NO_MODULE && m->perms & CS_PERM_READ)
                        st = cs_claims_add(claims, part, err);
        }
        return st;
}

static enum cs_status claim_heap(const struct cs_runtime_input *in, const struct table *t, int32_t module,
                                 struct cs_claims *claims, struct cs_error *err)
{
        struct cs_source *src = in->image->source;
        uint64_t heap, start, words;
        if (!t->has[HEAP] || !t->has[RESERVED] || !t->has[REGION_START] || !t->has[REGION_WORDS] ||
            !cs_source_u64(src, t->found[HEAP], &heap) || !heap)
                return CS_OK;
        uint64_t region = heap + t->found[RESERVED]; /* may wrap: then there is nothing to read */
        if (!cs_source_u64(src, region + t->found[REGION_START], &start) ||
            !cs_source_u64(src, region + t->found[REGION_WORDS], &words) || start % CS_PAGE ||
            words > (UINT64_MAX - start) / 8)
                return CS_OK;
        return claim(in->image, claims,
                     (struct cs_claim){
                             { start, start + words * 8 }, CS_KIND_JAVA_HEAP, module, "java heap", 0 },
                     err);
}

enum cs_status cs_java_find(const struct cs_runtime_input *in, struct cs_claims *claims, struct cs_error *err)
{
        static const char *const marks[] = { "gHotSpotVMStructs", "gHotSpotVMTypes", NULL };
        int32_t module = cs_marks_module(in, marks);
        struct table t = { 0 };
        uint64_t low, high;
        if (module < 0 || !open_table(in, module, &t))
                return CS_OK;
        read_table(in->image, &t);
        enum cs_status st = claim_heap(in, &t, module, claims, err);
        if (st != CS_OK || !t.has[CODE_LOW] || !t.has[CODE_HIGH] ||
            !cs_source_u64(in->image->source, t.found[CODE_LOW], &low) ||
            !cs_source_u64(in->image->source, t.found[CODE_HIGH], &high) || low >= high || low % CS_PAGE)
                return st;
        return claim(in->image, claims,
                     (struct cs_claim){ { low, high }, CS_KIND_JAVA_CODE_CACHE, module, "code cache", 0 },
                     err);
}
