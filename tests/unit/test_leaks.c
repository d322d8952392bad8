/* SPDX-License-Identifier: Apache-2.0 */
/* What is lost: heads, what hangs on them, rings. Each case is a drawing of blocks and arrows. */
#include "fake_process.h"
#include "text.h"

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

/* ---- other ways to name a block --------------------------------------------------------------------------------- */

enum { ENCODED = 32, LOST = 8, ENCODED_HEAP = 0x8000 };

/* ENCODED blocks of SIZE bytes, of which the first LOST are held by nobody, and the rest by module data; a freed chunk; and one
 * more block. */
struct encoded {
        struct fake_process *p;
        uint64_t user[ENCODED + 1], freed, root;
};

static struct encoded encoded(uint64_t size)
{
        struct encoded e = { .p = fake_create(), .root = FAKE_APP + FAKE_DATA };
        uint64_t at = FAKE_HEAP;
        fake_heap(e.p, ENCODED_HEAP);
        for (size_t i = 0; i < ENCODED; i++)
                e.user[i] = fake_object(e.p, &at, size, NULL, 0);
        e.freed = fake_object(e.p, &at, SIZE, NULL, 0);
        e.user[ENCODED] = fake_object(e.p, &at, SIZE, NULL, 0);
        fake_free(e.p, e.freed - 16);
        fake_put(e.p, e.user[ENCODED] - 16, SIZE); /* prev_size */
        fake_top(e.p, FAKE_LIBC + FAKE_ARENA, at, FAKE_HEAP + ENCODED_HEAP);
        for (size_t i = LOST; i <= ENCODED; i++) {
                fake_put(e.p, e.root, e.user[i]);
                e.root += 8;
        }
        return e;
}

static void check_encoded(struct encoded *e, const char *what, const char *want, uint64_t stale)
{
        static const char letters[] = "kdip";
        fake_open(e->p);
        fake_relate(e->p, 2);
        for (size_t i = 0; want[i]; i++) {
                char got = letters[cs_leak_of(&e->p->graph, fake_block(e->p, e->user[i]))];
                if (got != want[i])
                        fail_msg("%s: block %zu is '%c', not '%c'", what, i, got, want[i]);
        }
        if (e->p->leaks.stale.count != stale)
                fail_msg("%s: %lu stale", what, (unsigned long)e->p->leaks.stale.count);
        fake_destroy(e->p);
}

static void test_tagged(void **state)
{
        (void)state;
        struct encoded e = encoded(SIZE);
        uint64_t live = e.user[20];
        fake_put(e.p, live, e.user[0] * 2 + 1);
        fake_put(e.p, live + 8, e.user[1] | UINT64_C(0xfffa) << 48);
        fake_put(e.p, live + 16, e.user[2] | 5);            /* a plain pointer, to inside */
        fake_put(e.p, live + 24, e.user[3] * 2 + 16);       /* even */
        fake_put(e.p, live + 32, (e.user[4] + 8) << 1 | 1); /* not a block's start */
        fake_put(e.p, e.user[0], e.user[5]);                /* hangs on what is possibly lost */
        fake_put(e.p, e.user[7], e.user[6] * 2 + 1);        /* named by a lost one alone */
        check_encoded(&e, "tags", "ppkddpdd", 0);
}

static void test_unaligned(void **state)
{
        (void)state;
        struct encoded e = encoded(SIZE);
        const uint64_t first = e.user[0], second = e.user[1], third = e.user[2];
        fake_write(e.p, e.root + 3, &first, 8);       /* in a module, at any byte */
        fake_write(e.p, e.user[20] + 12, &second, 8); /* in a block, behind a 32-bit number */
        fake_write(e.p, e.user[21] + 3, &third, 8);   /* at any byte there: not looked for */
        check_encoded(&e, "unaligned", "ppdddddd", 0);
}

/* What stands where nobody will read it keeps nothing alive. */
static void test_stale(void **state)
{
        (void)state;
        struct encoded e = encoded(SIZE);
        fake_put(e.p, e.freed + 32, e.user[0]);
        fake_put(e.p, FAKE_STACK + FAKE_SP - 1024, e.user[1] + 8);
        fake_put(e.p, e.user[0], e.user[2]);
        check_encoded(&e, "stale", "ddiddddd", 3);
}

/* Distances from the block's own start: as many as cannot be an accident, and different ones. */
static void test_distances(void **state)
{
        (void)state;
        struct encoded e = encoded(0x40);
        for (size_t i = 0; i < 6; i++)
                fake_put(e.p, e.user[20 + i] + 8, e.user[i] - e.user[20 + i]);
        fake_put(e.p, e.user[5] + 8, e.user[7] - e.user[5]);      /* and from there */
        fake_put(e.p, e.user[4] + 8, e.user[6] - e.user[4] - 16); /* to no start */
        check_encoded(&e, "distances", "ppppppdp", 0);
        e = encoded(0x40);
        for (size_t i = 0; i < 3; i++)
                fake_put(e.p, e.user[20 + i] + 8, e.user[i] - e.user[20 + i]);
        check_encoded(&e, "few distances", "dddddddd", 0);
        e = encoded(SIZE);
        for (size_t i = 0; i < 6; i++)
                fake_put(e.p, e.user[20 + i] + 8, e.user[i] - e.user[20 + i]);
        check_encoded(&e, "distances in larger blocks", "dddddddd", 0);
}

/* The end of an empty array is its start, and nothing else leads to the block. */
static void test_ends(void **state)
{
        (void)state;
        struct encoded e = encoded(SIZE);
        for (size_t i = 0; i < LOST; i++)
                fake_put(e.p, e.user[10 + i] + 40, e.user[i] + SIZE - 16);
        check_encoded(&e, "ends", "pppppppp", 0);
        e = encoded(SIZE);
        for (size_t i = 0; i < LOST; i++)
                fake_put(e.p, e.user[10 + i] + 8, e.user[i] + SIZE - 16);
        check_encoded(&e, "links of malloc's", "dddddddd", 0);
        e = encoded(SIZE);
        fake_put(e.p, e.user[10] + 40, e.user[0] + SIZE - 16);
        check_encoded(&e, "one end", "dddddddd", 0);
}

/* Behind a text: a field where most blocks of the size have a pointer or a number there, leavings where few do and others have text. */
static void test_behind_text(void **state)
{
        (void)state;
        static const char name[] = "a short name", before[] = "it was longer";
        for (int fields = 0; fields < 3; fields++) {
                struct encoded e = encoded(SIZE);
                for (size_t i = 10; i < 30; i++) {
                        bool pointer = fields == 1 ? i % 4 : i % 4 == 0;
                        fake_write(e.p, e.user[i], name, sizeof(name));
                        if (pointer)
                                fake_put(e.p, e.user[i] + 40, e.user[i % LOST]);
                        else if (fields == 2)
                                fake_put(e.p, e.user[i] + 40, i << 50);
                        else
                                fake_write(e.p, e.user[i] + 40, before, sizeof(before));
                }
                static const char *const want[] = { "dddddddd", "dkkkdkkk", "kdddkddd" };
                check_encoded(&e, fields ? "a field behind a text" : "left behind a text", want[fields],
                              fields ? 0 : 2);
        }
}

/* Structures with a name, and a pointer where texts that fill as large a block have letters. */
static void test_behind_names(void **state)
{
        (void)state;
        static const char name[] = "client-17", text[] = "/var/lib/something/00112233/44556677";
        struct encoded e = encoded(0x30);
        for (size_t i = 10; i < ENCODED; i++) {
                bool named = i < 18;
                fake_write(e.p, e.user[i], named ? name : text, named ? sizeof(name) : sizeof(text));
                if (named)
                        fake_put(e.p, e.user[i] + 16, e.user[i % 4]);
        }
        check_encoded(&e, "names", "kkkkdddd", 0);
}

/* Addresses whose bytes are letters and a zero, in blocks as large as those of short texts. */
static void test_letters(void **state)
{
        (void)state;
        static const char text[] = "twenty-three characters";
        struct encoded e = encoded(0x20);
        size_t run;
        for (size_t i = 10; i < 20; i++)
                fake_write(e.p, e.user[i], text, sizeof(text));
        const uint64_t words[][3] = { { e.user[1] }, { e.user[2], 0, e.user[3] }, { e.user[5] * 2 + 1 } };
        for (size_t i = 0; i < 3; i++) {
                assert_true(cs_text_block((const uint8_t *)words[i], sizeof(words[i]), &run));
                fake_write(e.p, e.user[20 + i], words[i], sizeof(words[i]));
        }
        check_encoded(&e, "letters", "dkkkdpdd", 0);
}

/* Free slots of a managed heap are stale, others are memory. */
static void test_slots(void **state)
{
        (void)state;
        struct encoded e = encoded(SIZE);
        const uint64_t heap = UINT64_C(0x10000000);
        const struct cs_slot_run slots = { { heap + 0x10, heap + 0x10 + 40 * 50 }, 40 };
        fake_map(e.p, heap, 0x1000, PF_R | PF_W);
        fake_put(e.p, heap, e.user[0]); /* before the slots */
        fake_put(e.p, heap + 0x10, 5);  /* flags: an object */
        fake_put(e.p, heap + 0x10 + 16, e.user[1]);
        fake_put(e.p, heap + 0x10 + 24, e.user[2] * 2 + 1);
        fake_put(e.p, heap + 0x10 + 40 + 16, e.user[3]); /* free */
        fake_put(e.p, heap + 0x10 + 40 + 24, e.user[4] * 2 + 1);
        fake_put(e.p, heap + 0x10 + 40 * 50 + 8, e.user[5]); /* behind them */
        assert_int_equal(cs_claims_add_slots(&e.p->claims, slots, NULL), CS_OK);
        check_encoded(&e, "slots", "kkpddkdd", 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_drawings),    cmocka_unit_test(test_long_list),
                cmocka_unit_test(test_tagged),      cmocka_unit_test(test_unaligned),
                cmocka_unit_test(test_stale),       cmocka_unit_test(test_distances),
                cmocka_unit_test(test_ends),        cmocka_unit_test(test_slots),
                cmocka_unit_test(test_behind_text), cmocka_unit_test(test_behind_names),
                cmocka_unit_test(test_letters),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
