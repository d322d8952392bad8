/* SPDX-License-Identifier: Apache-2.0 */
#include "repeats.h"

#include "bytes.h"
#include "cs_limits.h"
#include "work.h"

#include <stdlib.h>
#include <string.h>

enum {
        CHUNK = 1 << 20, /* unless there are too many of them */
        /* Places of a chunk that are looked at, if the first tells nothing: its start and its middle. But only of a region's first
         * chunks: what is long shows itself in the others. */
        WINDOWS = 2,
        TWICE = 8,
        /* Long strides take longer to look for: in every eighth chunk; they are followed as far. */
        FAR_EACH = 8,
        FAR_BYTES = CS_VIEW_BYTES,
        PIECE = 128 << 10, /* followed at once; what records need behind it is read as well */
        PATTERNS = 4,      /* that a chunk is followed for */
        COVERED = 32,
        RECORDS_LEAST = 16,
        BYTES_LEAST = 16 << 10,
        DENSITY = 4,             /* a run's records take at least this part of it */
        POINTER_BYTES = 4 << 10, /* of records that are asked where their words are */
};

enum { NO_PATTERN = UINT32_MAX };

struct chunk {
        struct cs_range range;
        uint32_t region;
        uint32_t number; /* of its region's chunks */
        uint32_t pattern;
        uint32_t common; /* what most chunks of the region have */
        enum cs_content content;
        bool found;
        struct cs_period period;
        CS_VEC(struct cs_repeat_run) runs; /* of anchors, not of starts */
};

struct pattern {
        struct cs_period period;
        uint32_t seen; /* chunks */
};

struct search {
        const struct cs_repeats_input *in;
        struct cs_view *views;             /* one per worker */
        struct cs_period_finder **finders; /* the same */
        CS_VEC(struct chunk) chunks;       /* by address */
        CS_VEC(struct pattern) patterns;   /* different ones, in the order of the chunks */
        bool limited;
};

static void search_deinit(struct search *s)
{
        for (unsigned i = 0; i < s->in->workers; i++) {
                if (s->views)
                        cs_view_deinit(&s->views[i]);
                if (s->finders)
                        cs_period_finder_destroy(s->finders[i]);
        }
        for (size_t i = 0; i < s->chunks.n; i++)
                cs_vec_deinit(&s->chunks.at[i].runs);
        cs_vec_deinit(&s->chunks);
        cs_vec_deinit(&s->patterns);
        free(s->views);
        free(s->finders);
}

void cs_repeats_deinit(struct cs_repeats *r)
{
        cs_vec_deinit(&r->at);
        cs_vec_deinit(&r->runs);
        cs_vec_deinit(&r->noise);
}

/* ---- chunks ------------------------------------------------------------------------------------------------------ */

bool cs_repeats_candidate(const struct cs_region *r)
{
        return r->kind == CS_KIND_ANONYMOUS && !r->heap && r->resident >= CS_LIMIT_REPEAT_LEAST;
}

static enum cs_status plan(struct search *s, struct cs_error *err)
{
        const struct cs_regions *regions = s->in->regions;
        uint64_t total = 0, size = CHUNK;
        enum cs_status st = CS_OK;
        for (size_t i = 0; i < regions->at.n; i++)
                if (cs_repeats_candidate(&regions->at.at[i]))
                        total += cs_range_size(regions->at.at[i].range);
        while (total / size > CS_LIMIT_REPEAT_CHUNKS)
                size *= 2;
        for (size_t i = 0; st == CS_OK && i < regions->at.n; i++) {
                const struct cs_region *r = &regions->at.at[i];
                struct chunk c = { .region = (uint32_t)i, .pattern = NO_PATTERN, .common = NO_PATTERN };
                for (uint64_t at = r->range.start;
                     st == CS_OK && cs_repeats_candidate(r) && at < r->range.end; at = c.range.end) {
                        c.range.start = at;
                        c.range.end = r->range.end - at > size ? at + size : r->range.end;
                        st = cs_vec_push(&s->chunks, c, err);
                        c.number++;
                }
        }
        return st;
}

/* ---- looking for periods ----------------------------------------------------------------------------------------- */

static void look_at(struct search *s, struct chunk *c, unsigned worker, uint64_t at, bool far)
{
        uint64_t left = c->range.end - at;
        size_t got;
        const uint8_t *bytes = cs_view_whole(&s->views[worker], at,
                                             left < CS_PERIOD_NEAR ? (size_t)left : CS_PERIOD_NEAR, &got);
        if (!bytes)
                return;
        enum cs_content content = cs_entropy_judge(bytes, got);
        if (content > c->content)
                c->content = content;
        if (content != CS_CONTENT_STRUCTURED)
                return;
        c->found = cs_period_find(s->finders[worker], bytes, got, false, &c->period);
        if (c->found || !far)
                return;
        bytes = cs_view_whole(&s->views[worker], at, left < FAR_BYTES ? (size_t)left : FAR_BYTES, &got);
        c->found = bytes && got > CS_PERIOD_NEAR &&
                   cs_period_find(s->finders[worker], bytes, got, true, &c->period);
}

static enum cs_status probe(void *context, size_t unit, unsigned worker, struct cs_error *err)
{
        struct search *s = context;
        struct chunk *c = &s->chunks.at[unit];
        (void)err;
        for (unsigned w = 0; w < WINDOWS && !c->found && c->content < CS_CONTENT_COMPRESSED; w++) {
                struct cs_range rest = c->range;
                uint64_t nth = 0;
                rest.start += cs_range_size(rest) / WINDOWS / CS_PAGE * CS_PAGE * w;
                if (w && (c->number >= TWICE || cs_range_size(rest) <= CS_PERIOD_NEAR))
                        break;
                uint64_t at = cs_residency_page(s->in->residency, rest, &nth);
                if (at == UINT64_MAX)
                        break;
                look_at(s, c, worker, at, c->number % FAR_EACH == 0 && !w);
        }
        return CS_OK;
}

/* Gives equal patterns of chunks one number. */
static enum cs_status join(struct search *s, struct cs_error *err)
{
        for (size_t i = 0; i < s->chunks.n; i++) {
                struct chunk *c = &s->chunks.at[i];
                for (size_t k = 0; c->found && k < s->patterns.n; k++)
                        if (cs_period_same(&s->patterns.at[k].period, &c->period)) {
                                c->pattern = (uint32_t)k;
                                s->patterns.at[k].seen++;
                                break;
                        }
                if (!c->found || c->pattern != NO_PATTERN)
                        continue;
                if (s->patterns.n >= CS_LIMIT_REPEATS) {
                        s->limited = true;
                        continue;
                }
                c->pattern = (uint32_t)s->patterns.n;
                struct pattern p = { c->period, 1 };
                enum cs_status st = cs_vec_push(&s->patterns, p, err);
                if (st != CS_OK)
                        return st;
        }
        return CS_OK;
}

/* What most chunks of a region have, the first of several. */
static enum cs_status find_common(struct search *s, struct cs_error *err)
{
        uint32_t *counts = calloc(s->patterns.n + 1, sizeof(*counts));
        if (!counts)
                return cs_fail(err, CS_ENOMEM, "patterns");
        for (size_t first = 0, end; first < s->chunks.n; first = end) {
                uint32_t best = NO_PATTERN;
                for (end = first; end < s->chunks.n && s->chunks.at[end].region == s->chunks.at[first].region;
                     end++) {
                        uint32_t p = s->chunks.at[end].pattern;
                        if (p != NO_PATTERN && ++counts[p] > (best == NO_PATTERN ? 0 : counts[best]))
                                best = p;
                }
                for (size_t i = first; i < end; i++) {
                        s->chunks.at[i].common = best;
                        if (s->chunks.at[i].pattern != NO_PATTERN)
                                counts[s->chunks.at[i].pattern] = 0;
                }
        }
        free(counts);
        return CS_OK;
}

/* ---- following them ---------------------------------------------------------------------------------------------- */

struct piece {
        struct chunk *chunk;
        const uint8_t *bytes;
        uint64_t addr;
        size_t len, own; /* bytes that can be read, and of which anchors count */
        size_t n_covered;
        struct cs_range covered[COVERED]; /* by records of patterns that were followed before; by position */
};

static enum cs_status follow_between(const struct search *s, struct piece *p, uint32_t pattern, size_t from,
                                     size_t end, struct cs_error *err)
{
        const struct cs_period *period = &s->patterns.at[pattern].period;
        struct cs_period_run run;
        while (from < end && cs_period_run(period, p->bytes, p->len, from, end, &run)) {
                struct cs_repeat_run r = { pattern, p->chunk->region, p->addr + run.first, p->addr + run.last,
                                           run.records };
                uint64_t extent = run.last - run.first + period->stride;
                from = (size_t)run.last + period->stride;
                if (run.records * period->stride * DENSITY < extent)
                        continue;
                enum cs_status st = cs_vec_push(&p->chunk->runs, r, err);
                if (st != CS_OK)
                        return st;
        }
        return CS_OK;
}

/* What no other pattern took before: records lie between others only where both are of one slab. */
static enum cs_status follow_pattern(const struct search *s, struct piece *p, uint32_t pattern,
                                     struct cs_error *err)
{
        size_t from = 0, first = p->chunk->runs.n;
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i <= p->n_covered; i++) {
                size_t end = i < p->n_covered ? (size_t)p->covered[i].start : p->own;
                if (end > p->own)
                        end = p->own;
                if (from < end)
                        st = follow_between(s, p, pattern, from, end, err);
                if (i < p->n_covered)
                        from = (size_t)p->covered[i].end;
        }
        for (size_t i = first; i < p->chunk->runs.n && p->n_covered < COVERED; i++) {
                const struct cs_repeat_run *r = &p->chunk->runs.at[i];
                struct cs_range c = { r->first - p->addr,
                                      r->last - p->addr + s->patterns.at[pattern].period.stride };
                size_t k = p->n_covered++;
                for (; k > 0 && p->covered[k - 1].start > c.start; k--)
                        p->covered[k] = p->covered[k - 1];
                p->covered[k] = c;
        }
        return st;
}

/* The chunk's own pattern, and the next ones before and behind it in the same region, and the one that is common there: those that were seen in most chunks first,
 * for what is left of a slab by one that was seen once is not worth much. */
static size_t patterns_of(const struct search *s, size_t unit, uint32_t out[PATTERNS])
{
        const struct chunk *c = &s->chunks.at[unit];
        const struct chunk *asked[PATTERNS - 1] = { c, c, c };
        uint32_t wanted[PATTERNS];
        size_t n = 0;
        for (size_t i = 1; i <= FAR_EACH && unit >= i && (c - i)->region == c->region; i++)
                if ((asked[1] = c - i)->pattern != NO_PATTERN)
                        break;
        for (size_t i = 1; i <= FAR_EACH && unit + i < s->chunks.n && (c + i)->region == c->region; i++)
                if ((asked[2] = c + i)->pattern != NO_PATTERN)
                        break;
        for (size_t i = 0; i < PATTERNS - 1; i++)
                wanted[i] = asked[i]->pattern;
        wanted[PATTERNS - 1] = c->common;
        for (size_t i = 0; i < PATTERNS; i++) {
                uint32_t pattern = wanted[i];
                bool known = pattern == NO_PATTERN;
                size_t k = 0;
                for (; k < n; k++)
                        known |= out[k] == pattern;
                if (known)
                        continue;
                for (n++; k > 0 && s->patterns.at[out[k - 1]].seen < s->patterns.at[pattern].seen; k--)
                        out[k] = out[k - 1];
                out[k] = pattern;
        }
        return n;
}

static enum cs_status follow(void *context, size_t unit, unsigned worker, struct cs_error *err)
{
        struct search *s = context;
        struct chunk *c = &s->chunks.at[unit];
        struct cs_view *view = &s->views[worker];
        uint32_t patterns[PATTERNS], longest = 0;
        size_t n = patterns_of(s, unit, patterns);
        enum cs_status st = CS_OK;
        for (size_t i = 0; i < n; i++)
                if (s->patterns.at[patterns[i]].period.stride > longest)
                        longest = s->patterns.at[patterns[i]].period.stride;
        uint64_t region_end = s->in->regions->at.at[c->region].range.end;
        for (uint64_t at = c->range.start; st == CS_OK && n && at < c->range.end;) {
                struct piece p = { .chunk = c, .addr = at };
                uint64_t zeros = cs_source_zeros(view->src, at), own = c->range.end - at;
                if (zeros >= CS_PAGE) {
                        at += zeros;
                        continue;
                }
                if (own > PIECE)
                        own = PIECE;
                uint64_t want = own + longest < region_end - at ? own + longest : region_end - at;
                p.bytes = cs_view_whole(view, at, (size_t)want, &p.len);
                if (!p.bytes) {
                        at = cs_view_past_gap(view, at, c->range.end);
                        continue;
                }
                p.own = p.len < own ? p.len : (size_t)own;
                for (size_t i = 0; st == CS_OK && i < n; i++)
                        st = follow_pattern(s, &p, patterns[i], err);
                at += p.own;
        }
        cs_source_release(view->src, c->range.start, (size_t)cs_range_size(c->range));
        return st;
}

/* ---- sums -------------------------------------------------------------------------------------------------------- */

static int by_pattern(const void *a, const void *b)
{
        const struct cs_repeat_run *x = a, *y = b;
        if (x->pattern != y->pattern)
                return x->pattern < y->pattern ? -1 : 1;
        return x->first < y->first ? -1 : x->first > y->first;
}

/* All runs by pattern and address, those that one chunk's end parted joined. */
static enum cs_status gather(struct search *s, struct cs_repeats *out, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < s->chunks.n; i++)
                st = cs_vec_append(&out->runs, &s->chunks.at[i].runs, err);
        if (st != CS_OK || !out->runs.n)
                return st;
        qsort(out->runs.at, out->runs.n, sizeof(*out->runs.at), by_pattern);
        size_t n = 1;
        for (size_t i = 1; i < out->runs.n; i++) {
                struct cs_repeat_run *last = &out->runs.at[n - 1];
                const struct cs_repeat_run *r = &out->runs.at[i];
                uint64_t gap = CS_PERIOD_GAP + 2 * (uint64_t)s->patterns.at[r->pattern].period.stride;
                if (r->pattern == last->pattern && r->region == last->region &&
                    r->first - last->last <= gap) {
                        last->last = r->last;
                        last->records += r->records;
                } else {
                        out->runs.at[n++] = *r;
                }
        }
        out->runs.n = n;
        return CS_OK;
}

/* Would the word be an address of the image's? Those that 32 bits hold are numbers as well. */
static bool is_address(const struct search *s, uint64_t word)
{
        return word >> 32 && !(word >> 47) && cs_image_mapping_at(s->in->image, word);
}

/* Where words begin in records, by their pointers: how many bytes before the anchor, or 8 where they do not tell. Records may
 * begin at odd places, and an anchor may be a part of a word; but bytes that are no word are seldom an address. */
static uint32_t lead_by_pointers(const struct search *s, const struct cs_period *p,
                                 const struct cs_repeat_run *run)
{
        uint8_t bytes[POINTER_BYTES];
        uint32_t at_place[8] = { 0 }, even = (uint32_t)(run->first % 8), best = even;
        size_t rows = (size_t)((run->last - run->first) / p->stride + 1), size;
        if (rows > sizeof(bytes) / p->stride)
                rows = sizeof(bytes) / p->stride;
        size = rows * p->stride;
        if (!rows || !cs_source_exact(s->in->image->source, run->first, bytes, size))
                return 8;
        for (size_t i = 0; i + 8 <= size; i++)
                at_place[(8 - i % p->stride % 8) % 8] += is_address(s, cs_word(bytes + i));
        for (uint32_t lead = 0; lead < 8; lead++)
                if (at_place[lead] > at_place[best])
                        best = lead;
        return at_place[best] * 2 > rows ? best : 8;
}

/* How many bytes of a record stand before its anchor. Where the first record of a region does not lie behind a record's
 * length of anything else, it begins where the region does. Else constant bytes before the first anchor may tell. Else records of
 * whole words begin with one: their pointers tell where words are; or they are where most are. */
static uint32_t lead_of(const struct search *s, const struct cs_period *p, const struct cs_repeat_run *runs,
                        size_t n)
{
        uint32_t words;
        uint8_t bytes[CS_PERIOD_LONG + CS_PAGE];
        for (size_t i = 0; i < n; i++) {
                uint64_t before = runs[i].first - s->in->regions->at.at[runs[i].region].range.start;
                if (before < p->stride)
                        return (uint32_t)before;
        }
        if (cs_source_exact(s->in->image->source, runs->first - p->stride, bytes, p->stride)) {
                uint32_t before = cs_period_before(p, bytes + p->stride, p->stride);
                if (before)
                        return before;
        }
        words = lead_by_pointers(s, p, runs);
        return words < 8 ? words : cs_period_into_word(p, runs[0].first);
}

/* Is the last anchor one record further? Of that one's keys those that belong to the record behind it are not there. */
static bool has_one_more(const struct search *s, const struct cs_period *p, const struct cs_repeat_run *run,
                         uint32_t lead)
{
        uint8_t bytes[CS_PERIOD_LONG];
        uint64_t next = run->last + p->stride, end = s->in->regions->at.at[run->region].range.end;
        uint32_t own = p->stride - lead;
        return lead && next < end && end - next >= own &&
               cs_source_exact(s->in->image->source, next, bytes, own) && cs_period_fits_part(p, bytes, own);
}

static enum cs_status sum_up(struct search *s, struct cs_repeats *out, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (size_t first = 0, end; st == CS_OK && first < out->runs.n; first = end) {
                struct cs_repeat_run *runs = &out->runs.at[first];
                struct cs_repeat r = { .period = s->patterns.at[runs->pattern].period, .first_run = first };
                uint64_t stride = r.period.stride;
                for (end = first; end < out->runs.n && out->runs.at[end].pattern == runs->pattern;)
                        end++;
                r.n_runs = end - first;
                r.lead = lead_of(s, &r.period, runs, r.n_runs);
                for (size_t i = 0; i < r.n_runs; i++) {
                        uint64_t floor = s->in->regions->at.at[runs[i].region].range.start;
                        if (has_one_more(s, &r.period, &runs[i], r.lead)) {
                                runs[i].last += stride;
                                runs[i].records++;
                        }
                        uint64_t back = runs[i].first - floor < r.lead ? runs[i].first - floor : r.lead;
                        runs[i].first -= back;
                        runs[i].last -= back;
                        struct cs_range extent = { runs[i].first, runs[i].last + stride };
                        uint64_t bytes = runs[i].records * stride;
                        uint64_t resident = cs_residency_bytes(s->in->residency, extent);
                        if (resident < cs_range_size(extent) && bytes < cs_range_size(extent))
                                resident = (uint64_t)((double)resident * (double)bytes /
                                                      (double)cs_range_size(extent));
                        r.records += runs[i].records;
                        r.bytes += bytes;
                        r.resident += resident < bytes ? resident : bytes;
                }
                r.first = runs->first;
                if (r.records >= RECORDS_LEAST && r.bytes >= BYTES_LEAST)
                        st = cs_vec_push(&out->at, r, err);
        }
        return st;
}

static int by_weight(const void *a, const void *b)
{
        const struct cs_repeat *x = a, *y = b;
        if (x->resident != y->resident)
                return x->resident > y->resident ? -1 : 1;
        if (x->bytes != y->bytes)
                return x->bytes > y->bytes ? -1 : 1;
        return x->first < y->first ? -1 : x->first > y->first;
}

/* Neighbouring chunks that are noise, as one. */
static enum cs_status gather_noise(const struct search *s, struct cs_repeats *out, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        for (size_t i = 0; st == CS_OK && i < s->chunks.n; i++) {
                const struct chunk *c = &s->chunks.at[i];
                struct cs_noise *last = out->noise.n ? &out->noise.at[out->noise.n - 1] : NULL;
                struct cs_noise n = { c->range, c->region, c->content,
                                      cs_residency_bytes(s->in->residency, c->range) };
                if (c->content < CS_CONTENT_COMPRESSED)
                        continue;
                if (last && last->region == c->region && last->range.end == c->range.start) {
                        last->range.end = c->range.end;
                        last->resident += n.resident;
                        /* Uneven in one place is not random as a whole. */
                        if (n.content < last->content)
                                last->content = n.content;
                } else {
                        st = cs_vec_push(&out->noise, n, err);
                }
        }
        return st;
}

enum cs_status cs_repeats_find(const struct cs_repeats_input *in, struct cs_repeats *out,
                               struct cs_error *err)
{
        cs_cleanup(search_deinit) struct search s = { .in = in };
        enum cs_status st = plan(&s, err);
        if (st != CS_OK || !s.chunks.n)
                return st;
        s.views = calloc(in->workers, sizeof(*s.views));
        s.finders = calloc(in->workers, sizeof(*s.finders));
        if (!s.views || !s.finders)
                return cs_fail(err, CS_ENOMEM, "workers");
        for (unsigned i = 0; st == CS_OK && i < in->workers; i++) {
                cs_view_init_hopping(&s.views[i], in->image->source);
                st = cs_period_finder_create(&s.finders[i], err);
        }
        if (st != CS_OK || (st = cs_work_run(in->workers, s.chunks.n, probe, &s, err)) != CS_OK ||
            (st = join(&s, err)) != CS_OK || (st = find_common(&s, err)) != CS_OK)
                return st;
        for (unsigned i = 0; i < in->workers; i++) {
                cs_view_deinit(&s.views[i]);
                cs_view_init(&s.views[i], in->image->source);
        }
        if ((st = cs_work_run(in->workers, s.chunks.n, follow, &s, err)) != CS_OK ||
            (st = gather(&s, out, err)) != CS_OK || (st = sum_up(&s, out, err)) != CS_OK ||
            (st = gather_noise(&s, out, err)) != CS_OK)
                return st;
        if (out->at.n)
                qsort(out->at.at, out->at.n, sizeof(*out->at.at), by_weight);
        out->limited = s.limited;
        return CS_OK;
}

const struct cs_repeat *cs_repeats_at(const struct cs_repeats *repeats, uint64_t addr,
                                      const struct cs_repeat_run **run)
{
        for (size_t i = 0; i < repeats->at.n; i++) {
                const struct cs_repeat *r = &repeats->at.at[i];
                for (size_t k = 0; k < r->n_runs; k++) {
                        *run = &repeats->runs.at[r->first_run + k];
                        if (addr >= (*run)->first &&
                            addr - (*run)->first < (*run)->last - (*run)->first + r->period.stride)
                                return r;
                }
        }
        return NULL;
}
