/* SPDX-License-Identifier: Apache-2.0 */
/* HotSpot's structures as libjvm describes them itself: gHotSpotVMStructs (OpenJDK, src/hotspot/share/runtime/vmStructs.hpp), a
 * table of types, fields and offsets. They are looked up by name, so that no version matters; what a version lacks is not there. */
#ifndef CS_JAVA_FIELDS_H
#define CS_JAVA_FIELDS_H

#include "runtime.h"

/* Fields that serve one purpose stand together: cs_java_has() asks for all from one to another. */
enum cs_java_field {
        CS_JAVA_HEAP, /* static; of type CollectedHeap * */
        CS_JAVA_HEAP_RESERVED,
        CS_JAVA_REGION_START,
        CS_JAVA_REGION_WORDS,
        CS_JAVA_CODE_LOW, /* static */
        CS_JAVA_CODE_HIGH,
        CS_JAVA_CODE_HEAPS, /* static; an array of CodeHeap * */
        CS_JAVA_ARRAY_LENGTH,
        CS_JAVA_ARRAY_DATA,
        CS_JAVA_CODE_SEGMENTS, /* a VirtualSpace */
        CS_JAVA_LOADERS,       /* static; of type ClassLoaderData * */
        CS_JAVA_LOADER_NEXT,
        CS_JAVA_LOADER_KLASSES,
        CS_JAVA_KLASS_NEXT,
        CS_JAVA_KLASS_LOADER,
        CS_JAVA_KLASS_CONSTANTS,
        CS_JAVA_CONSTANTS_KLASS,
        CS_JAVA_BARRIERS, /* static; of type BarrierSet * */
        CS_JAVA_CARD_TABLE,
        CS_JAVA_CARDS_OF, /* a MemRegion */
        CS_JAVA_CARDS,
        CS_JAVA_CARDS_SIZE,
        CS_JAVA_SPACE_LOW_BOUNDARY, /* of a VirtualSpace */
        CS_JAVA_SPACE_LOW,
        CS_JAVA_SPACE_LOWER_HIGH,
        CS_JAVA_SPACE_MIDDLE_HIGH,
        CS_JAVA_SPACE_UPPER_HIGH,
        CS_JAVA_SPACE_HIGH,
        CS_JAVA_SPACE_HIGH_BOUNDARY,
        CS_JAVA_PS_RESERVED_LOW, /* of a PSVirtualSpace */
        CS_JAVA_PS_LOW,
        CS_JAVA_PS_HIGH,
        CS_JAVA_PS_RESERVED_HIGH,
        CS_JAVA_FIELDS,
};

struct cs_java {
        const struct cs_runtime_input *in;
        int32_t module;
        struct cs_range heap;     /* the whole of what is reserved for it; empty: not known */
        bool has[CS_JAVA_FIELDS]; /* is it in the table? */
        bool is_static[CS_JAVA_FIELDS];
        uint64_t at[CS_JAVA_FIELDS]; /* address of a static field, offset of another */
};

/* Reads the table of that module; false: it has none that makes sense. */
CS_CHECK bool cs_java_open(const struct cs_runtime_input *in, int32_t module, struct cs_java *java);

bool cs_java_has(const struct cs_java *java, enum cs_java_field from, enum cs_java_field to);

/* The word in a field of the object (whose address does not matter to a static field); false: there is no such field or word. */
CS_CHECK bool cs_java_word(const struct cs_java *java, enum cs_java_field field, uint64_t object,
                           uint64_t *value);

/* The MemRegion at addr. */
CS_CHECK bool cs_java_region(const struct cs_java *java, uint64_t addr, struct cs_range *region);

/* Claims what of the range is in writable mappings of no file: reserves are nobody's memory, and a CDS archive is a file's. */
CS_CHECK enum cs_status cs_java_claim(const struct cs_java *java, struct cs_range range, enum cs_kind kind,
                                      const char *detail, struct cs_claims *claims, struct cs_error *err);

#endif
