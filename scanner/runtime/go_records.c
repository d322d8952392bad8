/* SPDX-License-Identifier: Apache-2.0 */
#include "go_records.h"

#include "bytes.h"
#include "marks.h"

/* Numbers of linux/amd64 (Go, src/runtime/; seen in 1.19). */
enum {
        /* malloc.go: mheap_.arenas[0] is an array of 1 << arenaL2Bits pointers at heapArenas, one for each heapArenaBytes of the address
         * space from arenaBaseOffset on (1.11 to 1.25). */
        ARENA_SHIFT = 26,
        ARENAS = 1 << 22,
        PAGE_SHIFT = 13,
        PAGES = 1 << (ARENA_SHIFT - PAGE_SHIFT),
        /* mheap.go, heapArena: what follows the spans, three bitmaps of pages and two words. */
        ARENA_REST = 4096,
        /* mheap.go, mspan: next, prev, list, startAddr, npages. */
        SPAN_START = 0x18,
        SPAN_BYTES = 0x28,
        /* malloc.go, persistentChunkSize: a list through the chunks' first words (1.9 to 1.25). */
        CHUNK = 256 << 10,
        CHUNKS_MAX = 1 << 16,
        /* mpagealloc.go, pageAlloc: five slices of summaries, each level 8 times as long as the one before, then an array of
         * 1 << pallocChunksL1Bits pointers at 1 << pallocChunksL2Bits pallocData of 128 bytes, each for 4 MiB (1.14 to 1.25). */
        LEVELS = 5,
        LEVEL_0 = 1 << 14,
        SLICE = 24,
        PALLOC_SHIFT = 22 + 13,
        PALLOC_BYTES = 128 << 13,
        BLOCKS = 1 << 13,
        DATA_MAX = 16 << 20, /* of the module's variables */
        STEPS_MAX = 1 << 22, /* along what may be spans, and lists that may be those of chunks */
        SAMPLE = 64,         /* spans that are looked at */
        FEWEST = 4,          /* of them that must fit */
};
#define ARENA_BASE UINT64_C(0xffff800000000000)

/* mheap.go, heapArena: where the spans are, behind the bitmap of pointers. */
static const uint64_t spans_at[] = {
        2 << 20,            /* 1.11 to 1.19: two bits a word */
        (1 << 20) + 0x4000, /* 1.20, 1.21: one bit a word, and one for 8 words of these */
        0,                  /* 1.22: no more bitmap */
};
enum { LAYOUTS = sizeof(spans_at) / sizeof(spans_at[0]) };

struct search {
        const struct cs_runtime_input *in;
        int32_t module;
        size_t from, to; /* claims that are arenas */
        struct cs_claims *claims;
        uint64_t arenas; /* the array of heapArenas; 0: not found yet */
        uint64_t spans_at;
        uint64_t spans[SAMPLE]; /* that fit */
        size_t n_spans;
        size_t steps;
        bool has_chunks, has_pages;
};

static bool word_at(const struct search *s, uint64_t addr, uint64_t *value)
{
        return cs_source_u64(s->in->image->source, addr, value);
}

/* Claims what of the range is in mappings that may be the runtime's own; it begins in a mapping. */
static enum cs_status claim(struct search *s, struct cs_range range, const char *detail, struct cs_error *err)
{
        const cs_mapping_vec *maps = &s->in->image->mappings;
        const struct cs_mapping *m = cs_image_mapping_at(s->in->image, range.start);
        enum cs_status st = CS_OK;
        for (; st == CS_OK && m && m < maps->at + maps->n && m->range.start < range.end; m++)
                if (cs_marks_plain(m))
                        st = cs_claims_add(s->claims,
                                           (struct cs_claim){ cs_range_cut(m->range, range),
                                                              CS_KIND_MODULE_DATA, s->module, detail, 0 },
                                           err);
        return st;
}

static enum cs_status claim_at(struct search *s, uint64_t start, uint64_t bytes, const char *detail,
                               struct cs_error *err)
{
        if (!cs_marks_plain_at(s->in->image, start) || bytes > UINT64_MAX - start)
                return CS_OK;
        return claim(s, (struct cs_range){ cs_page_down(start), cs_page_up(start + bytes) }, detail, err);
}

/* ---- arenas and their spans -------------------------------------------------------------------------------------- */

static uint64_t arena_index(uint64_t addr)
{
        return (addr - ARENA_BASE) >> ARENA_SHIFT;
}

/* Do spans of this layout speak of the pages of the arena at addr? */
static bool spans_fit(struct search *s, uint64_t addr, uint64_t spans)
{
        size_t seen = 0, fit = 0;
        for (uint64_t page = 0; page < PAGES && seen < SAMPLE; page++) {
                uint64_t span, at = addr + (page << PAGE_SHIFT);
                uint8_t bytes[SPAN_BYTES];
                if (s->steps++ >= STEPS_MAX)
                        return false;
                if (!word_at(s, spans + page * 8, &span) || !span || span % 8)
                        continue;
                seen++;
                if (!cs_source_exact(s->in->image->source, span, bytes, sizeof(bytes)))
                        continue;
                uint64_t start = cs_word(bytes + SPAN_START), pages = cs_word(bytes + SPAN_START + 8);
                if (start <= at && !(start & ((1 << PAGE_SHIFT) - 1)) && (at - start) >> PAGE_SHIFT < pages)
                        s->spans[fit++] = span;
        }
        s->n_spans = fit;
        return fit >= FEWEST && fit * 2 >= seen;
}

/* Is there the array of heapArenas at addr? */
static bool is_array(struct search *s, uint64_t addr)
{
        uint64_t first = s->claims->at.at[s->from].range.start, arena;
        if (addr % CS_PAGE || !cs_marks_plain_at(s->in->image, addr) || arena_index(first) >= ARENAS ||
            !word_at(s, addr + arena_index(first) * 8, &arena) || arena % CS_PAGE ||
            !cs_marks_plain_at(s->in->image, arena))
                return false;
        for (size_t i = 0; i < LAYOUTS; i++) {
                s->spans_at = spans_at[i];
                if (spans_fit(s, first & ~((UINT64_C(1) << ARENA_SHIFT) - 1), arena + spans_at[i]))
                        return true;
        }
        return false;
}

static enum cs_status claim_arenas(struct search *s, struct cs_error *err)
{
        enum cs_status st = claim_at(s, s->arenas, ARENAS * UINT64_C(8), "Go's map of arenas", err);
        uint64_t done = 0;
        for (size_t i = s->from; st == CS_OK && i < s->to; i++) {
                struct cs_range r = s->claims->at.at[i].range;
                uint64_t first = arena_index(r.start), last = arena_index(r.end - 1);
                for (first = first < done ? done : first; st == CS_OK && first <= last && first < ARENAS;
                     first++) {
                        uint64_t arena;
                        if (word_at(s, s->arenas + first * 8, &arena) && arena && arena % 8 == 0)
                                st = claim_at(s, arena, s->spans_at + PAGES * UINT64_C(8) + ARENA_REST,
                                              "Go's record of an arena", err);
                        done = first + 1;
                }
        }
        return st;
}

/* ---- chunks for good --------------------------------------------------------------------------------------------- */

static bool holds_span(const struct search *s, uint64_t chunk)
{
        for (size_t i = 0; i < s->n_spans; i++)
                if (s->spans[i] - chunk < CHUNK)
                        return true;
        return false;
}

/* Claims the chunks of the list that begins with `first`, if it is one of chunks, of which one holds a span that is known. */
static enum cs_status try_chunks(struct search *s, uint64_t first, struct cs_error *err)
{
        bool found = false;
        uint64_t at = first;
        for (size_t n = 0; at && n < CHUNKS_MAX && s->steps++ < STEPS_MAX; n++) {
                if (at % CS_PAGE || !cs_marks_plain_at(s->in->image, at))
                        return CS_OK;
                found |= holds_span(s, at);
                if (!word_at(s, at, &at))
                        return CS_OK;
        }
        if (at || !found)
                return CS_OK;
        enum cs_status st = CS_OK;
        s->has_chunks = true;
        for (at = first; st == CS_OK && at;) {
                st = claim_at(s, at, CHUNK, "Go's records", err);
                if (!word_at(s, at, &at))
                        break;
        }
        return st;
}

/* ---- free pages -------------------------------------------------------------------------------------------------- */

/* pageAlloc's beginning at addr, whose first LEVELS * SLICE bytes these are. */
static bool is_page_alloc(const uint8_t *bytes)
{
        for (uint64_t i = 0; i < LEVELS; i++) {
                uint64_t start = cs_word(bytes + i * SLICE), len = cs_word(bytes + i * SLICE + 8),
                         cap = cs_word(bytes + i * SLICE + 16);
                if (cap != (uint64_t)LEVEL_0 << 3 * i || len > cap || !start || start % CS_PAGE)
                        return false;
        }
        return true;
}

static enum cs_status claim_pages(struct search *s, uint64_t addr, const uint8_t *bytes, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        s->has_pages = true;
        for (uint64_t i = 0; st == CS_OK && i < LEVELS; i++) {
                uint64_t start = cs_word(bytes + i * SLICE), size = cs_word(bytes + i * SLICE + 16) * 8;
                if (size <= UINT64_MAX - start)
                        st = claim(s, (struct cs_range){ start, start + size }, "Go's summary of free pages",
                                   err);
        }
        uint64_t done = 0;
        for (size_t i = s->from; st == CS_OK && i < s->to; i++) {
                struct cs_range r = s->claims->at.at[i].range;
                uint64_t block = (r.start - ARENA_BASE) >> PALLOC_SHIFT, pages;
                if (block < done || block >= BLOCKS ||
                    !word_at(s, addr + LEVELS * SLICE + block * 8, &pages) || !pages)
                        continue;
                st = claim_at(s, pages, PALLOC_BYTES, "Go's bitmaps of pages", err);
                done = block + 1;
        }
        return st;
}

/* ---- the module's variables -------------------------------------------------------------------------------------- */

static enum cs_status look(struct search *s, uint64_t addr, const uint8_t *bytes, size_t len,
                           struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i + 8 <= len; i += 8) {
                uint64_t word = cs_word(bytes + i);
                if (!word || word % CS_PAGE)
                        continue;
                if (!s->arenas) {
                        s->arenas = is_array(s, word) ? word : 0;
                        continue;
                }
                if (!s->has_pages && len - i >= LEVELS * SLICE && is_page_alloc(bytes + i))
                        st = claim_pages(s, addr + i, bytes + i, err);
                else if (!s->has_chunks)
                        st = try_chunks(s, word, err);
        }
        return st;
}

/* All of the module's variables, in windows that overlap by what is read of one at once. */
static enum cs_status look_in_data(struct search *s, struct cs_error *err)
{
        const struct cs_image *image = s->in->image;
        enum cs_status st = CS_OK;
        uint64_t left = DATA_MAX;
        struct cs_view view;
        cs_view_init(&view, image->source);
        for (size_t i = 0; st == CS_OK && i < image->mappings.n; i++) {
                const struct cs_mapping *m = &image->mappings.at[i];
                if (m->module != s->module || !(m->perms & CS_PERM_WRITE))
                        continue;
                for (uint64_t at = m->range.start; st == CS_OK && at < m->range.end && left;) {
                        uint64_t end = m->range.end - at, want = CS_PAGE + LEVELS * SLICE;
                        size_t got;
                        const uint8_t *bytes = cs_view_whole(&view, at, want < end ? want : end, &got);
                        if (bytes)
                                st = look(s, at, bytes, got, err);
                        left -= left < CS_PAGE ? left : CS_PAGE;
                        at += CS_PAGE;
                }
        }
        cs_view_deinit(&view);
        return st;
}

enum cs_status cs_go_records(const struct cs_runtime_input *in, int32_t module, size_t from,
                             struct cs_claims *claims, struct cs_error *err)
{
        struct search s = { .in = in, .module = module, .from = from, .to = claims->at.n, .claims = claims };
        if (s.from == s.to)
                return CS_OK;
        /* The array first: the spans that it leads to prove the rest, which may stand before it. */
        enum cs_status st = look_in_data(&s, err);
        if (st != CS_OK || !s.arenas)
                return st;
        st = claim_arenas(&s, err);
        return st == CS_OK ? look_in_data(&s, err) : st;
}
