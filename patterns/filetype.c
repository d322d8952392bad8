/* SPDX-License-Identifier: Apache-2.0 */
#include "filetype.h"

#include <magic.h>
#include <stdlib.h>
#include <string.h>

enum {
        /* Bytes at the beginning that are tried one by one, and how many of them must matter: two, as gzip's 1f 8b. */
        TRIED = 16,
        NEEDED = 2,
        /* No decompression, no archives, no documents, no guessing at texts: only what the database itself says. */
        FLAGS = MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_TAR | MAGIC_NO_CHECK_APPTYPE |
                MAGIC_NO_CHECK_ELF | MAGIC_NO_CHECK_TEXT | MAGIC_NO_CHECK_CSV | MAGIC_NO_CHECK_CDF |
                MAGIC_NO_CHECK_TOKENS | MAGIC_NO_CHECK_ENCODING | MAGIC_NO_CHECK_JSON,
};

struct cs_filetypes {
        magic_t cookie;
};

enum cs_status cs_filetypes_open(struct cs_filetypes **out, struct cs_error *err)
{
        /* The defaults of libmagic 5.44 (file, src/file.h) are 50, 50, 8192 and 1 MiB. */
        static const struct {
                int what;
                size_t most;
        } limits[] = {
                { MAGIC_PARAM_INDIR_MAX, 4 },
                { MAGIC_PARAM_NAME_MAX, 30 },
                { MAGIC_PARAM_REGEX_MAX, 512 },
                { MAGIC_PARAM_BYTES_MAX, CS_FILETYPE_BYTES },
        };
        cs_cleanup(cs_filetypes_closep) struct cs_filetypes *types = calloc(1, sizeof(*types));
        if (!types || !(types->cookie = magic_open(FLAGS)))
                return cs_fail(err, CS_ENOMEM, "libmagic");
        for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
                if (magic_setparam(types->cookie, limits[i].what, &limits[i].most) != 0)
                        return cs_fail(err, CS_ESYS, "libmagic refuses a limit");
        if (magic_load(types->cookie, NULL) != 0) {
                const char *why = magic_error(types->cookie);
                return cs_fail(err, CS_ESYS, "%s", why ? why : "no database");
        }
        *out = cs_take(types);
        return CS_OK;
}

void cs_filetypes_close(struct cs_filetypes *types)
{
        if (!types)
                return;
        if (types->cookie)
                magic_close(types->cookie);
        free(types);
}

/* Types that are no more than "bytes". */
static bool says_nothing(const char *name)
{
        return strcmp(name, "application/octet-stream") == 0 || strncmp(name, "text/", 5) == 0 ||
               strncmp(name, "inode/", 6) == 0 || strncmp(name, "application/x-empty", 19) == 0;
}

/* type/subtype of RFC 2045, section 5.1, without the rarer of its characters. */
static bool is_type(const char *name)
{
        size_t len = strlen(name);
        return len > 0 && len < CS_FILETYPE_TEXT && strchr(name, '/') &&
               strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./+-_") == len;
}

/* Does the answer rest on enough of the first bytes? Each of them is changed in turn, but for zeros; and one of those that matter
 * is not 0xff, for -1 begins like that. What is recognised by bytes further on (ISO images) is not counted either: no file in
 * memory is known only by its middle. */
static bool well_founded(struct cs_filetypes *types, const uint8_t *bytes, size_t len, const char *name)
{
        uint8_t changed[CS_FILETYPE_BYTES];
        unsigned matter = 0, telling = 0;
        memcpy(changed, bytes, len);
        for (size_t i = 0; i < TRIED && i < len && (matter < NEEDED || !telling); i++) {
                if (!bytes[i])
                        continue;
                changed[i] ^= 0xff;
                const char *other = magic_buffer(types->cookie, changed, len);
                if (!other || strcmp(other, name) != 0) {
                        matter++;
                        telling += bytes[i] != 0xff;
                }
                changed[i] = bytes[i];
        }
        return matter >= NEEDED && telling;
}

bool cs_filetype_tell(struct cs_filetypes *types, const uint8_t *bytes, size_t len,
                      char out[CS_FILETYPE_TEXT])
{
        char name[CS_FILETYPE_TEXT];
        if (len > CS_FILETYPE_BYTES)
                len = CS_FILETYPE_BYTES;
        const char *found = len ? magic_buffer(types->cookie, bytes, len) : NULL;
        if (!found || !is_type(found) || says_nothing(found))
                return false;
        memcpy(name, found, strlen(found) + 1); /* the next question overwrites it */
        if (!well_founded(types, bytes, len, name))
                return false;
        memcpy(out, name, sizeof(name));
        return true;
}
