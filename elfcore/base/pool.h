/* SPDX-License-Identifier: Apache-2.0 */
/* A bump allocator: many small things that die together (names, report nodes). Not thread-safe. */
#ifndef CS_POOL_H
#define CS_POOL_H

#include "status.h"

#include <stdarg.h>

struct cs_pool_chunk;

struct cs_pool {
        struct cs_pool_chunk *chunks; /* newest first */
        size_t used;                  /* bytes taken from the newest */
        size_t cap;                   /* bytes the newest can give */
};

void cs_pool_deinit(struct cs_pool *pool);

/* All that was taken dies, as by cs_pool_deinit(); but some memory is held for what comes next, if that is as little. */
void cs_pool_reset(struct cs_pool *pool);

/* Zeroed, 16-byte aligned memory that lives as long as the pool; NULL when our memory ran out or the product of count
 * and size does not fit. */
void *cs_pool_alloc(struct cs_pool *pool, size_t count, size_t size);

/* A NUL-terminated copy of len bytes (which may hold NULs), or NULL when our memory ran out. */
char *cs_pool_copy(struct cs_pool *pool, const void *bytes, size_t len);

/* printf into the pool; NULL when our memory ran out. */
char *cs_pool_printf(struct cs_pool *pool, const char *format, ...) CS_PRINTF(2, 3);
char *cs_pool_vprintf(struct cs_pool *pool, const char *format, va_list args) CS_PRINTF(2, 0);

#endif
