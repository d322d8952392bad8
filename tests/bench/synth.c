/* SPDX-License-Identifier: Apache-2.0 */
/* synth FILE [WHAT=NUMBER...]: a core that no process left, with as many of each thing as is asked for, so that the time they take can be seen one by one:
 *
 *      modules   loaded objects (3 at least: the program, a library, libc), of five mappings each; classes are spread over them
 *      mappings  more mappings of a page each, with a text
 *      threads   threads, with stacks that return to modules and hold pointers to blocks
 *      arenas    heaps of threads, a ring of them; a sixteenth of the blocks lies there
 *      blocks    in use and free, half of them objects that point to others, the others texts and numbers
 *      classes   what the objects are of
 *      mib       one mapping so large, of which every `stride`th page (16) has text; the file has holes for the others
 *
 * The same bytes each time. Structures of glibc are those of its layout table's first row. */
#include "corebuilder.h"

#include "glibc_layout.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE UINT64_C(4096)
#define HEAP UINT64_C(0x555600000000)
#define MODULES UINT64_C(0x7f1000000000)
#define ARENAS UINT64_C(0x7e0000000000)
#define STACKS UINT64_C(0x7fa000000000)
#define MAPPINGS UINT64_C(0x7d0000000000)
#define LARGE UINT64_C(0x7c0000000000)

enum {
        TEXT = 0x1000,   /* from a module's base */
        RODATA = 0x2000, /* its vtables, of four words each */
        VTABLE = 32,
        DATA_PAGES = 3, /* and the last of them is .bss */
        ARENA = 0xc80,  /* main_arena and mp_ in libc's data */
        PARAMETERS = 0x60,
        STACK = 0x4000,
        ALIGN = 16,
};

struct part {
        uint64_t addr, size;
        uint32_t flags;
        uint8_t *at; /* where it lies in the file */
};

struct plan {
        uint64_t modules, mappings, threads, arenas, blocks, classes, mib, stride;
};

struct core {
        struct plan plan;
        CS_VEC(struct part) parts;
        struct corebuilder notes;
        uint64_t rodata;  /* bytes of each module's */
        uint64_t heap;    /* bytes of the main heap */
        uint64_t arena;   /* bytes of one of the others */
        size_t *stacks;   /* parts */
        uint64_t *bases;  /* of modules */
        uint64_t *places; /* of the main heap's objects, some of them, to point at */
        uint64_t n_places;
        uint64_t text; /* the block last made that is no object; 0: none */
        uint64_t state;
        int fd;
        uint64_t large; /* where in the file that mapping is */
};

static void must(bool ok, const char *what)
{
        if (ok)
                return;
        perror(what);
        exit(1);
}

static uint64_t roll(struct core *c)
{
        c->state ^= c->state << 13;
        c->state ^= c->state >> 7;
        c->state ^= c->state << 17;
        return c->state * 2685821657736338717U >> 8;
}

static size_t add(struct core *c, uint64_t addr, uint64_t size, uint32_t flags)
{
        struct part part = { addr, size, flags, NULL };
        must(cs_vec_push(&c->parts, part, NULL) == CS_OK, "parts");
        return c->parts.n - 1;
}

static void put(uint8_t *at, uint64_t offset, uint64_t value)
{
        memcpy(at + offset, &value, sizeof(value));
}

/* ---- what there is ------------------------------------------------------------------------------------------------ */

static void plan_modules(struct core *c)
{
        const struct plan *p = &c->plan;
        uint64_t at = MODULES;
        c->rodata = ((p->classes + p->modules - 1) / p->modules * VTABLE + PAGE) / PAGE * PAGE;
        c->bases = calloc(p->modules, sizeof(*c->bases));
        must(c->bases, "modules");
        for (uint64_t m = 0; m < p->modules; m++) {
                char path[64];
                (void)snprintf(path, sizeof(path),
                               m == 0   ? "/nowhere/app"
                               : m == 1 ? "/nowhere/libc.so.6"
                                        : "/nowhere/lib%lu.so",
                               (unsigned long)m);
                const uint64_t sizes[] = { TEXT, RODATA - TEXT, c->rodata, (DATA_PAGES - 1) * PAGE };
                static const uint32_t flags[] = { PF_R, PF_R | PF_X, PF_R, PF_R | PF_W };
                uint64_t base = c->bases[m] = at;
                for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); at += sizes[i++]) {
                        add(c, at, sizes[i], flags[i]);
                        corebuilder_file(&c->notes, at, at + sizes[i], (at - base) / PAGE, path);
                }
                add(c, at, PAGE, PF_R | PF_W);
                at += 0x10000;
        }
}

static uint64_t data_of(const struct core *c, uint64_t module)
{
        return c->bases[module] + RODATA + c->rodata;
}

static void plan_all(struct core *c)
{
        const struct plan *p = &c->plan;
        uint64_t each = p->arenas ? p->blocks / 16 / p->arenas : 0;
        /* Blocks take 88 bytes on average, and none more than 144. */
        c->heap = ((p->blocks - each * p->arenas) * 144 + 64 * PAGE) / PAGE * PAGE;
        c->arena = (each * 144 + 4 * PAGE) / PAGE * PAGE;
        must(c->arena <= GLIBC_HEAP_MAX, "too many blocks for so few arenas");
        plan_modules(c);
        add(c, HEAP, c->heap, PF_R | PF_W);
        for (uint64_t i = 0; i < p->arenas; i++)
                add(c, ARENAS + i * GLIBC_HEAP_MAX, c->arena, PF_R | PF_W);
        c->stacks = calloc(p->threads + 1, sizeof(*c->stacks));
        must(c->stacks, "threads");
        for (uint64_t i = 0; i < p->threads; i++)
                c->stacks[i] = add(c, STACKS + i * 2 * STACK, STACK, PF_R | PF_W);
        for (uint64_t i = 0; i < p->mappings; i++)
                add(c, MAPPINGS + i * PAGE, PAGE, i % 2 ? PF_R | PF_W : PF_R);
        if (p->mib)
                add(c, LARGE, p->mib << 20, PF_R | PF_W);
}

/* ---- the file ----------------------------------------------------------------------------------------------------- */

static void note_threads(struct core *c)
{
        corebuilder_process(&c->notes, 4711, "app --serve");
        for (uint64_t i = 0; i < c->plan.threads; i++)
                corebuilder_thread(&c->notes, 4711 + (int)i, STACKS + i * 2 * STACK + STACK / 2,
                                   c->bases[i % c->plan.modules] + TEXT + 8, NULL);
        corebuilder_auxv(&c->notes, c->bases[0] + TEXT, STACKS + STACK - 64, 0);
}

/* Headers and notes are corebuilder's, of a core without memory; the parts follow, each at a page. */
static void lay_out(struct core *c, const char *path)
{
        note_threads(c);
        struct corebuilder_bytes files = corebuilder_files_note(&c->notes);
        corebuilder_note(&c->notes, "CORE", NT_FILE, files.at, files.len);
        free(files.at);
        size_t count = c->parts.n + 1;
        uint64_t headers = sizeof(Elf64_Ehdr) + sizeof(Elf64_Shdr) + count * sizeof(Elf64_Phdr);
        uint64_t notes = (headers + ALIGN - 1) / ALIGN * ALIGN,
                 at = (notes + c->notes.notes.n + PAGE - 1) / PAGE * PAGE, len = at;
        for (size_t i = 0; i < c->parts.n; i++)
                len += c->parts.at[i].size;
        int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
        must(fd >= 0 && ftruncate(fd, (off_t)len) == 0, path);
        uint8_t *file = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        must(file != MAP_FAILED, path);
        bool many = count >= PN_XNUM;
        Elf64_Ehdr eh = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
                                       EV_CURRENT },
                          .e_type = ET_CORE,
                          .e_machine = EM_X86_64,
                          .e_version = EV_CURRENT,
                          .e_phoff = sizeof(Elf64_Ehdr) + sizeof(Elf64_Shdr),
                          .e_ehsize = sizeof(Elf64_Ehdr),
                          .e_phentsize = sizeof(Elf64_Phdr),
                          .e_phnum = many ? PN_XNUM : (uint16_t)count,
                          .e_shoff = many ? sizeof(Elf64_Ehdr) : 0,
                          .e_shnum = many,
                          .e_shentsize = many ? sizeof(Elf64_Shdr) : 0 };
        Elf64_Shdr sh = { .sh_info = many ? (uint32_t)count : 0 };
        Elf64_Phdr ph = { .p_type = PT_NOTE, .p_offset = notes, .p_filesz = c->notes.notes.n };
        uint8_t *to = file + sizeof(eh) + sizeof(sh);
        memcpy(file, &eh, sizeof(eh));
        memcpy(file + sizeof(eh), &sh, sizeof(sh));
        memcpy(to, &ph, sizeof(ph));
        memcpy(file + notes, c->notes.notes.at, c->notes.notes.n);
        for (size_t i = 0; i < c->parts.n; i++) {
                struct part *p = &c->parts.at[i];
                ph = (Elf64_Phdr){ .p_type = PT_LOAD,
                                   .p_flags = p->flags,
                                   .p_offset = at,
                                   .p_vaddr = p->addr,
                                   .p_filesz = p->size,
                                   .p_memsz = p->size,
                                   .p_align = PAGE };
                to += sizeof(ph);
                memcpy(to, &ph, sizeof(ph));
                p->at = file + at;
                if (p->addr == LARGE)
                        c->large = at;
                at += p->size;
        }
        c->fd = fd;
}

static uint8_t *at(const struct core *c, uint64_t addr)
{
        for (size_t i = 0; i < c->parts.n; i++)
                if (addr - c->parts.at[i].addr < c->parts.at[i].size)
                        return c->parts.at[i].at + (addr - c->parts.at[i].addr);
        must(false, "address");
        return NULL;
}

/* ---- modules ------------------------------------------------------------------------------------------------------ */

static uint64_t vtable_of(const struct core *c, uint64_t class)
{
        const struct plan *p = &c->plan;
        return c->bases[class % p->modules] + RODATA + class / p->modules * VTABLE + 16;
}

static void fill_module(const struct core *c, uint64_t base)
{
        uint8_t *head = at(c, base), *constants = at(c, base + RODATA);
        const uint64_t from[] = { 0, TEXT, RODATA, RODATA + c->rodata,
                                  RODATA + c->rodata + DATA_PAGES * PAGE };
        static const uint32_t flags[] = { PF_R, PF_R | PF_X, PF_R, PF_R | PF_W };
        enum { N = 4 };
        Elf64_Ehdr eh = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
                                       EV_CURRENT },
                          .e_type = ET_DYN,
                          .e_machine = EM_X86_64,
                          .e_version = EV_CURRENT,
                          .e_phoff = sizeof(eh),
                          .e_ehsize = sizeof(eh),
                          .e_phentsize = sizeof(Elf64_Phdr),
                          .e_phnum = N };
        memcpy(head, &eh, sizeof(eh));
        for (size_t i = 0; i < N; i++) {
                uint64_t size = from[i + 1] - from[i];
                Elf64_Phdr ph = { .p_type = PT_LOAD,
                                  .p_flags = flags[i],
                                  .p_offset = from[i],
                                  .p_vaddr = from[i],
                                  .p_filesz = i + 1 < N ? size : size - PAGE,
                                  .p_memsz = size,
                                  .p_align = PAGE };
                memcpy(head + sizeof(eh) + i * sizeof(ph), &ph, sizeof(ph));
        }
        for (uint64_t i = 0; i + VTABLE <= c->rodata; i += VTABLE) {
                put(constants, i + 16, base + TEXT + i % (PAGE / 2));
                put(constants, i + 24, base + TEXT + 16 + i % (PAGE / 2));
        }
}

/* ---- heaps -------------------------------------------------------------------------------------------------------- */

static const struct cs_glibc_layout *layout(void)
{
        return &cs_glibc_layouts[0];
}

static void fill_state(uint8_t *to, uint64_t addr, uint64_t top, uint64_t next, uint64_t bytes)
{
        for (uint64_t i = 0; i < GLIBC_BIN_PAIRS; i++) {
                uint64_t pair = layout()->bins + 16 * i;
                put(to, pair, addr + pair - 16);
                put(to, pair + 8, addr + pair - 16);
        }
        put(to, layout()->top, top);
        put(to, layout()->next, next);
        put(to, layout()->system_mem, bytes);
        put(to, layout()->system_mem + 8, bytes);
}

static void fill_block(struct core *c, uint8_t *user, uint64_t addr, uint64_t size, uint64_t number)
{
        static const char *const lines[] = { "request %u of session %u", "GET /items/%u?page=%u HTTP/1.1",
                                             "user-%u@mail%u.example.org", "/var/lib/app/%u/part-%u.dat" };
        uint64_t r = roll(c);
        if (r % 2 == 0) {
                uint64_t class = (r >> 8) % c->plan.classes, room = c->n_places;
                put(user, 0, vtable_of(c, class));
                put(user, 8, room ? c->places[(r >> 24) % room] : 0);
                if (number % 2 && c->text)
                        put(user, 16, c->text);
                /* A tree over the objects: what is in it can be reached. */
                if (size >= 64)
                        put(user, 24, room ? c->places[room - 1] : 0);
                c->places[c->n_places++] = addr;
                return;
        }
        c->text = addr;
        if (r % 8 == 1) {
                put(user, 0, r >> 40);
                put(user, 8, number);
        } else {
                (void)snprintf((char *)user, size - 8, lines[(r >> 8) % 4], (unsigned)(r >> 40) % 9999,
                               (unsigned)(r >> 24) % 99);
        }
}

/* `n` chunks from `first` on, then a top up to the end; gives its address. One chunk in 16 is free, but for those before the top. */
static uint64_t fill_chunks(struct core *c, uint8_t *heap, uint64_t start, uint64_t first, uint64_t end,
                            uint64_t n, uint64_t flags)
{
        uint64_t p = first, before = GLIBC_PREV_IN_USE;
        for (uint64_t i = 0; i < n; i++) {
                uint64_t size = 32 + 16 * (roll(c) % 8), off = p - start;
                bool is_free = before && i % 16 == 15 && i + 1 < n;
                put(heap, off + 8, size | before | flags);
                if (!is_free)
                        fill_block(c, heap + off + 16, p + 16, size, i);
                before = is_free ? 0 : GLIBC_PREV_IN_USE;
                p += size;
        }
        put(heap, p - start + 8, (end - p) | before | flags);
        return p;
}

static void fill_heaps(struct core *c)
{
        const struct plan *p = &c->plan;
        uint64_t libc = data_of(c, 1), state = libc + ARENA,
                 each = p->arenas ? p->blocks / 16 / p->arenas : 0;
        uint8_t *data = at(c, libc);
        c->places = calloc(p->blocks + 1, sizeof(*c->places));
        must(c->places, "blocks");
        uint64_t top =
                fill_chunks(c, at(c, HEAP), HEAP, HEAP, HEAP + c->heap, p->blocks - each * p->arenas, 0);
        fill_state(data + ARENA, state, top, p->arenas ? ARENAS + layout()->heap_bytes : state, c->heap);
        const uint64_t mp = PARAMETERS;
        put(data, mp + 16, 128 << 10); /* mmap_threshold */
        put(data, mp + layout()->mp_arena_test, 8);
        put(data, mp + layout()->mp_n_mmaps_max, 65536);
        put(data, mp + layout()->mp_sbrk_base, HEAP);
        for (uint64_t i = 0; i < p->arenas; i++) {
                uint64_t heap = ARENAS + i * GLIBC_HEAP_MAX, addr = heap + layout()->heap_bytes;
                uint64_t next = i + 1 < p->arenas ? addr + GLIBC_HEAP_MAX : state;
                uint64_t first = (addr + layout()->arena_bytes + ALIGN - 1) / ALIGN * ALIGN;
                uint8_t *to = at(c, heap);
                put(to, 0, addr);
                put(to, 16, c->arena);
                put(to, 24, c->arena);
                top = fill_chunks(c, to, heap, first, heap + c->arena, each, GLIBC_NON_MAIN);
                fill_state(to + layout()->heap_bytes, addr, top, next, c->arena);
        }
        /* Roots: variables of modules. */
        for (uint64_t m = 0; m < p->modules; m++)
                for (uint64_t i = 0; i < 8 && c->n_places; i++)
                        put(at(c, data_of(c, m)), PAGE + 512 + 8 * i,
                            c->places[c->n_places - 1 - roll(c) % (c->n_places / 16 + 1)]);
}

/* Written page by page, not through the mapping, which may make room on the disk for what lies around. */
static void fill_large(struct core *c)
{
        const struct plan *p = &c->plan;
        for (uint64_t page = 0; page < (p->mib << 20) / PAGE; page += p->stride) {
                char text[PAGE] = { 0 };
                for (uint64_t i = 0; i + 100 < PAGE; i += 64)
                        (void)snprintf(text + i, 64, "entry %u of %u: shelf %u", (unsigned)roll(c) % 99999,
                                       (unsigned)page, (unsigned)roll(c) % 99);
                must(pwrite(c->fd, text, PAGE, (off_t)(c->large + page * PAGE)) == (ssize_t)PAGE, "write");
        }
}

static void fill_rest(struct core *c)
{
        const struct plan *p = &c->plan;
        for (uint64_t i = 0; i < p->threads; i++) {
                uint8_t *stack = c->parts.at[c->stacks[i]].at + STACK / 2;
                for (uint64_t w = 0; w < 64; w++)
                        put(stack, 8 * w,
                            w % 8 == 1    ? c->bases[roll(c) % p->modules] + TEXT + 64
                            : c->n_places ? c->places[roll(c) % c->n_places]
                                          : w);
        }
        for (size_t i = 0; i < c->parts.n; i++)
                if (c->parts.at[i].addr - MAPPINGS < p->mappings * PAGE)
                        (void)snprintf((char *)c->parts.at[i].at, 128, "page %lu of what was mapped",
                                       (unsigned long)i);
        fill_large(c);
}

static void read_plan(struct plan *p, int argc, char **argv)
{
        const struct {
                const char *name;
                uint64_t *to;
        } words[] = { { "modules", &p->modules }, { "mappings", &p->mappings }, { "threads", &p->threads },
                      { "arenas", &p->arenas },   { "blocks", &p->blocks },     { "classes", &p->classes },
                      { "mib", &p->mib },         { "stride", &p->stride } };
        for (int i = 2; i < argc; i++) {
                size_t w = 0, n = sizeof(words) / sizeof(words[0]);
                const char *value = strchr(argv[i], '=');
                while (w < n && value &&
                       (strlen(words[w].name) != (size_t)(value - argv[i]) ||
                        strncmp(argv[i], words[w].name, (size_t)(value - argv[i])) != 0))
                        w++;
                if (w == n || !value) {
                        (void)fprintf(stderr, "synth: %s: no such thing\n", argv[i]);
                        exit(2);
                }
                *words[w].to = strtoull(value + 1, NULL, 10);
        }
        if (p->modules < 3)
                p->modules = 3;
        if (!p->classes || !p->stride || p->stride > (UINT64_C(1) << 30)) {
                (void)fputs("synth: classes and stride are 1 at least\n", stderr);
                exit(2);
        }
}

int main(int argc, char **argv)
{
        struct core c = { .plan = { .modules = 3, .threads = 1, .blocks = 1000, .classes = 20, .stride = 16 },
                          .state = 88172645463325252U };
        if (argc < 2) {
                (void)fputs("usage: synth FILE [WHAT=NUMBER...]\n", stderr);
                return 2;
        }
        read_plan(&c.plan, argc, argv);
        plan_all(&c);
        lay_out(&c, argv[1]);
        for (uint64_t m = 0; m < c.plan.modules; m++)
                fill_module(&c, c.bases[m]);
        fill_heaps(&c);
        fill_rest(&c);
        cs_vec_deinit(&c.parts);
        corebuilder_deinit(&c.notes);
        free(c.stacks);
        free(c.bases);
        free(c.places);
        return 0;
}
