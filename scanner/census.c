/* SPDX-License-Identifier: Apache-2.0 */
#include "census.h"

#include "runtimes.h"

static enum cs_status walk(void *context, struct cs_error *err)
{
        struct cs_census *c = context;
        return cs_heaps_walk(c->image, c->space, c->claims, c->heaps, err);
}

enum cs_status cs_census_begin(struct cs_census *c, bool beside, struct cs_error *err)
{
        enum cs_status st;
        if ((st = cs_runtimes_find(c->image, c->symbols, c->claims, err)) != CS_OK ||
            (st = cs_heaps_recognise(c->image, c->symbols, c->claims, c->heaps, err)) != CS_OK)
                return st;
        c->claimed = true;
        if (!beside)
                return walk(c, err);
        cs_beside_start(&c->walk, walk, c);
        return CS_OK;
}

enum cs_status cs_census_plan(const struct cs_census *c, const struct cs_residency *residency,
                              struct cs_regions *out, struct cs_error *err)
{
        const struct cs_heaps none = { 0 };
        const struct cs_regions_input in = { c->image, c->symbols, &none, c->claims, residency, true };
        return cs_regions_build(&in, out, err);
}

enum cs_status cs_census_end(struct cs_census *c, const struct cs_residency *residency, bool kinds_only,
                             struct cs_regions *out, struct cs_error *err)
{
        const struct cs_regions_input in = {
                c->image, c->symbols, c->heaps, c->claims, residency, kinds_only
        };
        enum cs_status st = cs_beside_wait(&c->walk, err);
        if (st != CS_OK || c->ended)
                return st;
        c->ended = true;
        st = cs_heaps_name(c->image, c->symbols, c->heaps, err);
        return st == CS_OK ? cs_regions_build(&in, out, err) : st;
}

void cs_census_deinit(struct cs_census *c)
{
        struct cs_error ignored;
        (void)!cs_beside_wait(&c->walk, &ignored);
}
