/* SPDX-License-Identifier: Apache-2.0 */
/* A table from 64-bit keys to 64-bit numbers, for counting and for numbering. Open addressing, grows by doubling; keys
 * may be chosen by a hostile target, so probing starts from a mixed key and the table never fills beyond a half.
 * Not thread-safe: one per worker, then merge. */
#ifndef CS_TALLY_H
#define CS_TALLY_H

#include "bytes.h"
#include "status.h"

#include <stdint.h>

struct cs_tally_slot {
        uint64_t key;
        uint64_t value;
        bool used;
};

struct cs_tally {
        struct cs_tally_slot *slots;
        size_t cap; /* 0 or a power of two */
        size_t n;
};

void cs_tally_deinit(struct cs_tally *tally);

/* The value of key, to be read and written until the next cs_tally_at(); a new key starts at fresh.
 * CS_ENOMEM when the table cannot grow. */
CS_CHECK enum cs_status cs_tally_at(struct cs_tally *tally, uint64_t key, uint64_t fresh, uint64_t **value,
                                    struct cs_error *err);

/* Asks for the memory that the next cs_tally_at(key) will look at. */
static inline void cs_tally_fetch(const struct cs_tally *tally, uint64_t key)
{
        if (tally->cap)
                __builtin_prefetch(&tally->slots[(size_t)cs_mix(key) & (tally->cap - 1)], 1);
}

/* The value of key, or otherwise. */
uint64_t cs_tally_get(const struct cs_tally *tally, uint64_t key, uint64_t otherwise);

/* Adds every count of `from` to `into`. */
CS_CHECK enum cs_status cs_tally_add(struct cs_tally *into, const struct cs_tally *from,
                                     struct cs_error *err);

#endif
