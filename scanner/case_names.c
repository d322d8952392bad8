/* SPDX-License-Identifier: Apache-2.0 */
/* Names of addresses, blocks and owners. */
#include "case_private.h"

#include "rtti.h"
#include "text.h"

#include <inttypes.h>
#include <string.h>

enum { LITERAL_BYTES = 64, NOTES_MAX = 8 };

const char *cs_case_keep(const struct cs_case *c, const char *text)
{
        return text ? cs_pool_copy(c->pool, text, strlen(text)) : NULL;
}

enum cs_status cs_case_note(const struct cs_case *c, struct cs_report_case *out, const char *note,
                            struct cs_error *err)
{
        if (!out->notes)
                out->notes = cs_pool_alloc(c->pool, NOTES_MAX, sizeof(*out->notes));
        if (!out->notes || !note)
                return cs_fail(err, CS_ENOMEM, "notes");
        if (out->n_notes < NOTES_MAX)
                out->notes[out->n_notes++] = note;
        return CS_OK;
}

uint64_t cs_case_user(const struct cs_case *c, uint32_t block)
{
        struct cs_block b = cs_blocks_get(&c->heaps->blocks, block);
        return cs_block_user(&b);
}

const struct cs_report_cluster *cs_case_cluster(const struct cs_case *c, uint32_t block)
{
        uint32_t cluster = cs_blocks_cluster(&c->heaps->blocks, block);
        return cluster < c->clusters->at.n ? &c->named[cluster] : NULL;
}

bool cs_case_stale(const struct cs_case *c, uint32_t block)
{
        uint32_t cluster = cs_blocks_cluster(&c->heaps->blocks, block);
        return cluster < c->clusters->at.n && c->clusters->at.at[cluster].kind == CS_CLUSTER_TEXT;
}

struct cs_case_owner cs_case_owner(const struct cs_case *c, uint32_t block)
{
        const struct cs_report_cluster *cluster = cs_case_cluster(c, block);
        int32_t module = cs_label_module(c->labels, block);
        if (module == CS_NO_MODULE)
                return (struct cs_case_owner){ 0 };
        struct cs_case_owner owner = { .library = cs_case_keep(c, cs_unloaded_name(c->image, c->unloaded,
                                                                                   (size_t)module)),
                                       .confidence = c->labels->certainty[block] / 255.0 };
        /* What the cluster's blocks have in common speaks for the owner of most; a block of another's has other reasons. */
        if (cluster && cluster->library && owner.library && strcmp(cluster->library, owner.library) == 0) {
                owner.evidence = cluster->evidence;
                owner.n_evidence = cluster->n_evidence;
        }
        return owner;
}

uint32_t cs_case_pointee(const struct cs_case *c, uint64_t value)
{
        const struct cs_blocks *blocks = &c->heaps->blocks;
        struct cs_space_entry e = cs_space_at(c->space, value);
        if (e.kind != CS_SPACE_HEAP)
                return CS_NO_BLOCK;
        uint32_t i = cs_blocks_find(blocks, e.index, value);
        return i != CS_NO_BLOCK && cs_blocks_state(blocks, i) == CS_BLOCK_IN_USE &&
                               !cs_blocks_is_header(blocks, e.index, value)
                       ? i
                       : (uint32_t)CS_NO_BLOCK;
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

const char *cs_case_literal(const struct cs_case *c, uint64_t addr)
{
        uint8_t text[LITERAL_BYTES];
        size_t got = 0;
        if (cs_source_read(c->image->source, addr, text, sizeof(text), &got, NULL) != CS_OK)
                return NULL;
        size_t run = cs_text_run(text, got);
        if (run < 3 || (run < got && text[run] != '\0'))
                return NULL;
        return cs_pool_printf(c->pool, run < got ? "\"%.*s\"" : "\"%.*s…\"", (int)run, (const char *)text);
}

const char *cs_case_symbol(const struct cs_case *c, size_t module, uint64_t addr)
{
        struct cs_symbol symbol;
        if (!cs_symbols_at(c->symbols, module, addr, &symbol))
                return NULL;
        const char *name = cs_demangle(c->pool, symbol.name, false);
        if (!name || addr == symbol.addr)
                return name;
        return cs_pool_printf(c->pool, "%s+0x%" PRIx64, name, addr - symbol.addr);
}

const char *cs_case_section(const struct cs_case *c, size_t module, uint64_t addr)
{
        const struct cs_section *section = cs_symbols_section_at(c->symbols, module, addr);
        return section && section->name && *section->name ? section->name : NULL;
}

/* "vtable for Thing", a literal, or a symbol; NULL: nothing has that address for a name. */
static const char *target_name(const struct cs_case *c, size_t module, uint64_t addr)
{
        enum cs_part part = cs_space_part(c->space, module, addr);
        struct cs_vtable vtable;
        if (part == CS_PART_NONE || part == CS_PART_META)
                return NULL;
        if (part != CS_PART_TEXT && part != CS_PART_BSS && addr % 8 == 0 &&
            cs_rtti_vtable(c->image, c->symbols, c->pool, addr, &vtable) && vtable.class_name)
                return cs_pool_printf(c->pool, "vtable for %s", vtable.class_name);
        const char *text = part == CS_PART_RODATA ? cs_case_literal(c, addr) : NULL;
        return text ? text : cs_case_symbol(c, module, addr);
}

const char *cs_case_name(const struct cs_case *c, size_t module, uint64_t addr)
{
        const char *name = target_name(c, module, addr), *section = cs_case_section(c, module, addr);
        const char *library = c->image->modules.at[module].name;
        if (!name)
                return cs_symbols_describe(c->symbols, c->pool, addr);
        return section ? cs_pool_printf(c->pool, "%s (%s %.100s)", name, library, section)
                       : cs_pool_printf(c->pool, "%s (%s)", name, library);
}

static const char *const memory_names[CS_KINDS] = {
        [CS_KIND_MALLOC_USED] = "memory of an allocator",
        [CS_KIND_MALLOC_FREE] = "free memory of an allocator",
        [CS_KIND_MALLOC_OVERHEAD] = "an allocator's own records",
        [CS_KIND_JAVA_HEAP] = "Java heap",
        [CS_KIND_JAVA_METASPACE] = "Java metaspace",
        [CS_KIND_JAVA_CODE_CACHE] = "Java code cache",
        [CS_KIND_RUBY_HEAP] = "Ruby heap",
        [CS_KIND_PYTHON_HEAP] = "Python heap",
        [CS_KIND_BEAM_CARRIER] = "Erlang carrier",
        [CS_KIND_V8_HEAP] = "V8 heap",
        [CS_KIND_GO_HEAP] = "Go heap",
        [CS_KIND_STACK] = "stack",
        [CS_KIND_MODULE_CODE] = "code",
        [CS_KIND_MODULE_DATA] = "static variables",
        [CS_KIND_FILE] = "mapped file",
        [CS_KIND_SHARED] = "shared memory",
        [CS_KIND_VDSO] = "vdso",
        [CS_KIND_RESERVED] = "reserved address space",
        [CS_KIND_ANONYMOUS] = "anonymous memory",
};

const char *cs_case_name_memory(const struct cs_case *c, uint64_t addr)
{
        const struct cs_region *r = cs_regions_at(c->regions, addr);
        if (!r)
                return "memory";
        /* Which stack; or that it is thread-local storage, if not a module's mapping. */
        if ((r->kind == CS_KIND_STACK || r->kind == CS_KIND_MODULE_DATA) && r->detail)
                return cs_case_keep(c, r->detail);
        return memory_names[r->kind];
}

const char *cs_case_name_kind(enum cs_kind kind)
{
        return memory_names[kind];
}
