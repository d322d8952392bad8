/* SPDX-License-Identifier: Apache-2.0 */
#include "thin.h"

#include "pulse.h"

void cs_thin_deinit(struct cs_thin *thin)
{
        cs_tally_deinit(&thin->counts);
}

uint32_t cs_thin_chance(uint64_t key)
{
        _Static_assert(CS_THIN_RANKS == 512, "nine bits");
        return (uint32_t)(cs_mix(key) >> 55);
}

/* Whoever has seen only a part keeps no fewer ranks than fit in the end, of all parts together: what stays was counted in every part. */
uint32_t cs_thin_fit(const size_t of_rank[CS_THIN_RANKS], uint32_t left_out, size_t most)
{
        size_t room = most / 4 * 3;
        uint32_t ranks = 0;
        for (; !cs_thin_leaves_out(left_out, ranks) && of_rank[ranks] <= room; ranks++)
                room -= of_rank[ranks];
        return CS_THIN_RANKS - ranks;
}

static enum cs_status narrow(struct cs_thin *thin, cs_thin_rank *rank, size_t most, struct cs_error *err)
{
        size_t of_rank[CS_THIN_RANKS] = { 0 };
        struct cs_tally all = thin->counts;
        enum cs_status st = CS_OK;
        for (size_t i = 0; i < all.cap; i++)
                if (all.slots[i].used)
                        of_rank[rank(all.slots[i].key)]++;
        thin->left_out = cs_thin_fit(of_rank, thin->left_out, most);
        thin->counts = (struct cs_tally){ 0 };
        for (size_t i = 0; st == CS_OK && i < all.cap; i++) {
                const struct cs_tally_slot *slot = &all.slots[i];
                uint64_t *value;
                st = cs_pulse_at(i, 0, err);
                if (st == CS_OK && slot->used && !cs_thin_leaves_out(thin->left_out, rank(slot->key)) &&
                    (st = cs_tally_at(&thin->counts, slot->key, 0, &value, err)) == CS_OK)
                        *value = slot->value;
        }
        cs_tally_deinit(&all);
        return st;
}

enum cs_status cs_thin_count(struct cs_thin *thin, uint64_t key, uint64_t n, cs_thin_rank *rank, size_t most,
                             struct cs_error *err)
{
        uint64_t *value;
        enum cs_status st = CS_OK;
        if (thin->left_out && cs_thin_leaves_out(thin->left_out, rank(key)))
                return CS_OK;
        if (thin->counts.n >= most && !cs_tally_get(&thin->counts, key, 0)) {
                st = narrow(thin, rank, most, err);
                if (st != CS_OK || cs_thin_leaves_out(thin->left_out, rank(key)))
                        return st;
        }
        if ((st = cs_tally_at(&thin->counts, key, 0, &value, err)) == CS_OK)
                *value += n;
        return st;
}

enum cs_status cs_thin_add(struct cs_thin *into, const struct cs_thin *from, struct cs_error *err)
{
        if (from->left_out > into->left_out)
                into->left_out = from->left_out;
        return cs_tally_add(&into->counts, &from->counts, err);
}

enum cs_status cs_thin_settle(struct cs_thin *thin, cs_thin_rank *rank, size_t most, struct cs_error *err)
{
        return thin->left_out || thin->counts.n > most ? narrow(thin, rank, most, err) : CS_OK;
}
