/* SPDX-License-Identifier: Apache-2.0 */
/* How much memory this process may take for itself. */
#ifndef CS_OURMEMORY_H
#define CS_OURMEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Half of what the machine has left, or of what our control group allows, whichever is less. */
uint64_t cs_ourmemory_half(void);

/* The parts of it, for tests. meminfo is the text of /proc/meminfo; 0: it does not say. */
uint64_t cs_ourmemory_available(const char *meminfo);

/* The least of memory.max from the group that /proc/self/cgroup (the text) names up to the root of the hierarchy that is
 * mounted at `root`; UINT64_MAX: no limit, or version 1. */
uint64_t cs_ourmemory_group(const char *cgroup, const char *root);

/* The most that this process ever took, about. VmHWM counts the pages of the core that were mapped, and what of it was anonymous is not
 * known: so the peak, less what of it are file pages now. */
uint64_t cs_ourmemory_peak(void);

#endif
