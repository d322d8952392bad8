/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of one skeleton come from one source, or from several that happen to look alike. Top down: while
 * there is a column with few values for so many texts, its values are keywords, and the set is divided by
 * them (the column with the fewest values first: it tells sources apart; a column that is a keyword in one
 * source and a variable in another is decided when they are apart). When no such column is left, all columns
 * that still vary are variable, and the set is one source, provided that enough stays the same. */
#include "merge.h"

#include "bytes.h"

#include <stdlib.h>
#include <string.h>

enum {
        /* Values that a keyword column has at most: KEYWORDS_MIN, more when there are more texts (one for
         * each TEXTS_PER_KEYWORD), and never more than KEYWORDS_MAX. */
        KEYWORDS_MIN = 4,
        KEYWORDS_MAX = 40,
        TEXTS_PER_KEYWORD = 25,

        /* Where a value stands, as many are keywords, or more if one of them has more than half the texts. */
        VALUES_MAX = 4,

        /* In a variable column a value with this share (in per cent) and this count stays apart when there
         * are at least two of them: two common paths among many rare ones. */
        COMMON_SHARE = 10,
        COMMON_COUNT = 64,

        /* What has nothing in common is one bunch <*> only when there are as many of them, except for values
         * which occur this often. */
        BUNCH = 1000,
        BUNCH_COMMON = 16,

        /* Names that programs make are keywords only where there are no more of them. */
        MADE_MAX = 2,

        RARE_SHARE = 2,  /* per cent of the texts */
        RARE_VALUES = 3, /* as many rare ones tell that the column is variable */

        SLOTS = 256, /* > 4 * (KEYWORDS_MAX + 1), a power of two */

        /* The head of a text tells its source: among strangers only so many varying columns are looked at. */
        STRANGER_COLUMNS = 8,
};

/* The values of one column in the set at hand, up to the number of keywords. Slots are valid in one round
 * only. */
struct column {
        uint32_t round[SLOTS];
        uint32_t key[SLOTS];
        uint64_t count[SLOTS];
        uint32_t distinct[4]; /* values by kind of cell; one more than the limit means many */
        uint64_t texts[4];
        bool value; /* it is one in all rows */
        bool name;  /* somebody's, in some of the rows */
        bool alone; /* the text is nothing else */
        bool any;   /* an earlier merging found it to be variable in some of the rows */
};

struct set {
        size_t lo, hi;
        uint64_t variable; /* columns that are decided to be variable */
};

struct divider {
        struct cs_rows *rows;
        cs_leaves *leaves;
        CS_VEC(struct set) sets;
        struct column *columns;
        uint32_t *scratch; /* one for each row */
        uint32_t round;
};

static uint32_t keyword_limit(uint64_t texts)
{
        uint64_t limit = texts / TEXTS_PER_KEYWORD;
        if (limit < KEYWORDS_MIN)
                return KEYWORDS_MIN;
        return limit > KEYWORDS_MAX ? KEYWORDS_MAX : (uint32_t)limit;
}

static size_t width(const struct cs_rows *rows, const struct set *set)
{
        size_t n = 0;
        for (size_t i = set->lo; i < set->hi; i++)
                if (rows->at[i].n > n)
                        n = rows->at[i].n;
        return n;
}

static void note(struct column *c, uint32_t round, uint32_t cell, uint64_t count, uint32_t limit)
{
        unsigned kind = cell & CS_CELL_KIND;
        c->texts[kind] += count;
        if (c->distinct[kind] > limit)
                return;
        size_t at = (size_t)cs_mix(cell) % SLOTS;
        while (c->round[at] == round && c->key[at] != cell)
                at = (at + 1) % SLOTS;
        if (c->round[at] != round) {
                c->round[at] = round;
                c->key[at] = cell;
                c->count[at] = 0;
                c->distinct[kind]++;
        }
        c->count[at] += count;
}

static void count_columns(struct divider *d, const struct set *set, size_t n, uint32_t limit)
{
        const struct cs_rows *rows = d->rows;
        d->round++;
        for (size_t c = 0; c < n; c++) {
                memset(d->columns[c].distinct, 0, sizeof(d->columns[c].distinct));
                memset(d->columns[c].texts, 0, sizeof(d->columns[c].texts));
                d->columns[c].value = true;
                d->columns[c].name = false;
                d->columns[c].alone = n == 1;
                d->columns[c].any = false;
        }
        for (size_t i = set->lo; i < set->hi; i++) {
                const struct cs_row *row = &rows->at[i];
                for (size_t c = 0; c < row->n; c++) {
                        if (set->variable >> c & 1)
                                continue;
                        d->columns[c].value &= row->values >> c & 1;
                        d->columns[c].name |= row->names >> c & 1;
                        d->columns[c].any |= rows->cells[row->first + c] == CS_CELL_ANY;
                        note(&d->columns[c], d->round, rows->cells[row->first + c], row->count, limit);
                }
        }
}

/* The most frequent value (of a kind, or of any): what cells take that a cut text no longer has. */
static uint32_t usual(const struct column *c, uint32_t round, bool masks)
{
        uint32_t key = CS_CELL_ABSENT;
        uint64_t most = 0;
        for (size_t i = 0; i < SLOTS; i++) {
                if (c->round[i] != round || (masks && (c->key[i] & CS_CELL_KIND) != CS_CELL_MASK))
                        continue;
                if (c->count[i] > most || (c->count[i] == most && c->key[i] > key)) {
                        most = c->count[i];
                        key = c->key[i];
                }
        }
        return key;
}

/* Where most are masked, what looks like an id or a made name is one as well, missed by the masks. */
static bool folds(const struct column *c)
{
        return c->texts[CS_CELL_MASK] && c->texts[CS_CELL_MASK] >= c->texts[CS_CELL_WORD] +
                                                                           c->texts[CS_CELL_ODD] +
                                                                           c->texts[CS_CELL_MADE];
}

/* A text that is one made name (worker<n>) is that, whatever else stands alone. */
static bool folds_kind(const struct column *c, unsigned kind)
{
        return kind == CS_CELL_ODD || (kind == CS_CELL_MADE && !c->alone);
}

static uint32_t values(const struct column *c)
{
        uint32_t n = 0;
        bool fold = folds(c);
        for (unsigned kind = 0; kind <= CS_CELL_KIND; kind++)
                if (!fold || !folds_kind(c, kind))
                        n += c->distinct[kind];
        return n;
}

static bool mostly_made(const struct column *c)
{
        return !folds(c) && c->distinct[CS_CELL_MADE] + c->distinct[CS_CELL_ODD] >= c->distinct[CS_CELL_WORD];
}

/* Are most values rare (below RARE_SHARE per cent of the texts)? Keywords are not, except in a mixture of
 * sources. */
static bool mostly_rare(const struct column *c, uint32_t round, uint64_t texts)
{
        size_t rare = 0, n = 0;
        for (size_t i = 0; i < SLOTS; i++) {
                if (c->round[i] != round)
                        continue;
                n++;
                rare += c->count[i] * 100 < texts * RARE_SHARE;
        }
        return rare >= RARE_VALUES && rare * 2 >= n;
}

/* Names of users and the like, also if there are few of them. */
static bool any_value(const struct column *c, uint32_t round, uint64_t texts)
{
        if (c->name)
                return true;
        if (!c->value || values(c) <= VALUES_MAX)
                return false;
        for (size_t i = 0; i < SLOTS; i++)
                if (c->round[i] == round && c->count[i] > texts / 2)
                        return false;
        return true;
}

static int compare_keys(const void *a, const void *b)
{
        const struct cs_row *x = a, *y = b;
        if (x->key != y->key)
                return x->key < y->key ? -1 : 1;
        return (x->order > y->order) - (x->order < y->order);
}

/* Makes one set of each stretch of rows with one key. The set with key `rest`, if any, has column c variable.
 */
static enum cs_status divide_by_key(struct divider *d, const struct set *set, bool has_rest, uint32_t rest,
                                    size_t c, struct cs_error *err)
{
        struct cs_row *rows = d->rows->at;
        qsort(rows + set->lo, set->hi - set->lo, sizeof(*rows), compare_keys);
        for (size_t lo = set->lo, hi; lo < set->hi; lo = hi) {
                for (hi = lo + 1; hi < set->hi && rows[hi].key == rows[lo].key; hi++)
                        ;
                struct set part = { lo, hi, set->variable };
                if (has_rest && rows[lo].key == rest)
                        part.variable |= 1ull << c;
                enum cs_status st = cs_vec_push(&d->sets, part, err);
                if (st != CS_OK)
                        return st;
        }
        return CS_OK;
}

static void take_keys(struct divider *d, const struct set *set, size_t c, uint32_t missing)
{
        bool fold = folds(&d->columns[c]);
        uint32_t usual_mask = fold ? usual(&d->columns[c], d->round, true) : 0;
        for (size_t i = set->lo; i < set->hi; i++) {
                struct cs_row *row = &d->rows->at[i];
                uint32_t cell = c < row->n ? d->rows->cells[row->first + c] : missing;
                row->key = fold && folds_kind(&d->columns[c], cell & CS_CELL_KIND) ? usual_mask : cell;
        }
}

/* An upper bound that costs no sorting: can two values of column c be common? */
static bool may_be_common(const struct divider *d, const struct set *set, size_t c, uint64_t enough)
{
        uint64_t bucket[SLOTS] = { 0 };
        size_t full = 0, twice = 0;
        for (size_t i = set->lo; i < set->hi; i++) {
                const struct cs_row *row = &d->rows->at[i];
                if (c < row->n)
                        bucket[cs_mix(d->rows->cells[row->first + c]) % SLOTS] += row->count;
        }
        for (size_t i = 0; i < SLOTS; i++) {
                full += bucket[i] >= enough;
                twice += bucket[i] >= 2 * enough;
        }
        return full + twice >= 2;
}

/* Does column c have common values beside its many rare ones? Then divides by them. */
static enum cs_status peel_common(struct divider *d, const struct set *set, size_t c, uint64_t texts,
                                  bool *done, struct cs_error *err)
{
        struct cs_row *rows = d->rows->at;
        const uint32_t rest = UINT32_MAX;
        size_t common = 0;
        uint64_t enough = texts / 100 * COMMON_SHARE;
        if (enough < COMMON_COUNT)
                enough = COMMON_COUNT;
        *done = false;
        if (texts < 2 * enough || !may_be_common(d, set, c, enough))
                return CS_OK;
        take_keys(d, set, c, rest);
        qsort(rows + set->lo, set->hi - set->lo, sizeof(*rows), compare_keys);
        for (size_t lo = set->lo, hi; lo < set->hi; lo = hi) {
                uint64_t count = 0;
                uint32_t key = rows[lo].key;
                for (hi = lo; hi < set->hi && rows[hi].key == key; hi++)
                        count += rows[hi].count;
                if (count >= enough && (key & CS_CELL_KIND) == CS_CELL_WORD)
                        common++;
                else
                        for (size_t i = lo; i < hi; i++)
                                rows[i].key = rest;
        }
        if (common < 2)
                return CS_OK;
        *done = true;
        return divide_by_key(d, set, true, rest, c, err);
}

static int compare_cells(const void *a, const void *b)
{
        uint32_t x, y;
        memcpy(&x, a, sizeof(x));
        memcpy(&y, b, sizeof(y));
        return (x > y) - (x < y);
}

static size_t distinct(struct divider *d, const struct set *set, size_t c)
{
        size_t n = 0, rows = set->hi - set->lo;
        take_keys(d, set, c, CS_CELL_ABSENT);
        for (size_t i = 0; i < rows; i++)
                d->scratch[i] = d->rows->at[set->lo + i].key;
        qsort(d->scratch, rows, sizeof(*d->scratch), compare_cells);
        for (size_t i = 0; i < rows; i++)
                n += i == 0 || d->scratch[i] != d->scratch[i - 1];
        return n;
}

static enum cs_status leaf(struct divider *d, size_t lo, size_t hi, struct cs_error *err)
{
        struct cs_leaf l = { lo, hi };
        return cs_vec_push(d->leaves, l, err);
}

/* Texts that differ in nothing but somebody's name are one source, whoever else is there. Divides by all the rest, if that brings
 * any two together. */
static bool key_without_names(struct divider *d, const struct set *set)
{
        size_t rows = set->hi - set->lo, distinct_keys = 0;
        bool names = false;
        for (size_t i = set->lo; i < set->hi; i++) {
                struct cs_row *row = &d->rows->at[i];
                uint64_t key = row->n;
                for (size_t c = 0; c < row->n; c++)
                        key = cs_mix(key ^ (row->names >> c & 1 ? 1 : d->rows->cells[row->first + c]));
                row->key = d->scratch[i - set->lo] = (uint32_t)key;
                names |= row->names != 0;
        }
        if (!names)
                return false;
        qsort(d->scratch, rows, sizeof(*d->scratch), compare_cells);
        for (size_t i = 0; i < rows; i++)
                distinct_keys += i == 0 || d->scratch[i] != d->scratch[i - 1];
        return distinct_keys > 1 && distinct_keys < rows;
}

/* Too little stays the same for one source. Divides by the column with the fewest values if any of them
 * occurs often; else all stay alone, unless there are very many. */
static enum cs_status divide_strangers(struct divider *d, const struct set *set, uint64_t varying,
                                       struct cs_error *err)
{
        size_t best = 0, fewest = SIZE_MAX;
        size_t looked = 0;
        for (size_t c = 0; c < CS_FIELDS_MAX && looked < STRANGER_COLUMNS; c++) {
                if (!(varying >> c & 1) || d->columns[c].any || d->columns[c].name)
                        continue;
                looked++;
                size_t n = distinct(d, set, c);
                if (n < fewest) {
                        fewest = n;
                        best = c;
                }
        }
        size_t rows = set->hi - set->lo;
        if (fewest > 1 && fewest <= rows / 2) {
                take_keys(d, set, best, CS_CELL_ABSENT);
                return divide_by_key(d, set, false, 0, 0, err);
        }
        if (key_without_names(d, set))
                return divide_by_key(d, set, false, 0, 0, err);
        /* From here each row is a leaf, or goes to the bunch, which is kept at the front. */
        size_t bunch = set->lo;
        if (rows >= BUNCH) {
                for (size_t i = set->lo; i < set->hi; i++)
                        d->rows->at[i].key = d->rows->at[i].count >= BUNCH_COMMON;
                qsort(d->rows->at + set->lo, rows, sizeof(*d->rows->at), compare_keys);
                while (bunch < set->hi && d->rows->at[bunch].key == 0)
                        bunch++;
                if (bunch - set->lo < BUNCH)
                        bunch = set->lo;
        }
        enum cs_status st = bunch > set->lo ? leaf(d, set->lo, bunch, err) : CS_OK;
        for (size_t i = bunch; st == CS_OK && i < set->hi; i++)
                st = leaf(d, i, i + 1, err);
        return st;
}

/* Has no row a segment in this column? */
static bool absent(const struct column *c, uint32_t round)
{
        size_t at = (size_t)cs_mix(CS_CELL_ABSENT) % SLOTS;
        return c->round[at] == round && c->key[at] == CS_CELL_ABSENT && c->distinct[CS_CELL_WORD] == 1;
}

/* Is there enough in common? Words count for one, masks and short paths' absent segments for less. */
static bool alike(const struct divider *d, const struct set *set, size_t n, uint64_t varying)
{
        size_t same = 0, differs = 0;
        for (size_t c = 0; c < n; c++) {
                const struct column *col = &d->columns[c];
                if ((varying | set->variable) >> c & 1)
                        differs += 2;
                else if (col->texts[CS_CELL_MASK])
                        same += 1;
                else if (!absent(col, d->round))
                        same += 2;
        }
        return same * 5 >= (same + differs) * 2;
}

static enum cs_status divide(struct divider *d, const struct set *set, struct cs_error *err)
{
        if (set->hi - set->lo == 1)
                return leaf(d, set->lo, set->hi, err);
        uint64_t texts = 0, varying = 0;
        for (size_t i = set->lo; i < set->hi; i++)
                texts += d->rows->at[i].count;
        size_t n = width(d->rows, set), best = n;
        uint32_t limit = keyword_limit(texts), fewest = limit + 1;
        count_columns(d, set, n, limit);
        for (size_t c = 0; c < n; c++) {
                if (!(set->variable >> c & 1) && (values(&d->columns[c]) > 1 || d->columns[c].any))
                        varying |= 1ull << c;
        }
        bool same = alike(d, set, n, varying);
        for (size_t c = 0; c < n; c++) {
                const struct column *col = &d->columns[c];
                uint32_t v = varying >> c & 1 ? values(col) : 0;
                if (v < 2 || v >= fewest || col->any || (v > MADE_MAX && mostly_made(col)) ||
                    (same && mostly_rare(col, d->round, texts)) || any_value(col, d->round, texts))
                        continue;
                fewest = v;
                best = c;
        }
        if (best < n) {
                take_keys(d, set, best, usual(&d->columns[best], d->round, false));
                return divide_by_key(d, set, false, 0, 0, err);
        }
        for (size_t c = 0; c < n; c++) {
                bool done = false;
                bool peel = (varying >> c & 1) && !d->columns[c].value && !d->columns[c].any;
                enum cs_status st = peel ? peel_common(d, set, c, texts, &done, err) : CS_OK;
                if (st != CS_OK || done)
                        return st;
        }
        if (!varying || same)
                return leaf(d, set->lo, set->hi, err);
        return divide_strangers(d, set, varying, err);
}

static void divider_deinit(struct divider *d)
{
        cs_vec_deinit(&d->sets);
        free(d->columns);
        free(d->scratch);
}

enum cs_status cs_rows_divide(struct cs_rows *rows, cs_leaves *leaves, struct cs_error *err)
{
        cs_cleanup(divider_deinit) struct divider d = { .rows = rows, .leaves = leaves };
        d.columns = calloc(CS_FIELDS_MAX, sizeof(*d.columns));
        d.scratch = calloc(rows->n ? rows->n : 1, sizeof(*d.scratch));
        if (!d.columns || !d.scratch)
                return cs_fail(err, CS_ENOMEM, "columns of templates");
        enum cs_status st = CS_OK;
        for (size_t lo = 0, hi; st == CS_OK && lo < rows->n; lo = hi) {
                for (hi = lo + 1; hi < rows->n && rows->at[hi].skeleton == rows->at[lo].skeleton; hi++)
                        ;
                struct set set = { lo, hi, 0 };
                st = cs_vec_push(&d.sets, set, err);
                while (st == CS_OK && d.sets.n) {
                        set = d.sets.at[--d.sets.n];
                        st = divide(&d, &set, err);
                }
        }
        return st;
}
