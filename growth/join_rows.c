/* SPDX-License-Identifier: Apache-2.0 */
#include "join_private.h"

#include <string.h>

enum cs_status cs_join_row(struct cs_growth *g, cs_growth_row_vec *rows, struct cs_error *err)
{
        struct cs_growth_row row = { .at = cs_pool_alloc(&g->pool, g->n_snapshots, sizeof(*row.at)),
                                     .likes = 1,
                                     .joined = CS_JOINED_ALONE };
        if (!row.at)
                return cs_fail(err, CS_ENOMEM, "comparison");
        return cs_vec_push(rows, row, err);
}

static size_t snapshots_of(const struct cs_growth *g, const struct cs_growth_row *row)
{
        size_t n = 0;
        for (size_t s = 0; s < g->n_snapshots; s++)
                n += row->at[s].there;
        return n;
}

bool cs_join_is_part(const struct cs_growth *g, const struct cs_growth_row *row)
{
        size_t n = snapshots_of(g, row);
        return n && n < g->n_snapshots;
}

/* ---- merging ----------------------------------------------------------------------------------------------------- */

static uint64_t plus(uint64_t a, uint64_t b)
{
        return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* The last snapshot that has it. */
static size_t newest(const struct cs_growth *g, const struct cs_growth_row *row)
{
        for (size_t s = g->n_snapshots; s-- > 0;)
                if (row->at[s].there)
                        return s;
        return 0;
}

/* Adds b to a; the names are those of the later one. b has no snapshot then, and is left out in the end. */
static void merge(const struct cs_growth *g, struct cs_growth_row *a, struct cs_growth_row *b,
                  enum cs_joined joined)
{
        struct cs_growth_value *at = a->at;
        uint32_t likes = a->likes > b->likes ? a->likes : b->likes;
        size_t old = newest(g, a), new = newest(g, b);
        const char *was = old < new ? a->library : b->library;
        bool both = false;
        for (size_t s = 0; s < g->n_snapshots; s++) {
                both |= at[s].there && b->at[s].there;
                at[s].there |= b->at[s].there;
                at[s].count = plus(at[s].count, b->at[s].count);
                at[s].bytes = plus(at[s].bytes, b->at[s].bytes);
                at[s].resident = plus(at[s].resident, b->at[s].resident);
                at[s].leaked = plus(at[s].leaked, b->at[s].leaked);
                b->at[s] = (struct cs_growth_value){ 0 };
        }
        if (new > old) {
                struct cs_growth_value *none = b->at;
                *a = *b;
                a->at = at;
                b->at = none;
        }
        a->likes = both ? likes + 1 : likes;
        a->joined = joined;
        if (!a->was)
                a->was = was;
}

static int by_key(const void *a, const void *b)
{
        const struct cs_join_key *x = a, *y = b;
        if (x->key != y->key)
                return x->key < y->key ? -1 : 1;
        return x->row < y->row ? -1 : x->row > y->row;
}

/* How often the most frequent snapshot occurs among rows; 1: each stands in snapshots of its own. */
static size_t crowd(const struct cs_growth *g, const cs_growth_row_vec *rows, const struct cs_join_key *keys,
                    size_t n)
{
        size_t most = 0;
        for (size_t s = 0; s < g->n_snapshots; s++) {
                size_t here = 0;
                for (size_t i = 0; i < n; i++)
                        here += rows->at[keys[i].row].at[s].there;
                most = here > most ? here : most;
        }
        return most;
}

static bool same_snapshots(const struct cs_growth *g, const struct cs_growth_row *a,
                           const struct cs_growth_row *b)
{
        for (size_t s = 0; s < g->n_snapshots; s++)
                if (a->at[s].there != b->at[s].there)
                        return false;
        return true;
}

/* Names that differ in a hexadecimal number alone stand in the order of these numbers. */
static int by_place(const void *a, const void *b, void *context)
{
        const cs_growth_row_vec *rows = context;
        const struct cs_join_key *x = a, *y = b;
        const char *p = rows->at[x->row].what, *q = rows->at[y->row].what;
        size_t n = p ? strlen(p) : 0, m = q ? strlen(q) : 0;
        if (n != m)
                return n < m ? -1 : 1;
        int order = n ? strcmp(p, q) : 0;
        return order ? order : x->row < y->row ? -1 : x->row > y->row;
}

/* Moves those that stand in the same snapshots as the first to the front; how many these are. */
static size_t part(const struct cs_growth *g, const cs_growth_row_vec *rows, struct cs_join_key *keys,
                   size_t n)
{
        size_t front = 0;
        size_t first = keys[0].row;
        for (size_t i = 0; i < n; i++) {
                if (!same_snapshots(g, &rows->at[first], &rows->at[keys[i].row]))
                        continue;
                struct cs_join_key swap = keys[front];
                keys[front++] = keys[i];
                keys[i] = swap;
        }
        return front;
}

static void merge_run(const struct cs_growth *g, cs_growth_row_vec *rows, struct cs_join_key *keys, size_t n,
                      enum cs_joined joined, bool together)
{
        size_t most = crowd(g, rows, keys, n);
        size_t front = most > 1 && most * 2 == n ? part(g, rows, keys, n) : 0;
        if (front == most && front && part(g, rows, keys + front, n - front) == front) {
                struct cs_join_key pair[2] = { keys[0], keys[front] };
                if (crowd(g, rows, pair, 2) == 1) {
                        qsort_r(keys, front, sizeof(*keys), by_place, rows);
                        qsort_r(keys + front, front, sizeof(*keys), by_place, rows);
                        for (size_t i = 0; i < front; i++)
                                merge(g, &rows->at[keys[i].row], &rows->at[keys[front + i].row], joined);
                        return;
                }
        }
        if (most > 1 && !together)
                return;
        /* All of one snapshot have nothing to be joined with. */
        bool apart = false;
        for (size_t i = 1; i < n; i++)
                apart |= !same_snapshots(g, &rows->at[keys[0].row], &rows->at[keys[i].row]);
        for (size_t i = 1; i < n && apart; i++)
                merge(g, &rows->at[keys[0].row], &rows->at[keys[i].row], joined);
}

enum cs_status cs_join_merge(struct cs_growth *g, cs_growth_row_vec *rows, cs_join_key_vec *keys,
                             enum cs_joined joined, bool together, struct cs_error *err)
{
        (void)err;
        if (keys->n)
                qsort(keys->at, keys->n, sizeof(*keys->at), by_key);
        for (size_t i = 0, end; i < keys->n; i = end) {
                for (end = i + 1; end < keys->n && keys->at[end].key == keys->at[i].key;)
                        end++;
                if (end - i > 1)
                        merge_run(g, rows, keys->at + i, end - i, joined, together);
        }
        return CS_OK;
}

/* ---- differences ------------------------------------------------------------------------------------------------- */

static int64_t difference(uint64_t new, uint64_t old)
{
        uint64_t size = new > old ? new - old : old - new;
        int64_t value = size > INT64_MAX ? INT64_MAX : (int64_t)size;
        return new > old ? value : -value;
}

/* What is sure when the one may be any number up to `most`. */
static int64_t sure(uint64_t known, uint64_t most)
{
        return known > most ? difference(known, most) : 0;
}

/* Blocks that fit into the bytes that it may have had. */
static uint64_t most_blocks(const struct cs_growth_row *row, uint64_t bytes)
{
        return row->block_min ? bytes / row->block_min : UINT64_MAX;
}

static void take_differences(const struct cs_growth *g, struct cs_growth_row *row)
{
        const struct cs_growth_value *old = &row->at[0], *new = &row->at[g->n_snapshots - 1];
        row->leaked = difference(new->leaked, old->leaked);
        row->least = old->unlisted != new->unlisted;
        if (old->unlisted && new->unlisted) {
                row->leaked = 0;
        } else if (old->unlisted) {
                row->count = sure(new->count, most_blocks(row, old->bytes));
                row->bytes = sure(new->bytes, old->bytes);
                row->resident = sure(new->resident, old->resident);
        } else if (new->unlisted) {
                row->count = -sure(old->count, most_blocks(row, new->bytes));
                row->bytes = -sure(old->bytes, new->bytes);
                row->resident = -sure(old->resident, new->resident);
        } else {
                row->count = difference(new->count, old->count);
                row->bytes = difference(new->bytes, old->bytes);
                row->resident = difference(new->resident, old->resident);
        }
        int64_t sign = row->resident ? row->resident : row->bytes ? row->bytes : row->count;
        row->state = sign > 0 ? CS_GROWTH_GREW : sign < 0 ? CS_GROWTH_SHRANK : CS_GROWTH_STAYED;
        if (!old->there && !old->unlisted && new->there)
                row->state = CS_GROWTH_NEW;
        else if (old->there && !new->there && !new->unlisted)
                row->state = CS_GROWTH_GONE;
}

enum cs_status cs_join_measure(const struct cs_growth *g, struct cs_growth_row *row, struct cs_error *err)
{
        take_differences(g, row);
        struct cs_sample *samples = calloc(g->n_snapshots, sizeof(*samples));
        if (!samples)
                return cs_fail(err, CS_ENOMEM, "comparison");
        size_t n = 0;
        unsigned run = 0;
        for (size_t s = 0; s < g->n_snapshots; s++) {
                const struct cs_snapshot *here = g->snapshots[s];
                run += s && !cs_growth_same_process(g->snapshots[s - 1], here);
                if (!row->at[s].unlisted)
                        samples[n++] =
                                (struct cs_sample){ g->timed ? (double)here->time_ms / 1000 : (double)s,
                                                    (double)row->at[s].resident, run };
        }
        enum cs_status st = cs_trend_find(samples, n, &row->shape, err);
        free(samples);
        if (g->timed && g->same_process && g->seconds > 0)
                row->per_second = (double)row->resident / g->seconds;
        if (row->shape.told)
                row->per_second = g->timed ? row->shape.per_second : 0;
        return st;
}

static int rank(const struct cs_growth_row *row)
{
        return row->resident > 0 ? 0 : row->resident < 0 ? 1 : row->state != CS_GROWTH_STAYED ? 2 : 3;
}

static int by_growth(const void *a, const void *b)
{
        const struct cs_growth_row *x = a, *y = b;
        if (rank(x) != rank(y))
                return rank(x) < rank(y) ? -1 : 1;
        uint64_t p = x->resident < 0 ? -(uint64_t)x->resident : (uint64_t)x->resident;
        uint64_t q = y->resident < 0 ? -(uint64_t)y->resident : (uint64_t)y->resident;
        if (p != q)
                return p > q ? -1 : 1;
        if (x->bytes != y->bytes)
                return x->bytes > y->bytes ? -1 : 1;
        if (x->count != y->count)
                return x->count > y->count ? -1 : 1;
        int order = strcmp(x->what ? x->what : "", y->what ? y->what : "");
        if (order == 0)
                order = strcmp(x->library ? x->library : "", y->library ? y->library : "");
        return order ? order : strcmp(x->kind ? x->kind : "", y->kind ? y->kind : "");
}

enum cs_status cs_join_finish(struct cs_growth *g, cs_growth_row_vec *rows, struct cs_growth_rows *out,
                              struct cs_error *err)
{
        enum cs_status st = CS_OK;
        out->at = cs_pool_alloc(&g->pool, rows->n + 1, sizeof(*out->at));
        if (!out->at)
                st = cs_fail(err, CS_ENOMEM, "comparison");
        for (size_t i = 0; st == CS_OK && i < rows->n; i++) {
                if (!snapshots_of(g, &rows->at[i]))
                        continue; /* it was merged with another */
                st = cs_join_measure(g, &rows->at[i], err);
                out->at[out->n++] = rows->at[i];
        }
        if (st == CS_OK && out->n)
                qsort(out->at, out->n, sizeof(*out->at), by_growth);
        cs_vec_deinit(rows);
        return st;
}
