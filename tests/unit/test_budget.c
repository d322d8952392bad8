/* SPDX-License-Identifier: Apache-2.0 */
#include "budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_entries(void **state)
{
        (void)state;
        assert_int_equal(cs_budget(), 0);
        assert_int_equal(cs_budget_entries(1 << 22, 100, 1), 1 << 22); /* nobody said anything */
        cs_budget_set(UINT64_C(100) << 20);
        assert_int_equal(cs_budget(), 100 << 20);
        assert_int_equal(cs_budget_entries(1 << 22, 100, 10), (100 << 20) / 100 * 10 / 100);
        assert_int_equal(cs_budget_entries(1000, 100, 10), 1000);
        assert_int_equal(cs_budget_entries(1 << 22, 1 << 20, 10), CS_BUDGET_LEAST);
        cs_budget_set(UINT64_MAX);
        assert_int_equal(cs_budget_entries(1 << 22, 100, 10), 1 << 22);
        cs_budget_set(0);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_entries) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
