/* SPDX-License-Identifier: Apache-2.0 */
#include "sections.h"

#include <elf.h>
#include <string.h>

struct list {
        CS_VEC(struct cs_section) v;
};

/* ---- what a section is for --------------------------------------------------------------------------------------- */

struct name_rule {
        const char *name;
        bool prefix; /* also name.anything */
        enum cs_part part;
};

/* The names that GNU ld, gold and lld give (binutils, ld/scripttempl/elf.sc), the first match counts. .init_array and
 * .fini_array are walked by ld.so alone: ELF's own, like .got. */
static const struct name_rule rules[] = {
        { ".text", true, CS_PART_TEXT },
        { ".plt", true, CS_PART_TEXT },
        { ".init", false, CS_PART_TEXT },
        { ".fini", false, CS_PART_TEXT },
        { ".rodata", true, CS_PART_RODATA },
        { ".srodata", true, CS_PART_RODATA },
        { ".lrodata", true, CS_PART_RODATA },
        { ".data.rel.ro", true, CS_PART_RELRO },
        { ".bss.rel.ro", true, CS_PART_RELRO },
        { ".dynrelro", true, CS_PART_RELRO },
        { ".data", true, CS_PART_DATA },
        { ".tdata", true, CS_PART_DATA },
        { ".bss", true, CS_PART_BSS },
        { ".lbss", true, CS_PART_BSS },
        { ".dynsym", false, CS_PART_META },
        { ".dynstr", false, CS_PART_META },
        { ".dynamic", false, CS_PART_META },
        { ".hash", false, CS_PART_META },
        { ".gnu", true, CS_PART_META },
        { ".rela", true, CS_PART_META },
        { ".rel", true, CS_PART_META },
        { ".relr", true, CS_PART_META },
        { ".got", true, CS_PART_META },
        { ".eh_frame", false, CS_PART_META },
        { ".eh_frame_hdr", false, CS_PART_META },
        { ".gcc_except_table", true, CS_PART_META },
        { ".interp", false, CS_PART_META },
        { ".note", true, CS_PART_META },
        { ".init_array", true, CS_PART_META },
        { ".fini_array", true, CS_PART_META },
        { ".preinit_array", false, CS_PART_META },
        { ".ctors", true, CS_PART_META },
        { ".dtors", true, CS_PART_META },
        { ".jcr", false, CS_PART_META },
        { ".tm_clone_table", false, CS_PART_META },
};

static bool rule_fits(const struct name_rule *rule, const char *name)
{
        size_t len = strlen(rule->name);
        return strncmp(name, rule->name, len) == 0 && (!name[len] || (rule->prefix && name[len] == '.'));
}

static enum cs_part part_by_type(uint32_t type)
{
        switch (type) {
        case SHT_NOTE:
        case SHT_DYNSYM:
        case SHT_DYNAMIC:
        case SHT_STRTAB:
        case SHT_HASH:
        case SHT_GNU_HASH:
        case SHT_REL:
        case SHT_RELA:
        case SHT_RELR:
        case SHT_GNU_verdef:
        case SHT_GNU_verneed:
        case SHT_GNU_versym:
        case SHT_INIT_ARRAY:
        case SHT_FINI_ARRAY:
        case SHT_PREINIT_ARRAY:
                return CS_PART_META;
        default:
                return CS_PART_NONE;
        }
}

enum cs_part cs_sections_part(const struct cs_elf_section *section, bool debug_file)
{
        for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
                if (rule_fits(&rules[i], section->name))
                        return rules[i].part;
        if (section->flags & SHF_EXECINSTR)
                return CS_PART_TEXT;
        enum cs_part part = part_by_type(section->type);
        if (part != CS_PART_NONE)
                return part;
        if (!(section->flags & SHF_WRITE))
                return CS_PART_RODATA;
        return section->type == SHT_NOBITS && !debug_file ? CS_PART_BSS : CS_PART_DATA;
}

/* ---- laying them out --------------------------------------------------------------------------------------------- */

/* The pages that ld.so makes read-only after relocation: glibc, elf/dl-reloc.c, _dl_protect_relro(). */
static struct cs_range find_relro(const struct cs_module *module, const struct cs_section_facts *facts)
{
        for (size_t i = 0; i < facts->segments_n; i++) {
                const struct cs_elf_segment *s = &facts->segments[i];
                uint64_t start = module->bias + s->vaddr;
                if (s->type == PT_GNU_RELRO && cs_range_holds(module->range, start, s->memsz))
                        return (struct cs_range){ start, start + s->memsz };
        }
        return (struct cs_range){ 0, 0 };
}

static int by_start(const void *left, const void *right)
{
        const struct cs_section *a = left, *b = right;
        if (a->range.start != b->range.start)
                return a->range.start < b->range.start ? -1 : 1;
        if (a->range.end != b->range.end)
                return a->range.end < b->range.end ? -1 : 1;
        return a->name && b->name ? strcmp(a->name, b->name) : 0;
}

static enum cs_status add_named(struct list *list, const struct cs_module *module, struct cs_range relro,
                                const struct cs_section_facts *facts, struct cs_error *err)
{
        for (size_t i = 0; i < facts->sections_n; i++) {
                const struct cs_elf_section *s = &facts->sections[i];
                uint64_t start = module->bias + s->addr;
                bool tbss = (s->flags & SHF_TLS) && s->type == SHT_NOBITS &&
                            (!facts->debug_file || strcmp(s->name, ".tbss") == 0);
                if (!(s->flags & SHF_ALLOC) || s->size == 0 || tbss ||
                    !cs_range_holds(module->range, start, s->size))
                        continue;
                struct cs_section section = { .range = { start, start + s->size },
                                              .name = s->name,
                                              .part = cs_sections_part(s, facts->debug_file) };
                /* glibc's __libc_IO_vtables and its like are constant tables under names of their own. */
                if (section.part == CS_PART_DATA && !(s->flags & SHF_TLS) &&
                    cs_range_holds(relro, start, s->size))
                        section.part = CS_PART_RELRO;
                enum cs_status st = cs_vec_push(&list->v, section, err);
                if (st != CS_OK)
                        return st;
        }
        if (list->v.n)
                qsort(list->v.at, list->v.n, sizeof(*list->v.at), by_start);
        /* Sections that overlap are a lie: what came first keeps its bytes. */
        size_t n = 0;
        uint64_t pos = 0;
        for (size_t i = 0; i < list->v.n; i++) {
                struct cs_section s = list->v.at[i];
                if (s.range.start < pos)
                        s.range.start = pos < s.range.end ? pos : s.range.end;
                if (s.range.start == s.range.end)
                        continue;
                pos = s.range.end;
                list->v.at[n++] = s;
        }
        list->v.n = n;
        return CS_OK;
}

/* Without program headers: RELRO pages are read-only, and the writable pages behind them are of the same segment, that is,
 * as far from their place in the file. */
static bool looks_relro(const struct cs_image *image, size_t mapping)
{
        const struct cs_mapping *m = &image->mappings.at[mapping];
        if (mapping + 1 >= image->mappings.n || (m->perms & (CS_PERM_WRITE | CS_PERM_EXEC)))
                return false;
        const struct cs_mapping *next = m + 1;
        return next->module == m->module && next->range.start == m->range.end &&
               (next->perms & CS_PERM_WRITE) && m->file_backed && next->file_backed &&
               next->file_offset - m->file_offset == cs_range_size(m->range);
}

static enum cs_part part_of_mapping(const struct cs_image *image, size_t mapping, bool know_relro)
{
        const struct cs_mapping *m = &image->mappings.at[mapping];
        if (m->perms & CS_PERM_EXEC)
                return CS_PART_TEXT;
        if (m->perms & CS_PERM_WRITE)
                return m->file_backed ? CS_PART_DATA : CS_PART_BSS;
        return !know_relro && looks_relro(image, mapping) ? CS_PART_RELRO : CS_PART_RODATA;
}

/* Adds nameless entries for a range of one mapping, cut where RELRO begins and ends. */
static enum cs_status add_filler(struct list *list, struct cs_range range, enum cs_part part,
                                 struct cs_range relro, struct cs_error *err)
{
        struct cs_range inside = cs_range_cut(range, relro);
        bool cut = cs_range_size(inside) > 0 && part != CS_PART_TEXT && part != CS_PART_META;
        const struct cs_section pieces[3] = {
                { .range = { range.start, cut ? inside.start : range.end }, .part = part },
                { .range = inside, .part = CS_PART_RELRO },
                { .range = { inside.end, range.end }, .part = part },
        };
        for (size_t i = 0; i < (cut ? 3 : 1); i++) {
                if (cs_range_size(pieces[i].range) == 0)
                        continue;
                enum cs_status st = cs_vec_push(&list->v, pieces[i], err);
                if (st != CS_OK)
                        return st;
        }
        return CS_OK;
}

/* Fills what the named sections leave of one mapping. *first is the first section that may matter, for this mapping and
 * for those behind it. */
static enum cs_status add_gaps(struct list *list, size_t named, size_t *first, struct cs_range range,
                               enum cs_part part, struct cs_range relro, bool headers_first,
                               struct cs_error *err)
{
        uint64_t pos = range.start;
        while (*first < named && list->v.at[*first].range.end <= pos)
                (*first)++;
        for (size_t i = *first; i <= named && pos < range.end; i++) {
                struct cs_range next =
                        i < named ? list->v.at[i].range : (struct cs_range){ range.end, range.end };
                struct cs_range gap = { pos, next.start < range.end ? next.start : range.end };
                bool headers = headers_first && named && pos == range.start;
                if (gap.start < gap.end) {
                        enum cs_status st = add_filler(list, gap, headers ? CS_PART_META : part, relro, err);
                        if (st != CS_OK)
                                return st;
                }
                pos = next.end;
        }
        return CS_OK;
}

enum cs_status cs_sections_build(const struct cs_image *image, size_t module,
                                 const struct cs_section_facts *facts, struct cs_section **out, size_t *n,
                                 struct cs_error *err)
{
        const struct cs_module *m = &image->modules.at[module];
        struct list list = { 0 };
        struct cs_range relro = find_relro(m, facts);
        enum cs_status st = add_named(&list, m, relro, facts, err);
        size_t named = list.v.n, first = 0;
        for (size_t i = cs_image_mapping_behind(image, m->range.start); i < image->mappings.n && st == CS_OK;
             i++) {
                const struct cs_mapping *map = &image->mappings.at[i];
                if (map->range.start >= m->range.end)
                        break;
                if (map->module < 0 || (size_t)map->module != module)
                        continue;
                enum cs_part part = part_of_mapping(image, i, cs_range_size(relro) > 0);
                st = add_gaps(&list, named, &first, map->range, part, relro,
                              map->file_offset == 0 && map->file_backed, err);
        }
        if (st != CS_OK) {
                cs_vec_deinit(&list.v);
                return st;
        }
        if (list.v.n)
                qsort(list.v.at, list.v.n, sizeof(*list.v.at), by_start);
        *out = list.v.at;
        *n = list.v.n;
        return CS_OK;
}
