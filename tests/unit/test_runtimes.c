/* SPDX-License-Identifier: Apache-2.0 */
/* The recognisers of managed runtimes on memory made by hand: what proves a heap, and what nearly does. */
#include "runtimes.h"

#include "fake_process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define LIB FAKE_WIDGET
#define VARIABLES (LIB + FAKE_DATA)
#define MEMORY UINT64_C(0x7f5000000000) /* aligned to whatever a runtime aligns to */
#define RECORDS UINT64_C(0x7f6000000000)

enum { RECORDS_BYTES = 0x8000 };

static void export_all(struct fake_process *p, const char *const *names, size_t n)
{
        for (size_t i = 0; i < n; i++)
                fake_export(p, LIB, names[i], FAKE_DATA + 8 * i, 8);
}

static struct fake_process *make(const char *const *names, size_t n, uint64_t memory)
{
        struct fake_process *p = fake_create();
        export_all(p, names, n);
        fake_map(p, MEMORY, memory, PF_R | PF_W);
        fake_map(p, RECORDS, RECORDS_BYTES, PF_R | PF_W);
        return p;
}

enum { WITHIN = 1 << 8 }; /* a block of malloc's */

struct expected {
        int kind;
        uint64_t start, end;
        const char *detail;
};

/* These claims and no others; the process is done with. */
static void check(struct fake_process *p, const struct expected *want, size_t n)
{
        struct cs_claims claims = { 0 };
        fake_open(p);
        assert_int_equal(cs_runtimes_find(p->image, p->symbols, &claims, NULL), CS_OK);
        cs_claims_seal(&claims);
        size_t done[2] = { 0, 0 };
        for (size_t i = 0; i < n; i++) {
                bool within = want[i].kind & WITHIN;
                const cs_claim_vec *in = within ? &claims.within : &claims.at;
                size_t at = done[within]++;
                assert_true(at < in->n);
                const struct cs_claim *c = &in->at[at];
                assert_int_equal(c->kind, want[i].kind & ~WITHIN);
                assert_int_equal(c->range.start, want[i].start);
                assert_int_equal(c->range.end, want[i].end);
                assert_string_equal(c->detail, want[i].detail);
                assert_string_equal(p->image->modules.at[c->module].name, "libwidget.so.1");
        }
        assert_int_equal(claims.at.n, done[0]);
        assert_int_equal(claims.within.n, done[1]);
        cs_claims_deinit(&claims);
        fake_destroy(p);
}

#define CHECK(p, ...)                                           \
        do {                                                    \
                const struct expected want[] = { __VA_ARGS__ }; \
                check(p, want, sizeof(want) / sizeof(want[0])); \
        } while (0)

/* ---- Ruby -------------------------------------------------------------------------------------------------------- */

enum { RUBY_PAGE = 16 << 10, RUBY_PAGES = 4, SLOT = 40, FIRST = 0x40 };

static struct fake_process *ruby(uint64_t more)
{
        static const char *const names[] = { "rb_cObject", "rb_cString", "rb_gc_start" };
        struct fake_process *p = make(names, 3, RUBY_PAGES * RUBY_PAGE + more);
        for (uint64_t i = 0; i < RUBY_PAGES; i++) {
                uint64_t page = MEMORY + i * RUBY_PAGE, record = RECORDS + i * 0x100;
                fake_put(p, page, record);
                fake_put(p, record, SLOT | (RUBY_PAGE - FIRST) / SLOT << 16);
                fake_put(p, record + 40, page + FIRST);
                fake_put(p, page + FIRST, 2);                  /* a class */
                fake_put(p, page + FIRST + 8, MEMORY + FIRST); /* of a class */
        }
        fake_put(p, VARIABLES, MEMORY + FIRST);
        fake_put(p, VARIABLES + 8, MEMORY + RUBY_PAGE + FIRST);
        return p;
}

#define RUBY_PAGE_AT(i)                                                                                     \
        {                                                                                                   \
                CS_KIND_RUBY_HEAP, MEMORY + (i)*RUBY_PAGE, MEMORY + ((i) + 1) * RUBY_PAGE, "ruby heap page" \
        }

static void test_ruby(void **state)
{
        (void)state;
        CHECK(ruby(0), RUBY_PAGE_AT(0), RUBY_PAGE_AT(1), RUBY_PAGE_AT(2), RUBY_PAGE_AT(3));
        struct fake_process *p = ruby(0);
        fake_put(p, RECORDS + 0x200 + 40, MEMORY); /* the third page's record speaks of another */
        CHECK(p, RUBY_PAGE_AT(0), RUBY_PAGE_AT(1), RUBY_PAGE_AT(3));
        p = ruby(0);
        fake_put(p, MEMORY + 3 * RUBY_PAGE + FIRST + 8, RECORDS + 1); /* no class */
        CHECK(p, RUBY_PAGE_AT(0), RUBY_PAGE_AT(1), RUBY_PAGE_AT(2));
        p = ruby(0);
        fake_put(p, MEMORY + 3 * RUBY_PAGE + FIRST, 0x1a); /* the interpreter's own */
        fake_put(p, MEMORY + 3 * RUBY_PAGE + FIRST + 8, 77);
        CHECK(p, RUBY_PAGE_AT(0), RUBY_PAGE_AT(1), RUBY_PAGE_AT(2), RUBY_PAGE_AT(3));
        p = ruby(0);
        fake_put(p, VARIABLES, FAKE_APP); /* where the first class is, is no page */
        check(p, NULL, 0);
}

static void test_ruby_transient(void **state)
{
        (void)state;
        const uint64_t block = 32 << 10, heap = 32 << 20, at = MEMORY + 2 * block;
        for (int wrong = 0; wrong < 2; wrong++) {
                struct fake_process *p = ruby(heap);
                for (uint64_t i = 0; i < heap / block; i++) {
                        fake_put(p, at + i * block, i % 2 ? UINT64_C(0xffff0000) : UINT64_C(0x2001000100));
                        fake_put(p, at + i * block + 8, i ? at + (i - 1) * block : 0);
                }
                if (wrong)
                        fake_put(p, at + 500 * block, 0);
                if (wrong)
                        CHECK(p, RUBY_PAGE_AT(0), RUBY_PAGE_AT(1), RUBY_PAGE_AT(2), RUBY_PAGE_AT(3));
                else
                        CHECK(p, RUBY_PAGE_AT(0), RUBY_PAGE_AT(1), RUBY_PAGE_AT(2), RUBY_PAGE_AT(3),
                              { CS_KIND_RUBY_HEAP, at, at + heap, "ruby transient heap" });
        }
}

/* ---- CPython ----------------------------------------------------------------------------------------------------- */

static void put_pool(struct fake_process *p, uint64_t at, uint64_t pool, uint64_t class, uint64_t used)
{
        uint64_t size = (class + 1) * 16;
        fake_put(p, at, used);
        fake_put(p, at + 16, at);
        fake_put(p, at + 24, at);
        fake_put(p, at + 32, class << 32);
        fake_put(p, at + 40, (48 + (used + 1) * size) | (pool - size) << 32);
}

static struct fake_process *python(uint64_t pool)
{
        static const char *const names[] = { "PyType_Type", "PyObject_Malloc", "_PyRuntime" };
        struct fake_process *p = make(names, 3, 16 * pool);
        put_pool(p, MEMORY + pool, pool, 0, 3);
        put_pool(p, MEMORY + 2 * pool, pool, 31, 2);
        put_pool(p, MEMORY + 7 * pool, pool, 5, 1);
        return p;
}

static void test_python(void **state)
{
        (void)state;
        static const uint64_t pools[] = { 16384, 4096 };
        for (size_t i = 0; i < 2; i++) {
                uint64_t pool = pools[i];
                CHECK(python(pool),
                      { CS_KIND_PYTHON_HEAP, MEMORY + pool, MEMORY + 3 * pool, "pymalloc pools" },
                      { CS_KIND_PYTHON_HEAP, MEMORY + 7 * pool, MEMORY + 8 * pool, "pymalloc pools" });
                struct fake_process *p = python(pool);
                fake_put(p, MEMORY + 2 * pool + 32, UINT64_C(32) << 32); /* no such class */
                fake_put(p, MEMORY + 7 * pool, 100000);                  /* more in use than fit */
                CHECK(p, { CS_KIND_PYTHON_HEAP, MEMORY + pool, MEMORY + 2 * pool, "pymalloc pools" });
        }
}

/* ---- V8 ---------------------------------------------------------------------------------------------------------- */

enum { CHUNK = 256 << 10 };

static struct fake_process *v8(uint64_t chunks)
{
        static const char *const names[] = { "v8dbg_HeapObjectTag", "v8dbg_SmiTag" };
        struct fake_process *p = make(names, 2, 8 * CHUNK);
        for (uint64_t i = 0; i < chunks; i++) {
                uint64_t at = MEMORY + i * CHUNK;
                fake_put(p, at, i + 1 == chunks ? CS_PAGE : CHUNK);
                fake_put(p, at + 0x10, RECORDS + 0x40);
                fake_put(p, at + 0x18, at + 0x800);
                fake_put(p, at + 0x20, at + (i + 1 == chunks ? CS_PAGE : CHUNK));
        }
        return p;
}

#define V8_CHUNK(i, size)                                                                    \
        {                                                                                    \
                CS_KIND_V8_HEAP, MEMORY + (i)*CHUNK, MEMORY + (i)*CHUNK + (size), "V8 chunk" \
        }

static void test_v8(void **state)
{
        (void)state;
        CHECK(v8(4), V8_CHUNK(0, CHUNK), V8_CHUNK(1, CHUNK), V8_CHUNK(2, CHUNK), V8_CHUNK(3, CS_PAGE));
        check(v8(3), NULL, 0); /* so few may be an accident */
        struct fake_process *p = v8(5);
        fake_put(p, MEMORY + CHUNK + 0x18, MEMORY); /* its area would lie before it */
        CHECK(p, V8_CHUNK(0, CHUNK), V8_CHUNK(2, CHUNK), V8_CHUNK(3, CHUNK), V8_CHUNK(4, CS_PAGE));
        p = v8(4);
        fake_put(p, MEMORY + 0x10, RECORDS + 0x80); /* of another Heap */
        check(p, NULL, 0);
}

/* A chunk of code: its header, a page that nothing may touch, code that is not to be written to for now; and one that never is. */
static void test_v8_code(void **state)
{
        (void)state;
        const uint64_t code = MEMORY + 16 * CHUNK, constant = MEMORY + 20 * CHUNK;
        for (int wrong = 0; wrong < 2; wrong++) {
                struct fake_process *p = v8(4);
                fake_map(p, code, 0x2000, PF_R | PF_W);
                fake_map(p, code + 0x2000, 0x1000, 0);
                fake_map(p, code + 0x3000, CHUNK, PF_R | PF_X); /* and what follows the chunk */
                fake_put(p, code, CHUNK);
                fake_put(p, code + 0x10, RECORDS + 0x40);
                fake_put(p, code + 0x18, code + 0x3030);
                fake_put(p, code + 0x20, code + CHUNK - 0x1000);
                fake_map(p, constant, 0xd000, PF_R);
                fake_put(p, constant, wrong ? 0xc000 : 0xd000);
                fake_put(p, constant + 0x18, constant + 0x60);
                fake_put(p, constant + 0x20, constant + 0xc000);
                if (wrong)
                        CHECK(p, V8_CHUNK(0, CHUNK), V8_CHUNK(1, CHUNK), V8_CHUNK(2, CHUNK),
                              V8_CHUNK(3, CS_PAGE), V8_CHUNK(16, 0x2000),
                              { CS_KIND_V8_HEAP, code + 0x3000, code + CHUNK, "V8 chunk" });
                else
                        CHECK(p, V8_CHUNK(0, CHUNK), V8_CHUNK(1, CHUNK), V8_CHUNK(2, CHUNK),
                              V8_CHUNK(3, CS_PAGE), V8_CHUNK(16, 0x2000),
                              { CS_KIND_V8_HEAP, code + 0x3000, code + CHUNK, "V8 chunk" },
                              V8_CHUNK(20, 0xd000));
        }
}

/* ---- HotSpot ----------------------------------------------------------------------------------------------------- */

enum { ENTRY = 48, JAVA_HEAP = 0x20000 };

static void put_field(struct fake_process *p, uint64_t *at, const char *type, const char *field,
                      uint64_t is_static, uint64_t value)
{
        static uint64_t text;
        text = *at == RECORDS ? RECORDS + 0x2000 : text;
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
        static const uint64_t values[] = { RECORDS, ENTRY, 0, 8, 24, 32, 40 };
        struct fake_process *p = make(names, 8, 0x40000);
        for (size_t i = 0; i < 7; i++)
                fake_put(p, VARIABLES + 8 * i, values[i]);
        uint64_t at = RECORDS, statics = RECORDS + 0x4000, heap = RECORDS + 0x5000;
        put_field(p, &at, "Method", "_code", 0, 8);
        put_field(p, &at, "Universe", "_collectedHeap", 1, statics);
        put_field(p, &at, "CollectedHeap", "_reserved", 0, 0x20);
        put_field(p, &at, "MemRegion", "_start", 0, 0);
        put_field(p, &at, "MemRegion", "_word_size", 0, 8);
        put_field(p, &at, "CodeCache", "_low_bound", 1, statics + 8);
        put_field(p, &at, "CodeCache", "_high_bound", 1, statics + 16);
        fake_put(p, statics, heap);
        fake_put(p, statics + 8, MEMORY + 0x30000);
        fake_put(p, statics + 16, MEMORY + 0x34000);
        fake_put(p, heap + 0x20, MEMORY);
        fake_put(p, heap + 0x28, JAVA_HEAP / 8);
        return p;
}

#define JAVA_CODE                                                                         \
        {                                                                                 \
                CS_KIND_JAVA_CODE_CACHE, MEMORY + 0x30000, MEMORY + 0x34000, "code cache" \
        }

static void test_java(void **state)
{
        (void)state;
        CHECK(java(), { CS_KIND_JAVA_HEAP, MEMORY, MEMORY + JAVA_HEAP, "java heap" }, JAVA_CODE);
        struct fake_process *p = java();
        fake_put(p, RECORDS + 0x5028, UINT64_MAX / 4); /* the heap would not fit into the address space */
        CHECK(p, JAVA_CODE);
        p = java();
        fake_put(p, RECORDS + 0x4000, UINT64_MAX - 8); /* the heap object lies nowhere */
        CHECK(p, JAVA_CODE);
        p = java();
        fake_put(p, VARIABLES + 8, 8); /* entries that are shorter than their fields */
        check(p, NULL, 0);
        p = java();
        fake_put(p, RECORDS + 0x4010, MEMORY + 0x1000); /* code that ends before it begins */
        CHECK(p, { CS_KIND_JAVA_HEAP, MEMORY, MEMORY + JAVA_HEAP, "java heap" });
}

/* Classes lie in two mappings, of which the first goes on behind a root chunk; tables in a third. */
#define CLASSES UINT64_C(0x7f7000000000)
#define CONSTANTS UINT64_C(0x7f70003fe000)
#define TABLES UINT64_C(0x7f7100000000)

enum { CLASSES_BYTES = 0x4000, CONSTANTS_BYTES = 0x4000, ROOT_CHUNK = 0x400000, TABLES_BYTES = 0x10000 };

/* Two loaders with two classes each; the second class of the second one is an array's. */
static void put_classes(struct fake_process *p, uint64_t *at, uint64_t statics)
{
        const uint64_t loaders = RECORDS + 0x6000;
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
                fake_put(p, klass + 0x30, i < 3 ? CONSTANTS + i * 0x100 : RECORDS + 1);
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
        const uint64_t cards = RECORDS + 0x6800, spaces = RECORDS + 0x6c00;
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
                fake_put(p, VARIABLES + 0x200 + 8 + 8 * i, TABLES + 0x8000 + (i % 2) * 0x2000 / (i / 2 + 1));
        }
        fake_map(p, TABLES, TABLES_BYTES, PF_R | PF_W);
        fake_put(p, statics + 0x28, cards);
        fake_put(p, cards + 8, cards + 0x100);
        fake_put(p, cards + 0x108, MEMORY);
        fake_put(p, cards + 0x110, JAVA_HEAP / 8);
        fake_put(p, cards + 0x118, TABLES);
        fake_put(p, cards + 0x120, JAVA_HEAP / 512 + 1);
        fake_put(p, VARIABLES + 0x100, spaces);
        fake_put(p, heap + 0x60, RECORDS + 0x7000);
        fake_put(p, RECORDS + 0x7010, TABLES + 0xc000);
        fake_put(p, RECORDS + 0x7018, TABLES + 0xd000);
        fake_put(p, RECORDS + 0x7028, CS_PAGE);
}

static struct fake_process *whole_java(void)
{
        struct fake_process *p = java();
        uint64_t at = RECORDS + 7 * ENTRY, statics = RECORDS + 0x4000, heap = RECORDS + 0x5000;
        put_field(p, &at, "CodeCache", "_heaps", 1, statics + 0x18);
        put_field(p, &at, "GrowableArrayBase", "_len", 0, 0);
        put_field(p, &at, "GrowableArray<int>", "_data", 0, 8);
        put_field(p, &at, "CodeHeap", "_segmap", 0, 0x40);
        fake_put(p, statics + 0x18, RECORDS + 0x5800);
        fake_put(p, RECORDS + 0x5800, UINT64_C(4) << 32 | 1); /* one of four */
        fake_put(p, RECORDS + 0x5808, RECORDS + 0x5810);
        fake_put(p, RECORDS + 0x5810, RECORDS + 0x5820);
        fake_put(p, RECORDS + 0x5820 + 0x40 + 16, MEMORY + 0x38000);
        fake_put(p, RECORDS + 0x5820 + 0x40 + 24, MEMORY + 0x39000);
        put_classes(p, &at, statics);
        put_tables(p, &at, statics, heap);
        return p;
}

#define JAVA_MAPPED                                                                                  \
        { CS_KIND_JAVA_HEAP, MEMORY, MEMORY + JAVA_HEAP, "java heap" }, JAVA_CODE,                   \
        {                                                                                            \
                CS_KIND_JAVA_CODE_CACHE, MEMORY + 0x38000, MEMORY + 0x39000, "map of the code cache" \
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
        CHECK(whole_java(), JAVA_MAPPED, JAVA_CLASSES, JAVA_CONSTANTS, JAVA_CARDS, JAVA_SPACE, JAVA_PS_SPACE,
              JAVA_G1_TABLE);
        struct fake_process *p = whole_java();
        for (uint64_t i = 0; i < 4; i++) {
                fake_put(p, CONSTANTS + i * 0x100 + 8, CLASSES + 8); /* of another class */
                fake_put(p, CLASSES + i * 0x100 + 0x20, CLASSES);    /* no end */
        }
        CHECK(p, JAVA_MAPPED, JAVA_CLASSES, JAVA_CARDS, JAVA_SPACE, JAVA_PS_SPACE, JAVA_G1_TABLE);
        p = whole_java();
        fake_put(p, CLASSES + 0x28, RECORDS);             /* a class of another loader */
        fake_put(p, CLASSES + 0x228, 0);                  /* and one of none */
        fake_put(p, RECORDS + 0x6910, JAVA_HEAP / 8 - 1); /* cards of another heap */
        fake_put(p, RECORDS + 0x6c10, TABLES + 0x1000);   /* a space that begins before its boundary */
        fake_put(p, RECORDS + 0x7028, CS_PAGE + 8);       /* no size of pages */
        fake_put(p, VARIABLES + 0x218, TABLES + 0x8008);  /* no page's beginning */
        CHECK(p, JAVA_MAPPED);
}

/* The heap of ZGC is said to be empty, and named. */
static void test_java_z(void **state)
{
        (void)state;
        struct fake_process *p = java();
        fake_put(p, RECORDS + 0x5020, 0);
        fake_put(p, RECORDS + 0x5028, 0);
        fake_map(p, TABLES, TABLES_BYTES, PF_R | PF_W);
        corebuilder_file(&p->core, TABLES, TABLES + TABLES_BYTES, 0, "/memfd:java_heap (deleted)");
        CHECK(p, JAVA_CODE,
              { CS_KIND_JAVA_HEAP, TABLES, TABLES + TABLES_BYTES, "java heap, a view of ZGC's" });
}

/* ---- Erlang ------------------------------------------------------------------------------------------------------ */

#define MALLOCED (MEMORY + 0x1010)

static void put_carrier(struct fake_process *p, uint64_t at, uint64_t word, uint64_t next, uint64_t prev,
                        uint64_t allocator)
{
        fake_put(p, at, word);
        fake_put(p, at + 8, next);
        fake_put(p, at + 16, prev);
        fake_put(p, at + 24, allocator);
}

static struct fake_process *beam(void)
{
        struct fake_process *p = make(NULL, 0, 0x100000);
        fake_export(p, LIB, "erts_allctr_thr_spec", FAKE_DATA, 24);
        fake_export(p, LIB, "erts_allctrs_info", FAKE_DATA + 24, 24);
        const uint64_t eheap = RECORDS + 0x1000, ets = RECORDS + 0x2000, array = RECORDS + 0x100;
        const char text[] = "eheap_\0\0\0\0\0\0\0\0\0\0ets_\0\0\0\0\0\0\0\0\0\0\0\0";
        fake_write(p, LIB + FAKE_RODATA, text, sizeof(text));
        fake_put(p, eheap + 0x80, LIB + FAKE_RODATA);
        fake_put(p, ets + 0x88, LIB + FAKE_RODATA + 16);
        /* {enabled, dd, allocator, 2 instances, array}; {alloc_util, enabled, no, -, allocator} */
        fake_put(p, VARIABLES, UINT64_C(1) << 32 | 1);
        fake_put(p, VARIABLES + 8, UINT64_C(2) << 32 | 5);
        fake_put(p, VARIABLES + 16, array);
        fake_put(p, array + 8, eheap);
        fake_put(p, VARIABLES + 24, UINT64_C(1) << 32 | 1);
        fake_put(p, VARIABLES + 40, ets);
        fake_put(p, MEMORY + 0x40000, 0x80000 | 1);
        fake_put(p, MEMORY + 0x40018, eheap | 2);
        fake_put(p, MEMORY + 0xc0000, 0x10000 | 3);
        fake_put(p, MEMORY + 0xc0018, ets);
        /* Carriers from malloc, where main_carrier, mbc_list and others lie in the allocator. */
        fake_put(p, eheap + 0x170, MALLOCED);
        fake_put(p, eheap + 0x178, MALLOCED);
        fake_put(p, eheap + 0x180, MALLOCED + 0x3000);
        put_carrier(p, MALLOCED, 0x2008, MALLOCED + 0x3000, 0, eheap);
        put_carrier(p, MALLOCED + 0x3000, 0x1000, 0, MALLOCED, eheap);
        return p;
}

#define EHEAP                                                                                      \
        {                                                                                          \
                CS_KIND_BEAM_CARRIER, MEMORY + 0x40000, MEMORY + 0xc0000, "carrier of eheap_alloc" \
        }
#define ETS                                                                                      \
        {                                                                                        \
                CS_KIND_BEAM_CARRIER, MEMORY + 0xc0000, MEMORY + 0xd0000, "carrier of ets_alloc" \
        }
#define LENT_AT(at, size)                                                                  \
        {                                                                                  \
                CS_KIND_BEAM_CARRIER | WITHIN, at, (at) + (size), "carrier of eheap_alloc" \
        }
#define LENT_1 LENT_AT(MALLOCED, 0x2008)
#define LENT_2 LENT_AT(MALLOCED + 0x3000, 0x1000)

static void test_beam(void **state)
{
        (void)state;
        CHECK(beam(), EHEAP, ETS, LENT_1, LENT_2);
        struct fake_process *p = beam();
        fake_put(p, MEMORY + 0x40018, RECORDS + 0x3000); /* no allocator */
        CHECK(p, ETS, LENT_1, LENT_2);
        p = beam();
        fake_put(p, MEMORY + 0xc0000, 0x80000 | 1); /* longer than its mapping */
        CHECK(p, EHEAP, LENT_1, LENT_2);
        p = beam();
        fake_put(p, MEMORY + 0xc0000, 0x10000); /* from malloc, but in no list */
        CHECK(p, EHEAP, LENT_1, LENT_2);
        p = beam();
        fake_put(p, VARIABLES + 16, UINT64_MAX - 7); /* instances that lie nowhere */
        fake_write(p, LIB + FAKE_RODATA + 16, "EVIL", 4);
        check(p, NULL, 0);
}

static void test_beam_lists(void **state)
{
        (void)state;
        static const struct {
                uint64_t at, value;
                bool first; /* is still claimed */
        } damages[] = {
                { RECORDS + 0x1178, MALLOCED + 8, false },              /* does not begin with a carrier */
                { RECORDS + 0x1180, MALLOCED, false },                  /* ends with one that has a next */
                { RECORDS + 0x1180, UINT64_MAX - 15, false },           /* ends nowhere */
                { MALLOCED + 16, MALLOCED + 0x3000, false },            /* the first has one before it */
                { MALLOCED + 24, RECORDS + 0x2000, false },             /* and is another allocator's */
                { MALLOCED + 0x3010, 0, true },                         /* the second does not lead back */
                { MALLOCED + 0x3000, UINT64_MAX & ~UINT64_C(7), true }, /* is longer than memory */
                { MALLOCED + 0x3000, 0x100000, true },                  /* is longer than its mapping */
        };
        for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
                struct fake_process *p = beam();
                fake_put(p, damages[i].at, damages[i].value);
                if (damages[i].first)
                        CHECK(p, EHEAP, ETS, LENT_1);
                else
                        CHECK(p, EHEAP, ETS);
        }
        /* A ring of two, each of which leads back. */
        struct fake_process *p = beam();
        fake_put(p, MALLOCED + 0x3008, MALLOCED);
        fake_put(p, MALLOCED + 16, MALLOCED + 0x3000);
        CHECK(p, EHEAP, ETS);
        /* Too small for its own header, and the last. */
        p = beam();
        fake_put(p, MALLOCED + 0x3000, 16);
        CHECK(p, EHEAP, ETS);
        /* The first is a mapping of its own: it counts once, and those behind it as well. */
        p = beam();
        fake_put(p, RECORDS + 0x1178, MEMORY + 0x40000);
        fake_put(p, MEMORY + 0x40008, MALLOCED + 0x3000);
        fake_put(p, MALLOCED + 0x3010, MEMORY + 0x40000);
        CHECK(p, EHEAP, ETS, LENT_2);
}

/* ---- Go ---------------------------------------------------------------------------------------------------------- */

#define GO_HEAP UINT64_C(0xc000000000)
#define GO_HEAP_2 UINT64_C(0x1c000000000)

static struct fake_process *go(const char *mark, uint64_t at)
{
        struct fake_process *p = make(NULL, 0, 0x1000);
        fake_write(p, VARIABLES + at, mark, 14);
        fake_map(p, GO_HEAP, 0x4000, PF_R | PF_W);
        fake_map(p, GO_HEAP + 0x4000, 0x2000, 0);
        fake_map(p, GO_HEAP + 0x6000, 0x1000, PF_R | PF_W);
        fake_map(p, GO_HEAP + 0x8000, 0x1000, PF_R | PF_W); /* behind a hole: somebody else's */
        fake_map(p, GO_HEAP_2, 0x3000, PF_R | PF_W);
        return p;
}

static void test_go(void **state)
{
        (void)state;
        CHECK(go("\xff Go buildinf:", 0x1ff0), { CS_KIND_GO_HEAP, GO_HEAP, GO_HEAP + 0x4000, "Go heap" },
              { CS_KIND_GO_HEAP, GO_HEAP + 0x6000, GO_HEAP + 0x7000, "Go heap" },
              { CS_KIND_GO_HEAP, GO_HEAP_2, GO_HEAP_2 + 0x3000, "Go heap" });
        check(go("\xff Go buildinf:", 0x18), NULL, 0); /* not where linkers put it */
        check(go("\xff No buildinf:", 0x20), NULL, 0);
}

/* Exports are not enough, and neither is memory. */
static void test_none(void **state)
{
        (void)state;
        static const char *const names[] = { "rb_cObject", "PyType_Type", "v8dbg_SmiTag", "gHotSpotVMTypes",
                                             "erts_allctrs_info" };
        check(make(names, 5, 0x40000), NULL, 0);
        struct fake_process *p = v8(6);
        fake_write(p, LIB + FAKE_TEXT + 0x800, "no more names", 14);
        check(p, NULL, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ruby),
                cmocka_unit_test(test_ruby_transient),
                cmocka_unit_test(test_python),
                cmocka_unit_test(test_v8),
                cmocka_unit_test(test_v8_code),
                cmocka_unit_test(test_java),
                cmocka_unit_test(test_java_beside_the_heap),
                cmocka_unit_test(test_java_z),
                cmocka_unit_test(test_beam),
                cmocka_unit_test(test_go),
                cmocka_unit_test(test_none),
                cmocka_unit_test(test_beam_lists),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
