/* SPDX-License-Identifier: Apache-2.0 */
/* A PT_NOTE of a core: threads, command, files; the same bytes as a module's notes, where the build-id is. */
#include "notes.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct cs_pool pool = { 0 };
        struct cs_notes notes = { 0 };
        const uint8_t *id;
        if (cs_notes_parse(data, size, &pool, &notes, NULL) == CS_OK) {
                for (size_t i = 0; i < notes.files.n; i++)
                        if (notes.files.at[i].range.start >= notes.files.at[i].range.end ||
                            strlen(notes.files.at[i].path) > size)
                                abort();
                /* A thread takes more than 336 bytes, a file more than 24. */
                if (notes.threads.n * 336 > size || notes.files.n * 24 > size ||
                    (notes.command && strlen(notes.command) > size))
                        abort();
        }
        size_t len = cs_notes_build_id(data, size, &id);
        if (len > CS_BUILD_ID_MAX || (len && (id < data || id + len > data + size)))
                abort();
        cs_notes_deinit(&notes);
        cs_pool_deinit(&pool);
        return 0;
}
