/* SPDX-License-Identifier: Apache-2.0 */
#include "arrays.h"

#include "entropy.h"
#include "range.h"

enum {
        LOOKS = 8,       /* blocks of a slice (8 MiB) that are looked at, at up to 200 us each */
        OF_ONE_SIZE = 2, /* that were none: then the others of the size are none */
        FAR_LOOKS = 2,   /* of them, for long strides as well */
        PIECE = 128 << 10,
};

void cs_arrays_deinit(struct cs_arrays *a)
{
        cs_period_finder_destroy(a->finder);
        a->finder = NULL;
}

void cs_arrays_begin(struct cs_arrays *a)
{
        a->n_known = a->looked = 0;
        memset(a->failed, 0, sizeof(a->failed));
}

static bool of_a_size_that_failed(const struct cs_arrays *a, uint64_t size)
{
        uint32_t n = 0;
        for (size_t i = 0; i < sizeof(a->failed) / sizeof(a->failed[0]); i++)
                n += a->failed[i] == size;
        return n >= OF_ONE_SIZE;
}

/* Do records take half of the bytes? */
static bool fills(const struct cs_period *p, const uint8_t *bytes, size_t len)
{
        struct cs_period_run run;
        uint64_t records = 0;
        for (size_t from = 0; cs_period_run(p, bytes, len, from, len, &run);
             from = (size_t)run.last + p->stride)
                records += run.records;
        /* The last record may reach beyond. */
        return records * p->stride * 2 >= len;
}

static bool find(struct cs_arrays *a, struct cs_view *view, struct cs_range payload, struct cs_period *out)
{
        size_t got, size = (size_t)cs_range_size(payload);
        const uint8_t *bytes =
                cs_view_whole(view, payload.start, size < CS_PERIOD_NEAR ? size : CS_PERIOD_NEAR, &got);
        if (!bytes || cs_entropy_judge(bytes, got) != CS_CONTENT_STRUCTURED)
                return false;
        if (cs_period_find(a->finder, bytes, got, false, out))
                return fills(out, bytes, got);
        if (a->looked > FAR_LOOKS || size < 4 * CS_PERIOD_NEAR)
                return false;
        bytes = cs_view_whole(view, payload.start, size < CS_VIEW_BYTES ? size : CS_VIEW_BYTES, &got);
        return bytes && cs_period_find(a->finder, bytes, got, true, out) && fills(out, bytes, got);
}

enum cs_status cs_arrays_look(struct cs_arrays *a, struct cs_view *view, const struct cs_block *block,
                              bool *found, struct cs_period *out, struct cs_error *err)
{
        struct cs_range payload = cs_block_payload(block);
        size_t got;
        *found = false;
        if (cs_range_size(payload) < CS_ARRAY_BYTES)
                return CS_OK;
        const uint8_t *bytes = cs_view_whole(view, payload.start, CS_ARRAY_BYTES, &got);
        for (uint32_t i = 0; bytes && i < a->n_known && !*found; i++) {
                if (a->known[i].stride > CS_PERIOD_SHORT || !fills(&a->known[i], bytes, got))
                        continue;
                *found = true;
                *out = a->known[i];
        }
        if (!bytes || *found || a->looked >= LOOKS || of_a_size_that_failed(a, cs_block_size(block)))
                return CS_OK;
        if (!a->finder) {
                enum cs_status st = cs_period_finder_create(&a->finder, err);
                if (st != CS_OK)
                        return st;
        }
        a->looked++;
        *found = find(a, view, payload, out);
        for (size_t i = 0; !*found && i < sizeof(a->failed) / sizeof(a->failed[0]); i++)
                if (!a->failed[i]) {
                        a->failed[i] = cs_block_size(block);
                        break;
                }
        if (*found && a->n_known < CS_ARRAYS_KNOWN)
                a->known[a->n_known++] = *out;
        return CS_OK;
}

uint64_t cs_arrays_count(struct cs_view *view, const struct cs_block *block, const struct cs_period *period,
                         uint64_t *first, uint64_t *last)
{
        struct cs_range payload = cs_block_payload(block);
        uint64_t records = 0, start = 0, end = 0;
        for (uint64_t at = payload.start; at < payload.end;) {
                uint64_t left = payload.end - at, zeros = cs_source_zeros(view->src, at);
                size_t got, own = left < PIECE ? (size_t)left : PIECE;
                if (zeros >= CS_PAGE) {
                        at += zeros < left ? zeros : left;
                        continue;
                }
                size_t want = left < own + period->stride ? (size_t)left : own + period->stride;
                const uint8_t *bytes = cs_view_whole(view, at, want, &got);
                if (!bytes) {
                        at = cs_view_past_gap(view, at, payload.end);
                        continue;
                }
                struct cs_period_run run;
                own = got < own ? got : own;
                for (size_t from = 0; cs_period_run(period, bytes, got, from, own, &run);
                     from = (size_t)run.last + 1) {
                        if (!records)
                                start = at + run.first;
                        if (end == 0 || at + run.first - end <= CS_PERIOD_GAP + 2 * (uint64_t)period->stride)
                                end = at + run.last;
                        records += run.records;
                }
                at += own;
        }
        /* Where less than a record lies before the first anchor, the block begins with a record. */
        uint64_t lead = !records                                 ? 0
                        : start - payload.start < period->stride ? start - payload.start
                                                                 : cs_period_into_word(period, start);
        /* Of the last record's keys some may be of the record behind it, and there is none. */
        uint64_t next = end + period->stride, own = period->stride - lead;
        const uint8_t *tail = NULL;
        size_t got;
        if (lead && next < payload.end && payload.end - next >= own)
                tail = cs_view_whole(view, next, (size_t)own, &got);
        if (tail && got == own && cs_period_fits_part(period, tail, got)) {
                records++;
                end = next;
        }
        if (first)
                *first = start - lead;
        if (last)
                *last = end - lead;
        return records;
}

uint64_t cs_arrays_key(const struct cs_period *period)
{
        uint64_t key = cs_mix(period->stride ^ UINT64_C(0xa88a7) << 40);
        for (uint32_t i = 0; i < period->n_keys; i++)
                key = cs_mix(key ^ (uint64_t)period->keys[i].offset << 8 ^ period->keys[i].value);
        return key;
}

const struct cs_period *cs_arrays_keep(struct cs_pool *pool, const struct cs_period *period)
{
        struct cs_period *copy = cs_pool_alloc(pool, 1, sizeof(*copy));
        if (copy)
                *copy = *period;
        return copy;
}
