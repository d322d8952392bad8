/* SPDX-License-Identifier: Apache-2.0 */
/* --blocks: one line per in-use block, tab-separated, by address. */
#ifndef CS_BLOCKLIST_H
#define CS_BLOCKLIST_H

#include "report.h"

#include <stdio.h>

/* address<TAB>usable size<TAB>library or "-"<TAB>confidence<TAB>cluster<TAB>"-", direct, indirect or
 * possible. CS_ENOMEM. Write errors are left in the stream's error flag. */
CS_CHECK enum cs_status cs_blocklist_write(FILE *out, const struct cs_report *report, struct cs_error *err);

#endif
