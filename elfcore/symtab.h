/* SPDX-License-Identifier: Apache-2.0 */
/* The symbols of one module, from the bytes of its symbol tables: by address and by name. Pure bytes in, facts out; the
 * tables may be hostile. Not thread-safe: the two indexes are built at the first question. */
#ifndef CS_SYMTAB_H
#define CS_SYMTAB_H

#include "range.h"
#include "symbols.h"

enum { CS_SYMTAB_TABLES = 4 }; /* .dynsym, .symtab, the debug file's .symtab, and room */

struct cs_symtab_entry {
        uint64_t addr; /* target address */
        uint64_t size; /* 0: has a name, but holds no address */
        uint32_t name; /* offset into the strings of its table */
        uint8_t table;
        bool function;
        bool global; /* or weak, or unique */
};

struct cs_symtab_strings {
        char *at; /* owned; len bytes and a NUL */
        size_t len;
};

/* Addresses start (included) to end (excluded) belong to entry number `entry`. */
struct cs_symtab_span {
        uint64_t start;
        uint64_t end;
        uint32_t entry;
};

/* The names whose hashes end alike, from the heads of chains on. */
struct cs_symtab_names {
        uint32_t *heads; /* by the lower bits of the hash: an entry's number and one; 0: none */
        uint32_t *next;  /* by entry: the same; a chain's entries are in the order of the tables */
        uint32_t mask;
};

struct cs_symtab {
        struct cs_range range; /* the module's addresses: what lies outside is not believed */
        uint64_t bias;
        CS_VEC(struct cs_symtab_entry) entries; /* in the order of the tables */
        CS_VEC(uint32_t) imports; /* undefined names of the first table, offsets into its strings */
        CS_VEC(struct cs_symtab_span) spans; /* sorted, disjoint: who answers for which address */
        struct cs_symtab_names names;
        struct cs_symtab_strings strings[CS_SYMTAB_TABLES];
        size_t tables;
        bool spans_built;
        bool names_built;
        bool limited; /* CS_LIMIT_SYMBOLS was reached */
};

void cs_symtab_init(struct cs_symtab *tab, struct cs_range range, uint64_t bias);
void cs_symtab_deinit(struct cs_symtab *tab);

/* Adds a table of Elf64_Sym (len bytes, only read now) with its strings (strings_len bytes with a NUL behind them, malloc'ed,
 * taken over even on failure). To be called before the first question by address. */
CS_CHECK enum cs_status cs_symtab_add(struct cs_symtab *tab, const uint8_t *symbols, size_t len,
                                      char *strings, size_t strings_len, struct cs_error *err);

/* As cs_symbols_at() and cs_symbols_named(). False also when our memory ran out. */
bool cs_symtab_at(struct cs_symtab *tab, uint64_t addr, struct cs_symbol *out);
bool cs_symtab_named(struct cs_symtab *tab, const char *name, struct cs_symbol *out);

/* As cs_symbols_import() and cs_symbols_export(). */
const char *cs_symtab_import(const struct cs_symtab *tab, size_t i);
bool cs_symtab_export(const struct cs_symtab *tab, size_t *at, struct cs_symbol *out);

#endif
