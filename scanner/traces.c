/* SPDX-License-Identifier: Apache-2.0 */
#include "traces.h"

#include "bytes.h"
#include "cs_limits.h"
#include "stretches.h"
#include "tails.h"
#include "tally.h"
#include "work.h"

#include <stdlib.h>
#include <string.h>

enum {
        ADDRESS_BITS = 47,
        SLOT_BITS = 28, /* the word of the block that has the trace; beyond, the last number */
        PACKED =
                4, /* pointers behind a 32-bit number (glib's sorted arrays of signal handlers, struct epoll_event) */
        LINK_WORDS = 4, /* fd, bk, fd_nextsize, bk_nextsize of a free chunk (glibc, malloc/malloc.c) */
        FEW = 4,        /* as many may be an accident */
        SHARE = 4,      /* one of so many blocks of a kind must have the like, if it is no accident */
        SMALL = 80, /* bytes of a chunk that may hold distances: they stand in small headers of something else */
        SAMPLE = 4, /* one of so many small blocks tells how often numbers look like distances */
};

/* So many times as many as by accident are none. */
static const double SPREAD = 2.5;

/* Forms that an address may have. Those that numbers take as well count only where a kind of block has them at one place. */
enum form {
        FORM_SURE,   /* tagged, doubled, unaligned: no number looks so by accident */
        FORM_OFFSET, /* the distance from the block that holds it */
        FORM_END, /* where the next chunk begins: the end of an array without elements, or a link of malloc's */
};

struct candidate {
        uint32_t from, to;
        uint32_t place; /* enum form, slot */
};

struct unit_out {
        CS_VEC(struct candidate) at;
        bool limited;
};

struct worker {
        CS_WORK_APART struct cs_view view;
        struct cs_heap_memo memo;
        struct cs_tally lives; /* place -> distances to blocks that are not lost, in a sample */
};

struct search {
        const struct cs_graph_input *in;
        const struct cs_blocks *blocks;
        struct cs_graph *graph;
        uint64_t **pages; /* per heap range: bits of the pages that a lost block touches; NULL: none does */
        cs_root_vec roots, stale;
        struct unit_out *outs;
        struct worker *workers;
        uint64_t n_lost, n_live;
        bool low; /* a lost block lies below 4 GiB */
        /* What the words that name lost blocks pass, of a few that do not: as an address; with something in the bits above it; doubled. */
        struct cs_words_filter near, tagged, doubled;
        struct cs_tally places, lives; /* by cluster and place */
        struct cs_tally ends;          /* by size and place */
};

/* What is being read. */
struct reading {
        struct search *s;
        struct unit_out *out;
        struct worker *worker;
        uint32_t from;  /* block, or CS_NO_BLOCK */
        bool small;     /* the block may hold distances */
        uint64_t start; /* its first byte */
        unsigned step;  /* pointers that are not aligned are looked for at multiples of it */
};

/* ---- where lost blocks are --------------------------------------------------------------------------------------- */

static bool lost(const struct search *s, uint32_t i)
{
        return cs_blocks_state(s->blocks, i) == CS_BLOCK_IN_USE &&
               !(__atomic_load_n(&s->graph->marks[i], __ATOMIC_RELAXED) & CS_MARK_REACHED);
}

static bool referenced(const struct search *s, uint32_t i)
{
        return __atomic_load_n(&s->graph->marks[i], __ATOMIC_RELAXED) & CS_MARK_REFERENCED;
}

static uint64_t page_of(const struct cs_heap_range *r, uint64_t addr)
{
        /* A mapping of one block may be larger than any table. */
        return r->starts ? (addr - r->range.start) >> CS_PAGE_SHIFT : 0;
}

static enum cs_status note_pages(struct search *s, size_t range, const struct cs_block *b,
                                 struct cs_error *err)
{
        const struct cs_heap_range *r = &s->blocks->ranges.at[range];
        if (!s->pages[range]) {
                s->pages[range] = calloc((size_t)(page_of(r, r->range.end) / 64) + 1, sizeof(**s->pages));
                if (!s->pages[range])
                        return cs_fail(err, CS_ENOMEM, "pages of lost blocks");
        }
        /* Pages are counted from where the range starts, which is in the middle of one. */
        uint64_t before = cs_block_start(b) < CS_PAGE ? cs_block_start(b) : (uint64_t)CS_PAGE;
        cs_words_filter_add(&s->near, (struct cs_range){ cs_block_start(b) - before,
                                                         cs_block_range(b).end + 2 * (uint64_t)CS_PAGE });
        /* The last one is that of the chunk behind it. */
        for (uint64_t p = page_of(r, cs_block_start(b)); p <= page_of(r, cs_block_range(b).end); p++)
                s->pages[range][p / 64] |= UINT64_C(1) << (p % 64);
        return CS_OK;
}

static enum cs_status find_pages(struct search *s, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        s->near = cs_words_filter_make();
        s->pages = calloc(s->blocks->ranges.n + 1, sizeof(*s->pages));
        if (!s->pages)
                return cs_fail(err, CS_ENOMEM, "pages of lost blocks");
        for (size_t r = 0; st == CS_OK && r < s->blocks->ranges.n; r++) {
                const struct cs_heap_range *range = &s->blocks->ranges.at[r];
                struct cs_block_cursor cursor = cs_blocks_of(s->blocks, range);
                struct cs_block b;
                for (uint32_t k = 0; st == CS_OK && k < range->count; k++) {
                        uint32_t i = range->first + k;
                        if (!lost(s, i)) {
                                s->n_live += cs_blocks_state(s->blocks, i) == CS_BLOCK_IN_USE;
                                continue;
                        }
                        cs_blocks_skip(&cursor, i);
                        if (!cs_blocks_next_any(&cursor, &b, &i))
                                break;
                        s->n_lost++;
                        s->low |= cs_block_start(&b) >> 32 == 0;
                        st = note_pages(s, r, &b, err);
                }
        }
        s->tagged = s->doubled = s->near;
        s->tagged.mask = (UINT64_C(1) << ADDRESS_BITS) - 1;
        for (size_t k = 0; k < CS_WORD_RANGES; k++) {
                s->doubled.first[k] *= 2;
                s->doubled.size[k] *= 2;
        }
        return st;
}

/* The heap range that addr lies in, if there is a lost block near, else SIZE_MAX. */
static size_t range_near(struct reading *reading, uint64_t addr)
{
        const struct search *s = reading->s;
        struct cs_space_entry e = cs_heap_memo_at(&reading->worker->memo, s->blocks, s->in->space, addr);
        if (e.kind != CS_SPACE_HEAP || !s->pages[e.index])
                return SIZE_MAX;
        const struct cs_heap_range *r = &s->blocks->ranges.at[e.index];
        if (!cs_range_has(r->range, addr))
                return SIZE_MAX;
        uint64_t page = page_of(r, addr);
        return s->pages[e.index][page / 64] >> (page % 64) & 1 ? e.index : SIZE_MAX;
}

/* The lost block that malloc returned as addr, or CS_NO_BLOCK. */
static uint32_t lost_start(struct reading *reading, uint64_t addr)
{
        const struct search *s = reading->s;
        uint64_t start = addr - CS_BLOCK_UNIT;
        size_t range = addr % CS_BLOCK_UNIT ? SIZE_MAX : range_near(reading, addr);
        if (range == SIZE_MAX || !cs_range_has(s->blocks->ranges.at[range].range, start) ||
            !cs_blocks_is_header(s->blocks, (uint32_t)range, start))
                return CS_NO_BLOCK;
        uint32_t i = cs_blocks_find(s->blocks, (uint32_t)range, start);
        return i != CS_NO_BLOCK && lost(s, i) ? i : (uint32_t)CS_NO_BLOCK;
}

/* The lost block behind which a chunk begins at addr. Where a pointer to it is left, it hangs on what has the pointer. */
static uint32_t lost_end(struct reading *reading, uint64_t addr)
{
        const struct search *s = reading->s;
        size_t range = range_near(reading, addr);
        if (range == SIZE_MAX || !cs_blocks_is_header(s->blocks, (uint32_t)range, addr))
                return CS_NO_BLOCK;
        uint32_t i = cs_blocks_find(s->blocks, (uint32_t)range, addr);
        if (i == CS_NO_BLOCK || i == s->blocks->ranges.at[range].first)
                return CS_NO_BLOCK;
        return lost(s, i - 1) && !referenced(s, i - 1) ? i - 1 : (uint32_t)CS_NO_BLOCK;
}

/* The lost block that addr lies in. */
static uint32_t lost_inside(struct reading *reading, uint64_t addr)
{
        const struct search *s = reading->s;
        size_t range = range_near(reading, addr);
        if (range == SIZE_MAX || cs_blocks_is_header(s->blocks, (uint32_t)range, addr))
                return CS_NO_BLOCK;
        uint32_t i = cs_blocks_find(s->blocks, (uint32_t)range, addr);
        return i != CS_NO_BLOCK && lost(s, i) ? i : (uint32_t)CS_NO_BLOCK;
}

/* ---- live memory ------------------------------------------------------------------------------------------------- */

static uint32_t place_of(const struct reading *r, enum form form, uint64_t at)
{
        uint64_t slot = (at - r->start) / 8;
        return (uint32_t)form << SLOT_BITS |
               (uint32_t)(slot < (1u << SLOT_BITS) - 1 ? slot : (1u << SLOT_BITS) - 1);
}

static enum cs_status propose(struct reading *r, uint32_t to, enum form form, uint64_t at,
                              struct cs_error *err)
{
        if (to == CS_NO_BLOCK || to == r->from)
                return CS_OK;
        if (r->out->at.n >= CS_LIMIT_TRACES) {
                r->out->limited = true;
                return CS_OK;
        }
        struct candidate c = { r->from, to, place_of(r, form, at) };
        return cs_vec_push(&r->out->at, c, err);
}

static uint64_t place_key(const struct search *s, uint32_t from, uint32_t place)
{
        return (uint64_t)cs_blocks_cluster(s->blocks, from) << 32 | place;
}

/* The word may be the distance to another block. That to a neighbour is as often the size of something. */
static enum cs_status try_distance(struct reading *r, uint64_t at, uint64_t value, struct cs_error *err)
{
        struct search *s = r->s;
        uint64_t to = r->start + value, *count;
        if (value + SMALL < 2 * SMALL)
                return CS_OK;
        uint32_t i = lost_start(r, to);
        if (i != CS_NO_BLOCK && referenced(s, i))
                return CS_OK;
        if (i != CS_NO_BLOCK || r->from % SAMPLE)
                return propose(r, i, FORM_OFFSET, at, err);
        struct cs_space_entry e = cs_heap_memo_at(&r->worker->memo, s->blocks, s->in->space, to);
        if (e.kind != CS_SPACE_HEAP ||
            !cs_range_has(s->blocks->ranges.at[e.index].range, to - CS_BLOCK_UNIT) ||
            !cs_blocks_is_header(s->blocks, e.index, to - CS_BLOCK_UNIT))
                return CS_OK;
        enum cs_status st = cs_tally_at(&r->worker->lives,
                                        place_key(s, r->from, place_of(r, FORM_OFFSET, at)), 0, &count, err);
        if (st == CS_OK)
                *count += SAMPLE;
        return st;
}

static enum cs_status try_word(struct reading *r, uint64_t at, uint64_t value, struct cs_error *err)
{
        const uint64_t address = (UINT64_C(1) << ADDRESS_BITS) - 1;
        enum cs_status st = CS_OK;
        /* Ruby's Fixnum of an address, and that of any runtime which tags small integers so (ruby, include/ruby/internal/
         * special_consts.h: RUBY_FIXNUM_FLAG). */
        if (value % (2 * CS_BLOCK_UNIT) == 1)
                return propose(r, lost_start(r, value >> 1), FORM_SURE, at, err);
        if (value % CS_BLOCK_UNIT || !value)
                return CS_OK;
        if (value & ~address)
                st = propose(r, lost_start(r, value & address), FORM_SURE, at, err);
        if (st == CS_OK && r->small)
                st = try_distance(r, at, value, err);
        if (st == CS_OK && !(value & ~address) && r->from != CS_NO_BLOCK && at - r->start >= 8 * LINK_WORDS)
                st = propose(r, lost_end(r, value), FORM_END, at, err);
        return st;
}

/* Addresses below 4 GiB, as programs at fixed places have them, in 32 bits (glib's hash tables, when all of their values fit). */
static enum cs_status read_halves(struct reading *r, uint64_t addr, const uint8_t *bytes, size_t len,
                                  struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i + 4 <= len; i += 4) {
                uint32_t value;
                memcpy(&value, bytes + i, sizeof(value));
                if (value && value % CS_BLOCK_UNIT == 0)
                        st = propose(r, lost_start(r, value), FORM_SURE, addr + i, err);
        }
        return st;
}

/* So many words that stand side by side. */
static enum cs_status try_words(struct reading *r, uint64_t addr, const uint8_t *bytes, size_t n,
                                struct cs_error *err)
{
        enum cs_status st = CS_OK;
        uint64_t bits = r->small ? UINT64_MAX >> (CS_WORDS - n)
                                 : cs_words_within(&r->s->tagged, bytes, n) |
                                           cs_words_within(&r->s->doubled, bytes, n);
        for (; st == CS_OK && bits; bits &= bits - 1) {
                size_t i = (size_t)__builtin_ctzll(bits) * 8;
                uint64_t value = cs_word(bytes + i);
                if (value % CS_BLOCK_UNIT <= 1)
                        st = try_word(r, addr + i, value, err);
        }
        return st;
}

static enum cs_status try_unaligned(struct reading *r, uint64_t at, uint64_t value, struct cs_error *err)
{
        return value % CS_BLOCK_UNIT == 0 && value && value >> ADDRESS_BITS == 0
                       ? propose(r, lost_start(r, value), FORM_SURE, at, err)
                       : CS_OK;
}

/* Pointers in the middle between two words. */
static enum cs_status read_packed(struct reading *r, uint64_t addr, const uint8_t *bytes, size_t len,
                                  struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (size_t from = PACKED; st == CS_OK && from + 8 <= len; from += CS_WORDS * 8) {
                size_t n = (len - from) / 8 < CS_WORDS ? (len - from) / 8 : (size_t)CS_WORDS;
                uint64_t bits = cs_words_within(&r->s->near, bytes + from, n);
                for (; st == CS_OK && bits; bits &= bits - 1) {
                        size_t i = from + (size_t)__builtin_ctzll(bits) * 8;
                        st = try_unaligned(r, addr + i, cs_word(bytes + i), err);
                }
        }
        return st;
}

static enum cs_status read_live(void *reading, uint64_t addr, const uint8_t *bytes, size_t len,
                                struct cs_error *err)
{
        struct reading *r = reading;
        enum cs_status st = r->s->low ? read_halves(r, addr, bytes, len, err) : CS_OK;
        for (size_t i = 0; st == CS_OK && i + 8 <= len; i += CS_WORDS * 8) {
                size_t n = (len - i) / 8 < CS_WORDS ? (len - i) / 8 : (size_t)CS_WORDS;
                st = try_words(r, addr + i, bytes + i, n, err);
        }
        if (st == CS_OK && r->step == PACKED)
                return read_packed(r, addr, bytes, len, err);
        for (size_t i = r->step; st == CS_OK && i + 8 <= len; i += r->step)
                if (i % 8)
                        st = try_unaligned(r, addr + i, cs_word(bytes + i), err);
        return st;
}

/* ---- stale memory ------------------------------------------------------------------------------------------------ */

static enum cs_status read_stale(void *reading, uint64_t addr, const uint8_t *bytes, size_t len,
                                 struct cs_error *err)
{
        struct reading *r = reading;
        const struct search *s = r->s;
        (void)addr;
        (void)err;
        for (size_t from = 0; from + 8 <= len; from += CS_WORDS * 8) {
                size_t n = (len - from) / 8 < CS_WORDS ? (len - from) / 8 : (size_t)CS_WORDS;
                uint64_t bits = cs_words_within(&s->near, bytes + from, n);
                for (; bits; bits &= bits - 1) {
                        uint64_t value = cs_word(bytes + from + (size_t)__builtin_ctzll(bits) * 8);
                        uint32_t to = value >> ADDRESS_BITS ? (uint32_t)CS_NO_BLOCK : lost_inside(r, value);
                        if (to != CS_NO_BLOCK)
                                __atomic_fetch_or(&s->graph->marks[to], CS_MARK_STALE, __ATOMIC_RELAXED);
                }
        }
        return CS_OK;
}

/* ---- all memory -------------------------------------------------------------------------------------------------- */

static enum cs_status search_slice(struct search *s, size_t unit, struct worker *worker, struct cs_error *err)
{
        const struct cs_slice *slice = &s->in->slices->at[unit];
        struct cs_block_cursor cursor = cs_blocks_from(s->blocks, slice->first, slice->end), ahead = cursor;
        struct cs_block b;
        uint32_t i;
        enum cs_status st = CS_OK;
        while (st == CS_OK && cs_blocks_next(&cursor, &b, &i)) {
                enum cs_block_state state = cs_block_state(&b);
                cs_slice_ask(&ahead, i, &worker->view);
                bool used = state == CS_BLOCK_IN_USE;
                struct cs_range payload = cs_block_payload(&b);
                struct reading r = {
                        s, &s->outs[unit], worker, i, cs_block_size(&b) <= SMALL, payload.start, PACKED
                };
                if (state == CS_BLOCK_INTERNAL)
                        continue;
                /* Pointers that were not followed, behind a text, have been left there by an earlier tenant. */
                size_t got;
                bool text = used && s->in->clusters->at.at[b.cluster].kind == CS_CLUSTER_TEXT;
                if (text && cs_clusters_quiet(s->in->clusters, i))
                        continue;
                const uint8_t *bytes = used ? cs_view_whole(&worker->view, payload.start, 8, &got) : NULL;
                if (!used || text || (bytes && cs_tails_begins(bytes, got)))
                        st = cs_stretches(&worker->view, payload, read_stale, &r, err);
                if (st == CS_OK && used && !text)
                        st = cs_stretches(&worker->view, payload, read_live, &r, err);
        }
        cs_slice_release(s->blocks, slice, worker->view.src);
        return st;
}

/* What stands in a free slot was left there by an object that is gone. */
static enum cs_status search_slots(struct reading *r, const struct cs_root_unit *u, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (uint64_t at = u->range.start; st == CS_OK && at < u->range.end; at += u->slot) {
                struct cs_range slot = { at, at + u->slot };
                bool used = cs_root_slot_used(&r->worker->view, at);
                st = cs_stretches(&r->worker->view, slot, used ? read_live : read_stale, r, err);
        }
        return st;
}

static enum cs_status search_unit(void *context, size_t unit, unsigned number, struct cs_error *err)
{
        struct search *s = context;
        size_t slices = s->in->slices->n;
        struct worker *worker = &s->workers[number];
        if (unit < slices)
                return search_slice(s, unit, worker, err);
        bool stale = unit - slices >= s->roots.n;
        const struct cs_root_unit *u =
                stale ? &s->stale.at[unit - slices - s->roots.n] : &s->roots.at[unit - slices];
        struct reading r = {
                .s = s, .out = &s->outs[unit], .worker = worker, .from = CS_NO_BLOCK, .start = u->range.start
        };
        r.step = cs_root_kind(u->root) == CS_ROOT_MODULE ? 1 : PACKED;
        enum cs_status st =
                u->slot ? search_slots(&r, u, err)
                        : cs_stretches(&worker->view, u->range, stale ? read_stale : read_live, &r, err);
        cs_source_release(worker->view.src, u->range.start, (size_t)cs_range_size(u->range));
        return st;
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

static enum form form_of(const struct candidate *c)
{
        return (enum form)(c->place >> SLOT_BITS);
}

static enum cs_status count_places(struct search *s, size_t units, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (unsigned w = 0; st == CS_OK && w < s->in->workers; w++)
                st = cs_tally_add(&s->lives, &s->workers[w].lives, err);
        for (size_t u = 0; st == CS_OK && u < units; u++)
                for (size_t i = 0; st == CS_OK && i < s->outs[u].at.n; i++) {
                        const struct candidate *c = &s->outs[u].at.at[i];
                        uint64_t *hits;
                        if (form_of(c) == FORM_SURE)
                                continue;
                        st = cs_tally_at(&s->places, place_key(s, c->from, c->place), 0, &hits, err);
                        if (st == CS_OK)
                                ++*hits;
                }
        return st;
}

static uint64_t end_key(const struct search *s, const struct candidate *c)
{
        struct cs_block b = cs_blocks_get(s->blocks, c->from);
        return cs_block_units(&b) << 32 | c->place;
}

/* The end of an empty array is the rule in its field, while links of malloc's are strays. A field that is known from one kind
 * of block is believed in all of that size. */
static enum cs_status learn_ends(struct search *s, size_t units, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (size_t u = 0; st == CS_OK && u < units; u++)
                for (size_t i = 0; st == CS_OK && i < s->outs[u].at.n; i++) {
                        const struct candidate *c = &s->outs[u].at.at[i];
                        if (form_of(c) != FORM_END)
                                continue;
                        uint64_t key = place_key(s, c->from, c->place), *learnt;
                        uint64_t hits = cs_tally_get(&s->places, key, 0);
                        if (hits >= FEW && hits * SHARE >= s->in->clusters->at.at[key >> 32].count)
                                st = cs_tally_at(&s->ends, end_key(s, c), 1, &learnt, err);
                }
        return st;
}

/* Numbers lead to lost blocks as often as these are among all blocks, so to speak; a field that is meant so leads there more
 * often. */
static bool plausible(const struct search *s, const struct candidate *c)
{
        if (form_of(c) == FORM_SURE)
                return true;
        if (form_of(c) == FORM_END)
                return cs_tally_get(&s->ends, end_key(s, c), 0);
        uint64_t key = place_key(s, c->from, c->place), hits = cs_tally_get(&s->places, key, 0);
        double by_accident =
                (double)cs_tally_get(&s->lives, key, 0) * (double)s->n_lost / (double)(s->n_live + 1);
        return (double)hits >= FEW + SPREAD * by_accident;
}

static int by_source(const void *a, const void *b)
{
        const struct cs_trace *x = a, *y = b;
        if (x->from != y->from)
                return x->from < y->from ? -1 : 1;
        return x->to < y->to ? -1 : x->to > y->to;
}

static enum cs_status judge(struct search *s, size_t units, struct cs_traces *out, struct cs_error *err)
{
        enum cs_status st = count_places(s, units, err);
        if (st == CS_OK)
                st = learn_ends(s, units, err);
        for (size_t u = 0; st == CS_OK && u < units; u++) {
                out->limited |= s->outs[u].limited;
                for (size_t i = 0; st == CS_OK && i < s->outs[u].at.n; i++) {
                        const struct candidate *c = &s->outs[u].at.at[i];
                        struct cs_trace trace = { c->from, c->to };
                        if (plausible(s, c))
                                st = cs_vec_push(&out->at, trace, err);
                }
        }
        if (out->at.n)
                qsort(out->at.at, out->at.n, sizeof(*out->at.at), by_source);
        return st;
}

/* ---- the search -------------------------------------------------------------------------------------------------- */

static void search_deinit(struct search *s)
{
        size_t units = s->in->slices->n + s->roots.n + s->stale.n;
        for (size_t i = 0; s->outs && i < units; i++)
                cs_vec_deinit(&s->outs[i].at);
        free(s->outs);
        for (unsigned i = 0; s->workers && i < s->in->workers; i++) {
                cs_view_deinit(&s->workers[i].view);
                cs_tally_deinit(&s->workers[i].lives);
        }
        free(s->workers);
        cs_tally_deinit(&s->places);
        cs_tally_deinit(&s->lives);
        cs_tally_deinit(&s->ends);
        for (size_t i = 0; s->pages && i < s->blocks->ranges.n; i++)
                free(s->pages[i]);
        free(s->pages);
        cs_vec_deinit(&s->roots);
        cs_vec_deinit(&s->stale);
}

enum cs_status cs_traces_find(const struct cs_graph_input *in, struct cs_graph *graph, struct cs_beside *busy,
                              struct cs_traces *out, struct cs_error *err)
{
        cs_cleanup(
                search_deinit) struct search s = { .in = in, .blocks = &in->heaps->blocks, .graph = graph };
        struct cs_roots_input roots = cs_graph_roots(in);
        enum cs_status st = cs_roots_plan(&roots, &s.roots, err);
        if (st == CS_OK)
                st = cs_roots_plan_stale(&roots, &s.stale, err);
        if (st == CS_OK)
                st = find_pages(&s, err);
        if (st != CS_OK)
                return st;
        size_t units = in->slices->n + s.roots.n + s.stale.n;
        s.outs = calloc(units + 1, sizeof(*s.outs));
        s.workers = cs_work_alloc(in->workers, sizeof(*s.workers));
        if (!s.outs || !s.workers)
                return cs_fail(err, CS_ENOMEM, "traces");
        for (unsigned i = 0; i < in->workers; i++)
                cs_view_init(&s.workers[i].view, in->image->source);
        st = cs_work_run_beside(in->workers, units, search_unit, &s, busy, err);
        return st == CS_OK ? judge(&s, units, out, err) : st;
}

void cs_traces_deinit(struct cs_traces *traces)
{
        cs_vec_deinit(&traces->at);
}

size_t cs_traces_from(const struct cs_traces *traces, uint32_t block)
{
        size_t lo = 0, hi = traces->at.n;
        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;
                if (traces->at.at[mid].from < block)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        return lo < traces->at.n && traces->at.at[lo].from == block ? lo : traces->at.n;
}
