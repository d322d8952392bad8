/* SPDX-License-Identifier: Apache-2.0 */
#include "watch.h"

#include "clock.h"
#include "pulse.h"
#include "units.h"
#include "vec.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

enum {
        /* Both are thinned by half when they are full, so that a watch of days takes no more memory than one of minutes. */
        SAMPLES_KEPT = 1024,
        LOOKS_KEPT = 12,
        /* A heap that is changed at the moment may not be walked; at the next one it is. */
        LOOK_TRIES = 4,
        /* Memory that has to move before it is worth a whole look. */
        MOVED_BYTES = 256 << 10,
};

/* And this share of what there was. */
static const double MOVED_SHARE = 0.01;

/* Whole looks take no more than this share of the time, and so do brief ones. */
static const double LOOK_SHARE = 0.05;

/* Nor lists of mappings more than this. */
static const double KINDS_SHARE = 0.02;

struct watcher {
        const struct cs_watch *watch;
        struct cs_watch_state *state;
        struct cs_error *err;
        double began;
        int64_t began_ms;
        CS_VEC(struct cs_sample) samples;
        size_t every; /* so many samples make one that is kept */
        CS_VEC(struct cs_snapshot *) looks;
        unsigned looks_run; /* of which program they are */
        char before[128];   /* what is told of the one before the present program, or "" */
        char note[CS_ERROR_TEXT];
        uint64_t looked_at;       /* anonymous memory at the last look */
        double took[2], ended[2]; /* whole looks, and brief ones */
        double kinds_due;         /* when mappings are listed again */
        bool stop;
};

/* Its rows point into looks that may go. */
static void forget_growth(struct watcher *w)
{
        if (w->state->growth)
                cs_growth_release(w->state->growth); /* they are ours */
        cs_growth_destroy(cs_take(w->state->growth));
}

static void watcher_deinit(struct watcher *w)
{
        forget_growth(w);
        for (size_t i = 0; i < w->looks.n; i++)
                cs_snapshot_destroy(w->looks.at[i]);
        cs_vec_deinit(&w->looks);
        cs_vec_deinit(&w->samples);
}

static double elapsed(const struct watcher *w)
{
        return cs_seconds_now() - w->began;
}

double cs_watch_left(const struct cs_trend_fit *trend, double room)
{
        if (!trend->told || !cs_trend_grows(trend->shape) || !(trend->per_second > 0))
                return 0;
        if (trend->shape == CS_TREND_EXPONENTIAL && trend->doubling > 0) {
                /* The rate itself doubles: room = rate * t0 * (exp(t / t0) - 1). */
                double t0 = trend->doubling / log(2);
                return t0 * log1p(room / (trend->per_second * t0));
        }
        return room / trend->per_second;
}

/* ---- whole looks ------------------------------------------------------------------------------------------------- */

/* Every second one of those in the middle goes: the first and the last stay. */
static void thin_looks(struct watcher *w)
{
        size_t kept = 1;
        for (size_t i = 1; i < w->looks.n; i++) {
                if (i % 2 && i + 1 < w->looks.n)
                        cs_snapshot_destroy(w->looks.at[i]);
                else
                        w->looks.at[kept++] = w->looks.at[i];
        }
        w->looks.n = kept;
}

static bool any_has_blocks(const struct watcher *w)
{
        for (size_t i = 0; i < w->looks.n; i++)
                if (cs_snapshot_has_blocks(w->looks.at[i]))
                        return true;
        return false;
}

/* Where blocks were found, looks without any tell nothing. */
static void drop_blind(struct watcher *w)
{
        size_t kept = 0;
        for (size_t i = 0; i < w->looks.n; i++) {
                if (cs_snapshot_has_blocks(w->looks.at[i]))
                        w->looks.at[kept++] = w->looks.at[i];
                else
                        cs_snapshot_destroy(w->looks.at[i]);
        }
        w->looks.n = kept;
}

/* Has it executed another program since this sample was taken? Then the next one tells. */
static bool is_another(const struct watcher *w)
{
        struct cs_vitals now;
        struct cs_error ignored;
        return cs_vitals_read(w->watch->pid, &now, &ignored) == CS_OK &&
               now.started == w->state->now.started && now.program != w->state->now.program;
}

/* What was seen of the program before is kept until something is seen of this one. */
static void drop_others(struct watcher *w)
{
        if (w->looks_run == w->state->run)
                return;
        for (size_t i = 0; i < w->looks.n; i++)
                cs_snapshot_destroy(w->looks.at[i]);
        w->looks.n = 0;
        w->looks_run = w->state->run;
}

static enum cs_status look(struct watcher *w, bool brief)
{
        struct cs_snapshot *s = NULL;
        double from = elapsed(w);
        enum cs_status st = CS_OK;
        for (unsigned tries = 0; st == CS_OK && tries < LOOK_TRIES && !w->stop; tries++) {
                cs_snapshot_destroy(cs_take(s));
                st = w->watch->look(w->watch->look_context, brief && tries == 0, &s, &w->stop, w->err);
                if (st == CS_OK && cs_snapshot_has_blocks(s))
                        break;
        }
        if (st != CS_OK && st != CS_EGONE)
                return st;
        brief = st == CS_OK && s->brief;
        w->ended[brief] = elapsed(w);
        w->took[brief] = w->ended[brief] - from;
        if (is_another(w)) {
                cs_snapshot_destroy(s);
                return CS_OK;
        }
        if (st != CS_OK)
                return st;
        drop_others(w);
        bool blind = !cs_snapshot_has_blocks(s);
        if (blind && any_has_blocks(w)) {
                cs_snapshot_destroy(s);
                return CS_OK;
        }
        forget_growth(w);
        s->time_ms = w->began_ms + (int64_t)(from * 1000);
        if (w->looks.n == LOOKS_KEPT)
                thin_looks(w);
        if ((st = cs_vec_push(&w->looks, s, w->err)) != CS_OK) {
                cs_snapshot_destroy(s);
                return st;
        }
        if (!blind)
                drop_blind(w);
        w->state->looks += !brief;
        w->state->brief_looks += brief;
        w->state->looked = true;
        w->state->brief = brief;
        w->state->look_seconds = w->took[brief];
        w->looked_at = w->state->now.anonymous;
        return CS_OK;
}

static bool has_moved(const struct watcher *w)
{
        uint64_t now = w->state->now.anonymous, before = w->looked_at;
        uint64_t by = now > before ? now - before : before - now;
        return by >= MOVED_BYTES && (double)by >= MOVED_SHARE * (double)before;
}

/* Nothing of this program was looked at yet. */
static bool is_unseen(const struct watcher *w)
{
        return w->looks.n == 0 || w->looks_run != w->state->run;
}

/* May there be another one, by the time that the last one took? */
static bool has_time(const struct watcher *w, bool brief)
{
        return elapsed(w) - w->ended[brief] >= w->took[brief] / LOOK_SHARE;
}

static enum cs_status look_if_due(struct watcher *w)
{
        if (is_unseen(w))
                return look(w, false);
        if (!has_moved(w))
                return CS_OK;
        if (has_time(w, false))
                return look(w, false);
        return has_time(w, true) ? look(w, true) : CS_OK;
}

/* ---- samples ----------------------------------------------------------------------------------------------------- */

static enum cs_status keep_sample(struct watcher *w)
{
        struct cs_watch_state *s = w->state;
        if (s->samples % w->every)
                return CS_OK;
        if (w->samples.n == SAMPLES_KEPT) {
                for (size_t i = 0; i < SAMPLES_KEPT / 2; i++)
                        w->samples.at[i] = w->samples.at[2 * i];
                w->samples.n = SAMPLES_KEPT / 2;
                w->every *= 2;
        }
        struct cs_sample sample = { s->seconds, (double)s->now.anonymous, s->run };
        return cs_vec_push(&w->samples, sample, w->err);
}

/* What stands against the growth that is told; "": nothing. */
static const char *note(struct watcher *w)
{
        const struct cs_watch_state *s = w->state;
        bool seen = w->looks_run == s->run;
        w->note[0] = '\0';
        if (s->run)
                (void)snprintf(w->note, sizeof(w->note),
                               "the process executed another program, %s after the beginning%s: %s%s",
                               cs_units_seconds(s->run_seconds).text, s->run > 1 ? ", and others before" : "",
                               seen ? "that is no growth, and what grew is told of it alone"
                                    : "too little was seen of it, and what grew is told of the one before",
                               seen ? w->before : "");
        return w->note;
}

/* What can be told now. */
static enum cs_status take_stock(struct watcher *w)
{
        struct cs_watch_state *s = w->state;
        s->at = w->samples.at;
        s->n = w->samples.n;
        enum cs_status st = cs_trend_find(w->samples.at, w->samples.n, &s->trend, w->err);
        s->room = cs_vitals_room(w->watch->pid, &s->now);
        s->left = s->room.limit ? cs_watch_left(&s->trend, (double)s->room.bytes) : 0;
        if (st != CS_OK || w->looks.n == 0 || w->looks_run != s->run || s->growth)
                return st;
        struct cs_growth_series series = { w->samples.at, w->samples.n, note(w) };
        st = cs_growth_build_watched(w->looks.at, w->looks.n, &series, &s->growth, w->err);
        if (st != CS_OK)
                w->looks.n = 0; /* they went with it */
        return st;
}

/* Those of a process with very many mappings take a while, in which it cannot map more: no more than a share of the time. */
static enum cs_status list_kinds(struct watcher *w)
{
        struct cs_watch_state *s = w->state;
        struct cs_error ignored;
        double from = elapsed(w);
        s->kinds_known = false;
        if (from < w->kinds_due)
                return CS_OK;
        enum cs_status st = cs_vitals_kinds_read(w->watch->pid, &s->kinds, &ignored);
        double now = elapsed(w);
        w->kinds_due = now + (now - from) / KINDS_SHARE;
        s->kinds_known = st == CS_OK;
        return st == CS_ENOMEM ? cs_fail(w->err, st, "list of mappings") : CS_OK;
}

/* Another program's memory is not what this one's grew to: from here on it is told anew. */
static void begin_anew(struct watcher *w)
{
        struct cs_watch_state *s = w->state;
        const struct cs_trend_fit *was = &s->trend;
        struct cs_units grew = cs_units_bytes((uint64_t)fmin(was->per_second * 60, 1e18));
        w->before[0] = '\0';
        if (was->told)
                (void)snprintf(w->before, sizeof(w->before), "; the one before: %s%s%s%s",
                               cs_trend_words(was->shape), was->per_second > 0 ? ", " : "",
                               was->per_second > 0 ? grew.text : "", was->per_second > 0 ? " a minute" : "");
        s->run++;
        s->run_seconds = s->seconds;
        forget_growth(w);
        w->samples.n = 0;
        w->every = 1;
        s->trend = (struct cs_trend_fit){ 0 };
}

static enum cs_status take_sample(struct watcher *w)
{
        struct cs_watch_state *s = w->state;
        struct cs_vitals before = s->now;
        double from = elapsed(w);
        enum cs_status st = cs_vitals_read(w->watch->pid, &s->now, w->err);
        bool first = s->samples == 0;
        if (st == CS_OK && !first && s->now.started != before.started)
                st = cs_fail(w->err, CS_EGONE, "the process has ended, and another has its id");
        if (st != CS_OK) {
                s->now = before;
                return st;
        }
        s->seconds = elapsed(w);
        s->time_ms = w->began_ms + (int64_t)(s->seconds * 1000);
        if (!first && s->now.program != before.program)
                begin_anew(w);
        s->looked = s->brief = false;
        if ((st = list_kinds(w)) != CS_OK || (st = keep_sample(w)) != CS_OK)
                return st;
        s->took = elapsed(w) - from;
        if ((st = look_if_due(w)) != CS_OK)
                return st;
        s->samples++;
        st = take_stock(w);
        if (st == CS_OK)
                w->watch->show(w->watch->show_context, s);
        return st;
}

/* Until the next one is due; what was missed is not made up for. */
static void wait_for(struct watcher *w)
{
        static const double step = 0.05; /* a Ctrl-C waits no longer */
        double due = ceil((elapsed(w) + 1e-9) / w->watch->interval) * w->watch->interval;
        for (double left; !cs_stop_asked() && (left = due - elapsed(w)) > 0;) {
                struct timespec nap = { 0, (long)((left < step ? left : step) * 1e9) };
                (void)nanosleep(&nap, NULL);
        }
        w->stop |= cs_stop_asked();
}

static enum cs_status run(struct watcher *w)
{
        const struct cs_watch *watch = w->watch;
        for (;;) {
                enum cs_status st = take_sample(w);
                if (st != CS_OK && (w->state->samples == 0 || st == CS_ENOMEM))
                        return st;
                w->state->end = st != CS_OK ? CS_WATCH_GONE : w->stop ? CS_WATCH_STOPPED : CS_WATCH_SAMPLES;
                if (st != CS_OK || w->stop)
                        return CS_OK;
                if (watch->samples && w->state->samples >= watch->samples)
                        break;
                wait_for(w);
                w->state->end = CS_WATCH_STOPPED;
                if (w->stop)
                        return CS_OK;
        }
        /* The end is looked at, too, if it is another than what was last seen, or that was seen briefly. */
        bool seen = w->state->looked && !w->state->brief;
        if (!seen && (w->looks.n == 1 || is_unseen(w) || w->state->now.anonymous != w->looked_at ||
                      w->looks.at[w->looks.n - 1]->brief)) {
                enum cs_status st = look(w, false);
                if (st == CS_ENOMEM)
                        return st;
                if (st != CS_OK)
                        w->state->end = CS_WATCH_GONE;
        }
        return CS_OK;
}

enum cs_status cs_watch_run(const struct cs_watch *watch, struct cs_watch_state *state,
                            struct cs_growth **growth, struct cs_error *err)
{
        struct timespec real;
        *state = (struct cs_watch_state){ 0 };
        cs_cleanup(
                watcher_deinit) struct watcher w = { .watch = watch, .state = state, .err = err, .every = 1 };
        w.began = cs_seconds_now();
        clock_gettime(CLOCK_REALTIME, &real);
        w.began_ms = (int64_t)real.tv_sec * 1000 + real.tv_nsec / 1000000;
        enum cs_status st = run(&w);
        cs_stop_answer();
        if (st == CS_OK)
                st = cs_trend_find(w.samples.at, w.samples.n, &state->trend, err);
        state->room = cs_vitals_room(watch->pid, &state->now);
        state->left = state->room.limit && state->end != CS_WATCH_GONE
                              ? cs_watch_left(&state->trend, (double)state->room.bytes)
                              : 0;
        forget_growth(&w);
        if (st == CS_OK) {
                bool seen = w.looks_run == state->run;
                struct cs_growth_series series = { w.samples.at, seen ? w.samples.n : 0, note(&w) };
                st = cs_growth_build_watched(w.looks.at, w.looks.n, &series, growth, err);
                w.looks.n = 0; /* they are its own now */
        }
        state->at = st == CS_OK ? w.samples.at : NULL;
        state->n = st == CS_OK ? w.samples.n : 0;
        if (st == CS_OK)
                w.samples.at = NULL;
        return st;
}

void cs_watch_state_deinit(struct cs_watch_state *state)
{
        free((void *)(uintptr_t)state->at);
        state->at = NULL;
}
