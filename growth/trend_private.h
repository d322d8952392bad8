/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces of telling a shape. Only for trend*.c. */
#ifndef CS_TREND_PRIVATE_H
#define CS_TREND_PRIVATE_H

#include "trend.h"

#include <stdint.h>

/* Samples of one run, by time, from 0 on; at least two, and not all at one moment. */
struct cs_series {
        double *t;
        double *v;
        size_t n;
        double span;  /* seconds; the last t */
        double range; /* largest less smallest value */
        double level; /* mean of the values' sizes */
        double noise; /* from one sample to the next (standard deviation); never below a thousandth of the range */
};

/* v = a + b g(t), where g is the identity or depends on one more number. */
enum cs_curve {
        CS_CURVE_CONSTANT,
        CS_CURVE_LINE,
        CS_CURVE_SATURATES, /* 1 - exp(-t / shape) */
        CS_CURVE_HINGE,     /* t up to shape, then flat */
        CS_CURVE_EXPLODES,  /* exp(t / shape) - 1 */
        CS_CURVE_STEPS,     /* flat between jumps; shape is how many */
        CS_CURVES,
};

struct cs_curve_fit {
        double a, b;
        double shape;
        double rest;  /* mean of the squares of what it leaves */
        double sure;  /* what it explains by what it leaves, where neighbours that are alike count as fewer */
        double score; /* less is better (Bayesian information criterion) */
        bool there;   /* false: it does not fit at all, or does not grow */
};

/* The best fit of each curve. */
void cs_trend_fit_curves(const struct cs_series *s, struct cs_curve_fit fits[CS_CURVES]);

/* A line through samples first to end, by least squares; how sure its slope is (slope by its error, where neighbours
 * that are alike count as fewer). */
struct cs_line {
        double a, b;
        double sure;
};
struct cs_line cs_trend_line(const struct cs_series *s, size_t first, size_t end);

/* The median of the slopes between all pairs of so many points (at most CS_SLOPE_POINTS are used); moves nothing. */
enum { CS_SLOPE_POINTS = 64 };
double cs_trend_slope(const double *t, const double *v, size_t n);

double cs_trend_median(double *values, size_t n); /* sorts them */

/* Jumps up between rests. */
struct cs_jumps {
        size_t n;
        double share; /* of all jumps, by size: the others go down */
        double last;  /* time of the last one */
        double gap;   /* mean time between them; 0 of one */
        double rest;  /* mean of the squares of what rests between jumps leave */
};
/* O(n^2), of few samples. */
struct cs_jumps cs_trend_jumps(const struct cs_series *s);

enum { CS_TEETH_MOST = 512 };

/* Turns of a sawtooth, as far as they are beyond noise. */
struct cs_teeth {
        size_t falls;                /* that begin at a peak */
        size_t n;                    /* floors: where a fall ended */
        double at[CS_TEETH_MOST];    /* their times */
        double floor[CS_TEETH_MOST]; /* and values */
        double fall;                 /* the median fall */
        double least, most;          /* and the others */
};
/* Turns by no more than `least` are none. */
void cs_trend_teeth(const struct cs_series *s, double least, struct cs_teeth *out);

#endif
