/* SPDX-License-Identifier: Apache-2.0 */
#include "contents.h"

#include "cs_limits.h"
#include "filetype.h"
#include "signature.h"

#include <inttypes.h>
#include <string.h>

enum {
        SAMPLES = 8, /* blocks that must agree: the first that does not ends it, */
        FEW = 2,     /* and how many it takes: one block's bytes may begin like a file by accident */
};

/* None of the first words points anywhere. */
static bool markless(const struct cs_cluster *c)
{
        return c->kind == CS_CLUSTER_SHAPE && !(c->shape & ((UINT64_C(1) << 8 * CS_SHAPE_WORDS) - 1)) &&
               c->count >= FEW;
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
        return n >= FEW;
}

enum cs_status cs_contents_name(const struct cs_describe *d, struct cs_report_cluster *clusters,
                                const char **warning, struct cs_error *err)
{
        cs_cleanup(cs_filetypes_closep) struct cs_filetypes *types = NULL;
        struct cs_error why;
        *warning = NULL;
        for (uint32_t c = 0, asked = 0; c < d->clusters->at.n && asked < CS_LIMIT_CONTENTS; c++) {
                const struct cs_cluster *of = &d->clusters->at.at[c];
                char type[CS_FILETYPE_TEXT];
                if (!markless(of))
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
                if (!what)
                        return cs_fail(err, CS_ENOMEM, "types of files");
                clusters[c].what = what;
        }
        return CS_OK;
}
