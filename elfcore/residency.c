/* SPDX-License-Identifier: Apache-2.0 */
#include "residency.h"

#include "bytes.h"
#include "cs_limits.h"
#include "work.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
        UNIT_PAGES = CS_RESIDENCY_PAGES,
        WALK_BYTES = 256 << 10, /* looked at in one go by those who walk */
};

_Static_assert((int)UNIT_PAGES <= (int)CS_RESIDENT_PAGES, "sources tell of as many");

struct cs_residency {
        const struct cs_image *image;
        uint64_t **bits;               /* per mapping, one bit a page; NULL: none is resident */
        uint64_t **swapped;            /* the same of those that are swapped out (live) */
        CS_VEC(struct cs_range) units; /* what a worker looks at in one go; by address */
        atomic_uchar *looked;          /* by unit: enum looked */
        atomic_bool *complete;         /* all are LOOKED */
        size_t skipped;
};

enum looked { NOT_LOOKED, LOOKING, LOOKED };

static uint64_t pages_of(const struct cs_mapping *m)
{
        return (cs_page_up(m->range.end) - cs_page_down(m->range.start)) / CS_PAGE;
}

/* In a core what may not be read was either not dumped or is zeros that gcore made up; live, pages are held whatever access is allowed. */
static bool counts(const struct cs_residency *r, const struct cs_mapping *m)
{
        return m->dumped && (m->perms & CS_PERM_READ || r->image->kind == CS_IMAGE_LIVE);
}

static enum cs_status make_bits(struct cs_residency *r, size_t mapping, struct cs_error *err)
{
        size_t words = (size_t)(pages_of(&r->image->mappings.at[mapping]) / 64 + 1);
        bool live = r->image->kind == CS_IMAGE_LIVE;
        r->bits[mapping] = calloc(words, sizeof(uint64_t));
        r->swapped[mapping] = live ? calloc(words, sizeof(uint64_t)) : NULL;
        if (!r->bits[mapping] || (live && !r->swapped[mapping]))
                return cs_fail(err, CS_ENOMEM, "page map");
        return CS_OK;
}

/* Units start at multiples of 64 pages of their mapping, so that no two write to one word. Those in which nothing is held are left
 * out: reserved memory may take terabytes of the address space. */
static enum cs_status plan_mapping(struct cs_residency *r, size_t mapping, struct cs_error *err)
{
        struct cs_range range = r->image->mappings.at[mapping].range;
        enum cs_status st = CS_OK;
        for (uint64_t at = range.start; st == CS_OK && at < range.end;) {
                uint64_t next = cs_source_held(r->image->source, at);
                if (next >= range.end)
                        break;
                at += (next - at) / (UNIT_PAGES * CS_PAGE) * (UNIT_PAGES * CS_PAGE);
                uint64_t left = range.end - at;
                struct cs_range unit = { at,
                                         at + (left < UNIT_PAGES * CS_PAGE ? left : UNIT_PAGES * CS_PAGE) };
                if (!r->bits[mapping])
                        st = make_bits(r, mapping, err);
                if (st == CS_OK)
                        st = cs_vec_push(&r->units, unit, err);
                at = unit.end;
        }
        return st;
}

static enum cs_status plan(struct cs_residency *r, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < r->image->mappings.n; i++) {
                const struct cs_mapping *m = &r->image->mappings.at[i];
                if (!counts(r, m))
                        continue;
                if (pages_of(m) <= CS_LIMIT_MAPPING_PAGES)
                        st = plan_mapping(r, i, err);
                else
                        r->skipped += (m->perms & CS_PERM_READ) != 0;
        }
        return st;
}

static void look(const struct cs_residency *r, struct cs_range range, bool let_go)
{
        const struct cs_mapping *m = cs_image_mapping_at(r->image, range.start);
        uint8_t flags[UNIT_PAGES];
        size_t pages = (size_t)((cs_range_size(range) + CS_PAGE - 1) / CS_PAGE);
        uint64_t *bits = r->bits[m - r->image->mappings.at];
        uint64_t *swapped = r->swapped[m - r->image->mappings.at];
        uint64_t first = (range.start - m->range.start) / CS_PAGE;
        cs_source_resident(r->image->source, range.start, pages, flags);
        for (size_t i = 0; i < pages; i++)
                bits[(first + i) / 64] |= (uint64_t)(flags[i] == CS_PAGE_RESIDENT) << ((first + i) % 64);
        for (size_t i = 0; swapped && i < pages; i++)
                if (flags[i] == CS_PAGE_SWAPPED)
                        swapped[(first + i) / 64] |= UINT64_C(1) << ((first + i) % 64);
        if (let_go)
                cs_source_release(r->image->source, range.start, (size_t)cs_range_size(range));
}

/* Sees to it that a unit is looked at: whoever comes first does it, the others wait. */
static void see_unit(const struct cs_residency *r, size_t unit, bool let_go)
{
        unsigned char state = atomic_load_explicit(&r->looked[unit], memory_order_acquire);
        if (state == NOT_LOOKED && atomic_compare_exchange_strong(&r->looked[unit], &state, LOOKING)) {
                look(r, r->units.at[unit], let_go);
                atomic_store_explicit(&r->looked[unit], LOOKED, memory_order_release);
                return;
        }
        while (atomic_load_explicit(&r->looked[unit], memory_order_acquire) != LOOKED)
                (void)sched_yield();
}

static enum cs_status see(void *context, size_t unit, unsigned worker, struct cs_error *err)
{
        (void)worker;
        (void)err;
        see_unit(context, unit, true);
        return CS_OK;
}

/* The same of all units of a range. */
static void see_range(const struct cs_residency *r, struct cs_range range, bool let_go)
{
        if (atomic_load_explicit(r->complete, memory_order_acquire))
                return;
        size_t i = cs_first_behind(r->units.at, r->units.n, end, range.start);
        for (; i < r->units.n && r->units.at[i].start < range.end; i++)
                see_unit(r, i, let_go);
}

void cs_residency_see(const struct cs_residency *r, struct cs_range range)
{
        see_range(r, range, false);
}

enum cs_status cs_residency_begin(const struct cs_image *image, struct cs_residency **out,
                                  struct cs_error *err)
{
        cs_cleanup(cs_residency_destroyp) struct cs_residency *r = calloc(1, sizeof(*r));
        if (!r)
                return cs_fail(err, CS_ENOMEM, "residency");
        r->image = image;
        r->bits = calloc(image->mappings.n + 1, sizeof(*r->bits));
        r->swapped = calloc(image->mappings.n + 1, sizeof(*r->swapped));
        r->complete = calloc(1, sizeof(*r->complete));
        if (!r->bits || !r->swapped || !r->complete)
                return cs_fail(err, CS_ENOMEM, "residency");
        enum cs_status st = plan(r, err);
        if (st != CS_OK)
                return st;
        r->looked = calloc(r->units.n + 1, sizeof(*r->looked));
        if (!r->looked)
                return cs_fail(err, CS_ENOMEM, "residency");
        *out = cs_take(r);
        return CS_OK;
}

enum cs_status cs_residency_complete(const struct cs_residency *r, unsigned workers, struct cs_error *err)
{
        if (atomic_load_explicit(r->complete, memory_order_acquire))
                return CS_OK;
        enum cs_status st = cs_work_run(workers, r->units.n, see, (void *)(uintptr_t)r, err);
        for (size_t i = 0; st == CS_ESTOPPED && i < r->units.n; i++) {
                unsigned char state = NOT_LOOKED;
                if (!atomic_compare_exchange_strong(&r->looked[i], &state, LOOKED))
                        see_unit(r, i, true);
        }
        if (st == CS_OK || st == CS_ESTOPPED)
                atomic_store_explicit(r->complete, true, memory_order_release);
        return st;
}

enum cs_status cs_residency_create(const struct cs_image *image, unsigned workers, struct cs_residency **out,
                                   struct cs_error *err)
{
        cs_cleanup(cs_residency_destroyp) struct cs_residency *r = NULL;
        enum cs_status st = cs_residency_begin(image, &r, err);
        if (st == CS_OK && (st = cs_residency_complete(r, workers, err)) == CS_ESTOPPED)
                st = CS_OK;
        if (st == CS_OK)
                *out = cs_take(r);
        return st;
}

void cs_residency_destroy(struct cs_residency *r)
{
        if (!r)
                return;
        for (size_t i = 0; r->bits && i < r->image->mappings.n; i++)
                free(r->bits[i]);
        for (size_t i = 0; r->swapped && i < r->image->mappings.n; i++)
                free(r->swapped[i]);
        free(r->bits);
        free(r->swapped);
        free(r->looked);
        free(r->complete);
        cs_vec_deinit(&r->units);
        free(r);
}

/* Set bits in [first, end). */
static uint64_t count_bits(const uint64_t *bits, uint64_t first, uint64_t end)
{
        uint64_t sum = 0;
        while (first < end) {
                uint64_t word = bits[first / 64] >> (first % 64);
                uint64_t n = 64 - first % 64;
                if (n > end - first) {
                        n = end - first;
                        word &= (UINT64_C(1) << n) - 1;
                }
                sum += cs_popcount(word);
                first += n;
        }
        return sum;
}

/* Of one mapping; range lies inside. */
static uint64_t bytes_in(const struct cs_mapping *m, const uint64_t *bits, struct cs_range range)
{
        uint64_t from = range.start - m->range.start, to = range.end - m->range.start;
        uint64_t first = from / CS_PAGE, last = (to - 1) / CS_PAGE;
        uint64_t sum = count_bits(bits, first, last + 1) * CS_PAGE;
        if (count_bits(bits, first, first + 1))
                sum -= from - first * CS_PAGE;
        if (count_bits(bits, last, last + 1))
                sum -= (last + 1) * CS_PAGE - to;
        return sum;
}

static uint64_t sum_bytes(const struct cs_residency *r, uint64_t *const *maps, struct cs_range range)
{
        uint64_t sum = 0;
        see_range(r, range, true);
        while (range.start < range.end) {
                const struct cs_mapping *m = cs_image_mapping_at(r->image, range.start);
                if (!m)
                        break;
                struct cs_range part = cs_range_cut(range, m->range);
                const uint64_t *bits = maps[m - r->image->mappings.at];
                if (bits)
                        sum += bytes_in(m, bits, part);
                range.start = part.end;
        }
        return sum;
}

uint64_t cs_residency_bytes(const struct cs_residency *r, struct cs_range range)
{
        return sum_bytes(r, r->bits, range);
}

uint64_t cs_residency_swapped(const struct cs_residency *r, struct cs_range range)
{
        return sum_bytes(r, r->swapped, range);
}

uint64_t cs_residency_page(const struct cs_residency *r, struct cs_range range, uint64_t *nth)
{
        const struct cs_mapping *m = cs_image_mapping_at(r->image, range.start);
        const uint64_t *bits = m ? r->bits[m - r->image->mappings.at] : NULL;
        if (!bits || range.start >= range.end)
                return UINT64_MAX;
        struct cs_range part = cs_range_cut(range, m->range);
        see_range(r, part, true);
        uint64_t at = (part.start - m->range.start) / CS_PAGE;
        uint64_t end = (part.end - m->range.start + CS_PAGE - 1) / CS_PAGE;
        while (at < end) {
                uint64_t stop = at / 64 * 64 + 64 < end ? at / 64 * 64 + 64 : end;
                uint64_t here = count_bits(bits, at, stop);
                if (here <= *nth) {
                        *nth -= here;
                        at = stop;
                        continue;
                }
                uint64_t word = bits[at / 64] >> (at % 64);
                for (; *nth; --*nth)
                        word &= word - 1;
                return cs_page_down(m->range.start) + (at + (uint64_t)__builtin_ctzll(word)) * CS_PAGE;
        }
        return UINT64_MAX;
}

/* Learns of the stretch around addr, of those that its mapping is cut into; false where it is neither resident nor not. As stretches lie in one unit
 * each, who walks over other units waits for nobody. */
static bool learn(struct cs_residency_walk *w, uint64_t addr, uint64_t bytes)
{
        _Static_assert(UNIT_PAGES * CS_PAGE % WALK_BYTES == 0, "units are cut into stretches");
        const struct cs_mapping *m = cs_image_mapping_at(w->residency->image, addr);
        if (!m)
                return false;
        uint64_t first = cs_page_down(m->range.start), start = addr - (addr - first) % bytes;
        struct cs_range range = cs_range_cut((struct cs_range){ start, start + bytes }, m->range);
        uint64_t resident = cs_residency_bytes(w->residency, range);
        bool same = !resident || resident == cs_range_size(range);
        *(same ? &w->known : &w->mixed) = range;
        w->resident = same ? resident != 0 : w->resident;
        return same;
}

uint64_t cs_residency_walk_on(struct cs_residency_walk *w, struct cs_range range)
{
        uint64_t sum = 0;
        while (range.start < range.end) {
                bool known = cs_range_has(w->known, range.start) ||
                             (!cs_range_has(w->mixed, range.start) && learn(w, range.start, WALK_BYTES)) ||
                             learn(w, range.start, CS_PAGE);
                if (!known)
                        return sum + cs_residency_bytes(w->residency, range);
                struct cs_range part = cs_range_cut(range, w->known);
                sum += w->resident ? cs_range_size(part) : 0;
                range.start = part.end;
        }
        return sum;
}

size_t cs_residency_skipped(const struct cs_residency *r)
{
        return r->skipped;
}
