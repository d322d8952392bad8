/* SPDX-License-Identifier: Apache-2.0 */
#include "maps.h"

#include "cs_limits.h"

#include <string.h>

static const char deleted_suffix[] = " (deleted)";

/* Reads a hexadecimal number of at most 16 digits and the byte after it. */
static bool take_hex(const char **pos, const char *end, char after, uint64_t *value)
{
        const char *p = *pos;
        uint64_t sum = 0;
        for (; p < end && p - *pos <= 16; p++) {
                unsigned digit;
                if (*p >= '0' && *p <= '9')
                        digit = (unsigned)(*p - '0');
                else if (*p >= 'a' && *p <= 'f')
                        digit = (unsigned)(*p - 'a') + 10;
                else
                        break;
                sum = sum << 4 | digit;
        }
        if (p == *pos || p - *pos > 16 || p >= end || *p != after)
                return false;
        *pos = p + 1;
        *value = sum;
        return true;
}

static bool take_perms(const char **pos, const char *end, uint32_t *perms)
{
        if (end - *pos < 5 || (*pos)[4] != ' ')
                return false;
        const char *p = *pos;
        *perms = (p[0] == 'r' ? CS_PERM_READ : 0u) | (p[1] == 'w' ? CS_PERM_WRITE : 0u) |
                 (p[2] == 'x' ? CS_PERM_EXEC : 0u) | (p[3] == 's' ? CS_PERM_SHARED : 0u);
        *pos += 5;
        return true;
}

static bool parse_line(const char *pos, const char *end, struct cs_mapping *m, const char **path,
                       size_t *path_len)
{
        *m = (struct cs_mapping){ .module = CS_NO_MODULE, .dumped = true };
        if (!take_hex(&pos, end, '-', &m->range.start) || !take_hex(&pos, end, ' ', &m->range.end) ||
            !take_perms(&pos, end, &m->perms) || !take_hex(&pos, end, ' ', &m->file_offset))
                return false;
        const char *device_end = memchr(pos, ' ', (size_t)(end - pos));
        if (!device_end || !cs_range_mappable(m->range))
                return false;
        pos = device_end + 1;
        for (; pos < end && *pos >= '0' && *pos <= '9'; pos++)
                m->inode = m->inode * 10 + (uint64_t)(*pos - '0');
        if (pos < end && *pos != ' ')
                return false;
        while (pos < end && *pos == ' ')
                pos++;
        *path = pos;
        *path_len = (size_t)(end - pos);
        return true;
}

static enum cs_status keep_path(struct cs_mapping *m, const char *path, size_t len, struct cs_pool *pool,
                                struct cs_error *err)
{
        size_t suffix = sizeof(deleted_suffix) - 1;
        if (len == 0 || path[0] == '\0')
                return CS_OK;
        m->file_backed = path[0] == '/';
        if (len > suffix && memcmp(path + len - suffix, deleted_suffix, suffix) == 0) {
                m->deleted = true;
                len -= suffix;
        }
        m->path = cs_pool_copy(pool, path, len);
        return m->path ? CS_OK : cs_fail(err, CS_ENOMEM, "path of a mapping");
}

enum cs_status cs_maps_parse(const char *text, size_t len, struct cs_pool *pool, cs_mapping_vec *out,
                             size_t *bad_lines, struct cs_error *err)
{
        const char *end = text + len;
        uint64_t last = 0;
        *bad_lines = 0;
        while (text < end) {
                const char *newline = memchr(text, '\n', (size_t)(end - text));
                const char *line_end = newline ? newline : end;
                const char *path;
                size_t path_len;
                struct cs_mapping m;
                enum cs_status st = CS_OK;
                if (!parse_line(text, line_end, &m, &path, &path_len) || m.range.start < last ||
                    out->n >= CS_LIMIT_MAPPINGS) {
                        ++*bad_lines;
                } else {
                        last = m.range.end;
                        st = keep_path(&m, path, path_len, pool, err);
                        if (st == CS_OK)
                                st = cs_vec_push(out, m, err);
                }
                if (st != CS_OK)
                        return st;
                text = line_end + 1;
        }
        return CS_OK;
}
