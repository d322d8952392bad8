/* SPDX-License-Identifier: Apache-2.0 */
#include "contents.h"

#include "cs_limits.h"
#include "filetype.h"
#include "entropy.h"
#include "signature.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
        SAMPLES = 8,   /* blocks that must agree: the first that does not ends it, */
        FEW = 2,       /* and how many it takes: one small block's bytes may begin like a file by accident */
        COMPARED = 32, /* blocks that may all have the same bytes, */
        COMPARED_BYTES = 16 << 10, /* and what of each is looked at: its beginning, */
        COMPARED_END = 4 << 10,    /* and its end */
        NOTED = 1 << 10,           /* clusters of large blocks that are looked at: the largest */
};

static bool is_large(const struct cs_cluster *c)
{
        return c->min_units * CS_BLOCK_UNIT >= CS_ARRAY_BYTES;
}

/* None of the first words points anywhere. */
static bool markless(const struct cs_cluster *c)
{
        return c->kind == CS_CLUSTER_SHAPE && !(c->shape & ((UINT64_C(1) << 8 * CS_SHAPE_WORDS) - 1)) &&
               (c->count >= FEW || is_large(c));
}

/* Texts end early in files that begin with words. */
static bool may_be_file(const struct cs_cluster *c)
{
        return markless(c) || (c->kind == CS_CLUSTER_TEXT && is_large(c));
}

/* The one type that all samples of a cluster have. */
static bool type_of(const struct cs_describe *d, struct cs_filetypes *types, uint32_t cluster,
                    char out[CS_FILETYPE_TEXT])
{
        uint32_t sample[SAMPLES];
        size_t n = cs_members_sample(d->members, cluster, SAMPLES, sample);
        for (size_t i = 0; i < n; i++) {
                uint8_t bytes[CS_FILETYPE_BYTES];
                char type[CS_FILETYPE_TEXT];
                size_t got = 0;
                struct cs_block block = cs_blocks_get(d->blocks, sample[i]);
                uint64_t size = cs_block_usable(&block);
                if (cs_source_read(d->image->source, cs_block_user(&block), bytes,
                                   size < sizeof(bytes) ? (size_t)size : sizeof(bytes), &got,
                                   NULL) != CS_OK ||
                    !cs_filetype_tell(types, bytes, got, i ? type : out) || (i && strcmp(type, out) != 0))
                        return false;
        }
        return n >= FEW || (n && is_large(&d->clusters->at.at[cluster]));
}

struct sampled {
        uint64_t hashes[COMPARED];
        uint32_t kinds[CS_CONTENTS];
        size_t n;
};

static int by_value(const void *a, const void *b)
{
        const uint64_t *x = a, *y = b;
        return *x < *y ? -1 : *x > *y;
}

/* Are nine of ten the same bytes, as far as was looked? */
static bool are_same(struct sampled *s)
{
        size_t most = 0;
        qsort(s->hashes, s->n, sizeof(s->hashes[0]), by_value);
        for (size_t first = 0, end; first < s->n; first = end) {
                for (end = first + 1; end < s->n && s->hashes[end] == s->hashes[first];)
                        end++;
                if (end - first > most)
                        most = end - first;
        }
        return s->n >= FEW && most * 10 >= s->n * 9;
}

/* What the blocks of a cluster are as a whole, by a sample of them. */
static void look_at(const struct cs_describe *d, struct cs_view *view, uint32_t cluster, struct sampled *out)
{
        uint32_t sample[COMPARED];
        size_t n = cs_members_sample(d->members, cluster, COMPARED, sample);
        *out = (struct sampled){ .n = 0 };
        for (size_t i = 0; i < n; i++) {
                struct cs_block block = cs_blocks_get(d->blocks, sample[i]);
                struct cs_range r = cs_block_payload(&block);
                size_t got,
                        whole = cs_range_size(r) < COMPARED_BYTES ? (size_t)cs_range_size(r) : COMPARED_BYTES;
                const uint8_t *at = cs_view_whole(view, r.start, whole, &got);
                if (!at || got < CS_ENTROPY_LEAST)
                        continue;
                uint64_t hash = XXH3_64bits_withSeed(at, got, block.size);
                out->kinds[cs_entropy_judge(at, got)]++;
                at = cs_view_whole(view, r.end - COMPARED_END, COMPARED_END, &got);
                if (at)
                        hash = XXH3_64bits_withSeed(at, got, hash);
                out->hashes[out->n++] = hash;
        }
}

static enum cs_status note_contents(const struct cs_describe *d, struct cs_report_cluster *clusters,
                                    struct cs_error *err)
{
        struct cs_view view;
        const char *what = "";
        cs_view_init_hopping(&view, d->image->source);
        for (uint32_t c = 0, looked = 0; what && c < d->clusters->at.n && looked < NOTED; c++) {
                const struct cs_cluster *of = &d->clusters->at.at[c];
                struct sampled s;
                if (of->kind != CS_CLUSTER_SHAPE || !is_large(of))
                        continue;
                looked++;
                look_at(d, &view, c, &s);
                uint64_t size = of->min_units * CS_BLOCK_UNIT;
                for (enum cs_content k = 0; k < CS_CONTENTS; k++)
                        if (s.kinds[k] * 2 > s.n)
                                clusters[c].content = cs_content_name(k);
                bool noise = (s.kinds[CS_CONTENT_RANDOM] + s.kinds[CS_CONTENT_COMPRESSED]) * 2 > s.n;
                if (noise && s.kinds[CS_CONTENT_COMPRESSED])
                        clusters[c].content = cs_content_name(CS_CONTENT_COMPRESSED);
                if (s.kinds[CS_CONTENT_EMPTY] * 2 <= s.n && are_same(&s))
                        clusters[c].what = what =
                                cs_pool_printf(d->pool, "identical %" PRIu64 "-byte blocks", size);
                else if (noise && markless(of))
                        clusters[c].what = what =
                                cs_pool_printf(d->pool, "%" PRIu64 "-byte blocks of %s bytes", size,
                                               s.kinds[CS_CONTENT_COMPRESSED] ? "packed" : "random");
        }
        cs_view_deinit(&view);
        return what ? CS_OK : cs_fail(err, CS_ENOMEM, "contents");
}

enum cs_status cs_contents_name(const struct cs_describe *d, struct cs_report_cluster *clusters,
                                const char **warning, struct cs_error *err)
{
        cs_cleanup(cs_filetypes_closep) struct cs_filetypes *types = NULL;
        struct cs_error why;
        *warning = NULL;
        enum cs_status st = note_contents(d, clusters, err);
        if (st != CS_OK)
                return st;
        for (uint32_t c = 0, asked = 0; c < d->clusters->at.n && asked < CS_LIMIT_CONTENTS; c++) {
                const struct cs_cluster *of = &d->clusters->at.at[c];
                char type[CS_FILETYPE_TEXT];
                if (!may_be_file(of))
                        continue;
                /* The database takes milliseconds to load: not before something asks for it. */
                if (!types && cs_filetypes_open(&types, &why) != CS_OK) {
                        *warning =
                                cs_pool_printf(d->pool, "no types of files are told in memory: %s", why.text);
                        return *warning ? CS_OK : cs_fail(err, CS_ENOMEM, "warning");
                }
                asked++;
                if (!type_of(d, types, c, type))
                        continue;
                const char *what = cs_pool_printf(d->pool, "%s, %" PRIu64 "-byte blocks", type,
                                                  of->min_units * CS_BLOCK_UNIT);
                if (!what || !(clusters[c].type = cs_pool_copy(d->pool, type, strlen(type))))
                        return cs_fail(err, CS_ENOMEM, "types of files");
                if (of->kind != CS_CLUSTER_TEXT)
                        clusters[c].what = what;
        }
        return CS_OK;
}
