/* SPDX-License-Identifier: Apache-2.0 */
#include "pick.h"

#include <fnmatch.h>
#include <string.h>

bool cs_pick_library_fits(const struct cs_options *options, const char *library)
{
        return !options->library || fnmatch(options->library, library ? library : "-", 0) == 0;
}

static enum cs_status take(struct cs_picked *out, bool fits, size_t top, size_t index, uint64_t bytes,
                           uint64_t resident, struct cs_error *err)
{
        if (fits && out->at.n < top)
                return cs_vec_push(&out->at, index, err);
        out->left.count++;
        out->left.bytes += bytes;
        out->left.resident += resident;
        return CS_OK;
}

static enum cs_status take_cluster(const struct cs_report *report, const struct cs_options *options,
                                   size_t top, size_t index, struct cs_picked *out, struct cs_error *err)
{
        const struct cs_report_cluster *c = &report->clusters[index];
        bool fits = c->bytes >= options->min_bytes && cs_pick_library_fits(options, c->library) &&
                    (!options->cluster || strcmp(options->cluster, c->id) == 0);
        enum cs_status st = take(out, fits, top, index, c->bytes, c->resident, err);
        if (st != CS_OK)
                cs_picked_deinit(out);
        return st;
}

enum cs_status cs_pick_clusters(const struct cs_report *report, const struct cs_options *options, size_t top,
                                struct cs_picked *out, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        size_t blocks = report->n_clusters, end = blocks + report->n_patterns;
        *out = (struct cs_picked){ 0 };
        /* Both are sorted; the blocks' go first where they are as large. */
        for (size_t i = 0, k = blocks; st == CS_OK && (i < blocks || k < end);) {
                bool pattern = i == blocks ||
                               (k < end && report->clusters[k].resident > report->clusters[i].resident);
                st = take_cluster(report, options, top, pattern ? k++ : i++, out, err);
        }
        return st;
}

enum cs_status cs_pick_leaks(const struct cs_report *report, const struct cs_options *options, size_t top,
                             struct cs_picked *out, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        *out = (struct cs_picked){ 0 };
        for (size_t i = 0; st == CS_OK && i < report->n_leak_clusters; i++)
                st = take_cluster(report, options, top, report->leak_clusters[i], out, err);
        return st;
}

enum cs_status cs_pick_libraries(const struct cs_report *report, const struct cs_options *options, size_t top,
                                 struct cs_picked *out, struct cs_error *err)
{
        *out = (struct cs_picked){ 0 };
        for (size_t i = 0; i < report->n_libraries; i++) {
                const struct cs_report_library *l = &report->libraries[i];
                bool fits = l->bytes >= options->min_bytes && cs_pick_library_fits(options, l->library);
                enum cs_status st = take(out, fits, top, i, l->bytes, l->resident, err);
                if (st != CS_OK) {
                        cs_picked_deinit(out);
                        return st;
                }
        }
        return CS_OK;
}

static bool same_or_any(const char *wanted, const char *has)
{
        return !wanted || (has && strcmp(wanted, has) == 0);
}

enum cs_status cs_pick_strings(const struct cs_report *report, const struct cs_options *options, size_t top,
                               struct cs_picked *out, struct cs_error *err)
{
        enum cs_status st = CS_OK;
        *out = (struct cs_picked){ 0 };
        for (size_t i = 0; st == CS_OK && i < report->strings->n; i++) {
                const struct cs_report_string *s = &report->strings->at[i];
                bool fits = s->bytes >= options->min_bytes && cs_pick_library_fits(options, s->library) &&
                            same_or_any(options->cluster, s->cluster) &&
                            same_or_any(options->region, s->region) &&
                            same_or_any(options->encoding, s->encoding);
                st = take(out, fits, top, i, s->bytes, 0, err);
        }
        if (st != CS_OK)
                cs_picked_deinit(out);
        return st;
}

void cs_picked_deinit(struct cs_picked *picked)
{
        cs_vec_deinit(&picked->at);
}

const struct cs_report_cluster *cs_pick_cluster(const struct cs_report *report, const char *id)
{
        for (size_t i = 0; id && i < report->n_clusters + report->n_patterns; i++)
                if (strcmp(report->clusters[i].id, id) == 0)
                        return &report->clusters[i];
        return NULL;
}
