/* SPDX-License-Identifier: Apache-2.0 */
#include "trend_series.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#define KIB 1024.0
#define MIB (1024 * KIB)

static uint64_t state;

static uint64_t next(void)
{
        uint64_t z = state += 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        return z ^ z >> 31;
}

static double uniform(double low, double high)
{
        return low + (high - low) * (double)(next() >> 11) / 9007199254740992.0;
}

static double normal(void)
{
        double u = uniform(1e-12, 1), v = uniform(0, 1);
        return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

/* What a heap or mmap makes of bytes: whole pieces of memory. */
static double in_pieces(double bytes, double piece)
{
        return ceil(bytes / piece) * piece;
}

struct way {
        size_t n;
        double interval; /* seconds */
        double jitter;   /* of the interval */
        double missing;  /* share of samples */
        double base;     /* bytes at the beginning */
        double growth;   /* bytes, over all the time; of a sawtooth, a tooth */
        double noise;    /* of growth (of none: of base) */
        double alike;    /* how much noise is like the one before, 0 to 1 */
        double piece;
        bool restarts;
};

/* ---- the set that was looked at ---------------------------------------------------------------------------------- */

static double tried_value(enum cs_trend shape, double x, double growth, double p, double q, bool waves)
{
        double tooth = waves ? 0.5 + 0.5 * sin(x * p * 6.283185307179586) : x * p - floor(x * p);
        switch (shape) {
        case CS_TREND_PLATEAU:
                return growth * (1 - exp(-x * p)) / (1 - exp(-p));
        case CS_TREND_LINEAR:
                return growth * x;
        case CS_TREND_STEPPED:
                return growth * floor(x * p + q) / p;
        case CS_TREND_EXPONENTIAL:
                return growth * (exp(x * p) - 1) / (exp(p) - 1);
        case CS_TREND_SAWTOOTH:
                return growth * tooth;
        case CS_TREND_RISING:
                return growth * (tooth + x * q);
        default:
                return 0;
        }
}

static void tried_parameters(enum cs_trend shape, size_t n, double *p, double *q)
{
        double most_teeth = (double)n / 5;
        *q = 0;
        switch (shape) {
        case CS_TREND_PLATEAU:
                *p = uniform(5, 12);
                break;
        case CS_TREND_STEPPED:
                *p = floor(uniform(3, most_teeth < 7 ? most_teeth + 0.99 : 7.99));
                *q = uniform(0.2, 0.8);
                break;
        case CS_TREND_EXPONENTIAL:
                *p = uniform(2.2, 5);
                break;
        case CS_TREND_SAWTOOTH:
        case CS_TREND_RISING:
                *p = uniform(3.6, most_teeth < 8 ? most_teeth : 8);
                *q = uniform(0.5, 2.5);
                break;
        default:
                *p = 1;
        }
}

/* ---- the set that judges ----------------------------------------------------------------------------------------- */

/* One value after the other: what it was, and how far the time is. */
struct held {
        double at;    /* of growth 1 */
        double floor; /* of the tooth */
        double phase;
        double peak;
        double p, q;
        unsigned kind; /* of several ways to make the shape */
        unsigned left; /* samples until something happens */
        unsigned jumps;
};

static void held_begin(struct held *h, enum cs_trend shape, size_t n, unsigned kind)
{
        *h = (struct held){ .kind = kind };
        h->p = shape == CS_TREND_PLATEAU       ? uniform(0.08, 0.3)
               : shape == CS_TREND_EXPONENTIAL ? uniform(1.8, 4.5)
                                               : 1;
        h->jumps = 3 + (unsigned)(next() % (n >= 40 ? 4 : 2));
        h->left = (unsigned)(n / (h->jumps + 1));
        h->peak = uniform(0.8, 1.2);
        h->phase = uniform(0, 0.9);
        h->q = uniform(0.5, 2);
        if (shape == CS_TREND_SAWTOOTH || shape == CS_TREND_RISING)
                h->p = uniform(3.8, (double)n / 6 > 9 ? 9 : (double)n / 6 < 4 ? 4 : (double)n / 6);
}

static double held_plateau(const struct held *h, double x)
{
        switch (h->kind % 3) {
        case 0: /* evenly, and then no more */
                return x < h->p ? x / h->p : 1;
        case 1: /* slower and slower */
                return 1 - exp(-3 * x / h->p);
        default: /* begins and ends slowly */
                return 1 / (1 + exp(-(x - h->p) * 12 / h->p)) - 1 / (1 + exp(12));
        }
}

static double held_tooth(struct held *h, double dx, bool rising, double x)
{
        h->phase += dx * h->p;
        if (h->phase >= h->peak) { /* a collector runs when it must, and does not free the same each time */
                h->phase = uniform(0, 0.12);
                h->peak = uniform(0.85, 1.15);
        }
        double wave = h->kind % 3 == 2 ? 0.5 - 0.5 * cos(x * h->p * 6.283185307179586) /* day and night */
                                       : h->phase;
        return wave + (rising ? h->q * x : 0);
}

static double held_value(struct held *h, enum cs_trend shape, double x, double dx, size_t n)
{
        switch (shape) {
        case CS_TREND_PLATEAU:
                return held_plateau(h, x);
        case CS_TREND_LINEAR: /* in as many portions as come, of any size */
                if (h->kind % 2)
                        h->at += dx * uniform(0.4, 1.6);
                else
                        h->at += dx;
                return h->at;
        case CS_TREND_STEPPED:
                if (h->left-- == 0) {
                        h->at += uniform(0.6, 1.4) / h->jumps;
                        h->left = (unsigned)((double)n / (h->jumps + 1) * uniform(0.75, 1.25));
                }
                return h->at;
        case CS_TREND_EXPONENTIAL:
                return (exp(x * h->p) - 1) / (exp(h->p) - 1);
        case CS_TREND_SAWTOOTH:
        case CS_TREND_RISING:
                return held_tooth(h, dx, shape == CS_TREND_RISING, x);
        default: /* wanders, and comes back */
                h->at = 0.85 * h->at + (h->kind % 2 ? 0.3 * normal() : 0);
                return h->at;
        }
}

/* ---- both -------------------------------------------------------------------------------------------------------- */

static struct way way_of(enum series_set set, enum cs_trend shape, unsigned turn)
{
        static const double tried_rates[] = { 0.04, 0.4, 3 }, tried_noises[] = { 0, 0.01, 0.03 };
        static const double held_rates[] = { 0.025, 0.15, 1, 8 }, held_noises[] = { 0.002, 0.015, 0.025 };
        bool tried = set == SERIES_TRIED;
        struct way w = {
                .n = 20 + (size_t)(next() % 41),
                .interval = tried ? 10 : uniform(1, 600),
                .jitter = !tried     ? 0.3
                          : turn % 2 ? 0.2
                                     : 0,
                .missing = turn % 3 == 2 ? (tried ? 0.15 : 0.2) : 0,
                .base = tried ? uniform(30, 300) * MIB : exp(uniform(log(4), log(4000))) * MIB,
                .alike = turn % 2 ? 0
                         : tried  ? 0.4
                                  : 0.5,
                .restarts = turn % 8 == 7,
        };
        double rate = tried ? tried_rates[turn % 3] : held_rates[turn % 4];
        w.growth = w.base * rate;
        w.noise = tried ? tried_noises[turn / 3 % 3] : held_noises[turn / 4 % 3];
        if (shape == CS_TREND_NONE) {
                w.growth = w.base * (tried ? 0.02 : 0.05);
                w.noise = tried ? uniform(0.1, 1) : w.noise;
                w.alike = tried && turn % 2 == 0 ? uniform(0.4, 0.9) : w.alike;
        }
        /* The heap grows by pages, or by what malloc asks brk for; mmap by more. */
        bool heap = turn / 2 % 2 == 0;
        double least = heap ? 4 * KIB : 256 * KIB;
        w.piece = heap ? 132 * KIB : w.growth / uniform(40, 90);
        if (w.piece > w.growth / 40)
                w.piece = w.growth / 40;
        if (w.piece < least)
                w.piece = least < w.growth / 40 ? least : 4 * KIB;
        return w;
}

struct series series_make(enum series_set set, unsigned i)
{
        enum cs_trend shape = (enum cs_trend)(i % CS_TRENDS);
        unsigned turn = i / CS_TRENDS;
        state = (set == SERIES_TRIED ? 0x5eed0001u : 0x20261121u) + (uint64_t)i * 7919;
        struct way w = way_of(set, shape, turn);
        struct series s = { .shape = shape };
        struct held held = { 0 };
        size_t restart = w.restarts ? w.n / 4 : 0;
        double p = 1, q = 0, wander = 0, time = uniform(0, 1e9), before = 0;
        double span = w.interval * (double)(w.n - 1 - restart);
        tried_parameters(shape, w.n - restart, &p, &q);
        for (size_t k = 0; k < w.n; k++) {
                /* A new process begins where its shape does. */
                bool fresh = k == restart;
                size_t from = k < restart ? 0 : restart;
                double at = (double)k + uniform(-w.jitter, w.jitter);
                double x = (at - (double)from) / (double)(w.n - 1 - from);
                x = x < 0 ? 0 : x;
                x = !fresh && x < before ? before : x;
                if (fresh)
                        held_begin(&held, shape, w.n - restart, turn);
                double part = set == SERIES_TRIED
                                      ? tried_value(shape, x, 1, p, q, turn % 4 == 3)
                                      : held_value(&held, shape, x, fresh ? 0 : x - before, w.n - restart);
                before = x;
                wander = w.alike * wander + sqrt(1 - w.alike * w.alike) * normal();
                double value = w.base + in_pieces(w.growth * part, w.piece) + w.noise * w.growth * wander;
                if (k && uniform(0, 1) < w.missing)
                        continue;
                /* Before the restart another process had grown far. */
                unsigned run = k < restart;
                s.at[s.n++] =
                        (struct cs_sample){ time + at * w.interval, value + (run ? 2 * w.growth : 0), run };
        }
        bool lasts = shape == CS_TREND_LINEAR;
        s.rate = lasts                      ? w.growth / span
                 : shape == CS_TREND_RISING ? w.growth * (set == SERIES_TRIED ? q : held.q) / span
                                            : 0;
        (void)snprintf(s.name, sizeof(s.name),
                       "%s #%u: %s, n=%zu growth=%.0f%% noise=%.1f%% piece=%.0fK%s%s%s",
                       set == SERIES_TRIED ? "tried" : "held out", i, cs_trend_words(shape), s.n,
                       100 * w.growth / w.base, 100 * w.noise, w.piece / KIB, w.missing > 0 ? " gaps" : "",
                       w.restarts ? " restart" : "", w.alike > 0 ? " wanders" : "");
        return s;
}
