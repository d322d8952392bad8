/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept in memory of a file that was decompressed: in blocks by offset, zeros not at all, the first ones as they are
 * (they can be lent), and those beyond a share of the bound packed with a fast method. */
#ifndef CS_KEEP_H
#define CS_KEEP_H

#include "vec.h"

#include <pthread.h>
#include <stdint.h>

enum { CS_KEEP_BLOCK = 64 << 10 };

struct cs_kept {
        const uint8_t *at; /* NULL: zeros */
        uint32_t len;      /* CS_KEEP_BLOCK: as it is, not packed */
};

struct cs_keep {
        uint64_t
                serial; /* tells keeps apart in the threads' caches, also where one follows another at one address */
        uint64_t max; /* bytes of memory */
        size_t chunk; /* what is asked of the system at once */
        uint8_t *
                plain; /* address space from offset 0 on, of which only what is written takes memory; or NULL */
        uint64_t plain_len;
        /* While it is being filled, under the lock. */
        pthread_mutex_t lock;
        uint64_t held, plain_held; /* of held */
        CS_VEC(struct cs_kept) blocks;
        CS_VEC(void *) chunks;
};

void cs_keep_init(struct cs_keep *keep, uint64_t max);
void cs_keep_deinit(struct cs_keep *keep);

/* The file will have len bytes, as far as is known: what can be kept as it is gets its place. Once. */
void cs_keep_expect(struct cs_keep *keep, uint64_t len);

/* What one thread needs to put bytes. NULL: out of memory. */
struct cs_lay;
struct cs_lay *cs_lay_create(void);
void cs_lay_destroy(struct cs_lay *lay);

/* Puts len bytes at an offset that is a multiple of a block; only the file's last block may be shorter. *done is how many
 * were taken, also where it fails. CS_ELIMIT: the bound is reached. Thread-safe, with a lay of one's own. */
CS_CHECK enum cs_status cs_keep_put(struct cs_keep *keep, struct cs_lay *lay, uint64_t offset,
                                    const uint8_t *bytes, size_t len, size_t *done, struct cs_error *err);

/* All that follows: once it is filled, thread-safe, and inside of what was put. */
void cs_keep_read(const struct cs_keep *keep, uint64_t offset, void *buf, size_t len);

/* How many bytes from offset on are known to be zero; they may end behind the end of the file. */
uint64_t cs_keep_zeros(const struct cs_keep *keep, uint64_t offset);

/* Is it known without looking that all of it is zero? */
bool cs_keep_is_zero(const struct cs_keep *keep, uint64_t offset, size_t len);

/* The bytes at offset where they lie, up to *len, whose number is left there; NULL: they are packed. */
const uint8_t *cs_keep_lend(const struct cs_keep *keep, uint64_t offset, size_t *len);

#endif
