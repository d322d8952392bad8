/* SPDX-License-Identifier: Apache-2.0 */
/* The one way in which parsers look at bytes of the target: a cursor that never leaves its buffer and stays bad once a
 * read did not fit (every later read gives zero). Check `bad` where a decision is taken, not after every read.
 * Numbers are little-endian: all targets that are read here are. */
#ifndef CS_CURSOR_H
#define CS_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cs_cursor {
        const uint8_t *pos;
        const uint8_t *end;
        bool bad;
};

static inline struct cs_cursor cs_cursor_make(const void *bytes, size_t len)
{
        return (struct cs_cursor){ .pos = bytes, .end = (const uint8_t *)bytes + len };
}

static inline size_t cs_cursor_left(const struct cs_cursor *c)
{
        return c->bad ? 0 : (size_t)(c->end - c->pos);
}

/* The next len bytes, borrowed from the buffer, or NULL (and bad) when fewer are left. */
static inline const uint8_t *cs_cursor_take(struct cs_cursor *c, size_t len)
{
        if (len > cs_cursor_left(c)) {
                c->bad = true;
                return NULL;
        }
        const uint8_t *at = c->pos;
        c->pos += len;
        return at;
}

static inline void cs_cursor_skip(struct cs_cursor *c, size_t len)
{
        (void)cs_cursor_take(c, len);
}

static inline uint64_t cs_cursor_number(struct cs_cursor *c, size_t len)
{
        const uint8_t *at = cs_cursor_take(c, len);
        uint64_t value = 0;
        if (at)
                memcpy(&value, at, len);
        return value;
}

static inline uint16_t cs_cursor_u16(struct cs_cursor *c)
{
        return (uint16_t)cs_cursor_number(c, 2);
}

static inline uint32_t cs_cursor_u32(struct cs_cursor *c)
{
        return (uint32_t)cs_cursor_number(c, 4);
}

static inline uint64_t cs_cursor_u64(struct cs_cursor *c)
{
        return cs_cursor_number(c, 8);
}

/* A NUL-terminated string that ends inside the buffer, or NULL (and bad). */
static inline const char *cs_cursor_string(struct cs_cursor *c)
{
        size_t left = cs_cursor_left(c);
        const uint8_t *nul = left ? memchr(c->pos, 0, left) : NULL;
        if (!nul) {
                c->bad = true;
                return NULL;
        }
        const char *text = (const char *)c->pos;
        c->pos = nul + 1;
        return text;
}

#endif
