/* SPDX-License-Identifier: Apache-2.0 */
#include "prometheus.h"

#include "escape.h"
#include "growthpick.h"
#include "names.h"
#include "pick.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

struct sheet {
        FILE *out;
        struct cs_pool pool;
        const char *target; /* labels of all metrics */
        bool failed;        /* our memory ran out */
};

/* A row of several metrics: its labels, and one number for each of them. */
enum { NUMBERS = 6 };
struct row {
        const char *labels;
        double numbers[NUMBERS];
};
typedef CS_VEC(struct row) row_vec;

struct family {
        const char *name; /* without "corescan_" */
        const char *help;
};

const char *cs_prometheus_label(struct cs_pool *pool, const char *bytes, size_t len)
{
        /* Files are looked at in terminals, too. */
        const char *safe = cs_escape_terminal(pool, bytes, len, CS_CHARSET_UTF8);
        if (!safe)
                return NULL;
        size_t n = strlen(safe);
        if (n > CS_PROMETHEUS_LABEL)
                for (n = CS_PROMETHEUS_LABEL; n && ((unsigned char)safe[n] & 0xc0) == 0x80;)
                        n--;
        char *out = cs_pool_alloc(pool, 2 * n + 1, 1);
        char *at = out;
        for (size_t i = 0; out && i < n; i++) {
                if (safe[i] == '\\' || safe[i] == '"')
                        *at++ = '\\';
                *at++ = safe[i];
        }
        return out;
}

static const char *label(struct sheet *s, const char *text)
{
        const char *made = cs_prometheus_label(&s->pool, text ? text : "", text ? strlen(text) : 0);
        s->failed |= !made;
        return made ? made : "";
}

static const char *labels(struct sheet *s, const char *format, ...) CS_PRINTF(2, 3);
static const char *labels(struct sheet *s, const char *format, ...)
{
        char text[8 * CS_PROMETHEUS_LABEL]; /* three values, each twice as long at most, and their names */
        va_list args;
        va_start(args, format);
        (void)vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        const char *made = cs_pool_copy(&s->pool, text, strlen(text));
        s->failed |= !made;
        return made ? made : "";
}

static void head(struct sheet *s, const struct family *family)
{
        (void)fprintf(s->out, "# HELP corescan_%s %s\n# TYPE corescan_%s gauge\n", family->name, family->help,
                      family->name);
}

static void value(struct sheet *s, const char *name, const char *more, double number)
{
        (void)fprintf(s->out, "corescan_%s{%s%s%s} ", name, s->target, *more ? "," : "", more);
        /* Bytes and counts as they are. */
        if (fabs(number) < 9e15 && number == floor(number))
                (void)fprintf(s->out, "%.0f\n", number);
        else
                (void)fprintf(s->out, fabs(number) < 1e6 ? "%.9g\n" : "%.3f\n", number);
}

static void one(struct sheet *s, const char *name, const char *help, double number)
{
        head(s, &(struct family){ name, help });
        value(s, name, "", number);
}

/* One sample for each row and family; rows with the same labels are one, for a series must not come twice. */
static void table(struct sheet *s, const struct family *families, size_t n, row_vec *rows)
{
        for (size_t i = 0; i < rows->n; i++)
                for (size_t k = i + 1; k < rows->n;) {
                        if (strcmp(rows->at[i].labels, rows->at[k].labels) != 0) {
                                k++;
                                continue;
                        }
                        for (size_t f = 0; f < n; f++)
                                rows->at[i].numbers[f] += rows->at[k].numbers[f];
                        memmove(&rows->at[k], &rows->at[k + 1], (--rows->n - k) * sizeof(*rows->at));
                }
        for (size_t f = 0; f < n && rows->n; f++) {
                head(s, &families[f]);
                for (size_t i = 0; i < rows->n; i++)
                        value(s, families[f].name, rows->at[i].labels, rows->at[i].numbers[f]);
        }
        cs_vec_deinit(rows);
}

static void add(struct sheet *s, row_vec *rows, const char *with, const double numbers[NUMBERS])
{
        struct row row = { .labels = with };
        memcpy(row.numbers, numbers, sizeof(row.numbers));
        s->failed |= cs_vec_push(rows, row, NULL) != CS_OK;
}

static size_t top_of(const struct cs_options *options)
{
        size_t top = cs_options_top(options, CS_PROMETHEUS_TOP);
        return top < CS_PROMETHEUS_MOST ? top : CS_PROMETHEUS_MOST;
}

static void begin(struct sheet *s, FILE *out, int64_t pid, const char *exe)
{
        *s = (struct sheet){ .out = out, .target = "" };
        s->target = labels(s, "pid=\"%" PRId64 "\",exe=\"%s\"", pid, label(s, cs_names_last(exe)));
}

static enum cs_status end(struct sheet *s, struct cs_error *err)
{
        cs_pool_deinit(&s->pool);
        return s->failed ? cs_fail(err, CS_ENOMEM, "not enough memory for the metrics") : CS_OK;
}

static const char *cluster_labels(struct sheet *s, const char *signature, const char *what,
                                  const struct cs_text *template, const char *library)
{
        const char *name = template ? cs_prometheus_label(&s->pool, template->bytes ? template->bytes : "",
                                                          template->len)
                                    : label(s, what);
        s->failed |= !name;
        const char *by = label(s, signature);
        return labels(s, "signature=\"%s\",what=\"%s\",library=\"%s\"", by, name ? name : "",
                      label(s, library));
}

/* ---- what both have ---------------------------------------------------------------------------------------------- */

static void write_target(struct sheet *s, const char *kind, bool complete, int64_t time_ms)
{
        head(s, &(struct family){ "info", "What was looked at, and by which version; always 1." });
        value(s, "info", labels(s, "version=\"%s\",kind=\"%s\"", CS_VERSION, kind), 1);
        one(s, "complete", "Whether nothing is missing that the input promised: 1 or 0.", complete);
        if (time_ms)
                one(s, "timestamp_seconds", "When the memory was so, in Unix seconds.",
                    (double)time_ms / 1000);
}

static void write_memory(struct sheet *s, const struct cs_report_memory *memory)
{
        one(s, "memory_mapped_bytes", "Bytes that have an address.", (double)memory->mapped);
        one(s, "memory_resident_bytes", "Bytes that are in memory.", (double)memory->resident);
        one(s, "memory_anonymous_bytes", "Resident bytes that no file backs.", (double)memory->anonymous);
        one(s, "memory_unexplained_bytes", "Resident bytes of these that nothing claims.",
            (double)memory->unexplained);
}

static void write_verdict(struct sheet *s, const struct cs_report_verdict *verdict)
{
        static const struct family family = { "verdict", "1 for the verdict that holds, 0 for the others." };
        const char *is = verdict->kind ? verdict->kind : "unknown";
        head(s, &family);
        for (size_t i = 0; cs_options_verdict_name(i); i++) {
                const char *name = cs_options_verdict_name(i);
                value(s, family.name, labels(s, "verdict=\"%s\"", name), strcmp(name, is) == 0);
        }
        one(s, "verdict_confidence_ratio", "How sure the verdict is, 0 to 1.", verdict->confidence);
}

/* ---- a report ---------------------------------------------------------------------------------------------------- */

static void write_kinds(struct sheet *s, const struct cs_report_memory *memory)
{
        static const struct family families[] = {
                { "memory_kind_resident_bytes", "Resident bytes by kind of memory." },
                { "memory_kind_mapped_bytes", "Bytes with an address by kind of memory." },
        };
        row_vec rows = { 0 };
        for (size_t i = 0; i < memory->n_kinds; i++)
                add(s, &rows, labels(s, "kind=\"%s\"", label(s, memory->kinds[i].kind)),
                    (double[NUMBERS]){ (double)memory->kinds[i].resident, (double)memory->kinds[i].bytes });
        table(s, families, 2, &rows);
}

static enum cs_status write_clusters(struct sheet *s, const struct cs_report *report,
                                     const struct cs_options *options, struct cs_error *err)
{
        static const struct family families[] = {
                { "cluster_resident_bytes",
                  "Resident bytes of the largest groups of blocks that are alike." },
                { "cluster_bytes", "Bytes of these, resident or not." },
                { "cluster_blocks", "Blocks of these." },
                { "cluster_leaked_bytes", "Bytes of these that no root leads to." },
        };
        struct cs_picked picked;
        row_vec rows = { 0 };
        enum cs_status st = cs_pick_clusters(report, options, top_of(options), &picked, err);
        if (st != CS_OK)
                return st;
        for (size_t i = 0; i < picked.at.n; i++) {
                const struct cs_report_cluster *c = &report->clusters[picked.at.at[i]];
                add(s, &rows,
                    cluster_labels(s, c->signature, c->what, c->has_template ? &c->template : NULL,
                                   c->library),
                    (double[NUMBERS]){ (double)c->resident, (double)c->bytes, (double)c->count,
                                       (double)c->leak_bytes });
        }
        table(s, families, 4, &rows);
        cs_picked_deinit(&picked);
        return CS_OK;
}

static enum cs_status write_libraries(struct sheet *s, const struct cs_report *report,
                                      const struct cs_options *options, struct cs_error *err)
{
        static const struct family families[] = {
                { "library_resident_bytes", "Resident bytes of blocks by the library that made them." },
                { "library_bytes", "Bytes of these, resident or not." },
        };
        struct cs_picked picked;
        row_vec rows = { 0 };
        enum cs_status st = cs_pick_libraries(report, options, top_of(options), &picked, err);
        if (st != CS_OK)
                return st;
        for (size_t i = 0; i < picked.at.n; i++) {
                const struct cs_report_library *l = &report->libraries[picked.at.at[i]];
                add(s, &rows, labels(s, "library=\"%s\"", label(s, l->library)),
                    (double[NUMBERS]){ (double)l->resident, (double)l->bytes });
        }
        table(s, families, 2, &rows);
        cs_picked_deinit(&picked);
        return CS_OK;
}

static void write_leaks(struct sheet *s, const struct cs_report *report)
{
        static const struct family family = {
                "leaked_bytes", "Bytes of blocks that no root leads to (possible: they may have a root)."
        };
        head(s, &family);
        value(s, family.name, "reach=\"direct\"", (double)report->leak_direct.bytes);
        value(s, family.name, "reach=\"indirect\"", (double)report->leak_indirect.bytes);
        value(s, family.name, "reach=\"possible\"", (double)report->leak_possible.bytes);
}

enum cs_status cs_prometheus_write(FILE *out, const struct cs_report *report,
                                   const struct cs_options *options, struct cs_error *err)
{
        struct sheet s;
        begin(&s, out, report->target.pid, report->target.exe);
        write_target(&s, report->target.live ? "live" : "core", report->target.complete,
                     report->target.time_ms);
        write_memory(&s, &report->memory);
        write_kinds(&s, &report->memory);
        write_verdict(&s, &report->verdict);
        write_leaks(&s, report);
        enum cs_status st = write_clusters(&s, report, options, err);
        if (st == CS_OK)
                st = write_libraries(&s, report, options, err);
        enum cs_status ended = end(&s, st == CS_OK ? err : NULL);
        return st == CS_OK ? ended : st;
}

/* ---- growth ------------------------------------------------------------------------------------------------------ */

static double last(const struct cs_growth *g, const struct cs_growth_row *row)
{
        const struct cs_growth_value *v = &row->at[g->n_snapshots - 1];
        return v->unlisted ? 0 : (double)v->resident;
}

/* Numbers of rows, in the order of the families below. */
static void add_growth(struct sheet *s, row_vec *rows, const struct cs_growth *g, const char *with,
                       const struct cs_growth_row *row)
{
        add(s, rows, with,
            (double[NUMBERS]){ last(g, row), (double)row->resident, (double)row->count, row->per_second,
                               row->shape.told && cs_trend_grows(row->shape.shape) });
}

enum row_kind { ROW_KIND, ROW_CLUSTER, ROW_LIBRARY };

static enum cs_status write_rows(struct sheet *s, const struct cs_growth *g, const struct cs_options *options,
                                 const struct cs_growth_rows *from, enum row_kind kind, size_t top,
                                 struct cs_error *err)
{
        static const struct family families[][5] = {
                { { "memory_kind_resident_bytes", "Resident bytes by kind of memory." },
                  { "memory_kind_growth_bytes", "Change of these since the first snapshot." },
                  { "memory_kind_growth_regions", "Change of the number of regions." },
                  { "memory_kind_growth_bytes_per_second",
                    "Rate of the lasting growth; 0: not known, or none." },
                  { "memory_kind_grows", "1 where it goes on growing by the shape of its series." } },
                { { "cluster_resident_bytes",
                    "Resident bytes of the largest groups of blocks that are alike." },
                  { "cluster_growth_bytes", "Change of these since the first snapshot." },
                  { "cluster_growth_blocks", "Change of the number of blocks." },
                  { "cluster_growth_bytes_per_second", "Rate of the lasting growth; 0: not known, or none." },
                  { "cluster_grows", "1 where it goes on growing by the shape of its series." } },
                { { "library_resident_bytes", "Resident bytes of blocks by the library that made them." },
                  { "library_growth_bytes", "Change of these since the first snapshot." },
                  { "library_growth_blocks", "Change of the number of blocks." },
                  { "library_growth_bytes_per_second", "Rate of the lasting growth; 0: not known, or none." },
                  { "library_grows", "1 where it goes on growing by the shape of its series." } },
        };
        const struct cs_options all = { 0 };
        struct cs_growth_picked picked;
        row_vec rows = { 0 };
        enum cs_status st =
                cs_growth_pick(from, g->n_snapshots, kind == ROW_KIND ? CS_WISH_ALL : CS_WISH_GREW,
                               kind == ROW_KIND ? &all : options, top, &picked, err);
        if (st != CS_OK)
                return st;
        for (size_t i = 0; i < picked.at.n; i++) {
                const struct cs_growth_row *row = picked.at.at[i];
                const char *with =
                        kind == ROW_KIND ? labels(s, "kind=\"%s\"", label(s, row->kind))
                        : kind == ROW_LIBRARY
                                ? labels(s, "library=\"%s\"", label(s, row->library))
                                : cluster_labels(s, row->signature, row->what,
                                                 row->has_template ? &row->template : NULL, row->library);
                add_growth(s, &rows, g, with, row);
        }
        table(s, families[kind], 5, &rows);
        cs_growth_picked_deinit(&picked);
        return CS_OK;
}

enum cs_status cs_prometheus_write_growth(FILE *out, const struct cs_growth *growth,
                                          const struct cs_options *options, struct cs_error *err)
{
        const struct cs_snapshot *now = growth->snapshots[growth->n_snapshots - 1];
        bool complete = true;
        struct sheet s;
        for (size_t i = 0; i < growth->n_snapshots; i++)
                complete &= growth->snapshots[i]->complete;
        begin(&s, out, now->pid, now->exe);
        write_target(&s, now->live ? "live" : "core", complete, now->time_ms);
        write_memory(&s, &now->memory);
        one(&s, "growth_seconds", "From the first snapshot to the last; 0: not known.",
            growth->timed ? growth->seconds : 0);
        one(&s, "memory_resident_growth_bytes", "Change of resident bytes since the first snapshot.",
            (double)growth->total.resident);
        one(&s, "memory_anonymous_growth_bytes", "Change of resident bytes that no file backs.",
            (double)growth->anonymous.resident);
        write_verdict(&s, &growth->verdict);
        enum cs_status st =
                write_rows(&s, growth, options, &growth->kinds, ROW_KIND, CS_PROMETHEUS_MOST, err);
        if (st == CS_OK)
                st = write_rows(&s, growth, options, &growth->clusters, ROW_CLUSTER, top_of(options), err);
        if (st == CS_OK)
                st = write_rows(&s, growth, options, &growth->libraries, ROW_LIBRARY, top_of(options), err);
        enum cs_status ended = end(&s, st == CS_OK ? err : NULL);
        return st == CS_OK ? ended : st;
}
