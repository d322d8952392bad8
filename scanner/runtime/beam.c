/* SPDX-License-Identifier: Apache-2.0 */
/* Erlang's carriers: what its allocators got from mmap. beam.smp exports the tables of its allocators; a carrier begins with
 * {size and flags, next, prev, allocator}, so it names one of them. Carriers that it got from malloc are malloc's blocks and stay so.
 * Erlang/OTP 20 to 27: erts/emulator/beam/erl_alloc_util.h (Carrier_t, AllctrInit_t), erl_alloc.h (ErtsAllocatorThrSpec_t,
 * ErtsAllocatorInfo_t). */
#include "runtimes_all.h"

#include "bytes.h"
#include "marks.h"

#include <stdlib.h>
#include <string.h>

enum {
        ENTRY = 24, /* of both tables: numbers, and a pointer in the last 8 bytes */
        ENTRY_POINTER = 16,
        ENTRIES_MOST = 64,     /* 13 to 16 in these versions */
        INSTANCES_MOST = 2048, /* ERTS_AU_MAX_PREF_ALLOC_INSTANCES */
        HEADER = 32,
        FLAGS = 7,
        MSEG = 1,        /* MSEG_CARRIER_HDR_FLAG */
        NAME_WORDS = 64, /* of Allctr_t: its name_prefix is in here */
        NAME_BYTES = 16,
};

struct allocator {
        uint64_t addr;
        const char *detail;
};

struct beam {
        const struct cs_runtime_input *in;
        struct cs_claims *claims;
        int32_t module;
        CS_VEC(struct allocator) allocators; /* by address */
};

static int by_address(const void *a, const void *b)
{
        const struct allocator *x = a, *y = b;
        return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* Is this how allocators' names begin: "eheap_", "binary_"? */
static bool name_at(const struct cs_image *image, uint64_t addr, char name[NAME_BYTES])
{
        const struct cs_mapping *m = cs_image_mapping_at(image, addr);
        size_t len = 0;
        if (!m || m->module == CS_NO_MODULE || !cs_source_exact(image->source, addr, name, NAME_BYTES))
                return false;
        while (len < NAME_BYTES && ((name[len] >= 'a' && name[len] <= 'z') || name[len] == '_'))
                len++;
        return len > 2 && len < NAME_BYTES && !name[len] && name[len - 1] == '_';
}

static const char *detail_of(struct beam *b, uint64_t allocator)
{
        uint8_t words[NAME_WORDS * 8];
        char name[NAME_BYTES];
        if (!cs_source_exact(b->in->image->source, allocator, words, sizeof(words)))
                return NULL;
        for (size_t i = 0; i < NAME_WORDS; i++)
                if (name_at(b->in->image, cs_word(words + 8 * i), name))
                        return cs_pool_printf(&b->claims->pool, "carrier of %salloc", name);
        return NULL;
}

/* An allocator is one that has a name. */
static enum cs_status add_allocator(struct beam *b, uint64_t addr, struct cs_error *err)
{
        const char *detail = addr && addr % 8 == 0 ? detail_of(b, addr) : NULL;
        return detail ? cs_vec_push(&b->allocators, ((struct allocator){ addr, detail }), err) : CS_OK;
}

/* erts_allctrs_info: {alloc_util, enabled, thr_spec, extra}, where extra is the allocator or its row of the other table.
 * erts_allctr_thr_spec: {enabled, dd, [aix,] size, allocators}; which of the numbers is the size depends on the version, but none is
 * larger than what may be asked for, and what is no allocator has no name. */
static enum cs_status read_table(struct beam *b, const char *name, bool arrays, struct cs_error *err)
{
        struct cs_symbol symbol;
        uint8_t entry[ENTRY];
        enum cs_status st = CS_OK;
        struct cs_source *source = b->in->image->source;
        if (!cs_symbols_named(b->in->symbols, (size_t)b->module, name, &symbol))
                return CS_OK;
        for (uint64_t k = 0; st == CS_OK && k < ENTRIES_MOST && k < symbol.size / ENTRY; k++) {
                if (!cs_source_exact(source, symbol.addr + k * ENTRY, entry, ENTRY))
                        break;
                uint64_t pointer = cs_word(entry + ENTRY_POINTER), n = cs_half(entry + 12), at;
                if (n == 0)
                        n = cs_half(entry + 8);
                if (!arrays)
                        st = add_allocator(b, pointer, err);
                for (uint64_t i = 0; st == CS_OK && arrays && pointer && i < n && n <= INSTANCES_MOST; i++)
                        if (cs_source_u64(source, pointer + 8 * i, &at))
                                st = add_allocator(b, at, err);
        }
        return st;
}

/* The carrier's size and whose it is, or 0. */
static uint64_t carrier_at(const struct beam *b, uint64_t addr, uint64_t room, const char **detail)
{
        uint8_t header[HEADER];
        if (!cs_source_exact(b->in->image->source, addr, header, sizeof(header)))
                return 0;
        uint64_t word = cs_word(header), size = word & ~(uint64_t)FLAGS;
        struct allocator key = { .addr = cs_word(header + 24) & ~(uint64_t)FLAGS };
        if (!(word & MSEG) || !size || size % CS_PAGE || size > room || cs_word(header + 8) % 8 ||
            cs_word(header + 16) % 8)
                return 0;
        const struct allocator *found =
                bsearch(&key, b->allocators.at, b->allocators.n, sizeof(key), by_address);
        *detail = found ? found->detail : NULL;
        return found ? size : 0;
}

static enum cs_status claim_carriers(struct beam *b, const struct cs_mapping *m, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        struct cs_claim claim = { .kind = CS_KIND_BEAM_CARRIER, .module = b->module };
        for (uint64_t at = m->range.start, size; st == CS_OK && at < m->range.end;
             at += size ? size : CS_PAGE) {
                size = carrier_at(b, at, m->range.end - at, &claim.detail);
                claim.range = (struct cs_range){ at, at + size };
                if (size)
                        st = cs_claims_add(b->claims, claim, err);
        }
        return st;
}

static void free_beam(struct beam *b)
{
        cs_vec_deinit(&b->allocators);
}

enum cs_status cs_beam_find(const struct cs_runtime_input *in, struct cs_claims *claims, struct cs_error *err)
{
        static const char *const names[] = { "erts_allctrs_info", "erts_allctr_thr_spec", NULL };
        cs_cleanup(free_beam) struct beam b = { .in = in, .claims = claims };
        b.module = cs_marks_module(in, names);
        if (b.module < 0)
                return CS_OK;
        enum cs_status st = read_table(&b, "erts_allctr_thr_spec", true, err);
        if (st == CS_OK)
                st = read_table(&b, "erts_allctrs_info", false, err);
        if (st != CS_OK || !b.allocators.n)
                return st;
        qsort(b.allocators.at, b.allocators.n, sizeof(*b.allocators.at), by_address);
        for (size_t i = 0; st == CS_OK && i < in->image->mappings.n; i++)
                if (cs_marks_plain(&in->image->mappings.at[i]))
                        st = claim_carriers(&b, &in->image->mappings.at[i], err);
        return st;
}
