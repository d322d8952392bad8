/* SPDX-License-Identifier: Apache-2.0 */
#include "buckets.h"

#include <math.h>
#include <string.h>

/* With less false alarms than one in so many bytes half the buckets will do, which are looked at in half the time. */
static const double few_alarms = 1.0 / 2000;

/* The halves that bytes of a set have: its bytes are among the combinations of them. */
struct product {
        uint16_t low, high;
};

struct bucket {
        struct product at[CS_BUCKET_PLACES];
        double share;
        bool empty; /* it went into another one */
};

struct work {
        double share[256]; /* of each byte */
        struct bucket *buckets;
        double *added; /* by two buckets: what they would cost more as one */
        uint32_t *in;  /* by needle: its bucket */
        size_t n;
};

/* How often a byte is found where needles are nearly found, which is in text: words, numbers, and what stands between them. */
static double share_in_text(uint8_t byte)
{
        if ((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == ' ')
                return 0.022;
        return byte > ' ' && byte < 0x7f ? 0.005 : 0.001;
}

static struct product product_of(const struct cs_byteset *set)
{
        struct product p = { 0, 0 };
        for (unsigned b = 0; b < 256; b++)
                if (cs_byteset_has(set, (uint8_t)b)) {
                        p.low |= (uint16_t)(1u << (b & 15));
                        p.high |= (uint16_t)(1u << (b >> 4));
                }
        return p;
}

static double share_of(const struct work *w, struct product p)
{
        double share = 0;
        for (unsigned high = p.high; high; high &= high - 1)
                for (unsigned low = p.low; low; low &= low - 1)
                        share += w->share[__builtin_ctz(high) << 4 | __builtin_ctz(low)];
        return share;
}

static double bucket_share(const struct work *w, const struct bucket *b)
{
        double share = 1;
        for (unsigned k = 0; k < CS_BUCKET_PLACES; k++)
                share *= share_of(w, b->at[k]);
        return share;
}

static struct bucket joined(const struct work *w, const struct bucket *a, const struct bucket *b)
{
        struct bucket both;
        for (unsigned k = 0; k < CS_BUCKET_PLACES; k++)
                both.at[k] = (struct product){ a->at[k].low | b->at[k].low, a->at[k].high | b->at[k].high };
        both.share = bucket_share(w, &both);
        both.empty = false;
        return both;
}

/* The needle's most telling bytes; what is behind the end of a short one may be any. */
static uint32_t choose_first(const struct work *w, const struct cs_needle *needle, struct bucket *out)
{
        static const struct product any = { UINT16_MAX, UINT16_MAX };
        uint32_t best_first = 0;
        for (uint32_t first = 0; first == 0 || first + CS_BUCKET_PLACES <= needle->len; first++) {
                struct bucket b = { .empty = false };
                for (uint32_t k = 0; k < CS_BUCKET_PLACES; k++)
                        b.at[k] = first + k < needle->len ? product_of(&needle->at[first + k]) : any;
                b.share = bucket_share(w, &b);
                if (first == 0 || b.share < out->share) {
                        best_first = first;
                        *out = b;
                }
        }
        return best_first;
}

static void weigh(struct work *w, size_t i)
{
        for (size_t k = 0; k < w->n; k++) {
                const struct bucket *a = &w->buckets[i], *b = &w->buckets[k];
                double added = HUGE_VAL;
                if (k != i && !a->empty && !b->empty)
                        added = joined(w, a, b).share - a->share - b->share;
                w->added[i * w->n + k] = w->added[k * w->n + i] = added;
        }
}

/* Joins the two buckets that cost least together. */
static void join_two(struct work *w)
{
        size_t best = 1;
        for (size_t i = 1; i < w->n * w->n; i++)
                if (w->added[i] < w->added[best])
                        best = i;
        size_t to = best / w->n, from = best % w->n;
        w->buckets[to] = joined(w, &w->buckets[to], &w->buckets[from]);
        w->buckets[from].empty = true;
        for (size_t i = 0; i < w->n; i++)
                if (w->in[i] == from)
                        w->in[i] = (uint32_t)to;
        weigh(w, from);
        weigh(w, to);
}

static double sum_of(const struct work *w)
{
        double share = 0;
        for (size_t i = 0; i < w->n; i++)
                share += w->buckets[i].empty ? 0 : w->buckets[i].share;
        return share;
}

static void write_bytes(const struct cs_needle *needle, uint32_t first, uint32_t bucket,
                        struct cs_buckets *out)
{
        uint32_t group = bucket / CS_BUCKETS_GROUP;
        uint8_t bit = (uint8_t)(1u << bucket % CS_BUCKETS_GROUP);
        for (uint32_t k = 0; k < CS_BUCKET_PLACES; k++)
                for (unsigned b = 0; b < 256; b++)
                        if (first + k >= needle->len || cs_byteset_has(&needle->at[first + k], (uint8_t)b))
                                out->sevens[group][k][b % 128] |= bit;
}

static void write_tables(const struct work *w, const struct cs_needle *const *needles, struct cs_buckets *out)
{
        uint32_t number = 0;
        for (size_t i = 0; i < w->n; i++) {
                if (w->buckets[i].empty)
                        continue;
                uint8_t bit = (uint8_t)(1u << number % CS_BUCKETS_GROUP);
                for (unsigned k = 0; k < CS_BUCKET_PLACES; k++) {
                        struct cs_halves *h = &out->halves[number / CS_BUCKETS_GROUP][k];
                        for (unsigned half = 0; half < 16; half++) {
                                h->low[half] |= w->buckets[i].at[k].low >> half & 1 ? bit : 0;
                                h->high[half] |= w->buckets[i].at[k].high >> half & 1 ? bit : 0;
                        }
                }
                for (size_t m = 0; m < w->n; m++)
                        if (w->in[m] == i)
                                out->bucket[m] = number;
                number++;
        }
        for (size_t i = 0; i < w->n; i++)
                write_bytes(needles[i], out->first[i], out->bucket[i], out);
        out->groups = number > CS_BUCKETS_GROUP ? 2 : 1;
}

enum cs_status cs_buckets_fill(const struct cs_needle *const *needles, size_t n, struct cs_pool *pool,
                               struct cs_buckets *out, struct cs_error *err)
{
        cs_cleanup(cs_pool_deinit) struct cs_pool scratch = { 0 };
        struct work w = { .n = n };
        *out = (struct cs_buckets){ .first = cs_pool_alloc(pool, n, sizeof(*out->first)),
                                    .bucket = cs_pool_alloc(pool, n, sizeof(*out->bucket)) };
        w.buckets = cs_pool_alloc(&scratch, n, sizeof(*w.buckets));
        w.added = cs_pool_alloc(&scratch, n * n, sizeof(*w.added));
        w.in = cs_pool_alloc(&scratch, n, sizeof(*w.in));
        struct bucket *kept = cs_pool_alloc(&scratch, n, sizeof(*kept));
        uint32_t *kept_in = cs_pool_alloc(&scratch, n, sizeof(*kept_in));
        if (!out->first || !out->bucket || !w.buckets || !w.added || !w.in || !kept || !kept_in)
                return cs_fail(err, CS_ENOMEM, "tables of needles");
        for (unsigned b = 0; b < 256; b++)
                w.share[b] = share_in_text((uint8_t)b);
        for (size_t i = 0; i < n; i++) {
                out->first[i] = choose_first(&w, needles[i], &w.buckets[i]);
                w.in[i] = (uint32_t)i;
        }
        for (size_t i = 0; i < n; i++)
                weigh(&w, i);
        size_t left = n;
        for (; left > CS_BUCKETS_MOST; left--)
                join_two(&w);
        memcpy(kept, w.buckets, n * sizeof(*kept));
        memcpy(kept_in, w.in, n * sizeof(*kept_in));
        for (; left > CS_BUCKETS_GROUP; left--)
                join_two(&w);
        if (sum_of(&w) > few_alarms) {
                memcpy(w.buckets, kept, n * sizeof(*kept));
                memcpy(w.in, kept_in, n * sizeof(*kept_in));
        }
        out->share = sum_of(&w);
        write_tables(&w, needles, out);
        return CS_OK;
}
