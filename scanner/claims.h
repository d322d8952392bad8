/* SPDX-License-Identifier: Apache-2.0 */
/* Ranges of anonymous memory that somebody proved to be theirs: managed runtimes, and allocators that are measured but not
 * walked block by block. Filled by the recognisers on the main thread, then sealed and shared. */
#ifndef CS_CLAIMS_H
#define CS_CLAIMS_H

#include "kinds.h"
#include "pool.h"
#include "range.h"
#include "status.h"
#include "vec.h"

struct cs_claim {
        struct cs_range range;
        enum cs_kind kind;
        int32_t module; /* whose it is: the runtime's or allocator's module, or CS_NO_MODULE */
        const char *
                detail; /* for people: "java heap", "carrier of eheap_alloc"; static or in the claims' pool; or NULL */
        uint32_t order; /* set by cs_claims_seal() */
};

typedef CS_VEC(struct cs_claim) cs_claim_vec;

/* A part of a managed heap that is slots of one size; those that begin with a zero word are free. */
struct cs_slot_run {
        struct cs_range range; /* a multiple of size */
        uint32_t size;
};

struct cs_claims {
        struct cs_pool pool;
        cs_claim_vec at;                  /* once sealed: by address, disjoint */
        cs_claim_vec within;              /* likewise: what a runtime got from malloc for its heap */
        CS_VEC(struct cs_slot_run) slots; /* once sealed: by address, disjoint */
};

void cs_claims_deinit(struct cs_claims *claims);

/* Adds a claim; empty ranges are ignored. */
CS_CHECK enum cs_status cs_claims_add(struct cs_claims *claims, struct cs_claim claim, struct cs_error *err);

/* The same, but one that continues the claim that was added last, and is like it, makes that one longer. */
CS_CHECK enum cs_status cs_claims_extend(struct cs_claims *claims, struct cs_claim claim,
                                         struct cs_error *err);

/* Adds a claim on memory that lies in a block of malloc's: the block stays malloc's, but what it holds is of the claim's kind. */
CS_CHECK enum cs_status cs_claims_add_within(struct cs_claims *claims, struct cs_claim claim,
                                             struct cs_error *err);

/* Says what lies in a range that is claimed. What is not a whole slot of at least 8 bytes is left out. */
CS_CHECK enum cs_status cs_claims_add_slots(struct cs_claims *claims, struct cs_slot_run slots,
                                            struct cs_error *err);

/* Sorts. Of two claims that overlap the one that was added first keeps all of it, and the other what lies before (or, where it
 * begins later, behind) it. */
void cs_claims_seal(struct cs_claims *claims);

/* The claim that holds addr, or NULL; *next is where the next claim behind addr begins (UINT64_MAX: none). Sealed only;
 * next may be NULL. Thread-safe. */
const struct cs_claim *cs_claims_find(const struct cs_claims *claims, uint64_t addr, uint64_t *next);

/* The same of claims on memory in malloc's blocks. */
const struct cs_claim *cs_claims_within(const struct cs_claims *claims, uint64_t addr, uint64_t *next);

/* The slots that addr lies in, or NULL; *next is where the next ones begin (UINT64_MAX: none). Sealed only. Thread-safe. */
const struct cs_slot_run *cs_claims_slots(const struct cs_claims *claims, uint64_t addr, uint64_t *next);

#endif
