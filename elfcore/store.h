/* SPDX-License-Identifier: Apache-2.0 */
/* What a compressed core becomes when it is opened: its bytes by file offset. They are kept in blocks, packed again with a
 * fast method, zeros not at all; or, where a directory was named, in a file there that has no name. */
#ifndef CS_STORE_H
#define CS_STORE_H

#include "inflate.h"

struct cs_store;

struct cs_store_options {
        uint64_t max_memory;  /* bytes that the blocks may take; 0: half of the machine's memory */
        const char *temp_dir; /* or NULL: keep them in memory */
};

/* Reads fd (borrowed) from its start to the last byte that the core's headers promise. CS_ELIMIT: the bound was reached; the
 * text names the way out. Damage does not fail: see cs_store_damage. */
CS_CHECK enum cs_status cs_store_create(int fd, enum cs_packing packing,
                                        const struct cs_store_options *options, struct cs_store **out,
                                        struct cs_error *err);
void cs_store_destroy(struct cs_store *store);

uint64_t cs_store_size(const struct cs_store *store);

/* Why the stream ended before its end, or NULL. */
const char *cs_store_damage(const struct cs_store *store);

/* The first bytes, up to the end of the program headers; valid as long as the store. */
const uint8_t *cs_store_head(const struct cs_store *store, size_t *len);

/* The file in the named directory, whole; -1: the bytes are in memory. */
int cs_store_file(const struct cs_store *store);

/* Up to len bytes from offset on; fewer at the end only. Of a store in memory. Thread-safe. */
size_t cs_store_read(const struct cs_store *store, uint64_t offset, void *buf, size_t len);

/* Is it known without looking that all of [offset, offset + len) is zero? */
bool cs_store_is_zero(const struct cs_store *store, uint64_t offset, size_t len);

#endif
