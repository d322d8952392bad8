/* SPDX-License-Identifier: Apache-2.0 */
/* The recognisers of managed runtimes on memory made by hand: what proves a heap, and what nearly does. */
#include "fake_runtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

/* ---- V8 ---------------------------------------------------------------------------------------------------------- */

enum { CHUNK = 256 << 10 };

static struct fake_process *v8(uint64_t chunks)
{
        static const char *const names[] = { "v8dbg_HeapObjectTag", "v8dbg_SmiTag" };
        struct fake_process *p = fake_runtime(names, 2, 8 * CHUNK);
        for (uint64_t i = 0; i < chunks; i++) {
                uint64_t at = FAKE_MEMORY + i * CHUNK;
                fake_put(p, at, i + 1 == chunks ? CS_PAGE : CHUNK);
                fake_put(p, at + 0x10, FAKE_RECORDS + 0x40);
                fake_put(p, at + 0x18, at + 0x800);
                fake_put(p, at + 0x20, at + (i + 1 == chunks ? CS_PAGE : CHUNK));
        }
        return p;
}

#define V8_CHUNK(i, size)                                                                              \
        {                                                                                              \
                CS_KIND_V8_HEAP, FAKE_MEMORY + (i)*CHUNK, FAKE_MEMORY + (i)*CHUNK + (size), "V8 chunk" \
        }

static void test_v8(void **state)
{
        (void)state;
        FAKE_RUNTIME_CHECK(v8(4), V8_CHUNK(0, CHUNK), V8_CHUNK(1, CHUNK), V8_CHUNK(2, CHUNK),
                           V8_CHUNK(3, CS_PAGE));
        fake_runtime_check(v8(3), NULL, 0); /* so few may be an accident */
        struct fake_process *p = v8(5);
        fake_put(p, FAKE_MEMORY + CHUNK + 0x18, FAKE_MEMORY); /* its area would lie before it */
        FAKE_RUNTIME_CHECK(p, V8_CHUNK(0, CHUNK), V8_CHUNK(2, CHUNK), V8_CHUNK(3, CHUNK),
                           V8_CHUNK(4, CS_PAGE));
        p = v8(4);
        fake_put(p, FAKE_MEMORY + 0x10, FAKE_RECORDS + 0x80); /* of another Heap */
        fake_runtime_check(p, NULL, 0);
}

/* A chunk of code: its header, a page that nothing may touch, code that is not to be written to for now; and one that never is. */
static void test_v8_code(void **state)
{
        (void)state;
        const uint64_t code = FAKE_MEMORY + 16 * CHUNK, constant = FAKE_MEMORY + 20 * CHUNK;
        for (int wrong = 0; wrong < 2; wrong++) {
                struct fake_process *p = v8(4);
                fake_map(p, code, 0x2000, PF_R | PF_W);
                fake_map(p, code + 0x2000, 0x1000, 0);
                fake_map(p, code + 0x3000, CHUNK, PF_R | PF_X); /* and what follows the chunk */
                fake_put(p, code, CHUNK);
                fake_put(p, code + 0x10, FAKE_RECORDS + 0x40);
                fake_put(p, code + 0x18, code + 0x3030);
                fake_put(p, code + 0x20, code + CHUNK - 0x1000);
                fake_map(p, constant, 0xd000, PF_R);
                fake_put(p, constant, wrong ? 0xc000 : 0xd000);
                fake_put(p, constant + 0x18, constant + 0x60);
                fake_put(p, constant + 0x20, constant + 0xc000);
                if (wrong)
                        FAKE_RUNTIME_CHECK(p, V8_CHUNK(0, CHUNK), V8_CHUNK(1, CHUNK), V8_CHUNK(2, CHUNK),
                                           V8_CHUNK(3, CS_PAGE), V8_CHUNK(16, 0x2000),
                                           { CS_KIND_V8_HEAP, code + 0x3000, code + CHUNK, "V8 chunk" });
                else
                        FAKE_RUNTIME_CHECK(p, V8_CHUNK(0, CHUNK), V8_CHUNK(1, CHUNK), V8_CHUNK(2, CHUNK),
                                           V8_CHUNK(3, CS_PAGE), V8_CHUNK(16, 0x2000),
                                           { CS_KIND_V8_HEAP, code + 0x3000, code + CHUNK, "V8 chunk" },
                                           V8_CHUNK(20, 0xd000));
        }
}

/* ---- Go ---------------------------------------------------------------------------------------------------------- */

#define GO_HEAP UINT64_C(0xc000000000)
#define GO_HEAP_2 UINT64_C(0x1c000000000)

static struct fake_process *go(const char *mark, uint64_t at)
{
        struct fake_process *p = fake_runtime(NULL, 0, 0x1000);
        fake_write(p, FAKE_VARIABLES + at, mark, 14);
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
        FAKE_RUNTIME_CHECK(go("\xff Go buildinf:", 0x1ff0),
                           { CS_KIND_GO_HEAP, GO_HEAP, GO_HEAP + 0x4000, "Go heap" },
                           { CS_KIND_GO_HEAP, GO_HEAP + 0x6000, GO_HEAP + 0x7000, "Go heap" },
                           { CS_KIND_GO_HEAP, GO_HEAP_2, GO_HEAP_2 + 0x3000, "Go heap" });
        fake_runtime_check(go("\xff Go buildinf:", 0x18), NULL, 0); /* not where linkers put it */
        fake_runtime_check(go("\xff No buildinf:", 0x20), NULL, 0);
}

#define GO_MAP UINT64_C(0x7f7100000000)   /* of arenas, of which only two pages are there */
#define GO_ARENA UINT64_C(0x7f7200000000) /* its record */
#define GO_CHUNKS UINT64_C(0x7f7300000000)
#define GO_PAGES UINT64_C(0x7f7400000000)
#define GO_SUMMARY UINT64_C(0x7e0000000000)

enum { GO_CHUNK = 256 << 10, GO_SPANS = 5, GO_SPANS_BYTES = 0x10000, GO_PAGES_BYTES = 1 << 20 };

/* The first arena has five spans of a page each; what is known of it lies where `spans` says, behind a bitmap or at once. */
static struct fake_process *go_records(uint64_t spans)
{
        struct fake_process *p = go("\xff Go buildinf:", 0x1ff0);
        const uint64_t index = (GO_HEAP + (UINT64_C(1) << 47)) >> 26, pages = FAKE_VARIABLES + 0x200,
                       block = pages + 5 * 24 + ((GO_HEAP + (UINT64_C(1) << 47)) >> 35) * 8;
        fake_map(p, GO_MAP, CS_PAGE, PF_R | PF_W);
        fake_map(p, cs_page_down(GO_MAP + index * 8), CS_PAGE, PF_R | PF_W);
        fake_map(p, GO_ARENA, spans + GO_SPANS_BYTES + CS_PAGE, PF_R | PF_W);
        fake_map(p, GO_CHUNKS, 3 * GO_CHUNK, PF_R | PF_W);
        fake_map(p, GO_PAGES, GO_PAGES_BYTES, PF_R | PF_W);
        fake_map(p, cs_page_down(block), CS_PAGE, PF_R | PF_W);
        fake_put(p, FAKE_VARIABLES + 0x80, GO_CHUNKS + 2 * GO_CHUNK);
        fake_put(p, FAKE_VARIABLES + 0x100, GO_MAP);
        fake_put(p, GO_MAP + index * 8, GO_ARENA);
        fake_put(p, GO_CHUNKS + 2 * GO_CHUNK, GO_CHUNKS);
        for (uint64_t i = 0; i < GO_SPANS; i++) {
                uint64_t span = GO_CHUNKS + 0x1000 + i * 0xa0;
                fake_put(p, GO_ARENA + spans + i * 8, span);
                fake_put(p, span + 0x18, GO_HEAP + i * 0x2000);
                fake_put(p, span + 0x20, 1);
        }
        for (uint64_t i = 0; i < 5; i++) {
                uint64_t level = GO_SUMMARY + (i << 32);
                fake_map(p, level, CS_PAGE, PF_R | PF_W);
                fake_put(p, pages + i * 24, level);
                fake_put(p, pages + i * 24 + 8, 1);
                fake_put(p, pages + i * 24 + 16, UINT64_C(1) << (14 + 3 * i));
        }
        fake_put(p, block, GO_PAGES);
        return p;
}

#define GO_ARENAS                                                                   \
        { CS_KIND_GO_HEAP, GO_HEAP, GO_HEAP + 0x4000, "Go heap" },                  \
                { CS_KIND_GO_HEAP, GO_HEAP + 0x6000, GO_HEAP + 0x7000, "Go heap" }, \
        {                                                                           \
                CS_KIND_GO_HEAP, GO_HEAP_2, GO_HEAP_2 + 0x3000, "Go heap"           \
        }
#define GO_DATA(start, size, detail)                                   \
        {                                                              \
                CS_KIND_MODULE_DATA, (start), (start) + (size), detail \
        }
#define GO_LEVEL(i) GO_DATA(GO_SUMMARY + (UINT64_C(i) << 32), CS_PAGE, "Go's summary of free pages")
#define GO_MAPPED(spans)                                                    \
        GO_DATA(GO_MAP, CS_PAGE, "Go's map of arenas"),                     \
                GO_DATA(GO_MAP + 0x1018000, CS_PAGE, "Go's map of arenas"), \
                GO_DATA(GO_ARENA, (spans) + GO_SPANS_BYTES + CS_PAGE, "Go's record of an arena")

static void test_go_records(void **state)
{
        (void)state;
        static const uint64_t spans[] = { 0, 0x104000, 0x200000 };
        for (size_t i = 0; i < 3; i++)
                FAKE_RUNTIME_CHECK(go_records(spans[i]), GO_ARENAS, GO_LEVEL(0), GO_LEVEL(1), GO_LEVEL(2),
                                   GO_LEVEL(3), GO_LEVEL(4), GO_MAPPED(spans[i]),
                                   GO_DATA(GO_CHUNKS, GO_CHUNK, "Go's records"),
                                   GO_DATA(GO_CHUNKS + 2 * GO_CHUNK, GO_CHUNK, "Go's records"),
                                   GO_DATA(GO_PAGES, GO_PAGES_BYTES, "Go's bitmaps of pages"));
        struct fake_process *p = go_records(0);
        fake_put(p, FAKE_VARIABLES + 0x200 + 2 * 24 + 16, 1 << 19); /* a level that is not as long */
        fake_put(p, GO_CHUNKS, GO_CHUNKS + 2 * GO_CHUNK);           /* a list without an end */
        FAKE_RUNTIME_CHECK(p, GO_ARENAS, GO_MAPPED(0));
        p = go_records(0);
        for (uint64_t i = 0; i < GO_SPANS; i++)
                fake_put(p, GO_CHUNKS + 0x1000 + i * 0xa0 + 0x18, GO_HEAP_2); /* spans of another arena */
        FAKE_RUNTIME_CHECK(p, GO_ARENAS);
        p = go_records(0);
        fake_put(p, FAKE_VARIABLES + 0x80, GO_CHUNKS + GO_CHUNK); /* a list in which no span lies */
        fake_put(p, FAKE_VARIABLES + 0x200 + 16, 1 << 13);
        FAKE_RUNTIME_CHECK(p, GO_ARENAS, GO_MAPPED(0));
}

/* Exports are not enough, and neither is memory. */
static void test_none(void **state)
{
        (void)state;
        static const char *const names[] = { "rb_cObject", "PyType_Type", "v8dbg_SmiTag", "gHotSpotVMTypes",
                                             "erts_allctrs_info" };
        fake_runtime_check(fake_runtime(names, 5, 0x40000), NULL, 0);
        struct fake_process *p = v8(6);
        fake_write(p, FAKE_LIB + FAKE_TEXT + 0x800, "no more names", 14);
        fake_runtime_check(p, NULL, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_v8),         cmocka_unit_test(test_v8_code), cmocka_unit_test(test_go),
                cmocka_unit_test(test_go_records), cmocka_unit_test(test_none),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
