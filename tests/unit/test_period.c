/* SPDX-License-Identifier: Apache-2.0 */
#include "period.h"

#include "bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum { SIZE = 1 << 20 };

static struct cs_period_finder *finder;
static uint8_t *bytes;
static uint64_t seed;

static uint64_t next(void)
{
        return cs_mix(seed += UINT64_C(0x9e3779b97f4a7c15));
}

static void noise(uint8_t *at, size_t len)
{
        for (size_t i = 0; i < len; i++)
                at[i] = (uint8_t)next();
}

static int setup(void **state)
{
        struct cs_error err;
        (void)state;
        bytes = malloc(SIZE);
        return !bytes || cs_period_finder_create(&finder, &err) != CS_OK;
}

static int teardown(void **state)
{
        (void)state;
        cs_period_finder_destroy(finder);
        free(bytes);
        return 0;
}

static void put(uint8_t *at, uint64_t value)
{
        memcpy(at, &value, sizeof(value));
}

/* What heaps are full of: pointers, small numbers, zeros, texts, in no order. */
static void clutter(uint8_t *at, size_t len)
{
        for (size_t i = 0; i + 8 <= len; i += 8) {
                switch (next() % 6) {
                case 0:
                        put(at + i, 0);
                        break;
                case 1:
                        put(at + i, next() % 100);
                        break;
                case 2:
                        put(at + i, 0x7f3a12000000 + next() % (1 << 24) / 8 * 8);
                        break;
                case 3:
                        put(at + i, 0x55d012000000 + next() % (1 << 20) / 8 * 8);
                        break;
                case 4:
                        memcpy(at + i, &"somewords and others"[next() % 12], 8);
                        break;
                default:
                        put(at + i, next());
                }
        }
}

/* A record as a program would have it: of `stride` bytes, fields of all sorts, one pointer that all have. */
static void record(uint8_t *at, size_t stride, uint64_t shared)
{
        clutter(at, stride & ~(size_t)7);
        noise(at + (stride & ~(size_t)7), stride % 8);
        memcpy(at, &shared, stride < 8 ? stride : 8);
}

struct shape {
        const char *what;
        uint32_t stride;
        size_t header; /* bytes of clutter before the first */
        size_t len;
};

static void strides(void **state)
{
        static const struct shape shapes[] = {
                { "a structure of 48 bytes", 48, 0, 16 << 10 },
                { "of 40", 40, 0, 16 << 10 },
                { "behind a header", 24, 100, 16 << 10 },
                { "at an odd place", 24, 13, 16 << 10 },
                { "of an odd size", 13, 0, 16 << 10 },
                { "of an odd size at an odd place", 37, 1001, 16 << 10 },
                { "of 8 columns of 16", 16, 0, 16 << 10 },
                { "of 256", 256, 64, 16 << 10 },
                { "large", 1000, 0, 16 << 10 },
                { "as long as is short", 2048, 0, 64 << 10 },
                { "few", 4096, 0, 64 << 10 },
                { "of an odd large size", 5001, 0, 512 << 10 },
                { "as large as there are", 65536, 0, 512 << 10 },
                { "few of them", 400, 0, 4 << 10 },
        };
        (void)state;
        for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
                const struct shape *s = &shapes[i];
                struct cs_period p = { 0 };
                struct cs_period_run run;
                size_t n = (s->len - s->header) / s->stride;
                seed = i;
                noise(bytes, s->len);
                for (size_t k = 0; k < n; k++)
                        record(bytes + s->header + k * s->stride, s->stride, 0x7f1234567890);
                bool found = cs_period_find(finder, bytes, s->len, true, &p);
                if (!found || p.stride != s->stride)
                        fail_msg("%s: stride %u instead of %u", s->what, found ? p.stride : 0, s->stride);
                if (p.phase != s->header % s->stride)
                        fail_msg("%s: phase %u instead of %zu", s->what, p.phase, s->header % s->stride);
                assert_true(cs_period_run(&p, bytes, s->len, 0, s->len, &run));
                assert_int_equal(run.first, s->header);
                assert_int_equal(run.last, s->header + (n - 1) * s->stride);
                assert_int_equal(run.records, n);
        }
}

/* A tag of four bytes alone; a magic; two types of one slab. */
static void what_is_shared(void **state)
{
        (void)state;
        for (unsigned kind = 0; kind < 4; kind++) {
                struct cs_period p = { 0 };
                seed = 77 + kind;
                for (size_t at = 0; at + 72 <= 16384; at += 72) {
                        clutter(bytes + at, 72);
                        switch (kind) {
                        case 0:
                                put(bytes + at + 16, 7 | next() << 32);
                                break;
                        case 1:
                                memcpy(bytes + at + 4, "\xde\xad\xbe\xef", 4);
                                break;
                        case 2:
                                put(bytes + at, next() % 3 ? 0x7f1234567890 : 0x7f1234567440);
                                break;
                        default: /* a free one here and there */
                                put(bytes + at + 8, next() % 16 ? 0x7f1234567890 : 0);
                        }
                }
                if (!cs_period_find(finder, bytes, 16384, true, &p) || p.stride != 72)
                        fail_msg("kind %u: stride %u", kind, p.stride);
        }
}

/* A slab of pages: each with a header, so that the phase is another one in each. */
static void pages_with_headers(void **state)
{
        struct cs_period p = { 0 };
        struct cs_period_run run;
        size_t n = 0;
        (void)state;
        seed = 5;
        for (size_t page = 0; page < 65536; page += 4096) {
                clutter(bytes + page, 4096);
                for (size_t at = page + 64; at + 56 <= page + 4096; at += 56, n++)
                        record(bytes + at, 56, 0x55d0aabbccdd);
        }
        assert_true(cs_period_find(finder, bytes, 65536, true, &p));
        assert_int_equal(p.stride, 56);
        assert_true(cs_period_run(&p, bytes, 65536, 0, 65536, &run));
        assert_int_equal(run.records, n);
        assert_int_equal(run.first, 64);
}

/* Free records are passed over; a gap that is too large ends the run, and the next one begins behind it. */
static void gaps(void **state)
{
        struct cs_period p = { 0 };
        struct cs_period_run run;
        (void)state;
        seed = 6;
        for (size_t at = 0; at + 64 <= 131072; at += 64)
                record(bytes + at, 64, 0x55d0aabbccdd);
        memset(bytes + 640, 0, 64);
        memset(bytes + 6400, 0, 640);
        memset(bytes + 32768, 0, 32768);
        assert_true(cs_period_find(finder, bytes, 131072, true, &p));
        assert_int_equal(p.stride, 64);
        assert_true(cs_period_run(&p, bytes, 131072, 0, 131072, &run));
        assert_int_equal(run.records, 512 - 11);
        assert_int_equal(run.last, 32768 - 64);
        assert_true(cs_period_run(&p, bytes, 131072, run.last + 64, 131072, &run));
        assert_int_equal(run.first, 65536);
        assert_int_equal(run.records, 1024);
        assert_false(cs_period_run(&p, bytes, 131072, run.last + 64, 131072, &run));
}

/* Arrays of single words, where they have something to tell. */
static void words(void **state)
{
        struct cs_period p = { 0 };
        (void)state;
        seed = 8;
        for (size_t at = 0; at < 16384; at += 8)
                put(bytes + at, 0x7f3a12000000 + next() % (1 << 24) / 8 * 8);
        assert_true(cs_period_find(finder, bytes, 16384, true, &p));
        assert_int_equal(p.stride, 8);
        for (size_t at = 0; at < 16384; at += 4) {
                uint32_t pixel = (uint32_t)next() | 0xff000000;
                memcpy(bytes + at, &pixel, 4);
        }
        assert_true(cs_period_find(finder, bytes, 16384, true, &p));
        assert_int_equal(p.stride, 4);
}

/* What is no array of records. */
static void none(void **state)
{
        struct cs_period p = { 0 };
        (void)state;
        for (unsigned kind = 0; kind < 7; kind++)
                for (seed = 1000 * kind; seed < 1000 * kind + 50; seed++) {
                        uint64_t kept = seed;
                        size_t len = 65536;
                        noise(bytes, len);
                        switch (kind) {
                        case 0:
                                clutter(bytes, len);
                                break;
                        case 1:
                                memset(bytes, (int)kept, len);
                                break;
                        case 2: /* long runs of zeros, a word here and there */
                                memset(bytes, 0, len);
                                for (unsigned i = 0; i < 40; i++)
                                        put(bytes + next() % (len - 8), next());
                                break;
                        case 3: /* records of any size: an allocator's */
                                for (size_t at = 0, n; at + 600 < len; at += n) {
                                        n = 16 + next() % 32 * 16;
                                        clutter(bytes + at, n);
                                        put(bytes + at, n | 1);
                                }
                                break;
                        case 4:
                                break;
                        case 5: /* numbers */
                                for (size_t at = 0; at < len; at += 4) {
                                        uint32_t n = (uint32_t)next() % 1000;
                                        memcpy(bytes + at, &n, 4);
                                }
                                break;
                        default: /* few records, then noise */
                                for (size_t at = 0; at < 4 * 96; at += 96)
                                        record(bytes + at, 96, 0x7f1234567890);
                        }
                        if (cs_period_find(finder, bytes, len, true, &p))
                                fail_msg("kind %u, seed %u: stride %u of %u records", kind, (unsigned)kept,
                                         p.stride, p.records);
                        seed = kept;
                }
}

/* ---- hostile bytes ----------------------------------------------------------------------------------------------- */

/* What is said of a buffer is so: the records that were judged by fit, in number. */
static void check(const char *what, size_t len)
{
        struct cs_period p = { 0 };
        struct cs_period_run run;
        size_t from = 0, records = 0, runs = 0;
        struct timespec start, end;
        clock_gettime(CLOCK_MONOTONIC, &start);
        if (cs_period_find(finder, bytes, len, true, &p)) {
                assert_in_range(p.stride, 2, CS_PERIOD_LONG);
                assert_in_range(p.n_keys, 1, CS_PERIOD_KEYS);
                assert_in_range(p.anchor, 1, p.n_keys);
                assert_true(p.phase < p.stride && p.share > 0 && p.share <= 1);
                for (uint32_t i = 0; i < p.n_keys; i++)
                        assert_true(p.keys[i].offset < p.stride &&
                                    (!i || p.keys[i].offset > p.keys[i - 1].offset));
                while (cs_period_run(&p, bytes, len, from, len, &run)) {
                        assert_true(run.first >= from && run.last >= run.first && run.last < len);
                        assert_true(run.records >= 1 && run.records <= (run.last - run.first) + 1);
                        records += run.records;
                        from = run.last + 1;
                        runs++;
                }
                if (records * 2 < p.records)
                        fail_msg("%s: %zu records follow, %u were seen", what, records, p.records);
        }
        clock_gettime(CLOCK_MONOTONIC, &end);
        double seconds = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) * 1e-9;
        printf("%-24s %8zu bytes: stride %u, %zu records in %zu runs, %.2f ms\n", what, len, p.stride,
               records, runs, seconds * 1000);
        if (seconds > 1)
                fail_msg("%s: %.1f seconds for %zu bytes", what, seconds, len);
}

static void fibonacci(size_t len, uint8_t a, uint8_t b)
{
        size_t n = 1, before = 1;
        bytes[0] = a;
        bytes[1] = b;
        for (n = 2; n < len;) {
                size_t copy = before < len - n ? before : len - n;
                size_t now = n;
                memmove(bytes + n, bytes, copy);
                n += copy;
                before = now;
        }
}

static void de_bruijn(size_t len)
{
        /* B(2, 20) by the greedy rule that prefers ones, bit by bit, as bytes 1 and 2. */
        enum { ORDER = 20 };
        uint8_t *seen = calloc(1 << ORDER, 1);
        uint32_t at = 0;
        assert_non_null(seen);
        for (size_t i = 0; i < len; i++) {
                uint32_t one = (at << 1 | 1) & ((1 << ORDER) - 1), zero = (at << 1) & ((1 << ORDER) - 1);
                at = !seen[one] ? one : zero;
                seen[at] = 1;
                bytes[i] = at & 1 ? 2 : 1;
        }
        free(seen);
}

static void hostile(void **state)
{
        (void)state;
        memset(bytes, 0, SIZE);
        check("zeros", SIZE);
        memset(bytes, 0xaa, SIZE);
        check("one value", SIZE);
        fibonacci(SIZE, 'a', 'b');
        check("Fibonacci", SIZE);
        fibonacci(SIZE, 0, 1);
        check("Fibonacci of 0 and 1", SIZE);
        de_bruijn(SIZE);
        check("de Bruijn", SIZE);
        for (size_t i = 0; i < SIZE; i++)
                bytes[i] = __builtin_parityll(i) ? 98 : 97;
        check("Thue-Morse", SIZE);
        for (size_t i = 0; i < SIZE; i++)
                bytes[i] = i % 2 ? 0xff : 0xfe;
        check("two values", SIZE);
        for (size_t i = 0; i < SIZE; i++)
                bytes[i] = (uint8_t)(i * i);
        check("squares", SIZE);
        for (size_t i = 0; i < SIZE; i++)
                bytes[i] = (uint8_t)(i >> 8);
        check("stairs", SIZE);
        for (size_t i = 0; i < SIZE; i++)
                bytes[i] = i % 65536 ? 1 : 2;
        check("a mark in a filling", SIZE);
        /* An anchor that nearly fits everywhere. */
        for (size_t i = 0; i < SIZE; i++)
                bytes[i] = i < 16384 && i % 64 == 63 ? 'b' : 'a';
        check("nearly", SIZE);
        seed = 3;
        clutter(bytes, SIZE);
        check("clutter", SIZE);
        for (size_t len = 0; len < 300; len++) {
                for (size_t i = 0; i < len; i++)
                        bytes[i] = (uint8_t)(i % 7 ? i % 7 : next());
                struct cs_period p;
                uint8_t *exact = malloc(len + 1);
                assert_non_null(exact);
                memcpy(exact, bytes, len);
                if (cs_period_find(finder, exact, len, true, &p)) {
                        struct cs_period_run run;
                        assert_true(cs_period_run(&p, exact, len, 0, len, &run));
                }
                free(exact);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(strides),
                cmocka_unit_test(what_is_shared),
                cmocka_unit_test(pages_with_headers),
                cmocka_unit_test(gaps),
                cmocka_unit_test(words),
                cmocka_unit_test(none),
                cmocka_unit_test(hostile),
        };
        return cmocka_run_group_tests(tests, setup, teardown);
}
