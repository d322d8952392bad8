/* SPDX-License-Identifier: Apache-2.0 */
/* Which buckets (buckets.h) need be looked into at each of CS_ALARMS_STEP places: those of which a needle may stand there. Each way tells of all
 * places where one does; the faster one tells of fewer others. */
#ifndef CS_ALARMS_H
#define CS_ALARMS_H

#include "buckets.h"

enum { CS_ALARMS_STEP = 512, CS_ALARMS_BEHIND = CS_BUCKET_PLACES - 1 };

struct cs_alarms {
        uint64_t any[CS_ALARMS_STEP / 64]; /* bits of the places */
        uint8_t buckets[CS_BUCKETS_MOST / CS_BUCKETS_GROUP]
                       [CS_ALARMS_STEP]; /* bits of the buckets; of no second group there is nothing */
};

/* bytes: those of the places, and CS_ALARMS_BEHIND more. */
typedef void (*cs_alarms_fn)(const struct cs_buckets *buckets, const uint8_t *bytes, struct cs_alarms *out);

/* The fastest that this processor has; NULL: none. */
cs_alarms_fn cs_alarms_best(void);

#if defined(__x86_64__)
void cs_alarms_avx2(const struct cs_buckets *buckets, const uint8_t *bytes, struct cs_alarms *out);
void cs_alarms_avx512(const struct cs_buckets *buckets, const uint8_t *bytes, struct cs_alarms *out);
#endif

#endif
