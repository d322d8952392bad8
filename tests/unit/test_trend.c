/* SPDX-License-Identifier: Apache-2.0 */
#include "trend_series.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SERIES = 7 * 36 };

static struct cs_trend_fit find(const struct cs_sample *at, size_t n)
{
        struct cs_trend_fit fit;
        struct cs_error err = { 0 };
        if (cs_trend_find(at, n, &fit, &err) != CS_OK)
                fail_msg("%s", err.text);
        assert_true(fit.confidence >= 0 && fit.confidence <= 1);
        assert_true(isfinite(fit.per_second) && isfinite(fit.doubling) && isfinite(fit.noise));
        return fit;
}

static void print_matrix(unsigned matrix[CS_TRENDS][CS_TRENDS])
{
        static const char *const heads[CS_TRENDS] = { "none", "plat", "lin", "step", "exp", "saw", "rise" };
        printf("%-32s", "is \\ is called");
        for (int i = 0; i < CS_TRENDS; i++)
                printf("%6s", heads[i]);
        printf("\n");
        for (int i = 0; i < CS_TRENDS; i++) {
                printf("%-32s", cs_trend_words((enum cs_trend)i));
                for (int k = 0; k < CS_TRENDS; k++)
                        printf("%6u", matrix[i][k]);
                printf("\n");
        }
}

static void judge(enum series_set set, const char *name)
{
        unsigned matrix[CS_TRENDS][CS_TRENDS] = { 0 }, right = 0, false_leaks = 0, missed = 0, far = 0,
                 rated = 0;
        for (unsigned i = 0; i < SERIES; i++) {
                struct series s = series_make(set, i);
                struct cs_trend_fit fit = find(s.at, s.n);
                assert_true(fit.told);
                matrix[s.shape][fit.shape]++;
                right += s.shape == fit.shape;
                false_leaks += !cs_trend_grows(s.shape) && cs_trend_grows(fit.shape);
                missed += cs_trend_grows(s.shape) && !cs_trend_grows(fit.shape);
                if (s.shape != fit.shape)
                        printf("  %s: called %s (%.0f %% sure)\n", s.name, cs_trend_words(fit.shape),
                               100 * fit.confidence);
                else if (s.rate > 0) {
                        rated++;
                        far += !(fit.per_second > 0.7 * s.rate && fit.per_second < 1.4 * s.rate);
                }
        }
        printf("%s: %u of %u right (%.1f %%); healthy called a leak: %u; leaks called healthy: %u; rates off by a third: %u of %u\n",
               name, right, SERIES, 100.0 * right / SERIES, false_leaks, missed, far, rated);
        print_matrix(matrix);
        assert_int_equal(false_leaks, 0);
        assert_true(right * 100 >= 95 * SERIES);
        assert_true(far * 20 <= rated);
}

static void test_tried(void **state)
{
        (void)state;
        judge(SERIES_TRIED, "series that were looked at");
}

static void test_held_out(void **state)
{
        (void)state;
        judge(SERIES_HELD_OUT, "series that were held out");
}

/* ---- edges ------------------------------------------------------------------------------------------------------- */

static void test_few(void **state)
{
        (void)state;
        struct cs_sample at[CS_TREND_LEAST];
        for (size_t i = 0; i < CS_TREND_LEAST; i++)
                at[i] = (struct cs_sample){ (double)i, 100.0 * (double)i, 0 };
        assert_false(find(at, 0).told);
        assert_false(find(at, CS_TREND_LEAST - 1).told);
        struct cs_trend_fit fit = find(at, CS_TREND_LEAST);
        assert_true(fit.told);
        assert_int_equal(fit.shape, CS_TREND_LINEAR);
        assert_true(fabs(fit.per_second - 100) < 1);
        /* All at one moment: there is no time in it. */
        for (size_t i = 0; i < CS_TREND_LEAST; i++)
                at[i].time = 7;
        assert_false(find(at, CS_TREND_LEAST).told);
}

static void test_odd_values(void **state)
{
        (void)state;
        enum { MANY = 40 };
        struct cs_sample at[MANY];
        for (size_t i = 0; i < MANY; i++) /* backwards, and not all are numbers */
                at[i] = (struct cs_sample){ (double)(MANY - i), 1e9 + 1e6 * (double)(MANY - i), 3 };
        at[3].value = NAN;
        at[8].time = INFINITY;
        at[9].value = -INFINITY;
        at[10].value = 1e300;
        struct cs_trend_fit fit = find(at, MANY);
        assert_int_equal(fit.shape, CS_TREND_LINEAR);
        assert_int_equal(fit.samples, MANY - 4);
        assert_true(fabs(fit.per_second / 1e6 - 1) < 0.01);
        for (size_t i = 0; i < MANY; i++)
                at[i].value = i % 2 ? NAN : INFINITY;
        assert_false(find(at, MANY).told);
        for (size_t i = 0; i < MANY; i++)
                at[i].value = 0;
        fit = find(at, MANY);
        assert_true(fit.told && fit.shape == CS_TREND_NONE && fit.per_second == 0);
}

/* A buffer that was there for one moment is no growth and no fall. */
static void test_spike(void **state)
{
        (void)state;
        struct cs_sample at[30];
        for (size_t i = 0; i < 30; i++)
                at[i] = (struct cs_sample){ 10.0 * (double)i, 5e7 + 1e5 * (double)i, 0 };
        at[12].value += 9e7;
        struct cs_trend_fit fit = find(at, 30);
        assert_int_equal(fit.shape, CS_TREND_LINEAR);
        assert_true(fabs(fit.per_second / 1e4 - 1) < 0.05);
}

/* What was there before a restart is another process: a fall that is none, and growth that is none. */
static void test_restart(void **state)
{
        (void)state;
        struct cs_sample at[40];
        for (size_t i = 0; i < 40; i++) {
                bool later = i >= 15;
                at[i] = (struct cs_sample){ 60.0 * (double)i,
                                            later ? 1e8 + 3e5 * (double)(i - 15) : 9e8 - 1e5 * (double)i,
                                            later };
        }
        struct cs_trend_fit fit = find(at, 40);
        assert_int_equal(fit.shape, CS_TREND_LINEAR);
        assert_int_equal(fit.samples, 25);
        assert_true(fabs(fit.per_second / 5e3 - 1) < 0.02);
        for (size_t i = 0; i < 40; i++) /* each level, the second higher */
                at[i].value = i >= 15 ? 9e8 : 1e8;
        assert_int_equal(find(at, 40).shape, CS_TREND_NONE);
}

static void test_doubling(void **state)
{
        (void)state;
        struct cs_sample at[50];
        for (size_t i = 0; i < 50; i++)
                at[i] = (struct cs_sample){ 30.0 * (double)i, 2e7 + 1e6 * exp2((double)i / 10), 0 };
        struct cs_trend_fit fit = find(at, 50);
        assert_int_equal(fit.shape, CS_TREND_EXPONENTIAL);
        assert_true(fabs(fit.doubling / 300 - 1) < 0.1);
        double rate = 1e6 * exp2(4.9) * log(2) / 300; /* at the end */
        assert_true(fabs(fit.per_second / rate - 1) < 0.1);
}

/* More samples than are used; shrinking is no growth. */
static void test_many(void **state)
{
        (void)state;
        enum { MANY = 20000 };
        struct cs_sample *at = calloc(MANY, sizeof(*at));
        assert_non_null(at);
        for (size_t i = 0; i < MANY; i++)
                at[i] = (struct cs_sample){ (double)i, 1e6 + 50.0 * (double)i, 0 };
        assert_int_equal(find(at, MANY).shape, CS_TREND_LINEAR);
        for (size_t i = 0; i < MANY; i++)
                at[i].value = 1e7 - 50.0 * (double)i;
        assert_int_equal(find(at, MANY).shape, CS_TREND_NONE);
        free(at);
}

/* Few looks that lie beside a line in a bow are on their way up all the same. */
static void test_bow(void **state)
{
        (void)state;
        struct cs_sample at[6];
        for (size_t i = 0; i < 6; i++)
                at[i] = (struct cs_sample){ (double)i, 1e6 * ((double)i + 0.03 * (double)(i * i)), 0 };
        struct cs_trend_fit fit = find(at, 6);
        assert_int_equal(fit.shape, CS_TREND_LINEAR);
        assert_true(fabs(fit.per_second / 1.15e6 - 1) < 0.1);
}

/* What has slowed down to a third, without noise, leaves more beside a line than noise would: it is no accident that it grew. */
static void test_slowing(void **state)
{
        (void)state;
        struct cs_sample at[50];
        double value = 5e6;
        for (size_t i = 0; i < 50; i++) {
                at[i] = (struct cs_sample){ 0.4 * (double)i, 65536 * floor(value / 65536), 0 };
                value += i < 35 ? 640e3 : 230e3;
        }
        struct cs_trend_fit fit = find(at, 50);
        assert_true(cs_trend_grows(fit.shape));
        assert_true(fit.per_second > 500e3);
}

static void test_names(void **state)
{
        (void)state;
        assert_string_equal(cs_trend_name(CS_TREND_RISING), "sawtooth");
        assert_string_equal(cs_trend_words(CS_TREND_RISING), "a sawtooth with a rising floor");
        for (int i = 0; i < CS_TRENDS - 1; i++)
                assert_string_equal(cs_trend_name((enum cs_trend)i), cs_trend_words((enum cs_trend)i));
        assert_true(cs_trend_grows(CS_TREND_RISING) && !cs_trend_grows(CS_TREND_SAWTOOTH) &&
                    !cs_trend_grows(CS_TREND_PLATEAU) && !cs_trend_grows(CS_TREND_NONE));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_tried),    cmocka_unit_test(test_held_out),
                cmocka_unit_test(test_few),      cmocka_unit_test(test_odd_values),
                cmocka_unit_test(test_spike),    cmocka_unit_test(test_restart),
                cmocka_unit_test(test_doubling), cmocka_unit_test(test_many),
                cmocka_unit_test(test_slowing),  cmocka_unit_test(test_bow),
                cmocka_unit_test(test_names),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
