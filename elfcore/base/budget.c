/* SPDX-License-Identifier: Apache-2.0 */
#include "budget.h"

uint64_t cs_budget_bytes;

void cs_budget_set(uint64_t bytes)
{
        cs_budget_bytes = bytes;
}
