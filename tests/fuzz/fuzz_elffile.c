/* SPDX-License-Identifier: Apache-2.0 */
/* The file of a module, through everything that is asked of one: symbols by address and name, sections, needed libraries,
 * build-id. The same bytes also stand for the module's memory. */
#include "elffile.h"
#include "symbols.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BASE = 0x10000000, MEMORY = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What every list of sections promises. */
static void check_sections(const struct cs_image *image, struct cs_symbols *symbols)
{
        size_t n;
        const struct cs_section *s = cs_symbols_sections(symbols, 0, &n);
        uint64_t covered = 0;
        for (size_t i = 0; i < n; i++) {
                if (s[i].range.start >= s[i].range.end || (i && s[i].range.start < s[i - 1].range.end))
                        abort();
                covered += cs_range_size(cs_range_cut(s[i].range, image->mappings.at[0].range));
        }
        if (covered != cs_range_size(image->mappings.at[0].range))
                abort();
}

static void ask(const struct cs_image *image)
{
        struct cs_symbols *symbols;
        struct cs_symbol symbol;
        size_t n;
        struct cs_pool pool = { 0 };
        if (cs_symbols_create(image, NULL, &symbols, NULL) != CS_OK)
                return;
        for (uint64_t addr = BASE; addr < BASE + MEMORY; addr += 8191) {
                if (cs_symbols_at(symbols, 0, addr, &symbol) &&
                    (addr < symbol.addr || addr - symbol.addr >= symbol.size || !*symbol.name))
                        abort();
                if (!cs_symbols_describe(symbols, &pool, addr))
                        abort();
        }
        (void)cs_symbols_named(symbols, 0, "main", &symbol);
        const char *const *needed = cs_symbols_needed(symbols, 0, &n);
        for (size_t i = 0; i < n; i++)
                if (!*needed[i])
                        abort();
        const char *import;
        for (size_t i = 0; (import = cs_symbols_import(symbols, 0, i)); i++)
                if (!*import)
                        abort();
        for (size_t at = 0; cs_symbols_export(symbols, 0, &at, &symbol);)
                if (!*symbol.name || !symbol.function)
                        abort();
        check_sections(image, symbols);
        cs_symbols_destroy(symbols);
        cs_pool_deinit(&pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        uint8_t id[CS_BUILD_ID_MAX];
        struct cs_elffile *file;
        struct cs_mapping mapping = { .range = { BASE, BASE + MEMORY },
                                      .perms = CS_PERM_READ,
                                      .file_backed = true };
        struct cs_module module = {
                .path = "/module", .name = "module", .range = mapping.range, .bias = BASE
        };
        struct cs_image image = { .kind = CS_IMAGE_CORE };
        image.mappings.at = &mapping;
        image.modules.at = &module;
        image.mappings.n = image.modules.n = 1;

        int fd = memfd_create("elf", MFD_CLOEXEC);
        image.source = cs_source_from_bytes(BASE, data, size < MEMORY ? size : MEMORY);
        if (fd < 0 || !image.source || write(fd, data, size) != (ssize_t)size)
                abort();
        if (cs_elffile_open(fd, &file, NULL) == CS_OK) {
                if (cs_elffile_build_id(file, id) > CS_BUILD_ID_MAX)
                        abort();
                cs_elffile_close(file);
        }
        module.fd = fd;
        ask(&image);
        module.fd = -1; /* the dynamic section in memory instead */
        ask(&image);
        close(fd);
        cs_source_close(image.source);
        return 0;
}
