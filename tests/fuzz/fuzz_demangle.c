/* SPDX-License-Identifier: Apache-2.0 */
/* Names of symbols and of types: bounded in time and length, and nothing leaks where printing was given up. */
#include "cs_limits.h"
#include "symbols.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct cs_pool pool = { 0 };
        char *name = malloc(size + 1);
        if (!name)
                return 0;
        memcpy(name, data, size);
        name[size] = 0;
        for (int type = 0; type < 2; type++) {
                const char *text = cs_demangle(&pool, name, type);
                if (!text || strlen(text) > CS_LIMIT_NAME)
                        abort();
        }
        free(name);
        cs_pool_deinit(&pool);
        return 0;
}
