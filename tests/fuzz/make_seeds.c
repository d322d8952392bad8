/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the seeds of the targets that read cores: `ninja make_seeds && tests/fuzz/make_seeds fixtures/fuzz`. Not built by
 * default. Seeds stay as they are once written, so that a change here shows as a change there. */
#include "corebuilder.h"

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
        ALLOCATOR_BYTES = RECORDS_AT + 0x4000
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
        const uint64_t leaf = RECORDS + 0x1000, slab = RECORDS + 0x2000, large = slab + 0x80;
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

static void save_allocators(void)
{
        save_jemalloc("jemalloc-5.3", 17, 20, 28);
        save_jemalloc("jemalloc-5.2", 16, 18, 26);
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
        save_allocators();
        return 0;
}
