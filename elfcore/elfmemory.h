/* SPDX-License-Identifier: Apache-2.0 */
/* What memory holds of an ELF object whose file is not at hand, and of the vdso, which has none: program headers, the
 * dynamic section, the dynamic symbols. Every byte is hostile. Thread-safe. */
#ifndef CS_ELFMEMORY_H
#define CS_ELFMEMORY_H

#include "elffile.h"

/* Where the object lies. */
struct cs_elfmemory {
        struct cs_source *source;
        struct cs_range range;
        uint64_t bias;
};

/* The facts of a dynamic section. Addresses are target addresses inside range; 0: not there, or outside. */
struct cs_elf_dynamic {
        uint64_t strtab;
        uint64_t strsz;
        uint64_t symtab;
        uint64_t hash;
        uint64_t gnu_hash;
        uint64_t soname;         /* offset into strtab; 0: none */
        uint64_t debug;          /* the loader's r_debug, which may lie anywhere; in executables */
        bool whole;              /* there was a DT_NULL */
        CS_VEC(uint64_t) needed; /* offsets into strtab */
};

void cs_elf_dynamic_deinit(struct cs_elf_dynamic *dynamic);

/* Parses the bytes of a dynamic section up to DT_NULL or their end. Addresses may be relocated (as glibc leaves them) or
 * not (vdso, musl, a file). CS_ENOMEM only. */
CS_CHECK enum cs_status cs_elf_dynamic_parse(const uint8_t *bytes, size_t len,
                                             const struct cs_elfmemory *where, struct cs_elf_dynamic *out,
                                             struct cs_error *err);

/* The program headers behind the ELF header at the start of range; *n 0 where they are not readable. Malloc'ed. */
CS_CHECK enum cs_status cs_elfmemory_segments(const struct cs_elfmemory *where, struct cs_elf_segment **out,
                                              size_t *n, struct cs_error *err);

/* The bytes that can be read at addr up to the first gap or len, a NUL behind them; malloc'ed, *got may be 0. */
CS_CHECK enum cs_status cs_elfmemory_bytes(const struct cs_elfmemory *where, uint64_t addr, uint64_t len,
                                           uint8_t **bytes, size_t *got, struct cs_error *err);

/* How many symbols the dynamic symbol table has, by its hash tables, else by the string table that follows it. */
uint64_t cs_elfmemory_symbol_count(const struct cs_elfmemory *where, const struct cs_elf_dynamic *dynamic);

#endif
