/* SPDX-License-Identifier: Apache-2.0 */
/* CPython's arenas and pools on memory made by hand: what proves them, and what nearly does. */
#include "fake_runtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct pymalloc {
        uint64_t pool, arena, step;
};

static const struct pymalloc pymallocs[] = { { 16384, 1 << 20, 16 },
                                             { 4096, 256 << 10, 16 },
                                             { 4096, 256 << 10, 8 } };

#define TABLE (FAKE_RECORDS + 0x400)
#define TABLE_POINTER (FAKE_VARIABLES + 0x800)

static void put_pool(struct fake_process *p, const struct pymalloc *m, uint64_t at, uint64_t arena,
                     uint64_t class, uint64_t used)
{
        uint64_t size = (class + 1) * m->step;
        fake_put(p, at, used);
        fake_put(p, at + 16, at);
        fake_put(p, at + 24, at);
        fake_put(p, at + 32, class << 32 | arena);
        fake_put(p, at + 40, (48 + (used + 1) * size) | (m->pool - size) << 32);
}

/* Three pools: two of arena 1, which is not aligned to its pools, and one of arena 5, which no table knows. */
static struct fake_process *python(const struct pymalloc *m)
{
        static const char *const names[] = { "PyType_Type", "PyObject_Malloc" };
        struct fake_process *p = fake_runtime(names, 2, 4 * m->arena);
        put_pool(p, m, FAKE_MEMORY + m->pool, 1, 0, 3);
        put_pool(p, m, FAKE_MEMORY + 2 * m->pool, 1, 512 / m->step - 1, 2);
        put_pool(p, m, FAKE_MEMORY + 2 * m->arena, 5, 5, 1);
        return p;
}

#define PYTHON_POOLS(start, end, pool)                                                             \
        {                                                                                          \
                CS_KIND_PYTHON_HEAP, FAKE_MEMORY + (start) * (pool), FAKE_MEMORY + (end) * (pool), \
                        "pymalloc pools"                                                           \
        }

static void test_python(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(pymallocs) / sizeof(pymallocs[0]); i++) {
                const struct pymalloc *m = &pymallocs[i];
                const uint64_t pool = m->pool, other = 2 * m->arena / pool;
                FAKE_RUNTIME_CHECK(python(m), PYTHON_POOLS(1, 3, pool), PYTHON_POOLS(other, other + 1, pool));
                struct fake_process *p = python(m);
                fake_put(p, FAKE_MEMORY + 2 * pool + 32, (512 / m->step) << 32); /* no such class */
                fake_put(p, FAKE_MEMORY + other * pool, 100000);                 /* more in use than fit */
                FAKE_RUNTIME_CHECK(p, PYTHON_POOLS(1, 2, pool));
                p = python(m);
                fake_put(p, FAKE_MEMORY + pool + 16, 0x1000); /* its neighbour lies nowhere */
                FAKE_RUNTIME_CHECK(p, PYTHON_POOLS(2, 3, pool), PYTHON_POOLS(other, other + 1, pool));
        }
}

static void put_arena(struct fake_process *p, const struct pymalloc *m, uint64_t place, uint64_t at)
{
        uint64_t pools = m->arena / m->pool - (at % m->pool != 0);
        fake_put(p, TABLE + 48 * place, at);
        fake_put(p, TABLE + 48 * place + 8, (at + m->pool - 1) & ~(m->pool - 1));
        fake_put(p, TABLE + 48 * place + 16, pools << 32 | 1);
}

#define PYTHON_ARENA(at, m)                                                    \
        {                                                                      \
                CS_KIND_PYTHON_HEAP, (at), (at) + (m)->arena, "pymalloc arena" \
        }

static void test_python_arenas(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(pymallocs) / sizeof(pymallocs[0]); i++) {
                const struct pymalloc *m = &pymallocs[i];
                const uint64_t pool = m->pool, other = 2 * m->arena / pool,
                               first = FAKE_MEMORY + (pool > CS_PAGE ? CS_PAGE : 0),
                               second = FAKE_MEMORY + 3 * m->arena;
                /* How the table may be: sound; then what would make its second record none. */
                for (int damage = 0; damage <= 6; damage++) {
                        struct fake_process *p = python(m);
                        fake_put(p, TABLE_POINTER, TABLE);
                        put_arena(p, m, 1, first);
                        put_arena(p, m, 9, second);
                        if (damage == 1) /* as many pools as do not fit */
                                fake_put(p, TABLE + 48 * 9 + 16, (m->arena / pool + 1) << 32);
                        if (damage == 2) /* more that are free than there are */
                                fake_put(p, TABLE + 48 * 9 + 16, m->arena / pool << 32 | 1000);
                        if (damage == 3) /* its pools lie elsewhere */
                                fake_put(p, TABLE + 48 * 9 + 8, FAKE_MEMORY);
                        if (damage == 4) /* beyond its mapping */
                                put_arena(p, m, 9, second + m->arena / 2);
                        if (damage == 5) /* nowhere */
                                put_arena(p, m, 9, UINT64_MAX & ~UINT64_C(0xfff));
                        if (damage == 6) /* not at a page */
                                put_arena(p, m, 9, second - 16);
                        if (damage)
                                FAKE_RUNTIME_CHECK(p, PYTHON_ARENA(first, m),
                                                   PYTHON_POOLS(other, other + 1, pool));
                        else
                                FAKE_RUNTIME_CHECK(p, PYTHON_ARENA(first, m),
                                                   PYTHON_POOLS(other, other + 1, pool),
                                                   PYTHON_ARENA(second, m));
                }
                /* A table that the pools do not confirm is none. */
                struct fake_process *p = python(m);
                fake_put(p, TABLE_POINTER, TABLE);
                put_arena(p, m, 1, second);
                FAKE_RUNTIME_CHECK(p, PYTHON_POOLS(1, 3, pool), PYTHON_POOLS(other, other + 1, pool));
                p = python(m);
                fake_put(p, TABLE_POINTER, TABLE + 8);
                put_arena(p, m, 1, first);
                FAKE_RUNTIME_CHECK(p, PYTHON_POOLS(1, 3, pool), PYTHON_POOLS(other, other + 1, pool));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_python),
                cmocka_unit_test(test_python_arenas),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
