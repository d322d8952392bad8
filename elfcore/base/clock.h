/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_CLOCK_H
#define CS_CLOCK_H

#include <time.h>

/* Seconds since some moment of the past, which never go back. */
static inline double cs_seconds_now(void)
{
        struct timespec now = { 0 };
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

#endif
