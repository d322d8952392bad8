/* SPDX-License-Identifier: Apache-2.0 */
/* Erlang's carriers on memory made by hand: what proves them, and what nearly does. */
#include "fake_runtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define MALLOCED (FAKE_MEMORY + 0x1010)

static void put_carrier(struct fake_process *p, uint64_t at, uint64_t word, uint64_t next, uint64_t prev,
                        uint64_t allocator)
{
        fake_put(p, at, word);
        fake_put(p, at + 8, next);
        fake_put(p, at + 16, prev);
        fake_put(p, at + 24, allocator);
}

/* Until OTP 27 it exports its tables. */
static struct fake_process *beam_that(bool exports)
{
        struct fake_process *p = fake_runtime(NULL, 0, 0x100000);
        fake_export(p, FAKE_LIB, "driver_alloc_binary", FAKE_TEXT + 0x900, 16);
        fake_export(p, FAKE_LIB, "enif_alloc_binary", FAKE_TEXT + 0x910, 16);
        if (exports) {
                fake_export(p, FAKE_LIB, "erts_allctr_thr_spec", FAKE_DATA, 24);
                fake_export(p, FAKE_LIB, "erts_allctrs_info", FAKE_DATA + 24, 24);
        }
        const uint64_t eheap = FAKE_RECORDS + 0x1000, ets = FAKE_RECORDS + 0x2000,
                       array = FAKE_RECORDS + 0x100;
        const char text[] = "eheap_\0\0\0\0\0\0\0\0\0\0ets_\0\0\0\0\0\0\0\0\0\0\0\0";
        fake_write(p, FAKE_LIB + FAKE_RODATA, text, sizeof(text));
        fake_put(p, eheap + 0x80, FAKE_LIB + FAKE_RODATA);
        fake_put(p, ets + 0x88, FAKE_LIB + FAKE_RODATA + 16);
        /* {enabled, dd, allocator, 2 instances, array}; {alloc_util, enabled, no, -, allocator} */
        fake_put(p, FAKE_VARIABLES, UINT64_C(1) << 32 | 1);
        fake_put(p, FAKE_VARIABLES + 8, UINT64_C(2) << 32 | 5);
        fake_put(p, FAKE_VARIABLES + 16, array);
        fake_put(p, array + 8, eheap);
        fake_put(p, FAKE_VARIABLES + 24, UINT64_C(1) << 32 | 1);
        fake_put(p, FAKE_VARIABLES + 40, ets);
        fake_put(p, FAKE_MEMORY + 0x40000, 0x80000 | 1);
        fake_put(p, FAKE_MEMORY + 0x40018, eheap | 2);
        fake_put(p, FAKE_MEMORY + 0xc0000, 0x10000 | 3);
        fake_put(p, FAKE_MEMORY + 0xc0018, ets);
        fake_put(p, ets + 0x170, FAKE_MEMORY + 0xc0000);
        fake_put(p, ets + 0x178, FAKE_MEMORY + 0xc0000);
        /* Carriers from malloc, where main_carrier, mbc_list and others lie in the allocator. */
        fake_put(p, eheap + 0x170, MALLOCED);
        fake_put(p, eheap + 0x178, MALLOCED);
        fake_put(p, eheap + 0x180, MALLOCED + 0x3000);
        put_carrier(p, MALLOCED, 0x2008, MALLOCED + 0x3000, 0, eheap);
        put_carrier(p, MALLOCED + 0x3000, 0x1000, 0, MALLOCED, eheap);
        return p;
}

static struct fake_process *beam(void)
{
        return beam_that(true);
}

#define EHEAP                                                                                                \
        {                                                                                                    \
                CS_KIND_BEAM_CARRIER, FAKE_MEMORY + 0x40000, FAKE_MEMORY + 0xc0000, "carrier of eheap_alloc" \
        }
#define ETS                                                                                                \
        {                                                                                                  \
                CS_KIND_BEAM_CARRIER, FAKE_MEMORY + 0xc0000, FAKE_MEMORY + 0xd0000, "carrier of ets_alloc" \
        }
#define LENT_AT(at, size)                                                                       \
        {                                                                                       \
                CS_KIND_BEAM_CARRIER | FAKE_WITHIN, at, (at) + (size), "carrier of eheap_alloc" \
        }
#define LENT_1 LENT_AT(MALLOCED, 0x2008)
#define LENT_2 LENT_AT(MALLOCED + 0x3000, 0x1000)

static void test_beam(void **state)
{
        (void)state;
        FAKE_RUNTIME_CHECK(beam(), EHEAP, ETS, LENT_1, LENT_2);
        struct fake_process *p = beam();
        fake_put(p, FAKE_MEMORY + 0x40018, FAKE_RECORDS + 0x3000); /* no allocator */
        FAKE_RUNTIME_CHECK(p, ETS, LENT_1, LENT_2);
        p = beam();
        fake_put(p, FAKE_MEMORY + 0xc0000, 0x80000 | 1); /* longer than its mapping */
        FAKE_RUNTIME_CHECK(p, EHEAP, LENT_1, LENT_2);
        p = beam();
        fake_put(p, FAKE_MEMORY + 0xc0000, 0x10000); /* from malloc, but in no list */
        fake_put(p, FAKE_RECORDS + 0x2170, 0);
        FAKE_RUNTIME_CHECK(p, EHEAP, LENT_1, LENT_2);
        p = beam();
        fake_put(p, FAKE_VARIABLES + 16, UINT64_MAX - 7); /* instances that lie nowhere */
        fake_write(p, FAKE_LIB + FAKE_RODATA + 16, "EVIL", 4);
        fake_runtime_check(p, NULL, 0);
        FAKE_RUNTIME_CHECK(beam_that(false), EHEAP, ETS, LENT_1, LENT_2);
}

#define KEPT_AT(at)                                                                     \
        {                                                                               \
                CS_KIND_BEAM_CARRIER, FAKE_MEMORY + (at), FAKE_MEMORY + (at) + 0x10000, \
                        "kept for the next carrier"                                     \
        }
#define HELD_AT(at)                                                                     \
        {                                                                               \
                CS_KIND_BEAM_CARRIER, FAKE_MEMORY + (at), FAKE_MEMORY + (at) + 0x10000, \
                        "carrier of ets_alloc"                                          \
        }

/* What was given back has its header still, but its neighbours lead to each other, and the list's head to others. */
static void test_beam_given_back(void **state)
{
        (void)state;
        const uint64_t ets = FAKE_RECORDS + 0x2000, a = FAKE_MEMORY + 0xc0000, b = a + 0x10000,
                       c = b + 0x10000;
        struct fake_process *p = beam();
        put_carrier(p, a, 0x10001, b, 0, ets);
        put_carrier(p, b, 0x10001, c, a, ets);
        put_carrier(p, c, 0x10001, 0, b, ets);
        fake_put(p, ets + 0x178, c);
        FAKE_RUNTIME_CHECK(p, EHEAP, HELD_AT(0xc0000), HELD_AT(0xd0000), HELD_AT(0xe0000), LENT_1, LENT_2);
        for (unsigned given = 0; given < 3; given++) {
                p = beam();
                put_carrier(p, a, 0x10001, given == 1 ? c : b, 0, ets);
                put_carrier(p, b, 0x10001, given == 2 ? 0 : c, given == 0 ? 0 : a, ets);
                put_carrier(p, c, 0x10001, 0, given == 1 ? a : b, ets);
                fake_put(p, ets + 0x170, given == 0 ? b : a);
                fake_put(p, ets + 0x178, given == 2 ? b : c);
                if (given == 0)
                        FAKE_RUNTIME_CHECK(p, EHEAP, KEPT_AT(0xc0000), HELD_AT(0xd0000), HELD_AT(0xe0000),
                                           LENT_1, LENT_2);
                else if (given == 1)
                        FAKE_RUNTIME_CHECK(p, EHEAP, HELD_AT(0xc0000), KEPT_AT(0xd0000), HELD_AT(0xe0000),
                                           LENT_1, LENT_2);
                else
                        FAKE_RUNTIME_CHECK(p, EHEAP, HELD_AT(0xc0000), HELD_AT(0xd0000), KEPT_AT(0xe0000),
                                           LENT_1, LENT_2);
        }
        /* The only one. */
        p = beam();
        fake_put(p, ets + 0x170, 0);
        fake_put(p, ets + 0x178, 0);
        FAKE_RUNTIME_CHECK(p, EHEAP, KEPT_AT(0xc0000), LENT_1, LENT_2);
}

/* Where else the allocators may be named, and where they are not looked for. */
static void test_beam_tables(void **state)
{
        (void)state;
        const uint64_t eheap = FAKE_RECORDS + 0x1000, array = FAKE_RECORDS + 0x100,
                       other = FAKE_VARIABLES + 0x800;
        /* The instances begin with the first word of the array. */
        struct fake_process *p = beam();
        fake_put(p, array, eheap);
        fake_put(p, array + 8, 0);
        FAKE_RUNTIME_CHECK(p, EHEAP, ETS, LENT_1, LENT_2);
        /* Before them are more gaps than one. */
        p = beam();
        fake_put(p, array + 8, 0);
        fake_put(p, array + 16, eheap);
        FAKE_RUNTIME_CHECK(p, ETS);
        /* The array lies right before an allocator, so that it looks like one itself. */
        p = beam();
        fake_put(p, FAKE_VARIABLES + 16, eheap - 0x10);
        fake_put(p, eheap - 0x10, eheap);
        FAKE_RUNTIME_CHECK(p, EHEAP, ETS, LENT_1, LENT_2);
        /* Somewhere else in the data: only where no table is exported. */
        for (int exports = 0; exports < 2; exports++) {
                p = beam_that(exports);
                fake_put(p, FAKE_VARIABLES + 16, 0);
                fake_put(p, other, array);
                if (exports)
                        FAKE_RUNTIME_CHECK(p, ETS);
                else
                        FAKE_RUNTIME_CHECK(p, EHEAP, ETS, LENT_1, LENT_2);
        }
        /* The name is not one of the module's constants. */
        p = beam_that(false);
        fake_write(p, FAKE_RECORDS + 0x3000, "eheap_", 7);
        fake_put(p, eheap + 0x80, FAKE_RECORDS + 0x3000);
        FAKE_RUNTIME_CHECK(p, ETS);
        /* Arrays all over the place, each of nothing but itself. */
        p = beam_that(false);
        for (uint64_t i = 0; i < 0x1000; i += 8) {
                fake_put(p, FAKE_VARIABLES + 0x800 + i, array + i % 64);
                if (i >= 0x100)
                        fake_put(p, FAKE_RECORDS + 0x4000 + i, eheap);
        }
        fake_put(p, FAKE_VARIABLES + 16, FAKE_RECORDS + 0x4100);
        FAKE_RUNTIME_CHECK(p, EHEAP, ETS, LENT_1, LENT_2);
}

static void test_beam_lists(void **state)
{
        (void)state;
        static const struct {
                uint64_t at, value;
                bool first; /* is still claimed */
        } damages[] = {
                { FAKE_RECORDS + 0x1178, MALLOCED + 8, false },         /* does not begin with a carrier */
                { FAKE_RECORDS + 0x1180, MALLOCED, false },             /* ends with one that has a next */
                { FAKE_RECORDS + 0x1180, UINT64_MAX - 15, false },      /* ends nowhere */
                { MALLOCED + 16, MALLOCED + 0x3000, false },            /* the first has one before it */
                { MALLOCED + 24, FAKE_RECORDS + 0x2000, false },        /* and is another allocator's */
                { MALLOCED + 0x3010, 0, true },                         /* the second does not lead back */
                { MALLOCED + 0x3000, UINT64_MAX & ~UINT64_C(7), true }, /* is longer than memory */
                { MALLOCED + 0x3000, 0x100000, true },                  /* is longer than its mapping */
        };
        for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
                struct fake_process *p = beam();
                fake_put(p, damages[i].at, damages[i].value);
                if (damages[i].first)
                        FAKE_RUNTIME_CHECK(p, EHEAP, ETS, LENT_1);
                else
                        FAKE_RUNTIME_CHECK(p, EHEAP, ETS);
        }
        /* A ring of two, each of which leads back. */
        struct fake_process *p = beam();
        fake_put(p, MALLOCED + 0x3008, MALLOCED);
        fake_put(p, MALLOCED + 16, MALLOCED + 0x3000);
        FAKE_RUNTIME_CHECK(p, EHEAP, ETS);
        /* Too small for its own header, and the last. */
        p = beam();
        fake_put(p, MALLOCED + 0x3000, 16);
        FAKE_RUNTIME_CHECK(p, EHEAP, ETS);
        /* The first is a mapping of its own: it counts once, and those behind it as well. */
        p = beam();
        fake_put(p, FAKE_RECORDS + 0x1178, FAKE_MEMORY + 0x40000);
        fake_put(p, FAKE_MEMORY + 0x40008, MALLOCED + 0x3000);
        fake_put(p, MALLOCED + 0x3010, FAKE_MEMORY + 0x40000);
        FAKE_RUNTIME_CHECK(p, EHEAP, ETS, LENT_2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_beam),
                cmocka_unit_test(test_beam_given_back),
                cmocka_unit_test(test_beam_tables),
                cmocka_unit_test(test_beam_lists),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
