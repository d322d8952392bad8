/* SPDX-License-Identifier: Apache-2.0 */
/* Erlang's carriers: what its allocators got from mmap, and from malloc: the first of each allocator, and large blocks beyond the
 * 256th of one. A carrier begins with {size and flags, next, prev, allocator}; allocators are known by their names, and are what the
 * data of beam.smp points to, or arrays of which it points to. Carriers from mmap begin where some page does; what is in no list of its
 * allocator, and in no pool, is kept for the next one. Those from malloc are in the lists of their allocator, and their blocks stay malloc's.
 * Erlang/OTP 20 to 29: erts/emulator/beam/erl_alloc_util.h (Carrier_t, CarrierList_t, Allctr_t, ERTS_DEFAULT_ALLCTR_INIT),
 * erl_alloc.h (ErtsAllocatorThrSpec_t, ErtsAllocatorInfo_t); seen in 23, 25, 27 and 29. */
#include "runtimes_all.h"

#include "bytes.h"
#include "marks.h"
#include "tally.h"

#include <stdlib.h>
#include <string.h>

enum {
        INSTANCES_MOST = 2048,   /* ERTS_AU_MAX_PREF_ALLOC_INSTANCES: of one allocator, in one array */
        INSTANCES_FIRST = 2,     /* one of so many is there: the first may be left out */
        INSTANCES_ALL = 1 << 20, /* that are looked at in all arrays */
        HEADER = 32,
        NEXT_LINK = 8,
        PREV_LINK = 16,
        FLAGS = 7,        /* ERTS_CRR_ALCTR_FLG_MASK of the allocator: in the pool, busy, homecoming */
        MSEG = 1,         /* MSEG_CARRIER_HDR_FLAG */
        NAME_WORDS = 64,  /* of Allctr_t: its name_prefix is in here */
        LIST_WORDS = 128, /* of Allctr_t: its mbc_list and sbc_list are in here */
        NAME_BYTES = 16,
        CARRIERS_MOST = 1 << 20, /* of one list; of 512 KiB each they would fill half a terabyte */
};

struct allocator {
        uint64_t addr;
        const char *detail;
};

enum { NOT_SEEN, NO_ALLOCATOR, ALLOCATOR };

struct beam {
        const struct cs_runtime_input *in;
        struct cs_claims *claims;
        int32_t module;
        size_t instances;
        struct cs_tally seen;                /* addresses that were looked at */
        CS_VEC(struct allocator) allocators; /* by address */
};

static int by_address(const void *a, const void *b)
{
        const struct allocator *x = a, *y = b;
        return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* Is this how allocators' names begin: "eheap_", "binary_"? */
static bool name_at(const struct beam *b, uint64_t addr, char name[NAME_BYTES])
{
        const struct cs_mapping *m = cs_image_mapping_at(b->in->image, addr);
        size_t len = 0;
        if (!m || m->module != b->module || !cs_source_exact(b->in->image->source, addr, name, NAME_BYTES))
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
                if (name_at(b, cs_word(words + 8 * i), name))
                        return cs_pool_printf(&b->claims->pool, "carrier of %salloc", name);
        return NULL;
}

/* An allocator is one that has a name. */
static enum cs_status look_at(struct beam *b, uint64_t addr, bool *is, struct cs_error *err)
{
        const struct cs_mapping *m = addr % 8 ? NULL : cs_image_mapping_at(b->in->image, addr);
        uint64_t *seen;
        *is = false;
        if (!m || !(m->perms & CS_PERM_WRITE))
                return CS_OK;
        enum cs_status st = cs_tally_at(&b->seen, addr, NOT_SEEN, &seen, err);
        if (st != CS_OK)
                return st;
        if (*seen == NOT_SEEN) {
                const char *detail = detail_of(b, addr);
                *seen = detail ? ALLOCATOR : NO_ALLOCATOR;
                if (detail)
                        st = cs_vec_push(&b->allocators, ((struct allocator){ addr, detail }), err);
        }
        *is = *seen == ALLOCATOR;
        return st;
}

/* An array of an allocator's instances: one for each scheduler, and perhaps none before them. */
static enum cs_status look_through(struct beam *b, uint64_t array, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        bool goes_on = true;
        for (uint64_t i = 0, at; st == CS_OK && goes_on && i < INSTANCES_MOST; i++) {
                if (b->instances++ >= INSTANCES_ALL || i > (UINT64_MAX - array) / 8 ||
                    !cs_source_u64(b->in->image->source, array + 8 * i, &at))
                        break;
                st = look_at(b, at, &goes_on, err);
                goes_on |= !at && i + 1 < INSTANCES_FIRST;
        }
        return st;
}

static enum cs_status look_around(struct beam *b, struct cs_range range, struct cs_error *err)
{
        struct cs_view view;
        enum cs_status st = CS_OK;
        cs_view_init_hopping(&view, b->in->image->source);
        for (uint64_t addr = range.start & ~UINT64_C(7), size; st == CS_OK && addr < range.end;
             addr += size) {
                size_t got;
                size = CS_PAGE - addr % CS_PAGE;
                const uint8_t *bytes = cs_view_at(&view, addr, size, &got);
                for (size_t k = 0; st == CS_OK && bytes && k + 8 <= got && addr + k < range.end; k += 8) {
                        uint64_t word = cs_word(bytes + k);
                        const struct cs_mapping *m =
                                word % 8 ? NULL : cs_image_mapping_at(b->in->image, word);
                        bool is;
                        if (!m || !(m->perms & CS_PERM_WRITE))
                                continue;
                        /* An array that lies right before an allocator looks like one. */
                        st = look_at(b, word, &is, err);
                        if (st == CS_OK)
                                st = look_through(b, word, err);
                }
        }
        cs_view_deinit(&view);
        return st;
}

/* Its tables erts_allctrs_info and erts_allctr_thr_spec say it all; since OTP 28 or 29 they are not exported, but still in its data. */
static enum cs_status find_allocators(struct beam *b, struct cs_error *err)
{
        static const char *const tables[] = { "erts_allctrs_info", "erts_allctr_thr_spec" };
        const struct cs_image *image = b->in->image;
        enum cs_status st = CS_OK;
        struct cs_symbol symbol;
        for (size_t i = 0; st == CS_OK && i < sizeof(tables) / sizeof(*tables); i++)
                if (cs_symbols_named(b->in->symbols, (size_t)b->module, tables[i], &symbol) &&
                    symbol.size <= UINT64_MAX - symbol.addr)
                        st = look_around(b, (struct cs_range){ symbol.addr, symbol.addr + symbol.size }, err);
        for (size_t i = 0; st == CS_OK && !b->allocators.n && i < image->mappings.n; i++)
                if (image->mappings.at[i].module == b->module && image->mappings.at[i].perms & CS_PERM_WRITE)
                        st = look_around(b, image->mappings.at[i].range, err);
        if (b->allocators.n)
                qsort(b->allocators.at, b->allocators.n, sizeof(*b->allocators.at), by_address);
        return st;
}

struct carrier {
        uint64_t size, next, prev;
        bool mapped; /* or else malloc's */
        bool pooled; /* on its way to, in, or out of the pool that allocators share */
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
        c->pooled = cs_word(header + 24) & FLAGS;
        c->next = cs_word(header + NEXT_LINK);
        c->prev = cs_word(header + PREV_LINK);
        if (c->size < HEADER || c->next % 8 || c->prev % 8)
                return false;
        c->of = bsearch(&key, b->allocators.at, b->allocators.n, sizeof(key), by_address);
        return c->of;
}

/* Does the allocator have a list that begins or ends with this carrier? */
static bool heads_list(const struct beam *b, const struct allocator *of, uint64_t addr)
{
        uint8_t words[LIST_WORDS * 8];
        size_t got = 0;
        if (cs_source_read(b->in->image->source, of->addr, words, sizeof(words), &got, NULL) != CS_OK)
                return false;
        for (size_t at = 0; at + 8 <= got; at += 8)
                if (cs_word(words + at) == addr)
                        return true;
        return false;
}

/* Does the carrier at `beside`, or the list's head where that is none, lead to the one at addr? */
static bool leads_to(const struct beam *b, const struct carrier *c, uint64_t beside, uint64_t link,
                     uint64_t addr)
{
        uint64_t word;
        return beside ? cs_source_u64(b->in->image->source, beside + link, &word) && word == addr
                      : heads_list(b, c->of, addr);
}

/* A carrier that was given back keeps its header, but nothing leads to it any more. In a living node one of its neighbours may be
 * changing right now, hardly both. */
static bool is_held(const struct beam *b, uint64_t addr, const struct carrier *c)
{
        return c->pooled || leads_to(b, c, c->prev, NEXT_LINK, addr) ||
               leads_to(b, c, c->next, PREV_LINK, addr);
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
                struct cs_claim claim = claim_of(b, at, &c);
                if (!is_held(b, at, &c))
                        claim.detail = "kept for the next carrier";
                st = cs_claims_add(b->claims, claim, err);
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
        cs_tally_deinit(&b->seen);
        cs_vec_deinit(&b->allocators);
}

enum cs_status cs_beam_find(const struct cs_runtime_input *in, struct cs_claims *claims, struct cs_error *err)
{
        /* For drivers and native functions, in whatever version. */
        static const char *const names[] = { "driver_alloc_binary", "enif_alloc_binary", NULL };
        cs_cleanup(free_beam) struct beam b = { .in = in, .claims = claims };
        b.module = cs_marks_module(in, names);
        if (b.module < 0)
                return CS_OK;
        enum cs_status st = find_allocators(&b, err);
        if (st != CS_OK || !b.allocators.n)
                return st;
        for (size_t i = 0; st == CS_OK && i < in->image->mappings.n; i++)
                if (cs_marks_plain(&in->image->mappings.at[i]))
                        st = claim_mapped(&b, &in->image->mappings.at[i], err);
        for (size_t i = 0; st == CS_OK && i < b.allocators.n; i++)
                st = claim_lists(&b, &b.allocators.at[i], err);
        return st;
}
