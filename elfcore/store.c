/* SPDX-License-Identifier: Apache-2.0 */
/* One thread decompresses into slots, a few others (and the first, when all slots are full) pack or write them. */
#include "store.h"

#include "bytes.h"
#include "corefile.h"
#include "cs_limits.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <lz4.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
        BLOCK = 64 << 10,
        SLOT_BLOCKS = 8,
        SLOT_BYTES = BLOCK * SLOT_BLOCKS,
        SLOTS = 8,
        HELPERS_MAX = 3,
        CHUNK_BYTES = 4 << 20, /* what packed blocks are laid into */
        ACCELERATION = 4,      /* of LZ4: the blocks live as long as the run, speed is worth more than size */
        CACHED = 4,
};

struct block {
        const uint8_t *at; /* NULL: zeros */
        uint32_t len;      /* BLOCK: as it is, not packed */
};

/* Where one worker lays its packed blocks. */
struct lay {
        uint8_t *at;
        size_t left;
        uint8_t packed[LZ4_COMPRESSBOUND(BLOCK)];
        void *lz4; /* its state */
};

struct slot {
        uint8_t *bytes;
        uint64_t offset;
        size_t len;
        enum { SLOT_FREE, SLOT_FULL, SLOT_TAKEN } state;
};

struct cs_store {
        uint64_t
                serial; /* tells stores apart in the threads' caches, also one behind the other at one address */
        uint64_t size;
        uint64_t extent; /* last promised byte, as soon as known */
        bool extent_known;
        char damage[160];
        CS_VEC(uint8_t) head;
        CS_VEC(struct block) blocks;
        CS_VEC(void *) chunks;
        uint64_t held, max;
        int file;

        pthread_mutex_t lock;
        pthread_cond_t changed;
        struct slot slots[SLOTS];
        bool closed; /* no more slots will be filled */
        enum cs_status status;
        struct cs_error err;
};

/* Remembers the first failure; the lock is held. */
static void failed(struct cs_store *s, enum cs_status status, const struct cs_error *err)
{
        if (s->status != CS_OK)
                return;
        s->status = status;
        s->err = *err;
}

/* Room for len packed bytes, or NULL with the failure noted. */
static uint8_t *lay_out(struct cs_store *s, struct lay *lay, size_t len)
{
        struct cs_error err;
        if (lay->left < len) {
                pthread_mutex_lock(&s->lock);
                uint64_t want = s->held + CHUNK_BYTES + s->blocks.cap * sizeof(struct block);
                void *chunk = MAP_FAILED;
                if (want > s->max)
                        failed(s,
                               cs_fail(&err, CS_ELIMIT,
                                       "decompressed, it takes more than %" PRIu64
                                       " MiB of memory; give --max-memory SIZE, or --temp-dir DIR",
                                       s->max >> 20),
                               &err);
                else if (cs_vec_reserve(&s->chunks, 1, &err) != CS_OK ||
                         (chunk = mmap(NULL, CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                                       -1, 0)) == MAP_FAILED)
                        failed(s, cs_fail(&err, CS_ENOMEM, "decompressed core"), &err);
                if (chunk != MAP_FAILED) {
                        (void)madvise(chunk, CHUNK_BYTES, MADV_DONTDUMP);
                        s->chunks.at[s->chunks.n++] = chunk;
                        s->held += CHUNK_BYTES;
                        lay->at = chunk;
                        lay->left = CHUNK_BYTES;
                }
                pthread_mutex_unlock(&s->lock);
                if (chunk == MAP_FAILED)
                        return NULL;
        }
        uint8_t *at = lay->at;
        lay->at += len;
        lay->left -= len;
        return at;
}

static bool pack(struct cs_store *s, struct lay *lay, const struct slot *slot)
{
        struct block packed[SLOT_BLOCKS] = { 0 };
        size_t n = 0;
        for (size_t at = 0; at < slot->len; at += BLOCK, n++) {
                const uint8_t *from = slot->bytes + at;
                size_t len = slot->len - at < BLOCK ? slot->len - at : BLOCK;
                if (cs_all_zero(from, len))
                        continue;
                int got = LZ4_compress_fast_extState(lay->lz4, (const char *)from, (char *)lay->packed,
                                                     (int)len, sizeof(lay->packed), ACCELERATION);
                bool worth = got > 0 && got < BLOCK - BLOCK / 16;
                packed[n].len = worth ? (uint32_t)got : BLOCK;
                uint8_t *to = lay_out(s, lay, packed[n].len);
                if (!to)
                        return false;
                memcpy(to, worth ? lay->packed : from, worth ? packed[n].len : len);
                packed[n].at = to;
        }
        struct cs_error err;
        pthread_mutex_lock(&s->lock);
        size_t first = (size_t)(slot->offset / BLOCK);
        size_t missing = first + n > s->blocks.n ? first + n - s->blocks.n : 0;
        enum cs_status st = missing ? cs_vec_reserve(&s->blocks, missing, &err) : CS_OK;
        if (st == CS_OK) {
                memset(s->blocks.at + s->blocks.n, 0, missing * sizeof(struct block));
                s->blocks.n += missing;
                memcpy(s->blocks.at + first, packed, n * sizeof(struct block));
                if (s->held + s->blocks.cap * sizeof(struct block) > s->max)
                        st = cs_fail(&err, CS_ELIMIT,
                                     "decompressed, it takes more than %" PRIu64
                                     " MiB of memory; give --max-memory SIZE, or --temp-dir DIR",
                                     s->max >> 20);
        }
        if (st != CS_OK)
                failed(s, st, &err);
        pthread_mutex_unlock(&s->lock);
        return st == CS_OK;
}

/* Zeros stay holes. */
static bool write_out(struct cs_store *s, const struct slot *slot)
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
                        enum cs_status st = cs_fail_sys(&err, n < 0 ? errno : ENOSPC, "--temp-dir");
                        pthread_mutex_lock(&s->lock);
                        failed(s, st, &err);
                        pthread_mutex_unlock(&s->lock);
                        return false;
                }
                at += (size_t)n;
        }
        return true;
}

/* Packs one full slot if there is one; the lock is held, and let go meanwhile. */
static bool pack_one(struct cs_store *s, struct lay *lay)
{
        for (size_t i = 0; i < SLOTS; i++) {
                struct slot *slot = &s->slots[i];
                if (slot->state != SLOT_FULL)
                        continue;
                slot->state = SLOT_TAKEN;
                bool drop = s->status != CS_OK;
                pthread_mutex_unlock(&s->lock);
                if (!drop)
                        (void)(s->file >= 0 ? write_out(s, slot) : pack(s, lay, slot));
                pthread_mutex_lock(&s->lock);
                slot->state = SLOT_FREE;
                pthread_cond_broadcast(&s->changed);
                return true;
        }
        return false;
}

static struct lay *lay_new(void)
{
        struct lay *lay = calloc(1, sizeof(*lay));
        if (lay)
                lay->lz4 = malloc((size_t)LZ4_sizeofState());
        if (lay && !lay->lz4) {
                free(lay);
                return NULL;
        }
        return lay;
}

static void lay_free(struct lay *lay)
{
        if (lay)
                free(lay->lz4);
        free(lay);
}

static void *help(void *argument)
{
        struct cs_store *s = argument;
        struct lay *lay = lay_new();
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
        lay_free(lay);
        return NULL;
}

/* A free slot; while there is none, this thread packs too. NULL: something failed. */
static struct slot *free_slot(struct cs_store *s, struct lay *lay)
{
        struct slot *found = NULL;
        pthread_mutex_lock(&s->lock);
        while (!found && s->status == CS_OK) {
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
        return CS_OK;
}

static enum cs_status pump(struct cs_store *s, struct cs_inflate *in, struct lay *lay, struct cs_error *err)
{
        static const uint64_t most = (uint64_t)CS_LIMIT_UNPACKED_GIB << 30;
        for (;;) {
                struct slot *slot = free_slot(s, lay);
                uint64_t end = s->extent_known && s->extent < most ? s->extent : most;
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

static enum cs_status fill(struct cs_store *s, struct cs_inflate *in, struct cs_error *err)
{
        long processors = sysconf(_SC_NPROCESSORS_ONLN);
        unsigned wanted = processors > HELPERS_MAX ? HELPERS_MAX : 1, helpers = 0;
        pthread_t threads[HELPERS_MAX];
        struct lay *lay = lay_new();
        if (!lay)
                return cs_fail(err, CS_ENOMEM, "decompression");
        while (helpers < wanted && pthread_create(&threads[helpers], NULL, help, s) == 0)
                helpers++;
        enum cs_status st = pump(s, in, lay, err);
        pthread_mutex_lock(&s->lock);
        s->closed = true;
        pthread_cond_broadcast(&s->changed);
        while (pack_one(s, lay))
                ;
        pthread_mutex_unlock(&s->lock);
        for (unsigned i = 0; i < helpers; i++)
                pthread_join(threads[i], NULL);
        lay_free(lay);
        if (st == CS_OK && s->status != CS_OK) {
                if (err)
                        *err = s->err;
                st = s->status;
        }
        if (cs_inflate_damage(in))
                (void)snprintf(s->damage, sizeof(s->damage), "%s", cs_inflate_damage(in));
        return st;
}

static enum cs_status open_file(struct cs_store *s, const char *dir, struct cs_error *err)
{
        s->file = open(dir, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
        if (s->file < 0)
                return cs_fail_sys(err, errno, "--temp-dir %.200s: no temporary file can be made there", dir);
        return CS_OK;
}

static uint64_t half_of_memory(void)
{
        long pages = sysconf(_SC_PHYS_PAGES);
        return pages > 0 ? (uint64_t)pages / 2 * CS_PAGE : UINT64_C(1) << 30;
}

static enum cs_status create(struct cs_store *s, int fd, enum cs_packing packing,
                             const struct cs_store_options *options, struct cs_error *err)
{
        struct cs_inflate *in = NULL;
        enum cs_status st = options->temp_dir ? open_file(s, options->temp_dir, err) : CS_OK;
        if (st == CS_OK)
                st = cs_inflate_create(fd, packing, &in, err);
        if (st != CS_OK)
                return st;
        for (size_t i = 0; i < SLOTS && st == CS_OK; i++)
                if (!(s->slots[i].bytes = malloc(SLOT_BYTES)))
                        st = cs_fail(err, CS_ENOMEM, "decompression");
        if (st == CS_OK)
                st = fill(s, in, err);
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
        static _Atomic uint64_t serial;
        struct cs_store *s = calloc(1, sizeof(*s));
        if (!s)
                return cs_fail(err, CS_ENOMEM, "decompression");
        s->serial = ++serial;
        s->file = -1;
        s->max = options->max_memory ? options->max_memory : half_of_memory();
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
        for (size_t i = 0; i < s->chunks.n; i++)
                munmap(s->chunks.at[i], CHUNK_BYTES);
        cs_vec_deinit(&s->chunks);
        cs_vec_deinit(&s->blocks);
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

static void unpack(const struct block *block, uint8_t *to)
{
        /* What we packed ourselves: its length is known, the last block's tail is never asked for. */
        if (block->len == BLOCK)
                memcpy(to, block->at, BLOCK);
        else
                (void)LZ4_decompress_safe((const char *)block->at, (char *)to, (int)block->len, BLOCK);
}

/* The block, from this thread's last few. */
static const uint8_t *cached(const struct cs_store *s, size_t number)
{
        static _Thread_local struct {
                uint64_t serial;
                size_t number;
                uint8_t bytes[BLOCK];
        } cache[CACHED];
        size_t i = number % CACHED;
        if (cache[i].serial != s->serial || cache[i].number != number) {
                unpack(&s->blocks.at[number], cache[i].bytes);
                cache[i].serial = s->serial;
                cache[i].number = number;
        }
        return cache[i].bytes;
}

size_t cs_store_read(const struct cs_store *s, uint64_t offset, void *buf, size_t len)
{
        uint8_t *to = buf;
        if (offset >= s->size)
                return 0;
        if (len > s->size - offset)
                len = (size_t)(s->size - offset);
        for (size_t done = 0; done < len;) {
                size_t number = (size_t)((offset + done) / BLOCK), within = (size_t)((offset + done) % BLOCK);
                size_t part = len - done < BLOCK - within ? len - done : BLOCK - within;
                const struct block *block = &s->blocks.at[number];
                if (!block->at)
                        memset(to + done, 0, part);
                else if (part == BLOCK)
                        unpack(block, to + done);
                else
                        memcpy(to + done, cached(s, number) + within, part);
                done += part;
        }
        return len;
}

bool cs_store_is_zero(const struct cs_store *s, uint64_t offset, size_t len)
{
        if (offset >= s->size || len > s->size - offset)
                return false;
        for (uint64_t number = offset / BLOCK; number <= (offset + len - 1) / BLOCK; number++)
                if (s->blocks.at[number].at)
                        return false;
        return len > 0;
}
