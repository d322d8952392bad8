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

/* Names are escaped: a tab or newline in one must not make a column or a line. */
static const char *safe(struct cs_pool *pool, const char *text)
{
        return cs_escape_terminal(pool, text, strlen(text), CS_CHARSET_UTF8);
}

static enum cs_status fill(struct cs_pool *pool, const struct cs_report *report, const char **modules,
                           const char **clusters)
{
        for (size_t i = 0; i < report->n_modules; i++)
                if (!(modules[i] = safe(pool, report->module_names[i])))
                        return CS_ENOMEM;
        for (size_t i = 0; i < report->n_clusters; i++)
                if (!(clusters[i] = safe(pool, report->clusters[i].id)))
                        return CS_ENOMEM;
        return CS_OK;
}

enum cs_status cs_blocklist_write(FILE *out, const struct cs_report *report, struct cs_error *err)
{
        cs_cleanup(cs_pool_deinit) struct cs_pool pool = { 0 };
        const char **modules = cs_pool_alloc(&pool, report->n_modules + 1, sizeof(*modules));
        const char **clusters = cs_pool_alloc(&pool, report->n_clusters + 1, sizeof(*clusters));
        if (!modules || !clusters || fill(&pool, report, modules, clusters) != CS_OK)
                return cs_fail(err, CS_ENOMEM, "not enough memory for the list of blocks");
        for (size_t i = 0; i < report->n_blocks; i++) {
                const struct cs_report_block *b = &report->blocks[i];
                bool owned = b->module < report->n_modules;
                if (fprintf(out, "0x%" PRIx64 "\t%" PRIu64 "\t%s\t%.4g\t%s\t%s\n", b->address, b->usable,
                            owned ? modules[b->module] : "-", owned ? (double)b->confidence : 0.0,
                            b->cluster < report->n_clusters ? clusters[b->cluster] : "-",
                            leak_name(b->leak)) < 0)
                        break;
        }
        return CS_OK;
}
