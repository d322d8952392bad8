/* SPDX-License-Identifier: Apache-2.0 */
/* atdump PID DIR: the table of a process that alloctrace.so records, read from outside. The process should be stopped.
 *
 *      DIR/truth.raw.tsv       one line per live block: addr size usable flags caller_module caller_offset ms stack
 *      DIR/stacks.raw.tsv      one line per stack in use: stack frames (module+0xELFVADDR;…, innermost first)
 *      DIR/modules.raw.tsv     each module seen in a stack: id start end bias path
 *
 * flags: M mmapped by itself, A not in the main arena, - in it, ? the block's header cannot be read. */
#include "alloctrace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct table {
        int mem; /* /proc/PID/mem */
        struct at_header header;
        struct at_module *modules;
        struct at_stack *stacks;
        char *used; /* which stacks have a live block */
        unsigned long blocks, asked, usable;
};

static int read_at(int mem, uint64_t at, void *to, size_t n)
{
        char *p = to;
        while (n) {
                ssize_t got = pread(mem, p, n, (off_t)at);
                if (got <= 0)
                        return -1;
                p += got;
                at += (uint64_t)got;
                n -= (size_t)got;
        }
        return 0;
}

static void *must_alloc(size_t n, size_t size)
{
        void *p = calloc(n ? n : 1, size);
        if (!p) {
                perror("atdump");
                exit(1);
        }
        return p;
}

static void *grab(int mem, uint64_t at, size_t n, size_t size)
{
        void *p = must_alloc(n, size);
        if (read_at(mem, at, p, n * size)) {
                fprintf(stderr, "atdump: cannot read %zu bytes at %#lx: %s\n", n * size, (unsigned long)at,
                        strerror(errno));
                exit(1);
        }
        return p;
}

/* The directory is 256 MiB, nearly all of it never touched. Reading it whole would make the kernel fill those pages in, so
 * pagemap is asked which of them exist. */
static uint32_t *grab_directory(int mem, const char *pid, uint64_t at)
{
        size_t pages = ATR_DIR_ENTRIES * sizeof(uint32_t) / 4096;
        uint32_t *directory = must_alloc(ATR_DIR_ENTRIES, sizeof *directory);
        uint64_t *pagemap = must_alloc(pages, sizeof *pagemap);
        char path[64];
        snprintf(path, sizeof path, "/proc/%s/pagemap", pid);
        int fd = open(path, O_RDONLY);
        if (fd < 0 || pread(fd, pagemap, pages * 8, (off_t)(at / 4096 * 8)) != (ssize_t)(pages * 8)) {
                perror(path);
                exit(1);
        }
        for (size_t i = 0; i < pages; i++) {
                if (pagemap[i] >> 62) /* present or swapped */
                        (void)read_at(mem, at + i * 4096, (char *)directory + i * 4096, 4096);
        }
        close(fd);
        free(pagemap);
        return directory;
}

static FILE *create(const char *dir, const char *name)
{
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", dir, name);
        FILE *f = fopen(path, "w");
        if (!f) {
                perror(path);
                exit(1);
        }
        return f;
}

static const char *base_name(const char *path)
{
        const char *slash = strrchr(path, '/');
        return slash ? slash + 1 : path;
}

static void write_modules(const struct table *t, const char *dir)
{
        FILE *f = create(dir, "modules.raw.tsv");
        for (uint32_t i = 1; i < t->header.nmod; i++) {
                const struct at_module *m = &t->modules[i];
                fprintf(f, "%u\t0x%lx\t0x%lx\t0x%lx\t%s\n", i, (unsigned long)m->start, (unsigned long)m->end,
                        (unsigned long)m->bias, m->path);
        }
        fclose(f);
}

static void write_block(struct table *t, FILE *f, uint64_t address, const struct at_slot *slot)
{
        uint64_t header, usable = 0;
        char flag = '?';
        /* glibc's size field, right before the block: bit 1 mmapped, bit 2 not the main arena; it counts both header words,
         * of which a block that is not mmapped uses the next one's first (malloc.c). */
        if (read_at(t->mem, address - 8, &header, 8) == 0) {
                usable = (header & ~15ULL) - ((header & 2) ? 16 : 8);
                flag = (header & 2) ? 'M' : (header & 4) ? 'A' : '-';
        }
        const struct at_stack *stack = &t->stacks[slot->stack];
        const struct at_module *module = &t->modules[stack->mod[0]];
        fprintf(f, "0x%lx\t%lu\t%lu\t%c\t%s\t0x%lx\t%u\t%u\n", (unsigned long)address,
                (unsigned long)slot->size, (unsigned long)usable, flag, base_name(module->path),
                (unsigned long)(stack->pc[0] - (stack->mod[0] ? module->bias : 0)), slot->ms, slot->stack);
        t->used[slot->stack] = 1;
        t->blocks++;
        t->asked += slot->size;
        t->usable += usable;
}

static void write_blocks(struct table *t, const char *pid, const char *dir)
{
        const struct at_header *h = &t->header;
        size_t leaf_bytes = ATR_LEAF_SLOTS * sizeof(struct at_slot);
        uint32_t *directory = grab_directory(t->mem, pid, ATR_BASE + h->dir_off);
        struct at_slot *leaf = must_alloc(1, leaf_bytes);
        FILE *f = create(dir, "truth.raw.tsv");
        fputs("addr\tsize\tusable\tflags\tcaller_module\tcaller_offset\tms\tstack\n", f);
        for (uint64_t region = 0; region < ATR_DIR_ENTRIES; region++) {
                if (!directory[region] ||
                    read_at(t->mem, ATR_BASE + h->leaf_off + directory[region] * leaf_bytes, leaf,
                            leaf_bytes))
                        continue;
                for (uint64_t i = 0; i < ATR_LEAF_SLOTS; i++) {
                        if (leaf[i].stack && leaf[i].stack < h->nstack)
                                write_block(t, f, (region << ATR_REGION_SHIFT) + i * 16, &leaf[i]);
                }
        }
        fclose(f);
        free(leaf);
        free(directory);
}

static void write_stacks(const struct table *t, const char *dir)
{
        FILE *f = create(dir, "stacks.raw.tsv");
        fputs("stack\tframes\n", f);
        for (uint32_t i = 1; i < t->header.nstack; i++) {
                const struct at_stack *stack = &t->stacks[i];
                if (!t->used[i])
                        continue;
                fprintf(f, "%u\t", i);
                for (uint32_t k = 0; k < stack->n && k < ATR_FRAMES; k++) {
                        const struct at_module *m = &t->modules[stack->mod[k]];
                        uint64_t bias = stack->mod[k] ? m->bias : 0;
                        fprintf(f, "%s%s+0x%lx", k ? ";" : "", base_name(m->path),
                                (unsigned long)(stack->pc[k] - bias));
                }
                fputc('\n', f);
        }
        fclose(f);
}

int main(int argc, char **argv)
{
        struct table t = { 0 };
        char path[64];
        if (argc != 3) {
                fprintf(stderr, "usage: atdump PID DIR\n");
                return 2;
        }
        snprintf(path, sizeof path, "/proc/%s/mem", argv[1]);
        t.mem = open(path, O_RDONLY);
        if (t.mem < 0 || read_at(t.mem, ATR_BASE, &t.header, sizeof t.header) ||
            t.header.magic != ATR_MAGIC) {
                fprintf(stderr, "atdump: process %s is not recorded by alloctrace.so\n", argv[1]);
                return 1;
        }
        t.modules = grab(t.mem, ATR_BASE + t.header.mod_off, t.header.nmod, sizeof *t.modules);
        snprintf(t.modules[0].path, sizeof t.modules[0].path, "[anon]");
        t.stacks = grab(t.mem, ATR_BASE + t.header.stack_off, t.header.nstack, sizeof *t.stacks);
        t.used = must_alloc(t.header.nstack, 1);
        write_modules(&t, argv[2]);
        write_blocks(&t, argv[1], argv[2]);
        write_stacks(&t, argv[2]);
        fprintf(stderr, "atdump: %lu blocks, %lu bytes asked for, %lu usable, %lu not recorded\n", t.blocks,
                t.asked, t.usable, (unsigned long)t.header.lost);
        return 0;
}
