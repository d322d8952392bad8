/* SPDX-License-Identifier: Apache-2.0 */
#include "period_private.h"

#include "bytes.h"

#include <math.h>
#include <stdlib.h>

enum {
        BLOCK = 512, /* bytes of which it is known together how well they agree with those one stride on */
        PIECE = 2 << 10,   /* a candidate is judged by so many bytes, */
        PIECE_ROWS = 24,   /* or so many records where that is more; */
        ROWS_MAX = 128,    /* of which no more are looked at, */
        ROWS_LEAST = 8,    /* and fewer tell nothing, */
        FAR_ROWS = 4,      /* but for long records: thousands of columns */
        NUMBER_ROWS = 128, /* for strides up to 8: every array of numbers has columns that hardly change */
        VECTOR = 16,
        LONG_ANCHOR =
                4, /* bytes that are no accident: then half of the keys will do, for some may belong to a record behind */
        SHIFTS = 6, /* of keys that are tried to lay one period upon another */
        BEGINS = 16,
        TELLS = 3, /* bytes before the first anchor that must be those of a record */
        TRIED = 3, /* strides that are tried of all buffers: words of these sizes need not recur to be of one kind */
};

/* A constant column: the same in so many of the rows. Some records that are free, or of another type, are normal. */
static const double CONSTANT = 0.75;
/* Bits that constant columns must spare in all, after what it takes to tell them. */
static const double EVIDENCE = 64, TELLING = 12;
/* A longer stride must explain so much more than a shorter one. */
static const double AS_GOOD = 0.85;

enum cs_status cs_period_finder_create(struct cs_period_finder **out, struct cs_error *err)
{
        *out = malloc(sizeof(**out));
        return *out ? CS_OK : cs_fail(err, CS_ENOMEM, "tables for periods");
}

void cs_period_finder_destroy(struct cs_period_finder *finder)
{
        free(finder);
}

/* ---- what is common ---------------------------------------------------------------------------------------------- */

static void count_common(struct cs_period_finder *f, const uint8_t *bytes, size_t len)
{
        if (len > CS_PERIOD_NEAR)
                len = CS_PERIOD_NEAR;
        memset(f->common, 0, sizeof(f->common));
        for (size_t i = 0; i + 8 <= len; i += 8)
                for (size_t k = 0; k < 8; k++)
                        f->common[k][bytes[i + k]]++;
        f->n_common = (uint32_t)(len / 8);
}

/* Bits that the value tells at column c of that stride: those columns are left out of account that every array of words of
 * 8 bytes (or of 4, 2) has, as the upper bytes of pointers. Strides that are no longer than these have only all bytes to compare with. */
static double bits_of(const struct cs_period_finder *f, uint32_t stride, size_t c, uint8_t value)
{
        size_t step = stride <= 8 ? 1 : stride % 8 == 0 ? 8 : stride % 4 == 0 ? 4 : stride % 2 == 0 ? 2 : 1;
        uint64_t n = 0, of = 0;
        for (size_t k = c % step; k < 8; k += step) {
                n += f->common[k][value];
                of += f->n_common;
        }
        return log2(((double)of + 256) / ((double)n + 1));
}

/* ---- columns ----------------------------------------------------------------------------------------------------- */

/* Bytes of the block at `at` that are those one stride on. */
static size_t agreeing(const uint8_t *at, const uint8_t *on, size_t len)
{
        size_t same = 0;
        for (size_t i = 0; i + 8 <= len; i += 8) {
                uint64_t x = cs_word(at + i) ^ cs_word(on + i);
                /* A zero byte of x becomes a bit. */
                x = ~(((x & UINT64_C(0x7f7f7f7f7f7f7f7f)) + UINT64_C(0x7f7f7f7f7f7f7f7f)) | x |
                      UINT64_C(0x7f7f7f7f7f7f7f7f));
                same += (x >> 7) * UINT64_C(0x0101010101010101) >> 56;
        }
        return same;
}

/* Where `want` bytes begin, a multiple of BLOCK into the buffer, that agree best with what comes one stride on. Fillings agree with
 * themselves at any distance: they are told by the bytes beside each other. */
static size_t best_piece(const uint8_t *bytes, size_t len, uint32_t stride, size_t want)
{
        int32_t score[CS_PERIOD_FAR / BLOCK] = { 0 }, sum = 0, best = INT32_MIN;
        size_t found = 0, n = 0, blocks = want / BLOCK;
        size_t looked = len > CS_PERIOD_NEAR ? BLOCK / 8 : BLOCK;
        for (; (n + 1) * BLOCK + stride <= len && n < CS_PERIOD_FAR / BLOCK; n++) {
                const uint8_t *at = bytes + n * BLOCK;
                score[n] = (int32_t)agreeing(at, at + stride, looked) - (int32_t)agreeing(at, at + 1, looked);
        }
        /* The last stride of the piece is compared with what lies behind it: not asked. */
        size_t asked = blocks > stride / BLOCK ? blocks - stride / BLOCK : 1;
        for (size_t i = 0; i < n; i++) {
                sum += score[i];
                if (i + 1 < asked)
                        continue;
                if (i >= asked)
                        sum -= score[i - asked];
                size_t from = (i + 1 - asked) * BLOCK;
                if (sum > best && len - from >= want) {
                        best = sum;
                        found = from;
                }
        }
        return found;
}

typedef uint8_t vector __attribute__((vector_size(VECTOR)));

static inline vector load(const uint8_t *at)
{
        vector v;
        memcpy(&v, at, VECTOR);
        return v;
}

static inline void store(uint8_t *at, vector v)
{
        memcpy(at, &v, VECTOR);
}

/* One row more for VECTOR columns: the most frequent value is what is left of a majority vote (Boyer and Moore). */
static inline void elect_row(uint8_t *value, uint8_t *lead, const uint8_t *row)
{
        vector v = load(value), n = load(lead), x = load(row);
        vector same = (vector)(v == x), none = (vector)(n == 0) & ~same;
        v = (x & none) | (v & ~none);
        /* +1 where it is the same or there was none; -1 elsewhere. */
        vector up = same | none;
        n = n - up - (~up & 1);
        store(value, v);
        store(lead, n);
}

static inline void count_row(const uint8_t *value, uint8_t *agree, const uint8_t *row)
{
        store(agree, load(agree) - (vector)(load(value) == load(row)));
}

/* Fills value and agree of all columns. at has rows * stride bytes, and is read no further. */
static void judge_columns(struct cs_period_finder *f, const uint8_t *at, size_t rows, uint32_t stride)
{
        size_t whole = stride / VECTOR * VECTOR;
        memcpy(f->value, at, stride);
        memset(f->lead, 1, stride);
        memset(f->agree, 0, stride);
        for (size_t r = 1; r < rows; r++) {
                const uint8_t *row = at + r * stride;
                for (size_t c = 0; c < whole; c += VECTOR)
                        elect_row(f->value + c, f->lead + c, row + c);
                for (size_t c = whole; c < stride; c++) {
                        bool same = f->value[c] == row[c], none = !f->lead[c] && !same;
                        if (none)
                                f->value[c] = row[c];
                        f->lead[c] = (uint8_t)(same || none ? f->lead[c] + 1 : f->lead[c] - 1);
                }
        }
        for (size_t r = 0; r < rows; r++) {
                const uint8_t *row = at + r * stride;
                for (size_t c = 0; c < whole; c += VECTOR)
                        count_row(f->value + c, f->agree + c, row + c);
                for (size_t c = whole; c < stride; c++)
                        f->agree[c] = (uint8_t)(f->agree[c] + (f->value[c] == row[c]));
        }
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

struct judged {
        uint32_t stride;
        size_t piece; /* position */
        size_t rows;
        double bits; /* per byte */
};

/* Bits that rows spare of which so many have a value that tells `bits`. */
static double gain(double bits, size_t agree, size_t rows)
{
        double share = (double)agree / (double)rows, likely = exp2(-bits), rest = 1 - share;
        double gained = share * (log2(share) + bits);
        if (rest > 0)
                gained += rest * log2(rest / (1 - likely));
        return gained * (double)rows;
}

/* What the stride explains; false where it is nothing, or no more than an accident. Leaves value and bits of the columns. */
static bool judge(struct cs_period_finder *f, const uint8_t *bytes, size_t len, uint32_t stride,
                  struct judged *out)
{
        size_t rows = PIECE / stride > PIECE_ROWS ? PIECE / stride : PIECE_ROWS;
        size_t least = stride <= 8 ? NUMBER_ROWS : stride > CS_PERIOD_SHORT ? FAR_ROWS : ROWS_LEAST;
        if (rows > ROWS_MAX && stride > 8)
                rows = ROWS_MAX;
        if (rows > UINT8_MAX)
                rows = UINT8_MAX;
        if (rows * stride > len)
                rows = len / stride;
        if (rows < least)
                return false;
        *out = (struct judged){ .stride = stride, .rows = rows };
        out->piece = best_piece(bytes, len, stride, rows * stride);
        judge_columns(f, bytes + out->piece, rows, stride);
        double spared = 0, all = 0;
        bool telling = false;
        for (uint32_t c = 0; c < stride; c++) {
                f->bits[c] = 0;
                if (f->agree[c] < CONSTANT * (double)rows)
                        continue;
                double bits = bits_of(f, stride, c, f->value[c]), all_rows = gain(bits, f->agree[c], rows);
                /* One in many columns is constant by accident. */
                if (all_rows < TELLING + log2(stride))
                        continue;
                f->bits[c] = (float)bits;
                spared += all_rows - TELLING;
                all += bits;
                telling |= f->value[c] != 0 && bits > 1;
        }
        out->bits = all / stride;
        return telling && spared >= EVIDENCE;
}

/* Is the whole piece one value? Columns that are all the same are a filling, not records. */
static bool is_filling(const struct cs_period_finder *f, uint32_t stride, size_t rows)
{
        for (uint32_t c = 0; c < stride; c++)
                if (f->value[c] != f->value[0] || f->agree[c] < CONSTANT * (double)rows)
                        return false;
        return true;
}

/* ---- describing -------------------------------------------------------------------------------------------------- */

/* The bytes of n columns from c on, or 0 where one is not constant, or they are not one value: a quarter of it may be zeros at its
 * end (the upper bytes of a pointer), and none are before others. */
static uint64_t word_of(const struct cs_period_finder *f, uint32_t stride, uint32_t c, uint32_t n)
{
        uint64_t word = 0;
        uint32_t zeros = 0;
        if (n > stride)
                return 0;
        for (uint32_t i = 0; i < n; i++) {
                uint32_t k = (c + i) % stride;
                if (!(f->bits[k] > 0) || (zeros && f->value[k]))
                        return 0;
                zeros += f->value[k] == 0;
                word = word << 8 | f->value[k];
        }
        return zeros * 4 <= n ? word : 0;
}

/* Does anything begin at column c: it is behind a zero, or what is not constant, or there is no such place far and wide? */
static bool begins(const struct cs_period_finder *f, uint32_t stride, uint32_t c)
{
        for (uint32_t back = 1; back <= BEGINS && back < stride; back++) {
                uint32_t k = (c + stride - back) % stride;
                if (f->value[k] == 0 || !(f->bits[k] > 0))
                        return back == 1;
        }
        return true;
}

/* The column with which the anchor begins, and its length. Which one must depend on nothing but what is constant: buffers of the
 * same records are to be known by the same bytes. So of words of 8 constant bytes
 * (else fewer) that with the least hash, of those that begin where constant bytes do: what is behind the anchor is then mostly of the
 * same record. */
static uint32_t find_anchor(const struct cs_period_finder *f, uint32_t stride, uint32_t *len)
{
        static const uint8_t lengths[] = {
                CS_PERIOD_ANCHOR, 6, 4, 3, 2, 1
        }; /* a pointer has 6 bytes that tell */
        uint32_t best = 0;
        for (size_t i = 0; i < sizeof(lengths); i++) {
                uint32_t n = lengths[i];
                uint64_t least = UINT64_MAX;
                for (uint32_t c = 0; c < stride; c++) {
                        uint64_t word = begins(f, stride, c) ? word_of(f, stride, c, n) : 0;
                        if (!word || cs_mix(word) >= least)
                                continue;
                        least = cs_mix(word);
                        best = c;
                }
                *len = n;
                if (least != UINT64_MAX)
                        return best;
        }
        *len = 0;
        return 0;
}

/* The anchor, and of the other constant columns those with the least hashes: the same ones whatever the buffer. */
static void take_keys(const struct cs_period_finder *f, uint32_t stride, uint32_t anchor, uint32_t len,
                      struct cs_period *out)
{
        uint64_t hashes[CS_PERIOD_KEYS];
        uint32_t n = 0;
        for (; n < len; n++)
                out->keys[n] = (struct cs_period_key){ (uint16_t)n, f->value[(anchor + n) % stride] };
        out->anchor = len;
        for (uint32_t o = len; o < stride; o++) {
                uint32_t c = (anchor + o) % stride, most = n;
                uint64_t hash = cs_mix((uint64_t)o << 8 | f->value[c]);
                if (!(f->bits[c] > 0))
                        continue;
                if (n == CS_PERIOD_KEYS) {
                        most = len;
                        for (uint32_t k = len; k < n; k++)
                                if (hashes[k] > hashes[most])
                                        most = k;
                        if (hashes[most] <= hash)
                                continue;
                        n--;
                        memmove(&out->keys[most], &out->keys[most + 1], (n - most) * sizeof(out->keys[0]));
                        memmove(&hashes[most], &hashes[most + 1], (n - most) * sizeof(hashes[0]));
                }
                hashes[n] = hash;
                out->keys[n++] = (struct cs_period_key){ (uint16_t)o, f->value[c] };
        }
        out->n_keys = n;
}

static bool describe(struct cs_period_finder *f, const struct judged *j, struct cs_period *out)
{
        uint32_t len, constant = 0, anchor = find_anchor(f, j->stride, &len);
        if (!len)
                return false;
        for (uint32_t c = 0; c < j->stride; c++)
                constant += f->bits[c] > 0;
        *out = (struct cs_period){ .stride = j->stride,
                                   .phase = (uint32_t)((j->piece + anchor) % j->stride),
                                   .records = (uint32_t)j->rows,
                                   .share = (double)constant / j->stride };
        take_keys(f, j->stride, anchor, len, out);
        return true;
}

static bool choose(struct cs_period_finder *f, const uint8_t *bytes, size_t len, const uint32_t *candidates,
                   size_t n, struct cs_period *out)
{
        struct judged judged[CS_PERIOD_CANDIDATES];
        size_t good = 0;
        double most = 0;
        for (size_t i = 0; i < n; i++) {
                struct judged *j = &judged[good];
                if (!judge(f, bytes, len, candidates[i], j) || is_filling(f, j->stride, j->rows))
                        continue;
                most = fmax(most, j->bits);
                good++;
        }
        for (size_t i = 0; i < good; i++)
                if (judged[i].bits >= AS_GOOD * most)
                        return judge(f, bytes, len, judged[i].stride, &judged[i]) &&
                               describe(f, &judged[i], out);
        return false;
}

bool cs_period_find(struct cs_period_finder *f, const uint8_t *bytes, size_t len, bool far,
                    struct cs_period *out)
{
        static const uint32_t numbers[TRIED] = { 2, 4, 8 };
        uint32_t candidates[CS_PERIOD_CANDIDATES];
        size_t near = len < CS_PERIOD_NEAR ? len : CS_PERIOD_NEAR, n, words = 0;
        if (len > CS_PERIOD_FAR)
                len = CS_PERIOD_FAR;
        count_common(f, bytes, near);
        n = cs_period_vote_near(f, bytes, near, candidates);
        while (words < n && candidates[words] <= 8)
                words++;
        if (n > words && choose(f, bytes, near, candidates + words, n - words, out))
                return true;
        if (far && len > near) {
                size_t n_far;
                uint32_t far_candidates[CS_PERIOD_CANDIDATES];
                n_far = cs_period_vote_far(f, bytes, len, far_candidates);
                if (n_far && choose(f, bytes, len, far_candidates, n_far, out))
                        return true;
        }
        /* Shorter ones last: within records, there are words of one kind as well. */
        for (size_t i = 0; i < TRIED; i++) {
                size_t k = 0;
                while (k < words && candidates[k] != numbers[i])
                        k++;
                if (k == words && words < CS_PERIOD_CANDIDATES)
                        candidates[words++] = numbers[i];
        }
        return choose(f, bytes, near, candidates, words, out);
}

/* ---- following --------------------------------------------------------------------------------------------------- */

bool cs_period_fits(const struct cs_period *period, const uint8_t *at, size_t left)
{
        uint32_t fit = 0, asked = 0, anchor = 0;
        for (uint32_t i = 0; i < period->n_keys && period->keys[i].offset < left; i++, asked++) {
                bool same = at[period->keys[i].offset] == period->keys[i].value;
                fit += same;
                anchor += same && i < period->anchor;
        }
        if (asked * 2 < period->n_keys)
                return false;
        return fit * 4 >= asked * 3 ||
               (anchor >= LONG_ANCHOR && anchor == period->anchor && fit * 2 >= asked);
}

bool cs_period_fits_part(const struct cs_period *period, const uint8_t *at, size_t part)
{
        uint32_t telling = 0;
        for (uint32_t i = 0; i < period->n_keys && period->keys[i].offset < part; i++) {
                if (at[period->keys[i].offset] != period->keys[i].value)
                        return false;
                telling += period->keys[i].value != 0;
        }
        return telling > 0;
}

/* The next position from `from` up to `end` where a record may be: its anchor is there; end: none. */
static size_t next_anchor(const struct cs_period *period, const uint8_t *bytes, size_t len, size_t from,
                          size_t end)
{
        uint8_t anchor[CS_PERIOD_KEYS];
        size_t n = period->anchor;
        for (size_t i = 0; i < n; i++)
                anchor[i] = period->keys[i].value;
        size_t until =
                len - end > n - 1 ? end + n - 1 : len; /* a hit may end behind the last place for one */
        while (from < end && until - from >= n) {
                const uint8_t *hit = memmem(bytes + from, until - from, anchor, n);
                if (!hit)
                        return end;
                from = (size_t)(hit - bytes);
                if (cs_period_fits(period, hit, len - from))
                        return from;
                from++;
        }
        return end;
}

bool cs_period_run(const struct cs_period *period, const uint8_t *bytes, size_t len, size_t from, size_t end,
                   struct cs_period_run *out)
{
        size_t gap = CS_PERIOD_GAP + 2 * (size_t)period->stride;
        if (end > len)
                end = len;
        if (from >= end || len < period->anchor)
                return false;
        size_t at = next_anchor(period, bytes, len, from, end);
        if (at == end)
                return false;
        *out = (struct cs_period_run){ at, at, 1 };
        /* Records before it that differ in the anchor alone. */
        for (; out->first - from >= period->stride &&
               cs_period_fits(period, bytes + out->first - period->stride, len - out->first + period->stride);
             out->records++)
                out->first -= period->stride;
        for (;;) {
                size_t next = at + period->stride;
                if (next >= end)
                        return true;
                if (!cs_period_fits(period, bytes + next, len - next)) {
                        /* Another record, or the end of a page of them. */
                        size_t until = end - next > gap ? next + gap : end, k = next;
                        while (k < until && !cs_period_fits(period, bytes + k, len - k))
                                k += period->stride;
                        if (k >= until || k - next > 4 * (size_t)period->stride) {
                                size_t other = next_anchor(period, bytes, len, at + 1, until);
                                if (other < k)
                                        k = other;
                        }
                        if (k >= until)
                                return true;
                        next = k;
                }
                out->records++;
                out->last = at = next;
        }
}

/* Keys of both, where b's anchor stands `shift` bytes behind a's: how many, and how many of them are the same. */
static void compare_keys(const struct cs_period *a, const struct cs_period *b, uint32_t shift, uint32_t *both,
                         uint32_t *same)
{
        *both = *same = 0;
        for (uint32_t k = 0; k < b->n_keys; k++) {
                uint32_t offset = (b->keys[k].offset + shift) % a->stride;
                bool known = false, alike = false;
                for (uint32_t i = 0; i < a->n_keys; i++) {
                        if (a->keys[i].offset != offset)
                                continue;
                        known = true;
                        alike |= a->keys[i].value == b->keys[k].value;
                }
                *both += known;
                *same += alike;
        }
}

bool cs_period_same(const struct cs_period *a, const struct cs_period *b)
{
        uint32_t fewest = a->n_keys < b->n_keys ? a->n_keys : b->n_keys, tried = 0;
        if (a->stride != b->stride)
                return false;
        /* They stand in the same order, but may begin elsewhere: where one of b's first keys is a's. */
        for (uint32_t k = 0; k < b->n_keys && tried < SHIFTS; k++) {
                tried += b->keys[k].value != 0;
                for (uint32_t i = 0; b->keys[k].value && i < a->n_keys; i++) {
                        uint32_t both, same;
                        if (a->keys[i].value != b->keys[k].value)
                                continue;
                        compare_keys(a, b, a->keys[i].offset + a->stride - b->keys[k].offset, &both, &same);
                        if (both * 2 >= fewest && same * 4 >= both * 3)
                                return true;
                }
        }
        return false;
}

uint32_t cs_period_into_word(const struct cs_period *period, uint64_t at)
{
        uint32_t into = (uint32_t)(at % 8), nonzero = 0;
        while (nonzero < period->anchor && period->keys[nonzero].value)
                nonzero++;
        return period->stride % 8 == 0 && into + nonzero <= 8 ? into : 0;
}

uint32_t cs_period_before(const struct cs_period *period, const uint8_t *anchor, size_t before)
{
        uint32_t o = period->stride, telling = 0, first = period->stride;
        for (uint32_t k = period->n_keys; k > 0; k--) {
                const struct cs_period_key *key = &period->keys[k - 1];
                size_t back = period->stride - key->offset;
                if (key->offset == 0 || back > before || *(anchor - back) != key->value)
                        break;
                o = key->offset;
                telling += key->value != 0;
                if (key->value)
                        first = o;
        }
        return telling >= TELLS ? period->stride - first : 0;
}
