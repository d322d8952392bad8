/* SPDX-License-Identifier: Apache-2.0 */
/* The report as one JSON object, schema 1: what scripts and dashboards rely on. One top-level key, one
 * cluster and one library a line, so that large reports stream and line tools work; ASCII only, so that no
 * terminal is commanded by it. */
#ifndef CS_JSON_H
#define CS_JSON_H

#include "join.h"
#include "options.h"

#include <stdio.h>

/* CS_ENOMEM. Write errors are left in the stream's error flag. */
CS_CHECK enum cs_status cs_json_write(FILE *out, const struct cs_report *report,
                                      const struct cs_options *options, struct cs_error *err);

/* What changed between snapshots, as one object: that of the last one, where clusters, libraries and kinds of memory have `growth`. */
CS_CHECK enum cs_status cs_json_write_growth(FILE *out, const struct cs_growth *growth,
                                             const struct cs_options *options, struct cs_error *err);

/* The last line of a stream of hits, {"type": "summary", …}: what was found by which rule, and in what. */
CS_CHECK enum cs_status cs_json_write_hits_end(FILE *out, const struct cs_report *report,
                                               struct cs_error *err);

#endif
