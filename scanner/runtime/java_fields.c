/* SPDX-License-Identifier: Apache-2.0 */
#include "java_fields.h"

#include "bytes.h"
#include "marks.h"

#include <string.h>

enum { ENTRIES_MAX = 16384, NAME = 64, STRIDE_MAX = 256 };

/* Of fields that changed their names one row each. */
static const struct row {
        enum cs_java_field field;
        bool is_static;
        const char *type, *name;
} rows[] = {
        { CS_JAVA_HEAP, true, "Universe", "_collectedHeap" },
        { CS_JAVA_HEAP_RESERVED, false, "CollectedHeap", "_reserved" },
        { CS_JAVA_REGION_START, false, "MemRegion", "_start" },
        { CS_JAVA_REGION_WORDS, false, "MemRegion", "_word_size" },
        { CS_JAVA_CODE_LOW, true, "CodeCache", "_low_bound" },
        { CS_JAVA_CODE_HIGH, true, "CodeCache", "_high_bound" },
        { CS_JAVA_CODE_HEAPS, true, "CodeCache", "_heaps" },
        { CS_JAVA_ARRAY_LENGTH, false, "GrowableArrayBase", "_len" },
        { CS_JAVA_ARRAY_LENGTH, false, "GenericGrowableArray", "_len" }, /* before 16 */
        { CS_JAVA_ARRAY_DATA, false, "GrowableArray<int>", "_data" },
        { CS_JAVA_CODE_SEGMENTS, false, "CodeHeap", "_segmap" },
        { CS_JAVA_LOADERS, true, "ClassLoaderDataGraph", "_head" },
        { CS_JAVA_LOADER_NEXT, false, "ClassLoaderData", "_next" },
        { CS_JAVA_LOADER_KLASSES, false, "ClassLoaderData", "_klasses" },
        { CS_JAVA_KLASS_NEXT, false, "Klass", "_next_link" },
        { CS_JAVA_KLASS_LOADER, false, "Klass", "_class_loader_data" },
        { CS_JAVA_KLASS_CONSTANTS, false, "InstanceKlass", "_constants" },
        { CS_JAVA_CONSTANTS_KLASS, false, "ConstantPool", "_pool_holder" },
        { CS_JAVA_BARRIERS, true, "BarrierSet", "_barrier_set" },
        { CS_JAVA_CARD_TABLE, false, "CardTableBarrierSet", "_card_table" },
        { CS_JAVA_CARDS_OF, false, "CardTable", "_whole_heap" },
        { CS_JAVA_CARDS, false, "CardTable", "_byte_map" },
        { CS_JAVA_CARDS_SIZE, false, "CardTable", "_byte_map_size" },
        { CS_JAVA_SPACE_LOW_BOUNDARY, false, "VirtualSpace", "_low_boundary" },
        { CS_JAVA_SPACE_LOW, false, "VirtualSpace", "_low" },
        { CS_JAVA_SPACE_LOWER_HIGH, false, "VirtualSpace", "_lower_high" },
        { CS_JAVA_SPACE_MIDDLE_HIGH, false, "VirtualSpace", "_middle_high" },
        { CS_JAVA_SPACE_UPPER_HIGH, false, "VirtualSpace", "_upper_high" },
        { CS_JAVA_SPACE_HIGH, false, "VirtualSpace", "_high" },
        { CS_JAVA_SPACE_HIGH_BOUNDARY, false, "VirtualSpace", "_high_boundary" },
        { CS_JAVA_PS_RESERVED_LOW, false, "PSVirtualSpace", "_reserved_low_addr" },
        { CS_JAVA_PS_LOW, false, "PSVirtualSpace", "_committed_low_addr" },
        { CS_JAVA_PS_HIGH, false, "PSVirtualSpace", "_committed_high_addr" },
        { CS_JAVA_PS_RESERVED_HIGH, false, "PSVirtualSpace", "_reserved_high_addr" },
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* Where the table is, and where in an entry what is. */
struct table {
        uint64_t at, stride, type, field, is_static, offset, address;
};

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

/* A name of the table: what of it can be read of its NAME bytes. */
static bool read_name(const struct cs_java *java, uint64_t addr, char *name)
{
        size_t got;
        if (!addr || cs_source_read(java->in->image->source, addr, name, NAME, &got, NULL) != CS_OK)
                return false;
        return memchr(name, 0, got) != NULL;
}

static void read_entry(const struct table *t, const uint8_t *entry, struct cs_java *java)
{
        bool is_static = cs_half(entry + t->is_static) != 0;
        char type[NAME], name[NAME];
        if (!read_name(java, cs_word(entry + t->type), type) ||
            !read_name(java, cs_word(entry + t->field), name))
                return;
        for (size_t i = 0; i < ROWS; i++) {
                enum cs_java_field f = rows[i].field;
                if (java->has[f] || rows[i].is_static != is_static || strcmp(rows[i].type, type) != 0 ||
                    strcmp(rows[i].name, name) != 0)
                        continue;
                java->has[f] = true;
                java->is_static[f] = is_static;
                java->at[f] = cs_word(entry + (is_static ? t->address : t->offset));
        }
}

bool cs_java_open(const struct cs_runtime_input *in, int32_t module, struct cs_java *java)
{
        uint8_t entry[STRIDE_MAX];
        struct table t;
        *java = (struct cs_java){ .in = in, .module = module };
        if (!open_table(in, module, &t))
                return false;
        for (size_t i = 0; i < ENTRIES_MAX && i * t.stride <= UINT64_MAX - t.at; i++) {
                if (!cs_source_exact(in->image->source, t.at + i * t.stride, entry, t.stride) ||
                    !cs_word(entry + t.type))
                        break;
                read_entry(&t, entry, java);
        }
        return true;
}

bool cs_java_has(const struct cs_java *java, enum cs_java_field from, enum cs_java_field to)
{
        while (from < to && java->has[from])
                from++;
        return java->has[from];
}

bool cs_java_word(const struct cs_java *java, enum cs_java_field field, uint64_t object, uint64_t *value)
{
        if (!java->has[field])
                return false;
        /* The sum may wrap: then there is nothing to read. */
        return cs_source_u64(java->in->image->source, java->at[field] + (java->is_static[field] ? 0 : object),
                             value);
}

bool cs_java_region(const struct cs_java *java, uint64_t addr, struct cs_range *region)
{
        uint64_t start, words;
        if (!cs_java_word(java, CS_JAVA_REGION_START, addr, &start) ||
            !cs_java_word(java, CS_JAVA_REGION_WORDS, addr, &words) || start % CS_PAGE ||
            words > (UINT64_MAX - start) / 8)
                return false;
        *region = (struct cs_range){ start, start + words * 8 };
        return true;
}

enum cs_status cs_java_claim(const struct cs_java *java, struct cs_range range, enum cs_kind kind,
                             const char *detail, struct cs_claims *claims, struct cs_error *err)
{
        const struct cs_image *image = java->in->image;
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < image->mappings.n; i++) {
                const struct cs_mapping *m = &image->mappings.at[i];
                struct cs_claim part = { cs_range_cut(m->range, range), kind, java->module, detail, 0 };
                if (cs_marks_plain(m))
                        st = cs_claims_add(claims, part, err);
        }
        return st;
}
