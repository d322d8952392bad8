/* SPDX-License-Identifier: Apache-2.0 */
/* The recogniser of HotSpot on memory made by hand: its heap, its code, its classes, and the tables of its collectors. */
#include "fake_runtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

enum { ENTRY = 48, JAVA_HEAP = 0x20000 };

static void put_field(struct fake_process *p, uint64_t *at, const char *type, const char *field,
                      uint64_t is_static, uint64_t value)
{
        static uint64_t text;
        text = *at == FAKE_RECORDS ? FAKE_RECORDS + 0x2000 : text;
        fake_write(p, text, type, strlen(type) + 1);
        fake_put(p, *at, text);
        text += 0x40;
        fake_write(p, text, field, strlen(field) + 1);
        fake_put(p, *at + 8, text);
        text += 0x40;
        fake_put(p, *at + 24, is_static);
        fake_put(p, *at + (is_static ? 40 : 32), value);
        *at += ENTRY;
}

static struct fake_process *java(void)
{
        static const char *const names[] = { "gHotSpotVMStructs",
                                             "gHotSpotVMStructEntryArrayStride",
                                             "gHotSpotVMStructEntryTypeNameOffset",
                                             "gHotSpotVMStructEntryFieldNameOffset",
                                             "gHotSpotVMStructEntryIsStaticOffset",
                                             "gHotSpotVMStructEntryOffsetOffset",
                                             "gHotSpotVMStructEntryAddressOffset",
                                             "gHotSpotVMTypes" };
        static const uint64_t values[] = { FAKE_RECORDS, ENTRY, 0, 8, 24, 32, 40 };
        struct fake_process *p = fake_runtime(names, 8, 0x40000);
        for (size_t i = 0; i < 7; i++)
                fake_put(p, FAKE_VARIABLES + 8 * i, values[i]);
        uint64_t at = FAKE_RECORDS, statics = FAKE_RECORDS + 0x4000, heap = FAKE_RECORDS + 0x5000;
        put_field(p, &at, "Method", "_code", 0, 8);
        put_field(p, &at, "Universe", "_collectedHeap", 1, statics);
        put_field(p, &at, "CollectedHeap", "_reserved", 0, 0x20);
        put_field(p, &at, "MemRegion", "_start", 0, 0);
        put_field(p, &at, "MemRegion", "_word_size", 0, 8);
        put_field(p, &at, "CodeCache", "_low_bound", 1, statics + 8);
        put_field(p, &at, "CodeCache", "_high_bound", 1, statics + 16);
        fake_put(p, statics, heap);
        fake_put(p, statics + 8, FAKE_MEMORY + 0x30000);
        fake_put(p, statics + 16, FAKE_MEMORY + 0x34000);
        fake_put(p, heap + 0x20, FAKE_MEMORY);
        fake_put(p, heap + 0x28, JAVA_HEAP / 8);
        return p;
}

#define JAVA_CODE                                                                                   \
        {                                                                                           \
                CS_KIND_JAVA_CODE_CACHE, FAKE_MEMORY + 0x30000, FAKE_MEMORY + 0x34000, "code cache" \
        }

static void test_java(void **state)
{
        (void)state;
        FAKE_RUNTIME_CHECK(java(), { CS_KIND_JAVA_HEAP, FAKE_MEMORY, FAKE_MEMORY + JAVA_HEAP, "java heap" },
                           JAVA_CODE);
        struct fake_process *p = java();
        fake_put(p, FAKE_RECORDS + 0x5028,
                 UINT64_MAX / 4); /* the heap would not fit into the address space */
        FAKE_RUNTIME_CHECK(p, JAVA_CODE);
        p = java();
        fake_put(p, FAKE_RECORDS + 0x4000, UINT64_MAX - 8); /* the heap object lies nowhere */
        FAKE_RUNTIME_CHECK(p, JAVA_CODE);
        p = java();
        fake_put(p, FAKE_VARIABLES + 8, 8); /* entries that are shorter than their fields */
        fake_runtime_check(p, NULL, 0);
        p = java();
        fake_put(p, FAKE_RECORDS + 0x4010, FAKE_MEMORY + 0x1000); /* code that ends before it begins */
        FAKE_RUNTIME_CHECK(p, { CS_KIND_JAVA_HEAP, FAKE_MEMORY, FAKE_MEMORY + JAVA_HEAP, "java heap" });
}

/* Classes lie in two mappings, of which the first goes on behind a root chunk; tables in a third. */
#define CLASSES UINT64_C(0x7f7000000000)
#define CONSTANTS UINT64_C(0x7f70003fe000)
#define TABLES UINT64_C(0x7f7100000000)

enum { CLASSES_BYTES = 0x4000, CONSTANTS_BYTES = 0x4000, ROOT_CHUNK = 0x400000, TABLES_BYTES = 0x10000 };

/* Two loaders with two classes each; the second class of the second one is an array's. */
static void put_classes(struct fake_process *p, uint64_t *at, uint64_t statics)
{
        const uint64_t loaders = FAKE_RECORDS + 0x6000;
        put_field(p, at, "ClassLoaderDataGraph", "_head", 1, statics + 0x20);
        put_field(p, at, "ClassLoaderData", "_next", 0, 0x10);
        put_field(p, at, "ClassLoaderData", "_klasses", 0, 0x18);
        put_field(p, at, "Klass", "_next_link", 0, 0x20);
        put_field(p, at, "Klass", "_class_loader_data", 0, 0x28);
        put_field(p, at, "InstanceKlass", "_constants", 0, 0x30);
        put_field(p, at, "ConstantPool", "_pool_holder", 0, 8);
        fake_map(p, CLASSES, CLASSES_BYTES, PF_R | PF_W);
        fake_map(p, CONSTANTS, CONSTANTS_BYTES, PF_R | PF_W);
        fake_put(p, statics + 0x20, loaders);
        fake_put(p, loaders + 0x10, loaders + 0x100);
        for (uint64_t i = 0; i < 4; i++) {
                uint64_t loader = loaders + i / 2 * 0x100, klass = CLASSES + i * 0x100;
                fake_put(p, klass + 0x28, loader);
                fake_put(p, klass + 0x30, i < 3 ? CONSTANTS + i * 0x100 : FAKE_RECORDS + 1);
                fake_put(p, CONSTANTS + i * 0x100 + 8, klass);
                fake_put(p, i % 2 ? klass - 0x100 + 0x20 : loader + 0x18, klass);
        }
}

/* A card table, a space that a variable leads to, a space of the parallel collector, and a table of G1's in the heap's object. */
static void put_tables(struct fake_process *p, uint64_t *at, uint64_t statics, uint64_t heap)
{
        static const char *const space[] = { "_low_boundary", "_high_boundary", "_low",       "_high",
                                             "_lower_high",   "_middle_high",   "_upper_high" };
        static const uint64_t extents[] = { 0, 0x4000, 0, 0x3000, 0, 0x3000, 0x3000 };
        static const char *const ps[] = { "_reserved_low_addr", "_reserved_high_addr", "_committed_low_addr",
                                          "_committed_high_addr" };
        const uint64_t cards = FAKE_RECORDS + 0x6800, spaces = FAKE_RECORDS + 0x6c00;
        put_field(p, at, "BarrierSet", "_barrier_set", 1, statics + 0x28);
        put_field(p, at, "CardTableBarrierSet", "_card_table", 0, 8);
        put_field(p, at, "CardTable", "_whole_heap", 0, 8);
        put_field(p, at, "CardTable", "_byte_map", 0, 0x18);
        put_field(p, at, "CardTable", "_byte_map_size", 0, 0x20);
        for (uint64_t i = 0; i < 7; i++) {
                put_field(p, at, "VirtualSpace", space[i], 0, 8 * i);
                fake_put(p, spaces + 8 * i, TABLES + 0x2000 + extents[i]);
        }
        for (uint64_t i = 0; i < 4; i++) {
                put_field(p, at, "PSVirtualSpace", ps[i], 0, 8 + 8 * i);
                fake_put(p, FAKE_VARIABLES + 0x200 + 8 + 8 * i,
                         TABLES + 0x8000 + (i % 2) * 0x2000 / (i / 2 + 1));
        }
        fake_map(p, TABLES, TABLES_BYTES, PF_R | PF_W);
        fake_put(p, statics + 0x28, cards);
        fake_put(p, cards + 8, cards + 0x100);
        fake_put(p, cards + 0x108, FAKE_MEMORY);
        fake_put(p, cards + 0x110, JAVA_HEAP / 8);
        fake_put(p, cards + 0x118, TABLES);
        fake_put(p, cards + 0x120, JAVA_HEAP / 512 + 1);
        fake_put(p, FAKE_VARIABLES + 0x100, spaces);
        fake_put(p, heap + 0x60, FAKE_RECORDS + 0x7000);
        fake_put(p, FAKE_RECORDS + 0x7010, TABLES + 0xc000);
        fake_put(p, FAKE_RECORDS + 0x7018, TABLES + 0xd000);
        fake_put(p, FAKE_RECORDS + 0x7028, CS_PAGE);
}

static struct fake_process *whole_java(void)
{
        struct fake_process *p = java();
        uint64_t at = FAKE_RECORDS + 7 * ENTRY, statics = FAKE_RECORDS + 0x4000, heap = FAKE_RECORDS + 0x5000;
        put_field(p, &at, "CodeCache", "_heaps", 1, statics + 0x18);
        put_field(p, &at, "GrowableArrayBase", "_len", 0, 0);
        put_field(p, &at, "GrowableArray<int>", "_data", 0, 8);
        put_field(p, &at, "CodeHeap", "_segmap", 0, 0x40);
        fake_put(p, statics + 0x18, FAKE_RECORDS + 0x5800);
        fake_put(p, FAKE_RECORDS + 0x5800, UINT64_C(4) << 32 | 1); /* one of four */
        fake_put(p, FAKE_RECORDS + 0x5808, FAKE_RECORDS + 0x5810);
        fake_put(p, FAKE_RECORDS + 0x5810, FAKE_RECORDS + 0x5820);
        fake_put(p, FAKE_RECORDS + 0x5820 + 0x40 + 16, FAKE_MEMORY + 0x38000);
        fake_put(p, FAKE_RECORDS + 0x5820 + 0x40 + 24, FAKE_MEMORY + 0x39000);
        put_classes(p, &at, statics);
        put_tables(p, &at, statics, heap);
        return p;
}

#define JAVA_MAPPED                                                                          \
        { CS_KIND_JAVA_HEAP, FAKE_MEMORY, FAKE_MEMORY + JAVA_HEAP, "java heap" }, JAVA_CODE, \
        {                                                                                    \
                CS_KIND_JAVA_CODE_CACHE, FAKE_MEMORY + 0x38000, FAKE_MEMORY + 0x39000,       \
                        "map of the code cache"                                              \
        }
#define JAVA_CLASSES                                                                  \
        {                                                                             \
                CS_KIND_JAVA_METASPACE, CLASSES, CLASSES + CLASSES_BYTES, "metaspace" \
        }
#define JAVA_CONSTANTS                                                               \
        {                                                                            \
                CS_KIND_JAVA_METASPACE, CONSTANTS, CLASSES + ROOT_CHUNK, "metaspace" \
        }
#define JAVA_CARDS                                                          \
        {                                                                   \
                CS_KIND_MODULE_DATA, TABLES, TABLES + CS_PAGE, "card table" \
        }
#define JAVA_SPACE                                                                                    \
        {                                                                                             \
                CS_KIND_MODULE_DATA, TABLES + 0x2000, TABLES + 0x5000, "table of the virtual machine" \
        }
#define JAVA_PS_SPACE                                                                                 \
        {                                                                                             \
                CS_KIND_MODULE_DATA, TABLES + 0x8000, TABLES + 0x9000, "table of the virtual machine" \
        }
#define JAVA_G1_TABLE                                                                           \
        {                                                                                       \
                CS_KIND_MODULE_DATA, TABLES + 0xc000, TABLES + 0xd000, "table of the java heap" \
        }

static void test_java_beside_the_heap(void **state)
{
        (void)state;
        FAKE_RUNTIME_CHECK(whole_java(), JAVA_MAPPED, JAVA_CLASSES, JAVA_CONSTANTS, JAVA_CARDS, JAVA_SPACE,
                           JAVA_PS_SPACE, JAVA_G1_TABLE);
        struct fake_process *p = whole_java();
        for (uint64_t i = 0; i < 4; i++) {
                fake_put(p, CONSTANTS + i * 0x100 + 8, CLASSES + 8); /* of another class */
                fake_put(p, CLASSES + i * 0x100 + 0x20, CLASSES);    /* no end */
        }
        FAKE_RUNTIME_CHECK(p, JAVA_MAPPED, JAVA_CLASSES, JAVA_CARDS, JAVA_SPACE, JAVA_PS_SPACE,
                           JAVA_G1_TABLE);
        p = whole_java();
        fake_put(p, CLASSES + 0x28, FAKE_RECORDS);             /* a class of another loader */
        fake_put(p, CLASSES + 0x228, 0);                       /* and one of none */
        fake_put(p, FAKE_RECORDS + 0x6910, JAVA_HEAP / 8 - 1); /* cards of another heap */
        fake_put(p, FAKE_RECORDS + 0x6c10, TABLES + 0x1000);   /* a space that begins before its boundary */
        fake_put(p, FAKE_RECORDS + 0x7028, CS_PAGE + 8);       /* no size of pages */
        fake_put(p, FAKE_VARIABLES + 0x218, TABLES + 0x8008);  /* no page's beginning */
        FAKE_RUNTIME_CHECK(p, JAVA_MAPPED);
}

/* The heap of ZGC is said to be empty, and named. */
static void test_java_z(void **state)
{
        (void)state;
        struct fake_process *p = java();
        fake_put(p, FAKE_RECORDS + 0x5020, 0);
        fake_put(p, FAKE_RECORDS + 0x5028, 0);
        fake_map(p, TABLES, TABLES_BYTES, PF_R | PF_W);
        corebuilder_file(&p->core, TABLES, TABLES + TABLES_BYTES, 0, "/memfd:java_heap (deleted)");
        FAKE_RUNTIME_CHECK(p, JAVA_CODE,
                           { CS_KIND_JAVA_HEAP, TABLES, TABLES + TABLES_BYTES,
                             "java heap, a view of ZGC's" });
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_java),
                cmocka_unit_test(test_java_beside_the_heap),
                cmocka_unit_test(test_java_z),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
