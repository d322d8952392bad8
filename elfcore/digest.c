/* SPDX-License-Identifier: Apache-2.0 */
#include "digest.h"

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

static bool hash_file(struct cs_digest *d, EVP_MD_CTX *context, unsigned char *buf)
{
        if (!EVP_DigestInit_ex(context, EVP_sha256(), NULL))
                return false;
        /* Read, not borrowed from the mapping: pages that are only hashed should not count as ours. */
        for (size_t at = 0; at < d->len;) {
                ssize_t n = pread(d->fd, buf, READ_BYTES, (off_t)at);
                if (n <= 0 || atomic_load_explicit(&d->stop, memory_order_relaxed) ||
                    !EVP_DigestUpdate(context, buf, (size_t)n))
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
