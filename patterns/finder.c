/* SPDX-License-Identifier: Apache-2.0 */
#include "finder_private.h"

#include <stdlib.h>

struct cs_finder {
        const struct cs_finder_engine *engine;
        void *tables;
};

struct cs_finder_scan {
        const struct cs_finder_engine *engine;
        void *scan;
};

bool cs_finder_has_vectorscan(void)
{
        return cs_finder_vectorscan != NULL;
}

enum cs_status cs_finder_create(const struct cs_needle *const *needles, size_t n, enum cs_finder_way way,
                                struct cs_finder **out, struct cs_error *err)
{
        const struct cs_finder_engine *engine = way == CS_FINDER_PAIRS        ? cs_finder_pairs
                                                : way == CS_FINDER_SETS       ? &cs_finder_sets
                                                : way == CS_FINDER_VECTORSCAN ? cs_finder_vectorscan
                                                                              : &cs_finder_plain;
        if (!engine)
                return cs_fail(err, CS_ENOTSUP, "built without this way to find needles");
        struct cs_finder *f = calloc(1, sizeof(*f));
        if (!f)
                return cs_fail(err, CS_ENOMEM, "tables of needles");
        f->engine = engine;
        enum cs_status st = f->engine->create(needles, n, &f->tables, err);
        if (st != CS_OK) {
                free(f);
                return st;
        }
        *out = f;
        return CS_OK;
}

void cs_finder_destroy(struct cs_finder *finder)
{
        if (!finder)
                return;
        finder->engine->destroy(finder->tables);
        free(finder);
}

enum cs_status cs_finder_scan_create(const struct cs_finder *finder, struct cs_finder_scan **out,
                                     struct cs_error *err)
{
        struct cs_finder_scan *s = calloc(1, sizeof(*s));
        if (!s)
                return cs_fail(err, CS_ENOMEM, "tables of needles");
        s->engine = finder->engine;
        enum cs_status st =
                s->engine->scan_create ? s->engine->scan_create(finder->tables, &s->scan, err) : CS_OK;
        if (st != CS_OK) {
                free(s);
                return st;
        }
        *out = s;
        return CS_OK;
}

void cs_finder_scan_destroy(struct cs_finder_scan *scan)
{
        if (!scan)
                return;
        if (scan->engine->scan_destroy)
                scan->engine->scan_destroy(scan->scan);
        free(scan);
}

bool cs_finder_run(const struct cs_finder *finder, struct cs_finder_scan *scan, const uint8_t *bytes,
                   size_t len, cs_finder_fn fn, void *context)
{
        return finder->engine->run(finder->tables, scan->scan, bytes, len, fn, context);
}
