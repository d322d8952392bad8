/* SPDX-License-Identifier: Apache-2.0 */
#include "recall_private.h"

#include "huge.h"
#include "pagedigest.h"
#include "pulse.h"
#include "work.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdlib.h>
#include <string.h>

/* Pages that one worker digests at once. */
enum { UNIT_PAGES = 256 };

static void forget(struct cs_recall *r)
{
        cs_blocks_deinit(&r->blocks);
        free(r->digests);
        cs_vec_deinit(&r->kinds);
        cs_pool_deinit(&r->pool);
        cs_thin_deinit(&r->features);
        cs_thin_deinit(&r->addresses);
        cs_vec_deinit(&r->seen);
        *r = (struct cs_recall){ 0 };
}

void cs_recall_deinit(struct cs_recall *recall)
{
        forget(recall);
}

void cs_recalled_deinit(struct cs_recalled *recalled)
{
        free(recalled->digests);
        free(recalled->number);
        free(recalled->tags);
}

uint64_t cs_recall_program(const struct cs_image *image)
{
        uint64_t sum =
                cs_mix((uint64_t)image->pid) ^ cs_mix(image->at_random + 1) ^ cs_mix(image->at_entry + 2);
        for (size_t i = 0; i < image->modules.n; i++) {
                const struct cs_module *m = &image->modules.at[i];
                sum = cs_mix(sum ^ m->range.start) ^ cs_mix(m->range.end ^ m->bias);
                sum ^= XXH3_64bits(m->build_id, m->build_id_len);
        }
        return sum;
}

/* ---- digests ----------------------------------------------------------------------------------------------------- */

/* Where memory runs out, pages are read later. */
static void hear(void *context, uint64_t addr, const uint8_t *bytes, size_t len)
{
        struct cs_recall *r = context;
        cs_pagedigest_fn digest_of = cs_pagedigest_best();
        size_t skip = (size_t)(-addr & (CS_PAGE - 1));
        for (size_t at = skip; at <= len && len - at >= CS_PAGE; at += CS_PAGE) {
                struct cs_recall_page page = { addr + at, digest_of(bytes + at) };
                if (cs_vec_push(&r->seen, page, NULL) != CS_OK)
                        return;
        }
}

void cs_recall_listen(struct cs_recall *recall, struct cs_source *source)
{
        recall->seen.n = 0;
        source->tap_context = recall;
        source->tap = hear;
}

void cs_recall_listen_no_more(struct cs_source *source)
{
        source->tap = NULL;
}

/* Part of a heap range. */
struct unit {
        uint64_t start; /* a page's */
        uint64_t *digests;
        size_t pages;
};

struct digesting {
        CS_VEC(struct unit) units;
        struct cs_view *views; /* one for each worker */
        cs_pagedigest_fn digest_of;
};

/* Pages first to end - 1 of the unit. */
static void digest_pages(const struct digesting *d, const struct unit *u, size_t first, size_t end,
                         struct cs_view *view)
{
        uint64_t limit = u->start + end * CS_PAGE;
        for (uint64_t at = u->start + first * CS_PAGE; at < limit;) {
                size_t got;
                const uint8_t *bytes = cs_view_whole(view, at, CS_PAGE, &got);
                if (!bytes || got < CS_PAGE) {
                        at = cs_page_down(cs_view_past_gap(view, at, limit));
                        continue;
                }
                u->digests[(at - u->start) / CS_PAGE] = d->digest_of(bytes);
                at += CS_PAGE;
        }
}

static enum cs_status digest_unit(void *context, size_t number, unsigned worker, struct cs_error *err)
{
        struct digesting *d = context;
        const struct unit *u = &d->units.at[number];
        struct cs_view *view = &d->views[worker];
        for (size_t first = 0, end; first < u->pages; first = end) {
                for (end = first + 1; end < u->pages && !u->digests[end] == !u->digests[first];)
                        end++;
                if (u->digests[first])
                        continue;
                /* Nothing is read again that was digested when it was read before. */
                size_t bytes = (end - first) * CS_PAGE;
                view->ahead = bytes < CS_VIEW_BYTES ? bytes : CS_VIEW_BYTES;
                digest_pages(d, u, first, end, view);
        }
        return cs_pulse(0, 0, err);
}

/* The last range that begins on that page or before it, or 0. `guess`: perhaps it is that one. */
static size_t range_at(const struct cs_blocks *blocks, uint64_t page, size_t guess)
{
        size_t lo = 0, hi = blocks->ranges.n;
        if (cs_page_down(blocks->ranges.at[guess].range.start) <= page &&
            (guess + 1 == hi || cs_page_down(blocks->ranges.at[guess + 1].range.start) > page))
                return guess;
        while (hi - lo > 1) {
                size_t mid = lo + (hi - lo) / 2;
                if (cs_page_down(blocks->ranges.at[mid].range.start) <= page)
                        lo = mid;
                else
                        hi = mid;
        }
        return lo;
}

/* What was read already. `digests`: where those of each range begin. */
static void take_seen(struct cs_recall *r, const struct cs_blocks *blocks, uint64_t *const *digests)
{
        size_t at = 0;
        for (size_t i = 0; blocks->ranges.n && i < r->seen.n; i++) {
                const struct cs_recall_page *page = &r->seen.at[i];
                at = range_at(blocks, page->addr, at);
                /* Ranges may share a page. */
                for (size_t k = at + 1; k-- > 0;) {
                        const struct cs_heap_range *range = &blocks->ranges.at[k];
                        uint64_t from = cs_page_down(range->range.start);
                        if (page->addr >= cs_page_up(range->range.end))
                                break;
                        if (page->addr >= from)
                                digests[k][(page->addr - from) / CS_PAGE] = page->digest;
                }
        }
        cs_vec_deinit(&r->seen);
}

static enum cs_status run_digests(const struct cs_cluster_input *in, struct digesting *d,
                                  struct cs_error *err)
{
        d->digest_of = cs_pagedigest_best();
        d->views = calloc(in->workers, sizeof(*d->views));
        if (!d->views)
                return cs_fail(err, CS_ENOMEM, "digests");
        for (unsigned w = 0; w < in->workers; w++)
                cs_view_init(&d->views[w], in->image->source);
        enum cs_status st = cs_work_run(in->workers, d->units.n, digest_unit, d, err);
        for (unsigned w = 0; w < in->workers; w++)
                cs_view_deinit(&d->views[w]);
        free(d->views);
        return st;
}

/* The pages of a range, as units. */
static enum cs_status plan_range(struct digesting *d, const struct cs_heap_range *r, uint64_t *to,
                                 struct cs_error *err)
{
        uint64_t left = cs_recall_pages(r), at = cs_page_down(r->range.start);
        enum cs_status st = CS_OK;
        while (st == CS_OK && left) {
                size_t n = left < UNIT_PAGES ? (size_t)left : UNIT_PAGES;
                st = cs_vec_push(&d->units, ((struct unit){ at, to, n }), err);
                to += n;
                at += n * CS_PAGE;
                left -= n;
        }
        return st;
}

static enum cs_status digest_all(const struct cs_cluster_input *in, struct cs_recalled *out,
                                 struct cs_error *err)
{
        const struct cs_blocks *blocks = in->blocks;
        struct digesting d = { 0 };
        enum cs_status st = CS_OK;
        uint64_t pages = 0;
        for (size_t i = 0; i < blocks->ranges.n; i++)
                pages += cs_recall_pages(&blocks->ranges.at[i]);
        out->digests = calloc((size_t)pages + 1, sizeof(*out->digests));
        uint64_t **of_range = malloc((blocks->ranges.n + 1) * sizeof(*of_range)), *to = out->digests;
        if (!out->digests || !of_range)
                st = cs_fail(err, CS_ENOMEM, "digests");
        for (size_t i = 0; st == CS_OK && i < blocks->ranges.n; i++) {
                of_range[i] = to;
                st = plan_range(&d, &blocks->ranges.at[i], to, err);
                to += cs_recall_pages(&blocks->ranges.at[i]);
        }
        if (st == CS_OK)
                take_seen(out->into, blocks, of_range);
        if (st == CS_OK)
                st = run_digests(in, &d, err);
        cs_vec_deinit(&d.units);
        free(of_range);
        return st;
}

/* ---- which blocks are known -------------------------------------------------------------------------------------- */

struct matching {
        const struct cs_cluster_input *in;
        struct cs_recall_match match;
        struct cs_recall_pair *pairs; /* one for each of the present ranges */
};

static struct cs_recall_pair *pair_ranges(const struct cs_cluster_input *in, const struct cs_recalled *r)
{
        const struct cs_blocks *now = in->blocks, *then = &r->from->blocks;
        struct cs_recall_pair *all = calloc(now->ranges.n + 1, sizeof(*all));
        const uint64_t *now_digests = r->digests, *then_digests = r->from->digests;
        size_t k = 0;
        for (size_t i = 0; all && i < now->ranges.n; i++) {
                const struct cs_heap_range *range = &now->ranges.at[i];
                while (k < then->ranges.n && then->ranges.at[k].range.start < range->range.start)
                        then_digests += cs_recall_pages(&then->ranges.at[k++]);
                bool same = k < then->ranges.n && then->ranges.at[k].range.start == range->range.start &&
                            then->ranges.at[k].mmapped == range->mmapped;
                all[i] = (struct cs_recall_pair){ range, same ? &then->ranges.at[k] : NULL, now_digests,
                                                  then_digests };
                now_digests += cs_recall_pages(range);
        }
        return all;
}

/* The part of a slice that lies in each of the ranges. */
static enum cs_status match_slice(void *context, size_t unit, unsigned worker, struct cs_error *err)
{
        const struct matching *m = context;
        const struct cs_slice *slice = &m->in->slices->at[unit];
        const struct cs_blocks *blocks = m->in->blocks;
        (void)worker;
        (void)err;
        for (size_t r = 0; r < blocks->ranges.n; r++) {
                const struct cs_heap_range *range = &blocks->ranges.at[r];
                uint32_t first = slice->first > range->first ? slice->first : range->first;
                uint32_t end = range->first + range->count;
                end = slice->end < end ? slice->end : end;
                if (range->first >= slice->end)
                        break;
                if (first < end)
                        cs_recall_match_blocks(&m->match, &m->pairs[r], first, end);
        }
        return CS_OK;
}

/* Room for a number of each block. */
static uint32_t *number_blocks(const struct cs_blocks *blocks)
{
        size_t bytes = ((size_t)cs_blocks_indices(blocks) + 1) * sizeof(uint32_t);
        uint32_t *numbers = malloc(bytes);
        cs_huge_ask(numbers, bytes);
        return numbers;
}

static enum cs_status match_all(const struct cs_cluster_input *in, struct cs_recalled *out,
                                struct cs_error *err)
{
        out->number = number_blocks(in->blocks);
        struct matching m = { in,
                              { .now = in->blocks,
                                .then = &out->from->blocks,
                                .kinds = (uint32_t)out->from->kinds.n,
                                .number = out->number },
                              pair_ranges(in, out) };
        enum cs_status st = out->number && m.pairs
                                    ? cs_work_run(in->workers, in->slices->n, match_slice, &m, err)
                                    : cs_fail(err, CS_ENOMEM, "known blocks");
        free(m.pairs);
        return st;
}

enum cs_status cs_recalled_begin(const struct cs_cluster_input *in, struct cs_recall *recall, bool use,
                                 struct cs_recalled *out, struct cs_error *err)
{
        *out = (struct cs_recalled){ .from = recall, .into = recall };
        enum cs_status st = digest_all(in, out, err);
        if (st != CS_OK)
                return st;
        return use && recall->filled ? match_all(in, out, err) : CS_OK;
}

/* ---- what is kept ------------------------------------------------------------------------------------------------ */

enum cs_status cs_recalled_end(struct cs_recalled *recalled, const struct cs_cluster_input *in,
                               const struct cs_cluster *kinds, size_t n, struct cs_thin *features,
                               struct cs_thin *addresses, struct cs_error *err)
{
        struct cs_recall next = { .program = cs_recall_program(in->image),
                                  .unexplained = recalled->into->unexplained };
        /* What was known of the blocks is not asked for any more. */
        recalled->tags = recalled->number ? recalled->number : number_blocks(in->blocks);
        recalled->number = NULL;
        enum cs_status st = recalled->tags ? CS_OK : cs_fail(err, CS_ENOMEM, "known blocks");
        for (size_t i = 0; st == CS_OK && i < n; i++) {
                struct cs_cluster c = { .kind = kinds[i].kind,
                                        .key = kinds[i].key,
                                        .target = kinds[i].target,
                                        .offset = kinds[i].offset,
                                        .shape = kinds[i].shape,
                                        .text_len = kinds[i].text_len,
                                        .cut = kinds[i].cut,
                                        .min_units = UINT64_MAX };
                if (kinds[i].text && !(c.text = cs_pool_copy(&next.pool, kinds[i].text, kinds[i].text_len)))
                        st = cs_fail(err, CS_ENOMEM, "templates");
                if (kinds[i].period && !(c.period = cs_arrays_keep(&next.pool, kinds[i].period)))
                        st = cs_fail(err, CS_ENOMEM, "arrays");
                if (st == CS_OK)
                        st = cs_vec_push(&next.kinds, c, err);
        }
        if (st != CS_OK) {
                forget(&next);
                return st;
        }
        next.features = *features;
        next.addresses = *addresses;
        *features = *addresses = (struct cs_thin){ 0 };
        next.digests = recalled->digests;
        recalled->digests = NULL;
        forget(recalled->into);
        *recalled->into = next;
        return CS_OK;
}

void cs_recalled_keep_tags(struct cs_recalled *recalled)
{
        if (recalled->tags)
                recalled->into->blocks.tags.at = recalled->tags;
        recalled->tags = NULL;
}

void cs_recall_keep(struct cs_recall *recall, struct cs_blocks *blocks)
{
        uint32_t *tags = recall->blocks.tags.at;
        if (!tags)
                return;
        free(blocks->tags.at);
        free(blocks->narrow);
        blocks->narrow = NULL;
        blocks->tags.at = tags;
        recall->blocks = *blocks;
        *blocks = (struct cs_blocks){ 0 };
        recall->filled = true;
}
