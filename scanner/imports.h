/* SPDX-License-Identifier: Apache-2.0 */
/* Hints of who may have lost the blocks of a library: the modules that take what makes its things (BIO_new), and not what ends
 * them (BIO_free). A hint it stays: a thing may be handed to others who end it, and functions be looked up by dlsym(). It never
 * changes an owner. Main thread (asks symbols). */
#ifndef CS_IMPORTS_H
#define CS_IMPORTS_H

#include "describe.h"

enum { CS_IMPORT_HINTS = 3 }; /* of one cluster, at most */

/* Adds hints to the evidence of the clusters that leak most, of which there are at most CS_LIMIT_HINTED: of kind "import", the
 * module being the one that takes, the symbol a phrase ("imports BIO_new but not BIO_free"). clusters: one per cluster of d,
 * described before. *warning: what was left out, or NULL; lives in d's pool. */
CS_CHECK enum cs_status cs_imports_hint(const struct cs_describe *d, struct cs_report_cluster *clusters,
                                        const char **warning, struct cs_error *err);

#endif
