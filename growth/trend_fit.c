/* SPDX-License-Identifier: Apache-2.0 */
#include "trend_private.h"

#include <math.h>
#include <stdlib.h>

/* Shapes of curves that are tried for each, in equal ratios. */
enum { TRIES = 48 };

static int by_value(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;
        return x < y ? -1 : x > y;
}

double cs_trend_median(double *values, size_t n)
{
        if (n == 0)
                return 0;
        qsort(values, n, sizeof(*values), by_value);
        return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

double cs_trend_slope(const double *t, const double *v, size_t n)
{
        static const size_t most = CS_SLOPE_POINTS;
        double slopes[CS_SLOPE_POINTS * (CS_SLOPE_POINTS - 1) / 2];
        size_t used = 0, step = n > most ? (n + most - 1) / most : 1;
        for (size_t i = 0; i < n; i += step)
                for (size_t k = i + step; k < n; k += step)
                        if (t[k] > t[i])
                                slopes[used++] = (v[k] - v[i]) / (t[k] - t[i]);
        return cs_trend_median(slopes, used);
}

/* ---- curves ------------------------------------------------------------------------------------------------------ */

static double curve(enum cs_curve kind, double t, double shape)
{
        switch (kind) {
        case CS_CURVE_LINE:
                return t;
        case CS_CURVE_SATURATES:
                return 1 - exp(-t / shape);
        case CS_CURVE_HINGE:
                return t < shape ? t : shape;
        case CS_CURVE_EXPLODES:
                return exp(t / shape) - 1;
        default:
                return 0;
        }
}

/* What is finer than this share of the range is no matter of shape: pages, and sizes that malloc rounds. */
static const double FINE = 0.004;

/* What is alike from one sample to the next tells less than its number: how many tell something of their own. Of few samples the
 * likeness beside a line comes out too small by (2 + 4 r) / n (Kendall 1954, Marriott and Pope 1954, of a mean and a trend). */
static double own_samples(size_t n, double alike)
{
        alike += (2 + 4 * alike) / (double)n;
        alike = alike < 0 ? 0 : alike > 0.95 ? 0.95 : alike;
        double own = (double)n * (1 - alike) / (1 + alike);
        return own > 2 ? own : 2; /* a beginning and an end */
}

/* From few samples their noise is not known well either: what Student's distribution is wider than a normal one, about, where
 * accidents are rare. */
static double doubt(double own)
{
        return 1 + 3 / own;
}

/* How much more is explained than left, by the square root of these. */
static double sure(const struct cs_series *s, double explained, double left, double alike)
{
        double fine = FINE * s->range, own = own_samples(s->n, alike);
        return explained > 0 ? sqrt(explained / (left + fine * fine) * own) / doubt(own) : 0;
}

static struct cs_curve_fit fit(const struct cs_series *s, enum cs_curve kind, double shape)
{
        struct cs_curve_fit f = { .shape = shape };
        double n = (double)s->n, g1 = 0, v1 = 0, gg = 0, gv = 0;
        for (size_t i = 0; i < s->n; i++) {
                double g = curve(kind, s->t[i], shape);
                g1 += g;
                v1 += s->v[i];
        }
        g1 /= n;
        v1 /= n;
        for (size_t i = 0; i < s->n; i++) {
                double g = curve(kind, s->t[i], shape) - g1;
                gg += g * g;
                gv += g * (s->v[i] - v1);
        }
        f.b = gg > 0 ? gv / gg : 0;
        f.a = v1 - f.b * g1;
        double next = 0, before = 0, all = 0;
        for (size_t i = 0; i < s->n; i++) {
                double left = s->v[i] - f.a - f.b * curve(kind, s->t[i], shape);
                f.rest += left * left / n;
                all += (s->v[i] - v1) * (s->v[i] - v1) / n;
                next += i ? left * before / n : 0;
                before = left;
        }
        f.sure = sure(s, all - f.rest, f.rest, f.rest > 0 ? next / f.rest : 0);
        f.there = kind == CS_CURVE_CONSTANT || f.b > 0;
        return f;
}

static double score(const struct cs_series *s, double rest, double numbers)
{
        double fine = FINE * s->range;
        return (double)s->n * log(rest + fine * fine) + numbers * log((double)s->n);
}

static struct cs_curve_fit best(const struct cs_series *s, enum cs_curve kind, double from, double to)
{
        struct cs_curve_fit found = { 0 };
        double ratio = pow(to / from, 1.0 / (TRIES - 1));
        double shape = from * s->span;
        for (int i = 0; i < TRIES; i++, shape *= ratio) {
                struct cs_curve_fit f = fit(s, kind, shape);
                if (f.there && (!found.there || f.rest < found.rest))
                        found = f;
        }
        if (found.there)
                found.score = score(s, found.rest, 3);
        return found;
}

void cs_trend_fit_curves(const struct cs_series *s, struct cs_curve_fit fits[CS_CURVES])
{
        fits[CS_CURVE_CONSTANT] = fit(s, CS_CURVE_CONSTANT, 0);
        fits[CS_CURVE_CONSTANT].score = score(s, fits[CS_CURVE_CONSTANT].rest, 1);
        fits[CS_CURVE_LINE] = fit(s, CS_CURVE_LINE, 0);
        fits[CS_CURVE_LINE].score = score(s, fits[CS_CURVE_LINE].rest, 2);
        /* Slower ones can hardly be told from a line, faster ones have no sample on their slope. */
        fits[CS_CURVE_SATURATES] = best(s, CS_CURVE_SATURATES, 0.02, 1.5);
        fits[CS_CURVE_HINGE] = best(s, CS_CURVE_HINGE, 0.05, 0.95);
        fits[CS_CURVE_EXPLODES] = best(s, CS_CURVE_EXPLODES, 0.04, 1.5);
        struct cs_jumps jumps = cs_trend_jumps(s);
        fits[CS_CURVE_STEPS] =
                (struct cs_curve_fit){ .shape = (double)jumps.n,
                                       .rest = jumps.rest,
                                       .score = score(s, jumps.rest, 2.0 * (double)jumps.n + 1),
                                       .there = jumps.n > 0 };
}

struct cs_line cs_trend_line(const struct cs_series *s, size_t first, size_t end)
{
        struct cs_line line = { 0 };
        double n = (double)(end - first), t1 = 0, v1 = 0, tt = 0, tv = 0, rest = 0, next = 0, before = 0;
        for (size_t i = first; i < end; i++) {
                t1 += s->t[i] / n;
                v1 += s->v[i] / n;
        }
        for (size_t i = first; i < end; i++) {
                tt += (s->t[i] - t1) * (s->t[i] - t1);
                tv += (s->t[i] - t1) * (s->v[i] - v1);
        }
        line.b = tt > 0 ? tv / tt : 0;
        line.a = v1 - line.b * t1;
        for (size_t i = first; i < end; i++) {
                double left = s->v[i] - line.a - line.b * s->t[i];
                rest += left * left;
                next += i > first ? left * before : 0;
                before = left;
        }
        double own = own_samples(end - first, rest > 0 ? next / rest : 0), fine = FINE * s->range / 4;
        double error = sqrt((rest / (n > 2 ? n - 2 : 1) + fine * fine) / (tt > 0 ? tt : 1) * n / own);
        line.sure = error > 0 ? line.b / error / doubt(own) : 0;
        return line;
}

/* ---- jumps ------------------------------------------------------------------------------------------------------- */

/* Samples that jumps are looked for among: work grows with their square. */
enum { JUMP_SAMPLES = 256, REST_LEAST = 2 };

struct parts {
        size_t n;
        double v[JUMP_SAMPLES];
        double t[JUMP_SAMPLES];
        double sum[JUMP_SAMPLES + 1], squares[JUMP_SAMPLES + 1];
        double cost[JUMP_SAMPLES + 1];
        size_t from[JUMP_SAMPLES + 1]; /* where the last rest before here begins */
};

static void choose_samples(const struct cs_series *s, struct parts *p)
{
        p->n = s->n < JUMP_SAMPLES ? s->n : JUMP_SAMPLES;
        for (size_t i = 0; i < p->n; i++) {
                size_t k = i * s->n / p->n;
                /* Squares of large numbers that are nearly the same would eat each other. */
                p->v[i] = s->v[k] - s->v[0];
                p->t[i] = s->t[k];
                p->sum[i + 1] = p->sum[i] + p->v[i];
                p->squares[i + 1] = p->squares[i] + p->v[i] * p->v[i];
        }
}

static double mean_of(const struct parts *p, size_t first, size_t end)
{
        return (p->sum[end] - p->sum[first]) / (double)(end - first);
}

/* What the mean of some samples leaves of them, squared and summed. */
static double rest_of(const struct parts *p, size_t first, size_t end)
{
        double sum = p->sum[end] - p->sum[first];
        double rest = p->squares[end] - p->squares[first] - sum * sum / (double)(end - first);
        return rest > 0 ? rest : 0;
}

/* The way to cut the samples into rests for which what these leave, and a price for each, is least. */
static void cut(const struct cs_series *s, struct parts *p)
{
        double fine = 0.01 * s->range, n = (double)p->n;
        double price = 3 * log(n) * (s->noise * s->noise + fine * fine);
        for (size_t end = 1; end <= p->n; end++) {
                p->cost[end] = INFINITY;
                for (size_t first = 0; first + REST_LEAST <= end; first++) {
                        double cost = p->cost[first] + rest_of(p, first, end) + price;
                        if (cost < p->cost[end]) {
                                p->cost[end] = cost;
                                p->from[end] = first;
                        }
                }
        }
}

struct cs_jumps cs_trend_jumps(const struct cs_series *s)
{
        struct cs_jumps j = { 0 };
        struct parts p = { 0 };
        double rest = 0, up = 0, all = 0, first_at = 0;
        choose_samples(s, &p);
        cut(s, &p);
        for (size_t end = p.n; end;) {
                size_t from = p.from[end];
                rest += rest_of(&p, from, end);
                if (from) {
                        double by = mean_of(&p, from, end) - mean_of(&p, p.from[from], from);
                        all += fabs(by);
                        up += by > 0 ? by : 0;
                        if (by > 0) {
                                j.last = j.n++ ? j.last : p.t[from];
                                first_at = p.t[from];
                        }
                }
                end = from;
        }
        j.share = all > 0 ? up / all : 0;
        j.gap = j.n > 1 ? (j.last - first_at) / (double)(j.n - 1) : 0;
        j.rest = rest / (double)p.n;
        return j;
}
