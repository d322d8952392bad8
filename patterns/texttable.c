/* SPDX-License-Identifier: Apache-2.0 */
#include "texttable.h"

#include "bytes.h"
#include "fields.h"
#include "strings.h"

#include <stdlib.h>
#include <string.h>

enum {
        PATIENCE_MAX = 64,
        ASKED = 16, /* rows that are looked up are asked for so many ahead, as memory is slow */
};

enum cs_status cs_text_table_init(struct cs_text_table *t, size_t kept, struct cs_error *err)
{
        *t = (struct cs_text_table){ .kept = kept, .workers = 1 };
        t->at = calloc(2 * kept, sizeof(*t->at));
        t->index = calloc(8 * kept, sizeof(*t->index));
        t->lost_by = calloc((size_t)CS_TEXT_LOST_ROWS * CS_TEXT_LOST_CELLS, sizeof(*t->lost_by));
        t->door = calloc(4 * kept, sizeof(*t->door));
        return t->at && t->index && t->lost_by && t->door ? CS_OK
                                                          : cs_fail(err, CS_ENOMEM, "templates of texts");
}

static void free_text(struct cs_text_row *row)
{
        free((void *)(uintptr_t)row->entry.text);
        row->entry.text = NULL;
}

void cs_text_table_deinit(struct cs_text_table *t)
{
        for (size_t i = 0; i < t->n; i++)
                free_text(&t->at[i]);
        free(t->at);
        free(t->index);
        free(t->lost_by);
        free(t->door);
        *t = (struct cs_text_table){ 0 };
}

/* What stands in the index: the number of a row, and one, and above it some bits of its key, so that most of the rows that it is not
 * need not be looked at. */
enum { NUMBER_BITS = 18 };
_Static_assert(2 * CS_TEXTS_KEPT < 1 << NUMBER_BITS, "each row has a number");

static uint32_t some_bits(uint64_t key)
{
        return (uint32_t)(key >> 32) & ~((UINT32_C(1) << NUMBER_BITS) - 1);
}

static uint32_t in_index(uint64_t key, size_t row)
{
        return some_bits(key) | ((uint32_t)row + 1);
}

static struct cs_text_row *row_at(const struct cs_text_table *t, uint32_t slot)
{
        return &t->at[(slot & ((UINT32_C(1) << NUMBER_BITS) - 1)) - 1];
}

static uint32_t *slot_of(const struct cs_text_table *t, uint64_t key)
{
        size_t mask = 8 * t->kept - 1, at = (size_t)key & mask;
        uint32_t bits = some_bits(key);
        while (t->index[at] &&
               (((t->index[at] ^ bits) >> NUMBER_BITS) != 0 || row_at(t, t->index[at])->entry.key != key))
                at = (at + 1) & mask;
        return &t->index[at];
}

static uint32_t *door_of(const struct cs_text_table *t, uint64_t key)
{
        return &t->door[cs_mix(key) & (4 * t->kept - 1)];
}

static void ask(const struct cs_text_table *t, uint64_t key)
{
        __builtin_prefetch(&t->index[(size_t)key & (8 * t->kept - 1)]);
        __builtin_prefetch(door_of(t, key), 1);
}

static void index_all(struct cs_text_table *t)
{
        memset(t->index, 0, 8 * t->kept * sizeof(*t->index));
        for (size_t i = 0; i < t->n; i++)
                *slot_of(t, t->at[i].entry.key) = in_index(t->at[i].entry.key, i);
}

/* ---- what is dropped ---- */

static uint64_t skeleton_of(const struct cs_text_entry *e)
{
        return cs_fields_skeleton(e->text, e->len, e->cut) ^ e->wide;
}

static struct cs_text_sum *lost_cell(const struct cs_text_table *t, uint64_t skeleton, unsigned row)
{
        uint64_t hash = cs_mix(skeleton + row * UINT64_C(0x9e3779b97f4a7c15));
        return &t->lost_by[row * CS_TEXT_LOST_CELLS + hash % CS_TEXT_LOST_CELLS];
}

static void lose(struct cs_text_sum *sum, const struct cs_text_facts *f)
{
        sum->count += f->count;
        sum->bytes += f->bytes;
}

static void drop(struct cs_text_table *t, const struct cs_text_entry *e)
{
        lose(&t->lost, &e->facts);
        if (e->cut) {
                lose(&t->lost_cut, &e->facts);
                return;
        }
        uint64_t skeleton = skeleton_of(e);
        for (unsigned r = 0; r < CS_TEXT_LOST_ROWS; r++)
                lose(lost_cell(t, skeleton, r), &e->facts);
}

/* Has a template that is not in the table been there too little to come in? */
static bool keeps_out(struct cs_text_table *t, const struct cs_text_entry *e)
{
        uint32_t *kept_out = door_of(t, e->key);
        uint64_t bytes = *kept_out + e->facts.bytes;
        if (bytes > t->given || bytes > UINT32_MAX)
                return false;
        *kept_out = (uint32_t)bytes;
        t->kept_out = bytes > t->kept_out ? bytes : t->kept_out;
        return true;
}

static int descending(const void *a, const void *b)
{
        uint64_t x, y;
        memcpy(&x, a, sizeof(x));
        memcpy(&y, b, sizeof(y));
        return x > y ? -1 : x < y;
}

static enum cs_status prune(struct cs_text_table *t, struct cs_error *err)
{
        uint64_t *credits = malloc(t->n * sizeof(*credits));
        if (!credits)
                return cs_fail(err, CS_ENOMEM, "templates of texts");
        for (size_t i = 0; i < t->n; i++)
                credits[i] = t->at[i].credit;
        qsort(credits, t->n, sizeof(*credits), descending);
        uint64_t price = credits[t->kept - 1];
        size_t n = 0;
        free(credits);
        t->given += price;
        for (size_t i = 0; i < t->n; i++) {
                if (t->at[i].credit <= price) {
                        drop(t, &t->at[i].entry);
                        free_text(&t->at[i]);
                        continue;
                }
                t->at[i].credit -= price;
                if (n != i)
                        t->at[n] = t->at[i];
                n++;
        }
        t->n = n;
        index_all(t);
        return CS_OK;
}

/* ---- merging ---- */

static void merge_rows(struct cs_text_row *into, const struct cs_text_row *from)
{
        cs_text_facts_merge(&into->entry.facts, &from->entry.facts, true);
        cs_sketch_merge(&into->values, &from->values);
        cs_sketch_merge(&into->blocks, &from->blocks);
        into->credit += from->credit;
        into->variants += from->variants;
        into->entry.cut &= from->entry.cut;
}

/* What the merging of one sort of texts needs. */
struct merging {
        struct cs_template_count *counts;
        uint32_t *group_of;
        uint32_t *rows;   /* of which these are */
        uint32_t *leader; /* by group: the row that it became, and one */
        struct cs_template_groups *groups;
};

static void merging_deinit(struct merging *m)
{
        free(m->counts);
        free(m->group_of);
        free(m->rows);
        free(m->leader);
        cs_template_groups_destroy(m->groups);
}

static enum cs_status rename_row(struct cs_text_row *row, const struct cs_template_group *g,
                                 struct cs_error *err)
{
        char *text = malloc(g->len + 1);
        if (!text)
                return cs_fail(err, CS_ENOMEM, "templates of texts");
        memcpy(text, g->text, g->len);
        text[g->len] = 0;
        free_text(row);
        row->entry.text = text;
        row->entry.len = (uint32_t)g->len;
        return CS_OK;
}

/* Of rows that were merged the first one stays, the others lose their text. */
static enum cs_status merge_sort(struct cs_text_table *t, bool wide, struct cs_error *err)
{
        cs_cleanup(merging_deinit) struct merging m = { 0 };
        size_t n = 0;
        m.counts = calloc(t->n + 1, sizeof(*m.counts));
        m.group_of = calloc(t->n + 1, sizeof(*m.group_of));
        m.rows = calloc(t->n + 1, sizeof(*m.rows));
        m.leader = calloc(t->n + 1, sizeof(*m.leader));
        if (!m.counts || !m.group_of || !m.rows || !m.leader)
                return cs_fail(err, CS_ENOMEM, "templates of texts");
        for (size_t i = 0; i < t->n; i++) {
                const struct cs_text_entry *e = &t->at[i].entry;
                if (e->wide != wide)
                        continue;
                m.rows[n] = (uint32_t)i;
                m.counts[n++] = (struct cs_template_count){ e->text, e->len, e->cut, e->facts.count };
        }
        enum cs_status st = cs_template_merge(m.counts, n, t->workers, m.group_of, &m.groups, err);
        for (size_t k = 0; st == CS_OK && k < n; k++) {
                uint32_t *leader = &m.leader[m.group_of[k]];
                if (!*leader) {
                        *leader = m.rows[k] + 1;
                        continue;
                }
                merge_rows(&t->at[*leader - 1], &t->at[m.rows[k]]);
                free_text(&t->at[m.rows[k]]);
        }
        for (size_t g = 0; st == CS_OK && n && g < cs_template_groups_count(m.groups); g++)
                st = rename_row(&t->at[m.leader[g] - 1], cs_template_groups_at(m.groups, g), err);
        return st;
}

static enum cs_status merge_all(struct cs_text_table *t, struct cs_error *err)
{
        enum cs_status st = merge_sort(t, false, err);
        if (st == CS_OK)
                st = merge_sort(t, true, err);
        size_t n = 0;
        for (size_t i = 0; i < t->n; i++) {
                if (!t->at[i].entry.text)
                        continue;
                if (n != i)
                        t->at[n] = t->at[i];
                struct cs_text_entry *e = &t->at[n++].entry;
                e->key = cs_template_key(e->text, e->len, e->cut, e->wide);
        }
        t->n = n;
        index_all(t);
        return st;
}

/* Makes room for at least kept / 2 more. */
static enum cs_status shrink(struct cs_text_table *t, struct cs_error *err)
{
        if (t->patience) {
                t->patience--;
                return prune(t, err);
        }
        enum cs_status st = merge_all(t, err);
        if (st != CS_OK || t->n <= t->kept + t->kept / 2) {
                t->backoff = 0;
                return st;
        }
        t->backoff = !t->backoff ? 1 : t->backoff < PATIENCE_MAX ? 2 * t->backoff : PATIENCE_MAX;
        t->patience = t->backoff;
        return prune(t, err);
}

/* ---- adding ---- */

/* A unit that is being added: the rows of its entries, and of how many of them the notes are taken. */
struct adding {
        const struct cs_text_unit *unit;
        struct cs_text_row **rows; /* NULL where a template does not come in */
        size_t noted;
};

/* Takes the notes of the entries up to `end`. Most units have few templates and many texts, whose notes are gone through as they came. */
static void take_notes(struct adding *a, size_t end)
{
        for (size_t i = 0; i < a->unit->notes.n; i++) {
                const struct cs_text_note *note = &a->unit->notes.at[i];
                struct cs_text_row *row =
                        note->entry - a->noted < end - a->noted ? a->rows[note->entry] : NULL;
                if (!row)
                        continue;
                cs_sketch_add(&row->values, note->value);
                if (note->block != CS_NOBODY)
                        cs_sketch_add(&row->blocks, cs_mix(note->block + UINT64_C(0x9e3779b97f4a7c15)));
        }
        a->noted = end;
}

/* The row of an entry; NULL where it does not come in. */
static enum cs_status row_for(struct cs_text_table *t, struct adding *a, size_t entry, struct cs_error *err)
{
        const struct cs_text_entry *e = &a->unit->at.at[entry];
        struct cs_text_row **row = &a->rows[entry];
        uint32_t *slot = slot_of(t, e->key);
        *row = NULL;
        if (*slot) {
                *row = row_at(t, *slot);
                (*row)->credit += e->facts.bytes;
                cs_text_facts_merge(&(*row)->entry.facts, &e->facts, false);
                return CS_OK;
        }
        if (keeps_out(t, e)) {
                drop(t, e);
                return CS_OK;
        }
        if (t->n == 2 * t->kept) {
                take_notes(a, entry); /* rows move */
                enum cs_status st = shrink(t, err);
                if (st != CS_OK)
                        return st;
                slot = slot_of(t, e->key);
        }
        char *text = malloc((size_t)e->len + 1);
        if (!text)
                return cs_fail(err, CS_ENOMEM, "templates of texts");
        memcpy(text, e->text, e->len);
        text[e->len] = 0;
        *row = &t->at[t->n++];
        **row = (struct cs_text_row){ .entry = *e, .credit = e->facts.bytes, .variants = 1 };
        (*row)->entry.text = text;
        *slot = in_index(e->key, t->n - 1);
        return CS_OK;
}

enum cs_status cs_text_table_add(struct cs_text_table *t, const struct cs_text_unit *unit,
                                 struct cs_error *err)
{
        struct adding a = { .unit = unit, .rows = malloc((unit->at.n + 1) * sizeof(*a.rows)) };
        enum cs_status st = a.rows ? CS_OK : cs_fail(err, CS_ENOMEM, "templates of texts");
        t->all.count += unit->count;
        t->all.bytes += unit->bytes;
        for (size_t i = 0; st == CS_OK && i < unit->at.n; i++) {
                if (i + ASKED < unit->at.n)
                        ask(t, unit->at.at[i + ASKED].key);
                st = row_for(t, &a, i, err);
        }
        if (st == CS_OK)
                take_notes(&a, unit->at.n);
        free(a.rows);
        return st;
}

/* ---- the answer ---- */

uint64_t cs_text_table_error(const struct cs_text_table *t)
{
        return t->given + t->kept_out;
}

/* A row to be sorted: most are told apart without a look at it. */
struct ranked {
        uint64_t bytes;
        uint64_t head; /* first bytes of its text */
        const struct cs_text_row *row;
};

static int by_bytes(const void *a, const void *b)
{
        const struct ranked *p = a, *q = b;
        if (p->bytes != q->bytes)
                return p->bytes > q->bytes ? -1 : 1;
        if (p->head != q->head)
                return p->head < q->head ? -1 : 1;
        const struct cs_text_entry *x = &p->row->entry, *y = &q->row->entry;
        int order = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);
        if (order)
                return order;
        if (x->len != y->len)
                return x->len < y->len ? -1 : 1;
        return (int)x->wide - (int)y->wide;
}

/* Row i becomes the one that rank[i] has: in cycles, each row moved once. */
static void move_rows(struct cs_text_table *t, struct ranked *rank)
{
        for (size_t i = 0; i < t->n; i++) {
                if (rank[i].row == &t->at[i])
                        continue;
                const struct cs_text_row first = t->at[i];
                size_t to = i, from;
                for (; (from = (size_t)(rank[to].row - t->at)) != i; to = from) {
                        t->at[to] = t->at[from];
                        rank[to].row = &t->at[to];
                }
                rank[to].row = &t->at[to];
                t->at[to] = first;
        }
}

enum cs_status cs_text_table_rank(struct cs_text_table *t, struct cs_error *err)
{
        struct ranked *rank = malloc((t->n + 1) * sizeof(*rank));
        if (!rank)
                return cs_fail(err, CS_ENOMEM, "templates of texts");
        for (size_t i = 0; i < t->n; i++) {
                const struct cs_text_entry *e = &t->at[i].entry;
                uint64_t head = 0;
                memcpy(&head, e->text, e->len < sizeof(head) ? e->len : sizeof(head));
                rank[i] = (struct ranked){ e->facts.bytes, __builtin_bswap64(head), &t->at[i] };
        }
        qsort(rank, t->n, sizeof(*rank), by_bytes);
        move_rows(t, rank);
        free(rank);
        index_all(t);
        return CS_OK;
}

enum cs_status cs_text_table_finish(struct cs_text_table *t, struct cs_error *err)
{
        enum cs_status st = merge_all(t, err);
        return st == CS_OK ? cs_text_table_rank(t, err) : st;
}

struct cs_text_sum cs_text_table_missing(const struct cs_text_table *t, const struct cs_text_row *row)
{
        struct cs_text_sum most = row->entry.cut ? t->lost_cut : t->lost;
        if (row->entry.cut || !t->lost.count)
                return most;
        uint64_t skeleton = skeleton_of(&row->entry);
        for (unsigned r = 0; r < CS_TEXT_LOST_ROWS; r++) {
                const struct cs_text_sum *cell = lost_cell(t, skeleton, r);
                if (cell->count < most.count)
                        most.count = cell->count;
                if (cell->bytes < most.bytes)
                        most.bytes = cell->bytes;
        }
        if (row->variants == 1 && cs_text_table_error(t) < most.bytes)
                most.bytes = cs_text_table_error(t);
        uint64_t texts = most.bytes / CS_STRING_LEAST; /* none is shorter */
        if (texts < most.count)
                most.count = texts;
        return most;
}

uint64_t cs_text_row_values(const struct cs_text_row *row)
{
        if (row->entry.facts.count == 1)
                return 1;
        uint64_t n = cs_sketch_count(&row->values);
        return n < row->entry.facts.count ? n : row->entry.facts.count;
}

uint64_t cs_text_row_blocks(const struct cs_text_row *row)
{
        uint64_t most = row->entry.facts.blocks;
        if (row->variants == 1 || most < 2)
                return most;
        uint64_t n = cs_sketch_count(&row->blocks);
        return most < n ? most : n;
}
