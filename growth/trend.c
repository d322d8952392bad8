/* SPDX-License-Identifier: Apache-2.0 */
#include "trend_private.h"

#include "cs_limits.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Growth that is worth a name: this share of the level. Less is what an idle process breathes. */
static const double GROWTH_LEAST = 0.003;

/* Slopes are told from noise when they are so many times their own error. */
static const double SLOPE_SURE = 5;

/* Steps explain so many times what they leave. */
static const double STEPS_SURE = 4;

/* A sawtooth's floor rises when it does by this share of a tooth in all the time. */
static const double FLOOR_LEAST = 0.2;

/* Turns beyond noise, and a good part of all; in waves, half of what lies beside a line. */
static const double TURN_NOISE = 5, TURN_LEAST = 0.12, TURN_WAVE = 0.5;

/* Teeth are about as high as the range beside a line. */
static const double TOOTH_OF_RANGE = 0.55;

/* The least is this much of the largest; where noise is more than some of a tooth, or there are but two, it must be more, and
 * they must come as evenly as this (deviation of the time between them by its mean). */
static const double TOOTH_ALIKE = 0.4, TOOTH_ALL = 0.75, ROUGH = 0.1, EVEN = 1.1;

/* A curve that at the end grows with this share of its mean rate has come to rest. */
static const double REST_RATE = 0.25;

/* And one whose rate at the end is so many times that at the beginning explodes. */
static const double BURST = 4;

const char *cs_trend_name(enum cs_trend shape)
{
        static const char *const names[] = { "none",        "plateau",  "linear",  "stepped",
                                             "exponential", "sawtooth", "sawtooth" };
        return names[shape];
}

const char *cs_trend_words(enum cs_trend shape)
{
        return shape == CS_TREND_RISING ? "a sawtooth with a rising floor" : cs_trend_name(shape);
}

/* ---- the series -------------------------------------------------------------------------------------------------- */

static int by_time(const void *a, const void *b)
{
        const struct cs_sample *x = a, *y = b;
        if (x->time != y->time)
                return x->time < y->time ? -1 : 1;
        return x->run < y->run ? -1 : x->run > y->run;
}

/* The longest run; the later of two. */
static void longest_run(const struct cs_sample *at, size_t n, size_t *first, size_t *end)
{
        *first = *end = 0;
        for (size_t i = 0, k; i < n; i = k) {
                for (k = i + 1; k < n && at[k].run == at[i].run;)
                        k++;
                if (k - i >= *end - *first) {
                        *first = i;
                        *end = k;
                }
        }
}

/* A single value far from neighbours that agree: a buffer that was there for a moment. */
static void drop_spikes(struct cs_series *s)
{
        for (size_t i = 1; i + 1 < s->n; i++) {
                double a = s->v[i] - s->v[i - 1], b = s->v[i] - s->v[i + 1];
                double smaller = fabs(a) < fabs(b) ? fabs(a) : fabs(b);
                if (a * b > 0 && smaller > 8 * s->noise &&
                    fabs(s->v[i - 1] - s->v[i + 1]) < 0.1 * smaller + 3 * s->noise)
                        s->v[i] = (s->v[i - 1] + s->v[i + 1]) / 2;
        }
}

/* What each value is off a line between its neighbours; of that a low quantile, for corners and jumps are no noise. */
static double noise_of(const struct cs_series *s, double *off)
{
        static const double quantile = 0.3, quantile_of_normal = 0.38532;
        size_t n = 0;
        for (size_t i = 1; i + 1 < s->n; i++) {
                double wide = s->t[i + 1] - s->t[i - 1];
                double w = wide > 0 ? (s->t[i] - s->t[i - 1]) / wide : 0.5;
                double line = (1 - w) * s->v[i - 1] + w * s->v[i + 1];
                off[n++] = fabs(s->v[i] - line) / sqrt(1 + w * w + (1 - w) * (1 - w));
        }
        (void)cs_trend_median(off, n);
        double noise = n ? off[(size_t)(quantile * (double)n)] / quantile_of_normal : 0;
        return noise > 0.001 * s->range ? noise : 0.001 * s->range;
}

static void measure_range(struct cs_series *s)
{
        double low = s->v[0], high = s->v[0];
        s->level = 0;
        for (size_t i = 0; i < s->n; i++) {
                low = s->v[i] < low ? s->v[i] : low;
                high = s->v[i] > high ? s->v[i] : high;
                s->level += fabs(s->v[i]) / (double)s->n;
        }
        s->range = high - low;
}

/* Fills the series, whose arrays have room for n, from the samples that count. False: they tell nothing. */
static bool make_series(struct cs_sample *at, size_t n, struct cs_series *s)
{
        size_t first, end, kept = 0;
        for (size_t i = 0; i < n; i++)
                if (isfinite(at[i].time) && isfinite(at[i].value) && fabs(at[i].value) < 1e30 &&
                    fabs(at[i].time) < 1e30)
                        at[kept++] = at[i];
        if (kept)
                qsort(at, kept, sizeof(*at), by_time);
        longest_run(at, kept, &first, &end);
        size_t many = end - first;
        size_t use = many < CS_LIMIT_TREND_SAMPLES ? many : CS_LIMIT_TREND_SAMPLES;
        for (size_t i = 0; i < use; i++) {
                const struct cs_sample *one = &at[first + i * many / use];
                /* Two at one moment: the later that came. */
                if (s->n && one->time - at[first].time <= s->t[s->n - 1])
                        s->n--;
                s->t[s->n] = one->time - at[first].time;
                s->v[s->n++] = one->value;
        }
        s->span = s->n ? s->t[s->n - 1] : 0;
        return s->n >= CS_TREND_LEAST && s->span > 0;
}

/* ---- the shape --------------------------------------------------------------------------------------------------- */

/* More looks, and more ways in which it is better, make surer. */
static double confidence(const struct cs_series *s, double better)
{
        double sure = 1 / (1 + exp(-better));
        return sure * (double)s->n / ((double)s->n + 3);
}

/* How much the time between floors differs from its mean, as a share of it. */
static double unevenness(const struct cs_teeth *teeth)
{
        double mean = (teeth->at[teeth->n - 1] - teeth->at[0]) / (double)(teeth->n - 1), off = 0;
        for (size_t i = 1; i < teeth->n; i++) {
                double by = teeth->at[i] - teeth->at[i - 1] - mean;
                off += by * by / (double)(teeth->n - 1);
        }
        return mean > 0 ? sqrt(off) / mean : 0;
}

/* Do the floors rise? A sample stands anywhere in the fall, so that a floor is off by what rises between two samples. */
static double floor_slope(const struct cs_series *s, const struct cs_teeth *teeth)
{
        if (teeth->n < 3)
                return 0;
        double slope = cs_trend_slope(teeth->at, teeth->floor, teeth->n);
        double span = teeth->at[teeth->n - 1] - teeth->at[0], off[CS_TEETH_MOST], mean = 0;
        size_t up = 0;
        for (size_t i = 0; i < teeth->n; i++)
                mean += (teeth->floor[i] - slope * teeth->at[i]) / (double)teeth->n;
        for (size_t i = 0; i < teeth->n; i++)
                off[i] = fabs(teeth->floor[i] - slope * teeth->at[i] - mean);
        for (size_t i = 1; i < teeth->n; i++)
                up += teeth->floor[i] > teeth->floor[i - 1];
        double between = 1.5 * teeth->fall * (double)teeth->falls / (double)s->n;
        double noise = s->noise < 0.06 * teeth->fall ? s->noise : 0.06 * teeth->fall;
        double error = 2.5 * (cs_trend_median(off, teeth->n) * 1.48 + noise), rise = slope * span;
        bool sure = rise > error && rise > between && slope * s->span > FLOOR_LEAST * teeth->fall;
        /* A level sawtooth seems to rise, too, by where in a tooth it begins and ends: by less than this. */
        double seems = (0.3 + 1 / (double)teeth->n) * teeth->fall;
        double line = cs_trend_line(s, 0, s->n).b * s->span;
        sure = slope > 0 && (line > seems || (sure && line > 0.7 * seems));
        /* Of few teeth, only those that come in good order, and of rough ones only a floor that rises far. */
        sure &= teeth->n > 4 || unevenness(teeth) < 0.5;
        sure &= s->noise < ROUGH * teeth->fall || teeth->n > 3 || rise > teeth->fall / 2;
        return sure && (double)up >= 0.7 * (double)(teeth->n - 1) ? slope : 0;
}

/* The range beside a straight line. */
static double range_beside(const struct cs_series *s)
{
        struct cs_line line = cs_trend_line(s, 0, s->n);
        double low = INFINITY, high = -INFINITY;
        for (size_t i = 0; i < s->n; i++) {
                double left = s->v[i] - line.a - line.b * s->t[i];
                low = left < low ? left : low;
                high = left > high ? left : high;
        }
        return high - low;
}

/* How like the series beside its line is to itself one tooth later, -1 to 1. */
static double echo(const struct cs_series *s, const struct cs_teeth *teeth)
{
        struct cs_line line = cs_trend_line(s, 0, s->n);
        double later = (teeth->at[teeth->n - 1] - teeth->at[0]) / (double)(teeth->n - 1);
        double aa = 0, bb = 0, ab = 0;
        for (size_t i = 0, k = 1; i < s->n; i++) {
                double t = s->t[i] + later;
                while (k < s->n && s->t[k] < t)
                        k++;
                if (k == s->n)
                        break;
                double w = (t - s->t[k - 1]) / (s->t[k] - s->t[k - 1]);
                double a = s->v[i] - line.a - line.b * s->t[i];
                double b = (1 - w) * s->v[k - 1] + w * s->v[k] - line.a - line.b * t;
                aa += a * a;
                bb += b * b;
                ab += a * b;
        }
        return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

/* What wanders is rough, falls now a little and now much, and turns when it likes. */
static bool are_teeth(const struct cs_series *s, const struct cs_teeth *teeth, double beside)
{
        double alike = teeth->least / (teeth->most > 0 ? teeth->most : 1);
        if (teeth->falls < 2 || teeth->fall < TOOTH_OF_RANGE * beside)
                return false;
        if (s->noise < ROUGH * teeth->fall)
                /* Two may be an accident, unless they are all there is. */
                return teeth->falls > 2 ? alike > TOOTH_ALIKE : teeth->least > TOOTH_ALL * beside;
        return teeth->n > 2 && alike - unevenness(teeth) + echo(s, teeth) > EVEN;
}

static bool find_teeth(const struct cs_series *s, struct cs_teeth *teeth)
{
        double beside = range_beside(s);
        double noise = TURN_NOISE * s->noise, part = TURN_LEAST * s->range;
        cs_trend_teeth(s, noise > part ? noise : part, teeth);
        if (are_teeth(s, teeth, beside))
                return true;
        /* Short waves look like noise from one sample to the next. */
        cs_trend_teeth(s, TURN_WAVE * beside, teeth);
        return teeth->falls >= 3 && teeth->falls * 7 <= 2 * s->n && are_teeth(s, teeth, beside);
}

static bool is_sawtooth(const struct cs_series *s, struct cs_trend_fit *out)
{
        struct cs_teeth teeth;
        if (!find_teeth(s, &teeth))
                return false;
        double slope = floor_slope(s, &teeth);
        out->shape = slope > 0 ? CS_TREND_RISING : CS_TREND_SAWTOOTH;
        out->per_second = slope;
        out->confidence = confidence(s, (double)teeth.falls - 1);
        return true;
}

/* After a knee: does it still grow, though slower? */
static bool goes_on(const struct cs_series *s, double knee, struct cs_line *tail)
{
        size_t first = 0;
        while (first < s->n && s->t[first] < knee)
                first++;
        if (s->n - first < 6)
                return false;
        *tail = cs_trend_line(s, first, s->n);
        double mean = (s->v[s->n - 1] - s->v[0]) / s->span;
        double grown = tail->b * (s->span - s->t[first]);
        return tail->sure > SLOPE_SURE && tail->b > REST_RATE * mean && grown > GROWTH_LEAST * s->level &&
               grown > 3 * s->noise;
}

static void be_linear(const struct cs_series *s, size_t first, struct cs_trend_fit *out)
{
        out->shape = CS_TREND_LINEAR;
        out->per_second = cs_trend_slope(s->t + first, s->v + first, s->n - first);
}

/* Jumps, unless the last is so long ago that it has come to rest. */
static bool is_stepped(const struct cs_series *s, const struct cs_jumps *j, const struct cs_curve_fit *fits,
                       double other, struct cs_trend_fit *out)
{
        if (j->n < 1 || j->share < 0.75 || j->n > s->n / 3 || fits[CS_CURVE_STEPS].score > other ||
            fits[CS_CURVE_STEPS].rest * STEPS_SURE * STEPS_SURE > fits[CS_CURVE_CONSTANT].rest)
                return false;
        double since = s->span - j->last;
        bool rests = j->n < 3 ? since > 0.3 * s->span : since > 0.4 * s->span && since > 2 * j->gap;
        out->shape = rests ? CS_TREND_PLATEAU : CS_TREND_STEPPED;
        out->per_second = rests ? 0 : cs_trend_slope(s->t, s->v, s->n);
        out->confidence = confidence(s, (other - fits[CS_CURVE_STEPS].score) / 8 + (double)j->n - 2);
        return true;
}

/* Which of the smooth curves it is. */
static void be_smooth(const struct cs_series *s, const struct cs_curve_fit *fits, struct cs_trend_fit *out)
{
        const struct cs_curve_fit *line = &fits[CS_CURVE_LINE], *bend = &fits[CS_CURVE_SATURATES],
                                  *hinge = &fits[CS_CURVE_HINGE], *burst = &fits[CS_CURVE_EXPLODES];
        const struct cs_curve_fit *flat =
                !bend->there || (hinge->there && hinge->score < bend->score) ? hinge : bend;
        double knee = flat == hinge ? hinge->shape : 2.5 * bend->shape;
        struct cs_line tail;
        if (burst->there && burst->score < line->score - 4 && (!flat->there || burst->score < flat->score) &&
            burst->sure > SLOPE_SURE && s->span / burst->shape > log(BURST)) {
                out->shape = CS_TREND_EXPONENTIAL;
                out->per_second = burst->b / burst->shape * exp(s->span / burst->shape);
                out->doubling = burst->shape * log(2);
                out->confidence = confidence(s, (line->score - burst->score) / 8);
                return;
        }
        double end_rate = flat == bend ? s->span / bend->shape / (exp(s->span / bend->shape) - 1) : 0;
        if (flat->there && flat->score < line->score - 4 && end_rate < REST_RATE && knee < 0.9 * s->span) {
                out->confidence = confidence(s, (line->score - flat->score) / 8);
                if (!goes_on(s, knee, &tail)) {
                        out->shape = CS_TREND_PLATEAU;
                        return;
                }
                out->shape = CS_TREND_LINEAR;
                out->per_second = tail.b;
                return;
        }
        be_linear(s, 0, out);
        double next = flat->there && flat->score < burst->score ? flat->score : burst->score;
        out->confidence = confidence(s, (next - line->score) / 8 + 1.5);
}

static void be_none(const struct cs_series *s, double better, struct cs_trend_fit *out)
{
        out->shape = CS_TREND_NONE;
        out->per_second = 0;
        out->confidence = confidence(s, better);
}

/* How much it has grown at the end, by the line that fits best to the last third. */
static double grown(const struct cs_series *s)
{
        size_t third = s->n / 3 > 1 ? s->n / 3 : 1;
        double first = s->v[0], end[CS_LIMIT_TREND_SAMPLES];
        for (size_t i = 0; i < third; i++)
                end[i] = s->v[s->n - 1 - i];
        double low[3] = { s->v[0], s->v[1], s->v[2] };
        first = cs_trend_median(low, 3) < first ? cs_trend_median(low, 3) : first;
        return cs_trend_median(end, third) - first;
}

static void find(const struct cs_series *s, struct cs_trend_fit *out)
{
        struct cs_curve_fit fits[CS_CURVES];
        if (!(s->range > 0) || s->range < GROWTH_LEAST * s->level) {
                be_none(s, 3, out);
                return;
        }
        if (is_sawtooth(s, out))
                return;
        cs_trend_fit_curves(s, fits);
        struct cs_jumps jumps = cs_trend_jumps(s);
        double constant = fits[CS_CURVE_CONSTANT].score, smooth = constant;
        for (int i = CS_CURVE_LINE; i < CS_CURVE_STEPS; i++)
                if (fits[i].there && fits[i].score < smooth)
                        smooth = fits[i].score;
        double by = grown(s);
        if (by < GROWTH_LEAST * s->level || by < 3 * s->noise) {
                be_none(s, 1.5, out);
                return;
        }
        if (is_stepped(s, &jumps, fits, smooth, out))
                return;
        if (smooth > constant - 6) {
                be_none(s, (smooth - constant) / 8 + 2.5, out);
                return;
        }
        be_smooth(s, fits, out);
        /* A line that may be an accident is none. What is not quite straight leaves more than noise does: then the curve that is better
         * tells. */
        double sure = cs_trend_line(s, 0, s->n).sure;
        for (int i = CS_CURVE_SATURATES; i < CS_CURVE_STEPS; i++)
                if (fits[i].there && fits[i].score < fits[CS_CURVE_LINE].score - 4 && fits[i].sure > sure)
                        sure = fits[i].sure;
        if (out->shape == CS_TREND_LINEAR && sure < SLOPE_SURE)
                be_none(s, SLOPE_SURE - sure, out);
}

enum cs_status cs_trend_find(const struct cs_sample *samples, size_t n, struct cs_trend_fit *out,
                             struct cs_error *err)
{
        *out = (struct cs_trend_fit){ .samples = n };
        if (n < CS_TREND_LEAST)
                return CS_OK;
        struct cs_sample *copy = malloc(n * sizeof(*copy));
        size_t room = n < CS_LIMIT_TREND_SAMPLES ? n : CS_LIMIT_TREND_SAMPLES;
        double *numbers = malloc(3 * room * sizeof(*numbers));
        if (!copy || !numbers) {
                free(copy);
                free(numbers);
                return cs_fail(err, CS_ENOMEM, "shape of %zu samples", n);
        }
        memcpy(copy, samples, n * sizeof(*copy));
        struct cs_series s = { .t = numbers, .v = numbers + room };
        bool enough = make_series(copy, n, &s);
        out->samples = s.n;
        if (enough) {
                measure_range(&s);
                s.noise = noise_of(&s, numbers + 2 * room);
                drop_spikes(&s);
                measure_range(&s);
                s.noise = noise_of(&s, numbers + 2 * room);
                out->told = true;
                out->noise = s.noise;
                find(&s, out);
        }
        free(numbers);
        free(copy);
        return CS_OK;
}
