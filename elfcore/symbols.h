/* SPDX-License-Identifier: Apache-2.0 */
/* Names of addresses inside modules: from .dynsym, .symtab, a separate debug file found by build-id, and section headers.
 * Read lazily, one module at a time. Main thread only (libelf is). Names are hostile. */
#ifndef CS_SYMBOLS_H
#define CS_SYMBOLS_H

#include "image.h"

struct cs_symbols;

/* What part of a module an address lies in; from section headers, else from the mapping's permissions. */
enum cs_part {
        CS_PART_NONE,
        CS_PART_TEXT,   /* .text, .plt, .init: executable */
        CS_PART_RODATA, /* .rodata and other read-only data */
        CS_PART_RELRO,  /* .data.rel.ro: constant after relocation; vtables, method tables */
        CS_PART_DATA,   /* .data, .tdata: writable, initialised */
        CS_PART_BSS,
        CS_PART_META, /* ELF's own: headers, .dynsym, .dynstr, .hash, .got, .dynamic, .eh_frame, .init_array, relocations */
};

struct cs_symbol {
        const char *name; /* mangled, as in the table; borrowed from the cs_symbols */
        uint64_t addr;    /* target address of its first byte */
        uint64_t size;    /* st_size, never 0 */
        bool function;
};

struct cs_section {
        struct cs_range range; /* target addresses */
        const char *name;      /* borrowed; NULL where no section headers are at hand */
        enum cs_part part;
};

/* The image is borrowed and must outlive the symbols. */
CS_CHECK enum cs_status cs_symbols_create(const struct cs_image *image,
                                          const struct cs_image_options *options, struct cs_symbols **out,
                                          struct cs_error *err);
void cs_symbols_destroy(struct cs_symbols *symbols);
static inline void cs_symbols_destroyp(struct cs_symbols **symbols)
{
        cs_symbols_destroy(*symbols);
}

/* The symbol of that module whose [addr, addr + st_size) holds addr. The nearest symbol is not an answer. Where several
 * fit: the smallest; then global before local; then the name that sorts first. */
bool cs_symbols_at(struct cs_symbols *symbols, size_t module, uint64_t addr, struct cs_symbol *out);

/* The defined dynamic or static symbol of that name in the module (first table that has it). size may be 0 here. */
bool cs_symbols_named(struct cs_symbols *symbols, size_t module, const char *name, struct cs_symbol *out);

/* The i-th name that the module takes from others, as its dynamic symbol table has them (without a version); NULL behind the last.
 * Borrowed; as long as its maker liked. */
const char *cs_symbols_import(struct cs_symbols *symbols, size_t module, size_t i);

/* The functions that the module offers to others, one a call: *at is 0 at first, and belongs to this function. False behind the
 * last. size may be 0 here. */
bool cs_symbols_export(struct cs_symbols *symbols, size_t module, size_t *at, struct cs_symbol *out);

/* The sections of a module, sorted by address, disjoint, covering all of its mapped bytes (where no section headers are at
 * hand, one nameless entry per mapping, its part told by the permissions). Borrowed. */
const struct cs_section *cs_symbols_sections(struct cs_symbols *symbols, size_t module, size_t *count);

/* The section that holds addr, or NULL. */
const struct cs_section *cs_symbols_section_at(struct cs_symbols *symbols, size_t module, uint64_t addr);

/* The names of shared objects that the module needs (DT_NEEDED); borrowed; *count 0 where unknown. */
const char *const *cs_symbols_needed(struct cs_symbols *symbols, size_t module, size_t *count);

/* Readable form of a C++ or Rust name; what is not mangled is copied. `type` says that a bare type encoding is meant
 * ("7MyClass", as in RTTI name strings). The text lives in pool; NULL when our memory ran out. Bounded in time and
 * length (CS_LIMIT_NAME). Thread-safe when pools are not shared. */
const char *cs_demangle(struct cs_pool *pool, const char *name, bool type);

/* "symbol", "symbol+0x10", or "libfoo.so+0x3d40 (.data.rel.ro)" (the offset is the ELF virtual address, as nm and readelf
 * print it), outside modules "0x7f…" or "0x7f… ([stack])"; lives in pool; NULL when our memory ran out. */
const char *cs_symbols_describe(struct cs_symbols *symbols, struct cs_pool *pool, uint64_t addr);

/* Sentences about names that could not be had, and limits that were reached, so far; borrowed until the next call. */
const char *const *cs_symbols_warnings(const struct cs_symbols *symbols, size_t *count);

#endif
