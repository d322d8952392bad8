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

struct expected {
        enum cs_kind kind;
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
        assert_int_equal(claims.at.n, n);
        for (size_t i = 0; i < n; i++) {
                const struct cs_claim *c = &claims.at.at[i];
                assert_int_equal(c->kind, want[i].kind);
                assert_int_equal(c->range.start, want[i].start);
                assert_int_equal(c->range.end, want[i].end);
                assert_string_equal(c->detail, want[i].detail);
                assert_string_equal(p->image->modules.at[c->module].name, "libwidget.so.1");
        }
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

/* ---- Erlang ------------------------------------------------------------------------------------------------------ */

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

static void test_beam(void **state)
{
        (void)state;
        CHECK(beam(), EHEAP, ETS);
        struct fake_process *p = beam();
        fake_put(p, MEMORY + 0x40018, RECORDS + 0x3000); /* no allocator */
        CHECK(p, ETS);
        p = beam();
        fake_put(p, MEMORY + 0xc0000, 0x80000 | 1); /* longer than its mapping */
        CHECK(p, EHEAP);
        p = beam();
        fake_put(p, MEMORY + 0xc0000, 0x10000); /* from malloc */
        CHECK(p, EHEAP);
        p = beam();
        fake_put(p, VARIABLES + 16, UINT64_MAX - 7); /* instances that lie nowhere */
        fake_write(p, LIB + FAKE_RODATA + 16, "EVIL", 4);
        check(p, NULL, 0);
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
                cmocka_unit_test(test_ruby),   cmocka_unit_test(test_ruby_transient),
                cmocka_unit_test(test_python), cmocka_unit_test(test_v8),
                cmocka_unit_test(test_java),   cmocka_unit_test(test_beam),
                cmocka_unit_test(test_go),     cmocka_unit_test(test_none),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
