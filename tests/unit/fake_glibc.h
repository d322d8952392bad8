/* SPDX-License-Identifier: Apache-2.0 */
/* What must have been found of glibc's heaps in a fake process that is open. */
#ifndef CS_FAKE_GLIBC_H
#define CS_FAKE_GLIBC_H

#include "fake_process.h"

/* The chunk is in that state (fake_state()). */
void fake_expect(const struct fake_process *p, const char *what, uint64_t chunk, int want);

/* No damage is reported. */
void fake_expect_sound(const struct fake_process *p);

#endif
