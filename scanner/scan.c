/* SPDX-License-Identifier: Apache-2.0 */
/* Memory is cut into units, of which a batch is searched at a time by all workers, each unit as if nothing lay before it. Then, in the order of their
 * addresses, what a match of the unit before has taken away is put right: its rule's hits in this unit are looked for once more, from the end of
 * that match on. This and the telling is done by the caller's thread while the others search the next batch. */
#include "scan.h"

#include "cs_limits.h"
#include "pulse.h"
#include "scan_window.h"
#include "work.h"

#include <stdlib.h>
#include <string.h>

enum {
        UNIT_BYTES = 8 << 20,
        WINDOW_BYTES = 1 << 20,
        BATCH_UNITS = 8,         /* per worker */
        WAITING_TEXT = 64 << 20, /* bytes of texts of hits that wait to be told */
};

struct carried {
        uint32_t rule;
        uint64_t until;
};

typedef CS_VEC(struct carried) carried_vec;
typedef CS_VEC(struct cs_scan_hit) hit_vec;

struct unit {
        struct cs_range range;
        struct cs_range bounds; /* that it is a part of */
        hit_vec hits;
        carried_vec carried; /* matches that reach beyond its end */
        struct cs_pool text;
        uint64_t text_bytes;
        uint64_t left_out;
        uint64_t bytes;
};

typedef CS_VEC(struct unit) unit_vec;

/* What the units told last left, and where they ended. */
struct last {
        uint64_t end;
        carried_vec carried;
};

struct worker {
        CS_WORK_APART struct cs_searcher *searcher;
        struct cs_scan_reader reader;
};

struct scan {
        const struct cs_scan_input *in;
        cs_range_vec ranges;
        unit_vec units;  /* that wait, and behind them the batch */
        size_t searched; /* of these, before the batch */
        unit_vec ready;  /* that are to be told: only the caller's thread knows them */
        struct last last;
        cs_scan_fn fn;
        void *context;
        struct cs_scan_result *out;
        struct worker *workers; /* and one more, of the main thread */
        unsigned n_workers;
        uint64_t window;
};

void cs_scan_result_deinit(struct cs_scan_result *result)
{
        free(result->limits);
        result->limits = NULL;
}

/* ---- what is searched -------------------------------------------------------------------------------------------- */

static bool names_no_file(const char *path)
{
        static const char *const names[] = { "/SYSV", "/memfd:", "/dev/shm/", "/dev/zero" };
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                if (strncmp(path, names[i], strlen(names[i])) == 0)
                        return true;
        return false;
}

bool cs_scan_searches(const struct cs_image *image, const struct cs_region *r)
{
        const struct cs_mapping *m = &image->mappings.at[r->mapping];
        switch (r->kind) {
        case CS_KIND_MODULE_CODE:
        case CS_KIND_FILE:
        case CS_KIND_VDSO:
        case CS_KIND_RESERVED:
                return false;
        case CS_KIND_MODULE_DATA:
                return m->perms & CS_PERM_WRITE;
        case CS_KIND_SHARED:
                return !m->file_backed || !m->path || names_no_file(m->path);
        default:
                return true;
        }
}

enum cs_status cs_scan_plan(const struct cs_image *image, const struct cs_regions *regions, cs_range_vec *out,
                            struct cs_error *err)
{
        for (size_t i = 0; i < regions->at.n; i++) {
                const struct cs_region *r = &regions->at.at[i];
                if (!cs_scan_searches(image, r))
                        continue;
                if (out->n && out->at[out->n - 1].end == r->range.start) {
                        out->at[out->n - 1].end = r->range.end;
                        continue;
                }
                enum cs_status st = cs_vec_push(out, r->range, err);
                if (st != CS_OK)
                        return st;
        }
        return CS_OK;
}

/* ---- one unit ---------------------------------------------------------------------------------------------------- */

struct finding {
        struct unit *unit;
        const struct cs_window *window;
};

static enum cs_status on_found(void *context, const struct cs_found *found, struct cs_error *err)
{
        const struct finding *f = context;
        struct unit *u = f->unit;
        const struct cs_window *w = f->window;
        size_t len = found->match.end - found->match.start;
        if (u->hits.n >= CS_LIMIT_UNIT_HITS) {
                u->left_out++;
                return CS_OK;
        }
        struct cs_scan_hit hit = { .address = w->address + found->match.start,
                                   .length = len,
                                   .rule = found->rule,
                                   .text_len = (uint32_t)(len < CS_LIMIT_HIT_TEXT ? len : CS_LIMIT_HIT_TEXT),
                                   .secret = w->address + found->secret.start,
                                   .secret_length = found->secret.end - found->secret.start };
        if (u->text_bytes + hit.text_len > CS_LIMIT_UNIT_TEXT)
                hit.text_len = 0;
        u->text_bytes += hit.text_len;
        hit.text = (const uint8_t *)cs_pool_copy(&u->text, w->bytes + found->match.start, hit.text_len);
        if (!hit.text)
                return cs_fail(err, CS_ENOMEM, "text of hits");
        return cs_vec_push(&u->hits, hit, err);
}

/* The worker's searcher knows what it is to begin with. */
static enum cs_status search_unit(const struct scan *s, struct unit *u, struct worker *w,
                                  struct cs_error *err)
{
        uint64_t at = u->range.start;
        w->reader.bounds = u->bounds;
        for (;;) {
                struct cs_window window;
                bool found;
                enum cs_status st = cs_scan_next(&w->reader, &at, u->range.end, &window, &found, err);
                if (st != CS_OK || !found)
                        return st;
                struct finding f = { u, &window };
                u->bytes += window.own_end - window.own_start;
                if ((st = cs_searcher_run(w->searcher, &window, on_found, &f, err)) != CS_OK)
                        return st;
                cs_source_release(s->in->image->source, window.address + window.own_start,
                                  window.own_end - window.own_start);
        }
}

static enum cs_status list_carried(const struct worker *w, struct unit *u, struct cs_error *err)
{
        struct carried c = { 0 };
        enum cs_status st = CS_OK;
        for (; st == CS_OK && cs_searcher_carried(w->searcher, u->range.end, &c.rule, &c.until); c.rule++)
                st = cs_vec_push(&u->carried, c, err);
        return st;
}

/* ---- in order ---------------------------------------------------------------------------------------------------- */

static int by_place(const void *a, const void *b)
{
        const struct cs_scan_hit *x = a, *y = b;
        if (x->address != y->address)
                return x->address < y->address ? -1 : 1;
        if (x->rule != y->rule)
                return x->rule < y->rule ? -1 : 1;
        return x->length < y->length ? -1 : x->length > y->length;
}

/* Does the list (by rule) have it? */
static bool lists(const carried_vec *list, uint32_t rule)
{
        size_t lo = 0, hi = list->n;
        while (lo < hi) {
                size_t mid = lo + (hi - lo) / 2;
                if (list->at[mid].rule < rule)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        return lo < list->n && list->at[lo].rule == rule;
}

/* Searches the unit again for the rules whose matches of the unit before reach into it. */
static enum cs_status put_right(struct scan *s, struct unit *u, const carried_vec *from, struct cs_error *err)
{
        struct worker *w = &s->workers[s->n_workers];
        carried_vec rest = { 0 };
        size_t kept = 0;
        enum cs_status st = CS_OK;
        for (size_t i = 0; i < u->hits.n; i++)
                if (!lists(from, u->hits.at[i].rule))
                        u->hits.at[kept++] = u->hits.at[i];
        u->hits.n = kept;
        for (size_t i = 0; st == CS_OK && i < u->carried.n; i++)
                if (!lists(from, u->carried.at[i].rule))
                        st = cs_vec_push(&rest, u->carried.at[i], err);
        cs_searcher_begin(w->searcher);
        for (size_t i = 0; i < from->n; i++)
                cs_searcher_resume(w->searcher, from->at[i].rule, from->at[i].until);
        cs_searcher_only(w->searcher);
        uint64_t bytes = u->bytes;
        if (st == CS_OK)
                st = search_unit(s, u, w, err);
        u->bytes = bytes;
        u->carried.n = 0;
        if (st == CS_OK)
                st = list_carried(w, u, err);
        for (size_t i = 0; st == CS_OK && i < rest.n; i++)
                st = cs_vec_push(&u->carried, rest.at[i], err);
        cs_vec_deinit(&rest);
        return st;
}

static int by_rule(const void *a, const void *b)
{
        const struct carried *x = a, *y = b;
        return x->rule < y->rule ? -1 : x->rule > y->rule;
}

static void unit_clear(struct unit *u)
{
        cs_vec_deinit(&u->hits);
        cs_vec_deinit(&u->carried);
        cs_pool_deinit(&u->text);
}

static void clear_units(unit_vec *units)
{
        for (size_t i = 0; i < units->n; i++)
                unit_clear(&units->at[i]);
        units->n = 0;
}

/* Tells what is ready. Once the end was asked for nothing can be put right, so the telling ends there. */
static enum cs_status tell_ready(struct scan *s, struct cs_error *err)
{
        struct last *last = &s->last;
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < s->ready.n; i++) {
                struct unit *u = &s->ready.at[i];
                bool wrong = last->carried.n && last->end == u->range.start;
                if (wrong && cs_stop_asked())
                        break;
                if (wrong && (st = put_right(s, u, &last->carried, err)) != CS_OK)
                        break;
                if (u->carried.n)
                        qsort(u->carried.at, u->carried.n, sizeof(*u->carried.at), by_rule);
                cs_vec_deinit(&last->carried);
                last->end = u->range.end;
                last->carried = u->carried;
                u->carried = (carried_vec){ 0 };
                if (u->hits.n)
                        qsort(u->hits.at, u->hits.n, sizeof(*u->hits.at), by_place);
                s->out->hits += u->hits.n;
                s->out->left_out += u->left_out;
                s->out->bytes += u->bytes;
                if (u->hits.n)
                        st = s->fn(s->context, u->hits.at, u->hits.n, err);
                unit_clear(u);
        }
        clear_units(&s->ready);
        return st;
}

/* All that waits is to be told. */
static void make_ready(struct scan *s)
{
        const unit_vec told = s->ready;
        s->ready = s->units;
        s->units = told;
        s->searched = 0;
}

static enum cs_status do_unit(void *context, size_t number, unsigned worker, struct cs_error *err)
{
        struct scan *s = context;
        struct unit *u = &s->units.at[s->searched + number];
        struct worker *w = &s->workers[worker];
        enum cs_status st = worker == 0 ? tell_ready(s, err) : CS_OK; /* this is the caller's thread */
        if (st != CS_OK)
                return st;
        cs_searcher_begin(w->searcher);
        st = search_unit(s, u, w, err);
        return st == CS_OK ? list_carried(w, u, err) : st;
}

/* The next units, from *range and *at on. */
static enum cs_status fill_batch(struct scan *s, unsigned workers, size_t *range, uint64_t *at,
                                 struct cs_error *err)
{
        uint64_t size = s->in->unit ? s->in->unit : UNIT_BYTES;
        s->searched = s->units.n;
        while (*range < s->ranges.n && s->units.n - s->searched < (size_t)workers * BATCH_UNITS) {
                struct cs_range r = s->ranges.at[*range];
                if (*at < r.start)
                        *at = r.start;
                /* Reserved terabytes are no work. */
                uint64_t next = *at < r.end ? cs_source_next(s->in->image->source, *at) : r.end;
                if (next > *at)
                        *at = next < r.end ? next - (next - r.start) % size : r.end;
                if (*at >= r.end) {
                        ++*range;
                        *at = 0;
                        continue;
                }
                /* Cut at multiples of its size from the range's beginning on. */
                uint64_t to = *at - (*at - r.start) % size + size;
                struct unit u = { .range = { *at, r.end - *at < to - *at ? r.end : to }, .bounds = r };
                enum cs_status st = cs_vec_push(&s->units, u, err);
                if (st != CS_OK)
                        return st;
                *at = u.range.end;
        }
        return CS_OK;
}

/* Is there so much to tell that it has to wait no longer? */
static bool is_full(const struct scan *s)
{
        uint64_t hits = 0, text = 0;
        for (size_t i = 0; i < s->units.n; i++) {
                hits += s->units.at[i].hits.n;
                text += s->units.at[i].text_bytes;
        }
        return hits >= CS_LIMIT_HITS_WAITING || text >= WAITING_TEXT;
}

static bool under_way(const struct scan *s)
{
        return s->in->beside && !cs_beside_over(s->in->beside);
}

static enum cs_status run_batches(struct scan *s, struct cs_error *err)
{
        size_t range = 0;
        uint64_t at = 0, total = 0, done = 0;
        enum cs_status st = CS_OK;
        for (size_t i = 0; i < s->ranges.n; i++)
                total += cs_range_size(s->ranges.at[i]);
        while (st == CS_OK && range < s->ranges.n) {
                if (under_way(s) && is_full(s) && (st = cs_beside_wait(s->in->beside, err)) != CS_OK)
                        break;
                bool waits = under_way(s);
                if (!waits)
                        make_ready(s);
                unsigned workers = s->n_workers > 1 && waits ? s->n_workers - 1 : s->n_workers;
                /* A source tells of nothing once the end was asked for. */
                if ((st = fill_batch(s, workers, &range, &at, err)) != CS_OK ||
                    (st = cs_pulse(0, 0, err)) != CS_OK)
                        break;
                st = cs_work_run(workers, s->units.n - s->searched, do_unit, s, err);
                for (size_t i = s->searched; i < s->units.n; i++)
                        done += cs_range_size(s->units.at[i].range);
                if (s->in->progress)
                        s->in->progress(s->in->progress_context, done, total);
                if (st == CS_OK) /* others may have left no unit to this thread */
                        st = tell_ready(s, err);
        }
        if (st == CS_OK && s->in->beside)
                st = cs_beside_wait(s->in->beside, err);
        return st;
}

/* What was found before the end was asked for is told as well. */
static enum cs_status tell_rest(struct scan *s, enum cs_status how, struct cs_error *err)
{
        if (how != CS_OK && how != CS_ESTOPPED)
                return how;
        enum cs_status st = tell_ready(s, err);
        make_ready(s);
        if (st == CS_OK)
                st = tell_ready(s, err);
        return st == CS_OK ? how : st;
}

static enum cs_status make_workers(struct scan *s, struct cs_error *err)
{
        s->n_workers = s->in->workers ? s->in->workers : 1;
        s->workers = cs_work_alloc((size_t)s->n_workers + 1, sizeof(*s->workers));
        if (!s->workers)
                return cs_fail(err, CS_ENOMEM, "workers");
        for (unsigned i = 0; i <= s->n_workers; i++) {
                s->workers[i].reader =
                        (struct cs_scan_reader){ .source = s->in->image->source,
                                                 .residency = { .residency = s->in->residency },
                                                 .skips_zeros = cs_ruleset_skips_zeros(s->in->rules),
                                                 .own = s->window };
                enum cs_status st = cs_searcher_create(s->in->rules, &s->workers[i].searcher, err);
                if (st != CS_OK)
                        return st;
        }
        return CS_OK;
}

static void scan_deinit(struct scan *s)
{
        for (unsigned i = 0; s->workers && i <= s->n_workers; i++) {
                cs_searcher_destroy(s->workers[i].searcher);
                cs_scan_reader_deinit(&s->workers[i].reader);
        }
        free(s->workers);
        clear_units(&s->units);
        clear_units(&s->ready);
        cs_vec_deinit(&s->ranges);
        cs_vec_deinit(&s->units);
        cs_vec_deinit(&s->ready);
        cs_vec_deinit(&s->last.carried);
}

enum cs_status cs_scan(const struct cs_scan_input *input, cs_scan_fn fn, void *context,
                       struct cs_scan_result *out, struct cs_error *err)
{
        cs_cleanup(scan_deinit) struct scan s = { .in = input,
                                                  .window = input->window ? input->window : WINDOW_BYTES,
                                                  .fn = fn,
                                                  .context = context,
                                                  .out = out };
        *out = (struct cs_scan_result){ .limits = calloc(input->n_rules + 1, 1) };
        if (!out->limits)
                return cs_fail(err, CS_ENOMEM, "rules");
        enum cs_status st;
        if ((st = cs_scan_plan(input->image, input->regions, &s.ranges, err)) != CS_OK ||
            (st = make_workers(&s, err)) != CS_OK || (st = tell_rest(&s, run_batches(&s, err), err)) != CS_OK)
                return st;
        for (unsigned i = 0; i <= s.n_workers; i++)
                for (uint32_t r = 0; r < input->n_rules; r++)
                        out->limits[r] |= (uint8_t)cs_searcher_limits(s.workers[i].searcher, r);
        return CS_OK;
}
