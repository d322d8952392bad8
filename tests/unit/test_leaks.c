/* SPDX-License-Identifier: Apache-2.0 */
/* What is lost: heads, what hangs on them, rings. Each case is a drawing of blocks and arrows. */
#include "fake_process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

enum { HEAP_BYTES = 0x4000, SIZE = 0x60, BLOCKS = 8 };

/* "ab" is an arrow from block a to block b, "*a" one from a module's data; want has a letter for each block: k(ept), d(irect),
 * i(ndirect). */
struct leak_case {
        const char *what, *arrows, *want;
        size_t unreferenced;
};

static void check(const struct leak_case *t, unsigned workers)
{
        struct fake_process *p = fake_create();
        uint64_t at = FAKE_HEAP, root = FAKE_APP + FAKE_DATA, user[BLOCKS];
        size_t used[BLOCKS] = { 0 }, n = strlen(t->want), direct = 0, indirect = 0, unreferenced = 0;
        fake_heap(p, HEAP_BYTES);
        for (size_t i = 0; i < n; i++)
                user[i] = fake_object(p, &at, SIZE, NULL, 0);
        fake_top(p, FAKE_LIBC + FAKE_ARENA, at, FAKE_HEAP + HEAP_BYTES);
        for (const char *a = t->arrows; *a; a += a[2] ? 3 : 2) {
                size_t to = (size_t)(a[1] - 'a');
                if (a[0] == '*') {
                        fake_put(p, root, user[to]);
                        root += 8;
                } else {
                        size_t from = (size_t)(a[0] - 'a');
                        fake_put(p, user[from] + 8 * used[from]++, user[to]);
                }
        }
        fake_open(p);
        fake_relate(p, workers);
        for (size_t i = 0; i < n; i++) {
                static const char letters[] = "kdi";
                char got = letters[cs_leak_of(&p->graph, fake_block(p, user[i]))];
                if (got != t->want[i])
                        fail_msg("%s: block %c is '%c', not '%c'", t->what, (int)('a' + i), got, t->want[i]);
                direct += got == 'd';
                indirect += got == 'i';
        }
        uint64_t in_clusters = 0, bytes = 0, retained = 0;
        for (size_t c = 0; c < p->clusters.at.n; c++) {
                in_clusters += p->leaks.clusters[c].direct + p->leaks.clusters[c].indirect;
                bytes += p->leaks.clusters[c].bytes;
                retained += p->leaks.clusters[c].retained;
                unreferenced += p->leaks.clusters[c].unreferenced;
        }
        assert_int_equal(p->leaks.direct.count, direct);
        assert_int_equal(p->leaks.direct.bytes, direct * SIZE);
        assert_int_equal(p->leaks.indirect.count, indirect);
        assert_int_equal(p->leaks.indirect.bytes, indirect * SIZE);
        assert_int_equal(in_clusters, direct + indirect);
        assert_int_equal(bytes, (direct + indirect) * SIZE);
        assert_int_equal(retained, (direct + indirect) * SIZE);
        if (unreferenced != t->unreferenced)
                fail_msg("%s: %zu unreferenced", t->what, unreferenced);
        fake_destroy(p);
}

static void test_drawings(void **state)
{
        (void)state;
        static const struct leak_case cases[] = {
                { "kept", "*a", "k", 0 },
                { "lost", "", "d", 1 },
                { "two lost", "", "dd", 2 },
                { "kept list", "*a ab bc", "kkk", 0 },
                { "lost list", "ab bc", "dii", 1 },
                { "lost list, backwards", "cb ba", "iid", 1 },
                { "lost tree", "ab ac bd be", "diiii", 1 },
                { "shared by two lost heads", "ac bc", "ddi", 2 },
                { "shared by lost and kept", "*a ac bc", "kdk", 1 },
                { "lost one points at kept", "*a ba", "kd", 1 },
                { "itself", "aa", "d", 1 },
                { "itself, kept", "*a aa", "k", 0 },
                { "ring of two", "ab ba", "di", 0 },
                { "ring of four", "ab bc cd da", "diii", 0 },
                { "ring, kept", "*b ab bc ca", "kkk", 0 },
                { "ring and its tail", "ab ba bc cd", "diii", 0 },
                { "head before a ring", "ab bc cb", "dii", 1 },
                { "head behind a ring in memory", "ca ab ba", "iid", 1 },
                { "two rings apart", "ab ba cd dc", "didi", 0 },
                { "ring that leads to a ring", "ab ba bc cd dc", "diii", 0 },
                { "ring that is led to lies first", "ab ba cd dc da", "iidi", 0 },
                { "ring led to by a kept one", "*a ab bc cb", "kkk", 0 },
                { "the one most point at stands for the ring", "ab bc ca cb", "idi", 0 },
                { "everything points at everything", "ab ac ba bc ca cb", "dii", 0 },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                for (unsigned workers = 1; workers <= 2; workers++)
                        check(&cases[i], workers);
}

/* A list of many blocks, the last of which is the first in memory: no recursion, no square of work. */
static void test_long_list(void **state)
{
        (void)state;
        enum { LONG = 100000, LIST_HEAP = LONG * 0x20 + 0x1000 };
        for (int lost = 0; lost < 3; lost++) {
                struct fake_process *p = fake_create();
                uint64_t at = FAKE_HEAP, before = 0;
                fake_heap(p, (LIST_HEAP + 0xfff) & ~0xfff);
                for (size_t i = 0; i < LONG; i++)
                        before = fake_object(p, &at, 0x20, &before, before != 0);
                fake_top(p, FAKE_LIBC + FAKE_ARENA, at, FAKE_HEAP + ((LIST_HEAP + 0xfff) & ~0xfff));
                if (lost == 0)
                        fake_put(p, FAKE_APP + FAKE_DATA, before);
                if (lost == 2)
                        fake_put(p, FAKE_HEAP + 16, before); /* a ring */
                fake_open(p);
                fake_relate(p, 2);
                assert_int_equal(p->leaks.direct.count, lost > 0);
                assert_int_equal(p->leaks.indirect.count, lost ? LONG - 1 : 0);
                fake_destroy(p);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_drawings),
                cmocka_unit_test(test_long_list),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
