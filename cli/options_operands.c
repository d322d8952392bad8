/* SPDX-License-Identifier: Apache-2.0 */
#include "options_private.h"

#include <inttypes.h>
#include <string.h>

/* What differs between several looks has no other views; NULL: none was asked for. */
static const char *other_view(const struct cs_options *o)
{
        return o->show & CS_SHOW_REGIONS   ? "--regions"
               : o->show & CS_SHOW_HEAP    ? "--heap"
               : o->show & CS_SHOW_LEAKS   ? "--leaks"
               : o->show & CS_SHOW_AT      ? "--at"
               : o->show & CS_SHOW_REFS    ? "--refs"
               : o->show & CS_SHOW_STRINGS ? "--strings"
               : o->show & CS_SHOW_HITS    ? "--grep and --rules"
               : o->blocks                 ? "--blocks"
               : o->cluster                ? "--cluster"
               : o->region                 ? "--region"
                                           : NULL;
}

static enum cs_status take_snapshots(int n, char **operands, struct cs_options *o, struct cs_error *err)
{
        const char *other = other_view(o);
        if (other)
                return cs_fail(err, CS_EFORMAT,
                               "%s: of one core only; %d are compared by --summary, --clusters, --libraries",
                               other, n);
        o->snapshots = operands;
        o->n_snapshots = (size_t)n;
        return CS_OK;
}

static enum cs_status check_watch(const struct cs_options *o, struct cs_error *err)
{
        if (!(o->watch > 0) && o->samples)
                return cs_fail(err, CS_EFORMAT, "--samples %" PRIu64 ": of nothing; give --watch SECONDS",
                               o->samples);
        if (o->watch > 0 && !o->live)
                return cs_fail(err, CS_EFORMAT, "--watch: only a process changes; give --live PID");
        const char *other = other_view(o);
        if (o->watch > 0 && other)
                return cs_fail(err, CS_EFORMAT,
                               "--watch: it has no %s; it shows --summary, --clusters, --libraries", other);
        return CS_OK;
}

enum cs_status cs_options_take_operands(int n, char **operands, struct cs_options *o, struct cs_error *err)
{
        if (n == 0 && !o->live)
                return cs_fail(err, CS_EFORMAT,
                               "nothing to look at: give a core file, or --live PID; see corescan --help");
        if (n > 0 && o->live)
                return cs_fail(err, CS_EFORMAT,
                               "--live %d: a core file is given too (%.100s); leave out one of them", o->live,
                               operands[0]);
        if (o->freeze && !o->live)
                return cs_fail(err, CS_EFORMAT, "--freeze: only a process can be stopped; give --live PID");
        if (o->depth && !(o->show & CS_SHOW_REFS))
                return cs_fail(err, CS_EFORMAT, "--depth %u: of nothing; give --refs ADDR", o->depth);
        if (o->encoding && !(o->show & CS_SHOW_STRINGS))
                return cs_fail(err, CS_EFORMAT, "--encoding %.100s: of nothing; give --strings", o->encoding);
        if (o->reveal && !o->n_rules)
                return cs_fail(err, CS_EFORMAT,
                               "--reveal: there is nothing that would be hidden; give --rules or --grep");
        enum cs_status st = check_watch(o, err);
        if (st != CS_OK)
                return st;
        for (int i = 0; i < n; i++) {
                if (strcmp(operands[i], "-") == 0)
                        return cs_fail(err, CS_ENOTSUP,
                                       "-: reading standard input is not in this version; give a file");
                if (operands[i][0] == '\0')
                        return cs_fail(err, CS_EFORMAT, "the core file's name is empty");
        }
        o->core = n ? operands[0] : NULL;
        return n > 1 ? take_snapshots(n, operands, o, err) : CS_OK;
}
