/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as people read them. Caller storage, always NUL-terminated, ASCII only; thread-safe. */
#ifndef CS_UNITS_H
#define CS_UNITS_H

#include <stdint.h>

enum { CS_UNITS_TEXT = 32 };

struct cs_units {
        char text[CS_UNITS_TEXT];
};

/* Bytes in binary units, three significant digits: "0 B", "1023 B", "24.3 KiB", "712 MiB", "16.0 EiB". */
struct cs_units cs_units_bytes(uint64_t bytes);

/* "30,001" */
struct cs_units cs_units_count(uint64_t count);

/* A share of 0 … 1: "97 %". Only nothing is "0 %" and only everything is "100 %": between them "<1 %" and
 * ">99 %". */
struct cs_units cs_units_percent(double share);

/* part of whole as a share; 0 where there is no whole. */
double cs_units_share(uint64_t part, uint64_t whole);

/* "350 ms", "2.4 s", "3 min 20 s", "2 h 05 min" */
struct cs_units cs_units_seconds(double seconds);

#endif
