/* SPDX-License-Identifier: Apache-2.0 */
/* How something grows: the shape of a series of values over time, how sure that is, and its rate. Pure; thread-safe. */
#ifndef CS_TREND_H
#define CS_TREND_H

#include "status.h"

enum cs_trend {
        CS_TREND_NONE,        /* it stays, but for noise; or it shrinks */
        CS_TREND_PLATEAU,     /* it grew, and has come to rest: warming up */
        CS_TREND_LINEAR,      /* as much in every minute */
        CS_TREND_STEPPED,     /* in jumps, with rests between them */
        CS_TREND_EXPONENTIAL, /* the more there is, the faster */
        CS_TREND_SAWTOOTH, /* up and down again, to where it was: a collector, a cache that is emptied, day and night */
        CS_TREND_RISING, /* a sawtooth that falls less far each time: its floor rises */
        CS_TRENDS,
};

/* One look. Values are bytes, or whatever else is counted. */
struct cs_sample {
        double time;  /* seconds from anywhere; in any order, and with gaps */
        double value; /* what is no finite number is left out */
        unsigned
                run; /* changes when the process was started anew: what lies between is no growth, and no fall */
};

struct cs_trend_fit {
        enum cs_trend shape;
        bool told;         /* false: too few looks to say (CS_TREND_LEAST), and all below is zero */
        double confidence; /* of the shape, 0 to 1 */
        double per_second; /* lasting growth of it: of an exponential at the end, of a rising sawtooth its floor; 0: none lasts */
        double doubling; /* of an exponential: seconds in which what grows becomes twice as much; else 0 */
        double noise;    /* what a value is off by, about (standard deviation) */
        size_t samples;  /* that were used */
};

/* Fewer looks tell no shape. */
enum { CS_TREND_LEAST = 5 };

/* CS_ENOMEM. Work grows with n log n; of more than CS_LIMIT_TREND_SAMPLES only so many are used, evenly chosen. */
CS_CHECK enum cs_status cs_trend_find(const struct cs_sample *samples, size_t n, struct cs_trend_fit *out,
                                      struct cs_error *err);

/* Does it go on growing, if nothing changes? */
static inline bool cs_trend_grows(enum cs_trend shape)
{
        return shape == CS_TREND_LINEAR || shape == CS_TREND_STEPPED || shape == CS_TREND_EXPONENTIAL ||
               shape == CS_TREND_RISING;
}

/* As in INTERFACE: "none", "linear", …; a rising sawtooth is a "sawtooth", which cs_trend_grows() tells from the other. */
const char *cs_trend_name(enum cs_trend shape);

/* "sawtooth with a rising floor" instead. */
const char *cs_trend_words(enum cs_trend shape);

#endif
