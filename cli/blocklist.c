/* SPDX-License-Identifier: Apache-2.0 */
#include "blocklist.h"

#include "escape.h"

#include <inttypes.h>
#include <string.h>

static const char *leak_name(uint8_t leak)
{
        switch (leak) {
        case CS_LEAK_DIRECT:
                return "direct";
        case CS_LEAK_INDIRECT:
                return "indirect";
        case CS_LEAK_POSSIBLE:
                return "possible";
        default:
                return "-";
        }
}

/* What all blocks of a cluster have in common. Names are escaped: a tab or newline in one must not make a
 * column or a line. */
static const char *middle(struct cs_pool *pool, const struct cs_report_cluster *c)
{
        const char *name = c->library ? c->library : "-";
        const char *library = cs_escape_terminal(pool, name, strlen(name), CS_CHARSET_UTF8);
        const char *id = cs_escape_terminal(pool, c->id, strlen(c->id), CS_CHARSET_UTF8);
        if (!library || !id)
                return NULL;
        return cs_pool_printf(pool, "%s\t%.4g\t%s", library, c->library ? c->confidence : 0.0, id);
}

enum cs_status cs_blocklist_write(FILE *out, const struct cs_report *report, struct cs_error *err)
{
        cs_cleanup(cs_pool_deinit) struct cs_pool pool = { 0 };
        const char **middles = cs_pool_alloc(&pool, report->n_clusters + 1, sizeof(*middles));
        if (!middles)
                return cs_fail(err, CS_ENOMEM, "not enough memory for the list of blocks");
        for (size_t i = 0; i < report->n_clusters; i++) {
                middles[i] = middle(&pool, &report->clusters[i]);
                if (!middles[i])
                        return cs_fail(err, CS_ENOMEM, "not enough memory for the list of blocks");
        }
        for (size_t i = 0; i < report->n_blocks; i++) {
                const struct cs_report_block *b = &report->blocks[i];
                const char *common = b->cluster < report->n_clusters ? middles[b->cluster] : "-\t0\t-";
                if (fprintf(out, "0x%" PRIx64 "\t%" PRIu64 "\t%s\t%s\n", b->address, b->usable, common,
                            leak_name(b->leak)) < 0)
                        break;
        }
        return CS_OK;
}
