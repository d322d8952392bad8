/* SPDX-License-Identifier: Apache-2.0 */
#include "heaps.h"

#include "allocator.h"
#include "glibc.h"
#include "glibc_version.h"

#include <stdlib.h>
#include <string.h>

void cs_heaps_deinit(struct cs_heaps *heaps)
{
        cs_blocks_deinit(&heaps->blocks);
        cs_vec_deinit(&heaps->found);
        cs_vec_deinit(&heaps->foreign);
        for (size_t i = 0; i < heaps->arenas.n; i++)
                cs_vec_deinit(&heaps->arenas.at[i].threads);
        cs_vec_deinit(&heaps->arenas);
        cs_vec_deinit(&heaps->corrupt);
        cs_vec_deinit(&heaps->claimed);
        cs_pool_deinit(&heaps->pool);
}

void cs_heaps_corrupt(struct cs_heaps *heaps, uint64_t address, const char *what)
{
        struct cs_corruption c = { address, what };
        if (heaps->corrupt.n >= CS_CORRUPT_KEPT || cs_vec_push(&heaps->corrupt, c, NULL) != CS_OK)
                heaps->corrupt_more++;
}

/* Other allocators than glibc's, told by a symbol that only they define, or by the library's file; where neither is left (linked
 * into something, and stripped), by their records alone. An honest answer names them even where those cannot be read. */
static const struct foreign {
        const char *allocator;
        const char *symbol;
        const char *file; /* start of the library's file name, where the symbol may be hidden; or NULL */
        cs_allocator_fn measure;
        uint64_t
                data; /* its records are looked for in modules with that much data; 0: in none but those that are named */
        bool anywhere; /* they are looked for without a module */
} foreign[] = {
        /* The roots of jemalloc's and tcmalloc's trees take so much of .bss. */
        { "jemalloc", "mallctl", "libjemalloc", cs_jemalloc_measure, 2 << 20, false },
        { "jemalloc", "je_mallctl", NULL, cs_jemalloc_measure, 0, false },
        { "jemalloc", "_rjem_mallctl", NULL, cs_jemalloc_measure, 0, false },
        { "tcmalloc", "MallocExtension_GetNumericProperty", "libtcmalloc", cs_tcmalloc_measure, 1 << 20,
          false },
        { "mimalloc", "mi_version", "libmimalloc", cs_mimalloc_measure, 0, true },
        { "musl", "__malloc_atfork", "ld-musl", cs_mallocng_measure, 1, false },
};
enum { FOREIGN = sizeof(foreign) / sizeof(foreign[0]) };

struct finder {
        const struct cs_image *image;
        struct cs_symbols *symbols;
        struct cs_claims *claims;
        struct cs_heaps *heaps;
};

static enum cs_status measure(struct finder *f, const struct foreign *row, size_t module,
                              struct cs_heap *heap, struct cs_error *err)
{
        const struct cs_allocator_input in = { f->image, f->symbols, module };
        *heap = (struct cs_heap){ .allocator = row->allocator,
                                  .module = (int32_t)module,
                                  .why_not = "its blocks are not read by this version" };
        enum cs_status st = row->measure(&in, f->claims, heap, err);
        if (heap->measured.known)
                heap->why_not = "its blocks are counted, but not compared by this version";
        return st;
}

static enum cs_status note_named(struct finder *f, size_t module, struct cs_error *err)
{
        const char *name = f->image->modules.at[module].name;
        for (size_t i = 0; i < FOREIGN; i++) {
                const struct foreign *row = &foreign[i];
                struct cs_symbol symbol;
                struct cs_heap heap;
                bool by_file = row->file && strncmp(name, row->file, strlen(row->file)) == 0;
                if (!by_file && !cs_symbols_named(f->symbols, module, row->symbol, &symbol))
                        continue;
                enum cs_status st = measure(f, row, module, &heap, err);
                return st == CS_OK ? cs_vec_push(&f->heaps->foreign, heap, err) : st;
        }
        return CS_OK;
}

static bool has_module(const struct cs_heaps *heaps, size_t module)
{
        for (size_t i = 0; i < heaps->foreign.n; i++)
                if (heaps->foreign.at[i].module == (int32_t)module)
                        return true;
        return false;
}

static bool has_allocator(const struct cs_heaps *heaps, const char *allocator)
{
        for (size_t i = 0; i < heaps->foreign.n; i++)
                if (strcmp(heaps->foreign.at[i].allocator, allocator) == 0)
                        return true;
        return false;
}

/* The bytes of writable mappings, by module; malloc'ed. There may be thousands of modules. */
static uint64_t *sum_data(const struct cs_image *image)
{
        uint64_t *sums = calloc(image->modules.n + 1, sizeof(*sums));
        for (size_t i = 0; sums && i < image->mappings.n; i++) {
                const struct cs_mapping *m = &image->mappings.at[i];
                if (m->module != CS_NO_MODULE && m->perms & CS_PERM_WRITE)
                        sums[m->module] += cs_range_size(m->range);
        }
        return sums;
}

static enum cs_status search(struct finder *f, const struct foreign *row, size_t module, struct cs_error *err)
{
        struct cs_heap heap;
        enum cs_status st = measure(f, row, module, &heap, err);
        return st == CS_OK && heap.measured.known ? cs_vec_push(&f->heaps->foreign, heap, err) : st;
}

/* By their records alone. */
static enum cs_status search_unnamed(struct finder *f, const struct foreign *row, const uint64_t *data,
                                     struct cs_error *err)
{
        enum cs_status st = CS_OK;
        if (row->anywhere && !has_allocator(f->heaps, row->allocator))
                st = search(f, row, (size_t)CS_NO_MODULE, err);
        for (size_t i = 0; st == CS_OK && row->data && i < f->image->modules.n; i++)
                if (data[i] >= row->data && !has_module(f->heaps, i))
                        st = search(f, row, i, err);
        return st;
}

/* All allocators that are not glibc's. */
static enum cs_status find_foreign(struct finder *f, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        const struct cs_image *image = f->image;
        for (size_t i = 0; st == CS_OK && i < image->modules.n; i++)
                if (!image->modules.at[i].runtime || strncmp(image->modules.at[i].name, "ld-musl", 7) == 0)
                        st = note_named(f, i, err);
        uint64_t *data = sum_data(image);
        if (!data)
                return cs_fail(err, CS_ENOMEM, "modules");
        for (size_t i = 0; st == CS_OK && i < FOREIGN; i++)
                st = search_unnamed(f, &foreign[i], data, err);
        free(data);
        return st;
}

static int by_start(const void *a, const void *b)
{
        const struct cs_range *x = a, *y = b;
        return x->start < y->start ? -1 : x->start > y->start;
}

void cs_heaps_sort_claims(struct cs_heaps *heaps)
{
        if (heaps->claimed.n)
                qsort(heaps->claimed.at, heaps->claimed.n, sizeof(*heaps->claimed.at), by_start);
}

bool cs_heaps_claims(const struct cs_heaps *heaps, uint64_t addr, struct cs_range *which)
{
        size_t lo = 0, hi = heaps->claimed.n;
        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;
                if (heaps->claimed.at[mid].start <= addr)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        if (lo == 0 || !cs_range_has(heaps->claimed.at[lo - 1], addr))
                return false;
        *which = heaps->claimed.at[lo - 1];
        return true;
}

enum cs_status cs_heaps_recognise(const struct cs_image *image, struct cs_symbols *symbols,
                                  struct cs_claims *claims, struct cs_heaps *heaps, struct cs_error *err)
{
        struct finder finder = { image, symbols, claims, heaps };
        enum cs_status st = find_foreign(&finder, err);
        if (st == CS_OK)
                cs_claims_seal(claims);
        return st;
}

enum cs_status cs_heaps_walk(const struct cs_image *image, struct cs_space *space,
                             const struct cs_claims *claims, struct cs_heaps *heaps, struct cs_error *err)
{
        struct cs_glibc glibc;
        enum cs_status st = cs_glibc_find(image, space, claims, heaps, &glibc, err);
        if (st == CS_OK)
                st = cs_blocks_seal(&heaps->blocks, space, err);
        if (glibc.layout)
                space->allocator =
                        (struct cs_range){ glibc.main_arena, glibc.main_arena + heaps->arena_bytes };
        if (st == CS_OK && glibc.layout)
                st = cs_glibc_mark_cached(&glibc, space, err);
        cs_glibc_deinit(&glibc);
        return st;
}

enum cs_status cs_heaps_name(const struct cs_image *image, struct cs_symbols *symbols, struct cs_heaps *heaps,
                             struct cs_error *err)
{
        if (heaps->found.n)
                heaps->found.at[0].version =
                        cs_glibc_version(image, symbols, (size_t)heaps->found.at[0].module, &heaps->pool);
        enum cs_status st = cs_vec_append(&heaps->found, &heaps->foreign, err);
        if (st == CS_OK)
                heaps->foreign.n = 0;
        return st;
}

enum cs_status cs_heaps_find(const struct cs_image *image, struct cs_symbols *symbols, struct cs_space *space,
                             struct cs_claims *claims, struct cs_heaps *heaps, struct cs_error *err)
{
        enum cs_status st = cs_heaps_recognise(image, symbols, claims, heaps, err);
        if (st == CS_OK)
                st = cs_heaps_walk(image, space, claims, heaps, err);
        return st == CS_OK ? cs_heaps_name(image, symbols, heaps, err) : st;
}
