/* SPDX-License-Identifier: Apache-2.0 */
/* Most of a heap is what it was: where pages did not change and blocks begin where they did, kinds are taken over a whole run of words of the
 * bitmaps at a time. */
#include "recall_private.h"

enum { WORD_BLOCKS = 64, WORD_BYTES = WORD_BLOCKS * CS_BLOCK_UNIT };
_Static_assert(CS_BLOCK_IN_USE == 0, "two tags together tell whether both are in use");

/* What two ranges have in common is compared. */
struct comparing {
        const struct cs_recall_match *match;
        const struct cs_recall_pair *pair;
        const uint64_t *now, *then; /* starts */
        uint64_t ahead;             /* what of its first page lies before the range */
};

static uint64_t units_of(const struct cs_heap_range *r)
{
        return cs_range_size(r->range) / CS_BLOCK_UNIT;
}

/* The kind that a block was, by its tags now and then. */
static inline uint32_t kind_of(uint32_t now, uint32_t then, uint32_t kinds)
{
        uint32_t kind = cs_block_tag_cluster(then);
        bool both_in_use = !((now | then) & CS_BLOCK_STATE_MASK);
        return both_in_use && kind < kinds ? kind : (uint32_t)CS_NO_CLUSTER;
}

/* Starts in the words before that one. */
static uint32_t starts_before(const struct cs_heap_range *r, size_t word)
{
        size_t at = word / CS_RANK_WORDS * CS_RANK_WORDS;
        uint32_t n = r->rank[word / CS_RANK_WORDS];
        for (; at < word; at++)
                n += cs_popcount(r->starts[at]);
        return n;
}

/* Where the block ends that begins at that unit, and is the nth of its range. */
static uint64_t end_of(const struct cs_heap_range *r, uint64_t unit, uint32_t nth)
{
        if (nth + 1 >= r->count)
                return units_of(r);
        size_t word = (size_t)(++unit / WORD_BLOCKS);
        uint64_t bits = r->starts[word] & UINT64_MAX << unit % WORD_BLOCKS;
        while (!bits) /* there is one: count says so */
                bits = r->starts[++word];
        return (uint64_t)word * WORD_BLOCKS + (uint64_t)__builtin_ctzll(bits);
}

/* Are the bytes from first to end - 1, which both ranges have, on pages that are what they were? */
static bool are_unchanged(const struct comparing *c, uint64_t first, uint64_t end)
{
        size_t page = (size_t)((c->ahead + first) / CS_PAGE), last = (size_t)((c->ahead + end - 1) / CS_PAGE);
        for (; page <= last; page++)
                if (c->pair->now_digests[page] != c->pair->then_digests[page])
                        return false;
        return true;
}

/* Of a block that begins at that unit now and then: ends it where it did, on pages that are what they were? */
static bool is_as_it_was(const struct comparing *c, uint64_t unit, uint32_t nth_now, uint32_t nth_then)
{
        uint64_t end = end_of(c->pair->now, unit, nth_now);
        return end == end_of(c->pair->then, unit, nth_then) &&
               are_unchanged(c, unit * CS_BLOCK_UNIT, end * CS_BLOCK_UNIT);
}

/* How many words from that one on, up to `end`, say the same of pages that are what they were. */
static size_t same_words(const struct comparing *c, size_t word, size_t end)
{
        size_t at = word;
        while (at < end && c->now[at] == c->then[at] &&
               are_unchanged(c, at * WORD_BYTES, (at + 1) * WORD_BYTES))
                at++;
        return at - word;
}

/* Blocks of words that are the same: all but the last one end where they did. */
static uint32_t take_words(const struct comparing *c, size_t word, size_t end, uint32_t nth_now,
                           uint32_t nth_then)
{
        const struct cs_recall_match *m = c->match;
        uint32_t first = c->pair->now->first + nth_now, before = c->pair->then->first + nth_then, n = 0;
        for (size_t i = word; i < end; i++)
                n += cs_popcount(c->now[i]);
        const uint32_t *now = m->now->tags.at + first, *then = m->then->tags.at + before;
        uint32_t *number = m->number + first, kinds = m->kinds;
        for (uint32_t i = 0; i < n; i++)
                number[i] = kind_of(now[i], then[i], kinds);
        while (n && !c->now[end - 1])
                end--;
        if (n) {
                uint64_t unit = end * WORD_BLOCKS - 1 - (uint64_t)__builtin_clzll(c->now[end - 1]);
                if (!is_as_it_was(c, unit, nth_now + n - 1, nth_then + n - 1))
                        number[n - 1] = CS_NO_CLUSTER;
        }
        return n;
}

/* Those blocks of a word that begin where its bits are set. */
static void take_each(const struct comparing *c, size_t word, uint64_t bits, uint32_t nth_now,
                      uint32_t nth_then)
{
        const struct cs_recall_match *m = c->match;
        for (; bits; bits &= bits - 1) {
                uint64_t below = (bits & -bits) - 1;
                uint32_t now = nth_now + cs_popcount(c->now[word] & below),
                         then = nth_then + cs_popcount(c->then[word] & below);
                uint32_t index = c->pair->now->first + now, kind = CS_NO_CLUSTER;
                if (c->then[word] & bits & -bits)
                        kind = kind_of(m->now->tags.at[index], m->then->tags.at[c->pair->then->first + then],
                                       m->kinds);
                uint64_t unit = word * WORD_BLOCKS + (uint64_t)__builtin_ctzll(bits);
                if (kind != CS_NO_CLUSTER && !is_as_it_was(c, unit, now, then))
                        kind = CS_NO_CLUSTER;
                m->number[index] = kind;
        }
}

/* Blocks that begin at units first to end - 1, where each of the ranges has starts. */
static void compare(const struct comparing *c, uint64_t first, uint64_t end)
{
        size_t word = (size_t)(first / WORD_BLOCKS), words = (size_t)((end + WORD_BLOCKS - 1) / WORD_BLOCKS);
        if (first >= end)
                return;
        uint32_t now = starts_before(c->pair->now, word), then = starts_before(c->pair->then, word);
        while (word < words) {
                uint64_t at = (uint64_t)word * WORD_BLOCKS, bits = c->now[word];
                size_t run = at >= first ? same_words(c, word, (size_t)(end / WORD_BLOCKS)) : 0;
                if (run) {
                        uint32_t n = take_words(c, word, word + run, now, then);
                        now += n;
                        then += n;
                        word += run;
                        continue;
                }
                if (at < first)
                        bits &= UINT64_MAX << (first - at);
                if (end - at < WORD_BLOCKS)
                        bits &= ~(UINT64_MAX << (end - at));
                take_each(c, word, bits, now, then);
                now += cs_popcount(c->now[word]);
                then += cs_popcount(c->then[word]);
                word++;
        }
}

/* Where one of the ranges is one block, no other one can be the same. */
static void compare_first(const struct comparing *c, uint32_t first)
{
        const struct cs_recall_match *m = c->match;
        const struct cs_recall_pair *p = c->pair;
        if (first != p->now->first)
                return;
        struct cs_block now = cs_blocks_get(m->now, first), then = cs_blocks_get(m->then, p->then->first);
        if (now.size == then.size && are_unchanged(c, 0, now.size))
                m->number[first] =
                        kind_of(m->now->tags.at[first], m->then->tags.at[p->then->first], m->kinds);
}

void cs_recall_match_blocks(const struct cs_recall_match *match, const struct cs_recall_pair *pair,
                            uint32_t first, uint32_t end)
{
        const struct cs_heap_range *now = pair->now, *then = pair->then;
        if (first < end)
                memset(match->number + first, 0xff, (end - first) * sizeof(*match->number));
        if (first >= end || !then)
                return;
        uint64_t units = units_of(now) < units_of(then) ? units_of(now) : units_of(then), to = units;
        struct comparing c = { .match = match,
                               .pair = pair,
                               .now = now->starts,
                               .then = then->starts,
                               .ahead = now->range.start - cs_page_down(now->range.start) };
        if (!now->starts || !then->starts) {
                compare_first(&c, first);
                return;
        }
        uint64_t from = (cs_blocks_from(match->now, first, end).start - now->range.start) / CS_BLOCK_UNIT;
        if (end - now->first < now->count)
                to = (cs_blocks_from(match->now, end, end + 1).start - now->range.start) / CS_BLOCK_UNIT;
        compare(&c, from, to < units ? to : units);
}
