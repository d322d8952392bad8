/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the seeds of the targets that read cores: `ninja make_seeds && tests/fuzz/make_seeds fixtures/fuzz`. Not built by
 * default. Seeds stay as they are once written, so that a change here shows as a change there. */
#include "corebuilder.h"
#include "fake_stack.h"

#include "glibc.h"
#include "range.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *folder;

static void save(const char *target, const char *name, const void *bytes, size_t len)
{
        char path[4096];
        snprintf(path, sizeof(path), "%s/%s", folder, target);
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
                perror(path), exit(1);
        snprintf(path, sizeof(path), "%s/%s/%s", folder, target, name);
        FILE *f = fopen(path, "wb");
        if (!f || fwrite(bytes, 1, len, f) != len || fclose(f) != 0)
                perror(path), exit(1);
}

/* ---- notes and maps ---------------------------------------------------------------------------------------------- */

static void save_notes(void)
{
        struct corebuilder c = { 0 };
        uint64_t lie[] = { UINT64_C(1) << 60, 4096, 0x1000 };
        corebuilder_process(&c, 42, "server --port 80   ");
        corebuilder_thread(&c, 42, 0x7ffc00001000, 0x401000, NULL);
        corebuilder_auxv(&c, 0x401000, 0x7ffc00001f00, 0x7ffc0000e000);
        corebuilder_file(&c, 0x400000, 0x401000, 0, "/bin/server");
        corebuilder_file(&c, 0x401000, 0x403000, 1, "/bin/server");
        struct corebuilder_bytes files = corebuilder_files_note(&c);
        corebuilder_note(&c, "CORE", NT_FILE, files.at, files.len);
        free(files.at);
        save("notes", "process", c.notes.at, c.notes.n);
        save("notes", "cut", c.notes.at, c.notes.n - 5);
        corebuilder_note(&c, "CORE", NT_FILE, lie, sizeof(lie));
        save("notes", "count", c.notes.at, c.notes.n);
        corebuilder_deinit(&c);
        corebuilder_note(&c, "GNU", NT_GNU_BUILD_ID, "0123456789abcdefghij", 20);
        corebuilder_note(&c, "LINUX", 0x202, "0123456789", 10);
        save("notes", "build-id", c.notes.at, c.notes.n);
        corebuilder_deinit(&c);
}

static void save_maps(void)
{
        static const char text[] =
                "55d0c0a00000-55d0c0a02000 r--p 00000000 fe:01 1048                      /usr/bin/cat\n"
                "55d0c0a02000-55d0c0a07000 r-xp 00002000 fe:01 1048                      /usr/bin/cat (deleted)\n"
                "55d0c1b0b000-55d0c1b2c000 rw-p 00000000 00:00 0                          [heap]\n"
                "7f0000000000-7f0000021000 rw-p 00000000 00:00 0 \n"
                "7f0000021000-7f0004000000 ---p 00000000 00:00 0 \n"
                "7fff0ab00000-7fff0ab21000 rw-s 00000000 00:01 7                          /memfd:x (deleted)\n"
                "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n";
        static const char bad[] =
                "55d0c0a00000-55d0c0a02000 r--p\n\nzz-1 rw-p 0 0:0 0\n1-11111111111111111 rw-p 0 0:0 0\n"
                "2000-1000 rw-p 0 0:0 0 \n1000-3000 rw-p 0 0:0 0 /a\n2000-4000 rw-p 0 0:0 0 /b";
        save("maps", "process", text, sizeof(text) - 1);
        save("maps", "bad", bad, sizeof(bad) - 1);
}

/* ---- the heap walker --------------------------------------------------------------------------------------------- */

/* As in fuzz_glibc.c. */
struct control {
        uint16_t flags, top, base, system, second_top, second_size, main_len, second_len, fast[10];
};

enum { MAIN = 0x100000, SECOND = GLIBC_HEAP_MAX, SECOND_FIRST = SECOND + 0x30 + 0x8a0, HEAP = 0x4000 };

struct heap {
        uint8_t bytes[0x1000];
        uint64_t at;
};

static uint64_t chunk(struct heap *h, uint64_t size, uint64_t flags)
{
        uint64_t word = size | flags, at = h->at;
        memcpy(h->bytes + at + 8, &word, 8);
        h->at += size;
        return at;
}

static void word(struct heap *h, uint64_t at, uint64_t value)
{
        memcpy(h->bytes + at, &value, 8);
}

static void save_heaps(const char *name, const struct control *c, const struct heap *main_heap,
                       const struct heap *second, const uint8_t *mapped, size_t mapped_len)
{
        uint8_t all[3 * 0x1000 + sizeof(*c)];
        struct control full = *c;
        uint8_t *at = all + sizeof(full);
        full.main_len = (uint16_t)main_heap->at;
        full.second_len = (uint16_t)second->at;
        memcpy(all, &full, sizeof(full));
        memcpy(at, main_heap->bytes, main_heap->at);
        at += main_heap->at;
        memcpy(at, second->bytes, second->at);
        at += second->at;
        if (mapped_len)
                memcpy(at, mapped, mapped_len);
        save("glibc", name, all, (size_t)(at - all) + mapped_len);
}

/* The list link in the chunk at `at`, mangled as glibc does. */
static void link_to(struct heap *h, uint64_t base, uint64_t at, uint64_t target)
{
        word(h, at + 16, ((base + at + 16) >> 12) ^ target);
}

static void save_walks(void)
{
        struct heap h = { 0 }, none = { 0 }, second = { 0 };
        struct control c = { .system = HEAP / 16 };
        uint64_t cache = chunk(&h, 0x290, 1);
        uint64_t a = chunk(&h, 0x40, 1), b = chunk(&h, 0x40, 1);
        uint64_t fast = chunk(&h, 0x20, 1), fast2 = chunk(&h, 0x20, 1);
        (void)chunk(&h, 0x60, 1);
        (void)chunk(&h, 0x30, 0);
        word(&h, cache + 16 + 4, 2);
        word(&h, cache + 16 + 0x80 + 16, MAIN + a + 16);
        link_to(&h, MAIN, a, MAIN + b + 16);
        link_to(&h, MAIN, b, 0);
        link_to(&h, MAIN, fast, MAIN + fast2);
        link_to(&h, MAIN, fast2, 0);
        c.top = (uint16_t)(h.at / 16);
        c.fast[0] = (uint16_t)(fast / 16);
        (void)chunk(&h, HEAP - h.at, 1);
        h.at = (uint64_t)c.top * 16 + 16;
        save_heaps("sound", &c, &h, &none, NULL, 0);
        for (size_t row = 1; row < cs_glibc_layout_count; row++) {
                char name[32];
                snprintf(name, sizeof(name), "row-%zu", row);
                c.flags = (uint16_t)(row << 8 | 128); /* CONTROL_ROW_SHIFT, CONTROL_PIECES */
                save_heaps(name, &c, &h, &none, NULL, 0);
        }
        c.flags = 0;

        link_to(&h, MAIN, fast2, MAIN + fast);
        link_to(&h, MAIN, b, MAIN + a + 16);
        save_heaps("cycles", &c, &h, &none, NULL, 0);
        word(&h, b + 8, UINT64_MAX);
        save_heaps("huge", &c, &h, &none, NULL, 0);
        c.flags = 4;
        save_heaps("gap", &c, &h, &none, NULL, 0);

        struct control r = { .flags = 1, .system = HEAP / 16, .second_size = HEAP / 16 };
        (void)chunk(&second, 0x50, 5);
        (void)chunk(&second, 0x70, 5);
        (void)chunk(&second, 0x10, 5);
        (void)chunk(&second, 0, 1);
        second.at += 16;
        r.second_top = (uint16_t)((SECOND_FIRST - SECOND + second.at) / 16);
        (void)chunk(&second, 0x400, 5);
        second.at -= 0x400 - 16;
        struct heap small = { 0 };
        (void)chunk(&small, 0x20, 1);
        r.top = 2;
        (void)chunk(&small, HEAP - 0x20, 1);
        small.at = 0x30;
        uint8_t mapped[0x40] = { 0 };
        uint64_t words[] = { 0, 0x2002, 0, 0, 0x20, 0x1fe2 };
        memcpy(mapped, words, sizeof(words));
        save_heaps("second-arena", &r, &small, &second, mapped, sizeof(mapped));
        r.flags = 1 | 2 | 32;
        save_heaps("open-ring", &r, &small, &second, mapped, sizeof(mapped));

        /* Of the second heap the first page is missing; small chunks fill its others, and the third heap, for they follow where mapped memory
         * comes else. */
        struct heap many = { 0 };
        r.second_top = HEAP / 16 - 2;
        while (many.at < sizeof(many.bytes) - 0x20)
                (void)chunk(&many, 0x20, 5);
        r.flags = 1 | 1 << 15;
        save_heaps("unread-arena", &r, &small, &many, many.bytes, many.at);
        r.flags |= 1 << 14;
        save_heaps("unread-heap", &r, &small, &many, many.bytes, many.at);
}

/* ---- cores ------------------------------------------------------------------------------------------------------- */

#define LIBC UINT64_C(0x7f0000000000)
#define APP UINT64_C(0x555500000000)
#define HEAP_AT UINT64_C(0x555600000000)
#define STACK UINT64_C(0x7ffc00000000)

/* libc's data: malloc_par and main_arena. */
static void add_libc(struct corebuilder *core, uint64_t top, uint64_t system)
{
        const struct cs_glibc_layout *l = &cs_glibc_layouts[0];
        uint64_t data = LIBC + CS_PAGE, arena = 0x100, par = 0x40;
        struct heap bytes = { 0 };
        for (uint64_t i = 0; i < GLIBC_BIN_PAIRS; i++) {
                uint64_t pair = arena + l->bins + 16 * i;
                word(&bytes, pair, data + pair - 16);
                word(&bytes, pair + 8, data + pair - 16);
        }
        word(&bytes, arena + l->top, top);
        word(&bytes, arena + l->next, data + arena);
        word(&bytes, arena + l->system_mem, system);
        word(&bytes, par + l->mp_arena_test, 8);
        word(&bytes, par + l->mp_n_mmaps_max, 65536);
        word(&bytes, par + l->mp_sbrk_base, HEAP_AT);
        corebuilder_load(core, LIBC, "", 0, CS_PAGE, PF_R | PF_X);
        corebuilder_load(core, data, bytes.bytes, arena + l->arena_bytes + 8, CS_PAGE, PF_R | PF_W);
        corebuilder_file(core, LIBC, LIBC + CS_PAGE, 0, "/lib/libc.so.6");
        corebuilder_file(core, data, data + CS_PAGE, 1, "/lib/libc.so.6");
}

static void add_program(struct corebuilder *core)
{
        uint64_t info = APP + CS_PAGE, words[] = { info + 40, info + 72, 0, /* class_type_info's own */
                                                   0,         info,      APP + 16, APP + 32, 0, 0x0, 0 };
        uint8_t bytes[0x100] = { 0 };
        memcpy(bytes, words, sizeof(words));
        memcpy(bytes + 72, "N10__cxxabiv117__class_type_infoE", 34);
        corebuilder_load(core, APP, "", 0, CS_PAGE, PF_R | PF_X);
        corebuilder_load(core, info, bytes, sizeof(bytes), CS_PAGE, PF_R | PF_W);
        corebuilder_file(core, APP, APP + CS_PAGE, 0, "/bin/app");
        corebuilder_file(core, info, info + CS_PAGE, 1, "/bin/app");
}

static void save_cores(void)
{
        struct corebuilder core = { 0 };
        struct heap h = { 0 };
        for (int i = 0; i < 6; i++) {
                uint64_t p = chunk(&h, 0x40, 1);
                word(&h, p + 16, APP + CS_PAGE + 40);
                word(&h, p + 24, HEAP_AT + h.at + 16);
                p = chunk(&h, 0x30, 1);
                snprintf((char *)h.bytes + p + 16, 0x20, "GET /item/%d HTTP/1.1", i);
        }
        uint64_t top = h.at;
        (void)chunk(&h, 0x2000 - top, 1);
        corebuilder_process(&core, 7, "app");
        corebuilder_thread(&core, 7, STACK + 0x80, APP + 16, NULL);
        corebuilder_auxv(&core, APP + 16, STACK + 0xf0, 0);
        add_program(&core);
        corebuilder_load(&core, HEAP_AT, h.bytes, top + 16, 0x2000, PF_R | PF_W);
        add_libc(&core, HEAP_AT + top, 0x2000);
        uint64_t stack[0x20] = { [0x12] = HEAP_AT + 16 };
        corebuilder_load(&core, STACK, stack, sizeof(stack), CS_PAGE, PF_R | PF_W);
        struct corebuilder_bytes bytes = corebuilder_finish(&core);
        save("core", "process", bytes.at, bytes.len);
        save("core", "cut", bytes.at, bytes.len - 0x200);
        free(bytes.at);
        corebuilder_deinit(&core);
}

static void save_corefiles(void)
{
        struct corebuilder core = { 0 };
        uint8_t some[0x60];
        memset(some, 'x', sizeof(some));
        corebuilder_process(&core, 7, "app");
        corebuilder_load(&core, 0x1000, some, sizeof(some), 0x1000, PF_R | PF_W);
        corebuilder_load(&core, 0x2000, some, 0, 0x1000, PF_R);
        corebuilder_load(&core, 0x3000, some, sizeof(some), sizeof(some), PF_R);
        struct corebuilder_bytes bytes = corebuilder_finish(&core);
        save("corefile", "plain", bytes.at, bytes.len);
        save("corefile", "cut", bytes.at, bytes.len - 0x50);
        free(bytes.at);
        corebuilder_load(&core, 0x1800, some, sizeof(some), 0x2000, PF_R);
        corebuilder_load(&core, UINT64_MAX - 0x1000, some, sizeof(some), 0x1000, PF_R);
        core.many = true;
        bytes = corebuilder_finish(&core);
        save("corefile", "overlaps", bytes.at, bytes.len);
        free(bytes.at);
        corebuilder_deinit(&core);
}

/* ---- allocators that are measured -------------------------------------------------------------------------------- */

/* As in fuzz_allocators.c. */
enum {
        RECORDS = 0x40000000,
        DATA = 0x80000000,
        RECORDS_AT = 1 + 0x1000,
        ALLOCATOR_BYTES = RECORDS_AT + 0x4000,
        JEMALLOC = 0,
        TCMALLOC,
        MIMALLOC,
        MUSL,
};

struct allocator {
        uint8_t bytes[ALLOCATOR_BYTES];
};

/* The word at a place of the library's data (from 0 on), or of the records. */
static void record(struct allocator *a, uint64_t addr, uint64_t value)
{
        memcpy(a->bytes + (addr < RECORDS ? 1 + addr : RECORDS_AT + (addr - RECORDS)), &value, 8);
}

static void save_jemalloc(const char *name, unsigned state_shift, unsigned class_shift, unsigned free_shift)
{
        struct allocator a = { 0 };
        const uint64_t leaf = RECORDS + 0x2000, slab = RECORDS + 0x1000, large = slab + 0x80;
        record(&a, (DATA >> 30) * 8, leaf);
        record(&a, RECORDS, 2 << 20);
        /* Three pages of 48 bytes with two free, and a free extent. */
        for (unsigned page = 0; page < 3; page++)
                record(&a, leaf + 8 * page, UINT64_C(3) << 48 | slab | 1);
        record(&a, slab, UINT64_C(1) << 12 | UINT64_C(3) << class_shift | UINT64_C(2) << free_shift);
        record(&a, slab + 8, DATA);
        record(&a, slab + 16, 0x3000);
        record(&a, slab + 0x40, 0x50);
        record(&a, leaf + 8 * 3, UINT64_C(232) << 48 | large);
        record(&a, large, UINT64_C(1) << state_shift | UINT64_C(232) << class_shift);
        record(&a, large + 8, DATA + 0x3000);
        record(&a, large + 16, 0x1000);
        save("allocators", name, a.bytes, sizeof(a.bytes));
}

static void record_half(struct allocator *a, uint64_t addr, uint32_t value)
{
        memcpy(a->bytes + (addr < RECORDS ? 1 + addr : RECORDS_AT + (addr - RECORDS)), &value, 4);
}

static void save_tcmalloc(void)
{
        struct allocator a = { .bytes[0] = TCMALLOC };
        const uint64_t leaf = RECORDS + 0x2000, spans = RECORDS + 0x100, cache = RECORDS + 0x1000;
        const uint64_t moved = 0x200, sizes = 0x400, first = DATA >> 13;
        const uint64_t what[][3] = {
                /* pages, flags, list */
                { 1, 100 | 6 << 16, 0 },            /* objects of 48 bytes */
                { 1, 0, 0 },                        /* a large block */
                { 4, 2 | 40 << 16, DATA + 0x4000 }, /* objects of 16 KiB, one of them free */
                { 1, 1 << 24, 0 },                  /* free */
                { 1, 2 << 24, 0 },                  /* given back */
        };
        uint32_t size = 0, step = 8;
        for (unsigned c = 1; size < 256 << 10; c++) {
                step *= size >= 8 * step ? 2 : 1;
                size += step;
                record_half(&a, sizes + c * 4, size);
                record_half(&a, moved + c * 4, 2);
                record_half(&a, cache + c * 0x20 + 0x18, size);
        }
        record_half(&a, cache + 6 * 0x20 + 8, 10);
        record(&a, (DATA >> 31) * 8, leaf);
        for (uint64_t i = 0, page = 0; i < sizeof(what) / sizeof(what[0]); i++) {
                uint64_t span = spans + i * 0x30;
                record(&a, span, first + page);
                record(&a, span + 8, what[i][0]);
                record(&a, span + 0x20, what[i][2]);
                record(&a, span + 0x28, what[i][1]);
                for (uint64_t end = page + what[i][0]; page < end; page++)
                        record(&a, leaf + page * 8, span);
        }
        save("allocators", "tcmalloc", a.bytes, sizeof(a.bytes));
}

/* A segment whose structure fills the records; its pages lie behind them. */
static void save_mimalloc(void)
{
        struct allocator a = { .bytes[0] = MIMALLOC };
        const uint64_t segment = RECORDS, slices = segment + 0x108, slice = 64 << 10;
        const struct {
                uint32_t first, slices, size, used, capacity;
        } pages[] = {
                { 0, 1, 1 << 16, 0, 0 },  { 1, 1, 48, 600, 1000 }, { 2, 8, 8192, 15, 20 },
                { 10, 4, 4 << 16, 1, 1 }, { 14, 2, 0, 0, 0 },
        };
        record(&a, segment + 0xd8, segment ^ UINT64_C(0x66c708ace56d8fbc));
        record(&a, segment + 0xf8, 16);
        record(&a, segment + 0x100, DATA);
        for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
                uint64_t at = slices + pages[i].first * UINT64_C(0x50);
                record_half(&a, at, pages[i].slices);
                record_half(&a, at + 8, pages[i].capacity << 16);
                record_half(&a, at + 12, pages[i].capacity);
                record(&a, at + 0x10, segment + pages[i].first * slice);
                record_half(&a, at + 0x18, pages[i].used);
                record_half(&a, at + 0x1c, pages[i].size);
                record(&a, at + 0x28, segment + pages[i].first * slice + 1);
        }
        save("allocators", "mimalloc", a.bytes, sizeof(a.bytes));
}

/* One area of records, with a group of its own mapping and one that lies in a slot of it. */
static void save_musl(void)
{
        struct allocator a = { .bytes[0] = MUSL };
        const uint64_t secret = UINT64_C(0x9e3779b97f4a7c15), area = RECORDS + 0x1000,
                       group = RECORDS + 0x2000;
        const uint64_t nested = group + 16 + 496,
                       slots[][2] = { { group, 3 | 15 << 6 | 1 << 12 }, { nested, 9 } };
        record(&a, 0xff8, secret);
        record(&a, 0x100, secret);
        record(&a, 0x140, area);
        record(&a, area, secret);
        record(&a, area + 0x10, 101);
        for (size_t i = 0; i < 2; i++) {
                uint64_t meta = area + 0x18 + i * 0x28;
                record(&a, meta + 0x10, slots[i][0]);
                record(&a, meta + 0x18, i ? 0x3e0 : 8);
                record(&a, meta + 0x20, slots[i][1]);
                record(&a, slots[i][0], meta);
        }
        record_half(&a, group + 12, 7 << 13 | 2 << 16);
        record_half(&a, group + 16 + 32 - 4, 5 << 13 | 2 << 16);
        record_half(&a, group + 16 + 496 - 8, 100);
        record_half(&a, nested - 4, (1 | 6 << 5) << 8 | 31 << 16);
        save("allocators", "musl", a.bytes, sizeof(a.bytes));
}

static void save_allocators(void)
{
        save_musl();
        save_mimalloc();
        save_tcmalloc();
        save_jemalloc("jemalloc-5.3", 17, 20, 28);
        save_jemalloc("jemalloc-5.2", 16, 18, 26);
}

/* ---- managed runtimes -------------------------------------------------------------------------------------------- */

/* As in fuzz_runtimes.c: where each begins in the input, and what of it the input holds. */
enum {
        VARIABLES = 0x301000,
        MEMORY = 0x80000000,
        STRIDE = 256 << 10,
        IN_VARIABLES = 1,
        IN_RECORDS = IN_VARIABLES + 0x100,
        IN_MEMORY = IN_RECORDS + 0x1000,
        GIVEN = 0x200,
        RUNTIME_BYTES = IN_MEMORY + 6 * GIVEN,
        RUBY = 0,
        PYTHON,
        V8,
        JAVA,
        ERLANG,
        GO,
        VARIABLE = 24,
};

struct runtime {
        uint8_t bytes[RUNTIME_BYTES];
};

static uint8_t *place(struct runtime *r, uint64_t addr)
{
        if (addr >= MEMORY)
                return r->bytes + IN_MEMORY + (addr - MEMORY) / STRIDE * GIVEN + (addr - MEMORY) % STRIDE;
        return addr >= RECORDS ? r->bytes + IN_RECORDS + (addr - RECORDS)
                               : r->bytes + IN_VARIABLES + (addr - VARIABLES);
}

static void set(struct runtime *r, uint64_t addr, uint64_t value)
{
        memcpy(place(r, addr), &value, 8);
}

static void save_runtime(struct runtime *r, const char *name, uint8_t which)
{
        size_t len = sizeof(r->bytes);
        r->bytes[0] = which;
        while (!r->bytes[len - 1])
                len--;
        save("runtimes", name, r->bytes, len);
        memset(r, 0, sizeof(*r));
}

struct java_field {
        const char *type, *name;
        uint64_t value; /* an offset; of a static one, from STATICS on, where it is from RECORDS */
};
enum { JAVA_STATICS = 0xe00, JAVA_HEAP = 0xe40, JAVA_SPACE = 0xe80, JAVA_LOADER = 0xf00, JAVA_CARDS = 0xf40 };

static const struct java_field java_fields[] = {
        { "Universe", "_collectedHeap", 0xe00 },
        { "CollectedHeap", "_reserved", 0x20 },
        { "MemRegion", "_start", 0 },
        { "MemRegion", "_word_size", 8 },
        { "CodeCache", "_low_bound", 0xe08 },
        { "CodeCache", "_high_bound", 0xe10 },
        { "ClassLoaderDataGraph", "_head", 0xe18 },
        { "ClassLoaderData", "_next", 8 },
        { "ClassLoaderData", "_klasses", 16 },
        { "Klass", "_next_link", 0x20 },
        { "Klass", "_class_loader_data", 0x28 },
        { "InstanceKlass", "_constants", 0x30 },
        { "ConstantPool", "_pool_holder", 0x38 },
        { "BarrierSet", "_barrier_set", 0xe20 },
        { "CardTableBarrierSet", "_card_table", 0 },
        { "CardTable", "_whole_heap", 8 },
        { "CardTable", "_byte_map", 0x18 },
        { "CardTable", "_byte_map_size", 0x20 },
        { "VirtualSpace", "_low_boundary", 0 },
        { "VirtualSpace", "_high_boundary", 8 },
        { "VirtualSpace", "_low", 16 },
        { "VirtualSpace", "_high", 24 },
        { "VirtualSpace", "_lower_high", 24 },
        { "VirtualSpace", "_middle_high", 24 },
        { "VirtualSpace", "_upper_high", 24 },
};
enum { JAVA_FIELDS = sizeof(java_fields) / sizeof(java_fields[0]) };

/* A name in the table's text, which holds each but once. */
static uint64_t java_name(struct runtime *r, const char *name, uint64_t *text)
{
        uint64_t at = RECORDS + JAVA_FIELDS * 48 + 48;
        while (at < *text && strcmp((char *)place(r, at), name) != 0)
                at += strlen((char *)place(r, at)) + 1;
        if (at == *text) {
                strcpy((char *)place(r, at), name);
                *text += strlen(name) + 1;
        }
        return at;
}

static void save_java(struct runtime *r)
{
        static const uint64_t layout[] = { RECORDS, 48, 0, 8, 24, 32, 40 };
        uint64_t text = RECORDS + JAVA_FIELDS * 48 + 48;
        const uint64_t klass = MEMORY + 2 * STRIDE;
        for (size_t i = 0; i < 7; i++)
                set(r, VARIABLES + i * VARIABLE, layout[i]);
        for (uint64_t i = 0; i < JAVA_FIELDS; i++) {
                uint64_t entry = RECORDS + 48 * i, value = java_fields[i].value;
                bool is_static = value >= JAVA_STATICS;
                set(r, entry, java_name(r, java_fields[i].type, &text));
                set(r, entry + 8, java_name(r, java_fields[i].name, &text));
                set(r, entry + 24, is_static);
                set(r, entry + (is_static ? 40 : 32), is_static ? RECORDS + value : value);
        }
        set(r, RECORDS + 0xe00, RECORDS + JAVA_HEAP);
        set(r, RECORDS + 0xe08, MEMORY + STRIDE);
        set(r, RECORDS + 0xe10, MEMORY + STRIDE + 0x4000);
        set(r, RECORDS + 0xe18, RECORDS + JAVA_LOADER);
        set(r, RECORDS + 0xe20, RECORDS + JAVA_CARDS);
        set(r, RECORDS + JAVA_HEAP + 0x20, MEMORY);
        set(r, RECORDS + JAVA_HEAP + 0x28, 0x4000 / 8);
        set(r, RECORDS + JAVA_LOADER + 16, klass);
        set(r, klass + 0x28, RECORDS + JAVA_LOADER);
        set(r, klass + 0x30, klass + 0x80);
        set(r, klass + 0x80 + 0x38, klass);
        set(r, RECORDS + JAVA_CARDS, RECORDS + JAVA_CARDS);
        set(r, RECORDS + JAVA_CARDS + 8, MEMORY);
        set(r, RECORDS + JAVA_CARDS + 16, 0x4000 / 8);
        set(r, RECORDS + JAVA_CARDS + 0x18, MEMORY + 3 * STRIDE);
        set(r, RECORDS + JAVA_CARDS + 0x20, 0x1000);
        set(r, VARIABLES + 0xf0, RECORDS + JAVA_SPACE);
        set(r, RECORDS + JAVA_SPACE, MEMORY + 4 * STRIDE);
        set(r, RECORDS + JAVA_SPACE + 8, MEMORY + 4 * STRIDE + 0x4000);
        set(r, RECORDS + JAVA_SPACE + 16, MEMORY + 4 * STRIDE);
        set(r, RECORDS + JAVA_SPACE + 24, MEMORY + 4 * STRIDE + 0x2000);
        save_runtime(r, "java", JAVA);
}

static void save_go(struct runtime *r)
{
        const uint64_t arena = MEMORY + STRIDE, chunk = MEMORY + 2 * STRIDE;
        memcpy(place(r, VARIABLES), "\xff Go buildinf:", 14);
        set(r, VARIABLES + 0x10, chunk);
        set(r, VARIABLES + 0x18, MEMORY - 0x1018000);
        for (uint64_t i = 0; i < 5; i++) {
                set(r, VARIABLES + 0x20 + i * 24, MEMORY + 3 * STRIDE);
                set(r, VARIABLES + 0x20 + i * 24 + 8, 1);
                set(r, VARIABLES + 0x20 + i * 24 + 16, UINT64_C(1) << (14 + 3 * i));
                set(r, arena + i * 8, chunk + 0x100 + i * 0x28);
                set(r, chunk + 0x100 + i * 0x28 + 0x18, UINT64_C(0xc000000000) + i * 0x2000);
                set(r, chunk + 0x100 + i * 0x28 + 0x20, 1);
        }
        set(r, MEMORY, arena);
        save_runtime(r, "go", GO);
}

/* Pools, each in an arena of its own; the table knows those of 256 KiB, and the third it does not. */
static void save_python(struct runtime *r, uint64_t size, const char *name)
{
        const uint64_t table = RECORDS + 0x100;
        for (uint64_t i = 0; i < 3; i++) {
                uint64_t pool = MEMORY + i * STRIDE, class = (i + 1) * 16;
                set(r, pool, 2);
                set(r, pool + 32, i << 32 | i);
                set(r, pool + 40, (48 + 3 * class) | (size - class) << 32);
                if (i == 2)
                        continue;
                set(r, table + i * 48, pool);
                set(r, table + i * 48 + 8, pool + size);
                set(r, table + i * 48 + 16, STRIDE / size << 32 | 1);
        }
        set(r, VARIABLES + 0x80, table);
        save_runtime(r, name, PYTHON);
}

/* A carrier from mmap, and two from malloc in a list. */
static void save_erlang(struct runtime *r)
{
        const uint64_t allocator = RECORDS + 0x100, first = RECORDS + 0x800, second = RECORDS + 0x900;
        strcpy((char *)place(r, VARIABLES + 0x80), "ets_"); /* names are constants of the module */
        set(r, VARIABLES, UINT64_C(1) << 32 | 1);
        set(r, VARIABLES + 8, UINT64_C(1) << 32 | 5);
        set(r, VARIABLES + 16, RECORDS);
        set(r, RECORDS, allocator);
        set(r, allocator + 0x80, VARIABLES + 0x80);
        set(r, MEMORY, 0x2001);
        set(r, MEMORY + 24, allocator);
        set(r, allocator + 0x100, first);
        set(r, allocator + 0x108, second);
        set(r, first, 0x80);
        set(r, first + 8, second);
        set(r, first + 24, allocator);
        set(r, second, 0x200);
        set(r, second + 16, first);
        set(r, second + 24, allocator);
        save_runtime(r, "erlang", ERLANG);
}

static void save_runtimes(void)
{
        struct runtime r = { 0 };
        for (uint64_t i = 0; i < 3; i++) {
                uint64_t page = MEMORY + i * STRIDE;
                set(&r, page, RECORDS + i * 0x100);
                set(&r, RECORDS + i * 0x100, 40 | 408 << 16);
                set(&r, RECORDS + i * 0x100 + 40, page + 0x40);
                set(&r, page + 0x40, 2);
                set(&r, page + 0x48, MEMORY + 0x40);
        }
        set(&r, VARIABLES, MEMORY + 0x40);
        set(&r, VARIABLES + VARIABLE, MEMORY + STRIDE + 0x40);
        save_runtime(&r, "ruby", RUBY);
        save_python(&r, 16 << 10, "python");
        save_python(&r, 4 << 10, "python-3.9");
        for (uint64_t i = 0; i < 5; i++) {
                uint64_t chunk = MEMORY + i * STRIDE;
                set(&r, chunk, 0x4000);
                set(&r, chunk + 0x10, RECORDS);
                set(&r, chunk + 0x18, chunk + 0x400);
                set(&r, chunk + 0x20, chunk + 0x4000);
        }
        save_runtime(&r, "v8", V8);
        save_java(&r);
        save_erlang(&r);
        save_go(&r);
}

/* A core without notes: a program whose headers, dynamic section, loader's list and stack tell what they would. */
static void save_lost(void)
{
        enum { PROGRAM = 0x400000, LOST_STACK = 0x7ff000, PATH = CS_PAGE - 16, VECTOR = CS_PAGE - 0x80 };
        struct corebuilder core = { 0 };
        static uint8_t image[2 * CS_PAGE], stack[CS_PAGE];
        uint64_t strings = PROGRAM + 0x300, list = PROGRAM + 0x1100;
        Elf64_Ehdr eh = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
                                       EV_CURRENT },
                          .e_type = ET_DYN,
                          .e_machine = EM_X86_64,
                          .e_entry = 0x200,
                          .e_phoff = sizeof(eh),
                          .e_phentsize = sizeof(Elf64_Phdr),
                          .e_phnum = 3 };
        Elf64_Phdr ph[] = { { .p_type = PT_LOAD, .p_flags = PF_R, .p_filesz = CS_PAGE, .p_memsz = CS_PAGE },
                            { .p_type = PT_LOAD,
                              .p_flags = PF_R | PF_W,
                              .p_offset = CS_PAGE,
                              .p_vaddr = CS_PAGE,
                              .p_filesz = CS_PAGE,
                              .p_memsz = CS_PAGE + 0x100 },
                            { .p_type = PT_DYNAMIC, .p_vaddr = CS_PAGE, .p_memsz = 12 * 8 } };
        uint64_t dynamic[] = { DT_STRTAB, strings, DT_SYMTAB, strings, DT_STRSZ, 16,
                               DT_SONAME, 1,       DT_DEBUG,  list,    DT_NULL,  0 };
        uint64_t map[] = { 1,        list + 16, PROGRAM,  strings + 1, PROGRAM + CS_PAGE, list + 56, 0,
                           0x700000, strings,   0x701000, 0,           list + 16 };
        uint64_t vector[] = { 1,         LOST_STACK + PATH, 0,       0, AT_ENTRY, PROGRAM + 0x200,
                              AT_EXECFN, LOST_STACK + PATH, AT_NULL, 0 };
        memcpy(image, &eh, sizeof(eh));
        memcpy(image + sizeof(eh), ph, sizeof(ph));
        memcpy(image + 0x301, "libx.so", 8);
        memcpy(image + CS_PAGE, dynamic, sizeof(dynamic));
        memcpy(image + CS_PAGE + 0x100, map, sizeof(map));
        memcpy(stack + PATH, "/bin/it", 8);
        memcpy(stack + VECTOR, vector, sizeof(vector));
        corebuilder_load(&core, PROGRAM, image, CS_PAGE, CS_PAGE, PF_R);
        corebuilder_load(&core, PROGRAM + CS_PAGE, image + CS_PAGE, CS_PAGE, CS_PAGE, PF_R | PF_W);
        corebuilder_load(&core, LOST_STACK, stack, sizeof(stack), sizeof(stack), PF_R | PF_W);
        struct corebuilder_bytes bytes = corebuilder_finish(&core);
        save("core", "lost", bytes.at, bytes.len);
        free(bytes.at);
        corebuilder_deinit(&core);
}

/* Registers (rbp, of which a set lowest bit says that it is known; rsp, pc), a module, and a stack of calls. */
static void save_unwind(void)
{
        static uint8_t bytes[24 + FAKE_END];
        uint64_t stack = FAKE_STACK_BASE + FAKE_WORDS;
        uint64_t registers[] = { (stack + 0x60) | 1, stack, FAKE_STACK_BASE + FAKE_PUSHES };
        uint64_t words[] = { FAKE_STACK_BASE + FAKE_PUSHES + 0x11, stack + 0x60,
                             FAKE_STACK_BASE + FAKE_POINTER + 2 };
        uint64_t interrupted[] = { stack + 0x60, stack + 0x50, FAKE_STACK_BASE + FAKE_POINTER };
        uint64_t outer = FAKE_STACK_BASE + FAKE_OUTERMOST + 1;
        uint8_t *words_at = bytes + 24 + FAKE_WORDS;
        fake_stack_write(bytes + 24);
        memcpy(bytes, registers, sizeof(registers));
        memcpy(words_at, words, sizeof(words));
        memcpy(words_at + 0x68, &outer, 8);
        save("unwind", "calls", bytes, sizeof(bytes));
        registers[0] &= ~(uint64_t)1;
        memcpy(bytes, registers, sizeof(registers));
        save("unwind", "no-registers", bytes, sizeof(bytes));
        registers[2] = FAKE_STACK_BASE + FAKE_SIGNAL;
        memcpy(bytes, registers, sizeof(registers));
        memcpy(words_at + FAKE_SIGNAL_RBP, interrupted, sizeof(interrupted));
        save("unwind", "signal", bytes, sizeof(bytes));
        registers[0] |= 1;
        registers[2] = FAKE_STACK_BASE + FAKE_CODE;
        memcpy(bytes, registers, sizeof(registers));
        save("unwind", "pointer", bytes, sizeof(bytes));
}

int main(int argc, char **argv)
{
        if (argc != 2) {
                fprintf(stderr, "usage: make_seeds FOLDER\n");
                return 2;
        }
        folder = argv[1];
        save_notes();
        save_maps();
        save_walks();
        save_cores();
        save_corefiles();
        save_lost();
        save_allocators();
        save_runtimes();
        save_unwind();
        return 0;
}
