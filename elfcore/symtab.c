/* SPDX-License-Identifier: Apache-2.0 */
#include "symtab.h"

#include "bytes.h"
#include "cs_limits.h"
#include "cursor.h"

#include <elf.h>
#include <string.h>

enum {
        SYM_BYTES = 24, /* Elf64_Sym: System V gABI, chapter 4, "Symbol Table" */
        HASHED = 256,   /* bytes of a name that are hashed: bounds the work on names that overlap */
};

void cs_symtab_init(struct cs_symtab *tab, struct cs_range range, uint64_t bias)
{
        *tab = (struct cs_symtab){ .range = range, .bias = bias };
}

static void forget_names(struct cs_symtab *tab)
{
        free(tab->names.heads);
        free(tab->names.next);
        tab->names = (struct cs_symtab_names){ 0 };
        tab->names_built = false;
}

void cs_symtab_deinit(struct cs_symtab *tab)
{
        cs_vec_deinit(&tab->entries);
        cs_vec_deinit(&tab->imports);
        cs_vec_deinit(&tab->spans);
        forget_names(tab);
        for (size_t i = 0; i < tab->tables; i++)
                free(tab->strings[i].at);
        tab->tables = 0;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* Not STT_TLS (an offset, not an address), STT_SECTION, STT_FILE. */
static bool type_counts(unsigned type)
{
        return type == STT_FUNC || type == STT_OBJECT || type == STT_GNU_IFUNC || type == STT_NOTYPE;
}

/* One Elf64_Sym; false for what has no address of its own in the module, or no name. *import: it is another module's. */
static bool read_symbol(const struct cs_symtab *tab, struct cs_cursor *c, struct cs_symtab_entry *out,
                        bool *import)
{
        uint32_t name = cs_cursor_u32(c);
        unsigned info = (unsigned)cs_cursor_number(c, 1);
        cs_cursor_skip(c, 1); /* st_other: visibility says nothing here */
        uint16_t section = cs_cursor_u16(c);
        uint64_t addr = cs_cursor_u64(c) + tab->bias;
        uint64_t size = cs_cursor_u64(c);
        unsigned type = ELF64_ST_TYPE(info);
        const struct cs_symtab_strings *strings = &tab->strings[tab->tables - 1];
        *import = section == SHN_UNDEF && type_counts(type) && name < strings->len && strings->at[name];
        if (section == SHN_UNDEF || section == SHN_ABS || section == SHN_COMMON || !type_counts(type) ||
            !cs_range_holds(tab->range, addr, size) || name >= strings->len || !strings->at[name]) {
                out->name = name;
                return false;
        }
        *out = (struct cs_symtab_entry){ .addr = addr,
                                         .size = size,
                                         .name = name,
                                         .table = (uint8_t)(tab->tables - 1),
                                         .function = type == STT_FUNC || type == STT_GNU_IFUNC,
                                         .global = ELF64_ST_BIND(info) != STB_LOCAL };
        return true;
}

enum cs_status cs_symtab_add(struct cs_symtab *tab, const uint8_t *symbols, size_t len, char *strings,
                             size_t strings_len, struct cs_error *err)
{
        if (tab->tables == CS_SYMTAB_TABLES) {
                free(strings);
                return cs_fail(err, CS_ELIMIT, "more than %d symbol tables", CS_SYMTAB_TABLES);
        }
        tab->strings[tab->tables++] = (struct cs_symtab_strings){ .at = strings, .len = strings_len };
        forget_names(tab);
        enum cs_status st = cs_vec_reserve(&tab->entries, len / SYM_BYTES, err);
        struct cs_cursor c = cs_cursor_make(symbols, len);
        while (st == CS_OK && cs_cursor_left(&c) >= SYM_BYTES) {
                if (tab->entries.n + tab->imports.n >= CS_LIMIT_SYMBOLS) {
                        tab->limited = true;
                        break;
                }
                struct cs_symtab_entry e;
                bool import;
                if (read_symbol(tab, &c, &e, &import))
                        st = cs_vec_push(&tab->entries, e, err);
                else if (import && tab->tables == 1)
                        st = cs_vec_push(&tab->imports, e.name, err);
        }
        return st;
}

/* ---- which of two ------------------------------------------------------------------------------------------------ */

static const char *name_of(const struct cs_symtab *tab, const struct cs_symtab_entry *e)
{
        return tab->strings[e->table].at + e->name;
}

/* Who answers for an address that both hold: the smaller; then global before local; then the name that sorts first; then
 * the earlier table. The order is total, so that the answer never depends on how things were sorted. */
static int prefer(const struct cs_symtab *tab, uint32_t left, uint32_t right)
{
        const struct cs_symtab_entry *a = &tab->entries.at[left], *b = &tab->entries.at[right];
        if (a->size != b->size)
                return a->size < b->size ? -1 : 1;
        if (a->global != b->global)
                return a->global ? -1 : 1;
        int names = a->table == b->table && a->name == b->name
                            ? 0
                            : strncmp(name_of(tab, a), name_of(tab, b), CS_LIMIT_NAME);
        if (names)
                return names;
        return left < right ? -1 : left > right;
}

/* ---- by address -------------------------------------------------------------------------------------------------- */

/* An entry with its address beside it: sorting stays within one array. */
struct place {
        uint64_t addr;
        uint32_t entry;
};

static int by_address(const void *left, const void *right, void *context)
{
        const struct place *a = left, *b = right;
        if (a->addr != b->addr)
                return a->addr < b->addr ? -1 : 1;
        return prefer(context, a->entry, b->entry);
}

/* A heap of entries, the preferred one on top. */
struct heap {
        uint32_t *at;
        size_t n;
};

static void heap_push(const struct cs_symtab *tab, struct heap *h, uint32_t entry)
{
        size_t i = h->n++;
        while (i > 0 && prefer(tab, entry, h->at[(i - 1) / 2]) < 0) {
                h->at[i] = h->at[(i - 1) / 2];
                i = (i - 1) / 2;
        }
        h->at[i] = entry;
}

static void heap_pop(const struct cs_symtab *tab, struct heap *h)
{
        uint32_t last = h->at[--h->n];
        size_t i = 0;
        for (size_t child = 1; child < h->n; child = 2 * i + 1) {
                if (child + 1 < h->n && prefer(tab, h->at[child + 1], h->at[child]) < 0)
                        child++;
                if (prefer(tab, last, h->at[child]) <= 0)
                        break;
                h->at[i] = h->at[child];
                i = child;
        }
        h->at[i] = last;
}

static enum cs_status add_span(struct cs_symtab *tab, uint64_t start, uint64_t end, uint32_t entry)
{
        struct cs_symtab_span *last = tab->spans.n ? &tab->spans.at[tab->spans.n - 1] : NULL;
        if (last && last->entry == entry && last->end == start) {
                last->end = end;
                return CS_OK;
        }
        struct cs_symtab_span span = { start, end, entry };
        return cs_vec_push(&tab->spans, span, NULL);
}

/* Sweeps over the addresses once, with the symbols that hold the current one in a heap. However symbols overlap, there
 * are at most two spans per symbol, and asking is a binary search. */
static enum cs_status sweep(struct cs_symtab *tab, const struct place *sorted, size_t n, struct heap *h)
{
        const struct cs_symtab_entry *e = tab->entries.at;
        uint64_t pos = 0;
        for (size_t next = 0; next < n || h->n;) {
                if (!h->n)
                        pos = sorted[next].addr;
                while (next < n && sorted[next].addr == pos)
                        heap_push(tab, h, sorted[next++].entry);
                uint32_t top = h->at[0];
                uint64_t end = e[top].addr + e[top].size;
                if (end <= pos) {
                        heap_pop(tab, h);
                        continue;
                }
                if (next < n && sorted[next].addr < end)
                        end = sorted[next].addr;
                enum cs_status st = add_span(tab, pos, end, top);
                if (st != CS_OK)
                        return st;
                pos = end;
        }
        return CS_OK;
}

static enum cs_status build_spans(struct cs_symtab *tab)
{
        size_t n = 0;
        struct place *sorted = malloc((tab->entries.n ? tab->entries.n : 1) * sizeof(*sorted));
        struct heap h = { .at = malloc((tab->entries.n ? tab->entries.n : 1) * sizeof(*h.at)) };
        enum cs_status st = sorted && h.at ? cs_vec_reserve(&tab->spans, tab->entries.n, NULL) : CS_ENOMEM;
        for (size_t i = 0; st == CS_OK && i < tab->entries.n; i++)
                if (tab->entries.at[i].size)
                        sorted[n++] = (struct place){ tab->entries.at[i].addr, (uint32_t)i };
        if (st == CS_OK) {
                qsort_r(sorted, n, sizeof(*sorted), by_address, tab);
                st = sweep(tab, sorted, n, &h);
        }
        free(sorted);
        free(h.at);
        return st;
}

static void give(const struct cs_symtab *tab, uint32_t entry, struct cs_symbol *out)
{
        const struct cs_symtab_entry *e = &tab->entries.at[entry];
        *out = (struct cs_symbol){
                .name = name_of(tab, e), .addr = e->addr, .size = e->size, .function = e->function
        };
}

bool cs_symtab_at(struct cs_symtab *tab, uint64_t addr, struct cs_symbol *out)
{
        if (!tab->spans_built) {
                tab->spans_built = true;
                if (build_spans(tab) != CS_OK)
                        cs_vec_deinit(&tab->spans);
        }
        size_t i = cs_first_behind(tab->spans.at, tab->spans.n, end, addr);
        if (i == tab->spans.n || addr < tab->spans.at[i].start)
                return false;
        give(tab, tab->spans.at[i].entry, out);
        return true;
}

/* ---- by name ----------------------------------------------------------------------------------------------------- */

/* FNV-1a, 32 bit. A target that makes its names collide makes one chain long, and a question linear, nothing worse. */
static uint32_t hash_name(const char *name)
{
        uint32_t hash = 0x811c9dc5u;
        for (size_t i = 0; i < HASHED && name[i]; i++)
                hash = (hash ^ (uint8_t)name[i]) * 0x01000193u;
        return hash;
}

static void build_names(struct cs_symtab *tab)
{
        struct cs_symtab_names *names = &tab->names;
        size_t heads = 1;
        while (heads < tab->entries.n)
                heads *= 2;
        names->heads = calloc(heads, sizeof(*names->heads));
        names->next = malloc((tab->entries.n + 1) * sizeof(*names->next));
        if (!names->heads || !names->next) {
                forget_names(tab);
                tab->names_built = true;
                return;
        }
        names->mask = (uint32_t)(heads - 1);
        for (size_t i = tab->entries.n; i-- > 0;) {
                uint32_t *head = &names->heads[hash_name(name_of(tab, &tab->entries.at[i])) & names->mask];
                names->next[i] = *head;
                *head = (uint32_t)i + 1;
        }
}

/* The same name twice: the first table, there global before local, then the order of the table. */
bool cs_symtab_named(struct cs_symtab *tab, const char *name, struct cs_symbol *out)
{
        if (!tab->names_built) {
                tab->names_built = true;
                build_names(tab);
        }
        const struct cs_symtab_entry *best = NULL;
        uint32_t link = tab->names.heads ? tab->names.heads[hash_name(name) & tab->names.mask] : 0;
        for (; link; link = tab->names.next[link - 1]) {
                const struct cs_symtab_entry *e = &tab->entries.at[link - 1];
                if (best && (e->table != best->table || best->global))
                        break;
                if ((best && !e->global) || strncmp(name_of(tab, e), name, CS_LIMIT_NAME) != 0)
                        continue;
                best = e;
        }
        if (best)
                give(tab, (uint32_t)(best - tab->entries.at), out);
        return best;
}

/* ---- between modules --------------------------------------------------------------------------------------------- */

const char *cs_symtab_import(const struct cs_symtab *tab, size_t i)
{
        return i < tab->imports.n ? tab->strings[0].at + tab->imports.at[i] : NULL;
}

bool cs_symtab_export(const struct cs_symtab *tab, size_t *at, struct cs_symbol *out)
{
        for (; *at < tab->entries.n && tab->entries.at[*at].table == 0; (*at)++)
                if (tab->entries.at[*at].function && tab->entries.at[*at].global) {
                        give(tab, (uint32_t)(*at)++, out);
                        return true;
                }
        return false;
}
