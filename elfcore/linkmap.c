/* SPDX-License-Identifier: Apache-2.0 */
#include "linkmap.h"

#include "cs_limits.h"
#include "cursor.h"

#include <string.h>

/* The public beginning of both structures, the same in glibc (elf/link.h) and musl (include/link.h) since their first
 * x86-64 versions: debuggers depend on it. */
enum {
        DEBUG_MAP = 8,   /* r_debug: r_version, r_map */
        LINK_BYTES = 40, /* link_map: l_addr, l_name, l_ld, l_next, l_prev */
        NAME_MAX_BYTES = 4096,
};

static const char *read_name(struct cs_source *source, uint64_t addr, struct cs_pool *pool)
{
        char text[NAME_MAX_BYTES];
        size_t got;
        if (!addr || cs_source_read(source, addr, text, sizeof(text), &got, NULL) != CS_OK)
                got = 0;
        size_t len = strnlen(text, got);
        return cs_pool_copy(pool, text, len < got ? len : 0);
}

enum cs_status cs_linkmap_read(struct cs_source *source, uint64_t debug, struct cs_pool *pool,
                               cs_link_vec *out, struct cs_error *err)
{
        uint64_t at, before = 0;
        if (!debug || debug > UINT64_MAX - DEBUG_MAP || !cs_source_u64(source, debug + DEBUG_MAP, &at))
                return CS_OK;
        while (at && out->n < CS_LIMIT_LINKS) {
                uint8_t raw[LINK_BYTES];
                if (!cs_source_exact(source, at, raw, sizeof(raw)))
                        break;
                struct cs_cursor c = cs_cursor_make(raw, sizeof(raw));
                struct cs_link link = { .bias = cs_cursor_u64(&c) };
                uint64_t name = cs_cursor_u64(&c);
                link.dynamic = cs_cursor_u64(&c);
                uint64_t next = cs_cursor_u64(&c);
                if (cs_cursor_u64(&c) != before)
                        break;
                link.name = read_name(source, name, pool);
                if (!link.name)
                        return cs_fail(err, CS_ENOMEM, "loader's list");
                enum cs_status st = cs_vec_push(out, link, err);
                if (st != CS_OK)
                        return st;
                before = at;
                at = next;
        }
        return CS_OK;
}
