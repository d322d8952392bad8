/* SPDX-License-Identifier: Apache-2.0 */
/* Each worker collects the texts of a unit of memory; then, in the order of the units, they go to one table. Units differ: so that no
 * worker waits for another, some may be done before it is their turn. */
#include "texts.h"

#include "budget.h"
#include "bytes.h"
#include "clock.h"
#include "hands.h"
#include "scan_window.h"
#include "strings.h"
#include "texttable.h"
#include "work.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
        UNIT_BYTES = 2 << 20,
        WINDOW_BYTES = 128 << 10, /* they are gone through twice, and stay near the processor */
        VALUE_BYTES = 4 << 10,    /* texts are told apart by so many bytes from their beginning */
        WIDE_BYTES = 3 * CS_TEMPLATE_INPUT,
        AHEAD = 128,           /* units that may be done before it is their turn, for each worker */
        HELD_BYTES = 64 << 20, /* and what they may hold in all until then, */
        HELD_SHARE = 16,       /* or this share of what is allowed */
        WARM = 2,              /* rooms for each worker that keep their memory for the next unit */
        WAITING = 16,          /* texts that are counted in one go */
        ASKED = 8,             /* texts whose templates are asked for ahead */
        NEAR_BLOCKS = 8,
        NEAR_ROWS =
                2000, /* templates, the heaviest, whose examples are asked for their owner where nobody knows it */
};

/* A text whose template is known, and which is not counted yet. */
struct waiting {
        struct cs_text_place place;
        uint32_t masked;
};

struct worker {
        CS_WORK_APART struct cs_scan_reader reader;
        cs_string_vec found;
        struct cs_text_unit *unit;
        struct cs_masks masks;
        struct waiting waiting[WAITING];
        size_t n_waiting;
        struct cs_view view; /* for texts that are longer than a window shows */
        const struct cs_region *region;
        struct cs_block block; /* that holds the text at hand, and its index */
        uint32_t index;
        struct cs_block_cursor next; /* behind it */
};

/* Room for a unit's texts until they go to the table. */
struct room {
        CS_WORK_APART struct cs_text_unit unit;
        size_t bytes;
        bool full;
};

struct texts {
        const struct cs_texts_input *in;
        struct cs_texts_plan plan;
        struct worker *workers;
        struct room *rooms;
        size_t n_rooms;
        struct room **free_rooms; /* the last one is the one that was used last */
        size_t n_free;
        struct room **taken; /* by unit n, at n % n_rooms, until it is handed over */
        struct cs_text_table table;
        cs_textmask_fn masks;
        pthread_mutex_t lock;
        pthread_cond_t turned;
        size_t turn;      /* the unit whose texts go to the table next */
        size_t held;      /* bytes of those that wait for it, */
        size_t held_most; /* with more, no unit is begun before its turn */
        bool handing;     /* somebody hands texts to the table */
        bool failed;
        uint64_t done;
        struct cs_hands *hands; /* where owners are not known, or NULL */
};

/* ---- one text -------------------------------------------------------------------------------------------------------- */

/* Regions and texts come by address. */
static const struct cs_region *region_at(const struct texts *t, struct worker *w, uint64_t addr)
{
        if (w->region && cs_range_has(w->region->range, addr))
                return w->region;
        return w->region = cs_regions_at(t->in->regions, addr);
}

/* Is it one of the next few blocks? Most texts stand in blocks that follow each other. */
static bool take_near(struct worker *w, uint64_t addr)
{
        struct cs_block_cursor *c = &w->next;
        for (unsigned i = 0; i < NEAR_BLOCKS && c->index < c->end; i++) {
                if (addr < c->start || addr >= c->range->range.end)
                        return false;
                if (!cs_blocks_next_any(c, &w->block, &w->index))
                        return false;
                if (cs_range_has(cs_block_range(&w->block), addr))
                        return true;
        }
        return false;
}

/* Finds the block that holds addr; false: there is none. */
static bool take_block(const struct texts *t, struct worker *w, uint64_t addr)
{
        if (w->index != CS_NO_BLOCK && cs_range_has(cs_block_range(&w->block), addr))
                return true;
        if (take_near(w, addr))
                return true;
        w->index = cs_blocks_at(t->in->blocks, t->in->space, addr);
        if (w->index == CS_NO_BLOCK)
                return false;
        w->next = cs_blocks_from(t->in->blocks, w->index, cs_blocks_indices(t->in->blocks));
        return cs_blocks_next_any(&w->next, &w->block, &w->index);
}

static void tell_block(const struct texts *t, const struct worker *w, struct cs_text_place *p)
{
        bool managed = p->kind != CS_NOBODY && cs_kind_managed((enum cs_kind)p->kind);
        switch (cs_block_state(&w->block)) {
        case CS_BLOCK_IN_USE:
                p->state = CS_TEXT_IN_USE;
                /* Where owners are not known, clusters may have been given up, too. */
                p->cluster = !t->in->owners || w->block.cluster == CS_NO_CLUSTER ? (uint32_t)CS_NOBODY
                                                                                 : w->block.cluster;
                p->module = t->in->owners ? (uint32_t)cs_label_module(t->in->owners, w->index)
                                          : (uint32_t)CS_NOBODY;
                break;
        case CS_BLOCK_FREE:
        case CS_BLOCK_CACHED:
        case CS_BLOCK_TOP:
                p->state = CS_TEXT_FREE;
                p->module = CS_NOBODY;
                break;
        default:
                return;
        }
        p->block = w->index;
        if (!managed)
                p->kind = p->state == CS_TEXT_IN_USE ? CS_KIND_MALLOC_USED : CS_KIND_MALLOC_FREE;
}

/* Where the text lies; its length becomes what of it lies there. */
static void find_place(const struct texts *t, struct worker *w, uint64_t addr, uint64_t *len,
                       struct cs_text_place *p)
{
        const struct cs_region *r = region_at(t, w, addr);
        *p = (struct cs_text_place){ .address = addr,
                                     .block = CS_NOBODY,
                                     .cluster = CS_NOBODY,
                                     .module = CS_NOBODY,
                                     .kind = CS_NOBODY,
                                     .state = CS_TEXT_ELSEWHERE };
        if (r) {
                p->kind = r->kind;
                p->module = r->module == CS_NO_MODULE ? (uint32_t)CS_NOBODY : (uint32_t)r->module;
        }
        if (take_block(t, w, addr)) {
                struct cs_range payload = cs_block_payload(&w->block);
                tell_block(t, w, p);
                if (payload.end > addr && payload.end - addr < *len)
                        *len = payload.end - addr;
        }
}

/* How far a text goes on behind what the window showed of it. */
static uint64_t follow(const struct texts *t, struct worker *w, uint64_t addr, uint64_t most,
                       enum cs_encoding *encoding)
{
        uint64_t more = 0;
        bool ended = false;
        while (!ended && more < most) {
                size_t want = most - more < CS_VIEW_BYTES ? (size_t)(most - more) : CS_VIEW_BYTES, got;
                const uint8_t *bytes = cs_view_whole(&w->view, addr + more, want, &got);
                size_t n = bytes ? cs_strings_more(encoding, bytes, got, t->masks, &ended) : 0;
                if (!n)
                        break;
                cs_source_release(w->view.src, addr + more, n);
                more += n;
        }
        return more;
}

static uint64_t value_of(const uint8_t *bytes, size_t len, bool wide)
{
        return XXH3_64bits_withSeed(bytes, len < VALUE_BYTES ? len : (size_t)VALUE_BYTES, wide);
}

/* Counts those that wait. What they are counted in was asked for when they came. */
static enum cs_status count_texts(struct worker *w, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (size_t i = 0; i < w->n_waiting; i++)
                cs_text_unit_ask(w->unit, &w->masks, w->waiting[i].masked);
        for (size_t i = 0; st == CS_OK && i < w->n_waiting; i++)
                st = cs_text_unit_add(w->unit, &w->masks, w->waiting[i].masked, &w->waiting[i].place, err);
        w->n_waiting = 0;
        return st;
}

static enum cs_status add_text(struct worker *w, const uint8_t *bytes, size_t seen, struct waiting *text,
                               struct cs_error *err)
{
        const struct cs_text_place *p = &text->place;
        bool wide = p->encoding == CS_ENCODING_UTF16LE;
        char utf8[WIDE_BYTES];
        if (wide) {
                seen = cs_strings_transcribe(bytes, seen, utf8, sizeof(utf8));
                bytes = (const uint8_t *)utf8;
        }
        text->masked = cs_masks_get(&w->masks, bytes, seen, wide, p->value);
        __builtin_prefetch(&w->masks.entries[text->masked]);
        w->n_waiting++;
        return text->masked == CS_MASKS_FRESH || w->n_waiting == WAITING ? count_texts(w, err) : CS_OK;
}

/* A text that the window owns: one, or several where it reaches from one block to the next. value: of all that the window shows of it. */
static enum cs_status take_text(struct texts *t, struct worker *w, const struct cs_window *window,
                                const struct cs_string *s, uint64_t value, struct cs_error *err)
{
        uint64_t addr = window->address + s->at, left = s->len;
        const uint8_t *bytes = window->bytes + s->at;
        const bool wide = s->encoding == CS_ENCODING_UTF16LE;
        const uint64_t least = wide ? 2 * CS_STRING_LEAST : CS_STRING_LEAST;
        enum cs_status st = CS_OK;
        while (st == CS_OK && left >= least) {
                uint64_t most = s->open ? w->reader.bounds.end - addr : left, len = most;
                enum cs_encoding encoding = (enum cs_encoding)s->encoding;
                struct waiting *text = &w->waiting[w->n_waiting];
                struct cs_text_place *p = &text->place;
                find_place(t, w, addr, &len, p);
                p->bytes = len;
                if (len > left) {
                        p->bytes = left + follow(t, w, addr + left, len - left, &encoding);
                        len = left;
                }
                p->encoding = (uint8_t)encoding;
                p->value = len == s->len ? value : value_of(bytes, (size_t)len, wide);
                if (p->bytes >= least)
                        st = add_text(w, bytes, (size_t)len, text, err);
                addr += len;
                bytes += len;
                left -= len;
        }
        return st;
}

/* Texts are looked up where memory is slow: so what tells them is known, and asked for, some texts ahead. */
static enum cs_status take_texts(struct texts *t, struct worker *w, const struct cs_window *window,
                                 struct cs_error *err)
{
        const struct cs_string *s = w->found.at;
        uint64_t values[ASKED] = { 0 };
        enum cs_status st = CS_OK;
        for (size_t i = 0, asked = 0; st == CS_OK && i < w->found.n; i++) {
                for (; asked < w->found.n && asked < i + ASKED; asked++) {
                        values[asked % ASKED] = value_of(window->bytes + s[asked].at, s[asked].len,
                                                         s[asked].encoding == CS_ENCODING_UTF16LE);
                        cs_masks_ask(&w->masks, values[asked % ASKED]);
                }
                st = take_text(t, w, window, &s[i], values[i % ASKED], err);
        }
        return st == CS_OK ? count_texts(w, err) : st;
}

/* ---- units ----------------------------------------------------------------------------------------------------------- */

static enum cs_status read_unit(struct texts *t, struct worker *w, const struct cs_texts_unit *unit,
                                struct cs_error *err)
{
        uint64_t at = unit->range.start;
        w->reader.bounds = unit->bounds;
        cs_residency_see(t->in->residency, unit->range);
        for (;;) {
                struct cs_window window;
                bool more;
                enum cs_status st = cs_scan_next(&w->reader, &at, unit->range.end, &window, &more, err);
                if (st == CS_OK && !more)
                        cs_source_release(t->in->image->source, unit->range.start,
                                          cs_range_size(unit->range));
                if (st != CS_OK || !more)
                        return st;
                const struct cs_strings_window own = { window.bytes, (uint32_t)window.len,
                                                       (uint32_t)window.own_start, (uint32_t)window.own_end };
                w->found.n = 0;
                st = cs_strings_find(&own, t->masks, &w->found, err);
                if (st == CS_OK)
                        st = take_texts(t, w, &window, err);
                if (st != CS_OK)
                        return st;
        }
}

/* A room for the unit, when there is one and others do not hold too much. Units are begun in their order, so whoever has the lowest one
 * waits for nobody. NULL: another worker failed. */
static struct room *enter(struct texts *t, size_t unit)
{
        struct room *r = NULL;
        pthread_mutex_lock(&t->lock);
        while (!t->failed && unit != t->turn && (unit >= t->turn + t->n_rooms || t->held > t->held_most))
                pthread_cond_wait(&t->turned, &t->lock);
        if (!t->failed)
                r = t->taken[unit % t->n_rooms] = t->free_rooms[--t->n_free];
        pthread_mutex_unlock(&t->lock);
        if (r)
                cs_text_unit_begin(&r->unit, (uint32_t)unit + 1);
        return r;
}

/* The room of the unit whose turn it is, if that is done. */
static struct room *next_room(const struct texts *t)
{
        struct room *r = t->taken[t->turn % t->n_rooms];
        return r && r->full ? r : NULL;
}

/* Hands all units to the table whose turn it is; the lock is held, but not while the table is written, which nobody else does then. */
static enum cs_status hand_over(struct texts *t, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        t->handing = true;
        for (struct room *r; st == CS_OK && (r = next_room(t)) != NULL; t->turn++) {
                bool many = t->n_rooms - t->n_free > (size_t)WARM * t->in->workers;
                pthread_mutex_unlock(&t->lock);
                st = cs_text_table_add(&t->table, &r->unit, err);
                if (many)
                        cs_text_unit_deinit(&r->unit);
                pthread_mutex_lock(&t->lock);
                r->full = false;
                t->held -= r->bytes;
                t->taken[t->turn % t->n_rooms] = NULL;
                t->free_rooms[t->n_free++] = r;
                t->done += cs_range_size(t->plan.units.at[t->turn].range);
                pthread_cond_broadcast(&t->turned);
        }
        t->handing = false;
        return st;
}

static enum cs_status leave(struct texts *t, struct room *r, enum cs_status st, uint64_t *done,
                            struct cs_error *err)
{
        pthread_mutex_lock(&t->lock);
        if (st == CS_OK) {
                r->full = true;
                r->bytes = cs_text_unit_bytes(&r->unit);
                t->held += r->bytes;
                if (!t->handing && !t->failed)
                        st = hand_over(t, err);
        }
        if (st != CS_OK) {
                t->failed = true;
                pthread_cond_broadcast(&t->turned);
        }
        *done = t->done;
        pthread_mutex_unlock(&t->lock);
        return st;
}

static enum cs_status do_unit(void *context, size_t number, unsigned worker, struct cs_error *err)
{
        struct texts *t = context;
        struct worker *w = &t->workers[worker];
        uint64_t done;
        struct room *r = enter(t, number);
        if (!r)
                return CS_OK; /* the other one tells why */
        w->unit = &r->unit;
        cs_masks_rest(&w->masks);
        enum cs_status st = read_unit(t, w, &t->plan.units.at[number], err);
        st = leave(t, r, st, &done, err);
        if (worker == 0 && t->in->progress) /* this is the caller's thread */
                t->in->progress(t->in->progress_context, done, t->plan.bytes);
        return st;
}

/* ---- the report ------------------------------------------------------------------------------------------------------ */

static const char *encoding_of(const struct cs_text_entry *e)
{
        if (e->wide)
                return cs_encoding_name(CS_ENCODING_UTF16LE);
        return cs_encoding_name(e->facts.encodings & 1 << CS_ENCODING_UTF8 ? CS_ENCODING_UTF8
                                                                           : CS_ENCODING_ASCII);
}

/* Whose the examples in blocks in use are, if half of them are one module's. */
static uint32_t owner_near(const struct texts *t, const struct cs_text_facts *f)
{
        struct cs_text_votes votes = { 0 };
        unsigned asked = 0;
        for (unsigned i = 0; i < f->n_examples; i++) {
                uint32_t block = cs_blocks_at(t->in->blocks, t->in->space, f->examples[i]);
                if (block == CS_NO_BLOCK || cs_blocks_state(t->in->blocks, block) != CS_BLOCK_IN_USE)
                        continue;
                double confidence;
                int32_t module = cs_hands_owner(t->hands, block, &confidence);
                asked++;
                cs_text_votes_add(&votes, module == CS_NO_MODULE ? (uint32_t)CS_NOBODY : (uint32_t)module, 1);
        }
        return asked ? cs_text_votes_winner(&votes, asked) : (uint32_t)CS_NOBODY;
}

static enum cs_status tell_row(const struct texts *t, const struct cs_text_row *row, struct cs_pool *pool,
                               struct cs_report_string *out, struct cs_error *err)
{
        const struct cs_text_facts *f = &row->entry.facts;
        const char *text = cs_pool_copy(pool, row->entry.text, row->entry.len);
        struct cs_text_sum missing = cs_text_table_missing(&t->table, row);
        uint32_t cluster = cs_text_votes_winner(&f->clusters, f->bytes);
        uint32_t module = cs_text_votes_winner(&f->modules, f->bytes);
        uint32_t kind = cs_text_votes_winner(&f->kinds, f->bytes);
        if (t->hands && module == CS_NOBODY && row - t->table.at < NEAR_ROWS)
                module = owner_near(t, f);
        if (!text)
                return cs_fail(err, CS_ENOMEM, "templates of texts");
        *out = (struct cs_report_string){ .template = { text, row->entry.len },
                                          .cut = row->entry.cut,
                                          .encoding = encoding_of(&row->entry),
                                          .count = f->count,
                                          .bytes = f->bytes,
                                          .distinct = cs_text_row_values(row),
                                          .blocks = cs_text_row_blocks(row),
                                          .in_use = f->states[CS_TEXT_IN_USE],
                                          .free = f->states[CS_TEXT_FREE],
                                          .region = kind < CS_KINDS ? cs_kind_name((enum cs_kind)kind) : NULL,
                                          .missing_count = missing.count,
                                          .missing_bytes = missing.bytes,
                                          .n_examples = f->n_examples };
        memcpy(out->examples, f->examples, sizeof(out->examples));
        if (cluster != CS_NOBODY && !(out->cluster = cs_pool_printf(pool, "c%" PRIu32, cluster + 1)))
                return cs_fail(err, CS_ENOMEM, "templates of texts");
        const char *name =
                module == CS_NOBODY ? NULL : cs_unloaded_name(t->in->image, t->in->unloaded, module);
        if (name && !(out->library = cs_pool_copy(pool, name, strlen(name))))
                return cs_fail(err, CS_ENOMEM, "templates of texts");
        return CS_OK;
}

static enum cs_status tell_all(const struct texts *t, struct cs_report *report, struct cs_report_strings *out,
                               struct cs_error *err)
{
        enum cs_status st = CS_OK;
        out->at = cs_pool_alloc(&report->pool, t->table.n + 1, sizeof(*out->at));
        if (!out->at)
                return cs_fail(err, CS_ENOMEM, "templates of texts");
        for (size_t i = 0; st == CS_OK && i < t->table.n; i++)
                st = tell_row(t, &t->table.at[i], &report->pool, &out->at[out->n++], err);
        out->all = (struct cs_count_bytes){ t->table.all.count, t->table.all.bytes };
        out->lost = (struct cs_count_bytes){ t->table.lost.count, t->table.lost.bytes };
        out->error = cs_text_table_error(&t->table);
        out->kept = t->table.kept;
        out->searched = t->done;
        out->twice = t->plan.twice;
        out->near = t->hands != NULL;
        return st;
}

static enum cs_status make_workers(struct texts *t, struct cs_error *err)
{
        t->workers = cs_work_alloc(t->in->workers, sizeof(*t->workers));
        if (!t->workers)
                return cs_fail(err, CS_ENOMEM, "workers");
        t->n_rooms = (size_t)t->in->workers * AHEAD;
        t->held_most = cs_budget() && cs_budget() / HELD_SHARE < HELD_BYTES ? cs_budget() / HELD_SHARE
                                                                            : (size_t)HELD_BYTES;
        t->rooms = cs_work_alloc(t->n_rooms, sizeof(*t->rooms));
        t->free_rooms = calloc(t->n_rooms, sizeof(*t->free_rooms));
        t->taken = calloc(t->n_rooms, sizeof(*t->taken));
        enum cs_status st =
                t->rooms && t->free_rooms && t->taken ? CS_OK : cs_fail(err, CS_ENOMEM, "workers");
        while (st == CS_OK && t->n_free < t->n_rooms) {
                t->free_rooms[t->n_free] = &t->rooms[t->n_free];
                t->n_free++;
        }
        for (unsigned i = 0; st == CS_OK && i < t->in->workers; i++) {
                struct worker *w = &t->workers[i];
                st = cs_masks_init(&w->masks, err);
                cs_view_init(&w->view, t->in->image->source);
                w->index = CS_NO_BLOCK;
                w->reader = (struct cs_scan_reader){ .source = t->in->image->source,
                                                     .residency = { .residency = t->in->residency },
                                                     .skips_zeros = true,
                                                     .own = t->in->unit ? t->in->unit : WINDOW_BYTES };
        }
        return st;
}

static void texts_deinit(struct texts *t)
{
        for (unsigned i = 0; t->workers && i < t->in->workers; i++) {
                cs_scan_reader_deinit(&t->workers[i].reader);
                cs_vec_deinit(&t->workers[i].found);
                cs_masks_deinit(&t->workers[i].masks);
                cs_view_deinit(&t->workers[i].view);
        }
        free(t->workers);
        for (size_t i = 0; t->rooms && i < t->n_rooms; i++)
                cs_text_unit_deinit(&t->rooms[i].unit);
        free(t->rooms);
        free(t->free_rooms);
        free(t->taken);
        if (t->hands)
                cs_hands_deinit(t->hands);
        free(t->hands);
        cs_text_table_deinit(&t->table);
        cs_texts_plan_deinit(&t->plan);
        pthread_mutex_destroy(&t->lock);
        pthread_cond_destroy(&t->turned);
}

enum cs_status cs_texts_find(const struct cs_texts_input *input, struct cs_report *report,
                             struct cs_error *err)
{
        const double start = cs_seconds_now();
        cs_cleanup(texts_deinit) struct texts t = { .in = input, .masks = cs_textmask_best() };
        struct cs_report_strings *out = cs_pool_alloc(&report->pool, 1, sizeof(*out));
        pthread_mutex_init(&t.lock, NULL);
        pthread_cond_init(&t.turned, NULL);
        if (!out || (!input->owners && !(t.hands = malloc(sizeof(*t.hands)))))
                return cs_fail(err, CS_ENOMEM, "texts");
        if (t.hands)
                cs_hands_init(t.hands, input->image, input->space, input->blocks);
        enum cs_status st;
        if ((st = cs_texts_plan(input->image, input->regions, input->unit ? input->unit : UNIT_BYTES, &t.plan,
                                err)) != CS_OK ||
            (st = cs_text_table_init(&t.table, input->kept ? input->kept : (size_t)CS_TEXTS_KEPT, err)) !=
                    CS_OK ||
            (st = make_workers(&t, err)) != CS_OK)
                return st;
        t.table.workers = input->workers;
        st = cs_work_run(input->workers, t.plan.units.n, do_unit, &t, err);
        enum cs_status told = st;
        if (st == CS_OK)
                told = cs_text_table_finish(&t.table, err);
        else if (st == CS_ESTOPPED) /* then it is about what was read before */
                told = cs_text_table_rank(&t.table, err);
        if (told != CS_OK || (told = tell_all(&t, report, out, err)) != CS_OK)
                return told;
        out->seconds = cs_seconds_now() - start;
        report->strings = out;
        return st;
}
