/* SPDX-License-Identifier: Apache-2.0 */
#include "marks.h"

#include <string.h>

int32_t cs_marks_module(const struct cs_runtime_input *in, const char *const *names)
{
        for (size_t m = 0; m < in->image->modules.n; m++) {
                struct cs_symbol symbol;
                size_t i = 0;
                if (in->image->modules.at[m].runtime) /* C's own, whose debug symbols are many */
                        continue;
                while (names[i] && cs_symbols_named(in->symbols, m, names[i], &symbol))
                        i++;
                if (!names[i])
                        return (int32_t)m;
        }
        return CS_NO_MODULE;
}

bool cs_marks_word(const struct cs_runtime_input *in, int32_t module, const char *name, uint64_t *value)
{
        struct cs_symbol symbol;
        return cs_symbols_named(in->symbols, (size_t)module, name, &symbol) &&
               cs_source_u64(in->image->source, symbol.addr, value);
}

bool cs_marks_plain(const struct cs_mapping *m)
{
        const uint32_t rw = CS_PERM_READ | CS_PERM_WRITE;
        return (m->perms & rw) == rw && !(m->perms & CS_PERM_SHARED) && !m->file_backed &&
               m->module == CS_NO_MODULE && (!m->path || strncmp(m->path, "[anon", 5) == 0);
}

bool cs_marks_plain_at(const struct cs_image *image, uint64_t addr)
{
        const struct cs_mapping *m = cs_image_mapping_at(image, addr);
        return m && cs_marks_plain(m);
}

bool cs_marks_mallocs(const struct cs_mapping *m)
{
        return cs_marks_plain(m) || (m->path && strcmp(m->path, "[heap]") == 0);
}

bool cs_marks_mallocs_at(const struct cs_image *image, uint64_t addr)
{
        const struct cs_mapping *m = cs_image_mapping_at(image, addr);
        return m && cs_marks_mallocs(m);
}
