/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols.h"

#include "cs_limits.h"
#include "debugfile.h"
#include "elfmemory.h"
#include "sections.h"
#include "symtab.h"

#include <elf.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What is known of one module; each part is read at the first question about it. */
struct module_names {
        struct cs_elffile *file; /* NULL: none, or not an ELF file */
        struct cs_debugfile debug;
        struct cs_symtab symtab;
        struct cs_section *sections;
        size_t sections_n;
        const char **needed;
        size_t needed_n;
        bool file_tried;
        bool debug_tried;
        bool dynamic_read; /* of symtab: the dynamic symbols */
        bool symtab_read;  /* and all others */
        bool sections_read;
        bool needed_read;
};

struct cs_symbols {
        const struct cs_image *image;
        struct cs_image_options options;
        struct cs_pool pool;
        struct module_names *modules;
        CS_VEC(const char *) warnings;
};

static void warn(struct cs_symbols *symbols, const char *format, ...) CS_PRINTF(2, 3);

static void warn(struct cs_symbols *symbols, const char *format, ...)
{
        char text[1024];
        va_list args;
        va_start(args, format);
        (void)vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        const char *copy = cs_pool_printf(&symbols->pool, "%s", text);
        /* A warning that cannot be kept for want of memory is the smaller loss. */
        if (copy && cs_vec_push(&symbols->warnings, copy, NULL) != CS_OK)
                return;
}

enum cs_status cs_symbols_create(const struct cs_image *image, const struct cs_image_options *options,
                                 struct cs_symbols **out, struct cs_error *err)
{
        cs_cleanup(cs_symbols_destroyp) struct cs_symbols *symbols = calloc(1, sizeof(*symbols));
        if (!symbols)
                return cs_fail(err, CS_ENOMEM, "symbols");
        symbols->image = image;
        if (options)
                symbols->options = *options;
        symbols->modules = calloc(image->modules.n ? image->modules.n : 1, sizeof(*symbols->modules));
        if (!symbols->modules)
                return cs_fail(err, CS_ENOMEM, "symbols of %zu modules", image->modules.n);
        for (size_t i = 0; i < image->modules.n; i++)
                symbols->modules[i].debug.fd = -1;
        *out = cs_take(symbols);
        return CS_OK;
}

void cs_symbols_destroy(struct cs_symbols *symbols)
{
        if (!symbols)
                return;
        for (size_t i = 0; symbols->modules && i < symbols->image->modules.n; i++) {
                struct module_names *m = &symbols->modules[i];
                cs_symtab_deinit(&m->symtab);
                free(m->sections);
                free(m->needed);
                cs_debugfile_close(&m->debug);
                cs_elffile_close(m->file);
        }
        free(symbols->modules);
        cs_vec_deinit(&symbols->warnings);
        cs_pool_deinit(&symbols->pool);
        free(symbols);
}

const char *const *cs_symbols_warnings(const struct cs_symbols *symbols, size_t *count)
{
        *count = symbols->warnings.n;
        return symbols->warnings.at;
}

/* ---- the files --------------------------------------------------------------------------------------------------- */

static const struct cs_elffile *own_file(struct cs_symbols *symbols, size_t module)
{
        struct module_names *m = &symbols->modules[module];
        const struct cs_module *of = &symbols->image->modules.at[module];
        struct cs_error err;
        if (m->file_tried)
                return m->file;
        m->file_tried = true;
        if (of->fd >= 0 && cs_elffile_open(of->fd, &m->file, &err) != CS_OK)
                warn(symbols, "%s: its file gives no names: %s", of->name, err.text);
        return m->file;
}

static const struct cs_elffile *debug_file(struct cs_symbols *symbols, size_t module)
{
        struct module_names *m = &symbols->modules[module];
        if (!m->debug_tried) {
                m->debug_tried = true;
                if (!cs_debugfile_find(&symbols->options, &symbols->image->modules.at[module],
                                       own_file(symbols, module), &m->debug))
                        m->debug = (struct cs_debugfile){ .fd = -1 };
        }
        return m->debug.elf;
}

static struct cs_elfmemory in_memory(const struct cs_symbols *symbols, size_t module)
{
        const struct cs_module *m = &symbols->image->modules.at[module];
        return (struct cs_elfmemory){ .source = symbols->image->source, .range = m->range, .bias = m->bias };
}

/* ---- symbols ----------------------------------------------------------------------------------------------------- */

/* Adds one symbol table of a file; false where it has none that can be read. */
static bool add_table(struct cs_symbols *symbols, size_t module, const struct cs_elffile *file, uint32_t type)
{
        const struct cs_elf_section *table = file ? cs_elffile_section(file, type, NULL) : NULL;
        const struct cs_elf_section *names = table ? cs_elffile_linked(file, table) : NULL;
        uint8_t *bytes, *strings;
        size_t len, strings_len;
        struct cs_error err = { 0 };
        if (!names)
                return false;
        enum cs_status st = cs_elffile_bytes(file, table, CS_LIMIT_SYMBOL_BYTES, &bytes, &len, &err);
        if (st == CS_OK) {
                st = cs_elffile_bytes(file, names, CS_LIMIT_SYMBOL_BYTES, &strings, &strings_len, &err);
                if (st == CS_OK)
                        st = cs_symtab_add(&symbols->modules[module].symtab, bytes, len, (char *)strings,
                                           strings_len, &err);
                free(bytes);
        }
        if (st != CS_OK)
                warn(symbols, "%s: symbols are missing: %s", symbols->image->modules.at[module].name,
                     err.text);
        return st == CS_OK;
}

/* Reads the dynamic section where it lies in memory. */
static bool memory_dynamic(const struct cs_symbols *symbols, size_t module, struct cs_elf_dynamic *out)
{
        struct cs_elfmemory where = in_memory(symbols, module);
        uint64_t at = symbols->image->modules.at[module].dynamic;
        uint8_t *bytes;
        size_t len;
        if (!at) {
                struct cs_elf_segment *segments;
                size_t n;
                if (cs_elfmemory_segments(&where, &segments, &n, NULL) != CS_OK)
                        return false;
                for (size_t i = 0; i < n; i++)
                        if (segments[i].type == PT_DYNAMIC)
                                at = where.bias + segments[i].vaddr;
                free(segments);
        }
        if (!at || cs_elfmemory_bytes(&where, at, (uint64_t)CS_LIMIT_DYNAMIC * sizeof(Elf64_Dyn), &bytes,
                                      &len, NULL) != CS_OK)
                return false;
        enum cs_status st = cs_elf_dynamic_parse(bytes, len, &where, out, NULL);
        free(bytes);
        return st == CS_OK;
}

/* The dynamic symbols in the target's memory. */
static void add_memory_table(struct cs_symbols *symbols, size_t module)
{
        struct cs_elfmemory where = in_memory(symbols, module);
        struct cs_elf_dynamic dynamic;
        uint8_t *bytes = NULL, *strings = NULL;
        size_t len, strings_len;
        if (!memory_dynamic(symbols, module, &dynamic))
                return;
        uint64_t count = cs_elfmemory_symbol_count(&where, &dynamic);
        if (count && dynamic.strtab &&
            cs_elfmemory_bytes(&where, dynamic.symtab, count * sizeof(Elf64_Sym), &bytes, &len, NULL) ==
                    CS_OK &&
            cs_elfmemory_bytes(&where, dynamic.strtab, dynamic.strsz, &strings, &strings_len, NULL) ==
                    CS_OK &&
            cs_symtab_add(&symbols->modules[module].symtab, bytes, len, (char *)strings, strings_len, NULL) !=
                    CS_OK)
                warn(symbols, "%s: symbols are missing: our memory ran out",
                     symbols->image->modules.at[module].name);
        free(bytes);
        cs_elf_dynamic_deinit(&dynamic);
}

/* The dynamic symbols, which are few beside those of debug files. */
static struct cs_symtab *read_dynamic(struct cs_symbols *symbols, size_t module)
{
        const struct cs_module *of = &symbols->image->modules.at[module];
        struct cs_symtab *tab = &symbols->modules[module].symtab;
        if (symbols->modules[module].dynamic_read)
                return tab;
        symbols->modules[module].dynamic_read = true;
        cs_symtab_init(tab, of->range, of->bias);
        if (!add_table(symbols, module, own_file(symbols, module), SHT_DYNSYM))
                add_memory_table(symbols, module);
        return tab;
}

static struct cs_symtab *read_symbols(struct cs_symbols *symbols, size_t module)
{
        struct cs_symtab *tab = read_dynamic(symbols, module);
        if (symbols->modules[module].symtab_read)
                return tab;
        symbols->modules[module].symtab_read = true;
        if (!add_table(symbols, module, own_file(symbols, module), SHT_SYMTAB))
                (void)add_table(symbols, module, debug_file(symbols, module), SHT_SYMTAB);
        if (tab->limited)
                warn(symbols, "%s: only the first %d symbols are used",
                     symbols->image->modules.at[module].name, CS_LIMIT_SYMBOLS);
        return tab;
}

bool cs_symbols_at(struct cs_symbols *symbols, size_t module, uint64_t addr, struct cs_symbol *out)
{
        return module < symbols->image->modules.n && cs_symtab_at(read_symbols(symbols, module), addr, out);
}

bool cs_symbols_named(struct cs_symbols *symbols, size_t module, const char *name, struct cs_symbol *out)
{
        return module < symbols->image->modules.n &&
               (cs_symtab_named(read_dynamic(symbols, module), name, out) ||
                (!symbols->modules[module].symtab_read &&
                 cs_symtab_named(read_symbols(symbols, module), name, out)));
}

const char *cs_symbols_import(struct cs_symbols *symbols, size_t module, size_t i)
{
        return module < symbols->image->modules.n ? cs_symtab_import(read_symbols(symbols, module), i) : NULL;
}

bool cs_symbols_export(struct cs_symbols *symbols, size_t module, size_t *at, struct cs_symbol *out)
{
        return module < symbols->image->modules.n && cs_symtab_export(read_symbols(symbols, module), at, out);
}

/* ---- sections ---------------------------------------------------------------------------------------------------- */

const struct cs_section *cs_symbols_sections(struct cs_symbols *symbols, size_t module, size_t *count)
{
        *count = 0;
        if (module >= symbols->image->modules.n)
                return NULL;
        struct module_names *m = &symbols->modules[module];
        if (!m->sections_read) {
                m->sections_read = true;
                const struct cs_elffile *file = own_file(symbols, module);
                struct cs_elfmemory where = in_memory(symbols, module);
                struct cs_elf_segment *segments = NULL;
                struct cs_section_facts facts = { 0 };
                if (!file || !file->sections.n) {
                        const struct cs_elffile *debug = debug_file(symbols, module);
                        file = debug ? debug : file;
                        facts.debug_file = debug != NULL;
                }
                if (file) {
                        facts.sections = file->sections.at;
                        facts.sections_n = file->sections.n;
                        facts.segments = file->segments.at;
                        facts.segments_n = file->segments.n;
                } else if (cs_elfmemory_segments(&where, &segments, &facts.segments_n, NULL) == CS_OK) {
                        facts.segments = segments;
                }
                if (cs_sections_build(symbols->image, module, &facts, &m->sections, &m->sections_n, NULL) !=
                    CS_OK)
                        m->sections_n = 0;
                free(segments);
        }
        *count = m->sections_n;
        return m->sections;
}

const struct cs_section *cs_symbols_section_at(struct cs_symbols *symbols, size_t module, uint64_t addr)
{
        size_t n;
        const struct cs_section *s = cs_symbols_sections(symbols, module, &n);
        size_t i = cs_first_behind(s, n, range.end, addr);
        return i < n && addr >= s[i].range.start ? &s[i] : NULL;
}

/* ---- needed libraries -------------------------------------------------------------------------------------------- */

static void name_needed(struct cs_symbols *symbols, size_t module, const struct cs_elf_dynamic *dynamic,
                        const char *strings, size_t len)
{
        struct module_names *m = &symbols->modules[module];
        m->needed = calloc(dynamic->needed.n ? dynamic->needed.n : 1, sizeof(*m->needed));
        for (size_t i = 0; m->needed && i < dynamic->needed.n; i++) {
                const char *name = cs_elf_string(strings, len, dynamic->needed.at[i]);
                const char *copy =
                        name ? cs_pool_copy(&symbols->pool, name, strnlen(name, CS_LIMIT_NAME)) : NULL;
                if (copy && *copy)
                        m->needed[m->needed_n++] = copy;
        }
}

static bool needed_in_file(struct cs_symbols *symbols, size_t module, const struct cs_elffile *file)
{
        struct cs_elfmemory where = in_memory(symbols, module);
        const struct cs_elf_section *section = file ? cs_elffile_section(file, SHT_DYNAMIC, NULL) : NULL;
        const struct cs_elf_section *names = section ? cs_elffile_linked(file, section) : NULL;
        struct cs_elf_dynamic dynamic;
        uint8_t *bytes = NULL, *strings = NULL;
        size_t len, strings_len;
        bool done = false;
        if (names &&
            cs_elffile_bytes(file, section, (uint64_t)CS_LIMIT_DYNAMIC * sizeof(Elf64_Dyn), &bytes, &len,
                             NULL) == CS_OK &&
            cs_elffile_bytes(file, names, CS_LIMIT_SYMBOL_BYTES, &strings, &strings_len, NULL) == CS_OK &&
            cs_elf_dynamic_parse(bytes, len, &where, &dynamic, NULL) == CS_OK) {
                name_needed(symbols, module, &dynamic, (const char *)strings, strings_len);
                cs_elf_dynamic_deinit(&dynamic);
                done = true;
        }
        free(bytes);
        free(strings);
        return done;
}

static void needed_in_memory(struct cs_symbols *symbols, size_t module)
{
        struct cs_elfmemory where = in_memory(symbols, module);
        struct cs_elf_dynamic dynamic;
        uint8_t *strings;
        size_t len;
        if (!memory_dynamic(symbols, module, &dynamic))
                return;
        if (dynamic.strtab && dynamic.needed.n &&
            cs_elfmemory_bytes(&where, dynamic.strtab, dynamic.strsz, &strings, &len, NULL) == CS_OK) {
                name_needed(symbols, module, &dynamic, (const char *)strings, len);
                free(strings);
        }
        cs_elf_dynamic_deinit(&dynamic);
}

const char *const *cs_symbols_needed(struct cs_symbols *symbols, size_t module, size_t *count)
{
        *count = 0;
        if (module >= symbols->image->modules.n)
                return NULL;
        struct module_names *m = &symbols->modules[module];
        if (!m->needed_read) {
                m->needed_read = true;
                if (!needed_in_file(symbols, module, own_file(symbols, module)))
                        needed_in_memory(symbols, module);
        }
        *count = m->needed_n;
        return m->needed;
}

/* ---- for people -------------------------------------------------------------------------------------------------- */

const char *cs_symbols_describe(struct cs_symbols *symbols, struct cs_pool *pool, uint64_t addr)
{
        const struct cs_module *m = cs_image_module_at(symbols->image, addr);
        struct cs_symbol symbol;
        if (!m) {
                const struct cs_mapping *mapping = cs_image_mapping_at(symbols->image, addr);
                return mapping && mapping->path
                               ? cs_pool_printf(pool, "0x%" PRIx64 " (%s)", addr, mapping->path)
                               : cs_pool_printf(pool, "0x%" PRIx64, addr);
        }
        size_t module = (size_t)(m - symbols->image->modules.at);
        if (cs_symbols_at(symbols, module, addr, &symbol)) {
                const char *name = cs_demangle(pool, symbol.name, false);
                if (!name || addr == symbol.addr)
                        return name;
                return cs_pool_printf(pool, "%s+0x%" PRIx64, name, addr - symbol.addr);
        }
        const struct cs_section *section = cs_symbols_section_at(symbols, module, addr);
        if (section && section->name && *section->name)
                return cs_pool_printf(pool, "%s+0x%" PRIx64 " (%.100s)", m->name, addr - m->bias,
                                      section->name);
        return cs_pool_printf(pool, "%s+0x%" PRIx64, m->name, addr - m->bias);
}
