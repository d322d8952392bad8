/* SPDX-License-Identifier: Apache-2.0 */
/* Reports built by hand, for the renderers' tests. Static data: not to be destroyed. */
#ifndef CS_SAMPLE_REPORT_H
#define CS_SAMPLE_REPORT_H

#include "report.h"

/* A leak in an extension of a Ruby server, as a core. */
const struct cs_report *sample_leak(void);

/* A live process of which nothing is known: no clusters, an allocator that is not read, partial. */
const struct cs_report *sample_unknown(void);

/* A process of which only one address was asked for, with --at and --refs: a block in use. And a freed one, and what is lost. */
const struct cs_report *sample_case(void);
const struct cs_report *sample_lost(void);

/* Names and texts that command terminals, hide or reverse text, or are no text; NULLs; the largest
 * numbers. */
const struct cs_report *sample_hostile(void);

#endif
