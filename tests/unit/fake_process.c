/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_process.h"

#include "bytes.h"
#include "relate.h"

#include <stdlib.h>
#include <unistd.h>

static void must(bool ok)
{
        if (!ok)
                abort();
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static struct fake_region *region_at(const struct fake_process *p, uint64_t addr)
{
        for (size_t i = 0; i < p->n; i++)
                if (addr - p->regions[i].addr < p->regions[i].size)
                        return (struct fake_region *)&p->regions[i];
        abort();
}

void fake_map(struct fake_process *p, uint64_t addr, uint64_t size, uint32_t flags)
{
        must(p->n < FAKE_REGIONS);
        p->regions[p->n] = (struct fake_region){ addr, size, flags, 0, false, calloc(1, size) };
        must(p->regions[p->n++].bytes);
}

void fake_leave_out(struct fake_process *p, uint64_t addr)
{
        struct fake_region *r = region_at(p, addr);
        must(r->addr == addr);
        r->left_out = true;
}

void fake_write(struct fake_process *p, uint64_t addr, const void *bytes, size_t len)
{
        struct fake_region *r = region_at(p, addr);
        must(len <= r->size - (addr - r->addr));
        memcpy(r->bytes + (addr - r->addr), bytes, len);
}

void fake_put(struct fake_process *p, uint64_t addr, uint64_t value)
{
        fake_write(p, addr, &value, sizeof(value));
}

uint64_t fake_get(const struct fake_process *p, uint64_t addr)
{
        const struct fake_region *r = region_at(p, addr);
        must(r->size - (addr - r->addr) >= 8);
        return cs_word(r->bytes + (addr - r->addr));
}

void fake_module(struct fake_process *p, uint64_t base, const char *path)
{
        static const struct {
                uint64_t from, to;
                uint32_t flags;
        } parts[] = {
                { 0, FAKE_TEXT, PF_R },
                { FAKE_TEXT, FAKE_RODATA, PF_R | PF_X },
                { FAKE_RODATA, FAKE_DATA, PF_R },
                { FAKE_DATA, FAKE_BSS, PF_R | PF_W },
        };
        size_t n = sizeof(parts) / sizeof(parts[0]);
        Elf64_Ehdr eh = {
                .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
                .e_type = ET_DYN,
                .e_machine = EM_X86_64,
                .e_version = EV_CURRENT,
                .e_phoff = sizeof(eh),
                .e_ehsize = sizeof(eh),
                .e_phentsize = sizeof(Elf64_Phdr),
                .e_phnum = (uint16_t)n,
        };
        for (size_t i = 0; i < n; i++) {
                uint64_t size = parts[i].to - parts[i].from;
                Elf64_Phdr ph = { .p_type = PT_LOAD,
                                  .p_flags = parts[i].flags,
                                  .p_offset = parts[i].from,
                                  .p_vaddr = parts[i].from,
                                  .p_filesz = size,
                                  .p_memsz = i + 1 < n ? size : FAKE_MODULE - parts[i].from,
                                  .p_align = CS_PAGE };
                fake_map(p, base + parts[i].from, size, parts[i].flags);
                fake_write(p, base + sizeof(eh) + i * sizeof(ph), &ph, sizeof(ph));
                corebuilder_file(&p->core, base + parts[i].from, base + parts[i].to, parts[i].from / CS_PAGE,
                                 path);
        }
        fake_map(p, base + FAKE_BSS, FAKE_MODULE - FAKE_BSS, PF_R | PF_W);
        fake_write(p, base, &eh, sizeof(eh));
}

void fake_bss(struct fake_process *p, uint64_t base, uint64_t size)
{
        const uint64_t data = sizeof(Elf64_Ehdr) + 3 * sizeof(Elf64_Phdr);
        fake_map(p, base + FAKE_MODULE, size, PF_R | PF_W);
        fake_put(p, base + data + offsetof(Elf64_Phdr, p_memsz), FAKE_MODULE - FAKE_DATA + size);
}

/* Where a module that exports has its tables, in its page of code. */
enum {
        DYNAMIC = FAKE_TEXT + 0x200,
        HASH = FAKE_TEXT + 0x280,
        SYMTAB = FAKE_TEXT + 0x300,
        STRTAB = FAKE_TEXT + 0x800
};

/* A fifth program header, and the tables with the first symbol, which stands for none. */
static void begin_exports(struct fake_process *p, uint64_t base)
{
        const uint64_t dynamic[] = { DT_HASH,       base + HASH, DT_SYMTAB, base + SYMTAB, DT_STRTAB,
                                     base + STRTAB, DT_STRSZ,    1,         DT_NULL,       0 };
        Elf64_Phdr ph = {
                .p_type = PT_DYNAMIC, .p_offset = DYNAMIC, .p_vaddr = DYNAMIC, .p_memsz = sizeof(dynamic)
        };
        uint16_t n = 5;
        fake_write(p, base + offsetof(Elf64_Ehdr, e_phnum), &n, sizeof(n));
        fake_write(p, base + sizeof(Elf64_Ehdr) + 4 * sizeof(ph), &ph, sizeof(ph));
        fake_write(p, base + DYNAMIC, dynamic, sizeof(dynamic));
        fake_put(p, base + HASH, UINT64_C(1) << 32);
}

void fake_export(struct fake_process *p, uint64_t base, const char *name, uint64_t offset, uint64_t size)
{
        if (!fake_get(p, base + HASH))
                begin_exports(p, base);
        uint64_t n = fake_get(p, base + HASH) >> 32, used = fake_get(p, base + DYNAMIC + 7 * 8);
        Elf64_Sym symbol = { .st_name = (uint32_t)used,
                             .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT),
                             .st_shndx = 1,
                             .st_value = offset,
                             .st_size = size };
        must(n * sizeof(symbol) < STRTAB - SYMTAB - sizeof(symbol));
        fake_write(p, base + SYMTAB + n * sizeof(symbol), &symbol, sizeof(symbol));
        fake_write(p, base + STRTAB + used, name, strlen(name) + 1);
        fake_put(p, base + HASH, (n + 1) << 32);
        fake_put(p, base + DYNAMIC + 7 * 8, used + strlen(name) + 1);
}

struct fake_process *fake_create(void)
{
        struct fake_process *p = calloc(1, sizeof(*p));
        must(p);
        p->fd = -1;
        p->sp = FAKE_STACK + FAKE_SP;
        fake_module(p, FAKE_APP, "/nowhere/app");
        fake_module(p, FAKE_WIDGET, "/nowhere/libwidget.so.1");
        fake_module(p, FAKE_LIBC, "/nowhere/libc.so.6");
        fake_arena(p, FAKE_LIBC + FAKE_ARENA);
        fake_map(p, FAKE_STACK, FAKE_STACK_BYTES, PF_R | PF_W);
        return p;
}

struct fake_process *fake_create_bare(void)
{
        struct fake_process *p = calloc(1, sizeof(*p));
        must(p);
        p->fd = -1;
        p->sp = FAKE_STACK + FAKE_SP;
        fake_map(p, FAKE_LIBC + FAKE_DATA, FAKE_MODULE - FAKE_DATA, PF_R | PF_W);
        fake_arena(p, FAKE_LIBC + FAKE_ARENA);
        fake_map(p, FAKE_STACK, FAKE_STACK_BYTES, PF_R | PF_W);
        return p;
}

void fake_destroy(struct fake_process *p)
{
        cs_owners_deinit(&p->owners);
        cs_literals_deinit(&p->literals);
        cs_leaks_deinit(&p->leaks);
        cs_graph_deinit(&p->graph);
        cs_members_deinit(&p->members);
        cs_clusters_deinit(&p->clusters);
        cs_vec_deinit(&p->slices);
        cs_residency_destroy(p->residency);
        cs_heaps_deinit(&p->heaps);
        cs_claims_deinit(&p->claims);
        cs_space_destroy(p->space);
        cs_symbols_destroy(p->symbols);
        cs_image_close(p->image);
        if (p->fd >= 0)
                close(p->fd);
        for (size_t i = 0; i < p->n; i++)
                free(p->regions[i].bytes);
        corebuilder_deinit(&p->core);
        free(p);
}

/* ---- malloc ------------------------------------------------------------------------------------------------------ */

size_t fake_row;

static const struct cs_glibc_layout *layout(void)
{
        return &cs_glibc_layouts[fake_row];
}

void fake_arena(struct fake_process *p, uint64_t addr)
{
        for (uint64_t i = 0; i < GLIBC_BIN_PAIRS; i++) {
                uint64_t pair = addr + layout()->bins + 16 * i;
                fake_put(p, pair, pair - 16);
                fake_put(p, pair + 8, pair - 16);
        }
        fake_put(p, addr + layout()->top, addr + layout()->bins - 16);
        fake_put(p, addr + layout()->next, addr);
}

uint64_t fake_thread_heap(struct fake_process *p, uint64_t heap, uint64_t size, uint64_t next)
{
        uint64_t arena = heap + layout()->heap_bytes;
        fake_map(p, heap, size, PF_R | PF_W);
        fake_put(p, heap, arena);
        fake_put(p, heap + 16, size);
        fake_arena(p, arena);
        fake_put(p, arena + layout()->system_mem, size);
        fake_put(p, arena + layout()->system_mem + 8, size);
        fake_put(p, arena + layout()->next, next);
        return (arena + layout()->arena_bytes + 15) & ~UINT64_C(15);
}

void fake_heap(struct fake_process *p, uint64_t size)
{
        uint64_t mp = FAKE_LIBC + FAKE_PARAMETERS;
        fake_map(p, FAKE_HEAP, size, PF_R | PF_W);
        fake_put(p, mp + 16, 128 << 10); /* mmap_threshold */
        fake_put(p, mp + layout()->mp_arena_test, 8);
        uint32_t most = 65536;
        fake_write(p, mp + layout()->mp_n_mmaps_max, &most, sizeof(most));
        fake_put(p, mp + layout()->mp_sbrk_base, FAKE_HEAP);
        fake_put(p, FAKE_LIBC + FAKE_ARENA + layout()->system_mem, size);
        fake_put(p, FAKE_LIBC + FAKE_ARENA + layout()->system_mem + 8, size);
}

void fake_mmapped(struct fake_process *p, uint32_t chunks, uint64_t bytes)
{
        uint64_t mp = FAKE_LIBC + FAKE_PARAMETERS;
        fake_write(p, mp + layout()->mp_n_mmaps, &chunks, sizeof(chunks));
        fake_put(p, mp + layout()->mp_mmapped_mem, bytes);
}

uint64_t fake_chunk(struct fake_process *p, uint64_t at, uint64_t size)
{
        fake_put(p, at + 8, size | GLIBC_PREV_IN_USE);
        return at + size;
}

void fake_top(struct fake_process *p, uint64_t arena, uint64_t at, uint64_t end)
{
        fake_put(p, at + 8, (end - at) | GLIBC_PREV_IN_USE);
        fake_put(p, arena + layout()->top, at);
}

uint64_t fake_object(struct fake_process *p, uint64_t *at, uint64_t size, const uint64_t *words, size_t n)
{
        uint64_t user = *at + GLIBC_HEADER;
        if (n)
                fake_write(p, user, words, n * sizeof(*words));
        *at = fake_chunk(p, *at, size);
        return user;
}

uint64_t fake_text(struct fake_process *p, uint64_t *at, uint64_t size, const char *text)
{
        uint64_t user = *at + GLIBC_HEADER;
        fake_write(p, user, text, strlen(text) + 1);
        *at = fake_chunk(p, *at, size);
        return user;
}

void fake_free(struct fake_process *p, uint64_t chunk)
{
        uint64_t next = chunk + (fake_get(p, chunk + 8) & ~(uint64_t)GLIBC_FLAGS);
        fake_put(p, next + 8, fake_get(p, next + 8) & ~(uint64_t)GLIBC_PREV_IN_USE);
}

/* ---- classes ----------------------------------------------------------------------------------------------------- */

static uint64_t constants(struct fake_process *p, uint64_t module, const uint64_t *words, size_t n)
{
        struct fake_region *r = region_at(p, module + FAKE_RODATA);
        uint64_t at = r->addr + r->used;
        must(n * 8 <= r->size - r->used);
        fake_write(p, at, words, n * 8);
        r->used += n * 8;
        return at;
}

static uint64_t vtable(struct fake_process *p, uint64_t module, const char *mangled, bool of_classes)
{
        char name[64] = { 0 };
        uint64_t words[8];
        must(strlen(mangled) < sizeof(name));
        memcpy(name, mangled, strlen(mangled));
        memcpy(words, name, sizeof(name));
        uint64_t text = constants(p, module, words, 8);
        /* abi::__si_class_type_info is an object of its own class. */
        uint64_t here = region_at(p, module + FAKE_RODATA)->addr + region_at(p, module + FAKE_RODATA)->used;
        if (of_classes)
                p->type_info = here + 3 * 8 + 16;
        uint64_t info[] = { p->type_info, text, 0 };
        uint64_t typeinfo = constants(p, module, info, 3);
        uint64_t table[] = { 0, typeinfo, module + FAKE_TEXT + 0x100, module + FAKE_TEXT + 0x120 };
        return constants(p, module, table, 4) + 16;
}

uint64_t fake_class(struct fake_process *p, uint64_t module, const char *mangled)
{
        if (!p->type_info)
                (void)vtable(p, FAKE_APP, "N10__cxxabiv120__si_class_type_infoE", true);
        return vtable(p, module, mangled, false);
}

/* ---- from core to owners ----------------------------------------------------------------------------------------- */

struct corebuilder_bytes fake_core(struct fake_process *p)
{
        corebuilder_process(&p->core, 4711, "app --serve");
        if (p->sp)
                corebuilder_thread(&p->core, 4711, p->sp, FAKE_APP + FAKE_TEXT + 8, p->registers);
        corebuilder_auxv(&p->core, FAKE_APP + FAKE_TEXT, FAKE_STACK + 0x3f00, 0);
        for (size_t i = 0; i < p->n; i++)
                corebuilder_load(&p->core, p->regions[i].addr, p->regions[i].bytes,
                                 p->regions[i].left_out ? 0 : p->regions[i].size, p->regions[i].size,
                                 p->regions[i].flags);
        return corebuilder_finish(&p->core);
}

void fake_open(struct fake_process *p)
{
        struct corebuilder_bytes bytes = fake_core(p);
        char path[64];
        p->fd = corebuilder_open(bytes.at, bytes.len, path);
        free(bytes.at);
        must(cs_image_open_core(path, &p->options, &p->image, NULL) == CS_OK);
        p->image->kind = p->live ? CS_IMAGE_LIVE : CS_IMAGE_CORE;
        must(cs_symbols_create(p->image, &p->options, &p->symbols, NULL) == CS_OK);
        must(cs_space_create(p->image, p->symbols, &p->space, NULL) == CS_OK);
        must(cs_heaps_find(p->image, p->symbols, p->space, &p->claims, &p->heaps, NULL) == CS_OK);
}

void fake_relate(struct fake_process *p, unsigned workers)
{
        struct cs_blocks *blocks = &p->heaps.blocks;
        must(cs_residency_create(p->image, workers, &p->residency, NULL) == CS_OK);
        must(cs_slices_plan(blocks, &p->slices, NULL) == CS_OK);
        struct cs_cluster_input sweep = { p->image,     p->symbols, p->space, blocks, &p->slices,
                                          p->residency, workers,    NULL,     false };
        must(cs_clusters_build(&sweep, &p->clusters, NULL) == CS_OK);
        struct cs_graph_input graph = { .image = p->image,
                                        .space = p->space,
                                        .heaps = &p->heaps,
                                        .slices = &p->slices,
                                        .clusters = &p->clusters,
                                        .workers = workers,
                                        .claims = &p->claims,
                                        .literals = &p->literals };
        must(cs_literals_build(p->image, p->space, &p->literals, NULL) == CS_OK);
        must(cs_graph_build(&graph, &p->graph, NULL) == CS_OK);
        struct cs_leaks_input leaks = { blocks, &p->clusters, &p->graph, p->residency, &graph, NULL };
        struct cs_owners_input owners = { p->image,    p->space,  blocks,       &p->clusters,
                                          &p->members, &p->graph, &p->literals, NULL };
        must(cs_relate(&leaks, &p->leaks, &owners, &p->owners, workers, NULL) == CS_OK);
}

uint32_t fake_block(const struct fake_process *p, uint64_t user)
{
        uint32_t i = cs_blocks_at(&p->heaps.blocks, p->space, user);
        must(i != CS_NO_BLOCK);
        struct cs_block b = cs_blocks_get(&p->heaps.blocks, i);
        must(cs_block_user(&b) == user);
        return i;
}

int fake_state(const struct fake_process *p, uint64_t chunk)
{
        uint32_t i = cs_blocks_at(&p->heaps.blocks, p->space, chunk);
        if (i == CS_NO_BLOCK)
                return -1;
        struct cs_block b = cs_blocks_get(&p->heaps.blocks, i);
        return cs_block_start(&b) == chunk ? (int)cs_block_state(&b) : -1;
}

const struct cs_cluster *fake_cluster(const struct fake_process *p, uint64_t user)
{
        uint32_t cluster = cs_blocks_cluster(&p->heaps.blocks, fake_block(p, user));
        must(cluster < p->clusters.at.n);
        return &p->clusters.at.at[cluster];
}
