/* SPDX-License-Identifier: Apache-2.0 */
/* Writes hits as they are found: for people one line each, or JSON Lines. */
#ifndef CS_HITSTREAM_H
#define CS_HITSTREAM_H

#include "progress.h"
#include "report.h"
#include "screen.h"

struct cs_hitstream {
        FILE *out;
        bool json;
        bool color;
        enum cs_charset charset;
        struct cs_progress *progress; /* whose line gives way */
};

/* write and take of cs_hits_wanted; context is a struct cs_hitstream. */
enum cs_status cs_hitstream_write(const void *context, const struct cs_report_hit *hit, struct cs_pool *pool,
                                  FILE *to, struct cs_error *err);
enum cs_status cs_hitstream_take(void *context, const char *text, size_t len, size_t n, struct cs_error *err);

/* One line of text. */
void cs_hit_print(struct cs_screen *screen, const struct cs_report_hit *hit);

/* What all of it was: how many hits, by which rules, in how much memory. */
void cs_hits_print_end(struct cs_screen *screen, const struct cs_report_hits *hits);

#endif
