/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from the graph: leaks, and owners. Neither needs the other, and each is mostly one thread's work. */
#ifndef CS_RELATE_H
#define CS_RELATE_H

#include "leaks.h"
#include "owners.h"

/* cs_leaks_find and cs_owners_find side by side, or with one worker one after the other; then whose the lost blocks of each
 * cluster are. */
CS_CHECK enum cs_status cs_relate(const struct cs_leaks_input *leaks_in, struct cs_leaks *leaks,
                                  const struct cs_owners_input *owners_in, struct cs_owners *owners,
                                  unsigned workers, struct cs_error *err);

#endif
