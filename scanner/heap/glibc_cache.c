/* SPDX-License-Identifier: Apache-2.0 */
/* Free chunks that look in use: those in thread caches and fastbins, whose neighbours still have the P bit set. The caches of
 * threads that a fork left behind are no different: nobody can allocate from them, but the program freed what they hold. */
#include "glibc_key.h"

#include "bytes.h"

#include <string.h>

/* A chunk may be larger than asked for where the rest would have been too small for another one. */
enum { TCACHE_SURPLUS = 16 };

/* What lies in a chunk that may hold a thread cache. */
struct tcache {
        const struct cs_glibc_layout *layout;
        uint64_t addr;
        const uint8_t *bytes; /* tcache_bytes(layout); borrowed */
};

struct marker {
        struct cs_glibc *glibc;
        const struct cs_space *space;
        struct cs_blocks *blocks;
        CS_VEC(uint32_t) caches; /* blocks that hold a thread cache by one of the layouts that are left */
        uint64_t votes[GLIBC_LAYOUTS_MOST];
        struct cs_glibc_keys keys;
        bool broken; /* some list is */
};

/* Sizes of the chunks that one list holds. */
struct sizes {
        uint64_t least, most;
};

/* The block that starts with the chunk at p and may be in a list of those sizes, or CS_NO_BLOCK. */
static uint32_t entry_at(const struct marker *m, uint64_t p, struct sizes sizes)
{
        uint32_t i = cs_blocks_at(m->blocks, m->space, p);
        if (i == CS_NO_BLOCK)
                return CS_NO_BLOCK;
        struct cs_block b = cs_blocks_get(m->blocks, i);
        return b.start == p && b.size >= sizes.least && b.size <= sizes.most ? i : (uint32_t)CS_NO_BLOCK;
}

static bool is_entry(const struct marker *m, uint64_t p, struct sizes sizes)
{
        return entry_at(m, p, sizes) != CS_NO_BLOCK;
}

static struct sizes exactly(uint64_t size)
{
        return (struct sizes){ size, size };
}

/* malloc/malloc.c: csize2tidx; from 2.42 on large_csize2tidx, whose bins hold sizes up to the next power of two. */
static struct sizes bin_sizes(unsigned bin)
{
        enum { LARGEST_SMALL = GLIBC_MIN_CHUNK + 16 * (GLIBC_TCACHE_SMALL - 1) };
        if (bin < GLIBC_TCACHE_SMALL)
                return exactly(GLIBC_MIN_CHUNK + 16u * (uint64_t)bin);
        uint64_t power = UINT64_C(1024) << (bin - GLIBC_TCACHE_SMALL);
        return (struct sizes){ power > LARGEST_SMALL ? power : LARGEST_SMALL + 16, 2 * power - 16 };
}

/* What the source lends costs no call of the kernel; lists go through memory in no order, so that nothing is read ahead. */
static bool link_at(const struct marker *m, uint64_t addr, uint64_t *value)
{
        size_t len = sizeof(*value);
        const uint8_t *lent = cs_source_borrow(m->glibc->image->source, addr, &len);
        if (!lent || len < sizeof(*value))
                return cs_source_u64(m->glibc->image->source, addr, value);
        *value = cs_word(lent);
        return true;
}

/* A list of chunks. */
struct list {
        uint64_t holder; /* address of the head */
        uint64_t head;
        struct sizes sizes;
        uint64_t most;    /* chunks in it */
        uint64_t pointed; /* how far behind the start of a chunk pointers point */
        uint64_t cache;   /* address of the thread cache that it belongs to; 0: none */
        const char *broken;
};

/* Follows a list and marks its chunks. Stops at the first that cannot be true, and names the place that holds the broken
 * link. */
static void mark_list(struct marker *m, const struct list *list)
{
        uint64_t at = list->head, holder = list->holder;
        for (uint64_t n = 0; at && n < list->most; n++) {
                uint64_t stored, key, chunk = at - list->pointed;
                uint32_t b = entry_at(m, chunk, list->sizes);
                /* Each list is met once, so a chunk that is not in use (any more) is damage, or a ring. */
                if (b == CS_NO_BLOCK || cs_blocks_state(m->blocks, b) != CS_BLOCK_IN_USE ||
                    !link_at(m, chunk + GLIBC_HEADER, &stored)) {
                        cs_heaps_corrupt(m->glibc->heaps, holder, list->broken);
                        m->broken = true;
                        return;
                }
                cs_blocks_set_state(m->blocks, b, CS_BLOCK_CACHED);
                holder = chunk + GLIBC_HEADER;
                if (list->cache && m->glibc->image->kind == CS_IMAGE_CORE && link_at(m, holder + 8, &key))
                        cs_glibc_learn_key(&m->keys, m->glibc->layout, list->cache, key);
                at = cs_glibc_reveal(m->glibc->layout, holder, stored);
        }
}

static void mark_fastbins(struct marker *m, uint64_t arena)
{
        const struct cs_glibc_layout *l = m->glibc->layout;
        for (unsigned i = 0; l->fastbins && i < GLIBC_FASTBINS; i++) {
                struct list list = { .holder = arena + l->fastbins + 8u * i,
                                     .sizes = bin_sizes(i),
                                     .most = cs_blocks_indices(m->blocks),
                                     .broken = "fastbin list is broken" };
                if (cs_source_u64(m->glibc->image->source, list.holder, &list.head))
                        mark_list(m, &list);
        }
}

/* ---- thread caches ----------------------------------------------------------------------------------------------- */

/* The bin's count as it is stored: chunks, or free slots. */
static unsigned stored_count(const struct tcache *t, unsigned bin)
{
        if (t->layout->counts == GLIBC_COUNTS_BYTE)
                return t->bytes[bin];
        return t->bytes[2 * bin] | (unsigned)t->bytes[2 * bin + 1] << 8;
}

static uint64_t head_of(const struct tcache *t, unsigned bin)
{
        return cs_word(t->bytes + t->layout->tcache_heads + 8u * bin);
}

/* How many slots an empty bin of this cache has; what it holds is that less its free ones. All empty bins agree, and a cache
 * that has none empty holds at least what it lacks to the largest number. False: they do not agree. */
static bool slots_of(const struct tcache *t, unsigned *slots)
{
        bool known = false;
        *slots = UINT16_MAX;
        for (unsigned i = 0; i < t->layout->tcache_bins; i++) {
                if (head_of(t, i))
                        continue;
                if (known && stored_count(t, i) != *slots)
                        return false;
                *slots = stored_count(t, i);
                known = true;
        }
        return true;
}

/* How many chunks the bin holds; false where its head does not agree. */
static bool bin_count(const struct tcache *t, unsigned bin, unsigned slots, unsigned *count)
{
        unsigned stored = stored_count(t, bin);
        if (t->layout->counts == GLIBC_SLOTS_SHORT && stored > slots)
                return false;
        *count = t->layout->counts == GLIBC_SLOTS_SHORT ? slots - stored : stored;
        return !head_of(t, bin) == !*count;
}

/* Does every head agree with its count? One that is all zero could be anything, and there is nothing to mark. */
static bool heads_agree(const struct tcache *t)
{
        unsigned slots = 0, count;
        bool any = false;
        if (t->layout->counts == GLIBC_SLOTS_SHORT && !slots_of(t, &slots))
                return false;
        for (unsigned i = 0; i < t->layout->tcache_bins; i++) {
                if (!bin_count(t, i, slots, &count))
                        return false;
                any |= count != 0;
        }
        return any || slots != 0;
}

static size_t tcache_bytes(const struct cs_glibc_layout *layout)
{
        return layout->tcache_heads + 8u * layout->tcache_bins;
}

static bool sized_as(const struct cs_glibc_layout *layout, uint64_t size)
{
        return layout->counts != GLIBC_NO_TCACHE && size >= layout->tcache_chunk &&
               size - layout->tcache_chunk <= layout->tcache_padded + TCACHE_SURPLUS;
}

/* Is this a thread cache: every head agrees with its count and points to a chunk of its bin's size? Where a few of many do not,
 * these are damaged. */
static bool is_tcache(const struct marker *m, const struct tcache *t)
{
        unsigned heads = 0, wrong = 0;
        for (unsigned i = 0; i < t->layout->tcache_bins; i++) {
                if (!head_of(t, i))
                        continue;
                heads++;
                wrong += !is_entry(m, head_of(t, i) - GLIBC_HEADER, bin_sizes(i));
        }
        return wrong <= heads / 4 && heads_agree(t);
}

static bool read_tcache(const struct marker *m, const struct cs_block *b,
                        const struct cs_glibc_layout *layout, uint8_t bytes[GLIBC_TCACHE_BYTES],
                        struct tcache *t)
{
        if (!sized_as(layout, cs_block_size(b)) || cs_block_state(b) != CS_BLOCK_IN_USE)
                return false;
        *t = (struct tcache){ layout, cs_block_user(b), bytes };
        return cs_source_exact(m->glibc->image->source, t->addr, bytes, tcache_bytes(layout)) &&
               is_tcache(m, t);
}

static void mark_tcache(struct marker *m, const struct tcache *t)
{
        unsigned slots = 0, count;
        if (t->layout->counts == GLIBC_SLOTS_SHORT)
                (void)slots_of(t, &slots);
        for (unsigned i = 0; i < t->layout->tcache_bins; i++) {
                struct list list = { t->addr + t->layout->tcache_heads + 8u * i,
                                     head_of(t, i),
                                     bin_sizes(i),
                                     0,
                                     GLIBC_HEADER,
                                     t->addr,
                                     "thread cache list is broken" };
                if (bin_count(t, i, slots, &count))
                        list.most = count;
                mark_list(m, &list);
        }
}

/* ---- while the walks come by ------------------------------------------------------------------------------------- */

uint64_t cs_glibc_cache_sizes(const struct cs_glibc *glibc)
{
        uint64_t sizes = 0;
        for (size_t row = 0; row < cs_glibc_layout_count; row++)
                for (unsigned n = 0; glibc->candidates >> row & 1 && n < 64; n++)
                        if (sized_as(&cs_glibc_layouts[row], (uint64_t)n * CS_BLOCK_UNIT))
                                sizes |= UINT64_C(1) << n;
        return sizes;
}

/* Most chunks of such a size hold something else: seen now, while they are in the processor's cache anyway, few are left. */
enum cs_status cs_glibc_note_cache(struct cs_glibc *glibc, struct cs_range chunk, const uint8_t *bytes,
                                   size_t len, struct cs_error *err)
{
        bool maybe = false;
        for (size_t row = 0; !maybe && row < cs_glibc_layout_count; row++) {
                const struct cs_glibc_layout *l = &cs_glibc_layouts[row];
                const struct tcache t = { .layout = l, .bytes = bytes };
                if (glibc->candidates >> row & 1 && sized_as(l, cs_range_size(chunk)))
                        maybe = len < tcache_bytes(l) || heads_agree(&t);
        }
        return maybe ? cs_vec_push(&glibc->caches, chunk.start, err) : CS_OK;
}

/* ---- which layout ------------------------------------------------------------------------------------------------ */

/* One vote for a link that leads on or ends, by this layout. A plain link is never true where links are mangled. */
static uint64_t vote_link(const struct marker *m, const struct cs_glibc_layout *l, uint64_t head,
                          uint64_t pointed, struct sizes sizes)
{
        uint64_t stored, link = head - pointed + GLIBC_HEADER;
        if (!is_entry(m, head - pointed, sizes) || !cs_source_u64(m->glibc->image->source, link, &stored))
                return 0;
        uint64_t next = cs_glibc_reveal(l, link, stored);
        return !next || is_entry(m, next - pointed, sizes) ? 1 : 0;
}

static void vote_fastbins(struct marker *m, size_t row)
{
        const struct cs_glibc_layout *l = &cs_glibc_layouts[row];
        for (size_t a = m->glibc->first_arena; l->fastbins && a < m->glibc->heaps->arenas.n; a++)
                for (unsigned i = 0; i < GLIBC_FASTBINS; i++) {
                        uint64_t head, at = m->glibc->heaps->arenas.at[a].address + l->fastbins + 8u * i;
                        if (cs_source_u64(m->glibc->image->source, at, &head) && head)
                                m->votes[row] += vote_link(m, l, head, 0, bin_sizes(i));
                }
}

/* Does any layout that is left take the block for a thread cache? */
static bool vote_block(struct marker *m, const struct cs_block *b)
{
        bool any = false;
        for (size_t row = 0; row < cs_glibc_layout_count; row++) {
                uint8_t bytes[GLIBC_TCACHE_BYTES];
                struct tcache t;
                if (!(m->glibc->candidates >> row & 1) ||
                    !read_tcache(m, b, &cs_glibc_layouts[row], bytes, &t))
                        continue;
                any = true;
                m->votes[row]++;
                for (unsigned i = 0; i < t.layout->tcache_bins; i++)
                        if (head_of(&t, i))
                                m->votes[row] +=
                                        vote_link(m, t.layout, head_of(&t, i), GLIBC_HEADER, bin_sizes(i));
        }
        return any;
}

static void elect(struct marker *m)
{
        size_t best = (size_t)(m->glibc->layout - cs_glibc_layouts);
        for (size_t row = 0; row < cs_glibc_layout_count; row++) {
                if (!(m->glibc->candidates >> row & 1))
                        continue;
                vote_fastbins(m, row);
                if (m->votes[row] > m->votes[best])
                        best = row;
        }
        m->glibc->layout = &cs_glibc_layouts[best];
}

/* Of the chunks that the walks noted, those that hold a thread cache by some layout that is left. */
static enum cs_status find_caches(struct marker *m, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (size_t n = 0; st == CS_OK && n < m->glibc->caches.n; n++) {
                uint64_t at = m->glibc->caches.at[n];
                uint32_t i = cs_blocks_at(m->blocks, m->space, at);
                if (i == CS_NO_BLOCK)
                        continue;
                struct cs_block b = cs_blocks_get(m->blocks, i);
                if (b.start == at && vote_block(m, &b))
                        st = cs_vec_push(&m->caches, i, err);
        }
        return st;
}

enum cs_status cs_glibc_mark_cached(struct cs_glibc *glibc, const struct cs_space *space,
                                    struct cs_error *err)
{
        struct marker m = { .glibc = glibc, .space = space, .blocks = &glibc->heaps->blocks };
        enum cs_status st = find_caches(&m, err);
        elect(&m);
        for (size_t i = glibc->first_arena; st == CS_OK && i < glibc->heaps->arenas.n; i++)
                mark_fastbins(&m, glibc->heaps->arenas.at[i].address);
        for (size_t i = 0; st == CS_OK && i < m.caches.n; i++) {
                struct cs_block b = cs_blocks_get(m.blocks, m.caches.at[i]);
                uint8_t bytes[GLIBC_TCACHE_BYTES];
                struct tcache t;
                if (!read_tcache(&m, &b, glibc->layout, bytes, &t))
                        continue;
                mark_tcache(&m, &t);
                cs_blocks_set_state(m.blocks, m.caches.at[i], CS_BLOCK_INTERNAL);
        }
        /* Lists of a living process break as it goes on: nothing is lost there. */
        if (m.broken && glibc->image->kind == CS_IMAGE_CORE)
                cs_glibc_mark_by_key(glibc, space, &m.keys);
        for (size_t i = 0; i < m.blocks->ranges.n; i++) {
                struct cs_range range = m.blocks->ranges.at[i].range;
                cs_source_release(glibc->image->source, range.start, (size_t)cs_range_size(range));
        }
        cs_vec_deinit(&m.caches);
        return st;
}
