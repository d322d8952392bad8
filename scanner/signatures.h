/* SPDX-License-Identifier: Apache-2.0 */
/* The different signatures of blocks, numbered: most blocks of a heap say just what many others say, and what follows from that
 * needs to be found out once. One per worker. */
#ifndef CS_SIGNATURES_H
#define CS_SIGNATURES_H

#include "signature.h"
#include "tally.h"
#include "vec.h"

enum { CS_NO_SIGNATURE = UINT32_MAX, CS_SIGNATURE_FEATURES = 16 };

struct cs_signature {
        uint64_t units; /* as cs_block_units() */
        uint64_t shape; /* of those that have no features, if it was asked for */
        uint64_t blocks;
        uint32_t first; /* of the features */
        uint32_t n;
        uint8_t text; /* what sort of text they begin with: the caller's */
};

struct cs_signatures {
        CS_VEC(struct cs_signature) at;
        CS_VEC(struct cs_feature) features;
        struct cs_tally numbers;
};

void cs_signatures_deinit(struct cs_signatures *signatures);

/* The number of what a block says: `seen`, but for `blocks`, `first` and `n`, and its features. CS_NO_SIGNATURE for one with more than
 * CS_SIGNATURE_FEATURES of these, which few are like, and for a new one where there are very many. */
CS_CHECK enum cs_status cs_signatures_number(struct cs_signatures *signatures,
                                             const struct cs_signature *seen, const struct cs_features *found,
                                             uint32_t *number, struct cs_error *err);

/* The features of a signature. */
static inline const struct cs_feature *cs_signatures_features(const struct cs_signatures *signatures,
                                                              const struct cs_signature *s)
{
        return s->n ? &signatures->features.at[s->first] : NULL;
}

#endif
