/* SPDX-License-Identifier: Apache-2.0 */
/* Free chunks that look in use: those in thread caches and fastbins, whose neighbours still have the P bit set. */
#include "glibc.h"

#include "bytes.h"

struct marker {
        struct cs_glibc *glibc;
        const struct cs_space *space;
        struct cs_blocks *blocks;
};

/* The block that starts with the chunk at p and has that size, or CS_NO_BLOCK. */
static uint32_t chunk_at(const struct marker *m, uint64_t p, uint64_t size)
{
        uint32_t i = cs_blocks_at(m->blocks, m->space, p);
        if (i == CS_NO_BLOCK)
                return CS_NO_BLOCK;
        struct cs_block b = cs_blocks_get(m->blocks, i);
        return cs_block_start(&b) == p && cs_block_size(&b) == size ? i : (uint32_t)CS_NO_BLOCK;
}

/* Follows a mangled list of chunks of one size, up to `most` of them, and marks them. `pointed` is how
 * far behind the start of a chunk pointers point. Stops at the first that cannot be true, and names the place that
 * holds the broken link: `holder` is that of the head. */
static void mark_list(struct marker *m, uint64_t holder, uint64_t head, uint64_t size, uint64_t most,
                      uint64_t pointed, const char *what)
{
        uint64_t at = head;
        for (uint64_t n = 0; at && n < most; n++) {
                uint64_t stored;
                uint32_t b = chunk_at(m, at - pointed, size);
                /* Each list is met once, so a chunk that is not in use (any more) is damage, or a ring. */
                if (b == CS_NO_BLOCK || cs_blocks_state(m->blocks, b) != CS_BLOCK_IN_USE ||
                    !cs_source_u64(m->glibc->image->source, at - pointed + GLIBC_HEADER, &stored)) {
                        cs_heaps_corrupt(m->glibc->heaps, holder, what);
                        return;
                }
                cs_blocks_set_state(m->blocks, b, CS_BLOCK_CACHED);
                holder = at - pointed + GLIBC_HEADER;
                at = cs_glibc_reveal(at - pointed + GLIBC_HEADER, stored);
        }
}

static void mark_fastbins(struct marker *m, uint64_t arena)
{
        const struct cs_glibc_layout *l = m->glibc->layout;
        for (unsigned i = 0; i < GLIBC_FASTBINS; i++) {
                uint64_t head;
                if (cs_source_u64(m->glibc->image->source, arena + l->fastbins + 8u * i, &head) && head)
                        mark_list(m, arena + l->fastbins + 8u * i, head, GLIBC_MIN_CHUNK + 16u * i,
                                  cs_blocks_indices(m->blocks), 0, "fastbin list is broken");
        }
}

static uint64_t bin_size(unsigned bin)
{
        return GLIBC_MIN_CHUNK + 16u * (uint64_t)bin;
}

/* Is this the payload of a thread cache: every head agrees with its count and points to a chunk of its bin's size? One that
 * is all zero could be anything, and there is nothing to mark. */
static bool is_tcache(const struct marker *m, const uint8_t *at)
{
        const struct cs_glibc_layout *l = m->glibc->layout;
        bool any = false;
        for (unsigned i = 0; i < GLIBC_TCACHE_BINS; i++) {
                unsigned count = at[2 * i] | (unsigned)at[2 * i + 1] << 8;
                uint64_t head = cs_word(at + l->tcache_heads + 8u * i);
                if (!head != !count)
                        return false;
                if (head && chunk_at(m, head - GLIBC_HEADER, bin_size(i)) == CS_NO_BLOCK)
                        return false;
                any |= head != 0;
        }
        return any;
}

static void mark_tcache(struct marker *m, uint64_t addr, const uint8_t *at)
{
        const struct cs_glibc_layout *l = m->glibc->layout;
        for (unsigned i = 0; i < GLIBC_TCACHE_BINS; i++) {
                unsigned count = at[2 * i] | (unsigned)at[2 * i + 1] << 8;
                if (count)
                        mark_list(m, addr + l->tcache_heads + 8u * i, cs_word(at + l->tcache_heads + 8u * i),
                                  bin_size(i), count, GLIBC_HEADER, "thread cache list is broken");
        }
}

static void mark_if_tcache(struct marker *m, uint64_t chunk, uint32_t i)
{
        uint8_t payload[0x280];
        uint64_t user = chunk + GLIBC_HEADER;
        if (i == CS_NO_BLOCK || cs_blocks_state(m->blocks, i) != CS_BLOCK_IN_USE ||
            !cs_source_exact(m->glibc->image->source, user, payload, sizeof(payload)) ||
            !is_tcache(m, payload))
                return;
        mark_tcache(m, user, payload);
        cs_blocks_set_state(m->blocks, i, CS_BLOCK_INTERNAL);
}

enum cs_status cs_glibc_mark_cached(struct cs_glibc *glibc, const struct cs_space *space,
                                    struct cs_error *err)
{
        struct marker m = { .glibc = glibc, .space = space, .blocks = &glibc->heaps->blocks };
        const struct cs_glibc_layout *l = glibc->layout;
        (void)err;
        for (size_t k = glibc->first_arena; k < glibc->heaps->arenas.n; k++)
                mark_fastbins(&m, glibc->heaps->arenas.at[k].address);
        for (uint32_t r = 0; r < m.blocks->ranges.n; r++) {
                const struct cs_heap_range *range = &m.blocks->ranges.at[r];
                uint64_t at = range->range.start;
                for (; (at = cs_heap_range_sized(range, at, l->tcache_chunk)) != UINT64_MAX; at += 16)
                        mark_if_tcache(&m, at, cs_blocks_find(m.blocks, r, at));
        }
        return CS_OK;
}
