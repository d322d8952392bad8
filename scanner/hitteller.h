/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of one hit: where it lies, in what state, whose that is, and its text or what stands for a secret. */
#ifndef CS_HITTELLER_H
#define CS_HITTELLER_H

#include "hands.h"
#include "hits.h"

/* One thread's; all that is in it is borrowed but the hands. */
struct cs_hit_teller {
        const struct cs_hits_input *in;
        bool settled; /* regions and blocks are known; else the kind of memory is told, where no heap could lie in it */
        bool related;           /* clusters and owners are known */
        struct cs_hands *hands; /* instead of that, or NULL */
};

/* From now on owners are told by what lies around the hits. */
CS_CHECK enum cs_status cs_hit_teller_asks_around(struct cs_hit_teller *teller, struct cs_error *err);
void cs_hit_teller_deinit(struct cs_hit_teller *teller);

/* Texts of *out live in the pool, or belong to what the teller borrows. */
CS_CHECK enum cs_status cs_hit_tell(struct cs_hit_teller *teller, const struct cs_scan_hit *hit,
                                    struct cs_pool *pool, struct cs_report_hit *out, struct cs_error *err);

#endif
