/* SPDX-License-Identifier: Apache-2.0 */
#include "cs_limits.h"
#include "gate.h"
#include "ruleset_private.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
        /* Beginnings that PCRE2 tries before time is looked at: more, where it is quick. */
        SLICE_LEAST = 4 << 10,
        SLICE_MOST = 1 << 20,
        CALLS_TIMED = 1024, /* calls before time is looked at, where they are short */
        QUICK_NSEC = 1000000,
};

/* Beginnings of attempts, both included. */
struct stretch {
        size_t from;
        size_t last;
};

/* Where one rule's matches may begin in this window. */
struct places {
        struct stretch *at;
        uint32_t n;
        uint32_t cap;
        bool unsorted;
};

/* How far the bytes before the last place of a needle are such as its rule has there. */
struct walked {
        uint32_t window; /* number of the window it is of */
        size_t end;      /* where that needle begins */
        size_t low;      /* from here to there: such bytes, or more than the rule has */
};

struct cs_searcher {
        const struct cs_ruleset *set;
        struct cs_matcher *matcher;
        struct cs_finder_scan *scan;
        struct places *places; /* by rule */
        uint32_t *active;      /* rules that have some */
        size_t n_active;
        struct walked *walked;  /* by use */
        uint64_t *resume;       /* by rule: where its next match may begin */
        uint8_t *failures;      /* by rule: in this run */
        uint8_t *limits;        /* by rule: CS_RULE_LIMIT_… */
        uint8_t *told;          /* by rule: cs_searcher_resume() was called */
        bool only;              /* none but those */
        uint32_t window_number; /* never 0 while one is searched */
        const struct cs_window *window;
        size_t base;    /* where the finder begins in it */
        unsigned calls; /* of PCRE2 since time was looked at */
        uint64_t began; /* when the rule's search of this window was first timed; 0: not yet */
        uint64_t timed; /* when it was timed last */
        size_t slice;   /* beginnings that are tried at once */
        bool no_memory;
        cs_found_fn fn;
        void *context;
};

enum cs_status cs_searcher_create(const struct cs_ruleset *set, struct cs_searcher **out,
                                  struct cs_error *err)
{
        struct cs_searcher *s = calloc(1, sizeof(*s));
        enum cs_status st;
        if (!s)
                return cs_fail(err, CS_ENOMEM, "search");
        s->set = set;
        s->places = calloc(set->n + 1, sizeof(*s->places));
        s->active = calloc(set->n + 1, sizeof(*s->active));
        s->walked = calloc(set->n_uses + 1, sizeof(*s->walked));
        s->resume = calloc(set->n + 1, sizeof(*s->resume));
        s->failures = calloc(set->n + 1, 1);
        s->limits = calloc(set->n + 1, 1);
        s->told = calloc(set->n + 1, 1);
        if (!s->places || !s->active || !s->walked || !s->resume || !s->failures || !s->limits || !s->told)
                st = cs_fail(err, CS_ENOMEM, "search for %zu rules", set->n);
        else if ((st = cs_matcher_create(set->groups, &s->matcher, err)) == CS_OK && set->finder)
                st = cs_finder_scan_create(set->finder, &s->scan, err);
        if (st != CS_OK) {
                cs_searcher_destroy(s);
                return st;
        }
        *out = s;
        return CS_OK;
}

void cs_searcher_destroy(struct cs_searcher *s)
{
        if (!s)
                return;
        for (size_t i = 0; s->places && i < s->set->n; i++)
                free(s->places[i].at);
        cs_matcher_destroy(s->matcher);
        cs_finder_scan_destroy(s->scan);
        free(s->places);
        free(s->active);
        free(s->walked);
        free(s->resume);
        free(s->failures);
        free(s->limits);
        free(s->told);
        free(s);
}

void cs_searcher_begin(struct cs_searcher *s)
{
        memset(s->resume, 0, s->set->n * sizeof(*s->resume));
        memset(s->failures, 0, s->set->n);
        memset(s->told, 0, s->set->n);
        s->only = false;
}

void cs_searcher_resume(struct cs_searcher *s, uint32_t rule, uint64_t address)
{
        s->resume[rule] = address;
        s->told[rule] = 1;
}

void cs_searcher_only(struct cs_searcher *s)
{
        s->only = true;
}

bool cs_searcher_carried(const struct cs_searcher *s, uint64_t address, uint32_t *rule, uint64_t *until)
{
        for (; *rule < s->set->n; ++*rule)
                if (s->resume[*rule] > address) {
                        *until = s->resume[*rule];
                        return true;
                }
        return false;
}

unsigned cs_searcher_limits(const struct cs_searcher *s, uint32_t rule)
{
        return s->limits[rule];
}

/* ---- where to look ----------------------------------------------------------------------------------------------- */

static bool add_place(struct cs_searcher *s, uint32_t rule, size_t from, size_t last)
{
        struct places *p = &s->places[rule];
        if (p->n && from >= p->at[p->n - 1].from && from <= p->at[p->n - 1].last + 1) {
                if (last > p->at[p->n - 1].last)
                        p->at[p->n - 1].last = last;
                return true;
        }
        if (p->n == p->cap) {
                uint32_t cap = p->cap ? p->cap * 2 : 8;
                struct stretch *grown = reallocarray(p->at, cap, sizeof(*grown));
                if (!grown) {
                        s->no_memory = true;
                        return false;
                }
                p->at = grown;
                p->cap = cap;
        }
        if (!p->n)
                s->active[s->n_active++] = rule;
        else
                p->unsorted |= from < p->at[p->n - 1].from;
        p->at[p->n++] = (struct stretch){ from, last };
        return true;
}

/* The first byte from which on all up to `end` are of the use's set, but not below `low`. What was walked for the needle's last place is not walked
 * again. */
static size_t walk_back(struct cs_searcher *s, size_t use, size_t end, size_t low)
{
        const struct cs_needle_use *u = &s->set->uses[use];
        struct walked *w = &s->walked[use];
        const uint8_t *bytes = s->window->bytes;
        bool known = w->window == s->window_number && end >= w->end;
        size_t stop = known && w->end > low ? w->end : low, at = end;
        while (at > stop && cs_byteset_has(&u->before, bytes[at - 1]))
                at--;
        if (known && at == w->end && w->end > low)
                at = w->low > low ? w->low : low;
        *w = (struct walked){ s->window_number, end, at };
        return at;
}

/* Of a stretch of places what is walked back from the first one is right for all: those behind it stop at it, or where it does. */
static bool on_needle(void *context, uint32_t needle, size_t end, size_t last_end)
{
        struct cs_searcher *s = context;
        const struct cs_window *w = s->window;
        int64_t at = (int64_t)(s->base + end), last_at = (int64_t)(s->base + last_end);
        for (uint32_t i = s->set->first_use[needle]; i < s->set->first_use[needle + 1]; i++) {
                const struct cs_needle_use *u = &s->set->uses[i];
                int64_t from = at - u->back_most, last = last_at - u->back_least;
                if (s->only && !s->told[u->rule])
                        continue;
                if (from < (int64_t)w->own_start)
                        from = (int64_t)w->own_start;
                if (last >= (int64_t)w->own_end)
                        last = (int64_t)w->own_end - 1;
                if (from > last)
                        continue;
                /* Where the needle begins beyond the owned part, the bytes up to it count as well. */
                if (!u->any && at - (int64_t)u->len > from) {
                        from = (int64_t)walk_back(s, i, (size_t)at - u->len, (size_t)from);
                        if (from > last)
                                continue;
                }
                if (!add_place(s, u->rule, (size_t)from, (size_t)last))
                        return false;
        }
        return true;
}

static void forget_places(struct cs_searcher *s)
{
        for (size_t i = 0; i < s->n_active; i++) {
                s->places[s->active[i]].n = 0;
                s->places[s->active[i]].unsorted = false;
        }
        s->n_active = 0;
}

static bool find_places(struct cs_searcher *s)
{
        const struct cs_ruleset *set = s->set;
        const struct cs_window *w = s->window;
        size_t last = w->own_end - 1;
        if (set->finder) {
                s->base = w->own_start > set->behind ? w->own_start - set->behind : 0;
                size_t end = w->len - w->own_end < set->ahead ? w->len : w->own_end + set->ahead;
                if (!cs_finder_run(set->finder, s->scan, w->bytes + s->base, end - s->base, on_needle, s)) {
                        if (s->no_memory)
                                return false;
                        /* Then everywhere, for every rule. */
                        forget_places(s);
                        for (uint32_t r = 0; r < set->n; r++)
                                if (set->at[r].regex && (!s->only || s->told[r]) &&
                                    !add_place(s, r, w->own_start, last))
                                        return false;
                        return true;
                }
        }
        for (size_t i = 0; i < set->n_slow; i++)
                if ((!s->only || s->told[set->slow[i]]) && !add_place(s, set->slow[i], w->own_start, last))
                        return false;
        return true;
}

/* ---- whether it counts ------------------------------------------------------------------------------------------- */

static struct cs_span secret_of(const struct cs_searcher *s, const struct cs_compiled *c,
                                struct cs_span match)
{
        struct cs_span group;
        uint32_t wanted = c->rule->secret_group;
        if (wanted == CS_GROUP_FIRST) {
                uint32_t n = cs_regex_groups(c->regex);
                for (uint32_t g = 1; g <= n; g++)
                        if (cs_matcher_group(s->matcher, g, &group) && group.end > group.start)
                                return group;
                return match;
        }
        return wanted && cs_matcher_group(s->matcher, wanted, &group) ? group : match;
}

static struct cs_span widened(const struct cs_window *w, struct cs_span match)
{
        size_t left = match.start, right = w->len - match.end;
        return (struct cs_span){
                match.start - (left < CS_LIMIT_CONTEXT_BYTES ? left : CS_LIMIT_CONTEXT_BYTES),
                match.end + (right < CS_LIMIT_CONTEXT_BYTES ? right : CS_LIMIT_CONTEXT_BYTES)
        };
}

static bool ends_line(uint8_t byte)
{
        return byte == '\n' || byte == '\r' || byte == '\0';
}

static struct cs_span line_of(const struct cs_window *w, struct cs_span match)
{
        struct cs_span bounds = widened(w, match), line = match;
        while (line.start > bounds.start && !ends_line(w->bytes[line.start - 1]))
                line.start--;
        while (line.end < bounds.end && !ends_line(w->bytes[line.end]))
                line.end++;
        return line;
}

static bool keyword_near(const struct cs_rule *rule, const struct cs_window *w, struct cs_span match)
{
        struct cs_span near = widened(w, match);
        for (size_t i = 0; i < rule->keywords.n; i++)
                if (cs_bytes_have_word(w->bytes + near.start, near.end - near.start, rule->keywords.at[i]))
                        return true;
        return rule->keywords.n == 0;
}

static bool allowed(const struct cs_searcher *s, const struct cs_compiled *c, struct cs_span match,
                    struct cs_span secret)
{
        const uint8_t *bytes = s->window->bytes;
        for (size_t a = 0; a < c->rule->n_allow; a++) {
                const struct cs_allow *allow = &c->rule->allow[a];
                bool word = false, regex = false;
                for (size_t i = 0; i < allow->words.n && !word; i++)
                        word = cs_bytes_have_word(bytes + secret.start, secret.end - secret.start,
                                                  allow->words.at[i]);
                if (word && (!allow->all || !allow->regexes.n))
                        return true;
                if (allow->all && allow->words.n && !word)
                        continue;
                struct cs_span at = allow->target == CS_ALLOW_SECRET  ? secret
                                    : allow->target == CS_ALLOW_MATCH ? match
                                                                      : line_of(s->window, match);
                for (size_t i = 0; i < allow->regexes.n && !regex; i++)
                        regex = cs_regex_has(c->allow[a].regexes[i], s->matcher, bytes + at.start,
                                             at.end - at.start);
                if (regex)
                        return true;
        }
        return false;
}

/* *found_at becomes what is told: longer, where the rule's check knows better how long such things are. */
static enum cs_status judge(struct cs_searcher *s, uint32_t number, struct cs_span *found_at,
                            struct cs_error *err)
{
        const struct cs_compiled *c = &s->set->at[number];
        const struct cs_rule *rule = c->rule;
        const uint8_t *bytes = s->window->bytes;
        struct cs_span match = *found_at;
        if (rule->check == CS_CHECK_DER) {
                size_t most = s->window->len - match.start;
                size_t key = cs_der_key_length(bytes + match.start,
                                               most < CS_LIMIT_MATCH_BYTES ? most : CS_LIMIT_MATCH_BYTES);
                if (!key)
                        return CS_OK;
                match.end = found_at->end = match.start + key;
        }
        struct cs_span secret = secret_of(s, c, match);
        size_t len = secret.end - secret.start;
        if ((rule->entropy > 0 && cs_entropy(bytes + secret.start, len) <= rule->entropy) ||
            (rule->check != CS_CHECK_DER && !cs_rule_check_passes(rule->check, bytes + secret.start, len)) ||
            !keyword_near(rule, s->window, match) || allowed(s, c, match, secret))
                return CS_OK;
        struct cs_found found = { number, match, secret };
        return s->fn(s->context, &found, err);
}

/* ---- the search -------------------------------------------------------------------------------------------------- */

/* A match that is too long is looked for again in no more bytes than it may have. */
static enum cs_match shorten(struct cs_searcher *s, uint32_t rule, const struct cs_subject *subject,
                             size_t *attempt, struct cs_span *span)
{
        struct cs_subject less = *subject;
        less.from = less.last = *attempt;
        less.len = *attempt + CS_LIMIT_MATCH_BYTES;
        less.ends = false;
        s->limits[rule] |= CS_RULE_LIMIT_LENGTH;
        return cs_regex_find(s->set->at[rule].regex, s->matcher, &less, span, attempt);
}

/* Of a stretch in which the rule runs into a limit: where, by halves; the caller goes on behind it. */
static size_t find_trouble(struct cs_searcher *s, uint32_t rule, struct cs_subject subject)
{
        struct cs_span span;
        size_t attempt;
        while (subject.from < subject.last) {
                struct cs_subject half = subject;
                half.last = subject.from + (subject.last - subject.from) / 2;
                enum cs_match m = cs_regex_find(s->set->at[rule].regex, s->matcher, &half, &span, &attempt);
                if (m == CS_MATCH_FOUND) /* the caller will find it, too */
                        return half.from;
                if (m == CS_MATCH_LIMIT)
                        subject.last = half.last;
                else
                        subject.from = half.last + 1;
        }
        return subject.from;
}

/* Nanoseconds of this thread. */
static uint64_t processor_time(void)
{
        struct timespec now = { 0 };
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec + 1;
}

/* One attempt: what was found, and where to go on. */
static enum cs_status step(struct cs_searcher *s, uint32_t rule, struct cs_subject *subject, bool *over,
                           struct cs_error *err)
{
        const struct cs_window *w = s->window;
        struct cs_span span;
        size_t attempt = 0;
        enum cs_match m = cs_regex_find(s->set->at[rule].regex, s->matcher, subject, &span, &attempt);
        if (m == CS_MATCH_FOUND && span.end - attempt > CS_LIMIT_MATCH_BYTES) {
                m = shorten(s, rule, subject, &attempt, &span);
                if (m != CS_MATCH_FOUND) {
                        subject->from = attempt + 1;
                        return CS_OK;
                }
        }
        if (m == CS_MATCH_NONE) {
                *over = true;
        } else if (m == CS_MATCH_LIMIT) {
                s->limits[rule] |= CS_RULE_LIMIT_STEPS;
                if (++s->failures[rule] >= CS_LIMIT_MATCH_FAILURES)
                        *over = true;
                else
                        subject->from = find_trouble(s, rule, *subject) + 1;
        } else {
                enum cs_status st = judge(s, rule, &span, err);
                subject->from = span.end > attempt ? span.end : attempt + 1;
                s->resume[rule] = w->address + subject->from;
                return st;
        }
        return CS_OK;
}

static void begin_time(struct cs_searcher *s)
{
        s->calls = 0;
        s->timed = processor_time();
        if (!s->began)
                s->began = s->timed;
}

/* Nothing else tells how long attempts take that go far and then fail. */
static void watch_time(struct cs_searcher *s, uint32_t rule)
{
        uint64_t before = s->timed;
        if (!s->began) {
                begin_time(s);
                return;
        }
        begin_time(s);
        if (s->timed - s->began > CS_LIMIT_MATCH_MSEC * UINT64_C(1000000)) {
                s->limits[rule] |= CS_RULE_LIMIT_STEPS;
                s->failures[rule] = CS_LIMIT_MATCH_FAILURES;
        }
        if (s->timed - before < QUICK_NSEC && s->slice < SLICE_MOST)
                s->slice *= 2;
        else if (s->timed - before > QUICK_NSEC && s->slice > SLICE_LEAST)
                s->slice /= 2;
}

static enum cs_status search_stretch(struct cs_searcher *s, uint32_t rule, struct stretch place,
                                     struct cs_error *err)
{
        const struct cs_window *w = s->window;
        struct cs_subject subject = { w->bytes, w->len, place.from, place.last, w->begins, w->ends };
        if (s->resume[rule] > w->address + subject.from) {
                uint64_t ahead = s->resume[rule] - w->address;
                if (ahead > place.last)
                        return CS_OK;
                subject.from = (size_t)ahead;
        }
        if (!s->began && place.last - subject.from >= SLICE_LEAST)
                begin_time(s);
        while (subject.from <= place.last && s->failures[rule] < CS_LIMIT_MATCH_FAILURES) {
                bool over = false;
                size_t from = subject.from;
                subject.last = place.last - from < s->slice ? place.last : from + s->slice - 1;
                enum cs_status st = step(s, rule, &subject, &over, err);
                if (st != CS_OK)
                        return st;
                if (over)
                        subject.from = subject.last + 1;
                if (++s->calls >= CALLS_TIMED || subject.from - from >= SLICE_LEAST)
                        watch_time(s, rule);
        }
        return CS_OK;
}

static int by_start(const void *a, const void *b)
{
        const struct stretch *x = a, *y = b;
        return x->from < y->from ? -1 : x->from > y->from;
}

static enum cs_status search_rule(struct cs_searcher *s, uint32_t rule, struct cs_error *err)
{
        struct places *p = &s->places[rule];
        enum cs_status st = CS_OK;
        s->calls = 0;
        s->began = 0;
        s->slice = SLICE_LEAST;
        if (p->unsorted)
                qsort(p->at, p->n, sizeof(*p->at), by_start);
        /* Stretches may overlap; attempts that failed once would fail again. */
        size_t done = 0;
        for (uint32_t i = 0; st == CS_OK && i < p->n && s->failures[rule] < CS_LIMIT_MATCH_FAILURES; i++) {
                struct stretch place = p->at[i];
                if (place.from < done)
                        place.from = done;
                if (place.from > place.last)
                        continue;
                done = place.last + 1;
                st = search_stretch(s, rule, place, err);
        }
        return st;
}

enum cs_status cs_searcher_run(struct cs_searcher *s, const struct cs_window *window, cs_found_fn fn,
                               void *context, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        if (window->own_start >= window->own_end)
                return CS_OK;
        s->window = window;
        s->fn = fn;
        s->context = context;
        if (++s->window_number == 0)
                s->window_number = 1;
        if (!find_places(s))
                st = cs_fail(err, CS_ENOMEM, "candidates of rules");
        for (size_t i = 0; st == CS_OK && i < s->n_active; i++)
                st = search_rule(s, s->active[i], err);
        forget_places(s);
        return st;
}
