/* SPDX-License-Identifier: Apache-2.0 */
/* Memory is cut into units, of which a batch is searched at a time by all workers, each unit as if nothing lay before it. Then, in the order of their
 * addresses, what a match of the unit before has taken away is put right: its rule's hits in this unit are looked for once more, from the end of
 * that match on. This and the telling is done by the caller's thread while the others search the next batch. As long as nothing may be told, for
 * heaps are being walked, units are searched in the order in which their bytes are at hand. */
#include "scan.h"

#include "budget.h"
#include "clock.h"
#include "cs_limits.h"
#include "pulse.h"
#include "scan_window.h"
#include "work.h"

#include <stdlib.h>
#include <string.h>

enum {
        UNIT_BYTES = 8 << 20,
        WINDOW_BYTES = 1 << 20,
        BATCH_UNITS = 8, /* per worker, at first and at least */
        BATCH_UNITS_MOST = 64,
        BATCH_HITS = 4096, /* where there are fewer, and it took less time, a batch may be larger */
        BATCH_MSEC = 20,
        PLANNED_UNITS = 1 << 16, /* at most, while nothing is told */
        MAPPED_BYTES =
                64
                << 10, /* that Linux maps at one touch, where they are at hand (mm/memory.c, fault_around_bytes) */
        CACHED_BYTES = 6 << 20, /* so far before who reads memory it stays in a cache that processors share */
        WAITING_TEXT = 64 << 20, /* bytes of texts of hits that wait to be told */
        /* What they take at most where memory is short. */
        WAITING_BYTES = 128,
        WAITING_PERCENT = 10,
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
        bool taken;             /* somebody searches it, or has */
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
        unit_vec units; /* by address: those that are told, those that are ready to be told, and others */
        size_t told;    /* so many of them: only the caller's thread tells */
        size_t ready;   /* so many of them are told or ready */
        CS_VEC(size_t) batch;   /* units that are searched at a time */
        size_t batch_units;     /* per worker */
        pthread_mutex_t taking; /* while heaps are walked: guards the four below, and who has taken what */
        size_t untaken_end;     /* all units behind it are taken */
        uint64_t waiting_hits;
        uint64_t waiting_text;
        uint64_t done; /* bytes of the plan */
        uint64_t total;
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

/* Has the pages of a window mapped, a handful at a touch, before they are searched: who walks a heap there right now, or next, then waits for none of
 * them, where both would map the same ones page by page. */
static void touch(const struct cs_window *w)
{
        for (size_t i = 0; i < w->len; i += MAPPED_BYTES)
                (void)*(const volatile uint8_t *)(w->bytes + i);
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
                touch(&window);
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

/* Most units' hits come in their order. */
static void sort_hits(struct unit *u)
{
        size_t i = 1;
        while (i < u->hits.n && by_place(&u->hits.at[i - 1], &u->hits.at[i]) <= 0)
                i++;
        if (i < u->hits.n)
                qsort(u->hits.at, u->hits.n, sizeof(*u->hits.at), by_place);
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

/* Tells what is ready. Once the end was asked for nothing can be put right, so the telling ends there. */
static enum cs_status tell_ready(struct scan *s, struct cs_error *err)
{
        struct last *last = &s->last;
        enum cs_status st = CS_OK;
        for (; st == CS_OK && s->told < s->ready; s->told++) {
                struct unit *u = &s->units.at[s->told];
                if (!u->taken) /* the end was asked for before anybody came to it */
                        continue;
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
                sort_hits(u);
                s->out->hits += u->hits.n;
                s->out->left_out += u->left_out;
                s->out->bytes += u->bytes;
                if (u->hits.n)
                        st = s->fn(s->context, u->hits.at, u->hits.n, err);
                unit_clear(u);
        }
        return st;
}

/* What is searched up to the first unit that is not is ready; what was told is forgotten. */
static void make_ready(struct scan *s)
{
        while (s->ready < s->units.n && s->units.at[s->ready].taken)
                s->ready++;
        if (s->told * 2 < s->units.n || !s->told)
                return;
        memmove(s->units.at, s->units.at + s->told, (s->units.n - s->told) * sizeof(*s->units.at));
        s->units.n -= s->told;
        s->ready -= s->told;
        s->told = 0;
}

static enum cs_status search_new(struct scan *s, struct unit *u, struct worker *w, struct cs_error *err)
{
        cs_searcher_begin(w->searcher);
        enum cs_status st = search_unit(s, u, w, err);
        return st == CS_OK ? list_carried(w, u, err) : st;
}

static enum cs_status do_unit(void *context, size_t number, unsigned worker, struct cs_error *err)
{
        struct scan *s = context;
        enum cs_status st = worker == 0 ? tell_ready(s, err) : CS_OK; /* this is the caller's thread */
        return st == CS_OK ? search_new(s, &s->units.at[s->batch.at[number]], &s->workers[worker], err) : st;
}

/* ---- while heaps are walked -------------------------------------------------------------------------------------- */

static bool under_way(const struct scan *s)
{
        return s->in->beside && !cs_beside_over(s->in->beside);
}

/* Is there so much to tell that it has to wait no longer? */
static bool is_full(const struct scan *s)
{
        return s->waiting_hits >= cs_budget_entries(CS_LIMIT_HITS_WAITING, WAITING_BYTES, WAITING_PERCENT) ||
               s->waiting_text >= cs_budget_entries(WAITING_TEXT, 1, WAITING_PERCENT);
}

/* What the walk reads right now or comes to next, which then finds it in the cache; else what it comes to last, if ever. NULL: there is no reason to
 * go on like that. */
static struct unit *take_unit(struct scan *s)
{
        struct unit *u = NULL;
        pthread_mutex_lock(&s->taking);
        if (under_way(s) && !is_full(s)) {
                uint64_t at = s->in->walked ? atomic_load_explicit(s->in->walked, memory_order_relaxed) : 0;
                for (size_t i = cs_first_behind(s->units.at, s->units.n, range.end, at);
                     !u && i < s->units.n && s->units.at[i].range.start < at + CACHED_BYTES; i++)
                        u = s->units.at[i].taken ? NULL : &s->units.at[i];
                while (!u && s->untaken_end > 0)
                        u = s->units.at[--s->untaken_end].taken ? NULL : &s->units.at[s->untaken_end];
                if (u)
                        u->taken = true;
        }
        pthread_mutex_unlock(&s->taking);
        return u;
}

static enum cs_status do_any(void *context, size_t number, unsigned worker, struct cs_error *err)
{
        struct scan *s = context;
        struct unit *u = take_unit(s);
        (void)number;
        if (!u)
                return CS_OK;
        enum cs_status st = search_new(s, u, &s->workers[worker], err);
        pthread_mutex_lock(&s->taking);
        s->waiting_hits += u->hits.n;
        s->waiting_text += u->text_bytes;
        s->done += cs_range_size(u->range);
        uint64_t done = s->done;
        pthread_mutex_unlock(&s->taking);
        if (worker == 0 && s->in->progress)
                s->in->progress(s->in->progress_context, done, s->total);
        return st;
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

/* Where the plan goes on. */
struct rest {
        size_t range;
        uint64_t at;
};

/* Plans units up to so many of them. */
static enum cs_status plan_units(struct scan *s, struct rest *rest, size_t n, struct cs_error *err)
{
        uint64_t size = s->in->unit ? s->in->unit : UNIT_BYTES;
        while (rest->range < s->ranges.n && s->units.n < n) {
                struct cs_range r = s->ranges.at[rest->range];
                uint64_t at = rest->at < r.start ? r.start : rest->at;
                /* Reserved terabytes are no work. */
                uint64_t next = at < r.end ? cs_source_next(s->in->image->source, at) : r.end;
                if (next > at)
                        at = next < r.end ? next - (next - r.start) % size : r.end;
                if (at >= r.end) {
                        *rest = (struct rest){ rest->range + 1, 0 };
                        continue;
                }
                /* Cut at multiples of its size from the range's beginning on. */
                uint64_t to = at - (at - r.start) % size + size;
                struct unit u = { .range = { at, r.end - at < to - at ? r.end : to }, .bounds = r };
                enum cs_status st = cs_vec_push(&s->units, u, err);
                if (st != CS_OK)
                        return st;
                rest->at = u.range.end;
        }
        return CS_OK;
}

/* The next units that nobody has taken. */
static enum cs_status fill_batch(struct scan *s, struct rest *rest, struct cs_error *err)
{
        const size_t most = s->n_workers * s->batch_units;
        size_t i = s->ready;
        enum cs_status st = CS_OK;
        for (s->batch.n = 0; st == CS_OK && s->batch.n < most; i++) {
                if (i == s->units.n && ((st = plan_units(s, rest, i + 1, err)) != CS_OK || i == s->units.n))
                        break;
                struct unit *u = &s->units.at[i];
                if (u->taken)
                        continue;
                u->taken = true;
                s->done += cs_range_size(u->range);
                st = cs_vec_push(&s->batch, i, err);
        }
        return st;
}

/* Threads that wait for each other's last unit wait less often where batches are larger; but hits and the progress should not wait long. */
static void fit_batch(struct scan *s, double seconds)
{
        size_t hits = 0;
        for (size_t i = 0; i < s->batch.n; i++)
                hits += s->units.at[s->batch.at[i]].hits.n;
        const bool small = hits < BATCH_HITS && seconds * 1000 < BATCH_MSEC;
        s->batch_units = !small                              ? BATCH_UNITS
                         : s->batch_units < BATCH_UNITS_MOST ? s->batch_units * 2
                                                             : BATCH_UNITS_MOST;
}

/* As long as heaps are walked, and hits have to wait. */
static enum cs_status run_beside(struct scan *s, struct rest *rest, struct cs_error *err)
{
        if (!under_way(s))
                return CS_OK;
        enum cs_status st = plan_units(s, rest, PLANNED_UNITS, err);
        s->untaken_end = s->units.n;
        if (st == CS_OK)
                st = cs_work_run(s->n_workers > 1 ? s->n_workers - 1 : 1, s->units.n, do_any, s, err);
        /* How that ended is asked for by who began it. Who asked for the end waits for nobody. */
        if (st == CS_OK)
                cs_beside_await(s->in->beside);
        return st;
}

static enum cs_status run_batches(struct scan *s, struct cs_error *err)
{
        struct rest rest = { 0 };
        s->batch_units = BATCH_UNITS;
        for (size_t i = 0; i < s->ranges.n; i++)
                s->total += cs_range_size(s->ranges.at[i]);
        enum cs_status st = run_beside(s, &rest, err);
        while (st == CS_OK) {
                make_ready(s);
                /* A source tells of nothing once the end was asked for. */
                if ((st = fill_batch(s, &rest, err)) != CS_OK || (st = cs_pulse(0, 0, err)) != CS_OK ||
                    !s->batch.n)
                        break;
                double start = cs_seconds_now();
                st = cs_work_run(s->n_workers, s->batch.n, do_unit, s, err);
                fit_batch(s, cs_seconds_now() - start);
                if (s->in->progress)
                        s->in->progress(s->in->progress_context, s->done, s->total);
                if (st == CS_OK) /* others may have left no unit to this thread */
                        st = tell_ready(s, err);
        }
        return st;
}

/* What was found before the end was asked for is told as well. */
static enum cs_status tell_rest(struct scan *s, enum cs_status how, struct cs_error *err)
{
        if (how != CS_OK && how != CS_ESTOPPED)
                return how;
        s->ready = s->units.n;
        enum cs_status st = tell_ready(s, err);
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
        for (size_t i = s->told; i < s->units.n; i++)
                unit_clear(&s->units.at[i]);
        cs_vec_deinit(&s->ranges);
        cs_vec_deinit(&s->units);
        cs_vec_deinit(&s->batch);
        cs_vec_deinit(&s->last.carried);
}

enum cs_status cs_scan(const struct cs_scan_input *input, cs_scan_fn fn, void *context,
                       struct cs_scan_result *out, struct cs_error *err)
{
        cs_cleanup(scan_deinit) struct scan s = { .in = input,
                                                  .window = input->window ? input->window : WINDOW_BYTES,
                                                  .fn = fn,
                                                  .context = context,
                                                  .taking = PTHREAD_MUTEX_INITIALIZER,
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
