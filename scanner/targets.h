/* SPDX-License-Identifier: Apache-2.0 */
/* What the words of blocks point at inside modules: each distinct address once, with its kind and name. Resolved on the
 * main thread, then frozen and shared. */
#ifndef CS_TARGETS_H
#define CS_TARGETS_H

#include "space.h"
#include "tally.h"

enum cs_target_kind {
        CS_TARGET_VTABLE,
        CS_TARGET_CONST, /* constant after relocation, no vtable: method tables, descriptors */
        CS_TARGET_DATA,  /* writable and initialised: type objects, globals */
        CS_TARGET_BSS,
        CS_TARGET_FUNCTION,
        CS_TARGET_LITERAL, /* .rodata: strings, tables without pointers */
};

struct cs_target {
        uint64_t addr;
        uint32_t module;
        enum cs_target_kind kind;
        bool by_symbol;         /* vtable: a symbol says so, not only type information in memory */
        const char *class_name; /* of a vtable, or NULL */
};

struct cs_targets {
        struct cs_pool pool;
        struct cs_target *at; /* sorted by address */
        size_t n;
        struct cs_tally index; /* address -> position in at */
};

void cs_targets_deinit(struct cs_targets *targets);

/* Resolves the keys of `addresses` that lie in modules. */
CS_CHECK enum cs_status cs_targets_resolve(const struct cs_image *image, struct cs_symbols *symbols,
                                           const struct cs_space *space, const struct cs_tally *addresses,
                                           struct cs_targets *out, struct cs_error *err);

/* The kind by the part of the module alone: never a vtable. */
enum cs_target_kind cs_target_kind_of(enum cs_part part);

/* Thread-safe; NULL where the address was not resolved. */
const struct cs_target *cs_targets_at(const struct cs_targets *targets, uint64_t addr);

/* How much a pointer to such a thing says about who made the block that holds it. Measured on recorded allocations:
 * vtables and relocated constants say most; function pointers tell who registered a callback, not who allocated. */
double cs_target_weight(enum cs_target_kind kind);

/* Its name in evidence lists: "vtable", "data", "function", "rodata-literal". */
const char *cs_target_evidence(enum cs_target_kind kind);

#endif
