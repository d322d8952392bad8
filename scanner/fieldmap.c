/* SPDX-License-Identifier: Apache-2.0 */
#include "fieldmap.h"

#include "bytes.h"
#include "cs_limits.h"
#include "tally.h"

#include <stdlib.h>

enum {
        FIELDS_MANY = 256,
        /* So few blocks do not tell fields from contents; large ones are tables. Their beginning is enough. */
        SAMPLES_FEW = 4,
        WORDS_OF_FEW = 64,
};

/* One offset over all sampled blocks. */
struct column {
        const struct cs_space *space;
        const struct cs_blocks *blocks;
        const uint32_t *sample;
        uint64_t *values; /* in the order of sample */
        uint64_t *copy;   /* scratch for cs_column_judge, which reorders */
        size_t n;         /* blocks that reach this offset */
};

static enum cs_field_kind kind_of(const struct column *c, size_t i, uint32_t *to)
{
        uint64_t value = c->values[i];
        *to = CS_NO_BLOCK;
        if (value < 0x10000)
                return CS_FIELD_COLUMN;
        struct cs_space_entry e = cs_space_at(c->space, value);
        switch (e.kind) {
        case CS_SPACE_MODULE:
                return CS_FIELD_TO_MODULE;
        case CS_SPACE_STACK:
                return CS_FIELD_TO_STACK;
        case CS_SPACE_OTHER:
                return CS_FIELD_TO_OTHER;
        case CS_SPACE_HEAP:
                *to = cs_blocks_find(c->blocks, e.index, value);
                if (*to == CS_NO_BLOCK)
                        return CS_FIELD_COLUMN;
                return *to == c->sample[i] ? CS_FIELD_TO_SELF : CS_FIELD_TO_BLOCK;
        case CS_SPACE_NONE:
                break;
        }
        return CS_FIELD_COLUMN;
}

static int by_value(const void *a, const void *b)
{
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
        return x < y ? -1 : x > y;
}

/* The most frequent of n numbers (the smallest of several), and how often it comes. Sorts them. */
static uint64_t most_frequent(uint64_t *numbers, size_t n, size_t *times)
{
        uint64_t best = 0;
        *times = 0;
        qsort(numbers, n, sizeof(*numbers), by_value);
        for (size_t first = 0, end; first < n; first = end) {
                for (end = first + 1; end < n && numbers[end] == numbers[first];)
                        end++;
                if (end - first > *times) {
                        *times = end - first;
                        best = numbers[first];
                }
        }
        return best;
}

/* A field of pointers: at least half of what is not null, and a quarter of all, points to one kind of thing. */
static bool judge_pointers(const struct column *c, struct cs_field *f)
{
        size_t count[CS_FIELD_COLUMN + 1] = { 0 }, zero = 0, n = 0, times;
        enum cs_field_kind best = CS_FIELD_TO_MODULE;
        uint32_t to;
        for (size_t i = 0; i < c->n; i++) {
                zero += c->values[i] == 0;
                count[kind_of(c, i, &to)]++;
        }
        for (enum cs_field_kind k = CS_FIELD_TO_MODULE; k < CS_FIELD_COLUMN; k++)
                if (count[k] > count[best])
                        best = k;
        if (count[best] * 2 < c->n - zero || count[best] * 4 < c->n || !count[best])
                return false;
        f->kind = best;
        f->share = (double)count[best] / (double)c->n;
        for (size_t i = 0; i < c->n; i++) {
                if (kind_of(c, i, &to) != best)
                        continue;
                c->copy[n++] = best == CS_FIELD_TO_BLOCK ? cs_blocks_cluster(c->blocks, to) : c->values[i];
        }
        uint64_t common = most_frequent(c->copy, n, &times);
        if (best == CS_FIELD_TO_MODULE) {
                f->value = common;
                f->constant = times == n;
        } else if (best == CS_FIELD_TO_BLOCK && times * 2 >= n) {
                f->cluster = (uint32_t)common;
        }
        return true;
}

static struct cs_field judge(const struct column *c, uint32_t offset)
{
        struct cs_field f = { .offset = offset, .size = 8, .cluster = CS_NO_CLUSTER };
        if (judge_pointers(c, &f))
                return f;
        memcpy(c->copy, c->values, c->n * sizeof(*c->copy));
        f.kind = CS_FIELD_COLUMN;
        f.facts = cs_column_judge(c->copy, c->n);
        f.share = f.facts.share;
        return f;
}

/* Do two neighbours tell the same story, so that one line can tell it? */
static bool joins(const struct cs_field *a, const struct cs_field *b)
{
        if (a->kind != CS_FIELD_COLUMN || b->kind != CS_FIELD_COLUMN || a->facts.kind != b->facts.kind)
                return false;
        return a->facts.kind == CS_COLUMN_ZERO || a->facts.kind == CS_COLUMN_TEXT ||
               a->facts.kind == CS_COLUMN_MIXED;
}

static enum cs_status add_field(cs_field_vec *out, const struct cs_field *f, struct cs_error *err)
{
        if (out->n && joins(&out->at[out->n - 1], f)) {
                struct cs_field *last = &out->at[out->n - 1];
                double words = last->size / 8.0;
                last->share = (last->share * words + f->share) / (words + 1);
                last->size += 8;
                return CS_OK;
        }
        return cs_vec_push(out, *f, err);
}

/* Numbers and noise: what uninitialised buffers are full of. */
static bool is_noise(const struct cs_field *f)
{
        if (f->kind != CS_FIELD_COLUMN)
                return false;
        return f->facts.kind == CS_COLUMN_MIXED || f->facts.kind == CS_COLUMN_INT ||
               f->facts.kind == CS_COLUMN_FLAGS || f->facts.kind == CS_COLUMN_FLOAT ||
               f->facts.kind == CS_COLUMN_TIME;
}

/* A map of so many fields is that of a buffer: neighbouring noise becomes one field. */
static void fold_noise(cs_field_vec *fields)
{
        size_t kept = 0;
        for (size_t i = 0; fields->n > FIELDS_MANY && i < fields->n; i++) {
                struct cs_field *last = kept ? &fields->at[kept - 1] : NULL;
                if (last && is_noise(last) && is_noise(&fields->at[i])) {
                        last->size += fields->at[i].size;
                        last->facts.kind = CS_COLUMN_MIXED;
                        if (fields->at[i].share < last->share)
                                last->share = fields->at[i].share;
                } else {
                        fields->at[kept++] = fields->at[i];
                }
        }
        if (kept)
                fields->n = kept;
}

/* Reads the first `words` words of all sampled blocks into rows; have[i] is how many the i-th gave. */
static void read_rows(struct cs_view *view, const struct cs_blocks *blocks, const uint32_t *sample, size_t n,
                      size_t words, uint64_t *rows, uint32_t *have)
{
        for (size_t i = 0; i < n; i++) {
                struct cs_block block = cs_blocks_get(blocks, sample[i]);
                struct cs_range payload = cs_block_payload(&block);
                size_t want = cs_range_size(payload) < words * 8 ? (size_t)cs_range_size(payload) & ~(size_t)7
                                                                 : words * 8;
                size_t got;
                const uint8_t *at = cs_view_whole(view, payload.start, want, &got);
                have[i] = at ? (uint32_t)(got / 8) : 0;
                if (at)
                        memcpy(rows + i * words, at, have[i] * sizeof(*rows));
        }
}

enum cs_status cs_fieldmap_build(const struct cs_image *image, const struct cs_space *space,
                                 const struct cs_blocks *blocks, const struct cs_clusters *clusters,
                                 const struct cs_members *members, uint32_t cluster, cs_field_vec *out,
                                 struct cs_error *err)
{
        uint32_t sample[CS_LIMIT_FIELD_SAMPLES], have[CS_LIMIT_FIELD_SAMPLES], seen[CS_LIMIT_FIELD_SAMPLES];
        uint64_t values[CS_LIMIT_FIELD_SAMPLES], copy[CS_LIMIT_FIELD_SAMPLES];
        size_t n = cs_members_sample(members, cluster, CS_LIMIT_FIELD_SAMPLES, sample);
        size_t words = (size_t)clusters->at.at[cluster].min_units * CS_BLOCK_UNIT / 8;
        if (words > CS_LIMIT_FIELD_WORDS)
                words = CS_LIMIT_FIELD_WORDS;
        if (n < SAMPLES_FEW && words > WORDS_OF_FEW)
                words = WORDS_OF_FEW;
        uint64_t *rows = malloc((n + 1) * (words + 1) * sizeof(*rows));
        struct column column = { space, blocks, seen, values, copy, 0 };
        struct cs_view view;
        enum cs_status st = CS_OK;
        if (!rows)
                return cs_fail(err, CS_ENOMEM, "field map");
        cs_view_init_hopping(&view, image->source);
        read_rows(&view, blocks, sample, n, words, rows, have);
        for (size_t word = 0; st == CS_OK && word < words; word++) {
                column.n = 0;
                for (size_t i = 0; i < n; i++) {
                        if (word >= have[i])
                                continue;
                        seen[column.n] = sample[i];
                        values[column.n++] = rows[i * words + word];
                }
                if (!column.n)
                        break;
                struct cs_field f = judge(&column, (uint32_t)word * 8);
                st = add_field(out, &f, err);
        }
        cs_view_deinit(&view);
        free(rows);
        fold_noise(out);
        return st;
}

enum cs_status cs_fieldmap_of_rows(const struct cs_space *space, const struct cs_blocks *blocks,
                                   const uint8_t *rows, size_t n, size_t size, cs_field_vec *out,
                                   struct cs_error *err)
{
        uint32_t none[CS_LIMIT_FIELD_SAMPLES];
        uint64_t values[CS_LIMIT_FIELD_SAMPLES], copy[CS_LIMIT_FIELD_SAMPLES];
        struct column column = { space, blocks, none, values, copy, n };
        enum cs_status st = CS_OK;
        memset(none, 0xff, sizeof(none)); /* CS_NO_BLOCK */
        for (size_t at = 0; st == CS_OK && n && at < size && at / 8 < CS_LIMIT_FIELD_WORDS; at += 8) {
                size_t part = size - at < 8 ? size - at : 8;
                for (size_t i = 0; i < n; i++) {
                        values[i] = 0;
                        memcpy(&values[i], rows + i * size + at, part);
                }
                struct cs_field f = judge(&column, (uint32_t)at);
                st = add_field(out, &f, err);
                if (st == CS_OK)
                        out->at[out->n - 1].size -= (uint32_t)(8 - part);
        }
        fold_noise(out);
        return st;
}
