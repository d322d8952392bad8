/* SPDX-License-Identifier: Apache-2.0 */
/* The recognisers of managed runtimes. The input: a byte that says which row of `runtimes` the library is, then its variables, memory
 * that holds records, and the beginnings of pieces of memory that may be heaps; what lies behind a piece's beginning is mapped, but
 * cannot be read. Seeds hold sound heaps, so mutations go through their words. A new runtime is a row (at the end: seeds name rows
 * by number) and a seed in make_seeds.c. */
#include "runtimes.h"

#include "corefile.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

/* As in make_seeds.c. */
enum {
        LIBRARY = 0x300000, /* a page of tables, which the input does not reach, and one of variables */
        VARIABLES = LIBRARY + 0x1000,
        RECORDS = 0x40000000,
        MEMORY = 0x80000000,
        STRIDE = 256 << 10, /* of pieces of memory, one behind the other */
        PIECES = 6,
        LIBRARY_BYTES = 0x2000,
        RECORDS_BYTES = 0x1000,
        PIECE_BYTES = 0x4000,
        GIVEN_VARIABLES = 0x100, /* what of each the input holds */
        GIVEN_PIECE = 0x200,
        /* For Go, a page each: where its map of arenas begins, if the entry of the first arena is the first piece's first word, and
         * that arena. The input does not reach them. */
        GO_MAP = MEMORY - 0x1018000,
        GO_BYTES = 0x1000,
        ALL_BYTES = LIBRARY_BYTES + RECORDS_BYTES + PIECES * PIECE_BYTES + 2 * GO_BYTES,
        DYNAMIC = 0x100,
        HASH = 0x180,
        SYMTAB = 0x200,
        STRTAB = 0x600,
        VARIABLE_BYTES = 24, /* from one to the next, and what each is said to take */
        NAMES = 8,
};

#define GO_ARENA UINT64_C(0xc000000000)

static const char *const runtimes[][NAMES] = {
        { "rb_cObject", "rb_cString", "rb_gc_start" },
        { "PyType_Type", "PyObject_Malloc" },
        { "v8dbg_HeapObjectTag", "v8dbg_SmiTag" },
        { "gHotSpotVMStructs", "gHotSpotVMStructEntryArrayStride", "gHotSpotVMStructEntryTypeNameOffset",
          "gHotSpotVMStructEntryFieldNameOffset", "gHotSpotVMStructEntryIsStaticOffset",
          "gHotSpotVMStructEntryOffsetOffset", "gHotSpotVMStructEntryAddressOffset", "gHotSpotVMTypes" },
        { "driver_alloc_binary", "enif_alloc_binary" },
        { "main.main" },
};
enum { RUNTIMES = sizeof(runtimes) / sizeof(runtimes[0]) };

struct target {
        uint8_t bytes[ALL_BYTES];
        struct cs_mapping mappings[2 + 1 + PIECES + 2];
        struct cs_module module;
        struct cs_image image;
        size_t n;
        struct cs_corefile core;
        struct cs_symbols *symbols;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Memory of that size, of which the first `held` bytes are at the offset. */
static void add_region(struct target *t, uint64_t addr, uint64_t size, uint64_t held, uint64_t offset,
                       int32_t module)
{
        struct cs_range range = { addr, addr + size };
        struct cs_segment s = { .range = range,
                                .file_offset = offset,
                                .held = held,
                                .promised = size,
                                .perms = CS_PERM_READ | CS_PERM_WRITE };
        t->mappings[t->n++] = (struct cs_mapping){
                .range = range, .perms = s.perms, .dumped = true, .module = module, .file_backed = module == 0
        };
        if (cs_vec_push(&t->core.segments, s, NULL) != CS_OK)
                abort();
}

/* The library's dynamic symbol table. */
static void export_names(struct target *t, const char *const *names)
{
        uint64_t n = 1, used = 1;
        for (; n <= NAMES && names[n - 1]; n++) {
                Elf64_Sym symbol = { .st_name = (uint32_t)used,
                                     .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT),
                                     .st_shndx = 1,
                                     .st_value = VARIABLES - LIBRARY + (n - 1) * VARIABLE_BYTES,
                                     .st_size = VARIABLE_BYTES };
                memcpy(t->bytes + SYMTAB + n * sizeof(symbol), &symbol, sizeof(symbol));
                strcpy((char *)t->bytes + STRTAB + used, names[n - 1]);
                used += strlen(names[n - 1]) + 1;
        }
        const uint64_t dynamic[] = { DT_HASH,          LIBRARY + HASH, DT_SYMTAB, LIBRARY + SYMTAB, DT_STRTAB,
                                     LIBRARY + STRTAB, DT_STRSZ,       used,      DT_NULL,          0 };
        memcpy(t->bytes + DYNAMIC, dynamic, sizeof(dynamic));
        n <<= 32;
        memcpy(t->bytes + HASH, &n, sizeof(n));
}

/* The target in which the library is that runtime; made once. */
static struct target *target(size_t runtime)
{
        static struct target *targets[RUNTIMES];
        struct target *t = targets[runtime];
        if (t)
                return t;
        t = targets[runtime] = calloc(1, sizeof(*t));
        if (!t)
                abort();
        add_region(t, LIBRARY, LIBRARY_BYTES, LIBRARY_BYTES, 0, 0);
        add_region(t, RECORDS, RECORDS_BYTES, RECORDS_BYTES, LIBRARY_BYTES, CS_NO_MODULE);
        const uint64_t pieces = LIBRARY_BYTES + RECORDS_BYTES, go = pieces + PIECES * PIECE_BYTES;
        add_region(t, GO_MAP, GO_BYTES, GO_BYTES, go, CS_NO_MODULE);
        for (uint64_t i = 0; i < PIECES; i++)
                add_region(t, MEMORY + i * STRIDE, STRIDE, PIECE_BYTES, pieces + i * PIECE_BYTES,
                           CS_NO_MODULE);
        add_region(t, GO_ARENA, GO_BYTES, GO_BYTES, go + GO_BYTES, CS_NO_MODULE);
        export_names(t, runtimes[runtime]);
        t->module = (struct cs_module){ .path = "/lib.so",
                                        .name = "lib.so",
                                        .range = { LIBRARY, LIBRARY + LIBRARY_BYTES },
                                        .bias = LIBRARY,
                                        .dynamic = LIBRARY + DYNAMIC,
                                        .fd = -1 };
        t->image.kind = CS_IMAGE_CORE;
        t->image.mappings.at = t->mappings;
        t->image.mappings.n = t->n;
        t->image.modules.at = &t->module;
        t->image.modules.n = 1;
        struct cs_symbol symbol;
        if (cs_core_source_create(t->bytes, sizeof(t->bytes), &t->core, &t->image.source, NULL) != CS_OK ||
            cs_symbols_create(&t->image, NULL, &t->symbols, NULL) != CS_OK ||
            !cs_symbols_named(t->symbols, 0, runtimes[runtime][0], &symbol))
                abort();
        return t;
}

static size_t fill(struct target *t, size_t at, size_t room, size_t given, const uint8_t *data, size_t size)
{
        size_t n = size < given ? size : given;
        memset(t->bytes + at, 0, room);
        if (n)
                memcpy(t->bytes + at, data, n);
        return n;
}

/* By address, disjoint, not empty. */
static void check(const cs_claim_vec *claims)
{
        for (size_t i = 0; i < claims->n; i++) {
                struct cs_range r = claims->at[i].range;
                if (r.end <= r.start || (i && r.start < claims->at[i - 1].range.end))
                        abort();
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct cs_claims claims = { 0 };
        if (!size)
                return 0;
        struct target *t = target(*data % RUNTIMES);
        size_t used = 1, at = LIBRARY_BYTES + RECORDS_BYTES;
        used += fill(t, VARIABLES - LIBRARY, 0x1000, GIVEN_VARIABLES, data + used, size - used);
        used += fill(t, LIBRARY_BYTES, RECORDS_BYTES, RECORDS_BYTES, data + used, size - used);
        for (size_t i = 0; i < PIECES; i++, at += PIECE_BYTES)
                used += fill(t, at, PIECE_BYTES, GIVEN_PIECE, data + used, size - used);
        if (cs_runtimes_find(&t->image, t->symbols, &claims, NULL) != CS_OK)
                abort();
        cs_claims_seal(&claims);
        check(&claims.at);
        check(&claims.within);
        cs_claims_deinit(&claims);
        return 0;
}
