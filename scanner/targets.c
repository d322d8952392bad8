/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include "rtti.h"

#include <stdlib.h>

void cs_targets_deinit(struct cs_targets *targets)
{
        free(targets->at);
        cs_tally_deinit(&targets->index);
        cs_pool_deinit(&targets->pool);
        *targets = (struct cs_targets){ 0 };
}

static int by_address(const void *a, const void *b)
{
        const struct cs_target *x = a, *y = b;
        return x->addr < y->addr ? -1 : x->addr > y->addr;
}

enum cs_target_kind cs_target_kind_of(enum cs_part part)
{
        switch (part) {
        case CS_PART_TEXT:
                return CS_TARGET_FUNCTION;
        case CS_PART_RELRO:
                return CS_TARGET_CONST;
        case CS_PART_DATA:
                return CS_TARGET_DATA;
        case CS_PART_BSS:
                return CS_TARGET_BSS;
        default:
                return CS_TARGET_LITERAL;
        }
}

static void resolve(const struct cs_image *image, struct cs_symbols *symbols, struct cs_target *t,
                    enum cs_part part, struct cs_pool *pool)
{
        struct cs_vtable vtable;
        t->kind = cs_target_kind_of(part);
        /* Vtables lie in .data.rel.ro, in executables that are not PIE in .rodata, and old linkers put them in .data. */
        if (part == CS_PART_TEXT || t->addr % 8 || !cs_rtti_vtable(image, symbols, pool, t->addr, &vtable))
                return;
        t->kind = CS_TARGET_VTABLE;
        t->class_name = vtable.class_name;
        t->by_symbol = vtable.by_symbol;
}

enum cs_status cs_targets_resolve(const struct cs_image *image, struct cs_symbols *symbols,
                                  const struct cs_space *space, const struct cs_tally *addresses,
                                  struct cs_targets *out, struct cs_error *err)
{
        out->at = calloc(addresses->n + 1, sizeof(*out->at));
        if (!out->at)
                return cs_fail(err, CS_ENOMEM, "%zu targets", addresses->n);
        for (size_t i = 0; i < addresses->cap; i++) {
                struct cs_space_entry e = cs_space_at(space, addresses->slots[i].key);
                if (addresses->slots[i].used && e.kind == CS_SPACE_MODULE)
                        out->at[out->n++] =
                                (struct cs_target){ addresses->slots[i].key, e.index, 0, false, NULL };
        }
        qsort(out->at, out->n, sizeof(*out->at), by_address);
        for (size_t i = 0; i < out->n; i++) {
                struct cs_target *t = &out->at[i];
                uint64_t *position;
                resolve(image, symbols, t, cs_space_part(space, t->module, t->addr), &out->pool);
                enum cs_status st = cs_tally_at(&out->index, t->addr, i, &position, err);
                if (st != CS_OK)
                        return st;
        }
        return CS_OK;
}

const struct cs_target *cs_targets_at(const struct cs_targets *targets, uint64_t addr)
{
        uint64_t i = cs_tally_get(&targets->index, addr, UINT64_MAX);
        return i == UINT64_MAX ? NULL : &targets->at[i];
}

double cs_target_weight(enum cs_target_kind kind)
{
        switch (kind) {
        case CS_TARGET_VTABLE:
                return 6;
        case CS_TARGET_CONST:
                return 4;
        case CS_TARGET_LITERAL:
                return 2.5;
        case CS_TARGET_DATA:
        case CS_TARGET_BSS:
                return 1.5;
        case CS_TARGET_FUNCTION:
                return 0.5;
        }
        return 0;
}

const char *cs_target_evidence(enum cs_target_kind kind)
{
        switch (kind) {
        case CS_TARGET_VTABLE:
                return "vtable";
        case CS_TARGET_FUNCTION:
                return "function";
        case CS_TARGET_LITERAL:
                return "rodata-literal";
        case CS_TARGET_CONST:
        case CS_TARGET_DATA:
        case CS_TARGET_BSS:
                break;
        }
        return "data";
}
