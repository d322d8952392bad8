/* SPDX-License-Identifier: Apache-2.0 */
/* One thread decompresses into slots, a few others (and the first, when all slots are full) pack or write them. */
#include "store.h"

#include "bytes.h"
#include "corefile.h"
#include "cs_limits.h"
#include "keep.h"
#include "ourmemory.h"
#include "range.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
        SLOT_BLOCKS = 4,
        SLOT_BYTES = CS_KEEP_BLOCK * SLOT_BLOCKS, /* what is on its way stays in the processor's caches */
        SLOTS = 8,
        HELPERS_MAX = 3,
};

struct slot {
        uint8_t *bytes;
        uint64_t offset;
        size_t len;
        enum { SLOT_FREE, SLOT_FULL, SLOT_TAKEN } state;
};

struct cs_store {
        struct cs_keep keep;
        uint64_t size;
        uint64_t extent; /* last promised byte, as soon as known */
        bool extent_known;
        char damage[256];
        CS_VEC(uint8_t) head;
        int file;

        pthread_mutex_t lock;
        pthread_cond_t changed;
        struct slot slots[SLOTS];
        bool closed;  /* no more slots will be filled */
        uint64_t end; /* from here on there was no room; UINT64_MAX: there was */
        enum cs_status status;
        struct cs_error err;
};

/* Remembers the first failure. */
static void failed(struct cs_store *s, enum cs_status status, const struct cs_error *err)
{
        pthread_mutex_lock(&s->lock);
        if (s->status == CS_OK) {
                s->status = status;
                s->err = *err;
        }
        pthread_mutex_unlock(&s->lock);
}

static void keep(struct cs_store *s, struct cs_lay *lay, const struct slot *slot)
{
        struct cs_error err = { 0 };
        size_t done;
        enum cs_status st = cs_keep_put(&s->keep, lay, slot->offset, slot->bytes, slot->len, &done, &err);
        if (st == CS_ELIMIT) {
                pthread_mutex_lock(&s->lock);
                if (slot->offset + done < s->end)
                        s->end = slot->offset + done;
                pthread_mutex_unlock(&s->lock);
        } else if (st != CS_OK) {
                failed(s, st, &err);
        }
}

/* Zeros stay holes. */
static void write_out(struct cs_store *s, const struct slot *slot)
{
        for (size_t at = 0; at < slot->len;) {
                size_t len = slot->len - at < CS_PAGE ? slot->len - at : CS_PAGE;
                if (cs_all_zero(slot->bytes + at, len)) {
                        at += len;
                        continue;
                }
                while (at + len < slot->len) {
                        size_t more = slot->len - at - len < CS_PAGE ? slot->len - at - len : CS_PAGE;
                        if (cs_all_zero(slot->bytes + at + len, more))
                                break;
                        len += more;
                }
                ssize_t n = pwrite(s->file, slot->bytes + at, len, (off_t)(slot->offset + at));
                if (n <= 0) {
                        struct cs_error err;
                        failed(s, cs_fail_sys(&err, n < 0 ? errno : ENOSPC, "--temp-dir"), &err);
                        return;
                }
                at += (size_t)n;
        }
}

/* Packs one full slot if there is one; the lock is held, and let go meanwhile. */
static bool pack_one(struct cs_store *s, struct cs_lay *lay)
{
        for (size_t i = 0; i < SLOTS; i++) {
                struct slot *slot = &s->slots[i];
                if (slot->state != SLOT_FULL)
                        continue;
                slot->state = SLOT_TAKEN;
                bool drop = s->status != CS_OK || slot->offset >= s->end;
                pthread_mutex_unlock(&s->lock);
                if (!drop && s->file >= 0)
                        write_out(s, slot);
                else if (!drop)
                        keep(s, lay, slot);
                pthread_mutex_lock(&s->lock);
                slot->state = SLOT_FREE;
                pthread_cond_broadcast(&s->changed);
                return true;
        }
        return false;
}

static void *help(void *argument)
{
        struct cs_store *s = argument;
        struct cs_lay *lay = cs_lay_create();
        if (!lay)
                return NULL; /* the first thread does it all */
        pthread_mutex_lock(&s->lock);
        for (;;) {
                if (pack_one(s, lay))
                        continue;
                if (s->closed)
                        break;
                pthread_cond_wait(&s->changed, &s->lock);
        }
        pthread_mutex_unlock(&s->lock);
        cs_lay_destroy(lay);
        return NULL;
}

/* A free slot; while there is none, this thread packs too. NULL: something failed, or there is no more room. */
static struct slot *free_slot(struct cs_store *s, struct cs_lay *lay)
{
        struct slot *found = NULL;
        pthread_mutex_lock(&s->lock);
        while (!found && s->status == CS_OK && s->end == UINT64_MAX) {
                for (size_t i = 0; i < SLOTS && !found; i++)
                        if (s->slots[i].state == SLOT_FREE)
                                found = &s->slots[i];
                if (!found && !pack_one(s, lay))
                        pthread_cond_wait(&s->changed, &s->lock);
        }
        pthread_mutex_unlock(&s->lock);
        return found;
}

/* Keeps the bytes as far as the program headers go, and learns from them where the core ends. */
static enum cs_status learn_extent(struct cs_store *s, const struct slot *slot, struct cs_error *err)
{
        if (s->extent_known)
                return CS_OK;
        enum cs_status st = cs_vec_reserve(&s->head, slot->len, err);
        if (st != CS_OK)
                return st;
        memcpy(s->head.at + s->head.n, slot->bytes, slot->len);
        s->head.n += slot->len;
        s->extent_known = cs_corefile_extent(s->head.at, s->head.n, &s->extent);
        if (s->extent_known && s->file < 0)
                cs_keep_expect(&s->keep, s->extent);
        return CS_OK;
}

/* Beyond this the stream is a bomb, and nobody waits for its end. */
static uint64_t most_of(uint64_t packed)
{
        uint64_t most = (uint64_t)CS_LIMIT_UNPACKED_GIB << 30, least = (uint64_t)CS_LIMIT_BOMB_GIB << 30;
        uint64_t told = packed < most / CS_LIMIT_BOMB_RATIO ? packed * CS_LIMIT_BOMB_RATIO : most;
        return told > least ? told : least;
}

/* Decompresses into slots up to the last byte that is promised, or that is wanted. */
static enum cs_status pump(struct cs_store *s, struct cs_inflate *in, uint64_t most, struct cs_lay *lay,
                           struct cs_error *err)
{
        for (;;) {
                struct slot *slot = free_slot(s, lay);
                uint64_t end = s->extent_known && s->extent < most ? s->extent : most;
                if (slot && s->size >= most && (!s->extent_known || s->extent > most))
                        (void)snprintf(s->damage, sizeof(s->damage),
                                       "unpacks to more than %" PRIu64 " GiB and %d times its size",
                                       most >> 30, CS_LIMIT_BOMB_RATIO);
                if (!slot || s->size >= end)
                        return CS_OK;
                uint64_t left = end - s->size;
                slot->offset = s->size;
                slot->len = cs_inflate_read(in, slot->bytes, left < SLOT_BYTES ? (size_t)left : SLOT_BYTES);
                if (slot->len == 0)
                        return CS_OK;
                s->size += slot->len;
                enum cs_status st = learn_extent(s, slot, err);
                if (st != CS_OK)
                        return st;
                pthread_mutex_lock(&s->lock);
                slot->state = SLOT_FULL;
                pthread_cond_broadcast(&s->changed);
                pthread_mutex_unlock(&s->lock);
        }
}

static enum cs_status fill(struct cs_store *s, struct cs_inflate *in, uint64_t most, struct cs_error *err)
{
        long processors = sysconf(_SC_NPROCESSORS_ONLN);
        unsigned wanted = processors > HELPERS_MAX ? HELPERS_MAX : 1, helpers = 0;
        pthread_t threads[HELPERS_MAX];
        struct cs_lay *lay = cs_lay_create();
        if (!lay)
                return cs_fail(err, CS_ENOMEM, "decompression");
        while (helpers < wanted && pthread_create(&threads[helpers], NULL, help, s) == 0)
                helpers++;
        enum cs_status st = pump(s, in, most, lay, err);
        pthread_mutex_lock(&s->lock);
        s->closed = true;
        pthread_cond_broadcast(&s->changed);
        while (pack_one(s, lay))
                ;
        pthread_mutex_unlock(&s->lock);
        for (unsigned i = 0; i < helpers; i++)
                pthread_join(threads[i], NULL);
        cs_lay_destroy(lay);
        if (st == CS_OK && s->status != CS_OK) {
                if (err)
                        *err = s->err;
                st = s->status;
        }
        if (cs_inflate_damage(in))
                (void)snprintf(s->damage, sizeof(s->damage), "%s", cs_inflate_damage(in));
        if (s->end < s->size) {
                s->size = s->end;
                (void)snprintf(
                        s->damage, sizeof(s->damage),
                        "takes more than %.4g MiB of memory (--max-memory SIZE allows more, --temp-dir DIR takes none)",
                        (double)s->keep.max / (1 << 20));
        }
        return st;
}

static enum cs_status open_file(struct cs_store *s, const char *dir, struct cs_error *err)
{
        s->file = open(dir, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
        if (s->file < 0)
                return cs_fail_sys(err, errno, "--temp-dir %.200s: no temporary file can be made there", dir);
        return CS_OK;
}

static enum cs_status create(struct cs_store *s, int fd, enum cs_packing packing,
                             const struct cs_store_options *options, struct cs_error *err)
{
        struct cs_inflate *in = NULL;
        struct stat status;
        enum cs_status st = options->temp_dir ? open_file(s, options->temp_dir, err) : CS_OK;
        if (st == CS_OK)
                st = cs_inflate_create(fd, packing, &in, err);
        if (st != CS_OK)
                return st;
        for (size_t i = 0; i < SLOTS && st == CS_OK; i++)
                if (!(s->slots[i].bytes = malloc(SLOT_BYTES)))
                        st = cs_fail(err, CS_ENOMEM, "decompression");
        if (st == CS_OK)
                st = fill(s, in, most_of(fstat(fd, &status) == 0 ? (uint64_t)status.st_size : 0), err);
        for (size_t i = 0; i < SLOTS; i++)
                free(s->slots[i].bytes);
        cs_inflate_destroy(in);
        if (st == CS_OK && s->file >= 0 && ftruncate(s->file, (off_t)s->size) != 0)
                st = cs_fail_sys(err, errno, "--temp-dir");
        return st;
}

enum cs_status cs_store_create(int fd, enum cs_packing packing, const struct cs_store_options *options,
                               struct cs_store **out, struct cs_error *err)
{
        struct cs_store *s = calloc(1, sizeof(*s));
        if (!s)
                return cs_fail(err, CS_ENOMEM, "decompression");
        s->file = -1;
        s->end = UINT64_MAX;
        cs_keep_init(&s->keep, options->max_memory ? options->max_memory : cs_ourmemory_half());
        pthread_mutex_init(&s->lock, NULL);
        pthread_cond_init(&s->changed, NULL);
        enum cs_status st = create(s, fd, packing, options, err);
        if (st != CS_OK)
                cs_store_destroy(s);
        else
                *out = s;
        return st;
}

void cs_store_destroy(struct cs_store *s)
{
        if (!s)
                return;
        cs_keep_deinit(&s->keep);
        cs_vec_deinit(&s->head);
        if (s->file >= 0)
                close(s->file);
        pthread_mutex_destroy(&s->lock);
        pthread_cond_destroy(&s->changed);
        free(s);
}

uint64_t cs_store_size(const struct cs_store *s)
{
        return s->size;
}

const char *cs_store_damage(const struct cs_store *s)
{
        return s->damage[0] ? s->damage : NULL;
}

const uint8_t *cs_store_head(const struct cs_store *s, size_t *len)
{
        *len = s->head.n;
        return s->head.at;
}

int cs_store_file(const struct cs_store *s)
{
        return s->file;
}

size_t cs_store_read(const struct cs_store *s, uint64_t offset, void *buf, size_t len)
{
        if (offset >= s->size)
                return 0;
        if (len > s->size - offset)
                len = (size_t)(s->size - offset);
        cs_keep_read(&s->keep, offset, buf, len);
        return len;
}

uint64_t cs_store_zeros(const struct cs_store *s, uint64_t offset)
{
        uint64_t zeros = offset < s->size ? cs_keep_zeros(&s->keep, offset) : 0;
        return zeros < s->size - offset ? zeros : s->size - offset;
}

bool cs_store_is_zero(const struct cs_store *s, uint64_t offset, size_t len)
{
        return offset < s->size && len <= s->size - offset && cs_keep_is_zero(&s->keep, offset, len);
}

const uint8_t *cs_store_lend(const struct cs_store *s, uint64_t offset, size_t *len)
{
        if (offset >= s->size)
                return NULL;
        if (*len > s->size - offset)
                *len = (size_t)(s->size - offset);
        return cs_keep_lend(&s->keep, offset, len);
}
