/* SPDX-License-Identifier: Apache-2.0 */
#include "merge.h"

#include "bytes.h"
#include "cs_limits.h"
#include "pool.h"
#include "work.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct cs_template_groups {
        struct cs_pool pool;
        struct cs_template_group *at;
        size_t n;
};

void cs_template_groups_destroy(struct cs_template_groups *groups)
{
        if (!groups)
                return;
        cs_pool_deinit(&groups->pool);
        free(groups);
}

static void destroyp(struct cs_template_groups **groups)
{
        cs_template_groups_destroy(*groups);
}

size_t cs_template_groups_count(const struct cs_template_groups *groups)
{
        return groups->n;
}

const struct cs_template_group *cs_template_groups_at(const struct cs_template_groups *groups, size_t index)
{
        return &groups->at[index];
}

/* The skeleton of a text that was cut. */
struct ragged {
        const char *text;
        size_t len;
        uint64_t weight;
        uint32_t row;
};

typedef CS_VEC(uint32_t) cell_vec;
typedef CS_VEC(struct ragged) ragged_vec;

/* What splitting makes of some rows that follow each other. */
enum { PART_ROWS = 1024 };

struct part {
        CS_WORK_APART cell_vec cells;
        ragged_vec ragged;
        struct cs_pool skeletons;
};

struct merger {
        const struct cs_template_count *templates;
        size_t n;
        struct cs_rows rows;
        struct part *parts;
        size_t n_parts;
        atomic_size_t next; /* part that nobody splits yet */
        cell_vec cells;     /* of all parts, */
        ragged_vec ragged;  /* as these */
        cs_leaves leaves;
};

static void merger_deinit(struct merger *m)
{
        free(m->rows.at);
        for (size_t i = 0; i < m->n_parts; i++) {
                cs_vec_deinit(&m->parts[i].cells);
                cs_vec_deinit(&m->parts[i].ragged);
                cs_pool_deinit(&m->parts[i].skeletons);
        }
        free(m->parts);
        cs_vec_deinit(&m->cells);
        cs_vec_deinit(&m->ragged);
        cs_vec_deinit(&m->leaves);
}

static int compare_bytes(const char *a, size_t a_len, const char *b, size_t b_len)
{
        size_t n = a_len < b_len ? a_len : b_len;
        int order = n ? memcmp(a, b, n) : 0;
        return order ? order : (a_len > b_len) - (a_len < b_len);
}

/* A text to be sorted, by eight bytes at a time: a look at the text itself is slow. */
struct sortee {
        uint64_t head;
        uint32_t template;
};

/* The eight bytes from `from` on, as a number in their order; zeros behind the end. */
static uint64_t head_of(const struct cs_template_count *t, size_t from)
{
        uint64_t head = 0;
        size_t left = t->len > from ? t->len - from : 0;
        if (left)
                memcpy(&head, t->text + from, left < sizeof(head) ? left : sizeof(head));
        return __builtin_bswap64(head);
}

static int compare_heads(const void *a, const void *b)
{
        const struct sortee *x = a, *y = b;
        return (x->head > y->head) - (x->head < y->head);
}

static int compare_texts(const void *a, const void *b, void *templates)
{
        const struct sortee *p = a, *q = b;
        const struct cs_template_count *t = templates, *x = &t[p->template], *y = &t[q->template];
        int order = compare_bytes(x->text, x->len, y->text, y->len);
        return order ? order : (int)x->cut - (int)y->cut;
}

enum {
        FEW = 8, /* are compared at once */
        DEEP = CS_TEMPLATE_BYTES,
};

/* Sorts n texts that are alike before `from`. */
static void sort_from(const struct cs_template_count *templates, struct sortee *at, size_t n, size_t from)
{
        if (n <= FEW || from >= DEEP) {
                qsort_r(at, n, sizeof(*at), compare_texts, (void *)(uintptr_t)templates);
                return;
        }
        for (size_t i = 0; i < n; i++)
                at[i].head = head_of(&templates[at[i].template], from);
        qsort(at, n, sizeof(*at), compare_heads);
        for (size_t lo = 0, hi; lo < n; lo = hi) {
                for (hi = lo + 1; hi < n && at[hi].head == at[lo].head; hi++)
                        ;
                if (hi - lo > 1)
                        sort_from(templates, at + lo, hi - lo, from + sizeof(at->head));
        }
}

static int compare_rows(const void *a, const void *b)
{
        const struct cs_row *x = a, *y = b;
        if (x->skeleton != y->skeleton)
                return x->skeleton < y->skeleton ? -1 : 1;
        return (x->order > y->order) - (x->order < y->order);
}

static int compare_ragged(const void *a, const void *b)
{
        const struct ragged *x = a, *y = b;
        int order = compare_bytes(x->text, x->len, y->text, y->len);
        return order ? order : (x->row > y->row) - (x->row < y->row);
}

/* All that follows depends on the texts in their order, so that the order of the input has no influence. */
static enum cs_status sort_texts(struct merger *m, struct cs_error *err)
{
        m->rows.at = calloc(m->n ? m->n : 1, sizeof(*m->rows.at));
        struct sortee *sorted = calloc(m->n ? m->n : 1, sizeof(*sorted));
        if (!m->rows.at || !sorted) {
                free(sorted);
                return cs_fail(err, CS_ENOMEM, "%zu templates", m->n);
        }
        m->rows.n = m->n;
        for (size_t i = 0; i < m->n; i++)
                sorted[i].template = (uint32_t)i;
        sort_from(m->templates, sorted, m->n, 0);
        for (size_t i = 0; i < m->n; i++)
                m->rows.at[i] = (struct cs_row){ .template = sorted[i].template,
                                                 .order = (uint32_t)i,
                                                 .count = m->templates[sorted[i].template].count };
        free(sorted);
        return CS_OK;
}

static enum cs_status split_row(const struct merger *m, struct part *part, uint32_t index,
                                struct cs_error *err)
{
        struct cs_row *row = &m->rows.at[index];
        const struct cs_template_count *t = &m->templates[row->template];
        struct cs_fields f;
        cs_fields_split(t->text, t->len, t->cut, &f);
        enum cs_status st = cs_vec_reserve(&part->cells, f.n, err);
        if (st != CS_OK)
                return st;
        row->first = (uint32_t)part->cells.n;
        row->n = (uint32_t)f.n;
        for (size_t c = 0; c < f.n; c++) {
                static const uint8_t kinds[] = {
                        [CS_FIELD_WORD] = CS_CELL_WORD,  [CS_FIELD_ODD] = CS_CELL_ODD,
                        [CS_FIELD_MADE] = CS_CELL_MADE,  [CS_FIELD_MASK] = CS_CELL_MASK,
                        [CS_FIELD_TOKEN] = CS_CELL_MASK,
                };
                uint32_t cell = CS_CELL_ABSENT;
                if (f.at[c].kind == CS_FIELD_ANY)
                        cell = CS_CELL_ANY;
                else if (f.at[c].kind != CS_FIELD_ABSENT)
                        cell = (f.at[c].hash & ~(uint32_t)CS_CELL_KIND) | kinds[f.at[c].kind];
                part->cells.at[part->cells.n++] = cell;
                row->values |= (uint64_t)f.at[c].value << c;
                row->names |= (uint64_t)f.at[c].name << c;
        }
        row->skeleton = cs_fields_hash(f.skeleton, f.skeleton_len);
        if (!t->cut)
                return CS_OK;
        struct ragged r = { .len = f.skeleton_len, .weight = row->count, .row = index };
        r.text = cs_pool_copy(&part->skeletons, f.skeleton, f.skeleton_len);
        if (!r.text)
                return cs_fail(err, CS_ENOMEM, "skeletons of templates");
        return cs_vec_push(&part->ragged, r, err);
}

/* Until none is left that nobody splits. */
static enum cs_status split_parts(void *context, struct cs_error *err)
{
        struct merger *m = context;
        enum cs_status st = CS_OK;
        for (size_t i; st == CS_OK && (i = atomic_fetch_add(&m->next, 1)) < m->n_parts;) {
                size_t end = (i + 1) * PART_ROWS < m->n ? (i + 1) * PART_ROWS : m->n;
                for (size_t row = i * PART_ROWS; st == CS_OK && row < end; row++)
                        st = split_row(m, &m->parts[i], (uint32_t)row, err);
        }
        return st;
}

/* All parts one behind the other, in the order of the rows. */
static enum cs_status join_parts(struct merger *m, struct cs_error *err)
{
        size_t cells = 0, ragged = 0;
        for (size_t i = 0; i < m->n_parts; i++) {
                cells += m->parts[i].cells.n;
                ragged += m->parts[i].ragged.n;
        }
        enum cs_status st = cs_vec_reserve(&m->cells, cells, err);
        if (st == CS_OK)
                st = cs_vec_reserve(&m->ragged, ragged, err);
        for (size_t i = 0; st == CS_OK && i < m->n_parts; i++) {
                struct part *part = &m->parts[i];
                size_t end = (i + 1) * PART_ROWS < m->n ? (i + 1) * PART_ROWS : m->n;
                for (size_t row = i * PART_ROWS; row < end; row++)
                        m->rows.at[row].first += (uint32_t)m->cells.n;
                st = cs_vec_append(&m->cells, &part->cells, err);
                if (st == CS_OK)
                        st = cs_vec_append(&m->ragged, &part->ragged, err);
                cs_vec_deinit(&part->cells);
        }
        m->rows.cells = m->cells.at;
        return st;
}

/* Rows are split apart from each other, so any thread may split any of them. Others may be at work meanwhile that wait for what comes of
 * this: so helpers of its own do it. */
static enum cs_status split_rows(struct merger *m, unsigned workers, struct cs_error *err)
{
        m->n_parts = (m->n + PART_ROWS - 1) / PART_ROWS;
        size_t n = workers < m->n_parts ? workers : m->n_parts;
        size_t n_helpers = n > 1 ? n - 1 : 0;
        struct cs_beside *helpers = calloc(n_helpers + 1, sizeof(*helpers));
        m->parts = cs_work_alloc(m->n_parts + 1, sizeof(*m->parts));
        if (!m->parts || !helpers) {
                free(helpers);
                m->n_parts = m->parts ? m->n_parts : 0;
                return cs_fail(err, CS_ENOMEM, "%zu templates", m->n);
        }
        for (size_t i = 0; i < n_helpers; i++)
                cs_beside_start(&helpers[i], split_parts, m);
        enum cs_status st = split_parts(m, err);
        for (size_t i = 0; i < n_helpers; i++) {
                enum cs_status theirs = cs_beside_wait(&helpers[i], st == CS_OK ? err : NULL);
                st = st == CS_OK ? theirs : st;
        }
        free(helpers);
        return st == CS_OK ? join_parts(m, err) : st;
}

/* With fewer delimiters than this a skeleton says nothing: 512 bytes of text with fewer of them are one or two
 * long tokens, and `F: F=F` begins every header and cookie, `F` every text. Eight are three members of a JSON
 * object, or as many words. */
enum { TELLING = 8 };

static bool telling(const struct ragged *r)
{
        size_t n = 0;
        for (size_t i = 0; i < r->len && n < TELLING; i++)
                n += !cs_fields_marks(r->text[i]);
        return n == TELLING;
}

/* Texts that were cut end anywhere, as the length of their variable parts varies. A skeleton that begins
 * another one is the same, cut earlier: it takes the place of the heaviest of the longest ones that it
 * begins. In the order of bytes all that it begins follow it at once; so one walk from the end, with a stack
 * of what has not found its beginning, does. */
static void join_ragged(struct merger *m)
{
        struct ragged *r = m->ragged.at;
        size_t n = 0;
        if (!m->ragged.n)
                return;
        qsort(r, m->ragged.n, sizeof(*r), compare_ragged);
        /* Equal ones first: the weights add up in the first, the others follow its lead. */
        size_t *first = calloc(m->ragged.n, sizeof(*first)), *lead = calloc(m->ragged.n, sizeof(*lead));
        size_t *stack = calloc(m->ragged.n, sizeof(*stack)), depth = 0;
        if (first && lead && stack) {
                for (size_t i = 0; i < m->ragged.n; i++) {
                        bool again = n && compare_bytes(r[first[n - 1]].text, r[first[n - 1]].len, r[i].text,
                                                        r[i].len) == 0;
                        if (again)
                                r[first[n - 1]].weight += r[i].weight;
                        else
                                first[n++] = i;
                }
                for (size_t k = n; k-- > 0;) {
                        const struct ragged *s = &r[first[k]];
                        size_t best = first[k];
                        uint64_t weight = 0;
                        lead[best] = best;
                        if (!telling(s)) /* nor does anything that begins it */
                                continue;
                        while (depth) {
                                const struct ragged *t = &r[stack[depth - 1]];
                                if (t->len < s->len || memcmp(t->text, s->text, s->len) != 0)
                                        break;
                                if (r[lead[stack[depth - 1]]].weight >= weight) {
                                        best = lead[stack[depth - 1]];
                                        weight = r[best].weight;
                                }
                                depth--;
                        }
                        lead[first[k]] = best;
                        stack[depth++] = first[k];
                }
        }
        /* Without memory for this each skeleton leads itself. */
        for (size_t i = 0, k = 0; i < m->ragged.n; i++) {
                size_t to = i;
                if (first && lead && stack) {
                        if (k + 1 < n && first[k + 1] == i)
                                k++;
                        to = lead[first[k]];
                }
                m->rows.at[r[i].row].skeleton = ~cs_fields_hash(r[to].text, r[to].len);
        }
        free(first);
        free(lead);
        free(stack);
}

static int compare_groups(const void *a, const void *b)
{
        const struct cs_template_group *x = a, *y = b;
        return compare_bytes(x->text, x->len, y->text, y->len);
}

/* Writes the groups' texts; groups that read the same are one. */
static enum cs_status write_groups(struct merger *m, uint32_t *group_of, struct cs_template_groups *g,
                                   struct cs_error *err)
{
        struct named {
                struct cs_template_group group;
                size_t leaf;
        };
        struct named *named = calloc(m->leaves.n ? m->leaves.n : 1, sizeof(*named));
        bool short_of_memory = !named;
        for (size_t i = 0; !short_of_memory && i < m->leaves.n; i++) {
                char text[CS_RENDER_BYTES];
                const struct cs_leaf *leaf = &m->leaves.at[i];
                named[i].leaf = i;
                named[i].group.len = cs_rows_render(&m->rows, leaf, m->templates, text);
                named[i].group.text = cs_pool_copy(&g->pool, text, named[i].group.len);
                short_of_memory = !named[i].group.text;
                for (size_t r = leaf->lo; r < leaf->hi; r++)
                        named[i].group.count += m->rows.at[r].count;
        }
        if (!short_of_memory)
                qsort(named, m->leaves.n, sizeof(*named), compare_groups);
        g->at = short_of_memory ? NULL : cs_pool_alloc(&g->pool, m->leaves.n, sizeof(*g->at));
        short_of_memory |= !g->at;
        for (size_t i = 0; !short_of_memory && i < m->leaves.n; i++) {
                const struct cs_leaf *leaf = &m->leaves.at[named[i].leaf];
                if (g->n && compare_groups(&g->at[g->n - 1], &named[i]) == 0)
                        g->at[g->n - 1].count += named[i].group.count;
                else
                        g->at[g->n++] = named[i].group;
                for (size_t r = leaf->lo; r < leaf->hi; r++)
                        group_of[m->rows.at[r].template] = (uint32_t)(g->n - 1);
        }
        free(named);
        return short_of_memory ? cs_fail(err, CS_ENOMEM, "groups of templates") : CS_OK;
}

enum cs_status cs_template_merge(const struct cs_template_count *templates, size_t n, unsigned workers,
                                 uint32_t *group_of, struct cs_template_groups **out, struct cs_error *err)
{
        if (n > CS_LIMIT_TEMPLATES)
                return cs_fail(err, CS_ELIMIT, "%zu templates: more than %d", n, CS_LIMIT_TEMPLATES);
        cs_cleanup(merger_deinit) struct merger m = { .templates = templates, .n = n };
        cs_cleanup(destroyp) struct cs_template_groups *g = calloc(1, sizeof(*g));
        if (!g)
                return cs_fail(err, CS_ENOMEM, "groups of templates");
        enum cs_status st = sort_texts(&m, err);
        if (st == CS_OK)
                st = split_rows(&m, workers, err);
        if (st != CS_OK)
                return st;
        join_ragged(&m);
        qsort(m.rows.at, n, sizeof(*m.rows.at), compare_rows);
        if ((st = cs_rows_divide(&m.rows, &m.leaves, err)) != CS_OK)
                return st;
        if ((st = write_groups(&m, group_of, g, err)) != CS_OK)
                return st;
        *out = cs_take(g);
        return CS_OK;
}
