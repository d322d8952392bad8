/* SPDX-License-Identifier: Apache-2.0 */
/* By the longest exact part of each needle, its key: a bitmap says of every place whether the (up to) four bytes there, in lower case, may begin a
 * key, and a table which. */
#include "finder_private.h"

#include <stdlib.h>
#include <string.h>

enum {
        KEY_MOST = 4,
        MAP_BITS = 20, /* of hashes of four bytes: 128 KiB, which stay in the cache */
        BUCKET_BITS = 16,
        BLOCK = 4096, /* bytes that are put into lower case at once */
        NONE = UINT32_MAX,
};

struct entry {
        struct cs_needle needle; /* its sets are ours */
        uint32_t key;            /* in lower case, first byte lowest */
        uint32_t key_at;         /* where in the needle */
        uint32_t next;           /* in the bucket */
};

struct tables {
        uint64_t map[KEY_MOST + 1][(1 << MAP_BITS) / 64]; /* by length of key */
        uint32_t buckets[KEY_MOST + 1][1 << BUCKET_BITS];
        bool used[KEY_MOST + 1];
        struct entry *entries;
        struct cs_pool pool;
};

static uint32_t mask_of(uint32_t len)
{
        return len == KEY_MOST ? UINT32_MAX : (1u << 8 * len) - 1;
}

static uint32_t hash(uint32_t key)
{
        return key * 2654435761u >> (32 - MAP_BITS);
}

static void destroy(void *tables)
{
        struct tables *t = tables;
        if (!t)
                return;
        cs_pool_deinit(&t->pool);
        free(t->entries);
        free(t);
}

static uint8_t folded(const struct cs_byteset *set)
{
        unsigned b = 0;
        while (!cs_byteset_has(set, (uint8_t)b))
                b++;
        return cs_byte_fold((uint8_t)b);
}

static enum cs_status enter(struct tables *t, size_t i, const struct cs_needle *needle, struct cs_error *err)
{
        struct entry *e = &t->entries[i];
        uint32_t first = 0, len = cs_needle_key(needle, &first);
        if (!cs_needle_keep(needle, &t->pool, &e->needle))
                return cs_fail(err, CS_ENOMEM, "tables of needles");
        if (!len)
                return cs_fail(err, CS_ENOTSUP, "a needle without a key");
        e->key_at = first;
        for (uint32_t k = 0; k < len; k++)
                e->key |= (uint32_t)folded(&needle->at[first + k]) << 8 * k;
        uint32_t h = hash(e->key);
        t->used[len] = true;
        t->map[len][h / 64] |= UINT64_C(1) << (h % 64);
        uint32_t *bucket = &t->buckets[len][h >> (MAP_BITS - BUCKET_BITS)];
        e->next = *bucket;
        *bucket = (uint32_t)i;
        return CS_OK;
}

static enum cs_status create(const struct cs_needle *const *needles, size_t n, void **out,
                             struct cs_error *err)
{
        struct tables *t = calloc(1, sizeof(*t));
        enum cs_status st = CS_OK;
        if (!t || !(t->entries = calloc(n + 1, sizeof(*t->entries)))) {
                free(t);
                return cs_fail(err, CS_ENOMEM, "tables of needles");
        }
        memset(t->buckets, 0xff, sizeof(t->buckets));
        for (size_t i = 0; st == CS_OK && i < n; i++)
                st = enter(t, i, needles[i], err);
        if (st != CS_OK)
                destroy(t);
        else
                *out = t;
        return st;
}

struct place {
        const uint8_t *bytes;
        size_t len;
        size_t at;    /* where the key would stand */
        uint32_t key; /* the bytes there in lower case */
};

static bool look_up(const struct tables *t, uint32_t len, const struct place *p, cs_finder_fn fn,
                    void *context)
{
        uint32_t i = t->buckets[len][hash(p->key) >> (MAP_BITS - BUCKET_BITS)];
        for (; i != NONE; i = t->entries[i].next) {
                const struct entry *e = &t->entries[i];
                if (e->key != p->key || e->key_at > p->at || e->needle.len > p->len - (p->at - e->key_at) ||
                    !cs_needle_is(&e->needle, p->bytes + p->at - e->key_at))
                        continue;
                size_t end = p->at - e->key_at + e->needle.len;
                if (!fn(context, i, end, end))
                        return false;
        }
        return true;
}

static bool run(const void *tables, void *scan, const uint8_t *bytes, size_t len, cs_finder_fn fn,
                void *context)
{
        const struct tables *t = tables;
        uint8_t block[BLOCK + KEY_MOST];
        (void)scan;
        for (size_t from = 0; from < len; from += BLOCK) {
                size_t n = len - from < BLOCK ? len - from : BLOCK;
                size_t more = len - from - n < KEY_MOST ? len - from - n : KEY_MOST;
                for (size_t i = 0; i < n + more; i++)
                        block[i] = cs_byte_fold(bytes[from + i]);
                memset(block + n + more, 0, KEY_MOST - more);
                for (uint32_t k = 1; k <= KEY_MOST; k++) {
                        const uint64_t *map = t->map[k];
                        uint32_t mask = mask_of(k);
                        if (!t->used[k])
                                continue;
                        for (size_t i = 0; i < n; i++) {
                                struct place p = { bytes, len, from + i, cs_half(block + i) & mask };
                                uint32_t h = hash(p.key);
                                if (map[h / 64] >> (h % 64) & 1 && len - p.at >= k &&
                                    !look_up(t, k, &p, fn, context))
                                        return false;
                        }
                }
        }
        return true;
}

const struct cs_finder_engine cs_finder_plain = { .create = create, .destroy = destroy, .run = run };
