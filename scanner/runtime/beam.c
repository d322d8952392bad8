/* SPDX-License-Identifier: Apache-2.0 */
/* Erlang's carriers: what its allocators got from mmap, and from malloc: the first of each allocator, and large blocks beyond the
 * 256th of one. beam.smp exports the tables of its allocators; a carrier begins with {size and flags, next, prev, allocator}, so it
 * names one of them. Those from mmap begin where some page does, also those that are in nobody's list for the moment; those from
 * malloc are in the lists of their allocator, and their blocks stay malloc's.
 * Erlang/OTP 20 to 27: erts/emulator/beam/erl_alloc_util.h (Carrier_t, CarrierList_t, Allctr_t, ERTS_DEFAULT_ALLCTR_INIT),
 * erl_alloc.h (ErtsAllocatorThrSpec_t, ErtsAllocatorInfo_t). */
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
        MSEG = 1,         /* MSEG_CARRIER_HDR_FLAG */
        NAME_WORDS = 64,  /* of Allctr_t: its name_prefix is in here */
        LIST_WORDS = 128, /* of Allctr_t: its mbc_list and sbc_list are in here */
        NAME_BYTES = 16,
        CARRIERS_MOST =
                1 << 20, /* that are followed in one list: of 512 KiB each they would fill half a terabyte */
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

struct carrier {
        uint64_t size, next, prev;
        bool mapped; /* or else malloc's */
        const struct allocator *of;
};

static bool carrier_at(const struct beam *b, uint64_t addr, struct carrier *c)
{
        uint8_t header[HEADER];
        if (addr % 8 || !cs_source_exact(b->in->image->source, addr, header, sizeof(header)))
                return false;
        struct allocator key = { .addr = cs_word(header + 24) & ~(uint64_t)FLAGS };
        c->size = cs_word(header) & ~(uint64_t)FLAGS;
        c->mapped = cs_word(header) & MSEG;
        c->next = cs_word(header + 8);
        c->prev = cs_word(header + 16);
        if (c->size < HEADER || c->next % 8 || c->prev % 8)
                return false;
        c->of = bsearch(&key, b->allocators.at, b->allocators.n, sizeof(key), by_address);
        return c->of;
}

static struct cs_claim claim_of(const struct beam *b, uint64_t addr, const struct carrier *c)
{
        return (struct cs_claim){
                { addr, addr + c->size }, CS_KIND_BEAM_CARRIER, b->module, c->of->detail, 0
        };
}

static enum cs_status claim_mapped(struct beam *b, const struct cs_mapping *m, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (uint64_t at = m->range.start, size; st == CS_OK && at < m->range.end; at += size) {
                struct carrier c;
                size = CS_PAGE;
                if (!carrier_at(b, at, &c) || !c.mapped || c.size % CS_PAGE || c.size > m->range.end - at)
                        continue;
                st = cs_claims_add(b->claims, claim_of(b, at, &c), err);
                size = c.size;
        }
        return st;
}

/* In memory that malloc may hand out? */
static bool mallocs(const struct cs_image *image, struct cs_range range)
{
        const struct cs_mapping *m = cs_image_mapping_at(image, range.start);
        return m && cs_range_holds(m->range, range.start, cs_range_size(range)) && cs_marks_mallocs(m);
}

/* A list of carriers: each is the allocator's and leads back to the one before, and the last is where the head says. Nothing is
 * visited twice, for nothing has two before it and the first has none. */
static enum cs_status claim_list(struct beam *b, const struct allocator *of, uint64_t first, uint64_t last,
                                 struct cs_error *err)
{
        enum cs_status st = CS_OK;
        size_t left = CARRIERS_MOST;
        struct carrier c;
        if (!carrier_at(b, last, &c) || c.of != of || c.next)
                return CS_OK;
        for (uint64_t at = first, before = 0; st == CS_OK && at && left--; before = at, at = c.next) {
                if (!carrier_at(b, at, &c) || c.of != of || c.prev != before)
                        break;
                struct cs_range range = { at, at + c.size };
                if (!c.mapped && c.size <= UINT64_MAX - at && mallocs(b->in->image, range))
                        st = cs_claims_add_within(b->claims, claim_of(b, at, &c), err);
        }
        return st;
}

/* Where in Allctr_t the heads of its lists are depends on the version and how it was built; that a pair of words is one, shows. */
static enum cs_status claim_lists(struct beam *b, const struct allocator *of, struct cs_error *err)
{
        uint8_t words[LIST_WORDS * 8];
        size_t got = 0;
        enum cs_status st = cs_source_read(b->in->image->source, of->addr, words, sizeof(words), &got, NULL);
        if (st != CS_OK)
                return CS_OK; /* the source has failed: others will say so */
        for (size_t at = 0; st == CS_OK && at + 16 <= got; at += 8)
                if (cs_word(words + at) && cs_word(words + at + 8))
                        st = claim_list(b, of, cs_word(words + at), cs_word(words + at + 8), err);
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
                        st = claim_mapped(&b, &in->image->mappings.at[i], err);
        for (size_t i = 0; st == CS_OK && i < b.allocators.n; i++)
                st = claim_lists(&b, &b.allocators.at[i], err);
        return st;
}
