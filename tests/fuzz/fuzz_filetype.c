/* SPDX-License-Identifier: Apache-2.0 */
/* Types of any bytes: a type that is told is a name, is told again of the same bytes, and does not depend on what follows the bytes
 * that are looked at. */
#include "filetype.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct cs_filetypes *types;
        char first[CS_FILETYPE_TEXT], second[CS_FILETYPE_TEXT];
        struct cs_error err;
        if (!types && cs_filetypes_open(&types, &err) != CS_OK)
                abort();
        if (!cs_filetype_tell(types, data, size, first))
                return 0;
        if (!strchr(first, '/') || strncmp(first, "text/", 5) == 0 ||
            !cs_filetype_tell(types, data, size < CS_FILETYPE_BYTES ? size : CS_FILETYPE_BYTES, second) ||
            strcmp(first, second) != 0)
                abort();
        return 0;
}
