/* SPDX-License-Identifier: Apache-2.0 */
/* The text views: a report in, a screenful out. They add nothing to the report. Trouble is left in the
 * stream's error flag and in screen->failed. Not thread-safe (a screen belongs to one thread). */
#ifndef CS_RENDER_H
#define CS_RENDER_H

#include "join.h"
#include "options.h"
#include "pick.h"
#include "screen.h"
#include "table.h"

void cs_render_summary(struct cs_screen *screen, const struct cs_report *report,
                       const struct cs_options *options);
void cs_render_heap(struct cs_screen *screen, const struct cs_report *report,
                    const struct cs_options *options);
void cs_render_clusters(struct cs_screen *screen, const struct cs_report *report,
                        const struct cs_options *options);
void cs_render_leaks(struct cs_screen *screen, const struct cs_report *report,
                     const struct cs_options *options);
void cs_render_regions(struct cs_screen *screen, const struct cs_report *report,
                       const struct cs_options *options);
void cs_render_libraries(struct cs_screen *screen, const struct cs_report *report,
                         const struct cs_options *options);

void cs_render_at(struct cs_screen *screen, const struct cs_report *report, const struct cs_options *options);
void cs_render_refs(struct cs_screen *screen, const struct cs_report *report,
                    const struct cs_options *options);

void cs_render_strings(struct cs_screen *screen, const struct cs_report *report,
                       const struct cs_options *options);

/* Those hits that the report holds, and what all of it was. */
void cs_render_hits(struct cs_screen *screen, const struct cs_report *report,
                    const struct cs_options *options);

/* All views that options->show names, in this order. */
void cs_render_text(struct cs_screen *screen, const struct cs_report *report,
                    const struct cs_options *options);

/* What changed between snapshots, all of it. */
void cs_render_growth(struct cs_screen *screen, const struct cs_growth *growth,
                      const struct cs_options *options);

/* Pieces that several views have. */

void cs_render_verdict(struct cs_screen *screen, const struct cs_report_verdict *verdict);

#define CS_RENDER_CLUSTERS_NOTE                                                                           \
        "groups of blocks that are alike, largest first; size: of one block; unref.: share that nothing " \
        "points to; sure: of the library"
#define CS_RENDER_LIBRARIES_NOTE "whose code made the blocks, largest first; bytes: resident or not"

/* "libssl.so.3 (90 %)", or "-" where no owner is known. */
const char *cs_render_owner(struct cs_screen *screen, const char *library, double confidence);

/* "… and 47 more clusters, 12.3 MiB resident (--top 0 shows all)"; nothing when nothing was left out. */
void cs_render_left_out(struct cs_screen *screen, const struct cs_left_out *left,
                        const struct cs_options *options, const char *what);

/* Of a live process: how much is mapped and not in memory, and why. Nothing of a core. */
void cs_render_not_held(struct cs_screen *screen, const struct cs_report *report);

void cs_render_cluster_table(struct cs_screen *screen, const struct cs_report *report,
                             const struct cs_picked *picked);
void cs_render_library_table(struct cs_screen *screen, const struct cs_report *report,
                             const struct cs_picked *picked);

/* Texts are cut at their end, names never but in their middle. */
bool cs_render_is_text(const struct cs_report_cluster *cluster);

/* "libfoo.so imports BIO_new but not BIO_free"; NULL: the evidence is no hint. */
const char *cs_render_hint(struct cs_screen *screen, const struct cs_report_evidence *e);

/* Everything that is known of one cluster; `all` shortens no list. */
void cs_render_cluster_detail(struct cs_screen *screen, const struct cs_report_cluster *cluster, bool all);

#endif
