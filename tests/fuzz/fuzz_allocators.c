/* SPDX-License-Identifier: Apache-2.0 */
/* Allocators that are measured by their records. The input: a byte that says which, then the page of the library's data, memory
 * that holds records, and the memory that the records speak of. Seeds hold sound records, so mutations go through their words. */
#include "heaps.h"

#include "corefile.h"
#include "cursor.h"

#include <stdlib.h>
#include <string.h>

enum {
        LIBRARY = 0x300000,
        RECORDS = 0x40000000,
        DATA = 0x80000000,
        LIBRARY_BYTES = 0x1000,
        RANDOM = LIBRARY + 0xff0, /* AT_RANDOM */
        RECORDS_BYTES = 0x4000,
        DATA_BYTES = 0x10000,
        REGIONS = 3,
};

/* They are recognised by their files' names; musl by its records alone. */
static const char *const libraries[] = { "libjemalloc.so.2", "libtcmalloc.so.4", "libmimalloc.so.2",
                                         "libc.so" };
enum { LIBRARIES = sizeof(libraries) / sizeof(libraries[0]) };

struct target {
        uint8_t bytes[LIBRARY_BYTES + RECORDS_BYTES + DATA_BYTES];
        struct cs_mapping mappings[REGIONS];
        struct cs_module module;
        struct cs_image image;
        size_t n;
        struct cs_corefile core;
        struct cs_symbols *symbols;
        struct cs_space *space;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add_region(struct target *t, uint64_t addr, uint64_t size, uint64_t offset, int32_t module)
{
        struct cs_range range = { addr, addr + size };
        struct cs_segment s = { .range = range,
                                .file_offset = offset,
                                .held = size,
                                .promised = size,
                                .perms = CS_PERM_READ | CS_PERM_WRITE };
        t->mappings[t->n++] = (struct cs_mapping){
                .range = range, .perms = s.perms, .dumped = true, .module = module, .file_backed = module == 0
        };
        if (cs_vec_push(&t->core.segments, s, NULL) != CS_OK)
                abort();
}

/* Made once, for an address space is dear. */
static struct target *target(void)
{
        static struct target *t;
        if (t)
                return t;
        t = calloc(1, sizeof(*t));
        if (!t)
                abort();
        add_region(t, LIBRARY, LIBRARY_BYTES, 0, 0);
        add_region(t, RECORDS, RECORDS_BYTES, LIBRARY_BYTES, CS_NO_MODULE);
        add_region(t, DATA, DATA_BYTES, LIBRARY_BYTES + RECORDS_BYTES, CS_NO_MODULE);
        t->module =
                (struct cs_module){ .path = "/lib", .range = { LIBRARY, LIBRARY + LIBRARY_BYTES }, .fd = -1 };
        t->module.name = libraries[0];
        t->image.kind = CS_IMAGE_CORE;
        t->image.at_random = RANDOM;
        t->image.mappings.at = t->mappings;
        t->image.mappings.n = t->n;
        t->image.modules.at = &t->module;
        t->image.modules.n = 1;
        if (cs_core_source_create(t->bytes, sizeof(t->bytes), &t->core, &t->image.source, NULL) != CS_OK ||
            cs_symbols_create(&t->image, NULL, &t->symbols, NULL) != CS_OK ||
            cs_space_create(&t->image, t->symbols, &t->space, NULL) != CS_OK)
                abort();
        return t;
}

/* What the rest of the house relies on. */
static void check(const struct cs_claims *claims)
{
        for (size_t i = 0; i < claims->at.n; i++) {
                struct cs_range r = claims->at.at[i].range;
                if (r.end <= r.start || (i && r.start < claims->at.at[i - 1].range.end))
                        abort();
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct target *t = target();
        struct cs_claims claims = { 0 };
        struct cs_heaps heaps = { 0 };
        if (!size)
                return 0;
        t->module.name = libraries[*data % LIBRARIES];
        memset(t->bytes, 0, sizeof(t->bytes));
        memcpy(t->bytes, data + 1, size - 1 < sizeof(t->bytes) ? size - 1 : sizeof(t->bytes));
        if (cs_heaps_find(&t->image, t->symbols, t->space, &claims, &heaps, NULL) != CS_OK)
                abort();
        check(&claims);
        cs_heaps_deinit(&heaps);
        cs_claims_deinit(&claims);
        return 0;
}
