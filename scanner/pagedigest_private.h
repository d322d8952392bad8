/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_PAGEDIGEST_PRIVATE_H
#define CS_PAGEDIGEST_PRIVATE_H

#include "pagedigest.h"

#include "range.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* As the file is compiled that it comes to stand in. */
static inline uint64_t cs_pagedigest_here(const uint8_t *page)
{
        uint64_t sum = XXH3_64bits(page, CS_PAGE);
        return sum ? sum : 1;
}

/* In a file of its own, for the whole of xxhash.h has to be compiled for such processors; x86-64 only. */
uint64_t cs_pagedigest_by_avx2(const uint8_t *page);

#endif
