/* SPDX-License-Identifier: Apache-2.0 */
/* A watch as it goes on: a small view that is redrawn on a terminal, a line a sample elsewhere, or a JSON object a sample; and its
 * summary. Main thread only. */
#ifndef CS_WATCHVIEW_H
#define CS_WATCHVIEW_H

#include "json_values.h"
#include "render.h"
#include "watch.h"

struct cs_watchview {
        FILE *out; /* borrowed */
        bool json;
        bool redraw; /* a terminal: lines that were written are written over */
        bool color;
        enum cs_charset charset;
        size_t (*width)(FILE *); /* of the terminal, which may change */
        size_t lines;            /* that stand there */
        double before;           /* resident bytes of the sample before */
        bool failed;             /* our memory ran out */
};

/* A cs_watch's show(); context is a struct cs_watchview. */
void cs_watchview_show(void *context, const struct cs_watch_state *state);

/* The summary of a watch as one line: what cs_json_write_growth() writes, with its type and `watch`, which it takes. */
CS_CHECK enum cs_status cs_json_write_watch(FILE *out, const struct cs_growth *growth, json_t *watch,
                                            const struct cs_options *options, struct cs_error *err);

/* What the live view said is taken back; then the summary: of the samples, and what grew between the looks. */
CS_CHECK enum cs_status cs_watchview_end(struct cs_watchview *view, const struct cs_watch_state *state,
                                         const struct cs_growth *growth, const struct cs_options *options,
                                         struct cs_error *err);

#endif
