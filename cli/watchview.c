/* SPDX-License-Identifier: Apache-2.0 */
#include "watchview.h"

#include "jsonout.h"
#include "units.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

enum { GROWERS = 4, SPARK_MOST = 60 };

static struct cs_screen screen_of(const struct cs_watchview *view)
{
        return (struct cs_screen){ .out = view->out,
                                   .color = view->color,
                                   .width = view->width(view->out),
                                   .charset = view->charset };
}

/* "+145 MiB", "-12 MiB" */
static const char *change(struct cs_screen *screen, double bytes)
{
        struct cs_units size = cs_units_bytes((uint64_t)fabs(bytes));
        return cs_screen_text(screen, "%s%s", bytes > 0 ? "+" : bytes < 0 ? "-" : "", size.text);
}

/* The series in as many cells, each the mean of what falls into it, from its least to its most. */
static const char *sparkline(struct cs_screen *screen, const struct cs_sample *at, size_t n, size_t cells)
{
        static const char *const fine[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
        static const char *const plain[] = { "_", ".", ":", "-", "=", "+", "*", "#" };
        double low = INFINITY, high = -INFINITY;
        char text[SPARK_MOST * 3 + 1] = "";
        size_t end = 0;
        cells = cells < SPARK_MOST ? cells : SPARK_MOST;
        cells = cells < n ? cells : n;
        for (size_t i = 0; i < n; i++) {
                low = at[i].value < low ? at[i].value : low;
                high = at[i].value > high ? at[i].value : high;
        }
        for (size_t c = 0; c < cells; c++) {
                size_t from = c * n / cells, to = (c + 1) * n / cells;
                double sum = 0;
                for (size_t i = from; i < to; i++)
                        sum += at[i].value / (double)(to - from);
                size_t level = high > low ? (size_t)((sum - low) / (high - low) * 7.999) : 0;
                const char *cell = screen->charset == CS_CHARSET_UTF8 ? fine[level & 7] : plain[level & 7];
                end += (size_t)snprintf(text + end, sizeof(text) - end, "%s", cell);
        }
        return cs_screen_text(screen, "%s", text);
}

/* "linear, 9.60 MiB/min: the machine's memory is used up in 2 h 50 min"; "" where too little is known. */
static const char *outlook(struct cs_screen *screen, const struct cs_watch_state *s)
{
        if (!s->trend.told)
                return "";
        const char *rate = "", *end = "";
        if (s->trend.per_second > 0)
                rate = cs_screen_text(screen, ", %s/min",
                                      cs_units_bytes((uint64_t)fmin(s->trend.per_second * 60, 1e18)).text);
        if (s->left > 0) {
                struct cs_units in = cs_units_seconds(s->left);
                end = cs_screen_text(screen, "; %s is used up in %s, if it goes on so", s->room.limit,
                                     s->left < 1e9 ? in.text : "many years");
        }
        return cs_screen_text(screen, "%s%s%s", cs_trend_words(s->trend.shape), rate, end);
}

/* ---- a sample ---------------------------------------------------------------------------------------------------- */

static void line(struct cs_watchview *view, struct cs_screen *screen, const char *text)
{
        cs_screen_printf(screen, "%s%s\n", cs_screen_cut_end(screen, text, screen->width - 1),
                         view->redraw ? "\033[K" : "");
        view->lines++;
}

static void take_back(struct cs_watchview *view)
{
        if (view->redraw && view->lines)
                (void)fprintf(view->out, "\033[%zuA\r\033[J", view->lines);
        view->lines = 0;
}

static void draw(struct cs_watchview *view, struct cs_screen *screen, const struct cs_watch_state *s)
{
        struct cs_units resident = cs_units_bytes(s->now.resident), none = cs_units_bytes(s->now.anonymous);
        struct cs_units swapped = cs_units_bytes(s->now.swapped), time = cs_units_seconds(s->seconds);
        take_back(view);
        line(view, screen,
             cs_screen_text(screen,
                            "%s  resident %s, of no file %s, swapped %s  (%" PRIu64 " samples, %" PRIu64
                            " whole looks, %" PRIu64 " brief ones)",
                            time.text, resident.text, none.text, swapped.text, s->samples, s->looks,
                            s->brief_looks));
        line(view, screen,
             cs_screen_text(screen, "%s  %s", sparkline(screen, s->at, s->n, screen->width / 2),
                            outlook(screen, s)));
        if (s->kinds_known)
                line(view, screen,
                     cs_screen_text(screen,
                                    "  mapped: heap %s, %" PRIu64 " heaps of arenas %s, else %s, files %s",
                                    cs_units_bytes(s->kinds.at[CS_VITALS_HEAP].bytes).text,
                                    s->kinds.at[CS_VITALS_ARENAS].regions,
                                    cs_units_bytes(s->kinds.at[CS_VITALS_ARENAS].bytes).text,
                                    cs_units_bytes(s->kinds.at[CS_VITALS_ANONYMOUS].bytes).text,
                                    cs_units_bytes(s->kinds.at[CS_VITALS_FILE].bytes).text));
        for (size_t i = 0; s->growth && i < s->growth->clusters.n && i < GROWERS; i++) {
                const struct cs_growth_row *row = &s->growth->clusters.at[i];
                if (row->resident <= 0)
                        break;
                const char *rate =
                        row->per_second > 0
                                ? cs_screen_text(
                                          screen, "  %s/min",
                                          cs_units_bytes((uint64_t)fmin(row->per_second * 60, 1e18)).text)
                                : "";
                const char *what = row->has_template ? cs_screen_safe_bytes(screen, row->template.bytes,
                                                                            row->template.len)
                                                     : cs_screen_safe(screen, row->what);
                line(view, screen,
                     cs_screen_text(screen, "  %s%s  %s  %s%s%s", change(screen, (double)row->resident), rate,
                                    cs_render_owner(screen, row->library, row->confidence), what,
                                    row->shape.told ? ", " : "",
                                    row->shape.told ? cs_trend_words(row->shape.shape) : ""));
        }
}

static void print(struct cs_watchview *view, struct cs_screen *screen, const struct cs_watch_state *s)
{
        char text[16] = "?";
        struct tm parts;
        time_t at = (time_t)(s->time_ms / 1000);
        if (gmtime_r(&at, &parts))
                (void)strftime(text, sizeof(text), "%H:%M:%SZ", &parts);
        struct cs_units resident = cs_units_bytes(s->now.resident), none = cs_units_bytes(s->now.anonymous);
        const char *by = s->samples > 1 ? change(screen, (double)s->now.resident - view->before) : "";
        cs_screen_printf(screen, "%s  resident %s  of no file %s  %s%s\n", text, resident.text, none.text, by,
                         s->brief    ? "  (brief look)"
                         : s->looked ? "  (whole look)"
                                     : "");
        view->before = (double)s->now.resident;
}

/* What is mapped by the kernel's list; null: not listed with this sample. */
static json_t *kinds_value(struct cs_json *j, const struct cs_watch_state *s)
{
        if (!s->kinds_known)
                return json_null();
        json_t *list = json_array();
        for (unsigned kind = 0; kind < CS_VITALS_KINDS; kind++) {
                json_t *object = json_object();
                cs_json_put(j, object, "kind", json_string(cs_vitals_kind_name(kind)));
                cs_json_put(j, object, "bytes", cs_json_number(s->kinds.at[kind].bytes));
                cs_json_put(j, object, "regions", cs_json_number(s->kinds.at[kind].regions));
                cs_json_push(j, list, object);
        }
        return list;
}

static json_t *sample_value(const struct cs_watch_state *s)
{
        struct cs_json j = { 0 };
        json_t *object = json_object();
        cs_json_put(&j, object, "type", json_string("sample"));
        cs_json_put(&j, object, "time_ms", json_integer(s->time_ms));
        cs_json_put(&j, object, "seconds", cs_json_real(s->seconds));
        cs_json_put(&j, object, "resident", cs_json_number(s->now.resident));
        cs_json_put(&j, object, "anonymous", cs_json_number(s->now.anonymous));
        cs_json_put(&j, object, "file", cs_json_number(s->now.file));
        cs_json_put(&j, object, "shared", cs_json_number(s->now.shared));
        cs_json_put(&j, object, "swapped", cs_json_number(s->now.swapped));
        cs_json_put(&j, object, "mapped", cs_json_number(s->now.mapped));
        cs_json_put(&j, object, "by_kind", kinds_value(&j, s));
        cs_json_put(&j, object, "run", json_integer(s->run));
        cs_json_put(&j, object, "sample_seconds", cs_json_real(s->took));
        cs_json_put(&j, object, "looked", json_boolean(s->looked));
        cs_json_put(&j, object, "brief", json_boolean(s->brief));
        cs_json_put(&j, object, "look_seconds", s->looked ? cs_json_real(s->look_seconds) : json_null());
        if (!j.failed)
                return object;
        json_decref(object);
        return NULL;
}

void cs_watchview_show(void *context, const struct cs_watch_state *state)
{
        struct cs_watchview *view = context;
        if (view->json) {
                view->failed |= !cs_jsonout_dump(view->out, sample_value(state));
                (void)fputs("\n", view->out);
        } else {
                struct cs_screen screen = screen_of(view);
                if (view->redraw)
                        draw(view, &screen, state);
                else
                        print(view, &screen, state);
                view->failed |= screen.failed;
                cs_screen_deinit(&screen);
        }
        (void)fflush(view->out); /* somebody is waiting */
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static const char *end_name(enum cs_watch_end end)
{
        static const char *const names[] = { "samples", "interrupted", "gone" };
        return names[end];
}

static json_t *watch_value(const struct cs_watch_state *s)
{
        struct cs_json j = { 0 };
        json_t *object = json_object();
        bool told = s->trend.told;
        cs_json_put(&j, object, "samples", cs_json_number(s->samples));
        cs_json_put(&j, object, "looks", cs_json_number(s->looks));
        cs_json_put(&j, object, "brief_looks", cs_json_number(s->brief_looks));
        cs_json_put(&j, object, "seconds", cs_json_real(s->seconds));
        cs_json_put(&j, object, "execs", json_integer(s->run));
        cs_json_put(&j, object, "since_seconds", cs_json_real(s->run_seconds));
        cs_json_put(&j, object, "ended", json_string(end_name(s->end)));
        cs_json_put(&j, object, "shape", told ? json_string(cs_trend_name(s->trend.shape)) : json_null());
        cs_json_put(&j, object, "grows", told ? json_boolean(cs_trend_grows(s->trend.shape)) : json_null());
        cs_json_put(&j, object, "confidence", cs_json_real(s->trend.confidence));
        cs_json_put(&j, object, "per_second", cs_json_real(s->trend.per_second));
        json_t *forecast = json_null();
        if (s->left > 0) {
                forecast = json_object();
                cs_json_put(&j, forecast, "limit", json_string(s->room.limit));
                cs_json_put(&j, forecast, "room", cs_json_number(s->room.bytes));
                cs_json_put(&j, forecast, "seconds", cs_json_real(s->left));
        }
        cs_json_put(&j, object, "forecast", forecast);
        if (!j.failed)
                return object;
        json_decref(object);
        return NULL;
}

static void summarize(struct cs_screen *screen, const struct cs_watch_state *s)
{
        struct cs_units time = cs_units_seconds(s->seconds), count = cs_units_count(s->samples);
        double first = s->n ? s->at[0].value : 0;
        cs_screen_printf(screen, "\n");
        cs_screen_heading(screen, "Watched", "memory of no file, by the kernel's counts");
        const char *since = s->run ? cs_screen_text(screen, "since it executed another program after %s, ",
                                                    cs_units_seconds(s->run_seconds).text)
                                   : "";
        cs_screen_paragraph(screen, "  ", CS_STYLE_PLAIN,
                            cs_screen_text(screen,
                                           "%s, %s samples, %" PRIu64 " whole and %" PRIu64
                                           " brief looks: %schanged by %s, to %s",
                                           time.text, count.text, s->looks, s->brief_looks, since,
                                           change(screen, (double)s->now.anonymous - first),
                                           cs_units_bytes(s->now.anonymous).text));
        cs_screen_printf(screen, "  %s\n", sparkline(screen, s->at, s->n, screen->width - 2));
        if (s->trend.told)
                cs_screen_paragraph(screen, "  ", CS_STYLE_BOLD, outlook(screen, s));
}

enum cs_status cs_watchview_end(struct cs_watchview *view, const struct cs_watch_state *state,
                                const struct cs_growth *growth, const struct cs_options *options,
                                struct cs_error *err)
{
        take_back(view);
        if (view->json)
                return cs_json_write_watch(view->out, growth, watch_value(state), options, err);
        struct cs_screen screen = screen_of(view);
        cs_render_growth(&screen, growth, options);
        summarize(&screen, state);
        view->failed |= screen.failed;
        cs_screen_deinit(&screen);
        return view->failed ? cs_fail(err, CS_ENOMEM, "not enough memory for the report") : CS_OK;
}
