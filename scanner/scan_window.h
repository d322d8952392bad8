/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts memory into windows with the margins that a search needs (ruleset.h). Caller storage, one per worker. */
#ifndef CS_SCAN_WINDOW_H
#define CS_SCAN_WINDOW_H

#include "residency.h"
#include "ruleset.h"

struct cs_scan_reader {
        struct cs_source *source;
        struct cs_residency_walk residency;
        struct cs_range bounds; /* memory that is searched as one: margins end here */
        bool skips_zeros;
        uint64_t own; /* bytes of a window's owned part, at most */
        uint8_t *buf; /* owned; NULL until it was needed */
        struct cs_view
                view; /* of a source that gathers: what lies apart is looked at more than once; zero until it was needed */
};

void cs_scan_reader_deinit(struct cs_scan_reader *reader);

/* The next window whose owned part begins at or behind *at and before `end`; *at becomes where it ends. False: there is none. Bytes are valid until the
 * next call. */
CS_CHECK enum cs_status cs_scan_next(struct cs_scan_reader *reader, uint64_t *at, uint64_t end,
                                     struct cs_window *out, bool *found, struct cs_error *err);

#endif
