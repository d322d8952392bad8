/* SPDX-License-Identifier: Apache-2.0 */
#include "pool.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POOL_CHUNK = 64 * 1024, POOL_ALIGN = 16 };

struct cs_pool_chunk {
        struct cs_pool_chunk *next;
        _Alignas(POOL_ALIGN) unsigned char bytes[];
};

void cs_pool_deinit(struct cs_pool *pool)
{
        if (!pool)
                return;
        while (pool->chunks) {
                struct cs_pool_chunk *next = pool->chunks->next;
                free(pool->chunks);
                pool->chunks = next;
        }
        *pool = (struct cs_pool){ 0 };
}

void cs_pool_reset(struct cs_pool *pool)
{
        struct cs_pool_chunk *first = pool->chunks;
        if (!first || pool->cap > POOL_CHUNK) {
                cs_pool_deinit(pool);
                return;
        }
        struct cs_pool rest = { .chunks = first->next };
        cs_pool_deinit(&rest);
        first->next = NULL;
        memset(first->bytes, 0, pool->used);
        pool->used = 0;
}

void *cs_pool_alloc(struct cs_pool *pool, size_t count, size_t size)
{
        size_t bytes;
        if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 2)
                return NULL;
        bytes = (bytes + POOL_ALIGN - 1) & ~(size_t)(POOL_ALIGN - 1);
        if (!pool->chunks || bytes > pool->cap - pool->used) {
                size_t cap = bytes > POOL_CHUNK ? bytes : POOL_CHUNK;
                struct cs_pool_chunk *chunk = calloc(1, sizeof(*chunk) + cap);
                if (!chunk)
                        return NULL;
                chunk->next = pool->chunks;
                pool->chunks = chunk;
                pool->used = 0;
                pool->cap = cap;
        }
        void *at = pool->chunks->bytes + pool->used;
        pool->used += bytes;
        return at;
}

char *cs_pool_copy(struct cs_pool *pool, const void *bytes, size_t len)
{
        if (len == SIZE_MAX)
                return NULL;
        char *copy = cs_pool_alloc(pool, len + 1, 1);
        if (copy && len)
                memcpy(copy, bytes, len);
        return copy;
}

char *cs_pool_vprintf(struct cs_pool *pool, const char *format, va_list args)
{
        char brief[256]; /* most are: then it is formatted once */
        va_list again;
        va_copy(again, args);
        int len = vsnprintf(brief, sizeof(brief), format, args);
        char *text = NULL;
        if (len >= 0 && (size_t)len < sizeof(brief)) {
                text = cs_pool_copy(pool, brief, (size_t)len);
        } else if (len >= 0 && (text = cs_pool_alloc(pool, (size_t)len + 1, 1)) != NULL) {
                (void)vsnprintf(text, (size_t)len + 1, format, again);
        }
        va_end(again);
        return text;
}

char *cs_pool_printf(struct cs_pool *pool, const char *format, ...)
{
        va_list args;
        va_start(args, format);
        char *text = cs_pool_vprintf(pool, format, args);
        va_end(args);
        return text;
}
