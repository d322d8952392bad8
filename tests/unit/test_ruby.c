/* SPDX-License-Identifier: Apache-2.0 */
/* Ruby's heap on memory made by hand: what proves a page, and what nearly does. */
#include "fake_runtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { RUBY_PAGE = 16 << 10, RUBY_PAGES = 4, SLOT = 40, FIRST = 0x40 };

static struct fake_process *ruby(uint64_t more)
{
        static const char *const names[] = { "rb_cObject", "rb_cString", "rb_gc_start" };
        struct fake_process *p = fake_runtime(names, 3, RUBY_PAGES * RUBY_PAGE + more);
        for (uint64_t i = 0; i < RUBY_PAGES; i++) {
                uint64_t page = FAKE_MEMORY + i * RUBY_PAGE, record = FAKE_RECORDS + i * 0x100;
                fake_put(p, page, record);
                fake_put(p, record, SLOT | (RUBY_PAGE - FIRST) / SLOT << 16);
                fake_put(p, record + 40, page + FIRST);
                fake_put(p, page + FIRST, 2);                       /* a class */
                fake_put(p, page + FIRST + 8, FAKE_MEMORY + FIRST); /* of a class */
        }
        fake_put(p, FAKE_VARIABLES, FAKE_MEMORY + FIRST);
        fake_put(p, FAKE_VARIABLES + 8, FAKE_MEMORY + RUBY_PAGE + FIRST);
        return p;
}

#define RUBY_PAGE_AT(i)                                                                              \
        {                                                                                            \
                CS_KIND_RUBY_HEAP, FAKE_MEMORY + (i)*RUBY_PAGE, FAKE_MEMORY + ((i) + 1) * RUBY_PAGE, \
                        "ruby heap page"                                                             \
        }

static void test_ruby(void **state)
{
        (void)state;
        FAKE_RUNTIME_CHECK(ruby(0), RUBY_PAGE_AT(0), RUBY_PAGE_AT(1), RUBY_PAGE_AT(2), RUBY_PAGE_AT(3));
        struct fake_process *p = ruby(0);
        fake_put(p, FAKE_RECORDS + 0x200 + 40, FAKE_MEMORY); /* the third page's record speaks of another */
        FAKE_RUNTIME_CHECK(p, RUBY_PAGE_AT(0), RUBY_PAGE_AT(1), RUBY_PAGE_AT(3));
        p = ruby(0);
        fake_put(p, FAKE_MEMORY + 3 * RUBY_PAGE + FIRST + 8, FAKE_RECORDS + 1); /* no class */
        FAKE_RUNTIME_CHECK(p, RUBY_PAGE_AT(0), RUBY_PAGE_AT(1), RUBY_PAGE_AT(2));
        p = ruby(0);
        fake_put(p, FAKE_MEMORY + 3 * RUBY_PAGE + FIRST, 0x1a); /* the interpreter's own */
        fake_put(p, FAKE_MEMORY + 3 * RUBY_PAGE + FIRST + 8, 77);
        FAKE_RUNTIME_CHECK(p, RUBY_PAGE_AT(0), RUBY_PAGE_AT(1), RUBY_PAGE_AT(2), RUBY_PAGE_AT(3));
        p = ruby(0);
        fake_put(p, FAKE_VARIABLES, FAKE_APP); /* where the first class is, is no page */
        fake_runtime_check(p, NULL, 0);
}

/* The layouts of 3.2 and later and of 2.6 to 3.0; in the last, pages that are malloc's blocks. */
static void test_ruby_layouts(void **state)
{
        (void)state;
        static const struct {
                uint64_t page, word; /* what a record begins with */
                uint64_t before;     /* the word before a page */
                int kind;
                uint64_t bytes;
        } rows[] = {
                { 64 << 10, 160 | 409 << 16, 0, CS_KIND_RUBY_HEAP, 64 << 10 },
                { 16 << 10, 409 | UINT64_C(12) << 16, 0, CS_KIND_RUBY_HEAP, 16 << 10 },
                { 16 << 10, 408, 0x3fe1, CS_KIND_RUBY_HEAP | FAKE_WITHIN, (16 << 10) - 40 },
                { 64 << 10, 160 | 409 << 16, 0x10011, CS_KIND_RUBY_HEAP | FAKE_WITHIN, 64 << 10 },
        };
        for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
                for (int damaged = 0; damaged < 2; damaged++) {
                        static const char *const names[] = { "rb_cObject", "rb_cString", "rb_gc_start" };
                        const uint64_t first = FAKE_MEMORY + rows[k].page, second = first + rows[k].page,
                                       third = second + rows[k].page;
                        struct fake_process *p = fake_runtime(names, 3, 4 * rows[k].page);
                        for (uint64_t i = 0; i < 3; i++) {
                                uint64_t page = first + i * rows[k].page, record = FAKE_RECORDS + i * 0x100;
                                fake_put(p, page - 8, rows[k].before);
                                fake_put(p, page, record);
                                fake_put(p, record, rows[k].word);
                                fake_put(p, record + 32, page + FIRST);
                                fake_put(p, page + FIRST, 2);
                                fake_put(p, page + FIRST + 8, first + FIRST);
                        }
                        fake_put(p, FAKE_VARIABLES, first + FIRST);
                        fake_put(p, FAKE_VARIABLES + 8, second + FIRST);
                        if (damaged) /* slots that do not fit, or leave half of it empty */
                                fake_put(p, FAKE_RECORDS + 0x200, k % 2 ? 200 | 50 << 16 : 999 | 999 << 16);
                        struct fake_claim want[] = {
                                { rows[k].kind, first, first + rows[k].bytes, "ruby heap page" },
                                { rows[k].kind, second, second + rows[k].bytes, "ruby heap page" },
                                { rows[k].kind, third, third + rows[k].bytes, "ruby heap page" },
                        };
                        fake_runtime_check(p, want, damaged ? 2 : 3);
                }
        }
}

static void test_ruby_transient(void **state)
{
        (void)state;
        const uint64_t block = 32 << 10, heap = 32 << 20, at = FAKE_MEMORY + 2 * block;
        for (int wrong = 0; wrong < 2; wrong++) {
                struct fake_process *p = ruby(heap);
                for (uint64_t i = 0; i < heap / block; i++) {
                        fake_put(p, at + i * block, i % 2 ? UINT64_C(0xffff0000) : UINT64_C(0x2001000100));
                        fake_put(p, at + i * block + 8, i ? at + (i - 1) * block : 0);
                }
                if (wrong)
                        fake_put(p, at + 500 * block, 0);
                if (wrong)
                        FAKE_RUNTIME_CHECK(p, RUBY_PAGE_AT(0), RUBY_PAGE_AT(1), RUBY_PAGE_AT(2),
                                           RUBY_PAGE_AT(3));
                else
                        FAKE_RUNTIME_CHECK(p, RUBY_PAGE_AT(0), RUBY_PAGE_AT(1), RUBY_PAGE_AT(2),
                                           RUBY_PAGE_AT(3),
                                           { CS_KIND_RUBY_HEAP, at, at + heap, "ruby transient heap" });
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ruby),
                cmocka_unit_test(test_ruby_layouts),
                cmocka_unit_test(test_ruby_transient),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
