/* SPDX-License-Identifier: Apache-2.0 */
#include "units.h"

#include "line.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct cs_units cs_units_bytes(uint64_t bytes)
{
        static const char *const names[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
        struct cs_units out;
        if (bytes < 1024) {
                (void)snprintf(out.text, sizeof(out.text), "%" PRIu64 " B", bytes);
                return out;
        }
        double value = (double)bytes / 1024;
        size_t unit = 0;
        /* From 1023.5 on, rounding would print 1024 of the smaller unit. */
        while (value >= 1023.5 && unit + 1 < sizeof(names) / sizeof(names[0])) {
                value /= 1024;
                unit++;
        }
        /* The limits stand where rounding adds a digit: 9.995 prints as 10.0. */
        int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
        (void)snprintf(out.text, sizeof(out.text), "%.*f %s", decimals, value, names[unit]);
        return out;
}

struct cs_units cs_units_count(uint64_t count)
{
        struct cs_units out;
        char digits[24];
        int n = snprintf(digits, sizeof(digits), "%" PRIu64, count);
        size_t end = 0;
        for (int i = 0; i < n; i++) {
                if (i > 0 && (n - i) % 3 == 0)
                        out.text[end++] = ',';
                out.text[end++] = digits[i];
        }
        out.text[end] = '\0';
        return out;
}

struct cs_units cs_units_percent(double share)
{
        struct cs_units out;
        char room[CS_DIGITS];
        if (!(share > 0))
                (void)snprintf(out.text, sizeof(out.text), "0 %%");
        else if (share < 0.01)
                (void)snprintf(out.text, sizeof(out.text), "<1 %%");
        else if (share >= 1)
                (void)snprintf(out.text, sizeof(out.text), "100 %%");
        else if (share > 0.99)
                (void)snprintf(out.text, sizeof(out.text), ">99 %%");
        else
                (void)stpcpy(stpcpy(out.text, cs_digits(room, (uint64_t)nearbyint(share * 100), 10, 1)),
                             " %");
        return out;
}

double cs_units_share(uint64_t part, uint64_t whole)
{
        return whole ? (double)part / (double)whole : 0;
}

struct cs_units cs_units_seconds(double seconds)
{
        struct cs_units out;
        if (!isfinite(seconds) || seconds < 0)
                seconds = 0;
        if (seconds > 1e9)
                seconds = 1e9;
        uint64_t whole = (uint64_t)(seconds + 0.5);
        if (seconds < 0.9995)
                (void)snprintf(out.text, sizeof(out.text), "%.0f ms", seconds * 1000);
        else if (seconds < 9.95)
                (void)snprintf(out.text, sizeof(out.text), "%.1f s", seconds);
        else if (whole < 60)
                (void)snprintf(out.text, sizeof(out.text), "%" PRIu64 " s", whole);
        else if (whole < 3600)
                (void)snprintf(out.text, sizeof(out.text), "%" PRIu64 " min %02" PRIu64 " s", whole / 60,
                               whole % 60);
        else
                (void)snprintf(out.text, sizeof(out.text), "%" PRIu64 " h %02" PRIu64 " min", whole / 3600,
                               whole % 3600 / 60);
        return out;
}
