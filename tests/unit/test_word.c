#include "word.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { N = 100 };

static uint64_t of_double(double d)
{
        uint64_t w;
        memcpy(&w, &d, sizeof(w));
        return w;
}

static uint64_t of_text(const char *text)
{
        uint64_t w = 0;
        memcpy(&w, text, strnlen(text, sizeof(w)));
        return w;
}

/* The i-th sample of each column. */
static uint64_t zero(uint64_t i)
{
        (void)i;
        return 0;
}

static uint64_t constant(uint64_t i)
{
        (void)i;
        return 24880;
}

static uint64_t names(uint64_t i)
{
        static const char *const words[] = { "alice", "bob", "carmen-and-more", "dmitri" };
        return of_text(words[i % 4]);
}

static uint64_t accented(uint64_t i)
{
        return of_text("grün und") + i;
}

static uint64_t flags(uint64_t i)
{
        static const uint64_t values[] = { 0, 1, 4, 5 };
        return values[i % 4];
}

static uint64_t high_flags(uint64_t i)
{
        return i % 3 ? 0x8000000000000001u : 0x4000000000000000u;
}

static uint64_t seconds(uint64_t i)
{
        return 1700000000 + i * 3600;
}

static uint64_t millis(uint64_t i)
{
        return 1700000000000 + i * 77777;
}

static uint64_t nanos(uint64_t i)
{
        return 1700000000000000000 + i * 123456789;
}

static uint64_t far_seconds(uint64_t i)
{
        return 946684800 + i * 30000000; /* a century of them: numbers */
}

static uint64_t floats(uint64_t i)
{
        return of_double(0.37 * (double)(i + 1));
}

static uint64_t negative_floats(uint64_t i)
{
        return i % 5 ? of_double(-1.5 * (double)i - 1) : 0;
}

static uint64_t ints(uint64_t i)
{
        return i * 7919;
}

static uint64_t negative_ints(uint64_t i)
{
        return (uint64_t) - (int64_t)(i * 31 + 1);
}

static uint64_t halves(uint64_t i)
{
        return (i * 3 + 1) << 32 | (i * 1000);
}

static uint64_t noise(uint64_t i)
{
        uint64_t x = (i + 1) * 0x9e3779b97f4a7c15u;
        x ^= x >> 29;
        return x * 0xbf58476d1ce4e5b9u;
}

static uint64_t mostly_ints(uint64_t i)
{
        return i % 20 ? i * 17 : noise(i);
}

static const struct {
        const char *name;
        uint64_t (*sample)(uint64_t);
        enum cs_column kind;
} columns[] = {
        { "zero", zero, CS_COLUMN_ZERO },
        { "constant", constant, CS_COLUMN_CONSTANT },
        { "names", names, CS_COLUMN_TEXT },
        { "flags", flags, CS_COLUMN_FLAGS },
        { "high flags", high_flags, CS_COLUMN_FLAGS },
        { "seconds", seconds, CS_COLUMN_TIME },
        { "milliseconds", millis, CS_COLUMN_TIME },
        { "nanoseconds", nanos, CS_COLUMN_TIME },
        { "seconds far from one another", far_seconds, CS_COLUMN_INT },
        { "floats", floats, CS_COLUMN_FLOAT },
        { "negative floats, some zero", negative_floats, CS_COLUMN_FLOAT },
        { "ints", ints, CS_COLUMN_INT },
        { "negative ints", negative_ints, CS_COLUMN_INT },
        { "two halves", halves, CS_COLUMN_INT },
        { "noise", noise, CS_COLUMN_MIXED },
        { "ints, a few torn", mostly_ints, CS_COLUMN_INT },
};

static void judges_columns(void **state)
{
        (void)state;
        for (size_t k = 0; k < sizeof(columns) / sizeof(columns[0]); k++) {
                uint64_t values[N];
                for (size_t i = 0; i < N; i++)
                        values[i] = columns[k].sample(i);
                struct cs_column_facts f = cs_column_judge(values, N);
                if (f.kind != columns[k].kind)
                        fail_msg("%s: %d, not %d", columns[k].name, (int)f.kind, (int)columns[k].kind);
                assert_true(f.share >= 0 && f.share <= 1);
        }
}

static void tells_the_value(void **state)
{
        (void)state;
        uint64_t one = 42, many[] = { 3, 9, 9, 3, 9, 1000 };
        struct cs_column_facts f = cs_column_judge(&one, 1);
        assert_int_equal(f.kind, CS_COLUMN_CONSTANT);
        assert_int_equal(f.value, 42);
        f = cs_column_judge(many, 6);
        assert_int_equal(f.value, 9);
        /* Few samples do not make flags. */
        assert_int_equal(f.kind, CS_COLUMN_INT);
}

static void text_may_end_within_a_character(void **state)
{
        (void)state;
        uint64_t values[N];
        for (size_t i = 0; i < N; i++)
                values[i] = (accented(i % 2) & 0x00ffffffffffffff) | (uint64_t)0xc3 << 56;
        assert_int_equal(cs_column_judge(values, N).kind, CS_COLUMN_TEXT);
}

static void judges_words_alone(void **state)
{
        (void)state;
        static const struct {
                uint64_t word;
                enum cs_column kind;
        } words[] = {
                { 0, CS_COLUMN_ZERO },
                { 1, CS_COLUMN_INT },
                { UINT64_MAX, CS_COLUMN_INT },
                { 999999999, CS_COLUMN_INT },
                { 1700000000, CS_COLUMN_TIME },
                { UINT64_C(0x7fffffff), CS_COLUMN_TIME },
                { UINT64_C(0x80000000), CS_COLUMN_INT },
                { UINT64_C(1700000000123), CS_COLUMN_TIME },
                { UINT64_C(1700000000123456), CS_COLUMN_TIME },
                { UINT64_C(1700000000123456789), CS_COLUMN_TIME },
                { UINT64_C(0x00000140000000c8), CS_COLUMN_INT }, /* 320 and 200, not 2013 in milliseconds */
                { UINT64_C(0x3ff8000000000000), CS_COLUMN_FLOAT },
                { UINT64_C(0x6f77206f6c6c6568), CS_COLUMN_TEXT },
                { UINT64_C(0x6f6c6c6568), CS_COLUMN_TEXT },
                { UINT64_C(0xfedcba9876543210), CS_COLUMN_MIXED },
        };
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
                if (cs_word_judge(words[i].word) != words[i].kind)
                        fail_msg("0x%llx: %d, not %d", (unsigned long long)words[i].word,
                                 (int)cs_word_judge(words[i].word), (int)words[i].kind);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(judges_columns),
                cmocka_unit_test(tells_the_value),
                cmocka_unit_test(text_may_end_within_a_character),
                cmocka_unit_test(judges_words_alone),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
