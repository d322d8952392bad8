/* SPDX-License-Identifier: Apache-2.0 */
#include "tally.h"

#include "bytes.h"
#include "huge.h"
#include "pulse.h"

#include <stdlib.h>

enum { TALLY_FIRST = 256 };

void cs_tally_deinit(struct cs_tally *tally)
{
        if (!tally)
                return;
        free(tally->slots);
        *tally = (struct cs_tally){ 0 };
}

static struct cs_tally_slot *find(const struct cs_tally *tally, uint64_t key)
{
        size_t mask = tally->cap - 1;
        size_t at = (size_t)cs_mix(key) & mask;
        while (tally->slots[at].used && tally->slots[at].key != key)
                at = (at + 1) & mask;
        return &tally->slots[at];
}

static enum cs_status grow(struct cs_tally *tally, struct cs_error *err)
{
        struct cs_tally next = { .cap = tally->cap ? tally->cap * 2 : TALLY_FIRST, .n = tally->n };
        next.slots = calloc(next.cap, sizeof(*next.slots));
        if (!next.slots)
                return cs_fail(err, CS_ENOMEM, "table of %zu entries", next.cap);
        cs_huge_touch(next.slots, next.cap * sizeof(*next.slots));
        for (size_t i = 0; i < tally->cap; i++)
                if (tally->slots[i].used)
                        *find(&next, tally->slots[i].key) = tally->slots[i];
        free(tally->slots);
        *tally = next;
        return CS_OK;
}

enum cs_status cs_tally_at(struct cs_tally *tally, uint64_t key, uint64_t fresh, uint64_t **value,
                           struct cs_error *err)
{
        if (tally->n >= tally->cap / 2) {
                enum cs_status st = grow(tally, err);
                if (st != CS_OK)
                        return st;
        }
        struct cs_tally_slot *slot = find(tally, key);
        if (!slot->used) {
                *slot = (struct cs_tally_slot){ .key = key, .value = fresh, .used = true };
                tally->n++;
        }
        *value = &slot->value;
        return CS_OK;
}

uint64_t cs_tally_get(const struct cs_tally *tally, uint64_t key, uint64_t otherwise)
{
        if (!tally->cap)
                return otherwise;
        const struct cs_tally_slot *slot = find(tally, key);
        return slot->used ? slot->value : otherwise;
}

enum cs_status cs_tally_add(struct cs_tally *into, const struct cs_tally *from, struct cs_error *err)
{
        for (size_t i = 0; i < from->cap; i++) {
                uint64_t *value;
                enum cs_status st = cs_pulse_at(i, 0, err);
                if (st == CS_OK && !from->slots[i].used)
                        continue;
                if (st != CS_OK || (st = cs_tally_at(into, from->slots[i].key, 0, &value, err)) != CS_OK)
                        return st;
                *value += from->slots[i].value;
        }
        return CS_OK;
}
