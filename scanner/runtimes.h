/* SPDX-License-Identifier: Apache-2.0 */
/* All managed runtimes in an image, by what they claim of its memory. */
#ifndef CS_RUNTIMES_H
#define CS_RUNTIMES_H

#include "claims.h"
#include "symbols.h"

/* Asks every recogniser; claims are not sealed yet. Main thread. */
CS_CHECK enum cs_status cs_runtimes_find(const struct cs_image *image, struct cs_symbols *symbols,
                                         struct cs_claims *claims, struct cs_error *err);

#endif
