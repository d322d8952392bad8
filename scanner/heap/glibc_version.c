/* SPDX-License-Identifier: Apache-2.0 */
#include "glibc_version.h"

#include <string.h>

enum {
        BANNER_SEARCH = 4 << 20, /* bytes of read-only data that are looked through */
        VERSION_MAX = 16,
};

static const char before[] = " release version ";

/* Digits and points behind the marker, without the full stop that ends the sentence. */
static size_t version_length(const uint8_t *at, size_t len)
{
        size_t n = 0;
        while (n < len && n < VERSION_MAX && (at[n] == '.' || (at[n] >= '0' && at[n] <= '9')))
                n++;
        while (n && at[n - 1] == '.')
                n--;
        return n;
}

/* The version in one stretch of memory, or NULL. Windows overlap by what marker and version take. */
static const char *search(struct cs_view *view, struct cs_range range, struct cs_pool *pool)
{
        size_t marker = sizeof(before) - 1, got;
        for (uint64_t at = range.start; at < range.end; at += got - marker - VERSION_MAX + 1) {
                uint64_t left = range.end - at;
                const uint8_t *bytes =
                        cs_view_whole(view, at, left < CS_VIEW_BYTES ? (size_t)left : CS_VIEW_BYTES, &got);
                if (!bytes || got < marker + VERSION_MAX)
                        break;
                const uint8_t *found = memmem(bytes, got - VERSION_MAX, before, marker);
                size_t len = found ? version_length(found + marker, VERSION_MAX) : 0;
                if (len)
                        return cs_pool_copy(pool, found + marker, len);
        }
        return NULL;
}

const char *cs_glibc_version(const struct cs_image *image, struct cs_symbols *symbols, size_t module,
                             struct cs_pool *pool)
{
        size_t n;
        const struct cs_section *sections = cs_symbols_sections(symbols, module, &n);
        struct cs_view view;
        const char *version = NULL;
        cs_view_init(&view, image->source);
        for (size_t i = 0; i < n && !version; i++) {
                struct cs_range range = sections[i].range;
                if (sections[i].part != CS_PART_RODATA)
                        continue;
                if (cs_range_size(range) > BANNER_SEARCH)
                        range.end = range.start + BANNER_SEARCH;
                version = search(&view, range, pool);
        }
        cs_view_deinit(&view);
        return version;
}
