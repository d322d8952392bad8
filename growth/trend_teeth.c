/* SPDX-License-Identifier: Apache-2.0 */
#include "trend_private.h"

#include <string.h>

struct walk {
        const struct cs_series *s;
        struct cs_teeth *out;
        double least;
        size_t low, high; /* since the last turn */
        double falls[CS_TEETH_MOST];
};

static void note_floor(struct walk *w, size_t from, size_t to)
{
        struct cs_teeth *out = w->out;
        if (out->n == CS_TEETH_MOST)
                return;
        w->falls[out->n] = w->s->v[from] - w->s->v[to];
        out->at[out->n] = w->s->t[to];
        out->floor[out->n++] = w->s->v[to];
}

void cs_trend_teeth(const struct cs_series *s, double least, struct cs_teeth *out)
{
        struct walk w = { .s = s, .out = out, .least = least };
        int way = 0; /* 1: it rises, -1: it falls, 0: neither is known yet */
        size_t peak = 0;
        memset(out, 0, sizeof(*out));
        for (size_t i = 1; i < s->n; i++) {
                if (s->v[i] > s->v[w.high])
                        w.high = i;
                if (s->v[i] < s->v[w.low])
                        w.low = i;
                if (way >= 0 && s->v[w.high] - s->v[i] > w.least) {
                        peak = w.high;
                        w.low = w.high = i;
                        way = -1;
                        out->falls++;
                } else if (way <= 0 && s->v[i] - s->v[w.low] > w.least) {
                        if (way == -1)
                                note_floor(&w, peak, w.low);
                        /* The floor stays known: the rise is counted from there. */
                        w.high = i;
                        way = 1;
                }
        }
        if (way == -1)
                note_floor(&w, peak, w.low);
        out->fall = cs_trend_median(w.falls, out->n);
        out->least = out->n ? w.falls[0] : 0; /* the median has sorted them */
        out->most = out->n ? w.falls[out->n - 1] : 0;
}
