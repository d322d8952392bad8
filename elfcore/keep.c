/* SPDX-License-Identifier: Apache-2.0 */
#include "keep.h"

#include "budget.h"
#include "bytes.h"
#include "range.h"

#include <inttypes.h>
#include <lz4.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
        BLOCK = CS_KEEP_BLOCK,
        CHUNK_MOST =
                4
                << 20, /* what packed blocks are laid into; smaller where the bound is: each thread has its own */
        CHUNK_SHARE = 64,
        ACCELERATION = 4, /* of LZ4: the blocks live as long as the run, speed is worth more than size */
        CACHED = 4,
        ZEROS_MOST =
                16
                << 10, /* blocks that are counted at once: who asks for a page must not wait for a terabyte */
        PLAIN_SHARE = 4, /* one part of so many of the bound is for blocks as they are */
};

/* Where one thread lays its packed blocks. */
struct cs_lay {
        uint8_t *at;
        size_t left;
        uint8_t packed[LZ4_COMPRESSBOUND(BLOCK)];
        void *lz4; /* its state */
};

struct cs_lay *cs_lay_create(void)
{
        struct cs_lay *lay = calloc(1, sizeof(*lay));
        if (lay)
                lay->lz4 = malloc((size_t)LZ4_sizeofState());
        if (lay && !lay->lz4) {
                free(lay);
                return NULL;
        }
        return lay;
}

void cs_lay_destroy(struct cs_lay *lay)
{
        if (lay)
                free(lay->lz4);
        free(lay);
}

void cs_keep_init(struct cs_keep *keep, uint64_t max)
{
        static _Atomic uint64_t serial;
        uint64_t chunk = max / CHUNK_SHARE / BLOCK * BLOCK;
        *keep = (struct cs_keep){ .serial = ++serial, .max = max };
        keep->chunk = chunk < BLOCK ? BLOCK : chunk > CHUNK_MOST ? CHUNK_MOST : (size_t)chunk;
        pthread_mutex_init(&keep->lock, NULL);
}

void cs_keep_deinit(struct cs_keep *keep)
{
        for (size_t i = 0; i < keep->chunks.n; i++)
                munmap(keep->chunks.at[i], keep->chunk);
        if (keep->plain)
                munmap(keep->plain, keep->plain_len);
        cs_vec_deinit(&keep->chunks);
        cs_vec_deinit(&keep->blocks);
        pthread_mutex_destroy(&keep->lock);
}

void cs_keep_expect(struct cs_keep *keep, uint64_t len)
{
        uint64_t whole = (len + BLOCK - 1) / BLOCK * BLOCK, most = keep->max / PLAIN_SHARE / BLOCK * BLOCK;
        if (whole < len)
                return;
        /* The kernel, which keeps a budget, counts what is laid out as if it were used. */
        if (cs_budget() && whole > most)
                whole = most;
        void *at = whole == 0 ? MAP_FAILED
                              : mmap(NULL, whole, PROT_READ | PROT_WRITE,
                                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (at == MAP_FAILED) /* a limit on address space: all will be packed */
                return;
        /* Huge pages would turn every hole of a page into memory. */
        (void)madvise(at, whole, MADV_DONTDUMP);
        (void)madvise(at, whole, MADV_NOHUGEPAGE);
        pthread_mutex_lock(&keep->lock);
        keep->plain = at;
        keep->plain_len = whole;
        pthread_mutex_unlock(&keep->lock);
}

static enum cs_status full(const struct cs_keep *keep, struct cs_error *err)
{
        return cs_fail(err, CS_ELIMIT, "more than %" PRIu64 " MiB of memory", keep->max >> 20);
}

/* Takes so many bytes of the bound, if there are as many; the lock is held. */
static bool take(struct cs_keep *keep, uint64_t len)
{
        uint64_t table = keep->blocks.cap * sizeof(struct cs_kept);
        if (keep->held + table > keep->max || len > keep->max - keep->held - table)
                return false;
        keep->held += len;
        return true;
}

/* Room for len packed bytes. */
static enum cs_status lay_out(struct cs_keep *keep, struct cs_lay *lay, size_t len, uint8_t **out,
                              struct cs_error *err)
{
        if (lay->left < len) {
                void *chunk = MAP_FAILED;
                pthread_mutex_lock(&keep->lock);
                enum cs_status st = take(keep, keep->chunk) ? CS_OK : full(keep, err);
                if (st == CS_OK && (st = cs_vec_reserve(&keep->chunks, 1, err)) == CS_OK) {
                        chunk = mmap(NULL, keep->chunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                                     -1, 0);
                        if (chunk == MAP_FAILED)
                                st = cs_fail(err, CS_ENOMEM, "decompressed core");
                        else
                                keep->chunks.at[keep->chunks.n++] = chunk;
                }
                pthread_mutex_unlock(&keep->lock);
                if (st != CS_OK)
                        return st;
                (void)madvise(chunk, keep->chunk, MADV_DONTDUMP);
                lay->at = chunk;
                lay->left = keep->chunk;
        }
        *out = lay->at;
        lay->at += len;
        lay->left -= len;
        return CS_OK;
}

/* Bytes of the pages from `at` on that are alike: all zero, or all not. */
static size_t run_of_pages(const uint8_t *bytes, size_t at, size_t len, bool *zero)
{
        size_t end = at;
        while (end < len) {
                size_t page = len - end < CS_PAGE ? len - end : CS_PAGE;
                bool now = cs_all_zero(bytes + end, page);
                if (end > at && now != *zero)
                        break;
                *zero = now;
                end += page;
        }
        return end - at;
}

/* Keeps a block as it is, if there is room for it; pages of zeros stay untouched, and so take none. NULL: there is not. */
static uint8_t *put_plain(struct cs_keep *keep, uint64_t offset, const uint8_t *bytes, size_t len)
{
        size_t needed = 0;
        uint8_t *to = NULL;
        bool zero = false;
        for (size_t at = 0, n; at < len; at += n) {
                n = run_of_pages(bytes, at, len, &zero);
                needed += zero ? 0 : n;
        }
        pthread_mutex_lock(&keep->lock);
        if (keep->plain && offset < keep->plain_len && len <= keep->plain_len - offset &&
            keep->plain_held + needed <= keep->max / PLAIN_SHARE && take(keep, needed)) {
                keep->plain_held += needed;
                to = keep->plain + offset;
        }
        pthread_mutex_unlock(&keep->lock);
        for (size_t at = 0, n; to && at < len; at += n) {
                n = run_of_pages(bytes, at, len, &zero);
                if (zero)
                        continue;
#ifdef MADV_POPULATE_WRITE /* Linux 5.14: one call instead of a fault for each page, a third cheaper */
                if (n > CS_PAGE)
                        (void)madvise(to + at, n, MADV_POPULATE_WRITE);
#endif
                memcpy(to + at, bytes + at, n);
        }
        return to;
}

static enum cs_status put_packed(struct cs_keep *keep, struct cs_lay *lay, const uint8_t *bytes, size_t len,
                                 struct cs_kept *out, struct cs_error *err)
{
        int got = LZ4_compress_fast_extState(lay->lz4, (const char *)bytes, (char *)lay->packed, (int)len,
                                             sizeof(lay->packed), ACCELERATION);
        bool worth = got > 0 && got < BLOCK - BLOCK / 16;
        uint8_t *to;
        out->len = worth ? (uint32_t)got : BLOCK;
        enum cs_status st = lay_out(keep, lay, out->len, &to, err);
        if (st != CS_OK)
                return st;
        memcpy(to, worth ? lay->packed : bytes, worth ? out->len : len);
        out->at = to;
        return CS_OK;
}

/* Writes a block down; the table may have to grow. */
static enum cs_status note(struct cs_keep *keep, size_t number, struct cs_kept block, struct cs_error *err)
{
        pthread_mutex_lock(&keep->lock);
        size_t missing = number >= keep->blocks.n ? number + 1 - keep->blocks.n : 0;
        enum cs_status st = missing ? cs_vec_reserve(&keep->blocks, missing, err) : CS_OK;
        if (st == CS_OK && !take(keep, 0))
                st = full(keep, err);
        if (st == CS_OK) {
                memset(keep->blocks.at + keep->blocks.n, 0, missing * sizeof(struct cs_kept));
                keep->blocks.n += missing;
                keep->blocks.at[number] = block;
        }
        pthread_mutex_unlock(&keep->lock);
        return st;
}

enum cs_status cs_keep_put(struct cs_keep *keep, struct cs_lay *lay, uint64_t offset, const uint8_t *bytes,
                           size_t len, size_t *done, struct cs_error *err)
{
        for (*done = 0; *done < len;) {
                struct cs_kept block = { 0 };
                const uint8_t *from = bytes + *done;
                uint64_t at = offset + *done;
                size_t part = len - *done < BLOCK ? len - *done : BLOCK;
                enum cs_status st = CS_OK;
                if (!cs_all_zero(from, part)) {
                        block.at = put_plain(keep, at, from, part);
                        block.len = BLOCK;
                        if (!block.at)
                                st = put_packed(keep, lay, from, part, &block, err);
                }
                if (st == CS_OK)
                        st = note(keep, (size_t)(at / BLOCK), block, err);
                if (st != CS_OK)
                        return st;
                *done += part;
        }
        return CS_OK;
}

static void unpack(const struct cs_kept *block, uint8_t *to)
{
        /* What we packed ourselves: its length is known, the last block's tail is never asked for. */
        if (block->len == BLOCK)
                memcpy(to, block->at, BLOCK);
        else
                (void)LZ4_decompress_safe((const char *)block->at, (char *)to, (int)block->len, BLOCK);
}

/* The block, from this thread's last few. */
static const uint8_t *cached(const struct cs_keep *keep, size_t number)
{
        static _Thread_local struct {
                uint64_t serial;
                size_t number;
                uint8_t bytes[BLOCK];
        } cache[CACHED];
        size_t i = number % CACHED;
        if (keep->blocks.at[number].len == BLOCK)
                return keep->blocks.at[number].at;
        if (cache[i].serial != keep->serial || cache[i].number != number) {
                unpack(&keep->blocks.at[number], cache[i].bytes);
                cache[i].serial = keep->serial;
                cache[i].number = number;
        }
        return cache[i].bytes;
}

void cs_keep_read(const struct cs_keep *keep, uint64_t offset, void *buf, size_t len)
{
        uint8_t *to = buf;
        for (size_t done = 0, part; done < len; done += part) {
                size_t number = (size_t)((offset + done) / BLOCK), within = (size_t)((offset + done) % BLOCK);
                part = len - done < BLOCK - within ? len - done : BLOCK - within;
                const struct cs_kept *block = &keep->blocks.at[number];
                if (!block->at)
                        memset(to + done, 0, part);
                else if (part == BLOCK)
                        unpack(block, to + done);
                else
                        memcpy(to + done, cached(keep, number) + within, part);
        }
}

uint64_t cs_keep_zeros(const struct cs_keep *keep, uint64_t offset)
{
        size_t first = (size_t)(offset / BLOCK), number = first;
        while (number < keep->blocks.n && number - first < ZEROS_MOST && !keep->blocks.at[number].at)
                number++;
        return number > first ? (uint64_t)number * BLOCK - offset : 0;
}

bool cs_keep_is_zero(const struct cs_keep *keep, uint64_t offset, size_t len)
{
        for (uint64_t number = offset / BLOCK; number <= (offset + len - 1) / BLOCK; number++)
                if (keep->blocks.at[number].at)
                        return false;
        return len > 0;
}

const uint8_t *cs_keep_lend(const struct cs_keep *keep, uint64_t offset, size_t *len)
{
        uint64_t end = offset;
        /* Blocks of zeros have their place among the plain ones: nobody wrote there. */
        while (end - offset < *len && end < keep->plain_len) {
                const struct cs_kept *block = &keep->blocks.at[end / BLOCK];
                if (block->at && block->at != keep->plain + end / BLOCK * BLOCK)
                        break;
                end = (end / BLOCK + 1) * BLOCK;
        }
        if (end == offset)
                return NULL;
        if (*len > end - offset)
                *len = (size_t)(end - offset);
        return keep->plain + offset;
}
