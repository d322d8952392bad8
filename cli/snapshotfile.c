/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshotfile.h"

#include "cs_limits.h"
#include "jsonwalk.h"
#include "vec.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SCHEMA = 1, READ_BYTES = 1 << 20 };

struct reader {
        struct cs_snapshot *s;
        bool failed;      /* our memory ran out */
        bool bad;         /* something that is kept is no JSON */
        bool interrupted; /* lists may be empty because nobody came so far */
};

/* ---- values ------------------------------------------------------------------------------------------------------ */

enum field_type { FIELD_TEXT, FIELD_COUNT, FIELD_SIGNED, FIELD_REAL, FIELD_FLAG, FIELD_SPAN };

struct field {
        const char *name;
        enum field_type type;
        size_t offset; /* in what is filled */
};

static json_t *load(struct reader *r, struct cs_jsonspan value)
{
        json_t *json = value.len <= CS_LIMIT_REPORT_VALUE
                               ? json_loadb(value.at, value.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL)
                               : NULL;
        r->bad |= !json;
        return json;
}

static const char *keep(struct reader *r, const char *bytes, size_t len)
{
        const char *copy = cs_pool_copy(&r->s->pool, bytes, len < CS_LIMIT_NAME ? len : CS_LIMIT_NAME);
        r->failed |= !copy;
        return copy;
}

/* Counts below zero and beyond all memory are nobody's. */
static uint64_t count_of(const json_t *value)
{
        if (json_is_integer(value))
                return json_integer_value(value) > 0 ? (uint64_t)json_integer_value(value) : 0;
        double real = json_is_real(value) ? json_real_value(value) : 0;
        return real > 0 && real < 9e18 ? (uint64_t)real : 0;
}

/* What is of another type than it should be is as if it was not there. */
static void take_field(struct reader *r, const struct field *field, struct cs_jsonspan span, void *out)
{
        char *at = (char *)out + field->offset;
        if (field->type == FIELD_SPAN) {
                memcpy(at, &span, sizeof(span));
                return;
        }
        json_t *value = load(r, span);
        const char *text = NULL;
        uint64_t count = count_of(value);
        int64_t number = json_is_integer(value) ? json_integer_value(value) : 0;
        double real = json_is_number(value) ? json_number_value(value) : 0;
        bool flag = json_is_true(value);
        switch (field->type) {
        case FIELD_TEXT:
                if (json_is_string(value))
                        text = keep(r, json_string_value(value), strlen(json_string_value(value)));
                memcpy(at, &text, sizeof(text));
                break;
        case FIELD_COUNT:
                memcpy(at, &count, sizeof(count));
                break;
        case FIELD_SIGNED:
                memcpy(at, &number, sizeof(number));
                break;
        case FIELD_REAL:
                real = real > 0 && real <= 1 ? real : 0; /* all of them are shares */
                memcpy(at, &real, sizeof(real));
                break;
        case FIELD_FLAG:
                memcpy(at, &flag, sizeof(flag));
                break;
        case FIELD_SPAN:
                break;
        }
        json_decref(value);
}

/* The members of an object that have a field; false where it is no object. */
static bool take_object(struct reader *r, struct cs_jsonspan span, const struct field *fields, size_t n,
                        void *out)
{
        struct cs_jsonwalk walk = cs_jsonwalk_open(span, '{');
        struct cs_jsonspan key, value;
        while (cs_jsonwalk_member(&walk, &key, &value))
                for (size_t i = 0; i < n; i++)
                        if (strlen(fields[i].name) == key.len && memcmp(fields[i].name, key.at, key.len) == 0)
                                take_field(r, &fields[i], value, out);
        return !walk.bad;
}

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define TAKE(reader, span, fields, out) take_object((reader), (span), (fields), N(fields), (out))

static bool is_null(struct cs_jsonspan span)
{
        return span.len == 0 || (span.len == 4 && memcmp(span.at, "null", 4) == 0);
}

/* ---- parts of the report ----------------------------------------------------------------------------------------- */

static void take_target(struct reader *r, struct cs_jsonspan span)
{
        struct target {
                const char *kind, *command, *exe, *process, *sha256, *interrupted;
                int64_t pid, time_ms;
                uint64_t threads;
                bool complete, consistent;
        } t = { .complete = true, .consistent = true };
        static const struct field fields[] = {
                { "kind", FIELD_TEXT, offsetof(struct target, kind) },
                { "command", FIELD_TEXT, offsetof(struct target, command) },
                { "exe", FIELD_TEXT, offsetof(struct target, exe) },
                { "process", FIELD_TEXT, offsetof(struct target, process) },
                { "sha256", FIELD_TEXT, offsetof(struct target, sha256) },
                { "interrupted", FIELD_TEXT, offsetof(struct target, interrupted) },
                { "pid", FIELD_SIGNED, offsetof(struct target, pid) },
                { "time_ms", FIELD_SIGNED, offsetof(struct target, time_ms) },
                { "threads", FIELD_COUNT, offsetof(struct target, threads) },
                { "complete", FIELD_FLAG, offsetof(struct target, complete) },
                { "consistent", FIELD_FLAG, offsetof(struct target, consistent) },
        };
        if (!TAKE(r, span, fields, &t))
                r->bad = true;
        r->s->live = t.kind && strcmp(t.kind, "live") == 0;
        r->s->command = t.command;
        r->s->exe = t.exe;
        r->s->process = t.process;
        r->s->sha256 = t.sha256;
        r->s->pid = t.pid;
        /* Within what a double has whole numbers for. */
        r->s->time_ms = t.time_ms > 0 && t.time_ms < INT64_C(1) << 50 ? t.time_ms : 0;
        r->interrupted = t.interrupted != NULL;
        r->s->threads = t.threads;
        r->s->complete = t.complete;
        r->s->consistent = t.consistent;
}

static void take_memory(struct reader *r, struct cs_jsonspan span)
{
        struct memory {
                uint64_t mapped, resident, anonymous, unexplained;
                struct cs_jsonspan kinds;
        } m = { 0 };
        static const struct field fields[] = {
                { "mapped", FIELD_COUNT, offsetof(struct memory, mapped) },
                { "resident", FIELD_COUNT, offsetof(struct memory, resident) },
                { "anonymous", FIELD_COUNT, offsetof(struct memory, anonymous) },
                { "unexplained", FIELD_COUNT, offsetof(struct memory, unexplained) },
                { "by_kind", FIELD_SPAN, offsetof(struct memory, kinds) },
        };
        static const struct field kind_fields[] = {
                { "kind", FIELD_TEXT, offsetof(struct cs_report_kind, kind) },
                { "bytes", FIELD_COUNT, offsetof(struct cs_report_kind, bytes) },
                { "resident", FIELD_COUNT, offsetof(struct cs_report_kind, resident) },
                { "regions", FIELD_COUNT, offsetof(struct cs_report_kind, regions) },
        };
        if (!TAKE(r, span, fields, &m))
                r->bad = true;
        CS_VEC(struct cs_report_kind) kinds = { 0 };
        struct cs_jsonwalk walk = cs_jsonwalk_open(m.kinds, '[');
        struct cs_jsonspan element;
        while (kinds.n < CS_LIMIT_REPORT_KINDS && cs_jsonwalk_element(&walk, &element)) {
                struct cs_report_kind kind = { 0 };
                if (TAKE(r, element, kind_fields, &kind) && kind.kind)
                        r->failed |= cs_vec_push(&kinds, kind, NULL) != CS_OK;
        }
        struct cs_report_memory *out = &r->s->memory;
        *out = (struct cs_report_memory){ .mapped = m.mapped,
                                          .resident = m.resident,
                                          .anonymous = m.anonymous,
                                          .unexplained = m.unexplained,
                                          .kinds = cs_pool_alloc(&r->s->pool, kinds.n + 1,
                                                                 sizeof(*out->kinds)),
                                          .n_kinds = kinds.n };
        if (out->kinds && kinds.n)
                memcpy(out->kinds, kinds.at, kinds.n * sizeof(*kinds.at));
        r->failed |= !out->kinds;
        r->s->has_memory = true;
        cs_vec_deinit(&kinds);
}

static void take_verdict(struct reader *r, struct cs_jsonspan span)
{
        static const struct field fields[] = {
                { "kind", FIELD_TEXT, offsetof(struct cs_report_verdict, kind) },
                { "confidence", FIELD_REAL, offsetof(struct cs_report_verdict, confidence) },
                { "summary", FIELD_TEXT, offsetof(struct cs_report_verdict, summary) },
                { "cluster", FIELD_TEXT, offsetof(struct cs_report_verdict, cluster) },
                { "library", FIELD_TEXT, offsetof(struct cs_report_verdict, library) },
        };
        if (!TAKE(r, span, fields, &r->s->verdict))
                r->bad = true;
}

static unsigned sextet(char c)
{
        static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const char *at = c ? strchr(digits, c) : NULL;
        return at ? (unsigned)(at - digits) : 64;
}

/* RFC 4648 up to its padding, or to what is none of its digits. */
static size_t decode(const char *text, char *out)
{
        size_t n = 0;
        uint32_t bits = 0;
        unsigned have = 0;
        for (; sextet(*text) < 64; text++) {
                bits = bits << 6 | sextet(*text);
                have += 6;
                if (have >= 8) {
                        have -= 8;
                        out[n++] = (char)(bits >> have & 0xff);
                }
        }
        return n;
}

/* {"text": …} or {"bytes": base64}. */
static void take_template(struct reader *r, struct cs_jsonspan span, struct cs_snapshot_cluster *c)
{
        json_t *object = is_null(span) ? NULL : load(r, span);
        const json_t *text = json_object_get(object, "text"), *bytes = json_object_get(object, "bytes");
        char *copy = NULL;
        size_t len = json_is_string(text) ? json_string_length(text) : 0;
        if (json_is_string(text)) {
                copy = cs_pool_copy(&r->s->pool, json_string_value(text), len);
                r->failed |= !copy;
        } else if (json_is_string(bytes)) {
                copy = cs_pool_alloc(&r->s->pool, json_string_length(bytes) + 1, 1);
                r->failed |= !copy;
                len = copy ? decode(json_string_value(bytes), copy) : 0;
        }
        c->has_template = copy != NULL;
        c->template = (struct cs_text){ copy, len };
        json_decref(object);
}

static void take_clusters(struct reader *r, struct cs_jsonspan span)
{
        struct row {
                struct cs_snapshot_cluster c;
                struct cs_jsonspan size, template;
        };
        static const struct field fields[] = {
                { "id", FIELD_TEXT, offsetof(struct row, c.id) },
                { "kind", FIELD_TEXT, offsetof(struct row, c.kind) },
                { "what", FIELD_TEXT, offsetof(struct row, c.what) },
                { "library", FIELD_TEXT, offsetof(struct row, c.library) },
                { "signature", FIELD_TEXT, offsetof(struct row, c.signature) },
                { "confidence", FIELD_REAL, offsetof(struct row, c.confidence) },
                { "count", FIELD_COUNT, offsetof(struct row, c.count) },
                { "bytes", FIELD_COUNT, offsetof(struct row, c.bytes) },
                { "resident", FIELD_COUNT, offsetof(struct row, c.resident) },
                { "unreferenced", FIELD_COUNT, offsetof(struct row, c.unreferenced) },
                { "leak_bytes", FIELD_COUNT, offsetof(struct row, c.leak_bytes) },
                { "block_size", FIELD_SPAN, offsetof(struct row, size) },
                { "template", FIELD_SPAN, offsetof(struct row, template) },
        };
        static const struct field sizes[] = {
                { "min", FIELD_COUNT, offsetof(struct cs_snapshot_cluster, block_min) },
                { "max", FIELD_COUNT, offsetof(struct cs_snapshot_cluster, block_max) },
        };
        CS_VEC(struct cs_snapshot_cluster) all = { 0 };
        struct cs_jsonwalk walk = cs_jsonwalk_open(span, '[');
        struct cs_jsonspan element;
        while (!r->failed && cs_jsonwalk_element(&walk, &element)) {
                struct row row = { 0 };
                if (!TAKE(r, element, fields, &row) || !row.c.what || !row.c.kind)
                        continue;
                if (!is_null(row.size))
                        (void)TAKE(r, row.size, sizes, &row.c);
                take_template(r, row.template, &row.c);
                r->failed |= cs_vec_push(&all, row.c, NULL) != CS_OK;
        }
        r->bad |= walk.bad;
        struct cs_snapshot *s = r->s;
        s->clusters = cs_pool_alloc(&s->pool, all.n + 1, sizeof(*s->clusters));
        if (s->clusters && all.n)
                memcpy(s->clusters, all.at, all.n * sizeof(*all.at));
        r->failed |= !s->clusters;
        s->n_clusters = s->clusters ? all.n : 0;
        s->has_clusters = all.n || !r->interrupted;
        cs_vec_deinit(&all);
}

static void take_libraries(struct reader *r, struct cs_jsonspan span)
{
        static const struct field fields[] = {
                { "library", FIELD_TEXT, offsetof(struct cs_report_library, library) },
                { "build_id", FIELD_TEXT, offsetof(struct cs_report_library, build_id) },
                { "count", FIELD_COUNT, offsetof(struct cs_report_library, count) },
                { "bytes", FIELD_COUNT, offsetof(struct cs_report_library, bytes) },
                { "resident", FIELD_COUNT, offsetof(struct cs_report_library, resident) },
                { "confidence", FIELD_REAL, offsetof(struct cs_report_library, confidence) },
        };
        CS_VEC(struct cs_report_library) all = { 0 };
        struct cs_jsonwalk walk = cs_jsonwalk_open(span, '[');
        struct cs_jsonspan element;
        while (!r->failed && cs_jsonwalk_element(&walk, &element)) {
                struct cs_report_library l = { 0 };
                if (TAKE(r, element, fields, &l) && l.count)
                        r->failed |= cs_vec_push(&all, l, NULL) != CS_OK;
        }
        r->bad |= walk.bad;
        struct cs_snapshot *s = r->s;
        s->libraries = cs_pool_alloc(&s->pool, all.n + 1, sizeof(*s->libraries));
        if (s->libraries && all.n)
                memcpy(s->libraries, all.at, all.n * sizeof(*all.at));
        r->failed |= !s->libraries;
        s->n_libraries = s->libraries ? all.n : 0;
        s->has_libraries = all.n || !r->interrupted;
        cs_vec_deinit(&all);
}

static void take_left(struct reader *r, struct cs_jsonspan span)
{
        struct left {
                struct cs_jsonspan clusters, libraries;
        } left = { 0 };
        static const struct field fields[] = {
                { "clusters", FIELD_SPAN, offsetof(struct left, clusters) },
                { "libraries", FIELD_SPAN, offsetof(struct left, libraries) },
        };
        static const struct field sums[] = {
                { "count", FIELD_COUNT, offsetof(struct cs_snapshot_left, count) },
                { "bytes", FIELD_COUNT, offsetof(struct cs_snapshot_left, bytes) },
                { "resident", FIELD_COUNT, offsetof(struct cs_snapshot_left, resident) },
        };
        if (!TAKE(r, span, fields, &left))
                r->bad = true;
        (void)TAKE(r, left.clusters, sums, &r->s->clusters_left);
        (void)TAKE(r, left.libraries, sums, &r->s->libraries_left);
}

/* ---- the report -------------------------------------------------------------------------------------------------- */

enum cs_status cs_snapshotfile_parse(const char *bytes, size_t len, const char *path,
                                     struct cs_snapshot **out, struct cs_error *err)
{
        struct top {
                int64_t schema;
                struct cs_jsonspan target, memory, verdict, clusters, libraries, left;
        } top = { 0 };
        static const struct field fields[] = {
                { "schema", FIELD_SIGNED, offsetof(struct top, schema) },
                { "target", FIELD_SPAN, offsetof(struct top, target) },
                { "memory", FIELD_SPAN, offsetof(struct top, memory) },
                { "verdict", FIELD_SPAN, offsetof(struct top, verdict) },
                { "clusters", FIELD_SPAN, offsetof(struct top, clusters) },
                { "libraries", FIELD_SPAN, offsetof(struct top, libraries) },
                { "left_out", FIELD_SPAN, offsetof(struct top, left) },
        };
        cs_cleanup(cs_snapshot_destroyp) struct cs_snapshot *s = calloc(1, sizeof(*s));
        struct reader r = { .s = s };
        if (!s)
                return cs_fail(err, CS_ENOMEM, "report");
        struct cs_jsonwalk whole = cs_jsonwalk_open((struct cs_jsonspan){ bytes, len }, '{');
        struct cs_jsonspan key, value;
        while (cs_jsonwalk_member(&whole, &key, &value)) /* only to its end */
                continue;
        if (whole.bad)
                return cs_fail(err, CS_EFORMAT,
                               "not a JSON object, or not a whole one (wrong at byte %zu of %zu)",
                               whole.at ? (size_t)(whole.at - bytes) : 0, len);
        if (!cs_jsonwalk_ended(&whole))
                return cs_fail(err, CS_EFORMAT,
                               "several JSON objects (a stream of hits?), not a report of corescan");
        (void)TAKE(&r, ((struct cs_jsonspan){ bytes, len }), fields, &top);
        if (top.schema > SCHEMA)
                return cs_fail(err, CS_ENOTSUP, "a report of schema %lld: this version reads up to %d",
                               (long long)top.schema, SCHEMA);
        if (is_null(top.target) || (is_null(top.memory) && is_null(top.clusters)))
                return cs_fail(err, CS_EFORMAT,
                               "JSON, but not a report of corescan with --summary (no target, or no memory)");
        s->path = keep(&r, path, strlen(path));
        s->saved = true;
        s->schema = top.schema;
        take_target(&r, top.target);
        if (!is_null(top.memory))
                take_memory(&r, top.memory);
        if (!is_null(top.clusters))
                take_clusters(&r, top.clusters);
        if (!is_null(top.libraries))
                take_libraries(&r, top.libraries);
        if (!is_null(top.verdict))
                take_verdict(&r, top.verdict);
        if (!is_null(top.left))
                take_left(&r, top.left);
        if (r.failed)
                return cs_fail(err, CS_ENOMEM, "not enough memory for the report");
        if (r.bad)
                return cs_fail(err, CS_EFORMAT, "not a report of corescan: parts of it are no JSON");
        *out = cs_take(s);
        return CS_OK;
}

bool cs_snapshotfile_is(const char *path)
{
        char head[4096];
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof(head));
        if (fd >= 0)
                (void)close(fd);
        for (ssize_t i = 0; i < n; i++)
                if (!strchr(" \t\r\n", head[i]))
                        return head[i] == '{';
        return false;
}

enum cs_status cs_snapshotfile_read(const char *path, struct cs_snapshot **out, struct cs_error *err)
{
        CS_VEC(char) text = { 0 };
        FILE *f = fopen(path, "re");
        if (!f)
                return cs_fail_sys(err, errno, "cannot be opened");
        enum cs_status st = CS_OK;
        for (size_t n = 1; st == CS_OK && n;) {
                if ((st = cs_vec_reserve(&text, READ_BYTES, err)) != CS_OK)
                        break;
                errno = 0;
                n = fread(text.at + text.n, 1, READ_BYTES, f);
                text.n += n;
                if (ferror(f))
                        st = cs_fail_sys(err, errno ? errno : EIO, "cannot be read");
                else if (text.n > CS_LIMIT_REPORT_BYTES)
                        st = cs_fail(err, CS_ELIMIT, "a report of more than %d bytes", CS_LIMIT_REPORT_BYTES);
        }
        (void)fclose(f);
        if (st == CS_OK)
                st = cs_snapshotfile_parse(text.at, text.n, path, out, err);
        cs_vec_deinit(&text);
        return st;
}
