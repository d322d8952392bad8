/* SPDX-License-Identifier: Apache-2.0 */
#include "texts_plan.h"

#include "scan.h"

#include <stdlib.h>
#include <string.h>

typedef CS_VEC(struct cs_range) range_vec;
typedef CS_VEC(const struct cs_mapping *) shared_vec;

void cs_texts_plan_deinit(struct cs_texts_plan *plan)
{
        cs_vec_deinit(&plan->units);
}

/* ---- the same pages at two addresses ------------------------------------------------------------------------------- */

static int compare_files(const struct cs_mapping *x, const struct cs_mapping *y)
{
        if (x->inode != y->inode)
                return x->inode < y->inode ? -1 : 1;
        return strcmp(x->path, y->path);
}

static int by_file(const void *a, const void *b)
{
        const struct cs_mapping *const *x = a, *const *y = b;
        int order = compare_files(*x, *y);
        if (order)
                return order;
        if ((*x)->file_offset != (*y)->file_offset)
                return (*x)->file_offset < (*y)->file_offset ? -1 : 1;
        return ((*x)->range.start > (*y)->range.start) - ((*x)->range.start < (*y)->range.start);
}

static int by_address(const void *a, const void *b)
{
        const struct cs_range *x = a, *y = b;
        return (x->start > y->start) - (x->start < y->start);
}

/* Cores do not tell one file from another that has the same name, nor what was written to a private mapping: there the bytes have to
 * be equal. */
static bool equal_pages(struct cs_view *one, struct cs_view *other, uint64_t a, uint64_t b)
{
        size_t n, m;
        const uint8_t *x = cs_view_whole(one, a, CS_PAGE, &n), *y = cs_view_whole(other, b, CS_PAGE, &m);
        return x && y && n == m && memcmp(x, y, n) == 0;
}

static enum cs_status add_range(range_vec *ranges, struct cs_range r, struct cs_error *err)
{
        if (ranges->n && ranges->at[ranges->n - 1].end == r.start) {
                ranges->at[ranges->n - 1].end = r.end;
                return CS_OK;
        }
        return cs_vec_push(ranges, r, err);
}

/* The part of `m` whose pages `first` has, too. */
static enum cs_status note_again(const struct cs_image *image, const struct cs_mapping *first,
                                 const struct cs_mapping *m, range_vec *again, struct cs_error *err)
{
        uint64_t shift = m->file_offset - first->file_offset, most = cs_range_size(first->range) - shift;
        uint64_t len = cs_range_size(m->range) < most ? cs_range_size(m->range) : most;
        bool known = m->inode && (m->perms & CS_PERM_SHARED) && (first->perms & CS_PERM_SHARED);
        struct cs_range part = { m->range.start, m->range.start + len };
        if (known)
                return add_range(again, part, err);
        struct cs_view one, other;
        cs_view_init(&one, image->source);
        cs_view_init(&other, image->source);
        enum cs_status st = CS_OK;
        for (uint64_t at = 0; st == CS_OK && at < len; at += CS_PAGE) {
                uint64_t next = cs_source_next(image->source, part.start + at);
                if (next - part.start >= len)
                        break;
                at = cs_page_down(next) - part.start > at ? cs_page_down(next) - part.start : at;
                if (equal_pages(&one, &other, first->range.start + shift + at, part.start + at))
                        st = add_range(again, (struct cs_range){ part.start + at, part.start + at + CS_PAGE },
                                       err);
        }
        cs_view_deinit(&one);
        cs_view_deinit(&other);
        return st;
}

static enum cs_status find_again(const struct cs_image *image, shared_vec *shared, range_vec *again,
                                 struct cs_error *err)
{
        const struct cs_mapping *furthest =
                NULL; /* of those of this file so far, the one that reaches furthest in it */
        enum cs_status st = CS_OK;
        if (shared->n)
                qsort(shared->at, shared->n, sizeof(*shared->at), by_file);
        for (size_t i = 0; st == CS_OK && i < shared->n; i++) {
                const struct cs_mapping *m = shared->at[i];
                if (furthest && compare_files(furthest, m) == 0 &&
                    m->file_offset - furthest->file_offset < cs_range_size(furthest->range)) {
                        st = note_again(image, furthest, m, again, err);
                        uint64_t reach =
                                cs_range_size(furthest->range) - (m->file_offset - furthest->file_offset);
                        if (cs_range_size(m->range) <= reach)
                                continue;
                }
                furthest = m;
        }
        if (again->n)
                qsort(again->at, again->n, sizeof(*again->at), by_address);
        return st;
}

/* ---- units --------------------------------------------------------------------------------------------------------- */

static enum cs_status cut(const struct cs_image *image, struct cs_range r, uint64_t unit,
                          struct cs_texts_plan *out, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (uint64_t at = r.start; st == CS_OK && at < r.end;) {
                /* Reserved terabytes are no work. */
                uint64_t next = cs_source_next(image->source, at);
                if (next >= r.end)
                        break;
                if (next > at)
                        at = next - (next - r.start) % unit;
                uint64_t end = at - (at - r.start) % unit + unit;
                struct cs_texts_unit u = { { at, end < r.end ? end : r.end }, r };
                st = cs_vec_push(&out->units, u, err);
                out->bytes += cs_range_size(u.range);
                at = u.range.end;
        }
        return st;
}

/* What is left of r without the pages that are elsewhere, too; *k goes through those. */
static enum cs_status cut_rest(const struct cs_image *image, struct cs_range r, uint64_t unit,
                               const range_vec *again, size_t *k, struct cs_texts_plan *out,
                               struct cs_error *err)
{
        enum cs_status st = CS_OK;
        while (*k < again->n && again->at[*k].end <= r.start)
                ++*k;
        for (; st == CS_OK && *k < again->n && again->at[*k].start < r.end; ++*k) {
                struct cs_range same = cs_range_cut(again->at[*k], r);
                out->twice += cs_range_size(same);
                if (same.start > r.start)
                        st = cut(image, (struct cs_range){ r.start, same.start }, unit, out, err);
                r.start = same.end;
                if (again->at[*k].end >= r.end)
                        return st;
        }
        return st == CS_OK && r.start < r.end ? cut(image, r, unit, out, err) : st;
}

enum cs_status cs_texts_plan(const struct cs_image *image, const struct cs_regions *regions, uint64_t unit,
                             struct cs_texts_plan *out, struct cs_error *err)
{
        range_vec ranges = { 0 }, again = { 0 };
        shared_vec shared = { 0 };
        enum cs_status st = CS_OK;
        uint32_t last = UINT32_MAX;
        for (size_t i = 0; st == CS_OK && i < regions->at.n; i++) {
                const struct cs_region *r = &regions->at.at[i];
                const struct cs_mapping *m = &image->mappings.at[r->mapping];
                if (!m->dumped || !cs_scan_searches(image, r))
                        continue;
                st = add_range(&ranges, r->range, err);
                if (st == CS_OK && m->path && m->file_backed && r->mapping != last)
                        st = cs_vec_push(&shared, m, err);
                last = r->mapping;
        }
        if (st == CS_OK)
                st = find_again(image, &shared, &again, err);
        size_t k = 0;
        for (size_t i = 0; st == CS_OK && i < ranges.n; i++)
                st = cut_rest(image, ranges.at[i], unit, &again, &k, out, err);
        cs_vec_deinit(&ranges);
        cs_vec_deinit(&again);
        cs_vec_deinit(&shared);
        return st;
}
