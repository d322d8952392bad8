/* SPDX-License-Identifier: Apache-2.0 */
/* Who points at whom in a small process: which words count as pointers, and which places as roots. */
#include "fake_process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define ARENA (FAKE_LIBC + FAKE_ARENA)
#define OTHER UINT64_C(0x10000000)

enum { HEAP_BYTES = 0x8000, BLOCKS = 24, SIZE = 0x60 };

/* Blocks in a row; what malloc returned for each. */
struct world {
        struct fake_process *p;
        uint64_t user[BLOCKS];
};

static int set_up(void **state)
{
        struct world *w = calloc(1, sizeof(*w));
        if (!w)
                return -1;
        *state = w;
        w->p = fake_create();
        fake_heap(w->p, HEAP_BYTES);
        uint64_t at = FAKE_HEAP;
        for (size_t i = 0; i < BLOCKS; i++)
                w->user[i] = fake_object(w->p, &at, SIZE, NULL, 0);
        fake_top(w->p, ARENA, at, FAKE_HEAP + HEAP_BYTES);
        return 0;
}

static int tear_down(void **state)
{
        struct world *w = *state;
        fake_destroy(w->p);
        free(w);
        return 0;
}

static void relate(struct world *w)
{
        fake_open(w->p);
        fake_relate(w->p, 2);
}

static void expect(const struct world *w, const char *what, size_t i, bool referenced, bool root)
{
        const struct cs_graph *g = &w->p->graph;
        uint32_t block = fake_block(w->p, w->user[i]);
        bool is_root = false;
        for (size_t k = 0; k < g->roots.n; k++)
                is_root |= g->roots.at[k] == block;
        if ((g->marks[block] & CS_MARK_REFERENCED) != referenced || is_root != root)
                fail_msg("%s: referenced %d, root %d", what, g->marks[block] & CS_MARK_REFERENCED, is_root);
}

/* Does block `from` refer to block `to`? How often. */
static size_t references(const struct world *w, size_t from, size_t to)
{
        const struct cs_graph *g = &w->p->graph;
        uint32_t a = fake_block(w->p, w->user[from]), b = fake_block(w->p, w->user[to]);
        size_t n = 0;
        struct cs_reference_walk walk = cs_references_of(&g->references, a);
        uint32_t found;
        enum cs_aim aim;
        while (cs_reference_next(&walk, &found, &aim))
                n += found == b;
        return n;
}

static void test_roots(void **state)
{
        struct world *w = *state;
        struct fake_process *p = w->p;
        size_t i = 0;
        const struct {
                const char *what;
                uint64_t at;
                bool root;
        } cases[] = {
                { "a module's data", FAKE_APP + FAKE_DATA + 0x10, true },
                { "its last word", FAKE_APP + FAKE_BSS - 8, true },
                { ".bss", FAKE_WIDGET + FAKE_BSS + 0x20, true },
                { "a file's headers", FAKE_APP + FAKE_TEXT - 8, false },
                { "constants that were relocated", FAKE_APP + FAKE_RODATA + 8, true },
                { "code", FAKE_APP + FAKE_TEXT + 8, false },
                { "the stack above its pointer", FAKE_STACK + FAKE_SP + 0x100, true },
                { "at the stack pointer", FAKE_STACK + FAKE_SP, true },
                { "the red zone", FAKE_STACK + FAKE_SP - 128, true },
                { "below the red zone", FAKE_STACK + FAKE_SP - 136, false },
                { "the bottom of the stack", FAKE_STACK, false },
                { "other memory", OTHER + 0x2008, true },
                { "other memory, made read-only", OTHER + 0x10000, true },
                { "memory without access", OTHER + 0x20000, false },
                { "an unaligned word", OTHER + 0x104, false },
                { "malloc's own data", ARENA + cs_glibc_layouts[0].top + 8, false },
                { "libc's data before it", ARENA - 8, true },
                { "libc's data behind it", ARENA + 0x898, true },
                { "behind the top of the heap", FAKE_HEAP + HEAP_BYTES - 8, false },
        };
        fake_map(p, OTHER, 0x3000, PF_R | PF_W);
        fake_map(p, OTHER + 0x10000, 0x1000, PF_R);
        fake_map(p, OTHER + 0x20000, 0x1000, 0);
        for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                fake_put(p, cases[i].at, w->user[i]);
        p->registers[7] = w->user[BLOCKS - 1] + 8;
        relate(w);
        for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                expect(w, cases[i].what, i, cases[i].root, cases[i].root);
        expect(w, "a register", BLOCKS - 1, true, true);
        expect(w, "nothing", BLOCKS - 2, false, false);
}

/* Without a thread's stack pointer the stack is memory like any other. */
static void test_no_thread(void **state)
{
        struct world *w = *state;
        w->p->sp = 0;
        fake_put(w->p, FAKE_STACK, w->user[0]);
        relate(w);
        expect(w, "bottom of the stack", 0, true, true);
}

static void test_pointers(void **state)
{
        struct world *w = *state;
        struct fake_process *p = w->p;
        enum { FROM = BLOCKS - 1 };
        static const struct {
                const char *what;
                int64_t offset; /* from what malloc returned */
                bool counts;
        } cases[] = {
                { "the block", 0, true },
                { "an odd byte inside", 13, true },
                { "the last byte before the next chunk", SIZE - 16 - 1, true },
                /* Where the next chunk begins: nearly always a link of malloc's. */
                { "the word that the next header lends it", SIZE - 16, false },
                { "inside that word", SIZE - 15, true },
                { "its last byte", SIZE - 9, true },
                { "its header", -16, false },
                { "inside its header", -1, false },
                { "the header's size", -8, false },
        };
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                fake_put(p, w->user[FROM] + 8 * i, w->user[2 * i + 1] + (uint64_t)cases[i].offset);
        /* Bits that no user-space pointer has. */
        fake_put(p, w->user[FROM] + 0x48, w->user[20] | UINT64_C(1) << 47);
        fake_put(p, w->user[FROM] + 0x50, w->user[20] | UINT64_C(1) << 63);
        relate(w);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                expect(w, cases[i].what, 2 * i + 1, cases[i].counts, false);
                assert_int_equal(references(w, FROM, 2 * i + 1), cases[i].counts);
        }
        expect(w, "tagged beyond recognition", 20, false, false);
}

/* The last word of a block is the first of the next chunk's header: glibc lends it out. */
static void test_words_of_a_block(void **state)
{
        struct world *w = *state;
        struct fake_process *p = w->p;
        fake_put(p, w->user[0] + SIZE - 16, w->user[5]); /* prev_size of the next one */
        fake_put(p, w->user[1] - 8, SIZE | 1);
        fake_put(p, w->user[2] + 4, w->user[6]); /* unaligned */
        fake_put(p, w->user[3], w->user[3] + 8); /* itself */
        fake_put(p, w->user[4], w->user[7]);
        fake_put(p, w->user[4] + 8, w->user[7]);
        fake_put(p, w->user[4] + 16, w->user[8] + 40);
        relate(w);
        expect(w, "from the last word", 5, true, false);
        expect(w, "from an unaligned word", 6, false, false);
        expect(w, "from itself", 3, false, false);
        assert_int_equal(references(w, 4, 7), 2);
        assert_int_equal(references(w, 4, 8), 1);
        assert_int_equal(references(w, 3, 3), 0);
}

/* Free and cached chunks refer to nothing, and nothing refers to them. */
static void test_free_blocks(void **state)
{
        struct world *w = *state;
        struct fake_process *p = w->p;
        fake_put(p, w->user[0] + 24, w->user[5]);
        fake_free(p, w->user[0] - 16);
        fake_put(p, w->user[2] + 24, w->user[6]); /* in the fastbin of its size */
        fake_put(p, w->user[2], (w->user[2] >> 12));
        fake_put(p, ARENA + cs_glibc_layouts[0].fastbins + 8 * (SIZE - 0x20) / 16, w->user[2] - 16);
        fake_put(p, w->user[10], w->user[0]);
        fake_put(p, w->user[10] + 8, w->user[2]);
        relate(w);
        assert_int_equal(fake_state(p, w->user[2] - 16), CS_BLOCK_CACHED);
        expect(w, "from a free chunk", 5, false, false);
        expect(w, "from a cached chunk", 6, false, false);
        expect(w, "to a free chunk", 0, false, false);
        expect(w, "to a cached chunk", 2, false, false);
}

static void test_edges(void **state)
{
        struct world *w = *state;
        struct fake_process *p = w->p;
        uint64_t a = fake_class(p, FAKE_WIDGET, "1A"), b = fake_class(p, FAKE_WIDGET, "1B");
        /* Ten A point at B at +8, two of these at +0x18 as well; one B from data, one from two words of the stack. */
        for (size_t i = 0; i < 10; i++) {
                fake_put(p, w->user[i], a);
                fake_put(p, w->user[10 + i], b);
                fake_put(p, w->user[i] + 8, w->user[10 + i]);
                if (i < 2)
                        fake_put(p, w->user[i] + 0x18, w->user[10 + i] + 4);
        }
        fake_put(p, FAKE_APP + FAKE_DATA + 0x48, w->user[12]);
        fake_put(p, FAKE_STACK + FAKE_SP + 0x20, w->user[13]);
        fake_put(p, FAKE_STACK + FAKE_SP + 0x10, w->user[14]);
        relate(w);
        uint32_t to = cs_blocks_cluster(&p->heaps.blocks, fake_block(p, w->user[10]));
        uint32_t from = cs_blocks_cluster(&p->heaps.blocks, fake_block(p, w->user[0]));
        size_t first, end;
        cs_graph_edges_to(&p->graph, to, &first, &end);
        assert_int_equal(end - first, 4);
        const struct cs_edge *e = p->graph.edges.at + first;
        assert_int_equal(e[0].count, 10);
        assert_int_equal(e[0].from, from);
        assert_int_equal(e[0].offset, 8);
        assert_false(e[0].from_root);
        assert_int_equal(e[1].count, 2);
        assert_int_equal(e[1].offset, 0x18);
        assert_int_equal(e[2].count, 2);
        assert_true(e[2].from_root);
        assert_int_equal(cs_root_kind(e[2].from), CS_ROOT_STACK);
        assert_int_equal(e[2].example, FAKE_STACK + FAKE_SP + 0x10);
        assert_true(e[2].offset == CS_EDGE_ANYWHERE);
        assert_int_equal(e[3].count, 1);
        assert_int_equal(cs_root_kind(e[3].from), CS_ROOT_MODULE);
        assert_string_equal(p->image->modules.at[cs_root_index(e[3].from)].name, "app");
        assert_int_equal(e[3].example, FAKE_APP + FAKE_DATA + 0x48);
        cs_graph_edges_to(&p->graph, from, &first, &end);
        assert_int_equal(first, end);
        cs_graph_edges_to(&p->graph, 1000, &first, &end);
        assert_int_equal(first, end);
        assert_false(p->graph.limited);
}

/* What stands in the slack of a text keeps a block from being called lost, but it is no relation. */
static void test_text_has_no_edges(void **state)
{
        struct world *w = *state;
        struct fake_process *p = w->p;
        for (size_t i = 0; i < 8; i++)
                fake_write(p, w->user[i], "a text of some length, then the end", 36);
        fake_put(p, w->user[0] + 0x48, w->user[20]);
        relate(w);
        assert_int_equal(fake_cluster(p, w->user[0])->kind, CS_CLUSTER_TEXT);
        expect(w, "from the slack of a text", 20, true, false);
        size_t first, end;
        cs_graph_edges_to(&p->graph, cs_blocks_cluster(&p->heaps.blocks, fake_block(p, w->user[20])), &first,
                          &end);
        assert_int_equal(first, end);
}

/* A hole between blocks (others moved the break) is a root. */
static void test_hole_between_blocks(void **state)
{
        struct world *w = *state;
        struct fake_process *p = w->p;
        uint64_t hole = w->user[10] - 16;
        fake_put(p, hole + 8, 0x10 | 1); /* fenceposts, then what is somebody else's up to the eleventh */
        fake_put(p, hole + 0x18, 0x10 | 1);
        fake_put(p, hole + 0x28, UINT64_MAX);
        fake_put(p, hole + 0x30, w->user[3]);
        relate(w);
        assert_int_equal(fake_state(p, hole), CS_BLOCK_INTERNAL);
        assert_int_equal(fake_state(p, w->user[11] - 16), CS_BLOCK_IN_USE);
        expect(w, "from the hole", 3, true, true);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_roots, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_no_thread, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_pointers, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_words_of_a_block, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_free_blocks, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_edges, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_text_has_no_edges, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_hole_between_blocks, set_up, tear_down),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
