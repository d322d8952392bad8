/* SPDX-License-Identifier: Apache-2.0 */
#include "glibc_key.h"

#include "bytes.h"

enum { VOTES_SURE = 4 }; /* entries that agree on a key that is no address */

void cs_glibc_learn_key(struct cs_glibc_keys *keys, const struct cs_glibc_layout *layout, uint64_t cache,
                        uint64_t key)
{
        if (key == cache) {
                if ((!keys->n || keys->caches[keys->n - 1] != cache) && keys->n < GLIBC_KEYS_KEPT)
                        keys->caches[keys->n++] = cache;
        } else if (layout->mangled && key) { /* older entries may have anything there */
                if (!keys->votes)
                        keys->common = key;
                keys->votes = keys->common == key ? keys->votes + 1 : keys->votes - 1;
        }
}

static bool is_key(const struct cs_glibc_keys *keys, uint64_t word)
{
        if (keys->votes >= VOTES_SURE && word == keys->common)
                return true;
        for (size_t i = 0; i < keys->n; i++)
                if (keys->caches[i] == word)
                        return true;
        return false;
}

/* Does the link in the chunk lead to where a block of its size begins, or end? */
static bool link_fits(const struct cs_glibc *glibc, const struct cs_space *space, const struct cs_block *b,
                      uint64_t stored)
{
        uint64_t next = cs_glibc_reveal(glibc->layout, cs_block_user(b), stored);
        if (!next)
                return true;
        uint32_t i = cs_blocks_at(&glibc->heaps->blocks, space, next);
        if (i == CS_NO_BLOCK)
                return false;
        struct cs_block target = cs_blocks_get(&glibc->heaps->blocks, i);
        return cs_block_user(&target) == next;
}

void cs_glibc_mark_by_key(struct cs_glibc *glibc, const struct cs_space *space,
                          const struct cs_glibc_keys *keys)
{
        struct cs_blocks *blocks = &glibc->heaps->blocks;
        struct cs_block_cursor cursor = cs_blocks_all(blocks);
        struct cs_block b;
        uint64_t released = 0;
        uint32_t i;
        if (!keys->n && keys->votes < VOTES_SURE)
                return;
        while (cs_blocks_next(&cursor, &b, &i)) {
                size_t got;
                if (cs_block_state(&b) != CS_BLOCK_IN_USE || cs_block_mmapped(&b))
                        continue;
                cs_source_release_behind(glibc->image->source, &released, b.start);
                const uint8_t *at = cs_view_whole(&glibc->view, cs_block_user(&b), GLIBC_HEADER, &got);
                if (got == GLIBC_HEADER && is_key(keys, cs_word(at + 8)) &&
                    link_fits(glibc, space, &b, cs_word(at)))
                        cs_blocks_set_state(blocks, i, CS_BLOCK_CACHED);
        }
}
