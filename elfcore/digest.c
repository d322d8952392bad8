/* SPDX-License-Identifier: Apache-2.0 */
#include "digest.h"

#include "extents.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { READ_BYTES = 256 << 10, SHA256_BYTES = 32 };

struct cs_digest {
        pthread_t thread;
        bool running;
        int fd; /* the image's */
        size_t len;
        atomic_bool stop;
        bool done;
        unsigned char hash[SHA256_BYTES];
};

/* Bytes from `at` on that are a hole of a sparse core; they are hashed as the zeros that they are, and not read. */
static size_t hole_at(const struct cs_digest *d, struct cs_extent *known, size_t at)
{
        const struct cs_extents file = { .fd = d->fd };
        if (at >= known->data_end)
                *known = cs_extents_at(&file, at);
        bool hole;
        uint64_t alike = cs_extent_alike(*known, at, &hole), left = d->len - at;
        return !hole ? 0 : (size_t)(alike < left ? alike : left);
}

static bool hash_file(struct cs_digest *d, EVP_MD_CTX *context, unsigned char *buf)
{
        static const unsigned char zeros[READ_BYTES];
        struct cs_extent known = { 0 };
        if (!EVP_DigestInit_ex(context, EVP_sha256(), NULL))
                return false;
        /* Read, not borrowed from the mapping: pages that are only hashed should not count as ours. */
        for (size_t at = 0; at < d->len;) {
                size_t hole = hole_at(d, &known, at);
                ssize_t n = hole ? (ssize_t)(hole < READ_BYTES ? hole : READ_BYTES)
                                 : pread(d->fd, buf, READ_BYTES, (off_t)at);
                if (n <= 0 || atomic_load_explicit(&d->stop, memory_order_relaxed) ||
                    !EVP_DigestUpdate(context, hole ? zeros : buf, (size_t)n))
                        return false;
                at += (size_t)n;
        }
        return EVP_DigestFinal_ex(context, d->hash, NULL);
}

static void *run(void *argument)
{
        struct cs_digest *d = argument;
        unsigned char *buf = malloc(READ_BYTES);
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        d->done = buf && context && hash_file(d, context, buf);
        EVP_MD_CTX_free(context);
        free(buf);
        return NULL;
}

enum cs_status cs_digest_start(const struct cs_image *image, struct cs_digest **out, struct cs_error *err)
{
        *out = NULL;
        if (image->kind != CS_IMAGE_CORE)
                return CS_OK;
        struct cs_digest *d = calloc(1, sizeof(*d));
        if (!d)
                return cs_fail(err, CS_ENOMEM, "digest");
        d->fd = image->file_fd;
        d->len = image->file_len;
        d->running = pthread_create(&d->thread, NULL, run, d) == 0;
        *out = d;
        return CS_OK;
}

bool cs_digest_finish(struct cs_digest *d, char text[static CS_DIGEST_TEXT])
{
        if (d->running)
                pthread_join(d->thread, NULL);
        else
                run(d);
        d->running = false;
        for (size_t i = 0; i < SHA256_BYTES; i++)
                (void)snprintf(text + 2 * i, 3, "%02x", d->hash[i]);
        return d->done;
}

void cs_digest_destroy(struct cs_digest *d)
{
        if (!d)
                return;
        atomic_store(&d->stop, true);
        if (d->running)
                pthread_join(d->thread, NULL);
        free(d);
}

bool cs_digest_bytes(const void *bytes, size_t len, char text[static CS_DIGEST_TEXT])
{
        unsigned char hash[SHA256_BYTES];
        unsigned n = 0;
        if (!EVP_Digest(bytes, len, hash, &n, EVP_sha256(), NULL) || n != SHA256_BYTES)
                return false;
        for (size_t i = 0; i < SHA256_BYTES; i++)
                (void)snprintf(text + 2 * i, 3, "%02x", hash[i]);
        return true;
}
