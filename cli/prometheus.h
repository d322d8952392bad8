/* SPDX-License-Identifier: Apache-2.0 */
/* A report, or what changed between several, as metrics in Prometheus' text format 0.0.4, as node_exporter's textfile collector
 * reads it. All are gauges and tell their target by `pid` and `exe`, so that files of several processes can stand in one folder.
 * Of clusters and libraries there are as many as --top says (10 without it), and never more than CS_PROMETHEUS_MOST. */
#ifndef CS_PROMETHEUS_H
#define CS_PROMETHEUS_H

#include "join.h"
#include "options.h"

#include <stdio.h>

enum {
        CS_PROMETHEUS_TOP = 10,
        CS_PROMETHEUS_MOST = 1000, /* each is a series that somebody has to store */
        CS_PROMETHEUS_LABEL = 120, /* bytes of a label's value, before it is escaped */
};

/* CS_ENOMEM. Write errors are left in the stream's error flag. */
CS_CHECK enum cs_status cs_prometheus_write(FILE *out, const struct cs_report *report,
                                            const struct cs_options *options, struct cs_error *err);
CS_CHECK enum cs_status cs_prometheus_write_growth(FILE *out, const struct cs_growth *growth,
                                                   const struct cs_options *options, struct cs_error *err);

/* A label's value: valid UTF-8 that commands no terminal, cut at the end of a character, with backslashes and quotes escaped. In
 * pool; NULL when our memory ran out. */
const char *cs_prometheus_label(struct cs_pool *pool, const char *bytes, size_t len);

#endif
