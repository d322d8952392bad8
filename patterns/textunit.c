/* SPDX-License-Identifier: Apache-2.0 */
#include "textunit.h"

#include <stdlib.h>
#include <string.h>

enum { INDEX_FIRST = 1024, LINE = 64 };

void cs_text_unit_deinit(struct cs_text_unit *unit)
{
        cs_vec_deinit(&unit->at);
        cs_vec_deinit(&unit->notes);
        cs_vec_deinit(&unit->index);
        cs_pool_deinit(&unit->pool);
}

size_t cs_text_unit_bytes(const struct cs_text_unit *unit)
{
        return unit->at.cap * sizeof(*unit->at.at) + unit->notes.cap * sizeof(*unit->notes.at) +
               unit->index.cap * sizeof(*unit->index.at) + unit->text_bytes;
}

void cs_text_unit_begin(struct cs_text_unit *unit, uint32_t serial)
{
        unit->at.n = unit->notes.n = 0;
        unit->count = unit->bytes = 0;
        unit->text_bytes = 0;
        unit->serial = serial;
        if (unit->index.n)
                memset(unit->index.at, 0, unit->index.n * sizeof(*unit->index.at));
        cs_pool_deinit(&unit->pool);
}

static uint32_t *slot_of(struct cs_text_unit *unit, uint64_t key)
{
        size_t mask = unit->index.n - 1, at = (size_t)key & mask;
        while (unit->index.at[at] && unit->at.at[unit->index.at[at] - 1].key != key)
                at = (at + 1) & mask;
        return &unit->index.at[at];
}

static enum cs_status grow(struct cs_text_unit *unit, struct cs_error *err)
{
        size_t n = unit->index.n ? unit->index.n * 2 : INDEX_FIRST;
        enum cs_status st = cs_vec_reserve(&unit->index, n - unit->index.n, err);
        if (st != CS_OK)
                return st;
        unit->index.n = n;
        memset(unit->index.at, 0, n * sizeof(*unit->index.at));
        for (size_t i = 0; i < unit->at.n; i++)
                *slot_of(unit, unit->at.at[i].key) = (uint32_t)i + 1;
        return CS_OK;
}

/* The entry of a template that the unit may not have yet. */
static enum cs_status enter(struct cs_text_unit *unit, const struct cs_masked *masked,
                            struct cs_masked_entry *entry, struct cs_error *err)
{
        enum cs_status st = unit->at.n >= unit->index.n / 2 ? grow(unit, err) : CS_OK;
        if (st != CS_OK)
                return st;
        uint32_t *slot = slot_of(unit, masked->key);
        if (!*slot) {
                struct cs_text_entry fresh = {
                        .key = masked->key, .len = masked->len, .cut = masked->cut, .wide = masked->wide
                };
                fresh.text = cs_pool_copy(&unit->pool, masked->text, masked->len);
                if (!fresh.text)
                        return cs_fail(err, CS_ENOMEM, "templates");
                if ((st = cs_vec_push(&unit->at, fresh, err)) != CS_OK)
                        return st;
                *slot = (uint32_t)unit->at.n;
                unit->text_bytes += masked->len;
        }
        *entry = (struct cs_masked_entry){ unit->serial, *slot - 1 };
        return CS_OK;
}

enum cs_status cs_text_unit_add(struct cs_text_unit *unit, struct cs_masks *masks, uint32_t masked,
                                const struct cs_text_place *place, struct cs_error *err)
{
        struct cs_masked_entry *e = &masks->entries[masked];
        enum cs_status st = e->unit == unit->serial ? CS_OK : enter(unit, &masks->known[masked], e, err);
        if (st != CS_OK)
                return st;
        bool block = cs_text_facts_add(&unit->at.at[e->entry].facts, place);
        struct cs_text_note note = { place->value, e->entry, block ? place->block : (uint32_t)CS_NOBODY };
        unit->count++;
        unit->bytes += place->bytes;
        return cs_vec_push(&unit->notes, note, err);
}

void cs_text_unit_ask(const struct cs_text_unit *unit, const struct cs_masks *masks, uint32_t masked)
{
        const struct cs_masked_entry *e = &masks->entries[masked];
        if (e->unit != unit->serial)
                return;
        const char *facts = (const char *)&unit->at.at[e->entry].facts;
        for (size_t i = 0; i < sizeof(struct cs_text_facts); i += LINE)
                __builtin_prefetch(facts + i, 1);
}
