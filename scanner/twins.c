/* SPDX-License-Identifier: Apache-2.0 */
#include "twins.h"

#include "budget.h"
#include "cs_limits.h"
#include "work.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
        UNIT = 4 << 20,
        LEAST = 8, /* places */
        LEAST_BYTES = 64 << 10,
        SHOWN = 16,          /* of the largest */
        SEEN_BITS = 1 << 25, /* of each of two bitmaps: pages whose hash was seen, and seen again */
};

struct page {
        uint64_t hash, addr;
};

/* Of the budget: vectors grow by doubling. */
enum { TWIN_BYTES = 2 * sizeof(struct page), TWIN_PERCENT = 40 };

struct unit {
        struct cs_range range;
        CS_VEC(struct page) pages;
};

struct search {
        const struct cs_repeats_input *in;
        const struct cs_repeats *repeats;
        struct cs_range *covered; /* by records: ascending */
        size_t n_covered;
        struct cs_view *views;
        CS_VEC(struct unit) units;
        _Atomic uint64_t *seen, *again;
        uint64_t mask; /* of hashes that are kept: all where it is 0 */
};

static void search_deinit(struct search *s)
{
        for (unsigned i = 0; s->views && i < s->in->workers; i++)
                cs_view_deinit(&s->views[i]);
        for (size_t i = 0; i < s->units.n; i++)
                cs_vec_deinit(&s->units.at[i].pages);
        cs_vec_deinit(&s->units);
        free(s->views);
        free(s->covered);
        free((void *)s->seen);
        free((void *)s->again);
}

void cs_twins_deinit(struct cs_twins *twins)
{
        cs_vec_deinit(&twins->at);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static int by_start(const void *a, const void *b)
{
        const struct cs_range *x = a, *y = b;
        return x->start < y->start ? -1 : x->start > y->start;
}

static enum cs_status plan(struct search *s, struct cs_twins *out, struct cs_error *err)
{
        const struct cs_regions *regions = s->in->regions;
        uint64_t pages = 0;
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < regions->at.n; i++) {
                const struct cs_region *r = &regions->at.at[i];
                if (!cs_repeats_candidate(r))
                        continue;
                pages += r->resident / CS_PAGE;
                for (uint64_t at = cs_page_up(r->range.start); st == CS_OK && at < r->range.end;) {
                        uint64_t next = cs_source_next_data(s->in->image->source, at);
                        if (next >= r->range.end)
                                break;
                        at = at + (next - at) / CS_PAGE * CS_PAGE;
                        struct unit u = { .range = { at,
                                                     r->range.end - at > UNIT ? at + UNIT : r->range.end } };
                        st = cs_vec_push(&s->units, u, err);
                        at = u.range.end;
                }
        }
        while (pages > cs_budget_entries(CS_LIMIT_TWIN_PAGES, TWIN_BYTES, TWIN_PERCENT)) {
                s->mask = s->mask << 1 | 1;
                pages /= 2;
                out->limited = true;
        }
        return st;
}

static enum cs_status cover(struct search *s, struct cs_error *err)
{
        size_t runs = s->repeats->runs.n;
        s->covered = malloc((runs + 1) * sizeof(*s->covered));
        if (!s->covered)
                return cs_fail(err, CS_ENOMEM, "pages");
        for (size_t i = 0; i < s->repeats->at.n; i++) {
                const struct cs_repeat *r = &s->repeats->at.at[i];
                for (size_t k = 0; k < r->n_runs; k++) {
                        const struct cs_repeat_run *run = &s->repeats->runs.at[r->first_run + k];
                        s->covered[s->n_covered++] =
                                (struct cs_range){ run->first, run->last + r->period.stride };
                }
        }
        if (s->n_covered)
                qsort(s->covered, s->n_covered, sizeof(*s->covered), by_start);
        return CS_OK;
}

/* The first stretch of records that begins at addr or behind it, or the one before that. */
static size_t covered_near(const struct search *s, uint64_t addr)
{
        size_t lo = 0, hi = s->n_covered;
        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;
                if (s->covered[mid].start < addr)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        return lo ? lo - 1 : 0;
}

static enum cs_status read_unit(void *context, size_t unit, unsigned worker, struct cs_error *err)
{
        struct search *s = context;
        struct unit *u = &s->units.at[unit];
        struct cs_view *view = &s->views[worker];
        size_t c = covered_near(s, u->range.start);
        for (uint64_t at = u->range.start; at < u->range.end && u->range.end - at >= CS_PAGE;) {
                uint64_t zeros = cs_source_zeros(view->src, at);
                size_t got;
                if (zeros >= CS_PAGE) {
                        at += zeros / CS_PAGE * CS_PAGE;
                        continue;
                }
                while (c < s->n_covered && s->covered[c].end <= at)
                        c++;
                if (c < s->n_covered && s->covered[c].start < at + CS_PAGE) {
                        uint64_t end = cs_page_up(s->covered[c].end);
                        at = end > at ? end : at + CS_PAGE;
                        continue;
                }
                const uint8_t *bytes = cs_view_whole(view, at, CS_PAGE, &got);
                if (!bytes || got < CS_PAGE) {
                        uint64_t next = cs_view_next(view, at + CS_PAGE);
                        at = next > at ? cs_page_down(next) : u->range.end;
                        continue;
                }
                uint64_t first = cs_word(bytes);
                /* Zeros and other fillings repeat themselves within a page. */
                if (first != cs_word(bytes + CS_PAGE - 8) || memcmp(bytes, bytes + 8, CS_PAGE - 8) != 0) {
                        struct page p = { XXH3_64bits(bytes, CS_PAGE), at };
                        uint64_t bit = p.hash >> 32 & (SEEN_BITS - 1), one = UINT64_C(1) << bit % 64;
                        enum cs_status st = CS_OK;
                        if (!(p.hash & s->mask)) {
                                if (atomic_fetch_or_explicit(&s->seen[bit / 64], one, memory_order_relaxed) &
                                    one)
                                        atomic_fetch_or_explicit(&s->again[bit / 64], one,
                                                                 memory_order_relaxed);
                                st = cs_vec_push(&u->pages, p, err);
                        }
                        if (st != CS_OK)
                                return st;
                }
                at += CS_PAGE;
        }
        cs_source_release(view->src, u->range.start, (size_t)cs_range_size(u->range));
        return CS_OK;
}

/* ---- grouping ---------------------------------------------------------------------------------------------------- */

static int by_hash(const void *a, const void *b)
{
        const struct page *x = a, *y = b;
        if (x->hash != y->hash)
                return x->hash < y->hash ? -1 : 1;
        return x->addr < y->addr ? -1 : x->addr > y->addr;
}

typedef CS_VEC(struct cs_twin) twin_vec;

/* Pages that were seen more than once, perhaps, as groups. */
static enum cs_status group(struct search *s, twin_vec *out, struct cs_error *err)
{
        struct page *all;
        size_t n = 0, most = 1;
        enum cs_status st = CS_OK;
        for (size_t i = 0; i < s->units.n; i++)
                most += s->units.at[i].pages.n;
        if (!(all = malloc(most * sizeof(*all))))
                return cs_fail(err, CS_ENOMEM, "pages");
        for (size_t i = 0; i < s->units.n; i++)
                for (size_t k = 0; k < s->units.at[i].pages.n; k++) {
                        const struct page *p = &s->units.at[i].pages.at[k];
                        uint64_t bit = p->hash >> 32 & (SEEN_BITS - 1);
                        if (s->again[bit / 64] >> bit % 64 & 1)
                                all[n++] = *p;
                }
        if (n)
                qsort(all, n, sizeof(*all), by_hash);
        for (size_t first = 0, end; st == CS_OK && first < n; first = end) {
                struct cs_twin t = { .pages = 1 };
                for (end = first; end < n && all[end].hash == all[first].hash; end++)
                        if (t.n_at < CS_TWIN_EXAMPLES)
                                t.at[t.n_at++] = all[end].addr;
                t.count = end - first;
                if (t.count >= LEAST)
                        st = cs_vec_push(out, t, err);
        }
        free(all);
        return st;
}

static int by_place(const void *a, const void *b)
{
        const struct cs_twin *x = a, *y = b;
        return x->at[0] < y->at[0] ? -1 : x->at[0] > y->at[0];
}

static int by_bytes(const void *a, const void *b)
{
        const struct cs_twin *x = a, *y = b;
        if (x->pages * x->count != y->pages * y->count)
                return x->pages * x->count > y->pages * y->count ? -1 : 1;
        return by_place(a, b);
}

/* Do b's pages always stand behind a's? Judged by the places that are known. */
static bool follows(const struct cs_twin *a, const struct cs_twin *b)
{
        if (a->count != b->count || a->n_at != b->n_at)
                return false;
        for (size_t i = 0; i < a->n_at; i++)
                if (b->at[i] != a->at[i] + a->pages * CS_PAGE)
                        return false;
        return true;
}

static enum cs_status settle(twin_vec *groups, struct cs_twins *out, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        size_t n = 0;
        if (!groups->n)
                return CS_OK;
        qsort(groups->at, groups->n, sizeof(*groups->at), by_place);
        for (size_t i = 0; i < groups->n; i++) {
                if (n && follows(&groups->at[n - 1], &groups->at[i]))
                        groups->at[n - 1].pages++;
                else
                        groups->at[n++] = groups->at[i];
        }
        qsort(groups->at, n, sizeof(*groups->at), by_bytes);
        for (size_t i = 0; st == CS_OK && i < n && i < SHOWN; i++)
                if (groups->at[i].pages * groups->at[i].count * CS_PAGE >= LEAST_BYTES)
                        st = cs_vec_push(&out->at, groups->at[i], err);
        return st;
}

static void groups_deinit(twin_vec *groups)
{
        cs_vec_deinit(groups);
}

enum cs_status cs_twins_find(const struct cs_repeats_input *in, const struct cs_repeats *repeats,
                             struct cs_twins *out, struct cs_error *err)
{
        cs_cleanup(search_deinit) struct search s = { .in = in, .repeats = repeats };
        cs_cleanup(groups_deinit) twin_vec groups = { 0 };
        enum cs_status st = plan(&s, out, err);
        if (st != CS_OK || !s.units.n || (st = cover(&s, err)) != CS_OK)
                return st;
        s.views = calloc(in->workers, sizeof(*s.views));
        s.seen = calloc(SEEN_BITS / 64, sizeof(*s.seen));
        s.again = calloc(SEEN_BITS / 64, sizeof(*s.again));
        if (!s.views || !s.seen || !s.again)
                return cs_fail(err, CS_ENOMEM, "pages");
        for (unsigned i = 0; i < in->workers; i++)
                cs_view_init(&s.views[i], in->image->source);
        if ((st = cs_work_run(in->workers, s.units.n, read_unit, &s, err)) != CS_OK ||
            (st = group(&s, &groups, err)) != CS_OK)
                return st;
        return settle(&groups, out, err);
}
