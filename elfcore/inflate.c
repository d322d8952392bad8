/* SPDX-License-Identifier: Apache-2.0 */
#include "inflate.h"

#include "bytes.h"

#include <endian.h>
#include <lz4frame.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

enum {
        INPUT_BYTES = 256 << 10,
        SKIPPABLE_MAX = 64, /* skippable frames that may stand before the first real one */
};

/* RFC 8878, 3.1.1 and 3.1.2; lz4_Frame_format.md 1.6.2, "Magic Number" and "Skippable Frames". */
static const uint32_t zstd_magic = 0xfd2fb528u, lz4_magic = 0x184d2204u, skippable_magic = 0x184d2a50u;

struct cs_inflate {
        int fd;
        off_t at; /* in the file */
        ZSTD_DCtx *zstd;
        LZ4F_dctx *lz4;
        uint8_t *input;
        size_t used, filled; /* of input */
        size_t more;         /* the library's hint: 0 between two frames */
        bool ended;
        char damage[128];
};

enum cs_packing cs_packing_of(int fd)
{
        off_t at = 0;
        for (int i = 0; i < SKIPPABLE_MAX; i++) {
                uint32_t head[2] = { 0 };
                if (pread(fd, head, sizeof(head), at) < (ssize_t)sizeof(head[0]))
                        return CS_PACKED_NOT;
                uint32_t magic = le32toh(head[0]);
                if (magic == zstd_magic)
                        return CS_PACKED_ZSTD;
                if (magic == lz4_magic)
                        return CS_PACKED_LZ4;
                if (memcmp(head,
                           "\xfd"
                           "7zXZ",
                           5) == 0)
                        return CS_PACKED_XZ;
                if ((magic & ~0xfu) != skippable_magic)
                        return CS_PACKED_NOT;
                at += (off_t)sizeof(head) + le32toh(head[1]);
        }
        return CS_PACKED_NOT;
}

const char *cs_packing_name(enum cs_packing packing)
{
        static const char *const names[] = { "not compressed", "zstd", "lz4", "xz" };
        return names[packing];
}

enum cs_status cs_inflate_create(int fd, enum cs_packing packing, struct cs_inflate **out,
                                 struct cs_error *err)
{
        if (packing != CS_PACKED_ZSTD && packing != CS_PACKED_LZ4)
                return cs_fail(err, CS_ENOTSUP,
                               "compressed with %s, which is not read here; decompress it first",
                               cs_packing_name(packing));
        struct cs_inflate *in = calloc(1, sizeof(*in));
        if (in) {
                in->fd = fd;
                in->input = malloc(INPUT_BYTES);
                if (packing == CS_PACKED_ZSTD)
                        in->zstd = ZSTD_createDCtx();
                else if (LZ4F_isError(LZ4F_createDecompressionContext(&in->lz4, LZ4F_VERSION)))
                        in->lz4 = NULL;
        }
        if (!in || !in->input || (!in->zstd && !in->lz4)) {
                cs_inflate_destroy(in);
                return cs_fail(err, CS_ENOMEM, "decompression");
        }
        *out = in;
        return CS_OK;
}

void cs_inflate_destroy(struct cs_inflate *in)
{
        if (!in)
                return;
        ZSTD_freeDCtx(in->zstd);
        (void)LZ4F_freeDecompressionContext(in->lz4);
        free(in->input);
        free(in);
}

/* One call of the library: how much went in and came out. False: damage. */
static bool step(struct cs_inflate *in, uint8_t *buf, size_t len, size_t *produced)
{
        const char *error = NULL;
        if (in->zstd) {
                ZSTD_outBuffer to = { buf, len, 0 };
                ZSTD_inBuffer from = { in->input, in->filled, in->used };
                in->more = ZSTD_decompressStream(in->zstd, &to, &from);
                if (ZSTD_isError(in->more))
                        error = ZSTD_getErrorName(in->more);
                in->used = from.pos;
                *produced = to.pos;
        } else {
                size_t took = in->filled - in->used;
                *produced = len;
                in->more = LZ4F_decompress(in->lz4, buf, produced, in->input + in->used, &took, NULL);
                if (LZ4F_isError(in->more)) {
                        error = LZ4F_getErrorName(in->more);
                        *produced = 0;
                } else {
                        in->used += took;
                }
        }
        if (error)
                (void)snprintf(in->damage, sizeof(in->damage), "is damaged: %s", error);
        return !error;
}

size_t cs_inflate_read(struct cs_inflate *in, void *buf, size_t len)
{
        size_t done = 0;
        while (done < len && !in->ended) {
                bool eof = false;
                if (in->used == in->filled) {
                        ssize_t n = pread(in->fd, in->input, INPUT_BYTES, in->at);
                        in->used = 0;
                        in->filled = n > 0 ? (size_t)n : 0;
                        in->at += (off_t)in->filled;
                        eof = n <= 0;
                        if (eof && in->more == 0)
                                in->ended = true; /* behind a whole frame: as it should */
                        if (in->ended)
                                break;
                }
                size_t before = in->used, produced = 0;
                bool good = step(in, (uint8_t *)buf + done, len - done, &produced);
                done += produced;
                in->ended = !good;
                /* Without input the library may still hold output of its own; when that is out, nothing moves any more. */
                if (good && produced == 0 && in->used == before) {
                        in->ended = true;
                        (void)snprintf(in->damage, sizeof(in->damage), eof ? "ends early" : "is damaged");
                }
        }
        return done;
}

const char *cs_inflate_damage(const struct cs_inflate *in)
{
        return in->damage[0] ? in->damage : NULL;
}
