/* SPDX-License-Identifier: Apache-2.0 */
/* What was found of another allocator than glibc's in a fake process that is open. */
#ifndef CS_FAKE_ALLOCATOR_H
#define CS_FAKE_ALLOCATOR_H

#include "fake_process.h"

/* The heap of the allocator of that name, or NULL. */
const struct cs_heap *fake_heap_of(const struct fake_process *p, const char *allocator);

/* The bytes that are claimed as such. */
uint64_t fake_claimed(const struct fake_process *p, enum cs_kind kind);

/* It is named by its file, but where the records do not agree nothing is counted. Opens the process; it is done with. */
void fake_check_refused(struct fake_process *p, const char *allocator);

#endif
