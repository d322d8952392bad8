/* SPDX-License-Identifier: Apache-2.0 */
/* Which pages count as memory in use, and the sums over ranges whose edges lie inside of pages. */
#include "residency.h"

#include "cs_limits.h"
#include "pulse.h"
#include "work.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

enum { START = 0x100000, PAGES = 200 };

static bool begun; /* pages are looked at when they are asked for */

static enum cs_status create(const struct cs_image *image, struct cs_residency **out)
{
        return begun ? cs_residency_begin(image, out, NULL) : cs_residency_create(image, 2, out, NULL);
}

/* Pages 1, 2, 5, 63, 64 and the last are dirty. */
struct world {
        uint8_t bytes[PAGES * CS_PAGE];
        struct cs_mapping mappings[4];
        struct cs_image image;
        struct cs_residency *r;
};

static struct world *make(size_t n, const struct cs_mapping *mappings, size_t len)
{
        static const size_t dirty[] = { 1, 2, 5, 63, 64, PAGES - 1 };
        struct world *w = calloc(1, sizeof(*w));
        assert_non_null(w);
        for (size_t i = 0; i < sizeof(dirty) / sizeof(dirty[0]); i++)
                w->bytes[dirty[i] * CS_PAGE + CS_PAGE - 1] = 1;
        memcpy(w->mappings, mappings, n * sizeof(*mappings));
        w->image.mappings.at = w->mappings;
        w->image.mappings.n = n;
        w->image.source = cs_source_from_bytes(START, w->bytes, len);
        assert_int_equal(create(&w->image, &w->r), CS_OK);
        return w;
}

static void drop(struct world *w)
{
        cs_residency_destroy(w->r);
        cs_source_close(w->image.source);
        free(w);
}

static uint64_t bytes(const struct world *w, uint64_t start, uint64_t end)
{
        return cs_residency_bytes(w->r, (struct cs_range){ start, end });
}

static const struct cs_mapping whole = { .range = { START, START + PAGES *CS_PAGE },
                                         .perms = CS_PERM_READ,
                                         .dumped = true };

static void test_sums(void **state)
{
        (void)state;
        static const struct {
                const char *what;
                uint64_t start, end, sum; /* from START */
        } cases[] = {
                { "all", 0, PAGES * CS_PAGE, 6 * CS_PAGE },
                { "a clean page", 0, CS_PAGE, 0 },
                { "a dirty page", CS_PAGE, 2 * CS_PAGE, CS_PAGE },
                { "nothing", CS_PAGE, CS_PAGE, 0 },
                { "one byte", CS_PAGE, CS_PAGE + 1, 1 },
                { "last byte of a dirty page", 2 * CS_PAGE - 1, 2 * CS_PAGE, 1 },
                { "inside of one page", CS_PAGE + 10, CS_PAGE + 100, 90 },
                { "clean into dirty", 100, CS_PAGE + 16, 16 },
                { "dirty into clean", 3 * CS_PAGE - 16, 3 * CS_PAGE + 1000, 16 },
                { "odd edges, two dirty", CS_PAGE + 1, 3 * CS_PAGE - 1, 2 * CS_PAGE - 2 },
                { "edges in clean pages", 5, 4 * CS_PAGE - 5, 2 * CS_PAGE },
                { "over a word's edge", 63 * CS_PAGE + 7, 65 * CS_PAGE - 9, 2 * CS_PAGE - 16 },
                { "from word to word", 0, 64 * CS_PAGE, 4 * CS_PAGE },
                { "second word on", 64 * CS_PAGE, PAGES * CS_PAGE, 2 * CS_PAGE },
                { "last bytes", PAGES * CS_PAGE - 3, PAGES * CS_PAGE, 3 },
                { "beyond the mapping", PAGES * CS_PAGE - 3, PAGES * CS_PAGE + 5000, 3 },
                { "outside", (PAGES + 10) * CS_PAGE, (PAGES + 20) * CS_PAGE, 0 },
        };
        struct world *w = make(1, &whole, PAGES * CS_PAGE);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                uint64_t sum = bytes(w, START + cases[i].start, START + cases[i].end);
                if (sum != cases[i].sum)
                        fail_msg("%s: %lu", cases[i].what, (unsigned long)sum);
        }
        assert_int_equal(cs_residency_skipped(w->r), 0);
        drop(w);
}

/* However a range is cut, the parts add up to the whole. */
static void test_parts_add_up(void **state)
{
        (void)state;
        static const uint64_t steps[] = { 1237, 4096, 4097, 65536, 300000 };
        struct world *w = make(1, &whole, PAGES * CS_PAGE);
        for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
                uint64_t sum = 0;
                for (uint64_t at = START; at < whole.range.end; at += steps[i])
                        sum += bytes(w, at, at + steps[i]);
                assert_int_equal(sum, 6 * CS_PAGE);
        }
        drop(w);
}

static void test_mappings(void **state)
{
        (void)state;
        struct cs_mapping maps[4] = { whole, whole, whole, whole };
        maps[0].range = (struct cs_range){ START, START + 2 * CS_PAGE };
        maps[1].range = (struct cs_range){ START + 2 * CS_PAGE, START + 3 * CS_PAGE };
        maps[1].dumped = false; /* of the dirty page 2 */
        maps[2].range = (struct cs_range){ START + 5 * CS_PAGE, START + 63 * CS_PAGE };
        maps[3].range = (struct cs_range){ START + 64 * CS_PAGE, START + 65 * CS_PAGE };
        maps[3].perms = 0;
        struct world *w = make(4, maps, PAGES * CS_PAGE);
        assert_int_equal(bytes(w, START, START + 2 * CS_PAGE), CS_PAGE);
        assert_int_equal(bytes(w, START, START + 3 * CS_PAGE), CS_PAGE); /* over the edge of two mappings */
        assert_int_equal(bytes(w, START + 2 * CS_PAGE, START + 3 * CS_PAGE), 0);
        assert_int_equal(bytes(w, START + 5 * CS_PAGE, START + 6 * CS_PAGE), CS_PAGE);
        assert_int_equal(bytes(w, START + 64 * CS_PAGE, START + 65 * CS_PAGE), 0);
        drop(w);
}

/* Mappings whose edges are no pages' edges (a lie in a core), and memory that ends inside one. */
static void test_odd_mapping(void **state)
{
        (void)state;
        struct cs_mapping odd = whole;
        odd.range = (struct cs_range){ START + CS_PAGE + 0x10, START + 3 * CS_PAGE - 5 };
        struct world *w = make(1, &odd, 3 * CS_PAGE - 0x800);
        uint64_t size = cs_range_size(odd.range), sum = bytes(w, odd.range.start, odd.range.end);
        assert_true(sum <= size);
        assert_int_equal(bytes(w, START, START + CS_PAGE), 0);
        drop(w);
}

/* More than a unit of work, and reserved terabytes of which little is there. */
static void test_large(void **state)
{
        (void)state;
        struct cs_mapping maps[2] = { whole, whole };
        maps[0].range.start = START - (UINT64_C(1) << 16);
        maps[0].range.end = START + (UINT64_C(1) << 39);
        maps[1].range.start = UINT64_C(1) << 40;
        maps[1].range.end = maps[1].range.start + ((uint64_t)CS_LIMIT_MAPPING_PAGES + 1) * CS_PAGE;
        struct world *w = make(2, maps, PAGES * CS_PAGE);
        assert_int_equal(cs_residency_skipped(w->r), 1);
        assert_int_equal(bytes(w, maps[0].range.start, maps[0].range.end), 6 * CS_PAGE);
        assert_int_equal(bytes(w, maps[1].range.start, maps[1].range.end), 0);
        drop(w);
}

/* A live process in small: pages 3 and 70 are resident, 4 and 71 are swapped out; nothing else is held. */
static uint64_t live_held(struct cs_source *src, uint64_t addr)
{
        static const uint64_t pages[] = { 3, 4, 70, 71 };
        (void)src;
        for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
                if (addr < START + (pages[i] + 1) * CS_PAGE)
                        return addr > START + pages[i] * CS_PAGE ? addr : START + pages[i] * CS_PAGE;
        return UINT64_MAX;
}

static void live_resident(struct cs_source *src, uint64_t addr, size_t pages, uint8_t *flags)
{
        (void)src;
        for (size_t i = 0; i < pages; i++) {
                uint64_t page = (addr - START) / CS_PAGE + i;
                flags[i] = page == 3 || page == 70   ? CS_PAGE_RESIDENT
                           : page == 4 || page == 71 ? CS_PAGE_SWAPPED
                                                     : CS_PAGE_ABSENT;
        }
}

static void test_live(void **state)
{
        (void)state;
        static const struct cs_source_ops ops = { .held = live_held, .resident = live_resident };
        struct cs_source source = { .ops = &ops };
        struct cs_mapping maps[2] = { whole, whole };
        maps[0].range.end = maps[1].range.start = START + 64 * CS_PAGE;
        maps[1].perms = 0; /* live, memory counts whatever access is allowed */
        struct cs_image image = { .kind = CS_IMAGE_LIVE,
                                  .source = &source,
                                  .mappings = { .at = maps, .n = 2 } };
        struct cs_residency *r = NULL;
        assert_int_equal(create(&image, &r), CS_OK);
        assert_int_equal(cs_residency_bytes(r, whole.range), 2 * CS_PAGE);
        assert_int_equal(cs_residency_swapped(r, whole.range), 2 * CS_PAGE);
        assert_int_equal(cs_residency_bytes(r, maps[1].range), CS_PAGE);
        assert_int_equal(cs_residency_swapped(r, maps[1].range), CS_PAGE);
        assert_int_equal(cs_residency_swapped(r, (struct cs_range){ START + 5 * CS_PAGE - 7,
                                                                    START + 70 * CS_PAGE }),
                         7);
        cs_residency_destroy(r);
}

static void test_page(void **state)
{
        (void)state;
        static const struct {
                const char *what;
                uint64_t start, end, nth; /* in pages from START */
                uint64_t page, left; /* UINT64_MAX: there are not so many, and so many are left to go by */
        } cases[] = {
                { "the first", 0, PAGES, 0, 1, 0 },
                { "from itself on", 1, PAGES, 0, 1, 0 },
                { "the third", 0, PAGES, 2, 5, 0 },
                { "at a word's end", 0, PAGES, 3, 63, 0 },
                { "in the second word", 0, PAGES, 4, 64, 0 },
                { "from inside of a word", 3, PAGES, 2, 64, 0 },
                { "the last", 0, PAGES, 5, PAGES - 1, 0 },
                { "beyond the last", 0, PAGES, 6, UINT64_MAX, 0 },
                { "far beyond", 0, PAGES, 100, UINT64_MAX, 94 },
                { "behind the range's end", 0, 63, 3, UINT64_MAX, 0 },
                { "none in the range", 65, 199, 7, UINT64_MAX, 7 },
                { "no range", 5, 5, 2, UINT64_MAX, 2 },
        };
        struct world *w = make(1, &whole, PAGES * CS_PAGE);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                uint64_t nth = cases[i].nth;
                struct cs_range range = { START + cases[i].start * CS_PAGE, START + cases[i].end * CS_PAGE };
                uint64_t want = cases[i].page == UINT64_MAX ? UINT64_MAX : START + cases[i].page * CS_PAGE;
                uint64_t got = cs_residency_page(w->r, range, &nth);
                if (got != want || (want == UINT64_MAX && nth != cases[i].left))
                        fail_msg("%s: 0x%lx, %lu left", cases[i].what, (unsigned long)got,
                                 (unsigned long)nth);
        }
        uint64_t nth = 0;
        assert_true(cs_residency_page(w->r, (struct cs_range){ 0, START }, &nth) == UINT64_MAX);
        drop(w);
}

static void test_nothing(void **state)
{
        (void)state;
        struct world *w = make(0, &whole, 0);
        assert_int_equal(bytes(w, 0, UINT64_MAX), 0);
        drop(w);
        cs_residency_destroy(NULL);
}

/* Going through in small steps gives what each step gives alone, forwards and backwards, holes and ends included. */
static void test_walk(void **state)
{
        (void)state;
        struct cs_mapping two[] = { whole, whole };
        two[0].range.end = START + 64 * CS_PAGE;
        two[1].range.start = START + 70 * CS_PAGE;
        struct world *w = make(2, two, sizeof(w->bytes));
        struct cs_residency_walk walk = { .residency = w->r };
        uint64_t end = START + (PAGES + 3) * CS_PAGE, sum = 0;
        for (uint64_t at = START - 0x800, step = 16; at < end; at += step, step = step * 5 % 9973 + 16) {
                uint64_t here = cs_residency_walk_bytes(&walk, (struct cs_range){ at, at + step });
                assert_int_equal(here, bytes(w, at, at + step));
                sum += here;
        }
        assert_int_equal(sum, 5 * CS_PAGE); /* page 64 is not mapped */
        for (uint64_t at = end; at > START; at -= 0x710)
                assert_int_equal(cs_residency_walk_bytes(&walk, (struct cs_range){ at - 0x710, at + 9 }),
                                 bytes(w, at - 0x710, at + 9));
        assert_int_equal(cs_residency_walk_bytes(&walk, (struct cs_range){ START, end }),
                         bytes(w, START, end));
        drop(w);
}

/* ---- who asks, looks --------------------------------------------------------------------------------------------- */

enum { ASKED_UNITS = 12, ASKED_PAGES = ASKED_UNITS * CS_RESIDENCY_PAGES, ASKS = 64 };

static atomic_size_t looks;

/* Every third page is there. */
static void asked_resident(struct cs_source *src, uint64_t addr, size_t pages, uint8_t *flags)
{
        (void)src;
        for (size_t i = 0; i < pages; i++)
                flags[i] = (addr / CS_PAGE + i) % 3 ? CS_PAGE_ABSENT : CS_PAGE_RESIDENT;
        atomic_fetch_add(&looks, 1);
}

static uint64_t asked_held(struct cs_source *src, uint64_t addr)
{
        (void)src;
        return addr;
}

static size_t let_go; /* bytes */

static void asked_release(struct cs_source *src, uint64_t addr, size_t len)
{
        (void)src;
        (void)addr;
        let_go += len;
}

static const struct cs_source_ops asked_ops = { .held = asked_held, .resident = asked_resident };
static const struct cs_source_ops lent_ops = { .held = asked_held,
                                               .resident = asked_resident,
                                               .release = asked_release };

static struct cs_source asked_source = { .ops = &asked_ops };
static struct cs_mapping asked_map = { .range = { 3 * CS_PAGE * CS_PAGE,
                                                  (3 * CS_PAGE + ASKED_PAGES) * (uint64_t)CS_PAGE },
                                       .perms = CS_PERM_READ,
                                       .dumped = true };
static const struct cs_image asked_image = { .kind = CS_IMAGE_CORE,
                                             .source = &asked_source,
                                             .mappings = { .at = &asked_map, .n = 1 } };

static uint64_t third(uint64_t pages)
{
        return (pages + 2) / 3 * CS_PAGE;
}

/* Some ask for little, some for much, and one for all. */
static enum cs_status ask(void *context, size_t unit, unsigned worker, struct cs_error *err)
{
        const struct cs_residency *r = context;
        (void)worker;
        if (unit == ASKS / 2)
                return cs_residency_complete(r, 2, err);
        uint64_t pages = (1 + unit * 977 % ASKED_PAGES) / 3 * 3;
        struct cs_range range = { asked_map.range.start, asked_map.range.start + pages * CS_PAGE };
        assert_int_equal(cs_residency_bytes(r, range), third(pages));
        return CS_OK;
}

static void test_side_by_side(void **state)
{
        (void)state;
        for (unsigned round = 0; round < 20; round++) {
                struct cs_residency *r = NULL;
                assert_int_equal(cs_residency_begin(&asked_image, &r, NULL), CS_OK);
                atomic_store(&looks, 0);
                assert_int_equal(cs_residency_bytes(r, (struct cs_range){ asked_map.range.start,
                                                                          asked_map.range.start + 1 }),
                                 1);
                assert_int_equal(looks, 1);
                assert_int_equal(cs_work_run(4, ASKS, ask, r, NULL), CS_OK);
                assert_int_equal(cs_residency_bytes(r, asked_map.range), third(ASKED_PAGES));
                assert_int_equal(looks, ASKED_UNITS);
                cs_residency_destroy(r);
        }
}

/* Who reads pages next keeps what was looked at for him; of the rest all goes. */
static void test_seen_is_kept(void **state)
{
        (void)state;
        struct cs_source lent_source = { .ops = &lent_ops };
        struct cs_image image = asked_image;
        struct cs_residency *r = NULL;
        const size_t unit = (size_t)CS_RESIDENCY_PAGES * CS_PAGE;
        struct cs_range seen = { asked_map.range.start + unit + 1, asked_map.range.start + 2 * unit + 1 };
        image.source = &lent_source;
        assert_int_equal(cs_residency_begin(&image, &r, NULL), CS_OK);
        atomic_store(&looks, 0);
        let_go = 0;
        cs_residency_see(r, seen);
        assert_int_equal(looks, 2);
        assert_int_equal(let_go, 0);
        assert_int_equal(cs_residency_bytes(r, asked_map.range), third(ASKED_PAGES));
        assert_int_equal(looks, ASKED_UNITS);
        assert_int_equal(let_go, (ASKED_UNITS - 2) * unit);
        cs_residency_destroy(r);
}

/* Once the end was asked for, nothing more is looked at: then, or later. */
static void test_end_is_asked_for(void **state)
{
        (void)state;
        struct cs_range first = { asked_map.range.start, asked_map.range.start + 3 * CS_PAGE };
        struct cs_residency *r = NULL;
        assert_int_equal(cs_residency_begin(&asked_image, &r, NULL), CS_OK);
        atomic_store(&looks, 0);
        assert_int_equal(cs_residency_bytes(r, first), CS_PAGE);
        cs_stop_ask();
        assert_int_equal(cs_residency_complete(r, 2, NULL), CS_ESTOPPED);
        cs_stop_answer();
        assert_int_equal(cs_residency_bytes(r, asked_map.range), third(CS_RESIDENCY_PAGES));
        assert_int_equal(looks, 1);
        cs_residency_destroy(r);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sums),     cmocka_unit_test(test_parts_add_up),
                cmocka_unit_test(test_mappings), cmocka_unit_test(test_odd_mapping),
                cmocka_unit_test(test_large),    cmocka_unit_test(test_nothing),
                cmocka_unit_test(test_live),     cmocka_unit_test(test_page),
                cmocka_unit_test(test_walk),
        };
        const struct CMUnitTest asked[] = {
                cmocka_unit_test(test_side_by_side),
                cmocka_unit_test(test_seen_is_kept),
                cmocka_unit_test(test_end_is_asked_for),
        };
        int failed = cmocka_run_group_tests(tests, NULL, NULL);
        begun = true;
        failed += cmocka_run_group_tests(tests, NULL, NULL);
        return failed + cmocka_run_group_tests(asked, NULL, NULL);
}
