/* SPDX-License-Identifier: Apache-2.0 */
#include "pointees.h"

/* The block in use, given the index of what holds value. */
static uint32_t settle(const struct cs_blocks *blocks, uint32_t range, uint64_t value, uint32_t i)
{
        if (i == CS_NO_BLOCK || cs_blocks_state(blocks, i) == CS_BLOCK_GAP)
                return CS_NO_BLOCK;
        if (cs_blocks_is_header(blocks, range, value)) {
                uint64_t into = value % CS_BLOCK_UNIT;
                if (into == 0 || into >= 8 || i == blocks->ranges.at[range].first)
                        return CS_NO_BLOCK;
                i--;
        }
        return cs_blocks_state(blocks, i) == CS_BLOCK_IN_USE ? i : (uint32_t)CS_NO_BLOCK;
}

uint32_t cs_pointee(const struct cs_blocks *blocks, uint32_t range, uint64_t value)
{
        return settle(blocks, range, value, cs_blocks_index(blocks, range, value));
}

void cs_pointees_answer(struct cs_pointees *p, const struct cs_blocks *blocks)
{
        for (uint32_t k = 0; k < p->n; k++) {
                p->at[k].to = cs_blocks_index(blocks, p->at[k].range, p->at[k].value);
                if (p->at[k].to != CS_NO_BLOCK)
                        cs_blocks_fetch_tag(blocks, p->at[k].to);
        }
        for (uint32_t k = 0; k < p->n; k++)
                p->at[k].to = settle(blocks, p->at[k].range, p->at[k].value, p->at[k].to);
}
