/* SPDX-License-Identifier: Apache-2.0 */
/* Two walkers of one heap find what one finds: where headers are sound, where what lies in the middle looks like headers and is none, and
 * where they are damaged before it, in it and behind it. */
#include "fake_process.h"
#include "glibc_scout.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define MAIN_ARENA (FAKE_LIBC + FAKE_ARENA)

enum { HEAP_BYTES = 48 << 20, MIDDLE = HEAP_BYTES / 2, BUFFER = 6 << 20, HOLE = 9 << 20 };

static uint64_t seed;

static uint64_t next(void)
{
        return cs_mix(seed += UINT64_C(0x9e3779b97f4a7c15));
}

/* What lies where. */
enum plan {
        SOUND,
        FALSE_CHAIN,  /* in the middle one large chunk full of what looks like headers */
        STEPPED_OVER, /* the chain in the middle is none of the heap's, and goes on in the heap's */
        LOST_BEFORE,  /* headers that cannot be read on the way to the middle */
        LOST_THERE,   /* in the middle, for longer than anybody looks */
        LOST_BEHIND,
        ENDS_EARLY, /* fenceposts long before the middle: behind them lies another's heap */
        PLANS
};

static const char *const names[PLANS] = { "sound",       "a false chain",      "a chain beside the heap's",
                                          "lost before", "lost in the middle", "lost behind",
                                          "ended early" };

static uint64_t put_chunk(struct fake_process *p, uint64_t at, uint64_t size)
{
        /* Every fourth chunk says that the one before it is free. */
        fake_put(p, at + 8, size | (next() % 4 ? GLIBC_PREV_IN_USE : 0));
        return at + size;
}

static uint64_t fill(struct fake_process *p, uint64_t at, uint64_t end)
{
        while (end - at > 0x1000)
                at = put_chunk(p, at, 0x20 + next() % 0x40 * 16);
        return put_chunk(p, at, end - at);
}

static struct fake_process *make(enum plan plan, bool scouted)
{
        struct fake_process *p = fake_create();
        uint64_t end = FAKE_HEAP + HEAP_BYTES, middle = FAKE_HEAP + MIDDLE, at = FAKE_HEAP;
        seed = plan;
        fake_heap(p, HEAP_BYTES);
        fake_chunk(p, at, 0x40);
        at += 0x40;
        if (plan == FALSE_CHAIN || plan == STEPPED_OVER) {
                uint64_t buffer = fill(p, at, middle - BUFFER / 2);
                at = put_chunk(p, buffer, BUFFER);
                uint64_t step = plan == STEPPED_OVER ? 0x20 : 0x30;
                for (uint64_t inside = at - step; inside > buffer + 0x20; inside -= step)
                        fake_put(p, inside + 8, step | GLIBC_PREV_IN_USE);
                if (plan == FALSE_CHAIN)
                        fake_put(p, at - step + 8, 0);
        }
        fill(p, at, end - 0x10000);
        fake_top(p, MAIN_ARENA, end - 0x10000, end);
        if (plan == LOST_BEFORE || plan == LOST_THERE || plan == LOST_BEHIND) {
                static const uint8_t nothing[HOLE] = { 0 };
                uint64_t from = plan == LOST_BEFORE  ? FAKE_HEAP + (4 << 20)
                                : plan == LOST_THERE ? middle - HOLE / 2
                                                     : middle + HOLE / 2;
                fake_write(p, from, nothing, sizeof(nothing));
        }
        if (plan == ENDS_EARLY) {
                uint64_t fence = FAKE_HEAP + 0x40;
                for (uint64_t size; fence < FAKE_HEAP + (2 << 20); fence += size)
                        size = fake_get(p, fence + 8) & ~(uint64_t)GLIBC_FLAGS;
                fake_put(p, fence + 8, 0x10 | GLIBC_PREV_IN_USE);
                fake_put(p, fence + 0x18, GLIBC_PREV_IN_USE);
                fake_put(p, MAIN_ARENA + cs_glibc_layouts[fake_row].top, end - 0x10000);
        }
        p->heaps.scouted = scouted;
        fake_open(p);
        return p;
}

static void compare(const char *what, const struct fake_process *one, const struct fake_process *two)
{
        struct cs_block_cursor a = cs_blocks_all(&one->heaps.blocks), b = cs_blocks_all(&two->heaps.blocks);
        struct cs_block x = { 0 }, y = { 0 };
        uint32_t i, k;
        if (cs_blocks_indices(&one->heaps.blocks) != cs_blocks_indices(&two->heaps.blocks))
                fail_msg("%s: %u blocks, with a scout %u", what, cs_blocks_indices(&one->heaps.blocks),
                         cs_blocks_indices(&two->heaps.blocks));
        while (cs_blocks_next_any(&a, &x, &i)) {
                assert_true(cs_blocks_next_any(&b, &y, &k));
                if (x.start != y.start || x.size != y.size || x.state != y.state)
                        fail_msg(
                                "%s: block %u is at %lx of %lu bytes in state %d, with a scout at %lx of %lu in %d",
                                what, i, (unsigned long)x.start, (unsigned long)x.size, (int)x.state,
                                (unsigned long)y.start, (unsigned long)y.size, (int)y.state);
        }
        assert_int_equal(one->heaps.corrupt.n, two->heaps.corrupt.n);
        assert_int_equal(one->heaps.corrupt_more, two->heaps.corrupt_more);
        for (size_t c = 0; c < one->heaps.corrupt.n; c++)
                assert_int_equal(one->heaps.corrupt.at[c].address, two->heaps.corrupt.at[c].address);
}

static void test_same(void **state)
{
        (void)state;
        for (enum plan plan = 0; plan < PLANS; plan++) {
                struct fake_process *one = make(plan, false), *two = make(plan, true);
                assert_true(cs_blocks_indices(&one->heaps.blocks) > 10000);
                compare(names[plan], one, two);
                fake_destroy(one);
                fake_destroy(two);
        }
}

struct meeting {
        struct fake_process *p;
        struct cs_glibc glibc;
        struct cs_glibc_walker walker;
        struct cs_glibc_scout *scout;
        uint64_t begins;
};

/* A scout on its way, which has said where it began; or UINT64_MAX, as it found no place for it. */
static void send(struct meeting *m, enum plan plan)
{
        *m = (struct meeting){ .p = make(plan, false) };
        struct cs_heaps *heaps = &m->p->heaps;
        cs_blocks_deinit(&heaps->blocks);
        heaps->blocks = (struct cs_blocks){ 0 };
        heaps->scouted = 1;
        m->glibc = (struct cs_glibc){ .image = m->p->image,
                                      .heaps = heaps,
                                      .layout = &cs_glibc_layouts[fake_row],
                                      .main_arena = MAIN_ARENA };
        cs_view_init(&m->glibc.view, m->p->image->source);
        m->walker = (struct cs_glibc_walker){ .glibc = &m->glibc,
                                              .limit = FAKE_HEAP + HEAP_BYTES,
                                              .top = FAKE_HEAP + HEAP_BYTES - 0x10000,
                                              .arena = MAIN_ARENA,
                                              .released = FAKE_HEAP,
                                              .others = UINT64_MAX,
                                              .tells = &heaps->walked };
        assert_int_equal(cs_blocks_begin(&heaps->blocks, 0, (struct cs_range){ FAKE_HEAP, m->walker.limit },
                                         NULL),
                         CS_OK);
        m->scout = cs_glibc_scout_send(&m->walker, FAKE_HEAP);
        assert_non_null(m->scout);
        do {
                m->begins = cs_glibc_scout_pass(m->scout, FAKE_HEAP);
                sched_yield();
        } while (m->begins == UINT64_MAX && !cs_beside_over(&m->scout->beside));
        m->begins = cs_glibc_scout_pass(m->scout, FAKE_HEAP);
}

static void end(struct meeting *m)
{
        cs_view_deinit(&m->glibc.view);
        cs_vec_deinit(&m->glibc.caches);
        fake_destroy(m->p);
}

static uint64_t count_bits(const struct meeting *m, uint64_t from)
{
        const struct cs_heap_range *r = &m->p->heaps.blocks.ranges.at[0];
        uint64_t n = 0;
        for (uint64_t word = (from - FAKE_HEAP) / 1024; word < HEAP_BYTES / 1024; word++)
                n += cs_popcount(r->starts[word] | r->frees[word]);
        return n;
}

/* The walk comes to the very chunk: what the scout found is taken over, up to the top. */
static void test_taken(void **state)
{
        struct meeting m;
        send(&m, SOUND);
        struct cs_blocks *blocks = &m.p->heaps.blocks;
        struct cs_block_run run;
        uint64_t p = FAKE_HEAP, before;
        (void)state;
        assert_in_range(m.begins, FAKE_HEAP + MIDDLE - (1 << 20), FAKE_HEAP + MIDDLE + (1 << 20));
        m.walker.others = m.begins;
        do {
                before = p;
                assert_int_equal(cs_blocks_open_run(blocks, 1 << 20, &run, NULL), CS_OK);
                assert_int_equal(cs_glibc_walk_span(&m.walker, &p, &run, NULL), CS_OK);
                cs_blocks_close_run(blocks, &run, m.walker.pending);
        } while (p != before);
        assert_true(p >= m.begins);
        assert_true(cs_glibc_scout_await(m.scout, p));
        uint64_t walked = blocks->count;
        assert_int_equal(cs_glibc_scout_take(m.scout, &m.walker, &p, NULL), CS_OK);
        assert_int_equal(p, m.walker.top);
        assert_true(blocks->count > walked * 3 / 2);
        assert_int_equal(blocks->reached, m.walker.pending);
        end(&m);
}

/* The walk came elsewhere, or never did: nothing of what the scout found is left. */
static void test_recalled(void **state)
{
        (void)state;
        for (unsigned turn = 0; turn < 3; turn++) {
                struct meeting m;
                send(&m, turn == 2 ? FALSE_CHAIN : SOUND);
                assert_true(m.begins != UINT64_MAX);
                if (turn == 0)
                        assert_false(cs_glibc_scout_await(m.scout, m.begins + 8));
                if (turn == 1)
                        cs_beside_await(&m.scout->beside);
                cs_glibc_scout_recall(m.scout);
                assert_int_equal(count_bits(&m, FAKE_HEAP), 0);
                assert_int_equal(m.p->heaps.blocks.count, 0);
                end(&m);
        }
        /* Where nothing fits for long, nobody begins. */
        struct meeting m;
        send(&m, LOST_THERE);
        assert_true(m.begins == UINT64_MAX);
        cs_glibc_scout_recall(m.scout);
        assert_int_equal(count_bits(&m, FAKE_HEAP), 0);
        end(&m);
}

/* Who is too near will be there first: the scout gives up what it said. */
static void test_too_near(void **state)
{
        struct meeting m;
        send(&m, SOUND);
        (void)state;
        cs_beside_await(&m.scout->beside);
        cs_glibc_scout_recall(m.scout);
        m.p->heaps.scouted = 1;
        m.scout = cs_glibc_scout_send(&m.walker, FAKE_HEAP + HEAP_BYTES - (1 << 20));
        assert_non_null(m.scout);
        (void)cs_glibc_scout_pass(m.scout, FAKE_HEAP + HEAP_BYTES - (1 << 20));
        cs_beside_await(&m.scout->beside);
        assert_true(m.scout->next == m.scout->first);
        assert_false(cs_glibc_scout_await(m.scout, m.scout->first));
        cs_glibc_scout_recall(m.scout);
        assert_int_equal(count_bits(&m, FAKE_HEAP), 0);
        end(&m);
}

/* Small heaps, and those of a process that runs, are walked by one. */
static void test_not_sent(void **state)
{
        struct meeting m;
        send(&m, SOUND);
        (void)state;
        cs_glibc_scout_recall(m.scout);
        cs_glibc_scout_recall(NULL);
        m.p->heaps.scouted = HEAP_BYTES;
        assert_null(cs_glibc_scout_send(&m.walker, FAKE_HEAP));
        m.p->heaps.scouted = 1;
        m.p->image->kind = CS_IMAGE_LIVE;
        assert_null(cs_glibc_scout_send(&m.walker, FAKE_HEAP));
        m.p->image->kind = CS_IMAGE_CORE;
        m.p->heaps.scouted = 0;
        assert_null(cs_glibc_scout_send(&m.walker, FAKE_HEAP));
        end(&m);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_same),     cmocka_unit_test(test_taken),
                cmocka_unit_test(test_recalled), cmocka_unit_test(test_too_near),
                cmocka_unit_test(test_not_sent),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
