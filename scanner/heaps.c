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

/* Allocators whose blocks this version does not read, told by a symbol that only they define: a honest answer names them
 * instead of calling their memory a mystery. */
static const struct {
        const char *allocator;
        const char *symbol;
        const char *file; /* start of the library's file name, where the symbol may be hidden; or NULL */
        cs_allocator_fn measure; /* or NULL */
} foreign[] = {
        { "jemalloc", "mallctl", "libjemalloc", cs_jemalloc_measure },
        { "jemalloc", "je_mallctl", NULL, cs_jemalloc_measure },
        { "jemalloc", "_rjem_mallctl", NULL, cs_jemalloc_measure },
        { "tcmalloc", "MallocExtension_GetNumericProperty", "libtcmalloc", cs_tcmalloc_measure },
        { "mimalloc", "mi_version", "libmimalloc", cs_mimalloc_measure },
        { "musl", "__malloc_atfork", "ld-musl", NULL },
};

typedef CS_VEC(struct cs_heap) heap_vec;

static enum cs_status note_foreign(const struct cs_image *image, struct cs_symbols *symbols, size_t module,
                                   struct cs_claims *claims, heap_vec *found, struct cs_error *err)
{
        const char *name = image->modules.at[module].name;
        for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
                struct cs_symbol symbol;
                bool by_file =
                        foreign[i].file && strncmp(name, foreign[i].file, strlen(foreign[i].file)) == 0;
                if (!by_file && !cs_symbols_named(symbols, module, foreign[i].symbol, &symbol))
                        continue;
                struct cs_heap heap = { .allocator = foreign[i].allocator, .module = (int32_t)module };
                struct cs_allocator_input in = { image, symbols, module };
                heap.why_not = "its blocks are not read by this version";
                enum cs_status st = foreign[i].measure ? foreign[i].measure(&in, claims, &heap, err) : CS_OK;
                if (heap.measured.known)
                        heap.why_not = "its blocks are counted, but not compared by this version";
                return st == CS_OK ? cs_vec_push(found, heap, err) : st;
        }
        return CS_OK;
}

/* All allocators that are not glibc's. */
static enum cs_status find_foreign(const struct cs_image *image, struct cs_symbols *symbols,
                                   struct cs_claims *claims, heap_vec *found, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < image->modules.n; i++)
                if (!image->modules.at[i].runtime || strncmp(image->modules.at[i].name, "ld-musl", 7) == 0)
                        st = note_foreign(image, symbols, i, claims, found, err);
        return st;
}

static void free_heaps(heap_vec *heaps)
{
        cs_vec_deinit(heaps);
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

enum cs_status cs_heaps_find(const struct cs_image *image, struct cs_symbols *symbols, struct cs_space *space,
                             struct cs_claims *claims, struct cs_heaps *heaps, struct cs_error *err)
{
        struct cs_glibc glibc;
        cs_cleanup(free_heaps) heap_vec others = { 0 };
        enum cs_status st = find_foreign(image, symbols, claims, &others, err);
        if (st != CS_OK)
                return st;
        cs_claims_seal(claims);
        st = cs_glibc_find(image, space, claims, heaps, &glibc, err);
        if (st == CS_OK && heaps->found.n)
                heaps->found.at[0].version =
                        cs_glibc_version(image, symbols, (size_t)heaps->found.at[0].module, &heaps->pool);
        for (size_t i = 0; st == CS_OK && i < others.n; i++)
                st = cs_vec_push(&heaps->found, others.at[i], err);
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
