/* SPDX-License-Identifier: Apache-2.0 */
#include "libraryreport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *keep(struct cs_pool *pool, const char *text)
{
        return text ? cs_pool_copy(pool, text, strlen(text)) : NULL;
}

static const char *hex(struct cs_pool *pool, const uint8_t *bytes, size_t len)
{
        char *text = len ? cs_pool_alloc(pool, 2 * len + 1, 1) : NULL;
        for (size_t i = 0; text && i < len; i++)
                snprintf(text + 2 * i, 3, "%02x", bytes[i]);
        return text;
}

static int by_resident(const void *a, const void *b)
{
        const struct cs_report_library *x = a, *y = b;
        if (x->resident != y->resident)
                return x->resident > y->resident ? -1 : 1;
        if (x->bytes != y->bytes)
                return x->bytes > y->bytes ? -1 : 1;
        return strcmp(x->library ? x->library : "", y->library ? y->library : "");
}

enum cs_status cs_libraryreport_build(const struct cs_libraryreport_input *in, struct cs_report *r,
                                      struct cs_error *err)
{
        size_t n = cs_unloaded_modules(in->image, in->unloaded);
        struct cs_report_library *all = cs_pool_alloc(&r->pool, n + 1, sizeof(*all));
        if (!all)
                return cs_fail(err, CS_ENOMEM, "libraries");
        struct cs_block_cursor cursor = cs_blocks_all(in->blocks);
        struct cs_residency_walk residency = { .residency = in->residency };
        struct cs_block b;
        uint32_t block;
        while (cs_blocks_next(&cursor, &b, &block)) {
                if (b.state != CS_BLOCK_IN_USE)
                        continue;
                int32_t module = cs_label_module(in->owners, block);
                struct cs_report_library *l = &all[module == CS_NO_MODULE ? n : (size_t)module];
                l->count++;
                l->bytes += b.size;
                l->resident += cs_residency_walk_bytes(&residency, cs_block_range(&b));
                l->confidence += in->owners->certainty[block] / 255.0 * (double)b.size;
        }
        for (size_t i = 0; i <= n; i++) {
                if (!all[i].count)
                        continue;
                all[i].confidence /= (double)all[i].bytes;
                if (i < n)
                        all[i].library = keep(&r->pool, cs_unloaded_name(in->image, in->unloaded, i));
                if (i < in->image->modules.n)
                        all[i].build_id = hex(&r->pool, in->image->modules.at[i].build_id,
                                              in->image->modules.at[i].build_id_len);
                all[r->n_libraries++] = all[i];
        }
        r->libraries = all;
        qsort(all, r->n_libraries, sizeof(*all), by_resident);
        return CS_OK;
}
