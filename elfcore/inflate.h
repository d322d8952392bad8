/* SPDX-License-Identifier: Apache-2.0 */
/* A compressed file as a stream of its bytes: zstd and LZ4 frames, one behind the other, skippable ones between them.
 * Not thread-safe. */
#ifndef CS_INFLATE_H
#define CS_INFLATE_H

#include "status.h"

#include <stdint.h>

enum cs_packing { CS_PACKED_NOT, CS_PACKED_ZSTD, CS_PACKED_LZ4, CS_PACKED_XZ };

/* What the file is, by its first bytes; names are not looked at. */
enum cs_packing cs_packing_of(int fd);
const char *cs_packing_name(enum cs_packing packing);

struct cs_inflate;

/* Reads from the start of fd, which is borrowed. CS_ENOTSUP: a packing that is not read here. */
CS_CHECK enum cs_status cs_inflate_create(int fd, enum cs_packing packing, struct cs_inflate **out,
                                          struct cs_error *err);
void cs_inflate_destroy(struct cs_inflate *in);

/* Fills buf with the next len bytes. Fewer come at the end of the stream only, or before damage. */
size_t cs_inflate_read(struct cs_inflate *in, void *buf, size_t len);

/* Why the stream ended before its end ("ends early", "is damaged: …"), or NULL. */
const char *cs_inflate_damage(const struct cs_inflate *in);

#endif
