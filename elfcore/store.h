/* SPDX-License-Identifier: Apache-2.0 */
/* What a compressed core becomes when it is opened: its bytes by file offset. They are kept in memory (see keep.h), or, where
 * a directory was named, in a file there that has no name. */
#ifndef CS_STORE_H
#define CS_STORE_H

#include "inflate.h"

struct cs_store;

struct cs_store_options {
        uint64_t max_memory;  /* bytes that they may take; 0: half of what is available */
        const char *temp_dir; /* or NULL: keep them in memory */
};

/* Reads fd (borrowed) from its start to the last byte that the core's headers promise. Damage does not fail, nor does a bound
 * that is reached: see cs_store_damage. */
CS_CHECK enum cs_status cs_store_create(int fd, enum cs_packing packing,
                                        const struct cs_store_options *options, struct cs_store **out,
                                        struct cs_error *err);
void cs_store_destroy(struct cs_store *store);

uint64_t cs_store_size(const struct cs_store *store);

/* Why not all of it was read ("ends early", "takes more than …"), or NULL. */
const char *cs_store_damage(const struct cs_store *store);

/* The first bytes, up to the end of the program headers; valid as long as the store. */
const uint8_t *cs_store_head(const struct cs_store *store, size_t *len);

/* The file in the named directory, whole; -1: the bytes are in memory. */
int cs_store_file(const struct cs_store *store);

/* Up to len bytes from offset on; fewer at the end only. Of a store in memory. Thread-safe. */
size_t cs_store_read(const struct cs_store *store, uint64_t offset, void *buf, size_t len);

/* The bytes at offset where they lie, up to *len, whose number is left there; NULL: they cannot be lent. Of a store in memory.
 * Thread-safe. */
const uint8_t *cs_store_lend(const struct cs_store *store, uint64_t offset, size_t *len);

/* How many bytes from offset on are known to be zero without looking at them. */
uint64_t cs_store_zeros(const struct cs_store *store, uint64_t offset);

/* Is it known without looking that all of [offset, offset + len) is zero? */
bool cs_store_is_zero(const struct cs_store *store, uint64_t offset, size_t len);

#endif
