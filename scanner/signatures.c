/* SPDX-License-Identifier: Apache-2.0 */
#include "signatures.h"

#include "budget.h"

/* Of the budget: one signature with some features, its place in the table, and what the clusters keep of it. */
enum { SIGNATURES_MAX = 1 << 15, SIGNATURE_BYTES = 512, SIGNATURE_PERCENT = 2 };

void cs_signatures_deinit(struct cs_signatures *s)
{
        cs_vec_deinit(&s->at);
        cs_vec_deinit(&s->features);
        cs_tally_deinit(&s->numbers);
}

static bool same_feature(const struct cs_feature *a, const struct cs_feature *b)
{
        return a->target == b->target && a->offset == b->offset;
}

static bool same(const struct cs_signatures *s, const struct cs_signature *known,
                 const struct cs_signature *seen, const struct cs_features *found)
{
        if (known->units != seen->units || known->shape != seen->shape || known->text != seen->text ||
            known->n != found->n)
                return false;
        const struct cs_feature *at = cs_signatures_features(s, known);
        for (uint32_t i = 0; i < found->n; i++)
                if (!same_feature(&at[i], &found->at[i]))
                        return false;
        return true;
}

static uint64_t key_of(const struct cs_signature *seen, const struct cs_features *found)
{
        /* Mixed before targets are added: what lies side by side differs by no more than sizes do. */
        uint64_t key = cs_mix(cs_mix(seen->shape ^ (uint64_t)seen->text << 56) ^ seen->units);
        for (uint32_t i = 0; i < found->n; i++)
                key = cs_mix(key ^ (uint64_t)found->at[i].offset << 47 ^ found->at[i].target) + i;
        return key;
}

enum cs_status cs_signatures_number(struct cs_signatures *s, const struct cs_signature *seen,
                                    const struct cs_features *found, uint32_t *number, struct cs_error *err)
{
        *number = CS_NO_SIGNATURE;
        if (found->n > CS_SIGNATURE_FEATURES)
                return CS_OK;
        uint64_t key = key_of(seen, found), *value;
        uint64_t known = cs_tally_get(&s->numbers, key, CS_NO_SIGNATURE);
        if (known != CS_NO_SIGNATURE) {
                /* Two may have the same key, if somebody means it. */
                if (same(s, &s->at.at[known], seen, found))
                        *number = (uint32_t)known;
                return CS_OK;
        }
        if (s->at.n >= cs_budget_entries(SIGNATURES_MAX, SIGNATURE_BYTES, SIGNATURE_PERCENT))
                return CS_OK;
        struct cs_signature fresh = *seen;
        fresh.blocks = 0;
        fresh.first = (uint32_t)s->features.n;
        fresh.n = found->n;
        enum cs_status st = cs_tally_at(&s->numbers, key, s->at.n, &value, err);
        for (uint32_t i = 0; st == CS_OK && i < found->n; i++)
                st = cs_vec_push(&s->features, found->at[i], err);
        if (st == CS_OK)
                st = cs_vec_push(&s->at, fresh, err);
        if (st == CS_OK)
                *number = (uint32_t)s->at.n - 1;
        return st;
}
