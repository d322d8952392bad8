/* SPDX-License-Identifier: Apache-2.0 */
#include "pagedigest_private.h"

#include "simd.h"

#include <stddef.h>

uint64_t cs_pagedigest_plain(const uint8_t *page)
{
        return cs_pagedigest_here(page);
}

cs_pagedigest_fn cs_pagedigest_avx2(void)
{
#if defined(__x86_64__)
        return cs_simd_has_avx2() ? cs_pagedigest_by_avx2 : NULL;
#else
        return NULL;
#endif
}

cs_pagedigest_fn cs_pagedigest_best(void)
{
        cs_pagedigest_fn avx2 = cs_pagedigest_avx2();
        return avx2 ? avx2 : cs_pagedigest_plain;
}
