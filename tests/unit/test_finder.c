/* SPDX-License-Identifier: Apache-2.0 */
/* Every way to find needles tells the places at which they stand, all of them and no others. */
#include "alarms.h"
#include "finder.h"
#include "rulebuilder.h"
#include "simd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NEEDLES = 40, TEXT = 5000 };

struct told {
        const struct cs_needle *const *needles;
        size_t len;
        uint8_t at[NEEDLES][TEXT + 1]; /* by needle and end */
        size_t stop_after;
};

static bool note(void *context, uint32_t needle, size_t end, size_t last)
{
        struct told *t = context;
        assert_true(needle < NEEDLES);
        assert_true(end >= t->needles[needle]->len && end <= last && last <= t->len);
        memset(&t->at[needle][end], 1, last - end + 1);
        return t->stop_after == 0 || --t->stop_after > 0;
}

static void set_of(struct cs_byteset *set, unsigned kind)
{
        static const char *const ranges[] = { "09",     "09af", "AZ",   "az",       "09AZaz",   "!~",
                                              "--..09", "  ",   "\"\"", "\x80\xff", "\x01\xff", "ac::" };
        *set = (struct cs_byteset){ { 0 } };
        if (kind < sizeof(ranges) / sizeof(ranges[0])) {
                for (const char *r = ranges[kind]; *r; r += 2)
                        cs_byteset_add_range(set, (uint8_t)r[0], (uint8_t)r[1]);
                return;
        }
        static const uint8_t often[] = { 'a', 'b', 'c', 'K', 'k', ':', '=', '-', '_', '0', 0, 0xff };
        cs_byteset_add(set, roll(3) ? often[roll(sizeof(often))] : (uint8_t)roll(256));
        if (roll(3) == 0)
                cs_byteset_both_cases(set);
}

/* Literals, runs, and all between them. */
static uint32_t make_needle(struct cs_byteset *sets)
{
        uint32_t len = roll(3) ? 2 + roll(10) : 1 + roll(CS_NEEDLE_MOST);
        unsigned form = roll(4);
        if (form == 0) {
                set_of(&sets[0], roll(2) ? roll(12) : 99);
                for (uint32_t i = 1; i < len; i++)
                        sets[i] = sets[0];
        } else {
                for (uint32_t i = 0; i < len; i++)
                        set_of(&sets[i], form == 1 || (form == 2 && i < 4) ? 99 : roll(14));
        }
        return len;
}

static uint8_t byte_of(const struct cs_byteset *set)
{
        for (unsigned tries = 0; tries < 2000; tries++) {
                uint8_t byte = (uint8_t)roll(256);
                if (cs_byteset_has(set, byte))
                        return byte;
        }
        return 0;
}

/* Needles, nearly needles, runs of bytes of their sets, and noise. */
static void fill(uint8_t *text, size_t len, const struct cs_needle *const *needles, size_t n)
{
        size_t used = 0;
        while (used < len) {
                const struct cs_needle *needle = needles[roll((unsigned)n)];
                unsigned form = roll(8);
                size_t count = form < 5 ? needle->len : form == 5 ? roll(200) : roll(12);
                const struct cs_byteset *one = &needle->at[roll(needle->len)];
                size_t wrong = form == 0 ? roll(needle->len) : SIZE_MAX;
                for (size_t i = 0; i < count && used < len; i++)
                        text[used++] = form == 7 || i == wrong ? (uint8_t)roll(256)
                                       : form < 5              ? byte_of(&needle->at[i])
                                                               : byte_of(one);
        }
}

static void look_for(struct told *told, const struct cs_needle *const *needles, const uint8_t *text,
                     size_t len)
{
        for (uint32_t i = 0; i < NEEDLES; i++)
                for (size_t at = 0; needles[i] && needles[i]->len <= len && at <= len - needles[i]->len; at++)
                        if (cs_needle_is(needles[i], text + at))
                                told->at[i][at + needles[i]->len] = 1;
}

/* The text as all there is: who reads beyond it is caught by the sanitizer. */
static void assert_all_ways_tell(const struct cs_needle *const *needles, size_t n, const uint8_t *text,
                                 size_t len, unsigned *could)
{
        static struct told expected, told;
        uint8_t *bytes = malloc(len ? len : 1);
        assert_non_null(bytes);
        memcpy(bytes, text, len);
        memset(&expected, 0, sizeof(expected));
        look_for(&expected, needles, bytes, len);
        for (enum cs_finder_way way = CS_FINDER_PLAIN; way <= CS_FINDER_SETS; way++) {
                struct cs_finder *finder = NULL;
                struct cs_finder_scan *scan = NULL;
                enum cs_status st = cs_finder_create(needles, n, way, &finder, NULL);
                if (st == CS_ENOTSUP)
                        continue;
                assert_int_equal(st, CS_OK);
                assert_int_equal(cs_finder_scan_create(finder, &scan, NULL), CS_OK);
                memset(&told, 0, sizeof(told));
                told.needles = needles;
                told.len = len;
                assert_true(cs_finder_run(finder, scan, bytes, len, note, &told));
                for (size_t i = 0; i < n; i++)
                        for (size_t end = 0; end <= len; end++)
                                if (told.at[i][end] != expected.at[i][end])
                                        fail_msg(
                                                "way %d: needle %zu of %zu, %u long, with end %zu of %zu: %d",
                                                (int)way, i, n, needles[i]->len, end, len, told.at[i][end]);
                told.stop_after = 1;
                (void)cs_finder_run(finder, scan, bytes, len, note, &told);
                assert_true(told.stop_after <= 1);
                could[way]++;
                cs_finder_scan_destroy(scan);
                cs_finder_destroy(finder);
        }
        free(bytes);
}

static void test_ways_agree(void **state)
{
        static struct cs_byteset sets[NEEDLES][CS_NEEDLE_MOST];
        static struct cs_needle all[NEEDLES];
        static uint8_t text[TEXT];
        unsigned could[CS_FINDER_SETS + 1] = { 0 };
        (void)state;
        for (unsigned round = 0; round < 80; round++) {
                const struct cs_needle *needles[NEEDLES] = { NULL };
                size_t n = round % 3 == 0 ? 1 + roll(3) : round % 3 == 1 ? 4 + roll(8) : NEEDLES;
                for (size_t i = 0; i < n; i++) {
                        all[i] = (struct cs_needle){ .at = sets[i], .len = make_needle(sets[i]) };
                        needles[i] = &all[i];
                }
                fill(text, TEXT, needles, n);
                size_t len = round % 4 == 0 ? roll(80) : round % 4 == 1 ? 490 + roll(100) : roll(TEXT);
                size_t from = roll((unsigned)(TEXT - len));
                assert_all_ways_tell(needles, n, text + from, len, could);
        }
        assert_true(could[CS_FINDER_PLAIN] > 0);
}

/* A text that is one run, and as long as the steps and blocks it is looked at by. */
static void test_runs_at_all_edges(void **state)
{
        static const size_t lens[] = {
                0, 7, 8, 63, 64, 65, 127, 128, 511, 512, 516, 517, 575, 576, 1024, 1030
        };
        static struct cs_byteset sets[2][CS_NEEDLE_MOST];
        static struct cs_needle all[2];
        static uint8_t text[TEXT];
        const struct cs_needle *needles[NEEDLES] = { &all[0], &all[1] };
        unsigned could[CS_FINDER_SETS + 1] = { 0 };
        (void)state;
        for (uint32_t least = 8; least <= CS_NEEDLE_MOST; least = least * 2 + (least < 16)) {
                for (uint32_t i = 0; i < least; i++) {
                        set_of(&sets[0][i], 1);
                        set_of(&sets[1][i], 9);
                }
                all[0] = (struct cs_needle){ .at = sets[0], .len = least };
                all[1] = (struct cs_needle){ .at = sets[1], .len = least };
                for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
                        memset(text, 'a', lens[i]);
                        assert_all_ways_tell(needles, 2, text, lens[i], could);
                        memset(text, 0x80, lens[i]);
                        assert_all_ways_tell(needles, 2, text, lens[i], could);
                        for (unsigned holes = 0; holes < 2 && lens[i]; holes++) {
                                text[roll((unsigned)lens[i])] = 'z';
                                assert_all_ways_tell(needles, 2, text, lens[i], could);
                        }
                }
        }
}

/* ---- buckets ----------------------------------------------------------------------------------------------------- */

static bool may_stand(const struct cs_needle *needle, uint32_t first, const uint8_t *bytes)
{
        for (uint32_t k = 0; k < CS_BUCKET_PLACES && first + k < needle->len; k++)
                if (!cs_byteset_has(&needle->at[first + k], bytes[k]))
                        return false;
        return true;
}

static void assert_alarms(const struct cs_buckets *b, const struct cs_needle *const *needles, size_t n,
                          cs_alarms_fn look, const uint8_t *bytes)
{
        static struct cs_alarms alarms;
        look(b, bytes, &alarms);
        for (size_t at = 0; at < CS_ALARMS_STEP; at++) {
                uint32_t bits = alarms.buckets[0][at];
                if (b->groups == 2)
                        bits |= (uint32_t)alarms.buckets[1][at] << CS_BUCKETS_GROUP;
                assert_int_equal(bits != 0, alarms.any[at / 64] >> at % 64 & 1);
                for (size_t i = 0; i < n; i++)
                        if (may_stand(needles[i], b->first[i], bytes + at) && !(bits >> b->bucket[i] & 1))
                                fail_msg("no alarm for needle %zu of %zu at %zu", i, n, at);
        }
}

/* Each way that this processor has, of those for any number of buckets. */
static void test_no_way_misses_an_alarm(void **state)
{
        static struct cs_byteset sets[NEEDLES][CS_NEEDLE_MOST];
        static struct cs_needle all[NEEDLES];
        (void)state;
        for (unsigned round = 0; round < 300; round++) {
                cs_cleanup(cs_pool_deinit) struct cs_pool pool = { 0 };
                const struct cs_needle *needles[NEEDLES];
                struct cs_buckets b;
                enum { BYTES = CS_ALARMS_STEP + CS_ALARMS_BEHIND };
                uint8_t *bytes = malloc(BYTES);
                size_t n = 1 + roll(NEEDLES);
                for (size_t i = 0; i < n; i++) {
                        all[i] = (struct cs_needle){ .at = sets[i], .len = make_needle(sets[i]) };
                        needles[i] = &all[i];
                }
                assert_non_null(bytes);
                fill(bytes, BYTES, needles, n);
                assert_int_equal(cs_buckets_fill(needles, n, &pool, &b, NULL), CS_OK);
                if (cs_alarms_best())
                        assert_alarms(&b, needles, n, cs_alarms_best(), bytes);
#if defined(__x86_64__)
                if (cs_simd_has_avx2())
                        assert_alarms(&b, needles, n, cs_alarms_avx2, bytes);
#endif
                free(bytes);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ways_agree),
                cmocka_unit_test(test_runs_at_all_edges),
                cmocka_unit_test(test_no_way_misses_an_alarm),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
