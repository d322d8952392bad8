/* SPDX-License-Identifier: Apache-2.0 */
/* What blocks without a mark of their own hold, where it is the beginning of a file of a known kind: images, packed data,
 * fonts. Main thread (libmagic is). */
#ifndef CS_CONTENTS_H
#define CS_CONTENTS_H

#include "describe.h"

/* Puts the type ahead of what the clusters are ("image/png, 4112-byte blocks"), where samples of their blocks agree. Of the
 * largest CS_LIMIT_CONTENTS only, and of a few blocks each. clusters: one per cluster of d, described before. *warning
 * says why types could not be told, and lives in d's pool; NULL: they could, or nothing asked for them. */
CS_CHECK enum cs_status cs_contents_name(const struct cs_describe *d, struct cs_report_cluster *clusters,
                                         const char **warning, struct cs_error *err);

#endif
