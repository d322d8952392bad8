/* SPDX-License-Identifier: Apache-2.0 */
/* What Go's runtime keeps about its heap outside of it: the map of arenas, what it knows of each, spans, summaries of free pages, and
 * what it allocates for good. */
#ifndef CS_GO_RECORDS_H
#define CS_GO_RECORDS_H

#include "runtime.h"

/* Claims the records of the arenas that claims from `from` on are; nothing where the module's variables do not lead to records that
 * speak of these arenas. */
CS_CHECK enum cs_status cs_go_records(const struct cs_runtime_input *in, int32_t module, size_t from,
                                      struct cs_claims *claims, struct cs_error *err);

#endif
