/* SPDX-License-Identifier: Apache-2.0 */
/* Finds all places of many needles in one pass: by Vectorscan where it was there at build time, else by a table of their first bytes; few by
 * comparing two bytes of each.
 * A finder is frozen once made and shared; each worker has a scan of its own. */
#ifndef CS_FINDER_H
#define CS_FINDER_H

#include "needle.h"

struct cs_finder;
struct cs_finder_scan;

/* The needle's number, and the offset behind its last byte: it stands at each place from `end` to `last`, which are one place but for runs of bytes of one
 * kind. A place may be told of twice. False: stop. */
typedef bool (*cs_finder_fn)(void *context, uint32_t needle, size_t end, size_t last);

/* Was Vectorscan there? */
bool cs_finder_has_vectorscan(void);

enum cs_finder_way {
        CS_FINDER_PLAIN, /* each needle must have a key (cs_needle_key) of two bytes at least, or of one */
        CS_FINDER_VECTORSCAN,
        CS_FINDER_PAIRS, /* for few needles on some processors: the fastest, where it can be used */
        CS_FINDER_SETS,  /* for some hundred at most, on the same processors: where they are rare enough */
};

/* The needles are not needed any more afterwards. CS_ENOTSUP: it cannot be done in this way. */
CS_CHECK enum cs_status cs_finder_create(const struct cs_needle *const *needles, size_t n,
                                         enum cs_finder_way way, struct cs_finder **out,
                                         struct cs_error *err);
void cs_finder_destroy(struct cs_finder *finder);

CS_CHECK enum cs_status cs_finder_scan_create(const struct cs_finder *finder, struct cs_finder_scan **out,
                                              struct cs_error *err);
void cs_finder_scan_destroy(struct cs_finder_scan *scan);

/* False: it ended early, by fn or because the engine failed, and nothing is known of the rest. */
bool cs_finder_run(const struct cs_finder *finder, struct cs_finder_scan *scan, const uint8_t *bytes,
                   size_t len, cs_finder_fn fn, void *context);

#endif
