/* SPDX-License-Identifier: Apache-2.0 */
#include "relate.h"

#include "work.h"

struct relation {
        const struct cs_leaks_input *leaks_in;
        struct cs_leaks *leaks;
        const struct cs_owners_input *owners_in;
        struct cs_owners *owners;
};

enum { FIND_LEAKS, FIND_OWNERS, FINDS };

/* Of the graph that both have, one writes the marks, and the other takes over what blocks say of themselves. */
static enum cs_status do_find(void *context, size_t unit, unsigned worker, struct cs_error *err)
{
        struct relation *r = context;
        (void)worker;
        return unit == FIND_LEAKS ? cs_leaks_find(r->leaks_in, r->leaks, err)
                                  : cs_owners_find(r->owners_in, r->owners, err);
}

enum cs_status cs_relate(const struct cs_leaks_input *leaks_in, struct cs_leaks *leaks,
                         const struct cs_owners_input *owners_in, struct cs_owners *owners, unsigned workers,
                         struct cs_error *err)
{
        struct relation r = { leaks_in, leaks, owners_in, owners };
        return cs_work_run(workers, FINDS, do_find, &r, err);
}
