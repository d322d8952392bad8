/* SPDX-License-Identifier: Apache-2.0 */
#include "word.h"

#include "text.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
        FLAGS_VALUES = 8,   /* as many distinct values at most */
        FLAGS_SAMPLES = 32, /* of which each stands for several samples */
};

/* A kind is given when nearly all words fit: a few torn or stale ones are normal in samples of a live heap.
 */
static const double FITS = 0.9;

static int compare_words(const void *a, const void *b)
{
        uint64_t x, y;
        memcpy(&x, a, sizeof(x));
        memcpy(&y, b, sizeof(y));
        return (x > y) - (x < y);
}

struct runs {
        size_t distinct;
        size_t most; /* how often the most frequent value occurs */
        uint64_t value;
};

static struct runs count_runs(const uint64_t *sorted, size_t n)
{
        struct runs r = { 0 };
        for (size_t i = 0, end; i < n; i = end) {
                for (end = i + 1; end < n && sorted[end] == sorted[i]; end++)
                        ;
                r.distinct++;
                if (end - i > r.most) {
                        r.most = end - i;
                        r.value = sorted[i];
                }
        }
        return r;
}

/* The characters of one word of text: all eight printable, or a printable start of two and more and then
 * NULs. Shorter ones are small numbers. */
static bool is_text(uint64_t word)
{
        uint8_t bytes[8];
        memcpy(bytes, &word, sizeof(bytes));
        size_t run = cs_text_run(bytes, sizeof(bytes));
        if (run == 8)
                return true;
        /* A UTF-8 character may continue in the next word. */
        if (run >= 4 && bytes[run] >= 0xc2)
                return true;
        return run >= 3 && (run == 7 || word >> (run * 8) == 0) && bytes[run] == 0;
}

/* One value everywhere may as well be a magic number: only eight characters tell. */
static bool is_text_throughout(uint64_t word)
{
        uint8_t bytes[8];
        memcpy(bytes, &word, sizeof(bytes));
        return cs_text_run(bytes, sizeof(bytes)) == sizeof(bytes);
}

/* The first seconds of these years, UTC. */
static const uint64_t YEAR_2000 = 946684800, YEAR_2100 = 4102444800;

static bool is_time(uint64_t word, uint64_t per_second)
{
        return word / per_second >= YEAR_2000 && word / per_second < YEAR_2100;
}

/* Doubles that programs hold: not zero, not denormal, of a magnitude between 1e-9 and 1e15. Small integers
 * and addresses are denormals when read so, text is huge or tiny. */
static bool is_float(uint64_t word)
{
        double d;
        memcpy(&d, &word, sizeof(d));
        d = fabs(d);
        return d >= 1e-9 && d <= 1e15;
}

static bool is_small_half(uint32_t half)
{
        return half < 0x1000000 || half > 0xff000000;
}

static bool is_int(uint64_t word)
{
        int64_t value;
        memcpy(&value, &word, sizeof(value));
        if (value > -(1ll << 40) && value < (1ll << 40))
                return true;
        return is_small_half((uint32_t)word) && is_small_half((uint32_t)(word >> 32));
}

/* Zero is part of every kind of number (a field not yet set), but tells nothing of it: shares are of the
 * others. */
static double share(const uint64_t *values, size_t n, bool (*fits)(uint64_t))
{
        size_t fit = 0, told = 0;
        for (size_t i = 0; i < n; i++) {
                if (!values[i])
                        continue;
                told++;
                fit += fits(values[i]);
        }
        return told ? (double)fit / (double)told : 0;
}

/* Times of one kind lie close to one another: the middle nine tenths within two years. Sorted input, zeros
 * first. A column of few samples, or of counters that pass through this range, is not told from times by more
 * than this. */
static double time_share(const uint64_t *sorted, size_t n)
{
        static const uint64_t units[] = { 1, 1000, 1000000, 1000000000 };
        size_t zeros = 0;
        while (zeros < n && !sorted[zeros])
                zeros++;
        const uint64_t *v = sorted + zeros;
        size_t told = n - zeros;
        /* Most are zero: too little to tell. */
        if (told == 0 || told < zeros)
                return 0;
        for (size_t u = 0; u < sizeof(units) / sizeof(units[0]); u++) {
                size_t fit = 0;
                for (size_t i = 0; i < told; i++)
                        fit += is_time(v[i], units[u]);
                uint64_t low = v[told / 20], high = v[told - 1 - told / 20];
                if (fit >= told - told / 10 && (high - low) / units[u] <= 2 * 366 * 86400ull)
                        return (double)fit / (double)told;
        }
        return 0;
}

/* Bit patterns: together the values use few bits, and far fewer of them than a counter would. */
static bool few_bits(const uint64_t *sorted, size_t n)
{
        uint64_t ored = 0;
        for (size_t i = 0; i < n; i++)
                ored |= sorted[i];
        return __builtin_popcountll(ored) <= FLAGS_VALUES || ored < 256;
}

struct cs_column_facts cs_column_judge(uint64_t *values, size_t n)
{
        qsort(values, n, sizeof(*values), compare_words);
        struct runs r = count_runs(values, n);
        struct cs_column_facts f = { .kind = CS_COLUMN_MIXED, .value = r.value, .share = 1 };

        if (r.distinct == 1) {
                f.kind = !r.value                      ? CS_COLUMN_ZERO
                         : is_text_throughout(r.value) ? CS_COLUMN_TEXT
                                                       : CS_COLUMN_CONSTANT;
                return f;
        }
        if ((f.share = share(values, n, is_text)) >= FITS) {
                f.kind = CS_COLUMN_TEXT;
        } else if ((f.share = time_share(values, n)) > 0) {
                f.kind = CS_COLUMN_TIME;
        } else if (r.distinct <= FLAGS_VALUES && n >= FLAGS_SAMPLES && few_bits(values, n)) {
                f.kind = CS_COLUMN_FLAGS;
                f.share = 1;
        } else if ((f.share = share(values, n, is_float)) >= FITS) {
                f.kind = CS_COLUMN_FLOAT;
        } else if ((f.share = share(values, n, is_int)) >= FITS) {
                f.kind = CS_COLUMN_INT;
        } else {
                f.share = (double)r.most / (double)n;
        }
        return f;
}

enum cs_column cs_word_judge(uint64_t word)
{
        if (!word)
                return CS_COLUMN_ZERO;
        if (is_text(word))
                return CS_COLUMN_TEXT;
        bool halves = is_small_half((uint32_t)word) && is_small_half((uint32_t)(word >> 32));
        if ((word >= 1000000000 && word <= INT32_MAX) ||
            (!halves && (is_time(word, 1000) || is_time(word, 1000000) || is_time(word, 1000000000))))
                return CS_COLUMN_TIME;
        if (is_int(word))
                return CS_COLUMN_INT;
        return is_float(word) ? CS_COLUMN_FLOAT : CS_COLUMN_MIXED;
}
