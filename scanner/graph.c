/* SPDX-License-Identifier: Apache-2.0 */
#include "graph_private.h"

#include "bytes.h"
#include "cs_limits.h"
#include "huge.h"
#include "ownwords.h"
#include "pointees.h"
#include "pulse.h"
#include "stretches.h"
#include "tails.h"
#include "tally.h"
#include "work.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>

enum {
        OFFSETS_UP_TO = 256 << 10, /* pointers further inside are elements of arrays, not fields */
        NEAR_UNITS = 256,          /* 4 KiB */
        LOOK_UP = 4 << 10,         /* blocks between two beats */
};

#define NO_RELATION UINT64_MAX /* no edge looks so */

/* The word into a module that was seen last in a root: below a stack's slot that is a return address into the function that
 * has the slot; in other memory it is mostly the type of the object that the slot is in. */
struct context {
        uint64_t at; /* 0: none */
        uint32_t module;
};

struct worker {
        CS_WORK_APART struct cs_view view;
        struct cs_pointees waiting; /* note: the edge, without where it leads; or NO_RELATION */
        struct context context;
        struct cs_heap_memo memo;
        struct cs_ownwords own;
        uint64_t title;  /* its first word */
        int32_t literal; /* the module that alone has the text with which the block begins */
        struct cs_edge_counts edges;
        struct cs_reference_list references; /* of the slice at hand */
};

struct build {
        const struct cs_graph_input *in;
        const struct cs_blocks *blocks;
        cs_root_vec root_units;
        struct cs_graph_unit *outs; /* slices, then root units */
        size_t n_outs;
        struct cs_reference_list *lists; /* by slice */
        struct cs_references references;
        struct worker *workers;
        struct cs_labels said;
        uint8_t *marks;
        struct cs_tails tails;
};

/* ---- one word ---------------------------------------------------------------------------------------------------- */

/* The block in use that value points into, or CS_NO_BLOCK. */
static uint32_t pointee(const struct build *b, uint64_t value)
{
        struct cs_space_entry e = cs_space_at(b->in->space, value);
        return e.kind == CS_SPACE_HEAP ? cs_pointee(b->blocks, e.index, value) : (uint32_t)CS_NO_BLOCK;
}

/* ---- blocks ------------------------------------------------------------------------------------------------------ */

/* Where in its block value, an address in heap range `range`, points. */
static enum cs_aim aim_in(const struct build *b, uint32_t range, uint64_t value)
{
        const struct cs_heap_range *r = &b->blocks->ranges.at[range];
        uint64_t unit = (value - r->range.start) / CS_BLOCK_UNIT, word = unit / 64;
        if (!r->starts)
                return unit == 1 && value % CS_BLOCK_UNIT < 8 ? CS_AIM_START
                       : unit <= NEAR_UNITS                   ? CS_AIM_NEAR
                                                              : CS_AIM_INSIDE;
        if (unit && value % CS_BLOCK_UNIT < 8 && r->starts[(unit - 1) / 64] >> ((unit - 1) % 64) & 1)
                return CS_AIM_START;
        if (r->starts[word] & UINT64_MAX >> (63 - unit % 64))
                return CS_AIM_NEAR;
        for (uint64_t w = 1; w <= NEAR_UNITS / 64 && w <= word; w++)
                if (r->starts[word - w])
                        return CS_AIM_NEAR;
        return CS_AIM_INSIDE;
}

static enum cs_aim aim(const struct build *b, uint64_t value)
{
        return aim_in(b, cs_space_at(b->in->space, value).index, value);
}

/* Enters the references that were waiting for their blocks, in the order of their words. */
static enum cs_status take_waiting(struct build *b, struct worker *w, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        cs_pointees_answer(&w->waiting, b->blocks);
        for (uint32_t k = 0; k < w->waiting.n; k++) {
                struct cs_pointee *p = &w->waiting.at[k];
                if (p->to == CS_NO_BLOCK || p->to == p->from)
                        continue;
                __builtin_prefetch(&b->marks[p->to], 1);
                if (p->note != NO_RELATION)
                        p->note = cs_edge_to(p->note, cs_blocks_cluster(b->blocks, p->to));
        }
        for (uint32_t k = 0; st == CS_OK && k < w->waiting.n; k++) {
                const struct cs_pointee *p = &w->waiting.at[k];
                if (p->to == CS_NO_BLOCK || p->to == p->from)
                        continue;
                __atomic_store_n(&b->marks[p->to], CS_MARK_REFERENCED, __ATOMIC_RELAXED);
                st = cs_reference_list_add(&w->references, &b->references, p->from, p->to,
                                           aim_in(b, p->range, p->value), err);
                if (st == CS_OK && p->note != NO_RELATION)
                        st = cs_edge_count_often(&w->edges, p->note, err);
        }
        w->waiting.n = 0;
        return st;
}

/* What the words of a block are read for. */
struct words {
        uint32_t index, from; /* the block, and its cluster */
        uint64_t payload;     /* bytes */
        bool fields;          /* its words may be fields, and not only what stands behind a text */
        bool text;            /* it begins with a text */
};

/* A word at that offset that may be a pointer. */
static enum cs_status scan_word(struct build *b, struct worker *w, const struct words *of, uint64_t offset,
                                uint64_t value, struct cs_error *err)
{
        struct cs_space_entry e = cs_heap_memo_at(&w->memo, b->blocks, b->in->space, value);
        if (e.kind == CS_SPACE_MODULE && of->fields)
                cs_ownwords_add(&w->own, b->in->space, &b->in->clusters->targets, e.index, value, offset);
        if (e.kind != CS_SPACE_HEAP ||
            (of->text && !cs_tails_field(&b->tails, of->from, of->payload, offset)))
                return CS_OK;
        /* What stands behind a text's end may be fields, and keeps a block from being called lost, but it is no relation: as often
         * it was left by an earlier tenant. */
        uint64_t where = offset < OFFSETS_UP_TO ? offset : UINT64_MAX;
        uint64_t edge = of->fields ? cs_edge_from_cluster(of->from, where) : NO_RELATION;
        cs_pointees_add(&w->waiting, b->blocks, value, edge, e.index, of->index);
        return w->waiting.n == CS_POINTEES ? take_waiting(b, w, err) : CS_OK;
}

static enum cs_status scan_words(struct build *b, struct worker *w, uint32_t index, struct cs_range payload,
                                 uint64_t offset, const uint8_t *at, size_t len, struct cs_error *err)
{
        struct words of = { .index = index,
                            .from = cs_blocks_cluster(b->blocks, index),
                            .payload = cs_range_size(payload) };
        of.fields = b->in->clusters->at.at[of.from].kind != CS_CLUSTER_TEXT;
        of.text = !of.fields || (offset == 0 && cs_tails_begins(at, len));
        if (offset == 0 && len >= 8)
                w->title = cs_word(at);
        if (offset == 0 && b->in->literals)
                w->literal = cs_literals_owner(b->in->literals, at, len);
        for (size_t from = 0; from + 8 <= len; from += CS_WORDS * 8) {
                size_t n = (len - from) / 8 < CS_WORDS ? (len - from) / 8 : (size_t)CS_WORDS;
                uint64_t bits = cs_words_within(&b->in->space->into_any, at + from, n);
                for (; bits; bits &= bits - 1) {
                        size_t i = from + (size_t)__builtin_ctzll(bits) * 8;
                        uint64_t value = cs_word(at + i);
                        if (value < 0x10000 || value >> 47 || (of.text && i && cs_tails_rest(at + i)))
                                continue;
                        enum cs_status st = scan_word(b, w, &of, offset + i, value, err);
                        if (st != CS_OK)
                                return st;
                }
        }
        return CS_OK;
}

/* How much a text says that one module alone has among its constants, of 255. */
enum { BY_LITERAL = 80 };

/* How much a pointer in a root says, of 255. Measured on recorded allocations: a module's own data names the owner for nine
 * blocks of ten; the type before a slot for as many within 64 bytes, and hardly beyond. */
enum {
        NEAR_BYTES = 64,
        FAR_BYTES = 512,
        BY_MODULE = 230,
        BY_NEAR_TYPE = 150,
        BY_FAR_TYPE = 20,
        BY_FRAME = 60,
        BY_GUESSED_FRAME = 30,
        INTERIOR_MODULE = 2,
        INTERIOR_OTHER = 10,
};

/* Notes a word of a root that points into a module. */
static void note_context(const struct build *b, struct worker *w, uint32_t from, uint64_t addr,
                         uint64_t value)
{
        const struct cs_space *space = b->in->space;
        struct cs_space_entry e = cs_space_at(space, value);
        if (e.kind != CS_SPACE_MODULE || !space->modules[e.index].maker)
                return;
        enum cs_part part = cs_space_part(space, e.index, value);
        bool stack = cs_root_kind(from) == CS_ROOT_STACK;
        bool data = part == CS_PART_DATA || part == CS_PART_BSS || part == CS_PART_RELRO;
        /* Small numbers look like addresses of an executable that is not position-independent: objects are aligned. */
        if (stack ? part == CS_PART_TEXT : data && value % (value >> 32 ? 8 : 32) == 0)
                w->context = (struct context){ addr, e.index };
}

static enum cs_status vote(const struct build *b, struct worker *w, struct cs_graph_unit *out, uint32_t from,
                           uint64_t addr, uint32_t to, enum cs_aim at, struct cs_error *err)
{
        struct cs_root_vote v = { .to = to, .kind = (uint8_t)cs_root_kind(from) };
        uint32_t module = cs_root_index(from);
        uint64_t distance = addr - w->context.at;
        if (v.kind == CS_ROOT_MODULE) {
                if (module >= b->in->space->n_modules || !b->in->space->modules[module].maker)
                        return CS_OK;
                v.certainty = BY_MODULE;
        } else if (v.kind == CS_ROOT_STACK && cs_frames_at(b->in->frames, addr)) {
                module = (uint32_t)cs_frames_at(b->in->frames, addr)->module;
                v.certainty = BY_FRAME;
        } else {
                if (!w->context.at || (v.kind == CS_ROOT_OTHER && distance > FAR_BYTES))
                        return CS_OK;
                module = w->context.module;
                v.certainty = v.kind == CS_ROOT_STACK  ? BY_GUESSED_FRAME
                              : distance <= NEAR_BYTES ? BY_NEAR_TYPE
                                                       : BY_FAR_TYPE;
        }
        if (module >= UINT16_MAX)
                return CS_OK;
        /* Any number may look like a pointer into the middle of a large block. */
        if (at != CS_AIM_START)
                v.certainty = (uint8_t)(v.certainty /
                                        (v.kind == CS_ROOT_MODULE ? INTERIOR_MODULE : INTERIOR_OTHER));
        v.module = (uint16_t)module;
        return cs_vec_push(&out->votes, v, err);
}

/* What an edge keeps of a slot of a stack: whose frame has it. */
static uint32_t frame_root(const struct build *b, uint64_t addr)
{
        const struct cs_frame *f = cs_frames_at(b->in->frames, addr);
        return cs_root(CS_ROOT_STACK, f ? (size_t)f->module : (size_t)CS_ROOT_NOWHERE);
}

static enum cs_status scan_root_words(struct build *b, struct worker *w, struct cs_graph_unit *out,
                                      uint32_t from, uint64_t addr, const uint8_t *at, size_t len,
                                      struct cs_error *err)
{
        for (size_t i = 0; i + 8 <= len; i += 8) {
                uint64_t value = cs_word(at + i);
                if (value < 0x10000 || value >> 47)
                        continue;
                uint32_t to = pointee(b, value);
                if (to == CS_NO_BLOCK) {
                        if (cs_root_kind(from) != CS_ROOT_MODULE)
                                note_context(b, w, from, addr + i, value);
                        continue;
                }
                uint32_t place = cs_root_kind(from) == CS_ROOT_STACK ? frame_root(b, addr + i) : from;
                uint64_t key = cs_edge_to(cs_edge_from_root(place), cs_blocks_cluster(b->blocks, to));
                enum cs_status st = cs_vec_push(&out->roots, to, err);
                if (st == CS_OK)
                        st = cs_edge_count(&w->edges, key, addr + i, err);
                if (st == CS_OK)
                        st = vote(b, w, out, from, addr + i, to, aim(b, value), err);
                if (st != CS_OK)
                        return st;
        }
        return CS_OK;
}

/* What a range's words are read for. */
struct scan {
        struct build *b;
        struct worker *w;
        struct cs_graph_unit *out;
        uint32_t block; /* or CS_NO_BLOCK: a root */
        uint32_t from;  /* which root */
        struct cs_range range;
};

static enum cs_status scan_stretch(void *context, uint64_t addr, const uint8_t *bytes, size_t len,
                                   struct cs_error *err)
{
        const struct scan *s = context;
        return s->block == CS_NO_BLOCK
                       ? scan_root_words(s->b, s->w, s->out, s->from, addr, bytes, len, err)
                       : scan_words(s->b, s->w, s->block, s->range, addr - s->range.start, bytes, len, err);
}

/* Calls the right scanner for all readable words of a range; block is CS_NO_BLOCK for roots. */
static enum cs_status scan_range(struct build *b, struct worker *w, struct cs_graph_unit *out, uint32_t block,
                                 uint32_t from, struct cs_range range, struct cs_error *err)
{
        struct scan scan = { b, w, out, block, from, range };
        return cs_stretches(&w->view, range, scan_stretch, &scan, err);
}

static enum cs_status count_words(void *count, uint64_t addr, const uint8_t *bytes, size_t len,
                                  struct cs_error *err)
{
        (void)addr;
        (void)err;
        for (size_t i = 0; i + 8 <= len; i += 8)
                *(uint32_t *)count += cs_word(bytes + i) != 0;
        return CS_OK;
}

/* How many words the block has, of which only those ask that may be tables. */
static enum cs_status note_words(struct worker *w, struct cs_range payload, struct cs_error *err)
{
        uint32_t functions = 0;
        for (uint32_t i = 0; i < w->own.n; i++)
                functions += w->own.at[i].functions;
        return cs_ownwords_is_table(functions, 0)
                       ? cs_stretches(&w->view, payload, count_words, &w->own.words, err)
                       : CS_OK;
}

/* Notes the block where it is mostly pointers to code. */
static enum cs_status note_table(const struct build *b, const struct worker *w, struct cs_graph_unit *out,
                                 uint32_t index, struct cs_error *err)
{
        struct cs_graph_table table = { .block = index };
        uint32_t functions = 0;
        for (uint32_t i = 0; i < w->own.n; i++) {
                functions += w->own.at[i].functions;
                if (w->own.at[i].functions && w->own.at[i].module < UINT16_MAX)
                        table.modules[table.n++] = (uint16_t)w->own.at[i].module;
        }
        /* A type begins with what it is called by: a number or another type. A table of callbacks begins with one of these. */
        return table.n > 1 && cs_ownwords_is_table(functions, w->own.words) && w->title &&
                               cs_space_at(b->in->space, w->title).kind != CS_SPACE_MODULE
                       ? cs_vec_push(&out->tables, table, err)
                       : CS_OK;
}

/* The module that alone has the text with which a block begins. */
static int32_t literal_of(const struct build *b, struct worker *w, struct cs_range payload)
{
        enum { LOOK = CS_LITERAL_MOST + 8 };
        size_t got = 0, want = cs_range_size(payload) < LOOK ? (size_t)cs_range_size(payload) : (size_t)LOOK;
        const uint8_t *bytes = b->in->literals ? cs_view_whole(&w->view, payload.start, want, &got) : NULL;
        return bytes && got >= 8 ? cs_literals_owner(b->in->literals, bytes, got) : CS_NO_MODULE;
}

static enum cs_status scan_block(struct build *b, struct worker *w, struct cs_graph_unit *out,
                                 const struct cs_block *block, uint32_t index, struct cs_error *err)
{
        uint8_t certainty = 0;
        w->own.n = w->own.words = 0;
        w->literal = CS_NO_MODULE;
        w->title = 0;
        struct cs_range payload = cs_block_payload(block);
        bool quiet = cs_clusters_quiet(b->in->clusters, index);
        enum cs_status st = quiet ? CS_OK : scan_range(b, w, out, index, 0, payload, err);
        if (quiet)
                w->literal = literal_of(b, w, payload);
        else if (st == CS_OK)
                st = note_words(w, cs_block_payload(block), err);
        int32_t module = cs_ownwords_owner(&w->own, &certainty);
        if (module != CS_NO_MODULE)
                cs_label_set(&b->said, index, (uint32_t)module, certainty);
        else if (w->literal != CS_NO_MODULE)
                cs_label_set(&b->said, index, (uint32_t)w->literal, BY_LITERAL);
        return st == CS_OK ? note_table(b, w, out, index, err) : st;
}

static enum cs_status scan_slice(struct build *b, size_t unit, struct worker *w, struct cs_error *err)
{
        const struct cs_slice *slice = &b->in->slices->at[unit];
        struct cs_graph_unit *out = &b->outs[unit];
        struct cs_block_cursor cursor = cs_blocks_from(b->blocks, slice->first, slice->end), ahead = cursor;
        struct cs_block block;
        uint32_t i;
        w->waiting.n = 0;
        while (cs_blocks_next_any(&cursor, &block, &i)) {
                cs_slice_ask(&ahead, i, &w->view);
                enum cs_status st = i % LOOK_UP ? CS_OK : cs_pulse(0, 0, err);
                if (st == CS_OK && cs_block_state(&block) == CS_BLOCK_IN_USE)
                        st = scan_block(b, w, out, &block, i, err);
                if (st != CS_OK)
                        return st;
        }
        enum cs_status st = take_waiting(b, w, err);
        cs_slice_release(b->blocks, slice, w->view.src);
        return st == CS_OK ? cs_reference_list_take(&w->references, &b->lists[unit], err) : st;
}

/* Slots that are in use, by their first word. */
static enum cs_status scan_slots(struct build *b, struct worker *w, struct cs_graph_unit *out,
                                 const struct cs_root_unit *unit, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (uint64_t at = unit->range.start; st == CS_OK && at < unit->range.end; at += unit->slot) {
                struct cs_range slot = { at, at + unit->slot };
                if (cs_root_slot_used(&w->view, at))
                        st = scan_range(b, w, out, CS_NO_BLOCK, unit->root, slot, err);
        }
        return st;
}

static enum cs_status do_unit(void *context, size_t unit, unsigned worker, struct cs_error *err)
{
        struct build *b = context;
        struct worker *w = &b->workers[worker];
        if (unit < b->in->slices->n)
                return scan_slice(b, unit, w, err);
        const struct cs_root_unit *r = &b->root_units.at[unit - b->in->slices->n];
        struct cs_graph_unit *out = &b->outs[unit];
        w->context.at = 0;
        enum cs_status st = r->slot ? scan_slots(b, w, out, r, err)
                                    : scan_range(b, w, out, CS_NO_BLOCK, r->root, r->range, err);
        out->roots.n = cs_graph_unique(out->roots.at, out->roots.n);
        cs_source_release(w->view.src, r->range.start, (size_t)cs_range_size(r->range));
        return st;
}

/* ---- registers ------------------------------------------------------------------------------------ */

static enum cs_status vote_register(const struct build *b, struct cs_graph_unit *out, size_t thread,
                                    uint32_t to, enum cs_aim at, struct cs_error *err)
{
        const struct cs_frame *f = cs_frames_registers(b->in->frames, thread);
        if (!f || f->module >= UINT16_MAX)
                return CS_OK;
        struct cs_root_vote v = { .to = to, .module = (uint16_t)f->module, .kind = CS_ROOT_STACK };
        v.certainty = at == CS_AIM_START ? BY_FRAME : BY_FRAME / INTERIOR_OTHER;
        return cs_vec_push(&out->votes, v, err);
}

static enum cs_status add_registers(struct build *b, struct cs_graph_unit *out, struct cs_error *err)
{
        const struct cs_image *image = b->in->image;
        for (size_t i = 0; i < image->threads.n; i++)
                for (size_t r = 0; r < sizeof(image->threads.at[i].gpr) / sizeof(image->threads.at[i].gpr[0]);
                     r++) {
                        uint64_t value = image->threads.at[i].gpr[r];
                        uint32_t to = pointee(b, value);
                        enum cs_status st = to == CS_NO_BLOCK ? CS_OK : cs_vec_push(&out->roots, to, err);
                        if (st == CS_OK && to != CS_NO_BLOCK)
                                st = vote_register(b, out, i, to, aim(b, value), err);
                        if (st != CS_OK)
                                return st;
                }
        return CS_OK;
}

static enum cs_status add_epolled(const struct build *b, struct cs_graph_unit *out, struct cs_error *err)
{
        const cs_epolled_vec *epolled = b->in->epolled;
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && epolled && i < epolled->n; i++) {
                uint32_t to = pointee(b, epolled->at[i].data);
                if (to != CS_NO_BLOCK)
                        st = cs_vec_push(&out->roots, to, err);
        }
        return st;
}

/* ---- merging ----------------------------------------------------------------------------------------------------- */

static enum cs_status merge_edges(struct build *b, struct cs_graph *out, struct cs_error *err)
{
        cs_cleanup(cs_edge_counts_deinit) struct cs_edge_counts all = { .counts = { .left_out = 0 } };
        enum cs_status st = CS_OK;
        for (unsigned w = 0; st == CS_OK && w < b->in->workers; w++)
                st = cs_edge_counts_settle(&b->workers[w].edges, err);
        all = b->workers[0].edges;
        b->workers[0].edges = (struct cs_edge_counts){ 0 };
        for (unsigned w = 1; st == CS_OK && w < b->in->workers; w++) {
                st = cs_edge_counts_add(&all, &b->workers[w].edges, err);
                cs_edge_counts_deinit(&b->workers[w].edges);
                b->workers[w].edges = (struct cs_edge_counts){ 0 };
        }
        if (st == CS_OK)
                st = cs_edges_list(&all, &out->edges, err);
        out->limited |= all.counts.left_out != 0;
        return st;
}

static void build_deinit(struct build *b)
{
        for (size_t i = 0; b->outs && i < b->n_outs; i++)
                cs_graph_unit_deinit(&b->outs[i]);
        free(b->outs);
        for (size_t i = 0; b->lists && i < b->in->slices->n; i++)
                cs_reference_list_deinit(&b->lists[i]);
        free(b->lists);
        cs_references_deinit(&b->references);
        for (unsigned i = 0; b->workers && i < b->in->workers; i++) {
                cs_view_deinit(&b->workers[i].view);
                cs_edge_counts_deinit(&b->workers[i].edges);
                cs_reference_list_deinit(&b->workers[i].references);
        }
        free(b->workers);
        cs_labels_deinit(&b->said);
        free(b->marks);
        cs_vec_deinit(&b->root_units);
        cs_tails_deinit(&b->tails);
}

static enum cs_status build(const struct cs_graph_input *in, struct cs_graph *out, struct cs_error *err)
{
        cs_cleanup(build_deinit) struct build b = { .in = in, .blocks = &in->heaps->blocks };
        struct cs_roots_input roots = cs_graph_roots(in);
        struct cs_tails_input tails = {
                in->image, in->space, b.blocks, in->slices, in->clusters, in->workers
        };
        enum cs_status st = cs_roots_plan(&roots, &b.root_units, err);
        if (st == CS_OK)
                st = cs_tails_build(&tails, &b.tails, err);
        if (st != CS_OK)
                return st;
        /* One more for registers, and what the kernel keeps. */
        size_t units = in->slices->n + b.root_units.n;
        b.n_outs = units + 1;
        b.outs = calloc(b.n_outs, sizeof(*b.outs));
        b.workers = cs_work_alloc(in->workers, sizeof(*b.workers));
        b.lists = calloc(in->slices->n + 1, sizeof(*b.lists));
        if (!b.outs || !b.workers || !b.lists)
                return cs_fail(err, CS_ENOMEM, "graph");
        if ((st = cs_references_init(&b.references, cs_blocks_indices(b.blocks), err)) != CS_OK)
                return st;
        b.said.module = cs_huge_calloc((size_t)cs_blocks_indices(b.blocks) + 1, sizeof(*b.said.module));
        b.said.certainty = cs_huge_calloc((size_t)cs_blocks_indices(b.blocks) + 1, 1);
        b.marks = cs_huge_calloc((size_t)cs_blocks_indices(b.blocks) + 1, 1);
        if (!b.said.module || !b.said.certainty || !b.marks)
                return cs_fail(err, CS_ENOMEM, "owners");
        for (unsigned i = 0; i < in->workers; i++)
                cs_view_init(&b.workers[i].view, in->image->source);
        if ((st = cs_work_run(in->workers, units, do_unit, &b, err)) != CS_OK ||
            (st = add_registers(&b, &b.outs[units], err)) != CS_OK ||
            (st = add_epolled(&b, &b.outs[units], err)) != CS_OK ||
            (st = cs_references_join(&b.references, b.lists, in->slices->n, cs_blocks_indices(b.blocks),
                                     in->workers, err)) != CS_OK)
                return st;
        out->references = b.references;
        b.references = (struct cs_references){ 0 };
        out->marks = b.marks;
        b.marks = NULL;
        if ((st = cs_graph_merge(b.outs, b.n_outs, out, err)) != CS_OK)
                return st;
        out->said = b.said;
        b.said = (struct cs_labels){ 0 };
        return merge_edges(&b, out, err);
}

enum cs_status cs_graph_build(const struct cs_graph_input *in, struct cs_graph *out, struct cs_error *err)
{
        enum cs_status st = build(in, out, err);
        /* What the units and the workers had lies below what lives longer. */
        (void)malloc_trim(0);
        return st;
}

void cs_graph_deinit(struct cs_graph *graph)
{
        cs_references_deinit(&graph->references);
        cs_labels_deinit(&graph->said);
        free(graph->marks);
        cs_vec_deinit(&graph->roots);
        cs_vec_deinit(&graph->edges);
        cs_vec_deinit(&graph->votes);
        cs_vec_deinit(&graph->tables);
}

void cs_graph_edges_to(const struct cs_graph *graph, uint32_t cluster, size_t *first, size_t *end)
{
        size_t lo = 0, hi = graph->edges.n;
        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;
                if (graph->edges.at[mid].to < cluster)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        *first = lo;
        while (lo < graph->edges.n && graph->edges.at[lo].to == cluster)
                lo++;
        *end = lo;
}
