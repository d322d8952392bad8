/* SPDX-License-Identifier: Apache-2.0 */
/* Managed runtimes, one file each behind one interface: a recogniser looks for marks that cannot be an accident and claims what
 * they prove. Nothing is claimed on a guess. */
#ifndef CS_RUNTIME_H
#define CS_RUNTIME_H

#include "claims.h"
#include "symbols.h"

/* What recognisers are given; main thread. */
struct cs_runtime_input {
        const struct cs_image *image;
        struct cs_symbols *symbols;
};

/* Adds what the runtime has, if it is there; CS_OK also where it is not. Every byte may lie. */
typedef enum cs_status (*cs_runtime_fn)(const struct cs_runtime_input *in, struct cs_claims *claims,
                                        struct cs_error *err);

#endif
