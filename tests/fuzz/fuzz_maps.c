/* SPDX-License-Identifier: Apache-2.0 */
/* The text of /proc/PID/maps. */
#include "maps.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct cs_pool pool = { 0 };
        cs_mapping_vec maps = { 0 };
        size_t bad = 0;
        if (cs_maps_parse((const char *)data, size, &pool, &maps, &bad, NULL) == CS_OK) {
                uint64_t last = 0;
                size_t lines = 0;
                for (size_t i = 0; i < maps.n; i++) {
                        const struct cs_mapping *m = &maps.at[i];
                        if (m->range.start < last || m->range.end <= m->range.start ||
                            (m->path && !*m->path && !m->deleted) || m->module != CS_NO_MODULE)
                                abort();
                        last = m->range.end;
                }
                for (size_t i = 0; i < size; i++)
                        lines += data[i] == '\n' || i + 1 == size;
                if (maps.n + bad != lines)
                        abort();
        }
        cs_vec_deinit(&maps);
        cs_pool_deinit(&pool);
        return 0;
}
