/* SPDX-License-Identifier: Apache-2.0 */
/* By Vectorscan (Hyperscan's API), in block mode and without starts of matches: needles are of known length. */
#include "finder_private.h"

#ifdef CS_HAVE_VECTORSCAN

#include <hs.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a long needle Vectorscan gets this many sets: more make it slower, and are looked at by ourselves where these stand. */
enum { PART = 16 };

struct entry {
        struct cs_needle needle; /* its sets are ours */
        uint32_t part_end;       /* where in it the part ends that Vectorscan looks for */
};

struct tables {
        hs_database_t *database;
        hs_scratch_t *scratch; /* which the workers' are copies of */
        struct entry *entries;
        struct cs_pool pool;
};

static void destroy(void *tables)
{
        struct tables *t = tables;
        if (!t)
                return;
        hs_free_scratch(t->scratch);
        hs_free_database(t->database);
        cs_pool_deinit(&t->pool);
        free(t);
}

/* The rarest part of the needle. */
static uint32_t rarest_part(const struct cs_needle *needle)
{
        double best = HUGE_VAL;
        uint32_t end = needle->len;
        for (uint32_t first = 0; needle->len > PART && first + PART <= needle->len; first++) {
                double share = 1;
                for (uint32_t i = 0; i < PART; i++)
                        share *= cs_byteset_share(&needle->at[first + i]);
                if (share < best) {
                        best = share;
                        end = first + PART;
                }
        }
        return end;
}

/* "[\x41\x61]\x62": the same to every engine. */
static char *write_pattern(struct cs_pool *pool, const struct entry *entry)
{
        size_t size = 1;
        uint32_t end = entry->part_end, first = end < PART ? 0 : end - PART;
        const struct cs_byteset *sets = entry->needle.at;
        for (uint32_t i = first; i < end; i++)
                size += 4 * (size_t)cs_byteset_count(&sets[i]) + 2;
        char *text = cs_pool_alloc(pool, size, 1), *at = text;
        if (!text)
                return NULL;
        for (uint32_t i = first; i < end; i++) {
                bool many = cs_byteset_count(&sets[i]) > 1;
                if (many)
                        *at++ = '[';
                for (unsigned b = 0; b < 256; b++)
                        if (cs_byteset_has(&sets[i], (uint8_t)b))
                                at += snprintf(at, 5, "\\x%02x", b);
                if (many)
                        *at++ = ']';
        }
        return text;
}

static bool enter(struct tables *t, size_t i, const struct cs_needle *needle)
{
        t->entries[i].part_end = rarest_part(needle);
        return cs_needle_keep(needle, &t->pool, &t->entries[i].needle);
}

static enum cs_status create(const struct cs_needle *const *needles, size_t n, void **out,
                             struct cs_error *err)
{
        cs_cleanup(cs_pool_deinit) struct cs_pool pool = { 0 };
        const char **patterns = cs_pool_alloc(&pool, n + 1, sizeof(*patterns));
        unsigned *flags = cs_pool_alloc(&pool, n + 1, sizeof(*flags));
        unsigned *ids = cs_pool_alloc(&pool, n + 1, sizeof(*ids));
        struct tables *t = calloc(1, sizeof(*t));
        hs_compile_error_t *error = NULL;
        bool ready = patterns && flags && ids && t &&
                     (t->entries = cs_pool_alloc(&t->pool, n + 1, sizeof(*t->entries))) != NULL;
        for (size_t i = 0; ready && i < n; i++) {
                ready = enter(t, i, needles[i]) && (patterns[i] = write_pattern(&pool, &t->entries[i]));
                flags[i] = HS_FLAG_DOTALL;
                ids[i] = (unsigned)i;
        }
        if (!ready) {
                destroy(t);
                return cs_fail(err, CS_ENOMEM, "tables of needles");
        }
        if (hs_compile_multi(patterns, flags, ids, (unsigned)n, HS_MODE_BLOCK, NULL, &t->database, &error) !=
            HS_SUCCESS) {
                enum cs_status st =
                        cs_fail(err, CS_ENOTSUP, "Vectorscan: %.200s", error ? error->message : "refuses");
                (void)hs_free_compile_error(error);
                destroy(t);
                return st;
        }
        if (hs_alloc_scratch(t->database, &t->scratch) != HS_SUCCESS) {
                destroy(t);
                return cs_fail(err, CS_ENOMEM, "tables of needles");
        }
        *out = t;
        return CS_OK;
}

/* Vectorscan 5.4.9 misses some matches that end with the last byte of what it is given (for one, of "ab" beside "qqqccc": when it skips ahead by pairs
 * of bytes, the last one has no partner). So the end is looked at once more with zeros behind it. */
enum { TAIL = 128, ZEROS = 128 };

struct scan {
        hs_scratch_t *scratch;
        uint8_t tail[TAIL + ZEROS];
};

static void scan_destroy(void *scan)
{
        struct scan *s = scan;
        if (!s)
                return;
        (void)hs_free_scratch(s->scratch);
        free(s);
}

static enum cs_status scan_create(const void *tables, void **scan, struct cs_error *err)
{
        const struct tables *t = tables;
        struct scan *s = calloc(1, sizeof(*s));
        if (!s || hs_clone_scratch(t->scratch, &s->scratch) != HS_SUCCESS) {
                free(s);
                return cs_fail(err, CS_ENOMEM, "tables of needles");
        }
        *scan = s;
        return CS_OK;
}

struct call {
        const struct entry *entries;
        const uint8_t *bytes;
        size_t len;  /* behind which there are the zeros */
        size_t base; /* of what is scanned, in the bytes */
        cs_finder_fn fn;
        void *context;
};

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                    void *context)
{
        const struct call *call = context;
        (void)from;
        (void)flags;
        const struct entry *e = &call->entries[id];
        const struct cs_needle *needle = &e->needle;
        size_t part_end = call->base + (size_t)to;
        if (part_end > call->len || part_end < e->part_end ||
            needle->len - e->part_end > call->len - part_end)
                return 0;
        size_t at = part_end - e->part_end, end = at + needle->len;
        if (needle->len > PART && !cs_needle_is(needle, call->bytes + at))
                return 0;
        return call->fn(call->context, id, end, end) ? 0 : 1;
}

static bool run(const void *tables, void *scan, const uint8_t *bytes, size_t len, cs_finder_fn fn,
                void *context)
{
        const struct tables *t = tables;
        struct scan *s = scan;
        size_t tail = len < TAIL ? len : TAIL;
        struct call call = { t->entries, bytes, len, 0, fn, context };
        if (len > UINT32_MAX || hs_scan(t->database, (const char *)bytes, (unsigned)len, 0, s->scratch,
                                        on_match, &call) != HS_SUCCESS)
                return false;
        memset(s->tail, 0, sizeof(s->tail));
        memcpy(s->tail, bytes + len - tail, tail);
        call.base = len - tail;
        return hs_scan(t->database, (const char *)s->tail, (unsigned)(tail + ZEROS), 0, s->scratch, on_match,
                       &call) == HS_SUCCESS;
}

static const struct cs_finder_engine engine = { create, destroy, scan_create, scan_destroy, run };
const struct cs_finder_engine *const cs_finder_vectorscan = &engine;

#else

const struct cs_finder_engine *const cs_finder_vectorscan = NULL;

#endif
