/* SPDX-License-Identifier: Apache-2.0 */
/* The SHA-256 of a core, computed beside the analysis: which file a report is about. */
#ifndef CS_DIGEST_H
#define CS_DIGEST_H

#include "image.h"

enum { CS_DIGEST_TEXT = 65 };

struct cs_digest;

/* Starts reading the image's core on a thread of its own. A live image has none: *out stays NULL. */
CS_CHECK enum cs_status cs_digest_start(const struct cs_image *image, struct cs_digest **out,
                                        struct cs_error *err);

/* Waits for the end; hex digits and a NUL in text. False where the file could not be read to its end. */
bool cs_digest_finish(struct cs_digest *digest, char text[static CS_DIGEST_TEXT]);

/* Stops early where it was not finished. */
void cs_digest_destroy(struct cs_digest *digest);
static inline void cs_digest_destroyp(struct cs_digest **digest)
{
        cs_digest_destroy(*digest);
}

/* The SHA-256 of some bytes; false where libcrypto fails. */
bool cs_digest_bytes(const void *bytes, size_t len, char text[static CS_DIGEST_TEXT]);

#endif
