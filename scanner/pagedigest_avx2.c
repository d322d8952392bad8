/* SPDX-License-Identifier: Apache-2.0 */
#include "pagedigest_private.h"

#if defined(__x86_64__)

#include "range.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t cs_pagedigest_by_avx2(const uint8_t *page)
{
        uint64_t sum = XXH3_64bits(page, CS_PAGE);
        return sum ? sum : 1;
}

#endif
