/* SPDX-License-Identifier: Apache-2.0 */
#include "claims.h"

#include <stdlib.h>

void cs_claims_deinit(struct cs_claims *claims)
{
        cs_vec_deinit(&claims->at);
        cs_vec_deinit(&claims->within);
        cs_vec_deinit(&claims->slots);
        cs_pool_deinit(&claims->pool);
}

enum cs_status cs_claims_add(struct cs_claims *claims, struct cs_claim claim, struct cs_error *err)
{
        return claim.range.start < claim.range.end ? cs_vec_push(&claims->at, claim, err) : CS_OK;
}

enum cs_status cs_claims_extend(struct cs_claims *claims, struct cs_claim claim, struct cs_error *err)
{
        struct cs_claim *last = claims->at.n ? &claims->at.at[claims->at.n - 1] : NULL;
        if (claim.range.start >= claim.range.end)
                return CS_OK;
        if (!last || last->kind != claim.kind || last->module != claim.module ||
            last->detail != claim.detail || last->range.end != claim.range.start)
                return cs_claims_add(claims, claim, err);
        last->range.end = claim.range.end;
        return CS_OK;
}

enum cs_status cs_claims_add_within(struct cs_claims *claims, struct cs_claim claim, struct cs_error *err)
{
        return claim.range.start < claim.range.end ? cs_vec_push(&claims->within, claim, err) : CS_OK;
}

enum cs_status cs_claims_add_slots(struct cs_claims *claims, struct cs_slot_run slots, struct cs_error *err)
{
        if (slots.size < 8 || slots.range.start >= slots.range.end || cs_range_size(slots.range) < slots.size)
                return CS_OK;
        slots.range.end -= cs_range_size(slots.range) % slots.size;
        return cs_vec_push(&claims->slots, slots, err);
}

static int by_first_slot(const void *a, const void *b)
{
        const struct cs_slot_run *x = a, *y = b;
        return x->range.start < y->range.start ? -1 : x->range.start > y->range.start;
}

/* Of two that overlap one is a lie. */
static void seal_slots(struct cs_claims *claims)
{
        size_t kept = 0;
        if (claims->slots.n)
                qsort(claims->slots.at, claims->slots.n, sizeof(*claims->slots.at), by_first_slot);
        for (size_t i = 0; i < claims->slots.n; i++)
                if (!kept || claims->slots.at[kept - 1].range.end <= claims->slots.at[i].range.start)
                        claims->slots.at[kept++] = claims->slots.at[i];
        claims->slots.n = kept;
}

static int by_start(const void *a, const void *b)
{
        const struct cs_claim *x = a, *y = b;
        if (x->range.start != y->range.start)
                return x->range.start < y->range.start ? -1 : 1;
        return x->order < y->order ? -1 : x->order > y->order;
}

static void seal(cs_claim_vec *claims)
{
        struct cs_claim *all = claims->at;
        size_t kept = 0;
        for (size_t i = 0; i < claims->n; i++)
                all[i].order = (uint32_t)i;
        if (claims->n)
                qsort(all, claims->n, sizeof(*all), by_start);
        for (size_t i = 0; i < claims->n; i++) {
                struct cs_claim claim = all[i];
                struct cs_claim *last = kept ? &all[kept - 1] : NULL;
                if (last && claim.range.start < last->range.end) {
                        if (last->order < claim.order)
                                claim.range.start = last->range.end;
                        else
                                last->range.end = claim.range.start;
                        if (last->range.start >= last->range.end)
                                kept--;
                }
                if (claim.range.start < claim.range.end)
                        all[kept++] = claim;
        }
        claims->n = kept;
}

void cs_claims_seal(struct cs_claims *claims)
{
        seal(&claims->at);
        seal(&claims->within);
        seal_slots(claims);
}

static const struct cs_claim *find(const cs_claim_vec *claims, uint64_t addr, uint64_t *next)
{
        size_t lo = 0, hi = claims->n;
        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;
                if (claims->at[mid].range.start <= addr)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        if (next)
                *next = lo < claims->n ? claims->at[lo].range.start : UINT64_MAX;
        return lo && cs_range_has(claims->at[lo - 1].range, addr) ? &claims->at[lo - 1] : NULL;
}

const struct cs_claim *cs_claims_find(const struct cs_claims *claims, uint64_t addr, uint64_t *next)
{
        return find(&claims->at, addr, next);
}

const struct cs_claim *cs_claims_within(const struct cs_claims *claims, uint64_t addr, uint64_t *next)
{
        return find(&claims->within, addr, next);
}

const struct cs_slot_run *cs_claims_slots(const struct cs_claims *claims, uint64_t addr, uint64_t *next)
{
        size_t lo = 0, hi = claims->slots.n;
        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;
                if (claims->slots.at[mid].range.start <= addr)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        *next = lo < claims->slots.n ? claims->slots.at[lo].range.start : UINT64_MAX;
        const struct cs_slot_run *before = lo ? &claims->slots.at[lo - 1] : NULL;
        return before && cs_range_has(before->range, addr) ? before : NULL;
}
