/* SPDX-License-Identifier: Apache-2.0 */
#include "pagedigest_private.h"

#if defined(__x86_64__)

uint64_t cs_pagedigest_by_avx2(const uint8_t *page)
{
        return cs_pagedigest_here(page);
}

#endif
