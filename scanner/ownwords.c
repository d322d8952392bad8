/* SPDX-License-Identifier: Apache-2.0 */
#include "ownwords.h"

/* The weight at which what the words of a single block say is believed by half. */
static const double ENOUGH = 0.3;

enum { TABLE_FUNCTIONS = 4, TABLE_PART = 10 }; /* one word of ten */

/* From recorded allocations: how often the module that a word of that kind points into is the one that asked for the block. */
static double trust(enum cs_target_kind kind, bool at_start)
{
        switch (kind) {
        case CS_TARGET_VTABLE:
                return at_start ? 0.98 : 0.92;
        case CS_TARGET_CONST:
                return 0.92;
        case CS_TARGET_LITERAL:
                return 0.75;
        case CS_TARGET_DATA:
        case CS_TARGET_BSS:
                return 0.80;
        case CS_TARGET_FUNCTION:
                return 0.60;
        }
        return 0;
}

/* Small numbers look like addresses of an executable that is not position-independent. Its objects are aligned. */
static bool by_chance(uint64_t value, enum cs_target_kind kind)
{
        if (value >> 32)
                return false;
        switch (kind) {
        case CS_TARGET_VTABLE:
        case CS_TARGET_CONST:
                return value % 8;
        case CS_TARGET_DATA:
        case CS_TARGET_BSS:
                return value % 32;
        case CS_TARGET_FUNCTION:
        case CS_TARGET_LITERAL:
                break;
        }
        return true;
}

struct cs_ownword cs_ownword_weigh(const struct cs_space *space, const struct cs_target *target,
                                   uint32_t module, uint64_t value, uint64_t offset, double share)
{
        struct cs_ownword w = { .weight = 0 };
        enum cs_part part = target ? CS_PART_NONE : cs_space_part(space, module, value);
        if (!target && (part == CS_PART_NONE || part == CS_PART_META))
                return w;
        w.kind = target ? target->kind : cs_target_kind_of(part);
        if (!space->modules[module].maker || by_chance(value, w.kind))
                return w;
        w.weight = cs_target_weight(w.kind) * share / (1 + 0.2 * (1 - share) * (double)offset / 8);
        w.trust = trust(w.kind, offset == 0);
        return w;
}

void cs_ownwords_add(struct cs_ownwords *words, const struct cs_space *space,
                     const struct cs_targets *targets, uint32_t module, uint64_t value, uint64_t offset)
{
        uint32_t i = 0;
        if (!space->modules[module].maker || cs_range_has(space->allocator, value))
                return;
        struct cs_ownword w =
                cs_ownword_weigh(space, cs_targets_at(targets, value), module, value, offset, 0.5);
        if (w.weight <= 0)
                return;
        while (i < words->n && words->at[i].module != module)
                i++;
        if (i == CS_OWNWORDS_MODULES)
                return;
        struct cs_ownwords_module *m = &words->at[i];
        if (i == words->n) {
                words->n++;
                *m = (struct cs_ownwords_module){ .module = module };
        }
        if (w.kind == CS_TARGET_FUNCTION) {
                m->functions++;
                m->code += (float)w.weight;
        } else {
                m->data += (float)w.weight;
        }
        if (w.trust > (double)m->best)
                m->best = (float)w.trust;
}

bool cs_ownwords_is_table(uint32_t functions, uint64_t words)
{
        return functions >= TABLE_FUNCTIONS && functions >= words / TABLE_PART;
}

/* One pointer to code may be a callback that somebody registered; several into one module are an object's own. */
static double best_trust(const struct cs_ownwords_module *m)
{
        static const double BY_FUNCTIONS[] = { 0, 0.60, 0.75, 0.80, 0.85, 0.90 };
        uint32_t n = m->functions < 5 ? m->functions : 5;
        return (double)m->best > BY_FUNCTIONS[n] ? (double)m->best : BY_FUNCTIONS[n];
}

int32_t cs_ownwords_owner(const struct cs_ownwords *words, uint8_t *certainty)
{
        const struct cs_ownwords_module *won = NULL;
        double all = 0, most = 0;
        for (int functions = 0; functions < 2 && !won; functions++)
                for (uint32_t i = 0; i < words->n; i++) {
                        const struct cs_ownwords_module *m = &words->at[i];
                        bool table = cs_ownwords_is_table(m->functions, words->words);
                        double sum = (double)m->data + (functions || table ? (double)m->code : 0);
                        all += sum;
                        if (sum <= most)
                                continue;
                        most = sum;
                        won = m;
                }
        if (!won)
                return CS_NO_MODULE;
        /* A single word far inside may be anything; many words, or one that stands at the start, are no accident. */
        double best = best_trust(won);
        double enough = best > trust(CS_TARGET_VTABLE, false) ? 0 : ENOUGH; /* an object's own class */
        *certainty = (uint8_t)(255 * best * most / (most + enough) * (0.75 + 0.25 * most / all));
        return (int32_t)won->module;
}
