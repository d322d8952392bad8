/* SPDX-License-Identifier: Apache-2.0 */
#include "vec.h"

#include <stdint.h>

enum cs_status cs_vec_reserve_bytes(void **at, size_t *cap, size_t n, size_t more, size_t size,
                                    struct cs_error *err)
{
        if (more <= *cap - n)
                return CS_OK;
        size_t want = *cap < 8 ? 8 : *cap;
        while (want - n < more) {
                if (want > SIZE_MAX / 2)
                        return cs_fail(err, CS_ENOMEM, "array of %zu elements", n);
                want *= 2;
        }
        void *grown = reallocarray(*at, want, size);
        if (!grown)
                return cs_fail(err, CS_ENOMEM, "array of %zu elements of %zu bytes", want, size);
        *at = grown;
        *cap = want;
        return CS_OK;
}
